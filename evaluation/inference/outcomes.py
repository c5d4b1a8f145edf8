"""What would be recorded, given what is expected: one chance outcome for each draw and cell, by likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LARGEST = 1e12  # numpy draws no Poisson number of a mean far beyond; no count comes near


def draw_outcomes(
    likelihood: str,
    mean: Array,
    parameter: Callable[[str], Array],
    exposure: Array,
    scale: float,
    rng: np.random.Generator,
) -> Array:
    """One outcome for each draw and cell, in the outcome's own units.

    Args:
        likelihood: of the frame.
        mean: expected outcome, shape (draw, cell).
        parameter: takes a parameter's name and gives its draws, shape (draw, 1).
        exposure: of the cells, shape (cell,); the trials of a binomial outcome, which is NaN where they are not known.
        scale: of a score, whose `score_sd` is in scaled units; its mean is in the outcome's own.
        rng: source of chance.
    """
    if likelihood == "normal":
        return rng.normal(mean, parameter("score_sd") * scale)
    if likelihood == "binomial":
        known = np.isfinite(exposure) & (exposure > 0)
        trials = np.where(known, np.round(exposure), 1.0).astype(int)[None, :]
        drawn = rng.binomial(trials, np.clip(mean / trials, 0.0, 1.0)).astype(float)
        return np.where(known, drawn, np.nan)
    if likelihood == "poisson":
        return rng.poisson(np.minimum(mean, LARGEST)).astype(float)
    shape = 1.0 / (parameter("overdispersion") ** 2 + 1e-8)
    return rng.poisson(np.minimum(mean * rng.gamma(shape, 1.0 / shape, size=mean.shape), LARGEST)).astype(float)
