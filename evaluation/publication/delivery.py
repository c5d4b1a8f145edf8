"""Delivery from month to month: referrals, sessions, completions against their target, and in total against the plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.judgement.board import Board
from evaluation.judgement.monitoring import Judged
from evaluation.protocol import Review
from evaluation.publication import numbers as say
from evaluation.publication.disclosure import (
    CONFIDENTIAL,
    LARGEST_WITHHELD,
    NOT_AVAILABLE,
    UNDER_CONTROL,
    by_control,
    clean,
    control_counts,
    control_points,
)
from evaluation.publication.display import Block, Table, paragraph
from evaluation.publication.series_words import ASSURANCE, badge, name_of, newest_count
from evaluation.publication.subtraction import gives_away
from evaluation.publication.tables import rows_table

YEAR_OF_DAYS = 365


def delivery(board: Board, review: Review) -> list[Block]:
    """What was delivered, month by month against target and in total against plan."""
    found = delivered(board)
    blocks: list[Block] = []
    if found:
        columns = ["Delivery", "Newest period", "Target", "Newest year", "Target for that year", "Periods that met the target",
                   "Will the process meet it?", "Signal"]  # fmt: skip
        for name, controlled, part in by_control(found, lambda j: j.series.indicator.disclosure, "delivery-monthly"):
            caption = "Delivery from month to month" + UNDER_CONTROL * controlled
            counts = ("Newest period", "Newest year") if controlled else ()
            table = rows_table([_row(j) for j in part], columns)
            blocks.append(Table(table, caption, counts=counts, name=name, kind="svd-wide"))
    plans = [
        (p.title, f"{p.delivery.delivered:,.0f} of {p.delivery.planned:,.0f} {clean(p.delivery.unit)}",
         say.percentage(p.delivery.delivered / p.delivery.planned) if p.delivery.planned else "not given")
        for p in review.plans.values() if p.delivery is not None
    ]  # fmt: skip
    if plans:
        blocks.append(
            Table(
                rows_table(plans, ["Intervention", "Delivered of planned", "Share"]),
                "Delivery in total, from the plans",
            )
        )
    return blocks or [
        paragraph(
            "No delivery is recorded: give plans a `delivery:` and add an indicator with `monitoring: {kind: delivery}`."
        )
    ]


def delivered(board: Board) -> list[Judged]:
    """The series of the board that count delivery."""
    return [j for j in board.judged if j.series.indicator.monitoring.kind == "delivery"]


def delivery_lines(board: Board) -> list[str]:
    """Delivery for a terminal: one line for each series with a target."""
    lines = []
    for j in delivered(board):
        if j.series.indicator.monitoring.target is not None:
            _, newest, target, year, wanted, met, will, _ = _row(j)
            lines.append(
                f"Delivery: {name_of(j)}: {newest} against a target of {target}; newest year {year} of {wanted}, target met in {met}; {str(will).lower()}."
            )
    return lines


def _row(j: Judged) -> Sequence[str | object]:
    series, target = j.series, j.series.indicator.monitoring.target
    ends = series.bounds[: series.complete, 1]
    recent = series.value[: series.complete][ends > (ends[-1] if len(ends) else 0) - YEAR_OF_DAYS]
    known = np.isfinite(recent)
    profile = series.indicator.disclosure
    year = control_counts([float(recent[known].sum())], profile)[0] if known.any() else NOT_AVAILABLE
    if gives_away(recent[known][:, None], profile)[0]:
        year = CONFIDENTIAL
    if target is None:
        return (name_of(j), newest_count(j), "none", year, "none", "no target", ASSURANCE[None], badge(j.variation))
    better = recent[known] >= target if series.direction != "lower_is_better" else recent[known] <= target
    # With a target as small as a withheld count, how many periods met it would say which side of it they lie on.
    met = f"{int(better.sum())} of {int(known.sum())}"
    met = CONFIDENTIAL if target <= LARGEST_WITHHELD and control_points(recent[known], profile)[1].any() else met
    return (
        name_of(j), newest_count(j), f"{target:,g}", year, f"{target * int(known.sum()):,g}", met,
        ASSURANCE[j.assurance] if j.assurance else "Too few points to say",
        badge(j.variation),
    )  # fmt: skip
