"""What could be detected, before money is spent: futures drawn from the model of an area's own history.

The model is fitted to the history as it stands, with its future months unknown. What it expects of those months, given
one set of its own draws, is one possible future without the scheme; an effect is applied, counts are drawn around it,
and the model is refitted as an evaluator would refit it. Detection means what it means in a finding: the credible
interval lies wholly on the better side of no effect.

Refitting thousands of futures is not needed. The deciding end of the interval depends on the counts to come, as they
will be published, almost only through a few summaries: their totals, and the step that generalised least squares sees in
them. A regression of that end on these summaries, learned from ``REFITS`` refits over the whole range of effects,
stands in for the refit (a metamodel); power at any effect is then an average over thousands of drawn futures.
:func:`simulate_power` refits every future instead, and is what the forecast is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaluation.inference.frame import Frame
from evaluation.inference.futures import (
    Futures,
    Published,
    as_published,
    deciding_end,
    draw_counts,
    draw_futures,
    shorten,
)

Array = NDArray[np.float64]

REFITS = 160
DRAWN = 4000
LEVELS = 25


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


def foresee(
    history: Frame,
    follow_ups: Sequence[int],
    interval: float,
    seed: int,
    published: Published = Published(),
    refits: int = REFITS,
    pool: Executor | None = None,
) -> list[Prospect]:
    """How well an effect could be seen after each of several follow-ups, in periods.

    Args:
        history: a frame whose periods are all before any start, treated areas first.
        follow_ups: periods after the start.
        interval: probability of the interval that decides.
        seed: of the futures.
        published: how the counts to come will be published.
        refits: from how many the metamodel is learned.
        pool: processes that take a follow-up each; the answer does not depend on them.

    Raises:
        FloatingPointError: the model cannot be fitted to this history.
        ValueError: the outcome is a score.
    """
    longest = draw_futures(history, max(follow_ups), DRAWN, seed)
    asked = [(shorten(longest, history, ahead), ahead, interval, seed, published, refits) for ahead in follow_ups]
    if pool is None:
        return [_foresee(*one) for one in asked]
    waiting = [pool.submit(_foresee, *one) for one in asked]
    return [one.result() for one in waiting]


@dataclass(frozen=True)
class Quiet:
    """Futures without an effect, in logs against what was expected: treated areas' path, then the others'.

    Attributes:
        usual: what was expected, over all futures, shape (area, period to come). Every future is held against the same.
        centre: mean of the paths, shape (path,).
        precision: inverse of their covariance, shape (path, path): how wide and how smoothly the history's own model lets
            them wander.
    """

    usual: Array
    centre: Array
    precision: Array


@dataclass(frozen=True)
class Metamodel:
    """Which end of the interval a refit would give, learned from some refits.

    Attributes:
        published: how the counts will be published: a refit sees no more.
        quiet: futures without an effect.
        weights: of the columns of summaries.
        spread: standard deviation of what the summaries do not say.
        largest: the largest effect on which it was learned, as a log rate ratio without its sign.
    """

    published: Published
    quiet: Quiet
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
    counts = draw_counts(futures, np.zeros(len(futures.mean)), rng)
    quiet = _learn_quiet(futures, counts, published)
    nothing = _summarise(futures, counts, published, quiet)
    largest = float(np.clip(6.0 * np.std(nothing[:, 1]), 0.15, 1.6))
    chosen = rng.choice(len(futures.mean), size=refits, replace=False)
    pilot = refits // 3
    sizes = rng.permutation(np.linspace(-0.1, 1.0, pilot)) * largest
    design, ends = _refit(futures, chosen[:pilot], sizes, interval, seed, published, quiet, rng)
    weights, _ = _regress(design, ends)
    usual = float(np.std(nothing @ weights))
    tried = np.linspace(0.0, largest, LEVELS)
    drawn = (draw_counts(futures, np.full(len(futures.mean), futures.better * size), rng) for size in tried)
    middle = np.array([float(np.median(_summarise(futures, c, published, quiet) @ weights)) for c in drawn])
    near = tried[np.abs(middle) < 2.5 * usual]
    low, high = (float(near[0]), float(near[-1])) if near.size else (0.0, largest)
    sizes = rng.permutation(np.linspace(low, high, refits - pilot))
    more, further = _refit(futures, chosen[pilot:], sizes, interval, seed + pilot, published, quiet, rng)
    design, ends = np.concatenate([design, more]), np.concatenate([ends, further])
    importance = np.exp(-0.5 * (design @ weights / (1.5 * usual)) ** 2) + 0.02 if usual > 0 else np.ones(len(ends))
    weights, spread = _regress(design, ends, importance)
    return Metamodel(published, quiet, weights, spread, largest)


def _refit(
    futures: Futures,
    some: NDArray[np.int64],
    sizes: Array,
    interval: float,
    seed: int,
    published: Published,
    quiet: Quiet,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Summaries and deciding ends of some futures, each with an effect of its own (without its sign)."""
    chosen = replace(futures, mean=futures.mean[some], place=futures.place[some])
    counts = draw_counts(chosen, futures.better * sizes, rng)
    ends = np.array([deciding_end(chosen, c, interval, seed + i, published) for i, c in enumerate(counts)])
    return _summarise(chosen, counts, published, quiet), ends


def forecast_detection(metamodel: Metamodel, futures: Futures, counts: Array) -> Array:
    """Forecast probability that a refit finds a benefit, for each future's counts; shape (future,)."""
    ends = _summarise(futures, counts, metamodel.published, metamodel.quiet) @ metamodel.weights
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


def _learn_quiet(futures: Futures, counts: Array, published: Published) -> Quiet:
    """How the treated areas' path and the others' wander together when nothing is done."""
    usual = futures.mean[:, :, futures.ahead].mean(axis=0)
    paths = _paths(_middle(counts, published), usual, futures.frame.n_treated)
    covariance = np.atleast_2d(np.cov(paths, rowvar=False))
    # A path that never moves (all counts suppressed alike) would have no inverse.
    ridge = 1e-6 * max(float(np.mean(np.diag(covariance))), 1e-6)
    return Quiet(usual, paths.mean(axis=0), np.linalg.inv(covariance + ridge * np.eye(len(covariance))))


def _summarise(futures: Futures, counts: Array, published: Published, quiet: Quiet) -> Array:
    """What the deciding end is regressed on; shape (future, column), the first column being 1.

    All from the counts as they will be published, in logs against what was expected. Totals of treated and comparison
    areas. The step in the treated areas' path by generalised least squares, under the covariance that quiet futures have:
    a drifting series says most of a step where it begins, and what the comparison areas do tells what was coming. How far
    the paths lie from that step, how far and how fast the treated path wanders, and how much of it is suppressed: an interval
    is wider where they do.
    """
    n, ahead = futures.frame.n_treated, counts.shape[2]
    seen, usual = _middle(counts, published), quiet.usual
    early = np.exp(-np.arange(ahead) / max(0.5 * futures.frame.per_year, 1.0))

    def total(rows: slice) -> Array:
        return np.asarray(np.log(seen[:, rows].sum(axis=(1, 2)) + 0.5) - np.log(usual[rows].sum() + 0.5))

    paths = _paths(seen, usual, n)
    away = paths - quiet.centre
    here = np.zeros(paths.shape[1])
    here[:ahead] = 1.0
    step = away @ (quiet.precision @ here) / (here @ quiet.precision @ here)
    rest = away - step[:, None] * here
    distance = np.einsum("ij,jk,ik->i", rest, quiet.precision, rest) / paths.shape[1]
    treated, path = total(slice(0, n)), paths[:, :ahead]
    columns = [np.ones_like(treated), treated, treated**2, step, path @ early / early.sum(), np.log(distance + 0.02)]
    if ahead > 3:
        columns += [np.log(np.std(path, axis=1) + 0.02), np.log(np.std(np.diff(path, axis=1), axis=1) + 0.02)]
    if published.suppressed:
        low, high = published.suppressed
        columns.append(np.mean((counts[:, :n] >= low) & (counts[:, :n] <= high), axis=(1, 2)))
    if counts.shape[1] > n:
        others, others_path = total(slice(n, None)), paths[:, ahead:]
        columns += [others, others * treated, others_path @ early / early.sum()]
    return np.stack(columns, axis=1)


def _paths(seen: Array, usual: Array, n: int) -> Array:
    """Log departures of the ``n`` treated areas' sum from what was expected, then of the others'; shape (future, path)."""
    groups = [slice(0, n), slice(n, None)] if seen.shape[1] > n else [slice(0, n)]
    return np.concatenate(
        [np.log(seen[:, rows].sum(axis=1) + 0.5) - np.log(usual[rows].sum(axis=0) + 0.5) for rows in groups], axis=1
    )


def _middle(counts: Array, published: Published) -> Array:
    """Counts as a reader of what is published would take them: the middle of what each may be."""
    _, low, high = as_published(counts, published)
    return np.asarray((low + high) / 2.0)


def simulate_power(
    history: Frame, follow_up: int, log_ratio: float, interval: float, seed: int, simulations: int,
    published: Published = Published(),
) -> float:  # fmt: skip
    """Share of simulated futures with this effect in which a refit finds a benefit; Monte Carlo error only."""
    futures = draw_futures(history, follow_up, simulations, seed)
    counts = draw_counts(futures, np.full(simulations, log_ratio), np.random.default_rng((seed, follow_up, 1)))
    found = [deciding_end(futures, c, interval, seed + i, published) < 0.0 for i, c in enumerate(counts)]
    return float(np.mean(found))
