"""fingertips and school-exclusions: annual tables of public bodies, with their own signs for hidden values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.extract import Extract, Ledger, fill, open_database
from evaluation.evidence.sources.intake import find_leaves, fingerprints
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.sources.workbook import open_table
from evaluation.protocol.suggest import listing, plural, quote

FINGERTIPS = (("Indicator ID",), ("Indicator Name",), ("Area Code",), ("Area Name",), ("Area Type",), ("Sex",), ("Age",),
              ("Category",), ("Time period",), ("Value",), ("Count",), ("Denominator",))  # fmt: skip
EXCLUSIONS = (("time_period",), ("time_identifier",), ("geographic_level",), ("headcount",))
AREA_COLUMNS = {
    "local authority": ("new_la_code", "la_name"),
    "regional": ("region_code", "region_name"),
    "national": ("country_code", "country_name"),
}
# Signs of the Department for Education: c hidden to protect pupils, z not applicable, x not available.
HIDDEN = frozenset({"c", "[c]", "supp"})
NOT_KNOWN = frozenset({"z", "x", "[z]", "[x]", ".", "..", ":", "~", "n/a", ""})
MEASURES = ("suspension", "perm_excl")


def read_fingertips(
    paths: Sequence[Path], *, area_type: str | None = None, sex: str = "Persons", age: str | None = None
) -> Extract:
    """Read the CSV of the Fingertips API; counts with their denominator as exposure, by calendar or financial year.

    Periods that pool several years are refused: a three-year rate moves by a third of what happened in its last year
    and overlaps with its neighbours, so no series can be evaluated by it.

    Args:
        paths: CSV files.
        area_type: such as `Districts & UAs (from Apr 2023)`; by default all but England, if there is one.
        sex: which rows.
        age: which rows; by default the only one there is.

    Raises:
        InputError: with every problem of the files, each with its place.
    """
    leaves = find_leaves(paths, (".csv",))
    ledger = Ledger()
    problems: list[Problem] = []
    pooled: dict[str, tuple[str, int, str]] = {}
    cells: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    seen: dict[str, set[str]] = {"Area Type": set(), "Age": set(), "Sex": set()}
    notes: set[str] = set()
    for leaf in leaves:
        table = open_table(leaf, FINGERTIPS)
        # The column `Compared to <parent>` changes its name, so everything is found by name and never by position.
        at = {name: i for i, name in enumerate(table.header)}
        for number, row in table.rows:
            ledger.rows_in += 1
            kind, period = row[at["Area Type"]], row[at["Time period"]]
            for name, values in seen.items():
                values.add(row[at[name]])
            if kind in ("England", "Country") or (area_type and kind != area_type):
                ledger.drop("area types not asked for", 1)
            elif row[at["Category"]]:
                ledger.drop("categories (such as deprivation deciles)", 1)
            elif row[at["Sex"]] != sex or (age and row[at["Age"]] != age):
                ledger.drop("sexes and ages not asked for", 1)
            elif (written := _year(period)) is None:
                pooled.setdefault(row[at["Indicator Name"]], (leaf.name, number, period))
            else:
                text = row[at["Count"]]
                count = whole_number(text)
                note = row[at["Value note"]] if "Value note" in at else ""
                if note:
                    notes.add(note)
                if text and count is None:
                    text = f"{quote(text)} is not a count."
                    remedy = (
                        "This indicator has no counts: take its numerator from the publisher, or a score by mapping."
                    )
                    problems.append(Problem(leaf.name, f"row {number}, Count", text, remedy))
                    continue
                key = (row[at["Indicator Name"]], row[at["Area Code"]], written)
                if key in cells:
                    text = f"{row[at['Area Name']]} in {period} is there twice."
                    problems.append(Problem(leaf.name, f"row {number}", text, "Choose one --age and one area type."))
                    continue
                value = str(count) if count is not None else None
                exposure = _denominator(row[at["Denominator"]]) if value else None
                status = "final" if value else "missing"
                cells[key] = (*key[:2], row[at["Area Name"]], written, value, exposure, status)
                ledger.counted += 1
    for name, (file, number, period) in pooled.items():
        text = f"{name}: the period {quote(period)} pools several years, so its values overlap."
        remedy = "Ask for the annual numerator; a pooled rate cannot be used for a series or for year on year."
        problems.append(Problem(file, f"row {number}, Time period", text, remedy))
    if problems:
        raise InputError(problems[:50])
    if not cells:
        shown = listing(sorted(seen["Area Type"]), 6)
        text = f"No row is left. Area types: {shown}; ages: {listing(sorted(seen['Age']), 6)}."
        raise InputError([Problem(leaves[0].name, "", text, "Choose with --area-type, --sex and --age.")])
    extract = Extract(open_database(), ledger, fingerprints(leaves))
    fill(extract.connection, cells.values())
    if hidden := sum(cell[4] is None for cell in cells.values()):
        text = (
            f"{plural(hidden, 'value')} without a count: missing ({listing(sorted(notes), 3) or 'no reason is given'})."
        )
        extract.notes.append(text)
    return extract


def _denominator(text: str) -> float | None:
    """The population of a rate, which may be an average and so no whole number; None where it is not given."""
    whole = whole_number(text)
    if whole is not None:
        return float(whole) or None
    return float(text) or None if re.fullmatch(r"\d+\.\d+", text, re.ASCII) else None


def _year(text: str) -> str | None:
    """`2022` as it is; `2022/23` as the year in which it begins, which the notes say; None for pooled periods."""
    if re.fullmatch(r"(19|20)\d\d", text):
        return text
    if (match := re.fullmatch(r"((?:19|20)\d\d)/(\d\d)", text)) and int(match[2]) == (int(match[1]) + 1) % 100:
        return match[1]
    return None


def read_exclusions(paths: Sequence[Path], *, level: str = "Local authority") -> Extract:
    """Read suspensions and permanent exclusions (Explore Education Statistics), with headcount as exposure.

    Academic years are written as the year in which they begin (`202223` is 2022), terms are refused. `c` (hidden) is
    kept as published, `z` and `x` (not applicable, not available) are missing.

    Raises:
        InputError: with every problem of the files, each with its place.
    """
    leaves = find_leaves(paths, (".csv",))
    code_column, name_column = AREA_COLUMNS.get(level.casefold(), AREA_COLUMNS["local authority"])
    ledger, problems = Ledger(), []
    cells: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    hidden = 0
    for leaf in leaves:
        table = open_table(leaf, (*EXCLUSIONS, (code_column,), MEASURES))
        at = {name: i for i, name in enumerate(table.header)}
        counted = [name for name in MEASURES if name in at]
        filters = [
            name for name in table.header if name in ("school_type", "education_phase", "phase", "characteristic")
        ]
        for number, row in table.rows:
            ledger.rows_in += len(counted)
            if row[at["geographic_level"]].casefold() != level.casefold():
                ledger.drop("geographic levels not asked for", len(counted))
                continue
            if any(row[at[name]].casefold() not in ("total", "all schools", "all pupils") for name in filters):
                ledger.drop("parts of the total (types of school or pupils)", len(counted))
                continue
            year = re.fullmatch(r"((?:19|20)\d\d)[/-]?(\d\d)", row[at["time_period"]], re.ASCII)
            running = year is not None and int(year[2]) == (int(year[1]) + 1) % 100
            if row[at["time_identifier"]].casefold() != "academic year" or year is None or not running:
                text = f"{quote(row[at['time_period']])}, {quote(row[at['time_identifier']])} is not an academic year."
                problems.append(Problem(leaf.name, f"row {number}", text, "Give the table by academic year."))
                continue
            head = whole_number(row[at["headcount"]])
            for name in counted:
                text = row[at[name]].casefold()
                number_of = whole_number(text)
                if number_of is None and text not in HIDDEN | NOT_KNOWN:
                    problems.append(
                        Problem(leaf.name, f"row {number}, {name}", f"{quote(text)} is no count.", "Correct it.")
                    )
                    continue
                key = (name, row[at[code_column]], year[1])
                if key in cells:
                    where = row[at[name_column]] if name_column in at else row[at[code_column]]
                    text = f"{where} in {row[at['time_period']]} is there twice."
                    remedy = "The table is split by a column that is not known here: keep its total rows only."
                    problems.append(Problem(leaf.name, f"row {number}", text, remedy))
                    continue
                hidden += text in HIDDEN
                count = str(number_of) if number_of is not None else "c" if text in HIDDEN else None
                status = "final" if number_of is not None else "suppressed" if count else "missing"
                exposure = float(head) if head and count else None
                area_name = row[at[name_column]] if name_column in at else ""
                cells[key] = (*key[:2], area_name, key[2], count, exposure, status)
                ledger.counted += 1
    if problems:
        raise InputError(problems[:50])
    if not cells:
        raise InputError(
            [Problem(leaves[0].name, "", f"No row has the level {quote(level)}.", "Choose another --level.")]
        )
    return _exclusions(cells, ledger, leaves, hidden)


def _exclusions(cells: dict[Any, tuple[Any, ...]], ledger: Ledger, leaves: Any, hidden: int) -> Extract:
    extract = Extract(open_database(), ledger, fingerprints(leaves))

    def rows() -> Iterator[tuple[Any, ...]]:
        yield from cells.values()

    fill(extract.connection, rows())
    extract.notes.append(
        "Academic years (September to August) are written as the year in which they begin: 2022 is 2022/23. They cannot be "
        "set against calendar or financial years."
    )
    if hidden:
        extract.rules = {"suppressed": {"c": [1, 9]}}
        extract.notes.append(
            f"{plural(hidden, 'value')} are hidden (c). The range 1 to 9 proposed for them is (unverified): see the "
            "publisher's notes."
        )
    return extract
