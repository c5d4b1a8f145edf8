"""Is every value complete? Collapses, shared falls, isolated dips and mirror images are found from the counts alone.

A count can be there and still be wrong: a force that sends a tenth of its month leaves small numbers, not blanks. Five
rules look for that, none of which needs to be told where:

* collapse: a count below a fifth of the median of its trailing year (of the year ahead where there is none behind);
* shared fall: all areas of a group together fall well below the median of the months around, and further than the
  group's months usually stray from it (median absolute deviation, as the robust scale of Rousseeuw and Croux 1993);
* dip: one area falls below half of both its neighbouring quarters and is back afterwards;
* mirror image: one area's level jumps up by what another's falls, in the same period;
* island: months that a long gap parts from the rest and whose level is another.

Nothing is altered here. What is found is said, drawn, and refused where a plan would rest on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from evaluation.protocol.period import Frequency

COMPLETE, PARTIAL, PROVISIONAL, SUPPRESSED, ABSENT, IMPLAUSIBLE = range(6)
STATES = ("complete", "partial", "provisional", "suppressed", "absent", "implausible")
Kind = Literal["collapse", "shared fall", "dip", "mirror image", "island"]

YEAR: dict[Frequency, int] = {"week": 52, "month": 12, "quarter": 4}  # periods; years are not judged
COLLAPSE, LOW, HALF = 0.2, 0.75, 0.5  # of what is expected
FEWEST_EXPECTED = 20.0  # below this, falling to a fifth happens by chance
FEWEST_AROUND = 3  # periods known in the year behind or ahead
SHARED_Z, DIP_Z, JUMP_Z = 3.5, 5.0, 5.0
NARROWEST = 0.05  # the smallest scale of log ratios taken as a group's usual scatter
MIRRORED, JUMP = 0.2, 0.25  # share of a jump that its mirror image may leave over; smallest jump, of the level

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Oddity:
    """Something implausible.

    Attributes:
        kind: which rule.
        areas: positions.
        time: position of the period.
        share: of what was expected (in a mirror image, of the jump that is left over).
    """

    kind: Kind
    areas: tuple[int, ...]
    time: int
    share: float


@dataclass(frozen=True)
class Audit:
    """What is known of every cell.

    Attributes:
        state: position in STATES, shape (area, time).
        oddities: in the order of time.
    """

    state: npt.NDArray[np.int8]
    oddities: list[Oddity] = field(default_factory=list)

    def cells(self, *kinds: Kind) -> npt.NDArray[np.bool_]:
        """The cells that oddities of some kinds concern, shape (area, time)."""
        found = np.zeros(self.state.shape, dtype=bool)
        for odd in self.oddities:
            if odd.kind in kinds:
                found[list(odd.areas), odd.time] = True
        return found


def audit_counts(
    value: Counts,
    known: npt.NDArray[np.bool_],
    frequency: Frequency,
    groups: Mapping[str, Sequence[int]] | None = None,
    *,
    partial: npt.NDArray[np.bool_] | None = None,
    provisional: npt.NDArray[np.bool_] | None = None,
    expected_falls: npt.NDArray[np.bool_] | None = None,
    bounds: tuple[Counts, Counts] | None = None,
    count: bool = True,
) -> Audit:
    """Judge every cell.

    Args:
        value: exact counts, NaN where missing or hidden, shape (area, time).
        known: where a count or an interval is known, same shape.
        frequency: of the periods.
        groups: name -> positions of areas that share a supplier; by default all areas together.
        partial, provisional: cells that the data themselves call so.
        expected_falls: periods in which a fall that all share is to be expected (lockdowns), shape (time,).
        bounds: lowest and highest number that each cell can stand for, NaN where missing. A fall is one only if it is
            there whichever of them hidden counts are: the highest is set against what the lowest lead to expect.
        count: False for scores, of which only presence is judged.
    """
    state = np.full(value.shape, COMPLETE, dtype=np.int8)
    state[known & np.isnan(value)] = SUPPRESSED
    state[~known] = ABSENT
    if provisional is not None:
        state[provisional & known] = PROVISIONAL
    if partial is not None:
        state[partial] = PARTIAL
    if not count or frequency not in YEAR or value.shape[1] < 2 * FEWEST_AROUND:
        return Audit(state)
    year = YEAR[frequency]
    low, top = (np.where(known, value if bounds is None else bound, np.nan) for bound in bounds or (value, value))
    sound = low
    odd = _collapses(sound, top, year)
    clean = sound.copy()
    for item in odd:
        clean[list(item.areas), item.time] = np.nan
    together = groups or {"all areas": range(value.shape[0])}
    for members in together.values():
        for item in _shared_falls(top, clean, list(members), year):
            told = {i for other in odd if other.time == item.time for i in other.areas}
            if not (expected_falls is not None and expected_falls[item.time]) and not told.issuperset(item.areas):
                odd.append(item)
                clean[list(item.areas), item.time] = np.nan
    dips = _dips(clean, top, year)
    for item in dips:
        clean[list(item.areas), item.time] = np.nan
    odd += dips
    for members in together.values():
        odd += _mirror_images(clean, list(members), year)
    odd += _islands(clean, year)
    odd = _once(odd)
    for item in odd:
        mark = PARTIAL if item.kind in ("shared fall", "dip") else IMPLAUSIBLE
        cells = np.ix_(list(item.areas), [item.time])
        state[cells] = (
            np.maximum(state[cells], mark)
            if mark == IMPLAUSIBLE
            else np.where(state[cells] == IMPLAUSIBLE, IMPLAUSIBLE, mark)
        )
    return Audit(state, odd)


def _once(odd: list[Oddity]) -> list[Oddity]:
    """In the order of time; the same areas in the same period once for each kind, however many groups hold them."""
    return sorted(dict.fromkeys(odd), key=lambda item: (item.time, item.kind, item.areas))


def _median(values: Counts, fewest: int = FEWEST_AROUND) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size >= fewest else float("nan")


def _collapses(value: Counts, top: Counts, year: int) -> list[Oddity]:
    found = []
    clean = value.copy()
    highest = np.nanmax(np.nan_to_num(value), axis=1, keepdims=True)
    # No median exceeds the highest count, so most cells need no closer look.
    low = np.isfinite(value) & (highest >= FEWEST_EXPECTED) & (np.nan_to_num(top) < COLLAPSE * highest)
    for i in np.flatnonzero(low.any(axis=1)):
        for t in np.flatnonzero(low[i]):
            expected = _median(clean[i, max(t - year, 0) : t])
            if np.isnan(expected):
                expected = _median(clean[i, t + 1 : t + 1 + year])
            if expected >= FEWEST_EXPECTED and top[i, t] < COLLAPSE * expected:
                clean[i, t] = np.nan  # it must not lower what is expected of the next
                found.append(Oddity("collapse", (int(i),), int(t), float(top[i, t] / expected)))
    return found


def _behind(values: Counts, width: int) -> Counts:
    """For every period the `width` periods before it, NaN before the first; shape (area, time, width)."""
    padded = np.pad(values, ((0, 0), (width, 0)), constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)[:, :-1]


def _ahead(values: Counts, width: int) -> Counts:
    """For every period the `width` periods after it, NaN after the last; shape (area, time, width)."""
    padded = np.pad(values, ((0, 0), (0, width)), constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)[:, 1:]


def _medians(windows: Counts, fewest: int = 1) -> Counts:
    """For every window (last axis) the median of what is known, NaN where fewer than `fewest` are.

    All windows at once, and by sorting: `np.nanmedian` takes ten times as long, and is asked for every cell of a panel.
    """
    ordered = np.sort(windows, axis=-1)  # what is not known comes last
    n = np.isfinite(windows).sum(axis=-1, keepdims=True)
    low, high = (np.take_along_axis(ordered, np.maximum(k, 0), axis=-1) for k in ((n - 1) // 2, n // 2))
    return np.where(n >= fewest, (low + high) / 2, np.nan)[..., 0]


def _around(values: Counts, year: int) -> Counts:
    """For every cell the median of the year behind and the year ahead, without the cell; shape (area, time)."""
    return _medians(np.concatenate([_behind(values, year), _ahead(values, year)], axis=-1), 2 * FEWEST_AROUND)


def _shared_falls(raw: Counts, clean: Counts, members: list[int], year: int) -> list[Oddity]:
    """Periods in which a group's total lies far below the periods around."""
    if not members:
        return []
    found: list[Oddity] = []
    n = raw.shape[1]
    usable = clean[members].copy()
    for _ in range(3):  # what is found must not lower what is expected of its neighbours
        expected = _around(usable, year)
        both = np.isfinite(raw[members]) & np.isfinite(expected)
        got = np.where(both, raw[members], 0.0).sum(axis=0)
        wanted = np.where(both, expected, 0.0).sum(axis=0)
        judged = wanted >= FEWEST_EXPECTED
        ratio = np.full(n, np.nan)
        ratio[judged] = (got[judged] + 0.5) / (wanted[judged] + 0.5)
        logs = np.log(ratio[judged])
        if logs.size < 2 * FEWEST_AROUND:
            return found
        centre = float(np.median(logs))
        scale = max(1.4826 * float(np.median(np.abs(logs - centre))), NARROWEST)
        with np.errstate(invalid="ignore"):
            # On the square root, on which a count's own scatter is the same at every level: on the logarithm a small
            # count that is low by chance would look too far away.
            usual = wanted * np.exp(min(centre, 0.0))
            z = 2 * (np.sqrt(got + 0.375) - np.sqrt(usual + 0.375)) / np.sqrt(1 + usual * scale**2)
            low = judged & (ratio < LOW) & (z < -SHARED_Z)
        found = []
        for t in np.flatnonzero(low):
            # Areas that held their level in that period were supplied, so it is not theirs.
            own = [
                members[k]
                for k in np.flatnonzero(both[:, t])
                if raw[members[k], t] < (1 + ratio[t]) / 2 * expected[k, t]
            ]
            if own:
                found.append(Oddity("shared fall", tuple(own), int(t), float(ratio[t])))
        again = clean[members].copy()
        again[:, low] = np.nan
        if np.array_equal(again, usable, equal_nan=True):
            break
        usable = again
    return found


def _dips(value: Counts, top: Counts, year: int) -> list[Oddity]:
    found = []
    side = max(year // 4, 2)
    highest = np.nanmax(np.nan_to_num(value), axis=1, keepdims=True)
    low = np.isfinite(value) & (highest >= FEWEST_EXPECTED) & (np.nan_to_num(top) < HALF * highest)
    behind, ahead = _medians(_behind(value, side), 2), _medians(_ahead(value, side), 2)
    low &= np.isfinite(behind) & np.isfinite(ahead)
    for i in np.flatnonzero(low.any(axis=1)):
        for t in np.flatnonzero(low[i]):
            before, after = behind[i, t], ahead[i, t]
            level = min(before, after)
            if level < FEWEST_EXPECTED or top[i, t] >= HALF * level or max(before, after) > 1.5 * level:
                continue
            around = value[i, max(t - year, 0) : t + 1 + year]
            usual = 1.4826 * float(np.nanmedian(np.abs(around - np.nanmedian(around))))
            if (level - top[i, t]) / np.sqrt(level + usual**2) > DIP_Z:
                found.append(Oddity("dip", (int(i),), int(t), float(top[i, t] / level)))
    return found


def _mirror_images(value: Counts, members: list[int], year: int) -> list[Oddity]:
    """Pairs of areas whose levels change by the same number in opposite directions and stay changed."""
    side = max(year // 4, 2)
    found = []
    rows = value[members]
    high = np.flatnonzero(np.nanmax(np.nan_to_num(rows), axis=1, initial=0.0) >= FEWEST_EXPECTED)
    behind = _behind(rows[high], year)
    levels = _medians(behind)
    spreads = 1.4826 * _medians(np.abs(behind - levels[..., None]))
    for t in range(side, value.shape[1] - side + 1):
        before, after = rows[high, max(t - year, 0) : t], rows[high, t : t + side]
        full = (np.isfinite(before).sum(axis=1) >= side) & np.isfinite(after).all(axis=1)
        if full.sum() < 2:
            continue
        level, usual = levels[full, t], spreads[full, t]
        jump = after[full].mean(axis=1) - level
        # The jump must begin here: the last period before it still had the old level.
        settled = (np.abs(before[full][:, -1] - level) < 0.5 * np.abs(jump)) & (
            np.abs(after[full][:, 0] - level) > 0.5 * np.abs(jump)
        )
        large = np.abs(jump) >= np.maximum(FEWEST_EXPECTED / 2, JUMP * level)
        clear = np.abs(jump) / np.sqrt((np.maximum(level, 1.0) + usual**2) / side) > JUMP_Z
        whose = [members[int(high[k])] for k in np.flatnonzero(full)]
        jumps = [(whose[k], float(jump[k])) for k in np.flatnonzero(settled & large & clear)]
        for a, (i, up) in enumerate(jumps):
            for j, down in jumps[a + 1 :]:
                if up * down < 0 and abs(up + down) <= MIRRORED * max(abs(up), abs(down)):
                    found.append(Oddity("mirror image", (i, j), t, abs(up + down) / max(abs(up), abs(down))))
    return found


def _islands(value: Counts, year: int) -> list[Oddity]:
    """Cells before a gap of more than a year, where the level after it is another by half."""
    found = []
    for i in range(value.shape[0]):
        places = np.flatnonzero(np.isfinite(value[i]))
        for a, b in itertools.pairwise(places):
            if b - a <= year:
                continue
            before, after = _median(value[i, max(a - year, 0) : a + 1]), _median(value[i, b : b + year])
            if min(before, after) >= FEWEST_EXPECTED and max(before, after) > 1.3 * min(before, after):
                found += [Oddity("island", (i,), int(t), before / after) for t in places[places <= a]]
    return found
