"""What is measured, and how it is published: `indicators.yaml`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from evaluation.protocol.boundary import leads_out
from evaluation.protocol.reading import Because, Code, PeriodText, Promise, Text, refuse, text_of
from evaluation.protocol.suggest import quote

Likelihood = Literal["negative_binomial", "poisson", "binomial", "normal"]
Direction = Literal["lower_is_better", "higher_is_better"]
COUNTS: frozenset[str] = frozenset({"negative_binomial", "poisson"})


def _bounds(value: Any) -> Any:
    remedy = "Write the smallest and the largest value it can stand for: [1, 7]."
    if not isinstance(value, list) or len(value) != 2:
        raise refuse("A suppression marker needs two numbers.", remedy)
    for number in value:
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < float("inf"):
            raise refuse(f"{quote(number)} is not a number.", remedy)
    if value[0] > value[1]:
        raise refuse(f"The interval {value} is the wrong way round.", f"Write [{value[1]}, {value[0]}].")
    return [float(number) for number in value]


def _marker(value: Any) -> Any:
    text = str(value).strip()
    if not text:
        raise refuse(
            "An empty marker would make every blank cell a suppressed one.",
            "A blank count is missing; take it out.",
        )
    if re.fullmatch(r"[-+]?[\d.,]+", text) and any(c.isdigit() for c in text):
        raise refuse(
            f"The marker {quote(text)} is a number.",
            "Use the sign that is published, such as '*', 'c' or '<5'.",
        )
    return text


def _price_year(value: Any) -> Any:
    text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"\d{4}([-/]\d{2}(\d{2})?)?", text):
        raise refuse(f"{quote(value)} is not a price year.", "Write 2023-24, or 2023.")
    return text


def _inside(value: Any) -> Any:
    text = text_of(value)
    if leads_out(text):
        remedy = "Keep the data in the review folder, so that others can repeat the work: `file: data/name.csv`."
        raise refuse(f"{quote(text)} leads out of the review folder.", remedy)
    return text


PriceYear = Annotated[str, BeforeValidator(_price_year)]
Bounds = Annotated[list[float], BeforeValidator(_bounds)]
Marker = Annotated[str, BeforeValidator(_marker)]


class UnitCost(Promise):
    """What one event costs, given here or by the name of an offence in the table of unit costs.

    Attributes:
        offence: name in `unit_costs.csv` of the review, or in the table that travels with the program.
        value: pounds per event.
        price_year: of the value.
        source: where it was published.
        confidence: the publisher's or the analyst's rating of it.
    """

    offence: Text | None = None
    value: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_year: PriceYear | None = None
    source: Text | None = None
    confidence: Text | None = None

    @model_validator(mode="after")
    def _one_form(self) -> UnitCost:
        own = [name for name in ("value", "price_year", "source") if getattr(self, name) is not None]
        if (self.offence is None) == (len(own) == 0) or (self.offence is None and len(own) < 3):
            found = "A unit cost needs either the name of an offence, or a value with its price year and source."
            raise refuse(found, "Write {offence: violence_with_injury}, or {value: ..., price_year: ..., source: ...}.")
        return self


class Severity(Promise):
    """How harmful one event is: a weight, on which scale, and where it was published.

    Attributes:
        weight: of one event.
        scale: on which it is given.
        source: where it was published.
    """

    weight: float = Field(ge=0, allow_inf_nan=False)
    scale: Text
    source: Text


class Break(Promise):
    """A known change in recording, from a period on.

    Attributes:
        from_: first period of the new way of recording.
        because: what changed.
    """

    from_: PeriodText = Field(alias="from")
    because: Because


class Window(Promise):
    """Some periods, of some areas or of all.

    Attributes:
        from_, to: first and last period.
        areas: codes; all areas where not given.
        because: why.
    """

    from_: PeriodText = Field(alias="from")
    to: PeriodText
    areas: list[Code] | None = None
    because: Because


class Rebase(Promise):
    """A documented change of a process: control limits are calculated afresh from a period on.

    Attributes:
        from_: first period of the new limits.
        because: what changed; the chart prints it.
        areas: codes; all areas when empty.
    """

    from_: PeriodText = Field(alias="from")
    because: Because
    areas: list[Code] = Field(default_factory=list)


class Unusual(Promise):
    """A stretch that says nothing about ordinary times, such as a lockdown.

    Attributes:
        from_, to: first and last period.
        because: what was unusual.
    """

    from_: PeriodText = Field(alias="from")
    to: PeriodText
    because: Because


class Monitoring(Promise):
    """How an indicator is watched from month to month.

    Attributes:
        target: for one area and period, in the indicator's unit; the assurance icon judges it.
        target_because: where the target comes from.
        kind: an outcome of the strategy, or delivery of a scheme (referrals, sessions, completions).
        rebase: documented changes of the process; changes of recording (`breaks`) rebase as well.
        screen_outliers: leave moving ranges of 3.267 times their mean or more out of the limits.
        exclude: stretches from which the expected range learns nothing (the XmR chart keeps every point).
        provisional: number of newest periods that are still incomplete when first published.
    """

    target: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    target_because: Text | None = None
    kind: Literal["outcome", "delivery"] = "outcome"
    rebase: list[Rebase] = Field(default_factory=list)
    screen_outliers: bool = False
    exclude: list[Unusual] = Field(default_factory=list)
    provisional: int = Field(default=0, ge=0, le=24)


class HarmWeight(Promise):
    """How heavy one event weighs against others.

    Attributes:
        value: weight of one event, in days of a starting sentence, pounds or points.
        unit: of the weight.
        source: where it was published.
    """

    value: float = Field(gt=0, allow_inf_nan=False)
    unit: Text
    source: Text


class Indicator(Promise):
    """One indicator.

    Attributes:
        key: its name in plans and of its data file.
        title: for readers.
        unit: plural noun of what is counted.
        direction: which way is better.
        definition: what exactly is counted.
        source: publisher and table.
        licence: under which the data may be shown.
        file: of the data, relative to the review folder; by default `data/<key>.csv`, `.csv.gz` or `.parquet`.
        likelihood: negative_binomial and poisson for counts, binomial for counts of a denominator (`exposure`),
            normal for scores.
        absent_means: whether a row that is not there is missing or zero.
        suppressed: marker as published -> the lowest and highest value that it can stand for.
        rounded_to: counts are published rounded to the nearest multiple of this (a published 0 is exactly 0).
        exposure: `auto`, or `none` to model counts without any.
        disclosure: the profile by which the indicator is protected when published.
        unit_cost: of one event.
        severity: weight of one event where harm is added up.
        harm: what harm it measures (`violence`): indicators of one harm are read together.
        recorded_by: whose record it is.
        breaks: known changes in recording.
        unusable: counts that are there but known to be wrong or incomplete; they are treated as missing.
        genuine: counts that look implausible and really happened; they are used.
        local_definition: name of the local definition of serious violence that it measures.
        monitoring: how it is watched from month to month.
        harm_weight: how heavy one event weighs in the needs assessment.
    """

    key: str
    title: Text
    unit: Text = "events"
    direction: Direction = "lower_is_better"
    definition: Text | None = None
    source: Text | None = None
    licence: Text | None = None
    file: Annotated[str, BeforeValidator(_inside)] | None = None
    likelihood: Likelihood = "negative_binomial"
    absent_means: Literal["missing", "zero"] = "missing"
    suppressed: dict[Marker, Bounds] = Field(default_factory=dict)
    rounded_to: int | None = Field(default=None, ge=2, le=1000)
    exposure: Literal["auto", "none"] = "auto"
    disclosure: Literal["health", "partner", "already_public"] = "partner"
    unit_cost: UnitCost | None = None
    severity: Severity | None = None
    harm: Text | None = None
    recorded_by: Literal["police", "hospital", "ambulance", "survey", "other"] | None = None
    breaks: list[Break] = Field(default_factory=list)
    unusable: list[Window] = Field(default_factory=list)
    genuine: list[Window] = Field(default_factory=list)
    local_definition: Text | None = None
    monitoring: Monitoring = Field(default_factory=Monitoring)
    harm_weight: HarmWeight | None = None
