"""Grades by rule: every rating with every confidence, every edge, and no contradiction with interval or probability."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluation.inference.checks import Check
from evaluation.inference.effects import Summary
from evaluation.judgement import findings
from evaluation.judgement.grades import GRADE_RULES, GRADES, design_level, grade
from evaluation.protocol.partnership import Thresholds
from tests.judgement.test_findings import did

DEFAULT = Thresholds()


def entry(
    rating: str, confidence: str = "moderate", chance: float = 0.5, lower: float = -5.0, upper: float = 5.0
) -> dict[str, Any]:
    return {
        "rating": rating, "confidence": confidence, "prob_benefit": chance,
        "percent_change": {"median": (lower + upper) / 2, "lower": lower, "upper": upper}, "disqualified_by": [],
    }  # fmt: skip


GOLDEN = {
    ("benefit", "high"): "strong_evidence_of_benefit",
    ("benefit", "moderate"): "promising",
    ("benefit", "low"): "promising",
    **{("harm", level): "possible_harm" for level in findings.LEVELS},
    **{("no_meaningful_effect", level): "no_clear_effect" for level in findings.LEVELS},
    **{("unclear", level): "no_clear_effect" for level in findings.LEVELS},
    **{("too_small_to_tell", level): "too_small_or_too_early" for level in findings.LEVELS},
    **{("failed", level): "not_estimated" for level in findings.LEVELS},
}


@pytest.mark.parametrize(("rating", "level"), list(itertools.product(findings.RATINGS, findings.LEVELS)))
def test_every_combination(rating: str, level: str) -> None:
    assert grade(entry(rating, level), DEFAULT) == GOLDEN[rating, level]


@pytest.mark.parametrize(
    ("chance", "level", "expected"),
    [
        (0.9249, "moderate", "no_clear_effect"), (0.925, "moderate", "promising"), (0.925, "high", "promising"),
        (0.97, "low", "no_clear_effect"), (0.0751, "moderate", "no_clear_effect"), (0.0749, "moderate", "possible_harm"),
        (0.05, "low", "possible_harm"),
    ],
)  # fmt: skip
def test_the_edges_of_an_unclear_finding(chance: float, level: str, expected: str) -> None:
    assert grade(entry("unclear", level, chance), DEFAULT) == expected


def test_the_reviews_own_threshold_counts() -> None:
    assert grade(entry("unclear", "high", 0.9), Thresholds(promising=0.9)) == "promising"
    assert grade(entry("unclear", "high", 0.9), DEFAULT) == "no_clear_effect"


def test_a_finding_with_a_check_against_it_is_not_promising() -> None:
    against = {"disqualified_by": ["pre_trend"]}
    assert grade(entry("unclear", "moderate", 0.99, -20.0, -2.0) | against, DEFAULT) == "no_clear_effect"
    assert grade(entry("unclear", "moderate", 0.01, 2.0, 20.0) | against, DEFAULT) == "no_clear_effect"


def test_every_rule_leads_to_a_grade() -> None:
    assert {name for _, name in GRADE_RULES} == set(GRADES)


@given(
    st.floats(0.3, 3.0), st.floats(0.3, 3.0), st.floats(0.001, 0.999), st.sampled_from(findings.LEVELS),
    st.sampled_from(["lower_is_better", "higher_is_better"]), st.booleans(),
)  # fmt: skip
def test_grade_interval_and_probability_never_contradict(a, b, chance, level, direction, alarmed) -> None:
    lower, upper = sorted((a, b))
    assume(upper - lower > 1e-6)
    fewer = direction == "lower_is_better"
    better = chance if fewer else 1 - chance  # probability of a fall, made consistent with the interval below
    if upper < 1:
        better = 0.975 + 0.025 * chance
    elif lower > 1:
        better = 0.025 * chance
    else:
        better = 0.025 + 0.95 * chance
    of = did(direction=direction, meaningful=0.95 if fewer else 1 / 0.95)
    checks = [Check("pre_trend", False, "Drift.", "lower" if upper < 1 else "higher")] if alarmed else []
    benefit = better if fewer else 1 - better
    summary = Summary((lower + upper) / 2, (lower + upper) / 2, lower, upper)
    rating = findings.rate(of, summary, checks, benefit)
    made = entry(rating, level, benefit, 100 * (lower - 1), 100 * (upper - 1))
    found = grade(made | {"disqualified_by": findings.disqualify(of, summary, checks)}, DEFAULT)
    if found in ("strong_evidence_of_benefit", "promising"):
        assert benefit >= 0.925
        assert (lower < 1) if fewer else (upper > 1)
    if found == "possible_harm":
        assert benefit <= 0.075
    if found == "strong_evidence_of_benefit":
        assert (upper < 1) if fewer else (lower > 1)


def test_levels_of_the_maryland_scale() -> None:
    assert design_level("its", 1, 1)["level"] == 2
    assert design_level("its", 3, 1)["level"] == 3
    assert design_level("did", 8, 2)["level"] == 3
    assert "unverified" in design_level("its", 1, 1)["because"]
