"""What the prior of the effect contributed, on fabricated draws whose answer can be worked out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.inference.checks import Check, Refit
from evaluation.inference.design import write_design
from evaluation.inference.engine import Sampler, Task
from evaluation.inference.frame import Frame, Priors
from evaluation.inference.sensitivity import SENSITIVE, power_scaling, prior_sensitivity
from tests.inference.fabricated import draws, fit_of_effect, frame


def did(**changes) -> Frame:
    return frame(np.full((3, 48), 50.0), [36, 48, 48], **changes)


@pytest.mark.parametrize(
    ("wide", "passed"),
    [((0.85, 0.05), True), ((0.85, 0.06), True), ((0.85, 0.1), False), ((0.75, 0.05), False), ((1.0, 0.3), False)],
    ids=["same", "a little wider", "now holds no effect", "moved", "undone"],
)
def test_prior_sensitivity(wide: tuple[float, float], passed: bool) -> None:
    of = did()
    refit = prior_sensitivity(of, 0.95)
    assert isinstance(refit, Refit)
    assert refit.frame.priors.effect_sd == 2 * of.priors.effect_sd
    own, other = fit_of_effect(of, draws(0.85, 0.05)), fit_of_effect(of, draws(*wide, seed=2))
    found = refit.judge(other, own)
    assert found.passed is passed
    assert found.towards == ""


def scaled(of: Frame, mean: float, sd: float) -> Check:
    """The check of a posterior of the log effect with this mean and standard deviation."""
    log_effect = draws(mean, sd)
    zero = np.zeros_like(log_effect)
    fit = fit_of_effect(of, np.exp(log_effect), coefficient=np.stack([log_effect, zero], axis=-1))
    return power_scaling(of, Task(write_design(of), Sampler(2, 10, 10), 1), fit, 0.95)


def value(check: Check) -> float:
    return float(check.sentence.split(" is ")[1].split(" ")[0])


def test_data_that_speak_drown_the_prior() -> None:
    found = scaled(did(), -0.05, 0.02)
    assert found.passed and value(found) < SENSITIVE
    assert "the prior hardly matters" in found.sentence


def test_a_sceptical_prior_that_matters_makes_a_clear_finding_cautious() -> None:
    found = scaled(did(), -0.5, 0.15)
    assert found.passed and value(found) >= SENSITIVE
    assert "cautious" in found.sentence


def test_a_prior_that_expects_an_effect_may_not_make_one() -> None:
    of = did()
    hopeful = replace(of, priors=replace(of.priors, effect_mean=-0.5))
    assert scaled(hopeful, -0.3, 0.14).passed is False
    assert scaled(hopeful, -0.3, 0.02).passed, "the data alone say so"


def test_a_sceptical_prior_may_not_make_no_effect() -> None:
    tight = did(meaningful=0.6, priors=Priors(effect_sd=0.25))
    found = scaled(tight, -0.2, 0.15)
    assert value(found) >= SENSITIVE
    assert found.passed is False and "may be why no effect is seen" in found.sentence
    assert scaled(did(meaningful=0.9), -0.2, 0.15).passed, "no such claim is made"


def test_effects_of_their_own_have_no_one_prior() -> None:
    of = did(shape="per_period", leads=True)
    fit = fit_of_effect(of, draws(0.9, 0.05))
    assert power_scaling(of, Task(write_design(of), Sampler(2, 10, 10), 1), fit, 0.95).passed is None
