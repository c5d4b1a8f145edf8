"""Numbers as a reader says them: about 45 fewer, 12% lower, £3,400, more than 99%."""

import calendar
import math
from collections.abc import Mapping
from typing import Any

Summary = Mapping[str, Any]  # mean, median, lower, upper


def known(value: object) -> bool:
    """True for a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def complete(summary: object) -> bool:
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
    """Events averted as a direction: 45 fewer, 3 more, none."""
    number = f"{abs(averted):,.0f}" if abs(averted) < 1000 else f"{significant(abs(averted)):,.0f}"
    if number == "0":
        return "no difference"
    return f"{number} {'fewer' if averted > 0 else 'more'}"


def fewer_range(summary: Summary) -> str:
    """The interval of events averted, smaller benefit first: 12 to 80 fewer; 5 more to 30 fewer."""
    return _joined(fewer(summary["lower"]), fewer(summary["upper"]))


def change(percent: float) -> str:
    """A percent change as a direction: 12% lower."""
    number = f"{abs(percent):.0f}" if abs(percent) >= 1 else f"{abs(percent):.1f}"
    if float(number) == 0:
        return "no change"
    return f"{number}% {'lower' if percent < 0 else 'higher'}"


def change_range(summary: Summary) -> str:
    """The interval of a percent change: 20% to 3% lower; 4% lower to 9% higher."""
    return _joined(change(summary["lower"]), change(summary["upper"]))


def shift(difference: float, unit: str) -> str:
    """A difference in the unit of a score: 0.8 points higher."""
    if plain(difference) == "0":
        return "no difference"
    return f"{plain(abs(difference))} {unit} {'higher' if difference > 0 else 'lower'}"


def shift_range(summary: Summary, unit: str) -> str:
    """The interval of a difference."""
    return _joined(shift(summary["lower"], unit), shift(summary["upper"], unit))


def percent_of(summary: Summary) -> dict[str, float]:
    """Rate ratio to percent change."""
    return {k: 100 * (summary[k] - 1) for k in ("median", "lower", "upper")}


def probability(value: object) -> str:
    """A probability in percent; never 0% or 100%."""
    if not known(value):
        return "not estimated"
    share = float(value)  # type: ignore[arg-type]
    if share < 0.01:
        return "less than 1%"
    if share > 0.99:
        return "more than 99%"
    return f"{100 * share:.0f}%"


def money(pounds: float) -> str:
    """Pounds to three significant figures: £950, £3,400, £1.25 million."""
    size = significant(abs(pounds))
    sign = "−" if pounds < 0 else ""
    if size >= 1e9:
        return f"{sign}£{size / 1e9:.3g} billion"
    if size >= 1e6:
        return f"{sign}£{size / 1e6:.3g} million"
    return f"{sign}£{size:,.0f}"


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
    """Join two ends; a word both share is said once."""
    low_number, _, low_rest = low.partition(" ")
    high_rest = high.partition(" ")[2]
    if low_rest and low_rest == high_rest and low != "no difference":
        return f"{low_number} to {high}"
    return f"{low} to {high}"
