"""Does the model predict what it has not seen? Each observation left out in turn, and the prior alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.inference.checks import Check
from evaluation.inference.engine import Task
from evaluation.inference.field import persist
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import integrate_hyperparameters
from evaluation.inference.latent import Posterior

Array = NDArray[np.float64]

NODES = 25
FEWEST = 20
UNLIKELY = 0.005
N_PRIOR = 400


def loo_pit(frame: Frame, task: Task) -> Check:
    """Probability integral transform of every treated observation given all others; uniform if the model is right.

    A count's value is spread over its own probability (randomised PIT, seeded). Unlike a replicate from the full
    posterior, whose noise path has already bent towards the observation, this can fail in a panel.
    """
    name = "loo_pit"
    posterior = Posterior(task.data)
    exact = posterior.arrays["exact"][: posterior.n_treated] > 0
    exact[min(frame.n_treated, len(exact)) :] = False
    if int(exact.sum()) < FEWEST:
        return Check(name, None, "Too few exact observations to leave them out one by one.")
    scores, _, modes = integrate_hyperparameters(posterior, task.seed)
    best = int(np.argmax([mode.log_density for mode in modes])) if len(modes) > 1 else 0
    mean, variance = posterior.leave_one_out(scores[best], modes[best])
    if frame.likelihood == "normal":
        scores_seen = posterior.arrays["value"][: posterior.n_treated][exact]
        below = upto = stats.norm.cdf((scores_seen - mean[exact]) / np.sqrt(variance[exact]))
    else:
        below, upto = _predictive(posterior, scores[best], mean[exact], variance[exact], exact)
    pit = below + np.random.default_rng(task.seed).uniform(size=below.shape) * (upto - below)
    found = stats.kstest(pit, "uniform")
    extreme = float(np.mean((pit < 0.025) | (pit > 0.975)))
    passed = bool(found.pvalue >= UNLIKELY)
    sentence = (
        f"Predicting each of {len(pit)} observations from the others, {extreme:.0%} fall outside the middle 95%: "
        f"the model {'predicts them' if passed else 'does not predict them'} as it should"
    )
    return Check(name, passed, f"{sentence} (Kolmogorov-Smirnov p = {found.pvalue:.3f}).")


def _predictive(
    posterior: Posterior, score: Array, mean: Array, variance: Array, exact: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """P(Y < y) and P(Y <= y) of each cell, averaged over its cavity by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    eta = mean[:, None] + np.sqrt(variance)[:, None] * nodes
    rows = slice(0, posterior.n_treated)
    y = posterior.likelihood.value[rows][exact][:, None]
    kind = posterior.structure.likelihood
    if kind == "binomial":
        size = posterior.likelihood.size[rows][exact][:, None]
        spread = stats.binom(size, 1.0 / (1.0 + np.exp(-eta)))
    else:
        mu = np.exp(np.minimum(eta + posterior.likelihood.offset[rows][exact][:, None], 50.0))
        if kind == "poisson":
            spread = stats.poisson(mu)
        else:
            phi = 1.0 / (posterior.values(score)["overdispersion"] ** 2 + 1e-8)
            spread = stats.nbinom(phi, phi / (phi + mu))
    return spread.cdf(y - 1) @ weights, spread.cdf(y) @ weights


def prior_predictive(frame: Frame, task: Task) -> Check:
    """Could the priors alone have produced data like these? Their level and their restlessness before the start.

    The level's prior is centred on the data, so a clash shows in the second: the standard deviation of the change
    from one period to the next of the treated areas' total, on the link scale.
    """
    name = "prior_predictive"
    before = (frame.used & np.isfinite(frame.value) & ~frame.post)[: frame.n_treated].all(axis=0)
    if before.sum() < 8:
        return Check(name, None, "Too few complete periods before the start to compare with the priors.")
    posterior = Posterior(task.data)
    rng = np.random.default_rng(task.seed)
    rows, columns = posterior.n_treated, np.flatnonzero(before[: posterior.n_periods])
    simulated = np.array([_restlessness(frame, _draw_prior(posterior, frame, rng)[:, columns]) for _ in range(N_PRIOR)])
    seen = _restlessness(frame, frame.value[:rows, columns])
    share = float(np.mean(simulated <= seen))
    # Wide priors of nuisances allow far more than any series does; only what they forbid is a fault.
    passed = bool(share <= 0.995)
    side = "no more than" if passed else "far more than"
    sentence = f"Before the start the data moved from period to period {side} the priors allow"
    return Check(name, passed, f"{sentence} ({share:.0%} of prior simulations moved less).")


def _draw_prior(posterior: Posterior, frame: Frame, rng: np.random.Generator) -> Array:
    """One set of outcomes of the treated areas from the priors, without effect, shape (treated area, time)."""
    score = rng.standard_normal(len(posterior.names))
    prior, value = posterior.gaussian(score), posterior.values(score)
    rows, periods = posterior.n_treated, posterior.n_periods
    eta = prior.mean[:rows] + prior.level_sd * rng.standard_normal((rows, 1))
    eta = eta + prior.shared @ rng.standard_normal(prior.shared.shape[1])

    def wander(sd: float, rho: float) -> Array:
        path = rng.standard_normal((rows, periods))
        persist(path, rho)
        return sd * path

    if prior.path_sd > 0.0:
        eta = eta + wander(prior.path_sd, prior.path_rho)
    if frame.likelihood == "normal":
        return eta + wander(value["score_sd"], value.get("score_rho", 0.0))
    mu = posterior.likelihood.respond(np.minimum(eta, 30.0))
    if frame.likelihood == "binomial":
        size = np.maximum(posterior.likelihood.size[:rows], 1.0)
        return rng.binomial(size.astype(int), np.clip(mu / size, 0.0, 1.0)).astype(float)
    mu = np.minimum(mu, 1e12)
    if "overdispersion" in value:
        shape = 1.0 / (value["overdispersion"] ** 2 + 1e-8)
        mu = mu * rng.gamma(shape, 1.0 / shape, size=mu.shape)
    return rng.poisson(mu).astype(float)


def _restlessness(frame: Frame, value: Array) -> float:
    total = value.mean(axis=0) if frame.likelihood == "normal" else np.log(value.sum(axis=0) + 0.5)
    return float(np.std(np.diff(total)))
