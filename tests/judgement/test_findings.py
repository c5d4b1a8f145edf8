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
from evaluation.protocol.partnership import Thresholds
from tests.inference.fabricated import fit, fit_of_effect, frame
from tests.judgement.contradictions import find_contradictions

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


TAIL = "because of this, if the design's assumptions hold"
# centre, standard deviation, checks, rating, what was found, the interval in words, and how the sentence ends
GOLDEN = [
    (0.8, 0.03, (), "benefit", "Strong evidence of benefit. Recorded assaults: 20% lower", "14% to 26% lower",
     f". It is almost certain (more than 99%) that it fell {TAIL}; high confidence."),
    (1.2, 0.04, (), "harm", "Possible harm. Recorded assaults: 20% higher", "12% to 28% higher",
     f". There is a remote chance (less than 1%) that it fell {TAIL}; high confidence."),
    (0.995, 0.01, (), "no_meaningful_effect", "No effect worth acting on. Recorded assaults: 0.5% lower",
     "2% lower to 1.5% higher", f". It is likely (69%) that it fell {TAIL}, but the whole interval is smaller than what "
     "is worth acting on (5%); high confidence."),
    (0.93, 0.05, (), "unclear", "No clear effect. Recorded assaults: 7% lower", "17% lower to 3% higher",
     f". It is highly likely (92%) that it fell {TAIL}; high confidence."),
    (0.92, 0.05, (), "unclear", "Promising. Recorded assaults: 8% lower", "18% lower to 1.8% higher",
     f". It is almost certain (95%) that it fell {TAIL}; high confidence."),
    (0.95, 0.2, (), "too_small_to_tell", "Too small or too early to tell. Recorded assaults: 5% lower",
     "44% lower to 34% higher", f". It is likely (60%) that it fell {TAIL}; high confidence."),
    (0.75, 0.157, (), "unclear", "Promising. Recorded assaults: 25% lower", "56% lower to 6% higher",
     f". It is almost certain (94%) that it fell {TAIL}; high confidence."),
    (0.8, 0.03, (alarm("pre_trend", "lower"),), "unclear", "Not called an effect: Recorded assaults: 20% lower",
     "14% to 26% lower", ", but a check found the same where there can be none; moderate confidence."),
    (0.8, 0.03, (alarm("breakdown", "lower"),), "unclear", "Not called an effect: Recorded assaults: 20% lower",
     "14% to 26% lower", ", but the drift before the start, had it gone on, would undo it; moderate confidence."),
]  # fmt: skip


def exact(centre: float, sd: float) -> np.ndarray:
    """Draws whose quantiles are those of the normal distribution, so that the text does not hang on a generator."""
    from scipy import stats

    return stats.norm(centre, sd).ppf((np.arange(4000) + 0.5) / 4000).reshape(4, 1000)


@pytest.mark.parametrize(
    ("centre", "sd", "checks", "rating", "found", "spread", "end"),
    GOLDEN,
    ids=["-".join([g[3], str(g[0]), *(c.name for c in g[2])]) for g in GOLDEN],
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
        "Strong evidence of benefit. Feeling of safety differed by +2 from what was expected without it (95% credible interval "
        f"+1.02 to +2.98). It is almost certain (more than 99%) that it rose {TAIL}; high confidence."
    )
    assert found["difference"]["median"] == pytest.approx(2.0, abs=1e-3)
    assert not {"rate_ratio", "percent_change", "events_averted"} & set(found)
    assert found["prob_meaningful"] == pytest.approx(0.977, abs=2e-3)


def test_headline_of_no_change_at_all() -> None:
    for direction in ("lower_is_better", "higher_is_better"):
        found = entry(
            did(direction=direction), np.ones((2, 2)), indicator=ASSAULTS.model_copy(update={"direction": direction})
        )
        assert "Recorded assaults: no different from what was expected without it" in found["headline"]
        assert "a realistic possibility (about even, 50%)" in found["headline"], (
            "no effect is neither a benefit nor a harm"
        )


def test_an_outcome_that_should_not_change_is_told_as_a_check() -> None:
    moved, still = (entry(did(role="unaffected"), exact(centre, 0.03)) for centre in (0.8, 1.0))
    assert moved["headline"] == (
        "Changed, although it should not have. Recorded assaults: 20% lower than expected without it (95% credible interval "
        "14% to 26% lower). That is a reason to doubt the comparison."
    )
    assert still["headline"].startswith("No clear change. Recorded assaults:")
    assert still["headline"].endswith("That is as it should be.")
    assert moved["grade"] is still["grade"] is None


def test_a_narrow_interval_alone_is_not_a_benefit() -> None:
    """Half of the probability lies inside: no effect is excluded, yet a benefit is only likely."""
    of = did()
    found = find(of, ASSAULTS, estimate(of, fit_of_effect(of, exact(0.97, 0.04))), GOOD, [], 0.5, draft=False)
    assert found["percent_change"]["upper"] < 0
    assert (found["rating"], found["grade"], found["phrase"]) == ("unclear", "no_clear_effect", "likely")


@pytest.mark.parametrize(("centre", "rating"), [(0.750, "unclear"), (0.790, "too_small_to_tell")])
def test_too_small_to_tell_is_never_almost_certain(centre: float, rating: str) -> None:
    found = entry(did(), exact(centre, 0.157))
    low, high = found["rate_ratio"]["lower"], found["rate_ratio"]["upper"]
    assert low < 0.95 and high > 1 / 0.95, "both a benefit and a harm worth acting on are inside"
    assert found["rating"] == rating


def test_events_and_ratio_lie_on_one_side_where_neighbouring_draws_do_not() -> None:
    # Of 40 draws, two with many expected events are harms: the quantile of the ratio interpolates to one side of none
    # and that of the events to the other.
    ratio = np.concatenate([np.linspace(0.5, 0.98, 38), [1.0001, 1.0002]])
    events = np.concatenate([np.linspace(500, 20, 38), [-5000.0, -9000.0]])
    summary = findings.summarise(ratio, 0.9)
    plain = findings.summarise(events, 0.9)
    assert summary.upper < 1 and plain.lower < 0, "the case that is meant"
    assert findings.agree(events, summary, 0.9).lower == 20


def test_a_reason_from_elsewhere_lowers_confidence_and_the_words_follow() -> None:
    found = entry(did(), exact(0.8, 0.03))
    findings.lower_confidence(found, ASSAULTS, Thresholds(), "Injury rose.")
    assert (found["confidence"], found["grade"]) == ("moderate", "promising")
    assert found["headline"].startswith("Promising.") and found["headline"].endswith("moderate confidence.")
    assert found["confidence_reasons"] == ["Injury rose."]
    for _ in range(3):
        findings.lower_confidence(found, ASSAULTS, Thresholds(), "More.")
    assert found["confidence"] == "low"


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


@given(
    st.floats(-1.2, 1.2), st.floats(0.0005, 0.5), DIRECTION, st.sampled_from(["primary", "secondary", "unaffected"]),
    st.sampled_from(["negative_binomial", "normal"]), st.sampled_from([None, 0.95, 0.8, 1.1]),
    st.lists(st.tuples(st.sampled_from([*findings.DISQUALIFYING, "data_quality", "loo_pit"]),
                       st.sampled_from(["", "lower", "higher"])), max_size=3),
    st.sampled_from([0.5, 0.8, 0.95]), st.sampled_from([0.8, 0.925, 0.99]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_words_interval_and_probability_never_contradict_each_other(
    centre, sd, direction, role, likelihood, meaningful, alarms, interval, threshold, seed
) -> None:
    """Read back by a reader that knows only the publications (see `contradictions.py`)."""
    indicator = Indicator(key="x", title="Assaults", direction=direction, likelihood=likelihood)
    of = did(1, 1, start=11, n=12, direction=direction, role=role, likelihood=likelihood, meaningful=meaningful)
    rng = np.random.default_rng(seed)
    effect = rng.normal(centre, sd, size=(1, 200))
    levels = 50.0 * np.exp(rng.normal(0, 0.3, size=(1, 200, 1, 12)))
    added = levels + effect[..., None, None] if likelihood == "normal" else levels * np.exp(effect)[..., None, None]
    posterior = fit(np.where(of.post[:1], added, levels), levels)
    checks = [alarm(name, towards) for name, towards in alarms]
    thresholds = Thresholds(promising=threshold, possible_harm=threshold)
    found = find(of, indicator, estimate(of, posterior), GOOD, checks, interval, draft=False, thresholds=thresholds)
    assert find_contradictions(found, direction) == [], found["headline"]


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
