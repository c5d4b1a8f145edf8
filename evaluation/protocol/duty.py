"""The Duty as a partnership carries it: its definition, governance, documents and the dates of its year."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from evaluation.protocol.reading import Promise, Text, refuse
from evaluation.protocol.suggest import quote

Requirement = Literal[
    "definition",
    "partners",
    "needs_assessment",
    "strategy",
    "publication",
    "monitoring",
    "annual_review",
]
Step = Literal["lock", "data", "checks", "sign_off", "publication"]


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    text = str(value)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise refuse(f"{quote(value)} is not a day.", "Write it as 2026-06-30.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(f"There is no day {text}.", "Write a day of the calendar, such as 2026-06-30.") from None


Day = Annotated[date, BeforeValidator(_day)]


class Document(Promise):
    """A document that the Duty asks for, or that governs the work.

    Attributes:
        title: of the document.
        answers: the requirement of the Duty that it answers, if any.
        status: published (readers can have it), adopted (agreed but not published), draft or missing.
        date: of the document, as far as known: `2024-01`, `2024-01-31`, `2024`.
        next_review: the day by which it must be looked at again.
        where: where readers find it, in words (no link is loaded by the book).
        note: what readers should know.
    """

    title: Text
    answers: Requirement | None = None
    status: Literal["published", "adopted", "draft", "missing"]
    date: Text | None = None
    next_review: Day | None = None
    where: Text | None = None
    note: Text | None = None


class Definition(Promise):
    """What this partnership calls serious violence.

    Attributes:
        text: in the partnership's own words.
        source: where it stands.
        includes: what it counts in, as a list for readers.
        domestic_abuse: whether domestic abuse is included.
        ages: the ages it puts first, in words.
        indicators: keys of the indicators that measure it here.
        gaps: what it includes and nothing here measures.
    """

    text: Text
    source: Text
    includes: list[Text] = Field(default_factory=list)
    domestic_abuse: Literal["included", "excluded", "wider pathway", "not stated"] = "not stated"
    ages: Text | None = None
    indicators: list[Text] = Field(default_factory=list)
    gaps: list[Text] = Field(default_factory=list)


class Authority(Promise):
    """One authority and its part.

    Attributes:
        name: of the body.
        kind: of authority in the Act.
        role: specified (has the duty), relevant (must be consulted), supporting (helps).
        part: what it does here.
    """

    name: Text
    kind: Literal[
        "police",
        "fire and rescue",
        "health",
        "local authority",
        "youth justice",
        "probation",
        "education",
        "prisons and youth custody",
        "police and crime commissioner",
        "voluntary sector",
        "other",
    ]
    role: Literal["specified", "relevant", "supporting"] = "specified"
    part: Text | None = None


class Body(Promise):
    """A group that governs: what it does and to whom it answers.

    Attributes:
        name: of the group.
        does: its part in the Duty.
        accountable_to: another group.
        meets: how often.
    """

    name: Text
    does: Text
    accountable_to: Text | None = None
    meets: Text | None = None


class Done(Promise):
    """A step of the year that was done.

    Attributes:
        on: the day.
        note: what readers should know of it.
    """

    on: Day
    note: Text | None = None


class Cycle(Promise):
    """The dates of the review's year. Steps without a date of their own get one from the year of the review.

    Attributes:
        due: step -> the day by which it is due.
        done: step -> the day on which it was done.
    """

    due: dict[Step, Day] = Field(default_factory=dict)
    done: dict[Step, Done] = Field(default_factory=dict)


class DataSource(Promise):
    """Real data to import for an indicator, and how.

    Attributes:
        indicator: key.
        publisher: who publishes it.
        take: what exactly to take.
        steps: how, one step an entry.
        cautions: traps.
    """

    indicator: Text
    publisher: Text
    take: Text
    steps: list[Text] = Field(min_length=1)
    cautions: list[Text] = Field(default_factory=list)


class Duty(Promise):
    """How the Serious Violence Duty is carried in this partnership (`duty:` in review.yaml).

    Attributes:
        definition: of serious violence.
        authorities: with their kinds and parts.
        governance: groups, from the widest to the nearest.
        documents: strategy, needs assessment, plans.
        principles: commitments that the partnership's own document states.
        cycle: dates of the year.
        imports: which data to import and how.
        notes: anything else that the partnership's document says and readers must find.
    """

    definition: Definition | None = None
    authorities: list[Authority] = Field(default_factory=list)
    governance: list[Body] = Field(default_factory=list)
    documents: list[Document] = Field(default_factory=list)
    principles: list[Text] = Field(default_factory=list)
    cycle: Cycle = Field(default_factory=Cycle)
    imports: list[DataSource] = Field(default_factory=list)
    notes: list[Text] = Field(default_factory=list)
