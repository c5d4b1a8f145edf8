"""Numbers as people: rounded, never to nothing, never across the side of no change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.publication import people


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.2, "under 1"), (-0.4, "under 1"), (0.6, "1"), (14.4, "14"), (99.4, "99"), (99.6, "100"), (713, "710"),
     (1484.5, "1,500"), (-2203, "2,200"), (1_234_567, "1,200,000")],
)  # fmt: skip
def test_numbers_of_events(value: float, said: str) -> None:
    assert people.whole(value) == said


@pytest.mark.parametrize(
    ("median", "lower", "upper", "said"),
    [
        (14, 3, 26, "about 14 fewer assaults, between 3 and 26"),
        (1484.5, 713.4, 2203.3, "about 1,500 fewer assaults, between 710 and 2,200"),
        (-30, -50, -10, "about 30 more assaults, between 10 and 50"),
        (4.1, -7.2, 15, "between 7 more and 15 fewer assaults; best estimate 4 fewer"),
        (-4.1, -15, 7.2, "between 15 more and 7 fewer assaults; best estimate 4 more"),
        (20.2, 20.1, 20.3, "about 20 fewer assaults"),
        (0, -3, 3, "between 3 more and 3 fewer assaults; best estimate no change"),
        (0, 0, 0, "neither fewer nor more assaults"),
        (5, 0.2, 11, "about 5 fewer assaults, between under 1 and 11"),
    ],
)
def test_events_as_people_say_them(median: float, lower: float, upper: float, said: str) -> None:
    assert people.events({"median": median, "lower": lower, "upper": upper}, "assaults") == said


@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=3, max_size=3).map(sorted))
def test_words_and_interval_agree_on_the_side(numbers: list[float]) -> None:
    lower, median, upper = numbers
    said = people.events({"median": median, "lower": lower, "upper": upper}, "assaults")
    across = lower < 0 < upper
    assert said.startswith("between") == across
    if not across and (lower or upper):
        assert ("fewer" in said) == (lower >= 0) and ("more" in said) == (lower < 0)


@given(st.floats(1, 1e9))
def test_rounding_changes_little(value: float) -> None:
    assert float(people.whole(value).replace(",", "")) == pytest.approx(value, rel=0.05, abs=0.5)


def found(**changes: object) -> dict[str, object]:
    return {"rating": "benefit", "events_averted": {"median": 14, "lower": 3, "upper": 26}} | changes


def test_a_finding_in_a_sentence() -> None:
    said = people.sentence(found(), "assaults", "From April 2023 to March 2025")
    assert said == "From April 2023 to March 2025: about 14 fewer assaults than expected without it, between 3 and 26."
    against = people.sentence(found(disqualified_by=["pre_trend"]), "assaults", "Since April")
    assert against.endswith("between 3 and 26. A check speaks against calling that an effect.")
    unsure = found(rating="unclear", events_averted={"median": 4, "lower": -7, "upper": 15})
    assert (
        people.sentence(unsure, "assaults", "Since April")
        == "Since April: between 7 more and 15 fewer assaults; best estimate 4 fewer."
    )
    assert people.sentence(found(rating="failed"), "assaults", "Since") == ""
    assert people.sentence(found(events_averted=None), "points", "Since") == ""
