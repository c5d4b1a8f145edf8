"""The needs assessment: concentration against chance, sums that know what is missing, priorities by criteria."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from evaluation.evidence.panel import build_panel
from evaluation.judgement.needs import assess_indicator, concentrate, set_priorities, yearly
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
    sure = {p.name for p in need.places if p.above >= 0.95}
    assert sure <= {p.area for p in found}
    assert all(set(p.met) != {"the partnership's count is rising"} for p in found)
