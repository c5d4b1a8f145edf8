"""XmR charts: series worked by hand, a second implementation, and each rule with a case that passes and one that fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_the_dots import plot

from evaluation.judgement import xmr


def test_limits_worked_by_hand() -> None:
    """10, 12, 9, 11, 13: mean 11; moving ranges 2, 3, 2, 2, mean 2.25; limits 11 -/+ 5.985."""
    chart = xmr.chart([10, 12, 9, 11, 13])
    assert chart.mean[0] == pytest.approx(11.0)
    assert chart.upper[0] == pytest.approx(16.985)
    assert chart.lower[0] == pytest.approx(5.015)
    assert chart.trial.all()


def test_twelve_points_are_no_trial() -> None:
    assert not xmr.chart([1, 2] * 6).trial.any()
    assert xmr.chart([1, 2] * 5 + [1]).trial.all()


def test_a_point_on_the_limit_is_inside_and_one_beyond_is_out() -> None:
    rules, _ = xmr.signals(np.array([10.0, 12.66]), 10.0, 1.0)
    assert rules == ["", ""]
    rules, side = xmr.signals(np.array([10.0, 12.67]), 10.0, 1.0)
    assert rules == ["", "outside"]
    assert side.tolist() == [0, 1]


def test_seven_rising_make_a_trend_six_and_a_tie_do_not() -> None:
    seven = np.array([-3.0, -2, -1, 0, 1, 2, 3])
    assert xmr.signals(seven, 0.0, 10.0)[0] == ["trend"] * 7
    assert xmr.signals(seven[:6], 0.0, 10.0)[0] == [""] * 6
    tied = np.array([-3.0, -2, -1, -1, 1, 2, 3, -5])
    assert "trend" not in xmr.signals(tied, 0.0, 10.0)[0]


def test_seven_on_one_side_make_a_shift_and_the_mean_breaks_it() -> None:
    y = np.array([1.0, 2, 1, 2, 1, 2, 1, -1])
    assert xmr.signals(y, 0.0, 10.0)[0] == ["shift"] * 7 + [""]
    y[3] = 0.0
    assert xmr.signals(y, 0.0, 10.0)[0] == [""] * 8


def test_two_of_three_marks_the_two_and_needs_the_third_on_that_side() -> None:
    assert xmr.signals(np.array([0.0, 2.0, 0.5, 2.0, -1.0]), 0.0, 1.0)[0] == [
        "",
        "two_of_three",
        "",
        "two_of_three",
        "",
    ]
    assert xmr.signals(np.array([0.0, 2.0, -0.5, 2.0, -1.0]), 0.0, 1.0)[0] == [""] * 5


def test_a_point_outside_does_not_count_towards_two_of_three() -> None:
    assert xmr.signals(np.array([0.0, 3.0, 2.0, 0.5, -1.0]), 0.0, 1.0)[0] == ["", "outside", "", "", ""]


def test_the_first_rule_that_applies_is_the_one_shown() -> None:
    rising = np.array([0.0, 0.5, 1.0, 1.5, 1.9, 2.0, 9.0])
    assert xmr.signals(rising, 0.0, 1.0)[0] == ["trend"] * 6 + ["outside"]


def test_limits_start_afresh_only_where_told() -> None:
    y = [10, 12] * 6 + [30, 32] * 6
    told, untold = xmr.chart(y, [12]), xmr.chart(y)
    assert told.rule == [""] * 24
    assert told.mean[0] == 11 and told.mean[-1] == 31
    assert set(untold.rule) == {"outside"} or "shift" in untold.rule
    assert len(set(untold.mean.tolist())) == 1


def test_the_jump_at_a_rebase_is_no_moving_range() -> None:
    assert xmr.chart([10, 12] * 6 + [30, 32] * 6, [12]).upper[0] == pytest.approx(11 + 2.66 * 2)


def test_screening_drops_a_great_range_and_is_not_the_default() -> None:
    y = [10.0, 11] * 8 + [60.0]
    plain, screened = xmr.chart(y), xmr.chart(y, screen_outliers=True)
    assert screened.upper[0] - screened.mean[0] == pytest.approx(2.66)
    assert plain.upper[0] > screened.upper[0]


def test_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="no gaps"):
        xmr.chart([1.0, np.nan, 2.0])


@pytest.mark.parametrize(
    ("side", "direction", "means"),
    [
        (1, "lower_is_better", "concern"),
        (-1, "lower_is_better", "improvement"),
        (1, "higher_is_better", "improvement"),
        (1, None, "neutral"),
        (0, "lower_is_better", "common"),
    ],
)
def test_the_direction_is_declared_and_never_inferred(side: int, direction: str | None, means: str) -> None:
    assert xmr.variation(side, direction) == means


@pytest.mark.parametrize(
    ("target", "direction", "grade"),
    [
        (20, "lower_is_better", "passes"),
        (2, "lower_is_better", "fails"),
        (20, "higher_is_better", "fails"),
        (2, "higher_is_better", "passes"),
        (10, "lower_is_better", "hit_and_miss"),
        (None, "lower_is_better", None),
        (10, None, None),
    ],
)
def test_assurance(target: float | None, direction: str | None, grade: str | None) -> None:
    assert xmr.assurance(5.0, 15.0, target, direction) == grade


def differences(values: list[float], changes: list[int]) -> list[str]:
    """Where a chart of ours is not the one of the second implementation."""
    ours, theirs = xmr.chart(values, changes), plot(values, changes)
    found = []
    for i, dot in enumerate(theirs):
        lines = (ours.mean[i], ours.lower[i], ours.upper[i])
        if not np.allclose(lines, (dot.mean, dot.lower, dot.upper), rtol=1e-12, atol=1e-9, equal_nan=True):
            found.append(f"{i}: lines {lines} against {dot}")
        if (ours.rule[i], int(ours.side[i]), bool(ours.trial[i])) != (dot.rule, dot.side, dot.trial):
            found.append(f"{i}: {ours.rule[i]!r} {ours.side[i]} {ours.trial[i]} against {dot}")
    return found


@given(st.lists(st.integers(0, 40), min_size=3, max_size=60), st.lists(st.integers(1, 59), max_size=2))
def test_charts_are_those_of_a_second_implementation(values: list[int], changes: list[int]) -> None:
    assert differences([float(v) for v in values], changes) == []


@given(st.lists(st.integers(0, 3), min_size=7, max_size=40), st.integers(0, 3))
def test_points_on_the_mean_are_on_neither_side(values: list[int], extra: int) -> None:
    """Few distinct values, and half of them mirrored, so that many points lie on the mean itself."""
    mirrored = [float(v) for v in values] + [float(3 - v) for v in values]
    assert xmr.chart(mirrored).mean[0] == pytest.approx(1.5)
    assert differences([*mirrored, *[1.5] * extra], []) == []


def test_a_point_is_on_the_mean_although_the_sum_of_tenths_is_not_exact() -> None:
    values = [3.1, 3.2, 3.0] * 4 + [3.1] * 8
    assert np.mean(values) != 3.1  # by its last digit
    assert set(xmr.chart(values).rule) == {""}


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=30), st.sampled_from([1.0, 0.1, 1e6]))
def test_random_walks_have_the_same_signals(steps: list[float], scale: float) -> None:
    """Trends and shifts are rare in noise and common in walks."""
    walk = np.round(np.cumsum(steps), 1) * scale
    assert differences(walk.tolist(), []) == []


def test_a_change_that_is_not_documented_rebases_nothing() -> None:
    values = [10.0, 12] * 6 + [30.0, 32] * 6
    assert len({dot.mean for dot in plot(values)}) == len(set(xmr.chart(values).mean.tolist())) == 1
    assert len({dot.mean for dot in plot(values, [12])}) == len(set(xmr.chart(values, [12]).mean.tolist())) == 2


@given(st.lists(st.integers(0, 40), min_size=3, max_size=40))
def test_signals_turn_with_the_series(values: list[int]) -> None:
    up, down = xmr.chart(values), xmr.chart([-v for v in values])
    assert up.rule == down.rule
