"""Where the data put a posterior before it is drawn: the coordinates in which the sampler sees it.

Nothing here changes a posterior. A rough estimate (generalised least squares on working responses) says about where it lies
and how wide it is; the models write their parameters as departures from there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from evaluation.inference.frame import Frame
from models.structure import Structure

Array = NDArray[np.float64]

PERSISTENCE = 0.6  # the mean of its prior


def working_response(frame: Frame, reference: float) -> tuple[Array, Array]:
    """One step of iteratively reweighted least squares towards each cell: its response and weight, both (area, time).

    They are on the link scale, without exposure, and only choose the sampler's coordinates. The step starts at the count,
    and a little above it where it is small, by no more than the area's mean rate gives: the logarithm of 0 is no response.
    A cell known as an interval stands as its middle, with the variance of a count that may be any in it; a cell of which
    nothing is known has weight 0.
    """
    known = frame.used & frame.observed & (frame.exposure > 0)
    low, high = (np.where(np.isfinite(frame.value), frame.value, bound) for bound in (frame.low, frame.high))
    size = np.where(known, frame.exposure, 1.0)
    count = np.where(known, (low + high) / 2, 0.0)
    rate = (count.sum(axis=1) + 0.5) / np.maximum(np.where(known, size, 0.0).sum(axis=1), 1e-12)
    start = count + np.minimum(rate[:, None] * size, 1.0) / (count + 1.0)
    if frame.likelihood == "binomial":
        share = np.clip(start / size, 0.5 / (size + 1.0), (size + 0.5) / (size + 1.0))
        weight, at = size * share * (1 - share), np.log(share / (1 - share))
        response = at + (count - size * share) / weight
    else:
        weight, at = start, np.log(start * reference / size)
        response = at + (count - start) / start
    spread = np.where(known, ((high - low + 1.0) ** 2 - 1.0) / 12, 0.0)
    weight = weight / (1.0 + spread / weight)
    return np.where(known, response, 0.0), np.where(known, weight, 0.0)


def informed_terms(arrays: dict[str, NDArray], structure: Structure) -> dict[str, Array]:
    """Where the terms of an interrupted time series lie and how far they may be from there, given the data.

    Terms are those of :func:`models.structure.informed_sizes`, end to end, in units of their priors' standard deviations. Given
    noise of the size and persistence that are expected of it, they are normal with mean ``centre`` and covariance
    ``factor factor'``, as in Bayesian generalised least squares (Gelman et al. 2013, chapter 14).

    Returns:
        Arrays of the model: ``terms_centre`` (term,), ``terms_factor`` (term, term); and, for a single area, what they add up to
        on the link scale at the centre, ``terms_fitted`` (time,), and how that moves with departures in units of the factor,
        ``terms_columns`` (time, term).
    """
    n_areas, n_periods = structure.n_areas, structure.n_periods
    wide = (n_areas, n_periods)
    columns = [np.broadcast_to(level[:, None], wide) for level in arrays["level_sd"] * np.eye(n_areas)]
    columns.append(np.broadcast_to(arrays["trend_sd"] * arrays["year"], wide))
    columns += [np.broadcast_to(arrays["season_sd"] * term, wide) for term in arrays["season"].T]
    expected = arrays["level_mean"][:, None] + arrays["trend_mean"] * arrays["year"]
    if structure.pooled:
        effect = np.moveaxis(arrays["basis"], 2, 0)
        if structure.decay:
            effect = effect * 0.5 ** (arrays["event_time"] / np.exp(arrays["half_life_log_median"]))
        columns += list(arrays["coefficient_sd"][:, None, None] * effect)
        expected = expected + np.tensordot(arrays["coefficient_mean"], effect, 1)
    terms = np.stack(columns, axis=-1)
    noise = np.exp(arrays["noise_log_median"])
    # Precision of the path: three diagonals, of which the two beside the main one are equal (Rue and Held 2005, chapter 1).
    fresh = noise**2 * (1.0 - PERSISTENCE**2)
    inner = np.full(n_periods, (1.0 + PERSISTENCE**2) / fresh)
    inner[[0, -1]] = 1.0 / fresh
    beside = np.full(n_periods, -PERSISTENCE / fresh)
    precision, pulled = np.eye(terms.shape[-1]), np.zeros(terms.shape[-1])
    for area in range(n_areas):
        weight = arrays["working_weight"][area] / (1.0 + arrays["working_weight"][area] * noise**2)
        # What a cell says, less what the path could say in its place: V^-1 = W - W (Q + W)^-1 W.
        own = weight[:, None] * terms[area]
        weighed = own - weight[:, None] * solveh_banded(np.stack([beside, inner + weight]), own)
        precision += weighed.T @ terms[area]
        pulled += weighed.T @ (arrays["working_response"][area] - expected[area])
    # Of P = R'R with R upper, the covariance is R^-1 (R^-1)'.
    factor = np.linalg.inv(np.linalg.cholesky(precision)).T
    centre = factor @ factor.T @ pulled
    found = {"terms_centre": centre, "terms_factor": factor}
    if n_areas == 1:
        found |= {"terms_fitted": expected[0] + terms[0] @ centre, "terms_columns": terms[0] @ factor}
    return found
