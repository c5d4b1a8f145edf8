"""Areas as polygons or as ranges: the same numbers twice, each with its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.evidence.context import Ring
from evaluation.judgement.needs import SURE, Need, Place
from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.axis import wrap_label
from evaluation.publication.disclosure import clean
from evaluation.publication.display import Figure
from evaluation.publication.figures import render
from evaluation.publication.palette import BLUE, DARK
from evaluation.publication.reading import READING
from evaluation.publication.staging import safe_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A number and a sign in each area, so that nothing rests on colour alone. Shades say what is sure, not ranks: quarters of
# the areas would paint differences of pure chance.
SHADES = ("#E7EDF3", "#A9BDD1", "#12436D")
SIGNS = ("▼", "", "▲")
CLASSES = ("below the partnership", "not clearly different", "above the partnership")
NO_DATA = "#FFFFFF"
MOST_ROWS = 60


def area_map(need: Need, polygons: dict[str, list[Ring]]) -> Figure | None:
    """Areas by whether their rate lies clearly below or above the partnership's, on a map; None if fewer than two have data."""
    places = [p for p in need.places if p.area in polygons]
    if len(places) < 2:
        return None
    rates = np.array([p.rate.median for p in places])
    classes = [2 if p.above >= SURE else 0 if p.above <= 1.0 - SURE else 1 for p in places]
    corners = np.array([point for rings in polygons.values() for ring in rings for point in ring])
    # Longitudes shrink with latitude; projected coordinates (metres) are drawn as they are.
    degrees = bool((np.abs(corners) <= 360).all())
    stretch = 1.0 / np.cos(np.radians(corners[:, 1].mean())) if degrees else 1.0

    def draw(axes: Axes) -> None:
        from matplotlib.collections import PolyCollection

        axes.grid(False)
        axes.set_axis_off()
        rest = [ring for code, rings in polygons.items() if code not in {p.area for p in places} for ring in rings]
        axes.add_collection(PolyCollection(rest, facecolors=NO_DATA, edgecolors=DARK, linewidths=0.6, hatch="//"))
        for number, (place, shade) in enumerate(zip(places, classes, strict=True), 1):
            rings = polygons[place.area]
            axes.add_collection(PolyCollection(rings, facecolors=SHADES[shade], edgecolors="white", linewidths=0.8))
            corner = np.array(max(rings, key=len)).mean(axis=0)
            axes.annotate(
                f"{number}{SIGNS[shade]}",
                (float(corner[0]), float(corner[1])),
                ha="center",
                va="center",
                fontsize=9,
                color="white" if shade > 1 else DARK,
            )
        axes.autoscale_view()
        axes.set_aspect(stretch)

    data = pd.DataFrame(
        {
            "Number on the map": range(1, len(places) + 1),
            "Area": [clean(p.name) for p in places],
            "Rate per 100,000 a year, partially pooled": [round(p.rate.median, 1) for p in places],
            "Lower": [round(p.rate.lower, 1) for p in places],
            "Upper": [round(p.rate.upper, 1) for p in places],
            "Class": [CLASSES[c] for c in classes],
        }
    )
    title = clean(need.indicator.title)
    caption = f"{title}: rate by area, {_span(need)}, partially pooled."
    said = ", ".join(f"{classes.count(c)} {CLASSES[c]}" for c in (2, 1, 0))
    caption += (
        f" ▲ and the strongest shade: above the partnership's rate with a probability of {say.percentage(SURE)} or more; ▼ and the "
        f"faintest: below it as surely; the rest: not clearly different ({said}). The table gives each area's number, rate and interval."
    )
    alt = alt_sentence(
        "Map",
        f"{title} by area",
        f"{said}; rates from {say.plain(rates.min())} to {say.plain(rates.max())} per 100,000 a year",
    )
    return Figure(
        safe_name(f"needs-{need.indicator.key}-map"),
        render(draw, 5.5),
        alt,
        caption,
        data,
        source=need.indicator.source,
        reading=READING["map"],
    )


def area_ranges(need: Need, interval: float) -> Figure | None:
    """Partially pooled rates with their intervals, highest first; the widest picture of how little ranks mean."""
    places = sorted(need.places, key=lambda p: -p.rate.median)[:MOST_ROWS]
    if not places:
        return None
    y = np.arange(len(places))[::-1]
    whole = _whole(need.places)

    def draw(axes: Axes) -> None:
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        axes.hlines(y, [p.rate.lower for p in places], [p.rate.upper for p in places], color=BLUE, linewidth=2.6)
        axes.plot([p.rate.median for p in places], y, "s", color=BLUE, markersize=7)
        axes.axvline(whole, color=DARK, linewidth=1.2, linestyle=":")
        axes.set_yticks(y, [wrap_label(p.name, 30, 1) for p in places])
        axes.set_ylim(-0.7, len(places) - 0.3)
        axes.set_xlabel("Events per 100,000 persons a year, partially pooled; dotted: the partnership")

    data = pd.DataFrame(
        {
            "Area": [clean(p.name) for p in places],
            "Rate per 100,000 a year": [round(p.rate.median, 1) for p in places],
            "Lower": [round(p.rate.lower, 1) for p in places],
            "Upper": [round(p.rate.upper, 1) for p in places],
            "Rank from": [p.rank[0] for p in places],
            "Rank to": [p.rank[1] for p in places],
        }
    )
    title = clean(need.indicator.title)
    level = say.percentage(interval)
    caption = f"{title}: rate by area, {_span(need)}, with {level} credible intervals."
    caption += f" An area's rank lies between the two numbers in the table with a probability of {level}."
    clear = sum(p.ratio.lower > 1 or p.ratio.upper < 1 for p in places)
    alt = alt_sentence(
        "Chart with intervals",
        f"{title} by area",
        f"{clear} of {len(places)} areas clearly above or below the partnership",
    )
    return Figure(
        safe_name(f"needs-{need.indicator.key}-areas"),
        render(draw, 1.0 + 0.34 * len(places)),
        alt,
        caption,
        data,
        source=need.indicator.source,
        reading=READING["ranges"],
    )


def season_chart(need: Need, interval: float) -> Figure | None:
    """Events by month of the year against an even year."""
    if not need.season:
        return None
    months = list(need.season)
    names = [say.period_name(f"2000-{m:02d}").split()[0] for m in months]
    middle, low, high = (
        [100 * (getattr(need.season[m], part) - 1) for m in months] for part in ("median", "lower", "upper")
    )

    def draw(axes: Axes) -> None:
        axes.axhline(0, color=DARK, linewidth=1.2, linestyle=":")
        axes.vlines(months, low, high, color=BLUE, linewidth=2.4)
        axes.plot(months, middle, "s", color=BLUE, markersize=6)
        axes.set_xticks(months, [n[:3] for n in names])
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:+.0f}%".replace("-", "−") if round(v, 9) else "0%")

    data = pd.DataFrame(
        {
            "Month": names,
            "Against an even year, percent": np.round(middle, 1),
            "Lower": np.round(low, 1),
            "Upper": np.round(high, 1),
        }
    )
    top = names[int(np.argmax(middle))]
    title = clean(need.indicator.title)
    caption = f"{title}: events per day by month of the year against an even year, over all whole years of data, with {say.percentage(interval)} intervals."
    alt = alt_sentence(
        "Chart with intervals",
        f"{title} by month of the year",
        f"highest in {top}, {say.change(max(middle))} than in an even year",
    )
    return Figure(
        safe_name(f"needs-{need.indicator.key}-season"),
        render(draw, 3.0),
        alt,
        caption,
        data,
        source=need.indicator.source,
        reading=READING["season"],
    )


def _whole(places: Sequence[Place]) -> float:
    """The partnership's rate, from any area's rate and its ratio."""
    return places[0].rate.median / places[0].ratio.median


def _span(need: Need) -> str:
    return f"{say.period_name(need.first)} to {say.period_name(need.last)}"
