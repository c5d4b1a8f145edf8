"""What a newer edition of the same data changed, cell by cell, and which plans it touches."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.protocol.loading import Review
from evaluation.protocol.period import PeriodError, read_span
from evaluation.protocol.resolve import comparison_areas, indicator_roles
from evaluation.protocol.suggest import listing, plural

POPULATION = "population"


@dataclass(frozen=True)
class Revision:
    """Cells that differ between two editions, each (area, period, before, after); a blank is a cell that is not there.

    Attributes:
        added: in the newer edition only.
        removed: in the older edition only.
        altered: in both, with another count or status.
        same: how many cells are alike.
    """

    added: list[tuple[str, str, str, str]]
    removed: list[tuple[str, str, str, str]]
    altered: list[tuple[str, str, str, str]]
    same: int

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.altered)

    @property
    def cells(self) -> list[tuple[str, str, str, str]]:
        """All that differ."""
        return [*self.altered, *self.removed, *self.added]


def compare_editions(before: Path, after: Path) -> Revision:
    """Compare two tidy files (area, period, count, status)."""
    old, new = _cells(before), _cells(after)
    added = [(*key, "", value) for key, value in new.items() if key not in old]
    removed = [(*key, value, "") for key, value in old.items() if key not in new]
    altered = [(*key, old[key], value) for key, value in new.items() if key in old and old[key] != value]
    return Revision(added, removed, altered, sum(1 for key in new if old.get(key) == new[key]))


def _cells(path: Path) -> dict[tuple[str, str], str]:
    # What an edition of long ago was written in is not known; it is only compared, never counted.
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream)
        return {(row.get("area") or "", row.get("period") or ""): _shown(row) for row in reader}


def _shown(row: Mapping[str, str | None]) -> str:
    """The count with its exposure and, if it is not `final`, its status: `12`, `9 of 140`, `9 (partial)`, `missing`."""
    status = (row.get("status") or "final").strip()
    count = (row.get("count") or row.get("value") or "").strip()
    if not count:
        return "missing"
    if exposure := (row.get("exposure") or "").strip():
        count = f"{count} of {exposure}"
    return count if status in ("final", "suppressed") else f"{count} ({status})"


def describe_revision(revision: Revision, limit: int = 8) -> list[str]:
    """The revision in sentences: how many cells changed, and the first of them."""
    if not revision.changed:
        return [f"The same as the edition before ({revision.same:,} cells)."]
    counts = f"{len(revision.altered):,} altered, {len(revision.added):,} new, {len(revision.removed):,} gone"
    lines = [f"Against the edition before: {counts}, {revision.same:,} the same."]
    shown = [*revision.altered, *revision.removed][:limit]
    lines += [f"  {area} {period}: {old or 'not there'} -> {new or 'not there'}" for area, period, old, new in shown]
    if (left := len(revision.altered) + len(revision.removed) - len(shown)) > 0:
        lines.append(f"  and {plural(left, 'more cell')}")
    return lines


def touched_plans(review: Review, indicator: str, revision: Revision) -> dict[str, str]:
    """Plans whose finding rests on cells that were altered or removed, or on new ones, with a sentence each.

    Args:
        review: the review.
        indicator: the key whose data changed; `population` concerns every plan, since all counts are set against it.
        revision: what changed.
    """
    found: dict[str, str] = {}
    for plan in review.plans.values():
        if indicator not in (*indicator_roles(plan), POPULATION):
            continue
        areas = {*plan.treated, *(comparison_areas(plan, review.areas) if plan.comparison is not None else ())}
        first, last = read_span(plan.period.start).first, read_span(plan.period.end).last
        inside = []
        for area, period, _, _ in revision.cells:
            try:
                span = read_span(period)
            except PeriodError:
                continue
            if area in areas and first <= span.first and span.last <= last:
                inside.append(f"{area} {period}")
        if inside:
            text = (
                f"{plural(len(inside), 'cell')} of its areas and period changed ({listing(inside, 3)}): run it again."
            )
            found[plan.id] = text
    return found
