"""Worker processes that hang, die or run out of memory cost the order they had in hand, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from evaluation.inference.workers import OUT_OF_MEMORY, employ, say_death, say_late
from tests.faults import accidents
from tests.faults.accidents import DIES, DIES_ONCE, FAILS, FINDS_THE_DISK_FULL, FINE, HANGS, NEEDS_MEMORY, order

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process is killed by POSIX means")


def have_done(folder: Path, groups: list[list[int]], jobs: int = 1, seconds: float | None = None) -> dict[int, str]:
    """Why orders were not carried out, by seed."""
    orders = {seed: order(seed) for group in groups for seed in group}
    told: list[tuple[int, int]] = []
    asked = [[orders[seed] for seed in group] for group in groups]
    failures = employ(asked, folder, jobs, 1, accidents.work, lambda *now: told.append(now), seconds)
    assert told[-1] == (len(orders), len(orders)), "every order is accounted for"
    assert [done for done, _ in told] == sorted({done for done, _ in told}), "and none twice"
    seeds = {one.task.key: seed for seed, one in orders.items()}
    return {seeds[key]: reason for key, reason in failures.items()}


def tries(folder: Path) -> dict[int, int]:
    """How often each order was tried."""
    seeds = [int(mark.name.partition(".")[0]) for mark in folder.iterdir()]
    return {seed: seeds.count(seed) for seed in sorted(set(seeds))}


@pytest.mark.slow
def test_what_hangs_and_what_dies_is_said_and_the_rest_is_done(tmp_path: Path) -> None:
    """One worker: the order that hangs is stopped in time; those that die are tried twice; the others once."""
    began = time.monotonic()
    failures = have_done(tmp_path, [[HANGS, FINE, DIES], [NEEDS_MEMORY, DIES_ONCE, FAILS]], seconds=3.0)
    assert time.monotonic() - began < 120
    assert set(failures) == {HANGS, DIES, NEEDS_MEMORY, FAILS}
    assert tries(tmp_path) == {FINE: 1, FAILS: 1, HANGS: 1, DIES: 2, DIES_ONCE: 2, NEEDS_MEMORY: 2}
    assert failures[HANGS] == say_late(3.0)
    assert "took longer than 0.05 minutes" in failures[HANGS] and "--fit-minutes" in failures[HANGS]
    assert "signal 9" in failures[DIES] and "too little memory" in failures[DIES]
    assert failures[NEEDS_MEMORY] == say_death(OUT_OF_MEMORY)
    assert failures[FAILS] == "It did not converge."
    for reason in failures.values():
        assert "\n" not in reason and "Traceback" not in reason and reason.endswith(".")


def test_a_full_disk_stops_everything_at_once(tmp_path: Path) -> None:
    """It is not the fault of one plan, so no plan is reported as failed for it."""
    with pytest.raises(OSError, match="No space left") as stopped:
        have_done(tmp_path, [[FINDS_THE_DISK_FULL, FINE], [HANGS]], jobs=2)
    assert stopped.value.filename == "posterior.nc"
    assert FINE not in tries(tmp_path)


def test_workers_are_gone_when_the_work_is_done(tmp_path: Path) -> None:
    from multiprocessing import active_children

    assert have_done(tmp_path, [[FINE], [FAILS]], jobs=2) == {FAILS: "It did not converge."}
    assert active_children() == []


def test_series_of_a_pool_that_breaks_are_judged_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers of monitoring: one that is killed takes its pool with it, and no series."""
    from evaluation.judgement import board

    monkeypatch.setattr(board, "_answer", accidents.answer)
    told: list[tuple[int, int]] = []
    found = board._answer_all(list(range(9)), 2, lambda *now: told.append(now))  # type: ignore[arg-type]
    assert found == list(range(9))
    assert told[-1] == (9, 9) and [done for done, _ in told] == list(range(10))
