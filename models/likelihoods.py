"""Likelihoods of counts, proportions and scores, with exact, interval-censored and missing cells.

Each adds its log-likelihood to the open model, summed over the cells in use, and returns the expected outcome on
the response scale. A missing cell is masked out; a suppressed or rounded count contributes the probability that
the true count lies in its interval.
"""

from __future__ import annotations

from collections.abc import Callable

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from models.components import Arrays, noise_scale, persistence
from models.negative_binomial import log_likelihood, log_rising_factorial
from models.structure import Structure


def overdispersion(data: Arrays, structure: Structure) -> TensorVariable:
    """Standard deviation of a single cell's departure on the link scale: a parameter of the negative binomial, else 0."""
    if structure.likelihood != "negative_binomial":
        return pt.constant(0.0, dtype="float64")
    return noise_scale("overdispersion", data)


def observe(
    eta: TensorVariable, data: Arrays, structure: Structure, overdispersion: TensorVariable
) -> Callable[[TensorVariable], TensorVariable]:
    """Add the likelihood of ``eta`` (link scale, without exposure; shape (area, time)).

    Returns:
        The function from the link scale to the expected outcome on the response scale, same shape.
    """
    if structure.likelihood == "normal":
        return observe_scores(eta, data, structure)
    if structure.likelihood == "binomial":
        return observe_proportions(eta, data, structure)
    return observe_counts(eta, data, structure, overdispersion)


def observe_counts(eta: TensorVariable, data: Arrays, structure: Structure, overdispersion: TensorVariable) -> Callable:
    """Poisson or negative binomial with log exposure. Variance of the latter: mu + (overdispersion x mu)^2.

    Terms that no parameter touches (log y!) are left out of the exact cells and enter the intervals as constants.
    The negative binomial's gamma functions are evaluated once for each distinct count, not once for each cell.
    """
    log_mu = eta + data["log_exposure"]
    if structure.likelihood == "poisson":
        exact = data["value"] * log_mu - pt.exp(log_mu)
        pm.Potential("likelihood", pt.sum(data["exact"] * exact))
        if structure.n_censored:
            cell = log_mu.flatten()[data["censored_at"]][:, None]
            add_intervals(data["censored_counts"] * cell - pt.exp(cell), data)
    else:
        phi = 1.0 / (overdispersion**2 + 1e-8)
        exact = log_likelihood(
            eta, data["log_exposure"], data["value"], data["exact"], data["distinct"], data["n_exact"], phi
        )
        pm.Potential("likelihood", exact)
        if structure.n_censored:
            counts, log_ratio = data["censored_counts"], log_mu.flatten()[data["censored_at"]][:, None] - pt.log(phi)
            rising = log_rising_factorial(data["distinct"], phi)[data["censored_distinct"]]
            add_intervals(counts * log_ratio - (counts + phi) * pt.log1p(pt.exp(log_ratio)) + rising, data)
    return lambda link: pt.exp(link + data["log_exposure"])


def observe_proportions(eta: TensorVariable, data: Arrays, structure: Structure) -> Callable:
    """Binomial: ``value`` successes of ``trials``; extra variation is in the paths on the logit scale."""
    trials = data["trials"]
    pm.Potential("likelihood", pt.sum(data["exact"] * (data["value"] * eta - trials * pt.softplus(eta))))
    if structure.n_censored:
        at = data["censored_at"]
        logit, total = eta.flatten()[at][:, None], trials.flatten()[at][:, None]
        add_intervals(data["censored_counts"] * logit - total * pt.softplus(logit), data)
    return lambda link: trials * pm.math.invlogit(link)


def observe_scores(eta: TensorVariable, data: Arrays, structure: Structure) -> Callable:
    """Normal scores with AR(1) errors within an area.

    The error of a cell given the area's last observed cell, ``gap`` periods earlier, is normal with mean
    rho^gap times that error: exact with missing periods, and linear in the number of cells. A first cell has
    gap 0 and is drawn from the stationary distribution.
    """
    sd = noise_scale("score_sd", data)
    rho = persistence("score_rho") if structure.autocorrelation else None
    error = data["value"] - eta
    following = pt.gt(data["gap"], 0.0)
    if rho is None:
        expected, variance = pt.zeros_like(error), sd**2 * pt.ones_like(error)
    else:
        carried = rho ** pt.maximum(data["gap"], 1.0)
        previous = error.flatten()[data["previous"].flatten()].reshape(error.shape)
        expected = pt.switch(following, carried * previous, 0.0)
        variance = sd**2 * pt.switch(following, 1.0 - carried**2, 1.0)
    log_density = -0.5 * ((error - expected) ** 2 / variance + pt.log(variance))
    pm.Potential("likelihood", pt.sum(data["exact"] * log_density))
    return lambda link: link


def add_intervals(log_kernels: TensorVariable, data: Arrays) -> None:
    """Add log P(low <= count <= high), summing over the counts inside each interval; shape (censored, count).

    ``censored_constant`` carries what depends on the count alone, and excludes padding with a huge negative number.
    """
    log_probability = pt.logsumexp(log_kernels + data["censored_constant"], axis=1)
    pm.Potential("censored", pt.sum(data["censored_used"] * log_probability))
