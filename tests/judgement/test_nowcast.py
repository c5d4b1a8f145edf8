"""Provisional counts: the final count lies inside its interval as often as it says, on made-up reporting delays."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.judgement.nowcast import FEWEST_PERIODS, _dispersion, draw_final, nowcast

REPORTED = (0.6, 0.85, 0.95)


def delayed(rng: np.random.Generator, n_periods: int = 40, n_areas: int = 4, mean: float = 30.0):
    """Final counts, and one edition a period in which recent counts are only partly there."""
    final = rng.poisson(mean, size=(n_areas, n_periods)).astype(float)
    uniform = rng.uniform(size=(n_areas, n_periods))
    editions = []
    for place in range(n_periods):
        table = np.full(final.shape, np.nan)
        for t in range(place):
            age = place - t
            share = REPORTED[age - 1] if age <= len(REPORTED) else 1.0
            # One binomial draw per cell, nested over ages: a count only grows.
            for a in range(n_areas):
                table[a, t] = np.floor(final[a, t] * share + uniform[a, t]) if share < 1 else final[a, t]
                table[a, t] = min(table[a, t], final[a, t])
        editions.append(table)
    return final, np.array(editions)


def test_the_final_count_is_inside_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for seed in range(40):
        early = rng.poisson(20 * np.ones((15, 3))).astype(float)
        final = early + rng.poisson(8 * np.ones((15, 3)))
        truth_early = float(rng.poisson(20))
        truth = truth_early + rng.poisson(8 * truth_early / 20)
        low, high = np.quantile(draw_final(truth_early, early, final, np.random.default_rng(seed)), [0.025, 0.975])
        inside.append(low <= truth <= high)
    assert np.mean(inside) >= 0.88


def test_recent_counts_are_scaled_up_by_what_was_missing_at_their_age() -> None:
    final, editions = delayed(np.random.default_rng(2))
    newest = editions[-1].copy()
    found = nowcast(newest, list(range(39)), editions[:-1], 0, 39, 0, [36, 37, 38], 0.95, 1)
    assert [n.position for n in found] == [36, 37, 38]
    for n in found:
        assert n.lower <= final[0, n.position] <= n.upper
        assert n.median >= n.recorded
    assert found[2].median / found[2].recorded > 1.3


def test_counts_revised_downwards_may_fall() -> None:
    early = np.full((10, 2), 50.0)
    final = early + np.tile([-6.0, 4.0], (10, 1))
    drawn = draw_final(50.0, early, final, np.random.default_rng(1))
    assert drawn.min() < 50 < drawn.max()
    assert np.median(drawn) == pytest.approx(49, abs=1.5)


def test_too_few_editions_teach_nothing() -> None:
    final, editions = delayed(np.random.default_rng(3))
    kept = slice(20, 20 + FEWEST_PERIODS - 1)
    assert nowcast(final, list(range(40))[kept], editions[kept], 0, 39, 0, [38], 0.95, 1) == []


def test_with_nothing_to_expect_the_spread_is_that_of_counts() -> None:
    cells = np.ones((1, 1), dtype=bool)
    assert _dispersion(np.array([[3.0]]), np.array([[0.0]]), cells) == 1.0
    assert _dispersion(np.array([[3.0]]), np.array([[2.0]]), cells, floor=1.5) == 1.5, (
        "one cell tells nothing of a spread"
    )


def test_editions_without_a_pair_at_this_age_teach_nothing() -> None:
    final, editions = delayed(np.random.default_rng(4))
    unknown = np.full_like(editions, np.nan)
    assert nowcast(final, list(range(40)), unknown, 0, 39, 0, [38], 0.95, 1) == []
