"""A structure's program is compiled once, kept whole or not at all, and draws the same whoever compiled what before."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from llvmlite import binding

from evaluation.inference import program
from evaluation.inference.design import write_design
from evaluation.inference.engine import Sampler, Task, sample
from evaluation.inference.program import Machinery
from models.structure import Structure, pack
from tests.inference.fabricated import frame

ROOT = Path(__file__).resolve().parents[2]
STRUCTURE = Structure("its", "poisson", 1, 8, 1)
KEPT = Machinery(
    code=(b"\x00first\n", b"second"),
    symbols=("f", "g"),
    externals=["sqrt", "PyErr_Clear"],
    names=["level_z", "level"],
    shapes=[[1], []],
    start=[0.5],
    arrays={"numbers": "<f8", "places": "<i8"},
)
OF = frame(np.round(np.geomspace(20, 60, 8))[None, :], [6], design="its", likelihood="poisson", trend=True)
TASK = Task(write_design(OF), Sampler(chains=2, tune=100, draws=50), 7)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of programs, and nothing in memory."""
    monkeypatch.setattr(program, "programs_folder", lambda: tmp_path / "programs")
    program.load_program.cache_clear()
    yield tmp_path / "programs"
    program.load_program.cache_clear()


def test_a_kept_program_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "here" / "a.program"
    program._write(path, KEPT)
    assert program._read(path) == KEPT
    assert [p.name for p in path.parent.iterdir()] == ["a.program"], "nothing is left beside it"


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


def empty(_: bytes) -> bytes:
    return b""


def of_another_version(content: bytes) -> bytes:
    about = content.split(b"\n", 1)[1].replace(b'"arrays"', b'"tables"')
    return hashlib.sha256(about).hexdigest().encode() + b"\n" + about


@pytest.mark.parametrize("damage", [halved, flipped, empty, of_another_version])
def test_a_damaged_program_counts_as_absent(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.program"
    program._write(path, KEPT)
    path.write_bytes(damage(path.read_bytes()))
    assert program._read(path) is None


def test_a_program_is_named_by_all_that_decides_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    name = program._name(STRUCTURE, "models")
    assert program._name(replace(STRUCTURE), "models") == name
    assert program._name(replace(STRUCTURE, n_periods=16), "models") != name
    assert program._name(STRUCTURE, "other models") != name
    monkeypatch.setenv("NUMBA_OPT", "1")
    assert program._name(STRUCTURE, "models") != name
    monkeypatch.delenv("NUMBA_OPT")
    monkeypatch.setattr(binding, "get_host_cpu_name", lambda: "another processor")
    assert program._name(STRUCTURE, "models") != name


def test_code_that_calls_what_is_not_there_is_not_run() -> None:
    assert program._can_run(KEPT)
    assert not program._can_run(replace(KEPT, externals=[*KEPT.externals, "no_such_function"]))


@pytest.mark.parametrize("bound", [None, replace(KEPT, externals=["no_such_function"])])
def test_code_bound_to_its_process_is_used_there_and_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bound: Machinery | None
) -> None:
    monkeypatch.setattr(program, "_compile", lambda structure: ("compiled", np.zeros(1)))
    monkeypatch.setattr(program, "_take_out", lambda compiled, start: bound)
    assert program.load_program.__wrapped__(STRUCTURE, "models") == "compiled"
    assert not list(folder.glob("*.program"))


def test_what_code_calls_is_read_from_its_assembly() -> None:
    assembly = (
        'declare noundef i32 @"NRT_Free"(ptr)\ndeclare double @log1p(double)\ndeclare double @llvm.exp.f64(double)\n'
        "@PyExc_ValueError = external global i8\n@.const.text = internal constant [1 x i8] zeroinitializer\n"
        "define i32 @inner() {\n  ret i32 0\n}\n"
    )
    assert program._externals(assembly) == {"NRT_Free", "log1p", "PyExc_ValueError"}


def test_functions_of_one_name_are_not_taken_for_each_other() -> None:
    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine(jit=True)

    def code(answer: int) -> bytes:
        inner = f"define weak i64 @inner() noinline {{\n  ret i64 {answer}\n}}\n"
        outer = "define i64 @outer() {\n  %a = call i64 @inner()\n  ret i64 %a\n}\n"
        return machine.emit_object(binding.parse_assembly(inner + outer))

    entries = [program._load_code(code(answer), "outer") for answer in (1, 2)]
    assert [ctypes.CFUNCTYPE(ctypes.c_int64)(entry.address)() for entry in entries] == [1, 2]


def test_chains_begin_near_the_point_and_apart() -> None:
    begin = program._begin_about(np.array([0.0, 5.0, -5.0]))
    first, second = begin(1), begin(2)
    assert (np.abs(first - [0.0, 5.0, -5.0]) < 1).all()
    assert (first != second).all()
    assert (begin(1) == first).all()


def test_programs_made_long_ago_are_removed(tmp_path: Path) -> None:
    old, recent = tmp_path / "old.program", tmp_path / "recent.program"
    for path, days in ((old, 200), (recent, 100)):
        path.write_bytes(b"")
        os.utime(path, (time.time() - days * 86400,) * 2)
    program._write(tmp_path / "new.program", KEPT)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.program", "recent.program"]


def test_a_program_is_made_once_however_many_ask_at_the_same_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Structure] = []

    def compile_slowly(structure: Structure) -> tuple[str, np.ndarray]:
        made.append(structure)
        time.sleep(0.5)
        return "compiled", np.zeros(1)

    monkeypatch.setattr(program, "_compile", compile_slowly)
    monkeypatch.setattr(program, "_take_out", lambda compiled, start: KEPT)
    monkeypatch.setattr(program, "_link", lambda kept: kept)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: program.load_program.__wrapped__(STRUCTURE, "models"), range(3)))
    assert made == [STRUCTURE]
    assert found == [KEPT] * 3

    assert [p.suffix for p in sorted(folder.iterdir()) if p.suffix != ".lock"] == [".program"]

    monkeypatch.setattr(program, "PATIENCE_SECONDS", 0.1)
    (path,) = folder.glob("*.program")
    with FileLock(path.with_suffix(".lock")):
        assert program.load_program.__wrapped__(STRUCTURE, "models") == KEPT, "who finds it asks nobody"
        path.unlink()
        assert program.load_program.__wrapped__(STRUCTURE, "models") == KEPT, "nobody waits for ever"
    assert len(made) == 2


def evaluate(compiled: object, point: np.ndarray) -> tuple[int, float, np.ndarray]:
    """What the sampler gets for a point: a code, the log density and its gradient."""
    double = ctypes.POINTER(ctypes.c_double)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, double, double, double, ctypes.c_void_p)
    filled = compiled.with_data(**pack(TASK.data.arrays))
    gradient, density = np.zeros(point.size), np.zeros(1)
    places = [array.ctypes.data_as(double) for array in (point, gradient, density)]
    said = function(filled.compiled_logp_func.address)(point.size, *places, filled.user_data.ctypes.data)
    return said, float(density[0]), gradient


@pytest.mark.slow
def test_a_kept_program_is_the_one_that_was_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, start = program._compile(TASK.data.structure)
    kept = program._take_out(compiled, start)
    assert kept is not None
    program._write(folder / "a.program", kept)
    loaded = program._link(program._read(folder / "a.program"))
    assert loaded.n_dim == compiled.n_dim
    assert loaded.n_expanded == compiled.n_expanded
    assert loaded.shape_info[0] == compiled.shape_info[0]
    assert loaded.shape_info[1] == compiled.shape_info[1]
    assert [list(shape) for shape in loaded.shape_info[2]] == [list(shape) for shape in compiled.shape_info[2]]
    for point in (start, start + 0.3):
        (said, density, gradient), (again, same, alike) = evaluate(loaded, point), evaluate(compiled, point)
        assert said == again == 0
        assert density == pytest.approx(same, rel=1e-12), "to rounding: the compiler's linker takes other pieces"
        assert gradient == pytest.approx(alike, rel=1e-10, abs=1e-12)
        assert np.abs(gradient).max() > 0
    assert evaluate(loaded, np.full(loaded.n_dim, np.nan))[0] != 0
    assert evaluate(loaded, np.zeros(loaded.n_dim + 1))[0] == -1, "a point of another size is refused"

    monkeypatch.setattr(program, "_compile", lambda structure: (compiled, start))
    first = sample(TASK, 1).draws
    (made,) = folder.glob("[0-9a-f]*[0-9a-f].program")
    program.load_program.cache_clear()
    monkeypatch.setattr(program, "_compile", lambda structure: pytest.fail("compiled again"))
    assert sample(TASK, 2).draws.equals(first)

    program.load_program.cache_clear()
    made.write_bytes(flipped(made.read_bytes()))
    monkeypatch.setattr(program, "_compile", lambda structure: (compiled, start))
    assert sample(TASK, 1).draws.equals(first), "a damaged program is made again"
    assert program._read(made) == kept

    program.load_program.cache_clear()
    monkeypatch.setattr(program, "programs_folder", lambda: made)  # a file: nothing can be kept in it
    assert sample(TASK, 1).draws.equals(first)


DRAW = """
import hashlib
from evaluation.cli import limit_threads
limit_threads()
from evaluation.inference.engine import sample
from tests.inference.test_program import TASK
print(hashlib.sha256(sample(TASK, 1).draws.mu.values.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_draws_do_not_depend_on_what_was_compiled_before(tmp_path: Path) -> None:
    def draw(programs: str, seed: str) -> str:
        here = {
            "HOME": str(tmp_path / programs), "XDG_CACHE_HOME": str(tmp_path / programs), "LOCALAPPDATA": str(tmp_path / programs),
            "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'pieces'}", "PYTHONHASHSEED": seed,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", DRAW], env=os.environ | here, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    first = draw("one", "1")
    assert list((tmp_path / "one").rglob("*.program"))
    assert draw("one", "2") == first, "the kept program draws as the one just made"
    assert draw("two", "3") == first, "and so does one made where its pieces are found ready"
