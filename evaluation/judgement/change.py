"""What changed since last month, between the edition of the data before and the one at hand.

Two things can turn a signal on or off: a new period, and a count that was revised. They are told apart by judging the
newest data once more as they would have stood at the end of the edition before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np

from evaluation.evidence.editions import edition_before
from evaluation.evidence.panel import build_panel
from evaluation.judgement import xmr
from evaluation.judgement.monitoring import WHOLE, Judged, Series, gather_series, read_rules
from evaluation.protocol import Indicator, Review

Cause = Literal["new period", "revision"]


@dataclass(frozen=True)
class Revised:
    """One count that is no longer what it was: area (name), period, before and now (infinite where it is withheld)."""

    area: str
    period: str
    before: float
    now: float


@dataclass(frozen=True)
class Turn:
    """A signal by the rules that came or went.

    Attributes:
        area: name.
        before, now: variation by the edition before, and by the one at hand.
        rule: which the newest point carries now.
        cause: a new period, or the revision of earlier counts.
    """

    area: str
    before: xmr.Variation
    now: xmr.Variation
    rule: str
    cause: Cause


@dataclass(frozen=True)
class Change:
    """One indicator against its edition before.

    Attributes:
        indicator: what is measured.
        day: of the edition before; None if there is none, and then all else is empty.
        added: periods that any area has now and had not then, in order.
        revised: counts that were there in both and differ, the largest difference first.
        gone: how many counts were there then and are not now.
        same: how many counts are alike.
        turns: signals that came or went.
    """

    indicator: Indicator
    day: date | None
    added: list[str]
    revised: list[Revised]
    gone: int
    same: int
    turns: list[Turn]


def compare_board(review: Review, judged: Sequence[Judged]) -> list[Change]:
    """Every indicator of the board against its edition before.

    Raises:
        InputError: an edition cannot be read.
    """
    return [
        compare_indicator(review, indicator, [j for j in judged if j.series.indicator.key == key])
        for key, indicator in review.indicators.items()
    ]


def compare_indicator(review: Review, indicator: Indicator, judged: Sequence[Judged]) -> Change:
    """One indicator, its series judged as they are now, against its edition before."""
    found = edition_before(review, indicator)
    if found is None:
        return Change(indicator, None, [], [], 0, 0, [])
    day, path = found
    key = indicator.key
    dated = indicator.model_copy(update={"file": path.relative_to(review.folder).as_posix()})
    # Of an earlier edition only the counts are asked for: what is provisional in it is not foreseen again.
    old_review = replace(review, indicators={**review.indicators, key: dated})
    before = {s.area: s for s in gather_series(old_review, dated, build_panel(old_review, key), learn=False)}
    added: set[str] = set()
    revised: list[Revised] = []
    turns: list[Turn] = []
    gone = same = 0
    for j in judged:
        old = before.get(j.series.area)
        if old is None:
            added |= set(j.series.periods)
            continue
        turns += _turn(j, old)
        if j.series.area == WHOLE:
            continue  # its counts are the areas' own
        then, now = _counts(old), _counts(j.series)
        added |= {p for p in now if p not in then}
        gone += sum(p not in now for p in then)
        for period in (p for p in now if p in then):
            if then[period] == now[period]:
                same += 1
            else:
                revised.append(Revised(j.series.name, period, then[period][0], now[period][0]))
    revised.sort(key=lambda r: -abs(np.nan_to_num(r.now - r.before)))
    return Change(indicator, day, sorted(added), revised, gone, same, turns)


def _counts(series: Series) -> dict[str, tuple[float, float, float]]:
    """What is known of each period: the exact count (a number that is never a count where there is none), low and high."""
    known = np.isfinite(series.low) | np.isfinite(series.value)
    return {
        period: (float(series.value[i]) if np.isfinite(series.value[i]) else float("inf"),
                 float(np.nan_to_num(series.low[i], nan=-1.0)), float(np.nan_to_num(series.high[i], nan=-1.0)))
        for i, period in enumerate(series.periods) if known[i]
    }  # fmt: skip


def _turn(j: Judged, old: Series) -> list[Turn]:
    """The signal of one series, if it is not what it was."""
    series = j.series
    then = xmr.variation(read_rules(old, old.complete).side, series.direction)
    if then == j.variation or not old.complete:
        return []
    reached = old.periods[old.complete - 1]
    end = series.periods.index(reached) + 1 if reached in series.periods else series.complete
    again = xmr.variation(read_rules(series, min(end, series.complete)).side, series.direction)
    return [Turn(series.name, then, j.variation, j.rule, "revision" if again != then else "new period")]
