"""A real Dask scheduler and two workers on loopback; one is killed while it works, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from evaluation.inference.crew import carry_out_all
from evaluation.inference.design import write_design
from evaluation.inference.engine import Sampler, Store, Task
from evaluation.inference.order import Order, is_done
from tests.inference.fabricated import frame

pytestmark = pytest.mark.slow

SHORT = Sampler(chains=2, tune=100, draws=100)
WAIT_SECONDS = 300


def orders() -> list[Order]:
    """Four short series of one structure."""
    made = []
    for seed in range(4):
        value = np.random.default_rng(seed).poisson(40.0, (1, 30)).astype(float)
        of = frame(value, [20], design="its")
        made.append(Order(of, Task(write_design(of), SHORT, seed + 1), 0.95, strict=False, checked=False))
    return made


def start(*words: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Address of a scheduler with two workers of one thread each, and the workers."""
    from distributed import Client

    address = tmp_path / "scheduler.json"
    local = ("--host", "127.0.0.1", "--no-dashboard")
    scheduler = start("scheduler", "--port", "0", "--scheduler-file", str(address), *local)
    worker = ("--nthreads", "1", "--no-nanny", "--scheduler-file", str(address), "--local-directory", str(tmp_path))
    workers: list[subprocess.Popen[bytes]] = []
    try:
        wait_for(address.is_file)
        workers += [start("worker", *worker, *local) for _ in range(2)]
        with Client(scheduler_file=str(address), timeout=WAIT_SECONDS) as client:
            client.wait_for_workers(2, timeout=WAIT_SECONDS)
            found = client.scheduler.address
        yield found, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def wait_for(happened) -> None:
    for _ in range(10 * WAIT_SECONDS):
        if happened():
            return
        time.sleep(0.1)
    raise TimeoutError


def test_a_worker_killed_while_it_works_loses_nothing(cluster, tmp_path: Path) -> None:
    address, workers = cluster
    asked = orders()
    away, here = Store(tmp_path / "away"), Store(tmp_path / "here")

    def kill_one(done: int, total: int) -> None:
        if done == 1:
            workers[0].kill()

    assert carry_out_all(asked, away, 1, kill_one, scheduler=address) == {}
    assert workers[0].wait() != 0
    assert all(is_done(order, away) for order in asked)
    assert carry_out_all(asked, here, 1) == {}
    for order in asked:
        first, second = away.load(order.task.key), here.load(order.task.key)
        assert first is not None and second is not None
        assert first.draws.identical(second.draws), "the same draws, whoever made them"
