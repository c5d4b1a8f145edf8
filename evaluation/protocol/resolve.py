"""What a plan means once areas and indicators are known: roles, comparison areas, defaults."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from evaluation.protocol.indicator import COUNTS, Indicator, Likelihood
from evaluation.protocol.partnership import Areas
from evaluation.protocol.plan import Plan

Role = Literal["primary", "secondary", "unaffected"]


def indicator_roles(plan: Plan) -> dict[str, Role]:
    """Indicator key -> role, in the order in which they are reported."""
    roles: dict[str, Role] = {plan.indicators.primary: "primary"}
    for key in plan.indicators.secondary:
        roles.setdefault(key, "secondary")
    for key in plan.indicators.unaffected:
        roles.setdefault(key, "unaffected")
    return roles


def named_comparison(plan: Plan, areas: Areas) -> list[str]:
    """The codes which the plan names for comparison, before treated and excluded areas are taken out."""
    if plan.comparison is None:
        return []
    named = plan.comparison.areas
    if not isinstance(named, str):
        return list(named)
    if named in areas.groups:
        return list(areas.groups[named].areas)
    if named == "all":
        return list(areas.areas)
    return [named] if named in areas.areas else []


def comparison_areas(plan: Plan, areas: Areas, observed: Iterable[str] | None = None) -> list[str]:
    """The areas that are never treated under this plan and serve as its comparison.

    Args:
        plan: the plan.
        areas: areas and groups of the review.
        observed: codes with data; others are left out.

    Returns:
        Codes in the order in which they are named, without treated and excluded ones and those around them.
    """
    excluded = set(plan.comparison.exclude) if plan.comparison else set()
    if plan.displacement is not None:
        excluded |= {*plan.displacement.buffer, *plan.displacement.comparison}
    kept = [code for code in dict.fromkeys(named_comparison(plan, areas)) if code not in plan.treated]
    seen = None if observed is None else set(observed)
    return [code for code in kept if code not in excluded and (seen is None or code in seen)]


def likelihood_for(plan: Plan, indicator: Indicator) -> Likelihood:
    """The indicator's likelihood; the plan may choose between the two for counts."""
    wanted = plan.model.likelihood
    if wanted is not None and wanted in COUNTS and indicator.likelihood in COUNTS:
        return wanted
    return indicator.likelihood


def meaningful_effect(plan: Plan, indicator: Indicator) -> float | None:
    """The smallest effect worth acting on, on this indicator.

    Returns:
        A rate ratio, or a difference for a normal likelihood. The plan's own number is about the primary indicator;
        others have the default (5 %). None for a normal indicator without a number of its own.
    """
    own = plan.effect.meaningful if indicator.key == plan.indicators.primary else None
    if indicator.likelihood == "normal":
        return own
    if own is not None:
        return own
    return 0.95 if indicator.direction == "lower_is_better" else 1 / 0.95
