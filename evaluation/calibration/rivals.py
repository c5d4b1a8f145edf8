"""What is usually done instead, on the same series: the yardsticks of the coverage tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.calibration.series import Series, Setting

Array = NDArray[np.float64]
Interval = tuple[float, float]


def quasi_poisson(series: Series, setting: Setting) -> tuple[Interval, Interval]:
    """Segmented quasi-Poisson regression of one series: rate ratio over the time after the start.

    Trend, two harmonics and the effect's own columns (Lopez Bernal 2017).

    Returns:
        The 95% interval as software prints it, which assumes independent months, and the interval with the variance
        that the same estimator really has under the autocorrelation the series was made with (known only to us).
    """
    frame = series.frame
    y = frame.value[0]
    n = len(y)
    months = np.arange(n)
    k = months - frame.start[0]
    after = (k >= 0).astype(float)
    angle = 2 * np.pi * months / 12
    columns = [np.ones(n), months / 12, np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle), after]
    if setting.shape == "level_and_slope":
        columns.append(after * k / 12)
    x = np.stack(columns, axis=1)
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(y.mean() + 0.5)
    for _ in range(50):
        mu = np.exp(x @ beta)
        step = np.linalg.solve(x.T @ (mu[:, None] * x), x.T @ (y - mu))
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    mu = np.exp(x @ beta)
    bread = np.linalg.inv(x.T @ (mu[:, None] * x))
    dispersion = float(np.sum((y - mu) ** 2 / mu)) / (n - x.shape[1])
    departures = np.exp(setting.sd**2 * setting.rho ** np.abs(np.subtract.outer(months, months))) - 1.0
    true = np.diag(mu) + np.outer(mu, mu) * departures
    sandwich = bread @ x.T @ true @ x @ bread
    # The log ratio of summed expectations, and its gradient in the effect's coefficients (delta method).
    part = after > 0
    without = np.exp(x[:, :6] @ beta[:6])
    ratio = mu[part].sum() / without[part].sum()
    gradient = np.zeros(x.shape[1])
    gradient[:6] = x[part, :6].T @ (mu[part] / mu[part].sum() - without[part] / without[part].sum())
    gradient[6:] = x[part, 6:].T @ (mu[part] / mu[part].sum())
    found = []
    for variance in (dispersion * bread, sandwich):
        half = 1.96 * np.sqrt(gradient @ variance @ gradient)
        found.append((float(ratio * np.exp(-half)), float(ratio * np.exp(half))))
    return found[0], found[1]


def two_way_fixed_effects(series: Series) -> tuple[Interval, Interval]:
    """Poisson regression with area and period effects (pyfixest, if installed): clustered by area, and iid intervals.

    Raises:
        ImportError: pyfixest is a development dependency.
    """
    import pyfixest

    frame = series.frame
    areas, periods = frame.value.shape
    rows = pd.DataFrame(
        {
            "y": frame.value.ravel(),
            "d": frame.post.astype(float).ravel(),
            "area": np.repeat(np.arange(areas), periods),
            "period": np.tile(np.arange(periods), areas),
        }
    )
    fit = pyfixest.fepois("y ~ d | area + period", data=rows, vcov={"CRV1": "area"})
    found = []
    for kind in ({"CRV1": "area"}, "iid"):
        fit.vcov(kind)
        table = fit.tidy()
        found.append((float(np.exp(table["2.5%"].iloc[0])), float(np.exp(table["97.5%"].iloc[0]))))
    return found[0], found[1]
