"""How often a board cries wolf: counts of simulated boards, and what few simulations leave open."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.judgement.false_alarms import (
    board_alarms,
    make_quiet,
    newest_signals,
    quiet_gaps,
    quiet_path,
    refit_alarms,
)
from evaluation.judgement.rare import g_chart
from tests.inference.fabricated import frame


def test_a_board_adds_up_its_charts() -> None:
    """Two charts on four boards: signals on boards 1 and 2 of the first, on board 2 of the second."""
    found = board_alarms([np.array([True, True, False, False]), np.array([False, True, False, False])])
    assert (found.per_chart, found.on_board, found.any_on_board) == (3 / 8, 0.75, 0.5)
    assert (found.boards, found.charts, found.usual) == (4, 2, (0, 2))
    assert found.bounds[0] < 0.75 < found.bounds[1]


def test_no_signal_in_some_refits_is_not_none_ever() -> None:
    none = refit_alarms([np.zeros(1, dtype=bool)] * 120, 28)
    assert none.per_chart == pytest.approx(0.5 / 121)
    assert none.bounds[1] > 0.4, "three in 120 could have been missed"
    assert none.usual == (0, 1), "one signal on such a board is no news yet"
    more = refit_alarms([np.zeros(12, dtype=bool)] * 1200, 28)
    assert more.bounds[1] < 0.05 and more.usual == (0, 0)


def test_periods_that_hang_together_count_as_fewer() -> None:
    rng = np.random.default_rng(1)
    apart = refit_alarms(list(rng.uniform(size=(120, 12)) < 0.05), 50)
    together = refit_alarms([np.full(12, hit) for hit in rng.uniform(size=120) < 0.05], 50)
    assert np.ptp(together.bounds) > 2 * np.ptp(apart.bounds)


def test_the_expected_number_grows_with_the_board() -> None:
    flags = [np.array([True, *[False] * 11])] * 5 + [np.zeros(12, dtype=bool)] * 95
    small, large = refit_alarms(flags, 10), refit_alarms(flags, 100)
    assert large.on_board == pytest.approx(10 * small.on_board)
    assert large.any_on_board > small.any_on_board


def test_quiet_series_have_the_season_and_the_noise_they_were_asked_for() -> None:
    rng = np.random.default_rng(2)
    path = np.log(40) + 0.3 * np.sin(2 * np.pi * np.arange(48) / 12)
    made = make_quiet(path, {"common_sd": 0.1, "common_rho": 0.5, "overdispersion": 0.1}, 600, rng)
    assert made.mean(axis=0) == pytest.approx(np.exp(path + 0.005), rel=0.05)
    assert made.var(axis=0).mean() > 1.5 * made.mean(), "more than Poisson"
    seasonal, even = (newest_signals(make_quiet(p, {}, 600, rng)).mean() for p in (path, np.full(48, np.log(40))))
    assert seasonal > 3 * even, "a season breaks the rules' assumptions"


def test_quiet_gaps_are_judged_as_the_board_judges_them() -> None:
    rng = np.random.default_rng(3)
    made = rng.poisson(0.3, size=(200, 120)).astype(float)
    by_periods = quiet_gaps(made, None, rng)
    assert by_periods.tolist() == [(c := g_chart(row > 0)) is not None and c.rarer != 0 for row in made]
    bounds = np.stack([np.arange(120) * 30, np.arange(120) * 30 + 29], axis=1)
    assert quiet_gaps(made, bounds, rng).mean() < 0.06


@pytest.mark.parametrize(
    ("per_year", "seasonal", "terms"), [(12.0, True, 6), (4.0, True, 4), (12.0, False, 2), (1.0, True, 2)]
)
def test_a_quiet_path_has_level_trend_and_as_much_season_as_its_periods_can_show(
    per_year: float, seasonal: bool, terms: int
) -> None:
    """What no term of the quiet path explains is left out of it; what its terms can say is kept whole."""
    time = np.arange(48)
    of = replace(frame(np.full((1, 48), 20.0), [48], per_year=per_year), seasonal=seasonal)
    angle = 2 * np.pi * time / per_year
    columns = [np.ones(48), time / per_year, np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)][:terms]
    own = 3.0 + sum(0.1 * column for column in columns[1:])
    kept = quiet_path(of, SimpleNamespace(mean=np.exp(own)[None, :]))  # type: ignore[arg-type]
    assert kept == pytest.approx(own)
    jolt = np.where(time == 20, 1.0, 0.0)
    calm = quiet_path(of, SimpleNamespace(mean=np.exp(own + jolt)[None, :]))  # type: ignore[arg-type]
    assert np.abs(calm - own).max() < 0.4
