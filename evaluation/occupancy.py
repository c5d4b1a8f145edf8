"""One evaluation at a time in one review folder.

Fits are stored by content and would survive two runs side by side, but reports, packets and the record of failures
are files of one run. The lock is the operating system's own: it ends with the process, however that ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.errors import InputError, Problem

LOCK = Path("_build") / "evaluation.lock"


@contextmanager
def occupy(folder: Path) -> Iterator[None]:
    """Hold a review folder while it is evaluated.

    Args:
        folder: the review folder.

    Raises:
        InputError: another process holds it, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    place = folder / LOCK
    try:
        place.parent.mkdir(exist_ok=True)
        lock = FileLock(place, timeout=0)
        lock.acquire()
    except Timeout:
        found, remedy = "Another evaluation of this folder is under way.", "Wait for it, or stop it first."
        raise InputError([Problem(str(LOCK), "", found, remedy)]) from None
    except OSError as error:
        found = f"Results cannot be written here ({error.strerror})."
        remedy = "Copy the review to a folder that you may write to."
        raise InputError([Problem(str(LOCK.parent), "", found, remedy)]) from None
    try:
        yield
    finally:
        lock.release()
