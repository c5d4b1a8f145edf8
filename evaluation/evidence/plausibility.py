"""What the audit of the counts means for a review: sentences for `svd check`, and plans that would rest on a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.errors import Problem
from evaluation.evidence.audit import Audit, Oddity
from evaluation.evidence.panel import window_cells
from evaluation.evidence.shocks import Shock, crossing
from evaluation.evidence.sources.filing import read_provenance
from evaluation.evidence.sources.registry import SOURCES
from evaluation.evidence.sources.screening import not_applied, wanted_parts
from evaluation.evidence.sufficiency import Measured
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.loading import INDICATORS_FILE, Review
from evaluation.protocol.partnership import Areas
from evaluation.protocol.period import first_day, first_place, last_place
from evaluation.protocol.plan import Plan
from evaluation.protocol.resolve import comparison_areas, indicator_roles
from evaluation.protocol.suggest import listing, plural
from evaluation.protocol.yaml_source import Lines, place_of


@dataclass(frozen=True)
class Origin:
    """Where an indicator's data come from.

    Attributes:
        affects: kinds of shocks that its series crosses.
        suppliers: police forces in it.
    """

    affects: tuple[str, ...]
    suppliers: tuple[str, ...]


def find_origin(folder: Path, indicator: str) -> Origin | None:
    """From the provenance record that `svd import` left; None where the data were made by hand."""
    record = read_provenance(folder, indicator)
    if record is None or record.get("source") not in SOURCES:
        return None
    return Origin(SOURCES[record["source"]].affects, tuple(str(name) for name in record.get("suppliers") or ()))


def definition_warnings(review: Review, indicator: Indicator) -> list[Problem]:
    """How far an indicator's data are those of the local definition that it names."""
    name = indicator.local_definition
    if name is None or name not in review.definitions:
        return []
    place = place_of(review.lines.get(INDICATORS_FILE, {}), (indicator.key, "local_definition"))
    left = not_applied(review.folder, indicator.key, name)
    if left is None:
        if not wanted_parts(review.definitions[name]) or review.settings.simulated:
            return []
        text = f"Nothing shows that the data of `{indicator.key}` were counted by the definition `{name}`."
        remedy = "Import them with --definition, or say in the indicator's `definition` how they were counted."
        return [Problem(INDICATORS_FILE, place, text, remedy)]
    if left:
        text = f"Of the definition `{name}` the data of `{indicator.key}` could not tell {listing(left, 6)}."
        return [Problem(INDICATORS_FILE, place, text, "Every chart says so; ask the publisher for these columns.")]
    return []


WORDS = {
    "collapse": "less than a fifth of the year before",
    "shared fall": "all areas fall together, as when a supplier sends only part",
    "dip": "less than half of the months on both sides",
    "mirror image": "one area rises by what another falls, as when a boundary or a code moves",
    "island": "at another level than after the gap that follows",
}
REMEDY = (
    "Ask the supplier. If the counts are incomplete, write `partial` in the column status, or name the periods under "
    "`unusable` in indicators.yaml; if they really happened, under `genuine`."
)


def oddity_warnings(audit: Audit, measured: Measured, shocks: Sequence[Shock]) -> list[Problem]:
    """What looks implausible in an indicator's data, one warning for each rule."""
    grid, file = measured.grid, measured.file
    accepted = _genuine(measured)
    by_kind: dict[str, list[Oddity]] = {}
    for odd in audit.oddities:
        if not accepted[list(odd.areas), odd.time].all():
            by_kind.setdefault(odd.kind, []).append(odd)
    found = []
    for kind, odds in by_kind.items():
        shown = [_shown(odd, measured) for odd in odds]
        shut = sum(_in_lockdown(odd.time, measured, shocks) for odd in odds)
        text = f"{plural(len(shown), 'place')} where {WORDS[kind]}: {listing(shown, 6)}."
        if shut:
            text += f" {shut} of them in a lockdown, when that may be real."
        found.append(Problem(file, "column count", text, REMEDY))
    masked = int(grid.partial.sum())
    if masked:
        text = f"{plural(masked, 'count')} marked partial or unusable: treated as missing, never as zero."
        found.append(Problem(file, "column status", text, ""))
    return found


def _shown(odd: Oddity, measured: Measured) -> str:
    codes = [measured.grid.codes[i] for i in odd.areas]
    where = (
        codes[0]
        if len(codes) == 1
        else " and ".join(codes)
        if odd.kind == "mirror image"
        else plural(len(codes), "area")
    )
    share = "" if odd.kind in ("mirror image", "island") else f" ({odd.share:.0%})"
    return f"{where} in {measured.label(measured.grid.first + odd.time)}{share}"


def _genuine(measured: Measured) -> np.ndarray:
    grid = measured.grid
    shape = grid.value.shape
    return window_cells(
        measured.indicator.genuine, grid.codes, grid.first, shape[1], measured.frequency, measured.anchor
    )


def _in_lockdown(time: int, measured: Measured, shocks: Sequence[Shock]) -> bool:
    day = first_day(measured.grid.first + time, measured.frequency, measured.anchor)
    return any(shock.kind == "covid" and shock.closed and shock.holds(day) for shock in shocks)


def gap_problems(
    plan: Plan,
    file: str,
    lines: Lines,
    areas: Areas,
    measured: Mapping[str, Measured],
    audits: Mapping[str, Audit],
    shocks: Sequence[Shock],
) -> list[Problem]:
    """Plans whose areas and periods hold a collapse: a fit over it would take missing data for a fall."""
    found = []
    used = [*plan.treated, *(comparison_areas(plan, areas) if plan.comparison is not None else ())]
    for key in indicator_roles(plan):
        if key not in measured or key not in audits:
            continue
        data = measured[key]
        cells = audits[key].cells("collapse") & ~_genuine(data)
        rows = [data.grid.codes.index(code) for code in dict.fromkeys(used) if code in data.grid.codes]
        inside = [
            (i, int(t))
            for i in rows
            for t in np.flatnonzero(cells[i])
            if _inside(plan, data, int(t)) and not _in_lockdown(int(t), data, shocks)
        ]
        if inside:
            shown = listing([f"{data.grid.codes[i]} in {data.label(data.grid.first + t)}" for i, t in inside], 4)
            text = f"The plan would rest on counts of `{key}` that have collapsed to less than a fifth: {shown}."
            found.append(Problem(file, place_of(lines, ("period",)), text, f"{REMEDY} Or exclude the window."))
    return found


def _inside(plan: Plan, data: Measured, time: int) -> bool:
    place = data.grid.first + time

    def within(start: str, end: str) -> bool:
        return first_place(start, data.frequency, data.anchor) <= place <= last_place(end, data.frequency, data.anchor)

    excluded = any(within(window.from_, window.to) for window in plan.period.exclude)
    return within(plan.period.start, plan.period.end) and not excluded


def crossed_shocks(plan: Plan, shocks: Sequence[Shock], origins: Sequence[Origin]) -> list[Shock]:
    """Known shocks between a plan's start and end that it does not leave out, in the order of their dates.

    Args:
        plan: the plan.
        shocks: of the calendar.
        origins: of the indicators asked about, where a record of provenance says it.
    """
    kinds = {"covid", *(kind for origin in origins for kind in origin.affects)}
    suppliers = {name for origin in origins for name in origin.suppliers}
    crossed = crossing(shocks, plan.period.start, plan.period.end, kinds, suppliers)
    excluded = [(first_place(w.from_, "month"), last_place(w.to, "month")) for w in plan.period.exclude]
    return [
        shock
        for shock in crossed
        if not any(a <= shock.start.year * 12 + shock.start.month - 1 <= b for a, b in excluded)
    ]


def shock_warnings(
    plan: Plan, file: str, lines: Lines, shocks: Sequence[Shock], origins: Mapping[str, Origin]
) -> list[Problem]:
    """`Your window crosses ...`: known shocks between a plan's start and end that it does not leave out.

    Args:
        plan: the plan.
        file: its name in problems.
        lines: line of each key.
        shocks: of the calendar.
        origins: of the plan's indicators, where a record of provenance says it.
    """
    known = [origins[key] for key in indicator_roles(plan) if key in origins]
    left = crossed_shocks(plan, shocks, known)
    if not left:
        return []
    pandemic = [shock for shock in left if shock.kind == "covid"]
    named = [f"{shock.title} ({shock.start:%Y-%m})" for shock in left if shock.kind != "covid"]
    if pandemic:
        last = max(shock.end or shock.start for shock in pandemic)
        named.insert(0, f"COVID-19 restrictions ({pandemic[0].start:%Y-%m} to {last:%Y-%m})")
    shown = listing(named, 8)
    text = f"Your window crosses {shown}."
    remedy = (
        "Say in the plan what each means for the comparison, exclude a window, or choose indicators it does not touch."
    )
    return [Problem(file, place_of(lines, ("period",)), text, remedy)]
