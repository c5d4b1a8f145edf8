"""Where ticks and labels go on an axis: pure arithmetic, no drawing."""

import itertools
import math
import textwrap
from collections.abc import Sequence

from evaluation.publication.disclosure import clean


def period_ticks(labels: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return tick positions and names for consecutive periods: the first period of each calendar year.

    Names are years ("2024") where a period begins a year, else the period's own label; at most about ten.
    """
    starts = [i for i, label in enumerate(labels) if i == 0 or label[:4] != labels[i - 1][:4]]
    whole = [i for i in starts if i > 0 or labels[i][4:] in ("", "-01", "-Q1")]
    if len(whole) >= 2:
        step = -(-len(whole) // 10)
        kept = whole[::step]
        return kept, [labels[i][:4] for i in kept]
    step = max(1, -(-len(labels) // 5))
    kept = list(range(0, len(labels), step))
    return kept, [labels[i] for i in kept]


def spread_labels(places: Sequence[float], lines: Sequence[int], height: float = 0.062) -> list[float]:
    """Push labels apart along an axis of length 1, keeping their order.

    Args:
        places: wanted centre of each label, as a share of the axis.
        lines: number of lines of each label.
        height: height of one line, as a share of the axis.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for _ in range(50):
        shifted = False
        for lower, upper in itertools.pairwise(order):
            gap = (lines[lower] + lines[upper]) / 2 * height - (moved[upper] - moved[lower])
            if gap > 1e-6:
                moved[lower] -= gap / 2
                moved[upper] += gap / 2
                shifted = True
        if not shifted:
            break
    return moved


def wrap_label(text: str, width: int = 26, lines: int = 3) -> str:
    """Wrap a name over at most `lines` lines of `width` characters."""
    return "\n".join(textwrap.wrap(clean(text), width, max_lines=lines, placeholder="…")) or "(no name)"


def percent_ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Percent changes that make good ticks on a logarithmic axis of ratios, in ascending order.

    Args:
        low, high: ends of the axis, natural logarithms of a ratio.
        most: at most this many.
    """
    narrowest = (high - low) / (most + 1)
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20):
        first, last = (math.expm1(end) * 100 / step for end in (low, high))
        if last - first > 4 * most:
            continue
        steps = range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)
        ticks = [round(step * i, 1) for i in steps if step * i > -100]
        if all(math.log1p(b / 100) - math.log1p(a / 100) >= narrowest for a, b in itertools.pairwise(ticks)):
            return ticks
    # Equal steps would crowd at one end: halvings, doublings and what lies between, thinned from no change outwards.
    ticks = []
    for tick in (0.0, -50.0, 100.0, 50.0, -25.0, 25.0, -75.0, 200.0, 300.0, -90.0, 900.0, -99.0, 9900.0):
        place = math.log1p(tick / 100)
        if low <= place <= high and all(abs(place - math.log1p(t / 100)) >= narrowest for t in ticks):
            ticks.append(tick)
    return sorted(ticks)
