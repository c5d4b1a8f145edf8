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
from models.structure import Structure

LogProbability = Callable[[TensorVariable, TensorVariable], TensorVariable]


def observe(eta: TensorVariable, data: Arrays, structure: Structure) -> Callable[[TensorVariable], TensorVariable]:
    """Add the likelihood of ``eta`` (link scale, without exposure; shape (area, time)).

    Returns:
        The function from the link scale to the expected outcome on the response scale, same shape.
    """
    if structure.likelihood == "normal":
        return observe_scores(eta, data, structure)
    if structure.likelihood == "binomial":
        return observe_proportions(eta, data, structure)
    return observe_counts(eta, data, structure)


def observe_counts(eta: TensorVariable, data: Arrays, structure: Structure) -> Callable:
    """Poisson or negative binomial with log exposure. Variance of the latter: mu + (overdispersion x mu)^2."""
    log_mu = eta + data["log_exposure"]
    if structure.likelihood == "poisson":

        def log_probability(count: TensorVariable, log_mean: TensorVariable) -> TensorVariable:
            return count * log_mean - pt.exp(log_mean) - pt.gammaln(count + 1.0)
    else:
        overdispersion = noise_scale("overdispersion", data)
        phi = 1.0 / (overdispersion**2 + 1e-8)
        log_phi = pt.log(phi)

        def log_probability(count: TensorVariable, log_mean: TensorVariable) -> TensorVariable:
            return (
                pt.gammaln(count + phi)
                - pt.gammaln(phi)
                - pt.gammaln(count + 1.0)
                + count * (log_mean - log_phi)
                - (count + phi) * pt.log1p(pt.exp(log_mean - log_phi))
            )

    add_cells(log_probability, log_mu, data, structure)
    return lambda link: pt.exp(link + data["log_exposure"])


def observe_proportions(eta: TensorVariable, data: Arrays, structure: Structure) -> Callable:
    """Binomial: ``value`` successes of ``trials``; extra variation is in the paths on the logit scale."""
    trials = data["trials"]

    def log_probability(count: TensorVariable, pair: TensorVariable) -> TensorVariable:
        total, logit = pair
        return (
            pt.gammaln(total + 1.0)
            - pt.gammaln(count + 1.0)
            - pt.gammaln(total - count + 1.0)
            + count * logit
            - total * pt.softplus(logit)
        )

    exact = log_probability(pt.minimum(data["value"], trials), (trials, eta))
    pm.Potential("likelihood", pt.sum(data["exact"] * exact))
    if structure.n_censored:
        total = trials.flatten()[data["censored_at"]][:, None]
        logit = eta.flatten()[data["censored_at"]][:, None]
        count = pt.minimum(data["censored_counts"], total)
        add_intervals(log_probability(count, (total, logit)), data)
    return lambda link: trials * pm.math.invlogit(link)


def observe_scores(eta: TensorVariable, data: Arrays, structure: Structure) -> Callable:
    """Normal scores with AR(1) errors within an area.

    The error of a cell given the area's last observed cell, ``gap`` periods earlier, is normal with mean
    rho^gap times that error: exact with missing periods, and linear in the number of cells. A first cell has
    gap 0 and is drawn from the stationary distribution.
    """
    sd = noise_scale("score_sd", data)
    rho = persistence("score_rho", structure)
    error = data["value"] - eta
    following = pt.gt(data["gap"], 0.0)
    if rho is None:
        expected, variance = pt.zeros_like(error), sd**2 * pt.ones_like(error)
    else:
        carried = rho ** pt.maximum(data["gap"], 1.0)
        previous = error.flatten()[data["previous"].flatten()].reshape(error.shape)
        expected = pt.switch(following, carried * previous, 0.0)
        variance = sd**2 * pt.switch(following, 1.0 - carried**2, 1.0)
    log_density = -0.5 * ((error - expected) ** 2 / variance + pt.log(2.0 * 3.141592653589793 * variance))
    pm.Potential("likelihood", pt.sum(data["exact"] * log_density))
    return lambda link: link


def add_cells(log_probability: LogProbability, log_mu: TensorVariable, data: Arrays, structure: Structure) -> None:
    """Add the exact cells, and the interval-censored ones if the structure has any."""
    pm.Potential("likelihood", pt.sum(data["exact"] * log_probability(data["value"], log_mu)))
    if structure.n_censored:
        censored = log_mu.flatten()[data["censored_at"]][:, None]
        add_intervals(log_probability(data["censored_counts"], censored), data)


def add_intervals(log_probabilities: TensorVariable, data: Arrays) -> None:
    """Add log P(low <= count <= high): the counts inside the interval, summed; shape (censored, count)."""
    possible = pt.switch(data["censored_possible"] > 0.0, log_probabilities, -1e9)
    pm.Potential("censored", pt.sum(data["censored_used"] * pt.logsumexp(possible, axis=1)))
