"""One door to every calibration: which there are, how large, and running them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from evaluation.calibration import alarms, forecasts, portfolios
from evaluation.calibration.coverage import STUDIES, run_study
from evaluation.calibration.ranks import MODELS, run_ranks
from evaluation.calibration.results import take_stamp, write_results

RANKS = "ranks"
ALARMS = "alarms"
FORECASTS = "forecasts"
PORTFOLIOS = "portfolios"
NAMES = (*STUDIES, ALARMS, FORECASTS, PORTFOLIOS, RANKS)
SMALL = {"simulations": 8, "ranks": 20, "alarms": 4, "forecasts": 10, "portfolios": 10}


def calibrate(
    names: list[str],
    size: str,
    jobs: int,
    folder: Path,
    report: Callable[[str], None],
    simulations: int | None = None,
) -> list[Path]:
    """Run calibrations and store their results.

    Args:
        names: of :data:`NAMES`.
        size: ``full`` (what is published) or ``small`` (minutes: that everything still runs and nothing is far off).
        jobs: processes.
        folder: where results go.
        report: told each figure as it is measured.
        simulations: of each cell or model, instead of the size's own number.
    """
    written, stamp = [], take_stamp()
    for name in names:
        place = folder / f"{name}.csv"

        def keep(table: pd.DataFrame, name: str = name) -> None:
            write_results(table, name, folder, stamp)

        if name == RANKS:
            run_ranks(tuple(MODELS), simulations or (SMALL["ranks"] if size == "small" else None), jobs, keep, report)
        elif name == ALARMS:
            alarms.run_alarms(
                simulations or (SMALL["alarms"] if size == "small" else alarms.SIMULATIONS), jobs, keep, report
            )
        elif name == FORECASTS:
            forecasts.run_forecasts(
                simulations or (SMALL["forecasts"] if size == "small" else forecasts.SIMULATIONS), jobs, keep, report
            )
        elif name == PORTFOLIOS:
            full = portfolios.SIMULATIONS
            portfolios.run_portfolios(simulations or (SMALL["portfolios"] if size == "small" else full), keep, report)
        else:
            study = STUDIES[name]
            usual = SMALL["simulations"] if size == "small" else study.simulations
            run_study(study, simulations or usual, jobs, keep, report)
        written.append(place)
    return written
