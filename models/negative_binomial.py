"""The negative binomial log-likelihood of a whole panel with its derivatives, in one loop.

The sampler asks for both thousands of times a second. Written in tensor operations, half of a single series' gradient went
into handing small arrays from one operation to the next.
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
from models.rising_factorial import difference, log_gamma_at

Array = NDArray[np.float64]


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
def _compile(op, **_):
    @numba.njit
    def weighed(link, log_exposure, value, exact, distinct, times, shape):
        total, by_link, by_shape = weigh(link, log_exposure, value, exact, distinct, times, shape.item())
        return np.asarray(total), by_link, np.asarray(by_shape)

    return weighed, source_version(__file__)
