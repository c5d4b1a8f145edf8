"""The partnership and its places: `review.yaml` and `areas.yaml`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from evaluation.protocol.duty import Day, Duty
from evaluation.protocol.reading import Because, Code, Promise, Text, refuse


def _year(text: str) -> str:
    match = re.fullmatch(r"(\d{4})(?:[-/](\d{2}|\d{4}))?", text)
    if match is None:
        raise refuse(f"'{text}' is not a year.", "Write the year of the review as 2024-25 (or 2024).")
    if match[2] and int(match[2]) % 100 != (int(match[1]) + 1) % 100:
        raise refuse(
            f"'{text}' does not run from one year to the next.",
            f"Write {match[1]}-{(int(match[1]) + 1) % 100:02d}.",
        )
    return text


def _interval(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0.5 <= value < 1:
        share = f", such as {value / 100:g}" if 50 <= value < 100 else ", such as 0.95"
        raise refuse(f"An interval of {value:g} is out of range.", f"Write a share from 0.5 to below 1{share}.")
    return value


def _plan_id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", text):
        raise refuse(f"'{text}' cannot be the id of a plan.", "Use small letters, figures and underscores.")
    return text


YearText = Annotated[Text, AfterValidator(_year)]


class Thresholds(Promise):
    """Probabilities by which a finding is graded where its interval contains no effect (see the rules in the book).

    Attributes:
        promising: of a benefit, from which an unclear finding is called promising.
        possible_harm: of a harm, from which an unclear finding is called a possible harm.
    """

    promising: float = Field(default=0.925, gt=0.5, lt=1)
    possible_harm: float = Field(default=0.925, gt=0.5, lt=1)


class Budget(Promise):
    """What may be spent on the interventions of this review next time, in pounds.

    Attributes:
        total: pounds.
    """

    total: float = Field(gt=0, allow_inf_nan=False)


class QualityTask(Promise):
    """One line of the quality assurance log (Aqua Book): what was checked, by whom, and what remains.

    Attributes:
        task: what was checked.
        done_by, checked_by: names or roles.
        on: when, as far as known.
        remains: what is still open.
    """

    task: Text
    done_by: Text
    checked_by: Text | None = None
    on: Text | None = None
    remains: Text | None = None


class SignOff(Promise):
    """Who takes responsibility for publishing the review, in which role, and when.

    Attributes:
        by: name.
        role: in which it is done.
        on: the day, 2026-06-01.
    """

    by: Text
    role: Text
    on: Text


class Correction(Promise):
    """Something published that was wrong.

    Attributes:
        on: the day it was corrected.
        was: what was wrong, as it was published.
        now: what it says now.
        where: page or chapter; of a plan, its id.
    """

    on: Day
    was: Text
    now: Text
    where: Text | None = None


class Withdrawal(Promise):
    """An intervention whose chapter was published and is no longer; its address then says so.

    Attributes:
        title: of the intervention.
        on: the day the chapter was withdrawn.
        because: why.
    """

    title: Text
    on: Day
    because: Because


class ReviewSettings(Promise):
    """What holds for the whole review (`review.yaml`).

    Attributes:
        title: of the book.
        partnership: name of the partnership or area.
        year: the year of the review, `2024-25`.
        interval: probability inside every credible interval that is reported.
        simulated: True if the data are made up; the book then says so on every page.
        seed: of every random number of the review.
        contact: for questions about the review.
        authors: names.
        summary: one paragraph for the first page.
        authorities: the specified authorities that took part.
        duty: definition, governance, documents and dates of the Serious Violence Duty.
        thresholds: of the grades of findings.
        budget: for the view of how to allocate it.
        previous: archive of last year's review, relative to the review folder.
        quality_assurance: the log.
        signed_off: until this is filled in, every page of the book says draft.
        edition: number of the published edition of this year's review; a corrected book is the next edition.
        data_cut: the day on which the data were taken.
        corrections: what earlier editions got wrong.
        withdrawn: interventions taken out after they were published, by plan id.
        cleared_phrases: phrases with a small number of people or events ("one assault") that somebody has read and that
            give nobody away; `svd publish` refuses any other.
    """

    title: Text
    partnership: Text
    year: YearText
    interval: Annotated[float, BeforeValidator(_interval)] = 0.95
    simulated: bool = False
    seed: int = Field(default=2025, ge=0, le=2**32 - 1)
    contact: Text | None = None
    authors: list[Text] = Field(default_factory=list)
    summary: Text | None = None
    authorities: list[Text] = Field(default_factory=list)
    duty: Duty = Field(default_factory=Duty)
    thresholds: Thresholds = Thresholds()
    budget: Budget | None = None
    previous: Text | None = None
    quality_assurance: list[QualityTask] = Field(default_factory=list)
    signed_off: SignOff | None = None
    edition: int = Field(default=1, ge=1, le=999)
    data_cut: Day | None = None
    corrections: list[Correction] = Field(default_factory=list)
    withdrawn: dict[Annotated[Code, AfterValidator(_plan_id)], Withdrawal] = Field(default_factory=dict)
    cleared_phrases: list[Text] = Field(default_factory=list)


class Area(Promise):
    """One area, by the code that the data use.

    Attributes:
        name: for readers.
        population: persons; makes exposure of counts (population x days) where the data have none.
        neighbours: codes of areas that share a border; the needs assessment smooths over them.
    """

    name: Text
    population: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    neighbours: list[Code] = Field(default_factory=list)


class AreaGroup(Promise):
    """Areas that are named together, so that a plan can say `comparison: {areas: similar_centres}`.

    Attributes:
        areas: codes.
        because: why these belong together.
    """

    areas: list[Code] = Field(min_length=1)
    because: Because | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_list(cls, data: Any) -> Any:
        return {"areas": data} if isinstance(data, list) else data


class Areas(Promise):
    """All areas and groups (`areas.yaml`).

    Attributes:
        areas: by code.
        groups: by name.
    """

    areas: dict[str, Area]
    groups: dict[str, AreaGroup] = Field(default_factory=dict)
