"""How often do 95% intervals hold the truth? Studies of many made-up series, and where their results are kept."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd

from evaluation.calibration import rivals
from evaluation.calibration.series import Series, Setting, drop_suppressed, fill_with_zero, make_series
from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate, summarise
from evaluation.inference.engine import Sampler, Task, sample
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from evaluation.judgement.findings import rate

NOMINAL = 0.95
SAMPLED = Sampler(chains=2, tune=300, draws=400)
MEANS, PERSISTENCE = (5.0, 20.0, 120.0, 500.0), (0.0, 0.4, 0.7)


@dataclass(frozen=True)
class Study:
    """A table of coverage.

    Attributes:
        name: of the table and its stored results.
        settings: its cells.
        methods: what is compared on the same series: ``model`` (ours, approximated), ``sampled`` (ours, as findings
            are computed), and what is usually done.
        simulations: of each cell in the full run.
    """

    name: str
    settings: tuple[Setting, ...]
    methods: tuple[str, ...]
    simulations: int = 500


def its_grid(shape: str, before: int, after: int) -> tuple[Setting, ...]:
    """Means by persistence, one area."""
    return tuple(
        Setting("its", shape=shape, before=before, after=after, mean=mean, rho=rho)
        for mean in MEANS
        for rho in PERSISTENCE
    )


def did_grid() -> tuple[Setting, ...]:
    """Areas by treated by persistence by mean; half of the areas treated means staggered, with differing effects."""
    found = []
    for n_areas in (8, 20, 40):
        for n_treated, staggered in ((1, False), (4, False), (n_areas // 2, True)):
            for rho in (0.0, 0.7):
                for mean in (5.0, 50.0):
                    shape = "per_period" if staggered else "step"
                    found.append(
                        Setting(
                            "did",
                            shape=shape,
                            n_areas=n_areas,
                            n_treated=n_treated,
                            mean=mean,
                            rho=rho,
                            sd=0.1,
                            staggered=staggered,
                            before=36,
                            after=24 if staggered else 12,
                        )
                    )
    return tuple(found)


OTHERS = tuple(
    Setting(design, likelihood, n_areas=areas, n_treated=treated, rho=rho, mean=mean, sd=sd, before=before, after=after)  # type: ignore[arg-type]
    for likelihood, mean, sd in (("binomial", 60.0, 0.15), ("normal", 10.0, 1.0), ("poisson", 50.0, 0.15))
    for design, areas, treated, before, after in (("its", 1, 1, 60, 24), ("did", 8, 1, 36, 12), ("did", 20, 4, 36, 12))
    for rho in PERSISTENCE
)  # fmt: skip
HIDDEN = tuple(
    Setting(design, n_areas=areas, n_treated=treated, rho=rho, mean=mean, sd=0.15, hidden=True, before=before, after=after)  # type: ignore[arg-type]
    for design, areas, treated, before, after in (("its", 1, 1, 60, 24), ("did", 8, 1, 36, 12), ("did", 20, 4, 36, 12))
    for mean in (4.0, 8.5, 20.0)
    for rho in (0.0, 0.7)
)  # fmt: skip
CONTROLLED = tuple(
    Setting("its", n_areas=2, mean=mean, rho=rho, before=60, after=24) for mean in (20.0, 120.0) for rho in (0.0, 0.7)
)
STUDIES = {
    study.name: study
    for study in (
        Study("its_step_60_24", its_grid("step", 60, 24), ("model", "quasi_poisson", "quasi_poisson_true")),
        Study("its_step_36_12", its_grid("step", 36, 12), ("model", "quasi_poisson", "quasi_poisson_true")),
        Study("its_slope_60_24", its_grid("level_and_slope", 60, 24), ("model", "quasi_poisson", "quasi_poisson_true")),
        Study("its_slope_36_12", its_grid("level_and_slope", 36, 12), ("model", "quasi_poisson", "quasi_poisson_true")),
        Study("its_controlled", CONTROLLED, ("model",)),
        Study("did", did_grid(), ("model", "twfe_clustered", "twfe_iid")),
        Study("suppressed", HIDDEN, ("model", "zero_filled", "dropped", "complete")),
        Study("other_likelihoods", OTHERS, ("model",)),
        Study("sampled", (*its_grid("step", 60, 24), *did_grid()[:8]), ("model", "sampled"), simulations=100),
    )
}


def run_setting(setting: Setting, methods: tuple[str, ...], seeds: range) -> list[dict[str, object]]:
    """Every method on every series of one cell: interval, truth and what would be claimed."""
    rows: list[dict[str, object]] = []
    for seed in seeds:
        series = make_series(setting, seed)
        for method, lower, upper, claim in _intervals(series, setting, methods, seed):
            rows.append(
                {"method": method, "seed": seed, "truth": series.truth, "null": series.null, "lower": lower, "upper": upper, "claim": claim}
            )  # fmt: skip
    return rows


def _intervals(
    series: Series, setting: Setting, methods: tuple[str, ...], seed: int
) -> Iterator[tuple[str, float, float, bool]]:
    frames = {
        "model": lambda: series.frame,
        "complete": lambda: series.complete,
        "zero_filled": lambda: fill_with_zero(series),
        "dropped": lambda: drop_suppressed(series),
    }
    for method in methods:
        if method in frames:
            yield (method, *_ours(frames[method](), seed, sampled=False))
        elif method == "sampled":
            yield (method, *_ours(series.frame, seed, sampled=True))
        elif method == "quasi_poisson":
            for name, (lower, upper) in zip(methods[-2:], rivals.quasi_poisson(series, setting), strict=True):
                yield name, lower, upper, not lower <= 1.0 <= upper
        elif method == "twfe_clustered":
            for name, (lower, upper) in zip(methods[-2:], rivals.two_way_fixed_effects(series), strict=True):
                yield name, lower, upper, not lower <= 1.0 <= upper


def _ours(frame: Frame, seed: int, *, sampled: bool) -> tuple[float, float, bool]:
    task = Task(write_design(frame), SAMPLED, seed + 1)
    fit = sample(task, cores=1) if sampled else approximate(task)
    summary = summarise(estimate(frame, fit)[0].draws, NOMINAL)
    return summary.lower, summary.upper, rate(frame, summary, []) in ("benefit", "harm")


def summarise_setting(study: str, setting: Setting, rows: list[dict[str, object]]) -> pd.DataFrame:
    """One row for each method: share of intervals that hold the truth, its standard error, mean width, false claims.

    The width is of the interval on the log scale (for scores in their own unit).
    """
    table = pd.DataFrame(rows)
    # A series on which a method gives no interval (no convergence) counts as not covered; its width is not known.
    table["covered"] = (table["lower"] <= table["truth"]) & (table["truth"] <= table["upper"])
    scores = setting.likelihood == "normal"
    ends = table[["lower", "upper"]].astype(float)
    table["width"] = ends["upper"] - ends["lower"] if scores else np.log(ends["upper"] / ends["lower"])
    found = []
    for method, part in table.groupby("method", sort=False):
        coverage, n = float(part["covered"].mean()), len(part)
        nulls = part[part["null"]]
        found.append(
            {"study": study, **asdict(setting), "method": method, "simulations": n, "coverage": coverage,
             "standard_error": math.sqrt(max(coverage * (1 - coverage), 1e-9) / n), "mean_width": float(part["width"].mean()),
             "nulls": len(nulls), "null_claims": float(nulls["claim"].mean())}
        )  # fmt: skip
    return pd.DataFrame(found)


def run_study(
    study: Study,
    simulations: int,
    jobs: int,
    keep: Callable[[pd.DataFrame], None],
    report: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Every cell of a study; ``keep`` is given all rows so far after each cell, so that nothing is lost.

    Args:
        study: one of :data:`STUDIES`.
        simulations: of each cell.
        jobs: processes.
        keep: stores the table so far.
        report: told what was measured, cell by cell.
    """
    tables: list[pd.DataFrame] = []
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        parts = 4 * jobs
        edges = np.linspace(0, simulations, parts + 1).astype(int)
        waiting = [
            [pool.submit(run_setting, setting, study.methods, range(a, b)) for a, b in itertools.pairwise(edges) if b > a]
            for setting in study.settings
        ]  # fmt: skip
        for setting, futures in zip(study.settings, waiting, strict=True):
            rows = [row for future in futures for row in future.result()]
            tables.append(summarise_setting(study.name, setting, rows))
            for _, row in tables[-1].iterrows():
                report(f"{study.name} {row['method']}: coverage {row['coverage']:.3f}, mean width {row['mean_width']:.3f} at {say(setting)}")  # fmt: skip
            keep(pd.concat(tables, ignore_index=True))
    return pd.concat(tables, ignore_index=True)


def say(setting: Setting) -> str:
    """The cell in a few words."""
    waves = ", staggered" if setting.staggered else ""
    return (
        f"{setting.n_treated} of {setting.n_areas} areas{waves}, {setting.before}+{setting.after} months, "
        f"mean {setting.mean:g}, persistence {setting.rho:g}"
    )
