"""police-uk, second half: tallied cells (force, LSOA, month, type) to areas, with true zeros and honest gaps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from evaluation.errors import InputError, Problem
from evaluation.evidence import geography
from evaluation.evidence.sources.extract import Extract, fetch_mapping, insert
from evaluation.protocol.period import first_place, label
from evaluation.protocol.suggest import listing, plural

if TYPE_CHECKING:
    import duckdb

TRANSPORT = "British Transport Police"
SNAP_POINTS, VINTAGE_SWITCH = "2022-07", "2023-06"
NEAR_NOTHING, FEWEST_BEFORE, WINDOW = 0.2, 3, 12  # of the trailing median; months known before; months looked back
# A force polices a district if it records at least this share of its rows there, or if its rows lie in most of the
# district's LSOAs. The names count them: `Camden 033C` says that Camden has at least 33 MSOAs, each of some 4 LSOAs.
SMALLEST = "Isles of Scilly"  # one LSOA, and too few rows for any rule
MAIN_SHARE, MOST_LSOAS, LSOAS_PER_MSOA = 0.03, 0.6, 4


@dataclass(frozen=True)
class Placing:
    """To which areas rows are assigned.

    Attributes:
        level: lsoa, ward, lad, csp, force, or custom.
        lookup: the look-up table; needed but for lsoa, lad (else read from the LSOA's name) and force.
        source, target: its columns where they cannot be told by their names.
        vintages: the ONS table from 2011 to 2021 LSOAs.
        weight: the look-up's column of weights (such as residents), by which a code that lies in several areas is
            shared out.
        residents: population of the LSOAs of 2021, by which one of 2011 that was split is shared out.
        allowed: the largest share of located rows that the look-up may not know, 0 to 1.
        outside: keep districts that the forces in the archive do not police.
    """

    level: str = "lad"
    lookup: Path | None = None
    source: str | None = None
    target: str | None = None
    vintages: Path | None = None
    weight: str | None = None
    residents: Path | None = None
    allowed: float = 0.0
    outside: bool = False


def place_cells(
    extract: Extract,
    placing: Placing,
    categories: Sequence[tuple[str, frozenset[str]]],
    types: Sequence[str],
    *,
    transport: bool,
) -> None:
    """Fill `tidy` from `cells` and `names`, and complete ledger and notes.

    Raises:
        InputError: the look-up does not fit, or no row is left.
    """
    connection, ledger = extract.connection, extract.ledger
    _require_types(connection, types)
    if not transport:
        _drop(extract, "force = ?", [TRANSPORT], "British Transport Police (in every force's area; ends in 2025)")
    months = [row[0] for row in connection.execute("SELECT DISTINCT month FROM cells ORDER BY 1").fetchall()]
    if not months:
        raise InputError([Problem(extract.inputs[0].name, "", "No row is left.", "Ask for other types or forces.")])
    extract.covers = [row[0] for row in connection.execute("SELECT DISTINCT force FROM cells ORDER BY 1").fetchall()]
    # What a force supplied, and which districts it polices, is judged by rows of all crime types.
    supplied = connection.execute("SELECT force, month, sum(n) FROM cells GROUP BY ALL ORDER BY ALL").fetchall()
    near_empty = _near_empty(supplied)
    connection.execute("CREATE TABLE supply AS SELECT force, month, false AS partial FROM cells GROUP BY ALL")
    connection.executemany("UPDATE supply SET partial = true WHERE force = ? AND month = ?", near_empty or [["", ""]])
    if placing.level != "force":
        _name_lsoas(extract, by_name=placing.level == "lad" and placing.lookup is None)
        _drop(extract, "lsoa IS NULL", [], "no location (LSOA blank)")
        if not placing.outside:
            _drop_outside(extract)
    connection.execute("CREATE TABLE recorded AS SELECT force, lsoa, sum(n) AS n FROM cells GROUP BY force, lsoa")
    if types:
        marks = ", ".join("?" for _ in types)
        _drop(extract, f"type NOT IN ({marks})", list(types), "crime types not asked for")
    _assign(extract, placing, months)
    _write(extract, categories)
    _notes(extract, placing, months, near_empty, supplied)
    counted = connection.execute("SELECT coalesce(sum(CAST(count AS BIGINT)), 0) FROM tidy").fetchone()
    ledger.counted = int(counted[0]) if counted else 0
    if not ledger.counted:
        raise InputError([Problem(extract.inputs[0].name, "", "No row is left.", "Check the look-up and the forces.")])


def _name_lsoas(extract: Extract, *, by_name: bool) -> None:
    """Make `names` (lsoa, name, district): the newest name; districts that merged or were renamed go by one name.

    The archive re-issues some months with newer names, and one file can hold both, so which name is older is not asked.

    Raises:
        InputError: `by_name` and LSOAs moved among districts in a way that names cannot settle.
    """
    connection = extract.connection
    connection.execute("CREATE TABLE names AS SELECT lsoa, arg_max(name, month) AS name FROM seen GROUP BY lsoa")
    connection.execute("ALTER TABLE names ADD COLUMN district VARCHAR")
    connection.execute("UPDATE names SET district = regexp_replace(name, ' [^ ]*$', '')")
    pairs = connection.execute(
        "WITH d AS (SELECT lsoa, regexp_replace(name, ' [^ ]*$', '') AS district, max(month) AS month FROM seen GROUP BY ALL) "
        "SELECT DISTINCT a.district, b.district FROM d a JOIN d b ON a.lsoa = b.lsoa AND a.district <> b.district "
        "AND (a.month, a.district) < (b.month, b.district) ORDER BY ALL"
    ).fetchall()
    linked: dict[str, set[str]] = {}
    for one, other in pairs:
        linked.setdefault(one, set()).add(other)
        linked.setdefault(other, set()).add(one)
    newest = {other for _, other in pairs}
    for name, others in sorted(linked.items(), key=lambda item: (-len(item[1]), item[0] not in newest, item[0])):
        if name not in linked:
            continue
        if any(linked.get(other, {name}) != {name} for other in others):
            if by_name:
                text = f"LSOAs changed their district among {listing(sorted({name, *others}))} while these months appeared."
                remedy = "Give a look-up of LSOA codes to districts with --lookup."
                raise InputError([Problem("--lookup", "", text, remedy)])
            continue
        for other in others:
            connection.execute("UPDATE names SET district = ? WHERE district = ?", [name, other])
            del linked[other]
        del linked[name]
        if by_name:
            extract.notes.append(
                f"The same LSOAs appear under {listing(sorted(others))} and under {name}: counted together as {name}."
            )


def _require_types(connection: duckdb.DuckDBPyConnection, types: Sequence[str]) -> None:
    from evaluation.protocol.suggest import did_you_mean

    known = [row[0] for row in connection.execute("SELECT DISTINCT type FROM cells ORDER BY 1").fetchall()]
    problems = [
        Problem("--type", "", f"No row has the crime type '{name}'.", did_you_mean(name, known, listing(known, 20)))
        for name in types
        if name not in known
    ]
    if problems:
        raise InputError(problems)


def _drop(extract: Extract, condition: str, values: list[str], reason: str) -> None:
    found = extract.connection.execute(f"SELECT coalesce(sum(n), 0) FROM cells WHERE {condition}", values).fetchone()
    if found and found[0]:  # a deletion of nothing would still read the whole table
        extract.ledger.drop(reason, int(found[0]))
        extract.connection.execute(f"DELETE FROM cells WHERE {condition}", values)


def _near_empty(supplied: Sequence[tuple[str, str, int]]) -> list[list[str]]:
    """(force, month) with less than a fifth of the median of the trailing year, of at least three months."""
    found = []
    for force, rows in itertools.groupby(supplied, key=lambda row: row[0]):
        sound: list[tuple[int, int]] = []
        for _, month, n in rows:
            place = first_place(month, "month")
            before = [count for at, count in sound if at >= place - WINDOW]
            if len(before) >= FEWEST_BEFORE and n < NEAR_NOTHING * median(before):
                found.append([force, month])
            else:
                sound.append((place, n))
    return found


def _drop_outside(extract: Extract) -> None:
    """Leave out districts that none of the forces polices: a handful of rows there is not the district's crime."""
    connection = extract.connection
    connection.execute("CREATE TABLE district (lsoa VARCHAR, name VARCHAR, msoa INTEGER)")
    connection.execute(
        "INSERT INTO district SELECT lsoa, district, "
        "TRY_CAST(regexp_extract(name, ' ([0-9]+)[A-Z]+$', 1) AS INTEGER) FROM names"
    )
    connection.execute(
        "CREATE TABLE inside AS WITH d AS (SELECT force, name, sum(n) n, count(DISTINCT lsoa) lsoas, max(msoa) msoas "
        "FROM cells JOIN district USING (lsoa) GROUP BY ALL) "
        "SELECT DISTINCT name FROM (SELECT *, n / sum(n) OVER (PARTITION BY force) AS share FROM d) "
        f"WHERE share >= {MAIN_SHARE} OR name = '{SMALLEST}' OR lsoas >= {MOST_LSOAS} * {LSOAS_PER_MSOA} * msoas"
    )
    outside = connection.execute(
        "SELECT district.name, sum(n) FROM cells JOIN district USING (lsoa) ANTI JOIN inside ON district.name = inside.name "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    if not outside:
        return
    where = "lsoa IN (SELECT lsoa FROM district ANTI JOIN inside USING (name))"
    _drop(extract, where, [], "outside the area of the forces in the archive")
    shown = listing([f"{name} ({n:,})" for name, n in outside], 4)
    extract.notes.append(
        f"Left out as outside the area of the forces in the archive: {shown}. What a force records elsewhere is not the "
        "crime of that district; to keep such rows use --keep-outside."
    )


def _assign(extract: Extract, placing: Placing, months: Sequence[str]) -> None:
    """Make the table `placed` (lsoa, area, name, share of the LSOA that lies in the area)."""
    connection = extract.connection
    connection.execute("CREATE TABLE placed (lsoa VARCHAR, area VARCHAR, name VARCHAR, share DOUBLE)")
    if placing.level == "force":
        connection.execute("UPDATE cells SET lsoa = force")
        connection.execute("UPDATE recorded SET lsoa = force")
        connection.execute("INSERT INTO placed SELECT DISTINCT force, force, force, 1 FROM recorded")
        return
    rows_of = {
        str(k): int(n) for k, n in fetch_mapping(connection, "SELECT lsoa, sum(n) FROM recorded GROUP BY 1").items()
    }
    names = dict(fetch_mapping(connection, "SELECT lsoa, name FROM names"))
    district = fetch_mapping(connection, "SELECT lsoa, district FROM names")
    if placing.level == "lsoa":
        lookup = _lsoa_lookup(rows_of, names, placing, months)
        key = {lsoa: lsoa for lsoa in rows_of}
    elif placing.lookup is None:
        if placing.level != "lad":
            text = f"The archive does not say to which {placing.level} a row belongs."
            raise InputError([Problem("--lookup", "", text, "Give a look-up table with --lookup.")])
        if nameless := sorted(lsoa for lsoa in rows_of if not district.get(lsoa)):
            text = f"{plural(len(nameless), 'LSOA')} have a code and no name ({listing(nameless, 3)}), so no district."
            raise InputError([Problem("--lookup", "", text, "Give the ONS look-up with --lookup.")])
        key = {lsoa: district[lsoa] for lsoa in rows_of}
        lookup = geography.Lookup(
            "", "", "", {name: {name: 1.0} for name in key.values()}, {n: n for n in key.values()}
        )
        extract.notes.append(
            "Districts were read from the names of LSOAs, so the area codes are names; give the ONS look-up with "
            "--lookup to have codes."
        )
    else:
        lookup, by_lsoa = _given_lookup(placing, placing.lookup)
        key = {lsoa: lsoa if by_lsoa else district[lsoa] for lsoa in rows_of}
    by_key: dict[str, int] = {}
    for lsoa, rows in rows_of.items():
        by_key[key[lsoa]] = by_key.get(key[lsoa], 0) + rows
    geography.require_match(lookup, by_key, placing.allowed)
    placed = [
        (lsoa, area, lookup.names.get(area, ""), share)
        for lsoa in rows_of
        for area, share in lookup.shares.get(key[lsoa], {}).items()
    ]
    lsoas, areas, called, shares = (list(column) for column in zip(*placed, strict=True)) if placed else ([],) * 4
    insert(connection, "placed", {"lsoa": lsoas, "area": areas, "name": called, "share": shares})
    _drop(extract, "lsoa NOT IN (SELECT lsoa FROM placed)", [], "LSOA not in the look-up (accepted with --allow-loss)")
    if split := len({lsoa for lsoa, _, _, share in placed if share < 1}):
        extract.notes.append(
            f"{plural(split, 'LSOA')} lie in more than one area, and their counts were shared out by weights: such areas hold "
            "estimates in whole numbers that keep each month's total, and an effect in them is blurred."
        )


def _given_lookup(placing: Placing, path: Path) -> tuple[geography.Lookup, bool]:
    """The user's look-up, and whether it is looked up by LSOA codes (and not by districts)."""
    lookup = geography.read_lookup(
        path, placing.level, source=placing.source, target=placing.target, weight=placing.weight
    )
    by_lsoa = any(geography.LSOA.fullmatch(code) for code in itertools.islice(lookup.shares, 50))
    if by_lsoa and placing.vintages is not None:
        residents = geography.read_residents(placing.residents) if placing.residents else None
        lookup = geography.extend_to_2011(lookup, geography.read_vintages(placing.vintages), residents)
    return lookup, by_lsoa


def _lsoa_lookup(
    rows_of: dict[str, int], names: dict[str, str], placing: Placing, months: Sequence[str]
) -> geography.Lookup:
    """LSOAs as they are, or put together (or shared out) across the change of codes."""
    if placing.vintages is not None:
        residents = geography.read_residents(placing.residents) if placing.residents else None
        lookup = geography.as_lookup(geography.read_vintages(placing.vintages), residents)
        called = {
            area: names[lsoa] for lsoa in rows_of if lsoa in names for area in lookup.shares.get(lsoa, {}) if area
        }
        return replace(lookup, names=called | {lsoa: names[lsoa] for lsoa in rows_of if lsoa in names})
    if months[0] < VINTAGE_SWITCH <= months[-1]:
        text = f"The months {months[0]} to {months[-1]} hold LSOA codes of 2011 (before {VINTAGE_SWITCH}) and of 2021."
        remedy = "Give the official look-up (columns LSOA11CD, LSOA21CD) with --vintages, or import each side alone."
        raise InputError([Problem("--vintages", "", text, remedy)])
    return geography.Lookup("", "", "", {lsoa: {lsoa: 1.0} for lsoa in rows_of}, names)


def _write(extract: Extract, categories: Sequence[tuple[str, frozenset[str]]]) -> None:
    """Fill `tidy`: every area in every month that its own forces supplied, zeros included."""
    connection = extract.connection
    # An area's own forces record at least a twentieth of its rows; others only pass through.
    connection.execute(
        "CREATE TABLE home AS SELECT area, force FROM (SELECT area, force, sum(n * share) / sum(sum(n * share)) OVER "
        "(PARTITION BY area) s FROM recorded JOIN placed USING (lsoa) GROUP BY area, force) WHERE s >= 0.05"
    )
    connection.execute(
        "CREATE TABLE open_months AS SELECT area, month, bool_or(partial) OR count(*) < any_value(forces) AS partial "
        "FROM home JOIN supply USING (force) JOIN (SELECT area, count(*) forces FROM home GROUP BY area) USING (area) "
        "GROUP BY area, month"
    )
    connection.execute(
        "CREATE TABLE shut AS SELECT area, month FROM (SELECT DISTINCT area FROM placed) CROSS JOIN "
        "(SELECT DISTINCT month FROM supply) ANTI JOIN open_months USING (area, month)"
    )
    _drop(
        extract,
        "(lsoa, month) IN (SELECT lsoa, month FROM placed JOIN shut USING (area))",
        [],
        "recorded by another force in a month that the area's own force did not supply",
    )
    connection.execute("CREATE TABLE eras (since VARCHAR, until VARCHAR, type VARCHAR)")
    starts = [since for since, _ in categories]
    for (since, names), until in zip(categories, [*starts[1:], "9999-12"], strict=True):
        connection.executemany("INSERT INTO eras VALUES (?, ?, ?)", [[since, until, name] for name in sorted(names)])
    # A crime type that the publisher has added since is known from the first month in which it occurs.
    connection.execute(
        "INSERT INTO eras SELECT min(month), '9999-12', type FROM cells ANTI JOIN (SELECT DISTINCT type FROM eras) "
        "USING (type) GROUP BY type"
    )
    connection.execute("CREATE TABLE called AS SELECT area, any_value(name) AS name FROM placed GROUP BY area")
    split = connection.execute("SELECT count(*) FROM placed WHERE share < 1").fetchall()[0][0]
    # One type after another, so that memory holds one table of areas by months.
    for (kind,) in connection.execute("SELECT DISTINCT type FROM cells ORDER BY 1").fetchall():
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE sums AS SELECT area, month, sum(n * share) AS n FROM cells JOIN placed "
            "USING (lsoa) WHERE type = ? GROUP BY area, month",
            [kind],
        )
        if split:
            _round_sums(connection)
        connection.execute(
            "INSERT INTO tidy SELECT ?, area, name, month, CAST(CAST(coalesce(n, 0) AS BIGINT) AS VARCHAR), NULL, "
            "CASE WHEN partial THEN 'partial' ELSE 'final' END FROM open_months JOIN eras ON eras.type = ? AND "
            "month >= since AND month < until JOIN called USING (area) LEFT JOIN sums USING (area, month)",
            [kind, kind],
        )
    strays = connection.execute(
        "SELECT coalesce(sum(n), 0) FROM cells ANTI JOIN eras ON eras.type = cells.type AND month >= since AND month < until"
    ).fetchall()[0][0]
    extract.ledger.drop("crime type that was not published for that month", int(strays))


def _round_sums(connection: duckdb.DuckDBPyConnection) -> None:
    """Whole numbers in place of shares in `sums`, month by month."""
    found = connection.execute("SELECT month, area, n FROM sums ORDER BY month, area").fetchall()
    columns: dict[str, list[object]] = {"area": [], "month": [], "n": []}
    for month, rows in itertools.groupby(found, key=lambda row: row[0]):
        own = list(rows)
        whole = geography.round_together(np.array([n for _, _, n in own]), first_place(month, "month"))
        columns["area"] += [area for _, area, _ in own]
        columns["month"] += [month] * len(own)
        columns["n"] += whole.astype(float).tolist()
    connection.execute("DELETE FROM sums")
    insert(connection, "sums", columns)


def _notes(
    extract: Extract,
    placing: Placing,
    months: Sequence[str],
    near_empty: Sequence[Sequence[str]],
    supplied: Sequence[tuple[str, str, int]],
) -> None:
    notes = extract.notes
    by_force: dict[str, list[int]] = {}
    for force, month, _ in supplied:
        by_force.setdefault(force, []).append(first_place(month, "month"))
    first, last = first_place(months[0], "month"), first_place(months[-1], "month")
    for force, places in by_force.items():
        have = set(places)
        gaps = [label(place, "month") for place in range(first, last + 1) if place not in have]
        if gaps and force != TRANSPORT:
            notes.append(
                f"{force} supplied nothing for {plural(len(gaps), 'month')} ({listing(gaps, 4)}): missing, not zero."
            )
    for force in dict.fromkeys(force for force, _ in near_empty):
        which = [month for name, month in near_empty if name == force]
        notes.append(
            f"{force} supplied less than a fifth of its usual rows in {listing(which, 6)}: marked partial, and not used."
        )
    if months[0] < "2011-09" or (months[0] < "2013-05" <= months[-1]) or (months[0] < "2011-09" <= months[-1]):
        notes.append(
            "Crime types changed in 2011-09 and in 2013-05 ('Violent crime' became 'Violence and sexual offences'): each "
            "type has rows only for the months in which it was published, and the types are not joined."
        )
    if placing.level in ("lsoa", "ward", "custom") and months[0] < SNAP_POINTS <= months[-1]:
        notes.append(
            "The map points to which crimes are moved were rebuilt in 2022-07: counts of small areas before and after are "
            "not comparable near their boundaries."
        )
