"""Numbers in words for tables and charts: any number can be said, and the side of no change is never lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.publication import numbers as say
from evaluation.publication import people

ANY = st.one_of(st.floats(-1e7, 1e7), st.floats(-1, 1), st.sampled_from([0.0, -0.0, 0.04, -0.04, 9.95, 99.5, 1e-12]))
RANGES = st.tuples(ANY, ANY, ANY).map(sorted).map(lambda v: dict(zip(("lower", "median", "upper"), v, strict=True)))


@pytest.mark.parametrize(
    ("averted", "words"),
    [
        (45.2, "45 fewer"),
        (-3.21, "3.2 more"),
        (0.04, "under 0.1 fewer"),
        (-0.001, "under 0.1 more"),
        (0.0, "none fewer"),
        (12345.0, "12,345 fewer"),
    ],
)
def test_events_averted_as_a_direction(averted: float, words: str) -> None:
    assert say.fewer(averted) == words


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        (12.0, 80.0, "12 to 80 fewer"),
        (-30.0, -5.0, "5.0 to 30 more"),
        (-5.0, 30.0, "5.0 more to 30 fewer"),
        (0.01, 30.0, "under 0.1 fewer to 30 fewer"),
        (-0.01, 30.0, "under 0.1 more to 30 fewer"),
    ],
)
def test_intervals_of_events_averted(lower: float, upper: float, words: str) -> None:
    assert say.fewer_range({"lower": lower, "upper": upper}) == words


@given(RANGES)
def test_any_range_can_be_said_and_keeps_its_sides(summary: dict[str, float]) -> None:
    told = say.fewer_range(summary)
    if summary["lower"] < 0 < summary["upper"]:
        assert "more" in told and "fewer" in told
    for words in (
        say.change_range(summary),
        say.shift_range(summary, "points"),
        people.events(summary, "assaults"),
        told,
    ):
        assert words and "nan" not in words and "-" not in words
    for value in summary.values():
        assert say.plain(value) and say.probability(value)
        assert say.significant(value) == pytest.approx(value, rel=0.006)
