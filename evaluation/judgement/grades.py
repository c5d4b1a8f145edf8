"""A grade for every finding, by rule: from its rating, its probability and its confidence to one of five sentences.

The rating says what the interval excludes; the grade adds how far the finding deserves to be relied on, so that two
people with the same numbers reach the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.protocol.partnership import Thresholds

GRADES = {
    "strong_evidence_of_benefit": "Strong evidence of benefit",
    "promising": "Promising",
    "no_clear_effect": "No clear effect",
    "too_small_or_too_early": "Too small or too early to tell",
    "possible_harm": "Possible harm",
    "not_estimated": "Not estimated",
}
MEANINGS = {
    "strong_evidence_of_benefit": "The interval lies wholly on the better side of no effect, no check speaks against it, and confidence is high.",
    "promising": "The data point to a benefit, but confidence is not high or no effect is not quite ruled out.",
    "no_clear_effect": "No effect is shown: the data allow for none, or allow only for one too small to act on, or a check speaks against what they show.",
    "too_small_or_too_early": "A benefit and a harm worth acting on are both still possible: the scheme was too small, or its time too short.",
    "possible_harm": "The data point to harm; with low confidence, too, because a harm should not be missed.",
    "not_estimated": "The computation failed, or the data did not allow for an estimate.",
}  # fmt: skip
# `{promising}` and `{possible_harm}` are the thresholds of the review.
GRADE_RULES: tuple[tuple[str, str], ...] = (
    ("Rated a benefit, with high confidence", "strong_evidence_of_benefit"),
    ("Rated a benefit, with moderate or low confidence", "promising"),
    ("Rated a harm, with any confidence", "possible_harm"),
    ("Rated too small to tell", "too_small_or_too_early"),
    ("Rated without an effect worth acting on", "no_clear_effect"),
    (
        "Rated unclear, confidence not low, no check against it, and probability of benefit {promising} or more",
        "promising",
    ),
    ("Rated unclear, no check against it, and probability of harm {possible_harm} or more", "possible_harm"),
    ("Rated unclear otherwise, or a check speaks against it", "no_clear_effect"),
    ("No estimate", "not_estimated"),
)
_BY_RATING = {
    "harm": "possible_harm", "too_small_to_tell": "too_small_or_too_early", "no_meaningful_effect": "no_clear_effect",
    "failed": "not_estimated",
}  # fmt: skip
# Maryland Scientific Methods Scale. The place of interrupted time series on it is (unverified) in part.
MARYLAND: dict[str, tuple[int, str]] = {
    "its": (2, "before and after, without comparison areas (interrupted time series are put at 2 to 3; unverified)"),
    "its_controlled": (3, "before and after, with control series"),
    "did": (3, "before and after, in treated and comparable untreated areas"),
}


def print_rules(thresholds: Thresholds) -> list[tuple[str, str]]:
    """:data:`GRADE_RULES` with the thresholds of a review in them: rule and grade in words, in the order of use."""
    shown = {name: f"{100 * value:g}%" for name, value in thresholds.model_dump().items()}
    return [(rule.format(**shown), GRADES[name]) for rule, name in GRADE_RULES]


def grade(entry: Mapping[str, Any], thresholds: Thresholds) -> str:
    """The grade of one finding, by :data:`GRADE_RULES`.

    Args:
        entry: the indicator's entry in finding.json.
        thresholds: of the review.
    """
    rating, chance = entry["rating"], entry["prob_benefit"]
    if rating == "benefit":
        return "strong_evidence_of_benefit" if entry["confidence"] == "high" else "promising"
    if rating in _BY_RATING:
        return _BY_RATING[rating]
    disqualified = bool(entry["disqualified_by"])
    if not disqualified and entry["confidence"] != "low" and chance >= thresholds.promising:
        return "promising"
    if not disqualified and 1.0 - chance >= thresholds.possible_harm:
        return "possible_harm"
    return "no_clear_effect"


def design_level(design: str, n_areas: int | None, n_treated: int | None) -> dict[str, Any]:
    """The design's level on the Maryland Scientific Methods Scale (1 to 5), and why."""
    controlled = design == "its" and (n_areas or 0) > (n_treated or 0)
    level, because = MARYLAND["its_controlled" if controlled else design]
    return {"scale": "Maryland Scientific Methods Scale", "level": level, "because": because}
