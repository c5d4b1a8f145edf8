"""From plan and panel to arrays: who is treated, from when, and what may be learned from."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.evidence.panel import build_panel
from evaluation.inference.checks import data_quality
from evaluation.inference.design import choose_structure, write_design
from evaluation.inference.frame import Frame, _sum_areas, frame_plan
from evaluation.protocol import load_review
from tests.inference import fabricated
from tests.protocol.example_review import MONTHS, count, tidy_csv, write_review


def framed(folder: Path, indicator: str = "assaults", **changes: Any) -> Frame:
    review = load_review(write_review(folder, **changes))
    return frame_plan(review, review.plans["outreach"], indicator, build_panel(review, indicator))


def csv(labels: list[str], areas: int = 6, header: str = "area,period,count", **columns: Any) -> str:
    rows = [f"T{a:02d},{label},{count(a, t)}" for a in range(1, areas + 1) for t, label in enumerate(labels)]
    return "\n".join([header, *rows]) + "\n"


def test_treated_areas_stand_first_and_starts_are_positions(tmp_path: Path) -> None:
    of = framed(tmp_path, outreach={"treated": {"T01": None, "T05": "2023-01", "T02": "2023-04"}})
    assert of.areas == ["T02", "T05", "T03", "T04"] or of.areas == ["T05", "T02", "T03", "T04"]
    assert of.n_treated == 2
    assert dict(zip(of.areas, of.start.tolist(), strict=True)) == {"T05": 24, "T02": 27, "T03": 36, "T04": 36}
    row = of.areas.index("T05")
    assert of.value[row].tolist() == [count(5, t) for t in range(36)], "each area keeps its own series"
    assert of.evaluated.sum(axis=1)[row] == 12
    assert of.evaluated.sum() == 12 + 9


def test_its_has_no_comparison(tmp_path: Path) -> None:
    of = framed(tmp_path, outreach={"design": "its", "comparison": None})
    assert of.areas == ["T01", "T02"]
    assert of.trend
    assert of.seasonal


def test_an_its_may_have_control_series(tmp_path: Path) -> None:
    of = framed(tmp_path, outreach={"design": "its"})
    assert of.design == "its"
    assert len(of.areas) > of.n_treated
    assert (of.start[of.n_treated :] == len(of.periods)).all()
    assert of.trend
    structure = choose_structure(of)
    assert structure.area_trends, "a control series has a trend of its own"


TOGETHER = {"design": "its", "comparison": None, "treated": {"T02": "2023-01"}, "indicators": {"secondary": None}}


def test_its_areas_that_start_together_are_one_series(tmp_path: Path) -> None:
    row = f"T01,2021-06,{count(1, 5)}\n"
    of = framed(tmp_path, outreach=TOGETHER, data={"assaults.csv": tidy_csv().replace(row, "T01,2021-06,*\n")})
    assert (of.members, of.n_treated, of.n_treated_asked, of.n_areas_asked) == (("T01", "T02"), 1, 2, 2)
    assert of.value[0, 0] == count(1, 0) + count(2, 0)
    assert of.exposure[0, 0] == (10_000 + 20_000) * 31
    assert np.isnan(of.value[0, 5])
    assert (of.low[0, 5], of.high[0, 5]) == (1 + count(2, 5), 7 + count(2, 5))
    assert of.start.tolist() == [24]
    assert of.evaluated.sum() == 12


def test_a_period_in_which_one_of_the_areas_is_missing_is_not_a_total(tmp_path: Path) -> None:
    of = framed(tmp_path, outreach=TOGETHER, data={"assaults.csv": blank(tidy_csv(), 1, range(5, 7))})
    assert np.flatnonzero(~of.observed[0]).tolist() == [5, 6]
    assert any(note.startswith("2 periods are left out") for note in of.notes)


def test_areas_are_not_summed_when_that_would_cost_many_periods(tmp_path: Path) -> None:
    of = framed(tmp_path, outreach=TOGETHER, data={"assaults.csv": blank(tidy_csv(), 1, range(5, 10))})
    assert of.areas == ["T01", "T02"]
    assert of.observed[1].all()
    assert of.members == ()


def test_suppression_is_still_seen_in_a_total(tmp_path: Path) -> None:
    text = tidy_csv()
    for t in range(20):
        text = text.replace(f"T01,{MONTHS[t]},{count(1, t)}\n", f"T01,{MONTHS[t]},*\n")
    of = framed(tmp_path, outreach=TOGETHER, data={"assaults.csv": text})
    assert of.members
    assert data_quality(of).passed is False, "in 20 of 36 periods the count is known only as an interval"


def test_exposure_is_persons_by_days(tmp_path: Path) -> None:
    of = framed(tmp_path)
    assert of.exposure[0, 1] == 10_000 * 28
    assert of.exposure[1, 0] == 20_000 * 31


def test_excluded_windows_leave_the_likelihood_and_say_why(tmp_path: Path) -> None:
    window = {"from": "2021-03", "to": "2021-Q2", "because": "a lockdown"}
    of = framed(tmp_path, outreach={"period": {"exclude": [window]}})
    assert np.flatnonzero(~of.used.any(axis=0)).tolist() == [2, 3, 4, 5]
    assert "4 periods from 2021-03 to 2021-06 are left out: a lockdown." in of.notes


def test_washout_counts_neither_way(tmp_path: Path) -> None:
    of = framed(tmp_path, outreach={"period": {"washout": 2}})
    assert not of.used[0, 24:26].any()
    assert of.used[1, 24:27].all(), "the second area had not started"
    assert not of.used[1, 27:29].any()
    assert of.used[2:].all()
    assert not of.evaluated[0, :26].any()
    assert of.evaluated[0, 26:].all()
    assert of.post[0, 24:].all()


def test_the_period_of_the_plan_cuts_the_panel(tmp_path: Path) -> None:
    of = framed(tmp_path, outreach={"period": {"start": "2021-07", "end": "2023-09"}})
    assert (of.periods[0], of.periods[-1], len(of.periods)) == ("2021-07", "2023-09", 27)
    assert of.start.tolist() == [18, 21, 27, 27, 27]
    assert of.value[0, 0] == count(1, 6)


def test_missing_and_suppressed_cells(tmp_path: Path) -> None:
    text = (
        tidy_csv()
        .replace(f"T01,2023-02,{count(1, 25)}", "T01,2023-02,*")
        .replace(f"T01,2023-03,{count(1, 26)}", "T01,2023-03,")
    )
    of = framed(tmp_path, data={"assaults.csv": text})
    assert np.isnan(of.value[0, 25:27]).all()
    assert (of.low[0, 25], of.high[0, 25]) == (1, 7)
    assert of.observed[0, 25]
    assert not of.observed[0, 26]
    assert of.evaluated[0, 25]
    assert not of.evaluated[0, 26]


def test_not_yet_treated_areas_serve_until_the_last_start(tmp_path: Path) -> None:
    """Without a comparison, what follows the last start has nothing to be compared with."""
    of = framed(tmp_path, outreach={"comparison": None, "treated": {"T01": "2022-07", "T02": "2023-01"}})
    assert of.areas == ["T01", "T02"]
    assert of.used[:, :24].all()
    assert not of.used[:, 24:].any()
    assert any(note.startswith("12 periods from 2023-01 are left out") for note in of.notes)
    assert of.evaluated.sum() == 6


def test_a_period_in_which_the_comparison_is_missing_is_not_compared(tmp_path: Path) -> None:
    text = tidy_csv()
    for area in (3, 4, 5):
        text = text.replace(f"T{area:02d},2023-06,{count(area, 29)}\n", "")
    of = framed(tmp_path, data={"assaults.csv": text})
    assert not of.used[:, 29].any()
    assert of.used[:, 30].all()


QUARTERS = [f"{year}-Q{q}" for year in range(2018, 2024) for q in (1, 2, 3, 4)]
YEARS = [str(year) for year in range(2010, 2024)]
WEEKS = [(date(2021, 1, 4) + timedelta(weeks=i)).isoformat() for i in range(156)]


@pytest.mark.parametrize(
    ("labels", "period", "starts", "per_year", "ramp"),
    [
        (QUARTERS, {"start": "2018-01", "end": "2023-12"}, {"T01": "2022-Q2", "T02": "2022-08"}, 4.0, 2),
        (YEARS, {"start": "2010", "end": "2023"}, {"T01": "2019", "T02": "2020-05"}, 1.0, 1),
        (WEEKS, {"start": "2021-01-04", "end": "2023-12"}, {"T01": "2022-08-15", "T02": "2022-11-02"}, 365.25 / 7, 26),
    ],
    ids=["quarter", "year", "week"],
)
def test_other_frequencies(tmp_path: Path, labels, period, starts, per_year, ramp) -> None:
    of = framed(
        tmp_path,
        review={"simulated": True},
        outreach={"period": period, "treated": starts, "indicators": {"secondary": None}},
        data={"assaults.csv": csv(labels)},
    )
    assert of.per_year == pytest.approx(per_year)
    assert of.periods == labels[: len(of.periods)]
    begun = {"2022-Q2": "2022-Q2", "2022-08": "2022-Q3", "2020-05": "2020", "2022-11-02": "2022-10-31"}
    assert [of.periods[s] for s in of.start[:2]] == [begun.get(s, s) for s in starts.values()]
    assert of.ramp_periods == ramp
    assert of.seasonal == (len(labels) != len(YEARS))


def test_scores_are_standardised_within_areas_and_reported_in_their_units(tmp_path: Path) -> None:
    rows = [f"T{a:02d},{p},{100 * a + 6 * (-1) ** t}" for a in range(1, 7) for t, p in enumerate(MONTHS)]
    of = framed(
        tmp_path,
        indicators={"assaults": {"likelihood": "normal", "suppressed": None}},
        outreach={
            "effect": {"meaningful": -2.0},
            "indicators": {"secondary": None},
            "priors": {"effect": {"normal": [-3, 12], "because": "an earlier trial"}},
        },
        data={"assaults.csv": "\n".join(["area,period,count", *rows]) + "\n"},
    )
    assert of.scale == pytest.approx(6.0)
    np.testing.assert_allclose(of.value[0] * of.scale, [100 + 6 * (-1) ** t for t in range(36)])
    assert of.meaningful == -2.0
    assert (of.priors.effect_mean, of.priors.effect_sd) == pytest.approx((-0.5, 2.0))
    assert of.priors.noise_median == 0.7


def test_declared_priors_replace_defaults(tmp_path: Path) -> None:
    declared = {
        "effect": {"normal": [-0.1, 0.1], "because": "two trials"},
        "season": {"half_normal": 0.1, "because": "flat"},
        "noise": {"half_normal": 0.2, "because": "busy"},
    }
    priors = framed(tmp_path, outreach={"priors": declared}).priors
    assert (priors.effect_mean, priors.effect_sd) == (-0.1, 0.1)
    assert priors.season_sd == 0.1
    assert priors.noise_median == pytest.approx(0.2 * 0.674, rel=1e-3)
    assert priors.trend_sd == 0.2, "what was not declared stays"


def test_a_declared_mean_is_not_dropped(tmp_path: Path) -> None:
    declared = {"trend": {"normal": [0.3, 0.05], "because": "a known rise"}}
    of = framed(tmp_path, outreach=TOGETHER | {"priors": declared})
    assert (of.priors.trend_mean, of.priors.trend_sd) == (0.3, 0.05)
    assert write_design(of).arrays["trend_mean"] == 0.3


def test_roles_and_what_is_meaningful(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"outreach": {"effect": {"meaningful": 0.9}}}
    assert framed(tmp_path / "a", **changes).meaningful == 0.9
    other = framed(tmp_path / "b", "admissions", **changes)
    assert (other.role, other.meaningful) == ("secondary", 0.95)


def blank(text: str, area: int, months: range) -> str:
    for t in months:
        text = text.replace(f"T{area:02d},{MONTHS[t]},{count(area, t)}\n", f"T{area:02d},{MONTHS[t]},\n")
    return text


@pytest.mark.parametrize(("months", "when"), [(range(24, 36), "after"), (range(24), "before")])
def test_nothing_observed_on_one_side_is_refused_in_words(tmp_path: Path, months: range, when: str) -> None:
    review = load_review(write_review(tmp_path, outreach={"treated": {"T02": None}}))
    (tmp_path / "data" / "assaults.csv").write_text(blank(tidy_csv(), 1, months))
    with pytest.raises(ValueError, match=f"No observed period {when} the start is left for Recorded assaults"):
        frame_plan(review, review.plans["outreach"], "assaults", build_panel(review, "assaults"))


def test_a_treated_area_without_data_is_noted(tmp_path: Path) -> None:
    review = load_review(write_review(tmp_path))
    (tmp_path / "data" / "assaults.csv").write_text(
        "".join(line + "\n" for line in tidy_csv().splitlines() if not line.startswith("T02"))
    )
    of = frame_plan(review, review.plans["outreach"], "assaults", build_panel(review, "assaults"))
    assert of.n_treated == 1
    assert "No data for treated area T02." in of.notes


def test_areas_that_start_together_are_summed_in_an_its() -> None:
    low, high = np.array([[4.0, 1, 6], [5, 2, 3]]), np.array([[4.0, 7, 6], [5, 2, 3]])
    value = np.where(low == high, low, np.nan)
    summed = _sum_areas(fabricated.frame(value, [1, 1], design="its", low=low, high=high))
    assert summed.areas == ["T01 + T02"]
    assert (summed.n_areas_asked, summed.n_treated_asked, summed.n_treated) == (2, 2, 1)
    np.testing.assert_array_equal(summed.low, [[9, 3, 9]])
    np.testing.assert_array_equal(summed.high, [[9, 9, 9]])
    np.testing.assert_array_equal(summed.value, [[9, np.nan, 9]])
    np.testing.assert_array_equal(summed.exposure, [[2, 2, 2]])


@pytest.mark.parametrize(
    ("start", "changes"),
    [([1, 2], {"design": "its"}), ([1, 1], {"design": "did"}), ([1, 1], {"design": "its", "missing": True})],
)
def test_areas_are_kept_apart_where_summing_would_lose_something(start: list[int], changes: dict) -> None:
    value = np.array([[4.0, 5, 6], [5, 2, 3]])
    if changes.pop("missing", False):
        value[0, 1] = np.nan
    frame = fabricated.frame(value, start, **changes)
    assert _sum_areas(frame) is frame
