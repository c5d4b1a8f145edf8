"""Two evaluations of one folder: the second is told to wait, and writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.annual import run_plan, run_review
from evaluation.errors import InputError
from evaluation.occupancy import LOCK, occupy
from evaluation.progress import Progress
from tests.protocol.example_review import write_review

HOLD = "import sys, pathlib; from evaluation.occupancy import occupy\nwith occupy(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_review(tmp_path)
    return tmp_path


def test_a_second_evaluation_is_refused_until_the_first_is_gone(folder: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    try:
        for evaluate in (
            lambda: run_review(folder, "draft", 1, [], Progress()),
            lambda: run_plan(folder / "plans" / "outreach.yaml", "draft", 1, Progress()),
        ):
            with pytest.raises(InputError, match="Another evaluation of this folder is under way"):
                evaluate()
        assert sorted(path.name for path in (folder / "_build").iterdir()) == [LOCK.name]
    finally:
        other.kill()  # no handler runs: the operating system gives the folder back
        other.wait()
    with occupy(folder):
        pass


def test_bad_input_leaves_no_lock_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        run_review(tmp_path, "draft", 1, [], Progress())
    assert not (tmp_path / "_build").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_to_be_so(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written"), occupy(folder):
            pass
    finally:
        folder.chmod(0o700)


def test_a_file_in_the_way_is_said_to_be_so(folder: Path) -> None:
    (folder / "_build").write_text("not a folder", encoding="utf-8")
    with pytest.raises(InputError, match="Results cannot be written here"), occupy(folder):
        pass
