"""The pieces both models are made of: levels, paths, period effects, effects of treatment.

Every free parameter is standard normal or nearly so (or a bounded share) and is scaled by data, never by a constant
that depends on the series: the sampler's starting point then suits every series of the structure, and one compiled
program serves them all. A prior wider than ``WIDEST`` is the exception, see :func:`normal_about_zero`.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from models.autoregression import autoregressive_path
from models.informed_path import informed_path
from models.structure import COEFFICIENTS, SEASON_TERMS, Structure, informed_sizes, kind_of, nothing_but_terms, pack

Arrays = dict[str, TensorVariable]
Terms = dict[str, TensorVariable]
WIDEST = 1.0  # on the link scale: a factor of e, the standard deviation of the default prior of a level


def register(arrays: dict[str, np.ndarray]) -> Arrays:
    """Enter all arrays as ``pm.Data``, so that a compiled model can be given another series.

    They enter laid end to end (see :func:`models.structure.pack`) and are views of that inside the model: the sampler
    compiles code of its own for every ``pm.Data``, which took ten times as long as compiling the model.
    """
    packed = {kind: pm.Data(kind, flat, shape=flat.shape) for kind, flat in pack(arrays).items()}
    views, taken = {}, dict.fromkeys(packed, 0)
    for name, array in arrays.items():
        kind = kind_of(array)
        start, taken[kind] = taken[kind], taken[kind] + array.size
        whole = packed[kind]
        views[name] = whole[start : taken[kind]].reshape(array.shape) if array.ndim else whole[start]
    return views


def add_columns(matrix: TensorVariable, weights: TensorVariable) -> TensorVariable:
    """The columns of a matrix, each times its weight, added up: the product of matrix and vector, written out.

    Compiling the call of a linear-algebra library, with all that it checks, was two thirds of the time a series' model took
    to compile; for a handful of columns the call was no faster either.
    """
    return pt.sum(matrix * weights[None, :], axis=1)


def informed_terms(data: Arrays, structure: Structure) -> tuple[Terms, TensorVariable | None]:
    """Levels, trend, season and effect, each in units of its prior's standard deviation, written about what the data say of them.

    A level, a trend and a step of one series are known far better than their priors say and only together: in the units of
    those priors the sampler starts far away and in a narrow ridge. Here the free parameters are departures from a
    generalised least squares estimate, in units of its error (``evaluation.inference.coordinates``). The change of
    variables is linear, so its determinant is constant; the prior is the same.

    Returns:
        The terms by name, and what they add up to on the link scale, (area, time): where a series consists of nothing else one
        product gives that, and the sampler need not put it together from its parts at every step. ``None`` elsewhere.
    """
    z = pm.Flat("terms_z", shape=data["terms_centre"].type.shape)
    units = data["terms_centre"] + add_columns(data["terms_factor"], z)
    pm.Potential("terms", -0.5 * pt.sum(units**2))
    terms, taken = {}, 0
    for name, size in informed_sizes(structure).items():
        terms[name] = units[taken] if size == 0 else units[taken : taken + size]
        taken += max(size, 1)
    if not nothing_but_terms(structure):
        return terms, None
    return terms, (data["terms_fitted"] + add_columns(data["terms_columns"], z))[None, :]


def normal_about_zero(
    name: str, sd: TensorVariable, shape: int | tuple[int, ...] = (), terms: Terms | None = None
) -> TensorVariable:
    """A normal quantity with mean 0 and this standard deviation on the link scale, written about its likely posterior.

    Where it is not among the ``terms`` that the data inform, the free parameter ``<name>_z`` is in units of ``sd``, but of
    no more than ``WIDEST``: the data know a level to a tenth or better, and in units of a prior a hundred times as wide
    the posterior is a point that chains may not find while they are tuned. The prior is the same.
    """
    if terms and name in terms:
        return sd * pm.Deterministic(f"{name}_z", terms[name])
    z = pm.Normal(f"{name}_z", 0.0, pt.maximum(sd / WIDEST, 1.0), shape=shape)
    return pt.minimum(sd, WIDEST) * z


def area_levels(data: Arrays, structure: Structure, terms: Terms | None = None) -> TensorVariable:
    """Level of each area on the link scale, shape (area,)."""
    departure = normal_about_zero("level", data["level_sd"], structure.n_areas, terms)
    return pm.Deterministic("level", data["level_mean"] + departure)


def free_period_effects(data: Arrays, structure: Structure) -> TensorVariable:
    """A free effect for every period, summing to zero over the periods in use, shape (time,).

    Centring over the used periods leaves the common mean to the area levels; the padded periods keep their prior.
    """
    free = normal_about_zero("period", data["period_sd"], structure.n_periods)
    used = data["period_used"]
    return pm.Deterministic("period", free - pt.sum(used * free) / pt.sum(used))


def trend(data: Arrays, terms: Terms | None = None) -> TensorVariable:
    """Linear trend per year on the link scale, zero at the first start, shape (time,)."""
    slope = pm.Deterministic("trend", data["trend_mean"] + normal_about_zero("trend", data["trend_sd"], terms=terms))
    return slope * data["year"]


def area_trends(data: Arrays, structure: Structure) -> TensorVariable:
    """Linear drift of each area from the common path, its spread learned from all areas, shape (area, time)."""
    z = pm.Normal("area_trend_z", 0.0, 1.0, shape=structure.n_areas)
    spread = pm.Deterministic("area_trend_sd", data["trend_sd"] * pm.HalfNormal("area_trend_spread", 1.0))
    return (spread * z)[:, None] * data["year"][None, :]


def season(data: Arrays, terms: Terms | None = None) -> TensorVariable:
    """Annual harmonics, shape (time,)."""
    return add_columns(data["season"], normal_about_zero("season", data["season_sd"], SEASON_TERMS, terms))


def noise_scale(name: str, data: Arrays) -> TensorVariable:
    """Standard deviation of a noise term on the link scale: log-normal around the declared median.

    The prior avoids zero on purpose: noise that a short series cannot show is assumed present at a modest size,
    so that an interval is never narrow merely because the series could not contradict it.
    """
    z = pm.Normal(f"{name}_z", 0.0, 1.0)
    return pm.Deterministic(name, pt.exp(data["noise_log_median"] + data["noise_log_sd"] * z))


def persistence(name: str) -> TensorVariable:
    """Correlation between neighbouring periods, in (0, 1)."""
    return pm.Beta(name, 3.0, 2.0)


def noise_path(name: str, data: Arrays, shape: tuple[int, ...]) -> TensorVariable:
    """Autocorrelated noise on the link scale, one path per leading index, scale and persistence shared.

    Written as it arises: independent shocks, filtered. This form can be drawn from without data.
    """
    scale, rho = process(name, data)
    shocks = pm.Normal(f"{name}_z", 0.0, 1.0, shape=shape)
    return scale * autoregressive_path(shocks, rho)


def process(name: str, data: Arrays) -> tuple[TensorVariable, TensorVariable]:
    """Scale and persistence of an autocorrelated noise; the same two however often it is asked for."""
    model = pm.modelcontext(None)
    if f"{name}_sd" in model.named_vars:
        return model[f"{name}_sd"], model[f"{name}_rho"]
    return noise_scale(f"{name}_sd", data), persistence(f"{name}_rho")


def area_noise(
    name: str,
    data: Arrays,
    structure: Structure,
    rest: TensorVariable,
    overdispersion: TensorVariable,
    informed: bool,
) -> TensorVariable:
    """Autocorrelated noise of each area, shape (area, time), for outcomes with a working response.

    Args:
        name: of the noise.
        data, structure: of the model.
        rest: everything else on the link scale, the effect of treatment included, without exposure; (area, time).
        overdispersion: standard deviation on the link scale of a single cell's departure, 0 for none.
        informed: write it as what the data say of it and shocks for what they leave open; otherwise as
            :func:`noise_path` does. The model is the same, its coordinates are not.
    """
    shape = (structure.n_areas, structure.n_periods)
    if not informed:
        return noise_path(name, data, shape)
    return _informed_noise(name, data, shape, data["working_response"] - rest, data["working_weight"], overdispersion)


def common_noise(
    data: Arrays, structure: Structure, rest: TensorVariable, overdispersion: TensorVariable, informed: bool
) -> TensorVariable:
    """Autocorrelated noise that several areas share, shape (time,).

    Its informed form is told by the areas' mean response, of which the error is, besides overdispersion, the areas' own noise
    at its slowest: the common path is what they share over many periods. Arguments are those of :func:`area_noise`.
    """
    if not informed or structure.likelihood == "normal":
        return noise_path("common", data, (structure.n_periods,))
    weight = data["working_weight"]
    total = pt.sum(weight, axis=0, keepdims=True)
    residual = pt.sum(weight * (data["working_response"] - rest), axis=0, keepdims=True) / pt.maximum(total, 1e-9)
    # So many areas of equal weight would know as much.
    alike = pt.sum(total) ** 2 / pt.maximum(pt.sum(pt.sum(weight, axis=1) ** 2), 1e-9)
    own, rho = process("area", data)
    slow = own**2 * (1.0 + rho) / (1.0 - rho)
    spread = pt.sqrt((overdispersion**2 + slow) / pt.maximum(alike, 1.0))
    return _informed_noise("common", data, (1, structure.n_periods), residual, total, spread)[0]


def _informed_noise(
    name: str,
    data: Arrays,
    shape: tuple[int, int],
    residual: TensorVariable,
    weight: TensorVariable,
    spread: TensorVariable,
) -> TensorVariable:
    scale, rho = process(name, data)
    shocks = pm.Flat(f"{name}_z", shape=shape)
    path, log_density = informed_path(shocks, residual, weight, spread, scale, rho)
    pm.Potential(f"{name}_path", log_density)
    return path


def treatment_effect(data: Arrays, structure: Structure, terms: Terms | None = None) -> TensorVariable:
    """Effect on the link scale, zero in every cell that is not treated, shape (area, time).

    Parametric shapes are columns of ``basis``. Where there are several start dates, each cohort departs from the
    common effect by an amount whose spread is learned; where the shape is per period, so does each cell.
    """
    if not structure.pooled:
        cells = normal_about_zero("cell", data["coefficient_sd"][0], structure.n_cells)
        return (data["coefficient_mean"][0] + cells)[data["cell_of"]] * data["in_cell"]
    departure = normal_about_zero("coefficient", data["coefficient_sd"], COEFFICIENTS, terms)
    coefficients = pm.Deterministic("coefficient", data["coefficient_mean"] + departure)
    basis = data["basis"]
    if structure.decay:
        half_life = pm.Deterministic(
            "half_life", pt.exp(data["half_life_log_median"] + 0.7 * pm.Normal("half_life_z", 0.0, 1.0))
        )
        basis = basis * (2.0 ** (-data["event_time"] / half_life))[:, :, None]
    effect = basis[:, :, 0] * coefficients[0] + basis[:, :, 1] * coefficients[1]
    treated = data["basis"][:, :, 0]
    if structure.n_cohorts:
        spread = pm.Deterministic("cohort_sd", data["spread_sd"][0] * pm.HalfNormal("cohort_spread", 1.0))
        departures = spread * pm.Normal("cohort_z", 0.0, 1.0, shape=structure.n_cohorts)
        effect = effect + treated * departures[data["cohort_of"]][:, None]
    if structure.n_cells:
        spread = pm.Deterministic("cell_sd", data["spread_sd"][1] * pm.HalfNormal("cell_spread", 1.0))
        cells = spread * pm.Normal("cell_z", 0.0, 1.0, shape=structure.n_cells)
        effect = effect + cells[data["cell_of"]] * data["in_cell"]
    return effect
