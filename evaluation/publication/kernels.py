"""Kernels for reports: this very interpreter, kept warm from one report to the next.

Starting a kernel and importing what a report needs takes longer than telling a finished evaluation. So a kernel tells
several reports, one after the other; between two of them its namespace is emptied and its counter starts again.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

LONGEST_SOCKET_PATH = 90  # bytes; macOS allows 104 including what jupyter appends
# Charts of the report before are closed, its names forgotten; modules stay imported, which is the point.
FRESH = (
    "get_ipython().reset(new_session=True)\nimport matplotlib.pyplot\nmatplotlib.pyplot.close('all')\ndel matplotlib"
)


NEEDED = "import evaluation.flow, evaluation.publication.annex, evaluation.publication.chapter"


class WarmKernel:
    """A place for one kernel, used by one thread at a time; empty until a report needs it."""

    def __init__(self) -> None:
        self.manager: Any = None

    def take(self) -> Any:
        """The kernel's manager; started by whoever runs a report with it."""
        if self.manager is None:
            self.manager = manager_class()(kernel_name="python3")
        return self.manager

    def begin(self) -> None:
        """Start the kernel before its first report is there, and let it import what a plan's report needs."""
        from jupyter_core.utils import run_sync

        manager = self.take()
        if not manager.has_kernel:
            with suppress(Exception):  # whoever runs a report tries again, and says what is wrong
                run_sync(manager.start_kernel)(extra_arguments=[f"--IPKernelApp.exec_lines={NEEDED}"])

    def drop(self) -> None:
        """Stop the kernel: the next report starts another. For use after any failure."""
        manager, self.manager = self.manager, None
        if manager is not None and manager.has_kernel:
            from jupyter_core.utils import run_sync

            with suppress(Exception):  # a kernel that is dead already cannot be stopped
                run_sync(manager.shutdown_kernel)(now=True)
        if manager is not None:
            manager.remove_folder()


@contextmanager
def keep_kernel() -> Iterator[WarmKernel]:
    """A kernel for the reports of one thread, stopped at the end."""
    kernel = WarmKernel()
    try:
        yield kernel
    finally:
        kernel.drop()


@cache
def manager_class() -> type:
    """A kernel manager whose kernels run this very interpreter and talk over IPC where there is IPC."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class OwnKernelManager(AsyncKernelManager):
        """Starts `sys.executable`, whatever kernel is installed under the name python3."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # A folder of its own, readable by this user only: sockets of parallel kernels can neither clash nor be read.
            self._folder = tempfile.mkdtemp(prefix="svd-")
            file = os.path.join(self._folder, "k.json")
            if os.name != "nt" and len(os.fsencode(file)) < LONGEST_SOCKET_PATH:
                kwargs["transport"] = "ipc"
            super().__init__(*args, connection_file=file, **kwargs)

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(
                argv=[
                    sys.executable,
                    "-Xfrozen_modules=off",
                    "-m",
                    "ipykernel_launcher",
                    "-f",
                    "{connection_file}",
                    # An interrupt at shutdown is how a kernel is stopped; it is not news. Real errors are outputs.
                    "--IPKernelApp.log_level=50",
                ],
                display_name="Python 3",
                language="python",
            )

        async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
            environment = {
                **os.environ,
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
                "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            }
            await super()._async_start_kernel(env=environment, **kwargs)

        async def cleanup_resources(self, restart: bool = False) -> None:  # type: ignore[override]
            await super()._async_cleanup_resources(restart=restart)
            if not restart:
                self.remove_folder()

        def remove_folder(self) -> None:
            """Take the sockets' folder away."""
            shutil.rmtree(self._folder, ignore_errors=True)

    return OwnKernelManager
