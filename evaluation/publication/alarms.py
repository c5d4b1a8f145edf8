"""How often the whole judgement raised a false alarm, as it is shown: from stored results, never typed."""

from __future__ import annotations

import pandas as pd

from evaluation.publication import numbers as say
from evaluation.publication.display import Block, Table, paragraph
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import CHECK_NAMES

MOST_CHECKS = 3
ALLOWED = 0.05


def alarm_blocks(table: pd.DataFrame, title: str) -> list[Block]:
    """What was done, the shares that matter, and a row for each kind of series.

    Args:
        table: of `evaluation.calibration.alarms.run_alarms`, stored.
        title: of the table.
    """
    rows = []
    for _, row in table.iterrows():
        shares = [
            round(100 * float(row[name]), 1) for name in ("interval_alone", "called_effect", "low", "moderate", "high")
        ]
        rows.append((_kind(row), int(row["simulations"]), *shares, _failed(row["failed"], int(row["simulations"]))))
    head = ["Series without any effect", "Simulations", "Called an effect by the interval alone (%)", "Called an effect by the rules (%)",
            "Low confidence (%)", "Moderate (%)", "High (%)", "Checks that failed most"]  # fmt: skip
    quiet, drifting = (table[(table["drift"] == 0) == still] for still in (True, False))
    said = [
        "An interval is not yet a finding: the rules also read the checks. Here every check was made, as for a published finding, on series "
        "without any effect. Some are quiet. In others the treated areas drift away from the comparison before and after the start: the "
        "interval of any difference-in-differences takes that for an effect, and only the checks can tell."
    ]
    for part, words in ((quiet, "quiet"), (drifting, "drifting")):
        if len(part):
            alone, called, low = (_share(part, name) for name in ("interval_alone", "called_effect", "low"))
            said.append(
                f"Of {int(part['simulations'].sum())} {words} series, {alone} would have been called benefit or harm by the interval alone, and "
                f"{called} were by the rules; {low} were given low confidence."
            )
    said.append(f"At most {say.percentage(ALLOWED)} of quiet series should be called an effect.")
    return [
        paragraph(" ".join(said)),
        Table(rows_table(rows, head), title, name="calibration-alarms", kind="svd-wide", download=table),
    ]


def _kind(row: pd.Series) -> str:
    design = "Interrupted time series" if row["design"] == "its" else "Difference-in-differences"
    areas = "" if row["design"] == "its" else f", {int(row['n_treated'])} of {int(row['n_areas'])} areas treated"
    drift = f", drifting by {100 * float(row['drift']):g}% a year".replace("-", "−") if row["drift"] else ""
    months = f"{int(row['before'])} months before and {int(row['after'])} after"
    return f"{design}{areas}, {months}, mean {row['mean']:g}, persistence {row['rho']:g}{drift}"


def _failed(found: object, simulations: int) -> str:
    """The checks that failed most often, with their share."""
    if not isinstance(found, str) or not found:
        return "none"
    counts = [(name, int(count)) for name, _, count in (word.partition(":") for word in found.split())]
    most = sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:MOST_CHECKS]
    return "; ".join(f"{CHECK_NAMES.get(name, name)} {100 * count / simulations:.0f}%" for name, count in most)


def _share(part: pd.DataFrame, name: str) -> str:
    return f"{100 * float((part[name] * part['simulations']).sum() / part['simulations'].sum()):.1f}%"
