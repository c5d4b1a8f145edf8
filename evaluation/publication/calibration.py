"""The page on how the method itself was tried: every number comes from the stored results of `svd calibrate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.calibration.coverage import NOMINAL, STUDIES
from evaluation.calibration.ranks import MODELS, SIMULATIONS
from evaluation.calibration.results import read_results
from evaluation.publication import numbers as say
from evaluation.publication.alt import alt_sentence
from evaluation.publication.annotate import BLUE, DARK, LABEL_ORANGE
from evaluation.publication.axis import wrap_label
from evaluation.publication.display import Block, Figure, Table, bullets, paragraph
from evaluation.publication.figures import render
from evaluation.publication.tables import rows_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "How often the intervals hold the truth"
TOLERATED = 0.92  # coverage below this is listed cell by cell
SURPRISING = 0.01  # p values of ranks below this are counted
RANKS = "ranks"
LABEL = 50  # characters of a line beside the chart
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
    "quasi_poisson": "Quasi-Poisson as usually printed",
    "quasi_poisson_true": "Quasi-Poisson with its true variance (which nobody knows)",
    "twfe_clustered": "Two-way fixed effects, clustered errors",
    "twfe_iid": "Two-way fixed effects, ordinary errors",
    "zero_filled": "Suppressed entered as zero",
    "dropped": "Suppressed left out",
    "complete": "Nothing suppressed",
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
    read = {name: read_results(name, folder) for name in (*TITLES, RANKS)}
    found = {name: table for name, table in read.items() if table is not None and not table.empty}
    if not found:
        return []
    studies = {name: table for name, table in found.items() if name != RANKS}
    blocks: list[Block] = [
        paragraph(
            f"An interval called {say.percentage(NOMINAL)} should hold the truth in {say.percentage(NOMINAL)} of cases. How often it does is "
            "its coverage. In real data the truth is never known, so the data on this page are made up: many series with a known effect "
            "(in some, none at all), from a generator that is not our model. Each row of a table is one cell: one kind of series, "
            "made many times over. Coverage below the stated level means that intervals are too narrow; above it, too wide."
        )
    ]
    for method, computed in (("model", "the fast approximation"), ("sampled", "the sampler that findings use")):
        cells = _cells(studies, method)
        if not cells.empty:
            blocks += _verdict(cells, f"our model, computed by {computed},")
    missing = [words for name in (*TITLES, RANKS) if (words := _gap(name, found.get(name)))]
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
    blocks += [_study_table(name, table) for name, table in studies.items()]
    if RANKS in found:
        blocks += _ranks(found[RANKS])
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


def _gap(name: str, table: pd.DataFrame | None) -> str:
    """What of a study is missing, in a few words; empty where nothing is."""
    title = _title(name)
    if table is None:
        return title
    if name == RANKS:
        have, want = len(table[["model", "computation"]].drop_duplicates()), len(MODELS) * len(SIMULATIONS)
        return f"{title} ({want - have} of {want} computations)" if have < want else ""
    have, want = len(table[CELL].drop_duplicates()), len(STUDIES[name].settings)
    return f"{title} ({want - have} of {want} cells)" if have < want else ""


def _study_table(name: str, table: pd.DataFrame) -> Table:
    methods = list(dict.fromkeys(table["method"]))
    designs, kinds = (table[c].nunique() > 1 for c in ("design", "likelihood"))
    drifts = bool((table["drift"] != 0).any())
    head = ["Areas", *["Design"] * designs, *["Indicator"] * kinds, "Months", "Mean", "Persistence"]
    head += ["Drift a year"] * drifts + ["Simulations"]
    for method in methods:
        head += [f"{METHODS.get(method, method)}: coverage (%)", f"{METHODS.get(method, method)}: width"]
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
        figures = part.assign(
            coverage=(100 * part["coverage"]).round(1), mean_width=part["mean_width"].astype(float).round(3)
        )
        seen = {r["method"]: (float(r["coverage"]), float(r["mean_width"])) for _, r in figures.iterrows()}
        rows.append([*row, *(value for method in methods for value in seen.get(method, (None, None)))])
    return Table(rows_table(rows, head), _title(name), name=f"calibration-{name}", kind="svd-wide")


def _figure(studies: Mapping[str, pd.DataFrame]) -> Figure:
    """Coverage of every cell, one line for each study and method."""
    lines = [
        (name, method, table[table["method"] == method])
        for name, table in studies.items()
        for method in (*OURS, *USUAL)
        if (table["method"] == method).any()
    ]
    y = np.arange(len(lines))[::-1]
    lowest = min((100 * float(part["coverage"].min()) for _, _, part in lines), default=90.0)

    def draw(axes: Axes) -> None:
        axes.grid(False, axis="y")
        for level, style, side in ((NOMINAL, (0, (5, 2)), "left"), (TOLERATED, ":", "right")):
            axes.axvline(100 * level, color=DARK, linewidth=1.3, linestyle=style)
            axes.annotate(say.percentage(level), (100 * level, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 4),
                          textcoords="offset points", ha=side, fontsize=10.5)  # fmt: skip
        for place, (_, method, part) in zip(y, lines, strict=True):
            ours = method in OURS
            axes.plot(100 * part["coverage"], np.full(len(part), place), linestyle="none", marker="o" if ours else "D", markersize=6,
                      color=BLUE if ours else LABEL_ORANGE, markerfacecolor=BLUE if ours else "white", alpha=0.8)  # fmt: skip
        axes.set_yticks(
            y, [wrap_label(f"{METHODS[method]}: {_title(name)}", LABEL) for name, method, _ in lines], fontsize=9
        )
        axes.set_ylim(-0.7, len(lines) - 0.3)
        axes.set_xlim(min(lowest - 2, 100 * TOLERATED - 4), 100.8)
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0f}%")

    data = rows_table(
        [(_title(n), METHODS[m], _where(r), round(100 * float(r["coverage"]), 1)) for n, m, part in lines for _, r in part.iterrows()],
        ["Study", "Method", "Cell", "Coverage (%)"],
    )  # fmt: skip
    trend = "; ".join(_span(words, lines, kinds) for words, kinds in (("ours", OURS), ("usual practice", USUAL)))
    caption = (
        f"Coverage of {say.percentage(NOMINAL)} intervals, one mark for each cell. Filled circles are our model, open diamonds usual "
        f"practice. The dashed line is {say.percentage(NOMINAL)}, the dotted line {say.percentage(TOLERATED)}."
    )
    alt = alt_sentence("Dot chart", f"coverage of {say.percentage(NOMINAL)} intervals", trend.rstrip("; "))
    return Figure("calibration-coverage", render(draw, 1.0 + 0.48 * len(lines)), alt, caption, data)


def _span(words: str, lines: Iterable[tuple[str, str, pd.DataFrame]], methods: tuple[str, ...]) -> str:
    values = [v for _, method, part in lines if method in methods for v in part["coverage"]]
    if not values:
        return f"{words} not measured"
    return f"{words} from {_percent(min(values))} to {_percent(max(values))} over {len(values)} {_plural(len(values), 'cell')}"


def _ranks(table: pd.DataFrame) -> list[Block]:
    low = table["p_value"] < SURPRISING
    count = len(table)
    parts = [f"{by} {int(p.sum())} of {len(p)}" for by, p in low.groupby(table["computation"], sort=False)]
    rows = [
        (r["model"], r["computation"], r["quantity"], int(r["simulations"]), round(float(r["statistic"]), 1), f"{r['p_value']:.3f}")
        for _, r in table.iterrows()
    ]  # fmt: skip
    shown = rows_table(rows, ["Model", "Computation", "Quantity", "Simulations", "Statistic", "p value"])
    return [
        paragraph(
            "A second trial asks whether the posteriors are those of the models they claim to be (simulation-based calibration). True values "
            "are drawn from the prior and data from the model; the rank of the true value among the posterior draws should then be "
            "uniform. A small p value says that it is not."
        ),
        paragraph(
            f"{int(low.sum())} of {count} p values {'is' if low.sum() == 1 else 'are'} below {SURPRISING:g}; chance alone "
            f"would give about {say.plain(SURPRISING * count)}. By computation: {'; '.join(parts)}."
        ),
        Table(shown, _title(RANKS), name="calibration-ranks", kind="svd-wide"),
    ]


def _provenance(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    rows = [
        (_title(name), *(", ".join(dict.fromkeys(map(str, table[c]))) for c in ("date", "commit", "versions")), _command(name, table))
        for name, table in found.items()
    ]  # fmt: skip
    shown = rows_table(rows, ["Study", "Date", "Commit", "Versions", "Command"])
    return [
        paragraph(
            "Where these numbers come from: svd calibrate STUDY --size full repeats a study. A plus after a commit means that files of the "
            "model had been changed since that commit."
        ),
        Table(shown, "Provenance of the results", name="calibration-provenance", kind="svd-wide"),
    ]


def _title(name: str) -> str:
    if name == RANKS:
        return "Ranks of true values among posterior draws"
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
    made = int(table["simulations"].max())
    usual = name == RANKS or made == STUDIES[name].simulations
    return f"svd calibrate {name} --size full" + f" --simulations {made}" * (not usual)
