"""Two interventions in the same areas and periods: one model for both, and a plain word on whether they can be told apart.

Both effects enter as steps of their own in one refit of the same series (the fast approximation). What they did
together is then known as well as either alone; how it divides between them is known only as far as their dates differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from evaluation.inference.design import write_design
from evaluation.inference.effects import summarise
from evaluation.inference.engine import Sampler, Task
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from evaluation.judgement import wording
from evaluation.protocol import Plan, Review
from evaluation.protocol.overlap import Overlap, find_overlaps
from evaluation.protocol.period import read_span

# The data tell two effects apart if they narrow both of their priors to this share or less, and if what is learned of
# one does not undo the other (correlation of the two above the negative bound).
NARROWED, CORRELATED = 0.8, -0.8


def read_overlaps(review: Review, plan: Plan, frame: Frame | None, seed: int, interval: float) -> list[dict[str, Any]]:
    """The `overlap` list of finding.json: each other intervention, what both did together, whether they are separable.

    Args:
        review: with all plans.
        plan: the plan.
        frame: of the plan's primary indicator; None if it has none.
        seed: of the refits.
        interval: probability of the intervals.
    """
    return [_describe(review, plan, found, frame, seed, interval) for found in find_overlaps(review, plan)]


def _describe(
    review: Review, plan: Plan, found: Overlap, frame: Frame | None, seed: int, interval: float
) -> dict[str, Any]:
    other = review.plans[found.other]
    record: dict[str, Any] = {
        "other": found.other, "title": other.title, "shared": list(found.shared), "same_start": list(found.same_start),
        "compared": list(found.compared), "joint": None, "separable": None,
    }  # fmt: skip
    sentences = []
    if found.shared:
        sentences.append(f"{other.title} also ran in {_names(review, found.shared)}.")
        joint = estimate_jointly(frame, other.treated, seed, interval) if frame is not None else None
        if joint is not None:
            record |= joint
        if len(found.same_start) == len(plan.treated):
            record["separable"] = False
            sentences.append("Both started together everywhere: what is found is the effect of both, and no data can divide it.")  # fmt: skip
        elif joint is None:
            sentences.append("They could not be estimated together, so what is found may be the effect of both.")
        elif joint["separable"]:
            own, others = _said(joint["own"]), _said(joint["others"])
            sentences.append(
                f"Estimated together, the two can be told apart: {own} for this one, {others} for the other."
            )
        else:
            sentences.append(f"The data cannot tell the two apart; together: {_said(joint['joint'])}.")
    if found.compared:
        sentences.append(
            f"{other.title} ran in {_names(review, found.compared)}, with which this one is compared. If it worked there, the effect "
            "here is understated."
        )
    record["sentence"] = " ".join(sentences)
    return record


def _names(review: Review, codes: Sequence[str]) -> str:
    """Areas as a reader knows them."""
    known = review.areas.areas
    return ", ".join(known[code].name if code in known else code for code in codes)


def _said(ratio: Mapping[str, float]) -> str:
    change = {part: 100.0 * (ratio[part] - 1.0) for part in ("median", "lower", "upper")}
    return (
        f"{wording.change(change['median'])} than expected ({wording.change_range(change['lower'], change['upper'])})"
    )


def estimate_jointly(frame: Frame, other: Mapping[str, str], seed: int, interval: float) -> dict[str, Any] | None:
    """Both effects in one model: ``joint``, ``own`` and ``others`` (rate ratios), ``separable``, ``correlation``.

    Args:
        frame: of this plan; step effects are used for both, whatever its shape.
        other: area -> first treated period of the other intervention.
        seed: of the approximation.
        interval: probability of the intervals.

    Returns:
        None for scores, or if the model cannot be fitted.
    """
    if frame.likelihood == "normal":
        return None
    step = replace(
        frame,
        shape="step",
        leads=False,
        priors=replace(frame.priors, cohort_spread=1e-4, slope_sd=frame.priors.effect_sd),
    )
    data = write_design(step)
    column = np.zeros(frame.value.shape)
    for row, code in enumerate(frame.areas):
        starts = [
            read_span(other[c]).first for c in (frame.members if row == 0 and frame.members else (code,)) if c in other
        ]
        if starts:
            begun = [read_span(label).last >= min(starts) for label in frame.periods]
            column[row, :] = np.asarray(begun, dtype=float)
    basis = data.arrays["basis"].copy()
    basis[: column.shape[0], : column.shape[1], 1] = column
    arrays = {**data.arrays, "basis": basis}
    try:
        fit = approximate(Task(replace(data, arrays=arrays), Sampler(2, 0, 0), seed))
    except (FloatingPointError, np.linalg.LinAlgError, ValueError):
        return None
    draws = fit.draws["coefficient"].values.reshape(-1, 2)
    own, others = draws[:, 0], draws[:, 1]
    used = frame.used & frame.observed
    both = (column > 0) & frame.post & used
    if not both.any():
        return None
    correlation = float(np.corrcoef(own, others)[0, 1])
    narrowed = max(float(own.std()) / frame.priors.effect_sd, float(others.std()) / frame.priors.effect_sd)
    return {
        "joint": asdict(summarise(np.exp(own + others), interval)),
        "own": asdict(summarise(np.exp(own), interval)),
        "others": asdict(summarise(np.exp(others), interval)),
        "correlation": correlation,
        "separable": bool(narrowed <= NARROWED and correlation > CORRELATED),
    }
