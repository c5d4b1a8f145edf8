"""Is a forecast of power right? What `svd feasibility` forecasts, beside refits of futures that it never saw.

Every simulated future is refitted, so the share of detections is free of the metamodel. The metamodel's own forecast
for the very same futures serves as a control variate (Owen 2013, chapter 8): the mean error over the refitted futures
is added to the forecast over thousands, which says the simulated power with far less chance than the bare share.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context

import numpy as np
import pandas as pd

from evaluation.calibration.coverage import NOMINAL
from evaluation.calibration.series import SUPPRESSED, Setting, make_series
from evaluation.inference.frame import Frame
from evaluation.inference.futures import Published, deciding_end, draw_counts, draw_futures
from evaluation.inference.power import DRAWN, REFITS, forecast_detection, learn_ends

SIMULATIONS = 600
# Power at which a forecast is held against refits: none (the error rate), an even chance, and the usual target.
POWERS = (0.0, 0.5, 0.8)
GRID = 60
SETTINGS = (
    Setting("its", before=48, after=12, mean=40.0, rho=0.5),
    Setting("its", before=60, after=24, mean=120.0, rho=0.7),
    Setting("its", before=60, after=12, mean=8.0, rho=0.3, hidden=True),
    Setting("did", n_areas=6, n_treated=2, before=48, after=12, mean=30.0, rho=0.5),
)


@dataclass(frozen=True)
class Forecast:
    """Power forecast and simulated at one effect.

    Attributes:
        rate_ratio: the effect.
        forecast: share of thousands of futures, by the metamodel.
        detected: share of the refitted futures in which a benefit was found.
        simulated: the same with the forecast as a control variate.
        error: standard error of `simulated`.
    """

    rate_ratio: float
    forecast: float
    detected: float
    simulated: float
    error: float


def run_forecasts(
    simulations: int,
    jobs: int,
    keep: Callable[[pd.DataFrame], object],
    report: Callable[[str], None] = lambda line: None,
    settings: tuple[Setting, ...] = SETTINGS,
) -> pd.DataFrame:
    """Every setting at every power of :data:`POWERS`; ``keep`` is given the rows so far after each setting.

    Args:
        simulations: futures that are refitted, for each effect.
        jobs: processes.
        keep: stores the table so far.
        report: told what was measured.
        settings: the kinds of history.
    """
    rows: list[dict[str, object]] = []
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(compare_powers, setting, simulations) for setting in settings]
        for setting, future in zip(settings, waiting, strict=True):
            for found in future.result():
                rows.append({**asdict(setting), "simulations": simulations, **asdict(found)})
                report(
                    f"forecasts: {found.forecast:.3f} forecast, {found.simulated:.3f} simulated "
                    f"(standard error {found.error:.3f}) at a rate ratio of {found.rate_ratio:.2f}, {setting.design} "
                    f"{setting.before}+{setting.after}, mean {setting.mean:g}"
                )
            keep(pd.DataFrame(rows))
    return pd.DataFrame(rows)


def compare_powers(setting: Setting, simulations: int, seed: int = 1) -> list[Forecast]:
    """Forecast and simulated power of one setting, at the effects that are forecast to have :data:`POWERS`."""
    published = Published((float(SUPPRESSED[0]), float(SUPPRESSED[1])), 5) if setting.hidden else Published()
    futures = draw_futures(make_history(setting, 2 * seed), setting.after, DRAWN, seed)
    rng = np.random.default_rng((seed, setting.after))
    metamodel = learn_ends(futures, NOMINAL, seed, published, REFITS, rng)
    levels = futures.better * np.linspace(0.0, metamodel.largest, GRID)
    curve = [
        float(np.mean(forecast_detection(metamodel, futures, draw_counts(futures, np.full(DRAWN, level), rng))))
        for level in levels
    ]
    found = []
    for number, power in enumerate(POWERS):
        at = next((i for i, forecast in enumerate(curve) if forecast >= power), GRID - 1)
        some = rng.choice(DRAWN, size=simulations, replace=False)
        chosen = replace(futures, mean=futures.mean[some], place=futures.place[some])
        counts = draw_counts(chosen, np.full(simulations, levels[at]), rng)
        first = seed + 10_000 * (number + 1)  # no seed of the metamodel's own refits
        ends = np.array([deciding_end(chosen, c, NOMINAL, first + i, published) for i, c in enumerate(counts)])
        away = (ends < 0.0) - forecast_detection(metamodel, chosen, counts)
        found.append(
            Forecast(
                float(np.exp(levels[at])), curve[at], float(np.mean(ends < 0.0)), curve[at] + float(away.mean()),
                float(away.std(ddof=1) / np.sqrt(simulations)),
            )
        )  # fmt: skip
    return found


def make_history(setting: Setting, seed: int) -> Frame:
    """A made-up history without any effect: everything before the start."""
    whole = make_series(setting, seed).frame
    n = setting.before
    arrays = {name: getattr(whole, name)[:, :n] for name in ("value", "low", "high", "exposure", "used")}
    return replace(whole, periods=whole.periods[:n], start=np.full(len(whole.areas), n), **arrays)
