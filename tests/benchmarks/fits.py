"""How long do fits take? Made-up series through the engine, on this machine, one table.

    uv run python tests/benchmarks/fits.py [its] [did] [growth] [placebos] [causalpy] [--number N] [--into FILE]

Each row: what, how many, seconds for all, seconds each after the first, effective draws, divergences, peak memory. The
sampler is that of the targets, 4 chains of 1000 + 1000 draws. ``causalpy`` fits the same series with CausalPy in an
environment of its own; its model is simpler than ours (a Gaussian regression on trend and season, without
autocorrelation, overdispersion or exposure), which the table says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.calibration.results import commit
from evaluation.calibration.series import Setting, make_series
from evaluation.cli import limit_threads
from evaluation.inference.design import write_design
from evaluation.inference.effects import diagnose, estimate
from evaluation.inference.engine import Fit, Sampler, Store, Task, library_versions, sample
from evaluation.inference.examination import examine, plan_checks
from evaluation.inference.laplace import approximate

SAMPLER = Sampler(chains=4, tune=1000, draws=1000)
ITS = Setting("its", before=72, after=24, mean=50.0, rho=0.4)
DIDS = {
    "did 40 areas x 96 months": Setting("did", n_areas=40, n_treated=4, before=72, after=24, mean=50.0, rho=0.7, sd=0.1),
    "did 300 areas x 120 months": Setting("did", n_areas=300, n_treated=20, before=96, after=24, mean=50.0, rho=0.7, sd=0.1),
}  # fmt: skip
GROWTH = {
    **{f"its {months} months": Setting("its", before=months - 24, after=24, mean=50.0, rho=0.4) for months in (48, 192, 384)},
    **{f"did {areas} areas x 48 months": Setting("did", n_areas=areas, n_treated=4, before=36, after=12, mean=50.0, rho=0.7, sd=0.1)
       for areas in (10, 40, 160)},
}  # fmt: skip
CAUSALPY = """
import json, sys, time
import numpy as np, pandas as pd, causalpy as cp
settings = json.loads(sys.argv[1])
rows = []
for path in settings["series"]:
    frame = pd.read_csv(path, index_col=0, parse_dates=True)
    began = time.perf_counter()
    model = cp.pymc_models.LinearRegression(sample_kwargs=dict(
        draws=1000, tune=1000, chains=4, cores=settings["cores"], progressbar=False, random_seed=1,
        nuts_sampler=settings["sampler"]))
    experiment = cp.InterruptedTimeSeries(
        frame, pd.Timestamp(settings["start"]), formula="y ~ 1 + t + C(month)", model=model)
    if hasattr(experiment, "is_fitted") and not experiment.is_fitted:  # from 1.0 on, fitting is asked for
        experiment.fit()
    rows.append(time.perf_counter() - began)
print(json.dumps({"version": cp.__version__, "seconds": rows}))
"""


def fit_some(setting: Setting, numbers: list[int], cores: int) -> list[dict[str, float]]:
    """Sample some series in this process; a row for each."""
    rows = []
    for number in numbers:
        frame = make_series(setting, number).frame
        began = time.perf_counter()
        fit = sample(Task(write_design(frame), SAMPLER, number + 1), cores)
        seconds = time.perf_counter() - began
        found = diagnose(estimate(frame, fit), fit.divergences, strict=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append({"peak": peak, "seconds": seconds, "ess": min(found.ess_bulk_min, found.ess_tail_min), "divergences": fit.divergences, "gate": found.passed})  # fmt: skip
    return rows


def measure(name: str, setting: Setting, number: int, jobs: int) -> dict[str, object]:
    """Fit ``number`` series in ``jobs`` processes, compilation included in the total."""
    cores = max(1, (os.cpu_count() or 1) // jobs)
    began = time.perf_counter()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        parts = [list(range(k, number, jobs)) for k in range(jobs)]
        done = list(pool.map(fit_some, [setting] * jobs, parts, [cores] * jobs))
    total = time.perf_counter() - began
    rows = [row for part in done for row in part]
    # Side by side, so many fits at a time: what one more costs is its own time shared among the processes.
    later = [row["seconds"] / jobs for part in done for row in part[1:]]
    peak = max(row["peak"] for row in rows)
    return {
        "what": name, "fits": number, "seconds": round(total, 1),
        "seconds each after the first": round(float(np.mean(later)), 2) if later else None,
        "least effective draws": round(min(row["ess"] for row in rows)),
        "effective draws a second": round(float(np.mean([row["ess"] / row["seconds"] for row in rows]))),
        "divergences": int(sum(row["divergences"] for row in rows)),
        "passed the gate": int(sum(row["gate"] for row in rows)), "peak MB of one process": round(peak),
    }  # fmt: skip


def measure_placebos() -> dict[str, object]:
    """Every check of one difference-in-differences, as for publication: dozens of approximated refits."""
    frame = make_series(Setting("did", n_areas=20, n_treated=2, before=48, after=12, mean=50.0, sd=0.1), 1).frame
    task = Task(write_design(frame), SAMPLER, 1)
    fit: Fit = approximate(task)
    refits = plan_checks(frame, 0.95)
    asked = sum(len(getattr(refit, "asked", [refit])) for refit in refits)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        examine(frame, task, refits, fit, Store(Path(folder)), 0.95)
        seconds = time.perf_counter() - began
    return {"what": "every check of one plan, 20 areas x 60 months", "fits": asked, "seconds": round(seconds, 1), "seconds each after the first": round(seconds / asked, 2)}  # fmt: skip


def measure_causalpy(number: int, sampler: str) -> dict[str, object]:
    """The same series through CausalPy, one after the other, its chains on all cores."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i in range(number):
            frame = make_series(ITS, i).frame
            months = pd.date_range("2015-01-01", periods=len(frame.periods), freq="MS")
            table = pd.DataFrame(
                {"y": frame.value[0], "t": np.arange(len(months)), "month": months.month}, index=months
            )
            paths.append(str(Path(folder) / f"{i}.csv"))
            table.to_csv(paths[-1])
        start = str(months[ITS.before].date())
        asked = json.dumps({"series": paths, "cores": os.cpu_count(), "start": start, "sampler": sampler})
        command = ["uv", "run", "--no-project", "--prerelease=allow", "--with", "causalpy>=1.0.0rc1", "--with", "nutpie", "python", "-c", CAUSALPY, asked]  # fmt: skip
        subprocess.run(
            [*command[:-2], "pass"], capture_output=True
        )  # its environment is set up; that is no time of its own
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        total = time.perf_counter() - began
    name = f"CausalPy, sampler {sampler}; a simpler model"
    if done.returncode:
        return {"what": f"{name}: did not run ({done.stderr.strip().splitlines()[-1][:200]})", "fits": 0}
    found = json.loads(done.stdout.splitlines()[-1])
    later = found["seconds"][1:] or found["seconds"]
    return {"what": f"{name}, version {found['version']}", "fits": number, "seconds": round(total, 1), "seconds each after the first": round(float(np.mean(later)), 2)}  # fmt: skip


def against(table: pd.DataFrame) -> list[str]:
    """How many times as long CausalPy takes: a fit after the first, and for as many fits as ours, compilation and start included.

    It fits only the first few series; what the others would take is reckoned from its mean after the first.
    """
    ours = table[table["what"] == "its 96 months"]
    lines = []
    for rival in table[table["what"].str.startswith("CausalPy") & (table["fits"] > 0)].itertuples(index=False):
        row = dict(zip(table.columns, rival, strict=True))
        for own in ours.to_dict("records"):
            each = row["seconds each after the first"]
            whole = row["seconds"] + (own["fits"] - row["fits"]) * each
            lines.append(
                f"{row['what'].split(';')[0]}: {each / own['seconds each after the first']:.1f} times as long a fit; "
                f"{whole / own['seconds']:.1f} times over {own['fits']} fits ({own['fits'] - row['fits']} of its reckoned from its mean)"
            )
    return lines


def pace() -> float:
    """Seconds of ten million additions in plain Python: machines of one name, and one machine's hours, differ twofold."""
    began, total = time.perf_counter(), 0
    for k in range(10_000_000):
        total += k * k
    return time.perf_counter() - began


def describe(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the machine, its load and pace, the versions and the commit."""
    versions = " ".join(f"{name} {version}" for name, version in library_versions().items())
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, load {load} and ten million additions {pace():.1f} s at the end"
    )
    return table.assign(machine=machine, versions=versions, commit=commit(), date=f"{datetime.now(UTC):%Y-%m-%d}")


def main() -> None:
    """Run what is asked for and print, or keep, one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["its", "did", "placebos"])
    parser.add_argument("--number", type=int, default=150, help="ITS fits")
    parser.add_argument("--rival", type=int, default=5, help="CausalPy fits")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--into", type=Path)
    asked = parser.parse_args()
    # One linear-algebra thread a process, as `svd` sets it; numpy is loaded here already, so all work is in processes.
    limit_threads()
    rows = []
    if "its" in asked.what:
        rows.append(measure("its 96 months", ITS, asked.number, asked.jobs))
    if "did" in asked.what:
        rows += [measure(name, setting, 1, 1) for name, setting in DIDS.items()]
    if "growth" in asked.what:
        rows += [measure(name, setting, 2, 1) for name, setting in GROWTH.items()]
    if "placebos" in asked.what:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(measure_placebos).result())
    if "causalpy" in asked.what:
        rows += [measure_causalpy(asked.rival, sampler) for sampler in ("pymc", "nutpie")]
    table = describe(pd.DataFrame(rows))
    if asked.into:
        table.to_csv(asked.into, index=False)
    table.to_csv(sys.stdout, index=False)
    print("\n".join(against(table)))


if __name__ == "__main__":
    main()
