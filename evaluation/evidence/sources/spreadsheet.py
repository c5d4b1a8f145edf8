"""csv, excel, parquet: any partner's table of counts, by a short mapping in YAML; see `mapping` for an example."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.cells import STATUSES
from evaluation.evidence.personal_data import refuse_personal
from evaluation.evidence.sources.extract import Extract, Ledger, fill, insert, open_database
from evaluation.evidence.sources.intake import AGAIN, Leaf, find_leaves, fingerprints
from evaluation.evidence.sources.mapping import Mapping, PeriodColumn, read_mapping
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.sources.periods import Unreadable, read_period
from evaluation.evidence.sources.screening import Screen, add_up_rows, judge_row, make_screen
from evaluation.evidence.sources.workbook import (
    WORKBOOKS,
    Table,
    cell_text,
    describe_remarks,
    find_table,
    open_table,
    sheet_names,
)
from evaluation.protocol.definition import find_definition
from evaluation.protocol.period import Frequency
from evaluation.protocol.suggest import did_you_mean, listing, quote

ENDINGS = {"csv": (".csv",), "excel": WORKBOOKS, "parquet": (".parquet",)}
MOST_PROBLEMS = 50
ORIGIN = {"measure": "VARCHAR", "area": "VARCHAR", "period": "VARCHAR", "part": "VARCHAR", "file": "INTEGER",
          "row": "BIGINT"}  # fmt: skip
BATCH = 50_000  # rows held at a time


def read_by_mapping(paths: Sequence[Path], kind: str, mapping: Path, review: Path, definition: str | None) -> Extract:
    """Read by a mapping in a file and, where one is named, a definition of the review or of those shipped.

    Raises:
        InputError: as `read_mapping`, `read` and `screening.make_screen`.
    """
    how = read_mapping(mapping)
    if definition is None:
        return read(paths, kind, how)
    if how.exposure or how.rounded_to:
        text = "Rows of a definition are added up, so they cannot have an exposure of their own or be rounded."
        raise InputError([Problem(mapping.name, "", text, "Take out `exposure` and `rounded_to`.")])
    screen = make_screen(definition, find_definition(review, definition), how.attributes, mapping.name)
    return read(paths, kind, how, screen)


def read(paths: Sequence[Path], kind: str, mapping: Mapping, screen: Screen | None = None) -> Extract:
    """Read a partner's tables.

    Args:
        paths: files of one kind.
        kind: csv, excel or parquet.
        mapping: how.
        screen: a local definition by which rows are kept and added up.

    Raises:
        InputError: with every problem found, naming file and row; or the table holds records of people.
    """
    leaves = find_leaves(paths, ENDINGS[kind])
    extract = Extract(open_database(), Ledger(), fingerprints(leaves))
    problems: list[Problem] = []
    counted = 0
    connection = extract.connection
    connection.execute(f"CREATE TABLE came_from ({', '.join(f'{name} {type_}' for name, type_ in ORIGIN.items())})")
    for number, leaf in enumerate(leaves):
        table = _parquet(leaf) if kind == "parquet" else _open(leaf, mapping)
        origins: dict[str, list[Any]] = {name: [] for name in ORIGIN}

        def cells(
            table: Table = table, number: int = number, origins: dict[str, list[Any]] = origins
        ) -> Iterator[tuple[Any, ...]]:
            for cell in _cells(table, mapping, extract, problems, screen):
                measure, area, period, name, count, exposure, status, row, part = cell
                for column, value in zip(origins.values(), (measure, area, period, part, number, row), strict=True):
                    column.append(value)
                if len(origins["row"]) >= BATCH:
                    _note_origins(extract, origins)
                yield measure, area, name, period, count, exposure, status

        counted += fill(connection, cells())
        _note_origins(extract, origins)
        extract.notes += describe_remarks(table.passed)
    problems += _duplicates(extract, leaves)
    if problems:
        raise InputError(problems[:MOST_PROBLEMS])
    if not counted:
        raise InputError([Problem(leaves[0].name, "", "No row of data was found.", "Check sheet and mapping.")])
    extract.ledger.counted = counted - extract.ledger.dropped_by_screen
    if screen is not None:
        add_up_rows(extract, leaves[0].name)
        extract.definition = screen.record()
        extract.notes += _describe_screen(screen)
    extract.rules = {
        **(
            {"suppressed": {k: [int(b) for b in v] for k, v in mapping.suppressed.items()}}
            if mapping.suppressed
            else {}
        ),
        **({"rounded_to": mapping.rounded_to} if mapping.rounded_to else {}),
    }
    return extract


def _note_origins(extract: Extract, origins: dict[str, list[Any]]) -> None:
    insert(extract.connection, "came_from", origins)
    for column in origins.values():
        column.clear()


def _duplicates(extract: Extract, leaves: Sequence[Leaf]) -> list[Problem]:
    """Areas and periods that stand in more than one row; looked for in the database, so that any number may pass."""
    found = extract.connection.execute(
        "SELECT file, row, area, period, min((file, row)) OVER (PARTITION BY measure, area, period, part) AS earliest "
        "FROM came_from QUALIFY (file, row) > earliest ORDER BY file, row LIMIT 50"
    ).fetchall()
    problems = []
    for file, row, area, period, earliest in found:
        first_file, first_row = earliest if isinstance(earliest, tuple) else tuple(earliest.values())
        text = f"{area} in {period} is there twice: also in {leaves[first_file].name}, row {first_row}."
        problems.append(Problem(leaves[file].name, f"row {row}", text, "Keep one; if both are parts, add them up."))
    return problems


def _required(mapping: Mapping) -> list[tuple[str, ...]]:
    names = [mapping.area if isinstance(mapping.area, str) else None, mapping.count, mapping.exposure, mapping.status]
    period = mapping.period if isinstance(mapping.period, str) else mapping.period.column
    return [
        (name,)
        for name in (*names, *mapping.attributes.columns().values(), period if mapping.layout == "long" else None)
        if name
    ]


def _open(leaf: Leaf, mapping: Mapping) -> Table:
    names = sheet_names(leaf)
    required = _required(mapping)
    if not required and mapping.layout == "long":
        raise InputError([Problem(leaf.name, "", "The mapping names no column.", "Name at least the column of areas.")])
    fixed = mapping.sheet or (names[0] if not required else "")
    table = open_table(leaf, required, fixed) if fixed else find_table(leaf, [required], fold=False)
    sample = [
        row
        for _, row in zip(range(50), (cells for _, cells in open_table(leaf, required, table.sheet).rows), strict=False)
    ]
    if problems := refuse_personal(leaf.name, table.place(table.header_row), table.header, sample):
        raise InputError(problems)
    return table


def _parquet(leaf: Leaf) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(leaf.path)
    except (pa.ArrowException, OSError, ValueError):
        text = "The file cannot be read as Parquet: it is damaged or cut short."
        raise InputError([Problem(leaf.name, "", text, AGAIN)]) from None
    header = [str(name) for name in file.schema_arrow.names]

    def rows() -> Iterator[tuple[int, list[str]]]:
        number = 1
        for batch in file.iter_batches():
            for record in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, [cell_text(cell) for cell in record]

    sample = [row for _, row in zip(range(50), (cells for _, cells in rows()), strict=False)]
    if problems := refuse_personal(leaf.name, "", header, sample):
        raise InputError(problems)
    return Table(leaf, "", header, 1, rows())


def _describe_screen(screen: Screen) -> list[str]:
    notes = [f"Screened by the definition {screen.definition.title}: {listing(list(screen.columns))} applied. An area with "
             "rows in a period, none of them in the definition, has a 0."]  # fmt: skip
    if screen.lacking:
        notes.append(f"The table cannot tell {listing(list(screen.lacking), 6)}: these parts are not applied.")
    return notes


def _cells(
    table: Table, mapping: Mapping, extract: Extract, problems: list[Problem], screen: Screen | None
) -> Iterator[tuple[Any, ...]]:
    """(measure, area, period, name, count, exposure, status, row number, part) of every cell that is not left out."""
    form = mapping.period.format if isinstance(mapping.period, PeriodColumn) else None
    every: Frequency = mapping.period.every if isinstance(mapping.period, PeriodColumn) else "month"
    columns, others = _period_columns(table, mapping, form, every)
    ledger = extract.ledger
    if others:
        extract.notes.append(f"{table.leaf.name}: columns that are no {every} were not read: {listing(others, 6)}.")
    skip = {text.casefold() for text in mapping.skip}
    by_column = mapping.measure if mapping.measure in table.header else None
    for number, row in table.rows:
        written = row[table.at(mapping.area)] if isinstance(mapping.area, str) else mapping.area.all
        ledger.rows_in += len(columns)
        if written.casefold() in skip:
            ledger.drop(f"left out by the mapping: {written}", len(columns))
            continue
        area = mapping.areas.get(written, written)
        if not area or (mapping.areas and written not in mapping.areas and area not in mapping.areas.values()):
            text = f"The area {quote(written)} is not in the mapping's `areas`." if area else "There is no area."
            problems.append(Problem(table.leaf.name, table.place(number), text, "Add it there, or to `skip`."))
            continue
        name = written if area != written else ""
        measure = row[table.at(by_column)] if by_column else mapping.measure or mapping.title
        outside, part = "", ""
        if screen is not None:
            about = {part: row[table.at(column)] for part, column in screen.columns.items()}
            part = "|".join(about.values())
            try:
                outside = judge_row(screen, about)
            except ValueError as error:
                remedy = "Ask for bands that fit the definition, or correct the cell."
                problems.append(Problem(table.leaf.name, table.place(number), f"It cannot be told: {error}.", remedy))
                continue
        for at, period_at, fixed in columns:
            try:
                period = fixed or read_period(row[period_at], every, form)
            except Unreadable as error:
                place = table.place(number, table.header[period_at])
                problems.append(Problem(table.leaf.name, place, f"{error}.", "Correct it, or the mapping's `format`."))
                break
            if outside:
                ledger.drop(outside, 1)
                ledger.dropped_by_screen += 1
                yield measure, area, period, name, "0", None, "final", number, part
                continue
            whole = whole_number(row[at])
            count = row[at] if whole is None else str(whole)
            if count and whole is None and count not in mapping.suppressed:
                remedy = (
                    f"Correct it; if it hides a small count, add `suppressed: {{'{count}': [1, 7]}}` to the mapping."
                )
                place = table.place(number, table.header[at])
                problems.append(Problem(table.leaf.name, place, f"{quote(row[at])} is not a count.", remedy))
                continue
            exposure = _exposure(table, row, number, mapping, problems)
            status = row[table.at(mapping.status)].casefold() if mapping.status else ""
            if status and status not in STATUSES:
                place = table.place(number, mapping.status or "")
                text = f"There is no status {quote(status)}."
                problems.append(Problem(table.leaf.name, place, text, did_you_mean(status, STATUSES)))
                continue
            status = status or ("missing" if not count else "final" if whole is not None else "suppressed")
            yield measure, area, period, name, count or None, exposure, status, number, part
        if len(problems) > MOST_PROBLEMS:
            return


def _exposure(table: Table, row: Sequence[str], number: int, mapping: Mapping, problems: list[Problem]) -> float | None:
    if not mapping.exposure or not row[table.at(mapping.exposure)]:
        return None
    text = row[table.at(mapping.exposure)]
    whole = whole_number(text)
    if whole is not None or re.fullmatch(r"\d+\.\d+", text, re.ASCII):
        number_of = float(whole if whole is not None else text)
        if number_of > 0:
            return number_of
        place = table.place(number, mapping.exposure)
        problems.append(Problem(table.leaf.name, place, "The exposure is 0.", "Give the people or time at risk."))
    else:
        place = table.place(number, mapping.exposure)
        problems.append(Problem(table.leaf.name, place, f"{quote(text)} is not a number.", "Correct it."))
    return None


def _period_columns(
    table: Table, mapping: Mapping, form: str | None, every: Frequency
) -> tuple[list[tuple[int, int, str]], list[str]]:
    """(column of counts, column of periods, period if it is that of the column), and columns that are none of these."""
    if mapping.layout == "long":
        assert mapping.count is not None
        name = mapping.period if isinstance(mapping.period, str) else mapping.period.column
        assert name is not None
        return [(table.at(mapping.count), table.at(name), "")], []
    found: list[tuple[int, int, str]] = []
    others = []
    named = {mapping.area if isinstance(mapping.area, str) else "", mapping.measure or ""}
    for i, name in enumerate(table.header):
        try:
            found.append((i, i, read_period(name, every, form)))
        except Unreadable:
            if name not in named:
                others.append(quote(name))
    if not found:
        shown = listing([quote(name) for name in table.header], 8)
        text = f"None of the columns is a {every}: {shown}."
        raise InputError(
            [Problem(table.leaf.name, table.place(table.header_row), text, "Give `period: {format: ...}`.")]
        )
    twice = {period for _, _, period in found if sum(period == p for _, _, p in found) > 1}
    if twice:
        text = f"More than one column is about {listing(sorted(twice))}."
        raise InputError([Problem(table.leaf.name, table.place(table.header_row), text, "Keep one.")])
    return found, others
