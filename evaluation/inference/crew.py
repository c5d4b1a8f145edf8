"""Who carries out orders: processes of this machine, or the workers of a Dask cluster.

Either way an order gives the same answer, because it is computed by the same function from the same seed, and what is
finished is stored at once: a run that is killed, or a worker that dies, loses only what was under way.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evaluation.errors import FitFailure, InputError, Problem, storage_fault
from evaluation.inference.engine import Store, model_code
from evaluation.inference.order import Order, carry_out, is_done
from evaluation.inference.workers import Report, employ, say_late
from models.structure import Structure

CONNECT_SECONDS = 20


def carry_out_all(
    orders: Sequence[Order],
    store: Store,
    jobs: int,
    report: Report = lambda done, total: None,
    scheduler: str = "",
    seconds: float | None = None,
) -> dict[str, str]:
    """Carry out what is not done yet.

    Args:
        orders: the same question asked twice is answered once.
        store: where answers are kept.
        jobs: processes of this machine.
        report: told how many orders are done, of how many.
        scheduler: address of a Dask scheduler that takes the orders instead.
        seconds: longest time for one order, its checks among them, which is then stopped; without limit if None. On a
            cluster: longest time in which no order at all comes back.

    Returns:
        Why an order could not be carried out, by its task's key; empty when all went well. An answer that did not
        pass its gate is not among them: whoever reads it finds the same reason in the store.

    Raises:
        InputError: the scheduler cannot be reached, or its workers run another version.
        OSError: an answer cannot be stored.
    """
    waiting = {order.task.key: order for order in orders if not is_done(order, store)}
    if not waiting:
        return {}
    for key in waiting:  # what was lost before is tried again
        store.path(key).with_name(f"{lost_name(key)}.json").unlink(missing_ok=True)
    report(0, len(waiting))
    failures = _carry_out(list(waiting.values()), store, jobs, report, scheduler, seconds)
    for key, reason in failures.items():
        store.save_record(lost_name(key), reason)
    return failures


def recall_lost(orders: Iterable[Order], store: Store) -> dict[str, str]:
    """Why orders could not be carried out when they were last tried, by key.

    A report is told in a process of its own. What ran out of time or memory would there be tried once more, without limit.
    """
    named = {order.task.key: store.load_record(lost_name(order.task.key)) for order in orders}
    return {key: reason for key, reason in named.items() if isinstance(reason, str)}


def lost_name(key: str) -> str:
    """Name under which it is stored why an order could not be carried out."""
    return f"lost-{key}"


def _carry_out(
    orders: list[Order], store: Store, jobs: int, report: Report, scheduler: str, seconds: float | None
) -> dict[str, str]:
    if scheduler:
        return _on_cluster(orders, store, scheduler, report, seconds)
    groups = share_out(orders, jobs)
    if len(groups) == 1 and seconds is None:  # nobody has to be able to stop it
        return _in_turn(groups[0], store, report)
    return _in_processes(groups, store, jobs, report, seconds)


def _in_turn(orders: Sequence[Order], store: Store, report: Report) -> dict[str, str]:
    failures: dict[str, str] = {}
    for done, order in enumerate(orders, 1):
        failures |= attempt(order, store.folder, os.cpu_count() or 1)
        report(done, len(orders))
    return failures


def _in_processes(
    groups: list[list[Order]], store: Store, jobs: int, report: Report, seconds: float | None
) -> dict[str, str]:
    cores = max(1, (os.cpu_count() or 1) // min(jobs, len(groups)))
    return employ(groups, store.folder, jobs, cores, attempt, report, seconds)


def attempt(order: Order, folder: Path, cores: int) -> dict[str, str]:
    """Carry out one order with a store in ``folder``; why it could not be, by its key.

    Raises:
        OSError: what was found could not be stored; that is no fault of the order.
        MemoryError: there is not enough of it.
    """
    store, key = Store(folder), order.task.key
    try:
        carry_out(order, store, cores)
    except FitFailure as failure:  # one series the sampler cannot start on must not stop the rest
        # Fits that did not pass are stored, and say so again to whoever reads them.
        return {} if store.has(key) else {key: failure.reason}
    except Exception as error:
        if isinstance(error, MemoryError) or storage_fault(error):
            raise
        said = str(error).splitlines()[0][:300] if str(error) else ""
        return {key: f"The evaluation stopped: {type(error).__name__}: {said}."}
    return {}


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


def _on_cluster(
    orders: list[Order], store: Store, scheduler: str, report: Report, seconds: float | None
) -> dict[str, str]:
    """Hand orders to a Dask cluster, one task each, and store each answer as it comes back.

    Workers need not share a disk with this machine: an answer travels as the files it would have left in the store.
    An order whose worker dies is given to another. When nothing has come back for ``seconds``, every order that is under
    way has taken longer than that.
    """
    client = _connect(scheduler)
    from distributed import wait

    failures: dict[str, str] = {}
    with client:
        # Orders of one structure follow each other, so that a worker compiles it once and keeps it.
        orders = sorted(orders, key=lambda order: repr(order.task.data.structure))
        pending = {
            client.submit(carry_out_away, order, model_code(), key=f"svd-{order.task.key}", pure=False, retries=1)
            for order in orders
        }
        while pending:
            try:
                finished, pending = wait(pending, timeout=seconds, return_when="FIRST_COMPLETED")
            except TimeoutError:
                failures |= {future.key.removeprefix("svd-"): say_late(seconds or 0.0) for future in pending}
                client.cancel(list(pending), force=True)
                break
            for future in finished:
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
                report(len(orders) - len(pending), len(orders))
    return failures


def carry_out_away(order: Order, code: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """One order on a worker of a cluster: the files it makes, by name, and why it failed.

    Raises:
        RuntimeError: the worker runs other models or libraries than whoever asks.
    """
    if model_code() != code:
        raise RuntimeError("the worker has another version of the models or of a library than this machine")
    with tempfile.TemporaryDirectory(prefix="svd-") as folder:
        failures = attempt(order, Path(folder), 1)
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
