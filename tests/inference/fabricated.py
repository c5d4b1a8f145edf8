"""Frames and fits made by hand: small enough to work an answer out on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from evaluation.inference.engine import Fit
from evaluation.inference.frame import Frame, Priors

MONTHS = [f"{year}-{month:02d}" for year in range(2018, 2030) for month in range(1, 13)]


def frame(value: ArrayLike, start: list[int], n_treated: int | None = None, **changes: Any) -> Frame:
    """A frame of monthly counts; `start` of an area that is never treated is the number of periods.

    NaN in `value` is missing, unless `low` and `high` are given.
    """
    value = np.asarray(value, dtype=float)
    n_periods = value.shape[1]
    fields: dict[str, Any] = {
        "plan": "outreach", "indicator": "assaults", "role": "primary", "design": "did",
        "likelihood": "negative_binomial", "direction": "lower_is_better", "meaningful": 0.95, "frequency": "month",
        "per_year": 12.0, "areas": [f"T{i + 1:02d}" for i in range(len(value))],
        "n_treated": sum(s < n_periods for s in start) if n_treated is None else n_treated,
        "periods": MONTHS[:n_periods], "start": np.array(start, dtype=np.int64), "washout": 0, "value": value,
        "low": value.copy(), "high": value.copy(),
        "exposure": np.ones(value.shape), "used": np.ones(value.shape, dtype=bool),
        "shape": "step", "ramp_periods": 6, "leads": False, "trend": False, "seasonal": False, "autocorrelation": True,
        "priors": Priors(),
    }  # fmt: skip
    return Frame(**(fields | changes))


def fit(mu: ArrayLike, mu0: ArrayLike, **parameters: NDArray[np.float64]) -> Fit:
    """A fit from draws of shape (chain, draw, area, time) and of parameters (chain, draw, ...)."""
    dims = ("chain", "draw", "area", "time")
    variables: dict[str, Any] = {"mu": (dims, np.asarray(mu, dtype=float)), "mu0": (dims, np.asarray(mu0, dtype=float))}
    for name, values in parameters.items():
        variables[name] = (("chain", "draw", *(f"{name}_{i}" for i in range(values.ndim - 2))), values)
    return Fit(xr.Dataset(variables), 0, 0.0)


def fit_of_effect(
    of: Frame, effect: NDArray[np.float64], level: float = 50.0, **parameters: NDArray[np.float64]
) -> Fit:
    """A fit whose counterfactual is flat and whose effect (a ratio, or a difference of scores) is given per draw."""
    shape = (*effect.shape, of.n_treated, len(of.periods))
    mu0 = np.full(shape, level)
    added = mu0 + effect[..., None, None] if of.likelihood == "normal" else mu0 * effect[..., None, None]
    mu = np.where(of.post[: of.n_treated], added, mu0)
    return fit(mu / of.scale, mu0 / of.scale, **parameters)


def draws(centre: float, sd: float, seed: int = 1, chains: int = 4, n: int = 1000) -> NDArray[np.float64]:
    """Independent normal draws, shape (chain, draw)."""
    return np.random.default_rng(seed).normal(centre, sd, size=(chains, n))
