"""How often does the whole judgement raise a false alarm? Made-up panels without any effect, examined like a finding.

Coverage looks at intervals alone. Here every check is made as for a published finding, on series that have no effect:
some quiet, some in which the treated areas drift away from the others before and after the start, which no
difference-in-differences can tell from an effect by its interval. What counts is what the board would read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.calibration.coverage import NOMINAL, SAMPLED, say
from evaluation.calibration.series import Setting, make_series
from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate, summarise
from evaluation.inference.engine import Store, Task
from evaluation.inference.examination import examine, plan_checks
from evaluation.inference.laplace import approximate
from evaluation.judgement.findings import LEVELS, judge_confidence, rate

EFFECTS = ("benefit", "harm")
SIMULATIONS = 60
DRIFTS = (0.0, -0.05, -0.15)
SETTINGS = (
    *(
        Setting("did", n_areas=areas, n_treated=treated, before=48, after=12, mean=50.0, rho=0.7, sd=0.1, drift=drift)
        for areas, treated in ((8, 1), (12, 4))
        for drift in DRIFTS
    ),
    *(Setting("its", before=60, after=24, mean=mean, rho=0.7) for mean in (20.0, 120.0)),
)


def run_alarms(
    simulations: int,
    jobs: int,
    keep: Callable[[pd.DataFrame], object],
    report: Callable[[str], None] = lambda line: None,
    settings: tuple[Setting, ...] = SETTINGS,
) -> pd.DataFrame:
    """Every setting; ``keep`` is given the rows so far after each.

    Args:
        simulations: of each setting, all without an effect.
        jobs: processes.
        keep: stores the table so far.
        report: told what was measured, setting by setting.
        settings: the kinds of series.
    """
    rows: list[dict[str, object]] = []
    edges = np.linspace(0, simulations, 4 * jobs + 1).astype(int)
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        waiting = [
            [pool.submit(judge_setting, setting, range(a, b)) for a, b in pairwise(edges) if b > a]
            for setting in settings
        ]
        for setting, futures in zip(settings, waiting, strict=True):
            rows.append(summarise_alarms(setting, [row for future in futures for row in future.result()]))
            drift = f", drift {setting.drift:g} a year" if setting.drift else ""
            report(f"alarms: {rows[-1]['called_effect']:.3f} called an effect, {rows[-1]['low']:.3f} low confidence at {say(setting)}{drift}")  # fmt: skip
            keep(pd.DataFrame(rows))
    return pd.DataFrame(rows)


def judge_setting(setting: Setting, numbers: range) -> list[dict[str, object]]:
    """Rating, confidence and failed checks of each series, all without an effect."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            frame = make_series(setting, 2 * number).frame
            task = Task(write_design(frame), SAMPLED, number + 1)
            fit = approximate(task)
            made, _ = examine(frame, task, plan_checks(frame, NOMINAL), fit, Store(Path(folder)), NOMINAL)
            summary = summarise(estimate(frame, fit)[0].draws, NOMINAL)
            found.append(
                {
                    "interval_alone": rate(frame, summary, []) in EFFECTS,
                    "rating": rate(frame, summary, made),
                    "confidence": judge_confidence(frame, made, draft=False)[0],
                    "failed": [check.name for check in made if check.passed is False],
                }
            )
    return found


def summarise_alarms(setting: Setting, rows: list[dict[str, object]]) -> dict[str, object]:
    """Shares of the series: called an effect by the interval alone and by the rules, each confidence, each check failed."""
    table = pd.DataFrame(rows)
    called = table["rating"].isin(EFFECTS)
    failed = pd.Series([name for names in table["failed"] for name in names], dtype=str).value_counts().sort_index()
    return {
        **asdict(setting),
        "simulations": len(table),
        "interval_alone": float(table["interval_alone"].mean()),
        "called_effect": float(called.mean()),
        "called_effect_not_low": float((called & (table["confidence"] != LEVELS[0])).mean()),
        **{level: float((table["confidence"] == level).mean()) for level in LEVELS},
        "failed": " ".join(f"{name}:{count}" for name, count in failed.items()),
    }
