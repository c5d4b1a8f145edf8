"""`svd` with a cheap stand-in for the sampler: the same program, files and processes, in seconds.

Run it as a script: a worker process that is spawned imports the script again, and so has the stand-in too. What the
stand-in does to an order may be told in advance:

* `hang`: it never ends
* `die`: the process is killed, as by an operating system that is out of memory
* `memory`: the process is refused memory

With SVD_TEST_QUICK the false alarms of monitoring are hardly counted, which takes longest; with SVD_TEST_QUICK=plans
there are no chapters besides the plans'. SVD_TEST_ACCIDENTS holds accidents by the seed of the fit, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import time

from evaluation.inference import engine
from evaluation.inference.laplace import approximate


def suffer(accident: str) -> None:
    """The accident that is asked for, if any."""
    if accident == "hang":
        time.sleep(3600)
    elif accident == "memory":
        raise MemoryError
    elif accident == "die":
        os.kill(os.getpid(), signal.SIGKILL)


def sample(task: engine.Task, cores: int) -> engine.Fit:
    """The approximation that the checks use, in the place of the sampler."""
    suffer(json.loads(os.environ.get("SVD_TEST_ACCIDENTS", "{}")).get(str(task.seed), ""))
    return approximate(task)


engine.sample = sample

if __name__ == "__main__":
    from evaluation.cli import main

    if quick := os.environ.get("SVD_TEST_QUICK"):
        from functools import partial

        from evaluation import standing

        standing.watch = partial(standing.watch, refits=1)
        if quick == "plans":
            standing.CHAPTERS.clear()

    main()
