"""One street file of data.police.uk: read, checked, and tallied at once into cells (force, LSOA, month, type).

Rows never reach the database, only their tallies: an archive of twenty million rows has a tenth as many cells. Every
column is read as a dictionary of its few texts, so a tally is a count of integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.intake import Leaf, check_text, read_bytes, refuse_columns
from evaluation.protocol.suggest import plural, quote

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("Month", "Reported by", "Falls within", "LSOA code", "LSOA name", "Crime type")
COUNTED = ("Month", "Falls within", "LSOA code", "LSOA name", "Crime type")
CRIME_ID = "Crime ID"


@dataclass(frozen=True)
class StreetTally:
    """What one file holds.

    Attributes:
        rows: of data.
        repeated: rows that repeat the Crime ID of another row of the same crime type and force, and are not counted.
        cells: columns force, lsoa (null where there is no location), month, type, n.
        names: LSOA code and name as this file has them.
    """

    rows: int
    repeated: int = 0
    cells: pa.Table | None = None
    names: list[tuple[str, str]] = field(default_factory=list)


def tally_file(leaf: Leaf, month: str, *, once: bool) -> StreetTally:
    """Read and tally one file.

    Args:
        leaf: the file.
        month: the month in its name; every row must be of it.
        once: count a Crime ID that is repeated once for each crime type and force.

    Raises:
        InputError: naming file and row.
    """
    table = _read_table(leaf, ids=once)
    if not table.num_rows:
        return StreetTally(0)
    if problems := _cell_problems(leaf, month, table):
        raise InputError(problems)
    table = table.combine_chunks()
    force, forces = _coded(table, "Falls within")
    lsoa, lsoas = _coded(table, "LSOA code")
    kind, kinds = _coded(table, "Crime type")
    counted = _first_of_repeats(table, lsoa, lsoas, kind, force) if once else None
    key = (force * len(kinds) + kind) * (len(lsoas) + 1) + lsoa + 1
    keys, n = _distinct(key if counted is None else key[counted], len(forces) * len(kinds) * (len(lsoas) + 1))
    at_lsoa, rest = keys % (len(lsoas) + 1) - 1, keys // (len(lsoas) + 1)
    cells = _as_cells(month, forces, rest // len(kinds), lsoas, at_lsoa, kinds, rest % len(kinds), n)
    repeated = 0 if counted is None else int(table.num_rows - counted.sum())
    return StreetTally(table.num_rows, repeated, cells, _names(table, lsoa, lsoas))


def _read_table(leaf: Leaf, *, ids: bool) -> pa.Table:
    """The columns that are needed, as dictionaries; Crime IDs as bytes, where they are asked for."""
    import pyarrow as pa
    from pyarrow import csv

    raw = check_text(read_bytes(leaf), leaf)
    first = raw[: raw.find(b"\n") if b"\n" in raw else len(raw)].decode("utf-8").strip("\r\n ")
    header = [name.strip().strip('"') for name in first.split(",")]
    if any(name not in header for name in COLUMNS):
        raise InputError([refuse_columns(leaf, header, COLUMNS)])
    if twice := sorted({name for name in COLUMNS if header.count(name) > 1}):
        text = f"More than one column is called `{twice[0]}`."
        raise InputError([Problem(leaf.name, "row 1", text, "Give the file as published.")])
    wanted = [name for name in ((CRIME_ID,) if ids else ()) if name in header] + list(COUNTED)
    words = pa.dictionary(pa.int32(), pa.string())
    bad: list[int] = []

    def ragged(row: csv.InvalidRow) -> str:
        bad.append(row.actual_columns)
        return "skip"

    try:
        table = csv.read_csv(
            pa.py_buffer(raw),
            read_options=csv.ReadOptions(use_threads=False, column_names=header, skip_rows=1, block_size=1 << 24),
            parse_options=csv.ParseOptions(invalid_row_handler=ragged),
            convert_options=csv.ConvertOptions(
                check_utf8=False,  # checked already, with the row named
                include_columns=wanted,
                column_types={name: pa.binary() if name == CRIME_ID else words for name in wanted},
                strings_can_be_null=True,
                null_values=[""],
                auto_dict_max_cardinality=1 << 20,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return pa.table({name: pa.array([], pa.string()) for name in wanted})
        text = f"The file cannot be read as CSV ({str(error).splitlines()[0][:120]})."
        raise InputError([Problem(leaf.name, "", text, "Download it again.")]) from None
    if bad:
        raise InputError([_ragged_row(raw, leaf, len(header))])
    return table


def _ragged_row(raw: bytes, leaf: Leaf, width: int) -> Problem:
    """Where the first row with too few or too many cells is; the fast reader does not count rows."""
    import csv as slow
    import io

    reader = slow.reader(io.StringIO(raw.decode("utf-8"), newline=""))
    number, cells = next(((i, len(row)) for i, row in enumerate(reader, 1) if row and len(row) != width), (1, width))
    text = f"The row has {plural(cells, 'cell')} where there are {width} columns: the file is cut short or was edited."
    return Problem(leaf.name, f"row {number}", text, "Download it again.")


def _cell_problems(leaf: Leaf, month: str, table: pa.Table) -> list[Problem]:
    """Cells without which a row cannot be counted, and months that are not the file's."""
    import pyarrow.compute as pc

    problems = []
    if pc.unique(table.column("Month")).to_pylist() != [month]:
        # Looked for row by row only when something is wrong.
        values = table.column("Month").to_pylist()
        number = next(i for i, value in enumerate(values) if value != month)
        text = f"The month is {quote(values[number] or '')} in a file of {month}."
        remedy = "A street file holds one month; the file was renamed, edited or damaged: download it again."
        problems.append(Problem(leaf.name, f"row {number + 2}, Month", text, remedy))
    for column in ("Falls within", "Crime type"):
        if table.column(column).null_count:
            number = pc.index(pc.is_null(table.column(column)), True).as_py() + 2
            problems.append(Problem(leaf.name, f"row {number}, {column}", "The cell is blank.", "Download it again."))
    return problems


Codes = npt.NDArray[np.int64]


def _coded(table: pa.Table, column: str) -> tuple[Codes, list[str]]:
    """The texts of a column as positions in a list, -1 where blank."""
    chunked = table.column(column).unify_dictionaries().combine_chunks()
    array: Any = chunked.chunk(0) if hasattr(chunked, "chunk") else chunked
    return array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), array.dictionary.to_pylist()


def _distinct(key: Codes, size: int) -> tuple[Codes, Codes]:
    """The distinct keys and how often each occurs."""
    if size > 1 << 22:  # a file of the whole country: sorting is cheaper than counting into empty places
        found, n = np.unique(key, return_counts=True)
        return found, n
    n = np.bincount(key, minlength=1)
    found = np.flatnonzero(n)
    return found, n[found]


def _first_of_repeats(
    table: pa.Table, lsoa: Codes, lsoas: list[str], kind: Codes, force: Codes
) -> npt.NDArray[np.bool_] | None:
    """Which rows are counted, or None if all are, where a repeated Crime ID counts once for each type and force.

    Repeats may lie in different LSOAs: the first code in order is kept, so that the same archive always gives the
    same counts.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if CRIME_ID not in table.column_names:
        return None
    ids = table.column(CRIME_ID)
    if pc.count_distinct(ids, mode="only_valid").as_py() == len(ids) - ids.null_count:
        return None
    often = pc.value_counts(ids.combine_chunks() if ids.num_chunks == 1 else pa.concat_arrays(ids.chunks))
    repeated = pc.filter(often.field(0), pc.greater(often.field(1), 1)).drop_null()
    rows = np.flatnonzero(pc.is_in(ids, value_set=repeated).to_numpy(zero_copy_only=False))
    groups: dict[tuple[bytes, int, int], list[int]] = {}
    for row, identity in zip(rows.tolist(), ids.take(rows).to_pylist(), strict=True):
        groups.setdefault((identity, int(kind[row]), int(force[row])), []).append(row)
    counted = np.ones(table.num_rows, dtype=bool)
    for same in groups.values():
        kept = min(same, key=lambda row: (lsoa[row] < 0, lsoas[lsoa[row]] if lsoa[row] >= 0 else ""))
        counted[same] = False
        counted[kept] = True
    return counted


def _as_cells(
    month: str, forces: list[str], force: Codes, lsoas: list[str], lsoa: Codes, kinds: list[str], kind: Codes, n: Codes
) -> pa.Table:
    import pyarrow as pa

    def texts(words: list[str], at: Codes) -> pa.Array:
        places = pa.array(at.astype(np.int32), mask=at < 0)
        return pa.DictionaryArray.from_arrays(places, pa.array(words, pa.string()))

    same_month = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(n), dtype=np.int32)), pa.array([month]))
    columns = [texts(forces, force), texts(lsoas, lsoa), same_month, texts(kinds, kind), pa.array(n.astype(np.int32))]
    return pa.table(columns, names=["force", "lsoa", "month", "type", "n"])


def _names(table: pa.Table, lsoa: Codes, lsoas: list[str]) -> list[tuple[str, str]]:
    """The pairs of code and name in a file."""
    name, names = _coded(table, "LSOA name")
    both = (lsoa >= 0) & (name >= 0)
    pairs = np.unique(lsoa[both] * max(len(names), 1) + name[both])
    return [(lsoas[pair // len(names)], names[pair % len(names)]) for pair in pairs.tolist()]
