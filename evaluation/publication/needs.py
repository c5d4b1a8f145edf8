"""The chapter on needs: what, how much, where, when, to whom, changing how, and what the data cannot show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.evidence.context import CONTEXT, MAP, PROFILE, Context
from evaluation.judgement.needs import PER, RISING, SURE, Need, Place, Summary, harm, set_priorities
from evaluation.judgement.wording import probability_sentence
from evaluation.protocol import Review
from evaluation.publication import numbers as say
from evaluation.publication.disclosure import control_counts, control_points
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.maps import area_map, area_ranges, season_chart
from evaluation.publication.tables import rows_table

MOST_PRIORITIES = 12


def summary_lines(needs: Sequence[Need], review: Review, context: Context) -> list[str]:
    """The assessment for a terminal: each kind, how concentrated it is, and the priorities."""
    lines = [
        f"{n.indicator.title}: {_total(n)} {n.indicator.unit} from {say.period_name(n.first)} to {say.period_name(n.last)}; "
        f"against the year before {_percent(n.change)}."
        for n in needs
    ]
    lines += [f"Half of the events: {line}" for line in _concentrated(needs)]
    lines += [
        f"Priority: {p.area}, {p.indicator}: {'; '.join(p.met)}." for p in set_priorities(needs)[:MOST_PRIORITIES]
    ]
    missing = [
        name
        for name, there in (
            (MAP, context.polygons),
            (PROFILE, not context.profile.empty),
            (CONTEXT, not context.factors.empty),
        )
        if not there
    ]
    return lines + ([f"Not given, so not shown: {', '.join(missing)}."] if missing else [])


def kinds(needs: Sequence[Need], review: Review) -> list[Block]:
    """Which kinds of serious violence, how much, and changing how."""
    if not needs:
        return [paragraph("There is no indicator that is counted, so there is nothing to assess.", "svd-warning")]
    rows: list[tuple[str, ...]] = [
        (n.indicator.title, f"{_total(n)} {n.indicator.unit}", _percent(n.change), _rise(n)) for n in needs
    ]
    definition = review.settings.duty.definition
    said = (
        f"Serious violence here is: {definition.text}"
        if definition
        else "This review gives no definition of serious violence; the needs below are those of its indicators."
    )
    blocks: list[Block] = [
        paragraph(said),
        Table(
            rows_table(rows, ["Kind", "Newest year", "Against the year before", "Rising or falling?"]),
            "Kinds of violence and how they change",
            name="needs-kinds",
            kind="svd-wide",
        ),
        paragraph(
            "The newest year is the last twelve complete months of each indicator. "
            "Changes are of expected counts under our count model, which allows for trend, season and chance.",
            "svd-note",
        ),
    ]
    weighed = harm(needs)
    if weighed:
        rows = [
            (n.indicator.title, f"{amount:,.0f} {weight.unit}", say.percentage(share), weight.source)
            for n, amount, share in weighed
            if (weight := n.indicator.harm_weight) is not None
        ]
        blocks.append(
            Table(
                rows_table(rows, ["Kind", "Harm in the newest year", "Share of the harm weighed", "Weight from"]),
                "Weighted by harm",
                name="needs-harm",
            )
        )
    else:
        blocks.append(paragraph("Harm is not weighed: no indicator has a `harm_weight` with its source."))
    return blocks


def where(needs: Sequence[Need], review: Review, context: Context) -> list[Block]:
    """Where: rates by area with ranges of ranks, maps, similar areas."""
    blocks: list[Block] = [
        paragraph(
            "Rates of areas are partially pooled: an area with few events is drawn towards the others (and towards its neighbours, where these are known) "
            "as far as chance could explain its difference. Areas are not ranked: each has a range of ranks."
        )
    ]
    interval = review.settings.interval
    for n in needs:
        drawn = area_map(n, context.polygons) if context.polygons else None
        blocks += [f for f in (drawn, area_ranges(n, interval)) if f is not None]
        blocks.append(_areas_table(n))
    return blocks


def concentration(needs: Sequence[Need]) -> list[Block]:
    """How few areas hold half, against chance."""
    return [
        bullets(_concentrated(needs)),
        paragraph(
            "By chance: the same number of events, each falling on any resident with the same probability.", "svd-note"
        ),
    ]


def _concentrated(needs: Sequence[Need]) -> list[str]:
    items = []
    for n in needs:
        c = n.concentration
        if c is None:
            items.append(f"{n.indicator.title}: too few areas or events to say.")
            continue
        chance = f"by chance alone it would be {c.by_chance[0]} ({c.by_chance[1]} to {c.by_chance[2]})"
        beyond = "fewer than chance gives" if c.beyond < 1 - SURE else "no fewer than chance gives"
        items.append(
            f"{n.indicator.title}: {c.areas} of {len(n.places)} areas, with {say.percentage(c.population)} of the population, "
            f"hold half of the events; {chance}: {beyond}."
        )
    return items


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


def conditions(needs: Sequence[Need], context: Context) -> list[Block]:
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
            if len(known) >= 5:
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
            "These are associations between areas. They say nothing of single people and do not show causes.",
            "svd-note",
        ),
    ]


def limits(needs: Sequence[Need], review: Review, context: Context) -> list[Block]:
    """What the data cannot show."""
    items = [
        "Violence that is neither reported nor treated is in none of these counts; more recording can look like more violence."
    ]
    items += [
        f"{n.indicator.title}: some counts are known only as a range, because small numbers are withheld or rounded as published."
        for n in needs
        if n.range_only
    ]
    items += [
        f"{n.indicator.title}: the change is not estimated (fewer than three whole years, a period missing, or too few events)."
        for n in needs
        if n.change is None
    ]
    for n in needs:
        items += [
            f"{n.indicator.title}: recording changed in {say.period_name(b.from_)} ({b.because}); compare across it with care."
            for b in n.indicator.breaks
        ]
    definition = review.settings.duty.definition
    items += [
        f"Part of the definition, measured by nothing here: {gap}." for gap in (definition.gaps if definition else [])
    ]
    items += [] if context.polygons else [f"There is no map: add {MAP}."]
    items += (
        []
        if context.neighbours or any(a.neighbours for a in review.areas.areas.values())
        else ["Neighbours are not known, so rates are not smoothed over borders."]
    )
    items += [] if not context.profile.empty else [f"Age, sex, hour and weekday are not known: add {PROFILE}."]
    items += [] if not context.factors.empty else [f"Risk and protective factors are not known: add {CONTEXT}."]
    items.append(
        "Counts are by the area of the event or of residence, as each indicator says; places smaller than these areas are not seen."
    )
    return [bullets(items)]


def priorities(needs: Sequence[Need]) -> list[Block]:
    """Priorities by stated criteria."""
    found = set_priorities(needs)
    criteria = [
        f"The area's rate lies above the partnership's with a probability of {say.percentage(SURE)} or more.",
        "The area is among the fewest that hold half of the events, and these are fewer than chance gives.",
        f"Added for an area that meets one of these: the partnership's count is rising with a probability of {100 * RISING:g}% or more.",
    ]
    blocks: list[Block] = [paragraph("Criteria, fixed before the numbers are looked at:"), bullets(criteria)]
    if not found:
        return [*blocks, paragraph("No area meets any of them.")]
    rows = [(p.area, p.indicator, str(len(p.met)), "; ".join(p.met)) for p in found[:MOST_PRIORITIES]]
    blocks.append(
        Table(
            rows_table(rows, ["Area", "Kind", "Criteria met", "Which"]),
            "Suggested priorities",
            name="needs-priorities",
            kind="svd-wide",
        )
    )
    left = len(found) - len(rows)
    said = f"{left} more meet fewer criteria or meet them less surely. " if left > 0 else ""
    return [
        *blocks,
        paragraph(said + "The list suggests; the partnership decides, with what it knows that no count holds."),
    ]


def _areas_table(need: Need) -> Table:
    rows = [
        (p.name, _count(p, need.indicator.disclosure), say.plain(p.rate.median), f"{say.plain(p.rate.lower)} to {say.plain(p.rate.upper)}",
         f"{p.rank[0]} to {p.rank[1]}", say.probability(p.above), _similar(p))
        for p in need.places
    ]  # fmt: skip
    columns = [
        "Area",
        "Count",
        f"Rate per {PER:,.0f} a year",
        "Interval",
        "Rank (of areas)",
        "Probability above the partnership",
        "Against similar areas",
    ]
    counts = () if need.indicator.disclosure == "already_public" else ("Count",)
    return Table(
        rows_table(rows, columns),
        f"{need.indicator.title} by area",
        counts=counts,
        name=f"needs-{need.indicator.key}",
        kind="svd-wide",
    )


def _count(p: Place, profile: str) -> object:
    if not np.isfinite(p.low):
        return "[x]"
    if p.low != p.high:
        return f"between {p.low:,.0f} and {p.high:,.0f}" if p.low > 7 else "[c]"
    return control_counts([p.low], profile)[0]


def _similar(p: Place) -> str:
    if p.similar is None:
        return "no group"
    return f"{say.change(100 * (p.similar.median - 1))} ({say.change_range(_hundred(p.similar))})"


def _total(n: Need) -> str:
    total = control_counts([n.total], n.indicator.disclosure)[0]
    if isinstance(total, str):
        return total
    return f"about {total:,}" if n.range_only else f"{total:,}"


def _percent(change: Summary | None) -> str:
    return (
        "not estimated"
        if change is None
        else f"{say.change(100 * (change.median - 1))} ({say.change_range(_hundred(change))})"
    )


def _hundred(s: Summary) -> dict[str, float]:
    return {"median": 100 * (s.median - 1), "lower": 100 * (s.lower - 1), "upper": 100 * (s.upper - 1)}


def _rise(n: Need) -> str:
    return "not estimated" if n.change is None else probability_sentence(n.rising, "it rose") + "."


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
        shown_counts, _ = control_points(part["count"].to_numpy(dtype=float), indicator.disclosure)
        total = float(np.nansum(shown_counts))
        for count, (_, row) in zip(shown_counts, part.iterrows(), strict=True):
            rate = "population not given"
            if "population" in part and np.isfinite(row["population"]) and row["population"] > 0:
                low, middle, high = stats.gamma.ppf([0.025, 0.5, 0.975], count + 0.5) / row["population"] * PER
                rate = f"{say.plain(middle)} ({say.plain(low)} to {say.plain(high)})"
            shown = control_counts([float(row["count"])], indicator.disclosure)[0]
            hidden = isinstance(shown, str)
            rows.append(
                (
                    row["group"],
                    shown,
                    "[c]" if hidden else say.percentage(count / total) if total else "none",
                    "[c]" if hidden else rate,
                )
            )
        counts = () if indicator.disclosure == "already_public" else ("Count",)
        columns = [str(dimension).capitalize(), "Count", "Share", f"Rate per {PER:,.0f} (95% interval)"]
        blocks.append(Table(rows_table(rows, columns), f"{indicator.title} by {dimension}", counts=counts))
    return blocks
