"""Charts for what is rare: the time between events instead of the number of events.

g chart: event-free periods between periods with an event are geometric if nothing changes; limits are quantiles of that
distribution, found without a normal approximation. t chart: days between events are exponential if nothing changes;
raised to the power 1/3.6 they are nearly normal and go on an XmR chart (Nelson 1994, Journal of Quality Technology 26).
A point above the upper limit means that events have become rarer; below the lower, more frequent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.judgement.xmr import XmR, chart

TAIL = 0.00135  # of the normal distribution beyond three sigma
POWER = 1.0 / 3.6
FEWEST_GAPS = 5


@dataclass(frozen=True)
class GChart:
    """Event-free periods between events.

    Attributes:
        gap: event-free periods between consecutive periods with an event, shape (n,).
        since: event-free periods since the newest event.
        mean: of the gaps.
        lower, upper: limits; `lower` is -1 where no gap is so short as to be a signal (as is usual).
        side: +1 for a gap above the upper limit (rarer), -1 below the lower (more frequent), shape (n,).
        since_signal: whether the stretch since the newest event is already above the upper limit.
    """

    gap: NDArray[np.int64]
    since: int
    mean: float
    lower: int
    upper: int
    side: NDArray[np.int64]
    since_signal: bool


def g_chart(happened: ArrayLike) -> GChart | None:
    """A g chart of consecutive periods.

    Args:
        happened: whether anything happened in each period, shape (time,). Only gaps between two events count: the
            stretch before the first event and the one since the last are cut off.

    Returns:
        None with fewer than five gaps: no limits could be relied on.
    """
    places = np.flatnonzero(np.asarray(happened, dtype=bool))
    gap = np.diff(places) - 1
    if len(gap) < FEWEST_GAPS:
        return None
    # One event is added to each side of the ratio: the mean of a Beta(1, 1) posterior of the chance per period.
    chance = (len(gap) + 1.0) / (gap.sum() + len(gap) + 2.0)
    upper = _longest(chance)
    lower = int(stats.geom.ppf(TAIL, chance)) - 1  # scipy counts trials, we count what lies before the event
    lower = lower - 1 if stats.geom.cdf(lower + 1, chance) > TAIL else lower
    side = np.where(gap > upper, 1, np.where(gap <= lower, -1, 0))
    since = int(len(np.asarray(happened)) - 1 - places[-1])
    return GChart(gap, since, float(gap.mean()), lower, upper, side, since > upper)


def t_chart(days: ArrayLike) -> XmR | None:
    """An XmR chart of days between events on the scale on which they are nearly normal (days ** (1/3.6)).

    Args:
        days: between consecutive events, at least 0, shape (n,); events on one day are 0 apart.

    Returns:
        None with fewer than five gaps.
    """
    between = np.asarray(days, dtype=float)
    if len(between) < FEWEST_GAPS:
        return None
    if (between < 0).any():
        raise ValueError("days between events are at least 0: sort the dates")
    return chart(between**POWER)


def _longest(chance: float) -> int:
    """The largest gap that is not yet a signal: P(gap > it) <= TAIL."""
    return int(np.ceil(np.log(TAIL) / np.log1p(-chance) - 1.0 - 1e-12)) if chance < 1.0 else 0
