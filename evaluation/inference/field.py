"""Arithmetic of the Laplace approximation, compiled: likelihood terms, AR(1) blocks, rank-one corrections.

Everything is linear in the number of cells or quadratic in the number of periods: the precision of an AR(1) path is
tridiagonal, so the inverse that an area needs follows from two recursions (Meurant 1992) without factorising a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.linalg import LinAlgError, lapack

from models.structure import ModelData

Array = NDArray[np.float64]
POISSON, NEGATIVE_BINOMIAL, BINOMIAL, NORMAL = range(4)
KINDS = {"poisson": POISSON, "negative_binomial": NEGATIVE_BINOMIAL, "binomial": BINOMIAL, "normal": NORMAL}


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of the cells in use, as ``models.likelihoods`` writes it.

    Attributes:
        kind: one of the numbers above.
        value, exact, offset: observed, whether exactly, and log exposure; shape (area, time).
        size: trials of a proportion, shape (area, time).
        place: (area, time) of each interval-censored cell, shape (censored, 2).
        low, count: first count of each interval and how many counts it holds, shape (censored,).
        constant: what depends on the count alone, shape (censored, count).
        distinct, times: distinct exact counts and how often each occurs, those that do.
    """

    kind: int
    value: Array
    exact: Array
    offset: Array
    size: Array
    place: NDArray[np.int64]
    low: Array
    count: NDArray[np.int64]
    constant: Array
    distinct: Array
    times: Array

    @classmethod
    def of(cls, data: ModelData, n_areas: int, n_periods: int) -> Likelihood:
        """From a model's arrays, cropped to the cells in use."""
        arrays, structure = data.arrays, data.structure
        crop = (slice(0, n_areas), slice(0, n_periods))
        place, low, count = np.zeros((0, 2), dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.int64)
        constant = np.zeros((0, 1))
        if structure.n_censored:
            used = arrays["censored_used"] > 0
            at = arrays["censored_at"][used].astype(np.int64)
            place = np.stack([at // structure.n_periods, at % structure.n_periods], axis=1)
            constant = np.ascontiguousarray(arrays["censored_constant"][used], dtype=float)
            low = arrays["censored_counts"][used, 0].copy()
            count = (constant > -1e8).sum(axis=1)
        value = np.ascontiguousarray(arrays["value"][crop], dtype=float)
        exact = np.ascontiguousarray(arrays["exact"][crop], dtype=float)
        times = arrays.get("n_exact", np.zeros(0)).astype(float)
        return cls(
            kind=KINDS[structure.likelihood],
            value=value,
            exact=exact,
            offset=np.ascontiguousarray(arrays["log_exposure"][crop]),
            size=np.ascontiguousarray(arrays["trials"][crop]) if "trials" in arrays else np.zeros_like(value),
            place=place,
            low=low,
            count=count,
            constant=constant,
            distinct=arrays.get("distinct", np.zeros(0)).astype(float)[times > 0],
            times=times[times > 0],
        )

    def disperse(self, overdispersion: float) -> Dispersed:
        """The likelihood at one overdispersion, which Newton's steps do not change."""
        phi = 1.0 / (overdispersion**2 + 1e-8)
        constant, rising = self.constant, 0.0
        if self.kind == NEGATIVE_BINOMIAL:
            base = special.gammaln(phi)
            rising = float(np.sum(self.times * (special.gammaln(self.distinct + phi) - base)))
            if len(self.low):
                counts = self.low[:, None] + np.arange(constant.shape[1])
                constant = constant + special.gammaln(counts + phi) - base
        return Dispersed(self, phi, constant, rising)

    def respond(self, eta: Array) -> Array:
        """Expected outcome on the response scale; the last two axes of ``eta`` are the first areas and time."""
        areas = eta.shape[-2]
        if self.kind == NORMAL:
            return eta
        if self.kind == BINOMIAL:
            return self.size[:areas] * special.expit(eta)
        return np.exp(eta + self.offset[:areas])


@dataclass(frozen=True)
class Dispersed:
    """A likelihood whose overdispersion is known: ``phi``, and what depends on it and the counts alone."""

    of: Likelihood
    phi: float
    constant: Array
    rising: float

    def evaluate(self, eta: Array) -> tuple[float, Array, Array]:
        """Log-likelihood of a linear predictor, its gradient and its negative curvature, the last two (area, time)."""
        of = self.of
        total, gradient, curvature = _exact_terms(of.kind, eta, of.value, of.exact, of.offset, of.size, self.phi)
        if len(of.low):
            total += _interval_terms(
                of.kind, eta, of.place, of.low, of.count, self.constant, of.offset, of.size, self.phi, gradient,
                curvature,
            )  # fmt: skip
        return total + self.rising, gradient, curvature


def working_target(now: Array, gradient: Array, curvature: Array) -> Array:
    """Where a Newton step from here would take each cell if it were alone; 0 where nothing is known."""
    seen = curvature > 0.0
    return np.where(seen, now + gradient / np.where(seen, curvature, 1.0), 0.0)


@numba.njit(cache=True)
def _exact_terms(kind, eta, value, exact, offset, size, phi):
    gradient = np.zeros_like(eta)
    curvature = np.zeros_like(eta)
    total = 0.0
    for a in range(eta.shape[0]):
        for t in range(eta.shape[1]):
            if exact[a, t] == 0.0:
                continue
            y = value[a, t]
            if kind == POISSON:
                log_mu = min(eta[a, t] + offset[a, t], 50.0)
                mu = np.exp(log_mu)
                total += y * log_mu - mu
                gradient[a, t] = y - mu
                curvature[a, t] = max(mu, 1e-9)
            elif kind == NEGATIVE_BINOMIAL:
                ratio = min(eta[a, t] + offset[a, t] - np.log(phi), 50.0)
                share = 1.0 / (1.0 + np.exp(-ratio))
                log_total = np.log1p(np.exp(ratio)) if ratio < 30.0 else ratio
                total += y * ratio - (y + phi) * log_total
                gradient[a, t] = y - (y + phi) * share
                curvature[a, t] = max((y + phi) * share * (1.0 - share), 1e-9)
            else:
                x = eta[a, t]
                share = 1.0 / (1.0 + np.exp(-x))
                log_total = np.log1p(np.exp(x)) if x < 30.0 else x
                total += y * x - size[a, t] * log_total
                gradient[a, t] = y - size[a, t] * share
                curvature[a, t] = max(size[a, t] * share * (1.0 - share), 1e-9)
    return total, gradient, curvature


@numba.njit(cache=True)
def _interval_terms(kind, eta, place, low, count, constant, offset, size, phi, gradient, curvature):
    """Adds log P(low <= count <= high) of each censored cell: mean gradient and curvature under the inside weights."""
    total = 0.0
    for c in range(place.shape[0]):
        a, t = place[c, 0], place[c, 1]
        if kind == BINOMIAL:
            ratio = eta[a, t]
        elif kind == POISSON:
            ratio = min(eta[a, t] + offset[a, t], 50.0)
        else:
            ratio = min(eta[a, t] + offset[a, t] - np.log(phi), 50.0)
        log_total = np.log1p(np.exp(ratio)) if ratio < 30.0 else ratio
        share = 1.0 / (1.0 + np.exp(-ratio))
        mu = np.exp(ratio)
        largest = -np.inf
        for k in range(count[c]):
            largest = max(largest, _kernel(kind, low[c] + k, ratio, log_total, mu, size[a, t], phi) + constant[c, k])
        weight, first, second, bent = 0.0, 0.0, 0.0, 0.0
        for k in range(count[c]):
            y = low[c] + k
            w = np.exp(_kernel(kind, y, ratio, log_total, mu, size[a, t], phi) + constant[c, k] - largest)
            if kind == POISSON:
                slope, bend = y - mu, mu
            elif kind == NEGATIVE_BINOMIAL:
                slope, bend = y - (y + phi) * share, (y + phi) * share * (1.0 - share)
            else:
                slope, bend = y - size[a, t] * share, size[a, t] * share * (1.0 - share)
            weight += w
            first += w * slope
            second += w * slope * slope
            bent += w * bend
        mean = first / weight
        total += largest + np.log(weight)
        gradient[a, t] += mean
        curvature[a, t] += max(bent / weight - (second / weight - mean * mean), 1e-9)
    return total


@numba.njit(cache=True)
def _kernel(kind, y, ratio, log_total, mu, size, phi):
    if kind == POISSON:
        return y * ratio - mu
    if kind == NEGATIVE_BINOMIAL:
        return y * ratio - (y + phi) * log_total
    return y * ratio - size * log_total


@numba.njit(cache=True)
def count_blocks(curvature, sd, rho):
    """B = (K + W^-1)^-1 of each area's AR(1) path, shape (area, time, time), and sum of log det(I + K W)."""
    n_areas, n = curvature.shape
    blocks = np.zeros((n_areas, n, n))
    log_det = 0.0
    if sd <= 0.0:
        for a in range(n_areas):
            for t in range(n):
                blocks[a, t, t] = curvature[a, t]
        return blocks, log_det
    shock = sd * sd * (1.0 - rho * rho)
    off = -rho / shock
    forward, backward, carried = np.empty(n), np.empty(n), np.empty(n)
    diagonal = np.empty(n)
    for a in range(n_areas):
        w = curvature[a]
        for t in range(n):
            inner = 1.0 if (t == 0 or t == n - 1) else 1.0 + rho * rho
            diagonal[t] = (1.0 / (sd * sd) if n == 1 else inner / shock) + w[t]
        forward[0] = diagonal[0]
        for t in range(1, n):
            forward[t] = diagonal[t] - off * off / forward[t - 1]
        backward[n - 1] = diagonal[n - 1]
        for t in range(n - 2, -1, -1):
            backward[t] = diagonal[t] - off * off / backward[t + 1]
        for t in range(n):
            log_det += np.log(forward[t])
        log_det += n * np.log(sd * sd) + (n - 1) * np.log(1.0 - rho * rho)
        for t in range(n):
            carried[t] = -off / backward[t]
        for i in range(n):
            inverse = 1.0 / (forward[i] + backward[i] - diagonal[i])
            blocks[a, i, i] = w[i] - w[i] * inverse * w[i]
            for j in range(i + 1, n):
                inverse *= carried[j]
                blocks[a, i, j] = blocks[a, j, i] = -w[i] * inverse * w[j]
    return blocks, log_det


@numba.njit(cache=True)
def score_blocks(known, gap, previous, sd, rho):
    """Inverse covariance of each area's observed AR(1) errors, shape (area, time, time), and its log determinant negated."""
    n_areas, n = known.shape
    blocks = np.zeros((n_areas, n, n))
    log_det = 0.0
    for a in range(n_areas):
        for t in range(n):
            if not known[a, t]:
                continue
            if gap[a, t] <= 0.0:
                blocks[a, t, t] += 1.0 / (sd * sd)
                log_det += np.log(sd * sd)
                continue
            carried = rho ** gap[a, t]
            variance = sd * sd * (1.0 - carried * carried)
            p = previous[a, t]
            blocks[a, t, t] += 1.0 / variance
            blocks[a, p, p] += carried * carried / variance
            blocks[a, t, p] -= carried / variance
            blocks[a, p, t] -= carried / variance
            log_det += np.log(variance)
    return blocks, log_det


@numba.njit(cache=True)
def add_loadings(blocks, loadings):
    """Takes rank-one parts v v' of K into every block in place; returns what they add to log det(I + K W)."""
    n_areas, n, _ = blocks.shape
    log_det = 0.0
    pulled = np.empty(n)
    for a in range(n_areas):
        for v in range(loadings.shape[0]):
            # Blocks are symmetric, so their rows may be added up: one instruction for several cells, where a sum
            # along a row waits for each addend before it.
            pulled[:] = 0.0
            for j in range(n):
                for i in range(n):
                    pulled[i] += blocks[a, j, i] * loadings[v, j]
            inside = 1.0
            for i in range(n):
                inside += pulled[i] * loadings[v, i]
            for i in range(n):
                for j in range(n):
                    blocks[a, i, j] -= pulled[i] * pulled[j] / inside
            log_det += np.log(inside)
    return log_det


@numba.njit(cache=True)
def persist(shocks, rho):
    """Standard normal shocks of each area made, in place, into AR(1) paths of unit variance; shape (area, time)."""
    fresh = np.sqrt(1.0 - rho * rho)
    for a in range(shocks.shape[0]):
        for t in range(1, shocks.shape[1]):
            shocks[a, t] = rho * shocks[a, t - 1] + fresh * shocks[a, t]


def factor(matrix: Array) -> Array:
    """Lower Cholesky factor. Many are small: what the library's own door looks at takes longer than the factor.

    Raises:
        LinAlgError: the matrix is not positive definite.
    """
    # The rows of ours are the columns of Fortran's.
    upper, failed = lapack.dpotrf(matrix.T, lower=0)
    if failed:
        raise LinAlgError("the matrix is not positive definite")
    return np.ascontiguousarray(upper.T)


def covariance_root(covariance: Array) -> Array:
    """A matrix R with ``R R'`` the covariance, which rounding may have left a little less than positive definite."""
    try:
        return factor(covariance)
    except LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return vectors * np.sqrt(np.maximum(values, 0.0))


def solve_factored(root: Array, right: Array) -> Array:
    """Solution of ``L L' x = right`` for a lower Cholesky factor ``L``."""
    return lapack.dpotrs(root, right, lower=1)[0]


def solve_transposed(root: Array, right: Array) -> Array:
    """Solution of ``L' x = right`` for a lower Cholesky factor ``L``."""
    return lapack.dtrtrs(root.T, right, lower=0)[0]


def ar1_root(rho: float, n: int) -> Array:
    """Matrix that turns standard normal shocks into a stationary AR(1) path of unit variance, shape (time, time)."""
    lag = np.subtract.outer(np.arange(n), np.arange(n))
    root = np.where(lag >= 0, rho ** np.maximum(lag, 0), 0.0)
    root[:, 1:] *= np.sqrt(1.0 - rho**2)
    return root
