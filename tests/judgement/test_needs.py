"""The needs assessment: concentration against chance, sums that know what is missing, priorities by criteria."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from evaluation.evidence.panel import build_panel
from evaluation.judgement import needs
from evaluation.judgement.needs import adjacency, assess, assess_indicator, concentrate, yearly
from evaluation.judgement.priorities import harm, set_priorities
from evaluation.protocol import load_review

PARAMS = Path(__file__).resolve().parents[2] / "params"


def test_half_in_one_place_is_beyond_chance() -> None:
    found = concentrate(np.array([60.0, 10, 10, 10, 10]), np.ones(5), 0.95, 1)
    assert found.areas == 1
    assert found.by_chance[0] == 3
    assert found.beyond < 0.01
    assert found.population == pytest.approx(0.2)


def test_an_even_spread_is_not_beyond_chance() -> None:
    assert concentrate(np.array([20.0, 21, 19, 20, 20]), np.ones(5), 0.95, 1).beyond > 0.05


def test_a_populous_place_holds_half_by_chance() -> None:
    assert concentrate(np.array([60.0, 10, 10, 10, 10]), np.array([6.0, 1, 1, 1, 1]), 0.95, 1).beyond > 0.9


def test_a_missing_period_takes_its_exposure_along() -> None:
    panel = xr.Dataset(
        {
            "low": (("area", "time"), [[5.0, np.nan], [np.nan, np.nan]]),
            "high": (("area", "time"), [[7.0, np.nan], [np.nan, np.nan]]),
            "exposure": (("area", "time"), [[100.0, 100.0], [100.0, 100.0]]),
        }
    )
    low, high, exposure, known = yearly(panel)
    assert (low[0], high[0], exposure[0]) == (5.0, 7.0, 100.0)
    assert np.isnan(low[1]) and known.tolist() == [1, 0]


@pytest.fixture(scope="module")
def need():
    review = load_review(PARAMS / "example")
    return assess_indicator(review, review.indicators["knife_offences"], build_panel(review, "knife_offences"), {}, 1)


def test_small_areas_are_drawn_towards_the_others(need) -> None:
    whole = need.places[0].rate.median / need.places[0].ratio.median
    for place in need.places:
        assert abs(np.log(place.rate.median / whole)) <= abs(np.log(place.crude / whole)) + 0.02, place.name
    assert need.total == sum(p.low for p in need.places)


def test_ranks_are_ranges(need) -> None:
    assert all(1 <= p.rank[0] <= p.rank[1] <= len(need.places) for p in need.places)
    assert any(p.rank[1] - p.rank[0] >= 3 for p in need.places)


def test_a_priority_meets_a_criterion_of_its_own_area(need) -> None:
    found = set_priorities([need])
    sure = {p.name for p in need.places if p.clear >= 0.95}
    assert all(p.clear <= p.above for p in need.places)
    assert sure <= {p.area for p in found}
    assert all(set(p.met) != {"the partnership's count is rising"} for p in found)


def weighed(key: str, total: float, weight: float | None):
    from evaluation.protocol.indicator import HarmWeight

    value = None if weight is None else HarmWeight(value=weight, unit="points", source="made up")
    return SimpleNamespace(total=total, indicator=SimpleNamespace(key=key, harm_weight=value))


def test_harm_is_weighed_with_and_without_the_heaviest_kind() -> None:
    """100 x 10 + 10 x 60 + 1 x 8000 = 9600; without the heaviest 1600. What has no weight is left out."""
    kinds = [weighed("a", 100, 10), weighed("b", 10, 60), weighed("c", 1, 8000), weighed("d", 5, None)]
    found = harm(kinds)  # type: ignore[arg-type]
    assert [h.amount for h in found] == [1000, 600, 8000]
    assert [h.share for h in found] == pytest.approx([1000 / 9600, 600 / 9600, 8000 / 9600])
    assert [h.rest for h in found] == [1000 / 1600, 600 / 1600, None]
    assert harm(kinds, lambda n: 0.0)[0].share == 0.0  # type: ignore[arg-type]


def test_what_is_surely_a_little_above_is_no_priority(need) -> None:
    place = replace(need.places[0], above=1.0, clear=0.2)
    assert set_priorities([replace(need, places=[place], concentration=None)]) == []
    assert len(set_priorities([replace(need, places=[replace(place, clear=0.96)], concentration=None)])) == 1


def test_recorded_years_are_compared_over_what_is_known_in_both(need) -> None:
    assert need.again == need.total, "nothing is missing, so the newest year is the total"
    review = load_review(PARAMS / "example")
    panel = build_panel(review, "knife_offences")
    values = panel["value"].values
    assert need.before == values[:, -24:-12].sum()
    gap = panel.copy(deep=True)
    for name in ("value", "low", "high"):
        gap[name][0, -18] = np.nan
    found = assess_indicator(review, review.indicators["knife_offences"], gap, {}, 1)
    assert found.before == need.before - values[0, -18]
    assert found.again == need.again - values[0, -6], "the same month of the newest year is left out too"


def test_holders_count_only_where_few_hold_half_beyond_chance_and_rising_only_with_another_criterion(need) -> None:
    first, second = need.places[:2]
    places = [replace(first, clear=0.0, low=90.0, high=90.0), replace(second, clear=0.0, low=10.0, high=10.0)]
    held = concentrate(np.array([90.0, 10, 10, 10, 10, 10, 10, 10, 10]), np.ones(9), 0.95, 1)
    assert held.areas == 1 and held.beyond < 0.05
    beyond = replace(need, places=places, concentration=held, rising=0.99)
    [found] = set_priorities([beyond])
    assert (found.area, found.met) == (
        first.name,
        ["among the few areas that hold half, beyond chance", "the partnership's count is rising"],
    )
    [steady] = set_priorities([replace(beyond, rising=0.5)])
    assert steady.met == ["among the few areas that hold half, beyond chance"]
    assert set_priorities([replace(beyond, concentration=replace(held, beyond=0.5))]) == []


def test_what_the_partnership_means_by_violence_is_what_is_assessed() -> None:
    """Of the indicators those that its definition of serious violence names."""
    review = load_review(PARAMS / "example")
    one = review.settings.duty.definition
    assert one is not None and len(one.indicators) >= 2
    narrowed = one.model_copy(update={"indicators": one.indicators[:1]})
    duty = review.settings.duty.model_copy(update={"definition": narrowed})
    narrow = replace(review, settings=review.settings.model_copy(update={"duty": duty}))
    assert [n.indicator.key for n in assess(narrow)] == [one.indicators[0]]


def test_a_single_year_has_no_season_and_no_year_before(need) -> None:
    review = load_review(PARAMS / "example")
    panel = build_panel(review, "knife_offences").isel(time=slice(0, 12))
    found = assess_indicator(review, review.indicators["knife_offences"], panel, {}, 1)
    assert found.season == {}
    assert np.isnan(found.before) and np.isnan(found.again)


def test_neighbours_in_the_areas_file_come_before_those_of_a_map_and_go_both_ways() -> None:
    def review(**neighbours: list[str]):
        areas = {code: SimpleNamespace(neighbours=neighbours.get(code, [])) for code in ("A", "B", "C")}
        return SimpleNamespace(areas=SimpleNamespace(areas=areas))

    declared = adjacency(review(A=["B"]), ["A", "B", "C"], {"B": ["C"]})  # type: ignore[arg-type]
    assert declared is not None
    assert declared.tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    from_map = adjacency(review(), ["A", "B", "C"], {"B": ["C", "elsewhere"]})  # type: ignore[arg-type]
    assert from_map is not None and np.argwhere(from_map).tolist() == [[1, 2], [2, 1]]
    assert adjacency(review(), ["A", "B", "C"], {}) is None  # type: ignore[arg-type]


def test_two_areas_have_no_concentration_and_a_year_without_events_no_season() -> None:
    review = load_review(PARAMS / "example")
    panel = build_panel(review, "knife_offences")
    few = panel.isel(area=slice(0, 2))
    indicator = review.indicators["knife_offences"]
    assert assess_indicator(review, indicator, few, {}, 1).concentration is None
    assert assess_indicator(review, indicator, panel.isel(area=slice(0, 3)), {}, 1).concentration is not None
    none = panel.copy(deep=True)
    for name in ("value", "low", "high"):
        none[name][:] = 0.0
    assert assess_indicator(review, indicator, none, {}, 1).season == {}


def test_an_area_alone_of_its_group_is_compared_with_nobody() -> None:
    review = load_review(PARAMS / "example")
    panel = build_panel(review, "knife_offences")
    name, group = next((n, g) for n, g in review.areas.groups.items() if len(g.areas) > 2)
    inside = [code for code in group.areas if code in panel.area.values]
    outside = [code for code in panel.area.values if code not in group.areas]
    of = review.indicators["knife_offences"]
    alone, _ = assess_indicator(review, of, panel.sel(area=[inside[0], outside[0]]), {}, 1).places
    assert (alone.similar, alone.similar_to) == (None, "")
    both = assess_indicator(review, of, panel.sel(area=inside[:2]), {}, 1).places[0]
    assert both.similar_to == name and both.similar is not None and np.isfinite(both.similar.median)


def test_without_a_mode_no_change_over_the_year_is_told(need, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise FloatingPointError("no mode was found")

    monkeypatch.setattr(needs, "expect", fail)
    review = load_review(PARAMS / "example")
    found = assess_indicator(review, review.indicators["knife_offences"], build_panel(review, "knife_offences"), {}, 1)
    assert found.change is None and np.isnan(found.rising)
    assert found.total == need.total, "everything else is told"
