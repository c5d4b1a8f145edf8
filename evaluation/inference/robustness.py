"""Would another area, another shape or another window have said the same? Questions of several refits at once.

Every refit is approximated (see ``laplace``), so that dozens cost seconds. Answers are draws of the overall estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, chi2, t

from evaluation.inference.checks import Check, contains_none, say_effect
from evaluation.inference.effects import Draws, Summary, estimate, summarise
from evaluation.inference.engine import Fit
from evaluation.inference.frame import Frame

MOST_AREAS = 20
MOST_LEFT_OUT = 12
MOST_DATES = 8
ENOUGH_PLACEBOS = 8
ENOUGH_DATES = 6
SHAPES = ("step", "ramp", "level_and_slope", "per_period")
# Restrictions in England from the first lockdown to the last; used only where a plan names no window itself.
PANDEMIC = ("2020-03", "2021-06")


@dataclass(frozen=True)
class Inquiry:
    """Several refits that are judged together.

    Attributes:
        name: of the check.
        asked: label and question of each refit.
        judge: from the overall draws of every refit (in their order) and the finding's own fit, to checks.
        kind: ``area`` or ``date`` where the answers are placebos, whose spread is shown.
    """

    name: str
    asked: tuple[tuple[str, Frame], ...]
    judge: Callable[[Sequence[Draws], Fit], list[Check]]
    kind: str = ""


def plan_inquiries(frame: Frame, interval: float) -> list[Inquiry | Check]:
    """Every question of several refits for one indicator, or the reason why one cannot be asked."""
    return [
        placebo_in_space(frame, interval),
        placebo_dates(frame, interval),
        leave_one_area_out(frame, interval),
        alternative_shapes(frame, interval),
        shock_windows(frame, interval),
    ]


def select_areas(frame: Frame, rows: Sequence[int], n_treated: int) -> Frame:
    """The frame with some of its areas, in this order; the first ``n_treated`` are the treated ones."""
    at = np.asarray(rows, dtype=np.int64)
    names = ("start", "value", "low", "high", "exposure", "used", "hidden", "set_aside")
    cut = {name: getattr(frame, name)[at] for name in names if getattr(frame, name) is not None}
    return replace(frame, areas=[frame.areas[i] for i in at], n_treated=n_treated, **cut)


def placebo_in_space(frame: Frame, interval: float) -> Inquiry | Check:
    """Treat each comparison area as if it had had the intervention, without the areas that did (Abadie 2010)."""
    others = list(range(frame.n_treated, len(frame.areas)))
    if frame.design != "did" or len(others) < 4:
        return Check("placebo_in_space", None, "Fewer than four comparison areas: no false treated area can be tried.")
    first = int(frame.start[: frame.n_treated].min())
    asked = []
    for j in _evenly(others, MOST_AREAS):
        placebo = select_areas(frame, [j, *(i for i in others if i != j)], 1)
        start = placebo.start.copy()
        start[0] = first
        shape = "decay" if frame.shape == "decay" else "step"
        priors = replace(frame.priors, effect_mean=0.0)
        placebo = replace(placebo, start=start, shape=shape, washout=0, leads=False, priors=priors)
        cells = placebo.evaluated.any() and (placebo.used & placebo.observed & ~placebo.post)[0].any()
        if cells:
            asked.append((frame.areas[j], placebo))
    if len(asked) < 4:
        return Check("placebo_in_space", None, "Fewer than four comparison areas have data on both sides of the start.")

    def judge(answers: Sequence[Draws], own: Fit) -> list[Check]:
        found = [summarise(draws, interval) for draws in answers]
        false = sum(not contains_none(frame, s) for s in found)
        n = len(found)
        passed = bool(false <= binom.ppf(0.95, n, 1.0 - interval))
        sizes = np.abs([_standardised(frame, draws) for draws in answers])
        rank = 1 + int(np.sum(sizes >= abs(_standardised(frame, estimate(frame, own)[0].draws))))
        sentence = (
            f"Of {n} comparison areas treated as if they had the intervention, {false} showed an effect where there is "
            f"none; the finding ranks {rank} of {n + 1} by size against its own uncertainty."
        )
        checks = [Check("placebo_in_space", passed, sentence)]
        if n >= ENOUGH_PLACEBOS:
            checks.append(calibrate_on_placebos(frame, answers, own, interval, "area"))
        return checks

    return Inquiry("placebo_in_space", tuple(asked), judge, "area")


def placebo_dates(frame: Frame, interval: float) -> Inquiry | Check:
    """Several false starts in the time before the start: how far estimates stray when there is nothing to find."""
    name = "placebo_dates"
    treated = slice(0, frame.n_treated)
    real = int(frame.start[treated].min())
    usable = np.flatnonzero((frame.used & frame.observed & ~frame.post)[treated].any(axis=0))
    usable = usable[usable < real]
    needed = max(6, round(frame.per_year))
    if len(usable) < 2 * needed or (frame.design == "did" and len(frame.areas) == frame.n_treated):
        return Check(name, None, "The time before the start is too short for several false starts.")
    dates = _evenly(list(usable[needed : len(usable) - needed // 2]), MOST_DATES)
    asked = []
    for false in dates:
        start = frame.start.copy()
        start[treated] = false
        used = frame.used & (np.arange(len(frame.periods)) < real)[None, :]
        shape = "decay" if frame.shape == "decay" else "step"
        priors = replace(frame.priors, effect_mean=0.0)
        placebo = replace(frame, start=start, used=used, shape=shape, washout=0, leads=False, priors=priors)
        if placebo.evaluated.any():
            asked.append((frame.periods[false], placebo))

    def judge(answers: Sequence[Draws], own: Fit) -> list[Check]:
        found = [summarise(draws, interval) for draws in answers]
        false = sum(not contains_none(frame, s) for s in found)
        # False starts share most of their data, so a third of them may be wrong together by chance.
        passed = false <= max(1, len(found) // 3)
        sentence = f"Of {len(found)} false starts before the real one, {false} showed an effect where there is none."
        checks = [Check(name, passed, sentence)]
        # Areas are the better placebos: each has data of its own.
        areas = len(frame.areas) - frame.n_treated if frame.design == "did" else 0
        if len(found) >= ENOUGH_DATES and areas < ENOUGH_PLACEBOS:
            checks.append(calibrate_on_placebos(frame, answers, own, interval, "date"))
        return checks

    return Inquiry(name, tuple(asked), judge, "date")


PLACEBOS = {"area": ("placebo_calibration", "comparison areas"), "date": ("date_calibration", "false starts")}


def calibrate_on_placebos(frame: Frame, answers: Sequence[Draws], own: Fit, interval: float, kind: str) -> Check:
    """How wide would intervals have to be to be right on the placebos? (Schuemie et al. 2014, in small.)

    The placebos' estimates over their standard errors should have mean square 1 at most; its root is the factor by
    which intervals fall short, and the finding's interval is given with it (t quantile, for the few placebos). False
    starts share most of their data with their neighbours and count as half their number.
    """
    name, words = PLACEBOS[kind]
    scores = np.array([_standardised(frame, draws) for draws in answers])
    n = len(scores)
    free = n if kind == "area" else n / 2
    factor = float(np.sqrt(np.mean(scores**2)))
    passed = bool(factor**2 <= chi2.ppf(0.95, free) / free)
    draws = _link(frame, estimate(frame, own)[0].draws)
    half = float(t.ppf(0.5 + interval / 2, free) * np.std(draws) * max(factor, 1.0))
    middle = float(np.median(draws))
    ends = [middle - half, middle, middle + half]
    low, centre, high = ends if frame.likelihood == "normal" else [float(np.exp(end)) for end in ends]
    wide = say_effect(frame, Summary(centre, centre, low, high))
    if factor <= 1.0:
        sentence = f"On the {n} {words} the model's intervals were wide enough (estimates strayed {factor:.1f} times their standard error)."
    else:
        sentence = f"On the {n} {words} estimates strayed {factor:.1f} times their standard error; an interval that allows for it: {wide}."
    widened = {"kind": kind, "placebos": n, "factor": factor, "lower": low, "upper": high}
    return Check(name, passed, sentence, widened=widened)


def leave_one_area_out(frame: Frame, interval: float) -> Inquiry | Check:
    """Does the finding hang on one area?"""
    name = "leave_one_area_out"
    n_areas, treated = len(frame.areas), frame.n_treated
    if n_areas < 3 or frame.design != "did":
        return Check(name, None, "There are too few separate areas to leave one out.")
    drop = _evenly(list(range(treated)), MOST_LEFT_OUT) if treated > 1 else []
    if n_areas - treated > 1:
        drop += _evenly(list(range(treated, n_areas)), MOST_LEFT_OUT)
    asked = []
    for j in drop:
        kept = [i for i in range(n_areas) if i != j]
        rest = select_areas(frame, kept, treated - (j < treated))
        comparable = (rest.used & rest.observed & ~rest.post).any(axis=0)
        rest = replace(rest, used=rest.used & comparable[None, :])
        if rest.evaluated.any():
            asked.append((frame.areas[j], rest))
    if not asked:
        return Check(name, None, "No area can be left out.")
    labels = [label for label, _ in asked]

    def judge(answers: Sequence[Draws], own: Fit) -> list[Check]:
        base = summarise(estimate(frame, own)[0].draws, interval)
        found = [summarise(draws, interval) for draws in answers]
        passed = all(agree(frame, base, other) for other in found)
        medians = [s.median for s in found]
        far = labels[int(np.argmax(np.abs(np.array(medians) - base.median)))]
        span = _span(frame, min(medians), max(medians))
        verdict = "does not hang on any one of them" if passed else f"depends on one area ({far})"
        return [Check(name, passed, f"Leaving out one area at a time ({len(found)} tried), the estimate lies between {span}: it {verdict}.")]  # fmt: skip

    return Inquiry(name, tuple(asked), judge)


def alternative_shapes(frame: Frame, interval: float) -> Inquiry | Check:
    """Does the average effect depend on the shape the plan gave it?"""
    name = "alternative_shapes"
    if frame.leads:
        return Check(name, None, "Every period has an effect of its own: there is no shape to vary.")
    others = [shape for shape in SHAPES if shape != frame.shape]
    asked = tuple((shape, replace(frame, shape=shape)) for shape in others)

    def judge(answers: Sequence[Draws], own: Fit) -> list[Check]:
        base = summarise(estimate(frame, own)[0].draws, interval)
        found = {label: summarise(draws, interval) for (label, _), draws in zip(asked, answers, strict=True)}
        passed = all(agree(frame, base, other) for other in found.values())
        each = "; ".join(f"{label.replace('_', ' ')} {_one(frame, s.median)}" for label, s in found.items())
        verdict = "hardly depends" if passed else "depends"
        return [Check(name, passed, f"The average effect {verdict} on its assumed shape: {each}.")]

    return Inquiry(name, asked, judge)


def shock_windows(frame: Frame, interval: float) -> Inquiry | Check:
    """With the windows that the plan leaves out, or without the pandemic's where it names none."""
    name = "shock_windows"
    if frame.set_aside is not None and frame.set_aside.any():
        other, words = replace(frame, used=frame.used | frame.set_aside), "With the periods that the plan leaves out"
    else:
        inside = np.array([PANDEMIC[0] <= label[:7] <= PANDEMIC[1] for label in frame.periods])
        used = frame.used & ~inside[None, :]
        other, words = replace(frame, used=used), f"Without {PANDEMIC[0]} to {PANDEMIC[1]} (lockdowns)"
        before = (used & frame.observed & ~frame.post)[: frame.n_treated].any(axis=0).sum()
        if not inside.any() or not other.evaluated.any() or before < max(6, frame.per_year / 2):
            return Check(name, None, "The plan leaves no window out, and no known shock can be left out instead.")

    def judge(answers: Sequence[Draws], own: Fit) -> list[Check]:
        base, found = summarise(estimate(frame, own)[0].draws, interval), summarise(answers[0], interval)
        passed = agree(frame, base, found)
        verdict = "hardly changes" if passed else "changes"
        return [Check(name, passed, f"{words} the estimate {verdict}: {say_effect(frame, found)}.")]

    return Inquiry(name, (("windows", other),), judge)


def agree(frame: Frame, own: Summary, other: Summary) -> bool:
    """Whether another analysis says the same: its median inside the finding's interval, and on the same side.

    Where the finding's interval excludes no effect, the other must keep at least half of the effect.
    """
    if not own.lower <= other.median <= own.upper:
        return False
    if contains_none(frame, own):
        return True
    mine, theirs = (float(_link(frame, np.array(s.median))) for s in (own, other))
    return bool(theirs / mine >= 0.5)


def _evenly(items: Sequence[int], most: int) -> list[int]:
    if len(items) <= most:
        return [int(i) for i in items]
    places = np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))
    return [int(items[i]) for i in places]


def _link(frame: Frame, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    return draws if frame.likelihood == "normal" else np.log(draws)


def _standardised(frame: Frame, draws: Draws) -> float:
    """Estimate over its standard error, on the link scale."""
    linked = _link(frame, draws)
    return float(np.median(linked) / np.std(linked))


def _one(frame: Frame, value: float) -> str:
    return f"{value:.2f}" if frame.likelihood != "normal" else f"{value:+.3g}".replace("-", "−")


def _span(frame: Frame, low: float, high: float) -> str:
    return f"{_one(frame, low)} and {_one(frame, high)}"
