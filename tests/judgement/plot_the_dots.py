"""The XmR rules written a second time, point by point and without our code: what the charts are checked against.

From the published arithmetic of NHS England's "Making Data Count", as our notes on the field give it (section 15): the mean; limits at
2.66 mean moving ranges, warning lines at two thirds of that; four rules in an order of precedence; trial limits below twelve points; a
documented change splits the series, and neither limits nor runs reach over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Dot:
    """One point: its lines, the rule it carries, which way it points, and whether its limits are trial limits."""

    mean: float
    lower: float
    upper: float
    rule: str
    side: int
    trial: bool


def plot(values: list[float], changes: list[int] | None = None) -> list[Dot]:
    """Every point of a series, with limits afresh from each documented change on."""
    edges = [0, *sorted({c for c in changes or [] if 0 < c < len(values)}), len(values)]
    dots: list[Dot] = []
    for first, last in pairwise(edges):
        dots += _stretch(values[first:last])
    return dots


def judge_points(values: list[float]) -> list[str]:
    """The rule each point of one stretch carries."""
    return [dot.rule for dot in plot(values)]


def _stretch(values: list[float]) -> list[Dot]:
    n = len(values)
    mean = sum(values) / n
    moving = sum(abs(b - a) for a, b in pairwise(values)) / (n - 1) if n > 1 else float("nan")
    far, near = 2.66 * moving, 2.66 * 2 / 3 * moving
    tiny = 1e-9 * (abs(mean) + 1)  # of floating-point sums: a point on a line is on it, not beyond it

    def side(i: int) -> int:
        return (values[i] > mean + tiny) - (values[i] < mean - tiny)

    def beyond(i: int) -> bool:
        return abs(values[i] - mean) > far + tiny

    def close(i: int) -> bool:
        return not beyond(i) and abs(values[i] - mean) > near + tiny

    def windows(i: int, length: int) -> list[range]:
        return [range(first, first + length) for first in range(max(0, i - length + 1), min(i, n - length) + 1)]

    def rising(i: int) -> int:
        """Whether point i lies in seven points that all rise or all fall; where two such runs meet, the later speaks."""
        found = 0
        for seven in windows(i, 7):
            steps = {(values[b] > values[a]) - (values[b] < values[a]) for a, b in pairwise(seven)}
            if steps in ({1}, {-1}):
                found = steps.pop()
                break
        return found

    def two_of_three(i: int) -> bool:
        return close(i) and any(
            len({side(j) for j in three}) == 1 and side(i) != 0 and sum(close(j) for j in three) >= 2
            for three in windows(i, 3)
        )

    def shifted(i: int) -> bool:
        return side(i) != 0 and any(len({side(j) for j in seven}) == 1 for seven in windows(i, 7))

    dots = []
    for i in range(n):
        rule, which = "", 0
        if beyond(i):
            rule, which = "outside", side(i)
        elif rising(i):
            rule, which = "trend", rising(i)
        elif two_of_three(i):
            rule, which = "two_of_three", side(i)
        elif shifted(i):
            rule, which = "shift", side(i)
        dots.append(Dot(mean, mean - far, mean + far, rule, which, n < 12))
    return dots
