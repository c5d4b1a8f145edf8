"""The evaluator's annex to a chapter: every check with what it says, placebos, computation, priors, the model's charts, versions."""

from typing import Any

import pandas as pd

from evaluation.publication import decisions, diagnostics, traces
from evaluation.publication import numbers as say
from evaluation.publication.coverage import coverage_table
from evaluation.publication.disclosure import Safe
from evaluation.publication.display import Block, Table, paragraph
from evaluation.publication.estimates import indicator_title, primary_finding
from evaluation.publication.evaluated import Evaluated, run_key, subject_of
from evaluation.publication.subtraction import told_series
from evaluation.publication.tables import rows_table
from evaluation.publication.verdict import CHECK_NAMES, CHECK_RESULT


def doubts(evaluation: Evaluated) -> list[Block]:
    """Every check of every indicator, what the rules make of them, and the finding among estimates where nothing was done."""
    rows = [
        (indicator_title(evaluation, key), CHECK_NAMES.get(check["name"], check["name"].replace("_", " ")),
         Safe(CHECK_RESULT[check["passed"]]), check["sentence"])
        for key, one in evaluation.finding["indicators"].items()
        for check in one.get("checks") or []
    ]  # fmt: skip
    if not rows:
        return [paragraph("No checks were made."), *decisions.doubts(evaluation)]
    table = rows_table(rows, ["Indicator", "Check", "Result", "What it says"])
    caption = "Ways in which the finding could be wrong, each tried"
    return [
        Table(table, caption, row_header="Check", name=f"{evaluation.plan.id}-checks", kind="svd-wide"),
        *decisions.doubts(evaluation),
        *placebos(evaluation),
    ]


def placebos(evaluation: Evaluated) -> list[Block]:
    """The finding among estimates where nothing was done: false areas, false starts; nothing if none were made."""
    key, found = evaluation.plan.indicators.primary, primary_finding(evaluation)
    made = getattr(evaluation, "placebos", None)
    own = found.get("rate_ratio") or found.get("difference")
    if not isinstance(made, pd.DataFrame) or made.empty or not say.complete(own):
        return []
    made = made[(made["plan"] == evaluation.plan.id) & (made["indicator"] == key)]
    names = {code: area.name for code, area in evaluation.review.areas.areas.items()}
    made = made.assign(label=[names.get(label, label) for label in made["label"]])
    subject = subject_of(evaluation, key)
    wide = found.get("empirical_interval") or {}
    charts = [
        diagnostics.placebo_distribution(
            made[made["kind"] == kind], own, subject, wide if wide.get("kind") == kind else None
        )
        for kind in ("area", "date")
    ]
    return [chart for chart in charts if chart is not None]


def computation(evaluation: Evaluated) -> list[Block]:
    """The data, how the computation went, the priors, the model's charts, and what it was made with."""
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
    titles = {k: indicator_title(evaluation, k) for k in evaluation.panels}
    blocks: list[Block] = []
    if titles:
        blocks.append(Table(coverage_table(evaluation.panels, titles), "The data behind the finding", kind="svd-wide"))
    blocks += [
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


def _prior(prior: Any) -> str:
    if getattr(prior, "normal", None) is not None:
        return f"Normal({prior.normal[0]:g}, {prior.normal[1]:g})"
    return f"Half-normal({prior.half_normal:g})"


def _whole(value: Any) -> int | None:
    return round(value) if say.known(value) else None
