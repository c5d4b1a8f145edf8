"""csv, excel, parquet: any partner's table of counts, by a short mapping in YAML.

title: Referrals to the youth service
publisher: Exampleshire Youth Service
layout: long                    # one row for each area and month; wide: one column for each month
area: District                  # a column; or {all: E07000001} where the whole table is one area
period: {column: Month, format: "%b-%y"}      # no format is needed for 2024-03 and for real dates
count: Referrals
areas: {North Town: E07000001}  # names in the table -> codes; optional
skip: [Total]                   # rows left out, by what is in the area's column
suppressed: {"*": [1, 4]}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from evaluation.errors import InputError, Problem
from evaluation.evidence.personal_data import refuse_personal
from evaluation.evidence.sources.extract import Extract, Ledger, fill, open_database
from evaluation.evidence.sources.intake import AGAIN, Leaf, find_leaves, fingerprints
from evaluation.evidence.sources.periods import Unreadable, read_period
from evaluation.evidence.sources.workbook import WORKBOOKS, Table, cell_text, open_table, sheet_names
from evaluation.protocol.indicator import Bounds, Marker
from evaluation.protocol.period import Frequency
from evaluation.protocol.reading import Promise, Text, read_model, refuse
from evaluation.protocol.suggest import listing, quote
from evaluation.protocol.yaml_source import read_yaml

ENDINGS = {"csv": (".csv",), "excel": WORKBOOKS, "parquet": (".parquet",)}
MOST_PROBLEMS = 50


class OneArea(Promise):
    """The whole table is about one area."""

    all: Text


class PeriodColumn(Promise):
    """Where periods are and how they are written (as in Python's strptime)."""

    column: Text | None = None
    format: Text | None = None
    every: Frequency = "month"


class Mapping(Promise):
    """How a partner's table is to be read; see the module's example.

    Attributes:
        title, publisher, licence: recorded in the provenance.
        layout: long or wide.
        sheet: of a workbook; the first by default.
        area: the column of areas, or one area for the whole table.
        period: the column of periods (long), their format and frequency.
        count: the column of counts (long).
        measure: a column by which the counts are told apart (long), or the name of the one measure.
        exposure, status: columns, optional (long).
        areas: what the table says -> code.
        skip: texts in the area's column whose rows are left out, such as totals.
        suppressed, rounded_to: as in indicators.yaml.
    """

    title: Text
    publisher: Text | None = None
    licence: Text | None = None
    layout: Literal["long", "wide"] = "long"
    sheet: Text | None = None
    area: Text | OneArea
    period: PeriodColumn | Text
    count: Text | None = None
    measure: Text | None = None
    exposure: Text | None = None
    status: Text | None = None
    areas: dict[Text, Text] = Field(default_factory=dict)
    skip: list[Text] = Field(default_factory=list)
    suppressed: dict[Marker, Bounds] = Field(default_factory=dict)
    rounded_to: int | None = Field(default=None, ge=2, le=1000)

    @model_validator(mode="after")
    def _complete(self) -> Mapping:
        if self.layout == "long" and self.count is None:
            raise refuse("A long table needs the column of counts.", "Add `count: COLUMN`.")
        if self.layout == "long" and isinstance(self.period, PeriodColumn) and self.period.column is None:
            raise refuse("A long table needs the column of periods.", "Add `period: {column: COLUMN}`.")
        if self.layout == "wide" and (self.count or self.exposure or self.status):
            raise refuse("In a wide table every period's column holds counts.", "Take out count, exposure and status.")
        return self


def read_mapping(path: Path) -> Mapping:
    """Read a mapping.

    Raises:
        InputError: with every problem in it.
    """
    document, problems = read_yaml(path)
    if document is None or problems:
        raise InputError(problems)
    reading = read_model(Mapping, document.data, file=path.name, line_of=document.line_of)
    if reading.problems or reading.value is None:
        raise InputError(reading.problems)
    return reading.value


def read(paths: Sequence[Path], kind: str, mapping: Mapping) -> Extract:
    """Read a partner's tables.

    Args:
        paths: files of one kind.
        kind: csv, excel or parquet.
        mapping: how.

    Raises:
        InputError: with every problem found, naming file and row; or the table holds records of people.
    """
    leaves = find_leaves(paths, ENDINGS[kind])
    extract = Extract(open_database(), Ledger(), fingerprints(leaves))
    problems: list[Problem] = []
    seen: dict[tuple[str, str, str], str] = {}
    rows: list[tuple[Any, ...]] = []
    for leaf in leaves:
        table = _parquet(leaf) if kind == "parquet" else _open(leaf, mapping)
        for row in _cells(table, mapping, extract.ledger, problems):
            key, where = row[:3], f"{leaf.name}, row {row[7]}"
            if key in seen:
                text = f"{row[1]} in {row[2]} is there twice: also in {seen[key]}."
                remedy = "Keep one; if both are parts, add them up."
                problems.append(Problem(leaf.name, table.place(row[7]), text, remedy))
            seen.setdefault(key, where)
            measure, area, period, name, count, exposure, status, _ = row
            rows.append((measure, area, name, period, count, exposure, status))
    if problems:
        raise InputError(problems[:MOST_PROBLEMS])
    if not rows:
        raise InputError([Problem(leaves[0].name, "", "No row of data was found.", "Check sheet and mapping.")])
    extract.ledger.counted = fill(extract.connection, rows)
    extract.rules = {
        **(
            {"suppressed": {k: [int(b) for b in v] for k, v in mapping.suppressed.items()}}
            if mapping.suppressed
            else {}
        ),
        **({"rounded_to": mapping.rounded_to} if mapping.rounded_to else {}),
    }
    return extract


def _required(mapping: Mapping) -> list[tuple[str, ...]]:
    names = [mapping.area if isinstance(mapping.area, str) else None, mapping.count, mapping.exposure, mapping.status]
    period = mapping.period if isinstance(mapping.period, str) else mapping.period.column
    return [(name,) for name in (*names, period if mapping.layout == "long" else None) if name]


def _open(leaf: Leaf, mapping: Mapping) -> Table:
    names = sheet_names(leaf)
    required = _required(mapping)
    if not required and mapping.layout == "long":
        raise InputError([Problem(leaf.name, "", "The mapping names no column.", "Name at least the column of areas.")])
    table = open_table(leaf, required, mapping.sheet or names[0])
    sample = [
        row
        for _, row in zip(range(50), (cells for _, cells in open_table(leaf, required, table.sheet).rows), strict=False)
    ]
    if problems := refuse_personal(leaf.name, table.place(table.header_row), table.header, sample):
        raise InputError(problems)
    return table


def _parquet(leaf: Leaf) -> Table:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

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


def _cells(table: Table, mapping: Mapping, ledger: Ledger, problems: list[Problem]) -> Iterator[tuple[Any, ...]]:
    """(measure, area, period, name, count, exposure, status, row number) of every cell that is not left out."""
    form = mapping.period.format if isinstance(mapping.period, PeriodColumn) else None
    every: Frequency = mapping.period.every if isinstance(mapping.period, PeriodColumn) else "month"
    columns = _period_columns(table, mapping, form, every)
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
        for at, period_at, fixed in columns:
            try:
                period = fixed or read_period(row[period_at], every, form)
            except Unreadable as error:
                place = table.place(number, table.header[period_at])
                problems.append(Problem(table.leaf.name, place, f"{error}.", "Correct it, or the mapping's `format`."))
                break
            count = row[at].replace(",", "") if row[at].replace(",", "").isdigit() else row[at]
            if count and not count.isdigit() and count not in mapping.suppressed:
                remedy = (
                    f"Correct it; if it hides a small count, add `suppressed: {{'{count}': [1, 7]}}` to the mapping."
                )
                place = table.place(number, table.header[at])
                problems.append(Problem(table.leaf.name, place, f"{quote(row[at])} is not a count.", remedy))
                continue
            exposure = _exposure(table, row, number, mapping, problems)
            status = row[table.at(mapping.status)] if mapping.status else ""
            status = status or ("missing" if not count else "final" if count.isdigit() else "suppressed")
            yield measure, area, period, name, count or None, exposure, status, number
        if len(problems) > MOST_PROBLEMS:
            return


def _exposure(table: Table, row: Sequence[str], number: int, mapping: Mapping, problems: list[Problem]) -> float | None:
    if not mapping.exposure or not row[table.at(mapping.exposure)]:
        return None
    text = row[table.at(mapping.exposure)]
    try:
        return float(text.replace(",", ""))
    except ValueError:
        place = table.place(number, mapping.exposure)
        problems.append(Problem(table.leaf.name, place, f"{quote(text)} is not a number.", "Correct it."))
        return None


def _period_columns(table: Table, mapping: Mapping, form: str | None, every: Frequency) -> list[tuple[int, int, str]]:
    """(column of counts, column of periods, period if it is that of the column)."""
    if mapping.layout == "long":
        assert mapping.count is not None
        name = mapping.period if isinstance(mapping.period, str) else mapping.period.column
        assert name is not None
        return [(table.at(mapping.count), table.at(name), "")]
    found = []
    for i, name in enumerate(table.header):
        try:
            found.append((i, i, read_period(name, every, form)))
        except Unreadable:
            continue
    if not found:
        shown = listing([quote(name) for name in table.header], 8)
        text = f"None of the columns is a {every}: {shown}."
        raise InputError(
            [Problem(table.leaf.name, table.place(table.header_row), text, "Give `period: {format: ...}`.")]
        )
    return found
