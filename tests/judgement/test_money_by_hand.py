"""Every figure of the `economics` object recomputed as in a spreadsheet: plain arithmetic, nothing of `value` is imported."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import evaluation.judgement
from evaluation.judgement.dossier import Material, weigh_money
from evaluation.judgement.economics import weigh
from evaluation.judgement.prices import read_prices
from evaluation.protocol import Indicator, Plan
from tests.inference.fabricated import fit_of_effect, frame
from tests.protocol.example_review import plan_like_outreach

TABLES = Path(evaluation.judgement.__file__).parent / "tables"


def deflator(financial_year: str) -> float:
    with (TABLES / "deflators.csv").open(encoding="utf-8") as file:
        index = {row["year"]: float(row["index"]) for row in csv.DictReader(file)}
    first = int(financial_year[:4])
    return 0.75 * index[str(first)] + 0.25 * index[str(first + 1)]


def case(log_effect: np.ndarray, offence: str = "violence_with_injury", **costs):
    """One area, 36 months before and 24 after, 50 offences expected a month; effect per draw."""
    of = frame(np.full((2, 60), 50.0), [36, 60], n_treated=1)
    own = Material(of, fit_of_effect(of, np.exp(log_effect).reshape(2, -1)))
    indicator = Indicator.model_validate(
        {"key": "assaults", "title": "Assaults", "unit": "assaults", "unit_cost": {"offence": offence}}
    )
    plan = Plan.model_validate(plan_like_outreach(costs={"total": 300_000, "price_year": "2022-23"} | costs))
    review = SimpleNamespace(indicators={"assaults": indicator})
    return weigh_money(plan, review, own, read_prices(Path("none")), 0.95)


DRAWS = np.random.default_rng(3).normal(-0.12, 0.1, 4000)


def test_the_whole_sheet() -> None:
    found = case(DRAWS)["value"]
    # Column by column: events averted in year 0 and year 1 of each draw (12 months of 50, times what is averted).
    yearly = [600.0 * (1.0 - float(np.exp(e))) for e in DRAWS]
    price = 14050.0 * deflator("2022-23") / deflator("2015-16")
    worth = [price * (a + a / 1.035) for a in yearly]
    net = [w - 300_000.0 for w in worth]
    assert found["unit_cost"] == pytest.approx(price)
    assert found["cost_present_value"] == 300_000
    assert found["averted_by_year"] == pytest.approx([statistics.fmean(yearly)] * 2)
    assert found["benefit_present_value"]["median"] == pytest.approx(statistics.median(worth))
    assert found["npsv"]["mean"] == pytest.approx(statistics.fmean(net))
    assert found["npsv"]["median"] == pytest.approx(statistics.median(net))
    ordered = sorted(net)
    assert found["npsv"]["lower"] == pytest.approx(ordered[100], rel=0.05)
    assert found["npsv"]["upper"] == pytest.approx(ordered[3899], rel=0.05)
    assert found["prob_pays"] == sum(n > 0 for n in net) / 4000
    # Break-even: the price at which the median draw pays, and the discounted events that repay the cost.
    assert found["break_even_value"] == pytest.approx(300_000 / statistics.median(a + a / 1.035 for a in yearly))
    assert found["break_even_events"] == pytest.approx(300_000 / price)
    # Perfect information: in each draw one would know whether to pay; now one decides once.
    knowing, now = statistics.fmean(max(n, 0.0) for n in net), max(statistics.fmean(net), 0.0)
    assert found["value_of_perfect_information"] == pytest.approx(knowing - now)
    for point in found["pays_curve"]:
        v = point["value"]
        assert point["probability"] == sum(v * (a + a / 1.035) > 300_000 for a in yearly) / 4000


def test_as_much_evidence_again_by_drawing_it() -> None:
    found = case(DRAWS)["value"]
    mean, sd, prior = float(DRAWS.mean()), float(DRAWS.std()), 0.25
    noise = (1 / sd**2 - 1 / prior**2) ** -0.5  # standard error of what the data alone said, and would say again
    rng = np.random.default_rng(4)
    truth = rng.normal(mean, sd, 300_000)
    again = rng.normal(truth, noise)
    weight = sd**2 / (sd**2 + noise**2)
    after, left = mean + weight * (again - mean), sd * (1 - weight) ** 0.5
    price = 14050.0 * deflator("2022-23") / deflator("2015-16")
    net = price * 600 * (1 + 1 / 1.035) * (1 - np.exp(after + left**2 / 2)) - 300_000
    simulated = np.maximum(net, 0).mean() - max(net.mean(), 0)
    assert found["value_of_as_much_again"] == pytest.approx(simulated, rel=0.03)
    assert found["value_of_as_much_again"] < found["value_of_perfect_information"]


def test_costs_by_year_optimism_bias_and_who_benefits() -> None:
    found = case(DRAWS, "homicide", total=100_000, by_year=[60_000, 40_000], basis="estimate")["value"]
    assert found["cost_present_value"] == pytest.approx(1.41 * (60_000 + 40_000 / 1.035))
    parts = found["beneficiaries"]
    total = found["benefit_present_value"]["median"]
    assert parts["median"]["police"] == pytest.approx(total * 11_960 / 3_217_740)
    assert parts["median"]["justice"] == pytest.approx(total * 800_980 / 3_217_740)
    assert parts["not_divided"] == pytest.approx(total * (3_217_740 - 11_960 - 800_980) / 3_217_740)
    assert case(DRAWS)["value"]["beneficiaries"]["median"] == {}, "not divided by the source: nothing is made up"


@pytest.mark.parametrize("year", ["2024-25", "2025-26", "2009-10"])
def test_a_year_beyond_the_deflators_gives_no_value_and_says_which(year: str) -> None:
    found = case(DRAWS, price_year=year)
    assert found["value"] is None
    assert f"do not hold {year}" in found["value_sentence"]
    assert "from 2010 to 2024" in found["value_sentence"]


@pytest.mark.parametrize("rating", ["unclear", "harm", "too_small_to_tell", "no_meaningful_effect"])
def test_there_is_no_ratio_where_the_effect_is_not_a_benefit(rating: str) -> None:
    plan = Plan.model_validate(plan_like_outreach(costs={"total": 300_000, "price_year": "2022-23"}))
    indicator = Indicator(key="assaults", title="Assaults", unit="assaults")
    averted = {"mean": 30.0, "median": 30.0, "lower": -20.0, "upper": 80.0}
    for name in (rating, "benefit"):
        found = weigh(plan, indicator, {"rating": name, "events_averted": averted})
        assert found["cost_per_event_averted"] is None
    assert case(np.random.default_rng(1).normal(0, 0.1, 4000))["value"]["pays_curve"], "the curve is there all the same"


def test_an_effect_that_adds_events_never_pays() -> None:
    found = case(np.abs(DRAWS) + 0.01)["value"]
    assert found["prob_pays"] == 0
    assert found["break_even_value"] is None
    assert found["npsv"]["upper"] < -300_000
