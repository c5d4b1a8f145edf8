"""police-uk: the archive of street-level crime at data.police.uk, as folders or zips of `YYYY-MM-<force>-street.csv`.

Rows are tallied file by file, some files ahead (see `street_file`); a zip is read in place. The output is area by month by
crime type for the months that each force supplied: a month without a file is missing, a month in which a force
supplied its file and recorded nothing in an area is a true zero.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.extract import Extract, Ledger, insert, open_database
from evaluation.evidence.sources.intake import Leaf, find_leaves, fingerprints, read_bytes
from evaluation.evidence.sources.police_uk_areas import Placing, place_cells
from evaluation.evidence.sources.street_file import StreetTally, tally_file
from evaluation.protocol.suggest import listing, plural

if TYPE_CHECKING:
    import pyarrow as pa

STREET = re.compile(r"(\d{4}-\d{2})-([a-z0-9-]+)-street\.csv")
OTHER = re.compile(r"\d{4}-\d{2}-[a-z0-9-]+-(outcomes|stop-and-search)\.csv")
TRANSPORT = "British Transport Police"
ALL_ROWS, ONCE = "all", "once"
REPEATED = "Crime ID repeated within a file (counted once for each crime type)"
BATCH = 250_000  # cells put into the database at once: many small files cost more in statements than in rows
AHEAD = 6  # files that may wait to be taken

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
    extract = Extract(connection, Ledger(), inputs=fingerprints(leaf for leaf, _, _ in streets))
    problems: list[Problem] = []
    empty: list[str] = []
    waiting: list[pa.Table] = []
    seen: dict[tuple[str, str], str] = {}
    for leaf, month, tally in _read_ahead([(leaf, month) for leaf, month, _ in streets], once=options.repeats == ONCE):
        if isinstance(tally, InputError):
            problems += tally.problems
        elif tally.cells is None:
            empty.append(leaf.stem)
        elif not problems:
            extract.ledger.rows_in += tally.rows
            extract.ledger.drop(REPEATED, tally.repeated)
            # Files come in the order of their months, so the newest month of a name is the last one noted.
            seen |= dict.fromkeys(tally.names, month)
            waiting.append(tally.cells)
            if sum(len(piece) for piece in waiting) >= BATCH:
                _store(extract, waiting)
    if problems:
        raise InputError(problems)
    _store(extract, waiting)
    connection.execute("CREATE TABLE seen (lsoa VARCHAR, name VARCHAR, month VARCHAR)")
    lsoas, names = [code for code, _ in seen], [name for _, name in seen]
    insert(connection, "seen", {"lsoa": lsoas, "name": names, "month": list(seen.values())})
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
    leaves: Sequence[tuple[Leaf, str]], *, once: bool
) -> Iterator[tuple[Leaf, str, StreetTally | InputError]]:
    """Tally files in their order, some ahead (unzipping, parsing and counting free the lock)."""
    with ThreadPoolExecutor(max_workers=AHEAD // 2) as pool:
        waiting: deque[Any] = deque()
        queue = iter(leaves)

        def send(number: int) -> None:
            for leaf, month in itertools.islice(queue, number):
                waiting.append((leaf, month, pool.submit(tally_file, leaf, month, once=once)))

        send(AHEAD)
        while waiting:
            leaf, month, future = waiting.popleft()
            try:
                yield leaf, month, future.result()
            except InputError as error:
                yield leaf, month, error
            send(1)


def _store(extract: Extract, waiting: list[pa.Table]) -> None:
    """Put some files' tallies into `cells` and empty the list."""
    import pyarrow as pa

    if not waiting:
        return
    connection = extract.connection
    connection.register("tallies", pa.concat_tables(waiting, promote_options="default"))
    connection.execute("INSERT INTO cells SELECT force, lsoa, month, type, n FROM tallies")
    connection.unregister("tallies")
    waiting.clear()
