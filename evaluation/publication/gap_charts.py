"""Charts of what is rare: every point is the time between two events; high is good news where fewer events are better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.judgement.monitoring import Judged
from evaluation.judgement.rare import RARE_RULES, GChart
from evaluation.judgement.xmr import RULE_WORDS, variation
from evaluation.publication.alt import alt_sentence
from evaluation.publication.annotate import label_ends
from evaluation.publication.control_charts import COLOURS, WORDS
from evaluation.publication.disclosure import ROUNDED_TO, clean, is_controlled
from evaluation.publication.display import Figure
from evaluation.publication.figures import render
from evaluation.publication.palette import DARK
from evaluation.publication.reading import READING
from evaluation.publication.staging import safe_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 40  # newest gaps drawn; limits rest on all


def gap_chart(judged: Judged) -> Figure:
    """The g or t chart of one series: time between events, its limits, and the time since the newest event.

    Raises:
        ValueError: the series was not judged by such a chart.
    """
    gaps, series = judged.gaps, judged.series
    if gaps is None:
        raise ValueError("this series has no chart of the time between events")
    if isinstance(gaps, GChart):
        unit, between, rule_of = "event-free periods", gaps.gap.astype(float), _g_rules(gaps)
        middle, lower, upper, since = gaps.mean, float(gaps.lower), float(gaps.upper), float(gaps.since)
        why = f"The newest {gaps.together[0]} gaps and the time since hold {gaps.together[1]} event-free periods."
    else:
        unit, between = "days", gaps.days.copy()
        rule_of = [
            ("gap" if r == "outside" else r, int(s)) for r, s in zip(gaps.chart.rule, gaps.chart.side, strict=True)
        ]
        middle, lower, upper, since, why = gaps.centre, gaps.lower, gaps.upper, gaps.since, ""
        if is_controlled(series.indicator.disclosure):  # the days of single events are nobody's business
            between, since = ROUNDED_TO * np.round(between / ROUNDED_TO), ROUNDED_TO * round(since / ROUNDED_TO)
            why = f"Days are rounded to {ROUNDED_TO}."
    kinds = [variation(-side, series.direction) for _, side in rule_of]  # rarer events are lower counts
    start = max(len(between) - SHOWN, 0)
    x = np.arange(len(between) - start)

    def draw(axes: Axes) -> None:
        n = len(x) + 1
        lines: list[tuple[str, NDArray[np.float64], str]] = [
            ("Upper limit", np.full(n, upper), DARK),
            ("Mean", np.full(n, middle), DARK),
        ]
        if lower > 0:
            lines.append(("Lower limit", np.full(n, lower), DARK))
        for name, values, colour in lines:
            axes.plot(
                np.arange(n), values, color=colour, linewidth=1.3, linestyle="-" if name == "Mean" else (0, (5, 2))
            )
        axes.plot(x, between[start:], color="#A6A6A6", linewidth=1.1)
        shown = np.array(kinds[start:])
        for kind, marker in (("common", "o"), ("improvement", "s"), ("concern", "^"), ("neutral", "D")):
            here = shown == kind
            axes.plot(x[here], between[start:][here], marker, color=COLOURS[kind], markeredgecolor=DARK, markersize=5.5,
                      markeredgewidth=0.6, linestyle="none")  # fmt: skip
        axes.plot([len(x)], [since], "o", markerfacecolor="white", markeredgecolor=DARK, markersize=6.5)
        axes.annotate("so far", (len(x), since), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=10)
        axes.set_ylim(bottom=0)
        axes.set_xlim(-0.6, len(x) + 0.6)
        axes.set_xticks([])
        axes.set_xlabel(f"The newest {len(x)} gaps between events, oldest first")
        axes.set_ylabel(unit.capitalize())
        label_ends(axes, np.arange(n), lines)

    column = f"{unit.capitalize()} before the event"
    rows = {
        "Gap": [*range(start + 1, len(between) + 1), "since the newest"],
        column: [*(int(v) for v in between[start:]), int(since)],
        "Upper limit": round(upper, 1),
        "Lower limit": round(lower, 1) if lower > 0 else "none",
        "Signal": [*(_signal(r, k) for (r, _), k in zip(rule_of[start:], kinds[start:], strict=True)), _newest(judged)],
    }
    title = f"{clean(series.indicator.title)}, {clean(series.name)}"
    name = "g chart" if isinstance(gaps, GChart) else "t chart"
    low = f" or at {lower:.0f} and below" if lower > 0 else ""
    caption = (
        f"{title}: {WORDS[judged.variation].lower()}. Events are rare, so the time between them is charted ({name}): the higher, "
        f"the rarer. Mean {middle:.1f} {unit}; a signal above {upper:.0f}{low}. The open circle is the time since the newest "
        f"event. {why}"
    )
    alt = alt_sentence(f"{name[0]} chart", title, WORDS[judged.variation].lower())
    return Figure(
        safe_name(f"monitor-{series.indicator.key}-{series.area}"),
        render(draw, 3.0),
        alt,
        caption.strip(),
        pd.DataFrame(rows),
        source=series.indicator.source,
        reading=READING["gap"],
    )


def _g_rules(gaps: GChart) -> list[tuple[str, int]]:
    return [("gap" if side else "", int(side)) for side in gaps.side]


def _signal(rule: str, kind: str) -> str:
    return f"{kind}: {RARE_RULES.get(rule) or RULE_WORDS[rule]}" if rule else ""


def _newest(judged: Judged) -> str:
    return _signal(judged.rule, judged.variation) if judged.rule in RARE_RULES and judged.rule != "gap" else ""
