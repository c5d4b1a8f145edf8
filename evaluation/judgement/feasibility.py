"""Can this be evaluated at all? The smallest detectable effect from the area's own history, and what would make it smaller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from evaluation.inference.frame import Frame, frame_plan
from evaluation.inference.futures import Published
from evaluation.inference.power import Prospect, foresee
from evaluation.judgement import wording
from evaluation.protocol import Plan, Review, comparison_areas, meaningful_effect, periods_per_year, to_period
from evaluation.protocol.period import period_label

POWER = 0.8
YEARS = (0.5, 1.0, 1.5, 2.0, 3.0)
# Youth Endowment Fund Toolkit: impact bands, and average effects on violence that were read in a source.
BANDS: tuple[tuple[str, float, float], ...] = (
    ("high impact", 0.0, 0.70),
    ("moderate impact", 0.70, 0.90),
    ("low impact", 0.90, 0.98),
)
COMPARABLE: tuple[tuple[str, float], ...] = (
    ("focused deterrence (YEF Toolkit, 24 studies, mostly in the United States)", 0.67),
    ("mentoring, on violence (YEF Toolkit)", 0.79),
    ("hot spots policing, on violent crime (YEF Toolkit)", 0.86),
)


@dataclass(frozen=True)
class Feasibility:
    """What one plan could show.

    Attributes:
        plan, title, indicator: whose.
        frequency: of the periods.
        history: periods of history behind it.
        meaningful: the smallest rate ratio that the plan calls worth acting on.
        interval: probability of the interval that decides.
        prospects: by number of areas, then by follow-up.
        advice: sentences.
    """

    plan: str
    title: str
    indicator: str
    frequency: str
    history: int
    meaningful: float | None
    interval: float
    prospects: tuple[Prospect, ...]
    advice: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """As plain data, for storage and for the book."""
        return {
            "plan": self.plan, "title": self.title, "indicator": self.indicator, "frequency": self.frequency,
            "history": self.history,
            "meaningful": self.meaningful, "interval": self.interval, "power": POWER, "advice": list(self.advice),
            "prospects": [
                {"areas": p.areas, "follow_up": p.follow_up, "expected": p.expected, "error_rate": p.error_rate,
                 "smallest_detectable": p.smallest_detectable(POWER),
                 "curve": [{"rate_ratio": float(np.exp(x)), "power": y} for x, y in zip(p.log_ratios, p.power, strict=True)]}
                for p in self.prospects
            ],
        }  # fmt: skip


def examine_feasibility(
    review: Review,
    plan: Plan,
    panel: xr.Dataset,
    seed: int,
    report: Callable[[str], None] = lambda line: None,
    pool: Executor | None = None,
) -> Feasibility:
    """The smallest effect that the plan could detect, over follow-up and number of areas.

    Args:
        review, plan: what is planned; its starts may lie in the future.
        panel: history of the primary indicator.
        seed: of the futures.
        report: told of each design as it is done.
        pool: processes to share the work among; the answer does not depend on them.

    Raises:
        ValueError: the history is too short, or the outcome is a score.
    """
    indicator = review.indicators[plan.indicators.primary]
    band = next(iter(indicator.suppressed.values()), None)
    published = Published((band[0], band[1]) if band is not None else None, indicator.rounded_to)
    years = [max(1, round(y * periods_per_year(panel.attrs["frequency"]))) for y in YEARS]
    prospects: list[Prospect] = []
    history = 0
    for treated in choose_areas(review, plan, panel):
        frame = history_frame(review, plan, panel, treated)
        history = len(frame.periods)
        # The whole curve for the plan's own areas; for other numbers of areas one year and the longest follow-up.
        own = list(treated) == [code for code in plan.treated if code in panel.area.values]
        follow_ups = list(dict.fromkeys(years if own else (years[1], years[-1])))
        for prospect in foresee(frame, follow_ups, review.settings.interval, seed, published, pool=pool):
            prospects.append(prospect)
            report(_line(prospect, panel.attrs["frequency"]))
    worth = meaningful_effect(plan, indicator)
    number = len([code for code in plan.treated if code in panel.area.values])
    return Feasibility(
        plan.id, plan.title, indicator.title, panel.attrs["frequency"], history, worth, review.settings.interval, tuple(prospects),
        tuple(advise(prospects, number, worth, indicator.title)),
    )  # fmt: skip


def choose_areas(review: Review, plan: Plan, panel: xr.Dataset) -> list[list[str]]:
    """Sets of treated areas to try: the plan's own, one of them, and twice as many where there are others.

    Areas are added from the comparison of a difference-in-differences as long as at least two are left to compare with;
    in an interrupted time series from all areas with data.
    """
    have = [str(code) for code in panel.area.values]
    own = [code for code in plan.treated if code in have]
    if not own:
        raise ValueError("None of the treated areas has data for the primary indicator.")
    others = comparison_areas(plan, review.areas, have) if plan.design == "did" else [c for c in have if c not in own]
    spare = max(len(others) - 2, 0) if plan.design == "did" else len(others)
    found = [own]
    if len(own) > 1:
        found.insert(0, own[:1])
    more = min(len(own), spare)
    if more:
        found.append([*own, *others[:more]])
    return found


def history_frame(review: Review, plan: Plan, panel: xr.Dataset, treated: Sequence[str]) -> Frame:
    """The plan's frame over the history alone: everything before its first start.

    Raises:
        ValueError: less than two years are left.
    """
    frequency, anchor = panel.attrs["frequency"], panel.attrs["week_anchor"]
    labels = [str(label) for label in panel.time.values]
    first = min(period_label(to_period(start, frequency, anchor)) for start in plan.treated.values())
    past = [label for label in labels if label < first]
    if len(past) < 2 * periods_per_year(frequency):
        raise ValueError(f"Only {len(past)} periods of history before the start: at least two years are needed.")
    window = plan.period.model_copy(update={"end": past[-1], "washout": 0})
    asked = plan.model_copy(update={"treated": dict.fromkeys(treated, past[-1]), "period": window})
    return frame_plan(review, asked, plan.indicators.primary, panel)


def advise(prospects: Sequence[Prospect], own: int, worth: float | None, title: str) -> list[str]:
    """What the curve means, in words.

    Args:
        prospects: of all designs.
        own: number of treated areas of the plan.
        worth: the smallest rate ratio worth acting on.
        title: of the indicator.
    """
    mine = sorted((p for p in prospects if p.areas == own), key=lambda p: p.follow_up)
    longest = mine[-1]
    said = []
    smallest = longest.smallest_detectable(POWER)
    if smallest is None:
        said.append(
            f"Even a very large effect on {title} would hardly be found with these areas: choose another outcome."
        )
    else:
        said.append(
            f"After {longest.follow_up} periods a change of {_size(smallest)} would be found 4 times in 5; anything smaller "
            f"would often be missed. {_compare(smallest)}".rstrip()
        )
    if worth is not None and (smallest is None or abs(np.log(smallest)) > abs(np.log(worth)) + 1e-9):
        chance = wording.percent(longest.power_at(float(np.log(worth))))
        said.append(
            f"The plan calls {_size(worth)} worth acting on: less than what could be found. Even if the scheme does that much, "
            f"the chance of finding it is {chance}; expect 'too small to tell' or 'unclear'."
        )
    first = mine[0].smallest_detectable(POWER)
    if smallest is not None and (first is None or abs(np.log(first)) > 1.25 * abs(np.log(smallest))):
        said.append("A longer window helps: the first months alone could show only a much larger effect.")
    elif smallest is not None:
        said.append("A longer window hardly helps: the history itself limits what can be seen.")
    wider = [p for p in prospects if p.areas > own and p.follow_up == longest.follow_up]
    if wider:
        seen = wider[0].smallest_detectable(POWER)
        if seen is not None and (smallest is None or abs(np.log(seen)) < 0.85 * abs(np.log(smallest))):
            said.append(f"More areas help: with {wider[0].areas} a change of {_size(seen)} could be found.")
        else:
            said.append(f"More areas hardly help: with {wider[0].areas} no much smaller change could be found.")
    if longest.expected < 100:
        events = wording.amount(longest.expected)
        said.append(
            f"Only about {events} events are expected in that time: an outcome that happens more often shows more."
        )
    return said


def _size(ratio: float) -> str:
    return wording.change(100.0 * (ratio - 1.0))


def _compare(ratio: float) -> str:
    """The change against the bands and effects of comparable programmes (reductions only)."""
    if ratio >= 1:
        return ""
    band = next((name for name, low, high in BANDS if low < ratio <= high), "less than low impact")
    reached = [name for name, effect in COMPARABLE if effect <= ratio]
    sentence = f"That is {band} in the bands of the Youth Endowment Fund."
    if reached:
        return f"{sentence} Average effects at least as large are known of: {'; '.join(reached)}."
    return (
        f"{sentence} None of the averages at hand ({'; '.join(f'{n}: {_size(e)}' for n, e in COMPARABLE)}) is as large."
    )


def _line(prospect: Prospect, frequency: str) -> str:
    seen = prospect.smallest_detectable(POWER)
    found = _size(seen) if seen is not None else "none, however large"
    areas = f"{prospect.areas} area{'s' if prospect.areas != 1 else ''}"
    return (
        f"{areas}, {prospect.follow_up} {frequency}s: smallest detectable change {found}; about "
        f"{wording.amount(prospect.expected)} expected; false alarms {wording.percent(prospect.error_rate)}"
    )
