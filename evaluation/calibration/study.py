"""One door to every calibration: which there are, how large, and running them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evaluation.calibration.coverage import STUDIES, run_study
from evaluation.calibration.ranks import MODELS, run_ranks
from evaluation.calibration.results import write_results

RANKS = "ranks"
NAMES = (*STUDIES, RANKS)
SMALL = {"simulations": 8, "ranks": 20}


def calibrate(names: list[str], size: str, jobs: int, folder: Path, report: Callable[[str], None]) -> list[Path]:
    """Run calibrations and store their results.

    Args:
        names: of :data:`NAMES`.
        size: ``full`` (what is published) or ``small`` (minutes: that everything still runs and nothing is far off).
        jobs: processes.
        folder: where results go.
        report: told each figure as it is measured.
    """
    written = []
    for name in names:
        if name == RANKS:
            simulations = SMALL["ranks"] if size == "small" else None
            run_ranks(tuple(MODELS), simulations, jobs, lambda table: write_results(table, RANKS, folder), report)
        else:
            study = STUDIES[name]
            simulations = SMALL["simulations"] if size == "small" else study.simulations
            run_study(study, simulations, jobs, lambda table, name=name: write_results(table, name, folder), report)
        written.append(folder / f"{name}.csv")
    return written
