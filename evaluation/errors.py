"""The three ways in which the work can stop, and the one shape in which bad input is described.

`Problem` is data: where, what was found, what would do. `InputError` carries all the problems that were
found, never only the first. `FitFailure` says that a computation did not pass its gate.
"""

from __future__ import annotations

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
        return f"{where}: {self.found} {self.remedy}".rstrip()


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


class FitFailure(Exception):
    """A computation that did not pass its gate, even after a second try with stronger settings.

    Args:
        reason: one sentence for the report.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
