"""Displacement, overlap, feasibility and delivery: what is added up, what is refused, and the words for each case."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.evidence.panel import build_panel
from evaluation.inference.effects import summarise
from evaluation.inference.power import Prospect
from evaluation.judgement import delivery, displacement, feasibility, overlap
from evaluation.protocol import Indicator, Review, load_review
from evaluation.protocol.plan import Plan
from tests.protocol.example_review import MONTHS, count, plan_like_outreach, tidy_csv, write_review

AROUND = {"buffer": ["T02"], "comparison": ["T06"], "because": "next to it"}
ONE_TOWN: dict[str, Any] = {"treated": {"T02": None}, "displacement": AROUND}


def review_of(folder: Path, **changes: Any) -> Review:
    return load_review(write_review(folder, **changes))


def year(towns: list[int], which: int) -> float:
    """Events of some towns in 2021 (0), 2022 (1) or 2023 (2)."""
    return float(sum(count(town, month) for town in towns for month in range(12 * which, 12 * which + 12)))


def test_counts_before_and_after_are_those_of_whole_years(tmp_path: Path) -> None:
    review = review_of(tmp_path, outreach=ONE_TOWN)
    plan = review.plans["outreach"]
    found = displacement.count_cells(review, plan, build_panel(review, "assaults"), ["T02"])
    towns = {"treated": [1], "buffer": [2], "control": [3, 4, 5], "control_buffer": [6]}
    assert found == {name: (year(some, 1), year(some, 2)) for name, some in towns.items()}


def test_without_enough_months_or_exact_counts_nothing_is_added_up(tmp_path: Path) -> None:
    review = review_of(tmp_path / "early", outreach={**ONE_TOWN, "treated": {"T01": "2022-08", "T02": None}})
    panel = build_panel(review, "assaults")
    # 17 months after, so 24 back, of which only 19 are there: the 17 just before are taken instead.
    found = displacement.count_cells(review, review.plans["outreach"], panel, ["T02"])
    assert found is not None
    assert found["treated"] == (sum(count(1, t) for t in range(2, 19)), sum(count(1, t) for t in range(19, 36)))
    late = review.plans["outreach"].model_copy(update={"treated": {"T01": "2021-10"}})
    assert displacement.count_cells(review, late, panel, ["T02"]) is None
    hidden = tidy_csv().replace(f"T04,{MONTHS[30]},{count(4, 30)}", f"T04,{MONTHS[30]},*")
    review = review_of(tmp_path / "hidden", outreach=ONE_TOWN, data={"assaults.csv": hidden})
    panel = build_panel(review, "assaults")
    assert displacement.count_cells(review, review.plans["outreach"], panel, ["T02"]) is None


@pytest.mark.parametrize(("direction", "chance"), [("lower_is_better", 0.75), ("higher_is_better", 0.25)])
def test_target_and_buffer_are_added_within_each_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direction: str, chance: float
) -> None:
    review = review_of(tmp_path, outreach=ONE_TOWN, indicators={"assaults": {"direction": direction}})
    target, around = np.array([10.0, 20.0, 30.0, 5.0]), np.array([-5.0, -10.0, -35.0, 20.0])
    monkeypatch.setattr(displacement, "net_draws", lambda *_: (target, around))
    plan, panel = review.plans["outreach"], build_panel(review, "assaults")
    found = displacement.read_displacement(review, plan, panel, 1, 0.95)
    assert found is not None
    # Net 5, 10, -5, 25: positive in three draws of four.
    assert found["prob_net_benefit"] == chance
    assert found["net_averted"] == asdict(summarise(target + around, 0.95))
    assert found["wdd"]["total"] == found["wdd"]["local"] + found["wdd"]["displaced"]
    assert "Cross-checks from counts: weighted displacement quotient" in found["sentence"]


def test_what_cannot_be_measured_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    review = review_of(tmp_path, outreach=ONE_TOWN)
    plan, panel = review.plans["outreach"], build_panel(review, "assaults")
    assert (
        displacement.read_displacement(review, plan.model_copy(update={"displacement": None}), panel, 1, 0.95) is None
    )
    found = displacement.read_displacement(review, plan, panel.drop_sel(area="T02"), 1, 0.95)
    assert found is not None and "not measured: the buffer areas have no data" in found["sentence"]
    scores = review.indicators["assaults"].model_copy(update={"likelihood": "normal"})
    of_scores = Review(**{**review.__dict__, "indicators": {**review.indicators, "assaults": scores}})
    found = displacement.read_displacement(of_scores, plan, panel, 1, 0.95)
    assert found is not None and "scores cannot be added up over areas" in found["sentence"]

    def fail(*_: object) -> None:
        raise FloatingPointError("no mode was found")

    monkeypatch.setattr(displacement, "net_draws", fail)
    found = displacement.read_displacement(review, plan, panel, 1, 0.95)
    assert found is not None and found["net_averted"] is None and "no mode was found" in found["sentence"]


@pytest.mark.slow
def test_a_time_series_is_added_up_from_two_models_and_has_no_cross_check(tmp_path: Path) -> None:
    """Without comparison areas there is nothing that the counts before and after could be set against."""
    plan_alone = {
        **ONE_TOWN,
        "design": "its",
        "comparison": None,
        "displacement": {"buffer": ["T02"], "because": "next to it"},
    }
    review = review_of(tmp_path, outreach=plan_alone)
    plan, panel = review.plans["outreach"], build_panel(review, "assaults")
    target, around = displacement.net_draws(review, plan, panel, ["T02"], 1)
    assert target.shape == around.shape and target.ndim == 1
    assert np.corrcoef(target, around)[0, 1] == pytest.approx(0.0, abs=0.1), "two models, so independent draws"
    found = displacement.read_displacement(review, plan, panel, 1, 0.95)
    assert found is not None and (found["wdq"], found["wdd"]) == (None, None)
    assert found["net_averted"] == asdict(summarise(target + around, 0.95))
    assert "The cross-checks need comparison areas" in found["sentence"]


def test_what_moved_next_door_is_no_gain(tmp_path: Path) -> None:
    """Target halved, the same number more around it: averted there, lost here, nothing on the whole."""
    moved = 20
    rng = np.random.default_rng(1)
    rows = ["area,period,count"]
    for town in range(1, 7):
        for t, month in enumerate(MONTHS):
            change = {1: -moved, 2: moved}.get(town, 0) if t >= 24 else 0
            rows.append(f"T{town:02d},{month},{rng.poisson(40 + change)}")
    review = review_of(tmp_path, outreach=ONE_TOWN, data={"assaults.csv": "\n".join(rows) + "\n"})
    plan, panel = review.plans["outreach"], build_panel(review, "assaults")
    target, around = displacement.net_draws(review, plan, panel, ["T02"], 1)
    assert target.mean() == pytest.approx(12 * moved, abs=60)
    assert around.mean() == pytest.approx(-12 * moved, abs=60)
    assert abs((target + around).mean()) < (target + around).std() * 2.5


RATIO = {"median": 0.8, "lower": 0.7, "upper": 0.9}
JOINT = {"joint": RATIO, "own": RATIO, "others": {"median": 1.0, "lower": 0.9, "upper": 1.1}, "correlation": -0.3}


@pytest.mark.parametrize(
    ("start", "joint", "separable", "words"),
    [
        ("2023-01", JOINT | {"separable": False}, False, "Both started together everywhere"),
        ("2023-02", None, None, "could not be estimated together, so what is found may be the effect of both"),
        ("2023-02", JOINT | {"separable": True}, True, "can be told apart: 20% lower than expected (10% to 30% lower) for this one"),
        ("2023-02", JOINT | {"separable": False}, False, "cannot tell the two apart; together: 20% lower"),
    ],
)  # fmt: skip
def test_words_for_schemes_in_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, joint: Any, separable: Any, words: str
) -> None:
    other = plan_like_outreach(id="patrols", title="Patrols", treated={"T01": start, "T02": None})
    review = review_of(tmp_path, outreach={"treated": {"T02": None}}, plans={"patrols": other})
    monkeypatch.setattr(overlap, "estimate_jointly", lambda *_: joint)
    [found] = overlap.read_overlaps(review, review.plans["outreach"], object(), 1, 0.95)  # type: ignore[arg-type]
    assert found["separable"] is separable
    assert "Patrols also ran in Town 1." in found["sentence"] and words in found["sentence"]


def prospect(follow_up: int, areas: int, smallest: float | None, expected: float = 1000.0) -> Prospect:
    """Power rising to 0.8 at `smallest`, or never."""
    ends = (0.0, float(np.log(smallest))) if smallest else (0.0, -0.5)
    return Prospect(follow_up, areas, expected, ends, (0.02, 0.8) if smallest else (0.02, 0.3))


def test_advice_on_what_could_be_found() -> None:
    said = feasibility.advise([prospect(6, 2, 0.6), prospect(36, 2, 0.8), prospect(36, 4, 0.9)], 2, 0.85, "assaults")
    assert said[0].startswith("After 36 periods a change of 20% lower would be found 4 times in 5")
    assert "moderate impact" in said[0] and "mentoring" in said[0] and "hot spots" not in said[0]
    assert "The plan calls 15% lower worth acting on: less than what could be found." in said[1]
    # log 0.85 lies 73% of the way from no effect to log 0.8: 0.02 + 0.728 x 0.78.
    assert "is 59%" in said[1]
    assert said[2].startswith("A longer window helps") and "with 4 a change of 10% lower" in said[3]
    assert len(said) == 4


def test_advice_where_nothing_helps() -> None:
    said = feasibility.advise(
        [prospect(6, 2, 0.8), prospect(36, 2, 0.8, 60.0), prospect(36, 4, 0.79)], 2, 0.7, "assaults"
    )
    assert any(line.startswith("A longer window hardly helps") for line in said)
    assert any(line.startswith("More areas hardly help: with 4") for line in said)
    assert "Only about 60 events are expected" in said[-1]
    assert not any("worth acting on" in line for line in said), "30% is more than what could be found"
    assert "None of the averages at hand" in feasibility._compare(0.5)
    assert feasibility._compare(1.2) == ""
    assert "less than low impact" in feasibility._compare(0.99)
    never = feasibility.advise([prospect(12, 1, None)], 1, 0.9, "homicide")
    assert never[0].startswith("Even a very large effect on homicide would hardly be found") and len(never) == 2


def test_areas_to_try_leave_two_to_compare_with(tmp_path: Path) -> None:
    review = review_of(tmp_path)
    panel = build_panel(review, "assaults")
    plan = review.plans["outreach"]
    assert feasibility.choose_areas(review, plan, panel) == [["T01"], ["T01", "T02"], ["T01", "T02", "T03"]]
    alone = plan.model_copy(update={"treated": {"T01": "2023-01"}, "design": "its"})
    assert feasibility.choose_areas(review, alone, panel) == [["T01"], ["T01", "T02"]]
    with pytest.raises(ValueError, match="None of the treated areas"):
        feasibility.choose_areas(review, plan, panel.sel(area=["T03"]))
    soon = plan.model_copy(update={"treated": {"T01": "2022-06"}})
    with pytest.raises(ValueError, match="Only 17 periods of history"):
        feasibility.history_frame(review, soon, panel, ["T01"])


def test_what_was_avoided_for_each_unit_delivered(tmp_path: Path) -> None:
    plan: Plan = review_of(
        tmp_path, outreach={"delivery": {"planned": 400, "delivered": 200, "unit": "sessions"}}
    ).plans["outreach"]
    indicator = Indicator(key="assaults", title="Assaults", unit="assaults")
    averted = {"median": 50.0, "lower": 20.0, "upper": 80.0}
    told = delivery.read_delivery(plan, {"rating": "benefit", "events_averted": averted}, indicator)
    assert told is not None and told["averted_per_unit"] == {"median": 0.25, "lower": 0.1, "upper": 0.4}
    assert "For every 100 sessions, 10 to 40 assaults were avoided." in told["sentence"]
    crossing = averted | {"lower": -5.0}
    told = delivery.read_delivery(plan, {"rating": "benefit", "events_averted": crossing}, indicator)
    assert told is not None and "averted_per_unit" not in told


def test_a_buffer_of_the_comparison_without_data_leaves_no_cross_check(tmp_path: Path) -> None:
    review = review_of(tmp_path, outreach=ONE_TOWN)
    plan, panel = review.plans["outreach"], build_panel(review, "assaults")
    assert displacement.count_cells(review, plan, panel, ["T02"]) is not None
    assert displacement.count_cells(review, plan, panel.drop_sel(area="T06"), ["T02"]) is None


def test_where_no_area_can_be_spared_no_more_are_proposed(tmp_path: Path) -> None:
    review = review_of(tmp_path)
    plan, panel = review.plans["outreach"], build_panel(review, "assaults")
    # Three to compare with: two must stay, so one may join; of two, none may.
    assert [len(found) for found in feasibility.choose_areas(review, plan, panel)] == [1, 2, 3]
    assert [len(found) for found in feasibility.choose_areas(review, plan, panel.drop_sel(area="T05"))] == [1, 2]
