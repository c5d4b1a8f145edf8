"""The annual review: the strategy on one page, from the packets of the edition."""

from collections import Counter
from typing import Any

import pandas as pd

from evaluation.judgement import wording
from evaluation.judgement.grades import GRADES
from evaluation.publication import figures, people
from evaluation.publication import numbers as say
from evaluation.publication.disclosure import Safe, clean, escape
from evaluation.publication.display import Block, Table, Text, bullets, paragraph
from evaluation.publication.edition import Edition
from evaluation.publication.packet import Packet
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import (
    CONFIDENCE,
    DECISIONS,
    confidence_badge,
    decision_words,
    grade_badge,
    verdict_of,
)

COLUMNS = [
    "Intervention",
    "What we found",
    "In numbers",
    "How sure that it helped",
    "Cost of each avoided",
    "What to do",
]
# What asks for a decision comes before what cannot be told.
SHOWN_FIRST = sorted(GRADES, key=lambda grade: grade in ("too_small_or_too_early", "no_clear_effect", "not_estimated"))
SHOWN_WORKS = ("strong_evidence_of_benefit", "promising")


def summary(edition: Edition) -> list[Block]:
    """Whose review of what it is."""
    settings = edition.settings
    return [paragraph(f"{settings.partnership}, {settings.year}", "svd-byline")]


def answers(edition: Edition) -> list[Block]:
    """What works, what to do, how sure: one short answer each."""
    total = len(edition.titles)
    if not total:
        return []
    said_of: dict[str, Counter[str]] = {name: Counter() for name in GRADES}
    for packet in edition.packets.values():
        found = _primary(packet)
        said_of[verdict_of(found)][found.get("confidence") or "low"] += 1
    levels = sum((count for name, count in said_of.items() if name != "not_estimated"), Counter[str]())
    said_of["not_estimated"]["low"] += len(edition.failures)
    words = [_counted(name, said_of[name]) for name in SHOWN_FIRST if said_of[name].total()]
    if left := len(edition.drafts) + len(edition.waiting):
        words.append(f"{left} not evaluated yet")
    strong, promising = (said_of[name].total() for name in SHOWN_WORKS)
    works = f"Strong evidence of benefit: {strong or 'none'} of {total}. Promising: {promising or 'none'}"
    decided = Counter(
        str(packet.finding["decision"]["recommended"])
        for packet in edition.packets.values()
        if (packet.finding.get("decision") or {}).get("recommended")
    )
    todo = [f"{decision_words(name).lower()} {decided[name]}" for name in DECISIONS if decided[name]]
    sure = [f"{level} in {levels[level]}" for level in CONFIDENCE if levels[level]]
    certain = sum(
        wording.is_almost_certain(f["prob_benefit"])
        for f in map(_primary, edition.packets.values())
        if say.known(f.get("prob_benefit"))
    )
    told = [
        ("What works?", f"{works}.", f"{_sentence(words)}."),
        ("What to do?", f"{_sentence(todo) or 'No recommendation is made'}.", "Proposed by the published rule, or decided by the partnership."),
        ("How sure are we?", f"Confidence is {', '.join(sure)}." if sure else "Nothing was estimated.",
         f"For {certain} of {total} the direction is almost certain, if the design's assumptions hold."),
    ]  # fmt: skip
    items = "".join(
        f"<div><dt>{escape(asked)}</dt><dd><strong>{escape(short)}</strong> {escape(more)}</dd></div>"
        for asked, short, more in told
    )
    return [Text(Safe(f'<dl class="svd-answers">{items}</dl>'))]


def _counted(grade: str, levels: Counter[str]) -> str:
    """`2 promising (1 with moderate, 1 with low confidence)`: never a verdict without its confidence."""
    words = f"{levels.total()} {GRADES[grade].lower()}"
    if grade == "not_estimated":
        return words
    shown = [(level, levels[level]) for level in CONFIDENCE if levels[level]]
    if len(shown) == 1:
        return f"{words} ({shown[0][0]} confidence)"
    return f"{words} ({', '.join(f'{n} with {level}' for level, n in shown)} confidence)"


def _sentence(parts: list[str]) -> str:
    said = ", ".join(parts)
    return said[:1].upper() + said[1:]


def strategy(edition: Edition) -> list[Block]:
    """The table: each intervention, what was found, how sure, how large, at what cost, and what to do."""
    if not edition.packets and not edition.failures:
        return [paragraph("Nothing has been evaluated yet.", "svd-warning")]
    ordered = sorted(edition.packets.values(), key=lambda p: SHOWN_FIRST.index(verdict_of(_primary(p))))
    rows = [_row(p) for p in ordered]
    for failure in edition.failures.values():
        rows.append(
            (
                _link(failure.plan, failure.title),
                grade_badge("not_estimated"),
                "none",
                "none",
                "none",
                "see its chapter",
            )
        )
    table = rows_table(rows, COLUMNS)
    level = say.percentage(edition.settings.interval)
    return [
        Table(
            table,
            "The strategy on one page",
            "Intervention",
            kind="svd-strategy",
            name="findings",
            download=findings_table(edition),
        ),
        paragraph(
            f"Ranges are {level} credible intervals. The word and the percentage say how likely it is that the intervention helped, "
            "given the data and the design. Confidence says how far the design, the checks and the data deserve to be relied on. "
            "The two are never merged.",
            "svd-note",
        ),
        *([paragraph(edition.settings.summary)] if edition.settings.summary else []),
    ]


def forest(edition: Edition) -> list[Block]:
    """All interventions side by side."""
    rows, left = [], []
    for packet in edition.packets.values():
        found = _primary(packet)
        change = found.get("percent_change")
        if say.complete(change):
            pooled = found.get("pooled_percent_change")
            rows.append(
                figures.ForestRow(
                    packet.title,
                    change["median"],
                    change["lower"],
                    change["upper"],
                    packet.label(packet.primary)["title"],
                    pooled["median"] if say.complete(pooled) else None,
                )
            )
        elif say.complete(found.get("difference")):
            left.append(packet.title)
    blocks: list[Block] = []
    if rows:
        rows.sort(key=lambda r: r.median)
        blocks.append(figures.forest(rows, "forest", edition.settings.interval))
    if left:
        blocks.append(paragraph(f"Measured by a score, so not on this scale: {'; '.join(map(clean, left))}."))
    return blocks or [paragraph("There is no estimate to show.")]


def not_evaluated(edition: Edition) -> list[Block]:
    """What could not be evaluated, and why."""
    items = [f"{f.title}: {f.reason}" for f in edition.failures.values()]
    for packet in edition.packets.values():
        for key, found in packet.finding["indicators"].items():
            if found["rating"] == "failed":
                items.append(f"{packet.title}, {packet.label(key)['title']}: {found['headline']}")
    items += [f"{edition.titles[k]}: only a draft exists, and drafts are not published." for k in edition.drafts]
    items += [f"{edition.titles[k]}: it has not been run yet." for k in edition.waiting]
    blocks: list[Block] = [bullets(items)] if items else [paragraph("Every intervention of the review was evaluated.")]
    changed = [f"{edition.titles[k]}: its plan was changed after this evaluation was run." for k in edition.changed]
    return blocks + ([bullets(changed)] if changed else [])


def reasons(edition: Edition) -> list[Block]:
    """Why each recommendation is made."""
    rows = []
    for packet in edition.packets.values():
        decision = packet.finding.get("decision") or {}
        if decision.get("recommended"):
            source = "the partnership" if decision.get("source") == "plan" else "the published rule"
            rows.append(
                (
                    _link(packet.plan_id, packet.title),
                    decision_words(decision["recommended"]),
                    decision.get("because", ""),
                    source,
                )
            )
    if not rows:
        return [paragraph("No recommendation is made.")]
    table = rows_table(rows, ["Intervention", "Recommended", "Because", "Decided by"])
    return [Table(table, "Why these are the recommendations")]


def edition_key(edition: Edition) -> str:
    """What the edition shows, as one text: the runs of its packets and its failures."""
    runs = [f"{p.plan_id}={p.path.name}" for p in edition.packets.values()]
    return "|".join(runs + [f"{f.plan}=failed {f.when}" for f in edition.failures.values()]) or "nothing"


def findings_table(edition: Edition) -> pd.DataFrame:
    """Every finding of the edition as plain numbers, for download: results of models only, no recorded count."""
    rows: list[dict[str, Any]] = []
    for packet in edition.packets.values():
        decision = packet.finding.get("decision") or {}
        for key, found in packet.finding["indicators"].items():
            row: dict[str, Any] = {
                "plan": packet.plan_id,
                "intervention": clean(packet.title),
                "indicator": key,
                "indicator_title": clean(packet.label(key)["title"]),
                "role": found["role"],
                "design": found["design"],
                "rating": found["rating"],
                "grade": found.get("grade"),
            }
            for name in ("rate_ratio", "percent_change", "difference", "events_averted"):
                values = found.get(name) or {}
                for part in ("median", "lower", "upper"):
                    value = values.get(part)
                    row[f"{name}_{part}"] = say.significant(value, 4) if say.known(value) else None
            row |= {
                "prob_benefit": _three(found.get("prob_benefit")),
                "prob_meaningful": _three(found.get("prob_meaningful")),
                "confidence": found.get("confidence"),
                "recommended": decision.get("recommended") if found["role"] == "primary" else None,
                "headline": clean(found["headline"], 1000),
            }
            rows.append(row)
    for failure in edition.failures.values():
        rows.append(
            {
                "plan": failure.plan,
                "intervention": clean(failure.title),
                "rating": "failed",
                "grade": "not_estimated",
                "headline": clean(failure.reason, 1000),
            }
        )
    return pd.DataFrame(rows)


def _row(packet: Packet) -> tuple[Any, ...]:
    found, label = _primary(packet), packet.label(packet.primary)
    economics, decision = packet.finding.get("economics") or {}, packet.finding.get("decision") or {}
    unit = clean(label["unit"], 60)
    change, averted, difference = (found.get(name) for name in ("percent_change", "events_averted", "difference"))
    if say.complete(averted) and say.complete(change):
        size = people.events(averted, unit)
        size = f"{size[0].upper()}{size[1:]} ({say.change(change['median'])})"
    elif say.complete(change):
        size = f"{say.change(change['median'])} ({say.change_range(change)})"
    elif say.complete(difference):
        size = f"{say.shift(difference['median'], unit)} ({say.shift_range(difference, unit)})"
    else:
        size = found["headline"]
    if found.get("disqualified_by"):
        size += "; not called an effect, because a check speaks against it"
    what = Safe(f'{grade_badge(verdict_of(found))}<br><span class="svd-small">{escape(label["title"], 80)}</span>')
    cost = economics.get("cost_per_event_averted")
    money = (
        f"{say.estimated_money(cost['median'])} ({say.estimated_money(cost['lower'])} to {say.estimated_money(cost['upper'])})"
        if say.complete(cost)
        else "not given"
    )
    if found["rating"] == "failed":
        sure: Safe | str = "none"
        money = "none"
    else:
        sure = Safe(
            f"<strong>{escape((found.get('phrase') or 'none').capitalize())}</strong> "
            f'<span class="svd-small">({_figure(found)})</span><br>{confidence_badge(found.get("confidence"))}'
        )
    recommended = Safe(f"<strong>{escape(decision_words(decision.get('recommended') or 'none'))}</strong>")
    return _link(packet.plan_id, packet.title), what, size, sure, money, recommended


def _figure(found: dict[str, Any]) -> str:
    chance = found.get("prob_benefit")
    return wording.probability_figure(chance) if say.known(chance) else say.probability(chance)


def _primary(packet: Packet) -> dict[str, Any]:
    return packet.finding["indicators"][packet.primary]  # type: ignore[no-any-return]


def _link(plan_id: str, title: str) -> Safe:
    return Safe(f'<span data-chapter="{escape(plan_id)}">{escape(title, 120)}</span>')


def _three(value: Any) -> float | None:
    return round(value, 3) if say.known(value) else None
