"""Partially pooled rates: recovery, interval counts, neighbours, the scaled Laplacian."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.inference.small_area import pool_rates, scaled_covariance


def ring(n: int) -> np.ndarray:
    links = np.zeros((n, n), dtype=bool)
    for i in range(n):
        links[i, (i + 1) % n] = links[(i + 1) % n, i] = True
    return links


@pytest.mark.slow
def test_rates_and_their_intervals_recover_the_truth() -> None:
    rng = np.random.default_rng(3)
    inside = []
    for seed in range(12):
        truth = np.exp(rng.normal(0.0, 0.3, 30)) * 2e-3
        exposure = rng.uniform(5e3, 5e4, 30)
        count = rng.poisson(truth * exposure).astype(float)
        low, high = np.quantile(pool_rates(count, count, exposure, None, seed).rate, [0.025, 0.975], axis=0)
        inside.append((low <= truth) & (truth <= high))
    assert 0.91 <= np.mean(inside) <= 0.98


def test_equal_rates_are_pooled_nearly_whole() -> None:
    rng = np.random.default_rng(4)
    exposure = np.full(25, 1e4)
    count = rng.poisson(exposure * 1e-3).astype(float)
    rates = pool_rates(count, count, exposure, None, 1)
    assert rates.sd < 0.2
    assert np.ptp(np.log(np.median(rates.rate, axis=0))) < 0.5 * np.ptp(np.log(count / exposure))


def test_a_withheld_count_widens_an_interval_and_a_missing_one_is_drawn_to_the_others() -> None:
    count = np.array([40.0, 45, 50, 5, 42, 38])
    low, high = count.copy(), count.copy()
    exposure = np.full(6, 1e4)

    def width(low: np.ndarray, high: np.ndarray, area: int = 3) -> float:
        rate = np.log(pool_rates(low, high, exposure, None, 1).rate[:, area])
        return float(np.ptp(np.quantile(rate, [0.025, 0.975])))

    known = width(low, high)
    low[3], high[3] = 1, 7
    withheld = width(low, high)
    low[3] = high[3] = np.nan
    assert known < withheld
    assert width(low, high) > 1.3 * width(low, high, area=0)


def test_neighbours_share_what_they_have_in_common() -> None:
    n = 40
    rng = np.random.default_rng(5)
    truth = 1e-3 * np.exp(0.6 * np.sin(2 * np.pi * np.arange(n) / n))
    exposure = np.full(n, 1.5e4)
    count = rng.poisson(truth * exposure).astype(float)
    errors = [
        np.sqrt(
            np.mean((np.log(np.median(pool_rates(count, count, exposure, links, 1).rate, axis=0)) - np.log(truth)) ** 2)
        )
        for links in (None, ring(n))
    ]
    assert errors[1] < errors[0]
    assert pool_rates(count, count, exposure, ring(n), 1).share > 0.5


def test_the_laplacian_is_scaled_and_an_island_stands_alone() -> None:
    links = np.zeros((8, 8), dtype=bool)
    links[:7, :7] = ring(7)
    covariance = scaled_covariance(links)
    assert np.exp(np.mean(np.log(np.diag(covariance)[:7]))) == pytest.approx(1.0)
    assert covariance[7].tolist() == [0] * 7 + [1.0]
