"""The needs assessment: how much of which violence, where, in which direction, and how sure of each.

Areas are never put in a league table: each has a range of ranks. What stands out is compared with what chance alone
would show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from evaluation.evidence.panel import build_panel
from evaluation.inference.expected import expect, frame_series
from evaluation.inference.small_area import Rates, pool_rates
from evaluation.protocol import Indicator, Review, periods_per_year

Array = NDArray[np.float64]
PER = 100_000.0
DAYS = 365.25
SURE = 0.95  # probability from which an area is said to lie clearly above the partnership
CLEAR = 1.1  # times the partnership's rate: with many events the smallest difference is sure, and not worth a priority
HALF = 0.5
CHANCE_WORLDS = 2000
FEWEST_EVENTS = 50  # in the two newest years; with fewer the change would be the prior's more than the data's


@dataclass(frozen=True)
class Summary:
    """Median and credible bounds."""

    median: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Place:
    """One area and one indicator over the newest year.

    Attributes:
        area, name: code and name.
        low, high: bounds of the count (equal where exact).
        crude: events per 100,000 persons a year, from the middle of the bounds.
        rate: the same, partially pooled.
        ratio: against the partnership as a whole.
        above: probability that its rate is above the partnership's.
        clear: probability that it is above it by a tenth or more.
        rank: 1 is the highest rate; best and worst rank within the interval.
        top: probability of being among the highest quarter.
        similar: ratio to the pooled rate of the other areas of its group, None without a group or where none of them has data.
        similar_to: name of that group.
    """

    area: str
    name: str
    low: float
    high: float
    crude: float
    rate: Summary
    ratio: Summary
    above: float
    clear: float
    rank: tuple[int, int]
    top: float
    similar: Summary | None
    similar_to: str


@dataclass(frozen=True)
class Concentration:
    """How few areas hold half of the events, against chance.

    Attributes:
        areas: smallest number of areas that hold half or more.
        population: their share of the exposure.
        by_chance: median, lowest and highest such number (within the interval) if every person had the same risk.
        beyond: probability that chance alone gives so few areas or fewer.
    """

    areas: int
    population: float
    by_chance: tuple[int, int, int]
    beyond: float


@dataclass(frozen=True)
class Need:
    """One indicator.

    Attributes:
        indicator: what is counted.
        first, last: the newest year.
        total: sum of the middles of the bounds; `range_only` if some are known only as a range.
        before: the same of the year before, over the areas and periods known in both years; NaN if that year is not there.
        again: what the newest year has in those areas and periods.
        places: areas, in the order of areas.yaml.
        pooled: spread between areas (log scale), and what neighbours share of it (NaN without neighbours).
        concentration: None with fewer than three areas or without events.
        change: newest year against the year before, of the expected counts: ratio; None if too short.
        rising: probability that it rose.
        season: month of the year (1 to 12) -> share of the year's events per day, relative to an even year.
    """

    indicator: Indicator
    first: str
    last: str
    total: float
    before: float
    again: float
    range_only: bool
    places: list[Place]
    pooled: tuple[float, float]
    concentration: Concentration | None
    change: Summary | None
    rising: float
    season: dict[int, Summary]


def assess(review: Review, neighbours: dict[str, list[str]] | None = None) -> list[Need]:
    """Every outcome that is counted and that the definition names (all, where it names none), as in indicators.yaml.

    Args:
        review: with data in order.
        neighbours: code -> codes of areas that share a border, from a map; those in areas.yaml come first.
    """
    found = []
    definition = review.settings.duty.definition
    named = set(definition.indicators) if definition else set()
    for number, (key, indicator) in enumerate(review.indicators.items()):
        if named and key not in named:
            continue
        counts = indicator.likelihood in ("negative_binomial", "poisson")
        if counts and indicator.monitoring.kind == "outcome":
            panel = build_panel(review, key)
            if panel.attrs["exposure_meaning"] == "persons x days" or indicator.exposure != "none":
                found.append(
                    assess_indicator(review, indicator, panel, neighbours or {}, review.settings.seed + number)
                )
    return found


def assess_indicator(
    review: Review, indicator: Indicator, panel: xr.Dataset, neighbours: dict[str, list[str]], seed: int
) -> Need:
    """One indicator over its newest year of complete periods."""
    frequency = panel.attrs["frequency"]
    year = max(1, round(periods_per_year(frequency)))
    seen = np.flatnonzero(np.isfinite(panel["low"].values).any(axis=0))
    end = max(int(seen[-1]) + 1 - indicator.monitoring.provisional, 1) if seen.size else 0
    window = slice(max(end - year, 0), end)
    newest = panel.isel(time=window)
    low, high, exposure, _ = yearly(newest)
    codes = [str(a) for a in panel.area.values]
    matrix = adjacency(review, codes, neighbours)
    rates = pool_rates(low, high, np.maximum(exposure, 1e-9), matrix, seed)
    places = _places(review, codes, low, high, exposure, rates)
    periods = [str(t) for t in newest.time.values]
    middle = np.nansum((low + high) / 2.0)
    known = np.isfinite(low)
    concentration = None
    if known.sum() >= 3 and middle > 0:
        concentration = concentrate(((low + high) / 2.0)[known], exposure[known], review.settings.interval, seed)
    change, rising = _change(panel.isel(time=slice(0, end)), indicator, year, review.settings.interval, seed)
    season = _season(panel.isel(time=slice(0, end)), review.settings.interval, seed) if frequency == "month" else {}
    return Need(
        indicator, periods[0] if periods else "", periods[-1] if periods else "", float(middle), *_recorded(panel, end, year),
        bool((low[known] != high[known]).any()), places, (rates.sd, rates.share), concentration, change, rising, season,
    )  # fmt: skip


def _recorded(panel: xr.Dataset, end: int, year: int) -> tuple[float, float]:
    """Recorded sums of the year before and of the newest year, over the areas and periods known in both."""
    if end < 2 * year:
        return float("nan"), float("nan")
    middle = (panel["low"].values + panel["high"].values) / 2.0
    then, now = middle[:, end - 2 * year : end - year], middle[:, end - year : end]
    both = np.isfinite(then) & np.isfinite(now)
    return float(then[both].sum()), float(now[both].sum())


def yearly(panel: xr.Dataset) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    """Sums of each area over the known periods of a window: low, high, exposure, and how many periods are known.

    A missing period takes its exposure with it: it is not a period without events. NaN where nothing is known.
    """
    low, high, exposure = (panel[name].values.astype(float) for name in ("low", "high", "exposure"))
    known = np.isfinite(low) & np.isfinite(exposure) & (exposure > 0)
    some = known.any(axis=1)

    def total(values: Array) -> Array:
        return np.where(some, np.where(known, values, 0.0).sum(axis=1), np.nan)

    return total(low), total(high), np.where(some, total(exposure), 1.0), known.sum(axis=1)


def adjacency(review: Review, codes: Sequence[str], neighbours: dict[str, list[str]]) -> NDArray[np.bool_] | None:
    """Which areas share a border, from areas.yaml or else from the map; None if nobody says."""
    place = {code: i for i, code in enumerate(codes)}
    matrix = np.zeros((len(codes), len(codes)), dtype=bool)
    declared = {code: area.neighbours for code, area in review.areas.areas.items() if area.neighbours}
    for code, others in (declared or neighbours).items():
        for other in others:
            if code in place and other in place:
                matrix[place[code], place[other]] = matrix[place[other], place[code]] = True
    return matrix if matrix.any() else None


def _places(review: Review, codes: list[str], low: Array, high: Array, exposure: Array, rates: Rates) -> list[Place]:
    interval, per_year = review.settings.interval, PER * DAYS
    whole = (rates.rate * exposure).sum(axis=1) / exposure.sum()
    ranks = (-rates.rate).argsort(axis=1).argsort(axis=1) + 1
    quarter = max(1, round(len(codes) / 4))
    found = []
    for i, code in enumerate(codes):
        group = next((n for n, g in review.areas.groups.items() if code in g.areas and len(g.areas) > 2), "")
        members = review.areas.groups[group].areas if group else []
        others = [codes.index(c) for c in members if c in codes and c != code]
        similar = None
        if others:
            pooled = (rates.rate[:, others] * exposure[others]).sum(axis=1) / exposure[others].sum()
            similar = summarise(rates.rate[:, i] / pooled, interval)
        tail = (1.0 - interval) / 2.0
        best, worst = np.quantile(ranks[:, i], [tail, 1.0 - tail], method="inverted_cdf")
        found.append(
            Place(
                code, review.areas.areas[code].name, float(low[i]), float(high[i]),
                float((low[i] + high[i]) / 2.0 / exposure[i] * per_year), summarise(rates.rate[:, i] * per_year, interval),
                summarise(rates.rate[:, i] / whole, interval), float((rates.rate[:, i] > whole).mean()), float((rates.rate[:, i] > CLEAR * whole).mean()),
                (int(best), int(worst)), float((ranks[:, i] <= quarter).mean()), similar, group if others else "",
            )
        )  # fmt: skip
    return found


def concentrate(count: Array, exposure: Array, interval: float, seed: int) -> Concentration:
    """How few areas hold half, and how few would if events fell on persons by chance alone.

    Args:
        count, exposure: shape (area,).
        interval: of the range by chance.
        seed: of the simulated worlds.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(-count, kind="stable")
    few = _fewest(count[None, :])[0]
    worlds = rng.multinomial(max(round(float(count.sum())), 1), exposure / exposure.sum(), size=CHANCE_WORLDS)
    chance = _fewest(worlds.astype(float))
    tail = (1.0 - interval) / 2.0
    low, middle, high = np.quantile(chance, [tail, 0.5, 1.0 - tail], method="inverted_cdf")
    share = float(exposure[order[:few]].sum() / exposure.sum())
    return Concentration(int(few), share, (int(middle), int(low), int(high)), float((chance <= few).mean()))


def _fewest(count: Array) -> NDArray[np.int64]:
    """Smallest number of areas with half of the events, for each row."""
    held = np.cumsum(-np.sort(-count, axis=1), axis=1)
    return (held < HALF * held[:, -1:] - 1e-9).sum(axis=1) + 1


def _change(
    panel: xr.Dataset, indicator: Indicator, year: int, interval: float, seed: int
) -> tuple[Summary | None, float]:
    """Newest year against the year before, of expected counts of the whole partnership under our count model.

    Periods in which an area is missing are left out of the sum on both sides.
    """
    low, high = panel["low"].values, panel["high"].values
    exposure = panel["exposure"].values
    whole = np.isfinite(low).all(axis=0) & np.isfinite(exposure).all(axis=0)
    if len(whole) < 3 * year or whole[-2 * year :].sum() < 2 * year:
        return None, float("nan")
    if np.nansum((low + high)[:, -2 * year :] / 2.0) < FEWEST_EVENTS:
        return None, float("nan")
    # Where counts are ranges the middle of the sum stands in: over a whole partnership the ends nearly cancel.
    value = np.where(whole, np.round((low + high) / 2.0).sum(axis=0), np.nan)
    total = xr.Dataset(
        {n: (("area", "time"), v[None, :]) for n, v in (("value", value), ("low", value), ("high", value), ("exposure", exposure.sum(axis=0)))},
        coords={"area": ["all"], "time": panel.time.values},
        attrs=panel.attrs,
    )  # fmt: skip
    try:
        drawn = expect(frame_series(total, "all", indicator.likelihood, 0), seed).mean
    except (FloatingPointError, ValueError):
        return None, float("nan")
    per = drawn / total["exposure"].values[0]
    ratio = per[:, -year:].mean(axis=1) / per[:, -2 * year : -year].mean(axis=1)
    return summarise(ratio, interval), float((ratio > 1.0).mean())


def _season(panel: xr.Dataset, interval: float, seed: int) -> dict[int, Summary]:
    """Events per person-day in each month of the year against the whole, over whole years; gamma-Poisson intervals."""
    years = panel.sizes["time"] // 12
    if years < 2:
        return {}
    newest = panel.isel(time=slice(panel.sizes["time"] - 12 * years, None))
    known = np.isfinite(newest["low"].values) & np.isfinite(newest["exposure"].values)
    middle = np.where(known, (newest["low"].values + newest["high"].values) / 2.0, 0.0).sum(axis=0)
    exposure = np.where(known, newest["exposure"].values, 0.0).sum(axis=0)
    month = np.array([int(str(t)[5:7]) for t in newest.time.values])
    rng = np.random.default_rng(seed)
    sums = np.array([middle[month == m].sum() for m in range(1, 13)])
    days = np.array([exposure[month == m].sum() for m in range(1, 13)])
    if sums.sum() <= 0 or (days <= 0).any():
        return {}
    # The spread between years of the same month widens the Poisson interval (quasi-likelihood), never narrows it.
    by_year = (middle / np.maximum(exposure, 1e-9)).reshape(years, 12)
    expected = by_year.mean(axis=1, keepdims=True) * by_year.mean(axis=0) / by_year.mean()
    scale = exposure.reshape(years, 12)
    dispersion = float(
        ((by_year - expected) ** 2 / np.maximum(expected, 1e-12) * scale).sum() / max((years - 1) * 11, 1)
    )
    wide = max(dispersion, 1.0)
    drawn = rng.gamma((sums + 0.5) / wide, wide, size=(4000, 12)) / days
    relative = drawn / (drawn * days).sum(axis=1, keepdims=True) * days.sum()
    return {m + 1: summarise(relative[:, m], interval) for m in range(12)}


def summarise(draws: Array, interval: float) -> Summary:
    """Median and equal-tailed bounds of draws, shape (draw,)."""
    tail = (1.0 - interval) / 2.0
    low, middle, high = np.quantile(draws, [tail, 0.5, 1.0 - tail])
    return Summary(float(middle), float(low), float(high))
