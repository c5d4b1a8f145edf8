"""The shock calendar: what changed for everybody, or in the recording, at a known date. Each row has its source.

A row that is not `verified` was not confirmed in a source that could be read; its title says so wherever it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.evidence.small_table import read_table
from evaluation.protocol.period import read_span
from evaluation.protocol.suggest import quote

KINDS = ("covid", "counting_rule", "record_system", "data_supply", "geography", "programme")
SHIPPED = Path(__file__).with_name("shocks.csv")
COLUMNS = ("id", "start", "end", "kind", "scope", "closed", "title", "note", "source", "checked", "verified")
NATIONAL = frozenset({"england", "england and wales"})


@dataclass(frozen=True)
class Shock:
    """One change at a known date.

    Attributes:
        id: its name.
        start, end: first and last day; `end` is None where it did not end.
        kind: one of KINDS.
        scope: where: a country, a region, a force.
        closed: whether people had to stay at home, so that real collapses are to be expected.
        title, note: in words; the title says (unverified) where it must.
        source: publisher of the fact.
        checked: when it was last looked up.
        own: whether the review's own calendar names it; then it concerns every indicator of the review.
    """

    id: str
    start: date
    end: date | None
    kind: str
    scope: str
    closed: bool
    title: str
    note: str
    source: str
    checked: date
    own: bool = False

    def holds(self, day: date) -> bool:
        """Whether the month of a day has any part in it."""
        ends = self.end or date.max
        return (self.start.year, self.start.month) <= (day.year, day.month) <= (ends.year, ends.month)


@cache
def shipped_shocks() -> tuple[Shock, ...]:
    """The calendar that travels with the program."""
    return tuple(read_shocks(SHIPPED))


def review_shocks(folder: Path) -> list[Shock]:
    """The shipped calendar with the review's own `shocks.csv`; a row of the same id replaces the shipped one.

    Raises:
        InputError: with every problem in the review's file.
    """
    shocks = {shock.id: shock for shock in shipped_shocks()}
    own = folder / "shocks.csv"
    if own.is_file():
        shocks |= {shock.id: replace(shock, own=True) for shock in read_shocks(own)}
    return sorted(shocks.values(), key=lambda shock: (shock.start, shock.id))


def read_shocks(path: Path) -> list[Shock]:
    """Read a calendar.

    Raises:
        InputError: with every problem, naming the row.
    """
    problems: list[Problem] = []
    found = []
    for number, row in read_table(path, path.name, COLUMNS, problems):
        place = f"row {number}"
        try:
            start, checked = _day(row["start"]), _day(row["checked"])
            end = _day(row["end"]) if row["end"] else None
        except ValueError:
            problems.append(
                Problem(path.name, place, "A date cannot be read.", "Write start, end, checked as 2020-03-23.")
            )
            continue
        if row["kind"] not in KINDS:
            problems.append(Problem(path.name, place, f"There is no kind '{row['kind']}'.", f"Use {', '.join(KINDS)}."))
        for column in ("closed", "verified"):
            if row[column] not in ("yes", "no"):
                found_there = f"{column} says {quote(row[column])}."
                problems.append(Problem(path.name, f"{place}, {column}", found_there, "Write yes or no."))
        if not row["source"] or not row["title"] or not row["id"]:
            problems.append(Problem(path.name, place, "id, title or source is blank.", "Every row needs its source."))
        if end is not None and end < start:
            problems.append(Problem(path.name, place, "It ends before it starts.", "Correct the dates."))
        doubt = "" if row["verified"] == "yes" or "(unverified)" in row["title"] else " (unverified)"
        found.append(
            Shock(row["id"], start, end, row["kind"], row["scope"], row["closed"] == "yes", row["title"] + doubt,
                  row["note"], row["source"], checked)
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    return found


def _day(text: str) -> date:
    return date.fromisoformat(text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else "")


def crossing(
    shocks: Sequence[Shock], start: str, end: str, kinds: Iterable[str], suppliers: Iterable[str] = ()
) -> list[Shock]:
    """Shocks that begin inside a window, or hold when it begins, of some kinds, national or of the suppliers.

    Those of the review's own calendar are always among them.

    Args:
        shocks: the calendar.
        start, end: periods as written.
        kinds: of KINDS.
        suppliers: police forces in the data; shocks of other forces are left out.
    """
    first, last = read_span(start).first, read_span(end).last
    wanted, known = set(kinds), [name.casefold() for name in suppliers]

    def concerns(shock: Shock) -> bool:
        scopes = [part.strip() for part in shock.scope.casefold().split(",")]
        return any(part in NATIONAL or any(part in name or name in part for name in known) for part in scopes)

    return [
        shock
        for shock in shocks
        if (shock.own or (shock.kind in wanted and concerns(shock)))
        and (first < shock.start <= last or (shock.end is not None and shock.start <= first <= shock.end))
    ]
