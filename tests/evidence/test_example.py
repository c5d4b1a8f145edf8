"""The shipped example and the template: valid, in step with their truth, and rebuilt to the last byte."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from evaluation.evidence.coverage import check_data
from evaluation.evidence.example import EXAMPLE, FOLDERS, write_simulated_data
from evaluation.protocol.loading import load_review

PARAMS = Path(__file__).resolve().parents[2] / "params"
LAST_PERIOD = "2026-03"


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_the_shipped_data_are_what_the_command_writes(name: str, tmp_path: Path) -> None:
    for rewritten in write_simulated_data(tmp_path / name):
        shipped = PARAMS / name / rewritten.relative_to((tmp_path / name).resolve())
        assert rewritten.read_bytes() == shipped.read_bytes(), f"{shipped} was edited or the simulator changed"


def test_a_folder_with_another_name_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only folders called"):
        write_simulated_data(tmp_path / "our_review")
    assert not (tmp_path / "our_review").exists()


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_the_review_and_its_data_are_valid(name: str) -> None:
    review = load_review(PARAMS / name)
    assert review.settings.simulated
    assert check_data(review) == []


def test_plans_agree_with_the_truth() -> None:
    review = load_review(PARAMS / "example")
    truth = json.loads((PARAMS / "example" / "truth.json").read_text(encoding="utf-8"))
    assert truth["simulated"] is True
    evaluated = {plan: answer for plan, answer in truth["plans"].items() if answer["evaluated"]}
    assert set(evaluated) == set(review.plans)
    for plan_id, answer in evaluated.items():
        plan = review.plans[plan_id]
        assert dict(plan.treated) == answer["treated"]
        assert plan.period.washout == answer["washout"]
        assert plan.period.end == LAST_PERIOD, "the truth sums to the end of the panel"
        named = [plan.indicators.primary, *plan.indicators.secondary, *plan.indicators.unaffected]
        assert named == list(answer["indicators"])
        assert len(plan.indicators.secondary) <= 1
        for indicator in plan.indicators.unaffected:
            assert answer["indicators"][indicator]["rate_ratio"] == 1.0


def test_the_areas_are_those_that_were_simulated() -> None:
    for name, example in FOLDERS.items():
        areas = load_review(PARAMS / name).areas.areas
        for panel in example.panels.values():
            assert {code: area.population for code, area in areas.items()} == dict(panel.populations)


def test_schemes_do_not_overlap_and_comparisons_are_untouched() -> None:
    """No two schemes change one indicator in one area; no comparison area was changed by another scheme."""
    changed = {
        scheme.plan: {
            (area, key) for key, ratio in scheme.rate_ratios.items() if ratio != 1.0 for area in scheme.starts
        }
        for scheme in EXAMPLE.schemes
    }
    for one, other in combinations(changed, 2):
        assert not changed[one] & changed[other], f"{one} and {other}"
    treated = [area for scheme in EXAMPLE.schemes for area in scheme.starts]
    assert len(treated) == len(set(treated))
    review = load_review(PARAMS / "example")
    for plan_id, plan in review.plans.items():
        if plan.comparison is None:
            continue
        group = review.areas.groups[str(plan.comparison.areas)]
        comparison = set(group.areas) - set(plan.comparison.exclude) - set(plan.treated)
        assert len(comparison) >= 3
        for key in (plan.indicators.primary, *plan.indicators.secondary, *plan.indicators.unaffected):
            for other, cells in changed.items():
                assert other == plan_id or not cells & {(area, key) for area in comparison}, (
                    f"{plan_id}, {key}, {other}"
                )


def test_the_example_shows_what_it_is_there_to_show() -> None:
    truth = json.loads((PARAMS / "example" / "truth.json").read_text(encoding="utf-8"))
    primary = {plan: next(iter(answer["indicators"].values())) for plan, answer in truth["plans"].items()}
    assert primary["night_guardians"]["rate_ratio"] < 0.75
    assert primary["speak_up_campaign"]["rate_ratio"] == 1.0
    assert primary["street_mentors"]["rate_ratio"] < 0.9
    assert primary["hospital_navigators"]["rate_ratio"] < 0.75
    assert primary["knife_amnesty_bins"]["counterfactual"] < 60, "too small to tell"
    assert primary["later_closing_pilot"]["rate_ratio"] > 1.1
    navigators = truth["plans"]["hospital_navigators"]["treated"]
    assert len(set(navigators.values())) == 3, "staggered"

    admissions = pd.read_csv(PARAMS / "example" / "data" / "assault_admissions.csv", dtype=str)
    assert (admissions["count"] == "*").mean() > 0.2
    numbers = admissions.loc[admissions["count"] != "*", "count"].astype(int)
    assert (numbers % 5 == 0).all()

    injuries = pd.read_csv(PARAMS / "example" / "data" / "violence_with_injury.csv")
    assert len(injuries) == 14 * 96 - 5
