"""hospital and emergency-department: monthly counts from the NHS, with small numbers hidden.

Below national level a count of 1 to 7 is published as a star, any other rounded to the nearest 5, and zero as 0
(disclosure control of Hospital Episode Statistics since September 2018). The star is kept as it is published, and the
model treats it as an interval. The newest months are coded late, so they are provisional.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.personal_data import refuse_personal
from evaluation.evidence.sources.extract import Extract, Ledger, fill, open_database
from evaluation.evidence.sources.intake import find_leaves, fingerprints
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.sources.opendocument import Row
from evaluation.evidence.sources.periods import Unreadable, read_period
from evaluation.evidence.sources.workbook import WORKBOOKS, Table, describe_remarks, find_table, refuse_records
from evaluation.protocol.period import first_place, label
from evaluation.protocol.suggest import listing, plural, quote

SUPPRESSED = {"*": [1, 7]}
ROUNDED_TO = 5
LATE_MONTHS = 3  # the newest months of an extract are under-coded, by some 7 % in the first one
AREA = ("area code", "area_code", "areacode", "code", "la code", "lad code", "ltla code", "geography code", "area")
NAME = ("area name", "area_name", "la name", "lad name", "name", "local authority")
PERIOD = ("month", "period", "month of admission", "admission month", "month and year", "date")
ADMISSIONS = ("admissions", "count", "fae", "fce", "finished admission episodes", "number of admissions", "episodes")
SITE = ("site code", "site code (of treatment)", "site_code", "organisation site code")
ATTENDANCES = ("attendances", "assaults", "count", "number of attendances")
PLACE_TYPE = ("assault location type", "assault_location_type", "location type")
TOTALS = frozenset({"total", "totals", "all", "all areas", "england", "grand total", "e92000001"})
METHOD = ("assault method", "assault_method")


def read_hospital(paths: Sequence[Path], *, rounded: bool = True, late: int = LATE_MONTHS) -> Extract:
    """Read monthly admissions (columns: an area's code, the month, admissions; header names in any order and case).

    Args:
        paths: extracts; several go together where they are of different months.
        rounded: counts are rounded to 5; a count that is not a multiple of 5 is then refused.
        late: how many of the newest months are provisional.
    """
    extract = _read(paths, AREA, NAME, ADMISSIONS, (), late)
    extract.rules = {"suppressed": dict(SUPPRESSED), **({"rounded_to": ROUNDED_TO} if rounded else {})}
    if rounded:
        _require_rounded(extract)
    return extract


def read_attendances(paths: Sequence[Path], *, late: int = 0) -> Extract:
    """Read monthly counts of assault attendances at emergency departments, made from the ISTV minimum data set.

    Columns: Site Code (the area), Month, Attendances, and optionally Assault Location Type and Assault Method, which
    become measures. The attendances themselves (one row for each, with its arrival time) are refused.
    """
    extract = _read(paths, SITE + AREA, NAME, ATTENDANCES, (PLACE_TYPE, METHOD), late)
    extract.rules = {"suppressed": dict(SUPPRESSED)}
    extract.notes.append(
        "Between a fifth and a half of assault attendances are known to the police, so police and hospital counts may "
        "move in different directions."
    )
    return extract


def _read(
    paths: Sequence[Path],
    area_names: Sequence[str],
    name_names: Sequence[str],
    count_names: Sequence[str],
    kinds: Sequence[Sequence[str]],
    late: int,
) -> Extract:
    leaves = find_leaves(paths, (".csv", *WORKBOOKS))
    ledger, problems = Ledger(), []
    passed: list[Row] = []
    cells: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for leaf in leaves:
        refuse_records(leaf)
        table = find_table(leaf, [(area_names, PERIOD, count_names)])
        if found := refuse_personal(leaf.name, table.place(table.header_row), table.header, []):
            raise InputError(found)
        area_at, period_at, count_at = (table.find(names) for names in (area_names, PERIOD, count_names))
        name_at = _find(table, name_names)
        kind_at = [at for names in kinds if (at := _find(table, names)) is not None]
        for number, row in table.rows:
            ledger.rows_in += 1
            measure = ", ".join(row[i] for i in kind_at if row[i]) or table.header[count_at]
            try:
                period = _month(row[period_at])
            except Unreadable as error:
                place = table.place(number, table.header[period_at])
                problems.append(Problem(leaf.name, place, f"{error}.", "Write months as 2024-03."))
                continue
            count, complaint = _count(row[count_at])
            if row[area_at].casefold() in TOTALS:
                ledger.drop(f"a total, not an area ({row[area_at]})", 1)
                continue
            if complaint:
                place = table.place(number, table.header[count_at])
                problems.append(Problem(leaf.name, place, *complaint))
                continue
            if not row[area_at]:
                ledger.drop("no area", 1)
                continue
            key = (measure, row[area_at], period)
            if key in cells:
                text = f"{row[area_at]} in {period} is there twice: also in {cells[key][2]}."
                problems.append(Problem(leaf.name, table.place(number), text, "Keep one row for each area and month."))
                continue
            cells[key] = (count, row[name_at] if name_at is not None else "", f"{leaf.name}, row {number}")
            ledger.counted += 1
        passed += table.passed
    if problems:
        raise InputError(problems[:50])
    if not cells:
        raise InputError([Problem(leaves[0].name, "", "There are no rows of data.", "Give the extract as received.")])
    return _filled(cells, ledger, leaves, late, passed)


def _filled(
    cells: dict[tuple[str, str, str], tuple[str, str, str]], ledger: Ledger, leaves: Any, late: int, passed: list[Row]
) -> Extract:
    extract = Extract(open_database(), ledger, fingerprints(leaves))
    extract.notes += describe_remarks(passed)
    newest = max(first_place(period, "month") for _, _, period in cells)
    since = label(newest - late + 1, "month")

    def status(count: str, period: str) -> str:
        if count == "*":
            return "suppressed"
        return "missing" if not count else "provisional" if period >= since and late else "final"

    fill(
        extract.connection,
        (
            (measure, area, name, period, count or None, None, status(count, period))
            for (measure, area, period), (count, name, _) in cells.items()
        ),
    )
    hidden = sum(count == "*" for count, _, _ in cells.values())
    if hidden:
        text = f"{plural(hidden, 'count')} of {len(cells):,} are suppressed (1 to 7): kept as published, never zero."
        extract.notes.append(text)
    if late:
        extract.notes.append(
            f"From {since} on the counts are provisional: diagnoses are coded late, so they will rise in the next extract."
        )
    return extract


def _find(table: Table, names: Sequence[str]) -> int | None:
    folded = [name.casefold().strip() for name in table.header]
    return next((folded.index(name) for name in names if name in folded), None)


def _month(text: str) -> str:
    try:
        return read_period(text, "month")
    except Unreadable as first:
        for form in ("%b-%y", "%b %Y", "%B %Y", "%b-%Y", "%d/%m/%Y", "%m/%Y"):
            try:
                return read_period(text, "month", form)
            except Unreadable:
                continue
        raise first from None


def _count(text: str) -> tuple[str, tuple[str, str] | None]:
    """The count as it will be written, or what is wrong with the cell."""
    if (number := whole_number(text)) is not None:
        return str(number), None
    if text in ("", "-", "..", ":", "n/a", "N/A"):
        return "", None
    if text == "*" or re.fullmatch(r"<\s*8|1\s*(-|to)\s*7", text):
        return "*", None
    if text.startswith("<") or text in ("c", "x", "[c]", "[x]"):
        remedy = "Ask which counts the sign hides; import with `svd import csv` and a mapping that says so."
        return "", (f"{quote(text)} is not the sign of this publication (* for 1 to 7).", remedy)
    return "", (f"{quote(text)} is not a count.", "Correct the cell; rates cannot be used.")


def _require_rounded(extract: Extract) -> None:
    odd = extract.connection.execute(
        "SELECT area, period, count FROM tidy WHERE TRY_CAST(count AS BIGINT) % 5 <> 0 ORDER BY ALL"
    ).fetchall()
    if odd:
        shown = listing([f"{area} {period}: {count}" for area, period, count in odd], 3)
        text = f"{plural(len(odd), 'count')} are not rounded to 5 ({shown})."
        remedy = "If this extract is not rounded, say --not-rounded; small counts must not be published."
        raise InputError([Problem(extract.inputs[0].name, "", text, remedy)])
