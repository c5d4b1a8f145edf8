"""Compile once per structure, sample, and remember: the only door to the sampler.

A fit is named by its content: arrays, structure, sampler settings and the source of the models. The same question
is never sampled twice, an interrupted review resumes, and a changed plan costs one plan.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from models.structure import ModelData, Structure

Profile = Literal["draft", "publish"]

KEPT_PARAMETERS = (
    "level", "period", "trend", "season_z", "coefficient", "cell_z", "cohort_z", "cohort_sd", "cell_sd", "half_life",
    "overdispersion", "score_sd", "score_rho", "common_sd", "common_rho", "area_sd", "area_rho", "area_trend_sd",
)  # fmt: skip
LOW_RANK_LIMIT = 200


@dataclass(frozen=True)
class Sampler:
    """How long to sample. ``target_accept`` nearer 1 takes smaller steps."""

    chains: int
    tune: int
    draws: int
    target_accept: float = 0.9


SAMPLERS: dict[str, Sampler] = {
    "draft": Sampler(chains=2, tune=400, draws=500),
    "publish": Sampler(chains=4, tune=600, draws=750),
}


@dataclass(frozen=True)
class Task:
    """One posterior to be drawn."""

    data: ModelData
    sampler: Sampler
    seed: int

    @property
    def key(self) -> str:
        """Content address of the fit."""
        digest = hashlib.sha256(repr((asdict(self.data.structure), asdict(self.sampler), self.seed)).encode())
        for name in sorted(self.data.arrays):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.data.arrays[name]).tobytes())
        digest.update(model_code().encode())
        return digest.hexdigest()[:32]


@dataclass(frozen=True)
class Fit:
    """Draws of one posterior: dims (chain, draw, ...), ``mu`` and ``mu0`` over (area, time) of the treated areas."""

    draws: xr.Dataset
    divergences: int
    seconds: float


@cache
def model_code() -> str:
    """Fingerprint of what decides a posterior besides its data: the source of models and engine, libraries' versions."""
    import models

    digest = hashlib.sha256()
    for path in [*sorted(Path(models.__file__).parent.glob("*.py")), Path(__file__)]:
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    digest.update(repr(library_versions()).encode())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of the libraries on which a posterior depends."""
    return {name: version(name) for name in ("pymc", "pytensor", "nutpie", "numba", "numpy")}


@cache
def compile_structure(structure: Structure) -> Any:
    """The compiled program of a structure; its data are replaced before every use.

    Sampling needs values of the right shape only, so the arrays here are ones.
    """
    import nutpie

    from models import did, its
    from models.structure import layout

    arrays: dict[str, Any] = {name: np.ones(shape, dtype=dtype) for name, (shape, dtype) in layout(structure).items()}
    for name in ("cohort_of", "cell_of", "previous", "censored_at", "censored_distinct"):
        if name in arrays:
            arrays[name] = np.zeros_like(arrays[name])
    model = (its if structure.design == "its" else did).build(ModelData(structure, arrays))
    free = [variable.name for variable in model.free_RVs]
    kept = [name for name in KEPT_PARAMETERS if name in model.named_vars and name not in free]
    return nutpie.compile_pymc_model(model, var_names=[*free, *kept, "focus_mu", "focus_mu0"])


def draw_prior(data: ModelData, n: int, seed: int) -> dict[str, Any]:
    """Draws from the prior of a model: ``mu``, ``mu0`` (draw, area, time) and every kept parameter."""
    import pymc as pm

    from models import did, its

    model = (its if data.structure.design == "its" else did).build(data)
    names = ["mu", "mu0", *(name for name in KEPT_PARAMETERS if name in model.named_vars)]
    drawn = pm.draw([model[name] for name in names], draws=n, random_seed=seed)
    return {name: np.atleast_1d(values) for name, values in zip(names, drawn, strict=True)}


def sample(task: Task, cores: int) -> Fit:
    """Draw the posterior of one task. The same task gives the same draws on the same machine."""
    import nutpie

    compiled = compile_structure(task.data.structure)
    # Not every model reads every array (a score has no exposure), and the program refuses a name it does not know.
    read = {variable.name for variable in compiled.shared_var_keys}
    program = compiled.with_data(**{name: array for name, array in task.data.arrays.items() if name in read})
    started = time.perf_counter()
    # A low-rank mass matrix learns the correlation of level, trend and effect in a single series; with thousands of
    # parameters its cost exceeds its use.
    adaptation: Literal["diag", "low_rank"] = "low_rank" if program.n_dim < LOW_RANK_LIMIT else "diag"
    trace = nutpie.sample(
        program,
        draws=task.sampler.draws,
        tune=task.sampler.tune,
        chains=task.sampler.chains,
        cores=cores,
        seed=task.seed,
        target_accept=task.sampler.target_accept,
        adaptation=adaptation,
        save_warmup=False,
        progress_bar=False,
    )
    posterior = trace["posterior"].to_dataset()
    kept = {name: posterior[name] for name in KEPT_PARAMETERS if name in posterior}
    dims = ("chain", "draw", "area", "time")
    for name in ("mu", "mu0"):
        kept[name] = xr.DataArray(posterior[f"focus_{name}"].values.astype(np.float32), dims=dims)
    plain = {
        name: xr.DataArray(array.values, dims=("chain", "draw", *(f"{name}_{i}" for i in range(array.ndim - 2))))
        if name not in ("mu", "mu0")
        else array
        for name, array in kept.items()
    }
    divergences = int(trace["sample_stats"]["diverging"].values.sum())
    return Fit(xr.Dataset(plain), divergences, time.perf_counter() - started)


class Store:
    """Fits on disk, by content: ``<folder>/<key>.nc``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the fit with this key is or would be."""
        return self.folder / f"{key}.nc"

    def has(self, key: str) -> bool:
        """Whether the fit is stored."""
        return self.path(key).is_file()

    def load(self, key: str) -> Fit | None:
        """The stored fit, or ``None``; a damaged file counts as absent."""
        path = self.path(key)
        if not path.is_file():
            return None
        try:
            with xr.open_dataset(path, engine="h5netcdf") as stored:
                draws = stored.load()
            about = json.loads(draws.attrs.pop("fit"))
            return Fit(draws, **about)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, key: str, fit: Fit) -> None:
        """Store a fit: written aside, then moved, so that no half-written fit is ever found."""
        self.folder.mkdir(parents=True, exist_ok=True)
        about = json.dumps({"divergences": fit.divergences, "seconds": fit.seconds})
        handle, name = tempfile.mkstemp(suffix=".part", dir=self.folder)
        os.close(handle)
        fit.draws.assign_attrs(fit=about).to_netcdf(name, engine="h5netcdf")
        os.replace(name, self.path(key))

    def load_record(self, name: str) -> Any:
        """A stored small result, or ``None``; a damaged file counts as absent."""
        try:
            return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def save_record(self, name: str, record: Any) -> None:
        """Store a small result: written aside, then moved."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(suffix=".part", dir=self.folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(record, file)
        os.replace(part, self.folder / f"{name}.json")


def fetch(task: Task, store: Store, cores: int | None = None) -> Fit:
    """The stored fit of a task, or a new one, stored."""
    fit = store.load(task.key)
    if fit is None:
        fit = sample(task, cores or os.cpu_count() or 1)
        store.save(task.key, fit)
    return fit


def fetch_all(
    tasks: Sequence[Task], store: Store, jobs: int, report: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, str]:
    """Sample what is not yet stored, in ``jobs`` processes, each structure's tasks together.

    Returns:
        Why a task failed, by key; empty when all went well.
    """
    waiting = {task.key: task for task in tasks}
    waiting = {key: task for key, task in waiting.items() if not store.has(key)}
    if not waiting:
        return {}
    groups = share_out(waiting.values(), jobs)
    cores = max(1, (os.cpu_count() or 1) // min(jobs, len(groups)))
    failures: dict[str, str] = {}
    total = len(waiting)
    report(0, total)
    if len(groups) == 1:
        for done, task in enumerate(groups[0], 1):
            failures |= _run_group([task], store.folder, cores)
            report(done, total)
        return failures
    # Workers are spawned, not forked: the same on every platform, and no compiled state is shared by accident.
    with ProcessPoolExecutor(max_workers=min(jobs, len(groups)), mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(_run_group, group, store.folder, cores): group for group in groups}
        shown, waited_for = 0, set(pending)
        while waited_for:
            finished, waited_for = wait(waited_for, timeout=1.0)
            for future in finished:
                try:
                    failures |= future.result()
                except Exception as error:  # a worker that died must not take the other plans with it
                    lost = [task.key for task in pending[future] if not store.has(task.key)]
                    failures |= dict.fromkeys(lost, f"the worker process stopped ({type(error).__name__})")
            done = sum(store.has(key) or key in failures for key in waiting)
            if done > shown:
                shown = done
                report(done, total)
    return failures


def share_out(tasks: Iterable[Task], jobs: int) -> list[list[Task]]:
    """Group tasks by structure, heaviest group first; a structure with far more work than its share is halved.

    Compiling again in a second process costs less than one core waiting for the other.
    """
    groups: dict[Structure, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.data.structure, []).append(task)
    shared = list(groups.values())
    total = sum(map(_cost, shared))
    while len(shared) < 64:
        heaviest = max(shared, key=_cost)
        if jobs == 1 or len(heaviest) < 2 or _cost(heaviest) < 1.2 * total / jobs:
            break
        shared.remove(heaviest)
        shared += [heaviest[::2], heaviest[1::2]]
    return sorted(shared, key=_cost, reverse=True)


def _cost(tasks: Sequence[Task]) -> float:
    """Rough work of a group in units of one compilation."""
    work = 1.0
    for task in tasks:
        structure, sampler = task.data.structure, task.sampler
        cells = structure.n_areas * structure.n_periods + structure.n_censored * structure.censored_width
        work += cells * sampler.chains * (sampler.tune + sampler.draws) / 1.2e7
    return work


def _run_group(tasks: Sequence[Task], folder: Path, cores: int) -> dict[str, str]:
    store = Store(folder)
    failures: dict[str, str] = {}
    for task in tasks:
        try:
            if not store.has(task.key):
                store.save(task.key, sample(task, cores))
        except Exception as error:  # one series the sampler cannot start on must not stop the rest
            failures[task.key] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return failures
