"""Numbers as tables and charts say them. Sentences come from `judgement.wording`, and so do the words shared with it."""

import calendar
import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from evaluation.judgement.wording import amount, change, estimated_money, percent
from evaluation.judgement.wording import change_range as change_between

__all__ = [
    "change",
    "change_between",
    "change_range",
    "complete",
    "estimated_money",
    "fewer",
    "fewer_range",
    "known",
    "percentage",
    "period_name",
    "plain",
    "probability",
    "shift",
    "shift_range",
    "significant",
]

Summary = Mapping[str, Any]  # mean, median, lower, upper


def known(value: object) -> TypeGuard[float]:
    """True for a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def complete(summary: object) -> TypeGuard[Summary]:
    """True if `summary` has a median and both bounds."""
    return isinstance(summary, Mapping) and all(known(summary.get(k)) for k in ("median", "lower", "upper"))


def significant(value: float, digits: int = 3) -> float:
    """Round to `digits` significant figures."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def plain(value: float) -> str:
    """A number without false precision: 1,230, 45, 4.2, 0.31."""
    size = abs(value)
    text = f"{value:,.0f}" if size >= 10 else f"{value:.1f}" if size >= 1 else f"{value:.2f}"
    return "0" if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def fewer(averted: float) -> str:
    """Events averted as a direction: 45 fewer, 3.2 more, under 0.1 fewer, none fewer."""
    return "none fewer" if averted == 0 else f"{amount(averted)} {'fewer' if averted > 0 else 'more'}"


def fewer_range(summary: Summary) -> str:
    """The interval of events averted: 12 to 80 fewer; 5 more to 30 fewer."""
    return _joined(fewer(summary["lower"]), fewer(summary["upper"]))


def change_range(summary: Summary) -> str:
    """The interval of a percent change: 3% to 20% lower; 4% lower to 9% higher."""
    return change_between(summary["lower"], summary["upper"])


def shift(difference: float, unit: str) -> str:
    """A difference in the unit of a score: 0.8 points higher."""
    if plain(difference) == "0":
        return "no difference"
    return f"{plain(abs(difference))} {unit} {'higher' if difference > 0 else 'lower'}"


def shift_range(summary: Summary, unit: str) -> str:
    """The interval of a difference."""
    return _joined(shift(summary["lower"], unit), shift(summary["upper"], unit))


def probability(value: object) -> str:
    """A probability in percent; never 0% or 100%."""
    return percent(float(value)) if known(value) else "not estimated"


def percentage(share: float) -> str:
    """0.95 -> 95%."""
    return f"{100 * share:.0f}%"


def period_name(label: str) -> str:
    """A period as a reader says it: April 2023; April to June 2023; 2023; week of 4 March 2024."""
    parts = label.split("-")
    try:
        if len(parts) == 3:
            return f"week of {int(parts[2])} {calendar.month_name[int(parts[1])]} {parts[0]}"
        if len(parts) == 2 and parts[1].startswith("Q"):
            last = 3 * int(parts[1][1:])
            return f"{calendar.month_name[last - 2]} to {calendar.month_name[last]} {parts[0]}"
        if len(parts) == 2:
            return f"{calendar.month_name[int(parts[1])]} {parts[0]}"
    except (ValueError, IndexError):
        pass
    return label


def _joined(low: str, high: str) -> str:
    """Join two ends; a word both share is said once, the smaller number first, and ends that read the same once."""
    if low == high:
        return low
    low_number, _, low_rest = low.partition(" ")
    high_number, _, high_rest = high.partition(" ")
    if low_rest == high_rest and low_number[:1].isdigit() and high_number[:1].isdigit():
        small, large = sorted((low_number, high_number), key=lambda n: float(n.replace(",", "")))
        return f"{small} to {large} {low_rest}"
    return f"{low} to {high}"
