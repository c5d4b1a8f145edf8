"""Worker processes of this machine: one order in hand each, watched by whoever handed it out.

A pool of the standard library gives everything up when one of its processes dies, and cannot stop one that never ends.
Here a worker that dies costs the order it had in hand, and that order is tried once more, alone, at the end; a worker
that has had an order for too long is stopped, and another takes what is left.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.errors import storage_fault

if TYPE_CHECKING:
    from evaluation.inference.order import Order

# What a worker does with one order: why it could not be carried out, by its task's key; empty if it could.
Work = Callable[["Order", Path, int], dict[str, str]]
Report = Callable[[int, int], None]

LOOK_SECONDS = 1.0
START_SECONDS = 300.0  # to begin with, whatever the limit of an order: a busy machine imports slowly
PARTING_SECONDS = 10.0
OUT_OF_MEMORY = 83  # exit code of a worker that was refused memory; any number that nothing else uses would do


@dataclass
class Worker:
    """One process, what it has in hand and what it takes next.

    Attributes:
        process: a spawned process that runs :func:`labour`.
        pipe: orders go out by it, answers come back.
        next: orders of one structure, which it will have compiled.
        order: in hand, or None.
        since: when it was handed out (monotonic clock).
    """

    process: Any
    pipe: connection.Connection
    next: deque[Order]
    order: Order | None = None
    since: float = 0.0


@dataclass
class Ledger:
    """How far the work has come.

    Attributes:
        waiting: groups of orders that no worker has taken yet.
        failures: why an order could not be carried out, by its task's key.
        done: keys of orders that are finished, well or not.
        tried: keys of orders whose worker has died once.
    """

    waiting: deque[deque[Order]]
    failures: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)


def employ(
    groups: Sequence[Sequence[Order]],
    folder: Path,
    jobs: int,
    cores: int,
    work: Work,
    report: Report,
    seconds: float | None = None,
) -> dict[str, str]:
    """Have groups of orders carried out by worker processes.

    Args:
        groups: orders of one structure stand together and are taken by one worker, in turn.
        folder: of the store.
        jobs: workers at a time.
        cores: for the chains of one fit.
        work: what a worker does with an order; a function that another process can import.
        report: told how many orders are finished, of how many.
        seconds: longest time for one order; without limit if None.

    Returns:
        Why an order could not be carried out, by its task's key.

    Raises:
        OSError: a worker could not write what it had found (disk full, folder read-only).
    """
    ledger = Ledger(deque(deque(group) for group in groups))
    total = sum(map(len, groups))
    workers: list[Worker] = []
    try:
        while ledger.waiting or workers:
            while ledger.waiting and len(workers) < jobs:
                workers.append(_hire(ledger.waiting.popleft(), folder, cores, work))
            heard = connection.wait([worker.pipe for worker in workers], timeout=LOOK_SECONDS)
            before = len(ledger.done)
            for worker in list(workers):
                here = _hear(worker, ledger) if worker.pipe in heard else _has_time(worker, ledger, seconds)
                if not here:
                    workers.remove(worker)
            if len(ledger.done) > before:
                report(len(ledger.done), total)
    finally:
        for worker in workers:
            _dismiss(worker)
    return ledger.failures


def labour(pipe: connection.Connection, folder: Path, cores: int, work: Work) -> None:
    """What a worker process does: take an order, carry it out, say how it went; end when there is no more.

    It also ends when whoever employs it is gone: what it was doing is stored first.
    """
    # Ctrl-C goes to every process of a terminal. Whoever employs this one decides, and stops it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pipe.send(None)  # here, with everything imported
        while (order := pipe.recv()) is not None:
            pipe.send(work(order, folder, cores))
    except Exception as error:
        _give_up(error, pipe)


def _give_up(error: Exception, pipe: connection.Connection) -> None:
    """End this process at once, saying so where whoever employs it can do something about it.

    Nothing is tidied up: the library that stores draws crashes when it closes a file that a full disk has cut off.
    """
    if isinstance(error, MemoryError):
        os._exit(OUT_OF_MEMORY)
    if isinstance(error, EOFError | BrokenPipeError | ConnectionResetError):  # nobody is there any more
        os._exit(0)
    number = getattr(error, "errno", None) or errno.ENOSPC
    pipe.send(OSError(number, os.strerror(number), getattr(error, "filename", None)) if storage_fault(error) else error)
    os._exit(1)


def _hire(orders: deque[Order], folder: Path, cores: int, work: Work) -> Worker:
    # Workers are spawned, not forked: the same on every platform, and no compiled state is shared by accident.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=labour, args=(theirs, folder, cores, work), daemon=True)
    process.start()
    theirs.close()  # so that its death is heard as the end of the pipe
    return Worker(process, ours, orders, since=time.monotonic())


def _hear(worker: Worker, ledger: Ledger) -> bool:
    """Take a worker's answer and hand it the next order; False if it is gone."""
    try:
        answer = worker.pipe.recv()
    except (EOFError, OSError):
        _mourn(worker, ledger)
        return False
    if isinstance(answer, Exception):
        raise answer
    if worker.order is not None:
        ledger.done.add(worker.order.task.key)
        ledger.failures |= answer
        worker.order = None
    if not worker.next and ledger.waiting:
        worker.next = ledger.waiting.popleft()
    try:
        if not worker.next:
            worker.pipe.send(None)
            _dismiss(worker, PARTING_SECONDS)
            return False
        worker.order, worker.since = worker.next.popleft(), time.monotonic()
        worker.pipe.send(worker.order)
    except OSError:
        _mourn(worker, ledger)
        return False
    return True


def _mourn(worker: Worker, ledger: Ledger) -> None:
    """A worker is dead: what it had in hand is tried once more at the end, when the machine has more room."""
    worker.process.join(PARTING_SECONDS)
    code = worker.process.exitcode
    _dismiss(worker)
    order = worker.order
    if order is None and worker.next:  # it died before it was handed anything
        order = worker.next.popleft()
    if order is not None:
        key = order.task.key
        if key in ledger.tried:
            ledger.done.add(key)
            ledger.failures[key] = say_death(code)
        else:
            ledger.tried.add(key)
            ledger.waiting.append(deque([order]))
    _pass_on(worker, ledger)


def _has_time(worker: Worker, ledger: Ledger, seconds: float | None) -> bool:
    """Stop a worker that has had an order for too long; False if it was stopped."""
    if seconds is None:
        return True
    longest = seconds if worker.order is not None else max(seconds, START_SECONDS)
    if time.monotonic() - worker.since <= longest:
        return True
    _dismiss(worker)
    order = worker.order or (worker.next.popleft() if worker.next else None)
    if order is not None:
        ledger.done.add(order.task.key)
        ledger.failures[order.task.key] = say_late(seconds)
    _pass_on(worker, ledger)
    return False


def _pass_on(worker: Worker, ledger: Ledger) -> None:
    """What a worker that is gone would have taken next is the next to be taken."""
    if worker.next:
        ledger.waiting.appendleft(worker.next)


def _dismiss(worker: Worker, wait: float = 0.0) -> None:
    """End a worker, at once or after waiting for it."""
    worker.process.join(wait)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join(PARTING_SECONDS)
    worker.pipe.close()


def say_late(seconds: float) -> str:
    """Why an order that took too long has no answer."""
    minutes = seconds / 60
    return (
        f"The computation took longer than {minutes:g} minute{'' if minutes == 1 else 's'} and was stopped. "
        "`--fit-minutes` gives it longer."
    )


def say_death(code: int | None) -> str:
    """Why an order whose worker died twice has no answer; ``code`` is the exit code of the process."""
    how = "ran out of memory" if code == OUT_OF_MEMORY else "was stopped from outside"
    if code is not None and code not in (0, OUT_OF_MEMORY):
        how += f" (signal {-code})" if code < 0 else f" (exit code {code})"
    return (
        f"The worker process {how}, twice. Most often the computer has too little memory: close other programs, "
        "run it with `--jobs 1`, or use a larger computer."
    )
