"""Log-likelihoods against scipy's densities; constants that no parameter touches (log y!) are put back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pymc import Model
from scipy import stats
from scipy.special import expit, gammaln

from evaluation.inference import design
from evaluation.inference.design import write_design
from evaluation.inference.frame import Frame
from models import components, likelihoods
from tests.inference.fabricated import frame
from tests.models.interpreted import INTERPRETED, build, potential, random_point

RNG = np.random.default_rng(11)
COUNTS = RNG.poisson(9.0, size=(3, 10)).astype(float)


def observed_at(of: Frame, eta: np.ndarray, **values: float) -> float:
    """The log-likelihood of a frame's data where the linear predictor is `eta`, written through its padded design."""
    data = write_design(of)
    padded = np.full((data.structure.n_areas, data.structure.n_periods), 77.0)  # padding that would be seen
    padded[: eta.shape[0], : eta.shape[1]] = eta
    link = pt.dmatrix("link")
    with Model() as model:
        arrays = components.register(data.arrays)
        likelihoods.observe(link, arrays, data.structure, likelihoods.overdispersion(arrays, data.structure))
    function = pytensor.function(
        [link, *model.free_RVs], sum(model.potentials), mode=INTERPRETED, on_unused_input="ignore"
    )
    return float(function(padded, *[np.asarray(values[v.name], dtype=float) for v in model.free_RVs]))


def holed(**changes: Any) -> tuple[Frame, np.ndarray, np.ndarray]:
    """A frame with a missing, an unused and three interval cells; its predictor, and the exact cells."""
    value, low, high = COUNTS.copy(), COUNTS.copy(), COUNTS.copy()
    for (row, column), (bottom, top) in {(0, 4): (1, 7), (2, 1): (0, 3), (2, 9): (8, 12)}.items():
        value[row, column], low[row, column], high[row, column] = np.nan, bottom, top
    value[1, 3] = low[1, 3] = high[1, 3] = np.nan
    used = np.ones(value.shape, dtype=bool)
    used[0, 7] = False
    exposure = np.random.default_rng(5).uniform(0.5, 2.0, size=value.shape)
    of = frame(value, [6, 10, 10], low=low, high=high, used=used, exposure=exposure, **changes)
    return of, np.random.default_rng(6).normal(2.0, 0.4, size=value.shape), used & np.isfinite(value)


def mean_of(of: Frame, eta: np.ndarray) -> np.ndarray:
    reference = of.exposure[of.used & of.observed].mean()
    return np.exp(eta) * of.exposure / reference


def interval_logs(of: Frame, distribution: Any) -> float:
    """Sum of log P(low <= count <= high); `distribution(cell)` is frozen."""
    cells = zip(*np.nonzero(of.used & of.observed & ~np.isfinite(of.value)), strict=True)
    return float(sum(np.log(distribution(c).pmf(np.arange(of.low[c], of.high[c] + 1)).sum()) for c in cells))


@pytest.mark.parametrize("shift", [0.0, 1.3, -2.0])
def test_poisson(shift: float) -> None:
    of, eta, exact = holed(likelihood="poisson")
    mu = mean_of(of, eta + shift)
    expected = np.sum((stats.poisson(mu).logpmf(of.value) + gammaln(of.value + 1))[exact])
    expected += interval_logs(of, lambda cell: stats.poisson(mu[cell]))
    assert observed_at(of, eta + shift) == pytest.approx(expected)


@pytest.mark.parametrize("z", [-1.5, 0.0, 2.0])
def test_negative_binomial(z: float) -> None:
    of, eta, exact = holed()
    mu = mean_of(of, eta)
    phi = 1 / np.exp(np.log(0.08) + 0.7 * z) ** 2
    logs = stats.nbinom(phi, phi / (phi + mu)).logpmf(of.value) + gammaln(of.value + 1)
    expected = np.sum(logs[exact]) + interval_logs(of, lambda cell: stats.nbinom(phi, phi / (phi + mu[cell])))
    assert observed_at(of, eta, overdispersion_z=z) == pytest.approx(expected, rel=1e-5)


def test_binomial() -> None:
    of, eta, exact = holed(likelihood="binomial")
    trials = np.round(of.exposure * 20 + 10)
    of = Frame(**(vars(of) | {"exposure": trials, "value": np.minimum(of.value, trials)}))
    probability = expit(eta - 2.5)
    logs = stats.binom(trials, probability).logpmf(of.value)
    logs -= gammaln(trials + 1) - gammaln(of.value + 1) - gammaln(trials - of.value + 1)
    expected = np.sum(logs[exact]) + interval_logs(of, lambda cell: stats.binom(trials[cell], probability[cell]))
    assert observed_at(of, eta - 2.5) == pytest.approx(expected)


def test_binomial_interval_stops_at_the_denominator() -> None:
    value = np.array([[3.0, 4.0, 2.0, np.nan], [3.0, 4.0, 2.0, 3.0]])
    low, high = value.copy(), value.copy()
    low[0, 3], high[0, 3] = 1.0, 7.0
    of = frame(value, [2, 4], likelihood="binomial", low=low, high=high, exposure=np.full(value.shape, 5.0))
    eta = np.zeros(value.shape)
    exact = stats.binom(5, 0.5).logpmf(value) - gammaln(6) + gammaln(value + 1) + gammaln(6 - value)
    expected = np.nansum(exact) + np.log(1 - 0.5**5)  # 1 to 7 of 5 is 1 to 5
    assert observed_at(of, eta) == pytest.approx(expected)


@pytest.mark.parametrize(("rho", "z"), [(0.0, 0.0), (0.6, 0.5), (0.95, -1.0)])
def test_scores_with_gaps_are_a_multivariate_normal(rho: float, z: float) -> None:
    value = np.random.default_rng(2).normal(size=(2, 12))
    value[0, [0, 3, 4, 5]] = np.nan
    used = np.ones(value.shape, dtype=bool)
    used[1, 6:9] = False
    of = frame(value, [6, 12], likelihood="normal", used=used)
    eta = np.random.default_rng(3).normal(size=value.shape)
    sd = np.exp(np.log(0.08) + 0.7 * z)
    expected = 0.0
    for row in range(2):
        kept = np.flatnonzero(used[row] & np.isfinite(value[row]))
        covariance = sd**2 * rho ** np.abs(np.subtract.outer(kept, kept))
        expected += stats.multivariate_normal(eta[row, kept], covariance).logpdf(value[row, kept])
        expected += len(kept) / 2 * np.log(2 * np.pi)
    assert observed_at(of, eta, score_sd_z=z, score_rho=rho) == pytest.approx(expected)


def test_scores_without_autocorrelation_are_independent() -> None:
    value = np.random.default_rng(2).normal(size=(2, 6))
    of = frame(value, [3, 6], likelihood="normal", autocorrelation=False)
    expected = stats.norm(0.5, 0.08).logpdf(value).sum() + 6 * np.log(2 * np.pi)
    assert observed_at(of, np.full(value.shape, 0.5), score_sd_z=0.0) == pytest.approx(expected)


def test_a_certain_interval_says_nothing() -> None:
    """An interval that holds all of a distribution adds log 1 = 0; one that is a single count is that count."""
    value = COUNTS[:2].copy()
    low, high = value.copy(), value.copy()
    value[0, 0], low[0, 0], high[0, 0] = np.nan, 0.0, 60.0
    wide = observed_at(frame(value, [6, 10], likelihood="poisson", low=low, high=high), np.full(value.shape, 1.0))
    low[0, 0] = high[0, 0] = np.nan
    missing = observed_at(frame(value, [6, 10], likelihood="poisson", low=low, high=high), np.full(value.shape, 1.0))
    assert wide == pytest.approx(missing, abs=1e-9)
    low[0, 0] = high[0, 0] = 4.0
    single = observed_at(frame(value, [6, 10], likelihood="poisson", low=low, high=high), np.full(value.shape, 1.0))
    assert single - missing == pytest.approx(stats.poisson(np.e).logpmf(4))


@pytest.mark.parametrize(
    "changes",
    [
        {"design": "its", "seasonal": True, "trend": True},
        {"trend": True},
        {"likelihood": "poisson", "shape": "per_period"},
        {"likelihood": "binomial", "shape": "decay"},
        {"leads": True},
        {"likelihood": "normal"},
        {"likelihood": "normal", "design": "its", "autocorrelation": False},
    ],
    ids=str,
)
def test_padding_does_not_change_the_likelihood(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    of, _, _ = holed(**changes)
    starts = [6, 8, 10]
    of = Frame(**(vars(of) | {"start": np.array(starts), "n_treated": 2}))
    if of.likelihood == "binomial":
        of = Frame(**(vars(of) | {"exposure": np.full(of.value.shape, 40.0)}))
    small = build(write_design(of))
    sizes = {
        "PERIOD": 32,
        "AREA": 8,
        "TREATED": 4,
        "COHORT": 16,
        "CELL": 64,
        "CENSORED": 128,
        "WIDTH": 16,
        "DISTINCT": 1024,
    }
    for name, size in sizes.items():
        monkeypatch.setattr(design, f"{name}_BUCKETS", (size,))
    large = build(write_design(of))
    here, there = random_point(small), random_point(large, seed=99)
    for name, values in here.items():
        there[name][tuple(slice(0, n) for n in np.shape(values))] = values
    assert potential(large, there) == pytest.approx(potential(small, here), rel=1e-9)


def test_a_floor_with_intervals_adds_nothing_to_data_without() -> None:
    plain = frame(COUNTS[:1], [6], design="its")
    value = plain.value.copy()
    value[0, 4] = np.nan
    low, high = plain.low.copy(), plain.high.copy()
    low[0, 4], high[0, 4] = 1, 7
    with_intervals = frame(value, [6], design="its", low=low, high=high)
    data = write_design(plain, design.choose_structure(with_intervals))
    assert data.structure.n_censored > 0
    small, large = build(write_design(plain)), build(data)
    point = random_point(small)
    assert potential(large, point) == pytest.approx(potential(small, point))


def test_a_panel_without_intervals_is_not_given_a_floor_with_them() -> None:
    with_intervals, _, _ = holed()
    assert write_design(frame(COUNTS, [6, 10, 10]), design.choose_structure(with_intervals)).structure.n_censored == 0
