"""Interventions in the same places at the same time are found from the plans."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.protocol import Areas, Plan
from evaluation.protocol.overlap import find_overlaps


def plan(name: str, treated: dict[str, str], comparison: Any = None, **more: Any) -> Plan:
    return Plan.model_validate(
        {"id": name, "title": name, "question": "?", "design": "did", "indicators": {"primary": "a"}, "treated": treated,
         "period": {"start": "2018-01", "end": "2024-12"}, "comparison": comparison} | more
    )  # fmt: skip


def overlaps(*plans: Plan):
    areas = Areas.model_validate({"areas": {code: {"name": code} for code in "ABCDEF"}})
    review = SimpleNamespace(plans={p.id: p for p in plans}, areas=areas)
    return find_overlaps(review, plans[0])  # type: ignore[arg-type]


def test_shared_areas_are_found_and_the_same_start_is_marked() -> None:
    found = overlaps(plan("one", {"A": "2022-01", "B": "2022-01"}), plan("two", {"A": "2022-01", "B": "2023-01"}))
    assert [(o.other, o.shared, o.same_start) for o in found] == [("two", ("A", "B"), ("A",))]


def test_a_comparison_area_that_others_treat_is_found() -> None:
    found = overlaps(plan("one", {"A": "2022-01"}, {"areas": ["B", "C"]}), plan("two", {"C": "2023-01"}))
    assert found[0].compared == ("C",)


@pytest.mark.parametrize("other", [{"D": "2022-01"}, {"A": "2025-01"}])
def test_other_places_and_later_starts_do_not_overlap(other: dict[str, str]) -> None:
    assert overlaps(plan("one", {"A": "2022-01"}), plan("two", other)) == []


def test_areas_around_the_treated_ones_are_not_compared_with() -> None:
    from evaluation.protocol import comparison_areas

    around = {"buffer": ["B"], "comparison": ["C"], "because": "next door"}
    areas = Areas.model_validate({"areas": {code: {"name": code} for code in "ABCD"}})
    assert comparison_areas(plan("one", {"A": "2022-01"}, "all", displacement=around), areas) == ["D"]
    assert comparison_areas(plan("one", {"A": "2022-01"}, "all"), areas) == ["B", "C", "D"]
