"""Cost against effect: what an incident avoided cost, and what the partnership should do next.

A ratio of cost to effect has no sensible interval when the effect's interval contains none; then there is no cost
per incident, only the number of incidents that would have to be avoided.
"""

from __future__ import annotations

from typing import Any

from evaluation.judgement import wording
from evaluation.judgement.prices import Price, Prices
from evaluation.protocol import Indicator, Plan
from evaluation.protocol.indicator import UnitCost

# (rating, confidence) -> recommended decision; a plan's own decision goes before it.
DECISION_RULES: dict[tuple[str, str], tuple[str, str]] = {
    ("benefit", "high"): ("continue", "a benefit, with high confidence"),
    ("benefit", "moderate"): ("continue", "a benefit, with moderate confidence"),
    ("benefit", "low"): ("keep_measuring", "a benefit, but with low confidence"),
    ("harm", "high"): ("stop", "a harm, with high confidence"),
    ("harm", "moderate"): ("pause", "a harm, with moderate confidence"),
    ("harm", "low"): ("adapt", "a harm, but with low confidence"),
    ("no_meaningful_effect", "high"): ("adapt", "no effect worth acting on"),
    ("no_meaningful_effect", "moderate"): ("adapt", "no effect worth acting on"),
    ("no_meaningful_effect", "low"): ("keep_measuring", "no effect worth acting on, but with low confidence"),
}
OTHERWISE = ("keep_measuring", "the evidence does not settle it yet")
# Where the evidence does not settle it and perfect evidence would be worth less than this share of the cost, measuring
# on cannot change the decision.
WORTH_KNOWING = 0.01
NOT_WORTH = ("adapt", "even a favourable reading does not repay the cost, and more evidence would not change that")
# What else was found can hold a rule's recommendation back: case -> what it holds back, what is recommended, because.
# A partnership's own decision stands.
HELD_BACK: dict[str, tuple[str, tuple[str, ...], str, str]] = {
    "cardiff": (
        "Police records rose while injury fell",
        ("stop", "pause", "adapt"),
        "keep_measuring",
        "recorded crime rose while injury fell, which is what better recording looks like",
    ),
    "less_recorded": (
        "Police records fell while injury rose",
        ("continue", "expand"),
        "keep_measuring",
        "recorded crime fell while injury rose: less may have been reported or recorded",
    ),
    "undelivered_effect": (
        "The outcome changed, but hardly anything was delivered",
        ("continue", "expand", "pause", "stop"),
        "keep_measuring",
        "the outcome changed although hardly anything was delivered, so the change is probably not the scheme's",
    ),
    "undelivered": (
        "No effect is clear, and hardly anything was delivered",
        ("continue", "expand", "keep_measuring", "pause", "stop"),
        "adapt",
        "hardly anything was delivered: there is nothing to measure until it is",
    ),
}


def hold_back(
    entry: dict[str, Any], decision: dict[str, str], delivery: dict[str, Any] | None, patterns: list[str]
) -> dict[str, str]:
    """The decision once delivery and the other records of the harm are known, by :data:`HELD_BACK`.

    Args:
        entry: of the primary indicator.
        decision: by the rules so far.
        delivery: the `delivery` object of finding.json.
        patterns: of the readings together that doubt the primary indicator.
    """
    if decision["source"] == "plan" or entry["rating"] == "failed":
        return decision
    cases = list(patterns)
    if delivery is not None and delivery["level"] == "hardly":
        changed = entry["rating"] in ("benefit", "harm") or bool(entry["disqualified_by"])
        cases.append("undelivered_effect" if changed else "undelivered")
    for case in cases:
        _, held, instead, because = HELD_BACK.get(case, ("", (), "", ""))
        if decision["recommended"] in held:
            decision = {"recommended": instead, "source": "rule", "because": because}
    return decision


def weigh(
    plan: Plan, indicator: Indicator, entry: dict[str, Any], price: Price | None = None, prices: Prices | None = None
) -> dict[str, Any]:
    """The `economics` object of finding.json, from the primary indicator's entry.

    Args:
        plan: with its costs.
        indicator: the primary one.
        entry: its entry.
        price: of one event, where the indicator names an offence of the table instead of a price of its own.
        prices: with the deflators that bring the unit cost to the price year of the plan's costs. Where they do not hold
            both years the published unit cost is used as it is, and the sentence says so.
    """
    costs, unit = plan.costs, indicator.unit_cost
    uprated = None
    if price is not None:
        unit = UnitCost(value=price.value, price_year=price.price_year, source=price.source, confidence=price.quality)
    if costs and prices is not None and unit and unit.value is not None and unit.price_year is not None:
        uprated = prices.uprate(unit.value, unit.price_year, costs.price_year)
    each = uprated if uprated is not None else unit.value if unit else None
    found: dict[str, Any] = {
        "total_cost": costs.total if costs else None,
        "price_year": costs.price_year if costs else None,
        "unit_cost": unit.value if unit else None,
        "unit_cost_price_year": unit.price_year if unit else None,
        "unit_cost_source": unit.source if unit else None,
        "unit_cost_uprated": uprated,
        "break_even_events": costs.total / each if costs and each else None,
        "cost_per_event_averted": None,
    }
    found["sentence"] = _sentence(found, indicator, entry)
    return found


def _sentence(found: dict[str, Any], indicator: Indicator, entry: dict[str, Any]) -> str:
    if found["total_cost"] is None:
        return "No costs were given, so nothing can be said about value for money."
    averted = entry.get("events_averted")
    sentence = f"It cost {wording.money(found['total_cost'])} ({found['price_year']} prices)."
    if averted and indicator.direction == "lower_is_better" and entry["rating"] == "benefit" and averted["lower"] > 0:
        # Cost is a monotone function of the events averted, so its quantiles are the events' quantiles reversed.
        # The mean of the ratio is not: it is left out.
        cost = {
            "median": found["total_cost"] / averted["median"],
            "lower": found["total_cost"] / averted["upper"],
            "upper": found["total_cost"] / averted["lower"],
        }
        found["cost_per_event_averted"] = cost
        low, high = wording.estimated_money(cost["lower"]), wording.estimated_money(cost["upper"])
        sentence += f" That is about {wording.estimated_money(cost['median'])} for each of the {indicator.unit} avoided ({low} to {high})."
    else:
        sentence += f" No cost per incident avoided is given: the finding is not one of fewer {indicator.unit}."
    if found["break_even_events"] is not None and indicator.direction == "lower_is_better":
        needed = wording.amount(found["break_even_events"])
        if found["unit_cost_uprated"] is None:
            each = f"{wording.money(found['unit_cost'])} for each ({found['unit_cost_price_year']} prices, not uprated;"
        else:
            each = f"{wording.estimated_money(found['unit_cost_uprated'])} for each ({found['price_year']} prices;"
        sentence += f" At {each} {found['unit_cost_source']}), {needed} {indicator.unit} avoided would repay it."
    return sentence


def weigh_evidence(
    plan: Plan, entry: dict[str, Any], decision: dict[str, str], money: dict[str, Any]
) -> dict[str, str]:
    """The decision once the value of more evidence is known: to keep measuring has to be able to change something.

    A plan's own decision stands, and so does every rule but :data:`OTHERWISE`. With low confidence the posterior, and so
    the value of evidence, is itself in doubt: measuring goes on.
    """
    value = money.get("value")
    if decision["source"] == "plan" or entry["rating"] == "failed" or value is None:
        return decision
    worth = wording.estimated_money(value["value_of_perfect_information"])
    if decision["recommended"] != "keep_measuring":
        return decision
    idle = value["value_of_perfect_information"] < WORTH_KNOWING * value["cost_present_value"]
    settled = (entry["rating"], entry["confidence"]) in DECISION_RULES
    if idle and not settled and entry["confidence"] != "low" and value["npsv"]["mean"] < 0:
        return {"recommended": NOT_WORTH[0], "source": "rule", "because": NOT_WORTH[1]}
    if idle:
        return decision
    return decision | {
        "because": f"{decision['because']}; to know the truth would be worth up to {worth} to this decision"
    }


def decide(plan: Plan, entry: dict[str, Any]) -> dict[str, str]:
    """The `decision` object of finding.json: the plan's own, or the rule's."""
    if plan.decision is not None:
        return {"recommended": plan.decision.recommended, "source": "plan", "because": plan.decision.because}
    recommended, because = DECISION_RULES.get((entry["rating"], entry["confidence"]), OTHERWISE)
    return {"recommended": recommended, "source": "rule", "because": because}
