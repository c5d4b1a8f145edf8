"""Ways in which a finding could be wrong, each tried: a sentence, and whether it passed.

Statistical trouble is a check, not an exception. A check that cannot be made says so (``passed`` is None). Refits
ask another question of the same data with the same compiled structure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluation.inference.effects import Summary, estimate, expectations, summarise
from evaluation.inference.engine import Fit
from evaluation.inference.frame import Frame
from evaluation.inference.predictive import replicate

# Below this share of its own, an estimate is the prior's and says nothing of the data.
LEAST_WEIGHT = 0.05


@dataclass(frozen=True)
class Check:
    """One check of one finding: passed, failed, or (None) could not be made.

    ``towards`` is set on a failed check that shows where no effect can be: "lower" or "higher", the direction in
    which the outcome seemed to go. ``widened`` is the finding's interval (and the placebos' kind, number and the factor
    by which they strayed) as it would have to be to be right on the placebos.
    """

    name: str
    passed: bool | None
    sentence: str
    towards: str = ""
    widened: dict[str, Any] | None = None


@dataclass(frozen=True)
class Refit:
    """A further posterior that a check needs.

    Attributes:
        name: of the check.
        frame: the question it asks.
        judge: from that question's fit, and the finding's own, to the check.
        further: another check that the same fit answers.
    """

    name: str
    frame: Frame
    judge: Callable[[Fit, Fit], Check]
    further: Callable[[Fit, Fit], Check] | None = None


def plan_refits(frame: Frame, interval: float) -> list[Refit | Check]:
    """The checks of one indicator that need refits, or the reason why one cannot be made."""
    refits: list[Refit | Check] = [placebo_in_time(frame, interval)]
    if frame.design == "did" and not frame.leads:
        refits.append(pre_trend(frame, interval))
    return refits


def posterior_predictive(frame: Frame, fit: Fit, interval: float, seed: int) -> Check:
    """Do the observed outcomes of the treated areas look like outcomes the model would produce?

    Replicates every used cell and counts how many exact observations fall inside their predictive interval.
    Counts are discrete, so the share inside should be at least the nominal one; a shortfall beyond what the
    number of cells explains (three standard errors) fails.
    """
    rows = slice(0, frame.n_treated)
    cells = (frame.used & np.isfinite(frame.value))[rows]
    n = int(cells.sum())
    if n < 10:
        return Check(
            "posterior_predictive", None, "Too few exact observations to compare with the model's predictions."
        )
    mu = expectations(frame, fit)[0][:, :, cells].reshape(-1, n)
    rng = np.random.default_rng(seed)
    kept = rng.choice(len(mu), size=min(400, len(mu)), replace=False)
    replicated = replicate(frame, fit, mu[kept], kept, cells, rng)
    tail = (1.0 - interval) / 2.0
    lower, upper = np.quantile(replicated, [tail, 1.0 - tail], axis=0)
    seen = (frame.value[rows] * frame.scale)[cells]
    inside = float(np.mean((seen >= lower) & (seen <= upper)))
    passed = bool(inside >= interval - 3.0 * np.sqrt(interval * (1.0 - interval) / n))
    sentence = f"{inside:.0%} of {n} observations lie inside the model's {interval:.0%} range for them"
    return Check(
        "posterior_predictive",
        passed,
        f"{sentence}: the model {'describes' if passed else 'does not describe'} the data.",
    )


def placebo_in_time(frame: Frame, interval: float) -> Refit | Check:
    """Pretend that treatment began halfway through the time before it did; no effect should be found there."""
    if frame.design == "did" and len(frame.areas) == frame.n_treated:
        sentence = "Every area was treated sooner or later: after a false start nothing would be left to compare with."
        return Check("placebo_in_time", None, sentence)
    treated = frame.start[: frame.n_treated]
    real = int(treated.min())
    usable = np.flatnonzero((frame.used & frame.observed & ~frame.post)[: frame.n_treated].any(axis=0))
    usable = usable[usable < real]
    needed = max(6, round(frame.per_year))
    if len(usable) < 2 * needed:
        return Check(
            "placebo_in_time",
            None,
            f"Fewer than {2 * needed} usable periods before the start: no false start can be tried.",
        )
    false = int(usable[len(usable) // 2])
    start = frame.start.copy()
    start[: frame.n_treated] = false
    used = frame.used & (np.arange(len(frame.periods)) < real)[None, :]
    placebo = replace(
        frame, start=start, used=used, shape="step" if frame.shape != "decay" else "decay", washout=0, leads=False
    )
    placebo = replace(placebo, priors=_without_expectation(frame))
    label = frame.periods[false]

    def judge(fit: Fit, own: Fit) -> Check:
        overall = estimate(placebo, fit)[0]
        summary = summarise(overall.draws, interval)
        passed = contains_none(placebo, summary)
        found = "no effect was found, as there should be none" if passed else "an effect was found where there was none"
        sentence = f"With a false start in {label}, {found} ({say_effect(placebo, summary)})."
        return Check("placebo_in_time", passed, sentence, "" if passed else _direction(placebo, summary.median))

    return Refit("placebo_in_time", placebo, judge)


def pre_trend(frame: Frame, interval: float) -> Refit | Check:
    """Did the treated areas already drift away from the comparison before they were treated?

    Fits a linear drift of the treated areas to the periods before the start. Passing is not proof: the sentence
    says how large a drift could have gone unseen, as the total over the time after the start.
    """
    treated = slice(0, frame.n_treated)
    before = (frame.used & frame.observed & ~frame.post)[treated].any(axis=0)
    if len(frame.areas) == frame.n_treated:
        return Check(
            "pre_trend", None, "Every area was treated sooner or later: no drift from untreated areas can be measured."
        )
    if before[: int(frame.start[treated].min())].sum() < max(6, frame.per_year):
        return Check("pre_trend", None, "Too few periods before the start to see a drift.")
    # The same compiled structure serves: a drift since the first period is a slope with no level change.
    start = frame.start.copy()
    start[treated] = 0
    used = frame.used & ~frame.post
    last = int(frame.start[treated].min())
    used &= (np.arange(len(frame.periods)) < last)[None, :]
    priors = replace(_without_expectation(frame), effect_sd=1e-6, cohort_spread=0.0)
    drift = replace(frame, start=start, used=used, shape="level_and_slope", washout=0, leads=False, priors=priors)
    # A linear drift moves the mean after the start against the mean before it by half the whole span.
    years = len(frame.periods) / frame.per_year / 2

    def judge(fit: Fit, own: Fit) -> Check:
        slope = fit.draws["coefficient"].values[..., 1] * frame.scale
        summary = summarise(slope, interval)
        passed = summary.lower <= 0.0 <= summary.upper
        unseen = detectable_slope(float(np.std(slope)), drift.priors.slope_sd * frame.scale) * years
        if frame.likelihood == "normal":
            low, mid, high = (_number(v) for v in (summary.lower, summary.mean, summary.upper))
            bias = _number(unseen).lstrip("+")
        else:
            low, mid, high = (f"{100 * np.expm1(v):+.1f}%" for v in (summary.lower, summary.mean, summary.upper))
            bias = f"{100 * np.expm1(min(unseen, 5.0)):.0f}%"
        rate = f"{mid} a year ({low} to {high})".replace("-", "−")
        verdict = (
            "no clear drift before the start" if passed else "the treated areas were already drifting before the start"
        )
        sentence = f"Treated against comparison areas: {verdict}, {rate}."
        if np.isfinite(unseen):
            sentence += f" A drift would have to bias the finding by about {bias} to be seen 80% of the time."
        else:
            sentence += " The data could hardly have shown a drift of any size."
        return Check("pre_trend", passed, sentence, "" if passed else ("lower" if summary.median < 0 else "higher"))

    def further(fit: Fit, own: Fit) -> Check:
        slope = fit.draws["coefficient"].values[..., 1] * frame.scale
        weight = data_weight(float(np.std(slope)), drift.priors.slope_sd * frame.scale)
        return breakdown(frame, own, float(np.median(slope)), weight, years, interval)

    return Refit("pre_trend", drift, judge, further)


def breakdown(frame: Frame, own: Fit, slope: float, weight: float, years: float, interval: float) -> Check:
    """How large a violation of parallel trends overturns the finding, against the drift seen before the start.

    In the sense of Rambachan and Roth (2023), for a linear drift: the finding's interval includes no effect once the
    areas drift apart by as much as lies between none and the nearer end of the interval. That drift is set against
    the drift estimated before the start, had it gone on (M = 1). The estimate is taken back from the prior's shrinkage:
    a prior that expects little drift must not vouch for there being little.

    Args:
        frame, own: the finding's question and fit.
        slope: posterior median of the drift before the start, per year on the link scale.
        weight: share of that median which the data, not the prior, decided (see :func:`data_weight`).
        years: by which a drift per year becomes the bias of the average effect.
        interval: probability of the finding's interval.
    """
    summary = summarise(estimate(frame, own)[0].draws, interval)
    if contains_none(frame, summary):
        return Check("breakdown", None, "The interval includes no effect: there is no clear finding to overturn.")
    ends = np.array([summary.lower, summary.upper])
    linked = ends if frame.likelihood == "normal" else np.log(ends)
    needed = float(linked[np.argmin(np.abs(linked))])
    if weight < LEAST_WEIGHT:
        return Check("breakdown", None, "The data before the start could hardly have shown a drift: there is nothing to set the finding against.")  # fmt: skip
    seen = slope / weight * years
    fall = needed < 0
    # Only a drift towards the finding can stand in for it.
    towards = max(seen * np.sign(needed), 0.0)
    size = _number(abs(needed)).lstrip("+") if frame.likelihood == "normal" else f"{100 * np.expm1(abs(needed)):.0f}%"
    passed = bool(abs(needed) >= towards)
    sentence = f"The finding is overturned if something else moved the treated areas apart by {size} on average"
    if towards < 1e-3 * abs(needed):
        sentence += "; before the start they did not drift that way."
    else:
        sentence += (
            f", {abs(needed) / towards:.1f} times what the drift before the start would have done had it gone on."
        )
    return Check("breakdown", passed, sentence, "" if passed else ("lower" if fall else "higher"))


def data_weight(posterior_sd: float, prior_sd: float) -> float:
    """Share of a posterior mean that the data decided: the prior N(0, p) shrinks an estimate by w = 1 - s^2/p^2."""
    return 1.0 - (posterior_sd / prior_sd) ** 2


def detectable_slope(posterior_sd: float, prior_sd: float) -> float:
    """The true slope whose interval would exclude none in 80% of repetitions; infinite where the prior decides.

    The estimate's standard error is e = s / sqrt(w), with s the posterior's standard deviation and w the data's weight.
    The interval excludes none when w b > 1.96 s, so with power 0.8 b = 1.96 s / w + 0.84 s / sqrt(w).
    """
    weight = data_weight(posterior_sd, prior_sd)
    if weight < LEAST_WEIGHT:
        return float("inf")
    return 1.96 * posterior_sd / weight + 0.84 * posterior_sd / float(np.sqrt(weight))


def unaffected_outcome(frame: Frame, fit: Fit, title: str, interval: float) -> Check:
    """An outcome that the intervention should not touch: an effect there points to something else."""
    summary = summarise(estimate(frame, fit)[0].draws, interval)
    passed = contains_none(frame, summary)
    found = "did not change, as expected" if passed else "changed too, so something else may be at work"
    return Check(
        "unaffected_outcome", passed, f"{title}, which should not be affected, {found} ({say_effect(frame, summary)})."
    )


def data_quality(frame: Frame) -> Check:
    """How much of what the model looked at was missing, or known only as an interval."""
    rows = slice(0, frame.n_treated)
    asked = frame.used[rows]
    missing = float(np.mean(~frame.observed[rows][asked]))
    hidden = float(np.mean(frame.suppressed[rows][asked]))
    passed = missing <= 0.1 and hidden <= 0.3
    sentence = (
        f"In the treated areas {missing:.0%} of the cells are missing and {hidden:.0%} are suppressed small counts."
    )
    return Check("data_quality", passed, sentence)


def _without_expectation(frame: Frame):
    """The frame's priors with the effect centred on none: a false start has no reason to expect one."""
    return replace(frame.priors, effect_mean=0.0)


def contains_none(frame: Frame, summary: Summary) -> bool:
    """Whether an interval holds the value that means no effect."""
    neutral = 0.0 if frame.likelihood == "normal" else 1.0
    return bool(summary.lower <= neutral <= summary.upper)


def _direction(frame: Frame, value: float) -> str:
    return "lower" if value < (0.0 if frame.likelihood == "normal" else 1.0) else "higher"


def say_effect(frame: Frame, summary: Summary) -> str:
    """An estimate and its interval in a few words."""
    if frame.likelihood == "normal":
        low, middle, high = (_number(v) for v in (summary.lower, summary.median, summary.upper))
        return f"difference {middle}, {low} to {high}".replace("-", "−")
    return f"rate ratio {summary.median:.2f}, {summary.lower:.2f} to {summary.upper:.2f}"


def _number(value: float) -> str:
    """A signed number to three figures, never in the notation of computers."""
    return np.format_float_positional(value, precision=3, fractional=False, trim="-", sign=True)
