"""Two evaluations of one folder: the second is told to wait, and writes nothing."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.annual import run_plan, run_review
from evaluation.errors import InputError
from evaluation.occupancy import HOLDER, LOCK, occupy
from evaluation.progress import Progress
from tests.command_line import svd
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
        for command in ("book", "monitor", "needs"):
            refused = svd(command, folder)
            assert refused.exit_code == 2, command
            assert f"is under way: process {other.pid} on {platform.node()}, since 20" in refused.output
            assert "Wait until it has ended, or stop it" in refused.output
        assert sorted(path.name for path in (folder / "_build").iterdir()) == [HOLDER.name, LOCK.name]
    finally:
        other.kill()  # no handler runs: the operating system gives the folder back
        other.wait()
    with occupy(folder):
        assert json.loads((folder / HOLDER).read_text(encoding="utf-8"))["process"] == os.getpid()
    assert [path.name for path in (folder / "_build").iterdir()] == [LOCK.name]


def test_what_killed_runs_left_goes_when_the_next_begins(folder: Path) -> None:
    build = folder / "_build"
    left = [
        "fits/a.part", "packets/outreach/.writing-b/finding.json", ".book-c/html/index.html", "failures/.writing-d",
        "notebooks/.writing-e.ipynb", ".writing-f",
    ]  # fmt: skip
    kept = ["fits/a.nc", "packets/outreach/20250101T000000Z-00000000/finding.json", "html/index.html"]
    for name in (*left, *kept):
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).touch()
    with occupy(folder):
        found = {path.relative_to(build).as_posix() for path in build.rglob("*") if path.is_file()}
    assert found == {*kept, LOCK.name, HOLDER.name}
    assert not list(build.glob(".book-*")) and not list(build.glob("packets/*/.writing-*"))


def test_a_book_that_was_set_aside_by_a_killed_run_is_put_back(folder: Path) -> None:
    aside = folder / "_build" / ".book-x" / "old"
    aside.mkdir(parents=True)
    (aside / "index.html").write_text("last year's", encoding="utf-8")
    with occupy(folder):
        pass
    assert (folder / "_build" / "html" / "index.html").read_text(encoding="utf-8") == "last year's"
    assert not aside.exists()


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
