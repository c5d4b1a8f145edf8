"""Questions of several refits, each with an answer that passes and one that fails, on fabricated draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.inference import checks, loo, robustness
from evaluation.inference.checks import Check
from evaluation.inference.design import write_design
from evaluation.inference.effects import Summary
from evaluation.inference.engine import Sampler, Task
from evaluation.inference.frame import Frame
from evaluation.inference.latent import Posterior
from evaluation.inference.robustness import Inquiry
from tests.inference.fabricated import draws, fit_of_effect, frame


def did(areas: int = 12, treated: int = 1, n: int = 48, start: int = 36, **changes) -> Frame:
    return frame(np.full((areas, n), 50.0), [start] * treated + [n] * (areas - treated), **changes)


def answer(inquiry: Inquiry | Check, effects: list[float], own: float, of: Frame, sd: float = 0.03) -> list[Check]:
    assert isinstance(inquiry, Inquiry), inquiry
    assert len(effects) == len(inquiry.asked)
    given = [np.exp(draws(np.log(effect), sd, seed)) for seed, effect in enumerate(effects)]
    return inquiry.judge(given, fit_of_effect(of, np.exp(draws(np.log(own), sd, 99))))


def test_placebo_in_space_asks_each_comparison_area_without_the_treated() -> None:
    of = did(areas=8, treated=2)
    inquiry = robustness.placebo_in_space(of, 0.95)
    assert isinstance(inquiry, Inquiry)
    assert [label for label, _ in inquiry.asked] == of.areas[2:]
    label, asked = inquiry.asked[3]
    assert asked.areas[0] == label
    assert not set(of.areas[:2]) & set(asked.areas), "what was really treated is not looked at"
    assert asked.start.tolist() == [36] + [48] * 5
    assert asked.n_treated == 1


@pytest.mark.parametrize(("false", "passed"), [(0, True), (2, True), (4, False)])
def test_placebo_in_space_counts_false_effects_and_ranks(false: int, passed: bool) -> None:
    of = did(areas=13)
    found = answer(robustness.placebo_in_space(of, 0.95), [0.8] * false + [1.0] * (12 - false), 0.7, of)[0]
    assert found.passed is passed
    assert f"Of 12 comparison areas treated as if they had the intervention, {false} showed" in found.sentence
    assert "ranks 1 of 13" in found.sentence


def test_placebo_in_space_needs_four_areas() -> None:
    found = robustness.placebo_in_space(did(areas=4), 0.95)
    assert isinstance(found, Check)
    assert found.passed is None


@pytest.mark.parametrize(("stray", "passed"), [(0.0, True), (0.1, False)])
def test_calibration_on_placebos_widens_by_their_spread(stray: float, passed: bool) -> None:
    of = did(areas=13)
    effects = [float(np.exp(stray * sign)) for sign in (-1, 1) * 6]
    found = answer(robustness.placebo_in_space(of, 0.95), effects, 0.8, of)[1]
    assert found.name == "placebo_calibration"
    assert found.passed is passed
    if not passed:  # 0.1 over 0.03 is 3.3 standard errors, and the interval is widened by it: 2.18 x 0.03 x 3.3 = 0.22
        assert "strayed 3.3 times" in found.sentence
        assert "0.64 to 0.99" in found.sentence or "0.64 to 1.00" in found.sentence


@pytest.mark.parametrize(("false", "passed"), [(1, True), (6, False)])
def test_placebo_dates(false: int, passed: bool) -> None:
    of = did()
    inquiry = robustness.placebo_dates(of, 0.95)
    assert isinstance(inquiry, Inquiry)
    assert all(asked.used[:, 36:].sum() == 0 for _, asked in inquiry.asked)
    n = len(inquiry.asked)
    assert answer(inquiry, [0.8] * false + [1.0] * (n - false), 0.7, of)[0].passed is passed


@pytest.mark.parametrize(("other", "passed"), [(0.79, True), (0.95, False)])
def test_leave_one_area_out(other: float, passed: bool) -> None:
    of = did(areas=5, treated=2)
    inquiry = robustness.leave_one_area_out(of, 0.95)
    assert isinstance(inquiry, Inquiry)
    assert [label for label, _ in inquiry.asked] == of.areas
    assert [asked.n_treated for _, asked in inquiry.asked] == [1, 1, 2, 2, 2]
    found = answer(inquiry, [0.8, 0.8, other, 0.8, 0.8], 0.8, of)[0]
    assert found.passed is passed
    assert passed or of.areas[2] in found.sentence


@pytest.mark.parametrize(("other", "passed"), [(0.81, True), (1.0, False)])
def test_alternative_shapes(other: float, passed: bool) -> None:
    of = did()
    inquiry = robustness.alternative_shapes(of, 0.95)
    assert isinstance(inquiry, Inquiry)
    assert [asked.shape for _, asked in inquiry.asked] == ["ramp", "level_and_slope", "per_period"]
    assert answer(inquiry, [0.8, other, 0.8], 0.8, of)[0].passed is passed


@pytest.mark.parametrize(("other", "passed"), [(0.81, True), (1.0, False)])
def test_shock_windows_put_back_what_the_plan_left_out(other: float, passed: bool) -> None:
    of = did()
    aside = np.zeros(of.value.shape, dtype=bool)
    aside[:, 10:14] = True
    of = replace(of, used=of.used & ~aside, set_aside=aside)
    inquiry = robustness.shock_windows(of, 0.95)
    assert isinstance(inquiry, Inquiry)
    assert inquiry.asked[0][1].used.all()
    found = answer(inquiry, [other], 0.8, of)[0]
    assert found.passed is passed
    assert found.sentence.startswith("With the periods that the plan leaves out")


def test_shock_windows_take_the_pandemic_out_where_no_window_is_named() -> None:
    inquiry = robustness.shock_windows(did(), 0.95)  # 2018-01 to 2021-12
    assert isinstance(inquiry, Inquiry)
    assert (~inquiry.asked[0][1].used[0]).sum() == 16


def test_agreement_by_hand() -> None:
    of, own = did(), Summary(0.8, 0.8, 0.7, 0.9)
    assert robustness.agree(of, own, Summary(0.85, 0.85, 0.7, 1.0)), "log 0.85 / log 0.80 = 0.73"
    assert not robustness.agree(of, own, Summary(0.9, 0.899, 0.8, 1.0)), "log 0.9 / log 0.8 = 0.48: under half"
    assert not robustness.agree(of, own, Summary(0.6, 0.6, 0.5, 0.7)), "outside the interval"


@pytest.mark.parametrize(
    ("slope", "weight", "passed"), [(0.02, 1.0, True), (-0.02, 1.0, True), (-0.2, 1.0, False), (-0.02, 0.2, False)]
)
def test_breakdown_sets_the_finding_against_the_drift_before(slope: float, weight: float, passed: bool) -> None:
    of = did()
    own = fit_of_effect(of, np.exp(draws(np.log(0.8), 0.03)))
    found = checks.breakdown(of, own, slope, weight, 2.0, 0.95)
    # The interval ends at log 0.8 + 1.96 x 0.03 = -0.164: apart by 18%, and 0.164 / (0.02 x 2) = 4.1 times the drift.
    # Where the prior has shrunk the drift to a fifth, it is five times as large: 0.2 a year, enough to overturn.
    assert found.passed is passed
    assert "by 18% on average" in found.sentence
    if slope == -0.02 and passed:
        assert "4.1 times" in found.sentence
    assert found.towards == ("" if passed else "lower")


def test_breakdown_of_an_unclear_finding_says_nothing() -> None:
    of = did()
    assert checks.breakdown(of, fit_of_effect(of, draws(1.0, 0.1)), 0.1, 1.0, 2.0, 0.95).passed is None


def test_breakdown_needs_a_drift_that_the_data_can_show() -> None:
    of = did()
    own = fit_of_effect(of, np.exp(draws(np.log(0.8), 0.03)))
    found = checks.breakdown(of, own, -0.01, 0.04, 2.0, 0.95)
    assert found.passed is None and "could hardly have shown a drift" in found.sentence


def counts(spread: float, seed: int = 4) -> Frame:
    """Sixty months of two areas; ``spread`` is what single months differ by beyond chance."""
    rng = np.random.default_rng(seed)
    mean = 60.0 * np.exp(spread * rng.choice([-1.0, 1.0], size=(2, 60)))
    return frame(rng.poisson(mean), [40, 60])


def task(of: Frame) -> Task:
    return Task(write_design(of), Sampler(2, 1, 1), 5)


def test_each_observation_is_predicted_from_the_others() -> None:
    assert loo.loo_pit(counts(0.0), task(counts(0.0))).passed
    quiet = counts(0.0)
    # A prior that forbids noise meets months that jump by 60%: the prediction of a left-out month is far too narrow.
    stiff = replace(counts(0.6), priors=replace(quiet.priors, noise_median=0.001, noise_log_sd=0.05, period_sd=0.01))
    assert loo.loo_pit(stiff, task(stiff)).passed is False


def scores(seed: int = 6) -> Frame:
    """Sixty months of one area's score around 10, with an error of 1."""
    value = 10.0 + np.random.default_rng(seed).normal(size=(1, 60))
    return frame(value, [40], design="its", likelihood="normal")


def test_each_score_is_predicted_from_the_others() -> None:
    of = scores()
    assert loo.loo_pit(of, task(of)).passed
    stiff = replace(of, priors=replace(of.priors, noise_median=0.05, noise_log_sd=0.05))
    assert loo.loo_pit(stiff, task(stiff)).passed is False


def test_a_left_out_score_follows_from_the_joint_normal_of_all() -> None:
    posterior = Posterior(task(scores()).data)
    point = np.full(len(posterior.names), 0.3)
    mean, variance = posterior.leave_one_out(point, posterior.find_mode(point))
    prior, value = posterior.gaussian(point), posterior.values(point)
    own = prior.level_sd**2 + value["score_sd"] ** 2 * value["score_rho"] ** posterior.lag
    if prior.drift_sd:
        own = own + prior.drift_sd**2 * np.outer(posterior.arrays["year"], posterior.arrays["year"])
    loadings = np.concatenate([prior.shared, prior.effects[0]], axis=1)
    precision = np.linalg.inv(own + loadings @ loadings.T)
    away = posterior.arrays["value"][0] - prior.mean[0] - prior.effect_mean[0]
    np.testing.assert_allclose(1.0 / np.diag(precision), variance[0], rtol=1e-6)
    expected = posterior.arrays["value"][0] - (precision @ away) / np.diag(precision)
    np.testing.assert_allclose(expected, mean[0], rtol=1e-6)


def test_priors_that_forbid_what_the_data_do_are_seen() -> None:
    calm = counts(0.0)
    assert loo.prior_predictive(calm, task(calm)).passed
    stiff = replace(counts(0.6), priors=replace(calm.priors, noise_median=0.001, noise_log_sd=0.05, period_sd=0.01))
    found = loo.prior_predictive(stiff, task(stiff))
    assert found.passed is False
    assert "far more than the priors allow" in found.sentence


@pytest.mark.parametrize(("stray", "passed"), [(0.0, True), (0.1, False)])
def test_dates_stand_in_for_areas_that_are_not_there(stray: float, passed: bool) -> None:
    of = frame(np.full((1, 60), 50.0), [48], design="its")
    inquiry = robustness.placebo_dates(of, 0.95)
    assert isinstance(inquiry, Inquiry)
    effects = [float(np.exp(stray * (-1) ** i)) for i in range(len(inquiry.asked))]
    found = answer(inquiry, effects, 0.8, of)[1]
    assert found.name == "date_calibration"
    assert found.passed is passed
    assert found.widened is not None
    assert found.widened["kind"] == "date"
    assert found.widened["placebos"] == len(inquiry.asked) == 8
    # Eight false starts count as four: t quantile 2.776, standard error 0.03, and 0.1 / 0.03 = 3.3 times as far.
    half = 2.776 * 0.03 * (3.33 if stray else 1.0)
    assert found.widened["upper"] == pytest.approx(np.exp(np.log(0.8) + half), rel=0.03)


def test_where_areas_can_calibrate_dates_do_not() -> None:
    of = did(areas=12)
    inquiry = robustness.placebo_dates(of, 0.95)
    assert isinstance(inquiry, Inquiry)
    assert len(answer(inquiry, [1.0] * len(inquiry.asked), 0.8, of)) == 1
