"""An intervention looked at while it runs: its effect with the data up to each look, and what each look could know.

Both by the nested Laplace approximation. What a look could know is found before the start, from data before the start
alone: the last year is repeated in place of the periods to come, and the model says how sure it would be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from evaluation.inference.design import write_design
from evaluation.inference.effects import estimate
from evaluation.inference.engine import SAMPLERS, Task
from evaluation.inference.frame import frame_plan
from evaluation.inference.laplace import approximate
from evaluation.protocol import Plan, Review, periods_per_year, to_period
from evaluation.protocol.period import label, ordinal, period_label, read_span


@dataclass(frozen=True)
class Look:
    """The effect at one look, on the log scale and with benefit negative, whichever way is better.

    Attributes:
        period: the last period it sees.
        mean, sd: of the log rate ratio's posterior.
        benefit, harm: probability of an effect below, above no change.
        worth: probability of an effect at least as good as the smallest one worth acting on.
    """

    period: str
    mean: float
    sd: float
    benefit: float
    harm: float
    worth: float


def look_periods(plan: Plan, panel: xr.Dataset) -> list[str]:
    """The last period of each planned look; looks need not be reached by the data yet."""
    if plan.stopping is None:
        return []
    frequency, anchor = panel.attrs["frequency"], panel.attrs["week_anchor"]
    last_start = max(to_period(text, frequency, anchor).start_time for text in plan.treated.values()).date()
    origin = ordinal(last_start, frequency, anchor)
    rule = plan.stopping
    return [label(origin + rule.first + k * rule.every - 1, frequency, anchor) for k in range(rule.looks)]


def take_look(review: Review, plan: Plan, panel: xr.Dataset, last: str, seed: int) -> Look:
    """The effect on the primary indicator with the data up to `last`.

    Raises:
        ValueError: nothing is left to evaluate, or the outcome is a score.
        FloatingPointError: the approximation found no mode.
    """
    periods = [str(t) for t in panel.time.values]
    seen = panel.isel(time=slice(0, periods.index(last) + 1))
    indicator = review.indicators[plan.indicators.primary]
    running = plan.model_copy(update={"period": plan.period.model_copy(update={"end": max(last, plan.period.end)})})
    frame = frame_plan(review, running, indicator.key, seen)
    if frame.likelihood == "normal":
        raise ValueError("looks are for counts and proportions; a score has no rate ratio")
    fit = approximate(Task(write_design(frame), SAMPLERS["draft"], seed))
    ratio = next(e.draws for e in estimate(frame, fit) if e.name == "rate_ratio").ravel()
    sign = 1.0 if indicator.direction == "lower_is_better" else -1.0
    effect = sign * np.log(ratio)
    worth = sign * np.log(frame.meaningful) if frame.meaningful else 0.0
    return Look(
        last, float(effect.mean()), float(effect.std()), float((effect < 0).mean()), float((effect > 0).mean()),
        float((effect <= worth).mean()),
    )  # fmt: skip


def foresee(plan: Plan, panel: xr.Dataset, last: str) -> xr.Dataset:
    """The panel up to `last` as it may be foreseen before the start: the last year before it repeated.

    Raises:
        ValueError: less than a year lies before the start.
    """
    frequency, anchor = panel.attrs["frequency"], panel.attrs["week_anchor"]
    periods = [str(t) for t in panel.time.values]
    starts = [period_label(to_period(text, frequency, anchor)) for text in plan.treated.values()]
    cut = sum(p < min(starts) for p in periods)
    year = max(1, round(periods_per_year(frequency)))
    if cut < year:
        raise ValueError("less than a year of data lies before the start")
    origin = ordinal(read_span(periods[0]).first, frequency, anchor)
    n = ordinal(read_span(last).first, frequency, anchor) - origin + 1
    source = [i if i < cut else cut - year + (i - cut) % year for i in range(n)]
    labels = [label(origin + i, frequency, anchor) for i in range(n)]
    return panel.isel(time=source).assign_coords(time=np.asarray(labels, dtype=str))
