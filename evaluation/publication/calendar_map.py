"""The calendar heat map of the data-quality chapter: for every area and period, how far its value can be relied on.

No count is shown, only whether there is one, so nothing has to be suppressed. Every state has a mark of its own
besides its colour.
"""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from evaluation.evidence.audit import ABSENT, COMPLETE, IMPLAUSIBLE, PARTIAL, PROVISIONAL, STATES, SUPPRESSED
from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.annotate import period_axis
from evaluation.publication.axis import wrap_label
from evaluation.publication.disclosure import clean
from evaluation.publication.display import Figure
from evaluation.publication.figures import render
from evaluation.publication.palette import BLUE, DARK, ORANGE
from evaluation.publication.reading import READING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_AREAS = 40
LETTERS = "cpvsai"  # one for each of STATES, as stored in packets
COMPLETE_LETTER = LETTERS[COMPLETE]
# Face colour, marker and what it means, by position in STATES.
LOOKS: dict[int, tuple[str, str, str]] = {
    COMPLETE: ("#DCE6EE", "", "complete"),
    PARTIAL: (ORANGE, "v", "partial: known or thought to be incomplete"),
    PROVISIONAL: ("#9FD5D1", ".", "provisional: may still change"),
    SUPPRESSED: (BLUE, "*", "known as a range: suppressed or rounded"),
    ABSENT: ("#FFFFFF", "x", "absent: not counted as zero"),
    IMPLAUSIBLE: (DARK, "D", "implausible: collapse or jump"),
}


def store_states(panel: xr.Dataset, names: Mapping[str, str]) -> dict[str, Any]:
    """The states of a panel in a form for packets: periods, and a letter for each period by area name."""
    if "state" not in panel:
        return {}
    codes = [str(code) for code in panel["area"].values]
    rows = {
        names.get(code, code): "".join(LETTERS[s] for s in row)
        for code, row in zip(codes, panel["state"].values, strict=True)
    }
    return {"periods": [str(t) for t in panel["time"].values], "areas": rows}


def calendar_map(name: str, title: str, stored: Mapping[str, Any], source: str = "") -> Figure | None:
    """Draw stored states; None if there is nothing to draw.

    Args:
        name: part of the file's name.
        title: of the indicator.
        stored: as `store_states` makes it.
        source: of the indicator.
    """
    periods, areas = list(stored.get("periods") or []), dict(stored.get("areas") or {})
    if not periods or not areas:
        return None
    state = np.array([[LETTERS.index(letter) for letter in row] for row in areas.values()])
    order = np.argsort(-(state != COMPLETE).sum(axis=1), kind="stable")
    shown = np.sort(order[:MOST_AREAS])
    labels = [list(areas)[i] for i in shown]
    cells = state[shown]

    def draw(axes: "Axes") -> None:
        from matplotlib.lines import Line2D

        axes.grid(False)
        for y, row in enumerate(cells):
            for first, last in _stretches(row):
                axes.broken_barh([(first - 0.5, last - first)], (y - 0.5, 1), facecolors=LOOKS[int(row[first])][0])
        size = max(3.0, min(6.0, 420 / len(periods)))
        keys = []
        for i, (colour, marker, meaning) in LOOKS.items():
            y, x = np.nonzero(cells == i)
            ink = DARK if i in (PROVISIONAL, ABSENT, PARTIAL) else "white"
            if marker and len(x):
                axes.plot(x, y, linestyle="none", marker=marker, markersize=size, color=ink, markeredgewidth=0.8)
            if len(x):
                keys.append(
                    Line2D([], [], marker="s", markersize=12, color=colour, markeredgecolor=DARK, linestyle="none",
                           label=f"{_sign(marker)}{meaning}")
                )  # fmt: skip
        axes.set_yticks(range(len(labels)), [wrap_label(label, 30, 1) for label in labels], fontsize=9)
        axes.set_xticks(np.arange(len(periods) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
        axes.grid(True, which="minor", axis="both", color="white", linewidth=0.5)
        axes.tick_params(which="minor", length=0)
        period_axis(axes, periods)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.legend(handles=keys, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, fontsize=10)

    counts = pd.DataFrame({"Area": [clean(area) for area in areas]})
    for i, word in enumerate(STATES):
        counts[word.capitalize()] = (state == i).sum(axis=1)
    counts["First weak period"] = [_first(row, periods) for row in state]
    share = float(np.isin(state, (COMPLETE, PROVISIONAL, SUPPRESSED)).mean())
    weak = int((state == PARTIAL).sum() + (state == IMPLAUSIBLE).sum())
    caption = f"{clean(title)}: how far the value of each area and period can be relied on."
    if len(areas) > MOST_AREAS:
        caption += f" The {MOST_AREAS} areas with most gaps, of {len(areas)}; the table has all."
    trend = f"{_percent(share)} of area-periods have a usable value, {weak} look incomplete or implausible, {(state == ABSENT).sum()} are absent"
    alt = alt_sentence("Calendar heat map", f"completeness of {title}", trend)
    height = 1.6 + 0.2 * len(labels)
    return Figure(name, render(draw, height), alt, caption, counts, source=source, reading=READING["calendar"])


def _stretches(row: np.ndarray) -> list[tuple[int, int]]:
    """Where a state begins and where the next one does, for one bar each: a square a period would make a large file."""
    edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
    return list(itertools.pairwise(edges))


def _sign(marker: str) -> str:
    return {"v": "▼ ", ".": "• ", "*": "★ ", "x": "× ", "D": "◆ "}.get(marker, "")


def _first(row: np.ndarray, periods: list[str]) -> str:
    weak = np.flatnonzero(np.isin(row, (PARTIAL, ABSENT, IMPLAUSIBLE)))
    return say.period_name(periods[int(weak[0])]) if weak.size else ""


def _percent(share: float) -> str:
    return f"{int(100 * share)}%"
