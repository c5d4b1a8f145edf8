"""The commands of the year between reviews: monitor, needs, calendar, checklist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evaluation.progress import Progress

app = typer.Typer()

ReviewFolder = Annotated[
    Path | None, typer.Argument(help="A review folder. Default: the shipped example.", show_default=False)
]
JobsOption = Annotated[int, typer.Option(min=1, help="Processes.")]
SIGNS = {"met": "met", "partly": "gaps", "missing": "MISSING"}


@app.command(epilog="Example: svd monitor my-review")
def monitor(review: ReviewFolder = None, jobs: JobsOption = 1) -> None:
    """This month's signals of every indicator and area, and what changed; evaluates no plan again."""
    from evaluation.standing import monitor_review

    _write_chapter(review, jobs, monitor_review)


@app.command(epilog="Example: svd needs my-review")
def needs(review: ReviewFolder = None, jobs: JobsOption = 1) -> None:
    """The strategic needs assessment: which violence, where, when, to whom, changing how; priorities by stated criteria."""
    from evaluation.standing import assess_review

    _write_chapter(review, jobs, assess_review)


def _write_chapter(review: Path | None, jobs: int, write: Callable[[Path, int, Progress], list[str]]) -> None:
    """Write a chapter of the year and print what it says."""
    from evaluation import cli
    from evaluation.errors import InputError

    cli.limit_threads()
    try:
        with cli.news(quiet=False) as progress:
            lines = write(cli.locate(review), jobs, progress)
        for line in lines:
            cli.tell(line)
    except InputError as error:
        cli.list_problems(error)


@app.command(epilog="Example: svd calendar my-review")
def calendar(
    review: ReviewFolder = None,
    on: Annotated[str, typer.Option(help="Judge by this day instead of today: 2026-06-30.")] = "",
) -> None:
    """What is due when in the year of the review, and what is late."""
    from datetime import date

    from evaluation import cli
    from evaluation.errors import InputError
    from evaluation.publication.duty import year_of

    try:
        today = date.fromisoformat(on) if on else None
    except ValueError:
        cli.refuse(f"'{on}' is not a day.", "Write it as 2026-06-30.")
    try:
        entries = year_of(cli.locate(review), today)
    except InputError as error:
        cli.list_problems(error)
    for entry in entries:
        own = " (date suggested by this program)" if entry.default else ""
        cli.tell(
            f"{entry.due or 'no date'!s:10}  {entry.state.upper() if entry.state == 'late' else entry.state:9}  {entry.what}: {entry.note}{own}"
        )
    late = [entry.what for entry in entries if entry.state == "late"]
    cli.tell(f"Late: {'; '.join(late)}." if late else "Nothing is late.")


@app.command(epilog="Example: svd checklist my-review")
def checklist(review: ReviewFolder = None) -> None:
    """Each requirement of the Duty with the evidence that this review holds for it, and its gaps."""
    from evaluation import cli
    from evaluation.errors import InputError
    from evaluation.publication.duty import requirements_of

    try:
        found = requirements_of(cli.locate(review))
    except InputError as error:
        cli.list_problems(error)
    for title, item in found:
        cli.tell(f"{title}: {SIGNS[item.state]}")
        for line in item.evidence:
            cli.tell(f"  + {line}")
        for line in item.gaps:
            cli.tell(f"  - {line}")
    counted = {word: sum(item.state == state for _, item in found) for state, word in SIGNS.items()}
    cli.tell(", ".join(f"{n} {word.lower()}" for word, n in counted.items()))
