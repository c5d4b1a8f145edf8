"""Tidy data: `area, period, count` and optionally `exposure` and `status`, one row per area and period.

The file is read as text and every cell is judged; all that is wrong is reported at once. Suppressed and rounded
counts become intervals, never zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evaluation.errors import InputError, Problem
from evaluation.evidence.cells import Complaints, Number, read_counts, read_exposure, read_statuses
from evaluation.evidence.rows import Rows, read_rows
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.period import (
    Frequency,
    PeriodError,
    Span,
    first_day,
    label,
    ordinal,
    read_span,
    week_anchor_of,
    weekday_name,
)
from evaluation.protocol.suggest import nearest, quote

if TYPE_CHECKING:
    import pandas as pd

KNOWN_COLUMNS = ("area", "period", "count", "value", "exposure", "status")
_NEAR_MISSES = {
    "exposure": (
        "exposures",
        "exposed",
        "denominator",
        "population",
        "person_days",
        "persons",
        "offset",
        "exposre",
    ),
    "status": ("statuses", "state", "flag", "stauts"),
}


@dataclass(frozen=True)
class Observations:
    """One data file, row by row, as numbers. Rows whose area or period cannot be read are left out.

    Attributes:
        frequency: of all rows.
        week_anchor: for weeks, in pandas' notation; otherwise empty.
        codes: area codes, in the order of first appearance.
        area: position in `codes`, for each row.
        place: the period as an integer (see `protocol.period.ordinal`), for each row.
        value: the exact count or score; NaN where missing or known only as an interval.
        low: lower bound; equal to `value` where exact, NaN where missing.
        high: upper bound.
        exposure: NaN where not given.
        status: final, provisional, revised, partial (then the count is not used), suppressed or missing.
        numbers: row numbers as a spreadsheet shows them.
        written: True where something was written in the count's cell, whether it can be used or not.
        has_exposure: whether the file has a column of exposure.
        lost: share of rows that could not be read or placed.
    """

    frequency: Frequency
    week_anchor: str
    codes: list[str]
    area: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    exposure: npt.NDArray[np.float64]
    status: list[str]
    numbers: npt.NDArray[np.int64]
    written: npt.NDArray[np.bool_]
    has_exposure: bool
    lost: float = 0.0

    def label(self, place: int) -> str:
        """The period at a place, as written in files."""
        return label(place, self.frequency, self.week_anchor)


@dataclass(frozen=True)
class TidyReading:
    """What came of reading a data file: the usable rows, what is wrong, what is worth saying."""

    observations: Observations | None
    problems: list[Problem]
    warnings: list[Problem]


def find_data(folder: Path, indicator: Indicator) -> Path | None:
    """The indicator's data file: the one it names, else `data/<key>.csv`, `.csv.gz` or `.parquet`; None if absent."""
    if indicator.file is not None:
        path = folder / indicator.file
        return path if path.exists() else None
    for suffix in (".csv", ".csv.gz", ".parquet"):
        path = folder / "data" / f"{indicator.key}{suffix}"
        if path.exists():
            return path
    return None


def read_tidy(path: Path, indicator: Indicator) -> pd.DataFrame:
    """Read a tidy data file.

    Args:
        path: .csv, .csv.gz or .parquet.
        indicator: says how counts are suppressed or rounded and which likelihood they are for.

    Returns:
        Columns area (str), period (pandas Period), count (exact count or score; NaN where missing or an interval), low
        and high (bounds; equal to count where exact), status, exposure (NaN where not given). Rows in file order.

    Raises:
        InputError: with everything that is wrong in the file.
    """
    import pandas as pd

    from evaluation.protocol.period import pandas_frequency

    reading = read_observations(path, indicator, path.name)
    if reading.problems or reading.observations is None:
        raise InputError(reading.problems)
    seen = reading.observations
    places, inverse = np.unique(seen.place, return_inverse=True)
    days = [first_day(int(place), seen.frequency, seen.week_anchor).isoformat() for place in places]
    periods = pd.PeriodIndex(days, freq=pandas_frequency(seen.frequency, seen.week_anchor))
    return pd.DataFrame(
        {
            "area": np.asarray(seen.codes, dtype=object)[seen.area],
            "period": periods[inverse],
            "count": seen.value,
            "low": seen.low,
            "high": seen.high,
            "status": seen.status,
            "exposure": seen.exposure,
        }
    )


def read_observations(
    path: Path, indicator: Indicator, file: str, *, today: date | None = None, simulated: bool = False
) -> TidyReading:
    """Read a data file as far as it can be read, with everything that is wrong in it.

    Args:
        path: the file.
        indicator: whose data it holds.
        file: its name in problems.
        today: later periods are refused; by default the clock's.
        simulated: made-up data may lie in the future.
    """
    value_columns = ("count", "value") if indicator.likelihood == "normal" else ("count",)
    required: list[tuple[str, ...]] = [("area",), ("period",), value_columns]
    rows, problems = read_rows(path, file, required)
    if rows is None:
        return TidyReading(None, problems, [])
    complaints = Complaints(file, rows.numbers)
    value_column = "count" if "count" in rows.columns else "value"
    if "count" in rows.columns and "value" in rows.columns and indicator.likelihood == "normal":
        found, remedy = (
            "There are both a column `count` and a column `value`.",
            "Keep the one that holds the score.",
        )
        problems.append(Problem(file, "row 1", found, remedy))
    codes, area = _areas(rows, complaints)
    frequency, anchor, place = _periods(rows, complaints, None if simulated else today or date.today())
    status = read_statuses(rows.columns.get("status"), len(rows.numbers), complaints)
    has_exposure = "exposure" in rows.columns
    if indicator.likelihood == "binomial" and not has_exposure:
        remedy = "Add the denominator as a column `exposure`"
        near = [name for name in rows.columns if near_miss(name) == "exposure"]
        remedy = f"Rename the column `{near[0]}` to `exposure`." if near else f"{remedy}, or change the likelihood."
        found = "There is no column `exposure`, which a binomial indicator needs."
        problems.append(Problem(file, "row 1", found, remedy))
    counts = read_counts(rows.columns[value_column], value_column, indicator, status, complaints)
    exposure = read_exposure(rows.columns.get("exposure"), counts, indicator, complaints)
    for i, text in enumerate(status):
        if text == "partial":  # a count that is known to be incomplete is published, and not used
            counts.value[i] = counts.low[i] = counts.high[i] = np.nan
            counts.written[i] = False
    usable = (area >= 0) & (place >= 0)
    _duplicates(codes, area, place, usable, counts, complaints, lambda p: label(p, frequency, anchor))
    observations = Observations(
        frequency,
        anchor,
        codes,
        area[usable],
        place[usable],
        counts.value[usable],
        counts.low[usable],
        counts.high[usable],
        exposure[usable],
        [text for text, use in zip(status, usable, strict=True) if use],
        np.asarray(rows.numbers, dtype=np.int64)[usable],
        counts.written[usable],
        has_exposure,
        1 - float(usable.sum()) / (len(usable) + rows.lost),
    )
    problems += complaints.problems()
    return TidyReading(observations if usable.any() else None, problems, complaints.warnings + _columns(rows, file))


def near_miss(name: str) -> str | None:
    """`exposure` or `status` if the column's name looks as if one of them was meant."""
    if name in KNOWN_COLUMNS:
        return None
    for wanted, others in _NEAR_MISSES.items():
        if name.strip().casefold() in (wanted, *others):
            return wanted
    near = nearest(name, _NEAR_MISSES)
    return near if near is not None and abs(len(name) - len(near)) <= 2 else None


def _columns(rows: Rows, file: str) -> list[Problem]:
    found = []
    for name in rows.columns:
        wanted = near_miss(name)
        if wanted is not None and wanted not in rows.columns:
            text = f"The column `{name}` is not used."
            found.append(Problem(file, "row 1", text, f"If it is the {wanted}, call it `{wanted}`."))
    return found


def _areas(rows: Rows, complaints: Complaints) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Codes and, for each row, the position of its code (-1 where blank)."""
    position: dict[str, int] = {}
    by_text: dict[str, int] = {}
    spaced: list[int] = []
    found = np.empty(len(rows.numbers), dtype=np.int64)
    for i, text in enumerate(rows.columns["area"]):
        at = by_text.get(text)
        if at is None:
            code = text.strip()
            at = by_text[text] = position.setdefault(code, len(position)) if code else -1
        if at < 0:
            complaints.add(i, "area", "no area", "There is no area code.", "Fill in the code, or delete the row.")
        elif text[:1].isspace() or text[-1:].isspace():
            spaced.append(i)
        found[i] = at
    if spaced:
        text = f"{quote(rows.columns['area'][spaced[0]])} has a space before or after the code; it is read without."
        complaints.warn(spaced, "area", text, "Take the spaces out at the next export.")
    return list(position), found


def _periods(rows: Rows, complaints: Complaints, today: date | None) -> tuple[Frequency, str, npt.NDArray[np.int64]]:
    """Frequency, anchor and, for each row, the place of its period (-1 where it cannot be used)."""
    texts = rows.columns["period"]
    spans: dict[str, Span | PeriodError] = {}
    votes: dict[Frequency, int] = {}
    for text in texts:
        if text not in spans:
            try:
                spans[text] = read_span(text)
            except PeriodError as error:
                spans[text] = error
        span = spans[text]
        if isinstance(span, Span):
            votes[span.frequency] = votes.get(span.frequency, 0) + 1
    frequency: Frequency = max(votes, key=lambda name: votes[name]) if votes else "month"
    read = [span for span in spans.values() if isinstance(span, Span) and span.frequency == frequency]
    anchor = ""
    if frequency == "week":
        if first_of_month := _month_as_date(read):
            found = f"Every date is {first_of_month}, such as {quote(texts[0])}, so these are months, not weeks."
            complaints.whole.append(Problem(complaints.file, "column period", found, f"Write {texts[0][:7]}."))
            frequency = "month"
            spans = {t: Span("month", s.first, s.last) if isinstance(s, Span) else s for t, s in spans.items()}
        else:
            anchor = _anchor(texts, spans)
    places = {
        text: _place(span, frequency, anchor, today) if isinstance(span, Span) else _refused(span)
        for text, span in spans.items()
    }
    out = np.empty(len(texts), dtype=np.int64)
    for i, text in enumerate(texts):
        place, complaint = places[text]
        if complaint is not None:
            complaints.add(i, "period", *complaint)
        out[i] = place
    return frequency, anchor, out


Complaint = tuple[str, str, str]


def _refused(error: PeriodError) -> tuple[int, Complaint]:
    return -1, (error.kind, error.found, error.remedy)


def _place(span: Span, frequency: Frequency, anchor: str, today: date | None) -> tuple[int, Complaint | None]:
    written = _written(span)
    if span.frequency != frequency:
        found = f"'{written}' is a {span.frequency}, while most rows are {frequency}s."
        return -1, ("mixed", found, "Keep one kind of period in a file; delete totals of years or quarters.")
    if frequency == "week" and week_anchor_of(span.first) != anchor:
        found = f"The week of '{written}' begins on another weekday than most ({weekday_name(anchor)})."
        return -1, ("weekday", found, f"Write the {weekday_name(anchor)} on which the week begins.")
    if today is not None and span.first > today:
        return -1, (
            "future",
            f"'{written}' lies in the future.",
            "Check the date; delete rows that are not yet observed.",
        )
    return ordinal(span.first, frequency, anchor), None


def _written(span: Span) -> str:
    anchor = week_anchor_of(span.first)
    return label(ordinal(span.first, span.frequency, anchor), span.frequency, anchor)


def _month_as_date(spans: Sequence[Span]) -> str:
    """'the first of a month' or 'the last of a month' if all dates are, which weeks never are."""
    if len(spans) > 1 and all(span.first.day == 1 for span in spans):
        return "the first of a month"
    last = [date.fromordinal(span.first.toordinal() + 1).day == 1 for span in spans]
    return "the last of a month" if len(spans) > 1 and all(last) else ""


def _anchor(texts: Sequence[str], spans: dict[str, Span | PeriodError]) -> str:
    votes: dict[str, int] = {}
    for text in texts:
        span = spans[text]
        if isinstance(span, Span) and span.frequency == "week":
            name = week_anchor_of(span.first)
            votes[name] = votes.get(name, 0) + 1
    return max(votes, key=lambda name: votes[name])


def _duplicates(
    codes: Sequence[str],
    area: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    usable: npt.NDArray[np.bool_],
    counts: Number,
    complaints: Complaints,
    name: Callable[[int], str],
) -> None:
    """Rows about the same area and period."""
    rows = np.flatnonzero(usable)
    if rows.size < 2:
        return
    keys = area[rows] * (np.int64(1) << 32) + place[rows]
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    pairs = sorted((int(rows[order[i + 1]]), int(rows[order[i]])) for i in same)
    for later, earlier in pairs:
        alike = counts.low[later] == counts.low[earlier] and counts.high[later] == counts.high[earlier]
        what = "with the same count" if alike else "with another count"
        found = f"{codes[area[later]]} in {name(int(place[later]))} is there twice: also in row "
        found += f"{complaints.numbers[earlier]}, {what}."
        remedy = "Delete one of the two." if alike else "Keep the right one; if both are parts, add them up."
        complaints.add(later, "", "duplicate", found, remedy)
