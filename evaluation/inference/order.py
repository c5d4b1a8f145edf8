"""One indicator of one plan to be answered: sampled, passed through the gate, and examined.

An order carries all that a worker needs and nothing else, so the same order can be carried out here, in another
process or on another machine, with the same answer. What it makes is kept in the store by content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from evaluation.errors import FitFailure
from evaluation.inference.effects import Diagnostics, diagnose, estimate
from evaluation.inference.engine import Fit, Sampler, Store, Task, fetch
from evaluation.inference.examination import Asked, examine, plan_checks, record_key
from evaluation.inference.frame import Frame


@dataclass(frozen=True)
class Order:
    """What is to be answered.

    Attributes:
        frame, task: the question and its posterior.
        interval: probability of the intervals.
        strict: whether the answer is to be published, and so must pass the whole gate.
        checked: whether the checks that need refits are made.
    """

    frame: Frame
    task: Task
    interval: float
    strict: bool
    checked: bool


def refits_of(order: Order) -> list[Asked]:
    """What an order's checks will ask; made from its frame, since judges cannot be sent to another machine."""
    return plan_checks(order.frame, order.interval) if order.checked else []


def is_done(order: Order, store: Store) -> bool:
    """Whether everything this order makes is stored."""
    return is_stored(order.task.key, name_checks(order), store)


def name_checks(order: Order) -> str:
    """Name under which an order's checks are stored; empty if it makes none. Takes longer than to look whether they are."""
    return record_key(order.frame, order.task, refits_of(order), order.interval) if order.checked else ""


def is_stored(key: str, checks: str, store: Store) -> bool:
    """Whether a fit is stored, and the checks of this name, if any."""
    return store.has(key) and (not checks or store.has_record(checks))


def carry_out(order: Order, store: Store, cores: int = 1) -> None:
    """Make what is not stored yet: the fit, a second one if the gate wants it, the checks.

    Raises:
        FitFailure: no fit passed the gate.
    """
    fit, _ = pass_gate(order, store, cores=cores)
    if order.checked:
        examine(order.frame, order.task, refits_of(order), fit, store, order.interval)


def pass_gate(
    order: Order, store: Store, failures: Mapping[str, str] | None = None, cores: int | None = None
) -> tuple[Fit, Diagnostics]:
    """The fit and its diagnostics; one retry with stronger settings, then failure.

    A fit to be published that passes with a few divergent draws is also tried once more, with smaller steps, and the
    fit with fewer of them is kept.

    Args:
        order: the question.
        store: of fits.
        failures: tasks that are known to stop, with the reason as a sentence, by key.
        cores: for the chains; all by default.

    Raises:
        FitFailure: with the reason, in the reader's terms.
    """
    task = order.task
    kept: tuple[Fit, Diagnostics] | None = None
    reason = ""
    for _ in range(2):
        if failures and task.key in failures:
            reason = failures[task.key]
            break
        try:
            fit = fetch(task, store, cores)
        except Exception as error:
            reason = f"The sampler stopped: {str(error).splitlines()[0][:300] if str(error) else type(error).__name__}."
            break
        diagnostics = diagnose(estimate(order.frame, fit), fit.divergences, strict=order.strict)
        if diagnostics.passed and (kept is None or fit.divergences < kept[0].divergences):
            kept = fit, diagnostics
        if kept and not (order.strict and kept[0].divergences):
            break
        reason = f"The computation did not converge, twice: {'; '.join(diagnostics.reasons)}."
        task = stronger(task, fit.divergences, more=not diagnostics.passed)
    if kept is None:
        raise FitFailure(reason)
    return kept


def stronger(task: Task, divergences: int, *, more: bool = True) -> Task:
    """The same question with smaller steps if draws diverged and, where more are wanted, three times the draws."""
    sampler = task.sampler
    target = 0.99 if divergences else sampler.target_accept
    draws = 3 * sampler.draws if more else sampler.draws
    return replace(task, sampler=Sampler(sampler.chains, 2 * sampler.tune, draws, target))
