"""Effects worked by hand from fabricated draws: sum first, contrast within the draw, summarise last."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.inference.effects import (
    Estimand,
    diagnose,
    draw_series,
    estimate,
    prob_of_benefit,
    summarise,
    tabulate,
)
from tests.inference.fabricated import draws, fit, fit_of_effect, frame

NAN = np.nan


def named(estimands: list[Estimand], name: str) -> list[Estimand]:
    return [e for e in estimands if e.name == name]


def only(estimands: list[Estimand], name: str) -> Estimand:
    (found,) = named(estimands, name)
    return found


def test_sum_first_then_contrast_then_summarise() -> None:
    """Two areas of very different size: the mean of their ratios, (0.5 + 1.5) / 2 = 1, is not the answer."""
    of = frame(np.full((2, 3), 10.0), [2, 2])
    mu0 = np.array([[[[10.0, 10.0, 100.0], [10.0, 10.0, 10.0]]], [[[10.0, 10.0, 10.0], [10.0, 10.0, 10.0]]]])
    mu = mu0.copy()
    mu[0, 0, :, 2] = 50.0, 15.0
    mu[1, 0, :, 2] = 5.0, 15.0
    found = estimate(of, fit(mu, mu0))
    np.testing.assert_allclose(only(found, "rate_ratio").draws, [[65 / 110], [20 / 20]])
    np.testing.assert_allclose(only(found, "percent_change").draws, [[100 * (65 / 110 - 1)], [0.0]])
    np.testing.assert_allclose(only(found, "events_averted").draws, [[45.0], [0.0]])
    summary = summarise(only(found, "rate_ratio").draws, 0.95)
    assert summary.mean == pytest.approx((65 / 110 + 1) / 2)
    assert summary.mean != pytest.approx(85 / 130), "nor the ratio of the means over draws"


def test_only_evaluated_cells_count() -> None:
    """Before the start, washed out, excluded and missing cells are left out of every sum."""
    value = np.full((1, 7), 10.0)
    value[0, 5] = NAN
    used = np.ones(value.shape, dtype=bool)
    used[0, [3, 4]] = False  # period 3 is the washout
    of = frame(value, [3], design="its", used=used, washout=1)
    mu0 = np.full((1, 1, 1, 7), 10.0)
    mu = np.array([[[[1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 4.0]]]])
    found = estimate(of, fit(mu, mu0))
    assert only(found, "rate_ratio").draws == pytest.approx(0.4)
    assert only(found, "events_averted").draws == pytest.approx(6.0)
    assert [e.event_time for e in named(found, "by_event_time")] == [3]


def test_padding_of_a_fit_is_cut_off() -> None:
    of = frame(np.full((2, 3), 10.0), [1, 3])
    mu0, mu = np.full((1, 1, 4, 8), 10.0), np.full((1, 1, 4, 8), 1e9)
    mu[0, 0, 0, 1:3] = 5.0
    assert only(estimate(of, fit(mu, mu0)), "rate_ratio").draws == pytest.approx(0.5)


def test_events_averted_are_negative_when_events_were_added() -> None:
    of = frame(np.full((2, 4), 10.0), [2, 4])
    added = estimate(of, fit_of_effect(of, np.array([[1.5]])))
    assert only(added, "events_averted").draws == pytest.approx(-50.0)
    averted = estimate(of, fit_of_effect(of, np.array([[0.5]])))
    assert only(averted, "events_averted").draws == pytest.approx(50.0)


def test_scores_have_a_difference_in_their_own_units_and_no_events() -> None:
    value = np.full((2, 4), 3.0)
    of = frame(value, [2, 4], likelihood="normal", scale=2.5)
    found = estimate(of, fit_of_effect(of, np.array([[-1.5]]), level=40.0))
    assert {e.name for e in found} == {"difference", "by_event_time"}
    assert only(found, "difference").draws == pytest.approx(-1.5)


@pytest.mark.parametrize(
    ("direction", "effect", "likely"),
    [
        ("lower_is_better", 0.8, 1),
        ("lower_is_better", 1.2, 0),
        ("higher_is_better", 0.8, 0),
        ("higher_is_better", 1.2, 1),
    ],
)
def test_every_estimand_agrees_on_benefit(direction: str, effect: float, likely: float) -> None:
    of = frame(np.full((2, 4), 10.0), [2, 4], direction=direction)
    for estimand in estimate(of, fit_of_effect(of, np.full((2, 3), effect))):
        assert prob_of_benefit(of, estimand) == likely, estimand.name
    scores = frame(np.full((2, 4), 10.0), [2, 4], direction=direction, likelihood="normal")
    for estimand in estimate(scores, fit_of_effect(scores, np.full((2, 3), effect - 1))):
        assert prob_of_benefit(scores, estimand) == likely, estimand.name


def test_by_event_time_aligns_areas_on_their_own_start() -> None:
    of = frame(np.full((3, 6), 10.0), [2, 4, 6])
    mu0 = np.full((1, 1, 2, 6), 10.0)
    mu = mu0.copy()
    mu[0, 0, 0, 2:] = [1.0, 2.0, 3.0, 4.0]
    mu[0, 0, 1, 4:] = [5.0, 6.0]
    by = {e.event_time: float(e.draws[0, 0]) for e in named(estimate(of, fit(mu, mu0)), "by_event_time")}
    assert by == pytest.approx({0: 6 / 20, 1: 8 / 20, 2: 3 / 10, 3: 4 / 10})


def test_by_cohort_is_there_when_there_are_several() -> None:
    of = frame(np.full((4, 6), 10.0), [2, 2, 4, 6])
    mu0 = np.full((1, 1, 3, 6), 10.0)
    mu = mu0.copy()
    mu[0, 0, 0, 2:], mu[0, 0, 1, 2:], mu[0, 0, 2, 4:] = 5.0, 7.0, 20.0
    by = {e.cohort: float(e.draws[0, 0]) for e in named(estimate(of, fit(mu, mu0)), "by_cohort")}
    assert by == pytest.approx({"2018-03": 0.6, "2018-05": 2.0})
    one = frame(np.full((2, 6), 10.0), [2, 6])
    assert not named(estimate(one, fit_of_effect(one, np.array([[0.5]]))), "by_cohort")


def test_by_cohort_and_period_for_free_shapes_only() -> None:
    of = frame(np.full((3, 5), 10.0), [3, 4, 5], shape="per_period")
    found = named(estimate(of, fit_of_effect(of, np.array([[0.5]]))), "by_cohort_period")
    labels = [(e.cohort, e.event_time, e.period) for e in found]
    assert labels == [("2018-04", 0, "2018-04"), ("2018-04", 1, "2018-05"), ("2018-05", 0, "2018-05")]
    step = frame(np.full((3, 5), 10.0), [3, 4, 5])
    assert not named(estimate(step, fit_of_effect(step, np.array([[0.5]]))), "by_cohort_period")


def test_leads_are_shown_but_not_summed() -> None:
    of = frame(np.full((2, 6), 10.0), [3, 6], leads=True)
    mu0 = np.full((1, 1, 1, 6), 10.0)
    mu = np.array([[[[20.0, 30.0, 10.0, 5.0, 5.0, 5.0]]]])
    found = estimate(of, fit(mu, mu0))
    by = {e.event_time: float(e.draws[0, 0]) for e in named(found, "by_event_time")}
    assert by == pytest.approx({-3: 2.0, -2: 3.0, 0: 0.5, 1: 0.5, 2: 0.5})
    assert only(found, "rate_ratio").draws == pytest.approx(0.5)


@pytest.mark.parametrize(("interval", "bounds"), [(0.95, (0.025, 0.975)), (0.8, (0.1, 0.9)), (0.5, (0.25, 0.75))])
def test_intervals_are_equal_tailed(interval: float, bounds: tuple[float, float]) -> None:
    summary = summarise(np.linspace(0, 1, 4004).reshape(4, 1001), interval)
    assert (summary.lower, summary.upper) == pytest.approx(bounds, abs=1e-3)
    skewed = summarise(np.exp(draws(0, 1)), interval)
    assert skewed.mean > skewed.median


def test_the_table_holds_every_quantity() -> None:
    of = frame(np.full((3, 5), 10.0), [3, 4, 5], shape="per_period")
    found = estimate(of, fit_of_effect(of, draws(0.8, 0.05, n=50)))
    table = tabulate(of, found, 0.9)
    assert len(table) == len(found)
    assert (table["lower"] <= table["median"]).all()
    assert (table["median"] <= table["upper"]).all()
    assert table["event_time"].isna().sum() == 3 + 2, "overall and by cohort"
    assert set(table.query("estimand == 'rate_ratio'")["prob_benefit"]) == {1.0}


# --- the gate -----------------------------------------------------------------------------------------------------


def gate(effect: np.ndarray, divergences: int = 0, strict: bool = True):
    of = frame(np.full((2, 6), 10.0), [3, 6])
    return diagnose(estimate(of, fit_of_effect(of, effect)), divergences, strict=strict)


def test_independent_draws_pass() -> None:
    found = gate(draws(0.9, 0.05))
    assert found.passed
    assert found.rhat_max < 1.01
    assert min(found.ess_bulk_min, found.ess_tail_min) > 2000
    assert found.n_draws == 4000


def test_a_stuck_chain_is_refused() -> None:
    effect = draws(0.9, 0.05)
    effect[2] = 0.6
    found = gate(effect)
    assert not found.passed
    assert "R-hat" in " ".join(found.reasons)


def test_chains_in_different_places_are_refused() -> None:
    found = gate(draws(0.9, 0.05) + np.array([0.0, 0.0, 0.0, 0.1])[:, None])
    assert found.rhat_max > 1.05
    assert not found.passed


def test_slow_chains_are_refused() -> None:
    shocks, effect = draws(0.0, 1.0), np.zeros((4, 1000))
    for i in range(1, 1000):
        effect[:, i] = 0.98 * effect[:, i - 1] + 0.2 * shocks[:, i]
    found = gate(0.9 + 0.05 * effect)
    assert any("effective sample size" in reason for reason in found.reasons)


@pytest.mark.parametrize(("divergences", "passed"), [(0, True), (4, True), (5, False)])
def test_divergences_are_counted(divergences: int, passed: bool) -> None:
    assert gate(draws(0.9, 0.05), divergences).passed is passed


def test_a_draft_reports_and_gates_nothing() -> None:
    found = gate(draws(0.9, 0.05) + np.array([0.0, 0.0, 0.0, 0.1])[:, None], 99, strict=False)
    assert found.passed
    assert found.rhat_max > 1.05


def test_one_bad_part_is_enough() -> None:
    """The overall effect has converged, its effect in one month has not."""
    of = frame(np.full((2, 6), 10.0), [4, 6])
    mu0 = np.full((4, 1000, 1, 6), 50.0)
    mu = mu0 * draws(0.9, 0.05)[..., None, None]
    apart = np.array([0.0, 0.0, 10.0, 10.0])[:, None]
    mu[..., 0, 4] += apart
    mu[..., 0, 5] -= apart
    found = estimate(of, fit(mu, mu0))
    assert diagnose([only(found, "rate_ratio")], 0, strict=True).passed
    assert not diagnose(found, 0, strict=True).passed


def test_draws_that_are_not_numbers_are_refused() -> None:
    of = frame(np.full((2, 6), 10.0), [4, 6])
    mu0 = np.full((4, 1000, 1, 6), 50.0)
    mu = mu0 * draws(0.9, 0.05)[..., None, None]
    mu[0, 0, 0, 5] = NAN
    assert not diagnose(estimate(of, fit(mu, mu0)), 0, strict=True).passed


def test_what_is_reported_is_gated() -> None:
    stuck = draws(0.9, 0.05) + np.array([0.0, 0.0, 0.3, 0.3])[:, None]
    part = Estimand("by_cohort_period", stuck, "2018-05", 0, "2018-05")
    assert not diagnose([Estimand("rate_ratio", draws(0.9, 0.05)), part], 0, strict=True).passed


def test_a_sampler_that_never_moved_is_refused() -> None:
    assert not gate(np.full((4, 1000), 0.9)).passed


# --- series for figures -------------------------------------------------------------------------------------------


def test_series_sum_areas_and_cumulate_what_was_averted() -> None:
    value = np.full((3, 4), 10.0)
    value[1, 0] = NAN
    of = frame(value, [2, 3, 4])
    series = draw_series(of, fit_of_effect(of, np.array([[0.5, 0.5]]), level=20.0), 0.95)
    np.testing.assert_array_equal(series["observed"], [NAN, 20, 20, 20])
    np.testing.assert_allclose(series["mu0"], 40.0)
    np.testing.assert_allclose(series["mu"], [40, 40, 30, 20])
    np.testing.assert_array_equal(series["averted_mean"], [NAN, NAN, 10, 30])
    assert series["post"].values.tolist() == [False, False, True, True]
    assert series.attrs["first_start"] == "2018-03"


def test_series_of_scores_are_averages_in_their_units() -> None:
    of = frame(np.full((3, 4), 10.0), [2, 3, 4], likelihood="normal", scale=2.0)
    series = draw_series(of, fit_of_effect(of, np.array([[-4.0]]), level=20.0), 0.95)
    np.testing.assert_allclose(series["observed"], 20.0)
    np.testing.assert_allclose(series["mu"], [20, 20, 18, 16])
