"""Priorities of a needs assessment by stated criteria, and kinds of violence weighed against each other by harm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.judgement.needs import SURE, Need, Summary
from evaluation.judgement.wording import probability_phrase
from evaluation.protocol.indicator import HarmWeight

RISING = 0.775  # probability from which a rise is called likely (the yardstick's "highly likely" begins there)


@dataclass(frozen=True)
class Priority:
    """One indicator in one area with the criteria it meets, and its rate against the partnership's."""

    indicator: str
    area: str
    met: list[str]
    ratio: Summary


def set_priorities(needs: Sequence[Need]) -> list[Priority]:
    """Indicator and area pairs by how many stated criteria they meet, then by how far their rate surely lies above the partnership's.

    The criteria: the area's rate is a tenth or more above the partnership's with probability 0.95 or more; it is among the fewest areas
    that hold half of the events, and that is fewer than chance gives; the partnership's count is likely rising.
    A pair that meets only the last is not listed: it says nothing of the area.
    """
    found = []
    for need in needs:
        holders = set()
        if need.concentration is not None and need.concentration.beyond < 1.0 - SURE:
            known = [p for p in need.places if np.isfinite(p.low)]
            ranked = sorted(known, key=lambda p: -(p.low + p.high))
            holders = {p.area for p in ranked[: need.concentration.areas]}
        for place in need.places:
            met = []
            if place.clear >= SURE:
                met.append(f"rate a tenth or more above the partnership's ({probability_phrase(place.clear)})")
            if place.area in holders:
                met.append("among the few areas that hold half, beyond chance")
            if met and need.rising >= RISING:
                met.append("the partnership's count is rising")
            if met:
                found.append(Priority(need.indicator.title, place.name, met, place.ratio))
    return sorted(found, key=lambda p: (-len(p.met), -p.ratio.lower))


@dataclass(frozen=True)
class Harm:
    """Weighted harm of one indicator in the newest year.

    Attributes:
        need, weight: the indicator, and the weight of one event.
        amount: in the weight's unit.
        share: of the harm in the same unit.
        rest: the same without the heaviest kind of event; None for that kind itself.
    """

    need: Need
    weight: HarmWeight
    amount: float
    share: float
    rest: float | None


def harm(needs: Sequence[Need], total: Callable[[Need], float] = lambda need: need.total) -> list[Harm]:
    """Indicators that have a harm weight, weighted.

    Args:
        needs: the assessment.
        total: what to take for the events of a year (a count that is shown rounded is weighted rounded).
    """
    weighed = [
        (n, n.indicator.harm_weight, total(n) * n.indicator.harm_weight.value) for n in needs if n.indicator.harm_weight
    ]
    found = []
    for need, weight, amount in weighed:
        same = [(w.value, a) for _, w, a in weighed if w.unit == weight.unit]
        heaviest = max(value for value, _ in same)
        whole, rest = sum(a for _, a in same), sum(a for value, a in same if value < heaviest)
        left = None if weight.value == heaviest else (amount / rest if rest else 0.0)
        found.append(Harm(need, weight, amount, amount / whole if whole else 0.0, left))
    return found
