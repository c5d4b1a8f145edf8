"""The whole argument on one screen: from a plan to its finding.

plan + panel -> frame -> posterior -> estimands -> checks -> finding
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from evaluation.errors import FitFailure, InputError
from evaluation.evidence.coverage import check_data, examine_review
from evaluation.evidence.panel import build_panel
from evaluation.evidence.plausibility import crossed_shocks, find_origin
from evaluation.evidence.population import population_files
from evaluation.evidence.shocks import review_shocks
from evaluation.evidence.sources.filing import provenance_file
from evaluation.evidence.tidy import find_data
from evaluation.inference.checks import unaffected_outcome
from evaluation.inference.crew import recall_lost
from evaluation.inference.design import Structure, choose_structure, widen, write_design
from evaluation.inference.effects import Diagnostics, draw_series, estimate, tabulate
from evaluation.inference.engine import SAMPLERS, Fit, Store, Task, library_versions, model_code
from evaluation.inference.examination import PLACEBO_COLUMNS, asked, examine
from evaluation.inference.frame import Frame, frame_plan
from evaluation.inference.order import Order, pass_gate, refits_of
from evaluation.inference.predictive import predictive_bands
from evaluation.inference.shocks import Change, examine_changes
from evaluation.judgement import dossier, economics, findings
from evaluation.judgement.delivery import doubt_delivery
from evaluation.judgement.prices import own_tables, price_of, read_prices
from evaluation.protocol import Plan, Review, indicator_roles, likelihood_for, load_plan, load_review
from evaluation.protocol.overlap import find_overlaps
from evaluation.protocol.registration import changes_since_registration, read_registrations


@dataclass
class Evaluation:
    """One plan evaluated: plain data, as notebooks and the book read it (see ``book/developing/architecture.md``)."""

    review: Review
    plan: Plan
    profile: str
    finding: dict[str, Any]
    run: dict[str, Any]
    panels: dict[str, xr.Dataset]
    series: dict[str, xr.Dataset]
    effects: pd.DataFrame
    checks: pd.DataFrame
    failed: dict[str, str]
    posteriors: dict[str, xr.Dataset] = field(default_factory=dict)
    priors: dict[str, dict[str, float]] = field(default_factory=dict)
    predictive: dict[str, xr.Dataset] = field(default_factory=dict)
    placebos: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Question:
    """One indicator of one plan: what is to be answered, or the reason why it cannot be."""

    key: str
    panel: xr.Dataset
    order: Order | None
    reason: str = ""


def evaluate(plan_path: Path | str, profile: str = "publish") -> Evaluation:
    """Evaluate one plan: fit every indicator, or find the stored fits.

    Args:
        plan_path: a plan file inside a review folder's ``plans/``.
        profile: ``draft`` (quick, cannot be published) or ``publish``.

    Raises:
        InputError: everything wrong in the files this plan depends on.
    """
    review, plan = open_plan(Path(plan_path))
    store = Store(review.folder / "_build" / "fits")
    panels = {key: build_panel(review, key) for key in indicator_roles(plan)}
    questions = ask(review, plan, panels, profile)
    return conclude(review, plan, questions, store, profile, recall_lost(all_orders(questions), store))


def open_plan(plan_path: Path) -> tuple[Review, Plan]:
    """A plan and its review, if nothing that the plan depends on is wrong.

    Raises:
        InputError: with every problem.
    """
    review, plan = load_plan(plan_path)
    if problems := check_data(review, [plan.id]):
        raise InputError(problems)
    return review, plan


def ask(review: Review, plan: Plan, panels: dict[str, xr.Dataset], profile: str) -> list[Question]:
    """Turn a plan into questions, one for each of its indicators, without sampling anything."""
    frames: dict[str, Frame] = {}
    reasons: dict[str, str] = {}
    floor: Structure | None = None
    for key in indicator_roles(plan):
        try:
            frames[key] = frame_plan(review, plan, key, panels[key])
            floor = widen(choose_structure(frames[key]), floor)
        except ValueError as error:
            reasons[key] = str(error)
    questions = []
    for key, role in indicator_roles(plan).items():
        panel = panels[key]
        if key in reasons:
            questions.append(Question(key, panel, None, reasons[key]))
            continue
        task = Task(write_design(frames[key], floor), SAMPLERS[profile], seed_of(review, plan.id, key, "fit"))
        publish = profile == "publish"
        checked = publish and role != "unaffected"
        questions.append(Question(key, panel, Order(frames[key], task, review.settings.interval, publish, checked)))
    return questions


def conclude(
    review: Review,
    plan: Plan,
    questions: list[Question],
    store: Store,
    profile: str,
    failures: dict[str, str] | None = None,
) -> Evaluation:
    """Carry out what is not stored, and write the finding."""
    interval, draft = review.settings.interval, profile == "draft"
    fits: dict[str, tuple[Fit, Diagnostics]] = {}
    failed: dict[str, str] = {}
    for question in questions:
        if question.order is None:
            failed[question.key] = question.reason
            continue
        try:
            fits[question.key] = pass_gate(question.order, store, failures)
        except FitFailure as error:
            failed[question.key] = error.reason

    alarms = [
        unaffected_outcome(q.order.frame, fits[q.key][0], review.indicators[q.key].title, interval)
        for q in questions
        if q.order and q.order.frame.role == "unaffected" and q.key in fits
    ]
    entries: dict[str, Any] = {}
    effects, checks, placebos, series = [], [], [], {}
    for question in questions:
        indicator = review.indicators[question.key]
        order = question.order
        if question.key in failed or order is None:
            role, likelihood = indicator_roles(plan)[question.key], likelihood_for(plan, indicator)
            entries[question.key] = findings.fail(
                order.frame if order else None,
                role,
                plan.design,
                likelihood,
                indicator.title,
                failed[question.key],
                interval,
            )
            continue
        fit, diagnostics = fits[question.key]
        frame = order.frame
        estimands = estimate(frame, fit)
        made, strayed = examine(frame, order.task, refits_of(order), fit, store, interval)
        placebos += [(question.key, *row) for row in strayed]
        if order.checked:
            changes = known_changes(review, plan, question.key)
            made += examine_changes(frame, order.task, changes, fit, store, interval)
        made += alarms if frame.role != "unaffected" else []
        entries[question.key] = findings.find(
            frame, indicator, estimands, diagnostics, made, interval, doubts=declared_doubts(plan), draft=draft,
            thresholds=review.settings.thresholds,
        )  # fmt: skip
        effects.append(tabulate(frame, estimands, interval))
        checks += [(plan.id, question.key, c.name, c.passed, c.sentence) for c in made]
        series[question.key] = draw_series(frame, fit, interval)
    primary = entries[plan.indicators.primary]
    main, prices = review.indicators[plan.indicators.primary], read_prices(review.folder)
    finding = {
        "plan": plan.id,
        "profile": profile,
        "indicators": entries,
        "decision": economics.decide(plan, primary),
        "economics": economics.weigh(plan, main, primary, price_of(main, prices), prices),
    }
    material = {q.key: dossier.Material(q.order.frame, fits[q.key][0]) for q in questions if q.order and q.key in fits}
    panels = {q.key: q.panel for q in questions}
    dossier.complete(review, plan, finding, material, panels, prices, seed_of(review, plan.id, "dossier"))
    return Evaluation(
        review=review,
        plan=plan,
        profile=profile,
        finding=finding,
        run=record_run(review, plan, profile, finding, fits, question_key(review, plan, questions, profile)),
        panels=panels,
        series=series,
        effects=pd.concat(effects, ignore_index=True) if effects else pd.DataFrame(columns=list(EFFECT_COLUMNS)),
        checks=pd.DataFrame(checks, columns=["plan", "indicator", "name", "passed", "sentence"]),
        failed=failed,
        posteriors={key: fit.draws for key, (fit, _) in fits.items()},
        priors={
            q.key: asdict(q.order.frame.priors) | {"scale": q.order.frame.scale}
            for q in questions
            if q.order and q.key in fits
        },
        placebos=pd.DataFrame(placebos, columns=["indicator", *PLACEBO_COLUMNS]).assign(plan=plan.id),
        predictive={
            q.key: predictive_bands(q.order.frame, fits[q.key][0], interval, q.order.task.seed)
            for q in questions
            if q.order and q.key in fits
        },
    )


EFFECT_COLUMNS = (
    "plan", "indicator", "estimand", "cohort", "event_time", "period", "mean", "median", "lower", "upper", "prob_benefit",
)  # fmt: skip


def known_changes(review: Review, plan: Plan, key: str) -> list[Change]:
    """What the shock calendar, and the review's own, know to have changed in the window of a plan (see `svd check`).

    The lockdowns are one change; where a plan leaves nothing out, the check `shock_windows` tries it without them
    already. Made-up data have crossed nothing but what the review itself names.
    """
    origin = find_origin(review.folder, key)
    crossed = crossed_shocks(plan, review_shocks(review.folder), [origin] if origin else [])
    crossed = [shock for shock in crossed if shock.own or not review.settings.simulated]
    changes = [Change(shock.title, shock.start, shock.end) for shock in crossed if shock.own or shock.kind != "covid"]
    shut = [shock for shock in crossed if shock.kind == "covid" and shock.closed and not shock.own]
    if shut and plan.period.exclude:
        changes.append(Change("the lockdowns", shut[0].start, max(shock.end or shock.start for shock in shut)))
    return changes


def declared_doubts(plan: Plan) -> list[str]:
    """Assumptions which the plan itself calls poor, and large in their effect if wrong; hardly any delivery."""
    return [
        f"The plan calls this assumption poor, and its effect large: {assumption.says}"
        for assumption in plan.assumptions
        if assumption.quality == "red" and assumption.impact == "red"
    ] + doubt_delivery(plan)


@cache
def argument_code() -> str:
    """Fingerprint of the source that turns posteriors into findings."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted([root / "flow.py", *root.glob("inference/*.py"), *root.glob("judgement/*.py")]):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def seed_of(review: Review, *parts: str) -> int:
    """The seed of one posterior: from the review's seed and the names of what is asked, so that plans do not move each other."""
    text = ":".join((str(review.settings.seed), *parts))
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 2**31


def record_run(
    review: Review,
    plan: Plan,
    profile: str,
    finding: dict[str, Any],
    fits: dict[str, tuple[Fit, Diagnostics]],
    question: str,
) -> dict[str, Any]:
    """``run.json``: what is needed to make this finding again."""
    inputs = {path.relative_to(review.folder).as_posix(): path for path in input_files(review, plan)}
    versions = library_versions() | {name: version(name) for name in ("svd-evaluation", "arviz", "pandas", "xarray")}
    content = json.dumps(finding, sort_keys=True, default=str)
    return {
        "key": hashlib.sha256(content.encode()).hexdigest(),
        "question": question,
        "commit": commit(),
        "versions": versions,
        "models": model_code(),
        "seed": review.settings.seed,
        "profile": profile,
        "registered": registration(review.plan_files[plan.id]),
        "sampler": vars(SAMPLERS[profile]),
        "inputs": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in inputs.items()},
        "seconds": {key: round(fit.seconds, 2) for key, (fit, _) in fits.items()},
        "diagnostics": {key: entry["diagnostics"] for key, entry in finding["indicators"].items()},
    }


def registration(plan_file: Path) -> dict[str, Any] | None:
    """When the plan was first locked, and which keys have changed since; None if it never was."""
    registered = read_registrations(plan_file)
    if not registered:
        return None
    changes = changes_since_registration(plan_file)
    return {
        "date": registered[0].registered[:10],
        "sha256": registered[0].sha256,
        "changed": [change.key for change in changes],
        "changes": [{"key": c.key, "registered": str(c.registered), "now": str(c.now)} for c in changes],
        "results_before": registered[0].results,
    }


def input_files(review: Review, plan: Plan) -> Iterator[Path]:
    """Every file the finding depends on."""
    for name in ("review.yaml", "areas.yaml", "indicators.yaml"):
        if (review.folder / name).is_file():
            yield review.folder / name
    yield review.plan_files[plan.id]
    yield from own_tables(review.folder)
    yield from population_files(review.folder)
    for name in ("shocks.csv", "definitions.yaml"):
        if (review.folder / name).is_file():
            yield review.folder / name
    # What else ran in the same places is part of the finding.
    yield from (review.plan_files[found.other] for found in find_overlaps(review, plan))
    for key in indicator_roles(plan):
        path = find_data(review.folder, review.indicators[key])
        if path is not None and path.is_relative_to(review.folder):
            yield path
        # Which known changes the series has crossed follows from where the data come from.
        if (record := provenance_file(review.folder, key)).is_file():
            yield record


def commit() -> str | None:
    """The software's commit when it runs from a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=root,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def check(folder: Path) -> Review:
    """The review, if nothing in its files or data is wrong.

    Raises:
        InputError: every problem of every file.
    """
    examination = examine_review(folder)
    if examination.problems:
        raise InputError(examination.problems)
    return load_review(folder)


def question_key(review: Review, plan: Plan, questions: list[Question], profile: str) -> str:
    """Fingerprint of everything a finding follows from: posteriors asked for, words of the files, code of the argument.

    Two runs with the same key have the same finding, so a stored packet with this key need not be made again.
    """
    digest = hashlib.sha256(profile.encode())
    for question in questions:
        order = question.order
        words = f"{order.task.key}:{asked(refits_of(order))}" if order else "None:"
        digest.update(f"{question.key}:{question.reason}:{words}".encode())
    for path in input_files(review, plan):
        digest.update(path.read_bytes())
    digest.update(json.dumps(registration(review.plan_files[plan.id])).encode())
    digest.update(argument_code().encode())
    return digest.hexdigest()


def all_orders(questions: Iterable[Question]) -> list[Order]:
    """Everything that some questions need carried out."""
    return [question.order for question in questions if question.order]
