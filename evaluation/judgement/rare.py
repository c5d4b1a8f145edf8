"""Charts for what is rare: the time between events instead of the number of events.

Which chart, by a rule fixed beforehand (`choose_chart`): from one event a period on average, XmR; below that the time between
events, in days where the review gives the days (t chart), otherwise in periods (g chart).

g chart: event-free periods between periods with an event are geometric if nothing changes; limits are quantiles of that
distribution, found without a normal approximation. Several events in one period count once. t chart: days between events
are exponential if nothing changes; raised to the power 1/3.6 they are nearly normal and go on an XmR chart (Nelson 1994, Journal
of Quality Technology 26). A point above the upper limit means that events have become rarer; below the lower, more frequent.
A single gap is seldom short enough to say that events have become more frequent, so the newest gaps together are judged too:
as many as are needed for such a signal to be possible at all (their sum is negative binomial).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.judgement.xmr import LIMIT, XmR, chart

RARE = 1.0  # fewer events a period than this on average: the time between events is charted instead
TAIL = 0.00135  # of the normal distribution beyond three sigma
POWER = 1.0 / 3.6
FEWEST_GAPS = 5
RARE_RULES: dict[str, str] = {
    "silence": "no event for longer than the limit",
    "gap": "a time between two events outside the limits",
    "often": "the newest events follow each other faster than the limit",
}


def choose_chart(mean: float, days_known: bool) -> Literal["xmr", "g", "t"]:
    """The chart of a count series, by its mean a period and by whether the days of its events are known."""
    if mean >= RARE:
        return "xmr"
    return "t" if days_known else "g"


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
        together: how many of the newest gaps are judged together, and their event-free periods with those since.
        often: whether that sum is so small that events have become more frequent.
    """

    gap: NDArray[np.int64]
    since: int
    mean: float
    lower: int
    upper: int
    side: NDArray[np.int64]
    since_signal: bool
    together: tuple[int, int]
    often: bool

    @property
    def signal(self) -> str:
        """What the newest period shows, a key of `RARE_RULES`, or empty."""
        if self.since_signal:
            return "silence"
        if self.since == 0 and self.side[-1] != 0:
            return "gap"
        return "often" if self.often else ""

    @property
    def rarer(self) -> int:
        """+1 where the signal is that events became rarer, -1 more frequent, 0 without one."""
        sides = {"silence": 1, "gap": int(self.side[-1]), "often": -1, "": 0}
        return sides[self.signal]


@dataclass(frozen=True)
class TChart:
    """Days between events.

    Attributes:
        days: between consecutive events, shape (n,).
        since: days from the newest event to the end of the newest period.
        chart: XmR chart of `days ** POWER`.
        centre, lower, upper: of that chart, in days; `lower` is 0 where there is none.
        since_signal: whether the days since the newest event are already above the upper limit.
        fresh: whether the newest event lies in the newest period.
    """

    days: NDArray[np.float64]
    since: float
    chart: XmR
    centre: float
    lower: float
    upper: float
    since_signal: bool
    fresh: bool

    @property
    def signal(self) -> str:
        """What the newest period shows, a key of `RARE_RULES` or of `xmr.RULE_WORDS`, or empty."""
        if self.since_signal:
            return "silence"
        rule = self.chart.rule[-1] if self.fresh else ""
        return "gap" if rule == "outside" else rule

    @property
    def rarer(self) -> int:
        """+1 where the signal is that events became rarer, -1 more frequent, 0 without one."""
        return 1 if self.since_signal else int(self.chart.side[-1]) if self.signal else 0


def g_chart(happened: ArrayLike) -> GChart | None:
    """A g chart of consecutive periods.

    Args:
        happened: whether anything happened in each period, shape (time,). Only gaps between two events set the limits: the
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
    # With this many gaps even the smallest sum, none, is rare enough.
    number = max(int(np.ceil(np.log(TAIL) / np.log(chance) - 1e-12)), 2)
    newest = int(gap[-number:].sum()) + since
    often = len(gap) >= number and bool(stats.nbinom.cdf(newest, number, chance) <= TAIL)
    return GChart(gap, since, float(gap.mean()), lower, upper, side, since > upper, (number, newest), often)


def t_chart(event_days: ArrayLike, end: float, newest_period: float) -> TChart | None:
    """A t chart.

    Args:
        event_days: day number of each event, not falling, shape (n,); several events may share a day.
        end: day number of the last day that is known.
        newest_period: day number of the first day of the newest period.

    Returns:
        None with fewer than five gaps.

    Raises:
        ValueError: the days are not in order, or lie after `end`.
    """
    when = np.asarray(event_days, dtype=float)
    days = np.diff(when)
    if (days < 0).any() or (len(when) and when[-1] > end):
        raise ValueError("days between events are at least 0: sort the days, and end no earlier than the last")
    if len(days) < FEWEST_GAPS:
        return None
    drawn = chart(days**POWER)
    spread = float(np.abs(np.diff(drawn.value)).mean())
    centre = float(drawn.mean[0])
    upper = (centre + LIMIT * spread) ** (1.0 / POWER)
    lower = max(centre - LIMIT * spread, 0.0) ** (1.0 / POWER)
    since = float(end - when[-1])
    return TChart(
        days, since, drawn, centre ** (1.0 / POWER), lower, upper, since > upper, bool(when[-1] >= newest_period)
    )


def _longest(chance: float) -> int:
    """The largest gap that is not yet a signal: P(gap > it) <= TAIL."""
    return int(np.ceil(np.log(TAIL) / np.log1p(-chance) - 1.0 - 1e-12)) if chance < 1.0 else 0
