"""A stationary AR(1) path from independent shocks, with its derivative: one loop over time each way.

The sampler asks for this thousands of times a second. Written in tensor operations (a scan, a T x T matrix, or repeated
doubling) it is most of a panel's gradient and of its compile time; as an operation of its own it is two short loops.
"""

from __future__ import annotations

import numba
import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key
from pytensor.tensor.variable import TensorVariable

from models.compilation import source_version

Array = NDArray[np.float64]


@numba.njit(cache=True)
def filter_shocks(shocks: Array, rho: float) -> Array:
    """Path of unit variance: ``x[0] = e[0]``, ``x[t] = rho x[t-1] + sqrt(1 - rho^2) e[t]``; shapes (series, time)."""
    path = np.empty_like(shocks)
    fresh = np.sqrt(1.0 - rho * rho)
    for i in range(shocks.shape[0]):
        path[i, 0] = shocks[i, 0]
        for t in range(1, shocks.shape[1]):
            path[i, t] = rho * path[i, t - 1] + fresh * shocks[i, t]
    return path


@numba.njit(cache=True)
def pull_back(shocks: Array, path: Array, rho: float, slope: Array) -> tuple[Array, float]:
    """Derivatives by shocks and by ``rho`` of what has derivative ``slope`` by the path: the recursion run backwards."""
    by_shock = np.empty_like(shocks)
    fresh = np.sqrt(1.0 - rho * rho)
    by_rho = 0.0
    for i in range(shocks.shape[0]):
        carried = 0.0
        for t in range(shocks.shape[1] - 1, 0, -1):
            carried = slope[i, t] + rho * carried
            by_shock[i, t] = fresh * carried
            by_rho += carried * (path[i, t - 1] - rho / fresh * shocks[i, t])
        by_shock[i, 0] = slope[i, 0] + rho * carried
    return by_shock, by_rho


def autoregressive_path(shocks: TensorVariable, rho: TensorVariable) -> TensorVariable:
    """Stationary AR(1) path of unit variance from standard normal shocks, along the last of one or two axes."""
    if shocks.ndim == 1:
        return autoregressive_path(shocks[None, :], rho)[0]
    return AutoregressiveFilter().make_node(shocks, rho).outputs[0]  # type: ignore[return-value]


class AutoregressiveFilter(Op):
    """:func:`filter_shocks` in a model: shocks (series, time) and ``rho`` in (0, 1) to paths of the same shape."""

    __props__ = ()

    def make_node(self, *inputs) -> Apply:
        """The operation applied to a matrix of shocks and a scalar ``rho``."""
        shocks, rho = (pt.as_tensor_variable(value) for value in inputs)
        return Apply(self, [shocks, rho], [shocks.type()])

    def perform(self, node, inputs, output_storage) -> None:
        """Without a compiled graph (draws from the prior)."""
        shocks, rho = inputs
        output_storage[0][0] = filter_shocks(shocks, float(rho))

    def infer_shape(self, node, shapes):
        """The shape of the shocks."""
        return [shapes[0]]

    def pullback(self, inputs, outputs, cotangents):
        """Reverse-mode derivative."""
        shocks, rho = inputs
        return AutoregressivePullback().make_node(shocks, outputs[0], rho, cotangents[0]).outputs


class AutoregressivePullback(Op):
    """:func:`pull_back` in a model."""

    __props__ = ()

    def make_node(self, *inputs) -> Apply:
        """The derivative at these shocks, this path, this ``rho`` and the path's own derivative."""
        shocks, path, rho, slope = (pt.as_tensor_variable(value) for value in inputs)
        return Apply(self, [shocks, path, rho, slope], [shocks.type(), rho.type()])

    def perform(self, node, inputs, output_storage) -> None:
        """Without a compiled graph."""
        shocks, path, rho, slope = inputs
        by_shock, by_rho = pull_back(shocks, path, float(rho), slope)
        output_storage[0][0], output_storage[1][0] = by_shock, np.asarray(by_rho)

    def infer_shape(self, node, shapes):
        """Those of shocks and ``rho``."""
        return [shapes[0], shapes[2]]


@register_funcify_default_op_cache_key(AutoregressiveFilter)
def _compile_filter(op, **_):
    @numba.njit
    def filtered(shocks, rho):
        return filter_shocks(shocks, rho.item())

    return filtered, source_version(__file__)


@register_funcify_default_op_cache_key(AutoregressivePullback)
def _compile_pullback(op, **_):
    @numba.njit
    def pulled(shocks, path, rho, slope):
        by_shock, by_rho = pull_back(shocks, path, rho.item(), slope)
        return by_shock, np.asarray(by_rho)

    return pulled, source_version(__file__)
