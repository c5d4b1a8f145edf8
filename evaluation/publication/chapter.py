"""The board's chapter on one intervention, section by section, as blocks to show. Nothing here computes a result.

The verdict comes first, then a picture and what was done to check it; then the headings of EMMIE, the scheme of the
College of Policing's toolkit (Effect, Mechanism, Moderators, Implementation, Economics). What a board does not need at
first reading is folded away; what only an evaluator needs is in `annex.py`.
"""

from collections.abc import Mapping
from typing import Any

from evaluation.publication import decisions, diagnostics, figures, people
from evaluation.publication import numbers as say
from evaluation.publication.disclosure import Safe, clean, escape
from evaluation.publication.display import Block, Table, Text, bullets, folded, paragraph
from evaluation.publication.estimates import (
    estimates_table,
    groups_table,
    indicator_title,
    primary_finding,
)
from evaluation.publication.evaluated import Evaluated, subject_of
from evaluation.publication.subtraction import told_series
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import (
    CHECK_NAMES,
    CHECK_RESULT,
    DESIGNS,
    ROLES,
    confidence_badge,
    decision_words,
    finding_badge,
)

SHAPES = {
    "step": "a change of level at the start that stays",
    "level_and_slope": "a change of level and of slope at the start",
    "ramp": "a change that builds up and then stays",
    "per_period": "a change of its own in every period since the start",
    "decay": "a change at the start that fades",
}
QUALITY = {"green": "good (green)", "amber": "fair (amber)", "red": "poor (red)"}
IMPACT = {"green": "small (green)", "amber": "medium (amber)", "red": "large (red)"}


def answer(evaluation: Evaluated) -> list[Block]:
    """The question and the verdict in one box: finding in numbers of events, how sure, what it cost, what to do."""
    plan, found = evaluation.plan, primary_finding(evaluation)
    decision = evaluation.finding.get("decision") or {}
    unit = clean(evaluation.review.indicators[plan.indicators.primary].unit, 60)
    parts = [f'<p class="svd-verdict-line">{finding_badge(found)} {confidence_badge(found.get("confidence"))}</p>']
    if said := people.sentence(found, unit, _when(evaluation)):
        parts.append(f'<p class="svd-headline">{escape(said, 1500)}</p>')
    parts.append(f"<p>{escape(found['headline'], 1500)}</p>")
    if decision.get("recommended"):
        source = "decided by the partnership" if decision.get("source") == "plan" else "proposed by the published rule"
        because = escape(str(decision.get("because", "")).rstrip("."), 600)
        parts.append(
            f"<p>Recommended: <strong>{escape(decision_words(decision['recommended']))}</strong> ({source}: {because}).</p>"
        )
    box = f'<div class="svd-verdict svd-{escape(found["rating"])}">{"".join(parts)}</div>'
    blocks: list[Block] = [paragraph(plan.question, "svd-question"), Text(Safe(box))]
    if evaluation.profile != "publish":
        blocks.append(
            paragraph("This is a draft: too few draws were made for its numbers to be relied on.", "svd-warning")
        )
    return blocks


def effect(evaluation: Evaluated) -> list[Block]:
    """Effect: charts and estimates of the primary indicator."""
    key = evaluation.plan.indicators.primary
    found = primary_finding(evaluation)
    if found["rating"] == "failed" or key not in evaluation.series:
        reason = evaluation.failed.get(key) or found["headline"]
        return [paragraph(f"The estimate is withheld. {reason}", "svd-warning")]
    subject, series = subject_of(evaluation, key), told_series(evaluation, key, evaluation.series[key])
    estimate = (
        say.change(found["percent_change"]["median"]) + " than expected"
        if say.complete(found.get("percent_change"))
        else ""
    )
    blocks: list[Block] = [figures.observed_and_counterfactual(series, subject, estimate)]
    more: list[Block] = []
    if "averted_mean" in series and bool(series["averted_mean"].notnull().any()):
        more.append(figures.cumulative_averted(series, subject, found.get("events_averted")))
    more.append(
        Table(estimates_table(evaluation, [key]), f"Estimates for {subject.title}", name=f"{subject.name}-estimates")
    )
    return blocks + folded("The total so far, and the exact figures", more)


def mechanism(evaluation: Evaluated) -> list[Block]:
    """Mechanism: how it was meant to work, and what the evaluation rests on."""
    plan = evaluation.plan
    blocks: list[Block] = [
        paragraph(plan.theory_of_change or "The plan gives no account of how the intervention was meant to work.")
    ]
    blocks += decisions.displacement(evaluation)
    if plan.assumptions:
        rows = [
            (a.says, QUALITY.get(a.quality, a.quality), IMPACT.get(a.impact, a.impact), a.source or "")
            for a in plan.assumptions
        ]
        table = rows_table(rows, ["Assumption", "How good is it?", "If it is wrong", "Source"])
        weak = [a.says for a in plan.assumptions if a.quality == "red"]
        if weak:
            blocks += [paragraph("Assumptions that the plan itself calls poor:"), bullets(weak)]
        stated = Table(table, "Assumptions stated in the plan", kind="svd-wide")
        blocks += folded("What this evaluation takes for granted", stated)
    return blocks


def moderators(evaluation: Evaluated) -> list[Block]:
    """Moderators: over time since the start, between groups of areas, and on other outcomes."""
    key = evaluation.plan.indicators.primary
    found = primary_finding(evaluation)
    blocks = decisions.moderators(evaluation)
    more: list[Block] = []
    times = [
        e
        for e in found.get("by_event_time") or []
        if any(say.complete(v) for v in e.values() if isinstance(v, Mapping))
    ]
    middles = [v["median"] for e in times for v in e.values() if isinstance(v, Mapping)]
    # Draws are stored in single precision: equal effects differ in the seventh figure.
    if len(times) > 1 and max(middles) - min(middles) < 1e-4:
        blocks.append(paragraph("The plan expects one change that stays, so no difference over time was estimated."))
    elif len(times) > 1:
        meaningful = found.get("meaningful") or evaluation.plan.effect.meaningful
        more.append(diagnostics.event_study(times, subject_of(evaluation, key), meaningful))
    groups = groups_table(evaluation, key)
    if groups is not None:
        more.append(Table(groups, "Effect by when areas started", name=f"{evaluation.plan.id}-groups"))
    others = [k for k in evaluation.finding["indicators"] if k != key]
    if others:
        more.append(
            Table(
                estimates_table(evaluation, others),
                "Other outcomes",
                name=f"{evaluation.plan.id}-other",
                kind="svd-wide",
            )
        )
        blocks += [
            paragraph("Other outcomes:"),
            bullets(evaluation.finding["indicators"][k]["headline"] for k in others),
        ]
    blocks += folded("The effect over time, by place and on other outcomes", more)
    return blocks or [paragraph("Nothing was estimated beyond the main effect.")]


def implementation(evaluation: Evaluated) -> list[Block]:
    """Implementation: what was delivered, and the data behind the finding."""
    plan, blocks = evaluation.plan, list[Block]()
    delivery = plan.delivery
    if delivery is None:
        blocks.append(paragraph("The plan does not say how much was delivered."))
    else:
        share = f" ({100 * delivery.delivered / delivery.planned:.0f}%)" if delivery.planned else ""
        blocks.append(
            paragraph(
                f"Delivered: {delivery.delivered:,.0f} of {delivery.planned:,.0f} planned {delivery.unit}{share}."
            )
        )
    blocks += decisions.implementation(evaluation)
    left_out = [
        f"{say.period_name(str(w.from_))} to {say.period_name(str(w.to))}: {w.because}" for w in plan.period.exclude
    ]
    if plan.comparison is not None:
        left_out += [f"{_area(evaluation, a)} (comparison): {e.because}" for a, e in plan.comparison.exclude.items()]
    if plan.period.washout:
        periods = "period" if plan.period.washout == 1 else f"{plan.period.washout} periods"
        left_out.append(f"The first {periods} after each start: time for the intervention to settle.")
    return blocks + (
        folded("What was left out of the analysis, as the plan says", bullets(left_out)) if left_out else []
    )


def economics(evaluation: Evaluated) -> list[Block]:
    """Economics: what it cost, and what each event averted cost."""
    found = evaluation.finding.get("economics") or {}
    blocks: list[Block] = [
        paragraph(found.get("sentence") or "No costs were given, so nothing can be said about value for money.")
    ]
    worth = found.get("value")
    if worth:
        chance = say.probability(worth["prob_pays"])
        blocks.append(
            paragraph(f"The probability that it pays for itself, if an incident costs what is assumed, is {chance}.")
        )
    source = getattr(evaluation.plan.costs, "source", None)
    cost = [paragraph(f"Source of the cost: {source}.")] if source else []
    return blocks + folded("How the money was counted", cost, decisions.value(evaluation))


def checks(evaluation: Evaluated) -> list[Block]:
    """What was done to check it: how many ways were tried, what failed, why the confidence is what it is."""
    found = primary_finding(evaluation)
    made = found.get("checks") or []
    passed = sum(check["passed"] is True for check in made)
    against = [check for check in made if check["passed"] is False]
    untried = len(made) - passed - len(against)
    if not made:
        blocks: list[Block] = [paragraph("No checks were made.")]
    else:
        parts = [f"{passed} did not shake it"] if passed else []
        parts += [f"{len(against)} raised a doubt"] if against else []
        parts += [f"{untried} could not be tried"] if untried else []
        ways = f"{len(made)} way{'s' if len(made) != 1 else ''}"
        told = "None of them shook it" if passed == len(made) else f"Of these, {', '.join(parts)}"
        blocks = [paragraph(f"We looked for {ways} in which this finding could be wrong. {told}.", "svd-lead")]
    if against:
        blocks += [paragraph("What raised a doubt:"), bullets(check["sentence"] for check in against)]
    sure = found.get("confidence")
    said = {check["sentence"] for check in against}
    reasons = [
        r
        for r in dict.fromkeys([*(found.get("confidence_reasons") or []), *(found.get("caveats") or [])])
        if r not in said
    ]
    if sure:
        blocks.append(Text(Safe(f"<p>Taken together: {confidence_badge(sure)}.</p>")))
    reasons += [one["sentence"] for one in evaluation.finding.get("triangulation") or []]
    if reasons:
        blocks += [paragraph("Bear in mind:"), bullets(reasons)]
    if found.get("change_our_mind"):
        blocks.append(paragraph(f"What would change our mind: {found['change_our_mind']}"))
    rows = [(CHECK_NAMES.get(c["name"], c["name"].replace("_", " ")), Safe(CHECK_RESULT[c["passed"]])) for c in made]
    table = [Table(rows_table(rows, ["Check", "Result"]), "Every check of the main outcome")] if rows else []
    return blocks + folded("Every check and its result", *table)


def promise(evaluation: Evaluated) -> list[Block]:
    """What was promised: the plan at a glance, and whether it was changed."""
    plan, review = evaluation.plan, evaluation.review
    rows = [
        ("Design", DESIGNS.get(plan.design, plan.design)),
        ("Success measured by", indicator_title(evaluation, plan.indicators.primary)),
    ]
    for role in ("secondary", "unaffected"):
        keys = list(getattr(plan.indicators, role))
        if keys:
            rows.append((ROLES[role], ", ".join(indicator_title(evaluation, k) for k in keys)))
    rows.append(
        (
            "Where and from when",
            "; ".join(f"{_area(evaluation, a)} from {say.period_name(str(p))}" for a, p in plan.treated.items()),
        )
    )
    rows.append(("Compared with", _comparison(evaluation)))
    rows.append(("Period", f"{say.period_name(str(plan.period.start))} to {say.period_name(str(plan.period.end))}"))
    rows.append(("Expected shape of the effect", SHAPES.get(plan.effect.shape, plan.effect.shape)))
    rows.append(("Smallest effect worth acting on", _meaningful(evaluation)))
    rows += decisions.changed_fields(evaluation.run.get("registered"))
    table = rows_table(rows, ["What", "As planned"])
    return [
        paragraph(f"The plan was {_registered(evaluation.run.get('registered'))}."),
        *folded(
            "The plan at a glance",
            Table(table, f"The plan at a glance ({review.settings.partnership})", kind="svd-facts"),
        ),
    ]


def _when(evaluation: Evaluated) -> str:
    """From when to when the effect was counted: `From July 2023 to March 2026`."""
    starts = [str(start) for start in evaluation.plan.treated.values()]
    first, last = say.period_name(min(starts)), say.period_name(str(evaluation.plan.period.end))
    return f"From {first} to {last}"


def _area(evaluation: Evaluated, code: str) -> str:
    area = evaluation.review.areas.areas.get(code)
    return f"{area.name} ({code})" if area is not None else code


def _comparison(evaluation: Evaluated) -> str:
    comparison = evaluation.plan.comparison
    if comparison is None:
        return "its own past" if evaluation.plan.design == "its" else "areas that had not started yet"
    if comparison.areas == "all":
        return "all other areas"
    if isinstance(comparison.areas, str):
        return f"the areas of the group '{comparison.areas.replace('_', ' ')}'"
    return ", ".join(_area(evaluation, a) for a in comparison.areas)


def _meaningful(evaluation: Evaluated) -> str:
    found = primary_finding(evaluation)
    worth = found.get("meaningful") or evaluation.plan.effect.meaningful
    if worth is None:
        return "not stated"
    if found.get("likelihood") == "normal":
        return say.shift(worth, evaluation.review.indicators[evaluation.plan.indicators.primary].unit)
    return f"{say.change(100 * (worth - 1))} (a rate ratio of {worth:.3g})"


def _registered(record: Any) -> str:
    """When the plan was registered, and what was changed since."""
    if not record:
        return "not registered: nothing shows that it was written before the result was known"
    date = str(record["date"]) if isinstance(record, Mapping) else str(record)
    changed = list(record.get("changed") or []) if isinstance(record, Mapping) else []
    keys = [str(c.get("key", c)) if isinstance(c, Mapping) else str(c) for c in changed]
    said = f"registered on {date}; " + (f"changed since: {', '.join(keys)}" if keys else "not changed since")
    before = record.get("results_before") if isinstance(record, Mapping) else None
    return f"{said}; results had been computed before (on {before[:10]})" if before else said
