"""Compile once per structure, sample, and remember: the only door to the sampler.

A fit is named by its content: arrays, structure, sampler settings and the source of the models. The same question
is never sampled twice, an interrupted review resumes, and a changed plan costs one plan.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from evaluation.inference import program
from evaluation.inference.program import KEPT_PARAMETERS, load_program
from models.structure import ModelData, check_layout, pack

Profile = Literal["draft", "publish"]

LOW_RANK_LIMIT = 200
# The low-rank mass matrix is decomposed anew every so many draws of the tuning, and keeps the directions whose variance
# differs from 1 by this factor. The library's own 20 and 2 spend more time on this than on the gradients of a series.
UPDATE_EVERY = 300
EIGENVALUE_CUTOFF = 4.0
ABANDONED_SECONDS = 24 * 3600


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
    sources = sorted(Path(models.__file__).parent.glob("*.py"))
    # The portfolio pools findings; no posterior of an intervention depends on it.
    for path in [*(source for source in sources if source.stem != "portfolio"), Path(program.__file__), Path(__file__)]:
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    digest.update(repr(library_versions()).encode())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of the libraries on which a posterior depends."""
    return {name: version(name) for name in ("pymc", "pytensor", "nutpie", "numba", "numpy")}


def draw_prior(data: ModelData, n: int, seed: int) -> dict[str, Any]:
    """Draws from the prior of a model: ``mu``, ``mu0`` (draw, area, time) and every kept parameter."""
    import pymc as pm

    from models import did, its

    model = (its if data.structure.design == "its" else did).build(data, informed=False)
    names = ["mu", "mu0", *(name for name in KEPT_PARAMETERS if name in model.named_vars)]
    drawn = pm.draw([model[name] for name in names], draws=n, random_seed=seed)
    return {name: np.atleast_1d(values) for name, values in zip(names, drawn, strict=True)}


def sample(task: Task, cores: int) -> Fit:
    """Draw the posterior of one task. The same task gives the same draws on the same machine."""
    from nutpie.sample import _BackgroundSampler

    compiled = load_program(task.data.structure, model_code())
    check_layout(task.data)
    filled = compiled.with_data(**pack(task.data.arrays))
    started = time.perf_counter()
    sampling = _BackgroundSampler(
        filled,
        _settings(task, filled.n_dim),
        np.zeros(filled.n_dim),
        cores,
        progress_bar=False,
        return_raw_trace=True,
    )
    chains, statistics = sampling.wait().get_arrow_trace()
    draws = {}
    for name in ("mu", "mu0"):
        values = _read_draws(chains, f"focus_{name}", task.sampler.tune).astype(np.float32)
        draws[name] = xr.DataArray(values, dims=("chain", "draw", "area", "time"))
    for name in KEPT_PARAMETERS:
        if name in chains[0].column_names:
            values = _read_draws(chains, name, task.sampler.tune)
            dims = ("chain", "draw", *(f"{name}_{i}" for i in range(values.ndim - 2)))
            draws[name] = xr.DataArray(values, dims=dims)
    divergences = int(_read_draws(statistics, "diverging", task.sampler.tune).sum())
    return Fit(xr.Dataset(draws), divergences, time.perf_counter() - started)


def _read_draws(chains: Sequence[Any], name: str, tune: int) -> NDArray:
    """One column of what the sampler returns, after the tuning; (chain, draw, ...).

    The library's own reader makes a labelled array of every column, most of which nobody asked for: it took 60 ms
    of every fit, and copied every latent path of a panel.
    """
    import pyarrow

    parts = []
    for chain in chains:
        column = chain.column(name)
        shape = [int(size) for size in column.field.metadata.get(b"shape", b"").decode().split(",") if size]
        values = pyarrow.array(column)
        flat = values.flatten() if shape else values
        parts.append(flat.to_numpy(zero_copy_only=False).reshape(-1, *shape)[tune:])
    return np.stack(parts)


def _settings(task: Task, n_dim: int) -> Any:
    """The sampler's settings, of which ``nutpie.sample`` itself does not let all be chosen.

    With few parameters a low-rank mass matrix learns how they go together, unless they are written about what the data say
    of them (``terms_centre``); with more it costs more than it gives. Where the noise is written about what the data say of it
    (:mod:`models.informed_path`) nearly every parameter is nearly standard normal, and trajectories turn on the sphere
    between gradients (``ExactNormal``: no error on a standard normal posterior, so only the departure from one limits
    the step). Elsewhere they do not: in a saturated panel without persistence, with priors a thousand times as wide as
    its posterior, chains on the sphere did not find it in the tuning of a draft
    (``book/developing/decisions/0012``).
    """
    from nutpie import _lib

    kinds = _lib.PyNutsSettings
    low_rank = n_dim < LOW_RANK_LIMIT and "terms_centre" not in task.data.arrays
    settings = kinds.LowRank(task.seed) if low_rank else kinds.Diag(task.seed)
    asked = task.sampler
    settings.update(
        {
            "num_chains": asked.chains,
            "num_tune": asked.tune,
            "num_draws": asked.draws,
            "target_accept": asked.target_accept,
        }
    )
    chosen = settings.as_dict()["settings"]
    if "working_response" in task.data.arrays:
        chosen["trajectory_kind"] = "ExactNormal"
    if low_rank:
        chosen["adapt_options"]["mass_matrix_update_freq"] = UPDATE_EVERY
        chosen["adapt_options"]["mass_matrix_options"]["eigval_cutoff"] = EIGENVALUE_CUTOFF
    settings.update_settings(chosen)
    return settings


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

    def has_record(self, name: str) -> bool:
        """Whether a small result of this name is stored."""
        return (self.folder / f"{name}.json").is_file()

    def load_record(self, name: str) -> Any:
        """A stored small result, or ``None``; a damaged file counts as absent."""
        try:
            return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def save_record(self, name: str, record: Any) -> None:
        """Store a small result: written aside, then moved."""
        self.put(f"{name}.json", json.dumps(record).encode("utf-8"))

    def put(self, name: str, content: bytes) -> None:
        """Store a file as it is: written aside, then moved."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(suffix=".part", dir=self.folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(part, self.folder / name)

    def sweep(self) -> None:
        """Remove what runs that were killed more than a day ago left half-written."""
        for part in self.folder.glob("*.part"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > ABANDONED_SECONDS:
                    part.unlink()


def fetch(task: Task, store: Store, cores: int | None = None) -> Fit:
    """The stored fit of a task, or a new one, stored."""
    fit = store.load(task.key)
    if fit is None:
        fit = sample(task, cores or os.cpu_count() or 1)
        store.save(task.key, fit)
    return fit
