"""What provisional counts will come to, learned from how earlier ones were revised between stored editions.

For each age of a count (periods between its own and the edition's) the pairs of what an edition had and what is known now
give a factor. Its uncertainty is that of a Bayesian bootstrap over periods (Rubin 1981), so that one odd month does not pass for many
areas; what a single count does beyond the factor is overdispersed: negative binomial additions where counts only ever
grew, a normal quasi-Poisson remainder where some were revised downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FEWEST_PERIODS = 6  # settled periods with a pair at the same age, without which nothing is learned
SETTLED = 12  # periods after which a count is taken to be final
N_DRAWS = 4000


@dataclass(frozen=True)
class Nowcast:
    """A provisional count and what it is expected to come to.

    Attributes:
        position: of the period.
        recorded: so far.
        median, lower, upper: of the final count.
        periods: how many settled periods taught it.
    """

    position: int
    recorded: float
    median: float
    lower: float
    upper: float
    periods: int


def nowcast(
    newest: Array,
    appeared: list[int],
    editions: Array,
    first_place: int,
    edition_place: int,
    area: int,
    provisional: list[int],
    interval: float,
    seed: int,
) -> list[Nowcast]:
    """The final counts of an area's provisional periods.

    Args:
        newest: counts as known now, shape (area, time).
        appeared: place of the period in which each edition appeared.
        editions: counts as each edition had them, shape (edition, area, time).
        first_place: place of the first period.
        edition_place: place of the period in which the newest data appeared.
        area: row of the area.
        provisional: positions of its provisional periods.
        interval: of the result.
        seed: of the draws.

    Returns:
        One for each provisional period for which enough was learned.
    """
    found = []
    for position in provisional:
        recorded = newest[area, position]
        age = edition_place - (first_place + position)
        early, final = _pairs(newest, appeared, editions, first_place, edition_place, age)
        if not np.isfinite(recorded) or len(early) < FEWEST_PERIODS or not np.nansum(early) > 0:
            continue
        drawn = draw_final(float(recorded), early, final, np.random.default_rng((seed, position)))
        tail = (1.0 - interval) / 2.0
        low, middle, high = np.quantile(drawn, [tail, 0.5, 1.0 - tail])
        found.append(Nowcast(position, float(recorded), float(middle), float(low), float(high), len(early)))
    return found


def draw_final(recorded: float, early: Array, final: Array, rng: np.random.Generator) -> Array:
    """Draws of the final count.

    Args:
        recorded: the provisional count.
        early, final: settled pairs by period, each a list of cells; NaN-padded, shape (period, cell).
        rng: source of chance.
    """
    known = np.isfinite(early) & np.isfinite(final)
    e, f = np.where(known, early, 0.0), np.where(known, final, 0.0)
    weight = rng.dirichlet(np.ones(len(e)), size=N_DRAWS)
    # Half an event on each side keeps the factor finite where the early counts were all zero.
    factor = (weight @ f.sum(axis=1) * len(e) + 0.5) / (weight @ e.sum(axis=1) * len(e) + 0.5)
    grew = bool((f >= e)[known].all())
    overall = f.sum() / e.sum()
    if grew:
        expected = (overall - 1.0) * e
        spread = _dispersion(f - e, expected, known)
        mean = np.maximum((factor - 1.0) * max(recorded, 0.5), 1e-9)
        size = mean / max(spread - 1.0, 1e-6)
        return np.asarray(recorded + rng.poisson(np.minimum(rng.gamma(size, mean / size), 1e9)), dtype=float)
    spread = _dispersion(f, overall * e, known, floor=0.0)
    mean = factor * recorded
    drawn = np.round(rng.normal(mean, np.sqrt(spread * np.maximum(mean, 1.0))))
    return np.asarray(np.maximum(drawn, 0.0), dtype=float)


def _dispersion(observed: Array, expected: Array, known: NDArray[np.bool_], floor: float = 1.0) -> float:
    """Pearson dispersion over cells with something to expect."""
    cells = known & (expected > 0)
    if cells.sum() < 2:
        return max(floor, 1.0)
    return max(float(((observed - expected)[cells] ** 2 / expected[cells]).sum() / (cells.sum() - 1)), floor)


def _pairs(
    newest: Array, appeared: list[int], editions: Array, first_place: int, edition_place: int, age: int
) -> tuple[Array, Array]:
    """What editions had at this age, and what is known now, of settled periods; shape (period, area) twice."""
    early, final = [], []
    for place, table in zip(appeared, editions, strict=True):
        position = place - age - first_place
        if 0 <= position < newest.shape[1] and edition_place - (first_place + position) >= age + SETTLED:
            both = np.isfinite(table[:, position]) & np.isfinite(newest[:, position])
            if both.any():
                early.append(np.where(both, table[:, position], np.nan))
                final.append(np.where(both, newest[:, position], np.nan))
    shape = (0, newest.shape[0])
    return (np.array(early), np.array(final)) if early else (np.zeros(shape), np.zeros(shape))
