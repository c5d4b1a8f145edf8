"""XmR charts by the rules of NHS England's "Making Data Count" (NHSRplotthedots, read 29 September 2025).

Centre line: the mean. Process limits: mean +/- 2.66 x mean moving range. Warning lines at two thirds of that. Four
rules make a signal, and a point carries the first that applies to it: outside a limit; seven points in a row rising
or falling; two of three points between warning line and limit, all three on that side of the mean; seven points in a row on one
side of the mean. Limits and rules start afresh at a documented change and at nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

LIMIT = 2.66
WARNING = LIMIT * 2.0 / 3.0
SCREEN = 3.267
RUN = 7
TRIAL = 12  # limits from fewer points are trial limits

Rule = Literal["outside", "trend", "two_of_three", "shift"]
RULES: tuple[Rule, ...] = ("outside", "trend", "two_of_three", "shift")
RULE_WORDS: dict[str, str] = {
    "outside": "outside the process limits",
    "trend": "seven or more points in a row rising or falling",
    "two_of_three": "two of three points close to a process limit",
    "shift": "seven or more points in a row on one side of the mean",
}
Variation = Literal["improvement", "concern", "neutral", "common"]
Assurance = Literal["passes", "fails", "hit_and_miss"]


@dataclass(frozen=True)
class XmR:
    """A chart: all arrays over the points given, shape (n,).

    Attributes:
        value: the points.
        mean, lower, upper: centre line and process limits, constant within a stretch (lower may be below zero).
        group: number of the stretch between documented changes, from 0.
        rule: the rule each point carries, empty where none.
        side: +1 where the signal is high or rising, -1 where it is low or falling, 0 without a signal.
        trial: True where the limits rest on fewer than twelve points.
    """

    value: NDArray[np.float64]
    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    group: NDArray[np.int64]
    rule: list[str]
    side: NDArray[np.int64]
    trial: NDArray[np.bool_]


def chart(value: ArrayLike, rebase: Sequence[int] = (), *, screen_outliers: bool = False) -> XmR:
    """Limits and signals of one series.

    Args:
        value: consecutive points without a gap, shape (n,).
        rebase: positions at which limits start afresh, each for a documented reason.
        screen_outliers: leave out moving ranges of 3.267 times their mean or more and average again, once (the default
            of the R package; the NHS spreadsheet does not, and neither do we).

    Raises:
        ValueError: a point is missing.
    """
    y = np.asarray(value, dtype=float)
    if not np.isfinite(y).all():
        raise ValueError("an XmR chart has no gaps; chart the stretch after the gap")
    starts = sorted({0, *(int(p) for p in rebase if 0 < p < len(y))})
    group = np.searchsorted(starts, np.arange(len(y)), side="right") - 1
    mean, lower, upper = np.full(len(y), np.nan), np.full(len(y), np.nan), np.full(len(y), np.nan)
    trial = np.zeros(len(y), dtype=bool)
    rules: list[str] = []
    side = np.zeros(len(y), dtype=np.int64)
    for number in range(len(starts)):
        inside = group == number
        part = y[inside]
        centre, spread = limits(part, screen_outliers=screen_outliers)
        mean[inside], lower[inside], upper[inside] = centre, centre - LIMIT * spread, centre + LIMIT * spread
        trial[inside] = len(part) < TRIAL
        found, sides = signals(part, centre, spread)
        rules += found
        side[inside] = sides
    return XmR(y, mean, lower, upper, group, rules, side, trial)


def limits(y: NDArray[np.float64], *, screen_outliers: bool = False) -> tuple[float, float]:
    """Mean and mean moving range of one stretch; the range is NaN for a single point."""
    ranges = np.abs(np.diff(y))
    if not len(ranges):
        return float(y.mean()) if len(y) else float("nan"), float("nan")
    spread = float(ranges.mean())
    if screen_outliers and (kept := ranges[ranges < SCREEN * spread]).size:
        spread = float(kept.mean())
    return float(y.mean()), spread


def signals(y: NDArray[np.float64], mean: float, spread: float) -> tuple[list[str], NDArray[np.int64]]:
    """The rule each point of one stretch carries (empty: none) and on which side; points on a limit are inside it.

    The order in which the rules are asked is theirs. Every point of a run of seven carries it; of two in three, those
    near a limit do, and a point outside the limit does not count towards it (as the R package has it; the announced
    change, its issue 194, would count it).
    """
    n = len(y)
    outside, trend, near_limit, shift = (flags[0] for flags in signal_flags(y[None, :], [mean], [spread]))
    rules, side = [""] * n, np.zeros(n, dtype=np.int64)
    for i in range(n):
        for rule, flags in zip(RULES, (outside, trend, near_limit, shift), strict=True):
            if flags[i]:
                rules[i], side[i] = rule, flags[i]
                break
    return rules, side


def signal_flags(y: NDArray[np.float64], mean: ArrayLike, spread: ArrayLike) -> tuple[NDArray[np.int64], ...]:
    """For each of the four rules: +1, -1 or 0 at every point of many series at once.

    Args:
        y: shape (series, n).
        mean, spread: centre and mean moving range of each series, shape (series,).

    Returns:
        Four arrays of shape (series, n), in the order of `RULES`.
    """
    centre, width = np.asarray(mean, dtype=float)[:, None], np.asarray(spread, dtype=float)[:, None]
    away = np.abs(y - centre)
    # Sums of floats differ in their last digits: a point on a line is on it, the centre line too.
    slack = 1e-9 * (np.abs(centre) + 1.0)
    side = np.where(away > slack, np.sign(y - centre), 0.0).astype(np.int64)
    beyond = away > LIMIT * width + slack
    close = ~beyond & (away > WARNING * width + slack)
    outside = np.where(beyond, side, 0)
    steps = np.sign(np.diff(y, axis=1)).astype(np.int64)
    rising = _runs(steps, RUN - 1)
    trend = np.zeros_like(side)
    # A run of six equal steps makes seven points; where two runs meet, a point belongs to the later one.
    if rising.shape[1]:
        trend[:, :-1] = rising
        trend[:, 1:] = np.where(trend[:, 1:] == 0, rising, trend[:, 1:])
    two = np.zeros_like(side)
    for first in range(y.shape[1] - 2):
        window = slice(first, first + 3)
        same = np.abs(side[:, window].sum(axis=1)) == 3
        hit = same & (close[:, window].sum(axis=1) >= 2)
        two[:, window] = np.where(hit[:, None] & close[:, window], side[:, window], two[:, window])
    return outside, trend, two, _runs(side, RUN)


def _runs(sign: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """The sign of every point that belongs to a run of at least `length` equal signs other than 0, else 0."""
    out = np.zeros_like(sign)
    for first in range(sign.shape[1] - length + 1):
        window = sign[:, first : first + length]
        whole = np.abs(window.sum(axis=1)) == length
        out[:, first : first + length] = np.where(whole[:, None], window, out[:, first : first + length])
    return out


def variation(side: int, direction: str | None) -> Variation:
    """What a signal means for readers: by the direction that was declared, and neutral where none was.

    Args:
        side: +1, -1 or 0, from the chart's newest point.
        direction: `lower_is_better` or `higher_is_better`; None if nobody declared it.
    """
    if side == 0:
        return "common"
    if direction is None:
        return "neutral"
    better = -1 if direction == "lower_is_better" else 1
    return "improvement" if side == better else "concern"


def assurance(lower: float, upper: float, target: float | None, direction: str | None) -> Assurance | None:
    """Whether the process, as it runs, meets its target: always, never, or by chance.

    Returns:
        None without a target, without limits, or without a declared direction.
    """
    if target is None or direction is None or not np.isfinite([lower, upper]).all():
        return None
    if lower <= target <= upper:
        return "hit_and_miss"
    return "passes" if (target > upper) == (direction == "lower_is_better") else "fails"
