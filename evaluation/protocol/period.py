"""Periods of time as people write them: `2024-03`, `2024-Q1`, `2024`, and `2024-03-04` for the week from then.

Inside, a period is a `Span` of days and its place in a series is an integer, so that checking a review does
not have to wait for pandas; `parse_period`, `to_period` and `to_last_period` give pandas Periods.

Quarters and years are calendar quarters and years. A week begins on the weekday on which the data's weeks
begin; the `week_anchor` names it in pandas' way, by the day on which such weeks END (`W-SUN`: Monday to Sunday).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

Frequency = Literal["week", "month", "quarter", "year"]

FIRST_YEAR, LAST_YEAR = 1900, 2100
DEFAULT_ANCHOR = "W-SUN"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORD = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}"
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_PANDAS_FREQUENCY = {"month": "M", "quarter": "Q-DEC", "year": "Y-DEC"}
_PER_YEAR: dict[Frequency, float] = {"week": 365.25 / 7, "month": 12.0, "quarter": 4.0, "year": 1.0}
_EXCEL_EPOCH = date(1899, 12, 30)  # day 0 for every Excel serial after 28 February 1900
_ACCEPTED = "Write months as 2024-03, quarters as 2024-Q1, years as 2024, weeks as the date they begin on (2024-03-04)."


class Span(NamedTuple):
    """A period: its frequency, its first day and its last day."""

    frequency: Frequency
    first: date
    last: date


class PeriodError(ValueError):
    """A text that is not a period.

    Args:
        found: what is wrong with the text.
        remedy: how to write it.
        kind: what it seems to be, the same for all texts of one habit.
    """

    def __init__(self, found: str, remedy: str, kind: str = "") -> None:
        self.found = found
        self.remedy = remedy
        self.kind = kind or "not a period"
        super().__init__(f"{found} {remedy}")


@lru_cache(maxsize=4096)
def read_span(text: str) -> Span:
    """Read a period as written.

    Args:
        text: `2024-03`, `2024-Q1`, `2024` or an ISO date, which is the first day of a week.

    Raises:
        PeriodError: if it is none of these; recognises spreadsheet dates and other habits and says how to write them.
    """
    if not text.isascii():
        raise _refusal(text)
    if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
        year, month = int(match[1]), int(match[2])
        if 1 <= month <= 12 and FIRST_YEAR <= year <= LAST_YEAR:
            return Span("month", date(year, month, 1), _last_day(year, month))
    elif match := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        year, quarter = int(match[1]), int(match[2])
        if FIRST_YEAR <= year <= LAST_YEAR:
            return Span("quarter", date(year, 3 * quarter - 2, 1), _last_day(year, 3 * quarter))
    elif re.fullmatch(r"\d{4}", text):
        year = int(text)
        if FIRST_YEAR <= year <= LAST_YEAR:
            return Span("year", date(year, 1, 1), date(year, 12, 31))
    elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = _date(text)
        if day is not None and FIRST_YEAR <= day.year <= LAST_YEAR:
            return Span("week", day, day + timedelta(days=6))
    raise _refusal(text)


def week_anchor_of(first_day: date) -> str:
    """The pandas name of the weeks that begin on this day's weekday (a Monday gives `W-SUN`)."""
    return f"W-{_DAYS[(first_day.weekday() + 6) % 7]}"


def weekday_name(anchor: str) -> str:
    """The English name of the day on which weeks with this anchor begin."""
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return names[_first_weekday(anchor)]


def ordinal(day: date, frequency: Frequency, anchor: str = "") -> int:
    """The place of the period that contains `day`, counted in whole periods (consecutive periods differ by 1)."""
    if frequency == "month":
        return day.year * 12 + day.month - 1
    if frequency == "quarter":
        return day.year * 4 + (day.month - 1) // 3
    if frequency == "year":
        return day.year
    # toordinal() 1 is a Monday, so subtracting 1 + the first weekday makes whole weeks begin on that weekday.
    return (day.toordinal() - 1 - _first_weekday(anchor)) // 7


def first_day(place: int, frequency: Frequency, anchor: str = "") -> date:
    """The first day of the period at `place` (see `ordinal`)."""
    if frequency == "month":
        return date(place // 12, place % 12 + 1, 1)
    if frequency == "quarter":
        return date(place // 4, place % 4 * 3 + 1, 1)
    if frequency == "year":
        return date(place, 1, 1)
    return date.fromordinal(place * 7 + 1 + _first_weekday(anchor))


def label(place: int, frequency: Frequency, anchor: str = "") -> str:
    """The period at `place` as written in files (see `ordinal`)."""
    day = first_day(place, frequency, anchor)
    if frequency == "month":
        return f"{day.year:04d}-{day.month:02d}"
    if frequency == "quarter":
        return f"{day.year:04d}-Q{(day.month + 2) // 3}"
    if frequency == "year":
        return f"{day.year:04d}"
    return day.isoformat()


def first_place(text: str, frequency: Frequency, anchor: str = "") -> int:
    """The place of the period that contains the first day of what `text` names."""
    return ordinal(read_span(text).first, frequency, anchor)


def last_place(text: str, frequency: Frequency, anchor: str = "") -> int:
    """The place of the period that contains the last day of what `text` names."""
    return ordinal(_last_named_day(read_span(text)), frequency, anchor)


def days_at(place: int, frequency: Frequency, anchor: str = "") -> int:
    """The number of days in the period at `place`."""
    return (first_day(place + 1, frequency, anchor) - first_day(place, frequency, anchor)).days


def parse_period(text: str) -> tuple[Frequency, pd.Period]:
    """Read a period as written into a pandas Period of its own frequency.

    Args:
        text: `2024-03`, `2024-Q1`, `2024` or an ISO date, which is the first day of a week.

    Returns:
        The frequency and the period; a week's pandas frequency begins on the weekday of the date given.

    Raises:
        PeriodError: if the text is not a period.
    """
    span = read_span(text.strip())
    return span.frequency, _pandas_period(span.first, span.frequency, week_anchor_of(span.first))


def period_label(period: pd.Period) -> str:
    """A pandas Period in the notation of the files (weeks: the ISO date of the first day)."""
    frequency = frequency_of(period)
    start = period.start_time.date()
    anchor = week_anchor_of(start) if frequency == "week" else ""
    return label(ordinal(start, frequency, anchor), frequency, anchor)


def frequency_of(period: pd.Period) -> Frequency:
    """week, month, quarter or year.

    Raises:
        ValueError: for any other pandas frequency.
    """
    code = period.freqstr.split("-")[0]
    names: dict[str, Frequency] = {"W": "week", "M": "month", "ME": "month", "Q": "quarter", "QE": "quarter"}
    names |= {"Y": "year", "YE": "year", "A": "year"}
    if code not in names:
        raise ValueError(f"periods of frequency {period.freqstr!r} are not used here")
    return names[code]


def to_period(text: str, frequency: Frequency, week_anchor: str = "") -> pd.Period:
    """The period of the panel's frequency that contains the START of what is named (`2023-04` -> `2023-Q2`).

    Args:
        text: a period as written.
        frequency: the panel's.
        week_anchor: the panel's, for weeks.
    """
    return _pandas_period(read_span(text.strip()).first, frequency, week_anchor)


def to_last_period(text: str, frequency: Frequency, week_anchor: str = "") -> pd.Period:
    """The period of the panel's frequency that contains the END of what is named (`2023` -> `2023-12`).

    A full date stands for that day alone unless the panel is weekly, when it stands for the week from that day.
    """
    span = read_span(text.strip())
    return _pandas_period(_last_named_day(span), frequency, week_anchor)


def days_in(period: pd.Period) -> int:
    """The number of days in a pandas Period."""
    return int((period.end_time.normalize() - period.start_time.normalize()).days) + 1


def periods_per_year(frequency: Frequency) -> float:
    """12 for months, 4 for quarters, 1 for years, 365.25 / 7 for weeks."""
    return _PER_YEAR[frequency]


def pandas_frequency(frequency: Frequency, week_anchor: str = "") -> str:
    """The frequency in pandas' notation."""
    return _PANDAS_FREQUENCY.get(frequency) or week_anchor or DEFAULT_ANCHOR


def _pandas_period(day: date, frequency: Frequency, anchor: str) -> pd.Period:
    import pandas as pd

    return pd.Period(day.isoformat(), freq=pandas_frequency(frequency, anchor))


def _last_named_day(span: Span) -> date:
    # A date closes a window on that day: `to: 2021-06-30` must not reach into July in monthly data, and in
    # weekly data the week that contains the day is the same week.
    return span.first if span.frequency == "week" else span.last


def _first_weekday(anchor: str) -> int:
    """0 for Monday: the day after the one on which the anchor's weeks end."""
    ends = (anchor or DEFAULT_ANCHOR).removeprefix("W-")
    return (_DAYS.index(ends) + 1) % 7


def _last_day(year: int, month: int) -> date:
    return (date(year, month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _refusal(text: str) -> PeriodError:
    """Say what the text looks like, and how to write it."""
    shown = text if len(text) <= 40 else text[:39] + "…"
    if not text.strip():
        return PeriodError("There is no period.", _ACCEPTED)
    if guess := _guess(text.strip()):
        what, written = guess
        return PeriodError(f"'{shown}' is {what}.", f"Write {written}." if written else _ACCEPTED, what.split(" (")[0])
    return PeriodError(f"'{shown}' is not a period.", _ACCEPTED)


def _guess(text: str) -> tuple[str, str] | None:
    """(what the text seems to be, how to write it) for the commonest foreign notations."""
    lower = text.lower()
    if re.fullmatch(r"\d{5}(\.\d+)?", text) and 20000 <= float(text) <= 60000:
        day = _EXCEL_EPOCH + timedelta(days=int(float(text)))
        return (
            f"an Excel date stored as a number (it means {day.day} {_month_name(day)} {day.year})",
            f"{day:%Y-%m} for that month: in Excel give the column the format yyyy-mm or Text, then save again",
        )
    if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
        if int(match[2]) == (int(match[1]) + 1) % 100 and int(match[2]) > 12:
            return (
                "a financial year, not a period",
                f"calendar periods, such as {match[1]}-04 or {match[1]}-Q2",
            )
        if not 1 <= int(match[2]) <= 12:
            return f"not a month: there is no month {match[2]}", "a month from 01 to 12, such as " + match[1] + "-03"
        return f"outside the years {FIRST_YEAR} to {LAST_YEAR}", "the year in four figures"
    if (match := re.fullmatch(r"(\d{1,2})[/.\-](\d{4})", text)) and 1 <= int(match[1]) <= 12:
        return "a month in the order month/year", f"{match[2]}-{int(match[1]):02d}"
    if match := re.fullmatch(r"(\d{4})\s*[/–]\s*(\d{2}|\d{4})", text):
        if int(match[2]) % 100 == (int(match[1]) + 1) % 100:
            return (
                "a financial year, not a period",
                f"calendar periods, such as {match[1]}-04 or {match[1]}-Q2",
            )
        if len(match[2]) == 2 and 1 <= int(match[2]) <= 12:
            return "not a period: the sign between year and month is a hyphen", f"{match[1]}-{match[2]}"
    if match := re.fullmatch(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})( .*)?", text):
        return _guess_day_month_year(int(match[1]), int(match[2]), int(match[3]))
    if match := re.fullmatch(rf"(?:\d{{1,2}}[ \-])?({_WORD})[ \-'’./]*(\d{{4}}|\d{{2}})", lower):
        month = _MONTHS.index(match[1][:3]) + 1
        return "a month in words", f"{_full_year(int(match[2]))}-{month:02d}"
    if match := re.fullmatch(rf"(\d{{4}})[ \-]?({_WORD})", lower):
        return "a month in words", f"{match[1]}-{_MONTHS.index(match[2][:3]) + 1:02d}"
    if match := re.fullmatch(r"(\d{4})[ \-]?q([1-4])", lower) or re.fullmatch(
        r"(\d{4}) +(?:quarter|qtr) ?([1-4])", lower
    ):
        return "not quite a quarter", f"{match[1]}-Q{match[2]}"
    if match := re.fullmatch(r"q([1-4])[ \-/]*(\d{4})", lower):
        return (
            "a quarter written the other way round",
            f"{match[2]}-Q{match[1]} (calendar quarters: Q1 is January to March)",
        )
    if re.fullmatch(r"\d{4}-q\d+", lower):
        return "not a quarter", "Q1, Q2, Q3 or Q4, such as 2024-Q1"
    if match := re.fullmatch(r"(\d{4})-?w(\d{1,2})", lower):
        try:
            day = date.fromisocalendar(int(match[1]), int(match[2]), 1)
        except ValueError:
            return "not a week", "the date on which the week begins, such as 2024-03-04"
        return "an ISO week number", f"the date on which the week begins: {day.isoformat()}"
    if match := re.fullmatch(r"(\d{4})(\d{2})(\d{2})?", text):
        sensible = 1 <= int(match[2]) <= 12 and FIRST_YEAR <= int(match[1]) <= LAST_YEAR
        return ("a period without its hyphens", "-".join(p for p in match.groups() if p)) if sensible else None
    if match := re.fullmatch(r"(\d{4})-(\d)", text):
        return "a month without its leading zero", f"{match[1]}-0{match[2]}"
    if match := re.fullmatch(r"(\d{4}-\d{2})-(\d{2})[ t].*", lower):
        return (
            "a date with a time of day",
            f"{match[1]} for the month, or {match[1]}-{match[2]} for the week from then",
        )
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return "not a date in the calendar", "the date on which the week begins, such as 2024-03-04"
    if re.fullmatch(r"\d{4}\.0", text):
        return "a year with a decimal point", text[:4]
    if re.fullmatch(r"\d{4}", text):
        return f"outside the years {FIRST_YEAR} to {LAST_YEAR}", "the year in four figures"
    return None


def _guess_day_month_year(day: int, month: int, year: int) -> tuple[str, str]:
    year = _full_year(year)
    if month > 12 >= day:
        day, month = month, day
    try:
        written = date(year, month, day)
    except ValueError:
        return "not a date in the calendar", ""
    return (
        "a date in the order day/month/year",
        f"{written:%Y-%m} for the month, or {written.isoformat()} for the week that begins on that day",
    )


def _full_year(year: int) -> int:
    if year >= 100:
        return year
    return 2000 + year if year < 70 else 1900 + year


def _month_name(day: date) -> str:
    names = "January February March April May June July August September October November December"
    return names.split()[day.month - 1]
