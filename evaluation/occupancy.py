"""One command at a time in one review folder.

Fits are stored by content and would survive two runs side by side, but reports, packets, the book and the record of
failures are files of one run. The lock is the operating system's own: it ends with the process, however that ends.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.writing import write_whole

LOCK = Path("_build") / "evaluation.lock"
HOLDER = Path("_build") / "evaluation.json"


@contextmanager
def occupy(folder: Path) -> Iterator[None]:
    """Hold a review folder while something is made in it.

    Args:
        folder: the review folder.

    Raises:
        InputError: another process holds it, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    place = folder / LOCK
    lock = FileLock(place, timeout=0)
    try:
        place.parent.mkdir(exist_ok=True)
        lock.acquire()
        sweep(place.parent)
        write_whole(folder / HOLDER, _describe_self())
    except Timeout:
        found = f"Another evaluation of this folder is under way{_say_holder(folder / HOLDER)}."
        remedy = "Wait until it has ended, or stop it (Ctrl-C in its window); what it has finished is kept."
        raise InputError([Problem(str(LOCK), "", found, remedy)]) from None
    except OSError as error:
        lock.release(force=True)
        found = f"Results cannot be written here ({error.strerror})."
        remedy = "Copy the review to a folder that you may write to, with room on its disk."
        raise InputError([Problem(str(LOCK.parent), "", found, remedy)]) from None
    try:
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def sweep(build: Path) -> None:
    """Remove what a run that was killed left half-written; for whoever holds the folder.

    A book that was being put in the place of another when it was killed leaves the other aside: it is put back.
    """
    for scratch in build.glob(".book-*"):
        if (scratch / "old").is_dir() and not (build / "html").exists():
            os.replace(scratch / "old", build / "html")
        shutil.rmtree(scratch, ignore_errors=True)
    for pattern in (".writing-*", "*/.writing-*", "packets/*/.writing-*", "fits/*.part", "feasibility/*.part"):
        for left in build.glob(pattern):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _describe_self() -> str:
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    return json.dumps({"process": os.getpid(), "computer": platform.node(), "since": since}) + "\n"


def _say_holder(path: Path) -> str:
    """Who holds the folder, as the end of a sentence; empty if that is not known."""
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f": process {holder['process']} on {holder['computer']}, since {holder['since']} UTC"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
