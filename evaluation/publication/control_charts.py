"""Control charts: the points, their limits, the expected range of the newest periods, signals by shape and word."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evaluation.judgement.monitoring import SPAN, Judged
from evaluation.judgement.xmr import RULE_WORDS, variation
from evaluation.protocol.slug import file_form
from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.annotate import label_ends, period_axis
from evaluation.publication.disclosure import CONFIDENTIAL, clean, control_counts, control_points
from evaluation.publication.display import Figure
from evaluation.publication.figures import render, rounded, score_cell
from evaluation.publication.palette import DARK, LABEL_ORANGE, TEAL
from evaluation.publication.reading import READING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours of NHS England's Making Data Count; the shape and the word say the same.
COLOURS = {"improvement": "#00B0F0", "concern": "#E46C0A", "neutral": "#490092", "common": "#A6A6A6"}
SIGNS = {"improvement": "✓", "concern": "!", "neutral": "◆", "common": "·"}
WORDS = {
    "improvement": "Special cause: improvement",
    "concern": "Special cause: concern",
    "neutral": "Special cause: direction not declared",
    "common": "Common cause: no signal",
}
SHOWN = 60  # newest periods drawn; limits rest on all


def control_chart(judged: Judged) -> Figure:
    """The chart of one series.

    Args:
        judged: the series with its charts.
    """
    series, indicator = judged.series, judged.series.indicator
    scores = indicator.likelihood == "normal"
    points, withheld = series.value, np.zeros(len(series.value), dtype=bool)
    if not scores:
        points, withheld = control_points(series.value, indicator.disclosure)
    n = len(series.periods)
    mean, lower, upper = (np.full(n, np.nan) for _ in range(3))
    rules, means = [""] * n, ["common"] * n
    if judged.chart is not None:
        at = slice(series.first, series.first + len(judged.chart.value))
        mean[at], lower[at], upper[at] = judged.chart.mean, judged.chart.lower, judged.chart.upper
        for i, (rule, side) in enumerate(zip(judged.chart.rule, judged.chart.side, strict=True)):
            rules[series.first + i], means[series.first + i] = rule, variation(int(side), series.direction)
    # A count is never below zero, so a lower limit there is no limit.
    lower = np.where(lower > 0, lower, np.nan) if not scores else lower
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    if judged.expected is not None:
        at = slice(judged.expected.start, judged.expected.start + len(judged.expected.median))
        low[at], high[at] = judged.expected.lower, judged.expected.upper
    start = max(n - SHOWN, 0)
    labels, x = series.periods[start:], np.arange(n - start)
    provisional = np.arange(start, n) >= series.complete
    edges = [0, *sorted(p - start for p in series.rebase if start < p < n), n - start]
    stretches = [slice(a, b) for a, b in pairwise(edges)]

    def draw(axes: Axes) -> None:
        axes.fill_between(x, low[start:], high[start:], color=TEAL, alpha=0.22, linewidth=0)
        for line, style in ((upper, (0, (5, 2))), (lower, (0, (5, 2))), (mean, "-")):
            for stretch in stretches:  # limits that start afresh are not joined to those before
                axes.plot(x[stretch], line[start:][stretch], color=DARK, linewidth=1.3, linestyle=style)
        axes.plot(x, points[start:], color="#A6A6A6", linewidth=1.1)
        kinds = np.array(means[start:])
        for kind, marker in (("common", "o"), ("improvement", "s"), ("concern", "^"), ("neutral", "D")):
            here = (kinds == kind) & ~provisional
            axes.plot(x[here], points[start:][here], marker, color=COLOURS[kind], markeredgecolor=DARK, markersize=5.5,
                      markeredgewidth=0.6, linestyle="none")  # fmt: skip
        axes.plot(x[provisional], points[start:][provisional], "o", markerfacecolor="white", markeredgecolor=DARK,
                  markersize=5.5, linestyle="none")  # fmt: skip
        for now in series.nowcasts:
            if now.position >= start:
                axes.vlines(now.position - start, now.lower, now.upper, color=LABEL_ORANGE, linewidth=2.0)
                axes.plot([now.position - start], [now.median], "D", color=LABEL_ORANGE, markersize=5)
        target = indicator.monitoring.target
        if target is not None:
            axes.axhline(target, color=LABEL_ORANGE, linewidth=1.6, linestyle=":")
        for place in series.rebase:
            if start < place < n:
                axes.axvline(place - start - 0.5, color=DARK, linewidth=1.2, linestyle=":")
        if not scores:
            axes.set_ylim(bottom=0)
        ends = [
            ("Upper limit", upper[start:], DARK),
            ("Mean", mean[start:], DARK),
            ("Lower limit", lower[start:], DARK),
        ]
        if target is not None:
            ends.append(("Target", np.full(n - start, target), LABEL_ORANGE))
        label_ends(axes, x, ends)
        period_axis(axes, labels)

    data = pd.DataFrame({"Period": labels})
    # Where there are bounds and no value, the number is withheld: by its publisher, or here because it is a telling total.
    known = np.isfinite(series.value) | ~np.isfinite(series.low)
    printed = [score_cell(v) for v in series.value] if scores else control_counts(series.value, indicator.disclosure)
    cells: list[Any] = [cell if there else CONFIDENTIAL for cell, there in zip(printed, known, strict=True)]
    data["Recorded"] = cells[start:]
    data["Mean"], data["Lower limit"], data["Upper limit"] = (rounded(v[start:]) for v in (mean, lower, upper))
    data["Expected range from"], data["to"] = rounded(low[start:]), rounded(high[start:])
    data["Signal"] = [_signal(rule, kind) for rule, kind in zip(rules[start:], means[start:], strict=True)]
    data["Status"] = ["provisional" if p else "final" for p in provisional]
    defined = f" (definition: {clean(indicator.local_definition)})" if indicator.local_definition else ""
    title = f"{clean(indicator.title)}{defined}, {clean(series.name)}"
    caption = f"{title}: {WORDS[judged.variation].lower()}."
    if judged.chart is not None:
        caption += " Lines: mean and process limits." + (
            " Trial limits: fewer than twelve points." if judged.chart.trial[-1] else ""
        )
        caption += " Squares are improvement, triangles concern, diamonds signals without a declared direction."
    else:
        caption += f" {_no_limits(judged)}"
    if judged.expected is not None:
        caption += (
            f" The band is the {say.percentage(SPAN)} expected range of the newest periods, learned from those before."
        )
    changes = [f"{say.period_name(series.periods[p])}: {clean(b)}" for p, b in series.rebase.items() if 0 <= p < n]
    caption += f" Limits start afresh at documented changes ({'; '.join(changes)})." if changes else ""
    caption += " Open circles are provisional." if provisional.any() else ""
    if series.nowcasts:
        caption += " Orange: what provisional counts are expected to come to, with its interval."
    if withheld.any():
        caption += " Counts of 1 to 7 are withheld; others are rounded to 5."
    alt = alt_sentence("Control chart", title, WORDS[judged.variation].lower())
    counts = () if indicator.disclosure == "already_public" or scores else ("Recorded",)
    name = f"monitor-{indicator.key}-{file_form(series.area)}"
    return Figure(name, render(draw, 3.0), alt, caption, data, counts, indicator.source, READING["control"])


def _no_limits(judged: Judged) -> str:
    return f"No limits: {clean(judged.why)}."


def _signal(rule: str, kind: str) -> str:
    return f"{kind}: {RULE_WORDS[rule]}" if rule else ""
