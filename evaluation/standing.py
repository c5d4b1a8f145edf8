"""The standing chapters of the book: monitoring and needs assessment, computed when asked and kept beside the packets.

What is stored is the costly part only, named by everything it depends on; the rest is made again from the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation import resources
from evaluation.errors import FitFailure, InputError, storage_fault
from evaluation.evidence.context import CONTEXT, MAP, PROFILE, Context, read_context
from evaluation.evidence.coverage import examine_review
from evaluation.evidence.days import days_path
from evaluation.evidence.editions import FOLDER, keep_editions
from evaluation.evidence.panel import build_panel
from evaluation.evidence.tidy import find_data
from evaluation.inference.engine import Store
from evaluation.judgement.board import Board, restore_range, watch
from evaluation.judgement.change import Change, compare_board
from evaluation.judgement.false_alarms import Alarms
from evaluation.judgement.monitoring import Judged, gather_series, judge
from evaluation.judgement.needs import Need, assess
from evaluation.judgement.stopping import Watch, watch_plans
from evaluation.occupancy import occupy
from evaluation.progress import Progress
from evaluation.protocol import Review
from evaluation.publication.edition import chapter_path
from evaluation.publication.subtraction import protect_need, protect_whole
from evaluation.writing import write_whole

if TYPE_CHECKING:
    from evaluation.publication import notebooks

SHELF, SERIES = "monitoring", "series"
ALARMS = ("textbook", "quiet", "ranges", "years")


def open_review(folder: Path) -> Review:
    """A review whose files and data are in order.

    Raises:
        InputError: with every problem found.
    """
    examination = examine_review(folder)
    if examination.problems or examination.review is None:
        raise InputError(examination.problems)
    return examination.review


def open_board(
    review_folder: Path | str, jobs: int = 1, report: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Review, Board, str]:
    """The board of a review, computed or, where nothing has changed, found.

    Args:
        review_folder: the review.
        jobs: processes.
        report: takes how many series are done and how many there are.

    Returns:
        The review, its board, and the key of the chapter that tells it.

    Raises:
        InputError: something is wrong in the review's files or data.
    """
    review = open_review(resources.find(review_folder))
    path = review.folder / "_build" / SHELF / f"{board_key(review)}.json"
    if path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        return review, _protected(_restore(review, stored)), monitoring_key(review)
    board = watch(review, jobs, report, store=Store(path.parent / SERIES), code=board_code())
    write_whole(path, json.dumps(_store(board), allow_nan=True) + "\n")
    return review, _protected(board), monitoring_key(review)


def _protected(board: Board) -> Board:
    """The board as it may be told: without totals from which a withheld count could be had by subtraction."""
    return replace(board, judged=protect_whole(board.judged))


def open_needs(review_folder: Path | str) -> tuple[Review, list[Need], Context, str]:
    """The needs assessment of a review, computed (it takes seconds), with its context and its key.

    Raises:
        InputError: something is wrong in the review's files, data, map or context.
    """
    review = open_review(resources.find(review_folder))
    context = read_context(review)
    needs = [protect_need(n, build_panel(review, n.indicator.key)) for n in assess(review, context.neighbours)]
    return review, needs, context, needs_key(review)


def open_watches(review: Review) -> list[Watch]:
    """The running interventions of a review, looked at by the rules that their plans fixed in advance (takes seconds each)."""
    return watch_plans(review, lambda key: build_panel(review, key))


def open_changes(review: Review, board: Board) -> list[Change]:
    """What the newest edition of the data changed, against the one stored before it."""
    return compare_board(review, board.judged)


def needs_key(review: Review) -> str:
    """Fingerprint of everything a needs assessment depends on."""
    digest = hashlib.sha256(board_key(review).encode())
    digest.update(repr(review.settings).encode())
    for name in (MAP, PROFILE, CONTEXT):
        if (path := review.folder / name).is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def monitoring_key(review: Review) -> str:
    """Fingerprint of everything the chapter depends on: its board, and what it says of the plans.

    A plan without a stopping rule is only named, with what was delivered: another prior of it changes nothing here.
    """
    digest = hashlib.sha256(board_key(review).encode())
    told = [(key, p.title, p.delivery, p if p.stopping is not None else None) for key, p in review.plans.items()]
    digest.update(repr(told).encode())
    return digest.hexdigest()[:24]


def board_key(review: Review) -> str:
    """Fingerprint of everything a board depends on: data, indicators, areas, settings and our own code, but no plan."""
    digest = hashlib.sha256()
    for indicator in review.indicators.values():
        digest.update(repr((indicator, sorted(indicator.model_fields_set))).encode())
        if path := find_data(review.folder, indicator):
            digest.update(path.read_bytes())
        for edition in sorted((review.folder / FOLDER / indicator.key).glob("*.csv")):
            digest.update(edition.name.encode() + edition.read_bytes())
        if (days := days_path(review.folder, indicator.key)).is_file():
            digest.update(days.read_bytes())
    digest.update(repr((review.areas, review.settings.seed, review.settings.interval)).encode())
    digest.update(board_code().encode())
    return digest.hexdigest()[:24]


def board_code() -> str:
    """Fingerprint of the code that a board depends on."""
    digest = hashlib.sha256()
    room = Path(__file__).parent
    for path in sorted([*(room / "inference").glob("*.py"), *(room / "judgement").glob("*.py")]):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _store(board: Board) -> dict[str, Any]:
    return {
        "ranges": {_name(j): None if j.expected is None else _plain(asdict(j.expected)) for j in board.judged},
        "why": {_name(j): j.why_no_range for j in board.judged},
        "alarms": {n: None if (a := getattr(board, n)) is None else asdict(a) for n in ALARMS},
    }


def _restore(review: Review, stored: dict[str, Any]) -> Board:
    judged: list[Judged] = []
    for key, indicator in review.indicators.items():
        for series in gather_series(review, indicator, build_panel(review, key)):
            name = f"{key}|{series.area}"
            if name in stored["ranges"]:
                found = stored["ranges"][name]
                judged.append(judge(series, None if found is None else restore_range(found), stored["why"][name]))
    alarms = {
        n: None if a is None else Alarms(**a | {part: tuple(a[part]) for part in ("bounds", "usual")})
        for n, a in stored["alarms"].items()
    }
    return Board(judged, *(alarms[n] for n in ALARMS))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def _name(judged: Judged) -> str:
    return f"{judged.series.indicator.key}|{judged.series.area}"


def write_chapters(
    review_folder: Path,
    jobs: int,
    progress: Progress,
    names: tuple[str, ...] | None = None,
) -> dict[str, str]:
    """Make the standing chapters of a review: compute what is not stored, run their notebooks.

    Returns:
        Why a chapter could not be made, by name; empty when all were.
    """
    from evaluation.publication import notebooks

    tasks, failed = compute_chapters(review_folder, jobs, progress, names)
    notebooks.run_notebooks(tasks, 1, lambda task, result: failed.update(file_chapter(task, result)))
    return failed


def compute_chapters(
    review_folder: Path,
    jobs: int,
    progress: Progress,
    names: tuple[str, ...] | None = None,
) -> tuple[list[notebooks.Task], dict[str, str]]:
    """Compute what the standing chapters of a review tell and is not stored.

    Returns:
        The notebooks to run, each result then for :func:`file_chapter`; and why a chapter could not be computed, by
        name. A chapter that stands is in neither.
    """
    from evaluation.publication import notebooks

    tasks: list[notebooks.Task] = []
    failed: dict[str, str] = {}
    review: Review | None = None
    for name in names or tuple(CHAPTERS):
        key_of, compute = CHAPTERS[name]
        place = chapter_path(review_folder, name)
        progress.tell(f"chapter: {name.replace('_', ' ')}")
        try:
            review = review or open_review(resources.find(review_folder))
            key = key_of(review)
            if place.is_file() and _told(place, name) == key:
                continue
            compute(review_folder, jobs, partial(progress.advance, "series"))
        except Exception as error:  # one chapter's trouble must not cost the others theirs
            if storage_fault(error):  # but a full disk is everybody's
                raise
            failed |= _withdraw(place, error)
            continue
        template = resources.folder("reports") / f"{name}.ipynb"
        tasks.append(notebooks.Task(template, {"review_path": str(review_folder.resolve())}, place, key))
    return tasks, failed


def file_chapter(task: notebooks.Task, result: notebooks.Result) -> dict[str, str]:
    """Mark a chapter as told, or take it away.

    Args:
        task: from :func:`compute_chapters`.
        result: of its notebook.

    Returns:
        Why it could not be made, by name; empty when it was.
    """
    if not isinstance(result, Path):
        return _withdraw(task.output, result)
    write_whole(task.output.with_suffix(".key"), f"{task.key} {_report_key(task.output.stem)}")
    return {}


def _withdraw(place: Path, error: Exception) -> dict[str, str]:
    """Take a chapter away, so that the book never shows an old one for one that could not be made."""
    place.unlink(missing_ok=True)
    text = str(error).strip().splitlines()
    return {place.stem: f"{type(error).__name__}: {text[0] if text else 'no message'}"}


def monitor_review(review_folder: Path, jobs: int, progress: Progress) -> list[str]:
    """Judge the newest period, write the chapter, and say what to look at, one line each.

    Raises:
        InputError: something is wrong in the review's files or data.
    """
    from evaluation.publication.changed import change_lines
    from evaluation.publication.delivery import delivery_lines
    from evaluation.publication.monitoring import news
    from evaluation.publication.running import running_lines

    opened = open_review(review_folder)
    with occupy(opened.folder):
        for kept in keep_editions(opened, datetime.now(UTC).date()):
            progress.tell(f"kept an edition: {kept.relative_to(review_folder).as_posix()}")
        review, board, _ = open_board(review_folder, jobs, partial(progress.advance, "series"))
        lines = [*news(board), *change_lines(open_changes(review, board)), *delivery_lines(board)]
        lines += running_lines(open_watches(review))
        return [*lines, _write_one(review_folder, "monitoring", jobs, progress)]


def assess_review(review_folder: Path, jobs: int, progress: Progress) -> list[str]:
    """Assess the needs, write the chapter, and say the priorities, one line each.

    Raises:
        InputError: something is wrong in the review's files, data, map or context.
        FitFailure: the chapter could not be made.
    """
    from evaluation.publication.needs import summary_lines

    review, needs, context, _ = open_needs(review_folder)
    with occupy(review.folder):
        return [*summary_lines(needs, review, context), _write_one(review_folder, "needs_assessment", jobs, progress)]


def _write_one(review_folder: Path, name: str, jobs: int, progress: Progress) -> str:
    """Make one chapter, and say where it is.

    Raises:
        FitFailure: it could not be made.
    """
    if failed := write_chapters(review_folder, jobs, progress, (name,)):
        raise FitFailure(f"The chapter could not be made. {failed[name]}")
    return f"The chapter: {chapter_path(review_folder, name)}; in the book after `svd book`."


def _told(place: Path, name: str) -> str:
    """The key of the stored chapter, if it was told by the report as it is now."""
    mark = place.with_suffix(".key")
    key, _, report = (mark.read_text(encoding="utf-8") if mark.is_file() else "").partition(" ")
    return key if report == _report_key(name) else ""


def _report_key(name: str) -> str:
    digest = hashlib.sha256((resources.folder("reports") / f"{name}.ipynb").read_bytes())
    for path in sorted((Path(__file__).parent / "publication").glob("*.py")):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:24]


def _compute_nothing(folder: Path, jobs: int, progress: Callable[[int, int], None]) -> None:
    """The needs are assessed where they are told; it takes seconds."""


# Of each chapter, the key, and what must be stored before it is told.
CHAPTERS: dict[str, tuple[Callable[[Review], str], Callable[[Path, int, Callable[[int, int], None]], Any]]] = {
    "monitoring": (monitoring_key, open_board),
    "needs_assessment": (needs_key, _compute_nothing),
}
