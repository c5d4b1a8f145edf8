"""Cost against effect, and the decision that follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evaluation.judgement import economics
from evaluation.judgement.findings import LEVELS, RATINGS
from evaluation.judgement.prices import Prices
from evaluation.protocol import Indicator, Plan
from tests.protocol.example_review import plan_like_outreach

UNIT_COST = {"value": 2000, "price_year": "2015-16", "source": "Home Office RR99"}
DECISIONS = {"continue", "expand", "adapt", "pause", "stop", "keep_measuring"}


def plan(**changes: Any) -> Plan:
    return Plan.model_validate(plan_like_outreach(**({"costs": {"total": 150_000, "price_year": "2023-24"}} | changes)))


def indicator(**changes: Any) -> Indicator:
    return Indicator.model_validate({"key": "assaults", "title": "Recorded assaults", "unit": "assaults"} | changes)


def entry(rating: str = "benefit", averted: tuple[float, float, float] | None = (50, 100, 300)) -> dict[str, Any]:
    summary = (
        None
        if averted is None
        else dict(zip(("lower", "median", "upper"), averted, strict=True)) | {"mean": averted[1]}
    )
    return {"rating": rating, "confidence": "moderate", "events_averted": summary}


def test_the_quantiles_of_the_cost_are_the_events_reversed() -> None:
    found = economics.weigh(plan(), indicator(unit_cost=UNIT_COST), entry())
    assert found["cost_per_event_averted"] == {"median": 1500.0, "lower": 500.0, "upper": 3000.0}
    assert found["break_even_events"] == 75.0
    assert found["sentence"] == (
        "It cost £150,000 (2023-24 prices). That is about £1,500 for each of the assaults avoided (£500 to £3,000)."
        " At £2,000 for each (2015-16 prices, not uprated; Home Office RR99), 75 assaults avoided would repay it."
    )


def test_the_unit_cost_is_brought_to_the_year_of_the_costs() -> None:
    """Deflators 80 and 100: £2,000 of 2015-16 are £2,500 of 2023-24, and 150,000 / 2,500 = 60."""
    prices = Prices({}, {2015: 80.0, 2016: 80.0, 2023: 100.0, 2024: 100.0}, "made up")
    found = economics.weigh(plan(), indicator(unit_cost=UNIT_COST), entry(), prices=prices)
    assert found["unit_cost_uprated"] == pytest.approx(2500.0)
    assert found["break_even_events"] == pytest.approx(60.0)
    assert (
        "At £2,500 for each (2023-24 prices; Home Office RR99), 60 assaults avoided would repay it."
        in found["sentence"]
    )


def test_the_cost_of_draws_has_these_quantiles() -> None:
    events = np.random.default_rng(4).gamma(20, 5, size=20_001)
    lower, median, upper = np.quantile(events, [0.025, 0.5, 0.975])
    found = economics.weigh(plan(), indicator(), entry(averted=(lower, median, upper)))["cost_per_event_averted"]
    direct = np.quantile(150_000 / events, [0.025, 0.5, 0.975])
    assert [found["lower"], found["median"], found["upper"]] == pytest.approx(list(direct), rel=1e-3)


@pytest.mark.parametrize(
    ("rating", "averted"),
    [(rating, (50, 100, 300)) for rating in sorted(set(RATINGS) - {"benefit"})]
    + [("benefit", (-1, 100, 300)), ("benefit", (0, 100, 300)), ("benefit", None), ("harm", (-300, -100, -50))],
)
def test_no_cost_per_event_unless_events_were_averted(rating: str, averted: tuple[float, float, float] | None) -> None:
    found = economics.weigh(plan(), indicator(), entry(rating, averted))
    assert found["cost_per_event_averted"] is None
    assert "No cost per incident avoided is given: the finding is not one of fewer assaults." in found["sentence"]


def test_more_of_a_good_thing_has_no_cost_per_event_avoided() -> None:
    found = economics.weigh(plan(), indicator(direction="higher_is_better"), entry())
    assert found["cost_per_event_averted"] is None


def test_more_of_a_good_thing_is_not_repaid_by_avoiding_it() -> None:
    good = indicator(direction="higher_is_better", unit="referrals", unit_cost=UNIT_COST)
    assert "referrals avoided would repay" not in economics.weigh(plan(), good, entry())["sentence"]


def test_without_costs_nothing_is_said() -> None:
    found = economics.weigh(plan(costs=None), indicator(unit_cost=UNIT_COST), entry())
    assert found["sentence"] == "No costs were given, so nothing can be said about value for money."
    assert found["total_cost"] is None
    assert found["break_even_events"] is None
    assert found["cost_per_event_averted"] is None


def test_without_a_unit_cost_or_with_a_free_event_there_is_no_break_even() -> None:
    assert economics.weigh(plan(), indicator(), entry())["break_even_events"] is None
    free = economics.weigh(plan(), indicator(unit_cost=UNIT_COST | {"value": 0}), entry())
    assert free["break_even_events"] is None
    assert "repay" not in free["sentence"]


def test_the_plan_decides_before_the_rule() -> None:
    own = plan(decision={"recommended": "stop", "because": "the money ran out"})
    assert economics.decide(own, entry()) == {"recommended": "stop", "source": "plan", "because": "the money ran out"}


@pytest.mark.parametrize(
    ("rating", "confidence", "recommended"),
    [
        ("benefit", "high", "continue"), ("benefit", "moderate", "continue"), ("benefit", "low", "keep_measuring"),
        ("harm", "high", "stop"), ("harm", "moderate", "pause"), ("harm", "low", "adapt"),
        ("no_meaningful_effect", "high", "adapt"), ("no_meaningful_effect", "moderate", "adapt"),
        ("no_meaningful_effect", "low", "keep_measuring"),
    ],
)  # fmt: skip
def test_the_rule(rating: str, confidence: str, recommended: str) -> None:
    found = economics.decide(plan(), {"rating": rating, "confidence": confidence})
    assert (found["recommended"], found["source"]) == (recommended, "rule")


@pytest.mark.parametrize("rating", RATINGS)
@pytest.mark.parametrize("confidence", LEVELS)
def test_every_finding_leads_to_a_decision(rating: str, confidence: str) -> None:
    found = economics.decide(plan(), {"rating": rating, "confidence": confidence})
    assert found["recommended"] in DECISIONS
    if rating in ("unclear", "too_small_to_tell", "failed"):
        assert found["recommended"] == "keep_measuring"
