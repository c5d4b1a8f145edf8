"""The simulator does what it says: the truth is the truth, and the noise has the size that was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.evidence.simulate import (
    Missing,
    PanelSpec,
    Shock,
    TrueEffect,
    realised_effect,
    simulate_panel,
    suppress_small_counts,
)

PLAIN = PanelSpec(
    populations={"A": 100_000, "B": 50_000},
    first_period="2020-01",
    n_periods=48,
    rate=1.0,
    level_sd=0.0,
    departure_sd=0.0,
    common_sd=0.0,
    overdispersion=None,
)


def test_expected_counts_are_population_times_days_times_rate() -> None:
    _, truth = simulate_panel(PLAIN, seed=1)
    # By hand: 100,000 residents at 1 per 1,000 in a month of 365.25 / 12 days, in January (31 days).
    assert truth.mu0.loc["A", "2020-01"] == pytest.approx(100 * 31 * 12 / 365.25)
    assert truth.mu0.loc["B", "2020-02"] == pytest.approx(50 * 29 * 12 / 365.25)


def test_same_seed_same_bits_and_another_seed_other_counts() -> None:
    noisy = replace(PLAIN, level_sd=0.2, departure_sd=0.1, common_sd=0.1, overdispersion=50.0)
    first, first_truth = simulate_panel(noisy, seed=7)
    again, again_truth = simulate_panel(noisy, seed=7)
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    pd.testing.assert_frame_equal(first_truth.mu, again_truth.mu, check_exact=True)
    other, _ = simulate_panel(noisy, seed=8)
    assert (first["count"] != other["count"]).any()


def test_an_effect_leaves_the_counterfactual_and_the_other_areas_alone() -> None:
    noisy = replace(PLAIN, level_sd=0.2, departure_sd=0.1, common_sd=0.1, overdispersion=50.0)
    treated = replace(noisy, effects=(TrueEffect("p", {"A": "2022-01"}, 0.5),))
    without, truth_without = simulate_panel(noisy, seed=3)
    with_effect, truth_with = simulate_panel(treated, seed=3)
    pd.testing.assert_frame_equal(truth_without.mu0, truth_with.mu0, check_exact=True)
    untouched = without["area"] == "B"
    pd.testing.assert_series_equal(without.loc[untouched, "count"], with_effect.loc[untouched, "count"])


@pytest.mark.parametrize(
    ("effect", "log_ratios"),
    [
        (TrueEffect("p", {"A": "2020-01"}, 0.8, "step"), [1.0, 1.0, 1.0]),
        (TrueEffect("p", {"A": "2020-01"}, 0.8, "ramp", ramp_periods=2), [0.5, 1.0, 1.0]),
        (TrueEffect("p", {"A": "2020-01"}, 0.8, "decay", half_life=1.0), [1.0, 0.5, 0.25]),
    ],
)
def test_shapes_by_hand(effect: TrueEffect, log_ratios: list[float]) -> None:
    _, truth = simulate_panel(replace(PLAIN, n_periods=3, effects=(effect,)), seed=1)
    observed = np.log(truth.mu.loc["A"] / truth.mu0.loc["A"])
    np.testing.assert_allclose(observed, np.log(0.8) * np.array(log_ratios))
    np.testing.assert_array_equal(truth.mu.loc["B"], truth.mu0.loc["B"])


def test_level_and_slope_by_hand() -> None:
    effect = TrueEffect("p", {"A": "2020-01"}, 0.9, "level_and_slope", slope_per_year=-0.12)
    _, truth = simulate_panel(replace(PLAIN, n_periods=3, effects=(effect,)), seed=1)
    observed = np.log(truth.mu.loc["A"] / truth.mu0.loc["A"])
    np.testing.assert_allclose(observed, np.log(0.9) + np.array([0.0, -0.01, -0.02]))


def test_realised_effect_is_the_ratio_of_sums_not_the_mean_of_ratios() -> None:
    labels = ["2020-01", "2020-02", "2020-03", "2020-04"]
    mu0 = pd.DataFrame([[10.0, 10.0, 10.0, 30.0], [5.0, 5.0, 5.0, 5.0]], index=["A", "B"], columns=labels)
    mu = pd.DataFrame([[10.0, 10.0, 5.0, 30.0], [5.0, 5.0, 5.0, 10.0]], index=["A", "B"], columns=labels)
    effect = realised_effect(mu, mu0, "p", {"A": "2020-03", "B": "2020-04"})
    # By hand: treated post cells are A in March and April and B in April: 45 of 45 expected.
    assert effect.n_cells == 3
    assert effect.rate_ratio == pytest.approx(45 / 45)
    assert effect.events_averted == pytest.approx(0.0)
    after_washout = realised_effect(mu, mu0, "p", {"A": "2020-02"}, washout=1, end="2020-03")
    assert after_washout.n_cells == 1
    assert after_washout.rate_ratio == pytest.approx(0.5)
    assert after_washout.events_averted == pytest.approx(5.0)
    with pytest.raises(ValueError, match="no treated period is left"):
        realised_effect(mu, mu0, "p", {"A": "2020-04"}, washout=1)


def test_shocks_season_trend_by_hand() -> None:
    spec = replace(
        PLAIN,
        trend_per_year=-0.12,
        shocks=(Shock("2020-02", (0.5, 0.8)),),
        season_amplitude=0.1,
        season_peak=7,
    )
    _, truth = simulate_panel(spec, seed=1)
    _, plain = simulate_panel(PLAIN, seed=1)
    change = np.log(truth.mu0.loc["A"] / plain.mu0.loc["A"])
    season = 0.1  # the middle of July is the peak
    assert change["2020-07"] == pytest.approx(-0.06 + season, abs=0.001)
    shocked = simulate_panel(replace(PLAIN, shocks=spec.shocks), seed=1)[1].mu0.loc["A"] / plain.mu0.loc["A"]
    np.testing.assert_allclose(shocked[:4], [1.0, 0.5, 0.8, 1.0])


def test_counts_have_the_declared_mean_and_variance() -> None:
    spec = replace(PLAIN, populations={f"A{i}": 100_000 for i in range(40)}, n_periods=120, overdispersion=20.0)
    data, truth = simulate_panel(spec, seed=11)
    counts = data.pivot(index="area", columns="period", values="count")
    mean = truth.mu.to_numpy()
    standardised = (counts.to_numpy() - mean) / np.sqrt(mean + mean**2 / 20.0)
    assert standardised.mean() == pytest.approx(0.0, abs=0.05)
    assert standardised.std() == pytest.approx(1.0, abs=0.05)


def test_departures_are_stationary_and_autocorrelated() -> None:
    spec = replace(
        PLAIN,
        populations={f"A{i}": 100_000 for i in range(200)},
        n_periods=60,
        departure_sd=0.1,
        departure_rho=0.6,
    )
    _, truth = simulate_panel(spec, seed=12)
    _, plain = simulate_panel(replace(spec, departure_sd=0.0), seed=12)
    departure = np.log((truth.mu0 / plain.mu0).to_numpy())
    assert departure[:, 0].std() == pytest.approx(0.1, rel=0.15)
    assert departure[:, -1].std() == pytest.approx(0.1, rel=0.15)
    assert np.corrcoef(departure[:, :-1].ravel(), departure[:, 1:].ravel())[0, 1] == pytest.approx(0.6, abs=0.05)


def test_missing_stretches_are_absent_rows() -> None:
    spec = replace(PLAIN, missing=(Missing("B", "2020-03", "2020-05"),))
    data, truth = simulate_panel(spec, seed=1)
    complete, _ = simulate_panel(PLAIN, seed=1)
    assert len(data) == len(complete) - 3
    assert not ((data["area"] == "B") & data["period"].between("2020-03", "2020-05")).any()
    assert truth.mu.notna().all().all()


@pytest.mark.parametrize(("first", "last"), [("2020-Q1", "2020-Q4"), ("2020", "2023"), ("2024-03-04", "2024-03-25")])
def test_other_frequencies(first: str, last: str) -> None:
    data, truth = simulate_panel(replace(PLAIN, first_period=first, n_periods=4), seed=1)
    assert list(data["period"].unique())[-1] == last
    assert truth.mu0.shape == (2, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effects": (TrueEffect("p", {"Z": "2021-01"}, 0.8),)}, "without a population: Z"),
        ({"effects": (TrueEffect("p", {"A": "2031-01"}, 0.8),)}, "outside the panel: 2031-01"),
        ({"departure_rho": 1.0}, "departure_rho"),
    ],
)
def test_contradictions_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate_panel(replace(PLAIN, **change), seed=1)


def test_suppression_as_in_hospital_statistics() -> None:
    published = suppress_small_counts(pd.DataFrame({"count": [0, 1, 7, 8, 12, 13, 17, 18, None]}))["count"]
    assert list(published[:8]) == ["0", "*", "*", "10", "10", "15", "15", "20"]
    assert pd.isna(published[8])


def test_suppression_without_rounding_and_with_other_bounds() -> None:
    published = suppress_small_counts(pd.DataFrame({"count": [0, 4, 5, 12]}), high=4, marker="<5", round_to=None)
    assert list(published["count"]) == ["0", "<5", "5", "12"]
