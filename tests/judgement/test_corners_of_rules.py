"""Corners of the rules that no other test turns: each with the case beside it that is judged otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.errors import InputError
from evaluation.judgement import delivery, economics, grades, headlines
from evaluation.judgement.memory import reasons, recall
from evaluation.judgement.prices import read_prices
from evaluation.protocol import Indicator
from evaluation.protocol.partnership import Thresholds
from evaluation.protocol.plan import Plan
from tests.protocol.example_review import OUTREACH

INDICATOR = Indicator(key="assaults", title="Assaults", unit="assaults")


def plan(**changes: Any) -> Plan:
    return Plan.model_validate(OUTREACH | changes)


def test_the_printed_rules_hold_the_thresholds_of_the_review() -> None:
    shown = grades.print_rules(Thresholds())
    assert len(shown) == len(grades.GRADE_RULES)
    assert not any("{" in rule for rule, _ in shown) and any("%" in rule for rule, _ in shown)


def test_a_failed_computation_changes_nobodys_mind() -> None:
    assert headlines.change_our_mind({"rating": "failed", "disqualified_by": []}) == headlines.UNTIL_COMPUTED


@pytest.mark.parametrize(("delivered", "doubted"), [(40, True), (399, False)])
def test_hardly_any_delivery_is_a_doubt(delivered: float, doubted: bool) -> None:
    told = delivery.doubt_delivery(plan(delivery={"planned": 400, "delivered": delivered, "unit": "sessions"}))
    assert bool(told) == doubted
    if told:
        assert "40 of 400 sessions" in told[0]


def test_a_plan_for_nothing_was_delivered_in_full_and_none_says_nothing() -> None:
    nothing = {"planned": 0, "delivered": 0, "unit": "sessions"}
    found = delivery.read_delivery(plan(delivery=nothing), {"rating": "unclear"}, INDICATOR)
    assert found is not None and found["share"] == 1.0 and found["level"] == "full"
    assert (
        delivery.read_delivery(plan(), {"rating": "unclear"}, INDICATOR) is None
        and delivery.doubt_delivery(plan()) == []
    )


def test_the_dose_of_each_area_and_of_those_without_one() -> None:
    given = {"planned": 400, "delivered": 380, "unit": "sessions", "by_area": {"T01": 380}}
    found = delivery.read_delivery(plan(delivery=given), {"rating": "unclear"}, INDICATOR)
    assert found is not None and found["by_area"] == {"T01": 380.0}
    assert (
        "from 380 to 380 sessions an area" in found["sentence"]
        and "No dose is given for 1 treated areas" in found["sentence"]
    )
    whole = given | {"by_area": {"T01": 180, "T02": 200}}
    told = delivery.read_delivery(plan(delivery=whole), {"rating": "unclear"}, INDICATOR)
    assert told is not None and "No dose" not in told["sentence"]


def finding(key: str = "assaults", **changes: Any) -> dict[str, Any]:
    entry = {
        "role": "primary", "rating": "benefit", "headline": "Fewer.", "n_periods": 36, "n_areas": 5,
        "percent_change": {"median": -20.0, "lower": -30.0, "upper": -10.0},
    }  # fmt: skip
    return {
        "finding": {"indicators": {key: entry | changes}},
        "run": {"models": "a", "inputs": {"data/assaults.csv": "1"}},
    }


def test_what_was_said_last_year() -> None:
    same = recall(finding(), finding(), [])
    assert "we still say so" in same["sentence"]
    inside = recall(finding(), finding(percent_change={"median": -12.0, "lower": -22.0, "upper": -2.0}), ["treated"])
    assert (
        "inside last year's interval" in inside["sentence"] and "the plan was changed (treated)" in inside["sentence"]
    )
    outside = recall(
        finding(), finding(rating="unclear", percent_change={"median": 5.0, "lower": -2.0, "upper": 12.0}), []
    )
    assert (
        "outside last year's interval" in outside["sentence"]
        and "although nothing that we know of changed" in outside["sentence"]
    )
    assert "The rating was 'benefit' and is 'unclear'" in outside["sentence"]
    assert "no longer used" in recall(finding(), finding("other"), [])["sentence"]
    assert recall(finding(), finding(percent_change=None, headline="Not computed."), [])["says"] is None


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (finding(n_periods=48), "12 more periods are known"),
        (finding(n_periods=30), "6 fewer periods are used"),
        (finding(n_areas=6), "6 areas are used instead of 5"),
        ({**finding(), "run": {"models": "a", "inputs": {"data/assaults.csv": "2"}}}, "earlier counts were revised"),
        (
            {**finding(n_periods=48), "run": {"models": "a", "inputs": {"data/assaults.csv": "2"}}},
            "may have been revised",
        ),
        ({**finding(), "run": {"models": "b", "inputs": {}}}, "models or libraries changed"),
    ],
)
def test_why_a_finding_changed(now: dict[str, Any], words: str) -> None:
    assert any(words in reason for reason in reasons(finding(), now, "assaults", []))
    assert reasons(finding(), finding(), "assaults", []) == []


def test_the_boards_own_decision_stays_and_so_does_one_without_money() -> None:
    own = {"recommended": "keep_measuring", "source": "plan"}
    entry = {"rating": "too_small_to_tell", "confidence": "low"}
    money = {"value": {"value_of_perfect_information": 1.0, "cost_present_value": 1e6}}
    hold = economics.weigh_evidence
    assert hold(plan(), entry, own, money) == own
    rule = {"recommended": "continue", "source": "rule"}
    assert hold(plan(), entry, rule, money) == rule
    assert hold(plan(), entry, {"recommended": "keep_measuring", "source": "rule"}, {}) == {
        "recommended": "keep_measuring",
        "source": "rule",
    }


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("unit_costs.csv", "offence,value,price_year,source,quality\nrobbery,1_000,2015,x,y\n", "row 2, value"),
        ("unit_costs.csv", "offence,value,price_year,source,quality\nrobbery,1000,２０１５,x,y\n", "row 2, price_year"),
        ("unit_costs.csv", "offence,value,price_year,source,quality\na,1,2015,x,y\na,2,2015,x,y\n", "there twice"),
        ("deflators.csv", "year,index,source\n15,90,x\n", "row 2, year"),
        ("deflators.csv", "year,index,source\n2015,90,x\n2015,91,x\n", "there twice"),
    ],
)
def test_prices_that_only_look_like_prices(name: str, text: str, said: str, tmp_path: Any) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_prices(tmp_path)
    assert said in str(refused.value)
