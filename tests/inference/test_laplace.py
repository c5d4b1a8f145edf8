"""The approximation is of the model itself: same prior, same likelihood, and a posterior as the sampler draws it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import linalg

from evaluation.inference import field
from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate, summarise
from evaluation.inference.engine import Sampler, Task, sample
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from evaluation.inference.latent import Posterior, hyperparameters
from models.structure import ModelData
from tests.inference.test_sampling import simulated
from tests.models.interpreted import build, evaluate, potential, random_point


def small(design: str, likelihood: str, shape: str, start: list[int], **changes: Any) -> Frame:
    """Ten quarters of the panels the sampler is tested with: little enough for Python itself to run the model."""
    whole = simulated(design, likelihood, shape, [4 * s for s in start], -0.3, seasonal=True, **changes)
    cut = {name: getattr(whole, name)[:, 2:40:4] for name in ("value", "low", "high", "exposure", "used")}
    periods = whole.periods[:10]
    return replace(whole, start=np.array(start), periods=periods, per_year=4.0, frequency="quarter", **cut)


def hidden(of: Frame, share: float = 0.4) -> Frame:
    """The frame with its smallest counts known only to lie in an interval."""
    limit = float(np.quantile(of.value, share))
    small_ones = of.value <= limit
    return replace(
        of,
        value=np.where(small_ones, np.nan, of.value),
        low=np.where(small_ones, np.maximum(limit - 30, 1), of.low),
        high=np.where(small_ones, limit, of.high),
    )


CASES = {
    "its step": small("its", "negative_binomial", "step", [6], trend=True),
    "its two areas, two starts": small("its", "poisson", "step", [5, 7], trend=True),
    "its free of persistence": small("its", "binomial", "ramp", [6], ramp_periods=3, autocorrelation=False),
    "its scores": small("its", "normal", "level_and_slope", [6], trend=True),
    "did per period": small("did", "negative_binomial", "per_period", [5, 7, 10]),
    "did leads": small("did", "negative_binomial", "per_period", [5, 7, 10], leads=True),
    "did drifting": small("did", "binomial", "step", [5, 7, 10], trend=True),
    "did decay": small("did", "poisson", "decay", [5, 10, 10]),
    "did scores": small("did", "normal", "step", [5, 10, 10]),
}


def scores_at(data: ModelData, point: dict[str, Any]) -> np.ndarray:
    """The approximation's normal scores of a point of the model's free variables."""
    from scipy.special import ndtr, ndtri
    from scipy.stats import beta

    free = {"area_trend_sd": "area_trend_spread", "cohort_sd": "cohort_spread", "cell_sd": "cell_spread"}
    found = []
    for name in hyperparameters(data):
        if name.endswith("_rho"):
            found.append(ndtri(beta(3, 2).cdf(point[name])))
        elif name in free:
            found.append(ndtri(2 * ndtr(point[free[name]]) - 1))
        else:
            # A path's shocks and its scale share a stem: area_z is the path, area_sd_z the scale.
            found.append(point[f"{name}_z"])
    return np.array(found, dtype=float)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_prior_of_the_field_is_the_models(name: str) -> None:
    """Mean and covariance of the linear predictor at fixed hyperparameters, by moving every coefficient in turn."""
    of = CASES[name]
    data = write_design(of)
    model, posterior = build(data), Posterior(data)
    point = random_point(model)
    score = scores_at(data, point)
    prior = posterior.gaussian(score)
    still = {key: np.zeros_like(value) for key, value in point.items()}
    held = [key for key in point if key.endswith(("_rho", "_spread")) or key.removesuffix("_z") in posterior.names]
    still |= {key: point[key] for key in held}
    rows, columns = posterior.n_treated, len(of.periods)

    def link(at: dict[str, Any]) -> np.ndarray:
        mu = np.asarray(evaluate(model, at, ["focus_mu"])[0])[:rows, :columns]
        if of.likelihood == "normal":
            return mu
        if of.likelihood == "binomial":
            return np.log(mu / (data.arrays["trials"][:rows, :columns] - mu))
        return np.log(mu) - data.arrays["log_exposure"][:rows, :columns]

    mean = link(still)
    expected = prior.mean[:rows, :columns] + prior.effect_mean[:, :columns]
    assert mean == pytest.approx(expected, abs=1e-6)
    moves = []
    for key, value in still.items():
        for at in np.ndindex(value.shape) if key not in held else ():
            moved = value.copy()
            moved[at] = 1.0
            moves.append((link(still | {key: moved}) - mean).ravel())
    covariance = np.array(moves).T @ np.array(moves)
    own = posterior._own_covariance(prior)[:columns, :columns]
    ours = np.kron(np.eye(rows), own)
    design = np.concatenate([np.tile(prior.shared[:columns], (rows, 1)), prior.effects[:, :columns].reshape(rows * columns, -1)], axis=1)  # fmt: skip
    ours += design @ design.T
    assert covariance == pytest.approx(ours, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial", "binomial"])
@pytest.mark.parametrize("censored", [False, True])
def test_likelihood_is_the_models(likelihood: str, censored: bool) -> None:
    of = small("did", likelihood, "step", [5, 10, 10])
    data = write_design(hidden(of) if censored else of)
    model, posterior = build(data), Posterior(data)
    ours, theirs = [], []
    for seed in (3, 4):
        point = random_point(model, seed) | {"overdispersion_z": np.array(0.3)}
        mu = np.zeros(posterior.known.shape)
        full = np.asarray(evaluate(model, point, ["mu"])[0])[: posterior.n_areas, : posterior.n_periods]
        if likelihood == "binomial":
            trials = data.arrays["trials"][: posterior.n_areas, : posterior.n_periods]
            mu = np.log(full / (trials - full))
        else:
            mu = np.log(full) - data.arrays["log_exposure"][: posterior.n_areas, : posterior.n_periods]
        overdispersion = float(np.exp(data.arrays["noise_log_median"] + data.arrays["noise_log_sd"] * 0.3))
        ours.append(posterior.likelihood.disperse(overdispersion).evaluate(mu)[0])
        theirs.append(potential(model, point))
    assert ours == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial", "binomial"])
def test_gradient_and_curvature_are_derivatives(likelihood: str) -> None:
    of = hidden(small("did", likelihood, "step", [5, 10, 10]))
    posterior = Posterior(write_design(of))
    eta = posterior.gaussian(np.zeros(len(posterior.names))).mean + 0.1
    _, gradient, curvature = posterior.likelihood.disperse(0.1).evaluate(eta)
    for cell in [(0, 0), (0, 8), (1, 3), (2, 9)]:
        step = np.zeros_like(eta)
        step[cell] = 1e-4
        up, here, down = (posterior.likelihood.disperse(0.1).evaluate(eta + k * step)[0] for k in (1, 0, -1))
        assert gradient[cell] == pytest.approx((up - down) / 2e-4, rel=1e-4, abs=1e-5)
        assert curvature[cell] == pytest.approx(-(up - 2 * here + down) / 1e-8, rel=0.02, abs=0.05)


def test_blocks_are_the_inverse_they_claim_to_be() -> None:
    rng = np.random.default_rng(5)
    curvature = rng.uniform(0.5, 40.0, (2, 12))
    curvature[1, 4] = 0.0  # a missing cell
    year = np.linspace(-1, 1, 12)
    blocks, log_det = field.count_blocks(curvature, 0.3, 0.6)
    log_det += field.add_loadings(blocks, np.stack([np.full(12, 1.0), 0.2 * year]))
    covariance = 0.09 * 0.6 ** np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    covariance += 1.0 + 0.04 * np.outer(year, year)
    expected_det = 0.0
    for a in range(2):
        seen = curvature[a] > 0
        inside = np.linalg.inv(covariance[np.ix_(seen, seen)] + np.diag(1 / curvature[a][seen]))
        assert blocks[a][np.ix_(seen, seen)] == pytest.approx(inside, abs=1e-8)
        assert np.all(blocks[a][~seen] == 0.0)
        expected_det += np.linalg.slogdet(np.eye(12) + covariance * curvature[a][None, :])[1]
    assert log_det == pytest.approx(expected_det)


def test_score_blocks_with_gaps_by_the_dense_inverse() -> None:
    known = np.array([[1, 1, 0, 0, 1, 1, 0, 1]], dtype=float)
    from evaluation.inference.design import _previous_cells

    gap, previous = _previous_cells(known > 0)
    blocks, log_det = field.score_blocks(known, gap, previous % 8, 0.7, 0.5)
    seen = known[0] > 0
    covariance = 0.49 * 0.5 ** np.abs(np.subtract.outer(np.arange(8), np.arange(8)))[np.ix_(seen, seen)]
    assert blocks[0][np.ix_(seen, seen)] == pytest.approx(np.linalg.inv(covariance))
    assert log_det == pytest.approx(np.linalg.slogdet(covariance)[1])


def test_ar1_root_gives_the_stationary_covariance() -> None:
    root = field.ar1_root(0.6, 7)
    expected = 0.6 ** np.abs(np.subtract.outer(np.arange(7), np.arange(7)))
    assert root @ root.T == pytest.approx(expected)


@pytest.mark.slow
def test_paths_persist_as_they_are_defined_to() -> None:
    shocks = np.random.default_rng(3).standard_normal((2, 30))
    paths = shocks.copy()
    field.persist(paths, 0.7)
    assert paths == pytest.approx(shocks @ field.ar1_root(0.7, 30).T)


def test_factors_are_those_of_the_library() -> None:
    rng = np.random.default_rng(4)
    for size in (1, 7, 40, 96):
        wide = rng.normal(size=(size, size + 3))
        matrix = wide @ wide.T
        root = field.factor(matrix)
        assert root == pytest.approx(linalg.cholesky(matrix, lower=True))
        right = rng.normal(size=(size, 4))
        assert field.solve_factored(root, right[:, 0]) == pytest.approx(linalg.cho_solve((root, True), right[:, 0]))
        for several in (right, right[:, :1]):
            theirs = linalg.solve_triangular(root, several, lower=True, trans="T")
            assert field.solve_transposed(root, several) == pytest.approx(theirs)
    with pytest.raises(linalg.LinAlgError):
        field.factor(-np.eye(3))


def test_the_same_task_gives_the_same_draws() -> None:
    task = Task(write_design(CASES["its step"]), Sampler(2, 1, 1), 9)
    first, second = approximate(task), approximate(task)
    assert first.draws.equals(second.draws)
    assert not approximate(replace(task, seed=10)).draws["mu"].equals(first.draws["mu"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "of",
    [
        simulated("its", "negative_binomial", "step", [24], -0.3, trend=True),
        simulated("its", "normal", "level_and_slope", [24], -0.6, trend=True, per_year=4.0, frequency="quarter"),
        simulated("did", "negative_binomial", "per_period", [20, 28, 36], -0.3),
        hidden(simulated("did", "poisson", "step", [24, 40, 40, 40], -0.3), 0.3),
        simulated("did", "binomial", "decay", [24, 40, 40, 40], -0.4),
    ],
    ids=["its", "scores", "staggered", "censored", "decay"],
)
def test_agrees_with_the_sampler(of: Frame) -> None:
    """Both ends of the interval within a tenth of its width: what 8000 draws and the approximation may differ by."""
    task = Task(write_design(of), Sampler(2, 500, 4000), 3)
    ours = summarise(estimate(of, approximate(task))[0].draws, 0.95)
    theirs = summarise(estimate(of, sample(task, cores=2))[0].draws, 0.95)
    width = theirs.upper - theirs.lower
    assert ours.lower == pytest.approx(theirs.lower, abs=0.1 * width)
    assert ours.upper == pytest.approx(theirs.upper, abs=0.1 * width)
    assert ours.median == pytest.approx(theirs.median, abs=0.05 * width)
