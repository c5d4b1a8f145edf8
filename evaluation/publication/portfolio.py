"""The review as a portfolio: pooled effects, luck, money, what a budget would buy, overlap, and last year's findings."""

from collections.abc import Mapping
from typing import Any

from evaluation.inference import portfolio as pooling
from evaluation.judgement import memory, wording
from evaluation.judgement.dossier import signed_money
from evaluation.judgement.prices import read_prices
from evaluation.protocol.registration import compare_contents
from evaluation.publication import numbers as say
from evaluation.publication.archive import plan_source, read_findings
from evaluation.publication.disclosure import clean
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.edition import Edition
from evaluation.publication.tables import rows_table

Pooled = dict[tuple[str, str], dict[str, float]]


def effects_of(edition: Edition) -> list[pooling.Effect]:
    """The effects of the edition that can be pooled."""
    findings = {plan_id: packet.finding for plan_id, packet in edition.packets.items()}
    kinds = {plan_id: packet.plan.get("kind") for plan_id, packet in edition.packets.items()}
    return pooling.gather_effects(findings, kinds, edition.settings.thresholds.promising)


def pooled(edition: Edition) -> list[Block]:
    """Each effect on its own and pooled with all others, and how many promising findings luck alone would show."""
    effects = effects_of(edition)
    together = pooling.pool_effects(effects)
    if not together:
        return [paragraph("Fewer than three effects can be compared, so none are pooled.")]
    rows = []
    for effect in effects:
        if (effect.plan, effect.indicator) not in together:
            continue
        packet = edition.packets[effect.plan]
        own = packet.finding["indicators"][effect.indicator]["percent_change"]
        both = together[effect.plan, effect.indicator]
        rows.append(
            (packet.title, packet.label(effect.indicator)["title"], f"{say.change(own['median'])} ({say.change_range(own)})",
             f"{say.change(both['median'])} ({say.change_range(both)})", say.probability(both["prob_benefit"]))
        )  # fmt: skip
    table = rows_table(
        rows, ["Intervention", "Outcome", "On its own", "Pooled with the others", "Probability it helped, pooled"]
    )
    return [
        paragraph(luck_sentence(pooling.expect_luck(effects))),
        Table(table, "Every effect on its own, and pooled", name="portfolio", kind="svd-wide"),
        paragraph(
            "Pooling asks how far effects differ between interventions at all, and pulls each one back towards the others by as "
            "much as its own data leave room for. A small scheme with a striking result is pulled back most: among many schemes the "
            "most striking is often the luckiest. Estimates that share comparison areas are treated as independent.",
            "svd-note",
        ),
    ]


def luck_sentence(luck: dict[str, Any]) -> str:
    """How many promising findings were found, and how many luck alone would show."""
    expected = wording.amount(luck["expected"])
    sentence = (
        f"{luck['found']} of {luck['findings']} findings are promising or better; if nothing worked at all, luck alone would be "
        f"expected to show {expected}"
    )
    if luck["found"]:
        return f"{sentence}, and as many as were found with a probability of {wording.percent(luck['as_many'])}."
    return f"{sentence}."


def money(edition: Edition) -> list[Block]:
    """Cost, net value, probability that it pays, break-even and the value of more evidence; then the allocation view."""
    rows, notes = [], []
    for packet in edition.packets.values():
        economics = packet.finding.get("economics") or {}
        value = economics.get("value")
        if not value:
            if economics.get("value_note"):
                notes.append(f"{packet.title}: {economics['value_note']}")
            continue
        net = value["npsv"]
        even = value["break_even_value"]
        rows.append(
            (packet.title, f"{wording.money(value['cost_present_value'])} ({value['price_year']})",
             f"{signed_money(net['median'])} ({signed_money(net['lower'])} to {signed_money(net['upper'])})",
             say.probability(value["prob_pays"]), wording.estimated_money(even) if even else "no value would do",
             wording.estimated_money(value["value_of_as_much_again"]), f"{value['unit_cost_source']} ({value['unit_cost_quality']})")
        )  # fmt: skip
    blocks: list[Block] = []
    if rows:
        columns = ["Intervention", "Cost, discounted (prices of)", "Net present social value", "Probability it pays for itself",
                   "Pays, as likely as not, at a cost an incident of", "Worth of as much evidence again", "Unit cost (quality)"]  # fmt: skip
        blocks.append(Table(rows_table(rows, columns), "Value for money", name="money", kind="svd-wide"))
    if notes:
        blocks.append(bullets(notes))
    return [*blocks, *allocation(edition)] or [paragraph("No costs were given.")]


def allocation(edition: Edition) -> list[Block]:
    """Given the budget of review.yaml, which set of interventions has the best expected value, and how sure that is."""
    budget = edition.settings.budget
    if budget is None:
        return []
    together = pooling.pool_effects(effects_of(edition))
    prices = read_prices(edition.folder)
    valued = {
        plan_id: packet.finding["economics"]["value"]
        for plan_id, packet in edition.packets.items()
        if (packet.finding.get("economics") or {}).get("value")
        and packet.finding["indicators"][packet.primary].get("log_rate_ratio")
        and not packet.finding["indicators"][packet.primary].get("disqualified_by")
    }
    year = max((value["price_year"] for value in valued.values()), default="")
    offers = []
    for plan_id, value in valued.items():
        key = edition.packets[plan_id].primary
        own = edition.packets[plan_id].finding["indicators"][key]["log_rate_ratio"]
        both = together.get((plan_id, key), {"log_mean": own["mean"], "log_sd": own["sd"]})
        expected = sum(e / (1 + value["discount_rate"]) ** at for at, e in enumerate(value["expected_by_year"]))
        # The value exists, so the table of deflators holds its year.
        rise = prices.uprate(1.0, value["price_year"], year) or 1.0
        offers.append(
            pooling.Offer(
                plan_id,
                rise * value["cost_present_value"],
                expected,
                rise * value["unit_cost"],
                both["log_mean"],
                both["log_sd"],
            )
        )
    if not offers:
        return [paragraph("No intervention has both a cost and a value, so no allocation can be proposed.")]
    sure = edition.settings.thresholds.promising
    chosen = pooling.allocate(offers, budget.total, edition.settings.seed, sure)
    said = allocation_sentence(chosen, edition.titles, budget.total, sure)
    note = (
        f"Effects are the pooled ones, sums are in {year} prices, and the schemes are taken to work again as they did."
    )
    against = [packet.title for packet in edition.packets.values()
               if packet.finding["indicators"][packet.primary].get("disqualified_by")]  # fmt: skip
    left = [
        packet.title
        for plan_id, packet in edition.packets.items()
        if plan_id not in valued and packet.title not in against
    ]
    if left:
        note += f" Left out, because they have no value in money: {'; '.join(map(clean, left))}."
    if against:
        note += f" Left out, because a check speaks against their effect: {'; '.join(map(clean, against))}."
    if not chosen["exact"]:
        note += " There are too many to try every set, so they were taken in order of value for money."
    return [paragraph(said, "svd-lead"), paragraph(note, "svd-note")]


def allocation_sentence(chosen: dict[str, Any], titles: Mapping[str, str], budget: float, sure: float) -> str:
    """The best affordable set, those of it that are shown to pay, and those that only may; how sure the set is."""
    if not chosen["chosen"]:
        return f"With {wording.money(budget)}, no set of interventions is expected to be worth its cost."
    shown = [plan for plan in chosen["chosen"] if plan in chosen["shown"]]
    unshown = [plan for plan in chosen["chosen"] if plan not in chosen["shown"]]
    named = {True: "; ".join(clean(titles[p]) for p in shown), False: "; ".join(clean(titles[p]) for p in unshown)}
    least = f"{100 * sure:g}%"
    parts = [
        f"With {wording.money(budget)}, the set with the best expected value costs {wording.money(chosen['cost'])} in all."
    ]
    if shown:
        parts.append(f"Shown to pay, each with a probability of at least {least}: {named[True]}.")
    else:
        parts.append(f"No scheme in it is shown to pay (none reaches a probability of {least}).")
    if unshown:
        parts.append(
            f"{'On balance only' if shown else 'In it on balance only'}: {named[False]}. Paying for these again is a bet, to be made "
            "only with the measurement written in; where nothing works at all, some scheme will still look worth such a bet."
        )
    parts.append(
        f"The set's expected net value is {signed_money(chosen['expected_net'])}; it is worth more than it costs with a probability of "
        f"{wording.percent(chosen['prob_pays'])}, and is the best affordable set with a probability of {wording.percent(chosen['prob_best'])}."
    )
    return " ".join(parts)


def overlaps(edition: Edition) -> list[Block]:
    """Interventions that ran in the same places at the same time, or in places others are compared with."""
    found = [
        f"{packet.title}: {one['sentence']}"
        for packet in edition.packets.values()
        for one in packet.finding.get("overlap") or []
    ]
    return [bullets(found)] if found else [paragraph("No intervention ran in the areas and periods of another.")]


def changes(edition: Edition) -> list[Block]:
    """What changed since last year, from the archived review; says so where there is none."""
    if edition.settings.previous is None:
        return [paragraph("No archived review of an earlier year was given, so nothing can be compared with it.")]
    previous = read_findings(edition.folder / edition.settings.previous)
    items = []
    for plan_id, packet in edition.packets.items():
        if plan_id not in previous:
            items.append(f"{packet.title}: new this year.")
            continue
        before = previous[plan_id]
        changed = [
            change.key
            for change in compare_contents(before["plan"], plan_source((packet.path / "plan.yaml").read_bytes()))
        ]
        told = memory.recall(before, {"finding": packet.finding, "run": packet.run}, changed)
        items.append(f"{packet.title}: {told['sentence']}")
    gone = [plan_id for plan_id in previous if plan_id not in edition.titles]
    items += [f"{plan_id.replace('_', ' ')}: in last year's review, not in this one." for plan_id in gone]
    return [bullets(items)]


def quality_log(edition: Edition) -> list[Block]:
    """Who did, who checked, what remains (after the Aqua Book), and who signed the review off."""
    settings = edition.settings
    blocks: list[Block] = []
    if settings.quality_assurance:
        rows = [
            (q.task, q.done_by, q.checked_by or "nobody yet", q.on or "", q.remains or "nothing")
            for q in settings.quality_assurance
        ]
        table = rows_table(rows, ["What", "Done by", "Checked by", "When", "What remains"])
        blocks.append(Table(table, "Quality assurance log", kind="svd-wide"))
        same = [
            q.task
            for q in settings.quality_assurance
            if q.checked_by and q.checked_by.casefold() == q.done_by.casefold()
        ]
        if same:
            blocks.append(paragraph(f"Done and checked by the same person: {'; '.join(same)}.", "svd-warning"))
    else:
        blocks.append(paragraph("No quality assurance has been recorded.", "svd-warning"))
    signed = settings.signed_off
    if signed is None:
        blocks.append(paragraph("This review has not been signed off. It is a draft.", "svd-warning"))
    else:
        blocks.append(paragraph(f"Signed off by {signed.by}, {signed.role}, on {signed.on}."))
    return blocks
