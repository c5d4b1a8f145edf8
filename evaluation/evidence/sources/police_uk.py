"""police-uk: the archive of street-level crime at data.police.uk, as folders or zips of `YYYY-MM-<force>-street.csv`.

Rows are tallied file by file while the next file is read; a zip is read in place. The output is area by month by
crime type for the months that each force supplied: a month without a file is missing, a month in which a force
supplied its file and recorded nothing in an area is a true zero.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.extract import Extract, Ledger, open_database
from evaluation.evidence.sources.intake import (
    Leaf,
    check_text,
    find_leaves,
    fingerprints,
    read_bytes,
    refuse_columns,
)
from evaluation.evidence.sources.police_uk_areas import Placing, place_cells
from evaluation.protocol.suggest import listing, plural, quote

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

COLUMNS = ("Month", "Reported by", "Falls within", "LSOA code", "LSOA name", "Crime type")
COUNTED = ("Month", "Falls within", "LSOA code", "LSOA name", "Crime type")
OPTIONAL = ("Crime ID",)
STREET = re.compile(r"(\d{4}-\d{2})-([a-z0-9-]+)-street\.csv")
OTHER = re.compile(r"\d{4}-\d{2}-[a-z0-9-]+-(outcomes|stop-and-search)\.csv")
TRANSPORT = "British Transport Police"
ALL_ROWS, ONCE = "all", "once"
BATCH = 250_000  # rows tallied at once: many small files cost more in statements than in rows

# Crime types by the data month from which they were published; see the categories page of data.police.uk.
CATEGORIES: tuple[tuple[str, frozenset[str]], ...] = (
    ("2010-12", frozenset({"Anti-social behaviour", "Burglary", "Other crime", "Robbery", "Vehicle crime", "Violent crime"})),
    (
        "2011-09",
        frozenset(
            {"Anti-social behaviour", "Burglary", "Criminal damage and arson", "Drugs", "Other crime", "Other theft",
             "Public disorder and weapons", "Robbery", "Shoplifting", "Vehicle crime", "Violent crime"}
        ),
    ),
    (
        "2013-05",
        frozenset(
            {"Anti-social behaviour", "Bicycle theft", "Burglary", "Criminal damage and arson", "Drugs", "Other crime",
             "Other theft", "Possession of weapons", "Public order", "Robbery", "Shoplifting", "Theft from the person",
             "Vehicle crime", "Violence and sexual offences"}
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What of the archive is wanted.

    Attributes:
        placing: to which areas, by which look-ups.
        types: crime types; all where empty.
        forces: names in `Falls within` or in file names; all where empty.
        repeats: `once` counts a Crime ID that is repeated within a file once for each crime type; `all` every row.
        transport: count British Transport Police too, whose rows lie in every force's area and end in 2025.
    """

    placing: Placing
    types: tuple[str, ...] = ()
    forces: tuple[str, ...] = ()
    repeats: str = ONCE
    transport: bool = False


def read(paths: Sequence[Path], options: Options) -> Extract:
    """Read an archive.

    Args:
        paths: folders, zips or street files.
        options: what is wanted.

    Returns:
        An extract whose measures are crime types; periods are months.

    Raises:
        InputError: with every problem found, naming file and row.
    """
    leaves = find_leaves(paths, (".csv",))
    streets, passed = _choose(leaves, options)
    connection = open_database()
    connection.execute("CREATE TABLE cells (force VARCHAR, lsoa VARCHAR, month VARCHAR, type VARCHAR, n INTEGER)")
    connection.execute("CREATE TABLE seen (lsoa VARCHAR, name VARCHAR, month VARCHAR, PRIMARY KEY (lsoa, name))")
    extract = Extract(connection, Ledger(), inputs=fingerprints(leaf for leaf, _, _ in streets))
    problems: list[Problem] = []
    empty: list[str] = []
    waiting: list[pa.Table] = []
    for number, (leaf, month, table) in enumerate(_read_ahead([(leaf, month) for leaf, month, _ in streets])):
        if isinstance(table, InputError):
            problems += table.problems
        elif table.num_rows == 0:
            empty.append(leaf.stem)
        elif found := _cell_problems(leaf, month, table):
            problems += found
        elif not problems:
            waiting.append(_numbered(table, number))
            if sum(len(piece) for piece in waiting) >= BATCH:
                _tally(extract, waiting, options)
    if problems:
        raise InputError(problems)
    _tally(extract, waiting, options)
    if empty:
        text = f"{plural(len(empty), 'file')} with a header and no rows: {listing(empty, 3)}. Those months are missing."
        extract.notes.append(text)
    if passed:
        extract.notes.append(f"{plural(passed, 'file')} of outcomes or of stop and search passed over.")
    if not extract.ledger.rows_in:
        raise InputError([Problem(paths[0].name, "", "The street files hold no rows.", "Download the archive again.")])
    place_cells(extract, options.placing, CATEGORIES, options.types, transport=options.transport)
    return extract


def _choose(leaves: Sequence[Leaf], options: Options) -> tuple[list[tuple[Leaf, str, str]], int]:
    """Street files wanted as (leaf, month, force), one for each month and force, and how many others there are."""
    by_key: dict[tuple[str, str], list[Leaf]] = {}
    passed, strange = 0, []
    for leaf in leaves:
        if match := STREET.fullmatch(leaf.stem):
            by_key.setdefault((match[1], match[2]), []).append(leaf)
        elif OTHER.fullmatch(leaf.stem):
            passed += 1
        else:
            strange.append(leaf)
    if not by_key:
        shown = listing([leaf.name for leaf in strange or leaves], 3)
        text = f"There is no street file here ({shown})."
        remedy = "Street files are named YYYY-MM-<force>-street.csv; do not rename them."
        raise InputError([Problem(leaves[0].name, "", text, remedy)])
    problems: list[Problem] = []
    chosen = []
    slugs = {re.sub(r"[^a-z0-9]+", "-", name.casefold().replace("&", "and")).strip("-") for name in options.forces}
    for (month, force), same in sorted(by_key.items()):
        if slugs and not any(slug.startswith(force) for slug in slugs):
            continue
        one = same[0] if len(same) == 1 else _one_edition(same, problems)
        if one is not None:
            chosen.append((one, month, force))
    if strange:
        text = f"{plural(len(strange), 'CSV file')} not named as published, such as {strange[0].stem}."
        problems.append(Problem(strange[0].name, "", text, "Rename it as published, or take it out of the folder."))
    if not chosen and not problems:
        known = sorted({force for _, force in by_key})
        text = f"There is no file of {listing(list(options.forces))}; the forces are {listing(known, 8)}."
        problems.append(Problem(leaves[0].name, "", text, "Name a force as in the names of the files."))
    if problems:
        raise InputError(problems)
    return chosen, passed


def _one_edition(same: Sequence[Leaf], problems: list[Problem]) -> Leaf | None:
    """One of several files for the same month and force: the newest snapshot, or any if all are the same."""
    editions = {leaf: match[1] for leaf in same if (match := re.fullmatch(r"(\d{4}-\d{2})\.zip", leaf.path.name))}
    newest = max(editions.values(), default="")
    if len(editions) == len(same) and list(editions.values()).count(newest) == 1:
        return max(same, key=lambda leaf: editions[leaf])
    contents = {hashlib.sha256(read_bytes(leaf)).digest() for leaf in same}
    if len(contents) == 1:
        return same[0]
    where = listing([str(leaf.path.parent / leaf.name) for leaf in same], 4)
    text = f"There are {len(same)} different files for the same month and force: {where}."
    problems.append(Problem(same[0].name, "", text, "Keep one: files are re-issued, and the newest holds."))
    return None


def _read_ahead(
    leaves: Sequence[tuple[Leaf, str]],
) -> Iterator[tuple[Leaf, str, pa.Table | InputError]]:
    """Read files in their order, the next ones while the last is tallied (unzipping and parsing free the lock)."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting: list[Any] = []
        queue = iter(leaves)
        for leaf, month in queue:
            waiting.append((leaf, month, pool.submit(_read_table, leaf)))
            if len(waiting) >= 4:
                break
        while waiting:
            leaf, month, future = waiting.pop(0)
            following = next(queue, None)
            if following is not None:
                waiting.append((*following, pool.submit(_read_table, following[0])))
            try:
                yield leaf, month, future.result()
            except InputError as error:
                yield leaf, month, error


def _read_table(leaf: Leaf) -> pa.Table:
    """The columns that are needed, all as text.

    Raises:
        InputError: naming file and row.
    """
    import pyarrow as pa
    from pyarrow import csv

    raw = check_text(read_bytes(leaf), leaf)
    first = raw[: raw.find(b"\n") if b"\n" in raw else len(raw)].decode("utf-8").strip("\r\n ")
    header = [name.strip().strip('"') for name in first.split(",")]
    if any(name not in header for name in COLUMNS):
        raise InputError([refuse_columns(leaf, header, COLUMNS)])
    wanted = [name for name in (*OPTIONAL, *COUNTED) if name in header]
    bad: list[int] = []
    words = pa.dictionary(pa.int32(), pa.string())  # few different texts, each stored once

    def ragged(row: csv.InvalidRow) -> str:
        bad.append(row.actual_columns)
        return "skip"

    try:
        table = csv.read_csv(
            pa.py_buffer(raw),
            read_options=csv.ReadOptions(use_threads=False, column_names=header, skip_rows=1),
            parse_options=csv.ParseOptions(invalid_row_handler=ragged),
            convert_options=csv.ConvertOptions(
                include_columns=wanted,
                column_types={name: pa.string() if name in OPTIONAL else words for name in wanted},
                strings_can_be_null=True,
                null_values=[""],
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
    import pyarrow.compute as pc  # type: ignore[import-untyped]

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
            text = "The cell is blank."
            problems.append(Problem(leaf.name, f"row {number}, {column}", text, "Download the file again."))
    return problems


def _numbered(table: pa.Table, number: int) -> pa.Table:
    """The table with the number of its file, and with a column of Crime IDs whether it had one or not."""
    import pyarrow as pa

    if "Crime ID" not in table.column_names:
        table = table.append_column("Crime ID", pa.nulls(len(table), pa.string()))
    table = table.select(["Crime ID", *COUNTED])
    return table.append_column("file", pa.repeat(pa.scalar(number, pa.int32()), len(table)))


def _tally(extract: Extract, waiting: list[pa.Table], options: Options) -> None:
    """Count some files into `cells` and empty the list."""
    import pyarrow as pa

    if not waiting:
        return
    connection = extract.connection
    table = pa.concat_tables(waiting)
    waiting.clear()
    connection.register("street", table)
    extract.ledger.rows_in += table.num_rows
    repeated = 0
    if options.repeats == ONCE:
        # The few that are repeated are set apart, so that the tally itself need not look at IDs. Repeats may lie in
        # different LSOAs: the first code in order is kept, so that the same archive always gives the same counts.
        connection.execute(
            'CREATE OR REPLACE TEMP TABLE twice AS SELECT "Crime ID" id, "Crime type" kind, "Falls within" force, file, '
            'any_value("Month") AS month, count(*) n, min("LSOA code") kept FROM street WHERE "Crime ID" IS NOT NULL '
            'AND hash("Crime ID") IN (SELECT hash("Crime ID") h FROM street GROUP BY h HAVING count(*) > 1) '
            "GROUP BY id, kind, force, file HAVING count(*) > 1"
        )
        found = connection.execute("SELECT coalesce(sum(n - 1), 0) FROM twice").fetchall()
        repeated = int(found[0][0])
    once = ""
    if repeated:
        extract.ledger.drop("Crime ID repeated within a file (counted once for each crime type)", repeated)
        once = (
            'ANTI JOIN twice ON twice.id = street."Crime ID" AND twice.kind = street."Crime type" '
            'AND twice.force = street."Falls within" AND twice.file = street.file'
        )
        connection.execute("INSERT INTO cells SELECT force, kept, month, kind, count(*) FROM twice GROUP BY ALL")
    connection.execute(
        f'INSERT INTO cells SELECT "Falls within", "LSOA code", "Month", "Crime type", count(*) FROM street {once} '
        "GROUP BY ALL"
    )
    # Files come in the order of their months, so the newest month of a name is the last one inserted.
    connection.execute(
        'INSERT OR REPLACE INTO seen SELECT "LSOA code", "LSOA name", max("Month") FROM street '
        'WHERE "LSOA code" IS NOT NULL AND "LSOA name" IS NOT NULL GROUP BY 1, 2'
    )
    connection.unregister("street")
