"""The story of one intervention, section by section, as blocks to show. Nothing here computes a result.

The headings of the report (Effect, Mechanism, Moderators, Implementation, Economics) are those of EMMIE, the scheme of
the College of Policing's toolkit; the functions below are what the report shows under each of them.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from evaluation.publication import decisions, diagnostics, figures, traces
from evaluation.publication import numbers as say
from evaluation.publication.coverage import coverage_table
from evaluation.publication.disclosure import Safe, escape
from evaluation.publication.display import Block, Table, Text, bullets, paragraph
from evaluation.publication.estimates import (
    estimates_table,
    groups_table,
    indicator_title,
    interval_words,
    primary_finding,
)
from evaluation.publication.evaluated import Evaluated, run_key, subject_of
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


def question(evaluation: Evaluated) -> list[Block]:
    """What was asked: the question and the plan at a glance."""
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
    rows.append(("Plan registered", _registered(evaluation.run.get("registered"))))
    rows += decisions.changed_fields(evaluation.run.get("registered"))
    table = rows_table(rows, ["What", "As planned"])
    name = str(review.settings.partnership)
    return [
        paragraph(plan.question, "svd-question"),
        Table(table, f"The plan at a glance ({name})", kind="svd-facts"),
    ]


def answer(evaluation: Evaluated) -> list[Block]:
    """The finding in one box: rating, headline, probability, confidence, decision."""
    found = primary_finding(evaluation)
    decision = evaluation.finding.get("decision") or {}
    parts = [
        f'<p class="svd-verdict-line">{finding_badge(found)} {confidence_badge(found.get("confidence"))}</p>',
        f'<p class="svd-headline">{escape(found["headline"], 1500)}</p>',
    ]
    averted = found.get("events_averted")
    if say.complete(averted):
        unit = escape(evaluation.review.indicators[evaluation.plan.indicators.primary].unit, 80)
        parts.append(
            f"<p>In numbers: about <strong>{say.fewer(averted['median'])}</strong> {unit} "
            f"({interval_words(evaluation)}: {say.fewer_range(averted)}).</p>"
        )
    if decision.get("recommended"):
        source = "decided by the partnership" if decision.get("source") == "plan" else "proposed by the published rule"
        parts.append(
            f"<p>Recommended: <strong>{escape(decision_words(decision['recommended']))}</strong> "
            f"({source}: {escape(decision.get('because', ''), 600)}).</p>"
        )
    box = f'<div class="svd-verdict svd-{escape(found["rating"])}">{"".join(parts)}</div>'
    blocks: list[Block] = [Text(Safe(box))]
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
    if "averted_mean" in series and bool(series["averted_mean"].notnull().any()):
        blocks.append(figures.cumulative_averted(series, subject, found.get("events_averted")))
    blocks.append(
        Table(estimates_table(evaluation, [key]), f"Estimates for {subject.title}", name=f"{subject.name}-estimates")
    )
    return blocks


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
        blocks.append(Table(table, "Assumptions stated in the plan", kind="svd-wide"))
    return blocks


def moderators(evaluation: Evaluated) -> list[Block]:
    """Moderators: over time since the start, between groups of areas, and on other outcomes."""
    key = evaluation.plan.indicators.primary
    found = primary_finding(evaluation)
    blocks: list[Block] = []
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
        blocks.append(diagnostics.event_study(times, subject_of(evaluation, key), meaningful))
    groups = groups_table(evaluation, key)
    if groups is not None:
        blocks.append(Table(groups, "Effect by when areas started", name=f"{evaluation.plan.id}-groups"))
    others = [k for k in evaluation.finding["indicators"] if k != key]
    if others:
        blocks.append(
            Table(
                estimates_table(evaluation, others),
                "Other outcomes",
                name=f"{evaluation.plan.id}-other",
                kind="svd-wide",
            )
        )
        blocks.append(bullets(evaluation.finding["indicators"][k]["headline"] for k in others))
    blocks = decisions.moderators(evaluation) + blocks
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
                f"{delivery.delivered:,.0f} of {delivery.planned:,.0f} planned {delivery.unit} were delivered{share}."
            )
        )
    blocks += decisions.implementation(evaluation)
    left_out = [
        f"{say.period_name(str(w.from_))} to {say.period_name(str(w.to))}: {w.because}" for w in plan.period.exclude
    ]
    if plan.comparison is not None:
        left_out += [f"{_area(evaluation, a)} (comparison): {e.because}" for a, e in plan.comparison.exclude.items()]
    if plan.period.washout:
        left_out.append(
            f"The first {plan.period.washout} period(s) after each start: time for the intervention to settle."
        )
    if left_out:
        blocks += [paragraph("Left out of the analysis, as the plan says:"), bullets(left_out)]
    if evaluation.panels:
        titles = {k: indicator_title(evaluation, k) for k in evaluation.panels}
        blocks.append(Table(coverage_table(evaluation.panels, titles), "The data behind the finding", kind="svd-wide"))
    return blocks


def economics(evaluation: Evaluated) -> list[Block]:
    """Economics: what it cost, and what each event averted cost."""
    found = evaluation.finding.get("economics") or {}
    blocks: list[Block] = [
        paragraph(found.get("sentence") or "No costs were given, so nothing can be said about value for money.")
    ]
    source = getattr(evaluation.plan.costs, "source", None)
    if source:
        blocks.append(paragraph(f"Source of the cost: {source}."))
    return blocks + decisions.value(evaluation)


def confidence(evaluation: Evaluated) -> list[Block]:
    """How sure are we: the reasons for the confidence given, and every check."""
    found = primary_finding(evaluation)
    blocks: list[Block] = [Text(Safe(f"<p>{confidence_badge(found.get('confidence'))}</p>"))]
    reasons = [*(found.get("confidence_reasons") or []), *(found.get("caveats") or [])]
    if reasons:
        blocks.append(bullets(dict.fromkeys(reasons)))
    rows = []
    for key, one in evaluation.finding["indicators"].items():
        for check in one.get("checks") or []:
            rows.append(
                (
                    indicator_title(evaluation, key),
                    CHECK_NAMES.get(check["name"], check["name"].replace("_", " ")),
                    Safe(CHECK_RESULT[check["passed"]]),
                    check["sentence"],
                )
            )
    if rows:
        table = rows_table(rows, ["Indicator", "Check", "Result", "What it says"])
        blocks.append(
            Table(
                table,
                "Ways in which the finding could be wrong, each tried",
                row_header="Check",
                kind="svd-wide",
            )
        )
    else:
        blocks.append(paragraph("No checks were made."))
    return blocks + placebos(evaluation) + decisions.doubts(evaluation)


def placebos(evaluation: Evaluated) -> list[Block]:
    """The finding among estimates where nothing was done: false areas, false starts; nothing if none were made."""
    key, found = evaluation.plan.indicators.primary, primary_finding(evaluation)
    made = getattr(evaluation, "placebos", None)
    own = found.get("rate_ratio") or found.get("difference")
    if not isinstance(made, pd.DataFrame) or made.empty or not say.complete(own):
        return []
    made = made[(made["plan"] == evaluation.plan.id) & (made["indicator"] == key)]
    subject = subject_of(evaluation, key)
    wide = found.get("empirical_interval") or {}
    charts = [
        diagnostics.placebo_distribution(
            made[made["kind"] == kind], own, subject, wide if wide.get("kind") == kind else None
        )
        for kind in ("area", "date")
    ]
    return [chart for chart in charts if chart is not None]


def annex(evaluation: Evaluated) -> list[Block]:
    """Technical annex: computation, priors, versions."""
    rows = []
    for key, found in evaluation.finding["indicators"].items():
        one = found.get("diagnostics") or {}
        rows.append(
            (
                indicator_title(evaluation, key),
                found.get("likelihood", "").replace("_", " "),
                one.get("rhat_max"),
                _whole(one.get("ess_bulk_min")),
                _whole(one.get("ess_tail_min")),
                one.get("divergences"),
            )
        )
    table = rows_table(
        rows,
        ["Indicator", "Likelihood", "Largest R-hat", "Smallest bulk ESS", "Smallest tail ESS", "Divergences"],
    )
    blocks: list[Block] = [
        Table(
            table,
            "Computation: wanted are R-hat up to 1.01, effective sample sizes of 400 and no divergences",
        )
    ]
    priors = [(k, _prior(p), p.because) for k, p in evaluation.plan.priors.items()]
    if priors:
        blocks.append(
            Table(
                rows_table(priors, ["Prior", "Distribution", "Because"]),
                "Priors that differ from the default",
            )
        )
    else:
        blocks.append(paragraph("All priors are the defaults described in Methods."))
    blocks += model_charts(evaluation)
    run = evaluation.run
    versions = [(name, str(number)) for name, number in (run.get("versions") or {}).items()]
    versions += [("seed", str(run["seed"]))] if "seed" in run else []
    versions += [("commit", str(run["commit"])[:12])] if run.get("commit") else []
    versions += [("run", run_key(evaluation)[:16]), ("profile", evaluation.profile)]
    blocks.append(Table(rows_table(versions, ["What", "Version"]), "Made with", kind="svd-facts"))
    return blocks


def model_charts(evaluation: Evaluated) -> list[Block]:
    """The model of the main outcome: its prior and posterior, its predictions, its parameters; what is stored of them."""
    posteriors = getattr(evaluation, "posteriors", None) or {}
    priors = getattr(evaluation, "priors", None) or {}
    predictive = getattr(evaluation, "predictive", None) or {}
    key, found = evaluation.plan.indicators.primary, primary_finding(evaluation)
    charts = []
    if key in priors and "coefficient" in posteriors.get(key, {}):
        draws = posteriors[key]["coefficient"].values[..., 0]
        odds = found.get("likelihood") == "binomial"
        charts.append(diagnostics.prior_and_posterior(draws, priors[key], subject_of(evaluation, key), odds=odds))
    if key in predictive:
        bands = told_series(evaluation, key, predictive[key])
        charts.append(diagnostics.predictive_check(bands, subject_of(evaluation, key)))
    blocks: list[Block] = [chart for chart in charts if chart is not None]
    interval, shape = evaluation.review.settings.interval, evaluation.plan.effect.shape
    for one, entry in evaluation.finding["indicators"].items():
        table = traces.trace_table(posteriors[one], shape, interval) if one in posteriors else None
        if table is not None:
            caption = f"Parameters of the model: {indicator_title(evaluation, one)}"
            name = f"{evaluation.plan.id}-{one}-parameters"
            blocks.append(Table(table, caption, name=name, kind="svd-wide"))
            blocks.append(paragraph(traces.scale_note(entry.get("likelihood", ""))))
    if any(isinstance(block, Table) for block in blocks):
        blocks.append(paragraph(traces.GATE))
    return blocks


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
        return "no: nothing shows that it was written before the result was known"
    date = str(record["date"]) if isinstance(record, Mapping) else str(record)
    changed = list(record.get("changed") or []) if isinstance(record, Mapping) else []
    keys = [str(c.get("key", c)) if isinstance(c, Mapping) else str(c) for c in changed]
    said = f"on {date}; " + (f"changed since: {', '.join(keys)}" if keys else "not changed since")
    before = record.get("results_before") if isinstance(record, Mapping) else None
    return f"{said}; results had been computed before (on {before[:10]})" if before else said


def _prior(prior: Any) -> str:
    if getattr(prior, "normal", None) is not None:
        return f"Normal({prior.normal[0]:g}, {prior.normal[1]:g})"
    return f"Half-normal({prior.half_normal:g})"


def _whole(value: Any) -> int | None:
    return round(value) if say.known(value) else None
