"""A stopping rule fixed in advance, and how often it errs under repeated looks.

Estimates at successive looks are correlated: the later holds the earlier. With information I[k] (the inverse of the
estimate's variance, without the prior's) they follow the canonical joint distribution of sequential analysis (Jennison and Turnbull
2000, chapter 3): estimate[k] normal around the truth with variance 1 / I[k], increments of I x estimate independent.
Error rates are found by simulating that distribution and applying the rule to each path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.inference.looks import Look, foresee, look_periods, take_look
from evaluation.protocol import Plan, Review
from evaluation.protocol.plan import Stopping

Verdict = Literal["harm", "success", "futility", "go on"]
VERDICTS: tuple[Verdict, ...] = ("harm", "success", "futility", "go on")
PATHS = 20_000
NO_EFFECT = "no effect"
PEEK = 0.95  # probability at which somebody who looks on without a rule would believe


@dataclass(frozen=True)
class Watch:
    """One running intervention.

    Attributes:
        plan, title: which.
        rule: as the plan fixed it; None if it fixed none.
        planned: last period of every look.
        looks: those that the data reach.
        verdicts: of each look reached.
        errors: true rate of the outcome against no scheme -> how often each verdict ends it; in words' order.
        why: why there are no looks or no error rates.
        peeking: how often a scheme without any effect would be called harmful or beneficial by this rule at its last look only
            (`once`), and by looking at every period from the first look on and believing 95% (`always`).
    """

    plan: str
    title: str
    rule: Stopping | None
    planned: list[str]
    looks: list[Look]
    verdicts: list[Verdict]
    errors: dict[str, dict[str, float]]
    why: str = ""
    peeking: dict[str, float] = field(default_factory=dict)

    @property
    def decided(self) -> int | None:
        """Which look ended it, None if none has."""
        return next((k for k, verdict in enumerate(self.verdicts) if verdict != "go on"), None)


def decide(benefit: float, harm: float, worth: float, rule: Stopping) -> Verdict:
    """What the rule says of one look; harm is asked first, futility last."""
    if harm >= rule.harm:
        return "harm"
    if benefit >= rule.success:
        return "success"
    return "futility" if worth <= rule.futility else "go on"


def simulate_errors(
    information: ArrayLike, rule: Stopping, prior_mean: float, prior_sd: float, worth: float, truth: float, seed: int
) -> dict[str, float]:
    """How often each verdict is the first to end the intervention, over all its looks.

    Args:
        information: of the data at each look, shape (look,), not falling.
        rule: fixed in advance.
        prior_mean, prior_sd: of the log rate ratio, benefit negative.
        worth: log of the smallest effect worth acting on (negative).
        truth: the true log rate ratio.
        seed: of the paths.
    """
    gained = np.diff(np.maximum.accumulate(np.asarray(information, dtype=float)), prepend=0.0)
    rng = np.random.default_rng(seed)
    score = np.cumsum(rng.normal(truth * gained, np.sqrt(gained), size=(PATHS, len(gained))), axis=1)
    precision = np.cumsum(gained) + prior_sd**-2
    mean, sd = (score + prior_mean * prior_sd**-2) / precision, precision**-0.5
    benefit = stats.norm.cdf((0.0 - mean) / sd)
    futile = stats.norm.cdf((worth - mean) / sd) <= rule.futility
    said = np.where(1.0 - benefit >= rule.harm, 0, np.where(benefit >= rule.success, 1, np.where(futile, 2, 3)))
    first = _first_end(said)
    return {verdict: float((first == k).mean()) for k, verdict in enumerate(VERDICTS)}


def _first_end(said: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first verdict other than to go on, 3 if there is none; shape (path,)."""
    ended = said < len(VERDICTS) - 1
    place = np.where(ended.any(axis=1), ended.argmax(axis=1), said.shape[1] - 1)
    return said[np.arange(len(said)), place]


def watch_plan(review: Review, plan: Plan, panel: xr.Dataset, seed: int) -> Watch:
    """Take the looks that the data reach, and find the rule's error rates from what lies before the start."""
    if plan.stopping is None:
        why = "its plan fixed no stopping rule in advance, so it is not looked at before its end"
        return Watch(plan.id, plan.title, None, [], [], [], {}, why)
    rule, planned = plan.stopping, look_periods(plan, panel)
    indicator = review.indicators[plan.indicators.primary]
    periods = [str(t) for t in panel.time.values]
    known = [t for t, some in zip(periods, np.isfinite(panel["low"].values).any(axis=0), strict=True) if some]
    last = known[len(known) - 1 - indicator.monitoring.provisional]
    prior_mean, prior_sd = _prior(plan, indicator.direction)
    worth = -abs(float(np.log(plan.effect.meaningful or 0.95)))
    try:
        looks = [take_look(review, plan, panel, t, seed + k) for k, t in enumerate(planned) if t <= last]
        foreseen = [take_look(review, plan, foresee(plan, panel, t), t, seed + 50 + k) for k, t in enumerate(planned)]
    except (ValueError, FloatingPointError) as error:
        return Watch(plan.id, plan.title, rule, planned, [], [], {}, str(error))
    information = [max(look.sd**-2 - prior_sd**-2, 1e-6) for look in foreseen]
    truths = {NO_EFFECT: 0.0, "a benefit just worth acting on": worth}
    truths |= {"a benefit of 20%": float(np.log(0.8)), "a harm of 20%": float(np.log(1.2))}
    errors = {
        words: simulate_errors(information, rule, prior_mean, prior_sd, worth, truth, seed)
        for words, truth in truths.items()
    }
    every = np.interp(np.arange((len(planned) - 1) * rule.every + 1), np.arange(len(planned)) * rule.every, information)
    naive = rule.model_copy(update={"harm": PEEK, "success": PEEK, "futility": 0.0})
    peeking = {
        way: _false_calls(simulate_errors(gained, by, prior_mean, prior_sd, worth, 0.0, seed))
        for way, gained, by in (("once", information[-1:], rule), ("always", every, naive))
    }
    verdicts = [decide(look.benefit, look.harm, look.worth, rule) for look in looks]
    return Watch(plan.id, plan.title, rule, planned, looks, verdicts, errors, peeking=peeking)


def _false_calls(errors: dict[str, float]) -> float:
    return errors["harm"] + errors["success"]


def watch_plans(review: Review, panels: Callable[[str], xr.Dataset]) -> list[Watch]:
    """Every plan of a review.

    Args:
        review: with data in order.
        panels: takes an indicator's key and gives its panel.
    """
    return [
        watch_plan(review, plan, panels(plan.indicators.primary), review.settings.seed + 7 * number)
        for number, plan in enumerate(review.plans.values())
    ]


def _prior(plan: Plan, direction: str) -> tuple[float, float]:
    declared = plan.priors.get("effect")
    mean, sd = declared.normal if declared is not None and declared.normal is not None else (0.0, 0.25)
    return (mean if direction == "lower_is_better" else -mean), sd
