"""The pages on the Duty itself: how it is carried here, the statutory checklist, the calendar."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

from evaluation.errors import InputError
from evaluation.evidence.panel import build_panel
from evaluation.judgement.duty import ASKED, TITLES, Entry, Item, check_requirements, plan_year
from evaluation.protocol import Review, load_review
from evaluation.protocol.period import first_place, last_place
from evaluation.protocol.registration import read_registrations
from evaluation.publication.disclosure import Safe, escape
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.edition import STANDING, Edition, chapter_path, open_edition
from evaluation.publication.packet import latest_packets
from evaluation.publication.tables import rows_table

STATES = {
    "met": ("✓", "Evidence here", "benefit"),
    "partly": ("…", "Evidence with gaps", "too_small_to_tell"),
    "missing": ("!", "No evidence here", "harm"),
}
WHENS = {
    "done": ("✓", "Done", "benefit"),
    "late": ("!", "Late", "harm"),
    "due": ("…", "Due", "no_meaningful_effect"),
    "not dated": ("?", "No date", "unclear"),
}


def checklist(edition: Edition) -> list[Block]:
    """Each requirement of the Duty with its evidence in this review and its gaps."""
    chapters = [name for name in STANDING if chapter_path(edition.folder, name).is_file()]
    items = check_requirements(load_review(edition.folder), chapters, list(edition.packets))
    rows = [
        (
            TITLES[i.requirement],
            ASKED[i.requirement],
            _badge(STATES, i.state),
            _joined(i.evidence, "none"),
            _joined(i.gaps, "none found"),
        )
        for i in items
    ]
    counted = {state: sum(i.state == state for i in items) for state in STATES}
    said = "; ".join(f"{words.lower()}: {counted[state]}" for state, (_, words, _) in STATES.items())
    return [
        paragraph(f"{len(items)} requirements. {said[:1].upper()}{said[1:]}.", "svd-lead"),
        Table(
            rows_table(rows, ["Requirement", "What is asked", "State", "Evidence", "Gaps"]),
            "The Duty and this review",
            name="statutory-checklist",
            kind="svd-wide",
        ),
    ]


def requirements_of(folder: Path) -> list[tuple[str, Item]]:
    """The title of each requirement with its evidence and gaps, by what the review's folder holds.

    Raises:
        InputError: the review's files have faults.
    """
    edition = open_edition(folder)
    chapters = [name for name in STANDING if chapter_path(edition.folder, name).is_file()]
    items = check_requirements(load_review(edition.folder), chapters, list(edition.packets))
    return [(TITLES[item.requirement], item) for item in items]


def calendar(folder: object, today: date | None = None) -> list[Block]:
    """What is due when, and what is late."""
    entries = year_of(folder, today)
    day = today or datetime.now(UTC).date()
    late = [e.what for e in entries if e.state == "late"]
    said = f"On {_day(day)}, late: {'; '.join(late)}." if late else f"On {_day(day)} nothing is late."
    rows = [
        (
            e.what,
            "not set" if e.due is None else _day(e.due),
            _badge(WHENS, e.state),
            e.note,
            "this program's suggestion" if e.default else "the review",
        )
        for e in entries
    ]
    return [
        paragraph(said, "svd-lead"),
        Table(
            rows_table(rows, ["Step", "Due", "State", "What shows it", "Date set by"]),
            "The year of the review",
            name="calendar",
        ),
        paragraph(
            "Dates are set in review.yaml under `duty: cycle:`. Where it sets none, this program suggests one from the review year; no law does (unverified)."
        ),
    ]


def year_of(folder: object, today: date | None = None) -> list[Entry]:
    """The calendar of a review, with what its folder shows to be done."""
    review = load_review(str(folder))
    return plan_year(review, done_steps(review), today or datetime.now(UTC).date())


def done_steps(review: Review) -> dict[str, str]:
    """Steps that the review folder itself shows to be done, with what shows it."""
    found: dict[str, str] = {}
    if review.plans and all(read_registrations(path) for path in review.plan_files.values()):
        found["lock"] = "every plan has a registration"
    if (signed := review.settings.signed_off) is not None:
        found["sign_off"] = f"signed off by {signed.by}, {signed.role}, on {signed.on}"
    year = review.settings.year
    last_day = f"{int(year[:4]) + 1}-03" if len(year) > 4 else f"{year[:4]}-12"
    reached = []
    for key in review.indicators:
        try:
            panel = build_panel(review, key)
        except InputError:  # a book can be built where the data no longer are
            reached.append(False)
            continue
        frequency, anchor = panel.attrs["frequency"], panel.attrs["week_anchor"]
        seen = [
            str(t)
            for t, some in zip(
                panel.time.values, (panel["low"].notnull() | panel["value"].notnull()).any("area").values, strict=True
            )
            if some
        ]
        reached.append(
            bool(seen) and first_place(seen[-1], frequency, anchor) >= last_place(last_day, frequency, anchor)
        )
    if reached and all(reached):
        found["data"] = f"every indicator reaches {last_day}"
    shown = latest_packets(review.folder, "publish")
    if review.plans and all(key in shown for key in review.plans):
        worst = [json.loads((place / "finding.json").read_text(encoding="utf-8"))["plan"] for place in shown.values()]
        found["checks"] = f"{len(worst)} published findings are stored"
    return found


def duty_here(edition: Edition) -> list[Block]:
    """How the Duty is carried in this partnership, in the words of its own documents."""
    settings, duty = edition.settings, edition.settings.duty
    blocks: list[Block] = []
    if duty.definition is not None:
        d = duty.definition
        blocks += [
            paragraph("What serious violence means here", "svd-lead"),
            paragraph(f"“{d.text}”"),
            paragraph(f"Source: {d.source}.", "svd-note"),
        ]
        facts = [
            ("Counted in", _joined(d.includes, "not listed")),
            ("Domestic abuse", d.domestic_abuse),
            ("Ages", d.ages or "not stated"),
        ]
        review = load_review(edition.folder)
        measured = [review.indicators[k].title for k in d.indicators if k in review.indicators]
        facts += [
            ("Measured here by", _joined(measured, "nothing yet")),
            ("Not measured here", _joined(d.gaps, "nothing named")),
        ]
        blocks.append(Table(rows_table(facts, ["About the definition", "Here"]), "The definition", kind="svd-facts"))
    if duty.authorities:
        rows = [(a.name, a.kind, a.role, a.part or "not stated") for a in duty.authorities]
        blocks.append(
            Table(
                rows_table(rows, ["Authority", "Kind", "Role in the Duty", "Part"]), "Authorities", name="authorities"
            )
        )
    elif settings.authorities:
        blocks += [paragraph("Authorities that took part:"), bullets(settings.authorities)]
    if duty.governance:
        rows = [(b.name, b.does, b.accountable_to or "not stated", b.meets or "not stated") for b in duty.governance]
        blocks.append(Table(rows_table(rows, ["Group", "What it does", "Accountable to", "Meets"]), "Governance"))
    if duty.documents:
        papers = [
            (d.title, d.status, d.date or "not given", d.where or "not given", d.note or "") for d in duty.documents
        ]
        blocks.append(
            Table(
                rows_table(papers, ["Document", "Status", "Date", "Where", "Note"]),
                "Documents",
                name="documents",
                kind="svd-wide",
            )
        )
    for title, items in (("Principles and commitments", duty.principles), ("Also stated", duty.notes)):
        if items:
            blocks += [paragraph(title, "svd-lead"), bullets(items)]
    if duty.imports:
        wanted = [
            (s.indicator, s.publisher, s.take, _numbered(s.steps), _joined(s.cautions, "none")) for s in duty.imports
        ]
        blocks += [
            paragraph("Data to import, and how", "svd-lead"),
            Table(
                rows_table(wanted, ["Indicator", "From", "Take", "How", "Beware"]), "Data to import", kind="svd-wide"
            ),
        ]
    return blocks


def _badge(words: dict[str, tuple[str, str, str]], key: str) -> Safe:
    sign, said, kind = words[key]
    return Safe(f'<span class="svd-badge svd-{kind}"><span aria-hidden="true">{sign}</span> {escape(said)}</span>')


def _joined(items: list[str], empty: str) -> str | Safe:
    if len(items) < 2:
        return items[0] if items else empty
    return Safe("<ul>" + "".join(f"<li>{escape(i)}</li>" for i in items) + "</ul>")


def _numbered(items: list[str]) -> Safe:
    return Safe("<ul>" + "".join(f"<li>{n}. {escape(i)}</li>" for n, i in enumerate(items, 1)) + "</ul>")


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
