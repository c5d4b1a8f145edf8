"""What is to be expected of a series if nothing changes: the range of its newest periods, learned from those before.

The model is that of the interrupted time series (level, trend, season, autocorrelated noise, overdispersion) fitted by
the nested Laplace approximation to everything before the watched stretch and carried on through it. Nothing of the
watched stretch enters the fit, so a change there cannot hide itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from evaluation.inference.design import write_design
from evaluation.inference.engine import SAMPLERS, Task
from evaluation.inference.frame import Frame, Priors, standardise
from evaluation.inference.laplace import integrate_hyperparameters
from evaluation.inference.latent import Posterior
from evaluation.inference.outcomes import draw_outcomes

Array = NDArray[np.float64]
N_DRAWS = 2000
COUNTS = ("negative_binomial", "poisson")


@dataclass(frozen=True)
class Expected:
    """Draws of a series under no change.

    Attributes:
        mean: expected outcome, shape (draw, time).
        replicate: outcome with its chance variation, shape (draw, time); NaN where the exposure is not known.
        noise: posterior means of `sd` and `rho` of the autocorrelated path and of `overdispersion`.
    """

    mean: Array
    replicate: Array
    noise: dict[str, float]


def frame_series(
    panel: xr.Dataset, area: str, likelihood: str, watched: int, left_out: NDArray[np.bool_] | None = None
) -> Frame:
    """One area of a panel as a frame whose newest periods are set aside.

    Args:
        panel: from `build_panel`.
        area: code.
        likelihood: of the indicator.
        watched: number of newest periods that the fit must not see; 0 to learn from all.
        left_out: periods that say nothing about ordinary times, shape (time,).

    Raises:
        ValueError: nothing is observed before the watched stretch.
    """
    row = panel.sel(area=[area])
    value, low, high = (row[name].values.astype(float) for name in ("value", "low", "high"))
    exposure = row["exposure"].values.astype(float)
    n = value.shape[1]
    if likelihood == "normal":
        low, high = value.copy(), value.copy()
    used = np.ones(value.shape, dtype=bool) if likelihood == "normal" else np.isfinite(exposure) & (exposure > 0)
    if watched:
        used[:, n - watched :] = False
    if left_out is not None:
        used[:, left_out] = False
    if not (used & np.isfinite(low)).any():
        raise ValueError(f"nothing is observed in {area} before the watched periods")
    frequency = panel.attrs["frequency"]
    per_year = {"week": 365.25 / 7, "month": 12.0, "quarter": 4.0, "year": 1.0}[frequency]
    # A frame always has a start; when nothing is set aside no effect may grow there.
    priors = Priors() if watched else Priors(effect_sd=1e-6)
    frame = Frame(
        plan="monitoring", indicator=str(panel.attrs["indicator"]), role="primary", design="its", likelihood=likelihood,
        direction="lower_is_better", meaningful=None, frequency=frequency, per_year=per_year, areas=[area], n_treated=1,
        periods=[str(t) for t in panel.time.values], start=np.array([n - max(watched, 1)]), washout=0, value=value, low=low,
        high=high, exposure=exposure, used=used, shape="step", ramp_periods=1, leads=False, trend=True,
        seasonal=frequency != "year", autocorrelation=True, priors=priors,
    )  # fmt: skip
    return standardise(frame) if likelihood == "normal" else frame


def expect(frame: Frame, seed: int, n_draws: int = N_DRAWS) -> Expected:
    """Draws of the whole series, watched periods included, given what lies before them.

    Args:
        frame: of one area, from `frame_series`.
        seed: of the points and of the draws.
        n_draws: number of draws.

    Raises:
        FloatingPointError: the approximation found no mode.
    """
    task = Task(write_design(frame), SAMPLERS["draft"], seed)
    posterior = _reaching(task, len(frame.periods))
    rng = np.random.default_rng(seed)
    scores, log_weights, modes = integrate_hyperparameters(posterior, seed)
    weights = np.exp(log_weights - log_weights.max())
    times = rng.multinomial(n_draws, weights / weights.sum())
    linear, point_of = [], []
    for point in np.flatnonzero(times):
        without = posterior.draw(scores[point], modes[point], int(times[point]), rng)[0]
        linear.append(without[:, 0])
        point_of.append(np.repeat(point, times[point]))
    eta, points = np.concatenate(linear), np.concatenate(point_of)
    mean = posterior.likelihood.respond(eta[:, None, :])[:, 0]
    values = [posterior.values(score) for score in scores]
    parameter = {name: np.array([v[name] for v in values])[points] for name in posterior.names}
    noise = {name: float(parameter[name].mean()) for name in parameter}
    scaled = mean * frame.scale
    replicate = draw_outcomes(
        frame.likelihood, scaled, lambda name: parameter[name][:, None], frame.exposure[0], frame.scale, rng
    )
    return Expected(scaled, replicate, noise)


def _reaching(task: Task, n_periods: int) -> Posterior:
    """The posterior of a task whose field runs to the last period although nothing is observed there."""
    arrays = dict(task.data.arrays)
    last = arrays["exact"].copy()
    unseen = last[0, n_periods - 1] == 0
    last[0, n_periods - 1] = 1.0
    posterior = Posterior(type(task.data)(task.data.structure, arrays | {"exact": last}))
    if unseen:  # the cell only marks how far the field goes
        posterior.known = posterior.known.copy()
        posterior.known[0, n_periods - 1] = False
        posterior.likelihood.exact[0, n_periods - 1] = 0.0
    return posterior
