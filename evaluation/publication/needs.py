"""The chapter on needs: what, how much, where, when, to whom, changing how, and what the data cannot show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.evidence.context import CONTEXT, MAP, PROFILE, Context
from evaluation.judgement.needs import CLEAR, PER, SURE, Need, Place, Summary
from evaluation.judgement.priorities import RISING, harm, set_priorities
from evaluation.judgement.wording import probability_sentence
from evaluation.protocol import Review
from evaluation.publication import numbers as say
from evaluation.publication.disclosure import (
    CONFIDENTIAL,
    LARGEST_WITHHELD,
    ROUNDED_TO,
    control_counts,
    control_points,
    is_controlled,
)
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.maps import area_map, area_ranges
from evaluation.publication.tables import rows_table

MOST_PRIORITIES = 12


def summary_lines(needs: Sequence[Need], review: Review, context: Context) -> list[str]:
    """The assessment for a terminal: each kind, how concentrated it is, and the priorities."""
    lines = [
        f"{n.indicator.title}: {_total(n)} {n.indicator.unit} from {say.period_name(n.first)} to {say.period_name(n.last)}; "
        f"recorded, year before and newest: {_compared(n)}; expected: {_percent(n.change)}."
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


def first_places(needs: Sequence[Need]) -> list[Block]:
    """Where to look first, in a sentence: the priorities by the stated criteria."""
    found = set_priorities(needs)[:MOST_PRIORITIES]
    if not found:
        return [paragraph("No area stands out by the stated criteria: nowhere is surely different enough.", "svd-lead")]
    by_kind: dict[str, list[str]] = {}
    for one in found:
        by_kind.setdefault(one.indicator, []).append(one.area)
    said = "; ".join(f"{kind.lower()} in {_listed(areas)}" for kind, areas in by_kind.items())
    return [paragraph(f"Where to look first: {said}.", "svd-lead")]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def kinds(needs: Sequence[Need], review: Review) -> list[Block]:
    """Which kinds of serious violence, how much, and changing how."""
    if not needs:
        return [paragraph("There is no indicator that is counted, so there is nothing to assess.", "svd-warning")]
    rows: list[tuple[str, ...]] = [
        (n.indicator.title, f"{_total(n)} {n.indicator.unit}", _compared(n), _percent(n.change), _rise(n))
        for n in needs
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
            rows_table(
                rows,
                [
                    "Kind",
                    "Newest year",
                    "Recorded, year before and newest",
                    "Change of what is expected",
                    "Rising or falling?",
                ],
            ),
            "Kinds of violence and how they change",
            name="needs-kinds",
            kind="svd-wide",
        ),
        paragraph(
            "The newest year is the last twelve complete months of each indicator. "
            "Recorded counts are compared over the areas and months known in both years. The change is that of expected counts under our count "
            "model, which allows for trend, season and chance: it is smaller than the recorded change where chance could explain part of that.",
            "svd-note",
        ),
    ]
    weighed = harm(needs, _shown_total)
    if weighed:
        heaviest = max(weighed, key=lambda h: h.weight.value)
        head = [
            "Kind",
            "Harm in the newest year",
            "Share of the harm weighed",
            f"Share without {heaviest.need.indicator.title.lower()}",
            "Weight from",
        ]
        rows = [
            (h.need.indicator.title, f"{h.amount:,.0f} {h.weight.unit}", say.percentage(h.share),
             "left out" if h.rest is None else say.percentage(h.rest), h.weight.source)
            for h in weighed
        ]  # fmt: skip
        blocks += [
            Table(rows_table(rows, head), "Weighted by harm", name="needs-harm", kind="svd-wide"),
            paragraph(
                "One event of the heaviest kind can outweigh hundreds of others, so shares are given without it too.",
                "svd-note",
            ),
        ]
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


def limits(needs: Sequence[Need], review: Review, context: Context) -> list[Block]:
    """What the data cannot show."""
    items = [
        "Violence that is neither reported nor treated is in none of these counts; more recording can look like more violence.",
        "Rates are per resident: in town centres and other places with many visitors they overstate the risk of those who live there.",
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
        f"The area's rate lies {100 * (CLEAR - 1):.0f}% or more above the partnership's with a probability of {say.percentage(SURE)} or more.",
        "The area is among the fewest that hold half of the events, and these are fewer than chance gives.",
        f"Added for an area that meets one of these: the partnership's count is rising with a probability of {100 * RISING:g}% or more.",
    ]
    blocks: list[Block] = [paragraph("Criteria, fixed before the numbers are looked at:"), bullets(criteria)]
    if not found:
        return [*blocks, paragraph("No area meets any of them.")]
    rows = [
        (
            p.area,
            p.indicator,
            str(len(p.met)),
            "; ".join(p.met),
            f"{say.change(100 * (p.ratio.median - 1))} ({say.change_range(_hundred(p.ratio))})",
        )
        for p in found[:MOST_PRIORITIES]
    ]
    blocks.append(
        Table(
            rows_table(rows, ["Area", "Kind", "Criteria met", "Which", "Rate against the partnership"]),
            "Suggested priorities",
            name="needs-priorities",
            kind="svd-wide",
        )
    )
    left = len(found) - len(rows)
    said = f"{left} more meet fewer criteria or meet them less surely. " if left > 0 else ""
    said += "Within as many criteria, the area whose rate surely lies furthest above comes first. "
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
        if not is_controlled(profile):
            return f"between {p.low:,.0f} and {p.high:,.0f}"
        # Bounds are sums that may hold exact counts, so they are widened to what is rounded.
        low, high = ROUNDED_TO * np.floor(p.low / ROUNDED_TO), ROUNDED_TO * np.ceil(p.high / ROUNDED_TO)
        return f"between {low:,.0f} and {high:,.0f}" if p.low > LARGEST_WITHHELD else CONFIDENTIAL
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


def _shown_total(n: Need) -> float:
    """The total as it may be shown, so that a weighted one does not give the exact count away; none where it is withheld."""
    points, _ = control_points([n.total], n.indicator.disclosure)
    return float(np.nan_to_num(points[0]))


def _compared(n: Need) -> str:
    if not np.isfinite(n.before):
        return "no year before"
    then, now = control_counts([n.before, n.again], n.indicator.disclosure)
    if isinstance(then, str) or isinstance(now, str):
        return "[c]"
    return f"{'about ' if n.range_only else ''}{then:,} and {now:,}"


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
