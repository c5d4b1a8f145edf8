"""The negative binomial log-likelihood of a whole panel with its derivatives, in one loop; and the gamma functions it needs.

The sampler asks for both thousands of times a second. While they were tensor operations that handed small arrays to each other, a
single series' gradient took 20 microseconds; so written it took 13 (``book/developing/decisions/0013``).

The gamma functions come as the logarithm of the rising factorial, log gamma(n + a) - log gamma(a), with its derivative: as the
difference of two library calls it was slower, and where ``a`` is large beside ``n`` it lost the digits that the two have in common.
All of it stands in one file, because a cache of compiled code looks at the file of the function that was called.
"""

from __future__ import annotations

import numba
import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key
from pytensor.tensor.variable import TensorVariable

from models.compilation import source_version

Array = NDArray[np.float64]

# From here on four terms of Stirling's series hold to the last digits (Abramowitz and Stegun 1972, 6.1.41 and 6.3.18).
LARGE = 16.0


@numba.njit(cache=True)
def rise(counts: Array, start: float) -> tuple[Array, Array]:
    """``log gamma(n + start) - log gamma(start)`` and its derivative by ``start`` for counts ``n``; shapes (count,).

    A count of 0 (all padding is) costs nothing and gives 0.
    """
    value, slope = np.zeros_like(counts), np.zeros_like(counts)
    log_start, at_start = np.log(start), log_gamma_at(start)
    for i in range(counts.size):
        if counts[i] != 0.0:
            value[i], slope[i] = difference(counts[i], start, log_start, at_start)
    return value, slope


@numba.njit(cache=True)
def log_gamma_at(start: float) -> tuple[float, float]:
    """What :func:`difference` needs of the start alone."""
    return log_gamma(start) if start < LARGE else remainder(start)


@numba.njit(cache=True)
def difference(n: float, start: float, log_start: float, at_start: tuple[float, float]) -> tuple[float, float]:
    """``log gamma(n + start) - log gamma(start)`` and its derivative by ``start``."""
    if start < LARGE:
        value, slope = log_gamma(start + n)
        return value - at_start[0], slope - at_start[1]
    # The leading terms of the two series, subtracted by hand: nothing cancels however large the start.
    value, slope = remainder(start + n)
    growth = np.log1p(n / start)
    return (start + n - 0.5) * growth + n * (log_start - 1.0) + value - at_start[0], growth + slope - at_start[1]


@numba.njit(cache=True)
def log_gamma(x: float) -> tuple[float, float]:
    """``log gamma(x)`` and its derivative for ``x > 0``, carried up to where the series holds."""
    product, fall = 1.0, 0.0
    while x < LARGE:
        product *= x
        fall += 1.0 / x
        x += 1.0
    rest, slope = remainder(x)
    log_x = np.log(x)
    return (x - 0.5) * log_x - x + 0.5 * np.log(2 * np.pi) + rest - np.log(product), log_x + slope - fall


@numba.njit(cache=True)
def remainder(x: float) -> tuple[float, float]:
    """What Stirling's series adds to ``(x - 1/2) log x - x`` and, in the derivative, to ``log x``."""
    inverse = 1.0 / x
    square = inverse * inverse
    value = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))))
    slope = -0.5 * inverse - square * (
        1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132)))
    )
    return value, slope


@numba.njit(cache=True)
def weigh(
    link: Array, log_exposure: Array, value: Array, exact: Array, distinct: Array, times: Array, shape: float
) -> tuple[float, Array, float]:
    """Log-likelihood of counts, without what no parameter touches (log y!).

    Args:
        link: logarithm of the expected count for one unit of exposure; (area, time).
        log_exposure, value: (area, time); counts are read where they are in use only.
        exact: 1 where a cell is in use and its count is known, else 0; (area, time).
        distinct, times: the different counts of the cells in use, and how many cells have each; (count,). The gamma functions are
            needed once for each of them. Where ``times`` is 0 (all padding is) nothing is computed.
        shape: of the gamma distribution that mixes the rates, ``phi``; the variance is ``mu + mu^2 / phi``.

    Returns:
        The log-likelihood, its derivative by ``link`` (area, time) and by ``shape``.
    """
    total, by_shape = 0.0, 0.0
    log_shape = np.log(shape)
    by_link = np.zeros_like(link)
    for i in range(link.shape[0]):
        for t in range(link.shape[1]):
            if exact[i, t] == 0.0:
                continue
            y = value[i, t]
            log_ratio = link[i, t] + log_exposure[i, t] - log_shape
            ratio = np.exp(log_ratio)
            log_total = np.log(1.0 + ratio)  # twice as fast as log1p, and no digit of the whole is lost
            slope = y - (y + shape) * (ratio / (1.0 + ratio) if ratio < np.inf else 1.0)
            total += y * log_ratio - (y + shape) * log_total
            by_shape -= slope / shape + log_total
            by_link[i, t] = slope
    start = log_gamma_at(shape)
    for k in range(distinct.size):
        if times[k] == 0.0 or distinct[k] == 0.0:
            continue
        rise, slope = difference(distinct[k], shape, log_shape, start)
        total += times[k] * rise
        by_shape += times[k] * slope
    return total, by_link, by_shape


def log_likelihood(
    link: TensorVariable,
    log_exposure: TensorVariable,
    value: TensorVariable,
    exact: TensorVariable,
    distinct: TensorVariable,
    times: TensorVariable,
    shape: TensorVariable,
) -> TensorVariable:
    """:func:`weigh` in a model: four matrices (area, time), two vectors (count,) and a positive scalar to a scalar."""
    given = (link, log_exposure, value, exact, distinct, times, shape)
    return NegativeBinomialLikelihood().make_node(*given).outputs[0]  # type: ignore[return-value]


class NegativeBinomialLikelihood(Op):
    """The value and, because the loop that finds it has all that is needed, its derivatives by link and shape."""

    __props__ = ()

    def make_node(self, *inputs) -> Apply:
        """The operation applied to the arguments of :func:`weigh`."""
        given = [pt.as_tensor_variable(value) for value in inputs]
        link, shape = given[0].type, given[-1].type
        return Apply(self, given, [shape(), link(), shape()])

    def perform(self, node, inputs, output_storage) -> None:
        """Without a compiled graph."""
        link, log_exposure, value, exact, distinct, times, shape = inputs
        found = weigh(link, log_exposure, value, exact, distinct, times, float(shape))
        for place, value in zip(output_storage, found, strict=True):
            place[0] = np.asarray(value)

    def infer_shape(self, node, shapes):
        """A scalar, that of the link, a scalar."""
        return [(), shapes[0], ()]

    def connection_pattern(self, node):
        """All but link and shape are data, and the last two outputs are used in the derivative only."""
        return [[i in (0, 6), False, False] for i in range(7)]

    def pullback(self, inputs, outputs, cotangents):
        """Reverse-mode derivative of the first output."""
        none = [DisconnectedType()() for _ in range(5)]
        return [cotangents[0] * outputs[1], *none, cotangents[0] * outputs[2]]


@register_funcify_default_op_cache_key(NegativeBinomialLikelihood)
def _compile_likelihood(op, **_):
    @numba.njit
    def weighed(link, log_exposure, value, exact, distinct, times, shape):
        total, by_link, by_shape = weigh(link, log_exposure, value, exact, distinct, times, shape.item())
        return np.asarray(total), by_link, np.asarray(by_shape)

    return weighed, source_version(__file__)


def log_rising_factorial(counts: TensorVariable, start: TensorVariable) -> TensorVariable:
    """:func:`rise` in a model: known counts (count,) and a positive scalar to the logarithms (count,)."""
    return LogRisingFactorial().make_node(counts, start).outputs[0]  # type: ignore[return-value]


class LogRisingFactorial(Op):
    """The value and, because the loop that finds it has all that is needed, the derivative by ``start``."""

    __props__ = ()

    def make_node(self, *inputs) -> Apply:
        """The operation applied to a vector of counts and a scalar."""
        counts, start = (pt.as_tensor_variable(value) for value in inputs)
        return Apply(self, [counts, start], [counts.type(), counts.type()])

    def perform(self, node, inputs, output_storage) -> None:
        """Without a compiled graph (draws from the prior)."""
        counts, start = inputs
        output_storage[0][0], output_storage[1][0] = rise(counts, float(start))

    def infer_shape(self, node, shapes):
        """Twice that of the counts."""
        return [shapes[0], shapes[0]]

    def connection_pattern(self, node):
        """Counts are data, and the second output is used in the derivative only."""
        return [[False, False], [True, False]]

    def pullback(self, inputs, outputs, cotangents):
        """Reverse-mode derivative of the first output."""
        return [DisconnectedType()(), pt.sum(cotangents[0] * outputs[1])]


@register_funcify_default_op_cache_key(LogRisingFactorial)
def _compile_rising(op, **_):
    @numba.njit
    def risen(counts, start):
        return rise(counts, start.item())

    return risen, source_version(__file__)
