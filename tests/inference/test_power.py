"""Forecast power: what a refit would find, and honest about no effect."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from evaluation.inference import futures, power
from evaluation.inference.engine import Fit
from evaluation.inference.futures import Futures, Published, as_published
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


def futures_of(mean: np.ndarray) -> Futures:
    ahead = futures.look_ahead(history(n=48), mean.shape[2] - 48)
    return Futures(ahead, ahead, Fit(xr.Dataset(), 0, 0.0), mean, np.arange(len(mean)))


def test_a_future_is_summarised_alike_among_all_and_among_some() -> None:
    rng = np.random.default_rng(3)
    several = futures_of(np.exp(rng.normal(3.5, 0.2, size=(200, 1, 60))))
    counts = rng.poisson(several.mean[:, :, 48:]).astype(float)
    quiet = power._learn_quiet(several, counts, Published())
    some = slice(10, 15)
    few = dataclasses.replace(several, mean=several.mean[some], place=several.place[some])
    whole = power._summarise(several, counts, Published(), quiet)
    np.testing.assert_allclose(power._summarise(few, counts[some], Published(), quiet), whole[some])


def test_the_step_is_what_least_squares_sees() -> None:
    rng = np.random.default_rng(3)
    several = futures_of(np.exp(rng.normal(5.0, 0.1, size=(4000, 1, 60))))
    counts = rng.poisson(several.mean[:, :, 48:]).astype(float)
    quiet = power._learn_quiet(several, counts, Published())
    lower = power._summarise(several, np.round(counts * 0.5), Published(), quiet)[:, 3]
    same = power._summarise(several, counts, Published(), quiet)[:, 3]
    np.testing.assert_allclose((lower - same).mean(), np.log(0.5), atol=0.01)
    # Independent months: every month counts about alike, so the step is the mean departure.
    away = np.log(counts[:, 0] + 0.5) - np.log(quiet.usual[0] + 0.5)
    np.testing.assert_allclose(same, (away - away.mean(axis=0)).mean(axis=1), atol=0.02)


def test_what_is_suppressed_is_summarised_as_it_is_published() -> None:
    several = futures_of(np.full((50, 1, 54), 5.0))
    rule = Published((1, 7))
    quiet = power._learn_quiet(several, np.full((50, 1, 6), 4.0), rule)
    one, other = (power._summarise(several, np.full((50, 1, 6), count), rule, quiet) for count in (2.0, 6.0))
    np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_workers_change_no_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "DRAWN", 100)
    monkeypatch.setattr(futures, "APPROXIMATIONS", 1)
    alone = power.foresee(history(), [6, 12], 0.95, 1, refits=15)
    with ThreadPoolExecutor(2) as pool:
        assert power.foresee(history(), [6, 12], 0.95, 1, refits=15, pool=pool) == alone


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
