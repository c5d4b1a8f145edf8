"""The board of charts between reviews: every indicator and area judged twice, and what changed since last month.

Each series is judged by the NHS rules (`xmr`, or a t or g chart of `rare` where events are rarer than one a period) and, beside
them, by an expected range from our own model, which allows for season, trend, carry-over and small numbers. The two
are shown side by side and never merged. Which way is better is what the indicator declares; where it declares
nothing, a signal is neither improvement nor concern.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from evaluation.evidence.days import Days, period_days, read_days
from evaluation.evidence.editions import read_editions
from evaluation.inference.expected import Expected
from evaluation.judgement import xmr
from evaluation.judgement.nowcast import Nowcast, nowcast
from evaluation.judgement.rare import GChart, TChart, choose_chart, g_chart, t_chart
from evaluation.protocol import Indicator, Review
from evaluation.protocol.period import first_place, last_place, ordinal, read_span

Kind = Literal["xmr", "g", "t", "none"]
WATCHED = 12  # newest periods which the expected range must not have seen
TAIL = 0.005  # chance of a more extreme count on either side that makes a signal
SPAN = 1.0 - 2.0 * TAIL  # probability inside the expected range: what is drawn is what is judged by
WHOLE, WHOLE_NAME = "all", "All areas together"
FEWEST_BEFORE = 24  # periods before the watched ones without which no expected range is given


@dataclass(frozen=True)
class Series:
    """One indicator in one area up to its newest period, as it will be judged.

    Attributes:
        indicator: what is measured.
        area, name: code and name.
        periods: labels, all consecutive.
        value: exact or rounded number as published, NaN where missing or withheld, shape (time,).
        low, high: bounds, shape (time,).
        complete: number of periods that count; later ones are provisional and only drawn.
        first: position from which there is no gap up to the newest complete period (where the chart starts).
        rebase: position -> why limits start afresh there.
        left_out: periods from which the expected range learns nothing, shape (time,).
        nowcasts: what provisional periods are expected to come to, where editions taught it.
        bounds: number of the first and of the last day of each period, shape (time, 2).
        events: day number of each event, in order, where the review gives the days (`evidence.days`); else None.
    """

    indicator: Indicator
    area: str
    name: str
    periods: list[str]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    complete: int
    first: int
    rebase: dict[int, str]
    left_out: NDArray[np.bool_]
    nowcasts: tuple[Nowcast, ...] = ()
    bounds: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    events: NDArray[np.int64] | None = None

    @property
    def direction(self) -> str | None:
        """Which way is better, if the indicator says so."""
        return self.indicator.direction if "direction" in self.indicator.model_fields_set else None

    @property
    def charted(self) -> NDArray[np.float64]:
        """The points of the chart: complete, without a gap, shape (n,)."""
        return self.value[self.first : self.complete]


@dataclass(frozen=True)
class Range:
    """The expected range of the watched periods.

    Attributes:
        start: position of the first watched period.
        median, lower, upper: shape (watched,); a count is a signal if it lies below `lower` or above `upper`.
        below, above: chance of a count as low, as high, as recorded, shape (watched,); NaN where nothing is recorded.
        total: recorded sum of the watched complete periods, NaN where one is missing or withheld.
        total_range: median, lower and upper of that sum.
        total_tails: chance of a sum as low, as high, as recorded; NaN where the sum is not known.
        noise: see `Expected`.
    """

    start: int
    median: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    total: float
    total_range: tuple[float, float, float]
    total_tails: tuple[float, float] = (float("nan"), float("nan"))
    noise: dict[str, float] = field(default_factory=dict)

    def side(self, position: int) -> int:
        """+1 above the expected range by chance of less than `TAIL`, -1 below it, 0 inside or not judged."""
        at = position - self.start
        if not 0 <= at < len(self.median):
            return 0
        return 1 if self.above[at] < TAIL else -1 if self.below[at] < TAIL else 0

    @property
    def total_side(self) -> int:
        """The same of the sum of the watched complete periods."""
        below, above = self.total_tails
        return 1 if above < TAIL else -1 if below < TAIL else 0


@dataclass(frozen=True)
class Judged:
    """One series with its charts.

    Attributes:
        series: what was judged.
        kind: of the rule-based chart; `none` with the reason in `why`.
        chart: the XmR chart, if that is the kind.
        gaps: the g or t chart, if that is the kind.
        expected: the expected range, None with the reason in `why_no_range`.
        variation: by the rules, of the newest complete period.
        before: the same a period earlier, with the limits of that time.
        rule: the rule the newest point carries.
        range_side, range_before: of the newest and the period before, by the expected range.
        assurance: against the target.
    """

    series: Series
    kind: Kind
    why: str
    chart: xmr.XmR | None
    gaps: GChart | TChart | None
    expected: Range | None
    why_no_range: str
    variation: xmr.Variation
    before: xmr.Variation
    rule: str
    range_side: int
    range_before: int
    assurance: xmr.Assurance | None

    @property
    def range_variation(self) -> xmr.Variation:
        """What the expected range says of the newest complete period."""
        return xmr.variation(self.range_side, self.series.direction)

    @property
    def range_variation_before(self) -> xmr.Variation:
        """The same a period earlier."""
        return xmr.variation(self.range_before, self.series.direction)

    @property
    def weight(self) -> int:
        """How much there is to look at: 3 by both ways, 2 outside the expected range, 1 by the rules or the year alone, 0."""
        rules, newest = self.variation != "common", self.range_side != 0
        year = self.expected is not None and self.expected.total_side != 0
        return 3 if rules and newest else 2 if newest else 1 if rules or year else 0


def gather_series(review: Review, indicator: Indicator, panel: xr.Dataset, *, learn: bool = True) -> list[Series]:
    """Every area of an indicator, ready to be judged.

    Args:
        review: for names and documented changes.
        indicator: what the panel measures.
        panel: from `build_panel`.
        learn: foresee provisional periods from stored editions.
    """
    frequency, anchor = panel.attrs["frequency"], panel.attrs["week_anchor"]
    periods = [str(t) for t in panel.time.values]
    origin = ordinal(read_span(periods[0]).first, frequency, anchor)
    watch = indicator.monitoring
    left_out = np.zeros(len(periods), dtype=bool)
    for window in watch.exclude:
        begin, end = first_place(window.from_, frequency, anchor), last_place(window.to, frequency, anchor)
        left_out[max(begin - origin, 0) : max(end - origin + 1, 0)] = True
    appeared, editions = read_editions(review, indicator, panel) if watch.provisional and learn else ([], np.zeros(0))
    if appeared and not np.array_equal(editions[-1], panel["value"].values, equal_nan=True):
        appeared = []  # the data are newer than their newest edition, so the age of a count is not known
    bounds = np.array([period_days(origin + t, frequency, anchor) for t in range(len(periods))])
    days = read_days(review, indicator.key)
    found = []
    rows = [(panel, row, str(code)) for row, code in enumerate(panel.area.values)]
    if (together := add_areas(panel, indicator)) is not None:
        rows.append((together, 0, WHOLE))
    for table, row, code in rows:
        value, low, high = (table[name].values[row].astype(float) for name in ("value", "low", "high"))
        if indicator.rounded_to:
            published = np.isfinite(low) & ~np.isfinite(value) & (high - low <= indicator.rounded_to)
            hidden = np.zeros(len(value), dtype=bool)
            for bottom, top in indicator.suppressed.values():
                hidden |= (low == bottom) & (high == top)
            value = np.where(published & ~hidden, high - indicator.rounded_to // 2, value)
        known = np.flatnonzero(np.isfinite(low) | np.isfinite(value))
        newest = int(known[-1]) + 1 if known.size else 0
        complete = max(newest - watch.provisional, 0)
        gaps = np.flatnonzero(~np.isfinite(value[:complete]))
        changes = {b.from_: b.because for b in indicator.breaks}
        changes |= {r.from_: r.because for r in watch.rebase if not r.areas or code in r.areas}
        rebase = {first_place(text, frequency, anchor) - origin: because for text, because in changes.items()}
        first = int(gaps[-1]) + 1 if gaps.size else 0
        foreseen: list[Nowcast] = []
        if appeared and code != WHOLE:
            waiting = list(range(complete, newest))
            foreseen = nowcast(
                panel["value"].values, appeared[:-1], editions[:-1], origin, appeared[-1], row, waiting,
                review.settings.interval, review.settings.seed + row,
            )  # fmt: skip
        found.append(
            Series(
                indicator,
                code,
                WHOLE_NAME if code == WHOLE else review.areas.areas[code].name,
                periods[:newest],
                value[:newest],
                low[:newest],
                high[:newest],
                complete,
                first,
                rebase,
                left_out[:newest],
                tuple(foreseen),
                bounds[:newest],
                None if days is None else _day_numbers(days, code),
            )
        )
    return found


def add_areas(panel: xr.Dataset, indicator: Indicator) -> xr.Dataset | None:
    """All areas of an outcome added up, as a panel of one area: what each area alone is too small to show may be plain together.

    A period is known where it is known of every area that has data at all. None for scores, proportions, delivery, or a single area.
    """
    known = np.isfinite(panel["low"].values).any(axis=1)
    counts = indicator.likelihood in ("negative_binomial", "poisson")
    if not counts or indicator.monitoring.kind != "outcome" or known.sum() < 2:
        return None
    summed = panel.isel(area=np.flatnonzero(known)).sum("area", skipna=False, keep_attrs=True)
    return summed.expand_dims(area=[WHOLE])


def _day_numbers(days: Days, area: str) -> NDArray[np.int64]:
    """The day numbers of an area's events, in order; of all areas together for the whole."""
    found = [day for own in days.values() for day in own] if area == WHOLE else days.get(area, [])
    return np.array(sorted(day.toordinal() for day in found), dtype=np.int64)


def judge(series: Series, expected: Range | None, why_no_range: str = "") -> Judged:
    """Judge one series by the rules and by its expected range, now and as it stood a period ago."""
    newest = read_rules(series, series.complete)
    earlier = read_rules(series, series.complete - 1).side
    now, then = (expected.side(series.complete - back) if expected else 0 for back in (1, 2))
    grade = None
    if newest.chart is not None:
        grade = xmr.assurance(
            float(newest.chart.lower[-1]),
            float(newest.chart.upper[-1]),
            series.indicator.monitoring.target,
            series.direction,
        )
    return Judged(
        series, newest.kind, newest.why, newest.chart, newest.gaps, expected, why_no_range,
        xmr.variation(newest.side, series.direction), xmr.variation(earlier, series.direction), newest.rule, now, then, grade,
    )  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """What the rules say of the newest of some periods: kind, reason, chart, and the rule and side of the newest point."""

    kind: Kind
    why: str = ""
    chart: xmr.XmR | None = None
    gaps: GChart | TChart | None = None
    rule: str = ""
    side: int = 0


def read_rules(series: Series, end: int) -> Reading:
    """The rule-based chart of the periods before `end`."""
    seen = np.isfinite(series.low[:end]) | np.isfinite(series.value[:end])
    if not seen.any():
        return Reading("none", "nothing is recorded")
    hidden = seen & ~np.isfinite(series.value[:end])
    if hidden[series.first if series.first < end else 0 :].any() or (hidden.any() and series.first >= end - 1):
        return Reading("none", f"{int(hidden.sum())} numbers are withheld as published, so no point can be drawn")
    points = series.value[series.first : end]
    if len(points) < 2:
        return Reading("none", "a period just before the newest is missing, and the chart has no gaps")
    if series.indicator.likelihood in ("negative_binomial", "poisson"):
        kind = choose_chart(float(points.mean()), series.events is not None)
        if kind != "xmr":
            return _read_gaps(series, kind, points, end)
    rebase = [p - series.first for p in series.rebase if series.first < p < end]
    chart = xmr.chart(points, rebase, screen_outliers=series.indicator.monitoring.screen_outliers)
    return Reading("xmr", "", chart, None, chart.rule[-1], int(chart.side[-1]))


def _read_gaps(series: Series, kind: Literal["g", "t"], points: NDArray[np.float64], end: int) -> Reading:
    """The same for what is rare. Limits start afresh at the newest documented change, as those of an XmR chart do."""
    fresh = max((p for p in series.rebase if series.first < p < end), default=series.first)
    gaps: GChart | TChart | None
    if kind == "t" and series.events is not None:
        first, last = series.bounds[fresh, 0], series.bounds[end - 1, 1]
        events = series.events[(series.events >= first) & (series.events <= last)]
        gaps = t_chart(events, float(last), float(series.bounds[end - 1, 0]))
    else:
        gaps = g_chart(points[fresh - series.first :] > 0)
    if gaps is None:
        return Reading("none", "too few events for a chart of the time between them")
    # Rarer events are lower counts: the side is that of the count.
    return Reading(kind, "", None, gaps, gaps.signal, -gaps.rarer)


def summarise_range(series: Series, expected: Expected, watched: int) -> Range:
    """The expected range of the watched periods, and how unusual what was recorded is.

    A withheld count is judged by the end of its interval that speaks least for a signal.
    """
    start = len(series.periods) - watched
    drawn = expected.replicate[:, start : len(series.periods)]
    lower, median, upper = _bounds(drawn)
    low = np.where(np.isfinite(series.low), series.low, series.value)[start:]
    high = np.where(np.isfinite(series.high), series.high, series.value)[start:]
    seen = np.isfinite(low)
    below = np.where(seen, (drawn <= high[None, :]).mean(axis=0), np.nan)
    above = np.where(seen, (drawn >= low[None, :]).mean(axis=0), np.nan)
    counted = slice(0, max(series.complete - start, 0))
    total = float(series.value[start:][counted].sum())
    summed = drawn[:, counted].sum(axis=1)
    bottom, middle, top = (float(v) for v in _bounds(summed))
    known = np.isfinite(total)
    tails = (float((summed <= total).mean()), float((summed >= total).mean())) if known else (total, total)
    return Range(
        start,
        median,
        lower,
        upper,
        below,
        above,
        total,
        (middle, bottom, top),
        tails,
        expected.noise,
    )


def _bounds(drawn: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The lowest value that is no signal, the median, and the highest, of draws along the first axis."""
    low = np.quantile(drawn, TAIL, axis=0, method="inverted_cdf")
    high = -np.quantile(-drawn, TAIL, axis=0, method="inverted_cdf")
    return low, np.quantile(drawn, 0.5, axis=0), high
