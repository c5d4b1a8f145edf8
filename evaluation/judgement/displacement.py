"""Did the problem move next door, or the benefit spread? Net effect with draws, and the two measures analysts know.

The net effect comes from the model: target and buffer areas each have an effect of their own in one panel (a
difference-in-differences), or in two series (an interrupted time series). The weighted displacement quotient (Bowers
and Johnson 2003) and the weighted displacement difference (Wheeler and Ratcliffe 2018, unverified) are cross-checks from
counts alone.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from evaluation.inference.design import write_design
from evaluation.inference.effects import expectations, summarise
from evaluation.inference.engine import Sampler, Task
from evaluation.inference.frame import Frame, frame_plan
from evaluation.inference.laplace import approximate
from evaluation.judgement import wording
from evaluation.protocol import Plan, Review, comparison_areas


@dataclass(frozen=True)
class Quotient:
    """The weighted displacement quotient, or why it cannot be read.

    Attributes:
        value: None where it is not valid.
        success: its denominator: change of target against control; it must be negative.
        reading: in words.
    """

    value: float | None
    success: float | None
    reading: str


@dataclass(frozen=True)
class Difference:
    """The weighted displacement difference and its parts, in events; standard errors from Poisson variances."""

    local: float
    displaced: float
    total: float
    local_se: float
    total_se: float

    @property
    def z(self) -> float:
        """The total in standard errors; 0 where every count is 0."""
        return self.total / self.total_se if self.total_se else 0.0


Counts = tuple[float, float]


def displacement_quotient(treated: Counts, buffer: Counts, control: Counts) -> Quotient:
    """WDQ = ((B1/C1) - (B0/C0)) / ((A1/C1) - (A0/C0)), counts given as (before, after).

    It is read only if the denominator is negative, that is if the target improved against the control. The threshold
    at -1 is (unverified).
    """
    if min(control) <= 0:
        return Quotient(None, None, "Not valid: the control areas have no events before or after.")
    success = treated[1] / control[1] - treated[0] / control[0]
    if success >= 0:
        return Quotient(None, success, "Not valid: the target did not improve against the control, so there is nothing to displace.")  # fmt: skip
    value = (buffer[1] / control[1] - buffer[0] / control[0]) / success
    if value > 1:
        reading = "Diffusion of benefit, greater than the direct effect."
    elif value > 0:
        reading = "Diffusion of benefit."
    elif value == 0:
        reading = "Neither displacement nor diffusion."
    elif value >= -1:
        reading = "Displacement, less than the gain."
    else:
        reading = "Displacement exceeds the gain."
    return Quotient(value, success, reading)


def displacement_difference(
    control: Counts, treated: Counts, control_buffer: Counts = (0.0, 0.0), treated_buffer: Counts = (0.0, 0.0)
) -> Difference:
    """WDD = (T1 - T0) - (C1 - C0) + (Td1 - Td0) - (Cd1 - Cd0), counts given as (before, after).

    The variance of each part is the sum of its counts.
    """
    local = (treated[1] - treated[0]) - (control[1] - control[0])
    displaced = (treated_buffer[1] - treated_buffer[0]) - (control_buffer[1] - control_buffer[0])
    near, far = sum(control) + sum(treated), sum(control_buffer) + sum(treated_buffer)
    return Difference(local, displaced, local + displaced, math.sqrt(near), math.sqrt(near + far))


def read_displacement(
    review: Review, plan: Plan, panel: xr.Dataset, seed: int, interval: float
) -> dict[str, Any] | None:
    """The `displacement` object of finding.json for the primary indicator; None if the plan declares no buffer."""
    if plan.displacement is None:
        return None
    indicator = review.indicators[plan.indicators.primary]
    have = {str(code) for code in panel.area.values}
    buffer = [code for code in plan.displacement.buffer if code in have]
    found: dict[str, Any] = {"buffer": buffer, "because": plan.displacement.because, "net_averted": None,
                             "target_averted": None, "buffer_averted": None, "prob_net_benefit": None}  # fmt: skip
    if not buffer or indicator.likelihood == "normal":
        why = "the buffer areas have no data" if not buffer else "scores cannot be added up over areas"
        return found | {"wdq": None, "wdd": None, "sentence": f"Displacement was not measured: {why}."}
    try:
        target, around = net_draws(review, plan, panel, buffer, seed)
    except (ValueError, FloatingPointError) as error:
        return found | {"wdq": None, "wdd": None, "sentence": f"Displacement was not measured: {error}"}
    net = target + around
    found["target_averted"], found["buffer_averted"], found["net_averted"] = (
        asdict(summarise(draws, interval)) for draws in (target, around, net)
    )
    better = net if indicator.direction == "lower_is_better" else -net
    found["prob_net_benefit"] = float(np.mean(better > 0))
    said = wording.events_range(found["net_averted"], indicator.unit)
    spread = wording.events_range(found["buffer_averted"], indicator.unit)
    chance = wording.probability_sentence(float(np.mean(around < 0)), "the areas around had more than expected")
    sentence = f"In target and surrounding areas together: {said}. In the surrounding areas alone: {spread}. {chance}."
    found["wdq"] = found["wdd"] = None
    counted = count_cells(review, plan, panel, buffer)
    if counted and "control" in counted:
        quotient = displacement_quotient(counted["treated"], counted["buffer"], counted["control"])
        around_control = counted.get("control_buffer", (0.0, 0.0))
        change = displacement_difference(counted["control"], counted["treated"], around_control, counted["buffer"])
        found["wdq"], found["wdd"] = asdict(quotient), asdict(change) | {"z": change.z}
        sentence += f" Cross-checks from counts: {_cross(quotient, change)}"
    else:
        sentence += " The cross-checks need comparison areas, and every count in as many periods before as after."
    return found | {"sentence": sentence}


def _cross(quotient: Quotient, change: Difference) -> str:
    value = "" if quotient.value is None else f" {quotient.value:.2f}".replace("-", "−")
    total = f"{change.total:+,.0f} (standard error {change.total_se:.1f})".replace("-", "−")
    return f"weighted displacement quotient{value}: {quotient.reading} Weighted displacement difference: {total}."


def net_draws(
    review: Review, plan: Plan, panel: xr.Dataset, buffer: list[str], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draws of events averted in the target and in the buffer areas, over the same draws where one model holds both.

    The buffer is taken to be exposed from the first start of the target on. Step effects are used.
    """
    first = min(plan.treated.values())
    key = plan.indicators.primary
    around = dict.fromkeys(buffer, first)
    if plan.design == "its":
        parts = []
        for number, treated in enumerate((plan.treated, around)):
            own = plan.model_copy(update={"treated": treated, "displacement": None})
            parts.append(_averted(frame_plan(review, own, key, panel), seed + number)[0])
        return parts[0], parts[1]
    both = plan.model_copy(update={"treated": {**plan.treated, **around}})
    frame = frame_plan(review, both, key, panel)
    averted, areas = _averted(frame, seed, apart=set(buffer))
    inside = np.array([code in buffer for code in areas])
    return averted[:, ~inside].sum(axis=1), averted[:, inside].sum(axis=1)


def _averted(frame: Frame, seed: int, apart: set[str] | None = None) -> tuple[NDArray[np.float64], list[str]]:
    """Events averted, shape (draw,), or (draw, treated area) with areas whose effect is a second one of their own."""
    step = replace(frame, shape="step", leads=False)
    if apart is not None:
        step = replace(step, priors=replace(step.priors, slope_sd=step.priors.effect_sd))
    data = write_design(step)
    if apart is not None:
        basis = data.arrays["basis"].copy()
        for row, code in enumerate(step.areas[: step.n_treated]):
            if code in apart:
                basis[row, :, 1], basis[row, :, 0] = basis[row, :, 0].copy(), 0.0
        data = replace(data, arrays={**data.arrays, "basis": basis})
    mu, mu0 = expectations(step, approximate(Task(data, Sampler(2, 0, 0), seed)))
    cells = step.evaluated[: step.n_treated]
    averted = np.where(cells, mu0 - mu, 0.0).sum(axis=-1).reshape(-1, step.n_treated)
    return (averted if apart is not None else averted.sum(axis=1)), step.areas[: step.n_treated]


def count_cells(review: Review, plan: Plan, panel: xr.Dataset, buffer: list[str]) -> dict[str, Counts] | None:
    """Counts before and after the first start of target, buffer and control, over as many periods before as after.

    The periods before are those of the same time of year (whole years back) where there are enough. None if a count is
    not exactly known.
    """
    frame = frame_plan(review, plan.model_copy(update={"displacement": None}), plan.indicators.primary, panel)
    labels = [str(label) for label in panel.time.values]
    position = {label: i for i, label in enumerate(labels)}
    first, last = position[frame.periods[int(frame.start.min())]], position[frame.periods[-1]]
    length = last - first + 1
    year = round(frame.per_year)
    back = -(-length // year) * year
    if first - back < 0:
        back = length
    if first - back < 0:
        return None
    before, after = slice(first - back, first - back + length), slice(first, last + 1)
    assert plan.displacement is not None
    groups = {
        "treated": list(plan.treated),
        "buffer": buffer,
        "control": comparison_areas(plan, review.areas, panel.area.values),
    }
    if plan.displacement.comparison:
        groups["control_buffer"] = list(plan.displacement.comparison)
    found: dict[str, Counts] = {}
    have = {str(code) for code in panel.area.values}
    for name, codes in groups.items():
        if not codes:
            continue
        if not set(codes) <= have:
            return None
        values = panel["value"].sel(area=codes).values
        pair = (float(values[:, before].sum()), float(values[:, after].sum()))
        if not all(math.isfinite(v) for v in pair):
            return None
        found[name] = pair
    return found
