"""Simulated panels whose true effects are known.

The shipped example, the recovery tests and the calibration of every model need data whose answer is known.
The recipe has what real series have: area levels that differ, a trend, a season, shocks that everybody
shares, an autocorrelated common path, autocorrelated departures of each area from it, negative-binomial
noise and effects of several shapes::

    log mu0[area, t] = log(population x days) + level[area] + trend x years + season[t] + shock[t]
                       + common[t] + departure[area, t]
    log mu[area, t]  = log mu0[area, t] + effect[area, t]
    count[area, t]   ~ NegativeBinomial(mean mu, variance mu + mu^2 / overdispersion)

`mu` is the expected count under the treatment received and `mu0` its counterfactual, as in the models.

Rebuild the shipped example with ``python -m evaluation.evidence.simulate params/example``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.protocol.period import Frequency, days_in, parse_period, period_label, periods_per_year

Shape = Literal["step", "level_and_slope", "ramp", "decay"]

DAYS_PER_YEAR = 365.25
MONTHS_PER_YEAR = 12


@dataclass(frozen=True)
class Shock:
    """Something that changes the expected count of every area alike, such as a lockdown.

    Attributes:
        first: First period of the shock, as the data write it (``2020-03``).
        multipliers: One factor per period from ``first`` on; 1 is no change.
        because: What happened.
    """

    first: str
    multipliers: tuple[float, ...]
    because: str = ""


@dataclass(frozen=True)
class TrueEffect:
    """What one intervention truly does to one indicator.

    Attributes:
        plan: Identifier of the plan that is meant to find this effect.
        starts: Area code to first treated period. Areas may start at different times.
        rate_ratio: The rate ratio of the shape's level: all of it for ``step``, the first period's for
            ``level_and_slope`` and ``decay``, the final one for ``ramp``. 1 is no effect.
        shape: Profile by event time k = 0, 1, 2, ... of the log rate ratio, with b = log(rate_ratio):
            ``step`` b; ``level_and_slope`` b + slope_per_year x years since the start;
            ``ramp`` b x min(1, (k + 1) / ramp_periods); ``decay`` b x 0.5 ** (k / half_life).
        slope_per_year: Change of the log rate ratio a year, for ``level_and_slope``.
        ramp_periods: Number of periods until a ``ramp`` is complete.
        half_life: Number of periods in which a ``decay`` halves.
    """

    plan: str
    starts: Mapping[str, str]
    rate_ratio: float
    shape: Shape = "step"
    slope_per_year: float = 0.0
    ramp_periods: int = 6
    half_life: float = 12.0


@dataclass(frozen=True)
class Missing:
    """A stretch for which one area supplied nothing: the rows are absent, which is not the same as zero."""

    area: str
    first: str
    last: str
    because: str = ""


@dataclass(frozen=True)
class PanelSpec:
    """Everything that decides a simulated panel, apart from the seed.

    Attributes:
        populations: Area code to number of residents, constant over time.
        first_period: First period of the panel; its notation decides the frequency (``2018-04`` is monthly).
        n_periods: Number of consecutive periods.
        rate: Events per 1,000 residents a month in a typical area in an ordinary month.
        level_sd: Standard deviation over areas of the log rate.
        trend_per_year: Change of the log rate a year, common to all areas.
        season_amplitude: Half the distance between the highest and lowest log rate of the yearly cycle.
        season_peak: Month of the year (1 to 12) in which the cycle is highest.
        shocks: Shocks that all areas share.
        departure_sd: Stationary standard deviation of each area's AR(1) departure from that path (log scale).
        departure_rho: Its autocorrelation from one period to the next.
        common_sd: Stationary standard deviation of the AR(1) path of the whole partnership (log scale).
        common_rho: Its autocorrelation.
        overdispersion: Negative-binomial size: variance = mu + mu^2 / overdispersion. None means Poisson.
        effects: True effects.
        missing: Stretches without data.
    """

    populations: Mapping[str, float]
    first_period: str
    n_periods: int
    rate: float
    level_sd: float = 0.15
    trend_per_year: float = 0.0
    season_amplitude: float = 0.0
    season_peak: int = 7
    shocks: tuple[Shock, ...] = ()
    departure_sd: float = 0.08
    departure_rho: float = 0.6
    common_sd: float = 0.05
    common_rho: float = 0.6
    overdispersion: float | None = 60.0
    effects: tuple[TrueEffect, ...] = ()
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True)
class EffectTruth:
    """The realised size of one true effect: expected counts over the treated post cells of one plan.

    They are ratios and differences of sums of expected counts: what a perfect analysis would report, whatever
    the shape, without the sampling noise of the counts.

    Attributes:
        plan: Identifier of the plan.
        rate_ratio: Sum of mu over sum of mu0.
        events_averted: Sum of mu0 minus sum of mu; negative means events added.
        expected: Sum of mu.
        counterfactual: Sum of mu0.
        n_cells: Number of area-periods summed over.
    """

    plan: str
    rate_ratio: float
    events_averted: float
    expected: float
    counterfactual: float
    n_cells: int


@dataclass(frozen=True)
class Truth:
    """What was true when a panel was simulated.

    Attributes:
        spec: The specification.
        seed: The seed.
        mu: Expected counts under the treatment received; rows are areas, columns period labels.
        mu0: Expected counts had nobody been treated, same layout.
        effects: Realised effects over every cell from each start to the end of the panel, in the order of the
            specification; `realised_effect` gives them for other windows.
    """

    spec: PanelSpec
    seed: tuple[int, ...]
    mu: pd.DataFrame
    mu0: pd.DataFrame
    effects: tuple[EffectTruth, ...]


def simulate_panel(spec: PanelSpec, seed: int | tuple[int, ...]) -> tuple[pd.DataFrame, Truth]:
    """Draw one panel from its specification.

    Each source of noise has a random stream of its own, and so have the counts of each area: with the same
    seed, another effect leaves levels, paths, departures and the counts of other areas as they were.

    Args:
        spec: The specification.
        seed: Seed, or several integers (a seed and the number of an indicator, say). The same seed gives the
            same bits on one platform and numpy version.

    Returns:
        The tidy table ``area, period, count`` (by area then period, missing stretches absent) and the truth.

    Raises:
        ValueError: The specification contradicts itself (an unknown area, a period outside the panel, an AR
            coefficient of 1 or more).
    """
    _refuse_contradictions(spec)
    labels, years, season, days = _calendar(spec)
    areas = list(spec.populations)
    n_areas = len(areas)
    seeds = (seed,) if isinstance(seed, int) else tuple(seed)
    *path_seeds, count_seed = np.random.SeedSequence(list(seeds)).spawn(4)
    for_level, for_common, for_departure = (np.random.default_rng(child) for child in path_seeds)

    level = for_level.normal(0.0, spec.level_sd, size=n_areas)
    common = _ar1_paths(for_common, 1, spec.n_periods, spec.common_sd, spec.common_rho)[0]
    departure = _ar1_paths(for_departure, n_areas, spec.n_periods, spec.departure_sd, spec.departure_rho)
    population = np.array([spec.populations[area] for area in areas], dtype=float)
    person_months = population[:, None] * days[None, :] * MONTHS_PER_YEAR / DAYS_PER_YEAR
    path = spec.trend_per_year * years + season + _shock_path(spec, labels) + common
    mu0 = person_months * spec.rate / 1000.0 * np.exp(level[:, None] + path[None, :] + departure)
    log_ratio = sum((_log_rate_ratio(effect, areas, labels) for effect in spec.effects), np.zeros_like(mu0))
    mu = mu0 * np.exp(log_ratio)

    streams = [np.random.default_rng(child) for child in count_seed.spawn(n_areas)]
    counts = np.stack([_draw_counts(rng, row, spec.overdispersion) for rng, row in zip(streams, mu, strict=True)])

    mu_table = pd.DataFrame(mu, index=pd.Index(areas, name="area"), columns=pd.Index(labels, name="period"))
    mu0_table = pd.DataFrame(mu0, index=mu_table.index, columns=mu_table.columns)
    data = pd.DataFrame({"area": np.repeat(areas, spec.n_periods), "period": np.tile(labels, n_areas)})
    data["count"] = counts.ravel()
    for gap in spec.missing:
        absent = labels[labels.index(gap.first) : labels.index(gap.last) + 1]
        data = data[~((data["area"] == gap.area) & data["period"].isin(absent))]
    effects = tuple(realised_effect(mu_table, mu0_table, effect.plan, effect.starts) for effect in spec.effects)
    return data.reset_index(drop=True), Truth(spec, seeds, mu_table, mu0_table, effects)


def realised_effect(
    mu: pd.DataFrame,
    mu0: pd.DataFrame,
    plan: str,
    starts: Mapping[str, str],
    washout: int = 0,
    end: str | None = None,
) -> EffectTruth:
    """Sum expected counts over the treated post cells of a plan, then contrast them.

    Args:
        mu: Expected counts, areas by period labels.
        mu0: The counterfactual, same layout.
        plan: Identifier of the plan.
        starts: Area code to first treated period.
        washout: Number of periods from each start that are left out.
        end: Last period counted; the panel's last when None.

    Returns:
        The realised effect.

    Raises:
        ValueError: No cell is left.
    """
    labels = list(mu.columns)
    stop = len(labels) if end is None else labels.index(end) + 1
    cells = {area: slice(labels.index(start) + washout, stop) for area, start in starts.items()}
    n_cells = sum(max(0, cell.stop - cell.start) for cell in cells.values())
    if n_cells == 0:
        raise ValueError(f"{plan}: no treated period is left between the starts {dict(starts)} and the end {end}")
    expected, counterfactual = (
        float(sum(table.loc[area].to_numpy()[cell].sum() for area, cell in cells.items())) for table in (mu, mu0)
    )
    return EffectTruth(
        plan=plan,
        rate_ratio=expected / counterfactual,
        events_averted=counterfactual - expected,
        expected=expected,
        counterfactual=counterfactual,
        n_cells=n_cells,
    )


def suppress_small_counts(
    df: pd.DataFrame, low: int = 1, high: int = 7, marker: str = "*", round_to: int | None = 5
) -> pd.DataFrame:
    """Publish counts as NHS hospital statistics are published below national level.

    Counts from `low` to `high` become the marker, zero is shown, the rest are rounded to the nearest multiple
    of `round_to` (halves upwards). Source: NHS Digital, HES disclosure control since September 2018.

    Args:
        df: A tidy table with a column ``count``.
        low: Smallest suppressed count.
        high: Largest suppressed count.
        marker: What is printed instead.
        round_to: Rounding base; None leaves the larger counts exact.

    Returns:
        A copy in which ``count`` holds text: a number, the marker, or missing where it was missing.
    """

    def publish(count: float) -> object:
        if pd.isna(count):
            return pd.NA
        if low <= count <= high:
            return marker
        if round_to is None or count == 0:
            return str(int(count))
        return str(int((count + round_to / 2) // round_to) * round_to)

    return df.assign(count=pd.Series([publish(count) for count in df["count"]], index=df.index, dtype=object))


def _refuse_contradictions(spec: PanelSpec) -> None:
    labels = set(_calendar(spec)[0])
    named_areas = [area for effect in spec.effects for area in effect.starts] + [gap.area for gap in spec.missing]
    named_periods = [start for effect in spec.effects for start in effect.starts.values()]
    named_periods += [shock.first for shock in spec.shocks]
    named_periods += [period for gap in spec.missing for period in (gap.first, gap.last)]
    unknown = [area for area in named_areas if area not in spec.populations]
    outside = [period for period in named_periods if period not in labels]
    if unknown:
        raise ValueError(f"areas without a population: {', '.join(unknown)}")
    if outside:
        raise ValueError(f"periods outside the panel: {', '.join(outside)}")
    for name, rho in (("departure_rho", spec.departure_rho), ("common_rho", spec.common_rho)):
        if not -1.0 < rho < 1.0:
            raise ValueError(f"{name} is {rho}; a stationary path needs a value between -1 and 1")


def _calendar(spec: PanelSpec) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Period labels, years since the start, seasonal log rate and days of each period."""
    frequency: Frequency
    frequency, first = parse_period(spec.first_period)
    periods = [first + step for step in range(spec.n_periods)]
    years = np.arange(spec.n_periods) / periods_per_year(frequency)
    midyear = np.array([(p.start_time.day_of_year + p.end_time.day_of_year) / 2 for p in periods])
    peak = (spec.season_peak - 0.5) / MONTHS_PER_YEAR * DAYS_PER_YEAR
    season = spec.season_amplitude * np.cos(2 * np.pi * (midyear - peak) / DAYS_PER_YEAR)
    if frequency == "year":
        season = np.zeros(spec.n_periods)
    days = np.array([days_in(period) for period in periods], dtype=float)
    return [period_label(period) for period in periods], years, season, days


def _shock_path(spec: PanelSpec, labels: list[str]) -> np.ndarray:
    path = np.zeros(len(labels))
    for shock in spec.shocks:
        start = labels.index(shock.first)
        factors = np.log(np.array(shock.multipliers))[: len(labels) - start]
        path[start : start + len(factors)] += factors
    return path


def _ar1_paths(rng: np.random.Generator, n_paths: int, n_periods: int, sd: float, rho: float) -> np.ndarray:
    """Stationary AR(1) paths, shape (n_paths, n_periods): every period has the standard deviation `sd`."""
    shocks = rng.normal(size=(n_paths, n_periods))
    paths = np.empty_like(shocks)
    paths[:, 0] = sd * shocks[:, 0]
    for t in range(1, n_periods):
        paths[:, t] = rho * paths[:, t - 1] + sd * np.sqrt(1.0 - rho**2) * shocks[:, t]
    return paths


def _log_rate_ratio(effect: TrueEffect, areas: list[str], labels: list[str]) -> np.ndarray:
    """Log rate ratio of one effect in every cell, shape (n_areas, n_periods); zero before each start."""
    surface = np.zeros((len(areas), len(labels)))
    per_year = periods_per_year(parse_period(labels[0])[0])
    for area, start in effect.starts.items():
        first = labels.index(start)
        event_time = np.arange(len(labels) - first)
        level = np.log(effect.rate_ratio)
        match effect.shape:
            case "step":
                profile = np.full(len(event_time), level)
            case "level_and_slope":
                profile = level + effect.slope_per_year * event_time / per_year
            case "ramp":
                profile = level * np.minimum(1.0, (event_time + 1) / effect.ramp_periods)
            case "decay":
                profile = level * 0.5 ** (event_time / effect.half_life)
        surface[areas.index(area), first:] = profile
    return surface


def _draw_counts(rng: np.random.Generator, mu: np.ndarray, overdispersion: float | None) -> np.ndarray:
    """Counts with mean `mu`: a Poisson whose rate is gamma distributed, hence negative binomial."""
    if overdispersion is None:
        return np.asarray(rng.poisson(mu))
    return rng.poisson(rng.gamma(shape=overdispersion, scale=mu / overdispersion))


def main(arguments: list[str]) -> int:
    """Rewrite the simulated data of a folder in ``params``."""
    from evaluation.evidence.example import write_simulated_data
    from evaluation.evidence.placeholder import SEEDS, write_placeholder_data

    if len(arguments) != 1:
        print("usage: python -m evaluation.evidence.simulate params/example", file=sys.stderr)
        return 2
    write = write_placeholder_data if Path(arguments[0]).resolve().name in SEEDS else write_simulated_data
    for path in write(arguments[0]):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
