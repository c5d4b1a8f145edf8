"""Money recomputed by hand, as a spreadsheet would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.judgement.value import (
    Stakes,
    appraise,
    discount_factors,
    pays_curve,
    uplifted,
    value_of_as_much_again,
    value_of_perfect_information,
)
from evaluation.protocol.plan import Costs


def stakes(averted, mean: float = -0.1, sd: float = 0.1, prior: float = 0.25, expected=(1000.0,)) -> Stakes:
    return Stakes(np.asarray(averted, dtype=float), mean, sd, prior, np.asarray(expected))


def test_discounting_by_hand() -> None:
    assert discount_factors(3) == pytest.approx([1.0, 0.9661836, 0.9335107], abs=1e-7)


def test_net_present_value_by_hand() -> None:
    # Two draws: 10 then 20 averted, and 0 then -10; at 1,000 pounds each against a cost of 15,000.
    found = appraise(stakes([[10, 20], [0, -10]], expected=(100, 100)), 1000.0, 15000.0, 0.95)
    first, second = 10_000 + 20_000 / 1.035 - 15_000, -10_000 / 1.035 - 15_000
    assert found["npsv"]["mean"] == pytest.approx((first + second) / 2)
    assert found["prob_pays"] == 0.5
    assert found["break_even_events"] == 15
    assert found["averted_by_year"] == [5, 5]
    assert found["value_of_perfect_information"] == pytest.approx(first / 2 - max((first + second) / 2, 0))
    # The spreadsheet: means by year, discounted, times the unit cost, less the cost.
    sheet = sum(a / 1.035**y for y, a in enumerate(found["averted_by_year"])) * 1000 - 15_000
    assert found["npsv"]["mean"] == pytest.approx(sheet)


def test_break_even_value_pays_in_half_the_draws() -> None:
    averted = np.random.default_rng(1).normal(50, 10, size=(4001, 1))
    found = appraise(stakes(averted), 100.0, 20_000.0, 0.95)
    assert float(np.mean(found["break_even_value"] * averted > 20_000)) == pytest.approx(0.5, abs=0.001)


def test_no_value_breaks_even_where_events_were_added() -> None:
    assert appraise(stakes([[-5], [-1]]), 100.0, 20.0, 0.95)["break_even_value"] is None


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=30), st.floats(1, 1e5))
def test_the_curve_never_falls_and_never_passes_the_probability_of_benefit(averted, cost) -> None:
    draws = np.array(averted)
    curve = [p["probability"] for p in pays_curve(draws, cost, [0, 10, 100, 1e4, 1e9])]
    assert curve == sorted(curve)
    assert curve[0] == 0
    assert curve[-1] <= np.mean(draws > 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_perfect_information_is_never_worth_less_than_nothing_nor_more_than_the_best(net) -> None:
    found = value_of_perfect_information(np.array(net))
    assert 0 <= found <= np.mean(np.abs(net)) + 1e-6


def test_perfect_information_is_worth_nothing_once_the_sign_is_known() -> None:
    assert value_of_perfect_information(np.array([1.0, 2.0, 3.0])) == pytest.approx(0)
    assert value_of_perfect_information(np.array([-1.0, -2.0])) == 0
    assert value_of_perfect_information(np.array([-1.0, 1.0])) == 0.5


def test_more_evidence_is_worth_less_than_perfect_evidence_and_more_than_none() -> None:
    rng = np.random.default_rng(2)
    log_ratio = rng.normal(-0.05, 0.1, size=(200_000, 1))
    of = Stakes(1000.0 * (1 - np.exp(log_ratio)), -0.05, 0.1, 0.25, np.array([1000.0]))
    found = appraise(of, 100.0, 5000.0, 0.95)
    assert 0 < found["value_of_as_much_again"] < found["value_of_perfect_information"]


def test_value_of_as_much_again_against_simulation() -> None:
    mean, sd, prior = -0.05, 0.1, 0.25
    information = 1 / sd**2 - 1 / prior**2
    later = 1 / (1 / prior**2 + 2 * information)
    rng = np.random.default_rng(3)
    # The truth, an independent second set of data as informative as the first, and the updated mean.
    truth = rng.normal(mean, sd, 400_000)
    again = rng.normal(truth, information**-0.5)
    updated = later * (mean / sd**2 + again * information)
    net = 100.0 * 1000.0 * (1 - np.exp(updated + later / 2)) - 5000.0
    simulated = np.mean(np.maximum(net, 0)) - max(net.mean(), 0)
    exact = value_of_as_much_again(stakes([[0.0]], mean, sd, prior), 1000.0, 100.0, 5000.0)
    assert exact == pytest.approx(simulated, rel=0.02)


def test_no_information_gives_no_value_of_more() -> None:
    assert value_of_as_much_again(stakes([[0.0]], 0.0, 0.25, 0.25), 1000.0, 100.0, 5000.0) == 0


def test_optimism_bias_raises_estimates_only() -> None:
    spent = Costs(total=100.0, price_year="2023-24")
    assert uplifted(spent) == (100.0, 0.0)
    guess = Costs(total=100.0, price_year="2023-24", basis="estimate")
    assert uplifted(guess) == (pytest.approx(141.0), 0.41)
    own = Costs.model_validate(
        {
            "total": 100,
            "price_year": "2023-24",
            "basis": "estimate",
            "optimism_bias": {"share": 0.1, "because": "past schemes"},
        }
    )
    assert uplifted(own) == (pytest.approx(110.0), 0.1)
    years = Costs(total=100.0, price_year="2023-24", by_year=[50.0, 50.0])
    assert uplifted(years)[0] == pytest.approx(50 + 50 / 1.035)
