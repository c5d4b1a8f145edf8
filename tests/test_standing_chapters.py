"""A review's standing chapters are told beside the plans' reports: each is marked as told, or taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from evaluation import annual
from evaluation.progress import Progress
from evaluation.publication import notebooks


def test_a_chapter_told_beside_the_reports_is_marked_or_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = []
    for name in ("monitoring", "needs_assessment"):
        place = tmp_path / f"{name}.ipynb"
        place.write_text("of last year", encoding="utf-8")
        tasks.append(notebooks.Task(tmp_path / "template.ipynb", {}, place, "key"))

    def run(given: Iterable[notebooks.Task], workers: int, done: Callable, kernel: object) -> None:
        for task in given:
            good = task.output.stem == "needs_assessment"
            done(task, task.output if good else notebooks.NotebookRejected("monitoring", "cell 3 stopped"))

    monkeypatch.setattr(notebooks, "run_notebooks", run)
    told: list[str] = []
    progress = Progress(quiet=True)
    filed = annual.file_packets(None, {}, None, "draft", {}, 1, progress, None, tasks, lambda: told.append("meanwhile"))  # type: ignore[arg-type]
    assert filed.places == {}
    assert list(filed.rejected) == ["monitoring"]
    assert "cell 3 stopped" in filed.rejected["monitoring"]
    assert not (tmp_path / "monitoring.ipynb").exists(), "an old chapter does not stand for a new one"
    assert (tmp_path / "needs_assessment.ipynb").exists()
    assert (tmp_path / "needs_assessment.key").read_text(encoding="utf-8").startswith("key ")
    assert told == ["meanwhile"]
