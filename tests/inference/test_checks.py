"""Every check with a case that passes and one that fails, on fabricated fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.inference import checks
from evaluation.inference.checks import Check, Refit
from evaluation.inference.design import choose_structure, widen
from evaluation.inference.engine import Fit
from evaluation.inference.frame import Frame
from tests.inference.fabricated import MONTHS, draws, fit, fit_of_effect, frame

NAN = np.nan


def did(n: int = 48, start: int = 36, treated: int = 1, areas: int = 3, **changes) -> Frame:
    return frame(np.full((areas, n), 50.0), [start] * treated + [n] * (areas - treated), **changes)


def judged(refit: Refit | Check, of_refit: Fit, own: Fit | None = None) -> Check:
    assert isinstance(refit, Refit), refit
    return refit.judge(of_refit, own or of_refit)


# --- data quality and posterior predictive ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "hidden", "passed"), [(0, 0, True), (4, 0, True), (6, 0, False), (0, 14, True), (0, 16, False)]
)
def test_data_quality_counts_the_treated_areas(missing: int, hidden: int, passed: bool) -> None:
    value = np.full((2, 48), 50.0)
    value[1] = NAN  # the comparison area's gaps are not the treated area's
    low, high = value.copy(), value.copy()
    low[0, :missing] = high[0, :missing] = value[0, :missing] = NAN
    value[0, 48 - hidden :], low[0, 48 - hidden :], high[0, 48 - hidden :] = NAN, 1, 7
    found = checks.data_quality(frame(value, [36, 48], low=low, high=high))
    assert found.passed is passed
    assert f"{missing / 48:.0%} of the cells are missing and {hidden / 48:.0%}" in found.sentence


def predictive(of: Frame, mean: np.ndarray, **parameters: float) -> Check:
    given = {name: np.full((4, 200), value) for name, value in parameters.items()}
    mu = np.broadcast_to(mean, (4, 200, *mean.shape)) / of.scale
    return checks.posterior_predictive(of, fit(mu, mu, **given), 0.95, seed=1)


RNG = np.random.default_rng(8)


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial", "binomial", "normal"])
def test_data_from_the_model_look_like_the_model(likelihood: str) -> None:
    mean = np.full((1, 60), 40.0)
    value, parameters = {
        "poisson": (RNG.poisson(mean), {}),
        "negative_binomial": (RNG.poisson(mean * RNG.gamma(1 / 0.3**2, 0.3**2, mean.shape)), {"overdispersion": 0.3}),
        "binomial": (RNG.binomial(100, 0.4, mean.shape), {}),
        "normal": (RNG.normal(mean, 5.0) / 2.5, {"score_sd": 5.0 / 2.5}),
    }[likelihood]
    scale = 2.5 if likelihood == "normal" else 1.0
    of = frame(value, [40], likelihood=likelihood, exposure=np.full(mean.shape, 100.0), scale=scale)
    assert predictive(of, mean, **parameters).passed
    wild = {name: 0.1 for name in parameters}
    assert predictive(of, mean * (1.0 if wild else 0.7), **wild).passed is False


def test_posterior_predictive_needs_ten_observations() -> None:
    value = np.full((1, 60), NAN)
    value[0, :9] = 40
    assert predictive(frame(value, [5], likelihood="poisson"), np.full((1, 60), 40.0)).passed is None


# --- placebo in time ----------------------------------------------------------------------------------------------


def test_placebo_asks_about_the_time_before_the_start() -> None:
    of = did(washout=2, shape="ramp", trend=True)
    refit = checks.placebo_in_time(replace(of, priors=replace(of.priors, effect_mean=-0.2)), 0.95)
    assert isinstance(refit, Refit)
    asked = refit.frame
    assert asked.start.tolist() == [18, 48, 48]
    assert not asked.used[:, 36:].any(), "what followed the real start is not looked at"
    assert asked.used[:, :36].all()
    assert asked.evaluated.sum() == 18
    assert asked.priors.effect_mean == 0.0, "a false start has no reason to expect an effect"
    assert (asked.shape, asked.washout) == ("step", 0)


def test_placebo_serves_itself_from_the_same_program() -> None:
    of = did()
    for planned in checks.plan_refits(of, 0.95):
        assert isinstance(planned, Refit)
        assert widen(choose_structure(planned.frame), choose_structure(of)) == choose_structure(of), planned.name


@pytest.mark.parametrize(
    ("effect", "passed", "towards"), [(1.0, True, ""), (0.8, False, "lower"), (1.2, False, "higher")]
)
def test_placebo_in_time(effect: float, passed: bool, towards: str) -> None:
    refit = checks.placebo_in_time(did(), 0.95)
    assert isinstance(refit, Refit)
    found = judged(refit, fit_of_effect(refit.frame, draws(effect, 0.03)))
    assert (found.passed, found.towards) == (passed, towards)
    assert found.sentence.startswith(f"With a false start in {MONTHS[18]}")
    assert f"rate ratio {effect:.2f}" in found.sentence


@pytest.mark.parametrize(("effect", "towards"), [(-2.0, "lower"), (2.0, "higher")])
def test_placebo_of_scores(effect: float, towards: str) -> None:
    refit = checks.placebo_in_time(did(likelihood="normal", scale=4.0), 0.95)
    assert isinstance(refit, Refit)
    assert judged(refit, fit_of_effect(refit.frame, draws(effect, 0.3))).towards == towards
    assert judged(refit, fit_of_effect(refit.frame, draws(0.0, 0.3))).passed


@pytest.mark.parametrize(("start", "tried"), [(24, True), (23, False)])
def test_placebo_needs_two_years(start: int, tried: bool) -> None:
    refit = checks.placebo_in_time(did(start=start), 0.95)
    assert isinstance(refit, Refit) is tried
    if isinstance(refit, Check):
        assert refit.passed is None


def test_placebo_counts_usable_periods_only() -> None:
    value = np.full((2, 48), 50.0)
    value[0, :14] = NAN
    refit = checks.placebo_in_time(frame(value, [36, 48]), 0.95)
    assert isinstance(refit, Check)
    assert refit.passed is None


def test_placebo_cannot_be_tried_when_no_area_shows_the_counterfactual() -> None:
    of = frame(np.full((2, 48), 50.0), [30, 40])
    refit = checks.placebo_in_time(of, 0.95)
    if isinstance(refit, Refit):
        asked = refit.frame
        assert (asked.used & ~asked.post)[:, asked.evaluated.any(axis=0)].any(), "nothing to compare with"


# --- pre-trend ----------------------------------------------------------------------------------------------------


def slopes(per_year: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(per_year), per_year], axis=-1)


def test_pre_trend_asks_for_a_drift_before_the_first_start() -> None:
    of = frame(np.full((3, 48), 50.0), [36, 40, 48])
    refit = checks.pre_trend(of, 0.95)
    assert isinstance(refit, Refit)
    assert refit.frame.used[:, :36].all()
    assert not refit.frame.used[:, 36:].any()
    assert refit.frame.shape == "level_and_slope"
    assert refit.frame.start.tolist() == [0, 0, 48]
    assert refit.frame.priors.effect_sd < 1e-3, "no level change at the start of the data"
    assert refit.frame.priors.cohort_spread == 0.0


@pytest.mark.parametrize(
    ("slope", "passed", "towards"), [(0.0, True, ""), (-0.2, False, "lower"), (0.2, False, "higher")]
)
def test_pre_trend(slope: float, passed: bool, towards: str) -> None:
    refit = checks.pre_trend(did(), 0.95)
    assert isinstance(refit, Refit)
    found = judged(refit, fit_of_effect(refit.frame, draws(1.0, 0.1), coefficient=slopes(draws(slope, 0.03))))
    assert (found.passed, found.towards) == (passed, towards)
    if slope:
        assert f"{np.expm1(slope):+.0%}"[:3].replace("-", "−") in found.sentence
    assert "to be seen 80% of the time" in found.sentence


def test_pre_trend_says_what_it_could_not_have_seen() -> None:
    refit = checks.pre_trend(did(), 0.95)
    assert isinstance(refit, Refit)
    biases = []
    for sd in (0.02, 0.1):
        found = judged(refit, fit_of_effect(refit.frame, draws(1.0, 0.1), coefficient=slopes(draws(0.0, sd))))
        biases.append(float(found.sentence.split("bias the finding by about ")[1].split("%")[0]))
    assert biases[1] > 3 * biases[0]


def test_detectable_slope_by_hand_and_by_repetition() -> None:
    # Prior sd 0.25 and posterior sd 0.15: w = 0.64, so 1.96 x 0.15 / 0.64 + 0.84 x 0.15 / 0.8 = 0.617.
    slope = checks.detectable_slope(0.15, 0.25)
    assert slope == pytest.approx(0.459375 + 0.1575)
    error = 0.15 / np.sqrt(0.64)
    estimates = np.random.default_rng(0).normal(slope, error, 20_000)
    assert np.mean(0.64 * estimates > 1.96 * 0.15) == pytest.approx(0.8, abs=0.01)
    assert checks.detectable_slope(0.2499, 0.25) == np.inf


def test_pre_trend_of_scores_is_in_their_units() -> None:
    refit = checks.pre_trend(did(likelihood="normal", scale=10.0), 0.95)
    assert isinstance(refit, Refit)
    found = judged(refit, fit_of_effect(refit.frame, draws(0.0, 1.0), coefficient=slopes(draws(0.3, 0.02))))
    assert found.passed is False
    assert "+3 a year" in found.sentence


def test_pre_trend_needs_an_area_that_is_never_treated() -> None:
    found = checks.pre_trend(frame(np.full((2, 48), 50.0), [30, 40]), 0.95)
    assert isinstance(found, Check)
    assert found.passed is None


def test_pre_trend_needs_a_year_before_the_start() -> None:
    found = checks.pre_trend(did(start=11), 0.95)
    assert isinstance(found, Check)
    assert found.passed is None


def test_pre_trend_needs_a_year_before_the_first_start() -> None:
    planned = checks.pre_trend(frame(np.full((3, 48), 50.0), [3, 40, 48]), 0.95)
    assert isinstance(planned, Check), f"fits a drift to {planned.frame.used.any(axis=0).sum()} periods"


def test_its_and_leads_have_no_pre_trend() -> None:
    its = frame(np.full((1, 48), 50.0), [36], design="its")
    assert [r.name for r in checks.plan_refits(its, 0.95)] == ["placebo_in_time"]
    assert "pre_trend" not in [r.name for r in checks.plan_refits(did(leads=True), 0.95)]
    assert [r.name for r in checks.plan_refits(did(), 0.95)] == ["placebo_in_time", "pre_trend"]


# --- unaffected outcome --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("effect", "passed"), [(1.0, True), (0.8, False), (1.3, False)])
def test_unaffected_outcome(effect: float, passed: bool) -> None:
    of = did(role="unaffected")
    found = checks.unaffected_outcome(of, fit_of_effect(of, draws(effect, 0.05)), "Vehicle crime", 0.95)
    assert found.passed is passed
    assert found.sentence.startswith("Vehicle crime, which should not be affected, ")
    assert ("did not change" in found.sentence) is passed


def test_the_interval_decides() -> None:
    of = did()
    effect = fit_of_effect(of, draws(0.92, 0.05))
    assert checks.unaffected_outcome(of, effect, "X", 0.95).passed
    assert checks.unaffected_outcome(of, effect, "X", 0.5).passed is False
