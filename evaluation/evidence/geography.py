"""From small areas to larger ones by look-up tables, and between the vintages of small areas.

An area is a code with a name. A look-up says to which area another belongs, or which shares of it do. Codes that a
look-up does not know are never dropped in silence: `require_match` refuses, with the share of rows that would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.errors import InputError, Problem
from evaluation.evidence.cells import read_number
from evaluation.evidence.sources.intake import AGAIN, Leaf
from evaluation.evidence.sources.workbook import read_rows
from evaluation.protocol.suggest import listing, plural

LSOA = re.compile(r"[EWN]01\d{6}|9[59][A-Z0-9]{6,}")
# The columns that hold the codes of a level, as ONS and its users call them (WD25CD, LAD22CD, CSP17CD, PFA24CD).
_CODE_COLUMNS = {
    "ward": r"(wd|ward)_?(\d\d)?_?(cd|code)",
    "lad": r"(lad|la|ltla)_?(\d\d)?_?(cd|code)(_active)?|ladcd",
    "csp": r"csp_?(\d\d)?_?(cd|code)",
    "force": r"pfa_?(\d\d)?_?(cd|code)",
}
LEVELS = ("lsoa", *_CODE_COLUMNS)
RESIDENTS = ("population", "residents", "usual residents", "obs_value", "persons", "all ages")
GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, fill the interval from 0 to 1 most evenly


@dataclass(frozen=True)
class Lookup:
    """Which larger areas a code belongs to.

    Attributes:
        file: its name in problems.
        source: the column of codes looked up.
        target: the column of codes found.
        shares: code looked up -> {code found: share of it}; shares add up to 1.
        names: of the codes found, where the file gives them.
    """

    file: str
    source: str
    target: str
    shares: Mapping[str, Mapping[str, float]]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def split(self) -> list[str]:
        """Codes of which more than one larger area has a part."""
        return [code for code, parts in self.shares.items() if len(parts) > 1]

    def whole(self) -> dict[str, str]:
        """Codes that lie wholly in one larger area, with it."""
        return {code: next(iter(parts)) for code, parts in self.shares.items() if len(parts) == 1}


def read_lookup(
    path: Path, level: str, *, source: str | None = None, target: str | None = None, weight: str | None = None
) -> Lookup:
    """Read a look-up table from CSV (with or without a byte-order mark).

    Args:
        path: the file.
        level: lsoa, ward, lad, csp, force, or anything else (then `target` is needed).
        source: column looked up; by default the column of LSOA codes, else that of district names or codes.
        target: column found; by default the one that is named like the level's codes.
        weight: column of weights (such as residents) by which a split code is shared out.

    Raises:
        InputError: columns are not there or cannot be told, a weight is not a number, a code is split without weights.
    """
    leaf = Leaf(path)
    rows, header = _read_table(leaf)
    source = source or _source_column(header, rows, leaf)
    target = target or _target_column(header, level, leaf)
    wanted = [name for name in (source, target, weight) if name]
    if absent := [name for name in wanted if name not in header]:
        shown = listing([f"`{n}`" for n in header if n], 12)
        text = f"There is no column {listing([f'`{n}`' for n in absent])}."
        raise InputError([Problem(leaf.name, "row 1", text, f"The columns are: {shown}.")])
    at = {name: header.index(name) for name in wanted}
    named = _name_column(header, target)
    parts: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for number, row in enumerate(rows, 2):
        code, found = row[at[source]].strip(), row[at[target]].strip()
        if not code or not found:
            continue
        share = 1.0
        if weight:
            told = read_number(row[at[weight]].strip(), grouped=True)
            share = -1.0 if told is None else told
            if share < 0:
                text = f"The weight '{row[at[weight]]}' is not a number of 0 or more."
                problems.append(Problem(leaf.name, f"row {number}, {weight}", text, "Correct it."))
                continue
        within = parts.setdefault(code, {})
        within[found] = within.get(found, 0.0) + share if weight else 1.0
        if named is not None and row[named].strip():
            names.setdefault(found, row[named].strip())
    if problems:
        raise InputError(problems[:20])
    split = [code for code, within in parts.items() if len(within) > 1]
    if split and not weight:
        text = f"{plural(len(split), 'code')} of `{source}` belong to more than one `{target}`: {listing(split, 3)}."
        remedy = "Name a column of weights (--weight), such as residents, or use a table in which each code is whole."
        raise InputError([Problem(leaf.name, "", text, remedy)])
    shares = {code: _as_shares(within) for code, within in parts.items()}
    return Lookup(leaf.name, source, target, shares, names)


def read_columns(path: Path) -> dict[str, list[str]]:
    """A look-up table by columns."""
    rows, header = _read_table(Leaf(path))
    return {name: [row[i].strip() for row in rows] for i, name in enumerate(header)}


def _as_shares(within: Mapping[str, float]) -> dict[str, float]:
    total = sum(within.values())
    if total == 0:
        return {code: 1 / len(within) for code in within}
    return {code: value / total for code, value in within.items() if value > 0}


def _read_table(leaf: Leaf) -> tuple[list[list[str]], list[str]]:
    records = list(read_rows(leaf))
    if not records:
        raise InputError([Problem(leaf.name, "", "There are no rows.", AGAIN)])
    header = records[0][1]
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        text = f"More than one column is called {listing([f'`{name}`' for name in twice])}."
        raise InputError([Problem(leaf.name, "row 1", text, "Rename or delete all but one.")])
    for number, row in records[1:]:
        if len(row) != len(header):
            text = f"The row has {len(row)} cells where there are {len(header)} columns."
            raise InputError([Problem(leaf.name, f"row {number}", text, "Give the file as published.")])
    return [row for _, row in records[1:]], header


def _source_column(header: Sequence[str], rows: Sequence[Sequence[str]], leaf: Leaf) -> str:
    for i, name in enumerate(header):
        sample = [row[i].strip() for row in rows[:50]]
        if sample and all(LSOA.fullmatch(cell) for cell in sample):
            return name
    for pattern in (r"(lad|la)_?(\d\d)?_?(nm|name)", _CODE_COLUMNS["lad"]):
        for name in header:
            if re.fullmatch(pattern, name.casefold()):
                return name
    shown = listing([f"`{name}`" for name in header], 12)
    text = f"None of the columns holds LSOA codes or district names: {shown}."
    raise InputError([Problem(leaf.name, "row 1", text, "Say which column is looked up (--from).")])


def _target_column(header: Sequence[str], level: str, leaf: Leaf) -> str:
    pattern = _CODE_COLUMNS.get(level)
    fits = [name for name in header if pattern and re.fullmatch(pattern, name.casefold())]
    if fits:
        return fits[0]
    shown = listing([f"`{name}`" for name in header], 12)
    text = f"It cannot be told which column holds the codes wanted: {shown}."
    raise InputError([Problem(leaf.name, "row 1", text, "Say which column (--to).")])


def _name_column(header: Sequence[str], target: str) -> int | None:
    """The position of the names that go with a column of codes: LAD22NM with LAD22CD."""
    for old, new in (("CD", "NM"), ("cd", "nm"), ("code", "name"), ("Code", "Name")):
        if target.endswith(old) and (name := target.removesuffix(old) + new) in header:
            return list(header).index(name)
    return None


@dataclass(frozen=True)
class Loss:
    """What a look-up does not know.

    Attributes:
        rows: rows whose code is not in it.
        total: rows that have a code at all.
        codes: the unknown codes, those of most rows first.
    """

    rows: int
    total: int
    codes: list[str]

    @property
    def share(self) -> float:
        """Share of the rows that would be lost, 0 to 1."""
        return self.rows / self.total if self.total else 0.0


def find_loss(lookup: Lookup, rows_of: Mapping[str, int]) -> Loss:
    """Compare a look-up with codes and their numbers of rows."""
    unknown = {code: rows for code, rows in rows_of.items() if code not in lookup.shares}
    return Loss(sum(unknown.values()), sum(rows_of.values()), sorted(unknown, key=lambda code: -unknown[code]))


def require_match(lookup: Lookup, rows_of: Mapping[str, int], allowed: float = 0.0) -> Loss:
    """Refuse a look-up that does not know the codes of the data.

    Args:
        lookup: the look-up.
        rows_of: rows by code.
        allowed: the largest share of rows that may be lost, 0 to 1.

    Raises:
        InputError: more would be lost; says how much, and which vintage the codes seem to be.
    """
    loss = find_loss(lookup, rows_of)
    if loss.rows and loss.share > allowed:
        text = (
            f"{plural(len(loss.codes), 'code')} of the data are not in `{lookup.source}` ({listing(loss.codes, 3)}): "
        )
        text += f"{loss.rows:,} of {loss.total:,} rows ({loss.share:.1%}) would be lost."
        remedy = "Use a look-up of the data's own vintage (LSOA codes changed between the censuses of 2011 and 2021; "
        remedy += "districts merge in most years)"
        remedy += ", give the official 2011-2021 table with --vintages" if LSOA.fullmatch(loss.codes[0]) else ""
        remedy += f", or accept the loss with --allow-loss {max(loss.share, 0.001) * 1.01:.3f}."
        raise InputError([Problem(lookup.file, f"column {lookup.source}", text, remedy)])
    return loss


def round_together(exact: npt.NDArray[np.float64], period: int) -> npt.NDArray[np.int64]:
    """Whole numbers for shares of counts: they add up to the same total, and none is off by 1 or more.

    The running total is rounded from a start that moves on evenly from period to period (systematic selection, Madow
    1949), so that an area which is due four tenths of an event each month gets four in ten months, and not none.

    Args:
        exact: numbers of one period, whose total is whole, shape (area,).
        period: its place, see `protocol.period.ordinal`.
    """
    # Half a millionth keeps running totals, known to a millionth, from falling on an edge.
    start = round(period * GOLDEN % 1, 6) + 5e-7
    running = np.round(np.concatenate([[0.0], np.cumsum(exact)]), 6)
    return np.diff(np.floor(running + start)).astype(np.int64)


@dataclass(frozen=True)
class Vintages:
    """The LSOAs of 2011 and 2021, and the areas that are the same in both.

    Attributes:
        file: its name in problems.
        stable: code of either vintage -> the area that contains it and is the same in both: the LSOA itself where it
            did not change, otherwise all LSOAs that were split or merged with it, called by its first 2021 code and
            how many more 2021 codes it holds (`E01035624+1`).
        newer: 2011 code -> the 2021 codes that it became.
        only: `2011` or `2021` for codes of one vintage only.
    """

    file: str
    stable: Mapping[str, str]
    newer: Mapping[str, Sequence[str]]
    only: Mapping[str, str]


def read_vintages(path: Path) -> Vintages:
    """Read the ONS look-up from 2011 to 2021 LSOAs (columns LSOA11CD and LSOA21CD; others are not needed).

    Changed areas are put together until nothing crosses a boundary, so that counts stay whole numbers and every area
    is the same on both sides of the change. This needs the exact-fit table: in the best-fit table some 2021 codes
    receive nothing.

    Raises:
        InputError: with every problem of the files, each with its place.
    """
    leaf = Leaf(path)
    rows, header = _read_table(leaf)
    absent = [name for name in ("LSOA11CD", "LSOA21CD") if name not in header]
    if absent:
        text = f"There is no column {listing([f'`{n}`' for n in absent])}."
        raise InputError(
            [Problem(leaf.name, "row 1", text, "Give the ONS table from 2011 to 2021 LSOAs as published.")]
        )
    old_at, new_at = header.index("LSOA11CD"), header.index("LSOA21CD")
    pairs = [(row[old_at].strip(), row[new_at].strip()) for row in rows]
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    newer: dict[str, list[str]] = {}
    for old, new in pairs:
        parent[root(f"11{old}")] = root(f"21{new}")
        newer.setdefault(old, []).append(new)
    members: dict[str, list[str]] = {}
    for node in parent:
        members.setdefault(root(node), []).append(node)
    stable: dict[str, str] = {}
    for nodes in members.values():
        newest = sorted({node[2:] for node in nodes if node.startswith("21")})
        label = newest[0] if len(newest) == 1 else f"{newest[0]}+{len(newest) - 1}"
        stable |= {node[2:]: label for node in nodes}
    olds, news = {old for old, _ in pairs}, {new for _, new in pairs}
    only = dict.fromkeys(olds - news, "2011") | dict.fromkeys(news - olds, "2021")
    return Vintages(leaf.name, stable, newer, only)


def extend_to_2011(lookup: Lookup, vintages: Vintages, residents: Mapping[str, float] | None = None) -> Lookup:
    """Let a look-up of 2021 codes know 2011 codes, by what became of them.

    Without residents only those whose successors all lie in the same larger area: one whose parts went to different
    areas stays unknown, so that `require_match` counts its rows. With residents it is shared out by where they live.
    """
    added: dict[str, Mapping[str, float]] = {}
    for old, successors in vintages.newer.items():
        if old in lookup.shares or any(code not in lookup.shares for code in successors):
            continue
        found: dict[str, float] = {}
        for code, share in (
            share_by(successors, residents).items() if residents else dict.fromkeys(successors, 1.0).items()
        ):
            for area, part in lookup.shares[code].items():
                found[area] = found.get(area, 0.0) + share * part
        if residents or len(found) == 1:
            added[old] = _as_shares(found)
    return Lookup(lookup.file, lookup.source, lookup.target, {**lookup.shares, **added}, lookup.names)


def as_lookup(vintages: Vintages, residents: Mapping[str, float] | None = None) -> Lookup:
    """Codes of both vintages to areas that are the same in both; or, with residents, to the LSOAs of 2021."""
    if residents is None:
        shares: dict[str, Mapping[str, float]] = {code: {area: 1.0} for code, area in vintages.stable.items()}
    else:
        shares = {old: share_by(successors, residents) for old, successors in vintages.newer.items()}
        shares |= {new: {new: 1.0} for successors in vintages.newer.values() for new in successors}
    return Lookup(vintages.file, "LSOA11CD and LSOA21CD", "", shares)


def share_by(codes: Sequence[str], residents: Mapping[str, float]) -> dict[str, float]:
    """The share of each code in the residents of them all.

    Raises:
        InputError: the residents of a code are not known.
    """
    if len(codes) == 1:
        return {codes[0]: 1.0}
    if absent := [code for code in codes if code not in residents]:
        text = f"The residents of {listing(absent, 4)} are not given, by which a split LSOA is shared out."
        raise InputError([Problem("--residents", "", text, "Give the population of every LSOA of 2021.")])
    return _as_shares({code: residents[code] for code in codes})


def read_residents(path: Path) -> dict[str, float]:
    """Residents by LSOA, from CSV: a column of LSOA codes, and one called population, residents or OBS_VALUE.

    Raises:
        InputError: there are no such columns, a cell is not a number, or a code has two numbers.
    """
    leaf = Leaf(path)
    rows, header = _read_table(leaf)
    source = header.index(_source_column(header, rows, leaf))
    names = [name for name in header if name.casefold() in RESIDENTS]
    if len(names) != 1:
        shown = listing([f"`{name}`" for name in header], 12)
        text = f"It cannot be told which column holds the residents: {shown}."
        raise InputError([Problem(leaf.name, "row 1", text, "Call one of them `population`.")])
    at = header.index(names[0])
    found: dict[str, float] = {}
    problems = []
    for number, row in enumerate(rows, 2):
        people = read_number(row[at].strip(), grouped=True)
        if people is None or people < 0:
            text = f"'{row[at]}' is not a number of 0 or more."
            problems.append(Problem(leaf.name, f"row {number}, {names[0]}", text, "Correct it."))
        elif found.setdefault(row[source].strip(), people) != people:
            text = f"{row[source]} has two numbers of residents."
            problems.append(Problem(leaf.name, f"row {number}", text, "Give one year, all ages and both sexes."))
    if problems:
        raise InputError(problems[:20])
    return found


def mixed_vintages(codes: Iterable[str], vintages: Vintages) -> set[str]:
    """Which vintages the codes show: {'2011'}, {'2021'}, both, or none where all codes are in both."""
    return {vintages.only[code] for code in codes if code in vintages.only}
