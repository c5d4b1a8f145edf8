"""Rows of CSV files and of workbooks, as text, with the row numbers that a spreadsheet shows.

An .ods is streamed (see `opendocument`); .xlsx, .xls and .xlsb are read by calamine, one sheet at a time.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.personal_data import refuse_personal
from evaluation.evidence.sources.intake import AGAIN, NO_COLUMN, Leaf, open_lines, read_bytes, refuse_columns, swells
from evaluation.evidence.sources.opendocument import Row, read_ods
from evaluation.protocol.suggest import listing, plural, quote

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
HEADER_WITHIN = 40  # rows looked through for the header: publishers put titles and notes above it
LARGEST_SHEET = 1 << 30  # bytes of XML in an .xlsx, all of which goes through memory
REMARK = re.compile(r"source|notes?\b|\*|\[|\d+\.|©|crown|copyright|published", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table found in a file.

    Attributes:
        leaf: the file.
        sheet: its sheet, blank in CSV.
        header: column names as published.
        header_row: the row they are in.
        rows: number and cells of each row below that is not blank; every row has as many cells as there are columns.
        passed: lines of text among or below the rows (`Source: ...`), which are not in `rows`; filled while they are read.
    """

    leaf: Leaf
    sheet: str
    header: list[str]
    header_row: int
    rows: Iterator[Row]
    passed: list[Row] = field(default_factory=list)

    def at(self, name: str) -> int:
        """The position of a column."""
        return self.header.index(name)

    def find(self, names: Sequence[str]) -> int:
        """The position of a column by any of its names in small letters."""
        return next(i for i, name in enumerate(self.header) if name.casefold() in names)

    def place(self, number: int, column: str = "") -> str:
        """`sheet 2018_19, row 7, Offence Count`."""
        parts = [f"sheet {self.sheet}" if self.sheet else "", f"row {number}", column]
        return ", ".join(part for part in parts if part)


def sheet_names(leaf: Leaf) -> list[str]:
    """The sheets of a workbook in their order; one blank name for a CSV file."""
    if not leaf.stem.lower().endswith(WORKBOOKS):
        return [""]
    if leaf.stem.lower().endswith(".ods"):
        return [name for name, _ in read_ods(leaf, names_only=True)]
    return list(_calamine(leaf).sheet_names)


def read_rows(leaf: Leaf, sheet: str = "") -> Iterator[Row]:
    """Every row of a file or sheet that is not wholly blank, as text.

    Raises:
        InputError: the file is empty, damaged, in another encoding, or has no such sheet.
    """
    stem = leaf.stem.lower()
    if stem.endswith(".ods"):
        yield from _rows_of_ods(leaf, sheet)
    elif stem.endswith(WORKBOOKS):
        yield from _rows_of_workbook(leaf, sheet)
    else:
        yield from _rows_of_csv(leaf)


def open_table(leaf: Leaf, required: Sequence[Sequence[str]], sheet: str = "", *, fold: bool = False) -> Table:
    """Find the header and read what is below it.

    Args:
        leaf: the file.
        required: columns that must be there; other names of the same column in one tuple. Order does not matter.
        sheet: of a workbook.
        fold: whether capital letters are of no account.

    Raises:
        InputError: as `read_rows`; or no row has these columns; or header cells are merged, blank or double.
    """
    rows = read_rows(leaf, sheet)
    seen: list[Row] = []
    for number, cells in rows:
        names = [" ".join(cell.split()) for cell in cells]
        seen.append((number, names))
        known = {name.casefold() for name in names} if fold else set(names)
        if all(not known.isdisjoint(options) for options in required):
            header = _trimmed(names)
            _require_sound(leaf, sheet, number, header)
            passed: list[Row] = []
            return Table(leaf, sheet, header, number, _body(leaf, sheet, header, rows, passed), passed)
        if len(seen) >= HEADER_WITHIN:
            break
    if not seen:
        raise InputError([Problem(leaf.name, f"sheet {sheet}" if sheet else "", "There are no rows.", AGAIN)])
    best = max(seen, key=lambda row: sum(bool(cell) for cell in row[1]))
    problem = refuse_columns(leaf, _trimmed(best[1]), [options[0] for options in required], best[0])
    raise InputError([problem])


def find_table(leaf: Leaf, layouts: Sequence[Sequence[Sequence[str]]], *, fold: bool = True) -> Table:
    """The first table of a file that has one of some layouts, in whichever sheet it stands.

    Args:
        leaf: the file.
        layouts: each as `required` of `open_table`; in small letters where capital letters are of no account.
        fold: whether they are.

    Raises:
        InputError: there is none, said of the first layout; or the header of the one there is cannot be used.
    """
    refused: InputError | None = None
    for sheet in sheet_names(leaf):
        for layout in layouts:
            try:
                return open_table(leaf, layout, sheet, fold=fold)
            except InputError as error:
                if not error.problems[0].found.startswith(NO_COLUMN) and "no rows" not in error.problems[0].found:
                    raise
                refused = refused or error
    raise refused or InputError([Problem(leaf.name, "", "The workbook has no sheets.", AGAIN)])


def refuse_records(leaf: Leaf) -> None:
    """Refuse a file of records about people, in any of its sheets, before anything else is asked of it.

    Raises:
        InputError: a row near the top looks like a header of such records, or the cells below do.
    """
    for sheet in sheet_names(leaf):
        top = list(itertools.islice(read_rows(leaf, sheet), HEADER_WITHIN + 50))
        for at, (number, cells) in enumerate(top[:HEADER_WITHIN]):
            if sum(bool(cell) for cell in cells) > 1:
                where = f"sheet {sheet}, row {number}" if sheet else f"row {number}"
                if problems := refuse_personal(leaf.name, where, cells, [row for _, row in top[at + 1 :]]):
                    raise InputError(problems)
                break  # the first row of several cells is the header


def describe_remarks(passed: Sequence[Row]) -> list[str]:
    """A note that lines of text in a table were passed over."""
    if not passed:
        return []
    number, cells = passed[0]
    text = f"{plural(len(passed), 'line')} of text among the rows passed over (row {number}: {quote(cells[0][:60])})."
    return [text]


def _trimmed(cells: Sequence[str]) -> list[str]:
    kept = list(cells)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _require_sound(leaf: Leaf, sheet: str, number: int, header: Sequence[str]) -> None:
    where = f"sheet {sheet}, row {number}" if sheet else f"row {number}"
    problems = []
    blank = [i for i, name in enumerate(header) if not name]
    if blank:
        shown = listing([column_letter(i) for i in blank])
        text = f"The header has no name in {plural(len(blank), 'column')} ({shown}): its cells are merged or blank."
        problems.append(Problem(leaf.name, where, text, "Unmerge the header and give every column a name of its own."))
    twice = sorted({name for name in header if name and list(header).count(name) > 1})
    if twice:
        text = f"More than one column is called {listing(twice)}."
        problems.append(Problem(leaf.name, where, text, "Rename or delete all but one."))
    if problems:
        raise InputError(problems)


def column_letter(position: int) -> str:
    """The letter of a column, counted from 0, as a spreadsheet shows it."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _body(leaf: Leaf, sheet: str, header: Sequence[str], rows: Iterator[Row], passed: list[Row]) -> Iterator[Row]:
    width = len(header)
    delimited = not leaf.stem.lower().endswith(WORKBOOKS)
    for number, cells in rows:
        if width > 2 and is_remark(cells):
            passed.append((number, cells))
            continue
        if len(cells) != width:
            extra = any(cell for cell in cells[width:])
            if extra or (delimited and len(cells) < width):
                text = f"The row has {plural(len(_trimmed(cells)), 'cell')} where there are {width} columns."
                where = f"sheet {sheet}, row {number}" if sheet else f"row {number}"
                remedy = f"The file is cut short or was edited. {AGAIN}"
                raise InputError([Problem(leaf.name, where, text, remedy)])
            cells = [*cells[:width], *[""] * (width - len(cells))]
        yield number, cells


def is_remark(cells: Sequence[str]) -> bool:
    """Whether a row is a sentence and not data: text of several words in its first cell, and nothing else.

    A file that is cut short ends in part of a row: that has no full stop or colon, or more than one cell.
    """
    first = cells[0] if cells else ""
    alone = not any(cells[1:])
    return alone and len(first.split()) > 2 and (first.endswith(".") or bool(REMARK.match(first)))


def _rows_of_csv(leaf: Leaf) -> Iterator[Row]:
    lines = open_lines(leaf)
    first = next(lines, "")
    reader = csv.reader(itertools.chain([first], lines), delimiter=_delimiter(first), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if any(cell.strip() for cell in cells):
                yield number, [cell.strip() for cell in cells]
    except csv.Error:
        text = "The quotation marks in this row do not match, or one is opened and not closed."
        raise InputError([Problem(leaf.name, f"row {number + 1}", text, AGAIN)]) from None


def _delimiter(first: str) -> str:
    """Spreadsheets set to a language with decimal commas write semicolons; some programs write tabs."""
    return next((sign for sign in (",", ";", "\t") if sign in first), ",")


def _calamine(leaf: Leaf) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook

    raw = read_bytes(leaf)
    _require_modest(raw, leaf)
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(raw))
    except (CalamineError, OSError, ValueError) as error:
        raise InputError([_damaged(leaf, "", error)]) from None


def _damaged(leaf: Leaf, sheet: str, error: Exception) -> Problem:
    where = f"sheet {sheet}" if sheet else ""
    said = (str(error).splitlines() or [type(error).__name__])[0][:100]
    text = f"The {'sheet cannot be read' if sheet else 'workbook cannot be opened'} ({said})."
    return Problem(leaf.name, where, text, "It is damaged, cut short or protected by a password.")


def _require_modest(raw: bytes, leaf: Leaf) -> None:
    """Refuse a workbook whose parts would not fit into memory, as a zip bomb's."""
    if not raw.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            large = [info for info in archive.infolist() if info.file_size > LARGEST_SHEET or swells(info)]
    except (zipfile.BadZipFile, OSError, ValueError):
        return  # said by the reader
    if large:
        text = f"Its part {large[0].filename} would unpack to {large[0].file_size / 2**20:,.0f} MB."
        raise InputError([Problem(leaf.name, "", text, "Save the sheet as CSV, or as .ods, which is streamed.")])


def _rows_of_workbook(leaf: Leaf, sheet: str) -> Iterator[Row]:
    book = _calamine(leaf)
    if sheet not in book.sheet_names:
        raise InputError([_no_sheet(leaf, sheet, book.sheet_names)])
    from python_calamine import CalamineError

    try:
        found = book.get_sheet_by_name(sheet)
    except (CalamineError, OSError, ValueError) as error:
        raise InputError([_damaged(leaf, sheet, error)]) from None
    # Rows above the first that is written are skipped by the reader, but a spreadsheet counts them.
    first = (found.start or (0, 0))[0] if found.start else 0
    for offset, cells in enumerate(found.to_python(skip_empty_area=True)):
        texts = [cell_text(cell) for cell in cells]
        if found.start and found.start[1]:
            texts = [""] * found.start[1] + texts
        if any(texts):
            yield first + offset + 1, texts


def cell_text(cell: Any) -> str:
    """A typed cell as text: whole numbers without a point, dates as YYYY-MM-DD."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time, timedelta)):
        return str(cell)
    return str(cell).strip()


def _no_sheet(leaf: Leaf, sheet: str, names: Sequence[str]) -> Problem:
    return Problem(leaf.name, "", f"There is no sheet '{sheet}'.", f"The sheets are: {listing(list(names), 12)}.")


def _rows_of_ods(leaf: Leaf, sheet: str) -> Iterator[Row]:
    names = []
    for name, rows in read_ods(leaf):
        names.append(name)
        if name == sheet:
            yield from rows
            return
    raise InputError([_no_sheet(leaf, sheet, names)])


def is_workbook(path: Path) -> bool:
    """Whether the name is that of a workbook."""
    return path.name.lower().endswith(WORKBOOKS)
