"""From estimands and checks to a finding: rating, confidence, headline, caveats.

Two axes that are never merged: how probable it is that the outcome improved (from the posterior), and how much
confidence the design, the checks and the data deserve (from the published rules below).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from evaluation.inference.checks import Check
from evaluation.inference.effects import Diagnostics, Draws, Estimand, Summary, prob_below, summarise
from evaluation.inference.frame import Frame, meaningful_bounds, neutral_value
from evaluation.judgement import grades, headlines, wording
from evaluation.protocol import Indicator
from evaluation.protocol.partnership import Thresholds
from evaluation.protocol.period import read_span

RATINGS = {
    "benefit": "The credible interval lies wholly on the better side of no effect, and a benefit is almost certain.",
    "harm": "The credible interval lies wholly on the worse side of no effect, and a benefit is a remote chance.",
    "no_meaningful_effect": "The interval contains no effect, and no effect worth acting on in either direction.",
    "unclear": "Anything else: the interval contains no effect; or it does not, but neither way is almost certain, a check shows "
    "an effect where there can be none, or the drift before the start would undo it.",
    "too_small_to_tell": "The interval contains a meaningful benefit and a meaningful harm, and neither is almost certain: too little data to tell.",
    "failed": "The computation did not pass its gate; no estimate is shown.",
}
LEVELS = ("low", "moderate", "high")
# From so many areas on a difference-in-differences starts at high confidence; so many years should lie before the start.
ENOUGH_TREATED, ENOUGH_COMPARED, ENOUGH_YEARS = 2, 4, 2
CONFIDENCE_RULES = (
    (
        f"Difference-in-differences with at least {ENOUGH_TREATED} treated and {ENOUGH_COMPARED} comparison areas",
        "starts at high",
    ),
    ("Any other difference-in-differences", "starts at moderate"),
    (
        "Interrupted time series: the areas' own past, or few control series, stand for the counterfactual",
        "starts at moderate",
    ),
    (f"Less than {ENOUGH_YEARS} years of usable data before the first start", "one level down"),
    ("A placebo in time that could not be tried, or a pre-trend that could not be measured", "at most moderate"),
    ("An outcome that should not be affected: it is itself a check and is not checked with refits", "at most moderate"),
    ("Failed checks, those that raise the same doubt counted once", "one level down for each doubt"),
    (
        "A known change in recording in the period, an assumption that the plan calls poor with a large impact, or hardly "
        "anything delivered",
        "one level down",
    ),
    ("Another record of the same harm is the better witness and points the other way", "one level down"),
    ("Fits not converged, or checks not made (draft)", "low"),
)
# Checks that can show an "effect" where none can be: before the start. They must be possible for high confidence.
BEFORE_THE_START = ("pre_trend", "placebo_in_time")
# If one of these fails and points the same way as the finding, the finding is not called an effect, whatever its
# interval. A drift too small to be seen can still be enough to undo a finding: that is the breakdown value's part.
DISQUALIFYING = (*BEFORE_THE_START, "breakdown")
# Checks that raise the same doubt; a check that is not named here stands for itself.
DOUBTS = {
    "loo_pit": "fit", "posterior_predictive": "fit", "prior_predictive": "prior", "prior_sensitivity": "prior",
    "power_scaling": "prior",
    "placebo_in_time": "false start", "placebo_dates": "false start", "placebo_in_space": "false area",
    "placebo_calibration": "false area", "date_calibration": "false start", "pre_trend": "drift", "breakdown": "drift",
    "shock_calendar": "shock_windows",
}  # fmt: skip


def disqualify(frame: Frame, summary: Summary, checks: Sequence[Check]) -> list[str]:
    """The checks by which an interval without no effect is not called an effect; empty where none speaks against it."""
    neutral = neutral_value(frame)
    if summary.lower <= neutral <= summary.upper:
        return []
    direction = "lower" if summary.upper < neutral else "higher"
    return [check.name for check in checks if check.name in DISQUALIFYING and check.towards == direction]


def rate(frame: Frame, summary: Summary, checks: Sequence[Check], prob_benefit: float | None = None) -> str:
    """The rating of one finding (see :data:`RATINGS`).

    Args:
        frame: the question.
        summary: of its rate ratio or difference.
        checks: made of it.
        prob_benefit: probability of a benefit; where it is given, only what is almost certain is called a benefit or
            (that there is none) a harm, and nothing that is almost certain either way is called too small to tell.
    """
    neutral = neutral_value(frame)
    fewer_is_better = frame.direction == "lower_is_better"
    if summary.upper < neutral or summary.lower > neutral:
        # An interval narrower than usual can exclude no effect while neither way is almost certain yet.
        if disqualify(frame, summary, checks) or (prob_benefit is not None and not _almost_certain(prob_benefit)):
            return "unclear"
        return "benefit" if (summary.upper < neutral) == fewer_is_better else "harm"
    bounds = meaningful_bounds(frame)
    if bounds is None:
        return "unclear"
    low, high = bounds
    if low < summary.lower and summary.upper < high:
        return "no_meaningful_effect"
    if summary.lower <= low and high <= summary.upper and not _almost_certain(prob_benefit):
        return "too_small_to_tell"
    return "unclear"


def _almost_certain(prob_benefit: float | None) -> bool:
    return prob_benefit is not None and wording.is_almost_certain(prob_benefit)


def judge_confidence(
    frame: Frame, checks: Sequence[Check], *, draft: bool, doubts: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """Confidence by :data:`CONFIDENCE_RULES`, and the reasons for what was taken off."""
    reasons: list[str] = []
    comparison = len(frame.areas) - frame.n_treated
    if frame.design == "did" and frame.n_treated >= ENOUGH_TREATED and comparison >= ENOUGH_COMPARED:
        level = 2
    else:
        level = 1
        reasons.append(
            "There is no comparison area: whatever else changed at the start is part of the estimate."
            if frame.design == "its" and comparison == 0
            else f"{frame.n_treated} treated and {comparison} comparison areas are few."
        )
    before = frame.used & frame.observed & ~frame.post
    years = before[: frame.n_treated].any(axis=0)[: int(frame.start[: frame.n_treated].min())].sum() / frame.per_year
    if years < ENOUGH_YEARS:
        level -= 1
        reasons.append(f"Only {years:.1f} years of usable data before the first start.")
    untried = [check for check in checks if check.passed is None and check.name in BEFORE_THE_START]
    if untried:
        level = min(level, 1)
        reasons += [check.sentence for check in untried]
    if frame.role == "unaffected":
        level = min(level, 1)
    failed = [check for check in checks if check.passed is False]
    level -= len({DOUBTS.get(check.name, check.name) for check in failed})
    reasons += [check.sentence for check in failed]
    if doubts:
        level -= 1
        reasons += doubts
    if draft:
        level = 0
        reasons.append("Draft: short sampling, checks that need refits not made.")
    return LEVELS[max(level, 0)], reasons


def find(
    frame: Frame,
    indicator: Indicator,
    estimands: Sequence[Estimand],
    diagnostics: Diagnostics,
    checks: Sequence[Check],
    interval: float,
    *,
    draft: bool,
    doubts: Sequence[str] = (),
    thresholds: Thresholds | None = None,
) -> dict[str, Any]:
    """One indicator's entry in finding.json.

    Args:
        frame, indicator: the question.
        estimands: every reported quantity with its draws.
        diagnostics: of the computation.
        checks: made of the finding.
        interval: probability of the intervals.
        draft: whether it was computed as a draft.
        doubts: of the plan's own, each a sentence.
        thresholds: of the grades, from review.yaml; the defaults where not given.
    """
    by_name = {e.name: e for e in estimands if not (e.cohort or e.event_time is not None)}
    headline_name = "difference" if frame.likelihood == "normal" else "rate_ratio"
    main = by_name[headline_name]
    summary = summarise(main.draws, interval)
    fewer_is_better = frame.direction == "lower_is_better"
    # A draw of exactly no effect counts half: it is neither a benefit nor a harm.
    below = 0.5 * float(np.mean(main.draws < neutral_value(frame)) + np.mean(main.draws <= neutral_value(frame)))
    prob_benefit = below if fewer_is_better else 1.0 - below
    rating = rate(frame, summary, checks, prob_benefit)
    breaks = recording_breaks(frame, indicator)
    confidence, reasons = judge_confidence(frame, checks, draft=draft, doubts=[*doubts, *breaks])
    entry = describe(frame)
    for name in ("rate_ratio", "percent_change", "difference", "events_averted"):
        if name in by_name:
            entry[name] = asdict(summarise(by_name[name].draws, interval))
    if "events_averted" in by_name:
        entry["events_averted"] = asdict(agree(by_name["events_averted"].draws, summary, interval))
    entry["by_event_time"] = [
        {"event_time": e.event_time, headline_name: asdict(summarise(e.draws, interval))}
        for e in estimands
        if e.name == "by_event_time"
    ]
    entry |= {
        "prob_benefit": prob_benefit,
        "prob_meaningful": prob_meaningful(frame, main),
        "meaningful": frame.meaningful,
        "interval": interval,
        "phrase": wording.probability_phrase(prob_benefit),
        "confidence": confidence,
        "confidence_reasons": reasons,
        "rating": rating,
        "disqualified_by": disqualify(frame, summary, checks),
    }
    entry["checks"] = [{"name": c.name, "passed": c.passed, "sentence": c.sentence} for c in checks]
    put_in_words(entry, indicator, thresholds or Thresholds())
    entry["caveats"] = [*frame.notes, *breaks]
    if diagnostics.divergences:
        entry["caveats"].append(f"{diagnostics.divergences} of {diagnostics.n_draws} draws diverged.")
    entry["diagnostics"] = {
        "rhat_max": diagnostics.rhat_max,
        "ess_bulk_min": diagnostics.ess_bulk_min,
        "ess_tail_min": diagnostics.ess_tail_min,
        "divergences": diagnostics.divergences,
    }
    entry["empirical_interval"] = next((check.widened for check in checks if check.widened), None)
    return entry


def put_in_words(entry: dict[str, Any], indicator: Indicator, thresholds: Thresholds) -> None:
    """Grade, headline and what would change our mind, from the entry's own numbers, rating and confidence; in place.

    An outcome that should not move is a check of the others and has no grade of its own.
    """
    entry["grade"] = None if entry["role"] == "unaffected" else grades.grade(entry, thresholds)
    entry["headline"] = headlines.write_headline(entry, indicator.title, indicator.direction)
    entry["change_our_mind"] = headlines.change_our_mind(entry)


def lower_confidence(entry: dict[str, Any], indicator: Indicator, thresholds: Thresholds, because: str) -> None:
    """Take one level off an entry's confidence for a reason that only other findings show; its words follow, in place."""
    entry["confidence"] = LEVELS[max(LEVELS.index(entry["confidence"]) - 1, 0)]
    entry["confidence_reasons"] = [*entry["confidence_reasons"], because]
    put_in_words(entry, indicator, thresholds)


def agree(averted: Draws, ratio: Summary, interval: float) -> Summary:
    """Summary of events averted whose ends and middle lie on the same side of none as the rate ratio's.

    In every draw both say the same of the sign. A quantile interpolates between two neighbouring draws, so where these
    lie on different sides of none the two may come apart; then the neighbour on the rate ratio's side is taken.
    """
    found, tail = summarise(averted, interval), (1.0 - interval) / 2.0
    parts = {"lower": (tail, ratio.upper), "median": (0.5, ratio.median), "upper": (1.0 - tail, ratio.lower)}
    changed = {}
    for name, (quantile, opposite) in parts.items():
        fewer = 1.0 - opposite
        if np.sign(getattr(found, name)) != np.sign(fewer):
            end = np.quantile(averted, quantile, method="higher" if fewer > 0 else "lower")
            value = float(end) if fewer != 0 else 0.0
            changed[name] = value if np.sign(value) == np.sign(fewer) else 0.0
    return replace(found, **changed)


def fail(
    frame: Frame | None, role: str, design: str, likelihood: str, title: str, reason: str, interval: float
) -> dict[str, Any]:
    """The entry of an indicator without an estimate: the same keys, null where a number would be."""
    entry = describe(frame) if frame is not None else {
        "role": role, "design": design, "likelihood": likelihood, "n_areas": None, "n_treated": None, "n_periods": None,
    }  # fmt: skip
    names = ("difference",) if likelihood == "normal" else ("rate_ratio", "percent_change", "events_averted")
    entry |= dict.fromkeys(names)
    entry |= {
        "by_event_time": [], "prob_benefit": None, "prob_meaningful": None, "meaningful": None, "interval": interval,
        "phrase": None, "empirical_interval": None, "confidence": "low", "confidence_reasons": [reason], "rating": "failed",
        "disqualified_by": [], "grade": None if role == "unaffected" else "not_estimated",
        "change_our_mind": headlines.UNTIL_COMPUTED,
        "headline": f"{title}: no estimate is shown. {reason}", "caveats": [reason],
        "diagnostics": {"rhat_max": None, "ess_bulk_min": None, "ess_tail_min": None, "divergences": None}, "checks": [],
    }  # fmt: skip
    return entry


def describe(frame: Frame) -> dict[str, Any]:
    """What was looked at."""
    used = frame.used & frame.observed
    return {
        "role": frame.role,
        "design": frame.design,
        "likelihood": frame.likelihood,
        "n_areas": frame.n_areas_asked,
        "n_treated": frame.n_treated_asked,
        "n_periods": int(used.any(axis=0).sum()),
    }


def prob_meaningful(frame: Frame, main: Estimand) -> float | None:
    """Probability of a benefit at least as large as the plan calls meaningful."""
    bounds = meaningful_bounds(frame)
    if bounds is None:
        return None
    if frame.direction == "lower_is_better":
        return prob_below(main.draws, bounds[0])
    return float(np.mean(main.draws > bounds[1]))


def recording_breaks(frame: Frame, indicator: Indicator) -> list[str]:
    """Known changes in recording inside the evaluated period."""
    first, last = read_span(frame.periods[0]).first, read_span(frame.periods[-1]).last
    return [
        f"Recording changed in {at.from_}: {at.because}."
        for at in indicator.breaks
        if first <= read_span(at.from_).last and read_span(at.from_).first <= last
    ]
