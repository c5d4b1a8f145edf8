"""What a chapter says beside the estimate: grade, money, delivery, displacement, overlap and other records of the harm."""

from collections.abc import Mapping
from typing import Any

from evaluation.judgement import wording
from evaluation.judgement.dossier import signed_money
from evaluation.judgement.findings import RATINGS
from evaluation.publication import numbers as say
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.estimates import primary_finding
from evaluation.publication.evaluated import Evaluated
from evaluation.publication.tables import rows_table


def changed_fields(record: Any) -> list[tuple[str, str]]:
    """One row for each key of the plan that is not as it was registered."""
    changes = record.get("changes") or [] if isinstance(record, Mapping) else []
    return [(f"Changed since: {c['key']}", f"was {c['registered']}; now {c['now']}") for c in changes]


def doubts(evaluation: Evaluated) -> list[Block]:
    """The grade, the design's level, what would change our mind, overlap, and other records of the same harm."""
    found = primary_finding(evaluation)
    items = []
    if found["rating"] in RATINGS:
        items.append(f"What the interval and the checks allow: {RATINGS[found['rating']]}")
    if found.get("maryland"):
        level = found["maryland"]
        items.append(f"{level['scale']}: level {level['level']} of 5 ({level['because']}).")
    if found.get("change_our_mind"):
        items.append(f"What would change our mind: {found['change_our_mind']}")
    items += [one["sentence"] for one in evaluation.finding.get("overlap") or []]
    items += [one["sentence"] for one in evaluation.finding.get("triangulation") or []]
    return [bullets(items)] if items else []


def displacement(evaluation: Evaluated) -> list[Block]:
    """Whether the problem moved or the benefit spread, where the plan declares a buffer."""
    found = evaluation.finding.get("displacement")
    return [paragraph(f"Displacement and diffusion. {found['sentence']}")] if found else []


def moderators(evaluation: Evaluated) -> list[Block]:
    """What the plan expected to matter."""
    said = getattr(evaluation.plan, "moderators", None)
    return [paragraph(f"Expected by the plan: {said}")] if said else []


def implementation(evaluation: Evaluated) -> list[Block]:
    """How it was to be carried out, and what was delivered beside what was found."""
    said = getattr(evaluation.plan, "implementation", None)
    blocks: list[Block] = [paragraph(f"As planned: {said}")] if said else []
    found = evaluation.finding.get("delivery")
    return blocks + ([paragraph(found["sentence"])] if found else [])


def value(evaluation: Evaluated) -> list[Block]:
    """Net value, the curve of the probability that it pays, who benefits, and harm weighted by severity."""
    economics = evaluation.finding.get("economics") or {}
    blocks: list[Block] = []
    if economics.get("value_sentence"):
        blocks.append(paragraph(economics["value_sentence"]))
    found = economics.get("value")
    if found:
        rows: list[tuple[str, object]] = [
            ("Unit cost as published", f"{wording.money(found['unit_cost_published'])} ({found['unit_cost_price_year']} prices)"),
            ("Source and quality", f"{found['unit_cost_source']}; {found['unit_cost_quality']}"),
            ("Unit cost uprated", f"{wording.money(found['unit_cost'])} ({found['price_year']} prices)"),
            ("Discount rate", f"{100 * found['discount_rate']:.1f}% a year"),
            ("Optimism bias", f"{100 * found['optimism_bias']:.0f}%"),
            ("Cost, present value", wording.money(found["cost_present_value"])),
            ("Benefit, present value", _money_range(found["benefit_present_value"])),
            ("Net present social value", _money_range(found["npsv"])),
            ("Events that repay the discounted cost", say.plain(found["break_even_events"]) if found["break_even_events"] else "none"),
            ("Worth of perfect evidence", wording.estimated_money(found["value_of_perfect_information"])),
            ("Worth of as much evidence again", wording.estimated_money(found["value_of_as_much_again"])),
        ]  # fmt: skip
        name = f"{evaluation.plan.id}-value"
        blocks.append(Table(rows_table(rows, ["What", "Figure"]), "Value for money", name=name, kind="svd-facts"))
        curve = [(wording.estimated_money(p["value"]), say.probability(p["probability"])) for p in found["pays_curve"]]
        caption = "Probability that it pays for itself, by what one incident costs"
        blocks.append(Table(rows_table(curve, ["If one incident costs", "Probability"]), caption, name=f"{name}-curve"))
        parts = found["beneficiaries"]["median"]
        if parts:
            who = [(name.capitalize(), signed_money(amount)) for name, amount in parts.items()]
            who.append(("Not divided by the source", signed_money(found["beneficiaries"]["not_divided"])))
            blocks.append(Table(rows_table(who, ["Who", "Benefit (median)"]), "Who benefits"))
        else:
            blocks.append(
                paragraph(
                    "Who benefits is not known: the table of unit costs does not divide this cost between police, health, justice and victims."
                )
            )
    harm = evaluation.finding.get("harm")
    return blocks + ([paragraph(harm["sentence"])] if harm else [])


def _money_range(summary: Mapping[str, float]) -> str:
    low, high = signed_money(summary["lower"]), signed_money(summary["upper"])
    return f"{signed_money(summary['median'])} ({low} to {high}; mean {signed_money(summary['mean'])})"
