"""The days of rare events: `days/<indicator>.csv` with the columns area, day and, where several share a day, count.

They are counts of events by area and day, never records of people. A t chart needs them; the tidy data stay what everything
else is computed from, and the two must agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.evidence.small_table import read_table
from evaluation.protocol import Review
from evaluation.protocol.period import first_day, label, ordinal

FOLDER = "days"
MOST_IN_A_DAY = 1000  # rare events; what happens more often is charted by month
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # Python reads 20260331 and 2026-W13-2 as days too
Days = dict[str, list[date]]  # area -> day of each event, in order


def days_path(folder: Path, indicator: str) -> Path:
    """Where the days of an indicator are kept."""
    return folder / FOLDER / f"{indicator}.csv"


def read_days(review: Review, indicator: str) -> Days | None:
    """The days of an indicator's events, by area; None without the file.

    Raises:
        InputError: with everything that is wrong in the file.
    """
    path = days_path(review.folder, indicator)
    if not path.is_file():
        return None
    name = path.relative_to(review.folder).as_posix()
    problems: list[Problem] = []
    found: Days = {}
    for row, cells in read_table(path, name, ("area", "day"), problems):
        _read_row(review, name, row, cells, found, problems)
    if problems:
        raise InputError(problems)
    return {area: sorted(days) for area, days in found.items()}


def _read_row(review: Review, name: str, row: int, cells: dict[str, str], found: Days, problems: list[Problem]) -> None:
    area, text, many = (cells.get(c, "") for c in ("area", "day", "count"))
    if area not in review.areas.areas:
        problems.append(Problem(name, f"row {row}, area", f"There is no area `{area}`.", "Use a code of areas.yaml."))
        return
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        problems.append(Problem(name, f"row {row}, day", f"'{text}' is not a day.", "Write it as 2026-03-31."))
        return
    if many and not (many.isascii() and many.isdecimal() and 0 < int(many[:6]) <= MOST_IN_A_DAY):
        problems.append(
            Problem(
                name,
                f"row {row}, count",
                f"'{many}' is not a number of events.",
                f"Write 1 to {MOST_IN_A_DAY}, or leave it blank.",
            )
        )
        return
    found.setdefault(area, []).extend([day] * int(many or 1))


def find_disagreements(
    review: Review, indicator: str, days: Days, counts: Iterable[tuple[str, int, float]], frequency: str, anchor: str
) -> list[Problem]:
    """Periods whose days do not add up to the count.

    Args:
        review: the review.
        indicator: key.
        days: from `read_days`.
        counts: area, place of the period and exact count, of every cell that has one.
        frequency, anchor: of the periods.
    """
    tally = Counter((area, ordinal(day, frequency, anchor)) for area, found in days.items() for day in found)  # type: ignore[arg-type]
    told = {(area, place): count for area, place, count in counts}
    name = days_path(review.folder, indicator).relative_to(review.folder).as_posix()
    wrong = [
        (area, place, tally.get((area, place), 0), told.get((area, place)))
        for area, place in sorted({*tally, *told})
        if told.get((area, place)) != tally.get((area, place), 0)
    ]
    if not wrong:
        return []
    area, place, summed, count = wrong[0]
    more = f" ({len(wrong) - 1} more such periods)" if len(wrong) > 1 else ""
    said = "have no exact count" if count is None else f"say {count:g}"
    period = label(place, frequency, anchor)  # type: ignore[arg-type]
    text = f"The days of {area} in {period} add up to {summed}, the data {said}.{more}"
    return [Problem(name, "", text, "Give every event its day, or take the file away: then periods are charted.")]


def day_number(day: date) -> int:
    """Days since the beginning of the calendar, for arithmetic."""
    return day.toordinal()


def period_days(place: int, frequency: str, anchor: str) -> tuple[int, int]:
    """Numbers of the first and the last day of a period."""
    first = first_day(place, frequency, anchor)  # type: ignore[arg-type]
    following = first_day(place + 1, frequency, anchor)  # type: ignore[arg-type]
    return first.toordinal(), following.toordinal() - 1
