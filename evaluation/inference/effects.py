"""What the draws say about the effect: sum over cells first, contrast within the draw, summarise last.

Everything here is a function of the draws of ``mu`` (expected under the treatment received) and ``mu0`` (expected
under none) over (chain, draw, area, time) of the treated areas, whichever model they come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from evaluation.inference.engine import Fit
from evaluation.inference.frame import Frame

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """Mean, median and equal-tailed interval of one quantity."""

    mean: float
    median: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Estimand:
    """One reported quantity with its draws, shape (chain, draw).

    Attributes:
        name: rate_ratio, percent_change, difference, events_averted, by_event_time, by_cohort, by_cohort_period.
        cohort, event_time, period: which part of the treated cells, where it is a part.
    """

    name: str
    draws: Draws
    cohort: str = ""
    event_time: int | None = None
    period: str = ""


@dataclass(frozen=True)
class Diagnostics:
    """Convergence of the reported quantities (Vehtari et al. 2021) and the sampler's divergences."""

    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    n_draws: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every reported quantity may be shown."""
        return not self.reasons


def summarise(draws: Draws, interval: float) -> Summary:
    """Mean, median and equal-tailed interval over all draws."""
    tail = (1.0 - interval) / 2.0
    lower, median, upper = np.quantile(draws, [tail, 0.5, 1.0 - tail])
    return Summary(float(np.mean(draws)), float(median), float(lower), float(upper))


def prob_below(draws: Draws, threshold: float) -> float:
    """Share of the draws below a threshold."""
    return float(np.mean(draws < threshold))


def expectations(frame: Frame, fit: Fit) -> tuple[Draws, Draws]:
    """Draws of ``mu`` and ``mu0``, shape (chain, draw, treated area, time), in the outcome's own units."""
    rows, columns = frame.n_treated, len(frame.periods)
    return tuple(  # type: ignore[return-value]
        fit.draws[name].values[:, :, :rows, :columns].astype(float) * frame.scale for name in ("mu", "mu0")
    )


def estimate(frame: Frame, fit: Fit) -> list[Estimand]:
    """Every reported quantity: overall, by event time, by cohort, by cohort and period."""
    mu, mu0 = expectations(frame, fit)
    cells = frame.evaluated[: frame.n_treated]
    found = list(_overall(frame, mu, mu0, cells))
    event_time = frame.event_time[: frame.n_treated]
    start = frame.start[: frame.n_treated]
    shown = cells | (_lead_cells(frame) if frame.leads else False)
    for k in np.unique(event_time[shown]):
        part = shown & (event_time == k)
        found.append(Estimand("by_event_time", _contrast(frame, mu, mu0, part), event_time=int(k)))
    cohorts = np.unique(start)
    for first in cohorts:
        rows = (start == first)[:, None]
        label = frame.periods[first]
        if (cells & rows).any() and len(cohorts) > 1:
            found.append(Estimand("by_cohort", _contrast(frame, mu, mu0, cells & rows), cohort=label))
        if frame.shape == "per_period" or frame.leads:
            for t in np.flatnonzero((shown & rows).any(axis=0)):
                part = shown & rows & (np.arange(len(frame.periods)) == t)[None, :]
                draws = _contrast(frame, mu, mu0, part)
                found.append(Estimand("by_cohort_period", draws, label, int(t - first), frame.periods[t]))
    return found


def _overall(frame: Frame, mu: Draws, mu0: Draws, cells: NDArray[np.bool_]) -> Iterator[Estimand]:
    contrast = _contrast(frame, mu, mu0, cells)
    if frame.likelihood == "normal":
        yield Estimand("difference", contrast)
        return
    yield Estimand("rate_ratio", contrast)
    yield Estimand("percent_change", 100.0 * (contrast - 1.0))
    yield Estimand("events_averted", _total(mu0, cells) - _total(mu, cells))


def _lead_cells(frame: Frame) -> NDArray[np.bool_]:
    rows = slice(0, frame.n_treated)
    return (frame.event_time[rows] < -1) & frame.used[rows] & frame.observed[rows]


def _total(mu: Draws, cells: NDArray[np.bool_]) -> Draws:
    return mu[:, :, cells].sum(axis=-1)


def _contrast(frame: Frame, mu: Draws, mu0: Draws, cells: NDArray[np.bool_]) -> Draws:
    """Ratio of summed expectations; for scores the difference of their means."""
    if frame.likelihood == "normal":
        return (_total(mu, cells) - _total(mu0, cells)) / int(cells.sum())
    return _total(mu, cells) / _total(mu0, cells)


def diagnose(estimands: list[Estimand], divergences: int, *, strict: bool) -> Diagnostics:
    """The computation gate over every reported quantity.

    Args:
        estimands: from :func:`estimate`.
        divergences: of the fit.
        strict: publish profile: R-hat <= 1.01, bulk and tail ESS >= 400, divergences at most 1 in 1000 draws.
            A draft reports the figures and gates nothing but draws that are not numbers or never moved.
    """
    import arviz_stats as az

    quantities = [e for e in estimands if e.name != "percent_change"]
    # A part may have no spread (a ratio fixed at 1); it has nothing to converge.
    stacked = [e.draws for e in quantities if np.ptp(e.draws) != 0]
    if not stacked or not all(np.isfinite(draws).all() for draws in stacked):
        reason = "a reported quantity is not a number in some draws" if stacked else "no draw differs from another"
        return Diagnostics(float("nan"), 0.0, 0.0, divergences, quantities[0].draws.size, [reason])
    data = xr.DataArray(np.stack(stacked), dims=("quantity", "chain", "draw"))
    n_draws = int(quantities[0].draws.size)
    # numpy's extremes, which keep a NaN; the labelled array's own would lose it.
    rhat = float(np.max(az.rhat(data).values))
    bulk, tail = (float(np.min(az.ess(data, method=method).values)) for method in ("bulk", "tail"))
    reasons = []
    if strict:
        if not rhat <= 1.01:
            reasons.append(f"R-hat of a reported quantity is {rhat:.3f} (at most 1.01)")
        if not min(bulk, tail) >= 400:
            reasons.append(f"effective sample size of a reported quantity is {min(bulk, tail):.0f} (at least 400)")
        if divergences > n_draws / 1000:
            reasons.append(f"{divergences} of {n_draws} draws diverged")
    return Diagnostics(rhat, bulk, tail, divergences, n_draws, reasons)


def tabulate(frame: Frame, estimands: list[Estimand], interval: float) -> pd.DataFrame:
    """``effects.csv``: one row for each reported quantity."""
    rows = []
    for estimand in estimands:
        summary = summarise(estimand.draws, interval)
        rows.append(
            {
                "plan": frame.plan,
                "indicator": frame.indicator,
                "estimand": estimand.name,
                "cohort": estimand.cohort,
                "event_time": estimand.event_time,
                "period": estimand.period,
                "mean": summary.mean,
                "median": summary.median,
                "lower": summary.lower,
                "upper": summary.upper,
                "prob_benefit": prob_of_benefit(frame, estimand),
            }
        )
    return pd.DataFrame(rows).astype({"event_time": "Int64"})


def prob_of_benefit(frame: Frame, estimand: Estimand) -> float:
    """Probability that the quantity lies on the better side of no effect."""
    neutral = (
        0.0
        if estimand.name in ("difference", "percent_change", "events_averted") or frame.likelihood == "normal"
        else 1.0
    )
    below = prob_below(estimand.draws, neutral)
    fewer_is_below = estimand.name != "events_averted"
    return below if fewer_is_below == (frame.direction == "lower_is_better") else 1.0 - below


def draw_series(frame: Frame, fit: Fit, interval: float) -> xr.Dataset:
    """Observed, expected and counterfactual totals of the treated areas over time, for figures.

    Variables over time: ``observed`` (NaN where any treated area's cell is missing or only known as an interval),
    ``mu``/``mu0`` with ``_lower`` and ``_upper``, cumulative ``averted`` with bounds, ``used``, ``post``.
    Scores are averaged over areas instead of summed.
    """
    mu, mu0 = expectations(frame, fit)
    rows = slice(0, frame.n_treated)
    combine = np.mean if frame.likelihood == "normal" else np.sum
    tail = (1.0 - interval) / 2.0
    levels = [tail, 1.0 - tail]
    out: dict[str, tuple[str, NDArray]] = {}
    for name, draws in (("mu", mu), ("mu0", mu0)):
        total = combine(draws, axis=2)
        lower, upper = np.quantile(total, levels, axis=(0, 1))
        out |= {
            name: ("time", total.mean(axis=(0, 1))),
            f"{name}_lower": ("time", lower),
            f"{name}_upper": ("time", upper),
        }
    cells = frame.evaluated[rows]
    averted = np.cumsum(np.where(cells, mu0 - mu, 0.0).sum(axis=2), axis=-1)
    lower, median, upper = np.quantile(averted, [tail, 0.5, 1.0 - tail], axis=(0, 1))
    before = np.arange(len(frame.periods)) < int(frame.start[rows].min())
    totals = {"mean": averted.mean(axis=(0, 1)), "median": median, "lower": lower, "upper": upper}
    for name, values in totals.items():
        out[f"averted_{name}"] = ("time", np.where(before, np.nan, values))
    out["observed"] = ("time", combine(frame.value[rows], axis=0) * frame.scale)
    out["used"] = ("time", frame.used[rows].any(axis=0))
    out["post"] = ("time", frame.post[rows].any(axis=0))
    series = xr.Dataset(out, coords={"time": np.asarray(frame.periods, dtype=str)})
    return series.assign_attrs(first_start=frame.periods[int(frame.start[rows].min())], likelihood=frame.likelihood)
