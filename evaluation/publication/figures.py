"""The only door to matplotlib, and the main charts: each with alt text, caption and the numbers that may be published.

Palette and habits of the Government Analysis Function: at most four colours, direct labels instead of a legend,
solid, dashed and dotted lines so that nothing rests on colour alone, no title inside the image.
"""

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.annotate import label_ends, mark_start, period_axis, say_sides, shade_unused
from evaluation.publication.axis import wrap_label
from evaluation.publication.disclosure import (
    CONFIDENTIAL,
    clean,
    control_counts,
    control_points,
    withhold_saturated,
)
from evaluation.publication.display import Figure, Picture
from evaluation.publication.palette import AXIS, BLUE, DARK, GRID, INK, LABEL_ORANGE, ORANGE, TEAL, dark_style
from evaluation.publication.reading import READING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 8.6
FINDINGS = "the findings of this review; each chapter names its data"
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"],
    "font.size": 11.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": AXIS,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 2.2,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "ytick.major.size": 0,
    "text.parse_math": False,
    "svg.hashsalt": "svd",
}


@dataclass(frozen=True)
class Subject:
    """What a chart is about: the words and rules of its indicator."""

    name: str  # part of file names
    title: str
    unit: str
    profile: str
    interval: float = 0.95
    shape: str = "step"
    scores: bool = False  # a normal likelihood: a score and not a count
    source: str = ""


@dataclass(frozen=True)
class ForestRow:
    """One intervention in the forest plot, as percent change."""

    label: str
    median: float
    lower: float
    upper: float
    note: str = ""
    pooled: float | None = None


def observed_and_counterfactual(series: xr.Dataset, subject: Subject, estimate: str = "") -> Figure:
    """What was recorded, what the model expects, and what would have been expected without the intervention.

    Args:
        series: dims time; observed, mu, mu0, mu0_lower, mu0_upper, used, post; attrs first_start.
        subject: words and disclosure rules.
        estimate: the finding in a few words ("12% lower than expected"), for the alt text.
    """
    labels = [str(t) for t in series["time"].values]
    observed = values_of(series, "observed")
    if subject.scores:
        points, withheld = observed, np.zeros(observed.shape, dtype=bool)
    else:
        points, withheld = control_points(observed, subject.profile)
    post = np.asarray(series["post"].values, dtype=bool)
    expected = withhold_saturated(values_of(series, "mu"), withheld, subject.shape, subject.profile)
    without, low, high = (np.where(post, values_of(series, v), np.nan) for v in ("mu0", "mu0_lower", "mu0_upper"))
    used = np.asarray(series["used"].values, dtype=bool) if "used" in series else np.ones(len(labels), dtype=bool)
    x = np.arange(len(labels))

    def draw(axes: "Axes") -> None:
        shade_unused(axes, ~used)
        axes.fill_between(x, low, high, color=ORANGE, alpha=0.18, linewidth=0)
        axes.plot(
            x,
            points,
            linestyle="none",
            marker="o",
            markersize=4.2,
            markerfacecolor="white",
            markeredgecolor=DARK,
            markeredgewidth=1.1,
        )
        axes.plot(x, expected, color=BLUE)
        axes.plot(x, without, color=LABEL_ORANGE, linestyle=(0, (5, 2)))
        mark_start(axes, post, labels)
        if not subject.scores:
            axes.set_ylim(bottom=0)
        label_ends(
            axes,
            x,
            [
                ("Recorded", points, DARK),
                ("Expected", expected, BLUE),
                ("Expected without\nthe intervention", without, LABEL_ORANGE),
            ],
        )
        period_axis(axes, labels)

    data = pd.DataFrame({"Period": labels})
    data["Recorded"] = (
        [score_cell(v) for v in observed] if subject.scores else control_counts(observed, subject.profile)
    )
    data["Expected"] = rounded(expected)
    data["Expected without the intervention"] = rounded(without)
    data["Lower"], data["Upper"] = rounded(low), rounded(high)
    said = estimate or _level(expected, without, post)
    start = f" from {say.period_name(labels[int(np.argmax(post))])}" if post.any() else ""
    caption = f"{clean(subject.title)}{start}: {said}."
    caption += " Recorded, expected, and expected without the intervention"
    caption += f", in {clean(subject.unit, 60)} each period." if subject.unit else "."
    caption += f" The band is the {say.percentage(subject.interval)} credible interval of the last."
    if not np.isfinite(points).any():
        caption += " No recorded total can be shown: in every period a count is suppressed, rounded or missing."
    elif withheld.any():
        caption += f" Recorded counts of 1 to 7 are withheld ({CONFIDENTIAL}) and left out of the chart; others are rounded to 5."
    elif subject.profile != "already_public" and not subject.scores:
        caption += " Recorded counts are rounded to 5."
    if not used.all():
        caption += " Grey periods were left out of the analysis."
    alt = alt_sentence("Line chart", subject.title, f"after the start {said}")
    counts = () if subject.profile == "already_public" or subject.scores else ("Recorded",)
    return Figure(
        f"{subject.name}-counterfactual",
        render(draw, 4.4),
        alt,
        caption,
        data,
        counts,
        subject.source,
        READING["counterfactual"],
    )


def cumulative_averted(series: xr.Dataset, subject: Subject, total: say.Summary | None = None) -> Figure:
    """Events averted since the start, summed over time, with interval.

    Args:
        series: dims time; averted_mean (or averted_median), averted_lower, averted_upper; NaN before the start.
        subject: words.
        total: `events_averted` of finding.json, for the words, so that they are those of the finding.
    """
    keep = np.isfinite(values_of(series, "averted_mean"))
    labels = [str(t) for t in series["time"].values[keep]]
    middle = "median" if "averted_median" in series else "mean"
    mean, low, high = (values_of(series, f"averted_{v}")[keep] for v in (middle, "lower", "upper"))
    x = np.arange(len(labels))
    end = (
        total
        if total is not None and say.complete(total)
        else {"median": mean[-1], "lower": low[-1], "upper": high[-1]}
    )

    def draw(axes: "Axes") -> None:
        axes.fill_between(x, low, high, color=TEAL, alpha=0.22, linewidth=0)
        axes.plot(x, mean, color=BLUE)
        axes.axhline(0, color=DARK, linewidth=1.2, linestyle=":")
        label_ends(axes, x, [(say.fewer(end["median"]), mean, BLUE)])
        if len(x) > 1:
            say_sides(axes, "fewer than expected", "more than expected")
        period_axis(axes, labels)

    data = pd.DataFrame(
        {"Period": labels, "Averted so far": np.round(mean), "Lower": np.round(low), "Upper": np.round(high)}
    )
    trend = f"by the end about {say.fewer(end['median'])} ({say.fewer_range(end)})"
    caption = (
        f"{clean(subject.title)}: {trend}. Added up since the start. "
        f"The band is the {say.percentage(subject.interval)} credible interval; below zero means more events than expected."
    )
    alt = alt_sentence("Line chart", f"events averted, {subject.title}", trend)
    return Figure(
        f"{subject.name}-averted",
        render(draw, 3.6),
        alt,
        caption,
        data,
        source=subject.source,
        reading=READING["averted"],
    )


def forest(rows: Sequence[ForestRow], name: str = "forest", interval: float = 0.95) -> Figure:
    """All interventions of the review side by side, as percent change with intervals."""
    count = len(rows)
    y = np.arange(count)[::-1]
    extreme = max([20.0] + [min(abs(v), 200.0) for r in rows for v in (r.lower, r.upper)])

    def draw(axes: "Axes") -> None:
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        axes.axvline(0, color=DARK, linewidth=1.2, linestyle=":")
        for position, row in zip(y, rows, strict=True):
            clear = row.upper < 0 or row.lower > 0
            axes.plot([row.lower, row.upper], [position, position], color=BLUE, linewidth=2.6)
            axes.plot(
                [row.median],
                [position],
                marker="s",
                markersize=9,
                color=BLUE,
                markerfacecolor=BLUE if clear else "white",
                markeredgewidth=2,
            )
            if row.pooled is not None:
                axes.plot(
                    [row.pooled],
                    [position - 0.22],
                    marker="D",
                    markersize=6,
                    color=LABEL_ORANGE,
                    markerfacecolor="white",
                )
            axes.annotate(
                say.change(row.median),
                (1.0, position),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
            )
        axes.set_yticks(y, [wrap_label(r.label) for r in rows])
        axes.set_ylim(-0.7, count - 0.3)
        axes.set_xlim(-extreme * 1.08, extreme * 1.08)
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:+.0f}%".replace("-", "−") if round(v, 9) else "0%")
        signs = (
            ("◀ lower", -extreme * 1.08, "left"),
            ("no change", 0.0, "center"),
            ("higher ▶", extreme * 1.08, "right"),
        )
        for text, place, side in signs:
            axes.annotate(
                text,
                (place, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 4),
                textcoords="offset points",
                ha=side,
                fontsize=10.5,
            )

    data = pd.DataFrame(
        {
            "Intervention": [clean(r.label) for r in rows],
            "Measured by": [clean(r.note) for r in rows],
            "Percent change": [round(r.median, 1) for r in rows],
            "Lower": [round(r.lower, 1) for r in rows],
            "Upper": [round(r.upper, 1) for r in rows],
        }
    )
    below = sum(r.upper < 0 for r in rows)
    above = sum(r.lower > 0 for r in rows)
    trend = f"{below} of {count} clearly lower, {above} clearly higher, {count - below - above} with an interval across no change"
    caption = (
        f"{trend[0].upper()}{trend[1:]}. Change against what was expected, with {say.percentage(interval)} credible intervals. "
        "A filled square means the whole interval lies on one side of no change."
    )
    if any(r.pooled is not None for r in rows):
        data["Pooled with the others"] = [None if r.pooled is None else round(r.pooled, 1) for r in rows]
        caption += " The diamond is the estimate pooled with the other interventions."
    alt = alt_sentence("Forest plot", "the change for each intervention", trend)
    return Figure(
        name, render(draw, 1.1 + 0.62 * count), alt, caption, data, source=FINDINGS, reading=READING["forest"]
    )


def render(draw: Callable[["Axes"], None], height: float) -> Picture:
    """Draw on a fresh canvas without pyplot, so that no backend or global state matters, and return it as SVG and as PNG."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        canvas = Canvas(figsize=(WIDTH, height), layout="constrained")
        axes = canvas.subplots()
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.10g}".replace("-", "−"))
        draw(axes)
        pixels, vectors = io.BytesIO(), io.BytesIO()
        canvas.savefig(pixels, format="png", dpi=160, metadata={"Software": None})
        canvas.savefig(vectors, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return Picture(_themed(vectors.getvalue().decode()), pixels.getvalue())


def _themed(svg: str) -> str:
    """An SVG without its declarations, that follows the reader's preference for a light or a dark page."""
    body = svg[svg.index("<svg") :]
    return body.replace("</style>", f"\n{dark_style()}</style>", 1)


def values_of(series: xr.Dataset, name: str) -> NDArray[np.float64]:
    """A variable over time, all NaN where the series does not have it, shape (time,)."""
    if name not in series:
        return np.full(series.sizes["time"], np.nan)
    return np.asarray(series[name].values, dtype=float)


def rounded(values: NDArray[np.float64]) -> list[float | None]:
    """Results of a model as table cells: one decimal, empty where there is none."""
    return [round(float(v), 1) if np.isfinite(v) else None for v in values]


def score_cell(value: float) -> float | None:
    """A score as a table cell: four figures, empty where there is none."""
    return say.significant(float(value), 4) if np.isfinite(value) else None


def _level(expected: NDArray[np.float64], without: NDArray[np.float64], post: NDArray[np.bool_]) -> str:
    both = post & np.isfinite(expected) & np.isfinite(without)
    if not both.any() or without[both].sum() == 0:
        return "no comparison can be shown"
    percent = 100 * (expected[both].sum() / without[both].sum() - 1)
    return f"{say.change(percent)} than expected without the intervention"
