"""A data file as columns of text, with the row numbers that a spreadsheet shows.

Everything is read as text, so that codes keep their leading zeros and nothing is guessed. Files that are not
what their name says (a workbook, a web page, a semicolon-separated file) are refused with the way out.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import Problem
from evaluation.protocol.suggest import listing, plural, quote
from evaluation.protocol.text_source import SAVE_CSV, decode

LARGEST = 256 << 20  # bytes of text
MOST_ROWS = 20_000_000  # of a Parquet file, whose columns can stand for far more than they take
REQUIRED = frozenset({"area", "period", "count", "value"})
READ = REQUIRED | {"exposure", "status"}  # of a Parquet file
# Other names by which publishers call the columns, the likeliest first (small letters, spaces for underscores).
SYNONYMS: dict[str, tuple[str, ...]] = {
    "area": ("area code", "areacode", "areacd", "code", "gss", "gss code", "lsoa", "lsoa code", "lsoa21cd", "ward", "ward code",
             "lad", "lad code", "ladcode", "csp", "police district", "district", "borough", "geography", "geography code", "id"),
    "period": ("month", "date", "quarter", "week", "year", "time", "time period", "periods"),
    "count": ("counts", "crime count", "n", "value", "events", "crimes", "offences", "incidents", "admissions", "number", "total", "victims"),
}  # fmt: skip
_SIGNATURES: list[tuple[bytes, str, str]] = [
    (b"PK\x03\x04", "an Excel or OpenDocument workbook", SAVE_CSV),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", SAVE_CSV),
    (b"%PDF", "a PDF", "Ask the publisher for the table as CSV."),
    (b"version https://git-lfs", "a Git LFS pointer, not the data", "Fetch the data with `git lfs pull`."),
    (b"PAR1", "a Parquet file", "Rename it so that it ends in .parquet."),
    (b"\x1f\x8b", "a gzip archive", "Rename it so that it ends in .csv.gz."),
]


@dataclass(frozen=True)
class Rows:
    """The cells of a data file.

    Attributes:
        columns: name -> one text per row, without spaces around it (area codes excepted).
        numbers: row numbers as a spreadsheet shows them (the column names are row 1).
        lost: how many rows could not be read at all.
    """

    columns: dict[str, Sequence[str]]
    numbers: Sequence[int]
    lost: int = 0


def read_rows(path: Path, file: str, required: Sequence[tuple[str, ...]]) -> tuple[Rows | None, list[Problem]]:
    """Read .csv, .csv.gz or .parquet.

    Args:
        path: the file.
        file: its name in problems.
        required: columns that must be there; alternatives in one tuple.

    Returns:
        The rows (None if they cannot be judged at all) and what is wrong with the file as a table.
    """
    if path.is_dir():
        return None, [Problem(file, "", "This is a folder, not a file.", "Name a .csv, .csv.gz or .parquet file.")]
    suffix = path.name.lower()
    if suffix.endswith(".parquet"):
        return _read_parquet(path, file, required)
    if not suffix.endswith((".csv", ".csv.gz")):
        kind = (
            "An Excel workbook" if suffix.endswith((".xlsx", ".xls", ".ods")) else f"A {path.suffix or 'nameless'} file"
        )
        return None, [Problem(file, "", f"{kind} cannot be read here.", f"Give .csv, .csv.gz or .parquet. {SAVE_CSV}")]
    try:
        with gzip.open(path) if suffix.endswith(".gz") else path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)  # what a gzip bomb would unfold to is never in memory
    except (OSError, EOFError, zlib.error) as error:
        if suffix.endswith(".gz") and not isinstance(error, (FileNotFoundError, PermissionError)):
            return None, [
                Problem(file, "", "The file is not a sound gzip archive.", "Compress it again, or give a .csv.")
            ]
        return None, [Problem(file, "", "The file cannot be read.", "Check that it is there and that you may open it.")]
    if len(raw) > LARGEST:
        found = f"The file holds more than {LARGEST >> 20} MB of text, more than months of areas can."
        return None, [Problem(file, "", found, "Leave out what the review does not need, or give .parquet.")]
    text, problems = _as_text(raw, file)
    return (None, problems) if text is None else _read_csv(text, file, required)


def _as_text(raw: bytes, file: str) -> tuple[str | None, list[Problem]]:
    if not raw.removeprefix(b"\xef\xbb\xbf").strip():
        return None, [Problem(file, "", "The file is empty.", "Export it again; its first row is `area,period,count`.")]
    for signature, what, remedy in _SIGNATURES:
        if raw.startswith(signature):
            return None, [Problem(file, "", f"The file is {what}, although it is called {Path(file).name}.", remedy)]
    start = raw[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        remedy = "The download probably failed: download it again in a browser and look at it."
        return None, [Problem(file, "", "The file is a web page or XML, not a table.", remedy)]
    if start.startswith((b"{", b"[")):
        return None, [Problem(file, "", "The file is JSON, not a table.", "Export it as CSV.")]
    return decode(raw, file, SAVE_CSV, "row")


def _read_csv(text: str, file: str, required: Sequence[tuple[str, ...]]) -> tuple[Rows | None, list[Problem]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    whole_row_quoted = first.count('"') == 2 and first.strip().startswith('"') and first.strip().endswith('"')
    if ("," not in first or whole_row_quoted) and (problem := _separator(first, file)):
        return None, [problem]
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        records.extend(reader)
    except csv.Error as error:
        row = f"row {len(records) + 1}"
        if "field larger" in str(error) or "unexpected end" in str(error):
            return None, [Problem(file, row, "A quotation mark is opened and not closed.", 'Close or remove the ".')]
        return None, [Problem(file, row, "The quotation marks in this row do not match.", 'Remove stray ".')]
    header = [name.strip() for name in records[0]] if records else []
    header, skipped, problems = _header(records, header, file, required)
    if problems:
        return None, problems
    return _body(records, header, skipped, file)


def _header(
    records: list[list[str]], header: list[str], file: str, required: Sequence[tuple[str, ...]]
) -> tuple[list[str], int, list[Problem]]:
    """Column names and the number of records up to them, or what is wrong with them."""
    absent = [names for names in required if not set(names) & set(header)]
    if absent:
        for i, record in enumerate(records[1:30], 1):
            names = {name.strip() for name in record}
            if all(names & set(options) for options in required):
                rows = "row 1" if i == 1 else f"rows 1 to {i}"
                found = (
                    f"The column names are in row {i + 1}, below other text ({quote(' '.join(records[0]).strip())})."
                )
                return [], 0, [Problem(file, "row 1", found, f"Delete {rows}.")]
        if problem := _wide(header, file):
            return [], 0, [problem]
        if len(absent) == len(required) and any(re.fullmatch(r"\d[\d.,/Q-]*", cell.strip()) for cell in records[0]):
            found = f"The first row holds data, not column names: {quote(','.join(records[0]))}."
            return [], 0, [Problem(file, "row 1", found, "Add a first row: area,period,count.")]
    problems = missing_columns(header, file, absent)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    problems += [
        Problem(file, "row 1", f"There are two columns called `{name}`.", "Rename or delete one.") for name in twice
    ]
    return header, 1, problems


def missing_columns(header: Sequence[str], file: str, absent: Sequence[tuple[str, ...]]) -> list[Problem]:
    """One problem for each required column that is not there, with the likeliest column to rename."""
    problems = []
    for names in absent:
        wanted = " or ".join(f"`{name}`" for name in names)
        like = _likeliest(names[0], [name for name in header if name])
        remedy = f"Rename the column `{like}` to `{names[0]}`." if like else f"The columns are: {listing(header, 8)}."
        problems.append(Problem(file, "row 1", f"There is no column {wanted}.", remedy))
    return problems


def _likeliest(wanted: str, header: Sequence[str]) -> str | None:
    """The column that was most likely meant: a common other name, in the order of SYNONYMS, or a near miss."""
    by_folded = {name.casefold().replace("_", " "): name for name in reversed(header)}
    for synonym in (wanted, *SYNONYMS.get(wanted, ())):
        if synonym in by_folded:
            return by_folded[synonym]
    others = [name for name in header if name not in ("area", "period", "count", "exposure", "status")]
    # Nearer than `did you mean` is elsewhere: `treat` is not a slip of the pen for `area`.
    close = difflib.get_close_matches(wanted, [name.casefold() for name in others], n=1, cutoff=0.75)
    return next((name for name in others if close and name.casefold() == close[0]), None)


def _wide(header: Sequence[str], file: str) -> Problem | None:
    """The commonest layout of publishers: one column for each period."""
    periods = [
        name
        for name in header
        if re.fullmatch(r"(19|20)\d\d([-/ ]?(0[1-9]|1[0-2]|Q[1-4]))?|[A-Z][a-z]{2}[- ]\d\d", name)
    ]
    if len(periods) < 3:
        return None
    found = f"The periods are columns ({listing(periods, 3)}), where rows are wanted."
    remedy = "Give one row to each area and period: in Excel, Data, From Table/Range, Unpivot Columns. `svd import` reads some."
    return Problem(file, "row 1", found, remedy)


def _body(records: list[list[str]], header: list[str], skipped: int, file: str) -> tuple[Rows | None, list[Problem]]:
    width = len(header)
    names = [cell.strip() for cell in records[0]]
    ragged: list[int] = []
    repeated: list[int] = []
    kept: list[list[str]] = []
    numbers: list[int] = []
    for number, record in enumerate(records[skipped:], skipped + 1):
        if len(record) != width:
            if not any(cell.strip() for cell in record):
                continue
            if len(record) > width and not any(cell.strip() for cell in record[width:]):
                record = record[:width]
            elif len(record) < width and not REQUIRED.intersection(header[len(record) :]):
                # Excel drops trailing separators, so optional cells at the end may not be there at all.
                record = [*record, *[""] * (width - len(record))]
            else:
                ragged.append(number)
                continue
        if record[0].strip() == names[0] and [cell.strip() for cell in record] == names:
            repeated.append(number)
            continue
        if not record[0] and not any(cell.strip() for cell in record):
            continue
        kept.append(record)
        numbers.append(number)
    problems = []
    if ragged:
        n, example = len(records[ragged[0] - 1]), records[ragged[0] - 1]
        found = f"The row has {plural(n, 'cell')} where there are {plural(width, 'column')}: {quote(','.join(example))}"
        found += f" ({len(ragged) - 1:,} more rows like it)." if len(ragged) > 1 else "."
        remedy = (
            "Remove commas inside numbers, or put such cells in quotes." if n > width else "Fill in the missing cells."
        )
        problems.append(Problem(file, row_place(ragged), found, remedy))
    if repeated:
        problems.append(Problem(file, row_place(repeated), "The column names are repeated here.", "Delete this row."))
    if not kept:
        if not problems:
            problems.append(
                Problem(file, "", "The file holds column names and no data.", "Export it again with its rows.")
            )
        return None, problems
    columns = dict(zip(header, zip(*kept, strict=True), strict=True))
    columns.pop("", None)
    return Rows({name: _stripped(name, cells) for name, cells in columns.items()}, numbers, len(ragged)), problems


def _stripped(name: str, cells: Sequence[str]) -> Sequence[str]:
    # Area codes keep their spaces here, so that taking them off can be mentioned.
    return cells if name == "area" else [cell.strip() for cell in cells]


def row_place(numbers: Sequence[int], column: str = "") -> str:
    """`row 5, count`, or `rows 5, 6, 7, 8, 9 and 12 more, count`."""
    if len(numbers) == 1:
        where = f"row {numbers[0]}"
    elif len(numbers) > 5:
        where = f"rows {', '.join(str(n) for n in numbers[:5])} and {len(numbers) - 5:,} more"
    else:
        where = f"rows {listing([str(n) for n in numbers])}"
    return f"{where}, {column}" if column else where


def _separator(first: str, file: str) -> Problem | None:
    inner = first.strip().strip('"')
    if "," in inner:
        found = "Each row is in quotation marks as a whole."
        return Problem(file, "row 1", found, f"Export it again without quotes around rows. {SAVE_CSV}")
    for sign, what in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        if sign in first:
            return Problem(file, "row 1", f"The cells are separated by {what}.", f"Separate them by commas. {SAVE_CSV}")
    return None


def _read_parquet(path: Path, file: str, required: Sequence[tuple[str, ...]]) -> tuple[Rows | None, list[Problem]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = pq.ParquetFile(path)
        if about.metadata.num_rows > MOST_ROWS:
            found = f"The file has {about.metadata.num_rows:,} rows, more than areas and months can."
            return None, [Problem(file, "", found, "Leave out what the review does not need.")]
        header = [str(name) for name in about.schema_arrow.names]
        if twice := sorted({name for name in header if header.count(name) > 1}):
            found = "There are two columns called `{}`."
            return None, [Problem(file, "row 1", found.format(name), "Rename or delete one.") for name in twice]
        table = about.read([name for name in header if name in READ])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        if path.exists() and path.stat().st_size == 0:
            return None, [Problem(file, "", "The file is empty.", "Export it again.")]
        return None, [Problem(file, "", "The file cannot be read as Parquet.", "Export it again, or give a .csv.")]
    problems = missing_columns(header, file, [names for names in required if not set(names) & set(header)])
    if problems:
        return None, problems
    if table.num_rows == 0:
        return None, [Problem(file, "", "The file holds column names and no data.", "Export it again with its rows.")]
    columns: dict[str, Sequence[str]] = {name: () for name in header}
    columns |= {name: [cell_text(cell) for cell in table.column(name).to_pylist()] for name in table.column_names}
    return Rows(columns, range(2, table.num_rows + 2)), []


def cell_text(cell: object) -> str:
    """A typed cell as it would be written in a CSV file (missing is blank; a timestamp at midnight is its date)."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).removesuffix(" 00:00:00")
