"""The chapter on monitoring: the whole board, what changed, every chart, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from evaluation.judgement.board import Board
from evaluation.judgement.false_alarms import Alarms
from evaluation.judgement.monitoring import RARE, TAIL, Judged
from evaluation.judgement.stopping import Watch
from evaluation.judgement.xmr import RULE_WORDS, TRIAL
from evaluation.protocol import Review
from evaluation.publication import numbers as say
from evaluation.publication.control_charts import SIGNS, WORDS, control_chart
from evaluation.publication.disclosure import CONFIDENTIAL, NOT_AVAILABLE, Safe, clean, control_counts, escape
from evaluation.publication.display import Block, Table, bullets, paragraph
from evaluation.publication.tables import rows_table

BADGES = {"improvement": "benefit", "concern": "harm", "neutral": "too_small_to_tell", "common": "unclear"}
ASSURANCE = {
    "passes": "Consistently meets the target",
    "fails": "Consistently misses the target",
    "hit_and_miss": "Meets or misses the target by chance",
    None: "No target",
}
RANGE_WORDS = {1: "Above the expected range", 0: "Inside the expected range", -1: "Below the expected range"}
VERDICT_WORDS = {
    "harm": "Stop: harm",
    "success": "Benefit shown",
    "futility": "Stop: no effect worth acting on",
    "go on": "Go on",
}
MOST_CHARTS = 150


def badge(variation: str) -> Safe:
    """The variation icon: sign and words in a box."""
    return Safe(
        f'<span class="svd-badge svd-{BADGES[variation]}"><span aria-hidden="true">{SIGNS[variation]}</span> '
        f"{escape(WORDS[variation])}</span>"
    )


def news(board: Board) -> list[str]:
    """The board as lines for a terminal: what signals, what changed, how often such a board is wrong."""
    found = [j for j in board.judged if j.variation != "common" or j.range_side != 0]
    lines = [f"{len(board.judged)} series, {len(found)} with a signal."]
    lines += [sentence(j) for j in found]
    turned = sum(j.variation != j.before or j.range_side != j.range_before for j in board.judged)
    lines.append(f"Changed since the period before: {turned}.")
    for words, alarms in (("the NHS rules", board.quiet), ("the expected range", board.ranges)):
        if alarms is not None:
            lines.append(
                f"On a quiet board like this, {words} would give {alarms.on_board:.1f} false signals a month on average."
            )
    return lines


def overview(board: Board) -> list[Block]:
    """The board in two sentences and one table."""
    if not board.judged:
        return [paragraph("There are no data to watch yet.", "svd-warning")]
    newest = max(j.series.periods[j.series.complete - 1] for j in board.judged if j.series.complete)
    rules = sum(j.variation != "common" for j in board.judged)
    ranges = sum(j.range_side != 0 for j in board.judged)
    both = sum(j.variation != "common" and j.range_side != 0 for j in board.judged)
    said = (
        f"{len(board.judged)} series up to {say.period_name(newest)}: {rules} with a signal by the NHS rules, {ranges} outside the range "
        f"our own model expects, {both} by both."
    )
    return [
        paragraph(said, "svd-lead"),
        *(_board_table(k, list(g)) for k, g in groupby(board.judged, lambda j: j.series.indicator.title)),
    ]


def changed(board: Board) -> list[Block]:
    """What changed since the period before."""
    items = []
    for j in board.judged:
        who = f"{j.series.indicator.title}, {j.series.name}"
        if j.variation != j.before:
            items.append(f"{who}, by the rules: {_turn(j.before, j.variation)}{f' ({_rule(j)})' if j.rule else ''}.")
        if j.range_side != j.range_before:
            items.append(
                f"{who}: {RANGE_WORDS[j.range_side].lower()}; a period before, {RANGE_WORDS[j.range_before].lower()}."
            )
    if not items:
        return [paragraph("No series has gained or lost a signal since the period before.")]
    return [
        paragraph(
            f"{len(items)} {'change' if len(items) == 1 else 'changes'} since the period before, each judged as it stood then:"
        ),
        bullets(items),
    ]


def signals(board: Board, review: Review) -> list[Block]:
    """The chart of every outcome with a signal, by either way of judging."""
    found = [j for j in board.judged if j.variation != "common" or j.range_side != 0]
    if not found:
        return [paragraph("No series has a signal.")]
    blocks: list[Block] = []
    for j in found:
        blocks += [paragraph(sentence(j)), control_chart(j, review.settings.interval)]
    return blocks


def quiet(board: Board, review: Review) -> list[Block]:
    """The charts without a signal, so that every series can be seen."""
    found = [j for j in board.judged if j.variation == "common" and j.range_side == 0]
    shown = found[:MOST_CHARTS]
    blocks: list[Block] = [control_chart(j, review.settings.interval) for j in shown]
    if len(found) > len(shown):
        blocks.append(
            paragraph(
                f"{len(found) - len(shown)} more charts without a signal are not drawn; the tables above hold them."
            )
        )
    return blocks or [paragraph("Every series has a signal.")]


def delivery(board: Board, review: Review) -> list[Block]:
    """What was delivered, month by month against target and in total against plan."""
    rows = []
    for j in board.judged:
        if j.series.indicator.monitoring.kind == "delivery":
            target = j.series.indicator.monitoring.target
            newest = _newest(j)
            rows.append(
                (f"{j.series.indicator.title}, {j.series.name}", newest, "none" if target is None else say.plain(target),
                 ASSURANCE[j.assurance], badge(j.variation))
            )  # fmt: skip
    blocks: list[Block] = []
    if rows:
        columns = ["Delivery", "Newest period", "Target", "Will the process meet it?", "Signal"]
        blocks.append(Table(rows_table(rows, columns), "Delivery from month to month", name="delivery-monthly"))
    plans = [
        (p.title, f"{p.delivery.delivered:,.0f} of {p.delivery.planned:,.0f} {clean(p.delivery.unit)}",
         say.percentage(p.delivery.delivered / p.delivery.planned) if p.delivery.planned else "not given")
        for p in review.plans.values() if p.delivery is not None
    ]  # fmt: skip
    if plans:
        blocks.append(
            Table(
                rows_table(plans, ["Intervention", "Delivered of planned", "Share"]),
                "Delivery in total, from the plans",
            )
        )
    return blocks or [
        paragraph(
            "No delivery is recorded: give plans a `delivery:` and add an indicator with `monitoring: {kind: delivery}`."
        )
    ]


def provisional(board: Board) -> list[Block]:
    """The newest periods that are not yet complete, and what they are expected to come to."""
    waiting = [j for j in board.judged if j.series.complete < len(j.series.periods)]
    if not waiting:
        return [paragraph("No period is declared provisional (`monitoring: {provisional: 2}` in indicators.yaml).")]
    rows = []
    for j in waiting:
        for position in range(j.series.complete, len(j.series.periods)):
            known = next((n for n in j.series.nowcasts if n.position == position), None)
            so_far = _at(j, position)
            final = "not learned: too few stored editions"
            if known is not None:
                final = (
                    CONFIDENTIAL
                    if so_far == CONFIDENTIAL
                    else f"{say.plain(known.median)} ({say.plain(known.lower)} to {say.plain(known.upper)})"
                )
            rows.append(
                (
                    f"{j.series.indicator.title}, {j.series.name}",
                    say.period_name(j.series.periods[position]),
                    so_far,
                    final,
                )
            )
    columns = ["Series", "Period", "Recorded so far", "Expected to come to"]
    counts = () if all(j.series.indicator.disclosure == "already_public" for j in waiting) else ("Recorded so far",)
    return [
        paragraph(
            "These periods are drawn as open circles and judged by no rule. What they will come to "
            "is learned from how earlier ones were revised between stored editions."
        ),
        Table(rows_table(rows, columns), "Provisional periods", counts=counts, name="provisional"),
    ]


def running(watches: Sequence[Watch]) -> list[Block]:
    """Interventions looked at while they run, by rules fixed in advance, with the rules' error rates."""
    blocks: list[Block] = [
        paragraph(
            "Looking again and again until a result appears would always find one. So a running intervention is looked at only at the dates and by "
            "the rule that its plan fixed in advance, and how often that rule errs over all its looks together is found by simulation. Looks use the fast "
            "approximation; the finding itself comes from the evaluation."
        )
    ]
    for w in watches:
        if w.rule is None or not w.errors:
            blocks.append(paragraph(f"{w.title}: {w.why}."))
            continue
        blocks.append(paragraph(f"{w.title}: {_stand(w)}", "svd-lead"))
        looks = [
            (
                say.period_name(k.period),
                say.probability(k.benefit),
                say.probability(k.harm),
                say.probability(k.worth),
                VERDICT_WORDS[v],
            )
            for k, v in zip(w.looks, w.verdicts, strict=True)
        ]
        if looks:
            columns = [
                "Data up to",
                "Probability it helps",
                "Probability it harms",
                "Probability worth acting on",
                "The rule says",
            ]
            blocks.append(Table(rows_table(looks, columns), f"Looks taken: {w.title}", name=f"looks-{w.plan}"))
        errors = [
            (f"{truth[:1].upper()}{truth[1:]}", *(say.probability(e[v]) for v in VERDICT_WORDS))
            for truth, e in w.errors.items()
        ]
        blocks.append(
            Table(
                rows_table(errors, ["What is true", *VERDICT_WORDS.values()]),
                f"How often the rule ends so, over all {len(w.planned)} looks (simulated)",
            )
        )
    return blocks


def false_alarms(board: Board) -> list[Block]:
    """How often a board like this one signals although nothing changed."""
    rows = [
        (words, say.probability(a.per_chart), f"{a.on_board:.1f}", say.probability(a.any_on_board), f"{a.boards:,}")
        for words, a in (
            ("NHS rules, on independent normal points (the world they were written for)", board.textbook),
            ("NHS rules, on quiet series like ours: season, trend and carry-over kept", board.quiet),
            ("Expected range, on quiet series like ours, the model fitted to each anew", board.ranges),
        )
        if a is not None
    ]
    if not rows:
        return [paragraph("False alarms could not be simulated: no series is long enough.")]
    columns = [
        "Way of judging",
        "Newest point of one chart",
        "False signals on the board in a month",
        "At least one on the board",
        "Simulated",
    ]
    blocks: list[Block] = [
        paragraph(
            "Every board signals now and then although nothing has changed, and the more charts it has, the more often. How often was "
            "found by simulation: boards of this size on which nothing happens, judged like the real one. Charts are taken to be independent of each other."
        ),
        Table(rows_table(rows, columns), "False alarms of this board", name="false-alarms"),
    ]
    if board.quiet is not None and board.textbook is not None:
        blocks.append(paragraph(_compare(board.quiet, board.textbook)))
    return blocks


def rules(board: Board) -> list[Block]:
    """The rules, in words."""
    items = [f"{number}. {words[:1].upper()}{words[1:]}" for number, words in enumerate(RULE_WORDS.values(), 1)]
    return [
        paragraph(
            "Charts follow NHS England's Making Data Count: the centre is the mean, the limits lie 2.66 mean moving ranges from it, and a "
            "point is marked by the first of these rules that applies to it:"
        ),
        bullets(items),
        paragraph(
            f"Limits from fewer than {TRIAL} points are trial limits. Limits are calculated afresh only at a change that the review documents with its "
            "reason. A chart has no gaps: it starts after the newest missing period. Where events are rarer than "
            f"{RARE:g} a period on average, the time between them is judged instead (a g chart). The expected range comes from our own count model, "
            f"fitted to everything before the newest year; a count is outside if one so extreme on that side had a chance below {100 * TAIL:g}%. "
            "Which way is better is what the indicator declares; without a declaration a signal is neither improvement nor concern."
        ),
    ]


def sentence(j: Judged) -> str:
    """What the two ways of judging say of a series, in one or two sentences."""
    series = j.series
    who = f"{series.indicator.title}, {series.name}, {say.period_name(series.periods[series.complete - 1])}"
    by_rules = (
        f"by the rules, {WORDS[j.variation].lower()}{f' ({_rule(j)})' if j.rule else ''}"
        if j.kind != "none"
        else f"no chart by the rules, because {j.why}"
    )
    if j.expected is None:
        return f"{who}: {by_rules}. No expected range: {j.why_no_range}."
    said = f"{who}: {by_rules}. {RANGE_WORDS[j.range_side]}."
    if j.kind == "xmr" and j.variation != "common" and j.range_side == 0:
        said += " Season, trend or what carries over from month to month could explain it: ask before acting."
    elif j.range_side != 0 and j.variation == "common":
        said += " For this time of year it is unusual although the rules see nothing."
    return f"{said} {_year(j)}".strip()


def _year(j: Judged) -> str:
    if (
        j.expected is None
        or not np.isfinite(j.expected.total)
        or j.series.indicator.likelihood not in ("negative_binomial", "poisson")
    ):
        return ""
    middle, low, high = j.expected.total_range
    recorded = control_counts([j.expected.total], j.series.indicator.disclosure)[0]
    if recorded in (CONFIDENTIAL, NOT_AVAILABLE):
        return ""
    unit = clean(j.series.indicator.unit, 60)
    since = say.period_name(j.series.periods[j.expected.start])
    return f"Since {since}: {recorded:,} {unit}; expected {say.plain(middle)} ({say.plain(low)} to {say.plain(high)})."


def _board_table(title: str, judged: Sequence[Judged]) -> Table:
    rows = []
    for j in judged:
        by_range = RANGE_WORDS[j.range_side] if j.expected is not None else f"Not judged: {j.why_no_range}"
        icon = badge(j.variation) if j.kind != "none" else f"No chart: {j.why}"
        rows.append((j.series.name, _newest(j), icon, _rule(j) or "none", by_range, ASSURANCE[j.assurance]))
    columns = ["Area", "Newest", "By the NHS rules", "Rule", "Allowing for season, trend and small numbers", "Target"]
    counts = () if judged[0].series.indicator.disclosure == "already_public" else ("Newest",)
    name = f"board-{judged[0].series.indicator.key}"
    return Table(rows_table(rows, columns), clean(title), counts=counts, name=name, kind="svd-wide")


def _stand(w: Watch) -> str:
    left = [p for p in w.planned if p not in {k.period for k in w.looks}]
    following = f"next look with the data up to {say.period_name(left[0])}" if left else "no look is left"
    if w.decided is not None:
        return f"{VERDICT_WORDS[w.verdicts[w.decided]].lower()}, at the look of {say.period_name(w.looks[w.decided].period)}."
    return f"the rule says to go on; {following}."


def _newest(j: Judged) -> object:
    return _at(j, j.series.complete - 1) if j.series.complete else NOT_AVAILABLE


def _at(j: Judged, position: int) -> object:
    """The count at a position as it may be printed."""
    series = j.series
    value = series.value[position]
    if not np.isfinite(value):
        return CONFIDENTIAL if np.isfinite(series.low[position]) else NOT_AVAILABLE
    if series.indicator.likelihood == "normal":
        return say.plain(float(value))
    return control_counts([value], series.indicator.disclosure)[0]


def _rule(j: Judged) -> str:
    return RULE_WORDS.get(j.rule, j.rule)


def _turn(before: str, now: str) -> str:
    return f"{WORDS[now].lower()}; a period before, {WORDS[before].lower()}"


def _compare(quiet: Alarms, textbook: Alarms) -> str:
    said = (
        f"On quiet series like ours the NHS rules mark {say.probability(quiet.per_chart)} of newest points, "
        f"against {say.probability(textbook.per_chart)} on independent points. "
    )
    if quiet.per_chart > 1.5 * textbook.per_chart:
        return (
            said
            + "Season, trend and carry-over break the rules' assumptions here: read a signal by the rules alone as a question, not as news."
        )
    return said + "The rules' assumptions hold well enough here."
