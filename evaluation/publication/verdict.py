"""Ratings, confidence and decisions as words and signs: shape, word and number, never colour alone."""

from collections.abc import Mapping
from typing import Any

from evaluation.judgement.grades import GRADES
from evaluation.publication.disclosure import Safe, escape

RATINGS = {  # sign, words
    "benefit": ("✓", "Benefit"),
    "harm": ("!", "Harm"),
    "no_meaningful_effect": ("=", "No effect worth acting on"),
    "unclear": ("?", "Unclear"),
    "too_small_to_tell": ("…", "Too small to tell"),
    "failed": ("×", "Not estimated"),
}
# Grade: sign, and the rating whose colours it has.
GRADE_SIGNS = {
    "strong_evidence_of_benefit": ("✓", "benefit"),
    "promising": ("+", "benefit"),
    "no_clear_effect": ("=", "unclear"),
    "too_small_or_too_early": ("…", "too_small_to_tell"),
    "possible_harm": ("!", "harm"),
    "not_estimated": ("×", "failed"),
}
CONFIDENCE = {"high": "●●●", "moderate": "●●○", "low": "●○○"}
DECISIONS = {
    "continue": "Continue",
    "expand": "Expand",
    "adapt": "Adapt",
    "pause": "Pause",
    "stop": "Stop",
    "keep_measuring": "Keep measuring",
}
DESIGNS = {
    "its": "Interrupted time series: the area's own past shows what would have been expected",
    "did": "Difference-in-differences: comparison areas show what would have been expected",
}
ROLES = {"primary": "Main outcome", "secondary": "Secondary outcome", "unaffected": "Should not have changed"}
CHECK_NAMES = {
    "placebo_in_time": "Placebo in time",
    "placebo_in_space": "Placebo in space",
    "unaffected_outcome": "Outcome that should not change",
    "pre_trend": "Trend before the start",
    "leave_one_area_out": "Leaving one area out",
    "breakdown": "Breakdown value",
    "placebo_dates": "Several false starts",
    "placebo_calibration": "Intervals wide enough for false areas?",
    "date_calibration": "Intervals wide enough for false starts?",
    "data_quality": "Missing and hidden data",
    "loo_pit": "Each observation predicted from the others",
    "prior_sensitivity": "Sensitivity to the prior",
    "power_scaling": "Sensitivity to the prior, by power-scaling",
    "prior_predictive": "What the prior allows",
    "posterior_predictive": "Does the model fit the data?",
    "alternative_shapes": "Another shape of effect",
    "shock_windows": "With the shock windows",
    "shock_calendar": "Without what else changed",
}
CHECK_RESULT = {
    True: '<span class="svd-check"><span aria-hidden="true">✓</span> passed</span>',
    False: '<span class="svd-check"><span aria-hidden="true">✗</span> <strong>not passed</strong></span>',
    None: '<span class="svd-check"><span aria-hidden="true">–</span> could not be tried</span>',
}


def rating_words(rating: str) -> str:
    """The rating in words."""
    return RATINGS.get(rating, ("", rating.replace("_", " ")))[1]


def rating_badge(rating: str) -> Safe:
    """The rating as a badge: sign and words in a box."""
    sign = RATINGS.get(rating, ("?", ""))[0]
    kind = rating if rating in RATINGS else "unclear"
    return Safe(
        f'<span class="svd-badge svd-{kind}"><span aria-hidden="true">{sign}</span> {escape(rating_words(rating))}</span>'
    )


def grade_badge(grade: str) -> Safe:
    """A grade as a badge: sign and words in a box."""
    sign, kind = GRADE_SIGNS[grade]
    return Safe(
        f'<span class="svd-badge svd-{kind}"><span aria-hidden="true">{sign}</span> {escape(GRADES[grade])}</span>'
    )


def verdict_of(found: Mapping[str, Any]) -> str:
    """The grade of a finding; of a packet from before there were grades, the one that its rating comes nearest to."""
    nearest = {
        "benefit": "promising", "harm": "possible_harm", "too_small_to_tell": "too_small_or_too_early", "failed": "not_estimated",
    }  # fmt: skip
    return found.get("grade") or nearest.get(found["rating"], "no_clear_effect")


def finding_badge(found: Mapping[str, Any]) -> Safe:
    """The grade of one indicator; of one that should not have changed, only whether it did: it is a check, no verdict."""
    if found["role"] != "unaffected" or found["rating"] == "failed":
        return grade_badge(verdict_of(found))
    changed = found["rating"] in ("benefit", "harm")
    sign, words = ("!", "Changed") if changed else ("·", "No clear change")
    return Safe(f'<span class="svd-badge svd-unclear"><span aria-hidden="true">{sign}</span> {words}</span>')


def confidence_badge(level: str | None, short: bool = False) -> Safe:
    """Confidence as three dots and a word."""
    if level not in CONFIDENCE:
        return Safe("" if not short else "none")
    words = level.capitalize() if short else f"{level.capitalize()} confidence"
    return Safe(
        f'<span class="svd-confidence"><span class="svd-dots" aria-hidden="true">{CONFIDENCE[level]}</span> {words}</span>'
    )


def decision_words(decision: str) -> str:
    """A recommended decision in words."""
    return DECISIONS.get(decision, decision.replace("_", " "))
