"""What a reader could work out by subtraction from numbers that are shown: secondary disclosure control.

A withheld count (1 to 7) is protected as long as, from everything shown beside it, it could still be any of 1 to 7. A total that
would narrow this is withheld as well. Rounded numbers are known to within 2, a printed 0 exactly; a number that is printed at
all is 0 or at least 8. The method is interval protection of additive tables (Hundepool et al. 2012, Statistical Disclosure
Control, chapter 4), for a single line by arithmetic and for lines that share cells by linear programming.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from evaluation.judgement.monitoring import WHOLE, Judged
from evaluation.judgement.needs import Need
from evaluation.publication.disclosure import LARGEST_WITHHELD, ROUNDED_TO, control_points, is_controlled
from evaluation.publication.evaluated import Evaluated

Numbers = NDArray[np.float64]
HALF = ROUNDED_TO // 2


@dataclass(frozen=True)
class Line:
    """A total that is shown of some cells.

    Attributes:
        members: positions of its cells.
        low, high: what is known of it from how it is printed.
    """

    members: Sequence[int]
    low: float
    high: float


def known_bounds(values: ArrayLike, profile: str) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """What a reader knows of counts from how they are printed: lowest, highest, and which are withheld as 1 to 7.

    Missing counts have the bounds NaN. All of the shape given.
    """
    counts = np.asarray(values, dtype=float)
    points, small = control_points(counts, profile)
    if not is_controlled(profile):
        return counts.copy(), counts.copy(), small
    low = np.where(points == 0, 0.0, np.maximum(points - HALF, LARGEST_WITHHELD + 1))
    high = np.where(points == 0, 0.0, points + HALF)
    return np.where(small, 1.0, low), np.where(small, float(LARGEST_WITHHELD), high), small


def gives_away(members: ArrayLike, profile: str) -> NDArray[np.bool_]:
    """Where a printed total would let a reader narrow one of its withheld members.

    Args:
        members: counts that the total adds up, shape (member, ...).
        profile: disclosure profile; nothing is withheld where it is `already_public`.

    Returns:
        A mask of the shape of one member; False where a member is missing, because there is then no total.
    """
    counts = np.asarray(members, dtype=float)
    if not is_controlled(profile):
        return np.zeros(counts.shape[1:], dtype=bool)
    low, high, small = known_bounds(counts, profile)
    bottom, top, hidden = known_bounds(counts.sum(axis=0), profile)
    least = bottom - (high.sum(axis=0) - high)  # of each member, given the total and the others at their highest
    most = top - (low.sum(axis=0) - low)
    narrowed = small & ((least > 1.0) | (most < LARGEST_WITHHELD))
    return np.asarray(narrowed.any(axis=0) & ~hidden & np.isfinite(bottom))


def hide_more(counts: ArrayLike, profile: str) -> NDArray[np.bool_]:
    """Which groups to withhold besides the small ones, where the printed total of all of them is shown elsewhere.

    The smallest group that is shown goes first, until no withheld small one can be narrowed. Where that is never reached, every
    group is in the mask: the table as a whole must then be left out, because even that a group is 1 to 7 would tell.
    """
    values = np.asarray(counts, dtype=float)
    more = np.zeros(values.shape, dtype=bool)
    low, high, small = known_bounds(values, profile)
    bottom, top, hidden = known_bounds(np.array([np.nansum(values)]), profile)
    if not small.any() or hidden[0] or not is_controlled(profile):
        return more
    lines = [Line(range(len(values)), float(bottom[0]), float(top[0]))]
    while narrowed(np.nan_to_num(low), np.nan_to_num(high), np.flatnonzero(small), lines):
        left = np.flatnonzero(~small & ~more & (values > 0))
        if not left.size:
            return np.ones(values.shape, dtype=bool)
        chosen = left[np.argmin(values[left])]
        more[chosen] = True
        low[chosen], high[chosen] = 1.0, np.inf  # printed like a small one, so it could be one
    return more


def narrowed(low: Numbers, high: Numbers, small: ArrayLike, lines: Sequence[Line]) -> list[int]:
    """Which withheld cells all lines together let a reader narrow, by linear programming.

    Args:
        low, high: what is known of each cell, shape (cell,).
        small: positions of the cells withheld as 1 to 7.
        lines: the totals that are shown.
    """
    from scipy.optimize import linprog

    positions = [int(p) for p in np.atleast_1d(np.asarray(small, dtype=int))]
    if not lines or not positions:
        return []
    rows = np.zeros((len(lines), len(low)))
    for i, line in enumerate(lines):
        rows[i, list(line.members)] = 1.0
    limits = np.array([line.high for line in lines] + [-line.low for line in lines])
    bounds = [(a, None if np.isinf(b) else b) for a, b in zip(low, high, strict=True)]
    found = []
    for cell in positions:
        if not rows[:, cell].any():
            continue
        for sign, edge in ((1.0, 1.0), (-1.0, float(LARGEST_WITHHELD))):
            cost = np.zeros(len(low))
            cost[cell] = sign
            done = linprog(cost, A_ub=np.vstack([rows, -rows]), b_ub=limits, bounds=bounds, method="highs")
            if done.status == 0 and abs(done.fun * sign - edge) > 1e-6:
                found.append(cell)
                break
    return found


def protect_whole(judged: Sequence[Judged]) -> list[Judged]:
    """The series of a board with those totals taken out that would give a withheld count away.

    Of all areas together the single periods, and of every series the sum of the watched year. The value is taken out and its
    bounds stay, so that it is printed as withheld.
    """
    found = []
    for j in judged:
        series, profile = j.series, j.series.indicator.disclosure
        if is_controlled(profile) and series.indicator.likelihood != "normal":
            if series.area == WHOLE:
                parts = [
                    o.series
                    for o in judged
                    if o.series.indicator.key == series.indicator.key and o.series.area != WHOLE
                ]
                hidden = _hidden_periods(series.periods, [(p.periods, p.value) for p in parts], profile)
                j = replace(j, series=replace(series, value=np.where(hidden, np.nan, series.value)))
            if j.expected is not None:
                year = series.value[j.expected.start : series.complete]
                if gives_away(year[:, None], profile)[0]:
                    j = replace(j, expected=replace(j.expected, total=float("nan")))
        found.append(j)
    return found


def protect_need(need: Need, panel: xr.Dataset) -> Need:
    """A need with those yearly totals taken out, or told as a range, that would give a withheld count away.

    Args:
        need: one indicator's.
        panel: its counts, dims area and time.
    """
    profile = need.indicator.disclosure
    if not is_controlled(profile):
        return need
    labels = [str(t) for t in panel["time"].values]
    year = panel.isel(time=slice(labels.index(need.first), labels.index(need.last) + 1))
    places, totals = [], []
    for place in need.places:
        periods = year["value"].sel(area=place.area).values.astype(float)
        periods = periods[np.isfinite(periods)]
        if place.low == place.high and gives_away(periods[:, None], profile)[0]:
            low, high, _ = known_bounds(periods, profile)
            place = replace(place, low=float(low.sum()), high=float(high.sum()))
        elif place.low == place.high:
            totals.append(place.low)
        places.append(place)
    need = replace(need, places=places)
    if len(totals) == len(places) > 1 and gives_away(np.array(totals)[:, None], profile)[0]:
        return replace(need, total=float("nan"), before=float("nan"), again=float("nan"))
    return need


def told_series(evaluation: Evaluated, key: str, lines: xr.Dataset) -> xr.Dataset:
    """The series of the treated areas together, without the recorded totals that would give one area's count away.

    Args:
        evaluation: of which `panels` holds each area's counts.
        key: of the indicator.
        lines: `observed` over time.
    """
    profile = evaluation.review.indicators[key].disclosure
    areas = [
        area
        for area in evaluation.plan.treated
        if key in evaluation.panels and area in evaluation.panels[key]["area"].values
    ]
    if not is_controlled(profile) or len(areas) < 2 or "observed" not in lines:
        return lines
    panel = evaluation.panels[key]
    labels = [str(t) for t in panel["time"].values]
    parts = [(labels, panel["value"].sel(area=area).values.astype(float)) for area in areas]
    hidden = _hidden_periods([str(t) for t in lines["time"].values], parts, profile)
    return lines.assign(observed=("time", np.where(hidden, np.nan, lines["observed"].values)))


def _hidden_periods(
    periods: Sequence[str], parts: Sequence[tuple[Sequence[str], Numbers]], profile: str
) -> NDArray[np.bool_]:
    """Periods whose total over the parts would give a part away."""
    members = []
    for labels, values in parts:
        known = dict(zip(labels, values.tolist(), strict=True))
        members.append([known.get(period, np.nan) for period in periods])
    rows = np.array([row for row in members if np.isfinite(row).any()])
    return gives_away(rows, profile) if len(rows) > 1 else np.zeros(len(periods), dtype=bool)
