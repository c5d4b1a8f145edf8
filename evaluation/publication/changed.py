"""What changed since last month: since the edition of the data before, and since the period before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.judgement.board import Board
from evaluation.judgement.change import Change, Revised
from evaluation.publication import numbers as say
from evaluation.publication.control_charts import WORDS
from evaluation.publication.disclosure import CONFIDENTIAL, UNDER_CONTROL, by_control, control_counts
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.series_words import RANGE_WORDS, name_of, rule_words
from evaluation.publication.tables import rows_table

MOST_REVISIONS = 12


def changed(board: Board, changes: Sequence[Change] = ()) -> list[Block]:
    """What changed since the edition before, where one is stored, and since the period before."""
    return [*_editions(changes), *_periods(board)]


def change_lines(changes: Sequence[Change]) -> list[str]:
    """What the newest edition changed, for a terminal: one line for each indicator, and one for each signal that turned."""
    lines = []
    for c in changes:
        if c.day is None:
            continue
        lines.append(f"{c.indicator.title}: {_summary(c)}")
        lines += [f"  {turn}" for turn in _turns(c)]
    return lines


def _editions(changes: Sequence[Change]) -> list[Block]:
    found = [c for c in changes if c.day is not None]
    if not found:
        return [
            paragraph(
                "No earlier edition of the data is stored, so what a delivery of data changed cannot be told apart from what happened. "
                "`svd monitor` keeps every edition of real data from now on.",
                "svd-note",
            )
        ]
    blocks: list[Block] = [bullets([f"{c.indicator.title}: {_summary(c)}" for c in found])]
    revised = [(c, r) for c in found for r in c.revised[:MOST_REVISIONS]]
    left = sum(max(len(c.revised) - MOST_REVISIONS, 0) for c in found)
    note = f" (the largest; {left:,} more are not listed)" if left else ""
    for name, controlled, part in by_control(revised, lambda pair: pair[0].indicator.disclosure, "revised"):
        rows = [(c.indicator.title, r.area, say.period_name(r.period), *_counts(c, r)) for c, r in part]
        table = rows_table(rows, ["Indicator", "Area", "Period", "Before", "Now"])
        caption = f"Counts that were revised{note}" + UNDER_CONTROL * controlled
        counts = ("Before", "Now") if controlled else ()
        blocks.append(Table(table, caption, counts=counts, name=name))
    turned = [f"{c.indicator.title}, {turn}" for c in found for turn in _turns(c)]
    if turned:
        blocks += [paragraph("Signals by the rules that came or went since that edition:"), bullets(turned)]
    else:
        blocks.append(paragraph("No signal by the rules came or went since that edition."))
    return blocks


def _summary(c: Change) -> str:
    assert c.day is not None
    new = f"new: {', '.join(say.period_name(p) for p in c.added[-3:])}" if c.added else "no new period"
    if len(c.added) > 3:
        new = f"{len(c.added)} new periods up to {say.period_name(c.added[-1])}"
    checked = len(c.revised) + c.same
    share = f"{len(c.revised):,} of {checked:,} earlier counts were revised"
    if c.revised and (moved := _moved(c.revised)):
        share += f", {moved}"
    gone = f"; {c.gone:,} counts are no longer there" if c.gone else ""
    return f"since the edition of {c.day.day} {c.day:%B %Y}: {new}; {share}{gone}."


def _moved(revised: Sequence[Revised]) -> str:
    steps = np.array([r.now - r.before for r in revised if np.isfinite(r.now - r.before)])
    up, down = int((steps > 0).sum()), int((steps < 0).sum())
    return f"{up:,} upwards and {down:,} downwards" if len(steps) else ""


def _counts(c: Change, r: Revised) -> tuple[object, object]:
    before, now = (
        CONFIDENTIAL if not np.isfinite(v) else control_counts([v], c.indicator.disclosure)[0]
        for v in (r.before, r.now)
    )
    return before, now


def _turns(c: Change) -> list[str]:
    because = {"new period": "because of the new period", "revision": "because earlier counts were revised"}
    return [
        f"{t.area}: {WORDS[t.now].lower()}{f' ({rule_words(t.rule)})' if t.rule else ''}; "
        f"by that edition, {WORDS[t.before].lower()}; {because[t.cause]}."
        for t in c.turns
    ]


def _periods(board: Board) -> list[Block]:
    items = []
    for j in board.judged:
        if j.variation != j.before:
            rule = f" ({rule_words(j.rule)})" if j.rule else ""
            items.append(
                f"{name_of(j)}, by the rules: {WORDS[j.variation].lower()}{rule}; a period before, {WORDS[j.before].lower()}."
            )
        if j.range_side != j.range_before:
            items.append(
                f"{name_of(j)}: {RANGE_WORDS[j.range_side].lower()}; a period before, {RANGE_WORDS[j.range_before].lower()}."
            )
    if not items:
        return [paragraph("No series has gained or lost a signal since the period before.")]
    said = f"{len(items)} {'change' if len(items) == 1 else 'changes'} since the period before, each judged as it stood then, by counts as known now:"
    return [paragraph(said), bullets(items)]
