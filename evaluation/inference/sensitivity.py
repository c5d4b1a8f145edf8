"""Does the finding come from the data or from the prior of the effect?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from evaluation.inference.checks import Check, Refit, contains_none, say_effect
from evaluation.inference.effects import Summary, estimate, prob_of_benefit, summarise
from evaluation.inference.engine import Fit, Task
from evaluation.inference.frame import Frame, meaningful_bounds

SENSITIVE = 0.05  # Kallioinen et al. 2024: above this the prior matters


def prior_sensitivity(frame: Frame, interval: float) -> Refit | Check:
    """Double the width of the prior of the effect: does the finding stay?"""
    doubled = {"effect_sd": 2.0 * frame.priors.effect_sd, "slope_sd": 2.0 * frame.priors.slope_sd}
    wide = replace(frame, priors=replace(frame.priors, **doubled))

    def judge(refit: Fit, own: Fit) -> Check:
        base = estimate(frame, own)[0]
        before = summarise(base.draws, interval)
        other = estimate(wide, refit)[0]
        after = summarise(other.draws, interval)
        shift = abs(prob_of_benefit(frame, base) - prob_of_benefit(wide, other))
        width = before.upper - before.lower
        same_side = contains_none(frame, before) == contains_none(wide, after)
        passed = bool(same_side and shift < 0.1 and abs(after.median - before.median) < 0.25 * width)
        found = "hardly changes" if passed else "changes"
        sentence = f"With a prior twice as wide the estimate {found}: {say_effect(frame, before)} becomes {say_effect(wide, after)}."
        return Check("prior_sensitivity", passed, sentence)

    return Refit("prior_sensitivity", wide, judge)


def power_scaling(frame: Frame, task: Task, fit: Fit, interval: float) -> Check:
    """How fast does the estimate move as the effect's prior is made a little stronger or weaker?

    Power-scaling sensitivity of Kallioinen et al. (2024), by importance sampling of the finding's own draws: 0 where
    only the data speak, above 0.05 where the prior matters. A prior centred on no effect that matters makes the finding
    cautious, which is what it is for; it is a fault where it could have made the finding: a prior that expects an
    effect behind a clear effect, or a sceptical one behind "no effect worth acting on".
    """
    import arviz_stats as az

    name = "power_scaling"
    if not task.data.structure.pooled or "coefficient" not in fit.draws:
        return Check(name, None, "Every period has an effect and a prior of its own: there is no one prior to scale.")
    active = 2 if frame.shape == "level_and_slope" else 1
    mean, sd = (task.data.arrays[f"coefficient_{part}"][:active] for part in ("mean", "sd"))
    score = (fit.draws["coefficient"].values[..., :active] - mean) / sd
    overall = estimate(frame, fit)[0].draws
    dims = ("chain", "draw")
    parts = {
        "posterior": xr.Dataset({"effect": (dims, overall)}),
        "log_prior": xr.Dataset({"effect": (dims, -0.5 * np.sum(score**2, axis=-1))}),
    }
    value = float(az.psense(xr.DataTree.from_dict(parts), group="prior")["effect"])
    summary = summarise(overall, interval)
    matters, clear, sceptical = value >= SENSITIVE, not contains_none(frame, summary), not np.any(mean[:1])
    if not matters:
        passed, words = True, "the prior hardly matters"
    elif sceptical and (clear or not _nothing_worth_acting_on(frame, summary)):
        passed, words = True, "the prior matters, and draws the estimate towards no effect: the finding is cautious"
    elif clear:
        passed, words = False, "the prior matters, and it expected an effect"
    else:
        passed, words = False, "the prior matters, and may be why no effect is seen"
    return Check(name, passed, f"Power-scaling sensitivity to the prior of the effect is {value:.2f} (0.05 is the limit): {words}.")  # fmt: skip


def _nothing_worth_acting_on(frame: Frame, summary: Summary) -> bool:
    bounds = meaningful_bounds(frame)
    return bounds is not None and bounds[0] < summary.lower and summary.upper < bounds[1]
