"""Work that goes wrong in a worker process, in every way a machine knows. Imported by the workers themselves."""

from __future__ import annotations

import errno
import os
import signal
import time
from multiprocessing import parent_process
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def work(order: Any, folder: Path, cores: int) -> dict[str, str]:
    """Leave a mark each time an order is tried; what else happens is said by its seed."""
    seed = order.task.seed
    tried = len(list(folder.glob(f"{seed}.*")))
    (folder / f"{seed}.{tried}").touch()
    if seed == HANGS:
        time.sleep(3600)
    elif seed == DIES or (seed == DIES_ONCE and tried == 0):
        os.kill(os.getpid(), signal.SIGKILL)
    elif seed == NEEDS_MEMORY:
        raise MemoryError
    elif seed == FINDS_THE_DISK_FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "posterior.nc")
    elif seed == WRITES_DRAWS:
        write_draws(folder)
    return {order.task.key: "It did not converge."} if seed == FAILS else {}


def answer(number: int) -> int:
    """A series judged, except by a worker that comes to the sixth."""
    if number == 5 and parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def order(seed: int) -> Any:
    """As much of an order as workers look at; what it really holds takes seconds to import."""
    return SimpleNamespace(task=SimpleNamespace(key=f"key-{seed}", seed=seed))


def write_draws(folder: Path) -> None:
    """As much as a fit of four chains holds."""
    import numpy as np
    import xarray as xr

    from evaluation.inference.engine import Fit, Store

    values = np.random.default_rng(1).normal(size=(4, 1000, 1, 60))
    Store(folder).save("key", Fit(xr.Dataset({"mu": (("chain", "draw", "area", "time"), values)}), 0, 1.0))


FINE, FAILS, HANGS, DIES, DIES_ONCE, NEEDS_MEMORY, FINDS_THE_DISK_FULL, WRITES_DRAWS = range(1, 9)
