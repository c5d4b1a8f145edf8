"""Every check of one finding, made and remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

from evaluation.inference import loo
from evaluation.inference.checks import Check, Refit, data_quality, plan_refits, posterior_predictive
from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate, summarise
from evaluation.inference.engine import Fit, Store, Task
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from evaluation.inference.robustness import Inquiry, plan_inquiries
from evaluation.inference.sensitivity import power_scaling, prior_sensitivity

PLACEBO_COLUMNS = ("kind", "label", "median", "lower", "upper")
Placebo = tuple[str, str, float, float, float]
Asked = Refit | Inquiry | Check


def plan_checks(frame: Frame, interval: float) -> list[Asked]:
    """Everything that is asked of a finding by refits, or the reason why it cannot be."""
    return [*plan_refits(frame, interval), prior_sensitivity(frame, interval), *plan_inquiries(frame, interval)]


def examine(
    frame: Frame, task: Task, refits: Sequence[Asked], fit: Fit, store: Store, interval: float
) -> tuple[list[Check], list[Placebo]]:
    """Every check of one finding, and its placebos as rows of :data:`PLACEBO_COLUMNS`.

    What the same code said of the same fit before is read back. A check whose refit fails could not be made, and says
    so.

    Args:
        frame, task, fit: the finding's question and posterior.
        refits: what else is asked, from :func:`plan_checks`.
        store: where answers are kept.
        interval: probability of the intervals.
    """
    key = record_key(frame, task, refits, interval)
    if (stored := store.load_record(key)) is not None:
        return [Check(**check) for check in stored["checks"]], [tuple(row) for row in stored["placebos"]]
    made = [data_quality(frame), posterior_predictive(frame, fit, interval, task.seed)]
    if refits:
        made += attempt("loo_pit", lambda: [loo.loo_pit(frame, task)])
        made += attempt("prior_predictive", lambda: [loo.prior_predictive(frame, task)])
        made += attempt("power_scaling", lambda: [power_scaling(frame, task, fit, interval)])
    placebos: list[Placebo] = []
    for number, refit in enumerate(refits):
        seed = task.seed + 1000 * number
        if isinstance(refit, Check):
            made.append(refit)
        elif isinstance(refit, Refit):
            made += attempt(refit.name, lambda r=refit, s=seed: judge_refit(r, fit, task, s))  # type: ignore[misc]
        else:
            made += attempt(
                refit.name,
                lambda r=refit, s=seed: judge_inquiry(r, fit, task, s, interval, placebos),  # type: ignore[misc]
            )
    if refits:
        store.save_record(key, {"checks": [asdict(check) for check in made], "placebos": placebos})
    return made, placebos


def record_key(frame: Frame, task: Task, refits: Sequence[Asked], interval: float) -> str:
    """Name under which the checks of a finding are stored: everything that they depend on."""
    words = f"{task.key}:{frame.periods}:{interval}:{inference_code()}:{asked(refits)}"
    return f"checks-{hashlib.sha256(words.encode()).hexdigest()[:32]}"


def attempt(name: str, make: Callable[[], list[Check]]) -> list[Check]:
    """The checks made, or one that says why it could not be."""
    try:
        return make()
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return [Check(name, None, f"The check could not be made: {reason}.")]


def judge_refit(refit: Refit, own: Fit, task: Task, seed: int) -> list[Check]:
    """One question of one approximated refit."""
    fit = approximate(Task(write_design(refit.frame), task.sampler, seed))
    made = [refit.judge(fit, own)]
    return [*made, refit.further(fit, own)] if refit.further else made


def judge_inquiry(
    inquiry: Inquiry, own: Fit, task: Task, seed: int, interval: float, placebos: list[Placebo]
) -> list[Check]:
    """One question of several approximated refits; placebo estimates are added to ``placebos``."""
    answers = []
    for i, (label, frame) in enumerate(inquiry.asked):
        fit = approximate(Task(write_design(frame), task.sampler, seed + i))
        answers.append(estimate(frame, fit)[0].draws)
        if inquiry.kind:
            found = summarise(answers[-1], interval)
            placebos.append((inquiry.kind, label, found.median, found.lower, found.upper))
    return inquiry.judge(answers, own)


def asked(refits: Sequence[Asked]) -> str:
    """Which refits are asked for."""
    return ",".join(f"{r.name}:{len(r.asked)}" if isinstance(r, Inquiry) else r.name for r in refits)


@cache
def inference_code() -> str:
    """Fingerprint of the source that makes checks."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
