"""How a partner's table is read: a short mapping in YAML.

title: Referrals to the youth service
publisher: Exampleshire Youth Service
layout: long                    # one row for each area and month; wide: one column for each month
area: District                  # a column; or {all: E07000001} where the whole table is one area
period: {column: Month, format: "%b-%y"}      # no format is needed for 2024-03 and for real dates
count: Referrals
areas: {North Town: E07000001}  # names in the table -> codes; optional
skip: [Total]                   # rows left out, by what is in the area's column
suppressed: {"*": [1, 4]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from evaluation.errors import InputError
from evaluation.evidence.sources.screening import Attributes
from evaluation.protocol.indicator import Bounds, Marker
from evaluation.protocol.period import Frequency
from evaluation.protocol.reading import Promise, Text, read_model, refuse
from evaluation.protocol.yaml_source import read_yaml


class OneArea(Promise):
    """The whole table is about one area.

    Attributes:
        all: code of the area.
    """

    all: Text


class PeriodColumn(Promise):
    """Where periods are and how they are written (as in Python's strptime).

    Attributes:
        column: of a long table.
        format: as in Python's strptime; none is needed for 2024-03 and for dates.
        every: week, month, quarter or year.
    """

    column: Text | None = None
    format: Text | None = None
    every: Frequency = "month"


class Mapping(Promise):
    """How a partner's table is to be read; see the module's example.

    Attributes:
        title, publisher, licence: recorded in the provenance.
        layout: long or wide.
        sheet: of a workbook; the first by default.
        area: the column of areas, or one area for the whole table.
        period: the column of periods (long), their format and frequency.
        count: the column of counts (long).
        measure: a column by which the counts are told apart (long), or the name of the one measure.
        exposure, status: columns, optional (long).
        areas: what the table says -> code.
        skip: texts in the area's column whose rows are left out, such as totals.
        suppressed, rounded_to: as in indicators.yaml.
        attributes: columns by which a local definition is applied (`--definition`); see `screening`.
    """

    title: Text
    publisher: Text | None = None
    licence: Text | None = None
    layout: Literal["long", "wide"] = "long"
    sheet: Text | None = None
    area: Text | OneArea
    period: PeriodColumn | Text
    count: Text | None = None
    measure: Text | None = None
    exposure: Text | None = None
    status: Text | None = None
    areas: dict[Text, Text] = Field(default_factory=dict)
    skip: list[Text] = Field(default_factory=list)
    suppressed: dict[Marker, Bounds] = Field(default_factory=dict)
    rounded_to: int | None = Field(default=None, ge=2, le=1000)
    attributes: Attributes = Field(default_factory=Attributes)

    @model_validator(mode="after")
    def _complete(self) -> Mapping:
        if self.layout == "long" and self.count is None:
            raise refuse("A long table needs the column of counts.", "Add `count: COLUMN`.")
        if self.layout == "long" and isinstance(self.period, PeriodColumn) and self.period.column is None:
            raise refuse("A long table needs the column of periods.", "Add `period: {column: COLUMN}`.")
        if self.layout == "wide" and (self.count or self.exposure or self.status):
            raise refuse("In a wide table every period's column holds counts.", "Take out count, exposure and status.")
        return self


def read_mapping(path: Path) -> Mapping:
    """Read a mapping.

    Raises:
        InputError: with every problem in it.
    """
    document, problems = read_yaml(path)
    if document is None or problems:
        raise InputError(problems)
    reading = read_model(Mapping, document.data, file=path.name, line_of=document.line_of)
    if reading.problems or reading.value is None:
        raise InputError(reading.problems)
    return reading.value
