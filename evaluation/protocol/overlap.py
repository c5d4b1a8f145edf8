"""Interventions that share areas and periods, found from the plans alone."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.protocol.loading import Review
from evaluation.protocol.period import read_span
from evaluation.protocol.plan import Plan
from evaluation.protocol.resolve import comparison_areas


@dataclass(frozen=True)
class Overlap:
    """Another intervention that ran where and when a plan's effect is measured.

    Attributes:
        other: id of the other plan.
        shared: areas treated under both plans.
        same_start: those of them that started both in the same period.
        compared: areas that this plan compares with, and that the other plan treats within this plan's period.
    """

    other: str
    shared: tuple[str, ...]
    same_start: tuple[str, ...]
    compared: tuple[str, ...]


def find_overlaps(review: Review, plan: Plan) -> list[Overlap]:
    """Every other plan of the review that touches the areas and the period of this one.

    Two interventions share area-periods where both treat an area before this plan's period ends; an intervention is
    taken to go on once it has started.
    """
    comparison = set(comparison_areas(plan, review.areas)) if plan.comparison is not None else set()
    last = read_span(plan.period.end).last
    found = []
    for other in review.plans.values():
        if other.id == plan.id:
            continue
        # An intervention that ended with its own period before this one began would not show here: plans have no end.
        running = {code: start for code, start in other.treated.items() if read_span(start).first <= last}
        shared = tuple(code for code in plan.treated if code in running)
        same = tuple(c for c in shared if read_span(running[c]).first == read_span(plan.treated[c]).first)
        compared = tuple(sorted(comparison & running.keys()))
        if shared or compared:
            found.append(Overlap(other.id, shared, same, compared))
    return found
