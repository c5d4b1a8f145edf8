"""How does the work share out? The same orders on a Dask cluster of 1 and of 2 workers, and a national plan on paper.

    uv run python tests/benchmarks/scaling.py [--number 24] [--cores 2,16,64] [--into FILE]

Each order is one interrupted time series of 96 months, sampled for publication, with all its checks. The scheduler and
its workers run on loopback, a thread each; their compilation is counted. The plan on paper is arithmetic: what one
more order costs on one worker, times 300 partnerships x 20 interventions x 3 indicators, over so many cores.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from fits import ITS, describe

from evaluation.calibration.series import make_series
from evaluation.inference.crew import carry_out_all
from evaluation.inference.design import write_design
from evaluation.inference.engine import SAMPLERS, Store, Task
from evaluation.inference.order import Order

NATIONAL = 300 * 20 * 3
WARM = 2


def make_orders(numbers: range) -> list[Order]:
    """Different series of one structure."""
    frames = [make_series(ITS, number).frame for number in numbers]
    return [Order(f, Task(write_design(f), SAMPLERS["publish"], n + 1), 0.95, strict=False, checked=True) for n, f in zip(numbers, frames, strict=True)]  # fmt: skip


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[str]:
    """Address of a scheduler with so many workers of one thread."""
    from distributed import Client

    address = folder / "scheduler.json"
    local = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(address))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}

    def start(kind: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *local, *words]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    started = [start("scheduler", "--port", "0")]
    try:
        while not address.is_file():
            time.sleep(0.1)
        rest = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        started += [start("worker", *rest) for _ in range(workers)]
        with Client(scheduler_file=str(address), timeout=120) as client:
            client.wait_for_workers(workers, timeout=120)
            found = client.scheduler.address
        yield found
    finally:
        for process in started:
            process.kill()
            process.wait()


def measure(workers: int, number: int) -> dict[str, object]:
    """Seconds to compile (the first orders of every worker), and for each order after that."""
    with tempfile.TemporaryDirectory() as scratch, cluster(workers, Path(scratch)) as address:
        store = Store(Path(scratch) / "fits")
        began = time.perf_counter()
        first = make_orders(range(WARM * workers))
        failed = carry_out_all(first, store, 1, scheduler=address)
        warm = time.perf_counter()
        rest = make_orders(range(len(first), len(first) + number))
        failed |= carry_out_all(rest, store, 1, scheduler=address)
        ended = time.perf_counter()
    assert not failed, failed
    return {"workers": workers, "orders": number, "seconds to warm up": round(warm - began, 1), "seconds for the rest": round(ended - warm, 1), "seconds an order": round((ended - warm) / number, 2)}  # fmt: skip


def main() -> None:
    """Measure, and print the table and the plan on paper."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=24)
    parser.add_argument("--cores", default="2,16,64,256")
    parser.add_argument("--into", type=Path)
    asked = parser.parse_args()
    rows = [measure(workers, asked.number) for workers in (1, 2)]
    table = describe(pd.DataFrame(rows))
    if asked.into:
        table.to_csv(asked.into, index=False)
    table.to_csv(sys.stdout, index=False)
    each = float(table["seconds an order"].iloc[0])
    print(
        f"\non paper: {NATIONAL} orders at {each:.1f} s on one core; sharing out perfectly, without reports and books"
    )
    for cores in (int(part) for part in asked.cores.split(",")):
        print(f"{cores} cores: {NATIONAL * each / cores / 3600:.1f} hours")


if __name__ == "__main__":
    main()
