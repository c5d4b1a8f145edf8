"""Periods: what is read, what is refused and in which words, and that reading and writing agree."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.protocol.period import (
    Frequency,
    PeriodError,
    days_at,
    days_in,
    first_day,
    frequency_of,
    label,
    ordinal,
    parse_period,
    period_label,
    periods_per_year,
    read_span,
    to_last_period,
    to_period,
    week_anchor_of,
)

FREQUENCIES: tuple[Frequency, ...] = ("week", "month", "quarter", "year")
days = st.dates(date(1950, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("text", "frequency", "first", "n_days"),
    [
        ("2024-02", "month", date(2024, 2, 1), 29),
        ("2024-Q1", "quarter", date(2024, 1, 1), 91),
        ("2023", "year", date(2023, 1, 1), 365),
        ("2024-03-04", "week", date(2024, 3, 4), 7),
    ],
)
def test_reads_the_four_notations(text: str, frequency: Frequency, first: date, n_days: int) -> None:
    kind, period = parse_period(text)
    assert kind == frequency == frequency_of(period)
    assert period.start_time.date() == first == read_span(text).first
    assert days_in(period) == n_days
    assert period_label(period) == text


@given(days, st.sampled_from(FREQUENCIES))
def test_label_and_parse_are_inverse(day: date, frequency: Frequency) -> None:
    anchor = week_anchor_of(day)
    place = ordinal(day, frequency, anchor)
    text = label(place, frequency, anchor)
    kind, period = parse_period(text)
    assert kind == frequency
    assert period_label(period) == text
    assert ordinal(read_span(text).first, frequency, anchor) == place


@given(days, st.sampled_from(FREQUENCIES), st.integers(0, 6))
def test_places_are_consecutive_and_agree_with_pandas(day: date, frequency: Frequency, shift: int) -> None:
    anchor = week_anchor_of(date(2024, 1, 1) + timedelta(days=shift))
    place = ordinal(day, frequency, anchor)
    assert first_day(place, frequency, anchor) <= day < first_day(place + 1, frequency, anchor)
    period = to_period(day.isoformat(), frequency, anchor)
    assert period.start_time.date() == first_day(place, frequency, anchor)
    assert days_in(period) == days_at(place, frequency, anchor)
    assert period_label(period + 1) == label(place + 1, frequency, anchor)


@pytest.mark.parametrize(
    ("text", "frequency", "start", "end"),
    [
        ("2023-05", "quarter", "2023-Q2", "2023-Q2"),
        ("2023", "month", "2023-01", "2023-12"),
        ("2023-Q3", "month", "2023-07", "2023-09"),
        ("2023-04", "year", "2023", "2023"),
        ("2023-04", "week", "2023-03-27", "2023-04-24"),
        ("2021-06-30", "month", "2021-06", "2021-06"),
    ],
)
def test_start_and_end_in_another_frequency(text: str, frequency: Frequency, start: str, end: str) -> None:
    assert period_label(to_period(text, frequency, "W-SUN")) == start
    assert period_label(to_last_period(text, frequency, "W-SUN")) == end


def test_periods_per_year() -> None:
    assert [periods_per_year(f) for f in ("year", "quarter", "month")] == [1.0, 4.0, 12.0]
    assert periods_per_year("week") == pytest.approx(52.18, abs=0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "45383",
            ("'45383' is an Excel date stored as a number (it means 1 April 2024). Write 2024-04 for that month: "
            "in Excel give the column the format yyyy-mm or Text, then save again."),
        ),
        (
            "01/03/2024",
            ("'01/03/2024' is a date in the order day/month/year. Write 2024-03 for the month, or 2024-03-01 for the "
            "week that begins on that day."),
        ),
        ("Mar-24", "'Mar-24' is a month in words. Write 2024-03."),
        ("March 2024", "'March 2024' is a month in words. Write 2024-03."),
        ("2024-13", "'2024-13' is not a month: there is no month 13. Write a month from 01 to 12, such as 2024-03."),
        ("2023-24", "'2023-24' is a financial year, not a period. Write calendar periods, such as 2023-04 or 2023-Q2."),
        ("2024-3", "'2024-3' is a month without its leading zero. Write 2024-03."),
        ("Q1 2024", "'Q1 2024' is a quarter written the other way round. Write 2024-Q1 (calendar quarters: Q1 is January to March)."),
        ("2024-W10", "'2024-W10' is an ISO week number. Write the date on which the week begins: 2024-03-04."),
        ("202403", "'202403' is a period without its hyphens. Write 2024-03."),
    ],
)  # fmt: skip
def test_refuses_in_plain_words(text: str, message: str) -> None:
    with pytest.raises(PeriodError) as refusal:
        read_span(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "text",
    ["", " ", "2024-00", "2024-Q5", "2024-02-30", "0999-01", "abc", "2024-03-04 00:00:00", "31/02/2024", "２０２４", "2024W99", "3/2024", "20241301", "2024/25", "1/1/70", "2024-W60", "May", "2024.0"],
)  # fmt: skip
def test_refuses_everything_else(text: str) -> None:
    with pytest.raises(PeriodError) as refusal:
        read_span(text)
    assert refusal.value.found and refusal.value.remedy


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        span = read_span(text)
    except PeriodError:
        return
    assert span.first <= span.last


def test_frequency_of_foreign_period() -> None:
    with pytest.raises(ValueError, match="not used here"):
        frequency_of(pd.Period("2024-01-01", freq="D"))
