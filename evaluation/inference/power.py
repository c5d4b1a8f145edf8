"""What could be detected, before money is spent: futures drawn from the model of an area's own history.

The model is fitted to the history as it stands, with its future months unknown. What it expects of those months, given
one set of its own draws, is one possible future without the scheme; an effect is applied, counts are drawn around it,
and the model is refitted as an evaluator would refit it. Detection means what it means in a finding: the credible
interval lies wholly on the better side of no effect.

Refitting thousands of futures is not needed. The deciding end of the interval depends on the counts to come almost only
through their totals, so a regression of that end on the totals, learned from some dozens of refits over the whole range
of effects, stands in for the refit (a metamodel); power at any effect is then an average over thousands of drawn totals.
:func:`simulate_power` refits every future instead, and is what the forecast is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate
from evaluation.inference.engine import Fit, Sampler, Task
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from evaluation.inference.predictive import replicate
from evaluation.protocol.period import parse_period, period_label

Array = NDArray[np.float64]

# The approximation does not sample: the task's sampler only names it.
NO_SAMPLER = Sampler(chains=2, tune=0, draws=0)
REFITS = 100
DRAWN = 4000
LEVELS = 25
APPROXIMATIONS = 8
FEWEST_POINTS = 16.0
NEARLY_NOTHING = 1e-4


@dataclass(frozen=True)
class Published:
    """How counts to come will be published: a small one only as a range, others rounded; None where neither is done."""

    suppressed: tuple[float, float] | None = None
    rounded_to: int | None = None


@dataclass(frozen=True)
class Prospect:
    """How well one design could see an effect.

    Attributes:
        follow_up: periods after the start.
        areas: treated areas.
        expected: events expected in the treated areas in the follow-up without the scheme.
        log_ratios: effects tried, from none to the largest, as log rate ratios on the better side.
        power: forecast probability of finding each, as a benefit; the first is the error rate.
    """

    follow_up: int
    areas: int
    expected: float
    log_ratios: tuple[float, ...]
    power: tuple[float, ...]

    @property
    def error_rate(self) -> float:
        """Forecast probability that a benefit would be found where there is no effect."""
        return self.power[0]

    def power_at(self, log_ratio: float) -> float:
        """Forecast power at an effect, between the effects tried."""
        return float(np.interp(abs(log_ratio), np.abs(self.log_ratios), self.power))

    def smallest_detectable(self, power: float = 0.8) -> float | None:
        """Rate ratio of the smallest effect found with this probability; None if the largest effect tried is not."""
        if self.power[-1] < power:
            return None
        above = next(i for i, found in enumerate(self.power) if found >= power)
        if above == 0:
            return float(np.exp(self.log_ratios[0]))
        part = (power - self.power[above - 1]) / (self.power[above] - self.power[above - 1])
        below = self.log_ratios[above - 1]
        return float(np.exp(below + part * (self.log_ratios[above] - below)))


@dataclass(frozen=True)
class Futures:
    """Possible futures of one history.

    Attributes:
        frame: the lengthened frame, its future unobserved, treated areas treated from the first future period on.
        everybody: the frame whose fit the futures came from: every area in the place of a treated one, no effect.
        fit: that fit.
        mean: expected outcome without the scheme, shape (future, area, time).
        place: position of each future in the fit's draws.
    """

    frame: Frame
    everybody: Frame
    fit: Fit
    mean: Array
    place: NDArray[np.int64]

    @property
    def ahead(self) -> NDArray[np.bool_]:
        """Which periods are still to come."""
        return self.frame.post[0]

    @property
    def better(self) -> int:
        """-1 if fewer is better, 1 if more is."""
        return -1 if self.frame.direction == "lower_is_better" else 1


def look_ahead(frame: Frame, follow_up: int) -> Frame:
    """The frame of a history, lengthened by periods that nobody has seen yet; treatment starts with the first of them.

    Args:
        frame: whose periods are all before any start of the scheme.
        follow_up: periods to add.
    """
    n_areas, known = frame.value.shape
    _, last = parse_period(frame.periods[-1])
    labels = [period_label(last + step) for step in range(1, follow_up + 1)]

    def add(values: Array, fill: float) -> Array:
        return np.concatenate([values, np.full((n_areas, follow_up), fill)], axis=1)

    exposure = np.concatenate([frame.exposure, _repeat_year(frame, follow_up)], axis=1)
    start = np.full(n_areas, known + follow_up, dtype=np.int64)
    start[: frame.n_treated] = known
    return replace(
        frame,
        periods=[*frame.periods, *labels],
        start=start,
        washout=0,
        value=add(frame.value, np.nan),
        low=add(frame.low, np.nan),
        high=add(frame.high, np.nan),
        exposure=exposure,
        used=np.concatenate([frame.used, np.ones((n_areas, follow_up), dtype=bool)], axis=1),
        shape="step",
        leads=False,
        hidden=None,
        set_aside=None,
    )


def _repeat_year(frame: Frame, follow_up: int) -> Array:
    """Exposure of the same periods a year before, carried on; the last known one where there is none."""
    year = max(1, round(frame.per_year))
    filled = np.array([_carry(row) for row in frame.exposure])
    pattern = filled[:, -year:] if filled.shape[1] >= year else filled[:, -1:]
    return np.tile(pattern, (1, -(-follow_up // pattern.shape[1])))[:, :follow_up]


def _carry(row: Array) -> Array:
    known = np.flatnonzero(np.isfinite(row) & (row > 0))
    if not known.size:
        return np.ones_like(row)
    return row[known[np.minimum(np.searchsorted(known, np.arange(len(row))), known.size - 1)]]


def draw_futures(history: Frame, follow_up: int, n: int, seed: int) -> Futures:
    """What the model of the history expects of the months to come, without the scheme, in ``n`` of its draws.

    Args:
        history: whose periods are all before any start of the scheme.
        follow_up: periods to come.
        n: futures.
        seed: of the draws.

    Raises:
        ValueError: the outcome is a score, of which no futures can be drawn yet.
    """
    if history.likelihood == "normal":
        raise ValueError("Feasibility can be told for counts and proportions only, not yet for scores.")
    frame = look_ahead(history, follow_up)
    known = frame.used & frame.observed
    totals = np.where(known, np.nan_to_num((frame.low + frame.high) / 2), 0.0).sum(axis=0)[known.any(axis=0)]
    # Months to come have no data of any area: the shared path is given the spread that it had, not the prior's.
    spread = float(np.clip(np.std(np.log(totals + 0.5)), 0.02, frame.priors.period_sd))
    priors = replace(
        frame.priors, effect_mean=0.0, effect_sd=NEARLY_NOTHING, cohort_spread=NEARLY_NOTHING,
        cell_spread=NEARLY_NOTHING, period_sd=spread,
    )  # fmt: skip
    start = np.full(len(frame.areas), frame.start[0], dtype=np.int64)
    everybody = _open_end(replace(frame, n_treated=len(frame.areas), start=start, priors=priors))
    # A few dozen points carry the hyperparameters of one approximation; several of them smooth their chance.
    parts = [approximate(Task(write_design(everybody), NO_SAMPLER, seed + k)).draws for k in range(APPROXIMATIONS)]
    fit = Fit(xr.concat(parts, dim="draw"), 0, 0.0)
    drawn = fit.draws["mu0"].values[:, :, : len(frame.areas), : len(frame.periods)].astype(float)
    flat = drawn.reshape(-1, *drawn.shape[2:])
    place = np.random.default_rng(seed).choice(len(flat), size=n, replace=n > len(flat))
    return Futures(frame, everybody, fit, flat[place], place)


def _open_end(frame: Frame) -> Frame:
    """Say of the last period only that its count is some count: the posterior then reaches to the end and learns nothing."""
    low, high = frame.low.copy(), frame.high.copy()
    most = 4.0 * float(np.nanmax(np.where(frame.used, frame.high, np.nan))) + 20.0
    low[0, -1] = 0.0
    high[0, -1] = min(most, np.floor(frame.exposure[0, -1])) if frame.likelihood == "binomial" else most
    return replace(frame, low=low, high=high)


def draw_counts(futures: Futures, log_ratios: Array, rng: np.random.Generator) -> Array:
    """Counts of the periods to come, one set for each future, shape (future, area, period to come).

    Args:
        futures: from :func:`draw_futures`.
        log_ratios: effect in the treated areas, one for each future.
        rng: source of chance.
    """
    frame, ahead = futures.frame, futures.ahead
    mean = futures.mean[:, :, ahead].copy()
    mean[:, : frame.n_treated] *= np.exp(log_ratios)[:, None, None]
    cells = np.broadcast_to(ahead[None, :], frame.value.shape)
    if frame.likelihood == "binomial":
        mean = np.minimum(mean, frame.exposure[None][:, :, ahead])
    flat = mean.reshape(len(mean), -1)
    drawn = replicate(futures.everybody, futures.fit, flat, futures.place, cells, rng)
    return drawn.reshape(mean.shape).astype(float)


def deciding_end(futures: Futures, counts: Array, interval: float, seed: int, published: Published) -> float:
    """The end of the interval of the log rate ratio that decides, once these counts are known; a benefit if below 0.

    Signed so that better is lower. The model is refitted as an evaluator would: with the counts as they will be
    published.
    """
    frame, ahead = futures.frame, futures.ahead
    value, low, high = frame.value.copy(), frame.low.copy(), frame.high.copy()
    value[:, ahead], low[:, ahead], high[:, ahead] = as_published(counts, published)
    seen = replace(frame, value=value, low=low, high=high)
    fit = approximate(Task(write_design(seen), NO_SAMPLER, seed))
    if fit.draws.attrs["points"] < FEWEST_POINTS:
        fit = approximate(Task(write_design(seen), NO_SAMPLER, seed + 1_000_003))
    draws = estimate(seen, fit)[0].draws
    tail = (1.0 - interval) / 2.0
    end = np.quantile(np.log(draws), 1.0 - tail if futures.better < 0 else tail)
    return float(-futures.better * end)


def as_published(counts: Array, published: Published) -> tuple[Array, Array, Array]:
    """Value, low and high of counts once the publisher has suppressed and rounded them."""
    value, low, high = counts.copy(), counts.copy(), counts.copy()
    if published.rounded_to:
        step = published.rounded_to
        below, above = (step - 1) // 2, step // 2
        nearest = step * np.floor(counts / step + 0.5)
        low, high = np.maximum(nearest - above, 0.0), nearest + below
        value = np.where(low == high, counts, np.nan)
    if published.suppressed:
        first, last = published.suppressed
        small = (counts >= first) & (counts <= last)
        low, high = np.where(small, first, np.maximum(low, 0.0)), np.where(small, last, high)
        value = np.where(small, np.nan, value)
        if published.rounded_to:
            # A rounded count that is shown was too large to be suppressed.
            low = np.where(~small & (counts > last), np.maximum(low, last + 1), low)
    zero = (counts == 0) & (published.suppressed is None or published.suppressed[0] > 0)
    return np.where(zero, 0.0, value), np.where(zero, 0.0, low), np.where(zero, 0.0, high)


def foresee(
    history: Frame,
    follow_ups: Sequence[int],
    interval: float,
    seed: int,
    published: Published = Published(),
    refits: int = REFITS,
) -> list[Prospect]:
    """How well an effect could be seen after each of several follow-ups, in periods.

    Args:
        history: a frame whose periods are all before any start, treated areas first.
        follow_ups: periods after the start.
        interval: probability of the interval that decides.
        seed: of the futures.
        published: how the counts to come will be published.
        refits: from how many the metamodel is learned.

    Raises:
        FloatingPointError: the model cannot be fitted to this history.
        ValueError: the outcome is a score.
    """
    longest = draw_futures(history, max(follow_ups), DRAWN, seed)
    return [
        _foresee(shorten(longest, history, ahead), ahead, interval, seed, published, refits) for ahead in follow_ups
    ]


def shorten(futures: Futures, history: Frame, follow_up: int) -> Futures:
    """The same futures, looked at earlier."""
    frame = look_ahead(history, follow_up)
    everybody = replace(frame, n_treated=len(frame.areas), priors=futures.everybody.priors)
    return replace(futures, frame=frame, everybody=everybody, mean=futures.mean[:, :, : len(frame.periods)])


@dataclass(frozen=True)
class Metamodel:
    """Which end of the interval a refit would give, learned from some refits.

    Attributes:
        weights: of the columns of totals.
        spread: standard deviation of what the totals do not say.
        largest: the largest effect on which it was learned, as a log rate ratio without its sign.
    """

    weights: Array
    spread: float
    largest: float


def learn_ends(
    futures: Futures, interval: float, seed: int, published: Published, refits: int, rng: np.random.Generator
) -> Metamodel:
    """Refit some of the futures and learn from them.

    A third of the effects are spread evenly over the whole range and a little beyond; the others lie where the first
    third says that an effect is sometimes found and sometimes not, and count most: only there does the end decide.
    """
    quiet = _totals(futures, draw_counts(futures, np.zeros(len(futures.mean)), rng))
    largest = float(np.clip(6.0 * np.std(quiet[:, 1]), 0.15, 1.6))
    chosen = rng.choice(len(futures.mean), size=refits, replace=False)
    pilot = refits // 3
    sizes = rng.permutation(np.linspace(-0.1, 1.0, pilot)) * largest
    design, ends = _refit(futures, chosen[:pilot], sizes, interval, seed, published, rng)
    weights, _ = _regress(design, ends)
    usual = float(np.std(quiet @ weights))
    tried = np.linspace(0.0, largest, LEVELS)
    counts = (draw_counts(futures, np.full(len(futures.mean), futures.better * size), rng) for size in tried)
    middle = np.array([float(np.median(_totals(futures, drawn) @ weights)) for drawn in counts])
    near = tried[np.abs(middle) < 2.5 * usual]
    low, high = (float(near[0]), float(near[-1])) if near.size else (0.0, largest)
    sizes = rng.permutation(np.linspace(low, high, refits - pilot))
    more, further = _refit(futures, chosen[pilot:], sizes, interval, seed + pilot, published, rng)
    design, ends = np.concatenate([design, more]), np.concatenate([ends, further])
    importance = np.exp(-0.5 * (design @ weights / (1.5 * usual)) ** 2) + 0.02 if usual > 0 else np.ones(len(ends))
    return Metamodel(*_regress(design, ends, importance), largest)


def _refit(
    futures: Futures,
    some: NDArray[np.int64],
    sizes: Array,
    interval: float,
    seed: int,
    published: Published,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Totals and deciding ends of some futures, each with an effect of its own (without its sign)."""
    chosen = replace(futures, mean=futures.mean[some], place=futures.place[some])
    counts = draw_counts(chosen, futures.better * sizes, rng)
    ends = np.array([deciding_end(chosen, c, interval, seed + i, published) for i, c in enumerate(counts)])
    return _totals(chosen, counts), ends


def forecast_detection(metamodel: Metamodel, futures: Futures, counts: Array) -> Array:
    """Forecast probability that a refit finds a benefit, for each future's counts; shape (future,)."""
    ends = _totals(futures, counts) @ metamodel.weights
    return np.asarray(special.ndtr(-ends / max(metamodel.spread, 1e-6)))


def _foresee(
    futures: Futures, follow_up: int, interval: float, seed: int, published: Published, refits: int
) -> Prospect:
    rng = np.random.default_rng((seed, follow_up))
    metamodel = learn_ends(futures, interval, seed, published, refits, rng)
    levels = futures.better * np.linspace(0.0, metamodel.largest, LEVELS)
    power = []
    for level in levels:
        counts = draw_counts(futures, np.full(len(futures.mean), level), rng)
        power.append(float(np.mean(forecast_detection(metamodel, futures, counts))))
    expected = float(futures.mean[:, : futures.frame.n_treated][:, :, futures.ahead].sum(axis=(1, 2)).mean())
    monotone = np.maximum.accumulate(power)
    return Prospect(
        follow_up, futures.frame.n_treated_asked, expected, tuple(map(float, levels)), tuple(map(float, monotone))
    )


def _regress(design: Array, ends: Array, importance: Array | None = None) -> tuple[Array, float]:
    """Weighted least squares, and the spread around it; a refit whose approximation failed (far from all others) is left out."""
    root = np.sqrt(np.ones(len(ends)) if importance is None else importance)
    kept = np.ones(len(ends), dtype=bool)
    for _ in range(3):
        weights, *_ = np.linalg.lstsq(design[kept] * root[kept, None], ends[kept] * root[kept], rcond=None)
        away = np.abs(ends - design @ weights)
        usual = 1.4826 * float(np.median(away[kept]))
        # Far from where the end decides, the line may rightly miss.
        kept = (away <= max(4.0 * usual, 1e-9)) | (root < 0.5 * root.max())
    residual, share = (ends - design @ weights)[kept], root[kept] ** 2 / np.mean(root[kept] ** 2)
    return weights, float(np.sqrt(np.sum(share * residual**2) / max(kept.sum() - design.shape[1], 1)))


def _totals(futures: Futures, counts: Array) -> Array:
    """What the deciding end is regressed on, all against what was expected; shape (future, column).

    Log totals of treated and comparison areas; the treated areas' mean with the first periods counting most, because a
    drifting series says most of a step where it begins; and how far and how fast they wander, because an interval is
    wider where they do.
    """
    n = futures.frame.n_treated
    expected = futures.mean[:, :, futures.ahead].mean(axis=0, keepdims=True)
    early = np.exp(-np.arange(counts.shape[2]) / max(0.5 * futures.frame.per_year, 1.0))

    def departures(rows: slice) -> tuple[Array, Array, Array]:
        seen, usual = counts[:, rows].sum(axis=1), expected[:, rows].sum(axis=1)
        path = np.log(seen + 0.5) - np.log(usual + 0.5)
        return np.log(seen.sum(axis=1) + 0.5) - np.log(usual.sum(axis=1) + 0.5), path @ early / early.sum(), path

    treated, first, path = departures(slice(0, n))
    columns = [np.ones_like(treated), treated, treated**2, first]
    if path.shape[1] > 3:
        columns += [np.log(np.std(path, axis=1) + 0.02), np.log(np.std(np.diff(path, axis=1), axis=1) + 0.02)]
    if counts.shape[1] > n:
        others, others_first, _ = departures(slice(n, None))
        columns += [others, others * treated, others_first]
    return np.stack(columns, axis=1)


def simulate_power(
    history: Frame, follow_up: int, log_ratio: float, interval: float, seed: int, simulations: int,
    published: Published = Published(),
) -> float:  # fmt: skip
    """Share of simulated futures with this effect in which a refit finds a benefit; Monte Carlo error only."""
    futures = draw_futures(history, follow_up, simulations, seed)
    counts = draw_counts(futures, np.full(simulations, log_ratio), np.random.default_rng((seed, follow_up, 1)))
    found = [deciding_end(futures, c, interval, seed + i, published) < 0.0 for i, c in enumerate(counts)]
    return float(np.mean(found))
