"""The needs assessment beside the counts: when, to whom, and the conditions of areas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.evidence.context import CONTEXT, PROFILE, Context
from evaluation.judgement.needs import PER, Need
from evaluation.protocol import Review
from evaluation.publication import numbers as say
from evaluation.publication.disclosure import CONFIDENTIAL, control_counts, control_points
from evaluation.publication.display import Block, Table, paragraph
from evaluation.publication.maps import season_chart
from evaluation.publication.subtraction import hide_more
from evaluation.publication.tables import rows_table

FEWEST_AREAS = 5  # of a rank correlation


def when(needs: Sequence[Need], review: Review, context: Context) -> list[Block]:
    """When: month of the year, and weekday and hour where the data have them."""
    blocks: list[Block] = [f for n in needs if (f := season_chart(n, review.settings.interval)) is not None]
    blocks += _profiles(context.profile, review, ("weekday", "hour", "month"))
    return blocks or [paragraph("The data do not say when.")]


def whom(review: Review, context: Context) -> list[Block]:
    """To whom: age, sex and whatever else the profile has."""
    named = set(context.profile["dimension"]) - {"weekday", "hour", "month"} if not context.profile.empty else set()
    blocks = _profiles(context.profile, review, tuple(sorted(named)))
    return blocks or [
        paragraph(f"The data do not say to whom: add {PROFILE} with age and sex as counts (never records of people).")
    ]


def conditions(needs: Sequence[Need], review: Review, context: Context) -> list[Block]:
    """Risk and protective factors of areas beside outcomes."""
    if context.factors.empty:
        return [
            paragraph(
                f"No risk or protective factor is given: add {CONTEXT} with one column each (deprivation, exclusions), by area."
            )
        ]
    rows = []
    for factor in context.factors.columns:
        for n in needs:
            pairs: list[tuple[float, float]] = [
                (float(context.factors[str(factor)][p.area]), p.rate.median)
                for p in n.places
                if p.area in context.factors.index
            ]
            known = [(a, b) for a, b in pairs if np.isfinite(a)]
            if len(known) >= FEWEST_AREAS:
                rho = float(stats.spearmanr(*zip(*known, strict=True)).statistic)
                # Fisher's transformation with the standard error for ranks (Bonett and Wright 2000).
                error = np.sqrt((1 + rho**2 / 2) / max(len(known) - 3, 1))
                z = np.arctanh(np.clip(rho, -0.999, 0.999))
                rows.append(
                    (
                        factor,
                        n.indicator.title,
                        f"{rho:.2f}".replace("-", "−"),
                        f"{np.tanh(z - 1.96 * error):.2f} to {np.tanh(z + 1.96 * error):.2f}".replace("-", "−"),
                        str(len(known)),
                    )
                )
    shown = context.factors.reset_index()
    shown["area"] = [review.areas.areas[code].name for code in shown["area"]]
    shown = shown.rename(columns={"area": "Area"})
    blocks: list[Block] = [Table(shown, "Risk and protective factors by area", name="needs-context")]
    if rows:
        blocks.append(
            Table(
                rows_table(rows, ["Factor", "Outcome", "Rank correlation", "95% interval", "Areas"]),
                "Factors beside outcomes",
                name="needs-factors",
            )
        )
    return [
        *blocks,
        paragraph(
            f"These are associations between areas. They say nothing of single people and do not show causes. Of {len(rows)} correlations, "
            f"about {0.05 * len(rows):.1f} would lie outside their interval of no association by chance alone.",
            "svd-note",
        ),
    ]


def _profiles(profile: pd.DataFrame, review: Review, dimensions: tuple[str, ...]) -> list[Block]:
    if profile.empty:
        return []
    blocks: list[Block] = []
    for (key, dimension), part in profile.groupby(["indicator", "dimension"], sort=False):
        if dimension not in dimensions:
            continue
        indicator = review.indicators[str(key)]
        rows = []
        # Shares and rates are of the counts as they may be shown, or they would give the withheld ones away.
        recorded = part["count"].to_numpy(dtype=float)
        shown_counts, _ = control_points(recorded, indicator.disclosure)
        # The total of the same events stands elsewhere in the book, so a group may have to go with a small one.
        more = hide_more(recorded, indicator.disclosure)
        if more.all() and len(more):
            blocks.append(paragraph(f"{indicator.title} by {dimension}: the numbers are too small to be shown."))
            continue
        shown_counts = np.where(more, np.nan, shown_counts)
        total = float(np.nansum(shown_counts))
        for count, also, (_, row) in zip(shown_counts, more, part.iterrows(), strict=True):
            rate = "population not given"
            if "population" in part and np.isfinite(row["population"]) and row["population"] > 0:
                low, middle, high = stats.gamma.ppf([0.025, 0.5, 0.975], count + 0.5) / row["population"] * PER
                rate = f"{say.plain(middle)} ({say.plain(low)} to {say.plain(high)})"
            shown = CONFIDENTIAL if also else control_counts([float(row["count"])], indicator.disclosure)[0]
            hidden = isinstance(shown, str)
            rows.append(
                (
                    row["group"],
                    shown,
                    CONFIDENTIAL if hidden else say.percentage(count / total) if total else "none",
                    CONFIDENTIAL if hidden else rate,
                )
            )
        counts = () if indicator.disclosure == "already_public" else ("Count",)
        columns = [str(dimension).capitalize(), "Count", "Share", f"Rate per {PER:,.0f} (95% interval)"]
        blocks.append(Table(rows_table(rows, columns), f"{indicator.title} by {dimension}", counts=counts))
    return blocks
