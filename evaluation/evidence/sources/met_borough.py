"""met-borough and met-knife: the Metropolitan Police's tables by borough, as on the London Datastore.

`met-borough` is wide: one row for each borough and type of crime, one column YYYYMM for each month; the historical and
the recent file go together, and where they overlap the newer one holds. Types that were renamed between files end with
one and begin with the other: they are not joined, because the publisher does not say that they count the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.extract import Extract, Ledger, fill, open_database
from evaluation.evidence.sources.intake import find_leaves, fingerprints
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.sources.workbook import WORKBOOKS, Table, find_table
from evaluation.protocol.period import first_place, label
from evaluation.protocol.suggest import listing, plural, quote

BOROUGH = (("MajorText",), ("MinorText",), ("BoroughName", "LookUp_BoroughName"))
KNIFE = (("month",), ("area_name",), ("area_code",), ("crime_subtype",), ("count",))
LAYOUT = tuple(tuple(name.casefold() for name in names) for names in BOROUGH)
_MONTH = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])")
# Labels that are no borough: their rows are counted by the publisher but have no place to which they belong.
NO_PLACE = frozenset({
    "unknown", "n/k", "n/k (legacy only)", "london heathrow and london city airports", "aviation security (so18)",
    "aviation security (so18) (legacy only)", "non met police force", "",
})  # fmt: skip
CONNECT = (
    "The Metropolitan Police changed its record system about February 2024 (unverified): a change of level then is not "
    "an effect of anything on the street."
)


def read_borough(paths: Sequence[Path], *, minor: bool = True) -> Extract:
    """Read the wide borough tables.

    Args:
        paths: one file or several of different months.
        minor: measures are minor types (`VIOLENCE WITH INJURY`), otherwise major ones, added up.

    Raises:
        InputError: with every problem, naming file and row.
    """
    leaves = find_leaves(paths, (".csv", *WORKBOOKS))
    extract = Extract(open_database(), Ledger(), fingerprints(leaves))
    cells: dict[tuple[str, str, str, str], int] = {}
    newest: dict[str, tuple[str, str]] = {}
    per_file = []
    for leaf in leaves:
        table = find_table(leaf, [LAYOUT])
        months = [name for name in table.header if _MONTH.fullmatch(name)]
        if not months:
            text = "There is no column of a month (YYYYMM)."
            raise InputError([Problem(leaf.name, f"row {table.header_row}", text, "Give the file as published.")])
        per_file.append((max(months), leaf.name, months, table))
    overlap: set[str] = set()
    # The file that reaches furthest is the newest edition, so it is read first and its months hold.
    for _, name, months, table in sorted(per_file, key=lambda item: (item[0], item[1]), reverse=True):
        own = [month for month in months if month not in newest]
        overlap |= set(months) - set(own)
        newest |= {month: (name, table.sheet) for month in own}
        _read_wide(extract, table, own, len(months) - len(own), cells)
    if overlap:
        shown = listing(sorted(overlap), 3)
        extract.notes.append(f"{plural(len(overlap), 'month')} in more than one file ({shown}): the newer file holds.")
    if not cells:
        raise InputError(
            [Problem(leaves[0].name, "", "There are no rows of a borough.", "Give the file as published.")]
        )
    _fill_borough(extract, cells, minor=minor)
    return extract


def _read_wide(
    extract: Extract, table: Table, months: list[str], passed: int, cells: dict[tuple[str, str, str, str], int]
) -> None:
    ledger, problems = extract.ledger, []
    at = [table.find(names) for names in LAYOUT]
    columns = [(table.at(month), f"{month[:4]}-{month[4:]}") for month in months]
    for number, row in table.rows:
        major, minor, area = (row[i] for i in at)
        ledger.rows_in += len(columns) + passed
        ledger.drop("month given by a newer file", passed)
        if not major or not minor:
            problems.append(Problem(table.leaf.name, table.place(number), "The type of crime is blank.", "Fill it in."))
            continue
        if area.casefold() in NO_PLACE:
            ledger.drop(f"no borough ({area or 'blank'})", len(columns))
            continue
        for i, period in columns:
            text = row[i]
            if not text:
                ledger.drop("blank cell (missing, not zero)", 1)
                continue
            count = whole_number(text)
            if count is None:
                place = table.place(number, table.header[i])
                problems.append(Problem(table.leaf.name, place, f"{quote(text)} is not a count.", "Correct the cell."))
                continue
            key = (major, minor, area, period)
            if key in cells:
                text = f"{area}, {minor} is there twice."
                problems.append(Problem(table.leaf.name, table.place(number), text, "Delete one of the two rows."))
                break
            cells[key] = count
            ledger.counted += 1
    if problems:
        raise InputError(problems[:50])


def _fill_borough(extract: Extract, cells: dict[tuple[str, str, str, str], int], *, minor: bool) -> None:
    summed: dict[tuple[str, str, str], int] = {}
    spans: dict[str, set[str]] = {}
    for (major, small, area, period), count in cells.items():
        measure = small if minor else major
        # One minor type (the same words) can stand under two major ones.
        summed[measure, area, period] = summed.get((measure, area, period), 0) + count
        spans.setdefault(measure, set()).add(period)
    fill(
        extract.connection,
        ((measure, area, area, period, str(n), None, "final") for (measure, area, period), n in summed.items()),
    )
    every = {period for periods in spans.values() for period in periods}
    for measure, periods in sorted(spans.items()):
        if periods != every:
            text = f"{measure} runs from {min(periods)} to {max(periods)} only: types are renamed between the files."
            extract.notes.append(text)
    if every:
        first, last = first_place(min(every), "month"), first_place(max(every), "month")
        gaps = [label(p, "month") for p in range(first, last + 1) if label(p, "month") not in every]
        if gaps:
            extract.notes.append(f"No file gives {listing(gaps, 4)}: missing, not zero.")
        if min(every) < "2024-02" <= max(every):
            extract.notes.append(CONNECT)
    extract.notes.append("The City of London is not included. The area codes are the names of boroughs.")
    extract.covers = ["Metropolitan Police Service"]


def read_knife(paths: Sequence[Path]) -> Extract:
    """Read the table of knife crime by borough (`month, area_name, area_code, crime_subtype, count`).

    The table has no rows of zero: within the months that it holds, a borough without a row had none, and a zero is
    written. Months that are not in the table at all stay missing.

    Raises:
        InputError: with every problem of the files, each with its place.
    """
    leaves = find_leaves(paths, (".csv", *WORKBOOKS))
    extract = Extract(open_database(), Ledger(), fingerprints(leaves))
    counts: dict[tuple[str, str, str], int] = {}
    names: dict[str, str] = {}
    months: set[str] = set()
    problems: list[Problem] = []
    for leaf in leaves:
        table = find_table(leaf, [KNIFE])
        at = {name: table.find((name,)) for (name,) in KNIFE}
        for number, row in table.rows:
            extract.ledger.rows_in += 1
            month, name, code, measure, text = (row[at[c]] for (c,) in KNIFE)
            count = whole_number(text)
            if not re.fullmatch(r"(19|20)\d\d-(0[1-9]|1[0-2])(-\d{2})?", month, re.ASCII) or count is None:
                problems.append(
                    Problem(
                        leaf.name,
                        table.place(number),
                        f"{quote(f'{month}, {text}')} is not a month and a count.",
                        "Correct it.",
                    )
                )
            elif not code:
                months.add(month[:7])
                extract.ledger.drop(f"no area code ({name or 'blank name'})", 1)
            elif (measure, code, month[:7]) in counts:
                problems.append(
                    Problem(leaf.name, table.place(number), f"{name} is there twice.", "Delete one of the two.")
                )
            else:
                months.add(month[:7])
                counts[measure, code, month[:7]] = count
                names[code] = name
                extract.ledger.counted += 1
    if problems:
        raise InputError(problems[:50])
    if not counts:
        raise InputError(
            [Problem(leaves[0].name, "", "There are no rows of a borough.", "Give the file as published.")]
        )
    measures = sorted({measure for measure, _, _ in counts})
    fill(
        extract.connection,
        (
            (measure, code, names[code], month, str(counts.get((measure, code, month), 0)), None, "final")
            for measure in measures
            for code in names
            for month in sorted(months)
        ),
    )
    zeros = len(measures) * len(names) * len(months) - len(counts)
    extract.notes.append(
        f"The table holds no zeros; {zeros:,} were written for boroughs without a row in a month that the table holds."
    )
    if min(months) < "2024-04" <= max(months):
        extract.notes.append("The Metropolitan Police revised the recording of knife crime from April 2024 (ONS).")
    extract.covers = ["Metropolitan Police Service"]
    return extract
