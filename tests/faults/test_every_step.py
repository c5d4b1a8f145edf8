"""An evaluation that is killed at one step that it takes on the disk, finds the disk full at the next, and so on to its end."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.inference.engine import Store
from evaluation.publication.packet import latest_packets, read_packet
from tests.faults import accident_at
from tests.faults.accident_at import KILLED, REFUSED, STOPPED, fill_disk, kill, run, run_until
from tests.test_flow import tiny

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child that has everything imported is forked"),
]
ASIDE = ("*.part", ".writing-*", "*.writing", ".book-*")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict, int]]:
    """A review's plan, its finding and the number of steps, from a run that nothing disturbed."""
    with pytest.MonkeyPatch.context() as patched:
        accident_at.stand_in(patched)
        plan = tiny(tmp_path_factory.mktemp("review with space, Llŷn") / "r")
        run(plan)  # so that every fork has everything imported, and the stand-in's one fit
        finding = the_finding(plan.parent.parent)
        yield plan, finding, accident_at.count_steps(fresh(plan), lambda: run(plan))


def fresh(plan: Path) -> Path:
    """The review folder of a plan, with nothing built in it."""
    folder = plan.parent.parent
    shutil.rmtree(folder / "_build", ignore_errors=True)
    return folder


def the_finding(folder: Path) -> dict:
    [place] = latest_packets(folder).values()
    return json.loads((place / "finding.json").read_text(encoding="utf-8"))


def left_aside(folder: Path) -> list[str]:
    return [path.name for pattern in ASIDE for path in (folder / "_build").rglob(pattern)]


def whatever_is_there_is_whole(folder: Path) -> None:
    """Everything that a reader would find can be read: packets, fits, records, the sign of who is at work."""
    build = folder / "_build"
    for shelf in (build / "packets").glob("*"):
        for place in shelf.iterdir():
            if not place.name.startswith("."):
                assert read_packet(place).notebook is not None
    store = Store(build / "fits")
    for path in (build / "fits").glob("*.nc"):
        assert store.load(path.stem) is not None, path.name
    for path in build.rglob("*.json"):
        if not any(part.startswith(".") for part in path.relative_to(build).parts):
            json.loads(path.read_text(encoding="utf-8"))


def test_steps_are_seen(whole) -> None:
    _, _, steps = whole
    assert steps > 15, "lock, fit, notebook and packet alone are that many"


def test_killed_at_any_step_it_resumes_and_finds_the_same(whole) -> None:
    plan, finding, steps = whole
    for step in range(1, steps + 1, 2):
        folder = fresh(plan)
        code, _ = run_until(step, folder, kill, lambda: run(plan))
        assert code == KILLED, step
        whatever_is_there_is_whole(folder)
        run(plan)
        assert the_finding(folder) == finding, step
        assert left_aside(folder) == [], step
        assert len(list((folder / "_build" / "packets" / "outreach").iterdir())) <= 2


def test_a_full_disk_is_said_at_any_step_and_nothing_is_half_written(whole) -> None:
    plan, finding, steps = whole
    for step in range(2, steps + 1, 2):
        folder = fresh(plan)
        code, said = run_until(step, folder, fill_disk, lambda: run(plan))
        assert code in (STOPPED, REFUSED), (step, said)
        assert "disk is full" in said or "No space left on device" in said, (step, said)
        assert "Make room" in said or "room on its disk" in said, (step, said)
        assert "fault of ours" not in said and "Errno" not in said and "Traceback" not in said, (step, said)
        whatever_is_there_is_whole(folder)
        # The very disk that is full again: what is finished stays finished, what is not is said to be so.
        run(plan)
        assert the_finding(folder) == finding, step
        assert left_aside(folder) == [], step
