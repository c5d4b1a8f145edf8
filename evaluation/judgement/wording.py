"""Numbers in words: probabilities on the PHIA yardstick, changes, intervals and events.

Every sentence is made from the same numbers that go into finding.json, so that words and figures cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# Professional Head of Intelligence Assessment, "Explaining uncertainty in UK intelligence assessment", gov.uk,
# 24 March 2025. The published ranges leave gaps; each gap is split at its middle.
YARDSTICK: tuple[tuple[float, str], ...] = (
    (0.075, "remote chance"),
    (0.225, "highly unlikely"),
    (0.375, "unlikely"),
    (0.525, "realistic possibility"),
    (0.775, "likely"),
    (0.925, "highly likely"),
    (1.01, "almost certain"),
)
PUBLISHED_RANGES: tuple[tuple[str, str], ...] = (
    ("remote chance", "above 0% to about 5%"),
    ("highly unlikely", "about 10% to about 20%"),
    ("unlikely", "about 25% to about 35%"),
    ("realistic possibility", "about 40% to under 50%"),
    ("likely", "about 55% to about 75%"),
    ("highly likely", "about 80% to about 90%"),
    ("almost certain", "about 95% to under 100%"),
)
# The yardstick's term for just under an even chance also takes what lies just over it; then the sentence says so.
EVEN = 0.5


def probability_phrase(probability: float) -> str:
    """The yardstick's term for a probability; a probability at a cut takes the higher term."""
    return next(term for bound, term in YARDSTICK if probability < bound)


def is_almost_certain(probability: float) -> bool:
    """Whether the yardstick's outermost words stand for a probability: almost certain, or a remote chance."""
    return probability_phrase(probability) in (YARDSTICK[0][1], YARDSTICK[-1][1])


def cut_ranges() -> list[tuple[str, str]]:
    """Each term with the probabilities for which it is used here, from :data:`YARDSTICK`."""
    lows = [0.0, *(bound for bound, _ in YARDSTICK)]
    return [
        (term, f"{100 * low:g}% to {'100%' if bound > 1 else f'under {100 * bound:g}%'}")
        for low, (bound, term) in zip(lows, YARDSTICK, strict=False)
    ]


def probability_figure(probability: float) -> str:
    """`72%`; `about even, 51%` where the term is a realistic possibility but the chance is no longer below even."""
    if probability >= EVEN and probability_phrase(probability) == "realistic possibility":
        return f"about even, {percent(probability)}"
    return percent(probability)


def probability_sentence(probability: float, event: str) -> str:
    """`It is likely (72%) that <event>.` with the yardstick's term; "a remote chance" and "a realistic possibility"."""
    term, figure = probability_phrase(probability), probability_figure(probability)
    if term in ("remote chance", "realistic possibility"):
        return f"There is a {term} ({figure}) that {event}"
    return f"It is {term} ({figure}) that {event}"


def percent(probability: float) -> str:
    """A probability as a percentage that never reads as certainty."""
    if probability > 0.99:
        return "more than 99%"
    if probability < 0.01:
        return "less than 1%"
    return f"{100 * probability:.0f}%"


def change(percent_change: float) -> str:
    """`35% lower`, `0.4% higher`: one decimal below 2 per cent, and a sign however small the change.

    A bound that rounds to nothing must still say on which side of no change it lies, or the words could contradict
    the rating.
    """
    size = abs(percent_change)
    if size == 0:
        return "no different"
    if size < 0.05:
        return f"under 0.1% {'lower' if percent_change < 0 else 'higher'}"
    if -100 < percent_change <= -99.5:  # as good as nothing left is not yet nothing left
        return "over 99% lower"
    shown = f"{size:.1f}%" if size < 1.95 else f"{size:,.0f}%"
    return f"{shown} {'lower' if percent_change < 0 else 'higher'}"


def change_range(lower: float, upper: float) -> str:
    """`26% to 44% lower`, or `26% lower to 11% higher`; `about 5% lower` where both ends round to the same."""
    first, second = change(lower), change(upper)
    if first == second:
        return first if lower == upper or first.startswith(("under", "over")) else f"about {first}"
    if first.split()[-1] == second.split()[-1]:
        small, large = sorted((lower, upper), key=abs)
        return f"{change(small).rsplit(' ', 1)[0]} to {change(large)}"
    return f"{first} to {second}"


def amount(value: float) -> str:
    """A number of events as people say it: whole above 10, one decimal below, and never 0.0 for what is not 0."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.05:
        return "under 0.1"
    return f"{size:,.0f}" if size >= 9.95 else f"{size:.1f}"


def events_range(summary: Mapping[str, float], unit: str) -> str:
    """`about 2,500 fewer offences (1,900 to 3,100 fewer)`. Positive is averted."""
    middle, lower, upper = summary["median"], summary["lower"], summary["upper"]
    if lower == upper == 0:
        return f"neither fewer nor more {unit}"
    if lower >= 0 or upper <= 0:
        word = "fewer" if lower >= 0 else "more"
        small, large = (amount(size) for size in sorted((abs(lower), abs(upper))))
        spread = small if small == large else f"{small} to {large}"
        return f"about {amount(middle)} {word} {unit} ({spread} {word})"
    word = "fewer" if middle >= 0 else "more"
    return f"about {amount(middle)} {word} {unit} ({amount(lower)} more to {amount(upper)} fewer)"


def difference(value: float) -> str:
    """A signed difference of scores."""
    shown = np.format_float_positional(value, precision=3, fractional=False, trim="-", sign=True)
    return shown.replace("-", "−")


def money(pounds: float) -> str:
    """Pounds as given, in whole pounds; millions to three figures."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if pounds >= size:
            return (
                f"£{float(f'{pounds / size:.3g}'):,g} {word}"
                if pounds < 1e5 * size
                else f"£{pounds / size:,.0f} {word}"
            )
    return f"£{pounds:,.0f}"


def estimated_money(pounds: float) -> str:
    """An estimated sum, to two figures: more would claim a precision that it does not have."""
    return money(float(f"{pounds:.2g}"))
