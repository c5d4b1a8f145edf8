"""What is happening, how far it is, how long it will take, and where the time went."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

BETWEEN_LINES = 10.0  # seconds between two lines of a log


@dataclass
class Progress:
    """News of a run: a bar on a terminal, plain lines in a log, nothing when quiet.

    Attributes:
        quiet: say nothing but what went wrong.
        stream: where news goes; standard error, so that results can be piped.
        seconds: of each stage so far, in the order in which they began.
    """

    quiet: bool = False
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    seconds: dict[str, float] = field(default_factory=dict)
    _bar: Any = None
    _bars: dict[str, Any] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _told: dict[str, float] = field(default_factory=dict)

    def tell(self, line: str) -> None:
        """One line of news."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False)
        else:
            print(line, file=self.stream, flush=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, whatever becomes of it."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began

    def advance(self, what: str, done: int, total: int) -> None:
        """So many done of so many; the first call for a name starts its clock."""
        now = time.monotonic()
        began = self._began.setdefault(what, now)
        if self.quiet:
            return
        if self.stream.isatty():
            self._draw(what, done, total)
            return
        if 0 < done < total and now - self._told.get(what, -BETWEEN_LINES) < BETWEEN_LINES:
            return
        self._told[what] = now
        self.tell(say_progress(what, done, total, now - began))

    def _draw(self, what: str, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bars(*columns, console=Console(file=self.stream), transient=True)
            self._bar.start()
        if what not in self._bars:
            self._bars[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._bars[what], completed=done, total=total)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def summarise(self) -> str:
        """Where the time went, in one line; empty where there was none."""
        spent = [f"{name} {say_seconds(seconds)}" for name, seconds in self.seconds.items()]
        return f"Time: {', '.join(spent)}; {say_seconds(sum(self.seconds.values()))} in all." if spent else ""


def say_progress(what: str, done: int, total: int, seconds: float) -> str:
    """`indicators 12 of 150, 1.9 a second, 1 min 13 s left`."""
    line = f"{what} {done} of {total}"
    if not done or done == total or seconds <= 0:
        return line
    rate = done / seconds
    pace = f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.1f} a minute"
    return f"{line}, {pace}, {say_seconds((total - done) / rate)} left"


def say_seconds(seconds: float) -> str:
    """`8 s`, `1 min 13 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
