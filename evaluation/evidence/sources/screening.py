"""A local definition of serious violence applied to a table: which rows are in it, and what the table cannot tell.

A definition has offence codes, an age band, a place and whether domestic abuse is in it. Where a table has a column for
one of them the rows are screened by it; where it has none, that part cannot be applied, and the record says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from evaluation.errors import InputError, Problem
from evaluation.protocol.definition import Definition, offence_codes
from evaluation.protocol.reading import Promise, Text
from evaluation.protocol.suggest import listing, quote

if TYPE_CHECKING:
    from evaluation.evidence.sources.extract import Extract

PARTS = ("codes", "ages", "place", "domestic")
YES, NO = frozenset({"y", "yes", "true", "1", "domestic"}), frozenset({"n", "no", "false", "0", "non-domestic", ""})
_BAND = re.compile(r"(?:aged? )?(\d{1,3})\s*(?:-|–|to)\s*(\d{1,3})(?: years)?", re.IGNORECASE | re.ASCII)
_FROM = re.compile(r"(?:aged? )?(\d{1,3})\s*(?:\+|plus|and over|or over)", re.IGNORECASE | re.ASCII)
_BELOW = re.compile(r"(?:under|below|<)\s*(\d{1,3})s?", re.IGNORECASE | re.ASCII)
OLDEST = 120


class Attributes(Promise):
    """Columns by which the rows of a table can be told apart, for a local definition.

    Attributes:
        code: of the offence code.
        age: of an age or an age band.
        place: of the kind of place.
        domestic: of the flag of domestic abuse.
        public: texts in the column of places that mean public space.
    """

    code: Text | None = None
    age: Text | None = None
    place: Text | None = None
    domestic: Text | None = None
    public: list[Text] = Field(default_factory=list)

    def columns(self) -> dict[str, str]:
        """The columns that there are, by part of a definition."""
        named = {"codes": self.code, "ages": self.age, "place": self.place, "domestic": self.domestic}
        return {part: column for part, column in named.items() if column is not None}


@dataclass(frozen=True)
class Screen:
    """A definition as far as a table can be screened by it.

    Attributes:
        name: of the definition.
        definition: itself.
        columns: part -> column, for the parts that are applied.
        lacking: parts of the definition for which the table has no column, in words.
        public: texts that mean public space, in small letters.
    """

    name: str
    definition: Definition
    columns: Mapping[str, str] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    public: frozenset[str] = frozenset()

    def record(self) -> dict[str, Any]:
        """What provenance says of it."""
        applied = [part for part in PARTS if part in self.columns]
        return {
            "name": self.name,
            "title": self.definition.title,
            "applied": applied,
            "not_applied": list(self.lacking),
        }


def make_screen(name: str, definition: Definition, attributes: Attributes, file: str) -> Screen:
    """Which parts of a definition a table can be screened by.

    Raises:
        InputError: by none of them, or it is not said which places are public.
    """
    wanted = wanted_parts(definition)
    have = attributes.columns()
    columns = {part: have[part] for part in wanted if part in have}
    if wanted and not columns:
        text = f"The definition `{name}` needs {listing(list(wanted.values()))}, and the mapping names no such column."
        remedy = (
            "Add `attributes: {code: COLUMN, age: COLUMN, place: COLUMN, domestic: COLUMN}`, as far as there are any."
        )
        raise InputError([Problem(file, "", text, remedy)])
    if "place" in columns and not attributes.public:
        text = f"The definition `{name}` is of public space, and it is not said which places are public."
        raise InputError([Problem(file, "attributes", text, "Add `public: [Street, Park, ...]` to `attributes`.")])
    lacking = [words for part, words in wanted.items() if part not in columns]
    lacking += [f"{part.what} ({part.needs})" for part in definition.includes if part.needs]
    return Screen(name, definition, columns, tuple(lacking), frozenset(text.casefold() for text in attributes.public))


def wanted_parts(definition: Definition) -> dict[str, str]:
    """The parts of a definition that leave rows out, in words."""
    wanted = {}
    if offence_codes(definition):
        wanted["codes"] = "the offence code"
    if definition.ages is not None:
        wanted["ages"] = "the age band"
    if definition.place == "public":
        wanted["place"] = "the place (public space only)"
    if definition.domestic == "excluded":
        wanted["domestic"] = "the flag of domestic abuse (excluded)"
    return wanted


def judge_row(screen: Screen, cells: Mapping[str, str]) -> str:
    """Why a row is not in the definition; empty if it is.

    Args:
        screen: the definition.
        cells: what the row says, by part.

    Raises:
        ValueError: it cannot be told; the message says why.
    """
    definition = screen.definition
    if "codes" in screen.columns and cells["codes"] not in offence_codes(definition):
        return "offence codes that are not in the definition"
    if "ages" in screen.columns and definition.ages is not None:
        band = read_ages(cells["ages"])
        if band is None:
            return "age not known"
        low, high = definition.ages
        if band[1] < low or band[0] > high:
            return "ages outside the definition"
        if band[0] < low or band[1] > high:
            raise ValueError(f"the band {quote(cells['ages'])} lies on both sides of the definition's {low} to {high}")
    if "place" in screen.columns and cells["place"].casefold() not in screen.public:
        return "places that are not public" if cells["place"] else "place not known"
    if "domestic" in screen.columns:
        flag = cells["domestic"].casefold()
        if flag not in YES | NO:
            raise ValueError(f"{quote(cells['domestic'])} is neither yes nor no")
        if flag in YES:
            return "domestic abuse"
    return ""


def read_ages(text: str) -> tuple[int, int] | None:
    """The youngest and oldest age that a text means (`18-24`, `25+`, `under 18`, `17`); None if it is none."""
    if match := _BAND.fullmatch(text):
        return int(match[1]), int(match[2])
    if match := _FROM.fullmatch(text):
        return int(match[1]), OLDEST
    if match := _BELOW.fullmatch(text):
        return 0, int(match[1]) - 1
    if re.fullmatch(r"\d{1,3}", text, re.ASCII):
        return int(text), int(text)
    return None


def add_up_rows(extract: Extract, file: str) -> None:
    """One row for each area and period in place of one for each code, age, place and flag.

    Rows outside the definition are there as zeros, so that an area which had rows of other kinds has a true zero.

    Raises:
        InputError: a count in the definition is suppressed: parts that are hidden cannot be added up.
    """
    connection = extract.connection
    hidden = connection.execute(
        "SELECT area, period, count FROM tidy WHERE count IS NOT NULL AND TRY_CAST(count AS BIGINT) IS NULL "
        "ORDER BY ALL LIMIT 3"
    ).fetchall()
    if hidden:
        shown = listing([f"{area} {period}: {count}" for area, period, count in hidden])
        text = f"Counts that belong to the definition are suppressed ({shown}), so they cannot be added up."
        raise InputError(
            [Problem(file, "", text, "Ask the publisher to count by the definition before hiding numbers.")]
        )
    connection.execute(
        "CREATE TABLE added AS SELECT measure, area, any_value(name) AS name, period, "
        "CASE WHEN count(count) = count(*) THEN CAST(sum(CAST(count AS BIGINT)) AS VARCHAR) END AS count, "
        "any_value(exposure) AS exposure, CASE WHEN bool_or(status = 'partial') THEN 'partial' "
        "WHEN bool_or(count IS NULL) THEN 'missing' WHEN bool_or(status = 'provisional') THEN 'provisional' "
        "ELSE 'final' END AS status FROM tidy GROUP BY measure, area, period"
    )
    connection.execute("DROP TABLE tidy")
    connection.execute("ALTER TABLE added RENAME TO tidy")


def not_applied(folder: Path, indicator: str, definition: str) -> list[str] | None:
    """Parts of a definition that an indicator's import could not apply; None if it was not imported by it."""
    from evaluation.evidence.sources.filing import read_provenance

    record = (read_provenance(folder, indicator) or {}).get("definition")
    if not isinstance(record, dict) or record.get("name") != definition:
        return None
    return [str(part) for part in record.get("not_applied") or ()]
