"""The question as arrays: which areas, which periods, who is treated from when, and what may be learned from.

A :class:`Frame` is the plan and the panel brought together, unpadded and in the plan's own order (treated areas
first). Checks ask another question of the same data by replacing a field of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from evaluation.protocol import (
    Indicator,
    Plan,
    Review,
    comparison_areas,
    indicator_roles,
    likelihood_for,
    meaningful_effect,
    periods_per_year,
    to_last_period,
    to_period,
)
from evaluation.protocol.period import period_label


@dataclass(frozen=True)
class Priors:
    """Scales of the priors, on the link scale (log for counts, logit for proportions, units for scores).

    Attributes:
        effect_mean, effect_sd: of the effect (log rate ratio; a difference for scores).
        slope_sd: of the effect's change per year (`level_and_slope`).
        trend_mean, trend_sd: of the linear trend per year (ITS); trend_sd: of the areas' drifts (DiD).
        level_sd: of an area's level around its crude rate before the start.
        season_sd: of each annual harmonic.
        period_sd: of each free period effect (DiD).
        noise_median, noise_log_sd: log-normal prior of every noise term's standard deviation.
        cohort_spread, cell_spread: half-normal scale of how far cohorts, and event times, differ in effect.
    """

    effect_mean: float = 0.0
    effect_sd: float = 0.25
    slope_sd: float = 0.25
    trend_mean: float = 0.0
    trend_sd: float = 0.2
    level_sd: float = 1.0
    season_sd: float = 0.3
    period_sd: float = 0.5
    noise_median: float = 0.08
    noise_log_sd: float = 0.7
    cohort_spread: float = 0.1
    cell_spread: float = 0.1


@dataclass(frozen=True)
class Frame:
    """One plan and one indicator, ready to be asked.

    Arrays have shape (area, time), treated areas first. ``start`` holds each area's first treated period as a
    position in ``periods``, or ``len(periods)`` for an area that is never treated; ``washout`` the number of
    periods from there in which the effect is not counted.

    Attributes:
        used: cells which may enter the likelihood (not excluded, not washed out, comparable).
        notes: what was decided on the way that a reader must know.
        scale: standard deviation by which scores were divided, 1 for counts.
        members: the treated areas behind the first row, where they were summed into one series.
        hidden: cells with a suppressed count behind them, where areas were summed.
        set_aside: cells that only a window excluded by the plan keeps out of use.
    """

    plan: str
    indicator: str
    role: str
    design: str
    likelihood: str
    direction: str
    meaningful: float | None
    frequency: str
    per_year: float
    areas: list[str]
    n_treated: int
    periods: list[str]
    start: NDArray[np.int64]
    washout: int
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    exposure: NDArray[np.float64]
    used: NDArray[np.bool_]
    shape: str
    ramp_periods: int
    leads: bool
    trend: bool
    seasonal: bool
    autocorrelation: bool
    priors: Priors
    scale: float = 1.0
    notes: list[str] = field(default_factory=list)
    members: tuple[str, ...] = ()
    hidden: NDArray[np.bool_] | None = None
    set_aside: NDArray[np.bool_] | None = None

    @property
    def n_areas_asked(self) -> int:
        """Number of areas the plan speaks of, summed or not."""
        return len(self.areas) + max(len(self.members) - 1, 0)

    @property
    def n_treated_asked(self) -> int:
        """Number of treated areas the plan speaks of, summed or not."""
        return self.n_treated + max(len(self.members) - 1, 0)

    @property
    def event_time(self) -> NDArray[np.int64]:
        """Periods since each area's start, shape (area, time); meaningless for areas never treated."""
        return np.arange(len(self.periods))[None, :] - self.start[:, None]

    @property
    def post(self) -> NDArray[np.bool_]:
        """Cells from the start on, washout included, shape (area, time)."""
        return self.event_time >= 0

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Cells whose outcome is known, exactly or as an interval, shape (area, time)."""
        return np.isfinite(self.low)

    @property
    def suppressed(self) -> NDArray[np.bool_]:
        """Cells whose count was withheld because it was small, here or in one of the areas summed into a row."""
        if self.hidden is not None:
            return self.hidden
        return self.observed & ~np.isfinite(self.value) & (self.low <= 1)

    @property
    def evaluated(self) -> NDArray[np.bool_]:
        """Treated cells over which the effect is summed: observed, in use, after the washout."""
        return self.post & (self.event_time >= self.washout) & self.used & self.observed


def frame_plan(review: Review, plan: Plan, indicator_key: str, panel: xr.Dataset) -> Frame:
    """Bring a plan and a panel together.

    Args:
        review: the review the plan belongs to.
        plan: checked against the data (see ``evidence.coverage``).
        indicator_key: one of the plan's indicators.
        panel: from ``build_panel``.

    Raises:
        ValueError: if nothing is left to evaluate, with the reason in the reader's terms.
    """
    indicator = review.indicators[indicator_key]
    frequency, anchor = panel.attrs["frequency"], panel.attrs["week_anchor"]
    have = [str(code) for code in panel.area.values]
    treated = [code for code in plan.treated if code in have]
    if not treated:
        raise ValueError(f"None of the treated areas has data for {indicator.title}.")
    comparison = comparison_areas(plan, review.areas, have) if plan.design == "did" or plan.comparison else []
    notes = [f"No data for treated area {code}." for code in plan.treated if code not in have]
    whole = panel.sel(area=treated + comparison)
    periods = [str(label) for label in whole.time.values]
    position = {label: i for i, label in enumerate(periods)}
    first = _clamp(period_label(to_period(plan.period.start, frequency, anchor)), periods)
    last = _clamp(period_label(to_last_period(plan.period.end, frequency, anchor)), periods)
    window = slice(position[first], position[last] + 1)
    whole = whole.isel(time=window)
    periods = periods[window]
    position = {label: i for i, label in enumerate(periods)}

    n_areas, n_periods = len(treated) + len(comparison), len(periods)
    start = np.full(n_areas, n_periods, dtype=np.int64)
    for row, code in enumerate(treated):
        label = period_label(to_period(plan.treated[code], frequency, anchor))
        if label not in position:
            raise ValueError(f"{code} starts in {label}, outside the evaluated period {periods[0]} to {periods[-1]}.")
        start[row] = position[label]

    likelihood = likelihood_for(plan, indicator)
    exposure = whole["exposure"].values.astype(float)
    value, low, high = (whole[name].values.astype(float) for name in ("value", "low", "high"))
    if likelihood == "normal":
        # A withheld or rounded score has no interval that the normal likelihood could use: it is missing, and is said to be.
        low, high = value.copy(), value.copy()
    used = np.ones((n_areas, n_periods), dtype=bool)
    excluded = np.zeros(n_periods, dtype=bool)
    for span in plan.period.exclude:
        begin = period_label(to_period(span.from_, frequency, anchor))
        end = period_label(to_last_period(span.to, frequency, anchor))
        inside = np.array([begin <= label <= end for label in periods])
        excluded |= inside
        notes.append(f"{int(inside.sum())} periods from {begin} to {end} are left out: {span.because}.")
    event_time = np.arange(n_periods)[None, :] - start[:, None]
    used &= ~((event_time >= 0) & (event_time < plan.period.washout))
    if likelihood != "normal":
        used &= np.isfinite(exposure) & (exposure > 0)
    set_aside = used & excluded[None, :]
    used &= ~excluded[None, :]
    frame = Frame(
        plan=plan.id,
        indicator=indicator_key,
        role=indicator_roles(plan)[indicator_key],
        design=plan.design,
        likelihood=likelihood,
        direction=indicator.direction,
        meaningful=meaningful_effect(plan, indicator),
        frequency=frequency,
        per_year=periods_per_year(frequency),
        areas=treated + comparison,
        n_treated=len(treated),
        periods=periods,
        start=start,
        washout=plan.period.washout,
        value=value,
        low=low,
        high=high,
        exposure=exposure,
        used=used,
        shape=plan.effect.shape,
        ramp_periods=plan.effect.ramp_periods or max(1, round(periods_per_year(frequency) / 2)),
        leads=plan.effect.leads and plan.design == "did",
        trend=(plan.model.trend or ("linear" if plan.design == "its" else "none")) == "linear",
        seasonal=plan.model.seasonality != "none" and frequency != "year",
        autocorrelation=plan.model.autocorrelation == "ar1",
        priors=Priors(),
        notes=notes,
        set_aside=set_aside,
    )
    frame = _sum_areas(_keep_comparable(frame))
    frame = standardise(frame) if likelihood == "normal" else frame
    frame = _with_declared_priors(frame, plan, indicator)
    if not frame.evaluated.any():
        raise ValueError(f"No observed period after the start is left for {indicator.title}.")
    before = frame.observed & frame.used & ~frame.post
    if not before[: frame.n_treated].any():
        raise ValueError(f"No observed period before the start is left for {indicator.title}.")
    return frame


def _clamp(label: str, periods: list[str]) -> str:
    """The label itself, or the nearest end of the data where the plan asks for more than there is."""
    return min(max(label, periods[0]), periods[-1])


def _keep_comparable(frame: Frame) -> Frame:
    """In a DiD, set aside periods in which no observed area is still untreated: nothing there shows the counterfactual."""
    if frame.design != "did":
        return frame
    usable = frame.used & frame.observed
    comparable = (usable & ~frame.post).any(axis=0)
    lost = (usable & frame.post).any(axis=0) & ~comparable
    if not lost.any():
        return frame
    labels = [label for label, gone in zip(frame.periods, lost, strict=True) if gone]
    note = f"{len(labels)} periods from {labels[0]} are left out: every area had been treated, so nothing could be compared."
    return replace(frame, used=frame.used & comparable[None, :], notes=[*frame.notes, note])


def _sum_areas(frame: Frame) -> Frame:
    """In an ITS, sum areas that start together into one series, unless missing cells would cost many periods.

    Their rate ratio is one number for all of them, and the total holds what the data say of it; paths of their own
    would be drawn at great cost only to be summed again. Intervals add: low with low, high with high.
    """
    together = frame.design == "its" and len(frame.areas) > 1 and len(set(frame.start.tolist())) == 1
    if not together or frame.likelihood == "normal":
        return frame
    known = (frame.observed & frame.used).all(axis=0)
    partly = (frame.observed & frame.used).any(axis=0) & ~known
    if partly.sum() > 0.1 * (known.sum() + partly.sum()):
        return frame
    notes = list(frame.notes)
    if partly.any():
        notes.append(f"{int(partly.sum())} periods are left out because one of the areas has no count there.")

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(known, values.sum(axis=0), np.nan)[None, :]

    return replace(
        frame,
        areas=[" + ".join(frame.areas)],
        members=tuple(frame.areas),
        hidden=frame.suppressed.any(axis=0)[None, :],
        n_treated=1,
        start=frame.start[:1],
        value=total(frame.value),
        low=total(frame.low),
        high=total(frame.high),
        exposure=total(frame.exposure),
        used=frame.used.all(axis=0)[None, :],
        set_aside=None if frame.set_aside is None else frame.set_aside.all(axis=0)[None, :],
        notes=notes,
    )


def standardise(frame: Frame) -> Frame:
    """Divide scores by their standard deviation within areas, so that default priors suit any unit."""
    seen = np.where(frame.used, frame.value, np.nan)
    within = seen - np.nanmean(seen, axis=1, keepdims=True)
    scale = float(np.nanstd(within)) or 1.0
    priors = Priors(
        effect_sd=1.0, slope_sd=1.0, trend_sd=1.0, level_sd=3.0, season_sd=1.0, period_sd=2.0,
        noise_median=0.7, noise_log_sd=1.0, cohort_spread=0.5, cell_spread=0.5,
    )  # fmt: skip
    parts = {name: getattr(frame, name) / scale for name in ("value", "low", "high")}
    return replace(frame, scale=scale, priors=priors, **parts)


def _with_declared_priors(frame: Frame, plan: Plan, indicator: Indicator) -> Frame:
    """Replace default scales by the plan's; a score's priors are declared in its own units.

    The plan's effect prior speaks of the primary indicator's effect and is used for all.
    """
    changes: dict[str, float] = {}
    for name, prior in plan.priors.items():
        mean, sd = prior.normal if prior.normal is not None else (0.0, float(prior.half_normal or 0.0))
        if name == "effect":
            changes |= {"effect_mean": mean / frame.scale, "effect_sd": sd / frame.scale}
        elif name == "trend":
            changes |= {"trend_mean": mean / frame.scale, "trend_sd": sd / frame.scale}
        elif name == "noise":
            # The median of a half-normal is 0.674 of its scale.
            changes["noise_median"] = 0.674 * sd / frame.scale
        else:
            changes[f"{name}_sd"] = sd / frame.scale
    return replace(frame, priors=replace(frame.priors, **changes)) if changes else frame


def neutral_value(frame: Frame) -> float:
    """The value of the headline estimand that means no effect."""
    return 0.0 if frame.likelihood == "normal" else 1.0


def meaningful_bounds(frame: Frame) -> tuple[float, float] | None:
    """The smallest fall and the smallest rise worth acting on, symmetric about no effect; None if not declared."""
    if frame.meaningful is None:
        return None
    if frame.likelihood == "normal":
        return -abs(frame.meaningful), abs(frame.meaningful)
    return min(frame.meaningful, 1 / frame.meaningful), max(frame.meaningful, 1 / frame.meaningful)
