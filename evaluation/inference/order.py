"""One indicator of one plan to be answered: sampled, passed through the gate, and examined.

An order carries all that a worker needs and nothing else, so the same order can be carried out here, in another
process or on another machine, with the same answer. What it makes is kept in the store by content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from evaluation.errors import FitFailure, storage_fault
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
    """Whether everything this order makes is stored: its fit, and its checks if it makes any."""
    if not store.has(order.task.key):
        return False
    return not order.checked or store.has_record(record_key(order.frame, order.task, refits_of(order), order.interval))


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
        OSError, MemoryError: the fit could not be stored, or there is no room for it.
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
            if isinstance(error, MemoryError) or storage_fault(error):
                raise  # the machine's trouble, not this question's
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
