"""g and t charts: limits against the geometric distribution itself."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.judgement.rare import TAIL, g_chart, t_chart


def test_gaps_are_counted_between_events_only() -> None:
    happened = [0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0]
    chart = g_chart(happened)
    assert chart is not None
    assert chart.gap.tolist() == [1, 0, 2, 1, 1]
    assert chart.since == 2
    assert not chart.since_signal


def test_the_upper_limit_is_the_quantile_of_the_geometric() -> None:
    happened = np.tile([1, 0, 0, 0], 40)
    chart = g_chart(happened)
    assert chart is not None
    chance = (39 + 1) / (39 * 3 + 39 + 2)
    assert (1 - chance) ** (chart.upper + 1) <= TAIL < (1 - chance) ** chart.upper
    assert chart.lower == -1, "a gap of nothing is not rare when one month in four has an event"


def test_a_long_silence_is_a_signal_and_a_short_one_is_not() -> None:
    often = [1, 0] * 20
    assert g_chart(often + [0] * 30).since_signal  # type: ignore[union-attr]
    assert not g_chart(often + [0] * 3).since_signal  # type: ignore[union-attr]


def test_too_few_events_make_no_chart() -> None:
    assert g_chart([1, 0, 1, 0, 1, 0, 1, 0, 1]) is None
    assert t_chart([3.0, 4.0]) is None


def test_false_alarms_of_the_g_chart_keep_to_their_tail() -> None:
    rng = np.random.default_rng(1)
    signals = [g_chart(rng.uniform(size=240) < 0.2).side for _ in range(200)]  # type: ignore[union-attr]
    assert np.concatenate(signals).astype(bool).mean() < 3 * TAIL


def test_t_chart_is_an_xmr_chart_of_transformed_days() -> None:
    days = np.array([10.0, 14, 9, 12, 11, 200])
    chart = t_chart(days)
    assert chart is not None
    assert chart.value == pytest.approx(days ** (1 / 3.6))
    with pytest.raises(ValueError, match="at least 0"):
        t_chart([-1.0, 2, 3, 4, 5])
