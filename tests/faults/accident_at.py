"""An evaluation in a forked child that meets an accident at its n-th step on the disk: every file opened for writing,
every folder made, every rename.

The child has everything imported already and needs no sampler and no kernel, so that every step can be tried in turn.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation import annual
from evaluation.errors import InputError, explain
from evaluation.inference import engine
from evaluation.inference.engine import Fit, Task
from evaluation.inference.laplace import approximate
from evaluation.progress import Progress
from evaluation.publication import notebooks
from evaluation.publication.display import SENTINEL

KILLED, STOPPED, REFUSED = 9, 1, 2
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """An approximation for the sampler, made once; a notebook that is accepted without a kernel."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    made: dict[str, Fit] = {}

    def sample(task: Task, cores: int) -> Fit:
        if task.key not in made:
            made[task.key] = approximate(task)
        return made[task.key]

    def execute(template: Path, parameters: Any, key: str | None, *rest: Any) -> Any:
        seal = new_output("display_data", data={SENTINEL: {"key": key}})
        return new_notebook(cells=[new_code_cell("seal()", execution_count=1, outputs=[seal])])

    monkeypatch.setattr(engine, "sample", sample)
    monkeypatch.setattr(notebooks, "_execute", execute)


def run(plan: Path) -> None:
    """One plan to its packet, in this process."""
    annual.run_plan(plan, "draft", 1, Progress(quiet=True))


def count_steps(folder: Path, work: Callable[[], None]) -> int:
    """How many steps on the disk some work takes in a folder."""
    code, said = run_until(sys.maxsize, folder, kill, work)
    assert code == 0, said
    return int(said)


def run_until(step: int, folder: Path, accident: Callable[[str], None], work: Callable[[], None]) -> tuple[int, str]:
    """Do some work in a child of this process; from its n-th step on the disk in a folder on, every step is an accident.

    Returns:
        The child's exit code, and what it said: how many steps it took where all went well, else what was wrong.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child:
        os.close(theirs)
        with os.fdopen(ours, "r", encoding="utf-8") as stream:
            said = stream.read()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said
    code, lines = 0, ""  # from here on: the child, which must never return
    try:
        os.close(ours)
        taken = watch(step, folder, accident)
        work()
        lines = str(len(taken))
    except InputError as error:
        code, lines = REFUSED, str(error)
    except BaseException as error:
        code, lines = STOPPED, "\n".join(explain(error)) if isinstance(error, Exception) else repr(error)
    finally:
        os.write(theirs, lines.encode())
        os._exit(code)


def watch(step: int, folder: Path, accident: Callable[[str], None]) -> list[str]:
    """Have the accident happen at the n-th step on the disk and after, counted from 1; the steps, as they are taken."""
    taken: list[str] = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            touches = isinstance(flags, int) and bool(flags & WRITES)
        else:
            path, touches = arguments[0] if arguments else "", event in ("os.mkdir", "os.rename")
        if touches and isinstance(path, str | os.PathLike) and str(path).startswith(str(folder)):
            taken.append(str(path))
            if len(taken) >= step:
                accident(str(path))

    sys.addaudithook(listen)
    return taken


def kill(path: str) -> None:
    """As SIGKILL does it: no handler runs, no file is closed."""
    os._exit(KILLED)


def fill_disk(path: str) -> None:
    """As a disk does that has no room left."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
