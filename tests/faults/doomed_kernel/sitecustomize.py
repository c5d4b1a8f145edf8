"""Kills the first kernel that tells a plan, in the middle of it; for a process that has this folder on its path."""

import os
import signal
import sys

if "ipykernel_launcher" in sys.orig_argv and (mark := os.environ.get("SVD_TEST_KERNEL_DIES")):

    def listen(event: str, arguments: tuple) -> None:
        if event == "import" and arguments[0] == "evaluation.publication.chapter" and not os.path.exists(mark):
            os.close(os.open(mark, os.O_CREAT | os.O_WRONLY))
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(listen)
