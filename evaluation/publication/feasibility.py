"""Feasibility in the book: the smallest change that could be found, as a curve, and how good such forecasts are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from evaluation.calibration.forecasts import SETTINGS
from evaluation.calibration.results import read_results
from evaluation.judgement import wording
from evaluation.judgement.feasibility import BANDS, COMPARABLE
from evaluation.protocol.registration import plan_fingerprint
from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.display import Block, Figure, Table, bullets, paragraph
from evaluation.publication.figures import render
from evaluation.publication.palette import BLUE, DARK, LABEL_ORANGE, TEAL
from evaluation.publication.reading import FORECAST, READING
from evaluation.publication.tables import rows_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STUDY = "forecasts"
TOLERATED = 3.0  # points between forecast and simulated power
STYLES = ((BLUE, "o"), (LABEL_ORANGE, "s"), (TEAL, "D"))


def feasibility_blocks(folder: Path) -> list[Block]:
    """The stored forecasts of a review's plans, or how to make them."""
    stored = sorted((folder / "_build" / "feasibility").glob("*.json"))
    if not stored:
        return [paragraph("No forecast has been made for this review yet: run svd feasibility on a plan.")]
    blocks: list[Block] = []
    for path in stored:
        record = json.loads(path.read_text(encoding="utf-8"))
        blocks += _plan_blocks(record, _is_stale(folder, path.stem, record))
    return blocks


def _is_stale(folder: Path, plan: str, record: dict[str, Any]) -> bool:
    source = folder / "plans" / f"{plan}.yaml"
    return not source.is_file() or plan_fingerprint(source) != record.get("plan_sha256")


def _plan_blocks(record: dict[str, Any], stale: bool) -> list[Block]:
    history, frequency = record["history"], record["frequency"]
    said = (
        f"{record['title']}, judged by {record['indicator']}: from {history} {frequency}s of history, forecast on "
        f"{record['made']}. A change counts as found if the {say.percentage(record['interval'])} interval excludes no effect; "
        f"the smallest detectable change is the one found with a probability of {say.percentage(record['power'])}."
    )
    blocks: list[Block] = [paragraph(said, "svd-lead")]
    if stale:
        blocks.append(paragraph("The plan was changed since this forecast was made: make it again.", "svd-warning"))
    rows = [
        (p["areas"], p["follow_up"], _size(p["smallest_detectable"]), wording.amount(p["expected"]),
         wording.percent(p["error_rate"]))
        for p in record["prospects"]
    ]  # fmt: skip
    head = ["Treated areas", f"{frequency.capitalize()}s after the start", "Smallest detectable change", "Events expected without it",
            "False alarms without any effect"]  # fmt: skip
    curve = _curve(record)
    return [
        *blocks,
        *([curve] if curve else []),
        Table(rows_table(rows, head), f"What could be found: {record['title']}", name=f"{record['plan']}-feasibility"),
        bullets(record["advice"]),
    ]


def _size(ratio: float | None) -> str:
    return "none, however large" if ratio is None else wording.change(100.0 * (ratio - 1.0))


def _curve(record: dict[str, Any]) -> Figure | None:
    """The smallest detectable change over follow-up, a line for each number of areas, beside known effects."""
    lines: dict[int, list[tuple[int, float]]] = {}
    for p in record["prospects"]:
        if p["smallest_detectable"] is not None:
            change = abs(100.0 * (p["smallest_detectable"] - 1.0))
            lines.setdefault(p["areas"], []).append((p["follow_up"], change))
    if not lines:
        return None
    falls = all(p["smallest_detectable"] is None or p["smallest_detectable"] < 1 for p in record["prospects"])
    bands = [(name, 100.0 * (1 - high), 100.0 * (1 - low)) for name, low, high in BANDS] if falls else []
    top = max(max(change for line in lines.values() for _, change in line) * 1.15, 40.0)

    def draw(axes: "Axes") -> None:
        last = max(at for line in lines.values() for at, _ in line)
        for name, low, high in bands:
            axes.axhline(low, color=DARK, linewidth=0.7, linestyle=":")
            axes.annotate(f"{name} (YEF)", (1.0, (low + min(high, top)) / 2), xycoords=("axes fraction", "data"),
                          xytext=(6, 0), textcoords="offset points", va="center", fontsize=9.5, annotation_clip=False)  # fmt: skip
        for (areas, line), (colour, mark) in zip(lines.items(), STYLES * len(lines), strict=False):
            x, y = zip(*line, strict=True)
            axes.plot(x, y, color=colour, marker=mark, markersize=6)
            axes.annotate(f"{areas} area{'s' if areas != 1 else ''}", (x[0], y[0]), xytext=(0, 8), ha="left",
                          textcoords="offset points", color=colour, fontsize=10)  # fmt: skip
        axes.set_ylim(0, top)
        axes.set_xlim(0, last * 1.05)
        axes.set_xlabel(f"{record['frequency'].capitalize()}s after the start")
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:.0f}%")

    rows = [(areas, at, round(change, 1)) for areas, line in lines.items() for at, change in line]
    data = rows_table(rows, ["Treated areas", f"{record['frequency'].capitalize()}s after the start", "Smallest change (%)"])  # fmt: skip
    caption = (
        f"The smallest change in {record['indicator']} that could be found, by follow-up and number of treated areas."
    )
    if bands:
        known = "; ".join(f"{name}: {_size(effect)}" for name, effect in COMPARABLE)
        caption += f" Dotted lines are the impact bands of the Youth Endowment Fund. Known averages: {known}."
    first, final = rows[0], rows[-1]
    trend = f"{first[2]:g}% after {first[1]} with {first[0]} treated, {final[2]:g}% after {final[1]} with {final[0]}"
    alt = alt_sentence("Line chart", f"the smallest detectable change in {record['indicator']}", trend)
    return Figure(
        f"{record['plan']}-feasibility-curve",
        render(draw, 3.6),
        alt,
        caption,
        data,
        source=FORECAST,
        reading=READING["feasibility"],
    )


def forecast_study(folder: Path | None = None) -> list[Block]:
    """How far forecasts lay from refits of every future, from the stored study; says so where there is none.

    Args:
        folder: of the stored results; by default those that travel with the program.
    """
    table = read_results(STUDY, folder)
    if table is None or table.empty:
        return [paragraph("How good the forecasts are has not been measured yet.")]
    points = 100.0 * (table["forecast"] - table["simulated"]).abs()
    within = int((points <= TOLERATED).sum())
    error = 100.0 * table["error"]
    beyond = int((points > TOLERATED + 2.0 * error).sum())
    none = table["rate_ratio"] == 1.0
    rows = [
        (_history(row), wording.change(100.0 * (row["rate_ratio"] - 1.0)), round(100 * row["forecast"], 1),
         round(100 * row["simulated"], 1), round(100 * row["error"], 1), int(row["simulations"]))
        for _, row in table.iterrows()
    ]  # fmt: skip
    head = ["History", "True change", "Power forecast (%)", "Power simulated (%)", "Standard error of the simulation (points)", "Futures refitted"]  # fmt: skip
    rates = table[none]
    said = (
        f"A forecast should lie within {TOLERATED:g} points of the power found by refitting every future. {within} of {len(table)} did; "
        f"the largest difference was {points.max():.1f} points, and {beyond} lay further off than {TOLERATED:g} points and twice the "
        f"simulation's own error."
    )
    if len(rates):
        said += (
            f" Without any effect, a benefit was forecast to be found in {100 * rates['forecast'].min():.1f}% to "
            f"{100 * rates['forecast'].max():.1f}% of futures and was found in {100 * rates['simulated'].min():.1f}% to "
            f"{100 * rates['simulated'].max():.1f}%; a 95% interval without a prior would allow 2.5%."
        )
    left = len(SETTINGS) - len({_history(row) for _, row in table.iterrows()})
    if left > 0:
        said += f" {left} of the {len(SETTINGS)} kinds of history that the study asks for have not been measured yet."
    stamp = table.iloc[0]
    made = f"Measured on {stamp['date']} by svd calibrate {STUDY} --size full (commit {stamp['commit']})."
    return [
        paragraph(said),
        Table(rows_table(rows, head), "Forecast power beside simulated power", name="power-forecasts", download=table),
        paragraph(made, "svd-note"),
    ]


def _history(row: pd.Series) -> str:
    design = "Interrupted time series"
    if row["design"] == "did":
        design = f"Difference-in-differences, {int(row['n_treated'])} of {int(row['n_areas'])} areas"
    hidden = ", small counts withheld" if row["hidden"] else ""
    return (
        f"{design}, {int(row['before'])} months before and {int(row['after'])} after, {row['mean']:g} a month{hidden}"
    )
