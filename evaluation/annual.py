"""The annual strategy review: every plan, its report, the review's own report, and the book.

A plan that fails does not stop the others: its chapter says what failed and why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from evaluation import flow, resources, standing
from evaluation.errors import FitFailure, storage_fault
from evaluation.evidence.panel import build_panel
from evaluation.inference.crew import carry_out_all
from evaluation.inference.engine import Store
from evaluation.occupancy import occupy
from evaluation.progress import Progress
from evaluation.protocol import Plan, Review, indicator_roles
from evaluation.publication import packet as packets
from evaluation.publication.edition import write_failure
from evaluation.publication.kernels import WarmKernel, keep_kernel

if TYPE_CHECKING:
    from evaluation.publication import notebooks

Questions = dict[str, list[flow.Question]]


@dataclass
class Outcome:
    """What became of a review.

    Attributes:
        packets: folder of each plan that was evaluated, new or kept.
        failures: why a plan could not be evaluated, by id; part of it may have been.
        kept: plans whose stored packet is still right.
        index: first page of the book, if it was built.
    """

    packets: dict[str, Path] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    index: Path | None = None


def run_review(
    folder: Path,
    profile: str,
    jobs: int,
    only: list[str],
    progress: Progress,
    scheduler: str = "",
    fit_minutes: float | None = None,
) -> Outcome:
    """Evaluate every plan of a review folder and build its book.

    Args:
        folder: the review folder.
        profile: ``publish`` or ``draft``.
        jobs: processes for the sampling, and reports written at a time.
        only: ids of the plans to evaluate; all when empty. The book shows the stored packets of the others.
        progress: is told what happens.
        scheduler: address of a Dask scheduler that takes the sampling and the checks; none for this machine.
        fit_minutes: longest time for one indicator of one plan; without limit if None.

    Raises:
        InputError: everything wrong in the review's files, or another evaluation of it is under way.
    """
    with ExitStack() as held:
        with progress.stage("reading"):
            review = flow.check(folder)
            held.enter_context(occupy(review.folder))
            kernel = held.enter_context(keep_kernel())  # the plans' reports leave it to the review's own
            outcome = Outcome()
            chosen = [plan for plan in review.plans.values() if not only or plan.id in only]
            panels = {
                key: build_panel(review, key) for key in dict.fromkeys(k for p in chosen for k in indicator_roles(p))
            }
            questions = {plan.id: flow.ask(review, plan, panels, profile) for plan in chosen}
            store = Store(review.folder / "_build" / "fits")
            store.sweep()
            newest = packets.latest_packets(review.folder, profile)
            for plan in chosen:
                if place := still_right(review, plan, questions[plan.id], profile, newest.get(plan.id)):
                    outcome.packets[plan.id] = place
                    outcome.kept.append(plan.id)
        waiting = {plan.id: questions[plan.id] for plan in chosen if plan.id not in outcome.kept}
        lost = compute(waiting, store, jobs, progress, scheduler, len(chosen), fit_minutes)
        with progress.stage("standing chapters"):
            chapters, failed = standing.compute_chapters(review.folder, jobs, progress)
            outcome.failures |= failed
        filed = file_packets(
            review, waiting, store, profile, lost, jobs, progress, kernel, chapters, prepare_publishing
        )
        outcome.packets |= {plan_id: place for plan_id, (place, _) in filed.places.items()}
        outcome.failures |= filed.rejected
        for plan in chosen:
            if plan.id in outcome.packets:
                outcome.failures |= failed_indicators(review, plan.id, outcome.packets[plan.id])
            record_failure(review, plan.id, outcome.failures.get(plan.id) if plan.id not in outcome.packets else None)
        with progress.stage("book"):
            outcome.index = publish(review, profile, progress, kernel)
        return outcome


def run_plan(
    plan_path: Path, profile: str, jobs: int, progress: Progress, fit_minutes: float | None = None
) -> tuple[Path, flow.Evaluation]:
    """Evaluate one plan and file its packet.

    Raises:
        InputError: everything wrong in the files it depends on, or another evaluation of the folder is under way.
        FitFailure: the report could not be made.
    """
    with ExitStack() as held:
        with progress.stage("reading"):
            review, plan = flow.open_plan(plan_path)
            held.enter_context(occupy(review.folder))
            panels = {key: build_panel(review, key) for key in indicator_roles(plan)}
            questions = {plan.id: flow.ask(review, plan, panels, profile)}
        store = Store(review.folder / "_build" / "fits")
        lost = compute(questions, store, jobs, progress, fit_minutes=fit_minutes)
        filed = file_packets(review, questions, store, profile, lost, 1, progress)
        if plan.id in filed.rejected:
            record_failure(review, plan.id, filed.rejected[plan.id])
            raise FitFailure(filed.rejected[plan.id])
        record_failure(review, plan.id, None)
        return filed.places[plan.id]


def compute(
    questions: Questions,
    store: Store,
    jobs: int,
    progress: Progress,
    scheduler: str = "",
    n_plans: int = 1,
    fit_minutes: float | None = None,
) -> dict[str, str]:
    """Sample and check what is not stored; why something could not be, by its task's key."""
    orders = flow.all_orders(q for asked in questions.values() for q in asked)
    kept = n_plans - len(questions)
    plans, indicators = ("" if n == 1 else "s" for n in (n_plans, len(orders)))
    progress.tell(f"{n_plans} plan{plans}, {kept} unchanged; {len(orders)} indicator{indicators} to evaluate")
    with progress.stage("sampling and checks"):
        seconds = None if fit_minutes is None else 60 * fit_minutes
        return carry_out_all(orders, store, jobs, partial(progress.advance, "indicators"), scheduler, seconds)


@dataclass
class Filed:
    """What was evaluated: each plan's packet and evaluation, and whose report or which chapter was not accepted, with the reason."""

    places: dict[str, tuple[Path, flow.Evaluation]] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)


def file_packets(
    review: Review,
    questions: Questions,
    store: Store,
    profile: str,
    lost: dict[str, str],
    jobs: int,
    progress: Progress,
    kernel: WarmKernel | None = None,
    chapters: Sequence[notebooks.Task] = (),
    meanwhile: Callable[[], None] = lambda: None,
) -> Filed:
    """Conclude every plan; write its report, in another process, while the next is concluded; file its packet at once.

    The standing chapters are told beside the reports, first because they take longest. The last reports are told while
    this process has nothing left to conclude: `meanwhile` is done then.
    """
    from evaluation.publication import notebooks

    filed = Filed()
    evaluations: dict[Path, flow.Evaluation] = {}

    def conclude() -> Iterator[notebooks.Task]:
        yield from chapters
        for plan_id, asked in questions.items():
            try:
                evaluation = flow.conclude(review, review.plans[plan_id], asked, store, profile, lost)
            except Exception as error:  # one plan's trouble must not cost the others their review
                if storage_fault(error):  # but a full disk is everybody's
                    raise
                filed.rejected[plan_id] = reason_of(error)
                continue
            primary = evaluation.plan.indicators.primary
            if len(questions) > 1:  # of a single plan the command prints every headline at the end
                progress.tell(f"{plan_id}: {evaluation.finding['indicators'][primary]['headline']}")
            task = report_task(evaluation)
            evaluations[task.output] = evaluation
            yield task
        meanwhile()

    def file(task: notebooks.Task, result: notebooks.Result) -> None:
        if task.output not in evaluations:
            filed.rejected |= standing.file_chapter(task, result)
            return
        evaluation = evaluations.pop(task.output)
        plan_id = evaluation.plan.id
        if isinstance(result, Path):
            place = packets.write_packet(review.folder, evaluation, result, gather_posteriors(evaluation))
            filed.places[plan_id] = place, replace(evaluation, posteriors={})
        else:
            filed.rejected[plan_id] = str(result)
        told = sum(plan_id in filed.places or plan_id in filed.rejected for plan_id in questions)
        progress.advance("reports", told, len(questions))

    if questions or chapters:
        with progress.stage("findings and reports"):
            if questions:
                progress.advance("reports", 0, len(questions))
            notebooks.run_notebooks(conclude(), jobs, file, kernel)
    return filed


def report_task(evaluation: flow.Evaluation) -> notebooks.Task:
    """The report of an evaluation, to be run."""
    from evaluation.publication import notebooks

    review, plan = evaluation.review, evaluation.plan
    template = template_of(plan)
    evaluation.run["report"] = report_key(template)
    scratch = review.folder / "_build" / "notebooks" / f"{plan.id}.ipynb"
    parameters = {"plan_path": str(review.plan_files[plan.id].resolve()), "profile": evaluation.profile}
    return notebooks.Task(template, parameters, scratch, evaluation.run["key"])


def template_of(plan: Plan) -> Path:
    """The report's template for a plan's design."""
    return resources.folder("reports") / f"{plan.design}.ipynb"


def still_right(
    review: Review, plan: Plan, questions: list[flow.Question], profile: str, newest: Path | None
) -> Path | None:
    """The newest packet of a plan, if it answers these very questions and was told by this very report."""
    if newest is None or not (newest / "report.ipynb").is_file():
        return None
    run = json.loads((newest / "run.json").read_text(encoding="utf-8"))
    if failed_indicators(review, plan.id, newest):
        return None  # what failed, perhaps with its worker, is tried again
    same = run.get("question") == flow.question_key(review, plan, questions, profile)
    return newest if same and run.get("report") == report_key(template_of(plan)) else None


def failed_indicators(review: Review, plan_id: str, packet: Path) -> dict[str, str]:
    """Which indicators of a packet have no estimate, and why, under the plan's id; empty when all have one."""
    finding = json.loads((packet / "finding.json").read_text(encoding="utf-8"))
    failed = [entry["headline"] for entry in finding["indicators"].values() if entry["rating"] == "failed"]
    return {plan_id: " ".join(failed)} if failed else {}


def gather_posteriors(evaluation: flow.Evaluation) -> xr.Dataset | None:
    """All draws of a plan in one dataset for the evaluator, variables prefixed by indicator."""
    parts = []
    for key, draws in evaluation.posteriors.items():
        renamed = {name: f"{key}.{name}" for name in draws.data_vars}
        dims = {dim: f"{key}.{dim}" for dim in draws.dims}
        parts.append(draws.rename(renamed | dims))
    return xr.merge(parts) if parts else None


def report_key(template: Path) -> str:
    """Fingerprint of how a report is made: the template and the publication's source."""
    digest = hashlib.sha256(template.read_bytes())
    for path in sorted((Path(__file__).parent / "publication").glob("*.py")):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def reason_of(error: Exception) -> str:
    """One line for a reader, never a traceback."""
    if isinstance(error, FitFailure):
        return error.reason
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"[:400]


def record_failure(review: Review, plan_id: str, reason: str | None) -> None:
    """Leave word for the book why a plan has no packet, or take it away when it has one."""
    if reason is None:
        (review.folder / "_build" / "failures" / f"{plan_id}.json").unlink(missing_ok=True)
    else:
        write_failure(review.folder, plan_id, review.plans[plan_id].title, reason)


def prepare_publishing() -> None:
    """What the book needs of no packet."""
    from evaluation.publication.book import prepare_book

    prepare_book()


def publish(review: Review, profile: str, progress: Progress, kernel: WarmKernel | None = None) -> Path:
    """Build the book, which tells the review as a whole, from stored packets."""
    from evaluation.publication.book import build_book

    progress.tell("building the book")
    return build_book(review.folder, allow_draft=profile == "draft", kernel=kernel)
