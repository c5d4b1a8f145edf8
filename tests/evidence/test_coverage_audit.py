"""The coverage audit: each rule with a case that fires and one that does not, and the broken months of real data."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.evidence.audit import (
    ABSENT,
    COMPLETE,
    IMPLAUSIBLE,
    PARTIAL,
    PROVISIONAL,
    SUPPRESSED,
    Audit,
    audit_counts,
)
from evaluation.evidence.coverage import check_data, check_review, examine_review
from evaluation.evidence.panel import build_panel
from evaluation.protocol.loading import load_review
from tests.protocol.example_review import MONTHS, count, tidy_csv, write_review


def steady(areas: int = 4, months: int = 36, level: float = 100.0) -> np.ndarray:
    """Counts that stray by a tenth around a level, the same at every run."""
    rng = np.random.default_rng(5)
    return np.round(level * np.exp(rng.normal(0, 0.05, (areas, months))))


def audit(value: np.ndarray, **more: object) -> Audit:
    return audit_counts(value, np.isfinite(value), "month", **more)  # type: ignore[arg-type]


def found(result: Audit) -> set[tuple[str, tuple[int, ...], int]]:
    return {(odd.kind, odd.areas, odd.time) for odd in result.oddities}


def test_steady_counts_are_complete() -> None:
    result = audit(steady())
    assert not result.oddities
    assert (result.state == COMPLETE).all()


@pytest.mark.parametrize(("factor", "fires"), [(0.1, True), (0.19, True), (0.5, False)])
def test_a_collapse_is_less_than_a_fifth_of_the_trailing_year(factor: float, fires: bool) -> None:
    value = steady()
    value[1, 20] = 100 * factor
    assert (("collapse", (1,), 20) in found(audit(value))) is fires


def test_small_counts_fall_to_nothing_by_chance() -> None:
    value = steady(level=8)
    value[0, 20] = 0
    assert not audit(value).oddities


def test_a_second_collapsed_month_does_not_hide_behind_the_first() -> None:
    value = steady()
    value[2, 10:16] = 5
    assert {("collapse", (2,), t) for t in range(10, 16)} <= found(audit(value))


def test_a_collapse_in_the_first_months_is_judged_by_the_year_ahead() -> None:
    value = steady()
    value[:, 0] = 3
    assert {("collapse", (i,), 0) for i in range(4)} <= found(audit(value))


def test_a_fall_that_all_share_is_noticed_where_one_areas_would_not_be() -> None:
    value = steady()
    value[:, 18] = np.round(value[:, 18] * 0.6)
    assert ("shared fall", (0, 1, 2, 3), 18) in found(audit(value))
    assert (audit(value).state[:, 18] == PARTIAL).all()
    alone = steady()
    alone[0, 18] = 70
    assert not audit(alone).oddities
    shut = np.zeros(36, dtype=bool)
    shut[18] = True
    assert not audit(value, expected_falls=shut).oddities


def test_hidden_counts_among_zeros_are_no_fall() -> None:
    """An area with one event in two months: zeros are shown, ones are hidden, and chance decides how many there are."""
    rng = np.random.default_rng(8)
    count = rng.poisson(0.8, (6, 60)).astype(float)
    value = np.where(count == 0, 0.0, np.nan)
    bounds = np.where(count == 0, 0.0, 1.0), np.where(count == 0, 0.0, 7.0)
    result = audit_counts(value, np.ones(value.shape, dtype=bool), "month", bounds=bounds)
    assert not result.oddities and (result.state[count > 0] == SUPPRESSED).all()
    # A count that can be no more than a fifth of what the others must be is a collapse, hidden or not.
    value, low, high = steady(), steady(), steady()
    value[1, 20], low[1, 20], high[1, 20] = np.nan, 1, 7
    result = audit_counts(value, np.ones(value.shape, dtype=bool), "month", bounds=(low, high))
    assert found(result) == {("collapse", (1,), 20)}


@pytest.mark.slow
def test_made_up_series_without_faults_raise_few_alarms() -> None:
    """Levels 5 to 200, autocorrelation 0.5, a season: at most 3 of 60 panels of some 6 years."""
    rng = np.random.default_rng(1)
    alarmed = 0
    for _ in range(60):
        shape = int(rng.integers(3, 20)), 72
        noise = rng.normal(0, 0.1, shape)
        for t in range(1, 72):
            noise[:, t] = 0.5 * noise[:, t - 1] + np.sqrt(0.75) * noise[:, t]
        log = noise + 0.15 * np.sin(np.arange(72) / 12 * 2 * np.pi) + rng.normal(0, 0.4, (shape[0], 1))
        alarmed += bool(audit(rng.poisson(rng.choice([5, 20, 60, 200]) * np.exp(log)).astype(float)).oddities)
    assert alarmed <= 3


def test_a_lasting_fall_is_an_effect_and_not_a_gap() -> None:
    value = steady()
    value[0, 18:] = np.round(value[0, 18:] * 0.5)
    assert not audit(value).oddities


def test_a_dip_comes_back() -> None:
    value = steady()
    value[3, 18] = 40
    assert found(audit(value)) == {("dip", (3,), 18)}


def test_a_mirror_image() -> None:
    value = steady()
    value[0, 18:] += 50
    value[1, 18:] -= 50
    assert ("mirror image", (0, 1), 18) in found(audit(value))
    alone = steady()
    alone[0, 18:] += 50
    assert not audit(alone).oddities


def test_an_island_before_a_long_gap() -> None:
    value = steady(months=60)
    value[:, 20:40] = np.nan
    assert not audit(value).oddities
    value[:, :20] *= 2
    assert {odd.kind for odd in audit(value).oddities} == {"island"}


def test_states_of_what_the_data_say_themselves() -> None:
    value, known = steady(), np.ones((4, 36), dtype=bool)
    value[0, 5], value[1, 5] = np.nan, np.nan
    known[1, 5] = False
    flag = np.zeros_like(known)
    flag[2, 35] = True
    part = np.zeros_like(known)
    part[3, 7] = True
    state = audit_counts(value, known, "month", provisional=flag, partial=part).state
    assert [state[0, 5], state[1, 5], state[2, 35], state[3, 7]] == [SUPPRESSED, ABSENT, PROVISIONAL, PARTIAL]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 40), st.floats(0, 0.5))
def test_whatever_the_counts_every_cell_has_one_state_and_missing_stays_missing(
    seed: int, areas: int, months: int, gone: float
) -> None:
    rng = np.random.default_rng(seed)
    value = rng.poisson(rng.choice([0.2, 5, 300]), (areas, months)).astype(float)
    value[rng.random(value.shape) < gone] = np.nan
    state = audit(value).state
    assert ((state == ABSENT) == np.isnan(value)).all()


# Months that the folder's README calls collapsed; the audit is told only which districts share a supplier.
BROKEN = {
    "birmingham": {"2023-06", "2023-07", "2023-08", "2024-09", "2024-10", "2025-03"},
    "liverpool": {"2023-05", "2024-09", "2024-10", "2025-11"},
    "london": {"2023-05", "2023-06", "2023-07", "2023-09"},
}


def test_the_broken_months_of_real_data_are_found(published: Callable[[str], Path]) -> None:
    path = published("police_uk_lad_month_2023_2026") / "lad_category_month.csv.gz"
    totals: dict[tuple[str, str], dict[str, int]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            by_month = totals.setdefault((row["snapshot"], row["borough"]), {})
            by_month[row["month"]] = by_month.get(row["month"], 0) + int(row["crime_count"])
    months = [f"{y}-{m:02d}" for y in range(2010, 2027) for m in range(1, 13)]
    value = np.array([[by.get(m, np.nan) for m in months] for by in totals.values()], dtype=float)
    forces = [force for force, _ in totals]
    groups = {force: [i for i, name in enumerate(forces) if name == force] for force in BROKEN}
    result = audit(value, groups=groups)
    for force, broken in BROKEN.items():
        seen = {months[odd.time] for odd in result.oddities if forces[odd.areas[0]] == force and odd.kind != "island"}
        assert broken <= seen, force
    # Force-wide falls are the README's months and no others.
    shared = {(forces[odd.areas[0]], months[odd.time]) for odd in result.oddities if odd.kind == "shared fall"}
    assert shared <= {(force, month) for force, broken in BROKEN.items() for month in broken}
    # The years 2010 to 2016 of another source lie at another level, beyond a gap of six years.
    old = {months[odd.time][:4] for odd in result.oddities if odd.kind == "island"}
    assert old == {str(year) for year in range(2010, 2017)}


# --- what `svd check` makes of it


def large(month: str = "", value: int = 0, area: str = "T01", status: str = "") -> str:
    """The tidy sample ten times as large, with one cell changed."""
    header = "area,period,count,status\n"
    rows = []
    for i in range(1, 7):
        for t, label in enumerate(MONTHS):
            here = f"T{i:02d}" == area and label == month
            rows.append(f"T{i:02d},{label},{value if here else 10 * count(i, t) + 60},{status if here else 'final'}\n")
    return header + "".join(rows)


def test_a_plan_over_a_collapse_is_refused(tmp_path: Path) -> None:
    data = {"assaults.csv": large("2022-05", 2), "admissions.csv": tidy_csv()}
    [problem] = check_review(write_review(tmp_path, data=data))[1]
    assert problem.file == "plans/outreach.yaml" and problem.place.endswith("period")
    assert "T01 in 2022-05" in problem.found and "genuine" in problem.remedy


def test_a_collapse_that_the_data_call_partial_is_masked_with_a_sentence(tmp_path: Path) -> None:
    data = {"assaults.csv": large("2022-05", 2, status="partial"), "admissions.csv": tidy_csv()}
    folder = write_review(tmp_path, data=data)
    examination = examine_review(folder)
    assert examination.problems == []
    assert any("1 count marked partial or unusable: treated as missing" in w.found for w in examination.warnings)
    panel = build_panel(load_review(folder), "assaults").sel(area="T01", time="2022-05")
    assert np.isnan(panel["value"]) and np.isnan(panel["low"]) and int(panel["state"]) == PARTIAL


@pytest.mark.parametrize(("key", "missing"), [("unusable", True), ("genuine", False)])
def test_the_indicator_can_settle_it(tmp_path: Path, key: str, missing: bool) -> None:
    data = {"assaults.csv": large("2022-05", 2), "admissions.csv": tidy_csv()}
    window = {"from": "2022-05", "to": "2022-05", "areas": ["T01"], "because": "the supplier said so"}
    folder = write_review(tmp_path, data=data, indicators={"assaults": {key: [window]}})
    review = load_review(folder)
    assert check_data(review) == []
    cell = build_panel(review, "assaults")["value"].sel(area="T01", time="2022-05")
    assert bool(np.isnan(cell)) is missing


def test_a_collapse_outside_the_plans_window_is_only_said(tmp_path: Path) -> None:
    data = {"assaults.csv": large("2022-05", 2), "admissions.csv": tidy_csv()}
    exclude = [{"from": "2022-05", "to": "2022-05", "because": "a gap"}]
    folder = write_review(tmp_path, data=data, outreach={"period": {"exclude": exclude}})
    examination = examine_review(folder)
    assert examination.problems == []
    assert any("less than a fifth" in w.found for w in examination.warnings)
    assert IMPLAUSIBLE in build_panel(load_review(folder), "assaults")["state"].to_numpy()
