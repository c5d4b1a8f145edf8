"""The Duty's requirements against what a review holds, and the dates of its year against today."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from evaluation.protocol import Review
from evaluation.protocol.duty import Duty

State = Literal["met", "partly", "missing"]
When = Literal["done", "late", "due", "not dated"]

# Sections of the Police, Crime, Sentencing and Courts Act 2022; marks as in our notes on the field.
ASKED: dict[str, str] = {
    "definition": "A local definition: which kinds of violence are serious here (section 13; its criteria unverified)",
    "partners": "The specified authorities collaborate, and relevant authorities are consulted (section 8)",
    "needs_assessment": "Kinds of serious violence and, so far as possible, their causes are identified (section 8)",
    "strategy": "A strategy is prepared and implemented (section 8)",
    "publication": "The strategy is published (first by 31 January 2024) and revised (section 8; wording unverified)",
    "monitoring": "The effectiveness of the strategy is monitored",
    "annual_review": "The strategy is reviewed at least every year, with an evaluation of interventions (guidance; unverified)",
}
TITLES: dict[str, str] = {
    "definition": "Definition",
    "partners": "Partners",
    "needs_assessment": "Needs assessment",
    "strategy": "Strategy",
    "publication": "Publication",
    "monitoring": "Monitoring",
    "annual_review": "Annual review",
}
SPECIFIED = ("police", "fire and rescue", "health", "local authority", "youth justice", "probation")
STEPS: dict[str, str] = {
    "lock": "Plans are written and locked",
    "data": "Data of the whole year are in",
    "checks": "Every plan is evaluated and its checks read",
    "sign_off": "The partnership signs the review off",
    "publication": "The review is published",
}


@dataclass(frozen=True)
class Item:
    """One requirement of the Duty.

    Attributes:
        requirement: its key.
        evidence: what this review holds for it.
        gaps: what is not there.
    """

    requirement: str
    evidence: list[str]
    gaps: list[str]

    @property
    def state(self) -> State:
        """Met without a gap, partly with one, missing without any evidence."""
        return "missing" if not self.evidence else "partly" if self.gaps else "met"


@dataclass(frozen=True)
class Entry:
    """One date of the year.

    Attributes:
        what: has to be done.
        due: by when; None if nobody set a date.
        state: done, late, due, or not dated.
        note: what shows that it is done, or how long it is late.
        default: whether the date is our suggestion and not the partnership's.
    """

    what: str
    due: date | None
    state: When
    note: str
    default: bool = False


def check_requirements(review: Review, chapters: Collection[str], evaluated: Collection[str]) -> list[Item]:
    """Every requirement with its evidence in this review and its gaps.

    Args:
        review: with its `duty:`.
        chapters: standing chapters that the book holds (`monitoring`, `needs_assessment`).
        evaluated: ids of plans with a finding in the book.
    """
    duty = review.settings.duty
    made_up = (
        "the data are simulated, so nothing here is evidence about a real place" if review.settings.simulated else ""
    )
    items = [_definition(review), _partners(review)]
    for requirement in ("needs_assessment", "strategy", "publication"):
        evidence, gaps = _documents(duty, requirement)
        if requirement == "needs_assessment":
            if "needs_assessment" in chapters:
                evidence.append("the chapter Strategic needs assessment of this book")
                gaps += [made_up] if made_up else []
            else:
                gaps.append("the chapter Strategic needs assessment was not made")
        items.append(Item(requirement, evidence, gaps))
    gaps = [] if "monitoring" in chapters else ["the chapter Monitoring was not made"]
    watching = ["the chapter Monitoring of this book"] if "monitoring" in chapters else []
    undeclared = [i.title for i in review.indicators.values() if "direction" not in i.model_fields_set]
    if undeclared:
        gaps.append(f"which way is better is not declared for {', '.join(undeclared)}")
    items.append(Item("monitoring", watching, gaps + ([made_up] if made_up and watching else [])))
    evidence, gaps = _documents(duty, "annual_review", needed=False)
    if evaluated:
        evidence.insert(0, f"this book: {len(evaluated)} of {len(review.plans)} interventions evaluated")
    waiting = [plan.title for key, plan in review.plans.items() if key not in evaluated]
    gaps += [f"not evaluated: {', '.join(waiting)}"] if waiting else []
    gaps += ["the review has no plans"] if not review.plans else []
    items.append(Item("annual_review", evidence, gaps + ([made_up] if made_up else [])))
    return items


def _definition(review: Review) -> Item:
    definition = review.settings.duty.definition
    if definition is None:
        return Item("definition", [], ["no definition is given in review.yaml (`duty: {definition: ...}`)"])
    known = [review.indicators[k].title for k in definition.indicators if k in review.indicators]
    lost = [k for k in definition.indicators if k not in review.indicators]
    gaps = [*definition.gaps]
    gaps += [f"named in the definition but not an indicator: {', '.join(lost)}"] if lost else []
    gaps += [] if known else ["no indicator measures the definition"]
    measured = [f"measured here by {', '.join(known)}"] if known else []
    return Item("definition", [f"given by {definition.source}", *measured], gaps)


def _partners(review: Review) -> Item:
    duty = review.settings.duty
    named = {a.kind for a in duty.authorities if a.role == "specified"}
    lost = [kind for kind in SPECIFIED if kind not in named]
    if not duty.authorities:
        listed = review.settings.authorities
        if not listed:
            return Item("partners", [], ["no authorities are listed in review.yaml"])
        return Item(
            "partners",
            [f"{len(listed)} authorities are listed"],
            ["their kinds are not given (`duty: {authorities: ...}`)"],
        )
    evidence = [f"{sum(a.role == 'specified' for a in duty.authorities)} specified authorities are named"]
    relevant = [a.name for a in duty.authorities if a.role == "relevant"]
    evidence += [f"relevant authorities named: {', '.join(relevant)}"] if relevant else []
    evidence += [f"governance: {', '.join(b.name for b in duty.governance)}"] if duty.governance else []
    gaps = [f"no specified authority of the kind {kind}" for kind in lost]
    gaps += (
        []
        if {"education", "prisons and youth custody"} & {a.kind for a in duty.authorities}
        else ["no education or prison authority is named as consulted"]
    )
    gaps += [] if duty.governance else ["no governance is described"]
    return Item("partners", evidence, gaps)


def _documents(duty: Duty, requirement: str, needed: bool = True) -> tuple[list[str], list[str]]:
    wanted = "strategy" if requirement == "publication" else requirement
    found = [d for d in duty.documents if d.answers == wanted]
    evidence, gaps = [], []
    for document in found:
        place = f", {document.where}" if document.where else ""
        when = f" ({document.date})" if document.date else ""
        held = document.status == "published" or (document.status == "adopted" and requirement != "publication")
        if held:
            evidence.append(f"{document.title}{when}, {document.status}{place}")
            gaps += [] if document.date else [f"the date of {document.title} is not given"]
        elif requirement != "publication" or document.status != "missing":
            gaps.append(f"{document.title}: {document.status}" + (f" ({document.note})" if document.note else ""))
    if not found and needed:
        gaps.append("no document is named for it in review.yaml (`duty: {documents: ...}`)")
    return evidence, gaps


def default_dates(year: str) -> dict[str, date]:
    """Our suggestion for the steps of a review year: the law sets no dates for them (unverified).

    Args:
        year: `2025-26` (April to March) or `2025` (calendar year).
    """
    first = int(year[:4])
    start, end = (
        (date(first, 4, 1), date(first + 1, 3, 31)) if len(year) > 4 else (date(first, 1, 1), date(first, 12, 31))
    )
    return {
        "lock": _months_after(start, 1),
        "data": _months_after(end, 2),
        "checks": _months_after(end, 3),
        "sign_off": _months_after(end, 4),
        "publication": _months_after(end, 6),
    }


def plan_year(review: Review, done: Mapping[str, str], today: date) -> list[Entry]:
    """What is due when, and what is late.

    Args:
        review: with its cycle and documents.
        done: step -> what shows that it is done (from the review folder); the review's own `done` counts first.
        today: the day to judge by.

    Returns:
        Entries in the order of their dates; those without a date last.
    """
    cycle = review.settings.duty.cycle
    entries = []
    for step, suggested in default_dates(review.settings.year).items():
        own = cycle.due.get(step)  # type: ignore[call-overload]
        due = own or suggested
        told = cycle.done.get(step)  # type: ignore[call-overload]
        shown = f"done on {_day(told.on)}" + (f": {told.note}" if told.note else "") if told else done.get(step, "")
        entries.append(_entry(STEPS[step], due, shown, today, own is None))
    for document in review.settings.duty.documents:
        if document.next_review is not None:
            entries.append(_entry(f"Review of: {document.title}", document.next_review, "", today, False))
        elif document.answers in ("strategy", "needs_assessment") and document.status != "missing":
            entries.append(
                Entry(f"Review of: {document.title}", None, "not dated", "give `next_review:` in review.yaml")
            )
    return sorted(entries, key=lambda e: (e.due is None, e.due or date.max))


def _entry(what: str, due: date, shown: str, today: date, default: bool) -> Entry:
    if shown:
        return Entry(what, due, "done", shown, default)
    days = (due - today).days
    if days < 0:
        return Entry(what, due, "late", f"{-days} {'day' if days == -1 else 'days'} late", default)
    return Entry(what, due, "due", "today" if days == 0 else f"in {days} {'day' if days == 1 else 'days'}", default)


def _months_after(day: date, months: int) -> date:
    """The last day of the month that is `months` after the one in which `day` lies; from the first of a month, that month counts."""
    month = day.month - 1 + months - (day.day == 1)
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, monthrange(year, month)[1])


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
