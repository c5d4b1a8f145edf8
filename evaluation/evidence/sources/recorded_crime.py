"""recorded-crime: the Home Office's open data of police recorded crime, by force or by CSP, quarterly, ODS or CSV.

The workbook is streamed, sheet by sheet. Financial quarters become calendar quarters: quarter 1 of 2018/19 is
2018-Q2. CSPs that the Notes sheet declares unusable in a year have that year's quarters marked partial.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.extract import Extract, Ledger, fill, open_database
from evaluation.evidence.sources.intake import Leaf, find_leaves, fingerprint, fingerprints, read_bytes
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.sources.opendocument import Row, read_ods
from evaluation.evidence.sources.periods import Unreadable, financial_quarter
from evaluation.evidence.sources.screening import Attributes, Screen, make_screen
from evaluation.evidence.sources.workbook import (
    HEADER_WITHIN,
    WORKBOOKS,
    describe_remarks,
    is_remark,
    read_rows,
    sheet_names,
)
from evaluation.protocol.definition import find_definition, offence_codes
from evaluation.protocol.suggest import listing, plural, quote

# Names of one column over the editions, in small letters without spaces, dots and underscores.
NAMES: dict[str, tuple[str, ...]] = {
    "year": ("financialyear",),
    "quarter": ("financialquarter",),
    "force": ("policeforce", "forcename"),
    "csp": ("cspname",),
    "description": ("offencedescription",),
    "group": ("offencegroup",),
    "subgroup": ("offencesubgroup",),
    "code": ("offencecode",),
    "count": ("offencecount", "numberofoffences"),
}
ESSENTIAL = ("year", "quarter", "force", "code", "count")
# CSPs under more than one name over the editions, and as ONS names them.
RENAMED = {
    "shepway": "Folkestone and Hythe",
    "london, city of": "City of London",
    "north devon": "Northern Devon",
}
UNASSIGNED = re.compile(r"\bun-?(assigned|allocated)\b", re.IGNORECASE)
UNKNOWN = frozenset({"[x]", "[z]", "[u]", "x", "z", "..", ":", "-", "n/a", "[low]", "[c]", "c"})
FRAUD = re.compile(r"action fraud|cifas|uk finance|nfib|fraud: ", re.IGNORECASE)
TRANSPORT = "British Transport Police"


@dataclass(frozen=True)
class Options:
    """What is wanted.

    Attributes:
        level: `csp` or `force`.
        by: measures are offence groups, subgroups or single offences: `group`, `subgroup`, `offence`.
        codes: offence codes wanted (`5D`, `34B`), added up to one measure called `measure`; all codes where empty.
        measure: the name of that measure.
        screen: a local definition whose codes are counted too.
    """

    level: str = "csp"
    by: str = "subgroup"
    codes: frozenset[str] = frozenset()
    measure: str = "offences of the codes"
    screen: Screen | None = None

    @property
    def wanted(self) -> frozenset[str]:
        """Every code that is counted; all codes where empty."""
        return self.codes | frozenset(offence_codes(self.screen.definition) if self.screen else ())


@dataclass
class _Tally:
    ledger: Ledger
    counts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    notes: list[Row] = field(default_factory=list)
    forces: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    unknown: set[tuple[str, str, str]] = field(default_factory=set)
    quarters: dict[tuple[str, str], str] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    repeated: int = 0
    remarks: list[Row] = field(default_factory=list)
    spans: dict[str, tuple[str, str]] = field(default_factory=dict)


def read_by_definition(paths: Sequence[Path], review: Path, options: Options, definition: str | None) -> Extract:
    """Read the tables; with a definition of the review, or of those shipped, count its offence codes.

    The open data have no age, place or flag, so those parts of a definition are recorded as not applied.

    Raises:
        InputError: as `read`; there is no such definition, or it names no codes.
    """
    if definition is None:
        return read(paths, options)
    found = find_definition(review, definition)
    screen = make_screen(definition, found, Attributes(code="Offence Code"), "--definition")
    return read(paths, replace(options, screen=screen, measure=found.title))


def read(paths: Sequence[Path], options: Options) -> Extract:
    """Read the tables.

    Raises:
        InputError: with every problem, naming file, sheet and row; or a code asked for is not in the tables.
    """
    leaves = _once(find_leaves(paths, (".csv", *WORKBOOKS)))
    tally = _Tally(Ledger())
    for leaf in leaves:
        for sheet, rows in _sheets(leaf):
            _read_sheet(leaf, sheet, rows, options, tally)
            if len(tally.problems) > 50:
                break
    if tally.problems:
        raise InputError(tally.problems[:50])
    if not tally.ledger.rows_in:
        text = "No sheet holds the columns of the open data (Financial Year, Financial Quarter, Offence Code ...)."
        raise InputError([Problem(leaves[0].name, "", text, "Give prc-csp-*.ods or prc-pfa-*.ods as published.")])
    absent = sorted(options.wanted - tally.codes)
    if absent and (options.codes & set(absent) or options.wanted <= set(absent)):
        text = f"No row has the offence code {listing(absent, 8)}."
        raise InputError([Problem("--code", "", text, "Write codes as in the column Offence Code, such as 5D or 34B.")])
    extract = _finish(tally, options, leaves)
    if options.screen is not None:
        extract.definition = options.screen.record()
        extract.notes.append(
            f"Counted by the definition {options.screen.definition.title}: offence codes only. The tables cannot tell "
            f"{listing(list(options.screen.lacking), 6) or 'more than these'}."
        )
    if absent:
        extract.notes.append(f"Codes of the definition that are not in these tables: {listing(absent, 8)}.")
    return extract


def _once(leaves: Sequence[Leaf]) -> list[Leaf]:
    """Each file once, however many copies of it were given."""
    prints: dict[str, Leaf] = {}
    for leaf in leaves:
        name = hashlib.sha256(read_bytes(leaf)).hexdigest() if leaf.member else fingerprint(leaf.path).sha256
        prints.setdefault(name, leaf)
    return list(prints.values())


def _sheets(leaf: Leaf) -> Iterator[tuple[str, Iterator[Row]]]:
    if leaf.stem.lower().endswith(".ods"):
        yield from read_ods(leaf)
    else:
        for sheet in sheet_names(leaf):
            yield sheet, read_rows(leaf, sheet)


def _read_sheet(leaf: Leaf, sheet: str, rows: Iterator[Row], options: Options, tally: _Tally) -> None:
    head: list[Row] = []
    for number, cells in rows:
        found = _columns(cells)
        if all(name in found for name in ESSENTIAL):
            if options.level == "csp" and "csp" not in found:
                text = "There is no column `CSP Name`: this is the table by force."
                where = f"sheet {sheet}, row {number}" if sheet else f"row {number}"
                tally.problems.append(Problem(leaf.name, where, text, "Use --area force, or give the CSP table."))
                return
            wide = max(i + 1 for i, cell in enumerate(cells) if cell)
            _tally_rows(leaf, sheet, rows, found, wide, options, tally)
            return
        head.append((number, cells))
        if len(head) >= HEADER_WITHIN and "note" not in sheet.casefold():
            break
    if "note" in sheet.casefold():
        tally.notes += [*head, *rows]
    elif not sheet:
        tally.problems.append(
            Problem(leaf.name, "row 1", f"The columns are {listing([quote(c) for c in head[0][1]], 9)}.",
                    f"Wanted: {listing(['Financial Year', 'Financial Quarter', 'Police Force', 'Offence Code', 'Offence Count'])}.")
        )  # fmt: skip


def _columns(cells: Sequence[str]) -> dict[str, int]:
    folded = [re.sub(r"[^a-z]", "", cell.casefold()) for cell in cells]
    return {name: folded.index(word) for name, words in NAMES.items() for word in words if word in folded}


def _tally_rows(
    leaf: Leaf, sheet: str, rows: Iterator[Row], at: Mapping[str, int], wide: int, options: Options, tally: _Tally
) -> None:
    measure_of = _measure(at, options)
    quarters: dict[tuple[str, str], str] = {}
    ledger, width = tally.ledger, max(at.values()) + 1
    level = at["csp"] if options.level == "csp" else at["force"]

    def refuse(number: int, text: str, remedy: str = "Give the file as published.") -> None:
        where = f"sheet {sheet}, row {number}" if sheet else f"row {number}"
        tally.problems.append(Problem(leaf.name, where, text, remedy))

    place = f"{leaf.name}, sheet {sheet}" if sheet else leaf.name
    for number, cells in rows:
        if is_remark(cells):
            tally.remarks.append((number, cells))
            continue
        ledger.rows_in += 1
        if len(tally.problems) > 50:
            return
        if len(cells) < width or any(cells[wide:]):
            refuse(number, f"The row has {plural(len(cells), 'cell')} where {wide} are wanted: cut short, or edited.")
            continue
        key = cells[at["year"]], cells[at["quarter"]]
        if key not in quarters:
            try:
                quarters[key] = financial_quarter(*key)
            except Unreadable as error:
                refuse(number, f"{error}.")
                continue
            if tally.quarters.setdefault(key, place) != place:
                text = f"Quarter {key[1]} of {key[0]} is in {tally.quarters[key]} as well."
                refuse(number, text, "Give each quarter once: of two editions the newer one.")
        area, force, code = _name(cells[level]), _name(cells[at["force"]]), cells[at["code"]].strip()
        text = cells[at["count"]]
        count = _count(text)
        tally.codes.add(code)
        if count is None and text.casefold() not in UNKNOWN:
            refuse(number, f"{quote(text)} is not a count.")
        elif FRAUD.search(force):
            ledger.drop("fraud recorded nationally, which has no place", 1)
        elif force.casefold() == TRANSPORT.casefold():
            ledger.drop("British Transport Police, which has no CSP", 1)
        elif options.level == "csp" and (not area or UNASSIGNED.search(area)):
            ledger.drop("Unassigned: the force could not say which CSP", 1)
        elif options.wanted and code not in options.wanted:
            ledger.drop("offence codes not asked for", 1)
        else:
            kept = RENAMED.get(area.casefold(), area)
            if kept != area:
                tally.renamed[area] = kept
            tally.forces.setdefault(kept, force)
            measure = measure_of(cells)
            cell = (measure, kept, quarters[key])
            mark = hash((kept, force, code, *key, cells[at["description"]] if "description" in at else ""))
            tally.repeated += mark in tally.seen
            tally.seen.add(mark)
            if count is None:
                tally.unknown.add(cell)
            # Negative counts are corrections of earlier quarters, and part of the published total.
            tally.counts[cell] = tally.counts.get(cell, 0) + (count or 0)
            first, last = tally.spans.get(kept, (quarters[key], quarters[key]))
            tally.spans[kept] = min(first, quarters[key]), max(last, quarters[key])
            ledger.counted += 1


def _name(text: str) -> str:
    """A name without the line breaks and double spaces that editions differ by."""
    return " ".join(text.split())


def _count(text: str) -> int | None:
    """A count, which may be below zero; None for anything else."""
    below = text.startswith(("-", "\u2212")) and len(text) > 1
    number = whole_number(text[1:] if below else text)
    return -number if below and number is not None else number


def _measure(at: Mapping[str, int], options: Options) -> Callable[[Sequence[str]], str]:
    if options.wanted:
        return lambda cells: options.measure
    wanted = {"group": "group", "subgroup": "subgroup", "offence": "description"}[options.by]
    position = at.get(wanted, at["code"])
    return lambda cells: cells[position] or cells[at["code"]]


def unusable_years(notes: Sequence[Row], areas: Sequence[str]) -> dict[str, set[int]]:
    """CSPs that the Notes sheet declares unusable, with the financial years (by the year in which they end).

    A note counts if it names a CSP, says `unassigned` or `not`, and names `year ending March YYYY` (or `2019/20`).
    """
    found: dict[str, set[int]] = {}
    for _, cells in notes:
        text = " ".join(cells)
        if not re.search(
            r"unassigned|not (be )?(used|reliable|usable|comparable|available)|unusable|incomplete", text, re.I
        ):
            continue
        years = {int(year) for year in re.findall(r"March (\d{4})", text)}
        years |= {int(year) + 1 for year in re.findall(r"\b(20\d\d)[/-]\d{2}\b", text)}
        for area in areas:
            if years and re.search(rf"\b{re.escape(area)}\b", text):
                found.setdefault(area, set()).update(years)
    return found


def _successions(tally: _Tally) -> list[str]:
    """Areas of a force that end in the quarter before another begins: renamed, merged or split."""
    if not tally.spans:
        return []
    first, last = min(a for a, _ in tally.spans.values()), max(b for _, b in tally.spans.values())

    def place(quarter: str) -> int:
        return int(quarter[:4]) * 4 + int(quarter[-1])

    ended = {area: b for area, (_, b) in tally.spans.items() if b < last}
    begun = {area: a for area, (a, _) in tally.spans.items() if a > first}
    return [
        f"{old} (to {b}) and {new} (from {a})"
        for old, b in sorted(ended.items())
        for new, a in sorted(begun.items())
        if place(a) - place(b) == 1 and tally.forces.get(old) == tally.forces.get(new)
    ]


def _finish(tally: _Tally, options: Options, leaves: Sequence[Leaf]) -> Extract:
    extract = Extract(open_database(), tally.ledger, fingerprints(leaves))
    areas = sorted({area for _, area, _ in tally.counts})
    measures = sorted({measure for measure, _, _ in tally.counts})
    quarters = sorted({quarter for _, _, quarter in tally.counts})
    # The tables list every offence of every area in every quarter, so a combination that is not there had none, as
    # long as the area has rows in that quarter at all.
    present = {(area, quarter) for _, area, quarter in tally.counts}
    unusable = unusable_years(tally.notes, areas) if options.level == "csp" else {}
    negative = sum(n < 0 for n in tally.counts.values())
    pairs = _successions(tally)

    def rows() -> Iterator[tuple[object, ...]]:
        for measure in measures:
            for area in areas:
                for quarter in quarters:
                    if (area, quarter) not in present:
                        continue
                    count = tally.counts.get((measure, area, quarter), 0)
                    # A financial year ends in March: 2018-Q1 belongs to the year that ends in 2018, 2018-Q2 to 2019.
                    ends = int(quarter[:4]) + (quarter[-1] != "1")
                    status = "partial" if ends in unusable.get(area, ()) else "final"
                    if count < 0 or (measure, area, quarter) in tally.unknown:
                        yield measure, area, area, quarter, None, None, "missing"
                    else:
                        yield measure, area, area, quarter, str(count), None, status

    fill(extract.connection, rows())
    if negative:
        extract.notes.append(f"{plural(negative, 'total')} below zero (corrections of earlier quarters): missing.")
    if tally.unknown:
        extract.notes.append(
            f"{plural(len(tally.unknown), 'total')} with a part that is not available: missing, not zero."
        )
    if tally.repeated:
        extract.notes.append(
            f"{plural(tally.repeated, 'row')} repeat the area, quarter and offence of another: they were added up. Compare "
            "with the publisher's totals."
        )
    extract.notes += describe_remarks(tally.remarks)
    if pairs:
        extract.notes.append(
            f"Names that end where others of the same force begin: {listing(pairs, 4)}. If an area was only renamed, put both "
            "under one code with --lookup."
        )
    if tally.renamed:
        shown = listing([f"{old} as {new}" for old, new in sorted(tally.renamed.items())])
        extract.notes.append(f"CSPs filed under one name: {shown}.")
    for area, years in sorted(unusable.items()):
        shown = listing([f"March {year}" for year in sorted(years)])
        extract.notes.append(
            f"The Notes sheet says that {area} cannot be used for the year ending {shown}: marked partial."
        )
    if options.level == "csp" and not tally.notes:
        extract.notes.append("No Notes sheet was given (CSV has none): look there for CSPs unusable in some years.")
    extract.notes.append("Quarterly: four points a year are too few for most interrupted time series. Codes are names.")
    extract.covers = sorted(set(tally.forces.values()))
    return extract
