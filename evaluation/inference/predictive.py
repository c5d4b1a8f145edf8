"""Outcomes the model would produce: replicates of the treated areas' cells, and their totals by period."""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.inference.effects import expectations
from evaluation.inference.engine import Fit
from evaluation.inference.frame import Frame
from evaluation.inference.outcomes import draw_outcomes

MOST_DRAWS = 1000


def predictive_bands(frame: Frame, fit: Fit, interval: float, seed: int) -> xr.Dataset:
    """Recorded totals of the treated areas, and the range of the totals the model would produce in their place.

    Only used cells with an exact outcome enter, on both sides alike: a suppressed count enters neither the recorded
    total nor the replicated one. Counts are summed over the treated areas, scores averaged.

    Args:
        frame: the question.
        fit: its posterior.
        interval: probability of the outer band; the inner band holds half.
        seed: of the replicates.

    Returns:
        Dims time, in the outcome's own units: ``observed``, ``outer_lower``, ``outer_upper``, ``inner_lower``,
        ``inner_upper`` (NaN in a period without an exact cell), ``cells`` (number of cells in the total), ``used``.
        Attributes: ``interval``, ``likelihood``, ``n`` (periods with a total), ``inside_outer``, ``inside_inner``.
    """
    rows = slice(0, frame.n_treated)
    cells = (frame.used & np.isfinite(frame.value))[rows]
    count = cells.sum(axis=0)
    some = count > 0
    # Row-major order, as boolean indexing has it: which column of (draw, cell) belongs to which period.
    belongs = np.nonzero(cells)[1][:, None] == np.flatnonzero(some)[None, :]
    weight = belongs / count[some] if frame.likelihood == "normal" else belongs.astype(float)
    seen = (frame.value[rows] * frame.scale)[cells] @ weight
    bands = np.full((4, seen.size), np.nan)
    if some.any():
        mu = expectations(frame, fit)[0][:, :, cells].reshape(-1, int(count.sum()))
        rng = np.random.default_rng(seed)
        kept = rng.choice(len(mu), size=min(MOST_DRAWS, len(mu)), replace=False)
        totals = replicate(frame, fit, mu[kept], kept, cells, rng) @ weight
        tail = (1.0 - interval) / 2.0
        bands = np.quantile(totals, [tail, 0.25, 0.75, 1.0 - tail], axis=0)

    def by_period(values: np.ndarray) -> tuple[str, np.ndarray]:
        whole = np.full(len(frame.periods), np.nan)
        whole[some] = values
        return "time", whole

    names = ("outer_lower", "inner_lower", "inner_upper", "outer_upper")
    variables = {"observed": by_period(seen)} | {n: by_period(b) for n, b in zip(names, bands, strict=True)}
    found = xr.Dataset(variables, coords={"time": np.asarray(frame.periods, dtype=str)})
    found["cells"], found["used"] = ("time", count), ("time", frame.used[rows].any(axis=0))
    return found.assign_attrs(
        interval=interval,
        likelihood=frame.likelihood,
        n=int(some.sum()),
        inside_outer=int(((seen >= bands[0]) & (seen <= bands[3])).sum()),
        inside_inner=int(((seen >= bands[1]) & (seen <= bands[2])).sum()),
    )


def replicate(
    frame: Frame, fit: Fit, mu: np.ndarray, kept: np.ndarray, cells: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """One replicated outcome for each draw and cell, shape (draw, cell), in the outcome's own units.

    Args:
        frame: the question.
        fit: its posterior.
        mu: expected outcome in the kept draws, shape (draw, cell).
        kept: positions of those draws in (chain, draw) flattened.
        cells: which cells of the treated areas, boolean, shape (treated area, time).
        rng: source of chance.
    """

    def parameter(name: str) -> np.ndarray:
        return fit.draws[name].values.reshape(-1)[kept][:, None]

    exposure = frame.exposure[: frame.n_treated][cells]
    return draw_outcomes(frame.likelihood, mu, parameter, exposure, frame.scale, rng)
