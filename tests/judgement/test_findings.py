"""Ratings, confidence and headlines: words and interval never contradict each other."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.inference.checks import Check
from evaluation.inference.effects import Diagnostics, Summary, estimate
from evaluation.inference.frame import Frame
from evaluation.judgement import findings
from evaluation.judgement.findings import find, judge_confidence, rate
from evaluation.protocol import Indicator
from tests.inference.fabricated import draws, fit_of_effect, frame

GOOD = Diagnostics(1.001, 1500.0, 1400.0, 0, 4000)
ASSAULTS = Indicator(key="assaults", title="Recorded assaults", unit="assaults")


def did(treated: int = 2, comparison: int = 4, start: int = 36, n: int = 48, **changes: Any) -> Frame:
    return frame(np.full((treated + comparison, n), 50.0), [start] * treated + [n] * comparison, **changes)


def its(start: int = 36, **changes: Any) -> Frame:
    return frame(np.full((1, 48), 50.0), [start], design="its", **changes)


def interval(lower: float, upper: float) -> Summary:
    return Summary((lower + upper) / 2, (lower + upper) / 2, lower, upper)


def passed(name: str = "placebo_in_time") -> Check:
    return Check(name, True, "Fine.")


def alarm(name: str, towards: str = "") -> Check:
    return Check(name, False, f"{name} failed.", towards)


# --- rating -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "upper", "rating"),
    [
        (0.7, 0.9, "benefit"), (1.1, 1.3, "harm"), (0.97, 1.03, "no_meaningful_effect"),
        (0.9, 1.1, "too_small_to_tell"),
        (0.9, 1.03, "unclear"), (0.97, 1.1, "unclear"), (0.98, 0.999, "benefit"), (0.95, 1.0, "unclear"),
        (1.0, 1.04, "no_meaningful_effect"),
    ],
)  # fmt: skip
def test_rating_of_a_rate_ratio(lower: float, upper: float, rating: str) -> None:
    assert rate(did(), interval(lower, upper), [passed()]) == rating
    opposite = {"benefit": "harm", "harm": "benefit"}.get(rating, rating)
    better = did(direction="higher_is_better", meaningful=1 / 0.95)
    assert rate(better, interval(lower, upper), [passed()]) == opposite


@pytest.mark.parametrize(
    ("lower", "upper", "rating"),
    [
        (-3, -1, "benefit"),
        (1, 3, "harm"),
        (-1, 1, "no_meaningful_effect"),
        (-3, 3, "too_small_to_tell"),
        (-3, 1, "unclear"),
    ],
)
def test_rating_of_a_difference(lower: float, upper: float, rating: str) -> None:
    assert rate(did(likelihood="normal", meaningful=-2.0), interval(lower, upper), []) == rating


def test_without_a_meaningful_effect_nothing_is_called_small() -> None:
    for lower, upper in ((-1, 1), (-30, 30)):
        assert rate(did(likelihood="normal", meaningful=None), interval(lower, upper), []) == "unclear"


@pytest.mark.parametrize("name", findings.DISQUALIFYING)
@pytest.mark.parametrize(
    ("lower", "upper", "same", "other"), [(0.7, 0.9, "lower", "higher"), (1.1, 1.3, "higher", "lower")]
)
def test_an_effect_seen_where_none_can_be_is_not_called_one(name, lower, upper, same, other) -> None:
    assert rate(did(), interval(lower, upper), [alarm(name, same)]) == "unclear"
    assert rate(did(), interval(lower, upper), [alarm(name, other)]) in ("benefit", "harm"), (
        "against the bias: it stands"
    )
    assert rate(did(), interval(lower, upper), [alarm("unaffected_outcome", same)]) in ("benefit", "harm")


RATIO = st.floats(0.05, 20.0)
DIRECTION = st.sampled_from(["lower_is_better", "higher_is_better"])
MEANINGFUL = st.one_of(st.none(), st.floats(0.5, 2.0).filter(lambda v: abs(v - 1) > 1e-6))


@given(RATIO, RATIO, DIRECTION, MEANINGFUL)
def test_benefit_or_harm_exactly_when_no_effect_is_excluded(
    a: float, b: float, direction: str, meaningful: float | None
) -> None:
    lower, upper = sorted((a, b))
    of = did(direction=direction, meaningful=meaningful)
    rating = rate(of, interval(lower, upper), [passed(), alarm("data_quality"), alarm("pre_trend")])
    assert rating in findings.RATINGS
    excluded = upper < 1 or lower > 1
    assert (rating in ("benefit", "harm")) == excluded
    if excluded:
        assert (rating == "benefit") == ((upper < 1) == (direction == "lower_is_better"))


# --- confidence ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "checks", "level"),
    [
        (did(2, 4), [passed()], "high"),
        (did(1, 4), [passed()], "moderate"),
        (did(2, 3), [passed()], "moderate"),
        (its(), [passed()], "moderate"),
        (did(2, 4, start=24), [passed()], "high"),
        (did(2, 4, start=23), [passed()], "moderate"),
        (its(start=23), [passed()], "low"),
        (did(2, 4), [Check("placebo_in_time", None, "Not tried.")], "moderate"),
        (did(2, 4), [Check("pre_trend", None, "Not measured.")], "moderate"),
        (its(), [Check("placebo_in_time", None, "Not tried.")], "moderate"),
        (did(2, 4), [Check("posterior_predictive", None, "Too few.")], "high"),
        (did(2, 4), [Check("breakdown", None, "No clear finding to overturn.")], "high"),
        (did(2, 4), [passed(), alarm("data_quality")], "moderate"),
        (did(2, 4), [alarm("placebo_in_time", "lower"), alarm("data_quality")], "low"),
        (did(2, 4), [alarm("a"), alarm("b"), alarm("c"), alarm("d")], "low"),
        (did(2, 4), [Check("placebo_in_time", None, "Not tried."), alarm("data_quality")], "low"),
    ],
)
def test_confidence_rules(of: Frame, checks: list[Check], level: str) -> None:
    found, reasons = judge_confidence(of, checks, draft=False)
    assert found == level
    assert bool(reasons) == (level != "high"), "what was taken off is said, and only that"
    for check in checks:
        assert (check.sentence in reasons) == (
            check.passed is False or (check.passed is None and check.name in findings.BEFORE_THE_START)
        )


def test_a_draft_has_low_confidence() -> None:
    level, reasons = judge_confidence(did(), [passed()], draft=True)
    assert level == "low"
    assert any(reason.startswith("Draft") for reason in reasons)


def test_years_before_are_years_of_usable_data() -> None:
    used = np.ones((6, 48), dtype=bool)
    used[:, :13] = False  # 36 periods before the start, 23 of them usable
    assert judge_confidence(did(used=used), [passed()], draft=False)[0] == "moderate"


@given(st.lists(st.sampled_from([True, False, None]), max_size=6), st.booleans())
def test_a_further_failed_check_never_raises_confidence(results: list[bool | None], draft: bool) -> None:
    checks = [Check(f"c{i}", result, f"c{i}.") for i, result in enumerate(results)]
    before, _ = judge_confidence(did(), checks, draft=draft)
    after, _ = judge_confidence(did(), [*checks, alarm("x")], draft=draft)
    assert findings.LEVELS.index(after) <= findings.LEVELS.index(before)


# --- the whole entry ----------------------------------------------------------------------------------------------


def entry(
    of: Frame, effect: np.ndarray, *checks: Check, indicator: Indicator = ASSAULTS, draft: bool = False
) -> dict[str, Any]:
    estimands = estimate(of, fit_of_effect(of, effect))
    return find(of, indicator, estimands, GOOD, checks, 0.95, draft=draft)


TAIL = "because of this, if the design's assumptions hold."
# centre, standard deviation, checks, rating, what was found, the interval in words, and how the sentence ends
GOLDEN = [
    (0.8, 0.03, (), "benefit", "Recorded assaults: 20% lower", "14% to 26% lower",
     f". It is almost certain (more than 99%) that it fell {TAIL}"),
    (1.2, 0.04, (), "harm", "Recorded assaults: 20% higher", "12% to 28% higher",
     f". There is a remote chance (less than 1%) that it fell {TAIL}"),
    (0.995, 0.01, (), "no_meaningful_effect", "No effect worth acting on. Recorded assaults: 0.5% lower",
     "2% lower to 1.5% higher", f". It is likely (69%) that it fell {TAIL}"),
    (0.93, 0.05, (), "unclear", "Unclear. Recorded assaults: 7% lower", "17% lower to 3% higher",
     f". It is highly likely (92%) that it fell {TAIL}"),
    (0.95, 0.2, (), "too_small_to_tell", "Too small to tell. Recorded assaults: 5% lower", "44% lower to 34% higher",
     f". It is likely (60%) that it fell {TAIL}"),
    (0.8, 0.03, (alarm("pre_trend", "lower"),), "unclear", "Not called an effect: Recorded assaults: 20% lower",
     "14% to 26% lower", ", but a check found the same where there can be none."),
    (0.8, 0.03, (alarm("breakdown", "lower"),), "unclear", "Not called an effect: Recorded assaults: 20% lower",
     "14% to 26% lower", ", but the drift before the start, had it gone on, would undo it."),
]  # fmt: skip


def exact(centre: float, sd: float) -> np.ndarray:
    """Draws whose quantiles are those of the normal distribution, so that the text does not hang on a generator."""
    from scipy import stats

    return stats.norm(centre, sd).ppf((np.arange(4000) + 0.5) / 4000).reshape(4, 1000)


@pytest.mark.parametrize(
    ("centre", "sd", "checks", "rating", "found", "spread", "end"),
    GOLDEN,
    ids=["-".join([g[3], *(c.name for c in g[2])]) for g in GOLDEN],
)
def test_headlines(
    centre: float, sd: float, checks: tuple[Check, ...], rating: str, found: str, spread: str, end: str
) -> None:
    made = entry(did(), exact(centre, sd), *checks)
    assert made["rating"] == rating
    assert made["headline"] == f"{found} than expected without it (95% credible interval {spread}){end}"


def test_headline_of_a_score() -> None:
    indicator = Indicator(key="fear", title="Feeling of safety", likelihood="normal", direction="higher_is_better")
    of = did(likelihood="normal", direction="higher_is_better", meaningful=1.0, scale=3.0)
    found = entry(of, exact(2.0, 0.5), indicator=indicator)
    assert found["rating"] == "benefit"
    assert found["headline"] == (
        "Feeling of safety differed by +2 from what was expected without it (95% credible interval +1.02 to +2.98). "
        f"It is almost certain (more than 99%) that it rose {TAIL}"
    )
    assert found["difference"]["median"] == pytest.approx(2.0, abs=1e-3)
    assert not {"rate_ratio", "percent_change", "events_averted"} & set(found)
    assert found["prob_meaningful"] == pytest.approx(0.977, abs=2e-3)


def test_headline_of_no_change_at_all() -> None:
    found = entry(did(), np.ones((2, 2)))
    assert "Recorded assaults: no different from what was expected without it" in found["headline"]


def test_a_failed_entry_has_the_same_keys_and_no_number() -> None:
    good = entry(did(), exact(0.8, 0.03))
    bad = findings.fail(did(), "primary", "did", "negative_binomial", "Recorded assaults", "R-hat was 1.2.", 0.95)
    assert set(bad) == set(good)
    assert bad["rating"] == "failed"
    assert bad["headline"] == "Recorded assaults: no estimate is shown. R-hat was 1.2."
    for name in ("rate_ratio", "percent_change", "events_averted", "prob_benefit", "prob_meaningful", "phrase"):
        assert bad[name] is None
    early = findings.fail(None, "primary", "did", "normal", "Safety", "No data.", 0.95)
    assert early["difference"] is None
    assert "rate_ratio" not in early


def test_an_entry_keeps_the_contract_and_is_plain_json() -> None:
    found = entry(did(), exact(0.8, 0.03), passed(), Check("pre_trend", None, "Not measured."))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    promised = (
        "role design likelihood n_areas n_treated n_periods rate_ratio percent_change events_averted by_event_time"
    )
    promised += " prob_benefit prob_meaningful interval phrase confidence rating headline caveats diagnostics checks"
    assert set(promised.split()) <= set(found)
    assert set(found["rate_ratio"]) == {"mean", "median", "lower", "upper"}
    assert set(found["diagnostics"]) == {"rhat_max", "ess_bulk_min", "ess_tail_min", "divergences"}
    assert [c["passed"] for c in found["checks"]] == [True, None]
    assert [e["event_time"] for e in found["by_event_time"]] == list(range(12))
    assert (found["n_areas"], found["n_treated"], found["n_periods"]) == (6, 2, 48)


@given(st.floats(0.3, 3.0), st.floats(0.005, 0.4), DIRECTION)
def test_words_and_interval_never_contradict_each_other(centre: float, sd: float, direction: str) -> None:
    indicator = Indicator(key="x", title="X", direction=direction)  # type: ignore[arg-type]
    of = did(1, 1, start=11, n=12, direction=direction, meaningful=0.95 if direction == "lower_is_better" else 1 / 0.95)
    effect = np.exp(draws(np.log(centre), sd, chains=1, n=200))
    found = entry(of, effect, indicator=indicator)
    change, ratio, headline = found["percent_change"], found["rate_ratio"], found["headline"]
    assert change["lower"] == pytest.approx(100 * (ratio["lower"] - 1))
    spread = headline.split("(95% credible interval ")[1].split(")")[0]
    assert ("lower" in spread) == (change["lower"] < 0)
    assert ("higher" in spread) == (change["upper"] > 0)
    if found["rating"] in ("benefit", "harm"):
        assert ("lower" in spread) != ("higher" in spread)
        favourable = found["prob_benefit"] if found["rating"] == "benefit" else 1 - found["prob_benefit"]
        assert favourable >= 0.975 - 1 / 200, "of 200 draws"
        averted = found["events_averted"]
        assert np.sign(averted["lower"]) == np.sign(averted["upper"]) == (1 if ratio["median"] < 1 else -1)
    assert found["phrase"] in headline


def test_divergences_and_notes_are_caveats() -> None:
    of = did(notes=["4 periods are left out."])
    found = find(
        of,
        ASSAULTS,
        estimate(of, fit_of_effect(of, exact(0.8, 0.03))),
        Diagnostics(1.0, 900, 900, 2, 4000),
        [],
        0.95,
        draft=False,
    )
    assert found["caveats"] == ["4 periods are left out.", "2 of 4000 draws diverged."]


def broken(at: str, of: Frame) -> list[str]:
    indicator = Indicator.model_validate({"key": "x", "title": "X", "breaks": [{"from": at, "because": "new rules"}]})
    return findings.recording_breaks(of, indicator)


@pytest.mark.parametrize(
    ("at", "said"), [("2018-05", True), ("2018-01", True), ("2021-12", True), ("2017-12", False), ("2022-01", False)]
)
def test_breaks_in_recording_are_said_when_they_fall_in_the_period(at: str, said: bool) -> None:
    assert broken(at, did()) == ([f"Recording changed in {at}: new rules."] if said else [])


QUARTERS = [f"{y}-Q{q}" for y in range(2018, 2022) for q in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("at", "periods"),
    [("2018-09", QUARTERS), ("2021-Q2", None), ("2021-06", ["2018", "2019", "2020", "2021"]), ("2018", None)],
    ids=[
        "month in quarters",
        "quarter in the last year of months",
        "month in the last of years",
        "first year of months",
    ],
)
def test_breaks_of_another_frequency_are_said(at: str, periods: list[str] | None) -> None:
    of = (
        did()
        if periods is None
        else frame(np.full((2, len(periods)), 9.0), [len(periods) - 1, len(periods)], periods=periods)
    )
    assert broken(at, of)
