"""Work that goes wrong in a worker process, in every way a machine knows. Imported by the workers themselves."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
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
    return {order.task.key: "It did not converge."} if seed == FAILS else {}


FINE, FAILS, HANGS, DIES, DIES_ONCE, NEEDS_MEMORY, FINDS_THE_DISK_FULL = range(1, 8)
