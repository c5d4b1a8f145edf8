"""The XmR rules written a second time, point by point and without our code: what the charts are checked against."""

from __future__ import annotations

from itertools import pairwise


def judge_points(values: list[float]) -> list[str]:
    """The rule each point carries, from the published arithmetic (field notes, section 15)."""
    n = len(values)
    mean = sum(values) / n
    moving = sum(abs(b - a) for a, b in pairwise(values)) / (n - 1)
    far, near = 2.66 * moving, 2.66 * 2 / 3 * moving

    def side(i: int) -> int:
        return (values[i] > mean) - (values[i] < mean)

    def out(i: int) -> bool:
        return abs(values[i] - mean) > far + 1e-9

    def close(i: int) -> bool:
        return not out(i) and abs(values[i] - mean) > near + 1e-9

    found = [""] * n
    for i in range(n):
        if any(
            all(side(j) == side(i) != 0 for j in range(first, first + 7))
            for first in range(max(0, i - 6), min(i, n - 7) + 1)
        ):
            found[i] = "shift"
        for first in range(max(0, i - 2), min(i, n - 3) + 1):
            three = range(first, first + 3)
            if close(i) and len({side(j) for j in three}) == 1 and side(i) and sum(map(close, three)) >= 2:
                found[i] = "two_of_three"
        for first in range(max(0, i - 6), min(i, n - 7) + 1):
            run = values[first : first + 7]
            if all(a < b for a, b in pairwise(run)) or all(a > b for a, b in pairwise(run)):
                found[i] = "trend"
        if out(i):
            found[i] = "outside"
    return found
