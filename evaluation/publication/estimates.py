"""Estimates of one evaluation as tables of words."""

from typing import Any

import pandas as pd

from evaluation.publication import numbers as say
from evaluation.publication.evaluated import Evaluated
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import ROLES, finding_badge


def primary_finding(evaluation: Evaluated) -> dict[str, Any]:
    """What finding.json says of the primary indicator."""
    return evaluation.finding["indicators"][evaluation.plan.indicators.primary]  # type: ignore[no-any-return]


def interval_words(evaluation: Evaluated) -> str:
    """The name of the intervals: 95% credible interval."""
    return f"{say.percentage(evaluation.review.settings.interval)} credible interval"


def indicator_title(evaluation: Evaluated, key: str) -> str:
    """The title of an indicator."""
    return str(evaluation.review.indicators[key].title)


def estimates_table(evaluation: Evaluated, keys: list[str]) -> pd.DataFrame:
    """One row per indicator: finding, size, interval, events, probabilities."""
    rows = []
    for key in keys:
        found, unit = evaluation.finding["indicators"][key], evaluation.review.indicators[key].unit
        change = found.get("percent_change")
        difference, averted = found.get("difference"), found.get("events_averted")
        if say.complete(change):
            size, spread = say.change(change["median"]), say.change_range(change)
        elif say.complete(difference):
            size, spread = say.shift(difference["median"], unit), say.shift_range(difference, unit)
        else:
            size, spread = "not estimated", ""
        events = (
            f"{say.fewer(averted['median'])} ({say.fewer_range(averted)})"
            if say.complete(averted)
            else "not applicable"
        )
        rows.append(
            (
                indicator_title(evaluation, key),
                ROLES.get(found["role"], found["role"]),
                finding_badge(found),
                size,
                spread,
                events,
                say.probability(found.get("prob_benefit")),
                say.probability(found.get("prob_meaningful")),
            )
        )
    names = [
        "Indicator",
        "Role",
        "Finding",
        "Change",
        interval_words(evaluation),
        "Events",
        "Probability of benefit",
        "Probability of an effect worth acting on",
    ]
    return rows_table(rows, names)


def groups_table(evaluation: Evaluated, key: str) -> pd.DataFrame | None:
    """The effect by when areas started, if they did not all start together."""
    table = evaluation.effects
    if table.empty or "estimand" not in table:
        return None
    kept = table[(table["indicator"] == key) & (table["estimand"] == "by_cohort")]
    if len(kept) < 2:
        return None
    scores = primary_finding(evaluation).get("likelihood") == "normal"
    unit = evaluation.review.indicators[key].unit
    rows = []
    for row in kept.to_dict("records"):
        summary = {k: float(row[k]) if scores else 100 * (float(row[k]) - 1) for k in ("median", "lower", "upper")}
        size = say.shift(summary["median"], unit) if scores else say.change(summary["median"])
        spread = say.shift_range(summary, unit) if scores else say.change_range(summary)
        rows.append((say.period_name(str(row["cohort"])), size, spread, say.probability(row.get("prob_benefit"))))
    return rows_table(rows, ["Started", "Change", interval_words(evaluation), "Probability of benefit"])
