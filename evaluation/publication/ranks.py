"""Simulation-based calibration as it is shown: where the true values rank among posterior draws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.calibration.ranks import BINS
from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.axis import wrap_label
from evaluation.publication.display import Block, Figure, Table, paragraph
from evaluation.publication.figures import render
from evaluation.publication.palette import BLUE, DARK, LABEL_ORANGE
from evaluation.publication.reading import READING, STUDIED
from evaluation.publication.tables import rows_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SURPRISING = (0.05, 0.01)  # p values of ranks below these are counted
BAND = 0.99  # of the counts that chance alone gives
EFFECTS = ("rate ratio", "difference")  # the quantities drawn; the table has all
COLUMNS = 4  # panels beside each other
PANEL = 1.35  # inches of height of a row of panels
COUNTS = [f"bin_{k + 1:02d}" for k in range(BINS)]
DESIGNS = {"its": "Interrupted time series", "did": "Difference-in-differences"}
COMPUTED = {"sampler": "the sampler that findings use", "approximation": "the fast approximation"}


def rank_blocks(table: pd.DataFrame, title: str) -> list[Block]:
    """What was done, the histograms of the effects, how many p values are small, and the table of all.

    Args:
        table: of `evaluation.calibration.ranks.histogram`, stored.
        title: of the table.
    """
    rows = [
        (": ".join(_names(r["model"])), r["computation"], r["quantity"], int(r["simulations"]), round(float(r["statistic"]), 1),
         int(r["degrees_of_freedom"]), f"{r['p_value']:.3f}")
        for _, r in table.iterrows()
    ]  # fmt: skip
    head = ["Model", "Computation", "Quantity", "Simulations", "Statistic", "Degrees of freedom", "p value"]
    blocks: list[Block] = [
        paragraph(
            "A second trial asks whether the posteriors are those of the models they claim to be (simulation-based calibration, Talts and "
            "others 2018). True values are drawn from the prior and data from the model; the rank of the true value among the posterior "
            "draws should then be uniform: every bar of its histogram about as high as the others. A small p value says that it is not."
        )
    ]
    for by in dict.fromkeys(table["computation"]):
        drawn = table[(table["computation"] == by) & table["quantity"].isin(EFFECTS)]
        if len(drawn):
            blocks.append(rank_histograms(drawn, str(by)))
    parts = list(table.groupby("computation", sort=False))
    said = [_surprises(table, "")]
    if len(parts) > 1:
        said += [_surprises(part, f"By {COMPUTED.get(str(by), str(by))}: ") for by, part in parts]
    blocks += [
        paragraph(" ".join(said) + " Quantities of one model are estimated from the same data, so their p values go together."),
        Table(rows_table(rows, head), title, name="calibration-ranks", kind="svd-wide", download=table),
    ]  # fmt: skip
    return blocks


def rank_histograms(table: pd.DataFrame, by: str) -> Figure:
    """A small histogram for each model, with the band in which chance alone leaves the bars.

    Args:
        table: one row for each panel.
        by: the computation that made the posteriors.
    """
    counts = table[COUNTS].to_numpy(dtype=float)
    bands = [chance_band(int(n)) for n in table["simulations"]]
    outside = np.array([(c < low) | (c > high) for c, (low, high) in zip(counts, bands, strict=True)])
    names = [_names(model) for model in table["model"]]
    top = 1.15 * max(counts.max(), max(high for _, high in bands))
    lines = math.ceil(len(table) / COLUMNS)

    def draw(axes: Axes) -> None:
        axes.set_axis_off()
        for k, name in enumerate(names):
            panel = axes.inset_axes(_place(k, lines))
            _panel(panel, counts[k], outside[k], bands[k], top)
            panel.set_title("\n".join(wrap_label(line, 30, 1) for line in name), fontsize=9, loc="left", pad=3)
            panel.tick_params(labelsize=8)
            if k % COLUMNS:
                panel.tick_params(labelleft=False)

    bars, beyond = outside.size, int(outside.sum())
    expected = sum(BINS * chance_outside(int(n)) for n in table["simulations"])
    share = (
        f"{beyond} of {bars} bars {'lies' if beyond == 1 else 'lie'} outside the {say.percentage(BAND)} band, "
        f"where chance alone would put about {say.plain(expected)}"
    )
    caption = (
        f"Ranks of the true effect among posterior draws, computed by {COMPUTED.get(by, by)}: one panel for each model "
        f"(for scores the difference, else the rate ratio), low ranks on the left. "
        f"The band is where chance alone leaves a bar with a probability of at least {say.percentage(BAND)}; bars outside it are orange "
        f"and hatched. {share[0].upper()}{share[1:]}. A hump means intervals too wide, a bowl too narrow, a slope an estimate off to one side."
    )
    data = pd.DataFrame({"Model": [": ".join(name) for name in names], "Quantity": list(table["quantity"])})
    data["Simulations"] = [int(n) for n in table["simulations"]]
    data["Band from"], data["Band to"] = ([int(band[end]) for band in bands] for end in (0, 1))
    for k, name in enumerate(COUNTS):
        data[f"Bar {k + 1}"] = [int(v) for v in table[name]]
    alt = alt_sentence("Small histograms", f"ranks of true effects by {COMPUTED.get(by, by)}", share)
    return Figure(
        f"calibration-ranks-{by}",
        render(draw, 0.5 + PANEL * lines),
        alt,
        caption,
        data,
        source=STUDIED,
        reading=READING["ranks"],
    )


def chance_band(simulations: int) -> tuple[int, int]:
    """The counts of one bar between which chance alone leaves it."""
    from scipy.stats import binom

    low, high = binom.ppf([(1 - BAND) / 2, (1 + BAND) / 2], simulations, 1 / BINS)
    return int(low), int(high)


def chance_outside(simulations: int) -> float:
    """The probability that chance alone puts a bar outside its band; counts are whole, so it is below 1%."""
    from scipy.stats import binom

    low, high = chance_band(simulations)
    return float(binom.cdf(low - 1, simulations, 1 / BINS) + binom.sf(high, simulations, 1 / BINS))


def _names(model: str) -> tuple[str, str]:
    """Design and kind of a model, in words."""
    design, _, kind = str(model).partition(" ")
    kind = {"poisson": "Poisson counts", "normal": "scores", "binomial": "proportions"}.get(
        kind, kind.replace("_", " ")
    )
    return DESIGNS.get(design, design), kind.strip(", ")


def _place(k: int, lines: int) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a panel, as shares of the whole."""
    line, column = divmod(k, COLUMNS)
    width, height = 1 / COLUMNS, 1 / lines
    return column * width + 0.02, 1 - (line + 1) * height + 0.1 * height, width - 0.03, 0.58 * height


def _panel(
    axes: Axes, counts: NDArray[np.float64], outside: NDArray[np.bool_], band: tuple[int, int], top: float
) -> None:
    x = np.arange(len(counts))
    axes.axhspan(band[0], band[1], color="#E3E3E3", linewidth=0, zorder=0)
    axes.bar(x[~outside], counts[~outside], width=0.86, color=BLUE)
    axes.bar(x[outside], counts[outside], width=0.86, color="white", edgecolor=LABEL_ORANGE, hatch="////", linewidth=1)
    axes.axhline(counts.sum() / len(counts), color=DARK, linewidth=0.9, linestyle=":")
    axes.set_xticks([])
    axes.locator_params(axis="y", nbins=3, integer=True)
    axes.set_ylim(0, top)


def _surprises(table: pd.DataFrame, start: str) -> str:
    """How many p values are small, against how many chance alone gives."""
    count = len(table)
    parts = []
    for level in SURPRISING:
        seen = int((table["p_value"] < level).sum())
        verb = "is" if seen == 1 else "are"
        parts.append(f"{seen} {verb} below {level:g} (chance alone: about {say.plain(level * count)})")
    words = f"p value{'s' * (count != 1)}"
    return f"{start}{'of' if start else 'Of'} {count} {words}, {' and '.join(parts)}."
