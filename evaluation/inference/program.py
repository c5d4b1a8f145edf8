"""The compiled program of a structure: made once on a computer, kept on its disk, the same for whoever asks again.

A structure takes up to half a minute to compile and a fraction of a second to load. More than time hangs on it: in the
compiler's own linker a program calls pieces that were made for themselves, or found on the disk, where it holds the
same pieces in another form; sums then end in other last digits, and chains that differ there part ways. A program is
therefore linked by itself, and the draws of a task do not depend on what else was compiled
(``book/developing/decisions/0014``).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.writing import write_whole
from models.structure import ModelData, Structure, layout

KEPT_PARAMETERS = (
    "level", "period", "trend", "season_z", "coefficient", "cell_z", "cohort_z", "cohort_sd", "cell_sd", "half_life",
    "overdispersion", "score_sd", "score_rho", "common_sd", "common_rho", "area_sd", "area_rho", "area_trend_sd",
)  # fmt: skip
KEPT_DAYS = 180
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Machinery:
    """What is kept of a compiled structure.

    Attributes:
        code: machine code of two functions: the log density of a point with its gradient, and what is reported of a point.
        symbols: what each is called in its code.
        externals: what the code calls of the process that runs it.
        names, shapes: of what is reported of a point, its free parameters first.
        start: the point around which chains start; (free parameter,).
        arrays: names and types of the data it reads, all one-dimensional.
    """

    code: tuple[bytes, bytes]
    symbols: tuple[str, str]
    externals: list[str]
    names: list[str]
    shapes: list[list[int]]
    start: list[float]
    arrays: dict[str, str]


@dataclass(frozen=True)
class Entry:
    """Where a function is in memory, and what must live as long as it is called."""

    address: int
    keeper: Any


@dataclass(frozen=True, eq=False)
class Shared:
    """Stands for the model's shared variable, of which a program knows no more."""

    name: str
    ndim: int = 1


@cache
def load_program(structure: Structure, fingerprint: str) -> Any:
    """The compiled program of a structure, as nutpie samples it; its data are replaced before every use.

    Args:
        structure: of the model.
        fingerprint: of what else decides what the program does: the source of the models, the libraries' versions.
    """
    path = programs_folder() / f"{_name(structure, fingerprint)}.program"
    kept = _find(path)
    if kept is None:
        with _alone(path):
            kept = _find(path)  # somebody else may just have made it
            if kept is None:
                compiled, start = _compile(structure)
                kept = _take_out(compiled, start)
                if kept is None or not _can_run(
                    kept
                ):  # bound to this process, or to what the compiler's linker alone knows
                    return compiled
                with suppress(OSError):  # a disk that is full or not ours costs the time to compile, no more
                    _write(path, kept)
    return _link(kept)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Have the making of a program for oneself, if that can be had: the compiler fills a core and 0.7 GB.

    The lock beside the program ends with the process that holds it. A folder that cannot be locked, or somebody who takes
    too long, costs the work done twice.
    """
    from filelock import FileLock

    lock = FileLock(path.with_suffix(".lock"))
    with suppress(OSError, NotImplementedError):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        lock.release()


def programs_folder() -> Path:
    """Where the programs of this user are kept: among what can be made again."""
    from platformdirs import user_cache_path

    return user_cache_path("svd-evaluation", appauthor=False) / "programs"


def _name(structure: Structure, fingerprint: str) -> str:
    """Content address of a program: model, libraries, compiler with its settings, and processor."""
    from llvmlite import binding

    settings = {name: value for name, value in os.environ.items() if name.startswith(("NUMBA_", "PYTENSOR_FLAGS"))}
    features = binding.get_host_cpu_features().flatten()
    processor = (binding.get_process_triple(), binding.get_host_cpu_name(), features)
    about = (asdict(structure), fingerprint, version("llvmlite"), platform.python_version(), sorted(settings.items()), processor)  # fmt: skip
    return hashlib.sha256(repr(about).encode()).hexdigest()[:32]


def _compile(structure: Structure) -> tuple[Any, NDArray]:
    """The model of a structure as nutpie compiles it, and the point around which its chains start.

    Compiling needs values of the right shape only, so the arrays here are ones.
    """
    import nutpie

    from models import did, its

    arrays: dict[str, Any] = {name: np.ones(shape, dtype=dtype) for name, (shape, dtype) in layout(structure).items()}
    for name in ("cohort_of", "cell_of", "previous", "censored_at", "censored_distinct"):
        if name in arrays:
            arrays[name] = np.zeros_like(arrays[name])
    model = (its if structure.design == "its" else did).build(ModelData(structure, arrays))
    free = [variable.name for variable in model.free_RVs]
    kept = [name for name in KEPT_PARAMETERS if name in model.named_vars and name not in free]
    with warnings.catch_warnings():
        # Without a C compiler PyTensor fuses at most 32 operands, numba's code or not: a little slower, and no news to a user.
        warnings.filterwarnings("ignore", "Loop fusion failed", UserWarning)
        compiled = nutpie.compile_pymc_model(model, var_names=[*free, *kept, "focus_mu", "focus_mu0"])
        point = model.initial_point()
    start = np.concatenate([np.ravel(point[name]) for name in compiled.shape_info[0] if name in point])
    return compiled, start.astype(float)


def _take_out(compiled: Any, start: NDArray) -> Machinery | None:
    """What can be kept of a compiled model; ``None`` where its code is bound to this process."""
    functions = (compiled.compiled_logp_func, compiled.compiled_expand_func)
    libraries = [function._library for function in functions]
    if any(library.has_dynamic_globals for library in libraries):
        return None
    called = {name for library in libraries for name in _externals(library.get_llvm_str())}
    first, second = (library.serialize_using_object_code()[2][0] for library in libraries)
    names, _, shapes = compiled.shape_info
    return Machinery(
        code=(first, second),
        symbols=(functions[0].native_name, functions[1].native_name),
        externals=sorted(called),
        names=list(names),
        shapes=[[int(size) for size in shape] for shape in shapes],
        start=start.tolist(),
        arrays={
            variable.name: compiled.shared_data[key].dtype.str for variable, key in compiled.shared_var_keys.items()
        },
    )


def _externals(assembly: str) -> set[str]:
    """Names that code uses and does not define, in LLVM's assembly; its own intrinsic functions are not among them."""
    functions = re.findall(r'^declare [^\n@]*@"?([^"(\n]+)', assembly, re.MULTILINE)
    variables = re.findall(r'^@"?([^"= \n]+)"? = external ', assembly, re.MULTILINE)
    return {name for name in (*functions, *variables) if not name.startswith("llvm.")}


def _find(path: Path) -> Machinery | None:
    """A kept program that this process can run."""
    kept = _read(path)
    return kept if kept is not None and _can_run(kept) else None


def _can_run(kept: Machinery) -> bool:
    """Whether this process has everything that the code calls: an unknown name would end it without a word."""
    from llvmlite import binding
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

    rtsys.initialize(cpu_target.target_context)  # numba makes its own functions known
    return all(binding.address_of_symbol(name) for name in kept.externals)


def _link(kept: Machinery) -> Any:
    """A program in memory.

    Each function is linked by itself. Numba's linker takes of two functions with one name the first it was given, and its
    names are numbered in each process anew, so that even functions of two programs may have the same.
    """
    from nutpie.compile_pymc import CompiledPyMCModel, make_user_data

    logp, expand = (_load_code(code, symbol) for code, symbol in zip(kept.code, kept.symbols, strict=True))
    data = {name: np.zeros(0, dtype=dtype) for name, dtype in kept.arrays.items()}
    keys = {Shared(name): name for name in kept.arrays}
    sizes = [int(np.prod(shape)) for shape in kept.shapes]
    ends = np.cumsum(sizes).tolist()
    places = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    return CompiledPyMCModel(
        dims={},
        reparameterized_names=[],
        compiled_logp_func=logp,
        compiled_expand_func=expand,
        initial_point_func=_begin_about(np.array(kept.start)),
        shared_data=data,
        shared_var_keys=keys,
        user_data=make_user_data(keys, data),
        n_expanded=ends[-1],
        shape_info=(kept.names, places, [np.array(shape, dtype=np.int64) for shape in kept.shapes]),
        logp_func=None,
        expand_func=None,
        _n_dim=len(kept.start),
        _shapes=dict(zip(kept.names, map(tuple, kept.shapes), strict=True)),
        _coords={},
    )


def _begin_about(start: NDArray) -> Callable[[int], NDArray]:
    """The starting point of a chain by its seed: within 1 of ``start``, as PyMC has it, on the scale of the free parameters."""

    def begin(seed: int) -> NDArray:
        return start + np.random.default_rng(seed).uniform(-1.0, 1.0, start.size)

    return begin


def _load_code(code: bytes, symbol: str) -> Entry:
    from llvmlite import binding

    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine(jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Entry(engine.get_function_address(symbol), engine)


def _write(path: Path, machinery: Machinery) -> None:
    """Keep a program, its digest first. Those made long ago, mostly of other versions of the models, are removed."""
    about = asdict(machinery) | {"code": [len(code) for code in machinery.code]}
    content = json.dumps(about).encode() + b"\n" + b"".join(machinery.code)
    write_whole(path, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    for other in path.parent.iterdir():
        with suppress(OSError):
            if time.time() - other.stat().st_mtime > KEPT_DAYS * 86400:
                other.unlink()


def _read(path: Path) -> Machinery | None:
    """A kept program; ``None`` if there is none or it is damaged."""
    try:
        digest, content = path.read_bytes().split(b"\n", 1)
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        about, code = content.split(b"\n", 1)
        fields = json.loads(about)
        length = fields["code"][0]
        return Machinery(**fields | {"code": (code[:length], code[length:]), "symbols": tuple(fields["symbols"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
