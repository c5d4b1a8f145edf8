"""Rates of small areas, partially pooled: the BYM2 model (Riebler et al. 2016) by nested Laplace approximation.

count[a] ~ Poisson(exposure[a] x exp(level + u[a])), u ~ Normal(0, sd^2 ((1 - share) I + share C)), where C is the generalised inverse
of the neighbourhood's Laplacian, scaled so that sd is comparable whatever the map. Without neighbours `share` is 0 and
areas are drawn towards their common level alone. sd and share are integrated over a grid: sd with an exponential prior
that puts 1% beyond 1, share uniform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, stats

Array = NDArray[np.float64]
SDS = np.exp(np.linspace(np.log(0.02), np.log(3.0), 16))
SHARES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
PRIOR_RATE = -np.log(0.01)
LEVEL_SD = 2.0
N_DRAWS = 4000


@dataclass(frozen=True)
class Rates:
    """Draws of the rates of areas, per unit of exposure.

    Attributes:
        rate: shape (draw, area).
        level: geometric mean of the areas' rates, shape (draw,).
        sd: posterior mean of the spread between areas, on the log scale.
        share: posterior mean of the share of that spread which neighbours have in common; NaN without neighbours.
    """

    rate: Array
    level: Array
    sd: float
    share: float


def pool_rates(low: Array, high: Array, exposure: Array, neighbours: NDArray[np.bool_] | None, seed: int) -> Rates:
    """Partially pooled rates.

    Args:
        low, high: bounds of each area's count (equal where it is known exactly; NaN where nothing is), shape (area,).
        exposure: shape (area,), positive.
        neighbours: symmetric, shape (area, area); None if not known.
        seed: of the draws.
    """
    n = len(low)
    known = np.isfinite(low) & np.isfinite(high)
    middle = np.where(known, (low + high) / 2.0, 0.0)
    centre = np.log((middle.sum() + 0.5) / exposure[known].sum()) if known.any() else 0.0
    structured = None if neighbours is None or not neighbours.any() else scaled_covariance(neighbours)
    points = [(sd, share) for sd in SDS for share in (SHARES if structured is not None else [0.0])]
    modes, scores = [], []
    for sd, share in points:
        own = np.eye(n) if structured is None else (1.0 - share) * np.eye(n) + share * structured
        covariance = sd**2 * own + LEVEL_SD**2
        eta, curvature, density = _find_mode(low, high, known, exposure, centre, covariance)
        modes.append((eta, curvature, covariance))
        # The grid is even in log sd, so the density gains a factor sd.
        scores.append(density - PRIOR_RATE * sd + np.log(sd))
    weight = np.exp(np.array(scores) - max(scores))
    weight /= weight.sum()
    rng = np.random.default_rng(seed)
    drawn, level = [], []
    for (eta, curvature, covariance), times in zip(modes, rng.multinomial(N_DRAWS, weight), strict=True):
        if times:
            root = np.sqrt(curvature)
            inner = linalg.cholesky(np.eye(n) + root[:, None] * covariance * root[None, :], lower=True)
            half = linalg.solve_triangular(inner, root[:, None] * covariance, lower=True)
            left = covariance - half.T @ half
            spread = linalg.cholesky(left + 1e-10 * np.eye(n), lower=True)
            u = eta + (spread @ rng.standard_normal((n, times))).T
            drawn.append(u)
            level.append(u.mean(axis=1))
    share_mean = float(weight @ np.array([share for _, share in points])) if structured is not None else float("nan")
    sd_mean = float(weight @ np.array([sd for sd, _ in points]))
    return Rates(np.exp(centre + np.concatenate(drawn)), np.exp(centre + np.concatenate(level)), sd_mean, share_mean)


def scaled_covariance(neighbours: NDArray[np.bool_]) -> Array:
    """Generalised inverse of the Laplacian of each connected part, scaled to a geometric mean variance of 1.

    An area without neighbours gets variance 1 and no covariance (Freni-Sterrantino et al. 2018).
    """
    from scipy.sparse.csgraph import connected_components

    n = len(neighbours)
    touching = (neighbours | neighbours.T) & ~np.eye(n, dtype=bool)
    parts = connected_components(touching, directed=False)[1]
    out = np.zeros((n, n))
    for part in np.unique(parts):
        at = np.flatnonzero(parts == part)
        if len(at) == 1:
            out[at[0], at[0]] = 1.0
            continue
        links = touching[np.ix_(at, at)].astype(float)
        inverse = linalg.pinvh(np.diag(links.sum(axis=1)) - links)
        out[np.ix_(at, at)] = inverse / np.exp(np.mean(np.log(np.diag(inverse))))
    return out


def _find_mode(low, high, known, exposure, centre, covariance) -> tuple[Array, Array, float]:
    """Mode of the log relative rates, curvature of the likelihood there, and the marginal log density (Laplace)."""
    eta = np.zeros(len(low))
    dual = np.zeros(len(low))
    value, gradient, curvature = _count_terms(low, high, known, exposure, centre + eta)
    target = value
    root = np.sqrt(curvature)
    for _ in range(100):
        root = np.sqrt(curvature)
        inner = linalg.cholesky(np.eye(len(low)) + root[:, None] * covariance * root[None, :], lower=True)
        wanted = curvature * eta + gradient
        new_dual = wanted - root * linalg.cho_solve((inner, True), root * (covariance @ wanted))
        step = 1.0
        while True:
            trial_dual = dual + step * (new_dual - dual)
            trial = covariance @ trial_dual
            value, gradient, curvature = _count_terms(low, high, known, exposure, centre + trial)
            reached = value - 0.5 * float(trial_dual @ trial)
            if reached >= target - 1e-9 * (1 + abs(target)) or step < 1e-6:
                break
            step /= 2.0
        gained, eta, dual, target = reached - target, trial, trial_dual, reached
        if abs(gained) < 1e-8:
            break
    root = np.sqrt(curvature)
    inner = linalg.cholesky(np.eye(len(low)) + root[:, None] * covariance * root[None, :], lower=True)
    return eta, curvature, target - float(np.log(np.diag(inner)).sum())


def _count_terms(low, high, known, exposure, log_rate) -> tuple[float, Array, Array]:
    """Log P(low <= count <= high) of Poisson counts, gradient and negative curvature in the log rate."""
    mu = exposure * np.exp(np.clip(log_rate, -40.0, 20.0))
    gradient, curvature = np.zeros(len(mu)), np.full(len(mu), 1e-12)
    exact = known & (low == high)
    total = float(stats.poisson.logpmf(low[exact], mu[exact]).sum())
    gradient[exact] = low[exact] - mu[exact]
    curvature[exact] = np.maximum(mu[exact], 1e-12)
    for a in np.flatnonzero(known & (low != high)):
        inside = np.arange(low[a], high[a] + 1)
        weight = stats.poisson.logpmf(inside, mu[a])
        top = weight.max()
        share = np.exp(weight - top)
        total += float(top + np.log(share.sum()))
        share /= share.sum()
        mean = float(share @ inside)
        gradient[a] = mean - mu[a]
        curvature[a] = max(mu[a] - float(share @ (inside - mean) ** 2), 1e-9)
    return total, gradient, curvature
