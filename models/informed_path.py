"""An AR(1) path as its expectation given the data, plus independent shocks: one loop over time each way.

Written as shocks from the prior, a path that the data know well is a narrow ridge whose direction turns with every change
of its scale and persistence: at hundreds of events a month the sampler diverged there. Here the shocks stand for what the
data leave open. Around the working response of each cell (McCullagh and Nelder 1989, section 2.5; variance
``1 / weight + overdispersion^2`` on the link scale) the path given scale, persistence and everything else is normal,

    path | rest ~ N(m, Q^-1),    Q = Q_AR(scale, rho) + diag(w),    Q m = w * residual,    w = weight / (1 + weight * od^2)

and ``path = m + Q^(-1/2) shocks``. Were the response normal, the shocks would be independent and standard normal under the
posterior, whatever the scale and the persistence. The change of variables is exact: it moves the sampler's coordinates,
never the posterior. ``Q`` has three diagonals, so everything is linear in the number of periods (Rue and Held 2005,
chapter 2).
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
BLOCK = 8  # pivots multiplied before a logarithm is taken: few enough not to overflow


@numba.njit(cache=True)
def draw_paths(
    shocks: Array, residual: Array, weight: Array, od: float, scale: float, rho: float
) -> tuple[Array, float, Array, Array]:
    """Paths from shocks, and the log density that belongs to the change of variables.

    Args:
        shocks, residual, weight: (series, time). ``residual`` is the working response less everything but the path,
            ``weight`` its working weight: 0 where nothing is known.
        od: overdispersion, a standard deviation on the link scale; 0 for none.
        scale, rho: of the AR(1) process, ``scale > 0`` and ``0 < rho < 1``.

    Returns:
        The paths (series, time); ``log p(path | scale, rho) + log |d path / d shocks|`` summed over the series, without
        the constant of the normal density; and for the derivative the inverse pivots of ``Q`` and the half-solved
        right-hand side, both (series, time).
    """
    n_series, n_periods = shocks.shape
    tau = 1.0 / (scale * scale * (1.0 - rho * rho))
    beside, inner = -tau * rho, tau * (1.0 + rho * rho)
    paths, inverse, half = np.empty_like(shocks), np.empty_like(shocks), np.empty_like(shocks)
    logs, square = 0.0, 0.0
    for i in range(n_series):
        c, y, product = 0.0, 0.0, 1.0
        for t in range(n_periods):
            on = tau if t == 0 or t == n_periods - 1 else inner
            w = weight[i, t] / (1.0 + weight[i, t] * od * od)
            carried = beside * c
            y = w * residual[i, t] - carried * y
            c = 1.0 / (on + w - beside * carried)
            inverse[i, t], half[i, t] = c, y
            product *= c
            if t % BLOCK == BLOCK - 1:
                logs += np.log(product)
                product = 1.0
        logs += np.log(product)
        x = 0.0
        for t in range(n_periods - 1, -1, -1):
            on = tau if t == 0 or t == n_periods - 1 else inner
            c, following = inverse[i, t], x
            x = c * (half[i, t] - beside * following) + np.sqrt(c) * shocks[i, t]
            square += x * (on * x + 2.0 * beside * following)
            paths[i, t] = x
    total = 0.5 * (logs - square + n_series * (n_periods * np.log(tau) + np.log(1.0 - rho * rho)))
    return paths, total, inverse, half


@numba.njit(cache=True)
def pull_back(
    shocks: Array, residual: Array, weight: Array, od: float, scale: float, rho: float,
    paths: Array, inverse: Array, half: Array, slope: Array, by_total: float,
) -> tuple[Array, Array, float, float, float]:  # fmt: skip
    """Derivatives of what has derivative ``slope`` by the paths and ``by_total`` by the log density.

    Args:
        shocks, residual, weight, od, scale, rho: as in :func:`draw_paths`.
        paths, inverse, half: what it returned.
        slope: (series, time).
        by_total: a number.

    Returns:
        By shocks and by residual, both (series, time); by overdispersion, scale and rho.
    """
    n_series, n_periods = shocks.shape
    tau = 1.0 / (scale * scale * (1.0 - rho * rho))
    beside, inner = -tau * rho, tau * (1.0 + rho * rho)
    by_shock, by_residual, by_pivot = np.empty_like(shocks), np.empty_like(shocks), np.empty(n_periods)
    # Of the tridiagonal prior: on its diagonal at the two ends and between them, and beside it.
    ends, middle, aside, by_od = 0.0, 0.0, 0.0, 0.0
    for i in range(n_series):
        x_before, by_half = 0.0, 0.0
        for t in range(n_periods):  # the prior's quadratic form, and the backward substitution forwards
            edge = t == 0 or t == n_periods - 1
            on = tau if edge else inner
            x, following = paths[i, t], paths[i, t + 1] if t < n_periods - 1 else 0.0
            c = inverse[i, t]
            root = np.sqrt(c)
            by_path = slope[i, t] - by_total * (on * x + beside * (following + x_before)) - beside * by_half
            by_half = by_path * c
            by_shock[i, t], by_residual[i, t] = by_path * root, by_half
            by_pivot[t] = (
                -by_half * (c * (half[i, t] - beside * following) + 0.5 * root * shocks[i, t]) - 0.5 * by_total * c
            )
            aside -= (by_total * x + by_half) * following
            if edge:
                ends -= 0.5 * by_total * x * x
            else:
                middle -= 0.5 * by_total * x * x
            x_before = x
        more_half, more_pivot = 0.0, 0.0
        for t in range(n_periods - 1, -1, -1):  # the elimination, backwards
            a, d = by_residual[i, t] + more_half, by_pivot[t] + more_pivot
            w = weight[i, t] / (1.0 + weight[i, t] * od * od)
            by_residual[i, t] = a * w
            by_od -= 2.0 * od * w * w * (d + a * residual[i, t])
            if t == 0 or t == n_periods - 1:
                ends += d
            else:
                middle += d
            if t > 0:
                c, earlier = inverse[i, t - 1], half[i, t - 1]
                aside -= c * (a * earlier + 2.0 * d * beside)
                more_half = -a * beside * c
                more_pivot = c * c * beside * (a * earlier + d * beside)
    by_tau = ends + middle * (1.0 + rho * rho) - aside * rho + 0.5 * by_total * n_series * n_periods / tau
    by_scale = -2.0 * by_tau * tau / scale
    fresh = 1.0 - rho * rho
    by_rho = (2.0 * by_tau * tau * rho - by_total * n_series * rho) / fresh + tau * (2.0 * middle * rho - aside)
    return by_shock, by_residual, by_od, by_scale, by_rho


def informed_path(
    shocks: TensorVariable, residual: TensorVariable, weight: TensorVariable, overdispersion, scale, rho
) -> tuple[TensorVariable, TensorVariable]:
    """:func:`draw_paths` in a model: the paths (series, time) and the log density that must be added to it."""
    path, log_density, *_ = InformedPath().make_node(shocks, residual, weight, overdispersion, scale, rho).outputs
    return path, log_density  # type: ignore[return-value]


class InformedPath(Op):
    """Three matrices (series, time), the third of data, and three scalars to what :func:`draw_paths` returns."""

    __props__ = ()

    def make_node(self, *inputs) -> Apply:
        """The operation applied to shocks, residual, weight, overdispersion, scale and rho."""
        given = [pt.as_tensor_variable(value) for value in inputs]
        matrix, scalar = given[0].type, given[4].type
        return Apply(self, given, [matrix(), scalar(), matrix(), matrix()])

    def perform(self, node, inputs, output_storage) -> None:
        """Without a compiled graph."""
        shocks, residual, weight, od, scale, rho = inputs
        found = draw_paths(shocks, residual, weight, float(od), float(scale), float(rho))
        for place, value in zip(output_storage, found, strict=True):
            place[0] = np.asarray(value)

    def infer_shape(self, node, shapes):
        """That of the shocks, and a scalar."""
        return [shapes[0], (), shapes[0], shapes[0]]

    def connection_pattern(self, node):
        """Weights are data; the last two outputs serve the derivative only."""
        return [[i != 2, i != 2, False, False] for i in range(6)]

    def pullback(self, inputs, outputs, cotangents):
        """Reverse-mode derivative."""
        by_path, by_total = (
            pt.zeros_like(output) if isinstance(cotangent.type, DisconnectedType) else cotangent
            for output, cotangent in zip(outputs[:2], cotangents[:2], strict=True)
        )
        given = (*inputs, outputs[0], outputs[2], outputs[3], by_path, by_total)
        shocks, residual, od, scale, rho = InformedPullback().make_node(*given).outputs
        return [shocks, residual, DisconnectedType()(), od, scale, rho]


class InformedPullback(Op):
    """:func:`pull_back` in a model."""

    __props__ = ()

    def make_node(self, *inputs) -> Apply:
        """The derivative at these inputs and outputs of :class:`InformedPath`."""
        given = [pt.as_tensor_variable(value) for value in inputs]
        return Apply(self, given, [given[i].type() for i in (0, 1, 3, 4, 5)])

    def perform(self, node, inputs, output_storage) -> None:
        """Without a compiled graph."""
        shocks, residual, weight, od, scale, rho, paths, inverse, half, slope, by_total = inputs
        found = pull_back(
            shocks, residual, weight, float(od), float(scale), float(rho), paths, inverse, half, slope, float(by_total)
        )
        for place, value in zip(output_storage, found, strict=True):
            place[0] = np.asarray(value)

    def infer_shape(self, node, shapes):
        """Those of shocks, residual, overdispersion, scale and rho."""
        return [shapes[i] for i in (0, 1, 3, 4, 5)]


@register_funcify_default_op_cache_key(InformedPath)
def _compile_path(op, **_):
    @numba.njit
    def drawn(shocks, residual, weight, od, scale, rho):
        path, total, inverse, half = draw_paths(shocks, residual, weight, od.item(), scale.item(), rho.item())
        return path, np.asarray(total), inverse, half

    return drawn, source_version(__file__)


@register_funcify_default_op_cache_key(InformedPullback)
def _compile_pullback(op, **_):
    @numba.njit
    def pulled(shocks, residual, weight, od, scale, rho, path, inverse, half, slope, by_total):
        by_shock, by_residual, by_od, by_scale, by_rho = pull_back(
            shocks, residual, weight, od.item(), scale.item(), rho.item(), path, inverse, half, slope, by_total.item()
        )
        return by_shock, by_residual, np.asarray(by_od), np.asarray(by_scale), np.asarray(by_rho)

    return pulled, source_version(__file__)
