"""One case: a spoilt file is read under a limit of time and memory. Only our own refusal, or exactly what the file says, will do."""

from __future__ import annotations

import random
import shutil
import signal
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import InputError
from tests.fuzz import plain
from tests.fuzz.mutations import SPOILERS
from tests.fuzz.readers import Reader

SECONDS = 10.0  # of processor time for one case; sound files take a few milliseconds
FOUND = Path(__file__).parent / "found"


class TooSlow(BaseException):
    """A case that did not end in time; not an Exception, so that nothing swallows it."""


@dataclass(frozen=True)
class Offence:
    """What a reader should not have done.

    Attributes:
        kind: traceback, hang, memory, number or vague.
        says: one line.
        detail: the traceback, where there is one.
    """

    kind: str
    says: str
    detail: str = ""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """A limit of processor time, and of six times as much by the clock (for what only waits); POSIX systems only."""

    def ring(*_: object) -> None:
        raise TooSlow

    if not hasattr(signal, "setitimer"):
        yield
        return
    limits = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, 6 * seconds)}
    before = {sign: signal.signal(sign, ring) for sign in limits}
    for timer, limit in limits.values():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer, _ in limits.values():
            signal.setitimer(timer, 0)
        for sign, handler in before.items():
            signal.signal(sign, handler)


def judge(reader: Reader, content: bytes, seconds: float = SECONDS) -> Offence | None:
    """Read a spoilt file; None if the reader behaved."""
    scratch = Path(tempfile.mkdtemp(prefix="svd-fuzz-"))
    folder = scratch / "above" / "beside" / "case"
    folder.mkdir(parents=True)
    try:
        reader.lay_out(folder)
        (folder / reader.target).write_bytes(content)
        with within(seconds):
            pairs = reader.read(folder)
        for where, written, read, whole in pairs:
            if not plain.is_same(written, read, whole=whole):
                return Offence("number", f"{where}: {written[:80]!r} was read as {read!r}")
        if (
            len(list(scratch.iterdir()))
            + len(list(folder.parent.parent.iterdir()))
            + len(list(folder.parent.iterdir()))
            > 3
        ):
            return Offence("traversal", "a file was written outside the folder")
    except InputError as error:
        for problem in error.problems:
            if not problem.file or not problem.found or not problem.remedy:
                return Offence("vague", f"{problem!r}"[:300])
    except TooSlow:
        return Offence("hang", f"did not end within {seconds:g} seconds")
    except MemoryError:
        return Offence("memory", "more memory was wanted than a review may take", traceback.format_exc())
    except AssertionError as error:
        return Offence("number", str(error)[:300] or "assertion", traceback.format_exc())
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Offence("traceback", f"{type(error).__name__}: {error}"[:300], traceback.format_exc())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return None


def spoil(reader: Reader, seed: int) -> bytes:
    """The spoilt file of a seed: the same seed gives the same file."""
    rng = random.Random(f"{reader.name}-{seed}")
    return SPOILERS[reader.kind](rng, reader.files[reader.target])
