"""Who carries out orders: processes of this machine, or the workers of a Dask cluster.

Either way an order gives the same answer, because it is computed by the same function from the same seed, and what is
finished is stored at once: a run that is killed, or a worker that dies, loses only what was under way.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from evaluation.errors import FitFailure, InputError, Problem
from evaluation.inference.engine import Store, model_code
from evaluation.inference.order import Order, carry_out, is_done, is_stored, name_checks
from models.structure import Structure

Report = Callable[[int, int], None]

CONNECT_SECONDS = 20


def carry_out_all(
    orders: Sequence[Order], store: Store, jobs: int, report: Report = lambda done, total: None, scheduler: str = ""
) -> dict[str, str]:
    """Carry out what is not done yet.

    Args:
        orders: the same question asked twice is answered once.
        store: where answers are kept.
        jobs: processes of this machine.
        report: told how many orders are done, of how many.
        scheduler: address of a Dask scheduler that takes the orders instead.

    Returns:
        Why an order could not be carried out, by its task's key; empty when all went well. An answer that did not
        pass its gate is not among them: whoever reads it finds the same reason in the store.

    Raises:
        InputError: the scheduler cannot be reached, or its workers run another version.
    """
    waiting = {order.task.key: order for order in orders if not is_done(order, store)}
    if not waiting:
        return {}
    report(0, len(waiting))
    if scheduler:
        return _on_cluster(list(waiting.values()), store, scheduler, report)
    groups = share_out(waiting.values(), jobs)
    if len(groups) == 1:
        return _in_turn(groups[0], store, report)
    return _in_processes(groups, store, jobs, report)


def _in_turn(orders: Sequence[Order], store: Store, report: Report) -> dict[str, str]:
    failures: dict[str, str] = {}
    for done, order in enumerate(orders, 1):
        failures |= attempt([order], store.folder, os.cpu_count() or 1)
        report(done, len(orders))
    return failures


def _in_processes(groups: list[list[Order]], store: Store, jobs: int, report: Report) -> dict[str, str]:
    cores = max(1, (os.cpu_count() or 1) // min(jobs, len(groups)))
    orders = [order for group in groups for order in group]
    checks = {order.task.key: name_checks(order) for order in orders}
    failures: dict[str, str] = {}
    done: set[str] = set()
    # Workers are spawned, not forked: the same on every platform, and no compiled state is shared by accident.
    with ProcessPoolExecutor(max_workers=min(jobs, len(groups)), mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(attempt, group, store.folder, cores): group for group in groups}
        waited_for = set(pending)
        while waited_for:
            finished, waited_for = wait(waited_for, timeout=1.0)
            for future in finished:
                try:
                    failures |= future.result()
                    done |= {order.task.key for order in pending[future]}
                except Exception as error:  # a worker that died must not take the other plans with it
                    keys = [order.task.key for order in pending[future]]
                    lost = [key for key in keys if not is_stored(key, checks[key], store)]
                    failures |= dict.fromkeys(lost, f"The worker process stopped ({type(error).__name__}).")
            before = len(done)
            done |= {key for key, name in checks.items() if key not in done and is_stored(key, name, store)}
            if len(done) > before or finished:
                report(len(done | set(failures)), len(orders))
    return failures


def attempt(orders: Sequence[Order], folder: Path, cores: int) -> dict[str, str]:
    """Carry out some orders with a store in ``folder``; why one could not be, by key."""
    store = Store(folder)
    failures: dict[str, str] = {}
    for order in orders:
        try:
            carry_out(order, store, cores)
        except FitFailure as failure:  # one series the sampler cannot start on must not stop the rest
            # Fits that did not pass are stored, and say so again to whoever reads them.
            if not store.has(order.task.key):
                failures[order.task.key] = failure.reason
        except Exception as error:
            said = str(error).splitlines()[0][:300] if str(error) else ""
            failures[order.task.key] = f"The evaluation stopped: {type(error).__name__}: {said}."
    return failures


def share_out(orders: Iterable[Order], jobs: int) -> list[list[Order]]:
    """Group orders by structure, heaviest group first; a structure with far more work than its share is halved.

    Compiling again in a second process costs less than one core waiting for the other.
    """
    groups: dict[Structure, list[Order]] = {}
    for order in orders:
        groups.setdefault(order.task.data.structure, []).append(order)
    shared = list(groups.values())
    total = sum(map(_cost, shared))
    while len(shared) < 64:
        heaviest = max(shared, key=_cost)
        if jobs == 1 or len(heaviest) < 2 or _cost(heaviest) < 1.2 * total / jobs:
            break
        shared.remove(heaviest)
        shared += [heaviest[::2], heaviest[1::2]]
    return sorted(shared, key=_cost, reverse=True)


def _cost(orders: Sequence[Order]) -> float:
    """Rough work of a group in units of one compilation."""
    work = 1.0
    for order in orders:
        structure, sampler = order.task.data.structure, order.task.sampler
        cells = structure.n_areas * structure.n_periods + structure.n_censored * structure.censored_width
        work += cells * sampler.chains * (sampler.tune + sampler.draws) / 1.2e7
        if order.checked:  # some twenty approximations, and as many more as there are areas to leave out
            work += (20 + min(structure.n_areas, 40)) * (0.005 + cells / 2e5)
    return work


def _on_cluster(orders: list[Order], store: Store, scheduler: str, report: Report) -> dict[str, str]:
    """Hand orders to a Dask cluster, one task each, and store each answer as it comes back.

    Workers need not share a disk with this machine: an answer travels as the files it would have left in the store.
    An order whose worker dies is given to another.
    """
    client = _connect(scheduler)
    from distributed import as_completed

    failures: dict[str, str] = {}
    with client:
        # Orders of one structure follow each other, so that a worker compiles it once and keeps it.
        orders = sorted(orders, key=lambda order: repr(order.task.data.structure))
        futures = [
            client.submit(carry_out_away, order, model_code(), key=f"svd-{order.task.key}", pure=False, retries=1)
            for order in orders
        ]
        for done, future in enumerate(as_completed(futures), 1):
            key = future.key.removeprefix("svd-")
            if future.status == "finished":
                files, failed = future.result()
                for name, content in files.items():
                    store.put(name, content)
                failures |= failed
            else:
                error = future.exception()
                failures[key] = f"The cluster gave it up: {type(error).__name__}: {error}".splitlines()[0][:300]
            future.release()
            report(done, len(orders))
    return failures


def carry_out_away(order: Order, code: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """One order on a worker of a cluster: the files it makes, by name, and why it failed.

    Raises:
        RuntimeError: the worker runs other models or libraries than whoever asks.
    """
    if model_code() != code:
        raise RuntimeError("the worker has another version of the models or of a library than this machine")
    with tempfile.TemporaryDirectory(prefix="svd-") as folder:
        failures = attempt([order], Path(folder), 1)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}, failures


def _connect(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            [Problem("--scheduler", "", "Dask is not installed.", "Install it with: pip install 'svd-evaluation[cluster]'.")]
        ) from None  # fmt: skip
    try:
        return Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        found = f"No Dask scheduler answers at {scheduler} ({type(error).__name__})."
        raise InputError(
            [Problem("--scheduler", "", found, "Start one with: dask scheduler; it prints its address.")]
        ) from None
