"""Orders are carried out once, by whoever, with the same answer; what stops does not stop the rest."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.errors import FitFailure, InputError
from evaluation.inference import crew, engine
from evaluation.inference.crew import carry_out_all, carry_out_away, recall_lost, share_out
from evaluation.inference.design import write_design
from evaluation.inference.engine import ABANDONED_SECONDS, Fit, Sampler, Store, Task, model_code
from evaluation.inference.order import Order, is_done, pass_gate
from evaluation.inference.workers import say_late
from tests.inference.fabricated import draws, fit_of_effect, frame

QUICK = Sampler(chains=2, tune=10, draws=10)


def order(seed: int = 1, n: int = 6, *, checked: bool = False) -> Order:
    of = frame(np.full((2, n), 10.0), [n // 2, n])
    return Order(of, Task(write_design(of), QUICK, seed), 0.95, strict=checked, checked=checked)


def a_fit(task: Task) -> Fit:
    of = frame(np.full((2, task.data.structure.n_periods), 10.0), [3, task.data.structure.n_periods])
    noise = np.full((4, 1000), 0.1)
    return fit_of_effect(of, draws(0.9, 0.05), coefficient=np.ones((4, 1000, 2)), overdispersion=noise)


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seeds of what was sampled; nothing really is."""
    seeds: list[int] = []

    def pretend(task: Task, cores: int) -> Fit:
        seeds.append(task.seed)
        if task.seed == 13:
            raise RuntimeError("all initialisation points failed\nsecond line")
        return a_fit(task)

    monkeypatch.setattr(engine, "sample", pretend)
    return seeds


def test_nothing_is_computed_twice(tmp_path: Path, sampled: list[int]) -> None:
    told: list[tuple[int, int]] = []
    orders = [order(1), order(2), order(1)]
    store = Store(tmp_path)
    assert carry_out_all(orders, store, 1, lambda done, total: told.append((done, total))) == {}
    assert sorted(sampled) == [1, 2]
    assert told[0] == (0, 2)
    assert told[-1] == (2, 2)
    assert all(is_done(one, store) for one in orders)
    assert carry_out_all(orders, store, 1) == {}
    pass_gate(order(2), store)
    assert sorted(sampled) == [1, 2]


@pytest.mark.slow
def test_a_fit_without_its_checks_is_half_done(tmp_path: Path, sampled: list[int]) -> None:
    """A run killed between the fit and its checks makes the checks only."""
    store, one = Store(tmp_path), order(5, 48, checked=True)
    store.save(one.task.key, a_fit(one.task))
    assert not is_done(one, store)
    assert carry_out_all([one], store, 1) == {}
    assert is_done(one, store)
    assert sampled == []


def test_one_that_fails_does_not_stop_the_rest(tmp_path: Path, sampled: list[int]) -> None:
    store = Store(tmp_path)
    failures = carry_out_all([order(13), order(2)], store, 1)
    assert failures == {order(13).task.key: "The sampler stopped: all initialisation points failed."}
    assert store.has(order(2).task.key)


def test_what_was_lost_is_remembered_until_it_is_tried_again(
    tmp_path: Path, sampled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report, told in another process, must not try once more what took too long or too much memory."""
    store, lost = Store(tmp_path), order(13)
    failures = carry_out_all([lost, order(2)], store, 1)
    assert recall_lost([lost, order(2), order(3)], store) == failures
    with pytest.raises(FitFailure, match="all initialisation points failed"):
        pass_gate(lost, store, recall_lost([lost], store))
    assert sampled.count(13) == 1, "it was not tried for the report"
    monkeypatch.setattr(engine, "sample", lambda task, cores: a_fit(task))
    assert carry_out_all([lost], store, 1) == {}
    assert recall_lost([lost], store) == {}


@pytest.mark.parametrize("fault", [MemoryError(), OSError(errno.ENOSPC, "No space left on device")])
def test_the_machines_trouble_is_not_called_a_failed_fit(
    tmp_path: Path, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(task: Task, cores: int) -> Fit:
        raise fault

    monkeypatch.setattr(engine, "sample", stop)
    with pytest.raises(type(fault)):
        carry_out_all([order(2)], Store(tmp_path), 1)


def test_an_answer_from_away_is_the_answer_from_here(tmp_path: Path, sampled: list[int]) -> None:
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    carry_out_all([order(3)], here, 1)
    files, failures = carry_out_away(order(3), model_code())
    assert failures == {}
    for name, content in files.items():
        there.put(name, content)
    key = order(3).task.key
    first, second = here.load(key), there.load(key)
    assert first is not None and second is not None
    assert first.draws.identical(second.draws)


def test_a_worker_of_another_version_is_refused(sampled: list[int]) -> None:
    with pytest.raises(RuntimeError, match="another version"):
        carry_out_away(order(), "other")
    assert sampled == []


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "CONNECT_SECONDS", 1)
    with pytest.raises(InputError) as refused:
        carry_out_all([order()], Store(tmp_path), 1, scheduler="tcp://127.0.0.1:9")
    assert "No Dask scheduler answers at tcp://127.0.0.1:9" in str(refused.value)


def test_what_killed_runs_left_is_swept_up_in_time(tmp_path: Path) -> None:
    old, new = tmp_path / "a.part", tmp_path / "b.part"
    for part in (old, new):
        part.write_bytes(b"half")
    long_ago = time.time() - ABANDONED_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    Store(tmp_path).sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["b.part"]


def test_share_out_keeps_structures_together() -> None:
    orders = [order(seed, n) for seed in range(3) for n in (6, 20)]
    groups = share_out(orders, jobs=1)
    assert len(groups) == 2
    assert all(len({one.task.data.structure for one in group}) == 1 for group in groups)


def test_share_out_loses_and_doubles_nothing_and_halves_what_is_too_large() -> None:
    long = Sampler(chains=4, tune=40_000, draws=40_000)
    orders = [replace(order(seed), task=replace(order(seed).task, sampler=long)) for seed in range(9)] + [order(0, 20)]
    groups = share_out(orders, jobs=2)
    assert sorted(o.task.key for group in groups for o in group) == sorted(o.task.key for o in orders)
    assert len(groups) > 2
    costs = [crew._cost(group) for group in groups]
    assert costs == sorted(costs, reverse=True)


def test_quick_work_is_not_worth_a_second_compilation() -> None:
    assert len(share_out([order(seed) for seed in range(4)], jobs=4)) <= 4
    assert len(share_out([order(seed) for seed in range(4)], jobs=1)) == 1


def test_a_cluster_from_which_nothing_comes_back_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One order came back, the other has been under way for longer than the limit: it is cancelled, and said to be late."""
    import distributed

    cancelled: list[str] = []

    class Future:
        status = "finished"

        def __init__(self, key: str) -> None:
            self.key = key

        def result(self) -> tuple[dict[str, bytes], dict[str, str]]:
            return {"fit.nc": b"whole"}, {}

        def release(self) -> None:
            pass

    class Client:
        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def submit(self, *_: object, key: str, **__: object) -> Future:
            return Future(key)

        def cancel(self, futures: list[Future], force: bool) -> None:
            cancelled.extend(future.key for future in futures)

    def wait(pending: set[Future], timeout: float, return_when: str) -> tuple[set[Future], set[Future]]:
        if len(pending) < 2:
            raise TimeoutError
        first = min(pending, key=lambda future: future.key)
        return {first}, pending - {first}

    monkeypatch.setattr(crew, "_connect", lambda scheduler: Client())
    monkeypatch.setattr(distributed, "wait", wait)
    first, second = sorted([order(1), order(2)], key=lambda one: one.task.key)
    failures = carry_out_all([first, second], Store(tmp_path), 1, scheduler="tcp://elsewhere", seconds=120.0)
    assert failures == {second.task.key: say_late(120.0)} and "longer than 2 minutes" in say_late(120.0)
    assert cancelled == [f"svd-{second.task.key}"]
    assert (tmp_path / "fit.nc").read_bytes() == b"whole"
