"""`svd` with a cheap stand-in for the sampler: the same program, files and processes, in seconds.

Run it as a script: a worker process that is spawned imports the script again, and so has the stand-in too. What the
stand-in does to an order may be told by the environment variable SVD_TEST_ACCIDENT:

* `hang`: it never ends
* `die`: the process is killed, as by an operating system that is out of memory
* `die once FILE`: only the first time, which leaves FILE behind
* `memory`: the process is refused memory
* `slow`: it takes half a second longer
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from evaluation.inference import engine
from evaluation.inference.laplace import approximate


def suffer() -> None:
    """Whatever accident is asked for."""
    accident, _, rest = os.environ.get("SVD_TEST_ACCIDENT", "").partition(" ")
    if accident == "hang":
        time.sleep(3600)
    elif accident == "slow":
        time.sleep(0.5)
    elif accident == "memory":
        raise MemoryError
    elif accident == "die":
        mark = Path(rest.removeprefix("once ")) if rest else None
        if mark is None or not mark.exists():
            if mark is not None:
                mark.touch()
            os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def sample(task: engine.Task, cores: int) -> engine.Fit:
    """The approximation that the checks use, in the place of the sampler."""
    if "SVD_TEST_ACCIDENT_OF" not in os.environ or task.seed == int(os.environ["SVD_TEST_ACCIDENT_OF"]):
        suffer()
    return approximate(task)


engine.sample = sample

if __name__ == "__main__":
    from evaluation.cli import main

    main()
