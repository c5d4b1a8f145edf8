"""Replicated totals of the treated areas against totals worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.inference.predictive import predictive_bands
from tests.inference.fabricated import fit, frame

NAN = np.nan
RNG = np.random.default_rng(4)


def of_mean(mean: np.ndarray, scale: float = 1.0, **parameters: float):
    draws = np.broadcast_to(mean, (4, 500, *mean.shape)) / scale
    return fit(draws, draws, **{name: np.full((4, 500), value) for name, value in parameters.items()})


def test_counts_are_summed_over_the_treated_areas_and_no_others() -> None:
    mean = np.array([[30.0] * 40, [70.0] * 40, [500.0] * 40])
    of = frame(RNG.poisson(mean), [30, 35, 40], likelihood="poisson")
    bands = predictive_bands(of, of_mean(mean[:2]), 0.95, seed=1)
    np.testing.assert_allclose(bands["observed"], of.value[:2].sum(axis=0))
    # A Poisson total of mean 100: 100 +- 1.96 x 10, and half of it within +- 0.674 x 10.
    for name, expected in (("outer_lower", 81), ("inner_lower", 93), ("inner_upper", 107), ("outer_upper", 120)):
        assert abs(float(bands[name].mean()) - expected) < 1.5
    assert bands.attrs["n"] == 40
    assert bands.attrs["inside_outer"] >= 34
    assert 10 <= bands.attrs["inside_inner"] <= 30


@pytest.mark.parametrize("likelihood", ["negative_binomial", "binomial"])
def test_every_count_likelihood_has_bands_around_what_is_expected(likelihood: str) -> None:
    mean = np.full((1, 30), 40.0)
    of = frame(RNG.poisson(mean), [20], likelihood=likelihood, exposure=np.full(mean.shape, 100.0))
    bands = predictive_bands(of, of_mean(mean, overdispersion=0.3), 0.9, seed=1)
    assert (bands["outer_lower"] < bands["inner_lower"]).all()
    assert (bands["inner_lower"] < 40).all()
    assert (bands["inner_upper"] > 40).all()
    assert (bands["inner_upper"] < bands["outer_upper"]).all()


def test_scores_are_averaged_in_their_own_units() -> None:
    mean = np.array([[4.0] * 30, [8.0] * 30])
    of = frame(mean / 2.0, [20, 20], likelihood="normal", scale=2.0)
    bands = predictive_bands(of, of_mean(mean, scale=2.0, score_sd=0.5), 0.95, seed=1)
    np.testing.assert_allclose(bands["observed"], 6.0)
    # The mean of two areas with standard deviation 0.5 x 2.0 has standard deviation 0.71.
    assert abs(float(bands["outer_upper"].mean()) - (6.0 + 1.96 * 0.707)) < 0.1


def test_only_used_exact_cells_enter_on_either_side() -> None:
    value = np.full((2, 12), 50.0)
    value[1, 3] = NAN  # suppressed: known as an interval
    value[:, 5] = NAN  # missing
    low, high = value.copy(), value.copy()
    low[1, 3], high[1, 3] = 1, 7
    used = np.ones((2, 12), dtype=bool)
    used[:, 8] = False
    of = frame(value, [9, 9], likelihood="poisson", low=low, high=high, used=used)
    bands = predictive_bands(of, of_mean(np.full((2, 12), 50.0)), 0.95, seed=1)
    assert bands["cells"].values.tolist() == [2, 2, 2, 1, 2, 0, 2, 2, 0, 2, 2, 2]
    assert float(bands["observed"][3]) == 50.0
    assert float(bands["outer_upper"][3]) < 70 < float(bands["outer_lower"][2]) + 10
    for gone in (5, 8):
        assert not np.isfinite([bands[v].values[gone] for v in ("observed", "inner_lower", "outer_upper")]).any()
    assert (bands.attrs["n"], bool(bands["used"][8])) == (10, False)


def test_nothing_exact_gives_nothing_to_draw() -> None:
    value = np.full((1, 12), NAN)
    of = frame(value, [6], likelihood="poisson", low=np.ones((1, 12)), high=np.full((1, 12), 7.0))
    bands = predictive_bands(of, of_mean(np.full((1, 12), 4.0)), 0.95, seed=1)
    assert bands.attrs["n"] == 0
    assert not np.isfinite(bands["observed"]).any()


def test_the_same_seed_gives_the_same_bands() -> None:
    of = frame(np.full((1, 12), 50.0), [6], likelihood="poisson")
    first, again = (predictive_bands(of, of_mean(np.full((1, 12), 50.0)), 0.95, seed=7) for _ in range(2))
    assert first.identical(again)
