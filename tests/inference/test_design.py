"""The padded arrays of tiny panels, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln

from evaluation.inference.design import (
    IMPOSSIBLE,
    choose_structure,
    effect_basis,
    effect_cells,
    season_terms,
    write_design,
)
from models.structure import check_layout, widen
from tests.inference.fabricated import frame

COUNTS = np.arange(24, dtype=float).reshape(3, 8) + 1
NAN = np.nan


@pytest.mark.parametrize(
    ("changes", "first", "second"),
    [
        ({}, [0, 0, 0, 1, 1, 1, 1, 1], [0] * 8),
        ({"shape": "level_and_slope"}, [0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1 / 12, 2 / 12, 3 / 12, 4 / 12]),
        ({"shape": "level_and_slope", "per_year": 4.0}, [0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0.25, 0.5, 0.75, 1]),
        ({"shape": "ramp", "ramp_periods": 4}, [0, 0, 0, 0.25, 0.5, 0.75, 1, 1], [0] * 8),
        ({"shape": "ramp", "ramp_periods": 1}, [0, 0, 0, 1, 1, 1, 1, 1], [0] * 8),
        ({"shape": "decay"}, [0, 0, 0, 1, 1, 1, 1, 1], [0] * 8),
        ({"shape": "per_period"}, [0, 0, 0, 1, 1, 1, 1, 1], [0] * 8),
    ],
    ids=str,
)
def test_basis(changes, first, second) -> None:
    columns = effect_basis(frame(COUNTS, [3, 8, 8], **changes))
    np.testing.assert_allclose(columns[0][0], first)
    np.testing.assert_allclose(columns[1][0], second)
    np.testing.assert_array_equal([column[1:] for column in columns], 0.0)


def test_cells_of_an_its_are_event_times_shared_by_areas() -> None:
    cells, n = effect_cells(frame(COUNTS[:2], [5, 6], design="its", shape="per_period"))
    assert n == 3
    assert cells[0].tolist() == [-1, -1, -1, -1, -1, 0, 1, 2]
    assert cells[1].tolist() == [-1, -1, -1, -1, -1, -1, 0, 1]


def test_cells_of_a_did_are_cohorts_by_event_time() -> None:
    cells, n = effect_cells(frame(COUNTS, [5, 6, 8], shape="per_period"))
    assert n == 5
    assert cells[0].tolist() == [-1] * 5 + [0, 1, 2]
    assert cells[1].tolist() == [-1] * 6 + [3, 4]
    assert cells[2].tolist() == [-1] * 8


def test_leads_have_cells_but_for_the_reference() -> None:
    cells, n = effect_cells(frame(COUNTS, [4, 8, 8], leads=True))
    assert n == 7
    assert cells[0].tolist() == [0, 1, 2, -1, 3, 4, 5, 6]
    assert (cells[1:] == -1).all()


def test_a_step_has_no_cells() -> None:
    assert effect_cells(frame(COUNTS, [4, 8, 8]))[1] == 0


@pytest.mark.parametrize("design", ["its", "did"])
@pytest.mark.parametrize("likelihood", ["negative_binomial", "poisson", "binomial", "normal"])
@pytest.mark.parametrize("shape", ["step", "level_and_slope", "ramp", "decay", "per_period"])
def test_every_combination_has_its_layout(design: str, likelihood: str, shape: str) -> None:
    value, low, high = COUNTS.copy(), COUNTS.copy(), COUNTS.copy()
    value[0, 6], low[0, 6], high[0, 6] = NAN, 1, 7
    of = frame(value, [3, 5, 7], low=low, high=high, design=design, likelihood=likelihood, shape=shape,
               exposure=np.full(value.shape, 30.0), n_treated=3)  # fmt: skip
    check_layout(write_design(of))


def test_exact_missing_unused_and_interval_cells() -> None:
    value, low, high = COUNTS.copy(), COUNTS.copy(), COUNTS.copy()
    value[0, 1], low[0, 1], high[0, 1] = NAN, 1, 3
    value[1, 2] = low[1, 2] = high[1, 2] = NAN
    used = np.ones(value.shape, dtype=bool)
    used[2, 4] = False
    data = write_design(frame(value, [3, 8, 8], low=low, high=high, used=used))
    arrays, structure = data.arrays, data.structure
    n = structure.n_censored
    assert structure.n_areas >= 3
    assert n >= 1
    assert structure.censored_width >= 3
    assert arrays["exact"].sum() == 21
    assert [arrays["exact"][cell] for cell in ((0, 1), (1, 2), (2, 4))] == [0, 0, 0]
    assert arrays["value"][2, 4] == 0, "what is not used cannot be seen"
    assert not arrays["exact"][3:].any()
    assert arrays["censored_used"].tolist() == [1.0] + [0.0] * (n - 1)
    assert arrays["censored_at"][0] == 1
    assert arrays["censored_counts"][0, :3].tolist() == [1, 2, 3]
    np.testing.assert_allclose(arrays["censored_constant"][0, :3], -gammaln([2, 3, 4]))
    assert (arrays["censored_constant"][0, 3:] == IMPOSSIBLE).all()
    distinct = arrays["distinct"]
    assert distinct[arrays["censored_distinct"][0, :3]].tolist() == [1, 2, 3]
    assert arrays["n_exact"].sum() == 21
    total = float(np.nansum(value) - value[2, 4])
    assert arrays["n_exact"] @ distinct == total, "every count is there as often as it was seen"
    assert np.flatnonzero(arrays["period_used"]).tolist() == list(range(8))


def test_flat_positions_follow_the_padded_width() -> None:
    value = np.ones((2, 9))
    low, high = value.copy(), value.copy()
    value[1, 2], low[1, 2], high[1, 2] = NAN, 1, 7
    data = write_design(frame(value, [4, 9], low=low, high=high))
    assert data.structure.n_periods > 9
    assert data.arrays["censored_at"][0] == data.structure.n_periods + 2


def test_scores_know_how_far_back_their_predecessor_lies() -> None:
    value = np.array([[NAN, 1.0, NAN, NAN, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    data = write_design(frame(value, [3, 6], likelihood="normal"))
    assert data.arrays["gap"][0, :6].tolist() == [0, 0, 1, 2, 3, 1]
    assert data.arrays["previous"][0, 4] == 1
    assert data.arrays["gap"][1, :6].tolist() == [0, 1, 1, 1, 1, 1]
    assert data.arrays["previous"][1, 3] == data.structure.n_periods + 2


def test_exposure_is_relative_to_the_mean_of_what_is_used() -> None:
    exposure = np.array([[1.0, 3.0, 2.0, 2.0], [NAN, 2.0, 2.0, 100.0]])
    used = np.array([[True] * 4, [False, True, True, False]])
    arrays = write_design(frame(np.ones((2, 4)), [2, 4], exposure=exposure, used=used)).arrays
    np.testing.assert_allclose(arrays["log_exposure"][0, :4], np.log([0.5, 1.5, 1.0, 1.0]))
    assert arrays["log_exposure"][1, 0] == 0.0


def test_level_is_the_crude_rate_before_the_start() -> None:
    value = np.array([[10.0, 10.0, 90.0, 90.0], [0.0, 0.0, 0.0, 0.0], [NAN, NAN, 5.0, 5.0]])
    arrays = write_design(frame(value, [2, 4, 2], n_treated=3, exposure=np.full(value.shape, 7.0))).arrays
    np.testing.assert_allclose(np.exp(arrays["level_mean"][:3]), [20.5 / 2, 0.5 / 4, 10.5 / 2])


def test_years_count_from_the_first_start() -> None:
    year = write_design(frame(COUNTS, [6, 3, 8], trend=True)).arrays["year"]
    np.testing.assert_allclose(year[:8] * 12, np.arange(8) - 3)


def test_cohorts_are_numbered_and_one_cohort_has_no_spread() -> None:
    several = write_design(frame(COUNTS, [5, 3, 8])).arrays
    assert several["cohort_of"][:2].tolist() == [1, 0]
    assert several["spread_sd"].tolist() == [0.1, 0.1]
    assert write_design(frame(COUNTS, [5, 5, 8])).arrays["spread_sd"].tolist() == [0.0, 0.1]


def test_one_and_many_cohorts_share_a_program() -> None:
    structures = {write_design(frame(COUNTS, starts, n_treated=2)).structure for starts in ([5, 5, 8], [5, 3, 8])}
    assert len(structures) == 1


def test_related_questions_share_a_program_where_they_can() -> None:
    small, large = frame(COUNTS[:2, :4], [2, 4]), frame(np.ones((9, 20)), [10] * 2 + [20] * 7)
    floor = choose_structure(large)
    assert write_design(small, floor).structure == floor
    check_layout(write_design(small, floor))
    assert choose_structure(large) == widen(floor, choose_structure(small)), "a floor never shrinks a design"


@pytest.mark.parametrize(
    "other",
    [
        {"likelihood": "poisson"},
        {"autocorrelation": False},
        {"trend": True},
        {"shape": "per_period"},
        {"shape": "decay"},
        {"design": "its"},
    ],
    ids=str,
)
def test_another_model_is_not_taken_for_this_one(other) -> None:
    own = choose_structure(frame(COUNTS, [3, 8, 8]))
    assert widen(own, choose_structure(frame(np.ones((9, 20)), [10] * 2 + [20] * 7, **other))) == own


def test_an_its_of_one_area_is_not_given_area_paths() -> None:
    one, two = (choose_structure(frame(COUNTS[:n], [4] * n, design="its")) for n in (1, 2))
    assert widen(one, two) == one


def test_without_a_trend_the_trend_is_nothing() -> None:
    assert write_design(frame(COUNTS[:1], [4], design="its", trend=False)).arrays["trend_sd"] == 0.0
    assert write_design(frame(COUNTS[:1], [4], design="its", trend=True)).arrays["trend_sd"] == 0.2


@pytest.mark.parametrize(("first", "month"), [("2018-01", 0), ("2018-04", 3), ("2018-12", 11)])
def test_season_repeats_after_a_year_from_its_calendar_month(first: str, month: int) -> None:
    periods = [f"{2018 + (month + t) // 12}-{(month + t) % 12 + 1:02d}" for t in range(30)]
    assert periods[0] == first
    terms = season_terms(frame(np.ones((1, 30)), [20], periods=periods, seasonal=True), 32)
    angle = 2 * np.pi * month / 12
    np.testing.assert_allclose(
        terms[0], [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)], atol=1e-12
    )
    np.testing.assert_allclose(terms[12:24], terms[:12], atol=1e-12)
    np.testing.assert_allclose(terms[:12].sum(axis=0), 0.0, atol=1e-12)


def test_season_of_quarters_has_three_terms() -> None:
    of = frame(np.ones((1, 8)), [5], periods=[f"{y}-Q{q}" for y in (2018, 2019) for q in (1, 2, 3, 4)],
               frequency="quarter", per_year=4.0, seasonal=True)  # fmt: skip
    terms = season_terms(of, 8)
    np.testing.assert_allclose(terms[:4], [[0, 1, 0, 1], [1, 0, 0, -1], [0, -1, 0, 1], [-1, 0, 0, -1]], atol=1e-12)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(8), terms])) == 4


def test_season_of_weeks_turns_once_a_year() -> None:
    of = frame(
        np.ones((1, 8)),
        [5],
        periods=["2019-01-07"] + ["2019-07-08"] * 7,
        frequency="week",
        per_year=365.25 / 7,
        seasonal=True,
    )
    terms = season_terms(of, 53)
    assert np.abs(terms[52] - terms[0]).max() < 0.05
    assert np.argmin(terms[:, 1]) in (24, 25), "the cosine is lowest in early July"


def test_no_season_is_nothing() -> None:
    assert not season_terms(frame(COUNTS, [4, 8, 8], seasonal=False), 16).any()


def test_expectations_of_proportions_are_known_in_excluded_windows() -> None:
    used = np.ones(COUNTS.shape, dtype=bool)
    used[:, 2] = False
    data = write_design(
        frame(COUNTS, [4, 8, 8], likelihood="binomial", exposure=np.full(COUNTS.shape, 40.0), used=used)
    )
    assert data.arrays["trials"][0, 2] == 40.0
