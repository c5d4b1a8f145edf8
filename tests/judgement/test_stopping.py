"""The stopping rule: what it says of one look, and that repeated looks are paid for in the error rates printed."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.judgement.stopping import decide, simulate_errors
from evaluation.protocol.plan import Stopping

RULE = Stopping()
WORTH = float(np.log(0.95))


def test_harm_is_asked_first_and_futility_last() -> None:
    assert decide(0.02, 0.98, 0.01, RULE) == "harm"
    assert decide(0.995, 0.005, 0.9, RULE) == "success"
    assert decide(0.6, 0.4, 0.04, RULE) == "futility"
    assert decide(0.6, 0.4, 0.5, RULE) == "go on"


def test_one_look_errs_as_often_as_its_threshold_says_under_a_flat_prior() -> None:
    errors = simulate_errors([200.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    assert errors["harm"] == pytest.approx(0.05, abs=0.006)
    assert errors["success"] == pytest.approx(0.01, abs=0.003)
    assert sum(errors.values()) == pytest.approx(1.0)


def test_more_looks_err_more_often_and_the_rates_say_so() -> None:
    one = simulate_errors([400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    many = simulate_errors([100.0, 200.0, 300.0, 400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    assert many["harm"] > 1.3 * one["harm"]  # less than without futility, which ends some paths before they err


def test_looks_without_news_decide_nothing_new() -> None:
    one = simulate_errors([400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    same = simulate_errors([400.0, 400.0, 400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    assert same["harm"] == pytest.approx(one["harm"], abs=0.005)


def test_a_strong_benefit_is_mostly_found() -> None:
    errors = simulate_errors([100.0, 400.0], RULE, 0.0, 0.25, WORTH, float(np.log(0.7)), 1)
    assert errors["success"] > 0.95
    assert errors["harm"] < 0.001
