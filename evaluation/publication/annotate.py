"""Words and marks on a chart: labels at the ends of lines, the start, periods left out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evaluation.publication import numbers as say
from evaluation.publication.axis import period_ticks, spread_labels
from evaluation.publication.palette import DARK, UNUSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def period_axis(axes: "Axes", labels: list[str]) -> None:
    """Years (or periods) along the horizontal axis."""
    positions, names = period_ticks(labels)
    axes.set_xticks(positions, names)
    axes.set_xlim(-0.6, len(labels) - 0.4)


def mark_start(axes: "Axes", post: NDArray[np.bool_], labels: list[str]) -> None:
    """A dotted line before the first period of the intervention, with its date."""
    if not post.any():
        return
    first = int(np.argmax(post))
    axes.axvline(first - 0.5, color=DARK, linewidth=1.2, linestyle=":")
    axes.annotate(
        f"starts {say.period_name(labels[first])} ",
        (first - 0.5, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-3, 2),
        textcoords="offset points",
        ha="right" if first > len(labels) / 4 else "left",
        fontsize=10.5,
    )


def shade_unused(axes: "Axes", unused: NDArray[np.bool_]) -> None:
    """Grey behind the periods that were left out."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], unused.astype(int), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        axes.axvspan(first - 0.5, last - 0.5, color=UNUSED, linewidth=0, zorder=0)


def label_ends(axes: "Axes", x: NDArray[np.int64], lines: Sequence[tuple[str, NDArray[np.float64], str]]) -> None:
    """Write each line's name at its right end, pushed apart so that names do not overlap."""
    ends = []
    for text, values, colour in lines:
        finite = np.flatnonzero(np.isfinite(values))
        if finite.size:
            ends.append((text, float(values[finite[-1]]), colour))
    low, high = axes.get_ylim()
    places = spread_labels([(e[1] - low) / (high - low) for e in ends], [1 + e[0].count("\n") for e in ends])
    for (text, _, colour), place in zip(ends, places, strict=True):
        axes.annotate(
            text,
            (1.0, place),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def say_sides(axes: "Axes", above: str, below: str) -> None:
    """What it means to be above or below zero."""
    low, high = axes.get_ylim()
    for text, place, alignment, wanted in (
        (above, 0.98, "top", high > 0),
        (below, 0.02, "bottom", low < -0.15 * (high - low)),
    ):
        if wanted:
            axes.annotate(text, (0.01, place), xycoords="axes fraction", va=alignment, fontsize=10.5, color=DARK)


def note(
    axes: "Axes",
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float],
    x: str,
    y: str,
    side: str,
    colour: str = DARK,
) -> None:
    """A word on the chart, `shift` points from its place; x and y are the coordinates in which the place is given."""
    axes.annotate(
        text, at, xycoords=(x, y), xytext=shift, textcoords="offset points", ha=side, color=colour, fontsize=10.5,
        annotation_clip=False,
    )  # fmt: skip
