"""Editions of a review: what each one published, what changed since, what was corrected, and what was withdrawn.

`svd publish` leaves a record of each edition in the review's folder `published/`. It holds only what was published, so it may
be kept with the review and be shared.
"""

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.errors import InputError, Problem
from evaluation.judgement.grades import GRADES
from evaluation.publication import numbers as say
from evaluation.publication.disclosure import Safe, clean, escape
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.edition import Edition
from evaluation.publication.packet import Packet
from evaluation.publication.staging import Stage, raw_html, safe_name, stage_blocks
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import decision_words, verdict_of
from evaluation.writing import write_whole

RECORDS = "published"
PAGE = "editions"
_NAME = re.compile(r"^\d{4}(?:-\d{2,4})?-edition-\d+\.json$")


@dataclass(frozen=True)
class Record:
    """One published edition.

    Attributes:
        year, number: of the edition.
        on: day of the sign-off, as it was written.
        data_to: newest period of the data, in words.
        findings: plan id -> title, grade, confidence, estimate and decision, in words.
        shown: indicator -> totals and cells as they were shown (see `withheld.Account`).
        files: SHA-256 of every published file.
    """

    year: str
    number: int
    on: str
    data_to: str
    findings: dict[str, dict[str, str]]
    shown: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`edition 2 of 2025-26`."""
        return f"edition {self.number} of {self.year}"


def record_of(edition: Edition) -> Record:
    """What the edition says, in the words that the next one is compared with."""
    findings = {packet.plan_id: _said(packet) for packet in edition.packets.values()}
    for failure in edition.failures.values():
        findings[failure.plan] = {"title": clean(edition.titles[failure.plan]), "finding": "not evaluated"}
    signed = edition.settings.signed_off
    return Record(
        edition.settings.year, edition.settings.edition, signed.on if signed else "", data_to(edition), findings
    )


def write_record(folder: Path, record: Record) -> Path:
    """Keep what an edition published, written aside and renamed."""
    place = folder / RECORDS / f"{record.year.replace('/', '-')}-edition-{record.number}.json"
    return write_whole(place, json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n")


def read_records(folder: Path) -> list[Record]:
    """Every edition that was published from this folder, oldest first.

    Raises:
        InputError: a record cannot be read.
    """
    found, problems = [], []
    for path in sorted((folder / RECORDS).glob("*.json")):
        try:
            if not _NAME.match(path.name):
                raise ValueError(path.name)
            found.append(Record(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError):
            remedy = "Put back the file that svd publish wrote, or take it away if that edition never appeared."
            problems.append(Problem(f"{RECORDS}/{path.name}", "", "This is not the record of an edition.", remedy))
    if problems:
        raise InputError(problems)
    return sorted(found, key=lambda r: (r.year, r.number))


def last_record(edition: Edition) -> Record | None:
    """The edition published before this one."""
    here = (edition.settings.year, edition.settings.edition)
    earlier = [r for r in read_records(edition.folder) if (r.year, r.number) < here]
    return earlier[-1] if earlier else None


def find_problems(edition: Edition) -> list[Problem]:
    """What stands in the way of publishing this edition beside the earlier ones."""
    settings, problems = edition.settings, []
    published = {plan: r for r in read_records(edition.folder) for plan in r.findings}
    for plan, record in published.items():
        if plan not in edition.titles and plan not in settings.withdrawn:
            found = f"'{plan}' was published in {record.name} and is no longer in the review."
            remedy = f"Say why: `withdrawn: {{{plan}: {{title: ..., on: 2026-06-30, because: ...}}}}`."
            problems.append(Problem("review.yaml", "withdrawn", found, remedy))
    for plan in settings.withdrawn:
        if plan in edition.titles:
            found = f"'{plan}' is withdrawn, but plans/{plan}.yaml is still there."
            problems.append(Problem("review.yaml", "withdrawn", found, "Take one of the two away."))
    newer = [r for r in read_records(edition.folder) if (r.year, r.number) > (settings.year, settings.edition)]
    if newer:
        found = f"Edition {settings.edition} of {settings.year} comes before {newer[-1].name}, which was published."
        problems.append(Problem("review.yaml", "edition", found, "Count the edition up."))
    return problems


def front(edition: Edition) -> str:
    """The lines of the first page that say which edition this is: HTML for MyST."""
    settings = edition.settings
    signed = settings.signed_off
    parts = [f"<strong>Edition {settings.edition}</strong> of the {escape(settings.year)} review"]
    parts.append(
        f"signed off by {escape(signed.by)}, {escape(signed.role)}, on {escape(_day(signed.on))}"
        if signed
        else "not signed off"
    )
    data = f"data up to {escape(data_to(edition))}" if data_to(edition) else ""
    if settings.data_cut:
        data = f"{data or 'data'}, taken on {_day(settings.data_cut)}"
    parts += [data] if data else []
    before = last_record(edition)
    told = "the first edition" if before is None else _in_short(edition, before)
    link = f'<a href="{PAGE}.html">Editions and corrections</a>'
    inside = "" if edition.audience == "public" else " Internal edition: <code>svd publish</code> makes the public one."
    return raw_html(
        f'<p class="svd-small svd-edition">{"; ".join(parts)}. {escape(told.capitalize())}. {link}.{inside}</p>'
    )


def stage_editions(stage: Stage, edition: Edition) -> dict[str, Any]:
    """The page of editions, and a page for each withdrawn intervention; their entry in the table of contents."""
    stage.add_page(PAGE, "Editions and corrections", stage_blocks(stage, _blocks(edition), PAGE))
    pages = [
        stage.add_page(f"interventions/{safe_name(plan)}", gone.title, _withdrawn(gone))
        for plan, gone in edition.settings.withdrawn.items()
        if plan not in edition.titles
    ]
    return {"file": PAGE} | ({"sections": [{"file": name} for name in pages]} if pages else {})


def data_to(edition: Edition) -> str:
    """The newest period of any indicator that the edition rests on, in words."""
    periods = [
        str(stored["periods"][-1])
        for packet in edition.packets.values()
        for stored in packet.run.get("labels", {}).get("states", {}).values()
        if stored.get("periods")
    ]
    return say.period_name(max(periods, key=_end_of)) if periods else ""


def changes_since(edition: Edition, before: Record) -> list[str]:
    """What each finding said in an earlier edition and says now; only those that changed, and what came or went."""
    now = record_of(edition).findings
    lines = [f"{f['title']}: new in this edition." for plan, f in now.items() if plan not in before.findings]
    for plan, said in before.findings.items():
        if plan not in now:
            gone = edition.settings.withdrawn.get(plan)
            lines.append(f"{said['title']}: withdrawn{f', because {gone.because}' if gone else ''}.")
            continue
        parts = [
            f"{word} was {said[part]}, is {now[plan][part]}"
            for part, word in (("finding", "finding"), ("confidence", "confidence"), ("estimate", "estimate"), ("recommended", "recommendation"))
            if part in said and part in now[plan] and said[part] != now[plan][part]
        ]  # fmt: skip
        lines += [f"{now[plan]['title']}: {'; '.join(parts)}."] if parts else []
    return lines


def _in_short(edition: Edition, before: Record) -> str:
    changed = len(changes_since(edition, before))
    if not changed:
        return f"no finding changed since {before.name}"
    return f"{changed} {'change' if changed == 1 else 'changes'} since {before.name}"


def _blocks(edition: Edition) -> list[Block]:
    settings = edition.settings
    signed = settings.signed_off
    facts = [
        ("Edition", f"{settings.edition} of the {settings.year} review"),
        (
            "Signed off",
            f"by {signed.by}, {signed.role}, on {_day(signed.on)}" if signed else "not yet: this is a draft",
        ),
        ("Data up to", data_to(edition) or "nothing was evaluated"),
    ]
    if settings.data_cut:
        facts.append(("Data taken on", _day(settings.data_cut)))
    facts.append(("Questions and mistakes", settings.contact or "no contact was given"))
    blocks: list[Block] = [Table(rows_table(facts, ["What", "This edition"]), "This edition", kind="svd-facts")]
    before = last_record(edition)
    if before is None:
        blocks.append(paragraph("No earlier edition was published, so there is nothing to compare this one with."))
    else:
        lines = changes_since(edition, before)
        said = f"What changed since {before.name}" + (f", signed off on {_day(before.on)}" if before.on else "")
        blocks.append(paragraph(f"{said}:" if lines else f"{said}: nothing in any finding."))
        blocks += [bullets(lines)] if lines else []
    if settings.corrections:
        rows = [
            (_day(c.on), _place(edition, c.where), c.was, c.now)
            for c in sorted(settings.corrections, key=lambda c: c.on, reverse=True)
        ]
        table = rows_table(rows, ["Corrected on", "Where", "What was wrong", "What it says now"])
        blocks.append(Table(table, "Corrections", kind="svd-wide", name="corrections"))
    else:
        blocks.append(paragraph("No mistake in a published edition has been reported."))
    return [*blocks, *_addresses(edition)]


def _addresses(edition: Edition) -> list[Block]:
    """The address of each intervention's chapter, which stays the same from edition to edition."""
    rows = [
        (Safe(f'<span data-chapter="{escape(plan)}">{escape(title, 120)}</span>'), f"interventions/{safe_name(plan)}.html", "in this edition")
        for plan, title in edition.titles.items()
        if plan in edition.packets or plan in edition.failures
    ]  # fmt: skip
    rows += [
        (Safe(escape(gone.title, 120)), f"interventions/{safe_name(plan)}.html", f"withdrawn on {_day(gone.on)}")
        for plan, gone in edition.settings.withdrawn.items()
        if plan not in edition.titles
    ]
    if not rows:
        return []
    return [
        paragraph(
            "The address of a chapter stays the same in every edition. The chapter of a withdrawn intervention says why it was withdrawn."
        ),
        Table(rows_table(rows, ["Intervention", "Address", "State"]), "Permanent addresses", kind="svd-wide"),
    ]


def _withdrawn(gone: Any) -> str:
    box = (
        '<div class="svd-verdict svd-failed"><p class="svd-headline">This chapter was withdrawn.</p>'
        f"<p>Withdrawn on {_day(gone.on)}. Why: {escape(gone.because, 3000)}</p></div>"
    )
    after = "What it said should no longer be relied on. It is listed on the page [Editions and corrections](../editions.md)."
    return raw_html(box) + f"\n\n{after}\n"


def _said(packet: Packet) -> dict[str, str]:
    found = packet.finding["indicators"][packet.primary]
    change, difference = found.get("percent_change"), found.get("difference")
    estimate = ""
    if say.complete(change):
        estimate = f"{say.change(change['median'])} ({say.change_range(change)})"
    elif say.complete(difference):
        unit = packet.label(packet.primary)["unit"]
        estimate = f"{say.shift(difference['median'], unit)} ({say.shift_range(difference, unit)})"
    decision = (packet.finding.get("decision") or {}).get("recommended")
    return {
        "title": clean(packet.title),
        "finding": GRADES[verdict_of(found)].lower(),
        "confidence": str(found.get("confidence") or "none"),
        "estimate": estimate or "none",
        "recommended": decision_words(decision).lower() if decision else "none",
    }


def _place(edition: Edition, where: str | None) -> Any:
    if where in edition.titles:
        return Safe(f'<span data-chapter="{escape(where)}">{escape(edition.titles[where], 120)}</span>')
    return where or "not said"


def _end_of(period: str) -> pd.Timestamp:
    try:
        return pd.Period(period).end_time
    except ValueError:
        return pd.Timestamp.min


def _day(day: object) -> str:
    """A day in words; whatever else was written, as it is."""
    try:
        found = day if isinstance(day, date) else date.fromisoformat(str(day))
    except ValueError:
        return clean(day, 60)
    return f"{found.day} {found:%B %Y}"
