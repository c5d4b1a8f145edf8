"""Many effects pooled: a hierarchical normal model, integrated exactly over its effects and by a grid over its spreads.

estimate_i ~ Normal(effect_i, sd_i)            (jointly, with a covariance matrix where estimates share data)
effect_i  = overall + of its kind + of its intervention + its own
overall   ~ Normal(0, 0.25);  each part ~ Normal(0, its spread);  each spread ~ half-normal(0.15)

Given the spreads everything is Gaussian. See Gelman et al., Bayesian Data Analysis (3rd ed.), section 5.4-5.5.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

OVERALL_SD, SPREAD_SCALE = 0.25, 0.15
# A grid of equal steps up to four scales is exact enough: halving the step moves no pooled effect by 0.001 (tested).
SPREADS = np.linspace(0.0, 4.0 * SPREAD_SCALE, 25)


@dataclass(frozen=True)
class Pooled:
    """Posterior of the pooled effects.

    Attributes:
        mean: of each effect, shape (effect,).
        covariance: of the effects, shape (effect, effect).
        overall_mean, overall_sd: of the overall effect.
        spread: posterior mean of the standard deviation between effects (all parts together).
    """

    mean: Array
    covariance: Array
    overall_mean: float
    overall_sd: float
    spread: float

    @property
    def sd(self) -> Array:
        """Of each effect, shape (effect,)."""
        return np.sqrt(np.diag(self.covariance))


def pool(estimates: Array, covariance: Array, groups: Sequence[Sequence[int]] = ()) -> Pooled:
    """Pool effects.

    Args:
        estimates: shape (effect,), on a scale on which effects can be averaged (log rate ratios).
        covariance: of the estimates' errors, shape (effect, effect); no prior in it.
        groups: each a list with the number of the group of every effect (kind, intervention): effects of one group
            share a part.

    Raises:
        ValueError: shapes disagree.
    """
    n = len(estimates)
    if covariance.shape != (n, n) or any(len(group) != n for group in groups):
        raise ValueError(f"{n} estimates need a covariance of shape ({n}, {n}) and groups of {n} numbers")
    shared = [np.equal.outer(np.asarray(group), np.asarray(group)).astype(float) for group in groups]
    parts = [*shared, np.eye(n)]
    ones = np.ones((n, n))
    log_weights, means, covariances, overall, spreads = [], [], [], [], []
    # With more than one grouping the grid is coarser: its size is a power of the number of parts.
    grid = SPREADS if len(parts) < 3 else SPREADS[::2]
    for spread in itertools.product(grid, repeat=len(parts)):
        prior = OVERALL_SD**2 * ones + sum(s**2 * part for s, part in zip(spread, parts, strict=True))
        total = prior + covariance
        root = np.linalg.cholesky(total)
        whitened = np.linalg.solve(root, estimates)
        log_weights.append(
            -0.5 * whitened @ whitened
            - np.log(np.diag(root)).sum()
            - 0.5 * sum((s / SPREAD_SCALE) ** 2 for s in spread)
        )
        gain = np.linalg.solve(total, prior).T
        means.append(gain @ estimates)
        covariances.append(prior - gain @ prior)
        solved = np.linalg.solve(total, np.stack([estimates, np.ones(n)], axis=1))
        overall.append((OVERALL_SD**2 * solved[:, 0].sum(), OVERALL_SD**2 - OVERALL_SD**4 * solved[:, 1].sum()))
        spreads.append(np.sqrt(np.sum(np.square(spread))))
    weights = np.exp(np.array(log_weights) - np.max(log_weights))
    # The trapezoid's ends count half.
    ends = np.array([np.prod([0.5 if s in (grid[0], grid[-1]) else 1.0 for s in spread])
                     for spread in itertools.product(grid, repeat=len(parts))])  # fmt: skip
    weights = weights * ends
    weights /= weights.sum()
    at = np.array(means)
    mean = weights @ at
    between = (weights[:, None] * (at - mean)).T @ (at - mean)
    within = np.tensordot(weights, np.array(covariances), axes=1)
    centre, variance = np.array(overall).T
    overall_mean = float(weights @ centre)
    overall_sd = float(np.sqrt(weights @ variance + weights @ (centre - overall_mean) ** 2))
    return Pooled(mean, within + between, overall_mean, overall_sd, float(weights @ np.array(spreads)))
