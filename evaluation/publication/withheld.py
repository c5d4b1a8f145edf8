"""What an edition withholds and why, counted from the data, and whether anything withheld could be worked out after all.

This is the one part of publishing that reads the data: it asks what a reader could infer from everything that is shown, so it must
know what is not.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml
from numpy.typing import NDArray

from evaluation.errors import Problem
from evaluation.evidence.panel import build_panel
from evaluation.evidence.tidy import find_data
from evaluation.judgement.monitoring import WHOLE, WHOLE_NAME
from evaluation.protocol import Review, load_review
from evaluation.publication.disclosure import clean, csv_text, is_controlled
from evaluation.publication.downloads import read_table
from evaluation.publication.edition import Edition
from evaluation.publication.staging import safe_name
from evaluation.publication.subtraction import HALF, Line, gives_away, known_bounds, narrowed
from evaluation.publication.tables import rows_table
from evaluation.publication.versions import Record
from evaluation.writing import write_whole

YEAR = 12
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven")
# People and the events of which the fewest happen, whatever a review's indicators count.
PEOPLE = (
    "victim", "victims", "patient", "patients", "casualty", "casualties", "child", "children", "boy", "boys", "girl", "girls",
    "man", "men", "woman", "women", "person", "people", "teenager", "teenagers", "death", "deaths", "homicide", "homicides",
    "killing", "killings", "murder", "murders", "stabbing", "stabbings", "shooting", "shootings", "suspect", "suspects",
)  # fmt: skip
REASONS = {
    "shown": "shown, rounded to 5 or zero",
    "small": "withheld: 1 to 7",
    "subtraction": "withheld: a total that would give a small count away",
    "source": "withheld or known as a range by its publisher",
    "missing": "not recorded",
}


@dataclass(frozen=True)
class Total:
    """A total that the book may show.

    Attributes:
        name: of what it adds up.
        areas, periods: positions of its cells.
        fate: what becomes of it (`REASONS`).
        value: the count.
        file: stem of the CSV that shows it period by period; empty if none does.
    """

    name: str
    areas: tuple[int, ...]
    periods: tuple[int, ...]
    fate: str
    value: float
    file: str = ""


@dataclass
class Ledger:
    """One indicator under control.

    Attributes:
        title: of the indicator.
        profile: of disclosure.
        areas, periods: labels of the cells.
        values: counts, shape (area, period).
        cells: how many cells have which fate (`REASONS`).
        totals: by area groups and years.
    """

    title: str
    profile: str
    areas: list[str]
    periods: list[str]
    values: NDArray[np.float64]
    cells: Counter[str]
    totals: list[Total] = field(default_factory=list)


@dataclass
class Account:
    """What is withheld of each indicator, by its key; which indicators are under no control."""

    ledgers: dict[str, Ledger]
    public: list[str]

    def shown(self) -> dict[str, dict[str, float]]:
        """The totals as they are printed, for the record of the edition: indicator -> `name|period` -> number."""
        found: dict[str, dict[str, float]] = {}
        for key, ledger in self.ledgers.items():
            printed = {}
            for total in ledger.totals:
                if total.fate == "shown":
                    low, high, _ = known_bounds(total.value, ledger.profile)
                    printed[_label(ledger, total)] = float(low) if low == high else float(high) - HALF
            found[key] = printed
        return found


def account(edition: Edition) -> Account:
    """Go through every count that the book of an edition shows or withholds."""
    review = load_review(edition.folder)
    kept: dict[str, Ledger] = {}
    public = []
    for key, indicator in review.indicators.items():
        if indicator.likelihood == "normal" or find_data(edition.folder, indicator) is None:
            continue
        if not is_controlled(indicator.disclosure):
            public.append(clean(indicator.title))
            continue
        kept[key] = _ledger(review, edition, key, build_panel(review, key))
    return Account(kept, public)


def find_attacks(found: Account, before: Record | None) -> list[str]:
    """Which withheld counts could be narrowed from all totals together, this edition's and the one before it.

    Args:
        found: of this edition.
        before: the edition published before it, if there was one.
    """
    faults = []
    for key, ledger in found.ledgers.items():
        low, high, small = known_bounds(ledger.values, ledger.profile)
        earlier = (before.shown.get(key) or {}) if before is not None else {}
        shown = [(t, *_limits(t, ledger, earlier)) for t in ledger.totals]
        lines = [(t, a, b) for t, a, b in shown if np.isfinite(a)]
        for part in _connected(lines):
            cells = sorted({(a, p) for t, _, _ in part for a in t.areas for p in t.periods})
            at = {cell: i for i, cell in enumerate(cells)}
            where = tuple(np.array(cells).T)
            whole = [Line([at[a, p] for a in t.areas for p in t.periods], a_, b_) for t, a_, b_ in part]
            hidden = np.flatnonzero(small[where])
            for cell in narrowed(low[where], high[where], hidden, whole):
                area, period = cells[cell]
                faults.append(
                    f"{ledger.title}, {ledger.areas[area]}, {ledger.periods[period]}: a withheld count could be narrowed from "
                    f"{', '.join(sorted({t.name for t, _, _ in part}))} together"
                )
    return faults


def find_untold(found: Account, downloads: Path) -> list[str]:
    """Totals that should be withheld and stand in a table all the same: reports told by an earlier version of the program.

    Args:
        found: the account.
        downloads: the folder of the CSVs.
    """
    faults = []
    for ledger in found.ledgers.values():
        telling = [t for t in ledger.totals if t.fate == "subtraction" and (downloads / f"{t.file}.csv").is_file()]
        for file in dict.fromkeys(t.file for t in telling):
            header, rows = read_table(downloads / f"{file}.csv")
            column = header.index("Recorded") if "Recorded" in header else 0
            printed = {str(row[0]): row[column] for row in rows}
            for total in telling:
                if total.file == file and isinstance(printed.get(_span(ledger, total)), (int, float)):
                    faults.append(
                        f"downloads/{file}.csv: {_span(ledger, total)} is a total that gives a withheld count away; "
                        "the report was told by an earlier version of this program, so run svd review again"
                    )
    return faults


def sentences(found: Account) -> list[str]:
    """The account in a line for each indicator."""
    lines = []
    for ledger in found.ledgers.values():
        totals = Counter(t.fate for t in ledger.totals)
        lines.append(
            f"{ledger.title}: of {ledger.cells.total():,} counts by area and period, {ledger.cells['small']:,} withheld as 1 to 7, "
            f"{ledger.cells['source']:,} withheld by their publisher; of {totals.total():,} totals, {totals['small']:,} withheld as 1 to 7 and "
            f"{totals['subtraction']:,} because they would give a small count away."
        )
    if found.public:
        lines.append(f"Under no control, because already public: {', '.join(found.public)}.")
    return lines


def find_words(review: Review) -> Iterator[Problem]:
    """Places where people wrote a number of 1 to 7 beside people or a unit that is under control.

    No rule can withhold a count from a sentence. Each such phrase is a refusal until `cleared_phrases` of review.yaml
    says that it was read: "one assault costs more than ..." gives nobody away.
    """
    units = {i.unit for i in review.indicators.values() if is_controlled(i.disclosure)}
    if not units:
        return
    forms = sorted({form for unit in units for form in (unit, unit.removesuffix("s"))} | set(PEOPLE))
    named = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in forms)
    # One word may stand between: "three serious assaults".
    small = re.compile(rf"(?<![-\w.,/])(?:[1-7]|{'|'.join(NUMBERS)})\s+(?:[a-z-]+\s+)?(?:{named})\b", re.IGNORECASE)
    cleared = {" ".join(phrase.split()).casefold() for phrase in review.settings.cleared_phrases}
    for path in (*sorted(review.folder.glob("*.yaml")), *review.plan_files.values()):
        for line, text in _texts(yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)):
            for seen in small.finditer(text):
                phrase = " ".join(seen.group(0).split())
                if phrase.casefold() in cleared:
                    continue
                yield Problem(
                    path.relative_to(review.folder).as_posix(), f"line {line}",
                    f"It speaks of '{phrase}': a small count in words, which nothing can withhold.",
                    f"Say it without the number; or, if it gives nobody away, add '{phrase}' to cleared_phrases in review.yaml.",
                )  # fmt: skip


def _texts(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Every text of a document with the line on which it begins."""
    if isinstance(node, yaml.ScalarNode):
        yield node.start_mark.line + 1, node.value
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _texts(child)
    elif isinstance(node, yaml.MappingNode):
        for _, child in node.value:
            yield from _texts(child)


def write_report(found: Account, edition: Edition) -> Path:
    """Write what was withheld and why, beside the review and not in the public folder. It holds no withheld number."""
    rows: list[tuple[Any, ...]] = []
    for ledger in found.ledgers.values():
        rows += [
            (ledger.title, "counts by area and period", "", "", REASONS[f], n) for f, n in sorted(ledger.cells.items())
        ]
        for fate, n in sorted(Counter(t.fate for t in ledger.totals).items()):
            rows.append((ledger.title, "totals", "", "", REASONS[fate], n))
        rows += [
            (ledger.title, "total", total.name, _span(ledger, total), REASONS[total.fate], 1)
            for total in ledger.totals
            if total.fate == "subtraction"
        ]
    rows += [(title, "everything", "", "", "already public, under no control", "") for title in found.public]
    table = rows_table(rows, ["Indicator", "What", "Of", "Period", "Why", "How many"])
    return write_whole(edition.folder / "_build" / "withheld.csv", "\ufeff" + csv_text(table))


def read_report(path: Path) -> list[dict[str, str]]:
    """The rows of a report."""
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def _ledger(review: Review, edition: Edition, key: str, panel: xr.Dataset) -> Ledger:
    indicator = review.indicators[key]
    values = panel["value"].values.astype(float)
    low = panel["low"].values.astype(float)
    codes = [str(code) for code in panel["area"].values]
    names = [clean(review.areas.areas[code].name) if code in review.areas.areas else code for code in codes]
    periods = [str(t) for t in panel["time"].values]
    _, _, small = known_bounds(values, indicator.disclosure)
    fates = np.select([small, np.isfinite(values), np.isfinite(low)], ["small", "shown", "source"], "missing")
    ledger = Ledger(
        clean(indicator.title), indicator.disclosure, names, periods, values, Counter(fates.ravel().tolist())
    )
    groups: dict[str, tuple[str, tuple[int, ...]]] = {}
    if indicator.likelihood in ("negative_binomial", "poisson") and indicator.monitoring.kind == "outcome":
        groups[WHOLE_NAME] = (
            safe_name(f"monitor-{key}-{WHOLE}"),
            tuple(np.flatnonzero(np.isfinite(low).any(axis=1)).tolist()),
        )
    for plan_id, plan in review.plans.items():
        treated = tuple(codes.index(area) for area in plan.treated if area in codes)
        if plan_id in edition.packets and key == plan.indicators.primary and len(treated) > 1:
            groups[f"the areas of '{clean(plan.title)}'"] = safe_name(f"{plan_id}-{key}-counterfactual"), treated
    for name, (file, areas) in groups.items():
        if len(areas) > 1:
            ledger.totals += [_total(ledger, name, areas, (p,), file) for p in range(len(periods))]
    known = np.flatnonzero(np.isfinite(low).any(axis=0))
    end = int(known[-1]) + 1 - indicator.monitoring.provisional if known.size else 0
    if panel.attrs.get("frequency") == "month" and end >= YEAR:
        year = tuple(range(end - YEAR, end))
        ledger.totals += [_total(ledger, f"the year of {name}", (i,), year) for i, name in enumerate(names)]
    return ledger


def _total(ledger: Ledger, name: str, areas: tuple[int, ...], periods: tuple[int, ...], file: str = "") -> Total:
    members = ledger.values[np.ix_(areas, periods)].ravel()
    value = float(members.sum())
    if not np.isfinite(value):
        fate = "missing"
    elif known_bounds(value, ledger.profile)[2]:
        fate = "small"
    else:
        fate = "subtraction" if gives_away(members[:, None], ledger.profile)[0] else "shown"
    return Total(name, areas, periods, fate, value, file)


def _limits(total: Total, ledger: Ledger, earlier: dict[str, float]) -> tuple[float, float]:
    """What a reader knows of a total, from this edition or, if that agrees with the data of today, from the one before."""
    if total.fate == "shown":
        low, high, _ = known_bounds(total.value, ledger.profile)
        return float(low), float(high)
    printed = earlier.get(_label(ledger, total))
    if printed is not None and abs(printed - total.value) <= (HALF if printed else 0):
        low, high, _ = known_bounds(printed, ledger.profile)
        return float(low), float(high)
    return np.nan, np.nan


def _connected(lines: list[tuple[Total, float, float]]) -> list[list[tuple[Total, float, float]]]:
    """Totals that share cells, directly or through others; a total alone was judged when it was made."""
    groups: list[tuple[set[tuple[int, int]], list[tuple[Total, float, float]]]] = []
    for line in lines:
        cells = {(a, p) for a in line[0].areas for p in line[0].periods}
        touching = [g for g in groups if g[0] & cells]
        groups = [g for g in groups if not g[0] & cells]
        groups.append((cells.union(*(g[0] for g in touching)), [line, *(one for g in touching for one in g[1])]))
    return [group for _, group in groups]


def _label(ledger: Ledger, total: Total) -> str:
    return f"{total.name}|{_span(ledger, total)}"


def _span(ledger: Ledger, total: Total) -> str:
    first, last = ledger.periods[total.periods[0]], ledger.periods[total.periods[-1]]
    return first if first == last else f"{first} to {last}"
