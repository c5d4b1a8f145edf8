"""Where the sampler starts from: working responses of counts, and terms by generalised least squares, against dense algebra."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.inference.coordinates import PERSISTENCE, working_response
from evaluation.inference.design import write_design
from tests.inference.fabricated import frame


def test_a_working_response_is_near_the_count_and_finite_at_none() -> None:
    value = np.array([[0.0, 2.0, 500.0, np.nan, np.nan, 3.0, 1.0, 0.0]])
    low, high = value.copy(), value.copy()
    low[0, 3], high[0, 3] = 1.0, 7.0
    response, weight = working_response(frame(value, [6], low=low, high=high), 1.0)
    assert np.isfinite(response).all() and weight[0, 4] == 0.0  # of the fifth month nothing is known
    assert response[0, 2] == pytest.approx(np.log(500), abs=0.01) and weight[0, 2] == pytest.approx(500, rel=0.01)
    assert 0 < weight[0, 3] < 4.0  # less than a count of 4 would have: it may be any from 1 to 7
    assert (weight[0, [0, 1, 5, 6, 7]] > 0).all()


def series(n_areas: int = 1, **changes):
    counts = np.random.default_rng(8).integers(3, 40, size=(n_areas, 16)).astype(float)
    counts[0, 4] = np.nan  # missing
    return frame(counts, [10, 12][:n_areas], design="its", shape=changes.pop("shape", "level_and_slope"), **changes)


@pytest.mark.parametrize("n_areas", [1, 2])
def test_terms_are_those_of_generalised_least_squares(n_areas: int) -> None:
    of = series(n_areas)
    data = write_design(of).arrays
    weight, noise = data["working_weight"], np.exp(data["noise_log_median"])
    precision, pulled, k = np.eye(n_areas + 7), np.zeros(n_areas + 7), n_areas + 7
    for area in range(n_areas):
        known = np.flatnonzero(weight[area] > 0)
        assert 4 not in known if area == 0 else 4 in known
        columns = np.zeros((len(known), k))
        columns[:, area] = data["level_sd"]
        columns[:, n_areas] = data["trend_sd"] * data["year"][known]
        columns[:, n_areas + 1 : n_areas + 5] = data["season_sd"] * data["season"][known]
        columns[:, n_areas + 5 :] = data["coefficient_sd"] * data["basis"][area, known]
        apart = np.abs(np.subtract.outer(known, known))
        covariance = noise**2 * PERSISTENCE**apart + np.diag(1 / weight[area, known] + noise**2)
        expected = data["level_mean"][area] + data["trend_mean"] * data["year"][known]
        expected = expected + data["basis"][area, known] @ data["coefficient_mean"]
        precision += columns.T @ np.linalg.solve(covariance, columns)
        pulled += columns.T @ np.linalg.solve(covariance, data["working_response"][area, known] - expected)
    np.testing.assert_allclose(data["terms_centre"], np.linalg.solve(precision, pulled), rtol=1e-7, atol=1e-9)
    factor = data["terms_factor"]
    np.testing.assert_allclose(factor @ factor.T, np.linalg.inv(precision), rtol=1e-7, atol=1e-12)


def test_what_the_terms_of_a_single_area_add_up_to_is_one_product() -> None:
    data = write_design(series()).arrays
    departures = np.random.default_rng(2).normal(size=8)
    units = data["terms_centre"] + data["terms_factor"] @ departures
    level = data["level_mean"][0] + data["level_sd"] * units[0]
    trend = (data["trend_mean"] + data["trend_sd"] * units[1]) * data["year"]
    season = data["season"] @ (data["season_sd"] * units[2:6])
    effect = data["basis"][0] @ (data["coefficient_mean"] + data["coefficient_sd"] * units[6:])
    found = data["terms_fitted"] + data["terms_columns"] @ departures
    np.testing.assert_allclose(found, level + trend + season + effect, rtol=1e-10)


@pytest.mark.parametrize("n_areas,shape", [(1, "decay"), (1, "per_period"), (2, "step")])
def test_where_there_is_more_than_terms_the_model_adds_them_up_itself(n_areas: int, shape: str) -> None:
    data = write_design(series(n_areas, shape=shape)).arrays
    assert "terms_centre" in data and "terms_columns" not in data


def test_an_effect_that_fades_is_placed_at_the_half_life_that_is_expected() -> None:
    fading, lasting = write_design(series(shape="decay")).arrays, write_design(series(shape="step")).arrays
    assert fading["terms_factor"].shape == lasting["terms_factor"].shape == (8, 8)
    error = [np.linalg.norm(data["terms_factor"][6]) for data in (fading, lasting)]
    assert error[0] > error[1]  # it acts on fewer months, so they say less of it


def test_a_prior_far_wider_than_the_data_leaves_the_terms_where_the_data_are() -> None:
    narrow = series(shape="step")
    wide = replace(narrow, priors=replace(narrow.priors, level_sd=100.0, effect_sd=100.0, trend_sd=100.0))
    data = write_design(wide).arrays
    known = data["working_weight"][0] > 0
    fitted = (
        data["level_mean"][0] + 100.0 * (data["terms_centre"][0] + data["terms_centre"][1] * data["year"])
        + data["season"] @ (data["season_sd"] * data["terms_centre"][2:6]) + data["basis"][0] @ (data["coefficient_sd"] * data["terms_centre"][6:])
    )  # fmt: skip
    assert np.abs(data["working_response"][0] - fitted)[known].mean() < 1.0
    # In units of such a prior the posterior is a point; in those of the estimate it is not.
    assert np.linalg.norm(data["terms_factor"][0]) < 0.02


def test_scores_and_series_without_persistence_keep_the_units_of_their_priors() -> None:
    assert "terms_centre" not in write_design(series(likelihood="normal")).arrays
    assert "terms_centre" not in write_design(replace(series(), autocorrelation=False)).arrays
