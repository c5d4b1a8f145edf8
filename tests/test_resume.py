"""A review killed in the middle and run again: nothing is computed twice, nothing half-written is believed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluation.inference.engine import Store
from tests.protocol.example_review import write_review

pytestmark = pytest.mark.long

ASK = "from evaluation.cli import main; main()"
LONGEST_SECONDS = 1200


def write_two_indicators(folder: Path) -> Path:
    """A review of one ITS plan with two indicators; returns its plan."""
    write_review(folder, review={"seed": 7}, outreach={"design": "its", "comparison": None})
    return folder / "plans" / "outreach.yaml"


def start(plan: Path) -> subprocess.Popen[bytes]:
    """`svd run` with every process it makes in one group."""
    command = [sys.executable, "-c", ASK, "run", str(plan), "--profile", "draft"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the whole group: no handler runs, no file is closed."""
    import signal

    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stored(plan: Path) -> dict[str, int]:
    """Finished fits and when each was written."""
    folder = plan.parent.parent / "_build" / "fits"
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.nc")} if folder.is_dir() else {}


def findings(plan: Path) -> list[dict]:
    """Findings of every finished packet, oldest first."""
    packets = (plan.parent.parent / "_build" / "packets").rglob("finding.json")
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(packets)]


@pytest.mark.skipif(os.name != "posix", reason="a group of processes is killed by POSIX means")
def test_a_run_killed_at_any_moment_resumes_and_finds_the_same(tmp_path: Path) -> None:
    whole = write_two_indicators(tmp_path / "whole")
    process = start(whole)
    began = time.monotonic()
    _, said = process.communicate(timeout=LONGEST_SECONDS)
    lasted = time.monotonic() - began
    assert process.returncode == 0, said.decode()
    expected = findings(whole)
    assert len(expected) == 1

    killed = write_two_indicators(tmp_path / "killed")
    moments = random.Random(11)
    for _ in range(2):
        process = start(killed)
        time.sleep(moments.uniform(0.1, 0.7) * lasted)
        kill_all(process)
    # And once just after the first fit is stored, when the second is on its way.
    process = start(killed)
    waited = time.monotonic()
    while not stored(killed) and process.poll() is None and time.monotonic() - waited < LONGEST_SECONDS:
        time.sleep(0.02)
    if process.poll() is None:
        kill_all(process)
    before = stored(killed)
    assert before, "one fit was finished before the last kill"
    store = Store(killed.parent.parent / "_build" / "fits")
    assert all(store.load(Path(name).stem) is not None for name in before), "what is there is whole"

    process = start(killed)
    _, said = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, said.decode()
    after = stored(killed)
    assert {name: after[name] for name in before} == before, "finished fits were not computed again"
    assert set(after) == set(stored(whole)), "the same questions"
    found = findings(killed)
    assert found[-1] == expected[-1], "the finding of an uninterrupted run"
