"""Periods as publications write them, into those of tidy data."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

from evaluation.protocol.period import Frequency, PeriodError, label, ordinal, read_span


class Unreadable(ValueError):
    """A text that is not a period in the format expected."""


@lru_cache(maxsize=4096)  # a table of a million rows has a few hundred periods
def read_period(text: str, every: Frequency, form: str | None = None) -> str:
    """A period in the notation of tidy data.

    Args:
        text: `2024-03`, `2024-03-01`, or anything that `form` describes.
        every: the frequency wanted; a date stands for the period that contains it (weeks begin on Mondays).
        form: as in Python's strptime (`%b-%y`), or blank.

    Raises:
        Unreadable: the text is something else.
    """
    day: date
    if form:
        try:
            day = datetime.strptime(text, form).date()
        except ValueError:
            raise Unreadable(f"'{text}' is not in the format {form}") from None
        return label(ordinal(day, every), every)
    if match := re.fullmatch(r"(\d{4}-\d{2}-\d{2})([ T].*)?", text):
        try:
            return label(ordinal(date.fromisoformat(match[1]), every), every)
        except ValueError:
            raise Unreadable(f"'{text}' is not a date") from None
    if match := re.fullmatch(r"((?:19|20)\d{2})(0[1-9]|1[0-2])", text):
        text = f"{match[1]}-{match[2]}"
    try:
        span = read_span(text)
    except PeriodError as error:
        raise Unreadable(f"{error.found} {error.remedy}") from None
    if span.frequency != every:
        raise Unreadable(f"'{text}' is a {span.frequency}, not a {every}")
    return label(ordinal(span.first, every), every)


def financial_quarter(year: str, quarter: str) -> str:
    """`2018/19` and `1` as the calendar quarter: April to June 2018 is `2018-Q2`.

    Raises:
        Unreadable: they are something else.
    """
    found = re.fullmatch(r"(\d{4})[/-](?:\d{2})?(\d{2})", year, re.ASCII)
    number = re.fullmatch(r"(?:Q|Quarter )?([1-4])", quarter)
    if found is None or number is None or int(found[2]) != (int(found[1]) + 1) % 100:
        raise Unreadable(f"'{year}' and '{quarter}' are not a financial year and its quarter")
    place = int(found[1]) * 4 + int(number[1])
    return label(place, "quarter")
