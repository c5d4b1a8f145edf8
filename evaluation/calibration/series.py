"""Made-up panels whose true effect is known: what the intervals are tried on.

The generator is not the model. Counts are Poisson around a latent log-rate that wanders as an AR(1) path (the model
has overdispersion besides), the season is a plain sine, and comparison areas differ in level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.inference.frame import Frame, Priors, standardise

Array = NDArray[np.float64]

LOG_EFFECT = float(np.log(0.8))
SCORE_EFFECT = -0.8
TRIALS = 200
SUPPRESSED = (1, 7)


@dataclass(frozen=True)
class Setting:
    """One cell of a coverage table.

    Attributes:
        design, likelihood, shape: of the model.
        n_areas, n_treated: areas; in an ITS the areas that are not treated are control series.
        before, after: months before and after the (first) start.
        mean: events a month in an average area; for proportions, successes out of 200 trials.
        rho, sd: of each area's AR(1) departure on the link scale (for scores: of the errors, sd in score units).
        staggered: treated areas start in three waves, and effects differ by wave and build up over months.
        hidden: counts 1 to 7 are suppressed and the others rounded to 5.
        drift: of the treated areas from the others, per year on the link scale, before and after (a false trend).
    """

    design: Literal["its", "did"]
    likelihood: Literal["negative_binomial", "poisson", "binomial", "normal"] = "negative_binomial"
    shape: str = "step"
    n_areas: int = 1
    n_treated: int = 1
    before: int = 60
    after: int = 24
    mean: float = 50.0
    rho: float = 0.0
    sd: float = 0.15
    staggered: bool = False
    hidden: bool = False
    drift: float = 0.0


@dataclass(frozen=True)
class Series:
    """One made-up panel.

    Attributes:
        frame: what an evaluator would see.
        truth: the true rate ratio over the evaluated cells (for scores, the true difference).
        complete: the frame before any count was hidden.
        null: whether there was no effect at all.
    """

    frame: Frame
    truth: float
    complete: Frame
    null: bool


def make_series(setting: Setting, seed: int) -> Series:
    """A panel with no effect (even seeds) or one of 20% (odd seeds; 0.8 of an error's sd for scores)."""
    rng = np.random.default_rng((seed, 20261121))
    n_periods = setting.before + setting.after
    months = np.arange(n_periods)
    shape = (setting.n_areas, n_periods)
    start = np.full(setting.n_areas, n_periods)
    waves = np.zeros(setting.n_areas, dtype=int)
    start[: setting.n_treated] = setting.before
    if setting.staggered:
        waves[: setting.n_treated] = np.arange(setting.n_treated) % 3
        start[: setting.n_treated] += waves[: setting.n_treated] * (setting.after // 4)
    event_time = months[None, :] - start[:, None]
    null = seed % 2 == 0
    effect = np.zeros(shape)
    if not null:
        size = SCORE_EFFECT if setting.likelihood == "normal" else LOG_EFFECT
        effect = np.where(event_time >= 0, size, 0.0)
        if setting.staggered:
            effect *= np.array([1.4, 1.0, 0.6])[waves][:, None] * (1.0 - 0.5 * np.exp(-np.maximum(event_time, 0) / 6.0))
        if setting.shape == "level_and_slope":
            effect *= 0.5 + 0.5 * np.maximum(event_time, 0) / 12.0
    scores = setting.likelihood == "normal"
    link = 0.1 * np.sin(2 * np.pi * months / 12)[None, :] + np.zeros(shape)
    if setting.n_areas > 1:
        link += rng.normal(0.0, 0.3, size=(setting.n_areas, 1)) + ar1(rng, (1, n_periods), 0.7, 0.1)
    link += ar1(rng, shape, setting.rho, 1.0 if scores else setting.sd)
    link[: setting.n_treated] += setting.drift * (months - setting.before) / 12.0
    value, mu, mu0, exposure = _observe(setting, rng, link, effect)
    complete = _frame(setting, value, exposure, start)
    cells = complete.evaluated
    truth = float((mu - mu0)[cells].mean()) if scores else float(mu[cells].sum() / mu0[cells].sum())
    frame = hide(complete) if setting.hidden else complete
    if scores:
        frame = complete = standardise(frame)
    return Series(frame, truth, complete, null)


def _observe(
    setting: Setting, rng: np.random.Generator, link: Array, effect: Array
) -> tuple[Array, Array, Array, Array]:
    ones = np.ones(link.shape)
    if setting.likelihood == "normal":
        return 10.0 + link + effect, link + effect, link, ones
    if setting.likelihood == "binomial":
        base = np.log(setting.mean / (TRIALS - setting.mean))
        mu, mu0 = (TRIALS / (1.0 + np.exp(-(base + eta))) for eta in (link + effect, link))
        return rng.binomial(TRIALS, mu / TRIALS).astype(float), mu, mu0, TRIALS * ones
    mu, mu0 = (setting.mean * np.exp(eta) for eta in (link + effect, link))
    return rng.poisson(mu).astype(float), mu, mu0, ones


def _frame(setting: Setting, value: Array, exposure: Array, start: NDArray[np.int64]) -> Frame:
    n_areas, n_periods = value.shape
    return Frame(
        plan="calibration", indicator="made_up", role="primary", design=setting.design, likelihood=setting.likelihood,
        direction="lower_is_better", meaningful=0.3 if setting.likelihood == "normal" else 0.95, frequency="month",
        per_year=12.0, areas=[f"A{i + 1:02d}" for i in range(n_areas)], n_treated=setting.n_treated,
        periods=[f"{2015 + m // 12}-{m % 12 + 1:02d}" for m in range(n_periods)], start=start, washout=0,
        value=value, low=value.copy(), high=value.copy(), exposure=exposure, used=np.ones(value.shape, dtype=bool),
        shape=setting.shape, ramp_periods=6, leads=False, trend=setting.design == "its", seasonal=True,
        autocorrelation=True, priors=Priors(),
    )  # fmt: skip


def hide(frame: Frame) -> Frame:
    """The frame as a health body would publish it: counts 1 to 7 withheld, the others rounded to 5."""
    small = (frame.value >= SUPPRESSED[0]) & (frame.value <= SUPPRESSED[1])
    rounded = 5.0 * np.round(frame.value / 5.0)
    zero = frame.value == 0
    low = np.where(small, SUPPRESSED[0], np.where(zero, 0.0, np.maximum(rounded - 2, SUPPRESSED[1] + 1)))
    high = np.where(small, SUPPRESSED[1], np.where(zero, 0.0, rounded + 2))
    return replace(frame, value=np.where(zero, 0.0, np.nan), low=low, high=high)


def fill_with_zero(series: Series) -> Frame:
    """What is often done instead: suppressed counts entered as 0, rounded counts as exact."""
    small = (series.complete.value >= SUPPRESSED[0]) & (series.complete.value <= SUPPRESSED[1])
    value = np.where(small, 0.0, 5.0 * np.round(series.complete.value / 5.0))
    return replace(series.complete, value=value, low=value.copy(), high=value.copy())


def drop_suppressed(series: Series) -> Frame:
    """What is often done instead: suppressed counts left out, rounded counts as exact."""
    small = (series.complete.value >= SUPPRESSED[0]) & (series.complete.value <= SUPPRESSED[1])
    value = np.where(small, np.nan, 5.0 * np.round(series.complete.value / 5.0))
    return replace(series.complete, value=value, low=value.copy(), high=value.copy())


def ar1(rng: np.random.Generator, shape: tuple[int, ...], rho: float, sd: float) -> Array:
    """Stationary AR(1) paths along the last axis."""
    path = rng.normal(size=shape)
    for t in range(1, shape[-1]):
        path[..., t] = rho * path[..., t - 1] + np.sqrt(1.0 - rho**2) * path[..., t]
    return sd * path
