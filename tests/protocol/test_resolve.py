"""What a plan means: roles, comparison areas, defaults; worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.protocol import (
    comparison_areas,
    indicator_roles,
    likelihood_for,
    load_review,
    meaningful_effect,
)
from tests.protocol.example_review import write_review


@pytest.mark.parametrize(
    ("comparison", "observed", "expected"),
    [
        ({"areas": "similar_centres"}, None, ["T03", "T04", "T05"]),
        ({"areas": "all"}, None, ["T03", "T04", "T05", "T06"]),
        ({"areas": ["T06", "T03"]}, None, ["T06", "T03"]),
        ({"areas": "all", "exclude": {"T04": {"because": "a rival scheme"}}}, None, ["T03", "T05", "T06"]),
        ({"areas": "all"}, ["T01", "T05"], ["T05"]),
        (None, None, []),
    ],
)
def test_comparison_areas(
    tmp_path: Path, comparison: dict[str, Any] | None, observed: list[str] | None, expected: list[str]
) -> None:
    review = load_review(write_review(tmp_path, outreach={"comparison": None}))
    changes = {"comparison": comparison} if comparison else {}
    plan = type(review.plans["outreach"]).model_validate(
        review.plans["outreach"].model_dump(by_alias=True, exclude_none=True) | changes
    )
    assert comparison_areas(plan, review.areas, observed) == expected


def test_group_that_holds_a_treated_area(tmp_path: Path) -> None:
    review = load_review(write_review(tmp_path, areas={"groups": {"similar_centres": ["T01", "T03"]}}))
    assert comparison_areas(review.plans["outreach"], review.areas) == ["T03"]


def test_roles_in_order(tmp_path: Path) -> None:
    review = load_review(write_review(tmp_path))
    assert indicator_roles(review.plans["outreach"]) == {"assaults": "primary", "admissions": "secondary"}


def test_defaults(tmp_path: Path) -> None:
    review = load_review(
        write_review(
            tmp_path,
            outreach={"effect": {"meaningful": 0.8}, "model": {"likelihood": "poisson"}},
            indicators={"admissions": {"direction": "higher_is_better", "likelihood": "binomial"}},
        )
    )
    plan = review.plans["outreach"]
    assert meaningful_effect(plan, review.indicators["assaults"]) == 0.8
    assert meaningful_effect(plan, review.indicators["admissions"]) == pytest.approx(1 / 0.95)
    assert likelihood_for(plan, review.indicators["assaults"]) == "poisson"
    assert likelihood_for(plan, review.indicators["admissions"]) == "binomial"
