"""population: mid-year estimates, and the population of every month between and after them.

Estimates are for 30 June. Months between two estimates are interpolated on a straight line, months after the last
(and before the first) carry it forward with the status `provisional`, so that nobody mistakes them for estimates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.extract import Extract, Ledger, fill, open_database
from evaluation.evidence.sources.intake import find_leaves, fingerprints, refuse_columns
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.sources.workbook import WORKBOOKS, Table, describe_remarks, find_table
from evaluation.protocol.period import first_place, label
from evaluation.protocol.suggest import listing, plural, quote

NOMIS = (("GEOGRAPHY_CODE",), ("DATE", "DATE_NAME"), ("OBS_VALUE",))
# Other tables of code, name, year and population, by the names of their columns.
LONG = (
    {"code", "ladcode19", "areacd", "la_code", "geography_code"},
    {"year", "date"},
    {"population", "obs_value", "value"},
)
CODES = ("code", "area code", "gss code", "areacd")
LAYOUTS = (
    tuple(tuple(name.casefold() for name in names) for names in NOMIS),
    tuple(tuple(sorted(names)) for names in LONG),
    (CODES,),
)
WIDE = re.compile(r"(?:Population[ _-]?)?((?:19|20)\d\d)(?:[ _-]?Population)?", re.IGNORECASE)
PAGE = 25_000  # rows of a Nomis answer without a key: a file of exactly so many is probably cut off
JUNE = 5  # the estimate's month, counted from 0
MOST_CARRIED = 36  # months


@dataclass
class _Estimates:
    ledger: Ledger
    values: dict[str, dict[int, float]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, table: Table, number: int, code: str, name: str, year: str, text: str) -> None:
        """Take one estimate from a cell."""
        whole = whole_number(text)
        exact = re.fullmatch(r"\d+\.\d+", text, re.ASCII)  # some tables give averages of people
        people = float(whole) if whole is not None else float(text) if exact else 0.0
        if not code or not re.fullmatch(r"(19|20)\d\d", year, re.ASCII) or people <= 0:
            found = f"{quote(code)}, {quote(year)}, {quote(text)} is not a code, a year and a population."
            self.problems.append(Problem(table.leaf.name, table.place(number), found, "Give the table as published."))
            return
        given = self.values.setdefault(code, {})
        if int(year) in given and given[int(year)] != people:
            found = f"{code} has two estimates for {year}: {given[int(year)]:,.0f} and {people:,.0f}."
            remedy = "Give one table, or one sex and age group (Nomis: gender=0, c_age=200, measures=20100)."
            self.problems.append(Problem(table.leaf.name, table.place(number), found, remedy))
            return
        if int(year) in given:
            self.ledger.drop("the same estimate given twice", 1)
            return
        given[int(year)] = people
        self.names.setdefault(code, name or code)
        self.ledger.counted += 1


def read(paths: Sequence[Path], *, first: str | None = None, last: str | None = None) -> Extract:
    """Read estimates and write one population for each area and month.

    Args:
        paths: tables in the layout of Nomis, of ONS (code, name, year, population), or of the London Datastore
            (`2011_Population` ...); several go together.
        first: the first month wanted, by default the June of the first estimate.
        last: the last month wanted, by default the December after the last estimate; at most three years after it.

    Raises:
        InputError: with every problem, naming file and row.
    """
    leaves = find_leaves(paths, (".csv", *WORKBOOKS))
    found = _Estimates(Ledger())
    for leaf in leaves:
        table = find_table(leaf, LAYOUTS)
        _read_table(table, found)
        found.notes += describe_remarks(table.passed)
    if found.problems:
        raise InputError(found.problems[:50])
    if not found.values:
        raise InputError([Problem(leaves[0].name, "", "There are no estimates.", "Give the table as published.")])
    extract = Extract(open_database(), found.ledger, fingerprints(leaves), list(found.notes))
    years = sorted({year for given in found.values.values() for year in given})
    start = first_place(first, "month") if first else years[0] * 12 + JUNE
    end = first_place(last, "month") if last else years[-1] * 12 + 11
    newest = max(years) * 12 + JUNE
    if end > newest + MOST_CARRIED:
        text = f"The last estimate is for June {years[-1]}; {label(end, 'month')} is more than three years later."
        raise InputError([Problem("--last", "", text, "Give newer estimates.")])
    carried: dict[str, str] = {}

    def rows() -> Iterator[tuple[object, ...]]:
        for code, given in sorted(found.values.items()):
            for place in range(start, end + 1):
                people, exact = population_at(given, place)
                if not exact:
                    carried[code] = label(max(given) * 12 + JUNE, "month")
                status = "final" if exact else "provisional"
                yield "population", code, found.names[code], label(place, "month"), str(round(people)), None, status

    fill(extract.connection, rows())
    if carried:
        ends = sorted(set(carried.values()))
        extract.notes.append(
            f"{plural(len(carried), 'area')} carry an estimate beyond its date (the newest: {ends[-1]}, the oldest: {ends[0]}): "
            "those months have the status provisional."
        )
    short = [code for code, given in found.values.items() if set(range(min(given), max(given) + 1)) - set(given)]
    if short:
        extract.notes.append(
            f"{plural(len(short), 'area')} lack years between others ({listing(short, 3)}): interpolated."
        )
    return extract


def population_at(given: dict[int, float], place: int) -> tuple[float, bool]:
    """The population in a month, and whether it lies between estimates.

    Args:
        given: estimates for 30 June by year.
        place: months since year 0, as `protocol.period.ordinal` counts them.

    Example: estimates of 1,000 in 2020 and 1,120 in 2021 make 1,010 in July 2020.
    """
    anchors = sorted(year * 12 + JUNE for year in given)
    if place <= anchors[0]:
        return given[anchors[0] // 12], place == anchors[0]
    if place >= anchors[-1]:
        return given[anchors[-1] // 12], place == anchors[-1]
    after = next(anchor for anchor in anchors if anchor >= place)
    before = max(anchor for anchor in anchors if anchor < place)
    share = (place - before) / (after - before)
    return given[before // 12] + share * (given[after // 12] - given[before // 12]), True


def _read_table(table: Table, found: _Estimates) -> None:
    header, folded = table.header, [name.casefold() for name in table.header]
    wide = [i for i, name in enumerate(header) if WIDE.fullmatch(name)]
    if all(not set(options).isdisjoint(folded) for options in LAYOUTS[0]):
        _read_nomis(table, found)
    elif all(words & set(folded) for words in LONG):
        at = [next(i for i, name in enumerate(folded) if name in words) for words in LONG]
        named = next(
            (i for i, name in enumerate(folded) if name in ("name", "laname19", "area name", "geography_name")), at[0]
        )
        for number, row in table.rows:
            found.ledger.rows_in += 1
            found.add(table, number, row[at[0]], row[named], row[at[1]], row[at[2]])
    elif wide:
        code = table.find(CODES)
        named = next((i for i, name in enumerate(folded) if name in ("area name", "name", "area")), code)
        for number, row in table.rows:
            for i in wide:
                found.ledger.rows_in += 1
                match = WIDE.fullmatch(header[i])
                assert match is not None
                found.add(table, number, row[code], row[named], match[1], row[i])
    else:
        raise InputError([refuse_columns(table.leaf, header, ["code", "year", "population"], table.header_row)])


def _read_nomis(table: Table, found: _Estimates) -> None:
    at = {name.upper(): i for i, name in enumerate(table.header)}
    date = at["DATE"] if "DATE" in at else at["DATE_NAME"]
    several: list[str] = [name for name in ("GENDER_NAME", "C_AGE_NAME", "MEASURES_NAME") if name in at]
    kinds: dict[str, set[str]] = {name: set() for name in several}
    rows = 0
    for number, row in table.rows:
        rows += 1
        found.ledger.rows_in += 1
        for column in several:
            kinds[column].add(row[at[column]])
        name = row[at["GEOGRAPHY_NAME"]] if "GEOGRAPHY_NAME" in at else ""
        if not row[at["OBS_VALUE"]]:
            found.ledger.drop("no value", 1)
        else:
            found.add(table, number, row[at["GEOGRAPHY_CODE"]], name, row[date][:4], row[at["OBS_VALUE"]])
    mixed = {name: sorted(values) for name, values in kinds.items() if len(values) > 1}
    if mixed:
        column, values = next(iter(mixed.items()))
        text = f"The table mixes {listing(values, 4)} in `{column}`."
        found.problems = [
            Problem(
                table.leaf.name, f"column {column}", text, "Ask Nomis for one: gender=0, c_age=200, measures=20100."
            )
        ]
    if rows and rows % PAGE == 0:
        text = f"The file has exactly {rows:,} rows, where Nomis cuts an answer off."
        remedy = "Ask for the rest with recordoffset, or use an API key, and give all parts together."
        found.problems.append(Problem(table.leaf.name, "", text, remedy))
