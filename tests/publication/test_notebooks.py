"""Acceptance of reports: papermill's word is not taken for anything."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from evaluation.publication.display import SENTINEL
from evaluation.publication.kernels import WarmKernel, keep_kernel
from evaluation.publication.notebooks import NotebookRejected, Task, find_faults, run_notebook, run_notebooks

SEAL = "from evaluation.publication.display import seal\nseal('the key')"


def finished(*counts: int | None, key: str | None = "the key") -> nbformat.NotebookNode:
    cells = [new_code_cell(f"x = {i}", execution_count=c) for i, c in enumerate(counts)]
    if key is not None:
        cells[-1].outputs.append(new_output("display_data", data={SENTINEL: {"key": key}}))
    # What papermill writes even when the kernel was killed.
    return new_notebook(
        cells=[new_markdown_cell("# T"), *cells], metadata={"papermill": {"exception": None, "end_time": "now"}}
    )


def template(folder: Path, *sources: str) -> Path:
    cells = [new_code_cell("x = 'a'", metadata={"tags": ["parameters"]}), *map(new_code_cell, sources)]
    path = folder / "template.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_finished_report_is_accepted() -> None:
    assert find_faults(finished(1, 2, 3), "the key") == []


@pytest.mark.parametrize(
    ("notebook", "fault"),
    [
        (finished(1, None, None, key=None), "not every cell was run"),
        (finished(1, 3, 2), "not run in order"),
        (finished(1, 2, 3, key=None), "did not emit the seal"),
        (finished(1, 2, 3, key="another"), "another run"),
        (new_notebook(cells=[new_markdown_cell("only words")]), "no code cells"),
    ],
)
def test_half_run_reports_are_rejected(notebook: nbformat.NotebookNode, fault: str) -> None:
    assert any(fault in f for f in find_faults(notebook, "the key"))


def test_an_error_output_is_a_fault_wherever_it_is() -> None:
    notebook = finished(1, 2)
    notebook.cells[1].outputs.append(
        new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])
    )
    assert "ZeroDivisionError" in find_faults(notebook)[0]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"x = 1; import os #": "1"}, "no parameter"),
        ({"y": "1"}, "no parameter"),
        ({"x": Path("a")}, "must be text"),
    ],
)
def test_parameters_that_would_be_pasted_as_code_are_refused(parameters: dict[str, str], reason: str, tmp_path) -> None:
    with pytest.raises(NotebookRejected, match=reason):
        run_notebook(template(tmp_path, SEAL), parameters, tmp_path / "out.ipynb")


@pytest.mark.slow
def test_real_kernels(tmp_path) -> None:
    good = run_notebook(
        template(tmp_path, "import sys; print(sys.executable)", SEAL), {"x": 'quote " and \\n'}, tmp_path / "{x}.ipynb"
    )
    assert good.name == "{x}.ipynb" and find_faults(nbformat.read(good, 4), "the key") == []
    reasons = {
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL if hasattr(signal, 'SIGKILL') else 9)": "its kernel died",
        "raise SystemExit(0)": "SystemExit",
        "1 / 0": "ZeroDivisionError",
    }
    for source, reason in reasons.items():
        out = tmp_path / "bad.ipynb"
        [result] = run_notebooks([Task(template(tmp_path, source, SEAL), {}, out, "the key")], 1)
        assert isinstance(result, NotebookRejected) and reason in result.reason
        assert "\n" not in result.reason and not out.exists()
    with pytest.raises(NotebookRejected, match="a cell took longer than 1 seconds"):
        run_notebook(template(tmp_path, "import time; time.sleep(60)", SEAL), {}, out, timeout=1)
    assert not out.exists()


@pytest.mark.slow
def test_a_warm_kernel_remembers_nothing_of_the_report_before(tmp_path) -> None:
    """One worker, four reports: names are gone, the counter starts again, and a kernel that failed is replaced."""
    first = template(tmp_path, "left_behind = 1\nimport os; print(os.getpid())", SEAL)
    clean = tmp_path / "clean.ipynb"
    names = "assert 'left_behind' not in globals() and 'os' not in globals()\nimport os; print(os.getpid())"
    nbformat.write(new_notebook(cells=[new_code_cell(names), new_code_cell(SEAL)]), clean)
    dead = tmp_path / "dead.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0"), new_code_cell(SEAL)]), dead)
    told = []

    def tasks():
        for number, which in enumerate((first, clean, dead, clean)):
            yield Task(which, {}, tmp_path / f"out-{number}.ipynb", "the key")

    results = run_notebooks(tasks(), 1, lambda task, result: told.append(task.output.name))
    assert isinstance(results[2], NotebookRejected)
    assert told == [f"out-{number}.ipynb" for number in range(4)]
    made = [nbformat.read(results[i], 4) for i in (0, 1, 3)]
    process = ["".join(o.get("text", "") for c in n.cells for o in c.get("outputs", [])).strip() for n in made]
    assert process[0] == process[1] != process[2]
    assert [c.execution_count for c in made[1].cells] == [1, 2]


@pytest.mark.slow
def test_a_kernel_that_is_lent_tells_the_first_report_and_is_left_running(tmp_path) -> None:
    source = template(tmp_path, "import os, sys; print(os.getpid(), 'evaluation.flow' in sys.modules)", SEAL)

    def said(path: Path) -> str:
        return "".join(o.get("text", "") for c in nbformat.read(path, 4).cells for o in c.get("outputs", [])).strip()

    with keep_kernel() as kernel:
        tasks = [Task(source, {}, tmp_path / f"out-{number}.ipynb", "the key") for number in range(2)]
        [first] = run_notebooks(tasks[:1], 2, kernel=kernel)
        then = run_notebook(source, {}, tmp_path / "then.ipynb", "the key", kernel=kernel)
        assert said(first) == said(then) and said(first).endswith("True")
        both = run_notebooks(tasks, 2, kernel=kernel)
        assert said(first) in map(said, both) and kernel.manager.has_kernel
        assert run_notebooks([], 2, kernel=kernel) == []
    assert kernel.manager is None


@pytest.mark.slow
def test_a_kernel_that_does_not_start_early_is_tried_again_by_the_report(tmp_path, monkeypatch) -> None:
    kernel = WarmKernel()
    manager = kernel.take()

    async def refuse(**kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr(type(manager), "start_kernel", lambda self, **kwargs: refuse(**kwargs))
    kernel.begin()
    assert not manager.has_kernel
    monkeypatch.undo()
    try:
        assert isinstance(
            run_notebooks([Task(template(tmp_path, SEAL), {}, tmp_path / "o.ipynb", "the key")], 1, kernel=kernel)[0],
            Path,
        )
    finally:
        kernel.drop()
