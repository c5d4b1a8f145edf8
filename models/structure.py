"""What a model looks like before it sees any data: its shape, its switches, its padded sizes.

Two fits with the same :class:`Structure` share one compiled program, so everything that differs between two
interventions but not between two structures (dates, areas, priors, shapes of effect) must enter through
:class:`ModelData`. Sizes are rounded up to a few buckets and the padding is masked out of the likelihood:
padded parameters are drawn from their priors and touch nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Likelihood = Literal["negative_binomial", "poisson", "binomial", "normal"]

PERIOD_BUCKETS = (8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 640, 1024)
AREA_BUCKETS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
TREATED_BUCKETS = (4, 16, 32, 64, 128, 256, 512, 1024)
COHORT_BUCKETS = (4, 16, 64, 256)
CENSORED_BUCKETS = (64, 128, 256, 512, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 32768, 65536)
WIDTH_BUCKETS = (8, 16, 32, 64, 128, 256)
DISTINCT_BUCKETS = (512, 2048, 8192, 32768)
CELL_BUCKETS = (16, 32, 64, 128, 256, 512, 1024)
SEASON_TERMS = 4
COEFFICIENTS = 2


def round_up(size: int, buckets: tuple[int, ...]) -> int:
    """The smallest bucket that holds ``size``; past the last bucket, ``size`` itself."""
    return next((bucket for bucket in buckets if bucket >= size), size)


@dataclass(frozen=True)
class Structure:
    """The compiled shape of a model.

    Attributes:
        design: ``its`` (trend, season and a common path stand for the counterfactual) or ``did`` (a free effect
            for every period, estimated from the areas not yet treated).
        likelihood: distribution of the outcome.
        n_areas, n_periods: padded size of the panel.
        n_focus: padded number of treated areas, which stand first; ``mu`` and ``mu0`` are kept for these.
        n_cohorts: padded number of start dates whose effects may differ, 0 when there is only one.
        n_cells: padded number of effect cells (event times, or cohort by event time), 0 for a parametric shape.
        pooled: whether cells vary around a common effect with a learned spread, or are free of each other.
        decay: whether the first coefficient halves with a half-life that is learned.
        autocorrelation: whether noise is an AR(1) path, or independent between periods.
        area_trends: whether each area may drift linearly from the common path.
        n_censored, censored_width: padded number of interval-censored cells and of counts inside an interval.
        n_distinct: padded number of distinct counts, for which alone the negative binomial needs gamma functions.
    """

    design: Literal["its", "did"]
    likelihood: Likelihood
    n_areas: int
    n_periods: int
    n_focus: int
    n_cohorts: int = 0
    n_cells: int = 0
    pooled: bool = True
    decay: bool = False
    autocorrelation: bool = True
    area_trends: bool = False
    n_censored: int = 0
    censored_width: int = 0
    n_distinct: int = 0


SIZES = ("n_areas", "n_periods", "n_focus", "n_cohorts", "n_cells", "n_censored", "censored_width", "n_distinct")
# A size of 0 switches a part of the model off; these parts do nothing when they are on but hold no data.
HARMLESS = ("n_censored", "censored_width", "n_distinct")


def widen(structure: Structure, floor: Structure | None) -> Structure:
    """The structure at sizes no smaller than the floor's, if the two are the same model otherwise.

    Compiling costs more than padding: questions that belong together share one structure where they can.
    """
    if floor is None:
        return structure
    sizes = {name: max(getattr(structure, name), getattr(floor, name)) for name in SIZES}
    same = replace(structure, **sizes) == replace(floor, **sizes)
    # In a panel the arithmetic of empty intervals costs more than compiling once more without them.
    harmless = HARMLESS if structure.n_areas == 1 else ("n_distinct",)
    switched = any(not getattr(structure, n) and sizes[n] for n in SIZES if n not in harmless)
    single = (structure.n_areas == 1) != (sizes["n_areas"] == 1)
    return replace(structure, **sizes) if same and not switched and not single else structure


@dataclass(frozen=True)
class ModelData:
    """One intervention, one indicator, padded to its structure. ``arrays`` are named as in :func:`layout`."""

    structure: Structure
    arrays: dict[str, NDArray[np.float64] | NDArray[np.int64]]


def kind_of(array: NDArray) -> Literal["numbers", "places"]:
    """Whether an array holds numbers or, being of integers, places in other arrays."""
    return "places" if np.asarray(array).dtype.kind in "iu" else "numbers"


def pack(arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The arrays laid end to end in their order: ``numbers`` (float, 1-D) and, where there are any, ``places`` (int, 1-D)."""
    kinds: dict[str, list[NDArray]] = {}
    for array in arrays.values():
        kinds.setdefault(kind_of(array), []).append(np.ravel(array))
    return {kind: np.concatenate(parts) for kind, parts in kinds.items()}


def informed_sizes(structure: Structure) -> dict[str, int]:
    """The terms of a single time series that are written about what the data say of them, in order, with their lengths (0: a scalar)."""
    if structure.design != "its" or structure.likelihood == "normal" or not structure.autocorrelation:
        return {}
    sizes = {"level": structure.n_areas, "trend": 0, "season": SEASON_TERMS}
    return sizes | ({"coefficient": COEFFICIENTS} if structure.pooled else {})


def nothing_but_terms(structure: Structure) -> bool:
    """Whether one linear map of the informed terms is all there is in a time series besides its noise."""
    single = bool(informed_sizes(structure)) and structure.n_areas == 1 and structure.pooled
    return single and not (structure.n_cells or structure.n_cohorts or structure.decay or structure.area_trends)


def layout(structure: Structure) -> dict[str, tuple[tuple[int, ...], type]]:
    """Name, shape and type of every array the model of this structure reads."""
    areas, periods = structure.n_areas, structure.n_periods
    arrays: dict[str, tuple[tuple[int, ...], type]] = {
        "value": ((areas, periods), float),
        "exact": ((areas, periods), float),
        "log_exposure": ((areas, periods), float),
        "level_mean": ((areas,), float),
        "level_sd": ((), float),
        "noise_log_median": ((), float),
        "noise_log_sd": ((), float),
        "coefficient_mean": ((COEFFICIENTS,), float),
        "coefficient_sd": ((COEFFICIENTS,), float),
    }
    if structure.design == "did":
        arrays["period_used"] = ((periods,), float)
        arrays["period_sd"] = ((), float)
    else:
        arrays["season"] = ((periods, SEASON_TERMS), float)
        arrays["season_sd"] = ((), float)
    if structure.design == "its" or structure.area_trends:
        arrays["year"] = ((periods,), float)
        arrays["trend_sd"] = ((), float)
    if structure.design == "its":
        arrays["trend_mean"] = ((), float)
    if structure.pooled:
        arrays["basis"] = ((areas, periods, COEFFICIENTS), float)
    if structure.pooled and (structure.n_cohorts or structure.n_cells):
        arrays["spread_sd"] = ((2,), float)
    if structure.decay:
        arrays["event_time"] = ((areas, periods), float)
        arrays["half_life_log_median"] = ((), float)
    if structure.n_cohorts:
        arrays["cohort_of"] = ((areas,), int)
    if structure.n_cells:
        arrays["cell_of"] = ((areas, periods), int)
        arrays["in_cell"] = ((areas, periods), float)
    if structure.likelihood != "normal" and structure.autocorrelation:
        arrays["working_response"] = ((areas, periods), float)
        arrays["working_weight"] = ((areas, periods), float)
    if sizes := informed_sizes(structure):
        n = sum(max(size, 1) for size in sizes.values())
        arrays["terms_centre"] = ((n,), float)
        arrays["terms_factor"] = ((n, n), float)
        if nothing_but_terms(structure):
            arrays["terms_fitted"] = ((periods,), float)
            arrays["terms_columns"] = ((periods, n), float)
    if structure.likelihood == "binomial":
        arrays["trials"] = ((areas, periods), float)
    if structure.likelihood == "normal":
        arrays["gap"] = ((areas, periods), float)
        arrays["previous"] = ((areas, periods), int)
    if structure.n_censored:
        arrays["censored_at"] = ((structure.n_censored,), int)
        arrays["censored_counts"] = ((structure.n_censored, structure.censored_width), float)
        arrays["censored_constant"] = ((structure.n_censored, structure.censored_width), float)
        arrays["censored_used"] = ((structure.n_censored,), float)
    if structure.likelihood == "negative_binomial":
        arrays["distinct"] = ((structure.n_distinct,), float)
        arrays["n_exact"] = ((structure.n_distinct,), float)
        if structure.n_censored:
            arrays["censored_distinct"] = ((structure.n_censored, structure.censored_width), int)
    return arrays


def check_layout(data: ModelData) -> None:
    """Raise ``ValueError`` where an array is missing, unexpected, out of order, misshapen, of another type or not finite."""
    expected = layout(data.structure)
    if list(expected) != list(data.arrays):
        raise ValueError(f"arrays differ from the structure's: {list(data.arrays)} where {list(expected)} belong")
    for name, (shape, dtype) in expected.items():
        array = data.arrays[name]
        if (kind_of(array) == "places") != (dtype is int):
            raise ValueError(f"{name}: expected {dtype.__name__}, got {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: not finite")
