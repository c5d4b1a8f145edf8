"""A fast deterministic posterior for questions asked by the hundred: checks, calibration, feasibility.

Given its few hyperparameters (noise, persistence, spreads) every model in ``models`` is a Gaussian field seen through
a log-concave likelihood. The field's posterior is approximated by a Gaussian at its mode, and the hyperparameters are
integrated by weighted points around theirs: nested Laplace approximation (Rue, Martino and Chopin 2009; Rasmussen and
Williams 2006, section 3.4, for the arithmetic). No compilation, no chains; `tests/inference/test_laplace.py` and the
study ``sampled`` of ``svd calibrate`` hold it against the sampler. A finding itself is always sampled.
"""

from __future__ import annotations

import time

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import linalg, optimize, special
from scipy.stats import qmc

from evaluation.inference.engine import Fit, Task
from evaluation.inference.latent import Array, Mode, Posterior
from models.structure import COEFFICIENTS

POINTS = 64
PROPOSAL_DF = 8
N_DRAWS = 2000
ENOUGH_POINTS = 16.0


def approximate(task: Task) -> Fit:
    """The approximate posterior of one task, in the form of a sampled one (two chains of half the draws each).

    ``draws.attrs["points"]`` is the effective number of points that carry the hyperparameters (out of 64); below 16
    the approximation should not be trusted.

    Raises:
        FloatingPointError: if no mode is found.
    """
    started = time.perf_counter()
    posterior = Posterior(task.data)
    rng = np.random.default_rng(task.seed)
    scores, log_weights, modes = integrate_hyperparameters(posterior, task.seed)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    times = _resample(weights, N_DRAWS, rng)
    parts = []
    for point in np.flatnonzero(times):
        drawn = posterior.draw(scores[point], modes[point], int(times[point]), rng)
        parts.append((*drawn, np.repeat(point, times[point])))
    order = rng.permutation(N_DRAWS)
    eta0, eta, coefficients, point_of = (np.concatenate(part)[order] for part in zip(*parts, strict=True))
    halves = (2, N_DRAWS // 2)
    structure = task.data.structure
    variables: dict[str, tuple[tuple[str, ...], Array]] = {}
    for name, link in (("mu", eta), ("mu0", eta0)):
        full = np.full((*halves, structure.n_focus, structure.n_periods), np.nan)
        rows = min(posterior.n_treated, structure.n_focus)
        mean = posterior.likelihood.respond(link)[:, :rows].reshape(*halves, rows, posterior.n_periods)
        full[:, :, :rows, : posterior.n_periods] = mean
        variables[name] = (("chain", "draw", "area", "time"), full)
    if structure.pooled:
        scaled = coefficients[:, :COEFFICIENTS] * task.data.arrays["coefficient_sd"]
        values = (task.data.arrays["coefficient_mean"] + scaled).reshape(*halves, COEFFICIENTS)
        variables["coefficient"] = (("chain", "draw", "coefficient_0"), values)
    hyperparameters = [posterior.values(score) for score in scores]
    for name in posterior.names:
        values = np.array([at[name] for at in hyperparameters])
        variables[name] = (("chain", "draw"), values[point_of].reshape(halves))
    points = float(1.0 / np.sum(weights**2)) * POINTS / len(weights)
    return Fit(xr.Dataset(variables).assign_attrs(points=points), 0, time.perf_counter() - started)


def integrate_hyperparameters(posterior: Posterior, seed: int) -> tuple[Array, Array, list[Mode]]:
    """Points of the hyperparameters (as normal scores), their log weights, and the field's mode at each.

    A quasi-random sample of a t distribution around the mode, weighted by density over proposal; where too few points
    carry the weight, once more around their weighted moments.
    """
    size = len(posterior.names)
    if size == 0:
        return np.zeros((1, 0)), np.zeros(1), [posterior.find_mode(np.zeros(0))]
    last: Array | None = None

    def negative(score: Array) -> float:
        nonlocal last
        mode = posterior.find_mode(np.clip(score, -6.0, 6.0), last)
        last = mode.dual
        return -mode.log_density

    found = optimize.minimize(
        negative, np.zeros(size), method="BFGS", options={"eps": 1e-2, "gtol": 0.02, "maxiter": 30}
    )
    centre = np.clip(found.x, -5.0, 5.0)
    covariance = _curvature(negative, centre)
    scores, log_weights, modes = _weigh(posterior, centre, covariance, last, seed)
    for again in range(1, 3):
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        if 1.0 / np.sum(weights**2) >= ENOUGH_POINTS:
            break
        centre = weights @ scores
        away = scores - centre
        covariance = (weights[:, None] * away).T @ away + 0.05 * np.eye(size)
        scores, log_weights, modes = _weigh(posterior, centre, covariance, last, seed + again)
    return scores, log_weights, modes


def _weigh(
    posterior: Posterior, centre: Array, covariance: Array, dual: Array | None, seed: int
) -> tuple[Array, Array, list[Mode]]:
    size = len(centre)
    uniform = qmc.Sobol(size + 1, seed=seed).random(POINTS)
    normal = special.ndtri(np.clip(uniform[:, :size], 1e-9, 1.0 - 1e-9))
    stretch = np.sqrt(PROPOSAL_DF / (2.0 * special.gammaincinv(PROPOSAL_DF / 2.0, np.clip(uniform[:, size], 1e-9, 1))))
    root = linalg.cholesky(covariance, lower=True)
    standard = normal * stretch[:, None]
    scores = np.clip(centre + standard @ root.T, -6.0, 6.0)
    log_proposal = -0.5 * (PROPOSAL_DF + size) * np.log1p(np.sum(standard**2, axis=1) / PROPOSAL_DF)
    modes = [posterior.find_mode(score, dual) for score in scores]
    return scores, np.array([mode.log_density for mode in modes]) - log_proposal, modes


def _curvature(negative, centre: Array, step: float = 0.15) -> Array:
    """Inverse Hessian by differences, its eigenvalues kept between 0.01 and the prior's 1 (with some room)."""
    size = len(centre)
    here = negative(centre)
    moved = np.eye(size) * step
    up = np.array([negative(centre + e) for e in moved])
    down = np.array([negative(centre - e) for e in moved])
    hessian = np.diag((up - 2.0 * here + down) / step**2)
    for i in range(size):
        for j in range(i):
            both = negative(centre + moved[i] + moved[j])
            hessian[i, j] = hessian[j, i] = (both - up[i] - up[j] + here) / step**2
    values, vectors = np.linalg.eigh(hessian)
    return (vectors / np.clip(values, 0.7, 100.0)) @ vectors.T


def _resample(weights: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How many of ``n`` draws each point gets: systematic resampling."""
    places = (np.arange(n) + rng.uniform()) / n
    return np.bincount(
        np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1), minlength=len(weights)
    )
