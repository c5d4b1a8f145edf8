"""Pooling: against arithmetic by hand, in simulation, and on portfolios in which nothing works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.inference.portfolio import (
    Effect,
    Offer,
    allocate,
    chance_of_luck,
    expect_luck,
    gather_effects,
    pool_effects,
)
from models import portfolio

NULL = Effect("a", "assaults", None, 0.0, 0.1, 0.0, 0.25, -1, "no_clear_effect")


def posterior_of(estimate: float, sd: float, plan: str = "a", kind: str | None = None) -> Effect:
    """The posterior under the sceptical prior of an estimate with this standard error."""
    variance = 1 / (1 / sd**2 + 1 / 0.25**2)
    return replace(NULL, plan=plan, kind=kind, mean=variance * estimate / sd**2, sd=variance**0.5)


def test_one_effect_without_spread_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # With no spread there is one effect with the prior Normal(0, 0.25), measured twice.
    monkeypatch.setattr(portfolio, "SPREADS", np.zeros(1))
    found = portfolio.pool(np.array([-0.2, -0.1]), np.diag([0.01, 0.04]))
    precision = 1 / 0.0625 + 1 / 0.01 + 1 / 0.04
    assert found.mean == pytest.approx([(-0.2 / 0.01 - 0.1 / 0.04) / precision] * 2)
    assert found.sd == pytest.approx([precision**-0.5] * 2)
    assert found.overall_mean == pytest.approx(found.mean[0])
    assert found.overall_sd == pytest.approx(precision**-0.5)


def test_halving_the_steps_of_the_grid_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    estimates, errors = np.array([-0.4, -0.1, 0.0, 0.05, 0.1]), np.diag([0.15, 0.05, 0.05, 0.1, 0.2]) ** 2
    coarse = portfolio.pool(estimates, errors)
    monkeypatch.setattr(portfolio, "SPREADS", np.linspace(0.0, 4 * portfolio.SPREAD_SCALE, 49))
    fine = portfolio.pool(estimates, errors)
    assert np.abs(coarse.mean - fine.mean).max() < 0.001


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="covariance"):
        portfolio.pool(np.zeros(3), np.eye(2))
    with pytest.raises(ValueError, match="groups"):
        portfolio.pool(np.zeros(3), np.eye(3), [[0, 1]])


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.15])
def test_pooling_has_a_smaller_error_than_separate_fits(spread: float) -> None:
    rng = np.random.default_rng(11)
    together = apart = 0.0
    for _ in range(60):
        truth = rng.normal(-0.03, spread, 8)
        errors = rng.uniform(0.04, 0.2, 8)
        effects = [
            posterior_of(y, s, f"p{i}") for i, (y, s) in enumerate(zip(rng.normal(truth, errors), errors, strict=True))
        ]
        pooled = pool_effects(effects)
        together += np.mean(
            [(pooled[e.plan, e.indicator]["log_mean"] - t) ** 2 for e, t in zip(effects, truth, strict=True)]
        )
        apart += np.mean([(e.mean - t) ** 2 for e, t in zip(effects, truth, strict=True)])
    assert together < apart


def test_a_portfolio_in_which_nothing_works_has_no_winners_once_pooled() -> None:
    rng = np.random.default_rng(5)
    winners = 0
    for _ in range(60):
        errors = rng.uniform(0.05, 0.2, 10)
        effects = [
            posterior_of(y, s, f"p{i}") for i, (y, s) in enumerate(zip(rng.normal(0, errors), errors, strict=True))
        ]
        winners += sum(found["upper"] < 0 for found in pool_effects(effects).values())
    assert winners / 600 < 0.01


def test_a_lucky_small_scheme_is_pulled_back_further_than_a_large_one() -> None:
    effects = [posterior_of(-0.4, 0.2, "small"), posterior_of(-0.4, 0.03, "large")]
    effects += [posterior_of(0.0, 0.05, f"p{i}") for i in range(5)]
    pooled = pool_effects(effects)
    assert pooled["small", "assaults"]["log_mean"] > pooled["large", "assaults"]["log_mean"] + 0.1


def test_kinds_are_pooled_together_where_there_are_three() -> None:
    others = [posterior_of(0.0, 0.03, f"q{i}", "campaign") for i in range(4)]
    mentors = [posterior_of(-0.3, 0.05, f"m{i}", "mentoring") for i in range(3)]
    weak = posterior_of(0.0, 0.22, "new", "mentoring")
    alone = pool_effects([*others, *mentors, replace(weak, kind=None)])["new", "assaults"]["log_mean"]
    kin = pool_effects([*others, *mentors, weak])["new", "assaults"]["log_mean"]
    assert kin < alone - 0.02


def test_a_rise_that_is_better_is_turned_round() -> None:
    effects = [posterior_of(-0.2, 0.05, f"p{i}") for i in range(3)]
    rises = replace(posterior_of(0.2, 0.2, "score"), better=1)
    found = pool_effects([*effects, rises])["score", "assaults"]
    assert found["log_mean"] > 0.1
    assert found["prob_benefit"] > 0.9


def test_too_few_effects_are_not_pooled() -> None:
    assert pool_effects([NULL, NULL]) == {}
    assert pool_effects([replace(NULL, sd=0.25)] * 5) == {}


@given(st.floats(0.02, 0.24), st.floats(0.8, 0.99))
def test_luck_alone_against_simulation_in_closed_form(sd: float, promising: float) -> None:
    effect = replace(NULL, sd=sd, promising=promising)
    found = chance_of_luck(effect)
    # The sceptical prior makes luck rarer than the threshold says.
    assert 0 <= found <= 1 - min(promising, 0.975) + 1e-9


def test_luck_by_simulation() -> None:
    rng = np.random.default_rng(1)
    error = 0.12
    variance = 1 / (1 / error**2 + 1 / 0.25**2)
    means = variance * rng.normal(0, error, 400_000) / error**2
    graded = np.mean(means / np.sqrt(variance) < -1.4395)  # probability of benefit 0.925
    assert chance_of_luck(posterior_of(0.0, error)) == pytest.approx(graded, abs=0.001)


def test_expected_luck_adds_up() -> None:
    promising = replace(NULL, grade="promising")
    found = expect_luck([promising, NULL, NULL])
    chance = chance_of_luck(NULL)
    assert found == {
        "findings": 3, "found": 1, "expected": pytest.approx(3 * chance), "as_many": pytest.approx(1 - (1 - chance) ** 3),
    }  # fmt: skip


def test_effects_are_gathered_without_checks_and_failures() -> None:
    log = {"mean": -0.1, "sd": 0.1, "prior_mean": 0.0, "prior_sd": 0.25, "better": -1}
    entries = {
        "a": {"role": "primary", "grade": "promising", "interval": 0.95, "log_rate_ratio": log},
        "b": {"role": "unaffected", "grade": None, "interval": 0.95, "log_rate_ratio": log},
        "c": {"role": "secondary", "grade": "not_estimated", "interval": 0.95, "log_rate_ratio": None},
    }
    assert [e.indicator for e in gather_effects({"p": {"indicators": entries}}, {})] == ["a"]


def offer(plan: str, cost: float, log_mean: float, sd: float = 0.01) -> Offer:
    return Offer(plan, cost, 1000.0, 1000.0, log_mean, sd)


def test_the_best_affordable_set_by_hand() -> None:
    # Worth about 95,163 for a fall of 0.1 in the log; 48,771 for 0.05.
    offers = [offer("a", 60_000, -0.1), offer("b", 30_000, -0.05), offer("c", 30_000, -0.05), offer("d", 10_000, 0.0)]
    assert allocate(offers, 60_000, 1, 0.925)["chosen"] == ["b", "c"]
    assert allocate(offers, 90_000, 1, 0.925)["chosen"] == ["a", "b"] or allocate(offers, 90_000, 1, 0.925)[
        "chosen"
    ] == ["a", "c"]
    assert allocate(offers, 1e6, 1, 0.925)["chosen"] == ["a", "b", "c"]
    assert allocate(offers, 5_000, 1, 0.925)["chosen"] == []


def test_where_nothing_works_nothing_is_bought() -> None:
    assert allocate([offer(f"p{i}", 10_000, 0.0, 0.02) for i in range(5)], 1e6, 1, 0.925)["chosen"] == []
    assert allocate([], 100.0, 1, 0.925)["chosen"] == []


def test_what_is_bought_on_balance_is_not_shown_to_pay() -> None:
    # Worth 48,771 for a fall of 0.05: b costs half of that and is known well, c as much but is hardly known.
    offers = [offer("b", 25_000, -0.05, 0.005), offer("c", 25_000, -0.05, 0.1), offer("d", 60_000, -0.05, 0.005)]
    found = allocate(offers, 1e6, 1, 0.925)
    assert found["chosen"] == ["b", "c"]
    assert found["shown"] == ["b"]
    assert allocate(offers, 1e6, 1, 0.55)["shown"] == ["b", "c"]


def test_many_offers_are_taken_by_value_for_money() -> None:
    found = allocate([offer(f"p{i}", 10_000, -0.05 if i < 3 else 0.0) for i in range(20)], 25_000, 1, 0.925)
    assert found["exact"] is False
    assert len(found["chosen"]) == 2
    assert found["cost"] <= 25_000
