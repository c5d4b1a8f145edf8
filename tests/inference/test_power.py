"""Forecast power: what a refit would find, and honest about no effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.inference import futures, power
from evaluation.inference.futures import Published, as_published
from evaluation.inference.power import Prospect
from tests.inference.fabricated import frame


def history(mean: float = 40.0, n: int = 48, **changes):
    counts = np.random.default_rng(4).poisson(mean, size=(1, n)).astype(float)
    return frame(counts, [n], n_treated=1, design="its", seasonal=True, trend=True, **changes)


def prospect(found: tuple[float, ...]) -> Prospect:
    return Prospect(12, 1, 100.0, tuple(np.linspace(0, -0.4, len(found))), found)


def test_the_smallest_detectable_effect_lies_between_two_levels() -> None:
    assert prospect((0.02, 0.4, 0.9)).smallest_detectable(0.8) == pytest.approx(np.exp(-0.2 - 0.2 * 0.8))
    assert prospect((0.02, 0.4, 0.7)).smallest_detectable(0.8) is None
    assert prospect((0.02, 0.4, 0.9)).power_at(-0.1) == pytest.approx(0.21)
    assert prospect((0.02, 0.4, 0.9)).error_rate == 0.02


@given(st.integers(0, 60))
def test_published_counts_hold_the_count(count: int) -> None:
    for rule in (Published(), Published((1, 7), 5), Published((1, 7)), Published(None, 5), Published((0, 4))):
        value, low, high = (float(a[0]) for a in as_published(np.array([float(count)]), rule))
        assert low <= count <= high
        assert np.isnan(value) or value == count
    value, low, high = as_published(np.array([3.0, 0.0, 9.0]), Published((1, 7), 5))
    assert (low[0], high[0], low[2]) == (1, 7, 8)
    assert value[1] == 0


def test_looking_ahead_adds_months_that_nobody_has_seen() -> None:
    ahead = futures.look_ahead(history(), 12)
    assert ahead.periods[-1] == "2022-12"
    assert ahead.start.tolist() == [48]
    assert not ahead.observed[:, 48:].any()
    assert ahead.post[:, 48:].all()


def test_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="not yet for scores"):
        power.foresee(history(likelihood="normal"), [6], 0.95, 1)


@pytest.mark.long
def test_forecast_power_is_simulated_power_and_no_effect_is_the_error_rate() -> None:
    past = history()
    found = power.foresee(past, [12], 0.95, 1)[0]
    smallest = found.smallest_detectable(0.8)
    assert smallest is not None
    n = 300
    for log_ratio in (0.0, float(np.log(smallest))):
        forecast = found.power_at(log_ratio)
        simulated = power.simulate_power(past, 12, log_ratio, 0.95, 1, n)
        # Within 3 points, beyond the simulation's own error (two standard errors).
        assert abs(forecast - simulated) < 0.03 + 2 * np.sqrt(max(forecast * (1 - forecast), 0.01) / n)
    assert found.error_rate < 0.05
    assert list(found.power) == sorted(found.power)
