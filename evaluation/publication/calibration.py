"""The page on how the method itself was tried: every number comes from the stored results of `svd calibrate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.calibration.alarms import SETTINGS
from evaluation.calibration.alarms import SIMULATIONS as ALARM_SIMULATIONS
from evaluation.calibration.coverage import NOMINAL, STUDIES
from evaluation.calibration.ranks import MODELS, SIMULATIONS
from evaluation.calibration.results import read_results
from evaluation.publication import numbers as say
from evaluation.publication.alarms import alarm_blocks
from evaluation.publication.alt import alt_sentence
from evaluation.publication.axis import wrap_label
from evaluation.publication.display import Block, Figure, Table, bullets, paragraph
from evaluation.publication.figures import render
from evaluation.publication.palette import BLUE, DARK, GRID, LABEL_ORANGE, TEAL
from evaluation.publication.ranks import rank_blocks
from evaluation.publication.reading import READING, STUDIED
from evaluation.publication.tables import rows_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "How often the intervals hold the truth"
TOLERATED = 0.92  # coverage below this is listed cell by cell
RANKS, ALARMS = "ranks", "alarms"
LABEL = 38  # characters of a line beside the chart
STEP = "Interrupted time series, step, {before} months before and {after} after"
SLOPE = "Interrupted time series, level and slope, {before} months before and {after} after"
TITLES = {
    **dict.fromkeys(("its_step_60_24", "its_step_36_12"), STEP),
    **dict.fromkeys(("its_slope_60_24", "its_slope_36_12"), SLOPE),
    "its_controlled": "Interrupted time series with a control series",
    "did": "Difference-in-differences",
    "suppressed": "Suppressed counts",
    "other_likelihoods": "Other kinds of indicator",
    "sampled": "The sampler that findings use, beside the fast approximation",
}
METHODS = {
    "model": "Ours",
    "sampled": "Ours, sampled",
    "quasi_poisson": "Quasi-Poisson regression as usually printed",
    "quasi_poisson_true": "Quasi-Poisson with its true variance (needs what nobody knows)",
    "twfe_clustered": "Poisson two-way fixed effects, errors clustered by area",
    "twfe_iid": "Poisson two-way fixed effects, ordinary errors",
    "zero_filled": "Suppressed counts entered as zero",
    "dropped": "Suppressed counts left out",
    "complete": "Our model, nothing suppressed",
}
OURS = ("model", "sampled")
USUAL = ("quasi_poisson", "twfe_clustered", "zero_filled")
CELL = ["design", "likelihood", "shape", "n_areas", "n_treated", "before", "after", "mean", "rho", "sd", "staggered", "hidden", "drift"]  # fmt: skip
DESIGNS = {"its": "Interrupted time series", "did": "Difference-in-differences"}
LIKELIHOODS = {"negative_binomial": "Counts (negative binomial)", "poisson": "Counts (Poisson)", "binomial": "Proportions", "normal": "Scores"}  # fmt: skip


def calibration_blocks(folder: Path | None = None) -> list[Block]:
    """The blocks of the page; none where nothing was measured.

    Args:
        folder: of the stored results; by default those that travel with the program.
    """
    read = {name: read_results(name, folder) for name in (*TITLES, ALARMS, RANKS)}
    found = {name: table for name, table in read.items() if table is not None and not table.empty}
    if not found:
        return []
    studies = {name: table for name, table in found.items() if name in STUDIES}
    blocks: list[Block] = [
        paragraph(
            f"An interval called {say.percentage(NOMINAL)} should hold the truth in {say.percentage(NOMINAL)} of cases. How often it does is "
            "its coverage. In real data the truth is never known, so the method is tried on made-up data: many series with a known "
            "effect (in half of them none at all), from a generator that is not our model. Each row of a table is one cell: one kind of series, "
            "made many times over. Coverage below the stated level means that intervals are too narrow; above it, too wide."
        )
    ]
    for method, computed in (("model", "the fast approximation"), ("sampled", "the sampler that findings use")):
        cells = _cells(studies, method)
        if not cells.empty:
            blocks += _verdict(cells, f"our model, computed by {computed},")
    if studies:
        blocks += [*_usual_practice(studies), _compared(studies.get("sampled"))]
    missing = [words for name in (*TITLES, ALARMS, RANKS) if (words := _gap(name, found.get(name)))]
    blocks += [paragraph(f"Not measured yet: {'; '.join(missing)}.")] if missing else []
    if studies:
        blocks += [
            _figure(studies),
            paragraph(
                "In the tables, persistence is the share of a month's departure that is carried over to the next. The mean is of events a month "
                "in an average area (for proportions, of successes; for scores, of the score). Width is the mean width of the interval, "
                "on the log scale (for scores, in their own unit). A series on which a method gives no interval counts as missed."
            ),
        ]
        blocks += _false_alarms(studies)
    blocks += [_study_table(name, table) for name, table in studies.items()]
    if ALARMS in found:
        blocks += alarm_blocks(found[ALARMS], _title(ALARMS))
    if RANKS in found:
        blocks += rank_blocks(found[RANKS], _title(RANKS))
    return [*blocks, *_provenance(found)]


def _cells(studies: Mapping[str, pd.DataFrame], method: str) -> pd.DataFrame:
    """The rows of a method; a cell that two studies have counts once, from the one with more series."""
    rows = [part for table in studies.values() if len(part := table[table["method"] == method])]
    if not rows:
        return pd.DataFrame()
    table = pd.concat(rows, ignore_index=True).sort_values("simulations", ascending=False, kind="stable")
    return table.drop_duplicates(CELL).sort_index().reset_index(drop=True)


def _verdict(cells: pd.DataFrame, who: str) -> list[Block]:
    """How many cells keep to the stated level, which do not, and how often no effect is called one."""
    coverage = cells["coverage"]
    lowest = cells.iloc[int(coverage.argmin())]
    low = cells[coverage < TOLERATED].sort_values("coverage", kind="stable")
    count = len(cells)
    said = (
        f"Over {count} {_plural(count, 'cell')} of {who} the {say.percentage(NOMINAL)} interval held the truth at least "
        f"{say.percentage(TOLERATED)} of the time in {count - len(low)}. The lowest coverage was {_percent(lowest['coverage'])} "
        f"({_where(lowest)}); the average was {_percent(float(coverage.mean()))}."
    )
    blocks: list[Block] = [paragraph(said)]
    if len(low):
        each = [
            f"{_where(row)}: {_percent(row['coverage'])} (standard error {100 * row['standard_error']:.1f} percentage points)"
            for _, row in low.iterrows()
        ]
        blocks += [paragraph(f"{_plural(len(low), 'Cell')} below {say.percentage(TOLERATED)}:"), bullets(each)]
    nulls = cells[(cells["nulls"] > 0) & cells["null_claims"].notna()]
    if len(nulls):
        total = int(nulls["nulls"].sum())
        share = float((nulls["null_claims"] * nulls["nulls"]).sum() / total)
        worst = nulls.iloc[int(nulls["null_claims"].argmax())]
        said = (
            f"Of {total:,} made-up series without any effect, {_percent(share)} were called benefit or harm, against the "
            f"{say.percentage(1 - NOMINAL)} that a {say.percentage(NOMINAL)} interval allows. The highest share in one cell was "
            f"{_percent(worst['null_claims'])} of {int(worst['nulls'])} ({_where(worst)})."
        )
        blocks.append(paragraph(said))
    return blocks


def _usual_practice(studies: Mapping[str, pd.DataFrame]) -> list[Block]:
    """What is usually done on the same series, in one sentence; nothing where it was not tried."""
    tables = [cells for method in USUAL if not (cells := _cells(studies, method)).empty]
    if not tables:
        return []
    cells = pd.concat(tables, ignore_index=True)
    lowest, kept = cells.iloc[int(cells["coverage"].argmin())], int((cells["coverage"] >= TOLERATED).sum())
    said = (
        f"What is usually done was tried on the same series in {len(cells)} {_plural(len(cells), 'cell')}: its interval held the truth at "
        f"least {say.percentage(TOLERATED)} of the time in {kept}. Its lowest coverage was {_percent(lowest['coverage'])} "
        f"({METHODS[lowest['method']]}; {_where(lowest)})."
    )
    return [paragraph(said)]


def _compared(table: pd.DataFrame | None) -> Block:
    """The approximation beside the sampler on the same series, or that this is not known."""
    why = (
        "Rows called Ours use a fast approximation (nested Laplace), because the sampler that findings use would take too long for so many "
        "series. "
    )
    pairs = pd.DataFrame()
    if table is not None:
        ours, sampled = (table[table["method"] == method] for method in OURS)
        pairs = ours.merge(sampled, on=CELL, suffixes=("", "_sampled"))
    if pairs.empty:
        return paragraph(
            why
            + "The two have not been compared yet, so the coverage of findings themselves is not known from this page."
        )
    gap = 100 * (pairs["coverage_sampled"] - pairs["coverage"])
    most = int(gap.abs().argmax())
    width = float((pairs["mean_width_sampled"] / pairs["mean_width"]).mean())
    count = len(pairs)
    return paragraph(
        f"{why}The two were compared on the same series in {count} {_plural(count, 'cell')} ({_made(pairs)} series each): the "
        f"average coverage was {_percent(float(pairs['coverage'].mean()))} by the approximation and "
        f"{_percent(float(pairs['coverage_sampled'].mean()))} by the sampler, whose intervals had on average "
        f"{100 * width:.0f}% of the approximation's width. The largest difference in one cell was {abs(gap.iloc[most]):.1f} percentage points "
        f"({_where(pairs.iloc[most])}: {_percent(pairs['coverage'].iloc[most])} and {_percent(pairs['coverage_sampled'].iloc[most])})."
    )  # fmt: skip


def _false_alarms(studies: Mapping[str, pd.DataFrame]) -> list[Block]:
    """For each study, how often a series without any effect is called one."""
    rows = []
    for name, table in studies.items():
        nulls = table[(table["nulls"] > 0) & table["null_claims"].notna()]
        for method in (*OURS, *USUAL):
            part = nulls[nulls["method"] == method]
            if len(part):
                share = float(np.average(part["null_claims"], weights=part["nulls"]))
                rows.append((_title(name), METHODS[method], int(part["nulls"].sum()), round(100 * share, 1)))
    if not rows:
        return []
    shown = rows_table(rows, ["Study", "Method", "Series without any effect", "Called an effect (%)"])
    caption = f"False alarms: series without any effect that were called one, against {say.percentage(1 - NOMINAL)}"
    return [Table(shown, caption, name="calibration-false-alarms", kind="svd-wide")]


def _gap(name: str, table: pd.DataFrame | None) -> str:
    """What of a study is missing, in a few words; empty where nothing is."""
    title = _title(name)
    if table is None:
        return title
    if name == RANKS:
        have, want = len(table[["model", "computation"]].drop_duplicates()), len(MODELS) * len(SIMULATIONS)
        return f"{title} ({want - have} of {want} computations)" if have < want else ""
    have, want = len(table[CELL].drop_duplicates()), len(SETTINGS if name == ALARMS else STUDIES[name].settings)
    return f"{title} ({want - have} of {want} cells)" if have < want else ""


def _study_table(name: str, table: pd.DataFrame) -> Table:
    methods = list(dict.fromkeys(table["method"]))
    designs, kinds = (table[c].nunique() > 1 for c in ("design", "likelihood"))
    drifts = bool((table["drift"] != 0).any())
    head = ["Areas", *["Design"] * designs, *["Indicator"] * kinds, "Months", "Mean", "Persistence"]
    head += ["Drift a year"] * drifts + ["Simulations"]
    for method in methods:
        words = METHODS.get(method, method)
        head += [f"{words}: coverage (%)", *[f"{words}: ± standard error"] * (method in OURS), f"{words}: width"]
    rows = []
    for _, part in table.groupby(CELL, sort=False, dropna=False):
        first = part.iloc[0]
        row: list[object] = [_areas(first)]
        row += [DESIGNS.get(first["design"], first["design"])] * designs
        row += [LIKELIHOODS.get(first["likelihood"], first["likelihood"])] * kinds
        row += [
            f"{int(first['before'])} before, {int(first['after'])} after",
            float(first["mean"]),
            float(first["rho"]),
        ]
        row += [float(first["drift"])] * drifts + [int(part["simulations"].max())]
        for method in methods:
            row += _cell(part[part["method"] == method], with_error=method in OURS)
        rows.append(row)
    return Table(rows_table(rows, head), _title(name), name=f"calibration-{name}", kind="svd-wide", download=table)


def _cell(found: pd.DataFrame, *, with_error: bool) -> list[object]:
    """Coverage, its standard error where wanted, and width, of one method in one cell."""
    if found.empty:
        return [None] * (2 + with_error)
    first = found.iloc[0]
    error = [round(100 * float(first["standard_error"]), 1)] * with_error
    return [round(100 * float(first["coverage"]), 1), *error, round(float(first["mean_width"]), 3)]


def _figure(studies: Mapping[str, pd.DataFrame]) -> Figure:
    """Coverage of every cell: a row for each study, a line in it for each method."""
    lines = [
        (name, method, table[table["method"] == method])
        for name, table in studies.items()
        for method in (*OURS, *USUAL)
        if (table["method"] == method).any()
    ]
    names = list(studies)
    lowest = min(100 * float(part["coverage"].min()) for _, _, part in lines)
    marks = {"model": ("our model", "o", BLUE, BLUE, 0.2), "sampled": ("our model, sampled", "s", TEAL, TEAL, -0.2)}
    blank = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # hides the lines behind a word
    usual = ("usual practice", "D", LABEL_ORANGE, "white", -0.2)

    def draw(axes: Axes) -> None:
        axes.grid(False, axis="y")
        for level, style, side in ((NOMINAL, (0, (5, 2)), "left"), (TOLERATED, ":", "right")):
            axes.axvline(100 * level, color=DARK, linewidth=1.3, linestyle=style)
            axes.annotate(say.percentage(level), (100 * level, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 4),
                          textcoords="offset points", ha=side, fontsize=10.5)  # fmt: skip
        named = set()
        for name, method, part in lines:
            words, shape, edge, filling, shift = marks.get(method, usual)
            alone = sum(other == name for other, _, _ in lines) == 1
            place = len(names) - 1 - names.index(name) + (0 if alone else shift)
            values = 100 * part["coverage"].to_numpy(dtype=float)
            axes.plot(values, np.full(len(values), place), linestyle="none", marker=shape, markersize=6, color=edge,
                      markerfacecolor=filling, alpha=0.8)  # fmt: skip
            if words not in named:  # each kind of mark is named once, left of the first line that has it
                named.add(words)
                axes.annotate(words, (values.min(), place), xytext=(-8, 0), textcoords="offset points", ha="right", va="center",
                              color=edge if edge != TEAL else DARK, fontsize=10, bbox=blank)  # fmt: skip
        axes.set_yticks(range(len(names))[::-1], [wrap_label(_title(name), LABEL) for name in names], fontsize=9.5)
        for edge_place in range(1, len(names)):
            axes.axhline(edge_place - 0.5, color=GRID, linewidth=0.6)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlim(min(lowest - 18, 100 * TOLERATED - 20), 100.8)
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0f}%")

    data = rows_table(
        [(_title(n), METHODS[m], _where(r), round(100 * float(r["coverage"]), 1)) for n, m, part in lines for _, r in part.iterrows()],
        ["Study", "Method", "Cell", "Coverage (%)"],
    )  # fmt: skip
    trend = "; ".join(_span(words, lines, kinds) for words, kinds in (("ours", OURS), ("usual practice", USUAL)))
    caption = (
        f"Coverage of {say.percentage(NOMINAL)} intervals, one mark for each cell. Filled circles are our model by the fast approximation, "
        f"filled squares by the sampler, open diamonds usual practice. The dashed line is {say.percentage(NOMINAL)}, the dotted line "
        f"{say.percentage(TOLERATED)}."
    )
    alt = alt_sentence("Dot chart", f"coverage of {say.percentage(NOMINAL)} intervals", trend.rstrip("; "))
    return Figure(
        "calibration-coverage",
        render(draw, 0.9 + 0.66 * len(names)),
        alt,
        caption,
        data,
        source=STUDIED,
        reading=READING["coverage"],
    )


def _span(words: str, lines: Iterable[tuple[str, str, pd.DataFrame]], methods: tuple[str, ...]) -> str:
    values = [v for _, method, part in lines if method in methods for v in part["coverage"]]
    if not values:
        return f"{words} not measured"
    return f"{words} from {_percent(min(values))} to {_percent(max(values))} ({len(values)} {_plural(len(values), 'mark')})"


def _provenance(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    rows = [
        (_title(name), _made(table), *(", ".join(dict.fromkeys(map(str, table[c]))) for c in ("date", "commit", "versions")),
         _command(name, table))
        for name, table in found.items()
    ]  # fmt: skip
    shown = rows_table(rows, ["Study", "Simulations a cell", "Date", "Commit", "Versions", "Command"])
    return [
        paragraph(
            "Where these numbers come from: svd calibrate STUDY --size full repeats a study. The commit is that of the software when the "
            "run began. A plus after a commit means that files of the model had been changed since that commit."
        ),
        Table(shown, "Provenance of the results", name="calibration-provenance", kind="svd-wide"),
    ]


def _made(table: pd.DataFrame) -> str:
    """How many series, or true values, there are of each cell."""
    low, high = int(table["simulations"].min()), int(table["simulations"].max())
    return f"{low}" if low == high else f"{low} to {high}"


def _title(name: str) -> str:
    if name == RANKS:
        return "Ranks of true values among posterior draws"
    if name == ALARMS:
        return "False alarms of the whole judgement"
    first = STUDIES[name].settings[0]
    return TITLES[name].format(before=first.before, after=first.after)


def _areas(row: pd.Series) -> str:
    areas, waves = int(row["n_areas"]), ", staggered" * bool(row["staggered"])
    return f"{int(row['n_treated'])} of {areas} {_plural(areas, 'area')} treated{waves}"


def _where(row: pd.Series) -> str:
    kind = LIKELIHOODS.get(row["likelihood"], str(row["likelihood"])).lower().replace("poisson", "Poisson")
    what = f"{DESIGNS.get(row['design'], row['design']).lower()}, {row['shape'].replace('_', ' ')}, {kind}"
    months = f"{int(row['before'])} months before and {int(row['after'])} after"
    hidden = ", suppressed" * bool(row["hidden"])
    return f"{what}{hidden}, {_areas(row)}, {months}, mean {row['mean']:g}, persistence {row['rho']:g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _command(name: str, table: pd.DataFrame) -> str:
    """What repeats a study with as many simulations as it was run with."""
    made = int(table["simulations"].max())
    if name == ALARMS:
        usual = made == ALARM_SIMULATIONS
    elif name == RANKS:
        usual = all(int(p["simulations"].max()) == SIMULATIONS.get(str(by)) for by, p in table.groupby("computation"))
    else:
        usual = made == STUDIES[name].simulations
    return f"svd calibrate {name} --size full" + f" --simulations {made}" * (not usual)
