"""A frame written as the arrays a model reads: padded to a structure that other frames share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from evaluation.inference.coordinates import informed_terms, working_response
from evaluation.inference.frame import Frame
from models.structure import (
    AREA_BUCKETS,
    CELL_BUCKETS,
    CENSORED_BUCKETS,
    COEFFICIENTS,
    COHORT_BUCKETS,
    DISTINCT_BUCKETS,
    PERIOD_BUCKETS,
    SEASON_TERMS,
    TREATED_BUCKETS,
    WIDTH_BUCKETS,
    ModelData,
    Structure,
    informed_sizes,
    layout,
    round_up,
    widen,
)

__all__ = ["Structure", "choose_structure", "widen", "write_design"]  # the flow reaches models by this door

Array = NDArray[np.float64]
IMPOSSIBLE = -1e9


def write_design(frame: Frame, floor: Structure | None = None) -> ModelData:
    """Pad a frame to its structure.

    Args:
        frame: the question.
        floor: a structure whose sizes to reach if possible, so that related questions compile once.

    Returns:
        Arrays named as in ``models.structure.layout``; padded cells have weight 0 in the likelihood.
    """
    known = frame.used & frame.observed
    exact = known & np.isfinite(frame.value)
    censored = known & ~np.isfinite(frame.value)
    cells, _ = effect_cells(frame)
    structure = widen(choose_structure(frame), floor)
    areas, periods = structure.n_areas, structure.n_periods

    def pad(values: NDArray, fill: float = 0.0) -> Array:
        out = np.full((areas, periods), fill, dtype=float)
        out[: values.shape[0], : values.shape[1]] = values
        return out

    reference = _reference_exposure(frame)
    arrays: dict[str, NDArray] = {
        "value": pad(np.where(exact, frame.value, 0.0)),
        "exact": pad(exact),
        "log_exposure": pad(_log_exposure(frame, reference)),
        "level_mean": _pad_last(area_level(frame, reference), areas),
        "level_sd": np.array(frame.priors.level_sd),
        "noise_log_median": np.array(np.log(frame.priors.noise_median)),
        "noise_log_sd": np.array(frame.priors.noise_log_sd),
        "coefficient_mean": np.array([frame.priors.effect_mean, 0.0]),
        "coefficient_sd": np.array([frame.priors.effect_sd, frame.priors.slope_sd]),
    }
    year = (np.arange(periods) - int(frame.start[: frame.n_treated].min())) / frame.per_year
    arrays |= {
        "period_used": _pad_last(known.any(axis=0).astype(float), periods),
        "period_sd": np.array(frame.priors.period_sd),
        "season": season_terms(frame, periods),
        "season_sd": np.array(frame.priors.season_sd),
        "year": year,
        "trend_mean": np.array(frame.priors.trend_mean if frame.trend else 0.0),
        "trend_sd": np.array(frame.priors.trend_sd if frame.trend else 0.0),
        "basis": np.stack([pad(column) for column in effect_basis(frame)], axis=-1),
        "event_time": pad(np.where(frame.post, frame.event_time, 0)),
        "half_life_log_median": np.array(np.log(frame.per_year / 2)),
    }
    # A single cohort cannot differ from itself: its spread is 0, and one compiled program serves both cases.
    starts = np.unique(frame.start[: frame.n_treated])
    spread = frame.priors.cohort_spread if len(starts) > 1 else 0.0
    arrays["spread_sd"] = np.array([spread, frame.priors.cell_spread])
    cohort = np.searchsorted(starts, frame.start[: frame.n_treated])
    arrays["cohort_of"] = _pad_last(cohort, areas).astype(np.int64)
    arrays["cell_of"] = pad(np.maximum(cells, 0)).astype(np.int64)
    arrays["in_cell"] = pad(cells >= 0)
    if frame.likelihood != "normal":
        response, weight = working_response(frame, reference)
        arrays |= {"working_response": pad(response), "working_weight": pad(weight)}
    if informed_sizes(structure):
        arrays |= informed_terms(arrays, structure)
    if frame.likelihood == "binomial":
        arrays["trials"] = pad(np.where(np.isfinite(frame.exposure), frame.exposure, 0.0))
    if frame.likelihood == "normal":
        arrays["gap"], arrays["previous"] = _previous_cells(pad(exact) > 0)
    if structure.n_censored or structure.n_distinct:
        arrays |= _counts(frame, pad(exact) > 0, pad(censored) > 0, structure)
    return ModelData(structure, {name: arrays[name] for name in layout(structure)})


def choose_structure(frame: Frame) -> Structure:
    """The structure a frame belongs to: its switches, and its sizes rounded up."""
    known = frame.used & frame.observed
    exact, censored = known & np.isfinite(frame.value), known & ~np.isfinite(frame.value)
    n_cells = effect_cells(frame)[1]
    n_areas, n_periods = frame.value.shape
    widths = (frame.high - frame.low)[censored] + 1
    several = frame.design == "did" or n_areas > 1
    per_period = frame.shape == "per_period"
    starts = len(np.unique(frame.start[: frame.n_treated]))
    counts = frame.likelihood != "normal"
    distinct = 0
    if frame.likelihood == "negative_binomial":
        distinct = len(_distinct_counts(frame, exact, censored))
    return Structure(
        design=frame.design,  # type: ignore[arg-type]
        likelihood=frame.likelihood,  # type: ignore[arg-type]
        n_areas=round_up(n_areas, AREA_BUCKETS),
        n_periods=round_up(n_periods, PERIOD_BUCKETS),
        n_focus=min(round_up(frame.n_treated, TREATED_BUCKETS), round_up(n_areas, AREA_BUCKETS)),
        n_cohorts=round_up(starts, COHORT_BUCKETS) if several and not frame.leads else 0,
        n_cells=round_up(n_cells, CELL_BUCKETS) if per_period or frame.leads else 0,
        pooled=not frame.leads,
        decay=frame.shape == "decay",
        autocorrelation=frame.autocorrelation,
        # In an ITS the control series of a comparison area has a trend of its own.
        area_trends=frame.trend and (frame.design == "did" or n_areas > frame.n_treated),
        n_censored=round_up(int(censored.sum()), CENSORED_BUCKETS) if counts and censored.any() else 0,
        censored_width=round_up(int(widths.max()), WIDTH_BUCKETS) if counts and censored.any() else 0,
        n_distinct=round_up(distinct, DISTINCT_BUCKETS) if distinct else 0,
    )


def effect_basis(frame: Frame) -> list[Array]:
    """Columns which the effect's coefficients multiply, each (area, time), zero where nobody is treated."""
    k = frame.event_time
    treated = frame.post.astype(float)
    first, second = treated, np.zeros_like(treated)
    if frame.shape == "ramp":
        first = treated * np.minimum(1.0, (k + 1) / frame.ramp_periods)
    if frame.shape == "level_and_slope":
        second = treated * k / frame.per_year
    return [first, second][:COEFFICIENTS]


def effect_cells(frame: Frame) -> tuple[NDArray[np.int64], int]:
    """Number of the effect cell of each area and period (-1: none), and how many cells there are.

    A cell is an event time in an ITS, a cohort's event time in a DiD. With ``leads`` the periods before the start
    have cells too, except the last one, which is the reference.
    """
    if not (frame.leads or frame.shape == "per_period"):
        return np.full(frame.value.shape, -1), 0
    inside = frame.post.copy()
    if frame.leads:
        inside[: frame.n_treated] |= frame.event_time[: frame.n_treated] < -1
    rows, columns = np.nonzero(inside & (frame.start < len(frame.periods))[:, None])
    k = frame.event_time[rows, columns]
    cohort = frame.start[rows] if frame.design == "did" else np.zeros_like(rows)
    labels, number = np.unique(np.stack([cohort, k], axis=1), axis=0, return_inverse=True)
    cells = np.full(frame.value.shape, -1)
    cells[rows, columns] = number
    return cells, len(labels)


def area_level(frame: Frame, reference: float) -> Array:
    """Crude level of each area on the link scale from its untreated cells, shape (area,).

    Only centres a wide prior. Half an event is added, so that an area without events has a level.
    """
    middle = np.where(np.isfinite(frame.value), frame.value, (frame.low + frame.high) / 2)
    usable = frame.used & frame.observed
    weight = np.where((usable & ~frame.post).any(axis=1)[:, None], usable & ~frame.post, usable)
    total = np.where(weight, middle, 0.0).sum(axis=1)
    n = np.maximum(weight.sum(axis=1), 1)
    if frame.likelihood == "normal":
        return total / n
    exposure = np.where(weight, frame.exposure, 0.0).sum(axis=1)
    if frame.likelihood == "binomial":
        share = (total + 0.5) / (exposure + 1.0)
        return np.log(share / (1 - share))
    return np.log(total + 0.5) - np.log(np.maximum(exposure / reference, 1e-9))


def season_terms(frame: Frame, n_periods: int) -> Array:
    """Two annual harmonics, shape (time, 4); zero where the plan or the frequency has no season."""
    if not frame.seasonal:
        return np.zeros((n_periods, SEASON_TERMS))
    angle = 2 * np.pi * (np.arange(n_periods) + _place_in_year(frame)) / frame.per_year
    terms = np.stack([np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)], axis=1)
    if frame.frequency == "quarter":
        # With four periods a year the second harmonic is one alternating term; its sine is zero throughout.
        terms[:, 2] = 0.0
    return terms


def _place_in_year(frame: Frame) -> float:
    label = frame.periods[0]
    if frame.frequency == "month":
        return float(label[5:7]) - 1
    if frame.frequency == "quarter":
        return float(label[-1]) - 1
    return (float(label[5:7]) - 1) * frame.per_year / 12 + float(label[8:10]) / 7


def _reference_exposure(frame: Frame) -> float:
    if frame.likelihood in ("normal", "binomial"):
        return 1.0
    known = frame.exposure[frame.used & frame.observed]
    return float(np.mean(known)) if known.size else 1.0


def _log_exposure(frame: Frame, reference: float) -> Array:
    """Log exposure relative to the panel's mean; 0 where the exposure is not known (such cells are not used)."""
    if frame.likelihood in ("normal", "binomial"):
        return np.zeros(frame.value.shape)
    known = np.isfinite(frame.exposure) & (frame.exposure > 0)
    return np.log(np.where(known, frame.exposure, reference) / reference)


def _pad_last(values: NDArray, size: int) -> Array:
    out = np.zeros(size)
    out[: len(values)] = values
    return out


def _previous_cells(exact: NDArray[np.bool_]) -> tuple[Array, NDArray[np.int64]]:
    """For each cell, how many periods back the area's last observed cell lies (0: none), and its flat position."""
    n_areas, n_periods = exact.shape
    place = np.where(exact, np.arange(n_periods)[None, :], -1)
    last = np.maximum.accumulate(place, axis=1)
    before = np.concatenate([np.full((n_areas, 1), -1), last[:, :-1]], axis=1)
    gap = np.where(before >= 0, np.arange(n_periods)[None, :] - before, 0).astype(float)
    flat = np.arange(n_areas)[:, None] * n_periods + np.maximum(before, 0)
    return gap, flat.astype(np.int64)


def _distinct_counts(frame: Frame, exact: NDArray, censored: NDArray) -> NDArray:
    inside = [
        np.arange(a, b + 1) for a, b in {(a, b) for a, b in zip(frame.low[censored], frame.high[censored], strict=True)}
    ]
    return np.unique(np.concatenate([frame.value[exact], *inside]))


def _counts(frame: Frame, exact: NDArray, censored: NDArray, structure: Structure) -> dict[str, NDArray]:
    """Arrays of the count likelihoods: distinct counts, and the counts inside each interval."""
    rows, columns = frame.value.shape
    arrays: dict[str, NDArray] = {}
    here, there = exact[:rows, :columns], censored[:rows, :columns]
    distinct = np.zeros(0)
    if structure.n_distinct:
        distinct = _distinct_counts(frame, here, there)
        values, times = np.unique(frame.value[here], return_counts=True)
        frequency = np.zeros(structure.n_distinct)
        frequency[np.searchsorted(distinct, values)] = times
        arrays |= {"distinct": _pad_last(distinct, structure.n_distinct), "n_exact": frequency}
    if not structure.n_censored:
        return arrays
    n, width = structure.n_censored, structure.censored_width
    low, high = frame.low[there], frame.high[there]
    counts = low[:, None] + np.arange(width)[None, :]
    possible = counts <= high[:, None]
    counts = np.where(possible, counts, low[:, None])
    constant = -gammaln(counts + 1.0)
    if frame.likelihood == "binomial":
        trials = frame.exposure[there][:, None]
        possible &= counts <= trials
        constant += gammaln(trials + 1.0) - gammaln(np.maximum(trials - counts, 0.0) + 1.0)
    padded = {name: np.zeros((n, width)) for name in ("counts", "constant")}
    padded["counts"][: len(low)] = counts
    padded["constant"][: len(low)] = np.where(possible, constant, IMPOSSIBLE)
    arrays |= {
        "censored_at": _pad_last(np.flatnonzero(censored), n).astype(np.int64),
        "censored_counts": padded["counts"],
        "censored_constant": padded["constant"],
        "censored_used": _pad_last(np.ones(len(low)), n),
    }
    if structure.n_distinct:
        number = np.zeros((n, width), dtype=np.int64)
        number[: len(low)] = np.searchsorted(distinct, counts)
        arrays["censored_distinct"] = number
    return arrays
