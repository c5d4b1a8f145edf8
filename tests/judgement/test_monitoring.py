"""Series as they are judged: gaps, withheld counts, documented changes, rare events, declared directions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.evidence.panel import build_panel
from evaluation.judgement.change import compare_indicator
from evaluation.judgement.monitoring import Range, add_areas, gather_series, judge
from evaluation.protocol import load_review

INDICATORS = """\
assaults:
  title: Assaults
  disclosure: already_public
  {direction}
  suppressed: {{"*": [1, 7]}}
  breaks: [{{from: 2023-01, because: a new record system}}]
  monitoring: {{provisional: 1}}
"""


def make(folder: Path, counts: list[object], direction: str = "direction: lower_is_better"):
    (folder / "data").mkdir(parents=True)
    (folder / "review.yaml").write_text("{title: T, partnership: P, year: 2024-25, simulated: true}", encoding="utf-8")
    (folder / "areas.yaml").write_text("areas: {A01: {name: Town, population: 1000}}", encoding="utf-8")
    (folder / "indicators.yaml").write_text(INDICATORS.format(direction=direction), encoding="utf-8")
    rows = [f"A01,{2022 + m // 12}-{m % 12 + 1:02d},{c}" for m, c in enumerate(counts) if c is not None]
    (folder / "data" / "assaults.csv").write_text("\n".join(["area,period,count", *rows]) + "\n", encoding="utf-8")
    review = load_review(folder)
    return gather_series(review, review.indicators["assaults"], build_panel(review, "assaults"))[0]


LEVEL = [20, 22] * 6 + [30, 32] * 6


def test_the_newest_provisional_period_is_not_judged(tmp_path: Path) -> None:
    judged = judge(make(tmp_path / "r", [*LEVEL, 900]), None)
    assert judged.variation == "common"
    assert len(judged.chart.value) == 24


def test_a_documented_change_rebases_and_says_why(tmp_path: Path) -> None:
    series = make(tmp_path / "r", [*LEVEL, 30])
    assert series.rebase == {12: "a new record system"}
    assert set(judge(series, None).chart.rule) == {""}


def test_a_jump_is_concern_and_neutral_when_no_direction_is_declared(tmp_path: Path) -> None:
    jumped = [*LEVEL[:-1], 90, 30]
    declared = judge(make(tmp_path / "a", jumped), None)
    assert (declared.variation, declared.before, declared.rule) == ("concern", "common", "outside")
    assert judge(make(tmp_path / "b", jumped, "unit: offences"), None).variation == "neutral"
    assert judge(make(tmp_path / "c", jumped, "direction: higher_is_better"), None).variation == "improvement"


def test_the_chart_starts_after_the_newest_gap(tmp_path: Path) -> None:
    counts: list[object] = [*LEVEL, 30]
    counts[5] = None
    series = make(tmp_path / "r", counts)
    assert series.first == 6
    assert len(judge(series, None).chart.value) == 18


def test_withheld_counts_are_never_points(tmp_path: Path) -> None:
    counts: list[object] = [*LEVEL, 30]
    counts[22:24] = ["*", "*"]
    judged = judge(make(tmp_path / "r", counts), None)
    assert judged.kind == "none"
    assert "withheld" in judged.why


def test_rare_events_are_judged_by_the_time_between_them(tmp_path: Path) -> None:
    often = [1, 0, 0] * 12
    judged = judge(make(tmp_path / "a", [*often, 0]), None)
    assert (judged.kind, judged.variation) == ("g", "common")
    silent = judge(make(tmp_path / "b", [*often, *[0] * 40, 0]), None)
    assert (silent.kind, silent.variation) == ("g", "improvement")


def days_of(counts: list[int]) -> str:
    rows = [f"A01,{2022 + m // 12}-{m % 12 + 1:02d}-{3 + 2 * k:02d}" for m, c in enumerate(counts) for k in range(c)]
    return "\n".join(["area,day", *rows]) + "\n"


def test_where_the_days_are_known_rare_events_go_on_a_t_chart(tmp_path: Path) -> None:
    folder, counts = tmp_path / "r", [1, 0, 0] * 12
    make(folder, [*counts, 0])
    (folder / "days").mkdir()
    (folder / "days" / "assaults.csv").write_text(days_of(counts), encoding="utf-8")
    review = load_review(folder)
    series = gather_series(review, review.indicators["assaults"], build_panel(review, "assaults"))[0]
    judged = judge(series, None)
    # Limits start afresh at the documented change of 2023-01: eight events, seven gaps of about 90 days.
    assert (judged.kind, judged.variation) == ("t", "common")
    assert judged.gaps.days.tolist() == pytest.approx([90, 91, 92, 92, 91, 91, 92], abs=1)
    assert judged.gaps.since == 89, "from 3 October to the end of December"


def test_limits_of_rare_events_start_afresh_at_a_documented_change(tmp_path: Path) -> None:
    counts = [1] * 12 + [1, 0, 0] * 12
    judged = judge(make(tmp_path / "r", [*counts, 0]), None)
    assert judged.kind == "g"
    assert set(judged.gaps.gap.tolist()) == {2}, "the monthly events before the change are not in it"


@pytest.mark.parametrize(
    ("below", "above", "side"), [(0.001, 1.0, -1), (1.0, 0.001, 1), (0.3, 0.7, 0), (np.nan, np.nan, 0)]
)
def test_the_expected_range_judges_both_directions(below: float, above: float, side: int) -> None:
    one = np.ones(1)
    assert Range(5, one, one, one, below * one, above * one, 1.0, (1, 1, 1)).side(5) == side
    assert Range(5, one, one, one, below * one, above * one, 1.0, (1, 1, 1)).side(4) == 0


def test_all_areas_are_judged_together_where_all_are_known(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    make(folder, [*LEVEL, 30])
    (folder / "areas.yaml").write_text(
        "areas: {A01: {name: Town, population: 1000}, A02: {name: Village, population: 500}, A03: {name: Hamlet, population: 5}}",
        encoding="utf-8",
    )
    data = folder / "data" / "assaults.csv"
    rows = [f"A02,{2022 + m // 12}-{m % 12 + 1:02d},{10 + m % 3}" for m in range(25) if m != 3]
    data.write_text(data.read_text(encoding="utf-8") + "\n".join(rows) + "\n", encoding="utf-8")
    review = load_review(folder)
    panel = build_panel(review, "assaults")
    found = gather_series(review, review.indicators["assaults"], panel)
    assert [s.area for s in found] == ["A01", "A02", "all"]
    town, village, whole = found
    assert whole.name == "All areas together"
    assert np.isnan(whole.value[3]) and whole.first == 4, "a month that one area lacks is not known"
    assert whole.value[4:].tolist() == (town.value + village.value)[4:].tolist()
    assert whole.rebase == town.rebase
    together = add_areas(panel, review.indicators["assaults"])
    assert together is not None
    assert together["exposure"].values[0, 0] == pytest.approx(1500 * 31), (
        "the hamlet has no data, so it is not in the sum"
    )
    delivery = review.indicators["assaults"].model_copy(
        update={"monitoring": review.indicators["assaults"].monitoring.model_copy(update={"kind": "delivery"})}
    )
    assert add_areas(panel, delivery) is None
    assert add_areas(panel.isel(area=[0]), review.indicators["assaults"]) is None


def test_nothing_recorded_and_a_point_alone_are_said_to_give_no_chart(tmp_path: Path) -> None:
    alone = make(tmp_path / "a", [*LEVEL[:20], None, 30, 31])
    assert judge(alone, None).why == "a period just before the newest is missing, and the chart has no gaps"
    empty = make(tmp_path / "b", [None] * 5 + [7])  # the only number is provisional
    assert judge(empty, None).why == "nothing is recorded"


def test_weight_orders_what_a_board_should_look_at(tmp_path: Path) -> None:
    calm = judge(make(tmp_path / "r", [*LEVEL, 30]), None)
    assert calm.weight == 0
    assert replace(calm, variation="concern").weight == 1
    assert replace(calm, range_side=1).weight == 2
    assert replace(calm, range_side=1, variation="concern").weight == 3
    assert (replace(calm, range_side=1).range_variation, replace(calm, range_before=-1).range_variation_before) == (
        "concern",
        "improvement",
    )


def test_a_rounded_count_is_drawn_where_it_was_published_and_a_withheld_one_is_not(tmp_path: Path) -> None:
    counts: list[object] = [20, 25] * 6 + [30, "*"] + [25, 20] * 6
    series = make(tmp_path / "r", counts, "direction: lower_is_better\n  rounded_to: 5")
    assert series.value[:13].tolist() == [20, 25] * 6 + [30]
    assert (series.low[0], series.high[0]) == (18, 22), "what it may have been is kept"
    assert np.isnan(series.value[13]) and (series.low[13], series.high[13]) == (1, 7)
    assert series.first == 14


def again(folder: Path, monitoring: str):
    """The series of a review made before, its indicator watched in another way."""
    path = folder / "indicators.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("{provisional: 1}", monitoring), encoding="utf-8")
    review = load_review(folder)
    return gather_series(review, review.indicators["assaults"], build_panel(review, "assaults"))[0]


def test_a_window_that_is_left_out_is_marked_from_its_first_to_its_last_month(tmp_path: Path) -> None:
    make(tmp_path / "r", LEVEL)
    left = again(
        tmp_path / "r",
        "{provisional: 1, exclude: [{from: 2022-03, to: 2022-05, because: the control room burnt down}]}",
    )
    assert np.flatnonzero(left.left_out).tolist() == [2, 3, 4]


def test_a_provisional_count_is_foreseen_from_what_editions_had_at_its_age(tmp_path: Path) -> None:
    """Every edition had three quarters of its newest month, and the whole of those before."""
    folder = tmp_path / "r"
    final = [40 + (3 * t) % 7 for t in range(24)]
    make(folder, final)
    (folder / "editions" / "assaults").mkdir(parents=True)
    for newest in range(2, 24):
        counts = [*final[:newest], round(0.75 * final[newest])]
        rows = [f"A01,{2022 + t // 12}-{t % 12 + 1:02d},{count}" for t, count in enumerate(counts)]
        text = "\n".join(["area,period,count", *rows]) + "\n"
        day = f"{2022 + (newest + 1) // 12}-{(newest + 1) % 12 + 1:02d}-15"
        (folder / "editions" / "assaults" / f"{day}.csv").write_text(text, encoding="utf-8")
    (folder / "data" / "assaults.csv").write_text(text, encoding="utf-8")
    review = load_review(folder)
    [series] = gather_series(review, review.indicators["assaults"], build_panel(review, "assaults"))
    [foreseen] = series.nowcasts
    assert (foreseen.position, foreseen.recorded) == (23, round(0.75 * final[23]))
    assert foreseen.lower <= final[23] <= foreseen.upper
    assert foreseen.median == pytest.approx(final[23], abs=2)
    (folder / "data" / "assaults.csv").write_text(text.replace("A01,2022-01,40", "A01,2022-01,41"), encoding="utf-8")
    [series] = gather_series(review, review.indicators["assaults"], build_panel(review, "assaults"))
    assert series.nowcasts == (), "newer than its newest edition: the age of its counts is not known"


def test_an_area_that_an_edition_did_not_have_is_new_and_revises_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    make(folder, LEVEL)
    (folder / "areas.yaml").write_text(
        "areas: {A01: {name: Town, population: 1000}, A02: {name: Village, population: 500}}", encoding="utf-8"
    )
    data = folder / "data" / "assaults.csv"
    before = data.read_text(encoding="utf-8")
    (folder / "editions" / "assaults").mkdir(parents=True)
    (folder / "editions" / "assaults" / "2024-01-15.csv").write_text(before, encoding="utf-8")
    data.write_text(before + before.split("\n", 1)[1].replace("A01", "A02"), encoding="utf-8")
    review = load_review(folder)
    indicator = review.indicators["assaults"]
    judged = [judge(s, None) for s in gather_series(review, indicator, build_panel(review, "assaults"))]
    found = compare_indicator(review, indicator, judged)
    assert len(found.added) == len(LEVEL)
    assert (found.revised, found.gone, found.same) == ([], 0, len(LEVEL))
