"""Every likelihood and shape goes through the sampler itself: compiled, given data, drawn, and near the truth.

Small panels and few draws: what is tested is that the pieces fit together and point the right way, not calibration.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.calibration.series import Setting, make_series
from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate, summarise
from evaluation.inference.engine import Sampler, Task, sample
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from tests.inference.fabricated import frame

pytestmark = pytest.mark.slow

QUICK = Sampler(chains=2, tune=300, draws=300)


def simulated(design: str, likelihood: str, shape: str, start: list[int], effect: float, **changes) -> Frame:
    """Areas by 40 periods; the outcome changes by ``effect`` on the link scale from each start on."""
    rng = np.random.default_rng(11)
    n_periods, n_areas = 40, len(start)
    treated = np.arange(n_periods)[None, :] >= np.array(start)[:, None]
    link = rng.normal(0, 0.1, (n_areas, 1)) + 0.05 * rng.normal(size=(1, n_periods)) + effect * treated
    exposure = np.full((n_areas, n_periods), 200.0)
    value = {
        "normal": lambda: 5.0 + link + 0.2 * rng.normal(size=link.shape),
        "binomial": lambda: rng.binomial(200, 1 / (1 + np.exp(-link))).astype(float),
    }.get(likelihood, lambda: rng.poisson(80 * np.exp(link)).astype(float))()
    return frame(value, start, design=design, likelihood=likelihood, shape=shape, exposure=exposure, **changes)


@pytest.mark.parametrize(
    ("of", "truth"),
    [
        (simulated("its", "binomial", "ramp", [24], -0.5, ramp_periods=3, seasonal=True), None),
        (simulated("its", "normal", "level_and_slope", [24], -0.6, trend=True, per_year=4.0, frequency="quarter"), -0.6),
        (simulated("did", "poisson", "decay", [24, 40, 40, 40], -0.4), None),
        (simulated("did", "negative_binomial", "per_period", [20, 28, 36], -0.3), float(np.exp(-0.3))),
        (simulated("its", "negative_binomial", "step", [20, 28], -0.3, trend=True), float(np.exp(-0.3))),
    ],
    ids=["binomial ramp", "score slope", "poisson decay", "staggered without never-treated", "two starts"],
)  # fmt: skip
def test_every_structure_samples_and_points_the_right_way(of: Frame, truth: float | None) -> None:
    fit = sample(Task(write_design(of), QUICK, 3), cores=2)
    summary = summarise(estimate(of, fit)[0].draws, 0.95)
    neutral = 0.0 if of.likelihood == "normal" else 1.0
    assert summary.median < neutral
    if truth is not None:
        assert summary.lower < truth < summary.upper


def test_priors_a_thousand_times_as_wide_as_the_posterior_are_no_trap() -> None:
    """Once, in units of such priors, chains on the sphere agreed on an interval that was a third too narrow."""
    series = make_series(Setting("did", n_areas=24, n_treated=5, before=16, after=8, mean=20_000.0, rho=0.9, sd=0.3), 1)
    wide = replace(series.frame, priors=replace(series.frame.priors, level_sd=100.0, effect_sd=100.0, period_sd=100.0))
    sampler = Sampler(chains=2, tune=400, draws=1000)
    found, expected = (
        summarise(estimate(wide, fit)[0].draws, 0.8)
        for fit in (
            sample(Task(write_design(wide), sampler, 2), cores=2),
            approximate(Task(write_design(wide), sampler, 2)),
        )
    )
    width = expected.upper - expected.lower
    assert found.lower == pytest.approx(expected.lower, abs=0.15 * width)
    assert found.upper == pytest.approx(expected.upper, abs=0.15 * width)
