"""Delivery beside effect, in words: an effect with no delivery, or delivery with no effect, has to be said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.judgement import wording
from evaluation.protocol import Indicator, Plan
from evaluation.protocol.plan import Delivery

# Shares of what was planned. Judgement of this program, printed in the book; no standard sets them.
FULL, HARDLY = 0.8, 0.2
DELIVERY_RULES: tuple[tuple[str, str, str], ...] = (
    ("benefit", "full", "It was delivered much as planned, and the outcome improved: the two agree."),
    ("benefit", "partly", "It was delivered in part, and the outcome improved all the same: can the part explain the whole change?"),
    ("benefit", "hardly", "The outcome improved although hardly anything was delivered: the change is probably not the scheme's."),
    ("harm", "full", "It was delivered much as planned, and the outcome worsened: the theory of change may be wrong."),
    ("harm", "partly", "It was delivered in part, and the outcome worsened: look at what was delivered and where."),
    ("harm", "hardly", "The outcome worsened although hardly anything was delivered: the change is probably not the scheme's."),
    ("none", "full", "It was delivered much as planned, and no effect is clear: the idea, or the outcome it was judged on, is in question, not the delivery."),
    ("none", "partly", "It was delivered in part, and no effect is clear: a fuller delivery was not tested."),
    ("none", "hardly", "Hardly anything was delivered, so this was no test of the idea: the finding says nothing about what the scheme would do."),
    ("small", "full", "It was delivered much as planned; the data are too few to show what that did."),
    ("small", "partly", "It was delivered in part, and the data are too few to show what that did."),
    ("small", "hardly", "Hardly anything was delivered and the data are few: this was no test of the idea."),
    ("failed", "full", "It was delivered much as planned; no effect could be estimated."),
    ("failed", "partly", "It was delivered in part; no effect could be estimated."),
    ("failed", "hardly", "Hardly anything was delivered, and no effect could be estimated."),
)  # fmt: skip
_KIND = {"benefit": "benefit", "harm": "harm", "no_meaningful_effect": "none", "unclear": "none",
         "too_small_to_tell": "small", "failed": "failed"}  # fmt: skip
_WORDS = {(kind, level): sentence for kind, level, sentence in DELIVERY_RULES}


def read_delivery(plan: Plan, entry: Mapping[str, Any], indicator: Indicator) -> dict[str, Any] | None:
    """The `delivery` object of finding.json; None where the plan does not say what was delivered."""
    delivery = plan.delivery
    if delivery is None:
        return None
    share, level = _judge(delivery)
    found: dict[str, Any] = {"share": share, "level": level, "sentence": _WORDS[_KIND[entry["rating"]], level]}
    averted = entry.get("events_averted")
    if entry["rating"] == "benefit" and averted and averted["lower"] > 0 and delivery.delivered > 0:
        each = {part: averted[part] / delivery.delivered for part in ("median", "lower", "upper")}
        found["averted_per_unit"] = each
        low, high = wording.amount(100 * each["lower"]), wording.amount(100 * each["upper"])
        found["sentence"] += f" For every 100 {delivery.unit}, {low} to {high} {indicator.unit} were avoided."
    if delivery.by_area:
        lowest, highest = min(delivery.by_area.values()), max(delivery.by_area.values())
        found["by_area"] = dict(delivery.by_area)
        found["sentence"] += f" The dose differed from {lowest:,.0f} to {highest:,.0f} {delivery.unit} an area."
        if len(delivery.by_area) < len(plan.treated):
            found["sentence"] += f" No dose is given for {len(plan.treated) - len(delivery.by_area)} treated areas."
    return found


def doubt_delivery(plan: Plan) -> list[str]:
    """A doubt about every finding of a plan of which hardly anything was delivered; empty otherwise."""
    if plan.delivery is None or _judge(plan.delivery)[1] != "hardly":
        return []
    return [f"Hardly anything was delivered ({plan.delivery.delivered:,.0f} of {plan.delivery.planned:,.0f} {plan.delivery.unit})."]  # fmt: skip


def _judge(delivery: Delivery) -> tuple[float, str]:
    """The share of what was planned, and its level; of a plan for nothing, nothing is the whole."""
    share = delivery.delivered / delivery.planned if delivery.planned else 1.0
    return share, "full" if share >= FULL else "partly" if share >= HARDLY else "hardly"
