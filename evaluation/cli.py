"""The command line: ``svd``. Exit 0: fine. 2: something in the input is wrong. 1: something of ours is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation import cli_book, cli_import, cli_release, cli_schema, cli_year

if TYPE_CHECKING:
    from evaluation.errors import InputError
    from evaluation.progress import Progress

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Evaluate interventions and review the strategy under the Serious Violence Duty.",
    epilog="Start with: svd new my-review",
)
app.add_typer(cli_import.app, name="import")
app.add_typer(cli_year.app)
app.add_typer(cli_schema.app)
app.add_typer(cli_schema.app)
app.add_typer(cli_book.app)
app.add_typer(cli_release.app)


class Profile(StrEnum):
    """How thoroughly to compute."""

    draft = "draft"
    publish = "publish"


class Size(StrEnum):
    """How many simulations."""

    small = "small"
    full = "full"


ReviewFolder = Annotated[
    Path | None, typer.Argument(help="A review folder. Default: the shipped example.", show_default=False)
]
DEFAULT_JOBS = min(os.cpu_count() or 1, 4)
JobsOption = Annotated[int, typer.Option(min=1, help="Processes for sampling.")]
# Indicators of the shipped reviews take seconds on an idle machine and minutes on one shared by many. Two hours are far
# beyond that, and leave a review that hangs in the evening finished in the morning.
DEFAULT_FIT_MINUTES = 120.0
MinutesOption = Annotated[
    float,
    typer.Option(
        "--fit-minutes", min=0.01, help="Longest time for one indicator of one plan; then it is reported as failed."
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Say nothing but the result and what went wrong.")]
ProfileOption = Annotated[Profile, typer.Option(help="draft: quick, cannot be published. publish: what counts.")]


@app.command(epilog="Example: svd new my-review --from norfolk")
def new(
    folder: Annotated[Path, typer.Argument(help="Where to put it; must not exist yet, or be empty.")],
    start: Annotated[
        str, typer.Option("--from", help="Start from a shipped review: the template, the example, or a partnership's.")
    ] = "template",
) -> None:
    """Scaffold a review folder: commented YAML, one plan, a sample of tidy data."""
    from evaluation import resources

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        refuse(f"{folder} exists and is not empty.", "Choose another name; nothing was written.")
    shipped = resources.folder("params")
    names = sorted(path.parent.name for path in shipped.glob("*/review.yaml"))
    if start not in names:
        refuse(f"There is no shipped review '{start}'.", f"Use one of: {', '.join(names)}. Nothing was written.")
    ignored = shutil.ignore_patterns("_build", "published", "__pycache__", "truth.json")
    shutil.copytree(shipped / start, folder, dirs_exist_ok=True, ignore=ignored)
    cli_schema.equip_review(folder)
    typer.echo(f"Wrote {folder}. Edit its YAML files, put your data in {folder / 'data'}, then: svd check {folder}")


@app.command(epilog="Example: svd check my-review")
def check(review: ReviewFolder = None) -> None:
    """Validate every file and the data; report all problems at once. Writes nothing."""
    from evaluation.evidence.coverage import examine_review

    folder = locate(review)
    examination = examine_review(folder)
    for warning in examination.warnings:
        typer.echo(f"warning: {warning}")
    if examination.problems:
        for problem in examination.problems:
            typer.echo(f"problem: {problem}", err=True)
        refuse(f"{count(len(examination.problems), 'problem')} found in {folder}.", "Nothing was written.")
    found = examination.review
    assert found is not None
    warned = f", {count(len(examination.warnings), 'warning')}" if examination.warnings else ""
    typer.echo(
        f"{folder}: {count(len(found.plans), 'plan')} and {count(len(found.indicators), 'indicator')} in order{warned}."
    )


@app.command(epilog="Example: svd run my-review/plans/street_mentors.yaml --profile draft")
def run(
    plan: Annotated[Path, typer.Argument(help="A plan file in a review's plans folder.")],
    profile: ProfileOption = Profile.publish,
    jobs: JobsOption = DEFAULT_JOBS,
    fit_minutes: MinutesOption = DEFAULT_FIT_MINUTES,
    quiet: QuietOption = False,
) -> None:
    """Evaluate one plan on every indicator in it. The last line printed is its packet folder."""
    from evaluation.annual import run_plan
    from evaluation.errors import InputError

    path = locate_plan(plan)
    limit_threads()
    try:
        with news(quiet) as progress:
            place, evaluation = run_plan(path, profile.value, jobs, progress, fit_minutes)
    except InputError as error:
        list_problems(error)
    for entry in evaluation.finding["indicators"].values():
        typer.echo(entry["headline"])
    typer.echo(str(place))
    if evaluation.failed:
        raise typer.Exit(1)


@app.command(epilog="Example: svd review my-review --jobs 2")
def review(
    review: ReviewFolder = None,
    profile: ProfileOption = Profile.publish,
    jobs: JobsOption = DEFAULT_JOBS,
    only: Annotated[list[str] | None, typer.Option(help="Evaluate this plan only (may be repeated).")] = None,
    scheduler: Annotated[str, typer.Option(help="A Dask scheduler that takes the work: tcp://HOST:PORT.")] = "",
    fit_minutes: MinutesOption = DEFAULT_FIT_MINUTES,
    quiet: QuietOption = False,
) -> None:
    """Evaluate every plan, write the reports and build the book."""
    from evaluation.annual import run_review
    from evaluation.errors import InputError

    folder = locate(review)
    limit_threads()
    try:
        if unknown := sorted(set(only or []) - {path.stem for path in (folder / "plans").glob("*.y*ml")}):
            refuse(
                f"There is no plan {', '.join(unknown)} in {folder}.",
                "Use the name of a file in plans/, without .yaml.",
            )
        with news(quiet) as progress:
            outcome = run_review(folder, profile.value, jobs, only or [], progress, scheduler, fit_minutes)
    except InputError as error:
        list_problems(error)
    if outcome.kept:
        typer.echo(f"Unchanged: {', '.join(outcome.kept)}")
    for plan_id, reason in outcome.failures.items():
        typer.echo(f"failed: {plan_id}: {reason}", err=True)
    typer.echo(f"Open {outcome.index}")
    if outcome.failures:
        raise typer.Exit(1)


@app.command(epilog="Example: svd book my-review")
def book(
    review: ReviewFolder = None,
    draft: Annotated[bool, typer.Option(help="Show draft packets, marked as drafts.")] = False,
) -> None:
    """Rebuild the book from stored packets only."""
    from evaluation.errors import InputError
    from evaluation.occupancy import occupy
    from evaluation.publication.book import build_book

    folder = locate(review)
    try:
        with occupy(folder):
            typer.echo(f"Open {build_book(folder, allow_draft=draft)}")
    except InputError as error:
        list_problems(error)


@app.command(epilog="Example: svd lock my-review/plans/street_mentors.yaml")
def lock(plan: Annotated[Path, typer.Argument(help="A plan file in a review's plans folder.")]) -> None:
    """Register a plan: its hash and today's date, so that later changes can be seen."""
    from evaluation.errors import InputError
    from evaluation.protocol.registration import register

    try:
        done = register(locate_plan(plan))
        typer.echo(f"{plan.stem}: registered on {done.registered[:10]}, fingerprint {done.sha256}")
    except InputError as error:
        list_problems(error)


@app.command(epilog="Example: svd feasibility my-review/plans/street_mentors.yaml")
def feasibility(
    plan: Annotated[
        list[Path] | None, typer.Argument(help="Plan files. Default: the example's.", show_default=False)
    ] = None,
) -> None:
    """Can this be evaluated at all? The smallest effect that could be found, before money is spent."""
    from evaluation.errors import InputError
    from evaluation.prospects import foresee_plan

    limit_threads()
    for path in plan or sorted((locate(None) / "plans").glob("*.yaml")):
        try:
            typer.echo(f"{path.stem}:")
            found = foresee_plan(locate_plan(path), lambda line: typer.echo(f"  {line}"))
        except InputError as error:
            list_problems(error)
        for sentence in found.advice:
            typer.echo(f"  {sentence}")


@app.command(epilog="Example: svd archive my-review --into my-review-2025-26.zip")
def archive(
    review: ReviewFolder = None,
    into: Annotated[Path, typer.Option(help="The zip file to write; must not exist yet.")] = Path("svd-archive.zip"),
) -> None:
    """Keep a review for next year: its inputs, its newest packets, versions and seeds, each with its SHA-256."""
    from evaluation.errors import InputError
    from evaluation.publication.archive import write_archive

    try:
        typer.echo(str(write_archive(locate(review), into)))
    except InputError as error:
        list_problems(error)


@app.command(epilog="Example: svd verify my-review-2025-26.zip")
def verify(
    archive: Annotated[Path, typer.Argument(help="An archive made by svd archive.")],
    only: Annotated[list[str] | None, typer.Option(help="Recompute this plan only (may be repeated).")] = None,
) -> None:
    """Prove an archived review: check every file's SHA-256, evaluate again, and compare every figure."""
    from evaluation.errors import InputError
    from evaluation.verification import verify_archive

    limit_threads()
    try:
        differences = verify_archive(archive, only or [], tell)
    except InputError as error:
        list_problems(error)
    for line in differences:
        typer.echo(f"differs: {line}", err=True)
    if differences:
        raise typer.Exit(1)
    typer.echo("Every figure was reproduced.")


@app.command(epilog="Example: svd calibrate ranks --size small")
def calibrate(
    study: Annotated[list[str] | None, typer.Argument(help="Studies to run. Default: all.", show_default=False)] = None,
    size: Annotated[Size, typer.Option(help="small: minutes. full: what is published, hours.")] = Size.small,
    jobs: JobsOption = DEFAULT_JOBS,
    into: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("svd-calibration"),
    simulations: Annotated[int | None, typer.Option(min=2, help="Of each cell, instead of the size's own.")] = None,
) -> None:
    """Measure the method itself: do its intervals hold the truth, are its posteriors right? On made-up data."""
    from evaluation.calibration import study as calibration

    if unknown := sorted(set(study or []) - set(calibration.NAMES)):
        refuse(f"There is no study {', '.join(unknown)}.", f"Studies: {', '.join(calibration.NAMES)}.")
    limit_threads()
    for place in calibration.calibrate(study or list(calibration.NAMES), size.value, jobs, into, tell, simulations):
        typer.echo(str(place))


def main() -> None:
    """Entry point of ``svd``: our own faults become one line, not a traceback, unless SVD_DEBUG is set."""
    try:
        app()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
    except Exception as error:
        if os.environ.get("SVD_DEBUG"):
            raise
        from evaluation.errors import explain

        for line in explain(error):
            typer.echo(line, err=True)
        sys.exit(1)


def locate(review: Path | None) -> Path:
    """The review folder meant, the shipped example by default.

    An installed copy may lie where nothing can be written, so its example is copied to the working folder first.
    """
    from evaluation import resources

    if review is None:
        shipped = resources.folder("params") / "example"
        if resources.folder("params").parent == resources.PACKAGE.parent:
            return shipped
        own = Path("svd-example")
        if not own.exists():
            shutil.copytree(shipped, own)
        return own
    if not review.is_dir():
        refuse(f"{review} is not a folder.", "Name a review folder; svd new FOLDER makes one.")
    return review


def locate_plan(plan: Path) -> Path:
    """The plan file meant, in a review's plans folder."""
    if not plan.is_file():
        refuse(f"There is no file {plan}.", "Name a plan: REVIEW/plans/NAME.yaml.")
    if plan.resolve().parent.name != "plans":
        refuse(f"{plan} is not in a folder called plans.", "Keep plans in REVIEW/plans/, beside review.yaml.")
    return plan


def refuse(found: str, remedy: str) -> None:
    """Say what is wrong and what would do, and end with exit code 2."""
    typer.echo(f"{found} {remedy}", err=True)
    raise typer.Exit(2)


def list_problems(error: InputError) -> None:
    """Print every problem, and end with exit code 2."""
    for problem in error.problems:
        typer.echo(f"problem: {problem}", err=True)
    refuse(f"{count(len(error.problems), 'problem')} found.", "Nothing was written.")


def count(n: int, noun: str) -> str:
    """`1 plan`, `2 plans`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def tell(line: str) -> None:
    """One line of news."""
    typer.echo(line)


def limit_threads() -> None:
    """One linear-algebra thread a process: the chains and the processes already fill the cores."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@contextmanager
def news(quiet: bool) -> Iterator[Progress]:
    """What happens, told while it happens; at the end, where the time went."""
    from evaluation.progress import Progress

    progress = Progress(quiet=quiet)
    try:
        yield progress
        progress.tell(progress.summarise())
    finally:
        progress.close()
