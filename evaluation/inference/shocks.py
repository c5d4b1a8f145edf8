"""Would the finding be the same without the known changes that its window crosses? One approximated refit for each.

A change that ended (a lockdown, months of which only part was supplied) is left out with its periods. One that lasts (a
new counting rule, a new record system) parts the series: the periods on its far side from the start are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from evaluation.inference.checks import Check, say_effect
from evaluation.inference.effects import Draws, estimate, summarise
from evaluation.inference.engine import Fit, Store, Task
from evaluation.inference.examination import attempt, inference_code, judge_inquiry
from evaluation.inference.frame import Frame
from evaluation.inference.robustness import Inquiry, agree
from evaluation.protocol.period import read_span
from evaluation.protocol.suggest import listing, plural

NAME = "shock_calendar"
MOST = 4  # changes tried, those nearest to the start first


@dataclass(frozen=True)
class Change:
    """A known change: what it is called, its first day, and its last one (None where it lasts)."""

    title: str
    first: date
    last: date | None


def examine_changes(
    frame: Frame, task: Task, changes: Sequence[Change], fit: Fit, store: Store, interval: float
) -> list[Check]:
    """The check, made or read back from the store; none if no known change lies in the window.

    Args:
        frame, task, fit: the finding's question and posterior.
        changes: that the window crosses and the plan does not leave out.
        store: where answers are kept, by everything that they depend on.
        interval: probability of the intervals.
    """
    asked = leave_out_changes(frame, changes, interval)
    if asked is None or isinstance(asked, Check):
        return [] if asked is None else [asked]
    words = f"{task.key}:{frame.periods}:{interval}:{inference_code()}:{[label for label, _ in asked.asked]}:{changes}"
    key = f"changes-{hashlib.sha256(words.encode()).hexdigest()[:32]}"
    if (stored := store.load_record(key)) is not None:
        return [Check(**check) for check in stored]
    made = attempt(NAME, lambda: judge_inquiry(asked, fit, task, task.seed + 500_000, interval, []))
    store.save_record(key, [asdict(check) for check in made])
    return made


def leave_out_changes(frame: Frame, changes: Sequence[Change], interval: float) -> Inquiry | Check | None:
    """The questions to ask, the reason why none can be, or None where nothing is known to have changed."""
    inside = [change for change in changes if _part(frame, change).any()]
    if not inside:
        return None
    starts = [read_span(frame.periods[int(at)]).first for at in frame.start[: frame.n_treated]]
    inside.sort(key=lambda change: min(abs((change.first - start).days) for start in starts))
    asked: list[tuple[str, Frame]] = []
    too_short = []
    for change in inside:
        used = frame.used & ~_part(frame, change)
        other = replace(frame, used=used)
        before = (used & frame.observed & ~frame.post)[: frame.n_treated].any(axis=0).sum()
        if before < max(6, frame.per_year / 2) or not other.evaluated.any():
            too_short.append(change.title)
        elif len(asked) < MOST:
            asked.append((change.title, other))
    if not asked:
        text = f"Too little is left without {listing(too_short, 3)}: what {_they(too_short)} did to the result cannot be tried."
        return Check(NAME, None, text)
    untried = len(inside) - len(asked)

    def judge(answers: Sequence[Draws], own: Fit) -> list[Check]:
        base = summarise(estimate(frame, own)[0].draws, interval)
        found = [(label, summarise(draws, interval)) for (label, _), draws in zip(asked, answers, strict=True)]
        passed = all(agree(frame, base, other) for _, other in found)
        each = "; ".join(f"without {label}: {say_effect(frame, other)}" for label, other in found)
        verdict = "hardly depends" if passed else "depends"
        rest = (
            f" {plural(untried, 'more known change')} could not be tried or {'was' if untried == 1 else 'were'} further from the start."
            if untried
            else ""
        )
        return [Check(NAME, passed, f"The estimate {verdict} on what else changed in its window: {each}.{rest}")]

    return Inquiry(NAME, tuple(asked), judge)


def _they(titles: Sequence[str]) -> str:
    return "it" if len(titles) == 1 else "they"


def _part(frame: Frame, change: Change) -> NDArray[np.bool_]:
    """The cells in use that go when a change is left out, shape (area, time)."""
    spans = [read_span(label) for label in frame.periods]
    first = np.array([span.first for span in spans])
    last = np.array([span.last for span in spans])
    if change.last is not None:
        gone = (last >= change.first) & (first <= change.last)
        return frame.used & gone[None, :]
    if change.first <= spans[0].first or change.first > spans[-1].last:
        return np.zeros_like(frame.used)
    before = last < change.first  # periods that lie wholly before it
    starts = np.minimum(frame.start, len(spans) - 1)[: frame.n_treated]
    # Counted from the first start: earlier, its far side is what came before it; later, what comes after.
    far = before if change.first <= spans[int(starts.min())].first else ~before
    return frame.used & far[None, :]
