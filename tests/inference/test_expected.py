"""The expected range: learns nothing from the watched periods, reaches to the last, keeps its promise on quiet series."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from evaluation.inference.expected import expect, frame_series


def panel(value: np.ndarray) -> xr.Dataset:
    months = [f"{2018 + m // 12}-{m % 12 + 1:02d}" for m in range(len(value))]
    cells = value[None, :].astype(float)
    return xr.Dataset(
        {n: (("area", "time"), cells) for n in ("value", "low", "high")}
        | {"exposure": (("area", "time"), np.ones(cells.shape))},
        coords={"area": ["A"], "time": months},
        attrs={"indicator": "made_up", "frequency": "month", "week_anchor": ""},
    )


@pytest.fixture(scope="module")
def quiet() -> np.ndarray:
    rng = np.random.default_rng(2)
    return rng.poisson(40 * np.exp(0.2 * np.sin(2 * np.pi * np.arange(72) / 12)))


@pytest.mark.slow
def test_what_happens_in_the_watched_periods_does_not_move_the_range(quiet) -> None:
    changed = quiet.copy()
    changed[-12:] *= 4
    one, other = (
        expect(frame_series(panel(y), "A", "negative_binomial", 12), 1, 400).replicate for y in (quiet, changed)
    )
    assert np.array_equal(one, other)
    assert np.isfinite(one[:, -1]).all()


def test_a_season_is_carried_on(quiet) -> None:
    mean = expect(frame_series(panel(quiet), "A", "negative_binomial", 12), 1).mean.mean(axis=0)
    assert mean[-12:].argmax() in (2, 3, 4)
    assert mean[-12:].argmin() in (8, 9, 10)


def test_a_quadrupled_month_is_far_outside_and_a_quiet_one_inside(quiet) -> None:
    drawn = expect(frame_series(panel(quiet), "A", "negative_binomial", 12), 1).replicate
    assert (drawn[:, -1] >= 4 * quiet[-1]).mean() < 0.005
    tails = np.minimum((drawn[:, -12:] <= quiet[-12:]).mean(axis=0), (drawn[:, -12:] >= quiet[-12:]).mean(axis=0))
    assert (tails > 0.005).all()


@pytest.mark.slow
def test_an_excluded_stretch_teaches_nothing(quiet) -> None:
    odd = quiet.copy()
    odd[20:30] = 0
    left_out = np.zeros(72, dtype=bool)
    left_out[20:30] = True
    narrow, wide = (
        np.ptp(
            np.quantile(
                expect(frame_series(panel(odd), "A", "negative_binomial", 12, out), 1).replicate[:, -1], [0.025, 0.975]
            )
        )
        for out in (left_out, None)
    )
    assert narrow < 0.7 * wide


def test_nothing_before_the_watched_periods_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is observed"):
        frame_series(panel(np.full(12, np.nan)), "A", "negative_binomial", 3)
