"""Everything a decision needs beside the estimates: grade, money, harm, delivery, overlap, displacement, other records.

:func:`complete` adds to a finding what follows from the posteriors and the plan; no key that was there is changed but the
decision's, where the value of more evidence bears on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from evaluation.inference.effects import Draws, estimate, expectations, summarise
from evaluation.inference.engine import Fit
from evaluation.inference.frame import Frame
from evaluation.judgement import displacement, economics, findings, grades, overlap, triangulation, wording
from evaluation.judgement.delivery import read_delivery
from evaluation.judgement.prices import Price, Prices, price_of
from evaluation.judgement.value import Stakes, appraise, uplifted
from evaluation.protocol import Plan, Review


@dataclass(frozen=True)
class Material:
    """One estimated indicator: the question and its posterior."""

    frame: Frame
    fit: Fit


def complete(
    review: Review,
    plan: Plan,
    finding: dict[str, Any],
    material: Mapping[str, Material],
    panels: Mapping[str, xr.Dataset],
    prices: Prices,
    seed: int,
) -> None:
    """Add to finding.json, in place, what bears on the decision.

    Args:
        review, plan: what was promised.
        finding: with its indicators, decision and economics.
        material: of the indicators that have an estimate.
        panels: data of every indicator.
        prices: tables of the review.
        seed: of the refits that only advise.
    """
    interval, key = review.settings.interval, plan.indicators.primary
    for name, entry in finding["indicators"].items():
        entry["maryland"] = grades.design_level(entry["design"], entry["n_areas"], entry["n_treated"])
        entry["log_rate_ratio"] = log_rate_ratio(material[name]) if name in material else None
    primary = finding["indicators"][key]
    own = material.get(key)
    finding["economics"] |= weigh_money(plan, review, own, prices, interval)
    if primary["disqualified_by"] and finding["economics"]["value"] is not None:
        finding["economics"]["value_sentence"] = f"{AT_ITS_WORD} {finding['economics']['value_sentence']}"
    finding["harm"] = weigh_harm(plan, review, material, interval)
    finding["delivery"] = read_delivery(plan, primary, review.indicators[key])
    finding["overlap"] = overlap.read_overlaps(review, plan, own.frame if own else None, seed, interval)
    finding["displacement"] = displacement.read_displacement(review, plan, panels[key], seed + 7, interval)
    finding["triangulation"] = triangulation.read_together(finding["indicators"], review.indicators)
    for read in finding["triangulation"]:
        for name in read["doubted"]:
            because = triangulation.DOUBT.format(sentence=read["sentence"])
            entry = finding["indicators"][name]
            findings.lower_confidence(entry, review.indicators[name], review.settings.thresholds, because)
    primary["caveats"] += [found["sentence"] for found in finding["overlap"]]
    primary["caveats"] += [
        f["sentence"] for f in finding["triangulation"] if f["pattern"] in ("cardiff", "less_recorded")
    ]
    decision = economics.weigh_evidence(plan, primary, economics.decide(plan, primary), finding["economics"])
    finding["decision"] = economics.hold_back(
        primary, decision, finding["delivery"], [r["pattern"] for r in finding["triangulation"] if key in r["doubted"]]
    )


def log_rate_ratio(of: Material) -> dict[str, float] | None:
    """Posterior and prior of the log rate ratio, for pooling: ``mean``, ``sd``, ``prior_mean``, ``prior_sd``, ``better``.

    The prior is that of the average effect over the evaluated cells; how far cohorts and event times may differ adds so
    little to it that it is left out. None for scores and proportions' odds, which are not on this scale.
    """
    frame = of.frame
    if frame.likelihood in ("normal", "binomial"):
        return None
    draws = np.log(estimate(frame, of.fit)[0].draws)
    event_time = frame.event_time[frame.evaluated]
    first, second = np.ones(event_time.shape), np.zeros(event_time.shape)
    if frame.shape == "ramp":
        first = np.minimum(1.0, (event_time + 1) / frame.ramp_periods)
    if frame.shape == "level_and_slope":
        second = event_time / frame.per_year
    priors = frame.priors
    return {
        "mean": float(draws.mean()),
        "sd": float(draws.std()),
        "prior_mean": priors.effect_mean * float(first.mean()),
        "prior_sd": float(np.hypot(priors.effect_sd * first.mean(), priors.slope_sd * second.mean())),
        "better": -1 if frame.direction == "lower_is_better" else 1,
    }


def yearly(of: Material) -> tuple[Draws, Draws]:
    """Events averted (draw, year) and expected without the scheme (draw, year), by year since the first start."""
    frame = of.frame
    mu, mu0 = (draws.reshape(-1, *draws.shape[2:]) for draws in expectations(frame, of.fit))
    cells = frame.evaluated[: frame.n_treated]
    first = int(frame.start[: frame.n_treated].min())
    year = ((np.arange(len(frame.periods)) - first) // frame.per_year).astype(int)
    years = range(max(int(year[cells.any(axis=0)].max()), 0) + 1)
    inside = [cells & (year == y)[None, :] for y in years]
    averted = np.stack([(mu0 - mu)[:, cell].sum(axis=1) for cell in inside], axis=1)
    return averted, np.stack([mu0[:, cell].sum(axis=1) for cell in inside], axis=1)


def weigh_money(plan: Plan, review: Review, own: Material | None, prices: Prices, interval: float) -> dict[str, Any]:
    """What is added to the `economics` object: a value in one year's prices, or why there is none (`value_note`)."""
    indicator = review.indicators[plan.indicators.primary]
    price = price_of(indicator, prices)
    found: dict[str, Any] = {"value": None, "value_note": None, "unit_cost_quality": price.quality if price else None}
    reason = _no_value(plan, own, price, indicator.direction)
    if reason is None:
        assert plan.costs is not None and price is not None and own is not None
        unit = prices.uprate(price.value, price.price_year, plan.costs.price_year)
        if unit is None:
            lacking = [year for year in (price.price_year, plan.costs.price_year) if prices.index(year) is None]
            reason = (
                f"The deflators run from {min(prices.deflators)} to {max(prices.deflators)} and do not hold {' or '.join(lacking)}, "
                "so no value is given; add the years in deflators.csv of the review."
            )
        else:
            found["value"] = _value(plan, own, price, unit, interval)
    found["value_note"] = reason
    found["value_sentence"] = reason or _value_sentence(found["value"], indicator.unit)
    return found


# Before the sums of a finding that is not called an effect: the arithmetic is right, the estimate is not to be relied on.
AT_ITS_WORD = "The finding is not called an effect, so these sums only take its estimate at its word."


def _no_value(plan: Plan, own: Material | None, price: Price | None, direction: str) -> str | None:
    if own is None:
        return "There is no estimate, so no value is given."
    if plan.costs is None:
        return "No costs were given, so no value is given."
    if price is None:
        return "The indicator has no unit cost, so no value is given."
    if direction != "lower_is_better" or own.frame.likelihood == "normal":
        return "The indicator does not count events to be avoided, so no value is given."
    return None


def _value(plan: Plan, own: Material, price: Price, unit: float, interval: float) -> dict[str, Any]:
    assert plan.costs is not None
    averted, expected = yearly(own)
    log_ratio = log_rate_ratio(own)
    draws = np.log(estimate(own.frame, own.fit)[0].draws)
    stakes = Stakes(
        averted, float(draws.mean()), float(draws.std()),
        log_ratio["prior_sd"] if log_ratio else own.frame.priors.effect_sd, expected.mean(axis=0),
    )  # fmt: skip
    cost, share = uplifted(plan.costs)
    value = appraise(stakes, unit, cost, interval)
    rise = unit / price.value if price.value else 1.0
    total = value["benefit_present_value"]["median"]
    parts = {who: amount * rise / unit * total for who, amount in price.parts.items()} if unit else {}
    return {
        "price_year": plan.costs.price_year,
        "unit_cost": unit,
        "unit_cost_published": price.value,
        "unit_cost_price_year": price.price_year,
        "unit_cost_source": price.source,
        "unit_cost_quality": price.quality,
        "optimism_bias": share,
        "expected_by_year": [float(v) for v in expected.mean(axis=0)],
        "beneficiaries": {"median": parts, "not_divided": total - sum(parts.values()), "quality": price.parts_quality},
        **value,
    }


def _value_sentence(value: dict[str, Any], unit: str) -> str:
    net = value["npsv"]
    low, high = signed_money(net["lower"]), signed_money(net["upper"])
    sentence = (
        f"At {wording.estimated_money(value['unit_cost'])} for each of the {unit} ({value['price_year']} prices), net present "
        f"social value is {signed_money(net['median'])} ({low} to {high}); the probability that it pays for itself is "
        f"{wording.percent(value['prob_pays'])}."
    )
    if value["break_even_value"] is not None:
        sentence += f" It breaks even, as likely as not, if each of the {unit} costs {wording.estimated_money(value['break_even_value'])}."
    worth = wording.estimated_money(value["value_of_as_much_again"])
    perfect = wording.estimated_money(value["value_of_perfect_information"])
    sentence += f" As much evidence again would be worth about {worth} to this decision, perfect evidence {perfect}."
    if value["optimism_bias"]:
        sentence += f" The cost is an estimate and was raised by {100 * value['optimism_bias']:.0f}%."
    return sentence


def signed_money(pounds: float) -> str:
    """An estimated sum that may be a loss: `£1.2 million`, `−£340,000`."""
    return f"−{wording.estimated_money(-pounds)}" if pounds < 0 else wording.estimated_money(pounds)


def weigh_harm(plan: Plan, review: Review, material: Mapping[str, Material], interval: float) -> dict[str, Any] | None:
    """Harm averted, each event weighted by its severity, with and without the heaviest indicator; None if not asked.

    Indicators were estimated apart, so their draws are taken as independent.
    """
    keys = [key for key in plan.indicators.harm if key in material and review.indicators[key].severity is not None]
    if not keys:
        return None
    weights = {key: review.indicators[key].severity.weight for key in keys}  # type: ignore[union-attr]
    scales = sorted({review.indicators[key].severity.scale for key in keys})  # type: ignore[union-attr]
    harm: dict[str, Draws] = {}
    for number, key in enumerate(keys):
        draws = next(
            e for e in estimate(material[key].frame, material[key].fit) if e.name == "events_averted"
        ).draws.reshape(-1)
        harm[key] = weights[key] * np.random.default_rng(number).permutation(draws)
    n = min(len(draws) for draws in harm.values())
    total = sum(draws[:n] for draws in harm.values())
    heaviest = max(keys, key=lambda key: weights[key])
    others = total - harm[heaviest][:n]
    found: dict[str, Any] = {
        "weights": weights,
        "scales": scales,
        "averted": asdict(summarise(np.asarray(total), interval)),
        "prob_less": float(np.mean(np.asarray(total) > 0)),
        "heaviest": heaviest,
        "without_heaviest": asdict(summarise(np.asarray(others), interval)) if len(keys) > 1 else None,
        "prob_less_without": float(np.mean(np.asarray(others) > 0)) if len(keys) > 1 else None,
        "missing": [key for key in plan.indicators.harm if key not in keys],
    }
    title = review.indicators[heaviest].title
    found["sentence"] = (
        f"Weighted by severity ({', '.join(scales)}), it is {wording.percent(found['prob_less'])} probable that harm fell"
        + (f"; without {title}, the heaviest, {wording.percent(found['prob_less_without'])}." if len(keys) > 1 else ".")
    )
    if len(scales) > 1:
        found["sentence"] += " The weights are of more than one scale, so their sum has no unit."
    return found
