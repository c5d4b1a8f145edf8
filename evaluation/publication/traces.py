"""How the sampler moved through the model's own parameters, as a table for the technical annex."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from evaluation.publication import numbers as say
from evaluation.publication.diagnostics import FIRST_COEFFICIENT
from evaluation.publication.tables import rows_table

SCALARS = {
    "trend": "Trend a year",
    "half_life": "Periods in which the effect halves",
    "cohort_sd": "How far the effect differs between start dates",
    "cell_sd": "How far the effect differs between periods",
    "overdispersion": "Variation of single counts beyond chance (overdispersion)",
    "score_sd": "Variation of single scores",
    "score_rho": "Persistence of that variation from period to period",
    "common_sd": "Size of departures from the expected path",
    "common_rho": "Persistence of those departures from period to period",
    "area_sd": "Size of an area's own departures",
    "area_rho": "Persistence of an area's own departures",
    "area_trend_sd": "How far areas drift apart in a year",
}
VECTORS = {
    "level": "Levels of the areas",
    "period": "Changes from period to period that all areas share",
    "season_z": "Seasonal terms",
    "cohort_z": "Departures of start dates from the common effect",
    "cell_z": "Effects of single periods",
}
GATE = (
    "Whether a finding may be shown is decided by the quantities it reports, in the table of the computation, and not by "
    "these parameters. Where two parameters do the same work, a reported quantity can be known well though neither of them "
    "is. A parameter with an R-hat well above 1.01 is one on which the chains disagree: its own row should not be relied on."
)


def scale_note(likelihood: str) -> str:
    """On which scale the parameters are, and what is in the rows of several values."""
    scale = {
        "normal": "standard deviations of the score within areas",
        "binomial": "logarithms of the odds",
    }.get(likelihood, "logarithms of the rate")
    return (
        f"Levels, changes and sizes are in {scale}. A row of several values gives the largest R-hat and the smallest "
        "effective sample sizes (ESS) among them; values that only fill the arrays up to a standard size follow their prior and are among them."
    )


def trace_table(posterior: xr.Dataset, shape: str, interval: float) -> pd.DataFrame | None:
    """One row for each kept parameter, the worst of each vector; None if nothing was kept.

    Args:
        posterior: draws of the parameters, dims (chain, draw, ...).
        shape: of the effect, for the name of its coefficient.
        interval: probability of the intervals.
    """
    parts = {
        f"Effect: {FIRST_COEFFICIENT.get(shape, 'first coefficient')}": _coefficient(posterior, 0),
        "Effect: change of slope, a year": _coefficient(posterior, 1) if shape == "level_and_slope" else None,
    } | {name: posterior[key] for key, name in (SCALARS | VECTORS).items() if key in posterior}
    rows = [row for name, draws in parts.items() if draws is not None and (row := _row(name, draws, interval))]
    if not rows:
        return None
    ends = f"{say.percentage(interval)} from", f"{say.percentage(interval)} to"
    return rows_table(rows, ["Parameter", "Mean", "Standard deviation", *ends, "R-hat", "Bulk ESS", "Tail ESS"])


def _coefficient(posterior: xr.Dataset, which: int) -> xr.DataArray | None:
    if "coefficient" not in posterior:
        return None
    return posterior["coefficient"][..., which]


def _row(name: str, draws: xr.DataArray, interval: float) -> tuple[object, ...] | None:
    """The cells of one parameter; None for one that is fixed or not a number, which has nothing to converge."""
    import arviz_stats as az

    values = np.asarray(draws.values, dtype=float)
    flat = values.reshape(*values.shape[:2], -1)
    flat = flat[:, :, np.ptp(flat, axis=(0, 1)) > 0]
    if not flat.size or not np.isfinite(flat).all():
        return None
    data = xr.Dataset({"q": (("chain", "draw", "part"), flat)})
    measure: Any = az  # the library has no hints
    rhat = float(measure.rhat(data)["q"].max(skipna=False))
    bulk, tail = (float(measure.ess(data, method=m)["q"].min(skipna=False)) for m in ("bulk", "tail"))
    worst = round(rhat, 4) if say.known(rhat) else None, _whole(bulk), _whole(tail)
    if values.ndim > 2:
        return (name, "", "", "", "", *worst)
    edge = (1.0 - interval) / 2.0
    lower, upper = np.quantile(values, [edge, 1.0 - edge])
    numbers = (values.mean(), values.std(ddof=1), lower, upper)
    return (name, *(say.significant(float(v)) for v in numbers), *worst)


def _whole(value: float) -> int | None:
    return round(value) if say.known(value) else None
