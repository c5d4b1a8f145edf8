"""g and t charts: limits against the geometric distribution itself."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.judgement.rare import TAIL, choose_chart, g_chart, t_chart


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
    assert t_chart([3.0, 7.0], 10, 5) is None


def test_false_alarms_of_the_g_chart_keep_to_their_tail() -> None:
    rng = np.random.default_rng(1)
    signals = [g_chart(rng.uniform(size=240) < 0.2).side for _ in range(200)]  # type: ignore[union-attr]
    assert np.concatenate(signals).astype(bool).mean() < 3 * TAIL


def test_the_rule_chooses_the_chart() -> None:
    assert [choose_chart(mean, days) for mean in (1.0, 0.99) for days in (False, True)] == ["xmr", "xmr", "g", "t"]


def test_events_that_become_frequent_are_a_signal_although_no_gap_can_be() -> None:
    calm = [1, 0, 0, 0] * 20
    chart = g_chart([*calm, *[1] * 9])
    assert chart is not None
    assert chart.lower == -1, "no single gap is short enough"
    chance = (len(chart.gap) + 1) / (chart.gap.sum() + len(chart.gap) + 2)
    number = chart.together[0]
    assert chance**number <= TAIL < chance ** (number - 1), "as many gaps as make a signal possible"
    assert (chart.signal, chart.rarer, chart.often) == ("often", -1, True)
    assert g_chart(calm).signal == ""  # type: ignore[union-attr]
    assert not g_chart([*calm, *[1] * 9, 0, 0, 0, 0]).often  # type: ignore[union-attr]


def test_false_alarms_of_the_newest_period_are_rare() -> None:
    rng = np.random.default_rng(5)
    for chance in (0.1, 0.3, 0.5):
        charts = [c for _ in range(400) if (c := g_chart(rng.uniform(size=180) < chance)) is not None]
        assert len(charts) > 390
        assert np.mean([c.rarer != 0 for c in charts]) < 0.02, chance


def test_t_chart_is_an_xmr_chart_of_transformed_days() -> None:
    when = np.cumsum([5.0, 10, 14, 9, 12, 11, 200])
    chart = t_chart(when, when[-1], when[-1] - 20)
    assert chart is not None
    days = np.diff(when)
    assert chart.chart.value == pytest.approx(days ** (1 / 3.6))
    assert chart.centre == pytest.approx(np.mean(days ** (1 / 3.6)) ** 3.6)
    limit = chart.chart.upper[-1]
    assert chart.upper == pytest.approx(limit**3.6)
    with pytest.raises(ValueError, match="sort the days"):
        t_chart([9.0, 2, 3, 4, 5, 6, 7], 10, 1)
    with pytest.raises(ValueError, match="no earlier"):
        t_chart([1.0, 2, 3, 4, 5, 6, 7], 6, 1)


def test_days_between_events_signal_silence_and_a_fresh_gap_only() -> None:
    when = np.cumsum([20.0, 24, 18, 22, 21, 19, 23, 20, 22, 18, 24])
    assert t_chart(when, when[-1] + 5, when[-1]).signal == ""  # type: ignore[union-attr]
    silent = t_chart(when, when[-1] + 200, when[-1] + 180)
    assert silent is not None and (silent.signal, silent.rarer) == ("silence", 1)
    late = np.append(when, when[-1] + 300)
    fresh, stale = (t_chart(late, late[-1] + 1, late[-1] + d) for d in (0.0, 1.0))
    assert fresh is not None and (fresh.signal, fresh.rarer) == ("gap", 1)
    assert stale is not None and stale.signal == "", "it is no news of a period without an event"


def test_a_gap_is_a_signal_only_until_the_next_period() -> None:
    """After years of an event every second month, sixty quiet months and one event: rarer, as long as it is the newest."""
    ended = g_chart([1, 0] * 20 + [0] * 60 + [1])
    assert ended is not None and (ended.signal, ended.rarer) == ("gap", 1)
    since = g_chart([1, 0] * 20 + [0] * 60 + [1, 0])
    assert since is not None and (since.signal, since.rarer) == ("", 0)
