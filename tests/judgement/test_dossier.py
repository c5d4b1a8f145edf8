"""What is added to a finding: value by year, harm, joint estimates, and the decision that may follow."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.judgement import economics, overlap
from evaluation.judgement.dossier import Material, _no_value, log_rate_ratio, signed_money, weigh_harm, yearly
from evaluation.judgement.overlap import estimate_jointly
from evaluation.protocol import Indicator
from evaluation.protocol.indicator import Severity
from tests.inference.fabricated import draws, fit_of_effect, frame


def material(ratio: float = 0.8, sd: float = 0.01, **changes) -> Material:
    of = frame(np.full((2, 60), 50.0), [36, 60], n_treated=1, **changes)
    return Material(of, fit_of_effect(of, np.exp(draws(np.log(ratio), sd))))


def test_events_by_year_by_hand() -> None:
    averted, expected = yearly(material(0.8, 1e-9))
    # 24 months of 50 events, a fifth of them averted, in two years.
    assert averted.mean(axis=0) == pytest.approx([120, 120])
    assert expected.mean(axis=0) == pytest.approx([600, 600])


def test_the_log_rate_ratio_and_its_prior() -> None:
    found = log_rate_ratio(material(0.8, 0.05))
    assert found["mean"] == pytest.approx(np.log(0.8), abs=0.005)
    assert found["sd"] == pytest.approx(0.05, rel=0.1)
    assert (found["prior_sd"], found["better"]) == (0.25, -1)
    # A ramp of six months over 24: its mean is (1 + ... + 6) / 6 and 18 ones, over 24.
    ramp = log_rate_ratio(material(0.8, 0.05, shape="ramp", ramp_periods=6))
    assert ramp["prior_sd"] == pytest.approx(0.25 * (3.5 + 18) / 24)


def test_harm_with_and_without_the_heaviest() -> None:
    def indicator(key: str, weight: float) -> Indicator:
        return Indicator(key=key, title=key.capitalize(), severity=Severity(weight=weight, scale="days", source="test"))

    review = SimpleNamespace(indicators={"assault": indicator("assault", 10), "murder": indicator("murder", 5475)})
    plan = SimpleNamespace(indicators=SimpleNamespace(harm=["assault", "murder"]))
    found = weigh_harm(plan, review, {"assault": material(0.8), "murder": material(1.1)}, 0.95)
    assert found["heaviest"] == "murder"
    assert found["prob_less"] < 0.01, "the heaviest rose"
    assert found["prob_less_without"] > 0.99, "the rest fell"
    assert found["without_heaviest"]["median"] == pytest.approx(2400, rel=0.02)
    plan.indicators.harm = []
    assert weigh_harm(plan, review, {}, 0.95) is None


def test_a_loss_keeps_its_sign() -> None:
    assert signed_money(-340_000) == "−£340,000"
    assert signed_money(1_200_000) == "£1.2 million"


def panel(offset: int, own: float, other: float, shared_start: bool):
    rng = np.random.default_rng(8)
    start, second = 40, 40 if shared_start else 40 + offset
    months = np.arange(80)
    mean = np.full((5, 80), 200.0)
    mean[0] *= np.where(months >= start, own, 1.0) * np.where(months >= second, other, 1.0)
    of = frame(rng.poisson(mean), [start, 80, 80, 80, 80], n_treated=1)
    return of, {"T01": of.periods[second]}


def test_two_interventions_with_different_starts_can_be_told_apart() -> None:
    of, other = panel(20, 0.8, 0.7, shared_start=False)
    found = estimate_jointly(of, other, 1, 0.95)
    assert found["separable"]
    assert found["own"]["lower"] < 0.8 < found["own"]["upper"]
    assert found["others"]["lower"] < 0.7 < found["others"]["upper"]


def test_two_interventions_with_one_start_cannot() -> None:
    of, other = panel(0, 0.8, 0.7, shared_start=True)
    found = estimate_jointly(of, other, 1, 0.95)
    assert not found["separable"]
    assert found["joint"]["lower"] < 0.56 < found["joint"]["upper"], "what both did together is known all the same"


def test_without_a_period_in_which_both_ran_or_a_fit_nothing_is_said_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    of, _ = panel(20, 0.8, 0.7, shared_start=False)
    assert estimate_jointly(of, {"T01": "2099-01"}, 1, 0.95) is None

    def fail(*_: object) -> None:
        raise FloatingPointError("no mode was found")

    monkeypatch.setattr(overlap, "approximate", fail)
    assert estimate_jointly(*panel(20, 0.8, 0.7, shared_start=False), 1, 0.95) is None


def test_harm_of_more_than_one_scale_has_no_unit() -> None:
    def indicator(key: str, scale: str) -> Indicator:
        return Indicator(key=key, title=key, severity=Severity(weight=10, scale=scale, source="test"))

    review = SimpleNamespace(indicators={"a": indicator("a", "days"), "b": indicator("b", "points")})
    plan = SimpleNamespace(indicators=SimpleNamespace(harm=["a", "b"]))
    words = weigh_harm(plan, review, {"a": material(0.8), "b": material(0.8)}, 0.95)["sentence"]
    assert words.endswith("The weights are of more than one scale, so their sum has no unit.")
    review.indicators["b"] = indicator("b", "days")
    assert "scale" not in weigh_harm(plan, review, {"a": material(0.8), "b": material(0.8)}, 0.95)["sentence"]


def value(perfect: float, net: float) -> dict:
    return {"value": {"value_of_perfect_information": perfect, "cost_present_value": 1000.0, "npsv": {"mean": net}}}


@pytest.mark.parametrize(
    ("rating", "confidence", "perfect", "net", "expected"),
    [
        ("unclear", "moderate", 500.0, -100.0, "keep_measuring"),
        ("unclear", "moderate", 9.9, -100.0, "adapt"),
        ("unclear", "moderate", 10.0, -100.0, "keep_measuring"),
        ("unclear", "low", 0.0, -100.0, "keep_measuring"),
        ("unclear", "moderate", 0.0, 100.0, "keep_measuring"),
        ("benefit", "low", 0.0, 100.0, "keep_measuring"),
    ],
)  # fmt: skip
def test_measuring_on_has_to_be_able_to_change_something(rating, confidence, perfect, net, expected) -> None:
    plan = SimpleNamespace(decision=None)
    entry = {"rating": rating, "confidence": confidence}
    first = economics.decide(plan, entry)
    found = economics.weigh_evidence(plan, entry, first, value(perfect, net))
    assert found["recommended"] == expected
    assert ("to know the truth" in found["because"]) == (perfect >= 10)


def test_the_boards_own_decision_stands() -> None:
    own = {"recommended": "continue", "source": "plan", "because": "we want to"}
    assert economics.weigh_evidence(None, {"rating": "unclear"}, own, value(0, -1)) == own


def test_why_there_is_no_value_is_said_in_the_order_in_which_it_could_be_mended() -> None:
    own, costs, price = material(), SimpleNamespace(costs=object()), economics
    free = SimpleNamespace(costs=None)
    assert _no_value(costs, None, price, "lower_is_better") == "There is no estimate, so no value is given."
    assert _no_value(free, own, price, "lower_is_better") == "No costs were given, so no value is given."
    assert _no_value(costs, own, None, "lower_is_better") == "The indicator has no unit cost, so no value is given."
    for found in (
        _no_value(costs, own, price, "higher_is_better"),
        _no_value(costs, material(likelihood="normal"), price, "lower_is_better"),
    ):
        assert found == "The indicator does not count events to be avoided, so no value is given."
    assert _no_value(costs, own, price, "lower_is_better") is None


def test_slopes_and_scores_of_the_log_rate_ratio() -> None:
    # Over event times 0 to 23 months the mean slope term is 11.5 months of a year, with a prior of 0.25 a year.
    found = log_rate_ratio(material(0.8, 0.05, shape="level_and_slope"))
    assert found["prior_sd"] == pytest.approx(np.hypot(0.25, 0.25 * 11.5 / 12))
    assert log_rate_ratio(material(likelihood="normal")) is None


def test_scores_have_no_joint_estimate() -> None:
    of, other = panel(20, 0.8, 0.7, shared_start=False)
    assert estimate_jointly(replace(of, likelihood="normal"), other, 1, 0.95) is None
