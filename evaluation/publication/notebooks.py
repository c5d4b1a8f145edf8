"""The only door to papermill: run a report and accept it only if it truly ran to its end.

papermill marks a run whose kernel was killed, that timed out or was interrupted as completed. So its status is not
looked at: a report is accepted by `find_faults`, and written to its place in one step, or not at all.
"""

import ast
import copy
import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from evaluation.errors import PlainFailure
from evaluation.publication.display import SENTINEL
from evaluation.publication.kernels import FRESH, WarmKernel, keep_kernel

START_TIMEOUT = 180  # seconds; a busy machine has been seen to need more than papermill's 60
LONGEST_CELL = 3600.0  # seconds; what a report shows is computed before it is told, so minutes are more than it needs
ENGINE = "svd"


class NotebookRejected(PlainFailure):
    """A report that did not run to its end, or is not the report of this run."""

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(f"The report '{template}' was not accepted: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Task:
    """A report to run: the template, its parameters, where it goes, and the key its sentinel must carry."""

    template: Path
    parameters: Mapping[str, str]
    output: Path
    key: str | None = None


def run_notebook(
    template: Path,
    parameters: Mapping[str, str],
    output: Path,
    key: str | None = None,
    timeout: float | None = LONGEST_CELL,
    kernel: WarmKernel | None = None,
) -> Path:
    """Run a template and write the accepted notebook to `output`.

    Args:
        template: a notebook with one cell tagged `parameters`.
        parameters: names that this cell sets, with text values.
        output: where the notebook goes; nothing is written there unless the run is accepted.
        key: the key that the sentinel must carry; any key if None.
        timeout: seconds per cell, without limit if None.
        kernel: to run it in; one of its own if None. Stopped when the run is not accepted.

    Raises:
        NotebookRejected: the run failed; `reason` says why.
    """
    if kernel is None:
        with keep_kernel() as kernel:
            return run_notebook(template, parameters, output, key, timeout, kernel)
    try:
        notebook = _execute(Path(template), parameters, key, timeout, kernel)
    except BaseException:
        kernel.drop()
        raise
    _write(notebook, Path(output))
    return Path(output)


def _execute(
    template: Path, parameters: Mapping[str, str], key: str | None, timeout: float | None, kernel: WarmKernel
) -> Any:
    """The notebook as it was run, if it can be accepted."""
    import nbformat
    import papermill
    from papermill.engines import papermill_engines

    notebook = nbformat.read(template, as_version=4)  # type: ignore[no-untyped-call]
    _check_parameters(template.name, notebook, parameters)
    if ENGINE not in papermill_engines._engines:
        papermill_engines.register(ENGINE, _engine())
    try:
        # The notebook goes in as an object and stays in memory: papermill puts paths through str.format, and saves at
        # every cell if it is given a path.
        done = papermill.execute_notebook(
            copy.deepcopy(notebook),
            None,
            parameters=dict(parameters),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            start_timeout=START_TIMEOUT,
            execution_timeout=timeout,
            kernel=kernel,
        )
    except papermill.PapermillExecutionError as error:
        raise NotebookRejected(
            template.name, f"cell {error.cell_index} failed with {error.ename}: {error.evalue}"
        ) from error
    except (
        Exception
    ) as error:  # dead kernel, timeout, kernel that never started: nbclient raises a type of its own for each
        raise NotebookRejected(template.name, _say_stop(error, timeout)) from error
    faults = find_faults(done, key)
    if faults:
        raise NotebookRejected(template.name, "; ".join(faults))
    return done


def _say_stop(error: Exception, timeout: float | None) -> str:
    """Why a notebook did not run to its end, in one line."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    # Of a kernel that dies while it starts, jupyter_client says so in words only.
    if isinstance(error, DeadKernelError) or "Kernel died" in str(error):
        return "its kernel died, most often because the computer has too little memory (DeadKernelError)"
    if isinstance(error, CellTimeoutError):
        return f"a cell took longer than {timeout:g} seconds (CellTimeoutError)"
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"


Result = Path | NotebookRejected


def run_notebooks(
    tasks: Iterable[Task],
    workers: int = 2,
    done: Callable[[Task, Result], None] = lambda task, result: None,
    kernel: WarmKernel | None = None,
) -> list[Result]:
    """Run several reports, `workers` at a time, each worker in a kernel of its own.

    Args:
        tasks: may be made while others run: a task is started as soon as it is there.
        workers: how many at a time.
        done: told of each result as soon as it is there, one at a time.
        kernel: of the first worker, started at once and left running; one of its own if None.

    Returns:
        The result of each, in order: its path, or why it was rejected.
    """
    waiting: SimpleQueue[tuple[int, Task] | None] = SimpleQueue()
    results: dict[int, Result] = {}
    one_at_a_time = Lock()

    def labour(kept: WarmKernel | None) -> None:
        with keep_kernel() if kept is None else nullcontext(kept) as kernel:
            if kept is not None:
                kernel.begin()
            while (given := waiting.get()) is not None:
                number, task = given
                result: Result
                try:
                    result = run_notebook(task.template, task.parameters, task.output, task.key, kernel=kernel)
                except NotebookRejected as rejected:
                    result = rejected
                with one_at_a_time:
                    results[number] = result
                    done(task, result)

    count = max(1, workers)
    with ThreadPoolExecutor(max_workers=count) as pool:
        labourers = [pool.submit(labour, kernel)]
        try:
            for number, task in enumerate(tasks):
                waiting.put((number, task))
                if 0 < number < count:  # a single report is told by the first
                    labourers.append(pool.submit(labour, None))
        finally:
            for _ in labourers:
                waiting.put(None)
        for labourer in labourers:
            labourer.result()
    return [results[number] for number in sorted(results)]


def find_faults(notebook: Any, key: str | None = None) -> list[str]:
    """Return why a run notebook cannot be accepted; an empty list if it can.

    Accepted means: no error output; every code cell that holds code was executed, in order; the last of them emits the
    sentinel, with the key of this run.

    Args:
        notebook: a notebook node (nbformat 4).
        key: the key wanted; any key if None.
    """
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    if not cells:
        return ["it has no code cells"]
    faults = []
    for cell in cells:
        for output in cell.outputs:
            if output.output_type == "error":
                faults.append(f"a cell failed with {output.get('ename', 'an error')}: {output.get('evalue', '')}")
    counts = [c.execution_count for c in cells]
    if any(not isinstance(c, int) for c in counts):
        faults.append("not every cell was run")
    elif any(later <= earlier for earlier, later in itertools.pairwise(counts)):
        faults.append("the cells were not run in order")
    found = [o.data[SENTINEL] for o in cells[-1].outputs if "data" in o and SENTINEL in o.data]
    if not found:
        faults.append("its last cell did not emit the seal of a finished run")
    elif key is not None and found[-1].get("key") != key:
        faults.append("it tells another run than the one asked for")
    return faults


def read_accepted(path: Path, key: str | None = None) -> Any:
    """Read a notebook and make sure that it is an accepted one.

    Raises:
        NotebookRejected: it is not.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    faults = find_faults(notebook, key)
    if faults:
        raise NotebookRejected(Path(path).name, "; ".join(faults))
    return notebook


def _check_parameters(name: str, notebook: Any, parameters: Mapping[str, str]) -> None:
    """Refuse what papermill would paste as code: names that the template does not set, and values that are not text."""
    known: set[str] = set()
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Assign):
                    known |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    for parameter, value in parameters.items():
        if parameter not in known:
            raise NotebookRejected(name, f"it has no parameter '{parameter[:60]}'")
        if type(value) is not str:
            raise NotebookRejected(name, f"the parameter '{parameter}' must be text, not {type(value).__name__}")


def _write(notebook: Any, output: Path) -> None:
    import nbformat

    output.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix=".writing-", suffix=".ipynb", dir=output.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(nbformat.writes(notebook))  # type: ignore[no-untyped-call]
        os.replace(scratch, output)
    finally:
        Path(scratch).unlink(missing_ok=True)


def _engine() -> type:
    """Return a papermill engine that runs a notebook in a kernel of ours."""
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine

    class OwnClient(PapermillNotebookClient):  # type: ignore[misc]
        """Empties the kernel's namespace before the first cell: nothing of another report is left in it."""

        def papermill_execute_cells(self) -> None:
            asked = self.kc.execute(FRESH, silent=True, store_history=False)
            self.wait_for_reply(asked)
            super().papermill_execute_cells()

    class OwnEngine(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(
            cls,
            nb_man: Any,
            kernel_name: str,
            log_output: bool = False,
            stdout_file: Any = None,
            stderr_file: Any = None,
            start_timeout: int = START_TIMEOUT,
            execution_timeout: float | None = None,
            kernel: WarmKernel | None = None,
            **kwargs: Any,
        ) -> Any:
            assert kernel is not None
            client = OwnClient(
                nb_man,
                km=kernel.take(),
                timeout=execution_timeout,
                startup_timeout=start_timeout,
                kernel_name=kernel_name,
            )
            try:
                return client.execute()
            finally:
                if client.kc is not None:
                    client.kc.stop_channels()

    return OwnEngine
