"""The chapter on monitoring: the whole board, what changed, every chart, and how often it is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from evaluation.judgement.board import Board
from evaluation.judgement.false_alarms import Alarms
from evaluation.judgement.monitoring import TAIL, WHOLE, Judged
from evaluation.judgement.rare import RARE
from evaluation.judgement.xmr import RULE_WORDS, TRIAL
from evaluation.publication import numbers as say
from evaluation.publication.control_charts import WORDS, control_chart
from evaluation.publication.disclosure import (
    CONFIDENTIAL,
    NOT_AVAILABLE,
    UNDER_CONTROL,
    by_control,
    clean,
    control_counts,
)
from evaluation.publication.display import Block, Figure, Table, bullets, folded, paragraph
from evaluation.publication.gap_charts import gap_chart
from evaluation.publication.series_words import (
    ASSURANCE,
    CHARTS,
    RANGE_WORDS,
    badge,
    count_at,
    name_of,
    newest_count,
    rule_words,
)
from evaluation.publication.tables import rows_table

MOST_CHARTS = 150
ASK = {
    "rules": "the NHS rules",
    "ranges": "the expected range",
    "years": "the expected range of the year's sum",
}


def news(board: Board) -> list[str]:
    """The board as lines for a terminal: how many signals against how many by chance, then each, the weightiest first."""
    found = watch_list(board)
    lines = [f"{len(board.judged)} series, {len(found)} to look at.", *against_chance(board)]
    lines += [sentence(j) for j in found]
    turned = sum(j.variation != j.before or j.range_side != j.range_before for j in board.judged)
    return [*lines, f"Changed since the period before: {turned}."]


def watch_list(board: Board) -> list[Judged]:
    """Series with a signal of any kind, the weightiest first; of these, all areas together before single ones."""
    return sorted((j for j in board.judged if j.weight), key=lambda j: (-j.weight, j.series.area != WHOLE))


def against_chance(board: Board) -> list[str]:
    """Signals found, against those that a board like this shows although nothing changed."""
    seen = {
        "rules": (sum(j.variation != "common" for j in board.judged), board.quiet),
        "ranges": (sum(j.range_side != 0 for j in board.judged), board.ranges),
        "years": (sum(j.expected is not None and j.expected.total_side != 0 for j in board.judged), board.years),
    }
    lines = []
    for way, (count, alarms) in seen.items():
        if alarms is None:
            continue
        low, high = alarms.usual
        verdict = "more than chance alone would show" if count > high else "so many could be chance"
        lines.append(
            f"By {ASK[way]}: {count} of {alarms.charts} charts signal; if nothing had changed anywhere, {alarms.on_board:.1f} would on "
            f"average ({low} to {high} on 95% of such boards): {verdict}."
        )
    return lines


def overview(board: Board) -> list[Block]:
    """The board in two sentences and one table."""
    if not board.judged:
        return [paragraph("There are no data to watch yet.", "svd-warning")]
    newest = max(j.series.periods[j.series.complete - 1] for j in board.judged if j.series.complete)
    both = sum(j.variation != "common" and j.range_side != 0 for j in board.judged)
    rules = sum(j.variation != "common" for j in board.judged)
    ranges = sum(j.range_side != 0 for j in board.judged)
    said = (
        f"{len(board.judged)} series up to {say.period_name(newest)}: {rules} with a signal by the NHS rules, {ranges} outside the range "
        f"our own model expects, {both} by both."
    )
    first = [
        f"{name_of(j)}: {RANGE_WORDS[j.range_side].lower()}, {WORDS[j.variation].lower()}."
        for j in watch_list(board)
        if j.weight > 1
    ]
    looked = [paragraph("To look at first:"), bullets(first)] if first else []
    return [
        paragraph(said, "svd-lead"),
        bullets(against_chance(board)),
        *looked,
        *(
            block
            for k, g in groupby(board.judged, lambda j: j.series.indicator.title)
            for block in _area_by_area(k, list(g))
        ),
    ]


def _area_by_area(title: str, judged: Sequence[Judged]) -> list[Block]:
    """The table of one indicator behind a line that says how many of its series signal."""
    signalling = sum(bool(j.weight) for j in judged)
    return folded(f"{title}: {signalling} of {len(judged)} series with a signal", _board_table(title, judged))


def signals(board: Board) -> list[Block]:
    """The chart of every outcome with a signal, by either way of judging."""
    found = watch_list(board)
    if not found:
        return [paragraph("No series has a signal.")]
    blocks: list[Block] = []
    for j in found:
        blocks += [paragraph(sentence(j)), draw(j)]
    return blocks


def draw(j: Judged) -> Figure:
    """The chart of one series: the time between events where these are rare, else the counts."""
    return gap_chart(j) if j.gaps is not None else control_chart(j)


def quiet(board: Board) -> list[Block]:
    """The charts without a signal, so that every series can be seen."""
    found = [j for j in board.judged if not j.weight]
    shown = found[:MOST_CHARTS]
    blocks: list[Block] = []
    for title, group in groupby(shown, lambda j: j.series.indicator.title):
        charts = [draw(j) for j in group]
        blocks += folded(f"{title}: {len(charts)} chart{'s' if len(charts) != 1 else ''}", charts)
    if len(found) > len(shown):
        blocks.append(
            paragraph(
                f"{len(found) - len(shown)} more charts without a signal are not drawn; the tables above hold them."
            )
        )
    return blocks or [paragraph("Every series has a signal.")]


def provisional(board: Board) -> list[Block]:
    """The newest periods that are not yet complete, and what they are expected to come to."""
    waiting = [j for j in board.judged if j.series.complete < len(j.series.periods)]
    if not waiting:
        return [paragraph("No period is declared provisional (`monitoring: {provisional: 2}` in indicators.yaml).")]
    blocks: list[Block] = [
        paragraph(
            "These periods are drawn as open circles and judged by no rule. What they will come to "
            "is learned from how earlier ones were revised between stored editions."
        )
    ]
    columns = ["Series", "Period", "Recorded so far", "Expected to come to"]
    for name, controlled, part in by_control(waiting, lambda j: j.series.indicator.disclosure, "provisional"):
        rows = [_so_far(j, position) for j in part for position in range(j.series.complete, len(j.series.periods))]
        caption = "Provisional periods" + UNDER_CONTROL * controlled
        counts = ("Recorded so far",) if controlled else ()
        blocks.append(Table(rows_table(rows, columns), caption, counts=counts, name=name))
    return blocks


def _so_far(j: Judged, position: int) -> tuple[object, ...]:
    """One incomplete period: series, period, what is recorded, what it is expected to come to."""
    known = next((n for n in j.series.nowcasts if n.position == position), None)
    recorded = count_at(j, position)
    final = "not learned: too few stored editions"
    if known is not None:
        final = f"{say.plain(known.median)} ({say.plain(known.lower)} to {say.plain(known.upper)})"
        final = CONFIDENTIAL if recorded == CONFIDENTIAL else final
    return f"{j.series.indicator.title}, {j.series.name}", say.period_name(j.series.periods[position]), recorded, final


def false_alarms(board: Board) -> list[Block]:
    """How often a board like this one signals although nothing changed."""
    rows = [
        (words, str(a.charts), say.probability(a.per_chart), f"{a.on_board:.1f} ({a.bounds[0]:.1f} to {a.bounds[1]:.1f})",
         f"{a.usual[0]} to {a.usual[1]}", say.probability(a.any_on_board), f"{a.boards:,}")
        for words, a in (
            ("NHS rules, on independent normal points (the world they were written for)", board.textbook),
            ("NHS rules, on quiet series like ours: season, trend and carry-over kept; t and g charts included", board.quiet),
            ("Expected range, on quiet series like ours, the model fitted to each anew", board.ranges),
            ("Expected range of the watched year's sum, likewise", board.years),
        )
        if a is not None
    ]  # fmt: skip
    if not rows:
        return [paragraph("False alarms could not be simulated: no series is long enough.")]
    columns = [
        "Way of judging",
        "Charts",
        "Newest point of one chart",
        "False signals on the board in a month",
        "On 95% of quiet boards",
        "At least one on the board",
        "Simulated",
    ]
    blocks: list[Block] = [
        paragraph(
            "Every board signals now and then although nothing has changed, and the more charts it has, the more often. How often was "
            "found by simulation: boards of this size on which nothing happens, judged like the real one. Charts are taken to be independent of each other; "
            "that does not matter for the mean number, but where areas share what happens to them, false signals come together, and the range of their "
            "number is wider than stated. In brackets stands what the finite number of simulations leaves open (95%)."
        ),
        Table(rows_table(rows, columns), "False alarms of this board", name="false-alarms"),
    ]
    if board.quiet is not None and board.textbook is not None:
        blocks.append(paragraph(_compare(board.quiet, board.textbook)))
    return blocks


def rules(board: Board | None = None) -> list[Block]:
    """The rules, in words, and which charts a board has."""
    items = [f"{number}. {words[:1].upper()}{words[1:]}" for number, words in enumerate(RULE_WORDS.values(), 1)]
    return [
        paragraph(
            "Charts follow NHS England's Making Data Count: the centre is the mean, the limits lie 2.66 mean moving ranges from it, and a "
            "point is marked by the first of these rules that applies to it:"
        ),
        bullets(items),
        paragraph(
            f"Limits from fewer than {TRIAL} points are trial limits. Limits are calculated afresh only at a change that the review documents with its "
            "reason. A chart has no gaps: it starts after the newest missing period. Which way is better is what the indicator declares; without "
            "a declaration a signal is neither improvement nor concern."
        ),
        paragraph(
            f"Which chart: from {RARE:g} event a period on average, XmR. Below that the points of an XmR chart pile up at zero, so the time "
            "between events is charted: in days where the review gives the days of its events (t chart, Nelson's transformation), otherwise in "
            "event-free periods (g chart, limits from the geometric distribution). Several events in one period count once in a g chart; a burst is for the "
            "expected range to judge. One gap is seldom short enough to be a signal, so the newest gaps together are judged too."
        ),
        *_kinds(board),
        paragraph(
            "The expected range comes from our own count model (level, trend, season, carry-over, overdispersion), fitted to everything before "
            f"the newest year; a count, or the sum of that year, is outside if one so extreme on that side had a chance below {100 * TAIL:g}%."
        ),
    ]


def _kinds(board: Board | None) -> list[Block]:
    if board is None:
        return []
    kinds = Counter(str(j.kind) for j in board.judged)
    count = "; ".join(f"{words}: {kinds[kind]}" for kind, words in CHARTS.items() if kinds[kind])
    return [paragraph(f"Charts on this board: {count}.")]


def sentence(j: Judged) -> str:
    """What the two ways of judging say of a series, in one or two sentences."""
    series = j.series
    who = f"{name_of(j)}, {say.period_name(series.periods[series.complete - 1])}"
    by_rules = (
        f"by the rules, {WORDS[j.variation].lower()}{f' ({rule_words(j.rule)})' if j.rule else ''}"
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
    side = j.expected.total_side
    outside = (
        f" The sum is {RANGE_WORDS[side].lower()}: so far out by chance in fewer than {200 * TAIL:g} of 100 years."
        if side
        else ""
    )
    return f"Since {since}: {recorded:,} {unit}; expected {say.plain(middle)} ({say.plain(low)} to {say.plain(high)}).{outside}"


def _board_table(title: str, judged: Sequence[Judged]) -> Table:
    rows = []
    for j in judged:
        by_range = RANGE_WORDS[j.range_side] if j.expected is not None else f"Not judged: {j.why_no_range}"
        icon = badge(j.variation) if j.kind != "none" else f"No chart: {j.why}"
        year = "Not judged" if j.expected is None else RANGE_WORDS[j.expected.total_side]
        rows.append(
            (
                j.series.name,
                newest_count(j),
                CHARTS[j.kind],
                icon,
                rule_words(j.rule) or "none",
                by_range,
                year,
                ASSURANCE[j.assurance],
            )
        )
    columns = [
        "Area",
        "Newest",
        "Chart",
        "By the NHS rules",
        "Rule",
        "Allowing for season, trend and small numbers",
        "Its sum",
        "Target",
    ]
    counts = () if judged[0].series.indicator.disclosure == "already_public" else ("Newest",)
    name = f"board-{judged[0].series.indicator.key}"
    return Table(rows_table(rows, columns), clean(title), counts=counts, name=name, kind="svd-wide")


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
