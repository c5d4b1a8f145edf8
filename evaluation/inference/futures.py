"""Possible futures of a history, drawn from its own model, and what an evaluator would make of one.

The model is fitted to the history as it stands, with its future months unknown. What it expects of those months, given
one set of its own draws, is one possible future without the scheme; an effect is applied, counts are drawn around it,
published as they would be, and the model is refitted as an evaluator would refit it. See :mod:`evaluation.inference.power`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

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
APPROXIMATIONS = 8
FEWEST_POINTS = 16.0
NEARLY_NOTHING = 1e-4


@dataclass(frozen=True)
class Published:
    """How counts to come will be published: a small one only as a range, others rounded; None where neither is done."""

    suppressed: tuple[float, float] | None = None
    rounded_to: int | None = None


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


def shorten(futures: Futures, history: Frame, follow_up: int) -> Futures:
    """The same futures, looked at earlier."""
    frame = look_ahead(history, follow_up)
    everybody = replace(frame, n_treated=len(frame.areas), priors=futures.everybody.priors)
    return replace(futures, frame=frame, everybody=everybody, mean=futures.mean[:, :, : len(frame.periods)])
