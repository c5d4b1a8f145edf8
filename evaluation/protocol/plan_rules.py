"""Rules for a plan that can be judged without the data: names, dates, sizes, reasons.

Each rule names the top-level keys it reads; a rule is skipped when one of them could not be read, so that one
mistake does not produce a second, false message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from evaluation.errors import Problem
from evaluation.protocol.indicator import COUNTS, Indicator
from evaluation.protocol.partnership import Areas
from evaluation.protocol.period import read_span
from evaluation.protocol.plan import STAND_IN, Comparison, Plan
from evaluation.protocol.resolve import comparison_areas
from evaluation.protocol.slug import slug_fault
from evaluation.protocol.suggest import did_you_mean, listing, nearest
from evaluation.protocol.yaml_source import KeyPath, Lines, place_of


@dataclass(frozen=True)
class PlanCase:
    """One plan with what it is judged by.

    Attributes:
        plan: as far as it could be read.
        file: its name in problems.
        stem: the file's name without `.yaml`.
        lines: line of each key.
        damaged: top-level keys that could not be read.
        areas: None if areas.yaml could not be read.
        indicators: those that could be read.
        indicator_keys: all keys in indicators.yaml, also of entries with mistakes; None if it could not be read.
    """

    plan: Plan
    file: str
    stem: str
    lines: Lines = field(default_factory=dict)
    damaged: frozenset[str] = frozenset()
    areas: Areas | None = None
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    indicator_keys: frozenset[str] | None = None

    def problem(self, path: KeyPath, found: str, remedy: str) -> Problem:
        """A problem at a key of this plan."""
        return Problem(self.file, place_of(self.lines, path), found, remedy)


Rule = Callable[[PlanCase], Iterator[Problem]]


def plan_problems(case: PlanCase) -> list[Problem]:
    """Everything that is wrong with a plan as far as it can be told without the data."""
    return [problem for needs, rule in RULES if not case.damaged.intersection(needs) for problem in rule(case)]


def _file_name(case: PlanCase) -> Iterator[Problem]:
    if case.plan.id != case.stem:
        remedy = f"Rename the file to {case.plan.id}.yaml"
        remedy += f", or write `id: {case.stem}`." if slug_fault(case.stem, "an id") is None else "."
        yield case.problem(("id",), f"The id is '{case.plan.id}' but the file is called {case.stem}.yaml.", remedy)


def _trend_prior(case: PlanCase) -> Iterator[Problem]:
    prior = case.plan.priors.get("trend")
    if prior is None or case.plan.design != "did":
        return
    if case.plan.model.trend != "linear":
        remedy = "Remove the prior, or write `trend: linear` under `model`."
        yield case.problem(
            ("priors", "trend"), "This difference-in-differences has no trend to give a prior to.", remedy
        )
    elif prior.normal is not None and prior.normal[0] != 0:
        found = f"The areas' drifts from the common path have the mean 0, not {prior.normal[0]:g}."
        yield case.problem(("priors", "trend"), found, f"Write normal: [0, {prior.normal[1]:g}].")


def _indicators(case: PlanCase) -> Iterator[Problem]:
    named = case.plan.indicators
    places: list[tuple[str, KeyPath]] = [(named.primary, ("indicators", "primary"))]
    places += [(key, ("indicators", "secondary", i)) for i, key in enumerate(named.secondary)]
    places += [(key, ("indicators", "unaffected", i)) for i, key in enumerate(named.unaffected)]
    seen: dict[str, str] = {}
    for key, path in places:
        role = str(path[1])
        if key in seen:
            found = f"`{key}` is there twice: as {seen[key]} and as {role}."
            yield case.problem(path, found, "Give each indicator one role.")
        seen.setdefault(key, role)
        if case.indicator_keys is not None and key not in case.indicator_keys:
            remedy = did_you_mean(key, sorted(case.indicator_keys), "an indicator in indicators.yaml")
            yield case.problem(path, f"There is no indicator `{key}` in indicators.yaml.", remedy)


def _treated(case: PlanCase) -> Iterator[Problem]:
    if case.areas is None or case.plan.treated == STAND_IN["treated"]:
        return
    for code in case.plan.treated:
        if code in case.areas.groups:
            remedy = f"Write each of its areas with its start: {listing(case.areas.groups[code].areas)}."
            yield case.problem(("treated", code), f"`{code}` is a group, not an area.", remedy)
        elif code not in case.areas.areas:
            yield _unknown_area(case, case.areas, ("treated", code), code)


def _comparison(case: PlanCase) -> Iterator[Problem]:
    plan, areas = case.plan, case.areas
    if plan.comparison is None:
        if plan.design == "did" and len(set(plan.treated.values())) == 1:
            n = len(plan.treated)
            who = "the one treated area has" if n == 1 else f"the {n} treated areas start together and have"
            found = f"There is nothing to compare with: {who} no comparison."
            yield case.problem(("comparison",), found, "Add `comparison: {areas: all}`, or use `design: its`.")
        return
    if areas is None:
        return
    unknown = list(_unknown_comparison(case, areas))
    yield from unknown
    yield from _treated_comparison(case)
    yield from _exclusions(case, areas)
    if not unknown and not comparison_areas(plan, areas):
        if plan.comparison.areas == "all" and not plan.comparison.exclude:
            found, remedy = (
                "Every area in areas.yaml is treated.",
                "Add areas that are not treated to areas.yaml.",
            )
        else:
            found = "No comparison area is left once treated and excluded areas are taken out."
            remedy = "Name more areas, or exclude fewer."
        yield case.problem(("comparison",), found, remedy)


def _unknown_comparison(case: PlanCase, areas: Areas) -> Iterator[Problem]:
    assert case.plan.comparison is not None
    named = case.plan.comparison.areas
    path: KeyPath = ("comparison", "areas") if ("comparison", "areas") in case.lines else ("comparison",)
    if isinstance(named, str):
        if named not in areas.groups and named not in areas.areas and named != "all":
            near = nearest(named, [*areas.groups, *areas.areas, "all"])
            remedy = (
                f"Did you mean `{near}`?" if near else "Name a group in areas.yaml, list areas in [..], or write all."
            )
            yield case.problem(path, f"There is no group `{named}` in areas.yaml.", remedy)
        return
    seen: set[str] = set()
    for i, code in enumerate(named):
        if code in seen:
            yield case.problem((*path, i), f"`{code}` is in the list twice.", "Keep one of the two.")
        elif code in areas.groups:
            remedy = f"To compare with a group alone write `areas: {code}`; in a list write out its areas."
            yield case.problem((*path, i), f"`{code}` is a group, not an area.", remedy)
        elif code not in areas.areas:
            yield _unknown_area(case, areas, (*path, i), code)
        seen.add(code)


def _treated_comparison(case: PlanCase) -> Iterator[Problem]:
    assert case.plan.comparison is not None
    named = case.plan.comparison.areas
    path: KeyPath = ("comparison", "areas") if ("comparison", "areas") in case.lines else ("comparison",)
    if isinstance(named, str):
        if named in case.plan.treated:
            yield case.problem(path, f"`{named}` is treated and cannot be its own comparison.", "Name other areas.")
        return
    for i, code in enumerate(named):
        if code in case.plan.treated:
            remedy = "Take it out of the list; areas that start later serve as comparison until they start."
            yield case.problem((*path, i), f"`{code}` is treated and is also listed as comparison.", remedy)


def _exclusions(case: PlanCase, areas: Areas) -> Iterator[Problem]:
    assert case.plan.comparison is not None
    kept = set(comparison_areas(case.plan.model_copy(update={"comparison": _without_exclusions(case.plan)}), areas))
    for code in case.plan.comparison.exclude:
        path = ("comparison", "exclude", code)
        if code not in areas.areas:
            yield _unknown_area(case, areas, path, code)
        elif code in case.plan.treated:
            yield case.problem(
                path,
                f"`{code}` is treated, so it is not in the comparison anyway.",
                "Take it out of `exclude`.",
            )
        elif code not in kept:
            yield case.problem(path, f"`{code}` is not in the comparison to begin with.", "Take it out of `exclude`.")


def _without_exclusions(plan: Plan) -> Comparison:
    assert plan.comparison is not None
    return plan.comparison.model_copy(update={"exclude": {}})


def _period(case: PlanCase) -> Iterator[Problem]:
    period = case.plan.period
    if read_span(period.start).first > read_span(period.end).last:
        found = f"The period starts in {period.start} and ends in {period.end}, before it starts."
        yield case.problem(
            ("period", "start"), found, f"Swap them, if they are the wrong way round: start: {period.end}."
        )
    for i, window in enumerate(period.exclude):
        path: KeyPath = ("period", "exclude", i)
        first, last = read_span(window.from_).first, read_span(window.to).last
        if first > last:
            found = f"The window runs from {window.from_} to {window.to}, which is backwards."
            yield case.problem(path, found, f"Swap them: from: {window.to}, to: {window.from_}.")
        elif last < read_span(period.start).first or first > read_span(period.end).last:
            found = f"The window {window.from_} to {window.to} lies outside the period {period.start} to {period.end}."
            yield case.problem(path, found, "Take it out, or check its dates.")


def _starts(case: PlanCase) -> Iterator[Problem]:
    period = case.plan.period
    first, last = read_span(period.start).first, read_span(period.end).last
    if first > last:
        return
    for code, start in case.plan.treated.items():
        span = read_span(start)
        if span.last <= first or span.first > last:
            side = "after the period ends" if span.first > last else "before the period starts"
            found = f"`{code}` is first treated in {start}, {side} ({period.start} to {period.end})."
            yield case.problem(("treated", code), found, "Check the start, or widen `period`.")


def _meaningful(case: PlanCase) -> Iterator[Problem]:
    effect = case.plan.effect
    primary = case.indicators.get(case.plan.indicators.primary)
    value = effect.meaningful
    path = ("effect", "meaningful")
    if primary is None:
        if value is not None and value <= 0 and case.indicator_keys is None:
            yield case.problem(path, f"{value:g} cannot be a rate ratio.", "Write 0.95 for a fall of 5 %.")
        return
    lower = primary.direction == "lower_is_better"
    if primary.likelihood == "normal":
        example = "-2 for a fall of two points" if lower else "2 for a rise of two points"
        if value is None:
            found = f"`{primary.key}` is a score, so the smallest meaningful difference has no default."
            yield case.problem(path, found, f"Add `effect: {{meaningful: ...}}`, such as {example}.")
        elif value == 0 or (value < 0) != lower:
            found = f"{value:g} is not an improvement: `{primary.key}` is {primary.direction}."
            yield case.problem(path, found, f"Write the smallest difference worth acting on, such as {example}.")
    elif value is not None:
        example = "0.95 for a fall of 5 %" if lower else "1.05 for a rise of 5 %"
        if value <= 0:
            yield case.problem(path, f"{value:g} cannot be a rate ratio, which is above 0.", f"Write {example}.")
        elif value == 1 or (value < 1) != lower:
            side = "below 1" if lower else "above 1"
            found = f"{value:g} is not an improvement: `{primary.key}` is {primary.direction}, so a gain is {side}."
            yield case.problem(path, found, f"Write a rate ratio, such as {example}.")


def _shape(case: PlanCase) -> Iterator[Problem]:
    effect = case.plan.effect
    if effect.ramp_periods is not None and effect.shape != "ramp":
        found = f"`ramp_periods` is given but the shape is `{effect.shape}`."
        yield case.problem(("effect", "ramp_periods"), found, "Write `shape: ramp`, or take `ramp_periods` out.")


def _likelihood(case: PlanCase) -> Iterator[Problem]:
    wanted = case.plan.model.likelihood
    primary = case.indicators.get(case.plan.indicators.primary)
    if wanted is None or primary is None or wanted == primary.likelihood:
        return
    if not {wanted, primary.likelihood} <= COUNTS:
        found = f"The plan says `{wanted}`, but `{primary.key}` is declared `{primary.likelihood}` in indicators.yaml."
        yield case.problem(
            ("model", "likelihood"), found, "Set the likelihood in indicators.yaml and take it out here."
        )


def _delivery(case: PlanCase) -> Iterator[Problem]:
    if case.plan.delivery is not None and case.plan.delivery.planned == 0:
        remedy = "Write how much was planned, or take `delivery` out."
        yield case.problem(("delivery", "planned"), "Nothing was planned (0).", remedy)


def _costs(case: PlanCase) -> Iterator[Problem]:
    costs = case.plan.costs
    if costs is not None and costs.by_year and abs(sum(costs.by_year) - costs.total) > 1:
        found = f"The years add up to {sum(costs.by_year):,.0f}, but the total is {costs.total:,.0f}."
        yield case.problem(("costs", "by_year"), found, "Make the two agree.")
    if costs is not None and costs.optimism_bias is not None and costs.basis == "outturn":
        found = "What was really spent has no optimism bias."
        yield case.problem(("costs", "optimism_bias"), found, "Write `basis: estimate`, or take `optimism_bias` out.")


def _harm(case: PlanCase) -> Iterator[Problem]:
    named = case.plan.indicators
    for i, key in enumerate(named.harm):
        path: KeyPath = ("indicators", "harm", i)
        if key not in (named.primary, *named.secondary):
            yield case.problem(path, f"`{key}` is not a primary or secondary indicator of this plan.", "Add it there.")
        elif key in case.indicators and case.indicators[key].severity is None:
            remedy = f"Add `severity: {{weight: ..., scale: ..., source: ...}}` to `{key}` in indicators.yaml."
            yield case.problem(path, f"`{key}` has no severity, so its harm cannot be weighed.", remedy)


def _displacement(case: PlanCase) -> Iterator[Problem]:
    displacement = case.plan.displacement
    if displacement is None or case.areas is None:
        return
    for name in ("buffer", "comparison"):
        for i, code in enumerate(getattr(displacement, name)):
            path: KeyPath = ("displacement", name, i)
            if code not in case.areas.areas:
                yield _unknown_area(case, case.areas, path, code)
            elif code in case.plan.treated:
                yield case.problem(
                    path, f"`{code}` is treated, so it cannot lie around the treated areas.", "Take it out."
                )
            elif name == "comparison" and code in displacement.buffer:
                yield case.problem(path, f"`{code}` is also in the buffer.", "Keep one of the two.")
            elif case.plan.comparison is not None and code in _listed(case.plan.comparison):
                remedy = "Take it out of the comparison: it may itself have been changed."
                yield case.problem(path, f"`{code}` is also listed as comparison.", remedy)


def _listed(comparison: Comparison) -> list[str]:
    return [] if isinstance(comparison.areas, str) else comparison.areas


def _dose(case: PlanCase) -> Iterator[Problem]:
    delivery = case.plan.delivery
    for code in delivery.by_area if delivery else ():
        if code not in case.plan.treated:
            yield case.problem(("delivery", "by_area", code), f"`{code}` is not treated.", "Take it out, or treat it.")


def _unknown_area(case: PlanCase, areas: Areas, path: KeyPath, code: str) -> Problem:
    by_name = {area.name.casefold(): key for key, area in areas.areas.items()}
    if code.casefold() in by_name:
        remedy = f"Write its code: `{by_name[code.casefold()]}`."
        return case.problem(path, f"`{code}` is the name of an area, not its code.", remedy)
    remedy = did_you_mean(code, areas.areas, "a code from areas.yaml, or add the area there")
    return case.problem(path, f"There is no area `{code}` in areas.yaml.", remedy)


RULES: list[tuple[tuple[str, ...], Rule]] = [
    (("id",), _file_name),
    (("indicators",), _indicators),
    ((), _treated),
    (("design", "treated", "comparison"), _comparison),
    (("period",), _period),
    (("period", "treated"), _starts),
    (("effect", "indicators"), _meaningful),
    (("effect",), _shape),
    (("model", "indicators"), _likelihood),
    (("delivery",), _delivery),
    (("delivery", "treated"), _dose),
    (("costs",), _costs),
    (("indicators",), _harm),
    (("displacement", "treated", "comparison"), _displacement),
    (("priors", "model", "design"), _trend_prior),
]
