"""The ways in which the work can stop, and the one shape in which bad input is described.

`Problem` is data: where, what was found, what would do. `InputError` carries all the problems that were
found, never only the first. `PlainFailure` is a failure whose message is written for whoever runs the program; a
`FitFailure` is one: a computation that did not pass its gate. What the machine refuses (a full disk, a folder that may
not be written, no memory) arrives as Python's own exceptions, and `explain` says it in plain words.
"""

from __future__ import annotations

import errno
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with what the user gave us, in the user's terms.

    Attributes:
        file: the file, relative to the review folder (`plans/outreach.yaml`, `data/assaults.csv`).
        place: where in the file: `line 12, treated.T09` in YAML; `row 5, count` in data, where row 1 is the
            row of column names, as a spreadsheet shows it. Empty when it is about the file as a whole.
        found: what is there, with the value quoted.
        remedy: what would do instead.
    """

    file: str
    place: str
    found: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.place}" if self.place else self.file
        text = f"{where}: {self.found} {self.remedy}".rstrip()
        # What was found may be anything: characters that steer a terminal, or cannot be seen, are shown as such.
        return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf") else c for c in text)


class InputError(Exception):
    """The user's input is wrong; holds every problem found, sorted by file and in the order of finding.

    Args:
        problems: one or more problems.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: list[Problem] = list(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class PlainFailure(Exception):
    """A failure that its message explains to whoever runs the program."""


class FitFailure(PlainFailure):
    """A computation that did not pass its gate, even after a second try with stronger settings.

    Args:
        reason: one sentence for the report.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


_STORAGE = {
    errno.ENOSPC: "The disk is full",
    getattr(errno, "EDQUOT", errno.ENOSPC): "Your share of the disk is used up",
    errno.EFBIG: "A file would become larger than this disk allows",
    errno.EROFS: "This place can only be read",
    errno.EACCES: "This may not be opened or written",
    errno.EPERM: "This may not be opened or written",
    getattr(errno, "ESTALE", errno.EIO): "The network drive has gone away",
    errno.EIO: "The disk does not answer as it should",
    errno.ENAMETOOLONG: "This name is too long for this computer",
}
_FULL = ("No space left on device", "not enough space on the disk")
_ROOM = "Make room and run the same command again: what was finished is kept."
_PLACE = "Close whatever has it open, or copy the review to a folder that you may write to; what was finished is kept."


def storage_fault(error: BaseException) -> str:
    """What the machine's storage refused, as the beginning of a sentence; empty if it was something else.

    The library that stores draws says in its message only that a disk was full.
    """
    if any(words in str(error) for words in _FULL):
        return _STORAGE[errno.ENOSPC]
    return _STORAGE.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def explain(error: Exception) -> list[str]:
    """What stopped the work, in lines for whoever runs the program."""
    if found := storage_fault(error):
        file = getattr(error, "filename", None)
        full = found in (_STORAGE[errno.ENOSPC], _STORAGE[getattr(errno, "EDQUOT", errno.ENOSPC)])
        return [f"svd stopped: {found}{f': {file}' if file else ''}.", _ROOM if full else _PLACE]
    if isinstance(error, MemoryError):
        return ["svd stopped: The computer has too little memory.", "Close other programs. What was finished is kept."]
    if isinstance(error, PlainFailure):
        return [f"svd stopped: {line}" if i == 0 else line for i, line in enumerate(str(error).splitlines())]
    text = str(error).strip().splitlines()
    return [
        f"svd stopped: {type(error).__name__}: {text[0] if text else ''}",
        "This is a fault of ours. Set SVD_DEBUG=1 and run again to see where.",
    ]
