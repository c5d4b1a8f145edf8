"""Do 95 % intervals hold the truth about as often as they say? A small form; the full calibration is run by command.

Series are simulated with the noise that defeats ordinary methods: a latent AR(1) path with autocorrelation 0.7.
The bounds are what chance allows: with true coverage 0.95 a run of this size falls below them less than once in a
thousand, while a method that covers 0.7 almost never reaches them.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate, summarise
from evaluation.inference.engine import Sampler, Task, sample
from evaluation.inference.frame import Frame, Priors

# The quick form of the same question, by the approximation, is tests/calibration/test_small_form.py.
pytestmark = [pytest.mark.long, pytest.mark.recovery]

QUICK = Sampler(chains=2, tune=400, draws=400)


def ar1(rng: np.random.Generator, shape: tuple[int, ...], rho: float, sd: float) -> np.ndarray:
    path = rng.normal(size=shape)
    for t in range(1, shape[-1]):
        path[..., t] = rho * path[..., t - 1] + np.sqrt(1 - rho**2) * path[..., t]
    return sd * path


def simulated_frame(design: str, n_areas: int, n_periods: int, start: int, mean: float, sd: float, seed: int) -> Frame:
    """One treated area among ``n_areas``; the true rate ratio is 0.85."""
    rng = np.random.default_rng(seed)
    months = np.arange(n_periods)
    log_mu = np.log(mean) + rng.normal(0, 0.3, size=(n_areas, 1)) + 0.1 * np.sin(2 * np.pi * months / 12)
    if design == "did":
        log_mu = log_mu + ar1(rng, (n_periods,), 0.7, 0.1)
    log_mu = log_mu + ar1(rng, (n_areas, n_periods), 0.7, sd)
    log_mu[0, start:] += np.log(0.85)
    count = rng.poisson(np.exp(log_mu)).astype(float)
    starts = np.full(n_areas, n_periods)
    starts[0] = start
    labels = [f"{2015 + m // 12}-{m % 12 + 1:02d}" for m in months]
    return Frame(
        plan="p", indicator="i", role="primary", design=design, likelihood="negative_binomial", direction="lower_is_better",
        meaningful=0.95, frequency="month", per_year=12.0, areas=[f"A{i}" for i in range(n_areas)], n_treated=1, periods=labels,
        start=starts, washout=0, value=count, low=count, high=count, exposure=np.ones_like(count),
        used=np.ones(count.shape, dtype=bool), shape="step", ramp_periods=1, leads=False, trend=design == "its", seasonal=True,
        autocorrelation=True, priors=Priors(),
    )  # fmt: skip


def covered(frame: Frame, seed: int) -> bool:
    fit = sample(Task(write_design(frame), QUICK, seed), cores=2)
    summary = summarise(estimate(frame, fit)[0].draws, 0.95)
    return summary.lower <= 0.85 <= summary.upper


@pytest.mark.parametrize(
    ("design", "n_areas", "mean", "sd", "n"),
    [
        ("its", 1, 20.0, 0.15, 24),
        pytest.param("its", 1, 200.0, 0.15, 40, marks=pytest.mark.long),
        ("did", 8, 50.0, 0.1, 12),
    ],
)
def test_intervals_hold_the_truth_under_autocorrelation(
    design: str, n_areas: int, mean: float, sd: float, n: int, record_property
) -> None:
    inside = sum(covered(simulated_frame(design, n_areas, 84, 60, mean, sd, seed), seed) for seed in range(n))
    record_property("coverage", inside / n)
    assert inside >= binom.ppf(0.001, n, 0.95)
