"""Do the data suffice for what the plan promises? Starts, windows, lengths before and after, comparison areas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evaluation.errors import Problem
from evaluation.evidence.panel import Grid
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.partnership import Areas
from evaluation.protocol.period import Frequency, first_day, first_place, label, last_place, read_span
from evaluation.protocol.plan import Plan
from evaluation.protocol.resolve import comparison_areas, indicator_roles, named_comparison
from evaluation.protocol.suggest import listing, plural
from evaluation.protocol.yaml_source import KeyPath, Lines, place_of

# Rules of thumb of the field: at least 3 points on each side of an interruption (EPOC); a monthly series needs more
# before it, because level, trend and autocorrelation have to be told apart.
FEWEST: dict[tuple[str, bool], tuple[int, int]] = {
    ("its", True): (8, 2),
    ("its", False): (3, 1),
    ("did", True): (1, 1),
    ("did", False): (1, 1),
}
COMFORTABLE_MONTHS_BEFORE = 24
FINER: dict[str, tuple[Frequency, ...]] = {
    "weekly": ("week",),
    "monthly": ("week", "month"),
    "quarterly": ("week", "month", "quarter"),
}


@dataclass(frozen=True)
class Measured:
    """The data of one indicator, laid out.

    Attributes:
        indicator: the indicator.
        file: its data file, as named in problems.
        frequency: of the data.
        anchor: of weeks.
        grid: the cells.
        has_exposure: whether the file gives exposure.
    """

    indicator: Indicator
    file: str
    frequency: Frequency
    anchor: str
    grid: Grid
    has_exposure: bool

    def label(self, place: int) -> str:
        """The period at a place, as written in files."""
        return label(place, self.frequency, self.anchor)

    @property
    def last(self) -> int:
        """Place of the last period."""
        return self.grid.first + int(self.grid.written.shape[1]) - 1


@dataclass(frozen=True)
class _Case:
    """One plan on one indicator. `start` and `end` are the plan's, `lo` and `hi` what the data have of them."""

    plan: Plan
    measured: Measured
    start: int
    end: int
    lo: int
    hi: int
    used: npt.NDArray[np.bool_]

    @property
    def key(self) -> str:
        return self.measured.indicator.key

    def start_of(self, code: str) -> int:
        return first_place(self.plan.treated[code], self.measured.frequency, self.measured.anchor)

    def observed(self, code: str) -> npt.NDArray[np.bool_]:
        """Whether the area has anything observed, for each period from `lo` to `hi`."""
        grid = self.measured.grid
        row: npt.NDArray[np.bool_] = grid.written[grid.codes.index(code)]
        return row[self.lo - grid.first : self.hi - grid.first + 1]


@dataclass
class _Findings:
    """Findings of a plan, of which those that differ only in the area or the indicator become one.

    Texts hold `{who}` for the areas and `{key}` for the indicators.
    """

    file: str
    lines: Lines
    _entries: dict[tuple[KeyPath, str, str], dict[str, list[str]]] = field(default_factory=dict)

    def add(self, path: KeyPath, text: str, remedy: str, key: str, code: str = "") -> None:
        by_key = self._entries.setdefault((path, text, remedy), {})
        codes = by_key.setdefault(key, [])
        if code not in codes:
            codes.append(code)

    def problems(self) -> list[Problem]:
        found = []
        for (path, text, remedy), by_key in self._entries.items():
            same: dict[tuple[str, ...], list[str]] = {}
            for key, codes in by_key.items():
                same.setdefault(tuple(codes), []).append(key)
            for codes_of, keys in same.items():
                words = {
                    "who": listing([f"`{code}`" for code in codes_of]),
                    "key": listing([f"`{key}`" for key in keys]),
                }
                where = place_of(self.lines, path or ("treated", codes_of[0]))
                found.append(Problem(self.file, where, _filled(text, words), _filled(remedy, words)))
        return found


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace("{" + name + "}", word)
    return text


def plan_data_problems(
    plan: Plan,
    file: str,
    lines: Lines,
    damaged: frozenset[str],
    areas: Areas,
    measured: Mapping[str, Measured],
) -> list[Problem]:
    """What prevents the evaluation of a plan with the data that are there.

    Args:
        plan: the plan; its `design`, `treated`, `period` and `indicators` could be read.
        file: its name in problems.
        lines: line of each key.
        damaged: keys that could not be read.
        areas: of the review.
        measured: data by indicator key; indicators without usable data are absent and reported elsewhere.
    """
    found = _Findings(file, lines)
    for key in indicator_roles(plan):
        if key not in measured:
            continue
        case = _case(plan, measured[key])
        if case.lo > case.hi:
            if case.start <= case.end:
                _outside(case, found)
            continue
        for code in plan.treated:
            if code in areas.areas and (finding := _treated_finding(case, code)):
                found.add(*finding, key, code)
        if "comparison" not in damaged:
            _comparison_problems(case, areas, found)
        if "model" not in damaged:
            _season_problems(case, found)
    return found.problems()


def _case(plan: Plan, measured: Measured) -> _Case:
    frequency, anchor, grid = measured.frequency, measured.anchor, measured.grid
    start = first_place(plan.period.start, frequency, anchor)
    end = last_place(plan.period.end, frequency, anchor)
    lo, hi = max(start, grid.first), min(end, measured.last)
    used = np.ones(max(hi - lo + 1, 0), dtype=bool)
    for window in plan.period.exclude:
        first, last = first_place(window.from_, frequency, anchor), last_place(window.to, frequency, anchor)
        used[max(first - lo, 0) : max(last - lo + 1, 0)] = False
    return _Case(plan, measured, start, end, lo, hi, used)


def _outside(case: _Case, found: _Findings) -> None:
    period, measured = case.plan.period, case.measured
    text = f"The data of {{key}} run from {measured.label(measured.grid.first)} to {measured.label(measured.last)}, "
    text += f"wholly outside the period {period.start} to {period.end}."
    found.add(("period",), text, "Change `period`, or add data.", case.key)


def _treated_finding(case: _Case, code: str) -> tuple[KeyPath, str, str] | None:
    """(place, what was found, remedy) of the first thing that prevents the use of a treated area, if any."""
    plan, measured, grid = case.plan, case.measured, case.measured.grid
    if code not in grid.codes:
        text = f"There are no data for {{who}} in {measured.file}."
        if measured.indicator.absent_means == "zero":
            return (), text, "If nothing ever happened there, add rows with the count 0."
        return (), text, "Add the rows, or take {key} out of this plan."
    start, written = case.start_of(code), plan.treated[code]
    span = read_span(written)
    if span.last <= read_span(plan.period.start).first or span.first > read_span(plan.period.end).last:
        return None  # said by the rules for plans
    data = f"{measured.label(grid.first)} to {measured.label(measured.last)}"
    if start > case.hi:
        text = f"{{who}}: the start in {written} comes after the data of {{key}} end ({data})."
        return (), text, "Add later data, or wait."
    if start <= case.lo:
        text = f"{{who}}: no period before the start in {written} in the data of {{key}} ({data})."
        return (), text, "Add earlier data, or an earlier `period: start`."
    split = start - case.lo
    washout = plan.period.washout
    after_length = case.hi - start + 1
    if washout >= after_length:
        text = f"A washout of {plural(washout, 'period')} leaves nothing of the {plural(after_length, 'period')} from {written}."
        return ("period", "washout"), text, "Shorten the washout, or wait for more data."
    if not case.used[:split].any():
        text = f"The excluded windows take out every period before {written}."
        return ("period", "exclude"), text, "Exclude less, or start the period earlier."
    if not case.used[split + washout :].any():
        text = f"The excluded windows (and the washout) take out every period from {written} on."
        return ("period", "exclude"), text, "Exclude less, or wait for more data."
    usable = case.observed(code) & case.used
    before, after = int(usable[:split].sum()), int(usable[split + washout :].sum())
    return _too_few(case, before, after, written)


def _too_few(case: _Case, before: int, after: int, start: str) -> tuple[KeyPath, str, str] | None:
    design, measured = case.plan.design, case.measured
    kind = {"week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "annual"}[measured.frequency]
    need_before, need_after = FEWEST[design, measured.frequency in ("week", "month")]
    rule = f"`{design}` with {kind} data needs at least {need_before} before and {need_after} after"
    if before == 0:
        text = f"{{who}}: no count of {{key}} before the start in {start}; {rule}."
        return (), text, "Add earlier data."
    if before < need_before:
        text = f"{{who}}: only {plural(before, 'usable period')} of {{key}} before the start in {start}; {rule}."
        return (), text, "Add earlier data, start the period earlier, or exclude less."
    if after < need_after:
        counted = f" (after a washout of {case.plan.period.washout})" if case.plan.period.washout else ""
        text = (
            f"{{who}}: only {plural(after, 'usable period')} of {{key}} from the start in {start} on{counted}; {rule}."
        )
        return (), text, "Wait for more data, or exclude less."
    if case.plan.effect.shape == "level_and_slope" and after < 3:
        text = f"`level_and_slope` needs 3 periods from the start on; there are {after} of {{key}} in {{who}}."
        return ("effect", "shape"), text, "Write `shape: step`, or wait for more data."
    return None


def _comparison_problems(case: _Case, areas: Areas, found: _Findings) -> None:
    plan = case.plan
    if plan.design != "did":
        return
    named = comparison_areas(plan, areas)
    with_data = [c for c in named if c in case.measured.grid.codes and (case.observed(c) & case.used).any()]
    if plan.comparison is not None and named and not with_data:
        remedy = f"Add their rows to {case.measured.file}, or name other areas."
        found.add(("comparison",), "No comparison area has data on {key} in the period.", remedy, case.key)
    if plan.comparison is None and len(set(plan.treated.values())) > 1:
        starts = {case.start_of(code) for code in plan.treated}
        if len(starts) == 1:
            text = (
                f"All treated areas start in the same {case.measured.frequency} ({case.measured.label(starts.pop())}) "
            )
            text += "of {key}, and there is no comparison."
            found.add(("comparison",), text, "Add `comparison: {areas: all}`, or use `design: its`.", case.key)


def _season_problems(case: _Case, found: _Findings) -> None:
    season = case.plan.model.seasonality
    if season in FINER and case.measured.frequency not in FINER[season]:
        text = f"A {season} season cannot be seen in data by {case.measured.frequency} ({{key}})."
        coarser = {"month": "monthly", "quarter": "quarterly"}.get(case.measured.frequency)
        remedy = f"Write `seasonality: {coarser}`, auto or none." if coarser else "Write `seasonality: none` or auto."
        found.add(("model", "seasonality"), text, remedy, case.key)


def plan_warnings(
    plan: Plan,
    file: str,
    lines: Lines,
    areas: Areas,
    measured: Mapping[str, Measured],
    others: Mapping[str, Plan],
) -> list[Problem]:
    """What is allowed but worth saying about a plan and its data."""
    found = _Findings(file, lines)
    for key in indicator_roles(plan):
        if key in measured:
            case = _case(plan, measured[key])
            if case.lo <= case.hi:
                _date_warnings(case, found)
                _length_warnings(case, found)
    return found.problems() + list(_comparison_warnings(plan, file, lines, areas, others))


def _date_warnings(case: _Case, found: _Findings) -> None:
    plan, measured, key = case.plan, case.measured, case.key
    for code, written in plan.treated.items():
        place, span = case.start_of(code), read_span(written)
        named = measured.label(place)
        if first_day(place, measured.frequency, measured.anchor) < span.first:
            text = f"{{who}}: the start in {written} lies inside {named}, which counts as wholly treated ({{key}})."
            found.add((), text, "Use finer data, or a washout of 1, if that matters.", key, code)
        elif span.frequency == "year" and measured.frequency != "year":
            text = f"{{who}}: the start in {written} is read as {named} ({{key}})."
            found.add((), text, f"Name the {measured.frequency} if it was a later one.", key, code)
    if case.end > measured.last:
        text = f"The period ends in {plan.period.end}, the data of {{key}} in {measured.label(measured.last)}."
        found.add(("period", "end"), text, "The evaluation goes as far as the data.", key)
    if case.start < measured.grid.first:
        text = (
            f"The period starts in {plan.period.start}, the data of {{key}} in {measured.label(measured.grid.first)}."
        )
        found.add(("period", "start"), text, "The evaluation starts with the data.", key)


def _length_warnings(case: _Case, found: _Findings) -> None:
    plan, measured, key = case.plan, case.measured, case.key
    fewest = COMFORTABLE_MONTHS_BEFORE if plan.design == "its" and measured.frequency == "month" else 2
    for code in plan.treated:
        if code not in measured.grid.codes or not case.lo < case.start_of(code) <= case.hi:
            continue
        before = int((case.observed(code) & case.used)[: case.start_of(code) - case.lo].sum())
        if 0 < before < fewest:
            why = "season and trend are hard to tell apart" if fewest > 2 else "the trend before cannot be checked"
            text = f"{{who}}: fewer than {fewest} usable periods of {{key}} before the start."
            found.add((), text, f"The result will be uncertain: {why}.", key, code)
        row = measured.grid.codes.index(code)
        known = ~np.isnan(measured.grid.low[row])
        hidden = known & np.isnan(measured.grid.value[row])
        if not measured.indicator.rounded_to and hidden.sum() > known.sum() / 2:
            text = "{who}: more than half of the counts of {key} are suppressed."
            found.add((), text, "Use larger areas or longer periods, if they can be had.", key, code)
    ramp = plan.effect.ramp_periods
    length = case.hi - max(case.start_of(code) for code in plan.treated) + 1
    if ramp is not None and 0 < length < ramp:
        text = f"The ramp of {ramp} periods is longer than the {length} after the last start ({{key}})."
        found.add(("effect", "ramp_periods"), text, "The full effect is not seen in the data.", key)


def _comparison_warnings(
    plan: Plan, file: str, lines: Lines, areas: Areas, others: Mapping[str, Plan]
) -> Iterator[Problem]:
    if plan.design != "did":
        return
    place = place_of(lines, ("comparison",))
    kept = comparison_areas(plan, areas)
    if plan.comparison is None or not kept:
        starts = sorted(plan.treated.values(), key=lambda text: read_span(text).first)
        if len(set(starts)) > 1:
            text = f"From {starts[-1]} on every area is treated and nothing is left to compare with."
            yield Problem(
                file,
                place,
                text,
                "Effects after that rest on the earlier periods alone; add areas if you can.",
            )
        return
    if len(kept) == 1:
        yield Problem(
            file, place, f"There is one comparison area (`{kept[0]}`).", "Add more, if there are any like it."
        )
    if isinstance(plan.comparison.areas, str) and plan.comparison.areas != "all":
        both = [code for code in named_comparison(plan, areas) if code in plan.treated]
        if both:
            text = f"Of the group `{plan.comparison.areas}`, treated here: {listing([f'`{c}`' for c in both])}."
            yield Problem(file, place, text, "Treated areas serve as comparison only until they start.")
    last = read_span(plan.period.end).last
    for other_id, other in sorted(others.items()):
        shared = [c for c in kept if c in other.treated and read_span(other.treated[c]).first <= last]
        if shared:
            text = f"In the comparison, but treated under `{other_id}`: {listing([f'`{c}`' for c in shared])}."
            yield Problem(
                file, place, text, "Exclude with a reason, or say among `assumptions` why it does not matter."
            )
