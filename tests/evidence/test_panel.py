"""Panels: shape, bounds, exposure, and what must not matter (the order of rows)."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import InputError
from evaluation.evidence.coverage import describe_coverage
from evaluation.evidence.panel import build_panel
from evaluation.protocol.loading import load_review
from tests.protocol.example_review import MONTHS, count, tidy_csv, write_review

HEADER = "area,period,count\n"


def panel_of(folder: Path, csv: str, **changes: Any) -> xr.Dataset:
    return build_panel(load_review(write_review(folder, data={"assaults.csv": csv}, **changes)), "assaults")


def test_by_hand(tmp_path: Path) -> None:
    rows = "T02,2021-12,3\nT01,2021-12,*\nT01,2022-02,\nT01,2022-03,0\n"
    panel = panel_of(tmp_path, HEADER + rows)
    assert dict(panel.sizes) == {"area": 2, "time": 4}
    assert panel["area"].values.tolist() == ["T01", "T02"]
    assert panel["time"].values.tolist() == ["2021-12", "2022-01", "2022-02", "2022-03"]
    nan = np.nan
    np.testing.assert_array_equal(panel["value"], [[nan, nan, nan, 0], [3, nan, nan, nan]])
    np.testing.assert_array_equal(panel["low"], [[1, nan, nan, 0], [3, nan, nan, nan]])
    np.testing.assert_array_equal(panel["high"], [[7, nan, nan, 0], [3, nan, nan, nan]])
    # Persons x days: 10,000 and 20,000 people; December, January, February (28 days) and March.
    np.testing.assert_array_equal(panel["exposure"], np.outer([10_000, 20_000], [31, 31, 28, 31]))
    assert panel.attrs == {
        "indicator": "assaults",
        "frequency": "month",
        "week_anchor": "",
        "exposure_meaning": "persons x days",
    }


def test_coverage_by_hand(tmp_path: Path) -> None:
    panel = panel_of(tmp_path, HEADER + "T02,2021-12,3\nT01,2021-12,*\nT01,2022-02,\nT01,2022-03,0\nT03,2022-01,\n")
    table = describe_coverage(panel)
    assert list(table.loc["T01"]) == [4, 1, 1, 2, 1, "2021-12", "2022-03"]
    assert list(table.loc["T02"]) == [4, 1, 0, 3, 0, "2021-12", "2021-12"]
    assert list(table.loc["T03"]) == [4, 0, 0, 4, 0, "", ""]


def test_absent_rows_that_mean_zero(tmp_path: Path) -> None:
    rows = HEADER + "T01,2021-12,3\nT01,2022-01,\nT02,2022-02,4\n"
    panel = panel_of(tmp_path, rows, indicators={"assaults": {"absent_means": "zero"}})
    # A blank cell stays missing: only rows that are not there are zero.
    np.testing.assert_array_equal(panel["value"], [[3, np.nan, 0], [0, 0, 4]])
    np.testing.assert_array_equal(panel["low"], panel["value"])


SUPPLIED = "area,period,count,exposure\nT01,2024-02,3,50\nT01,2024-03,,\n"


@pytest.mark.parametrize(
    ("csv", "changes", "meaning", "expected"),
    [
        (SUPPLIED, {}, "as supplied", [50, np.nan]),
        (SUPPLIED, {"likelihood": "binomial"}, "denominator", [50, np.nan]),
        (SUPPLIED, {"exposure": "none"}, "none", [1, 1]),
        (SUPPLIED, {"likelihood": "normal"}, "none", [np.nan, np.nan]),
        (HEADER + "T01,2024-02,3\nT01,2024-03,4\n", {}, "persons x days", [290_000, 310_000]),
        (HEADER + "T09,2024-02,3\nT09,2024-03,4\n", {}, "days", [29, 31]),
        (HEADER + "T09,2024-Q1,3\nT09,2024-Q2,4\n", {}, "days", [91, 91]),
        (HEADER + "T09,2024-01-03,3\nT09,2024-01-10,4\n", {}, "days", [7, 7]),
    ],
)
def test_exposure(tmp_path: Path, csv: str, changes: dict[str, Any], meaning: str, expected: list[float]) -> None:
    changes = {"assaults": {"suppressed": None} | changes}
    effect = {"effect": {"meaningful": -1 if changes["assaults"].get("likelihood") == "normal" else 0.9}}
    areas = {"areas": {"T09": {"name": "Town without people"}}}
    panel = panel_of(tmp_path, csv, indicators=changes, areas=areas, outreach=effect)
    assert panel.attrs["exposure_meaning"] == meaning
    np.testing.assert_array_equal(panel["exposure"].values[0], expected)


def test_weeks(tmp_path: Path) -> None:
    panel = panel_of(tmp_path, HEADER + "T01,2024-01-03,3\nT01,2024-01-17,4\n")
    assert panel["time"].values.tolist() == ["2024-01-03", "2024-01-10", "2024-01-17"]
    assert (panel.attrs["frequency"], panel.attrs["week_anchor"]) == ("week", "W-TUE")


def test_areas_that_are_not_listed_are_left_out(tmp_path: Path) -> None:
    panel = panel_of(tmp_path, HEADER + "T01,2024-01,3\nX1,2019-01,3\n")
    assert panel["area"].values.tolist() == ["T01"]
    assert panel.sizes["time"] == 1
    with pytest.raises(InputError, match=r"None of the areas is in areas\.yaml"):
        panel_of(tmp_path, HEADER + "X1,2024-01,3\n")


def test_bad_data_are_refused_with_everything(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        panel_of(tmp_path, HEADER + "T01,2024-01,-3\nT01,45383,3\n")
    assert [p.place for p in refusal.value.problems] == ["row 2, count", "row 3, period"]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dropped=st.sets(st.integers(0, 215), max_size=40))
def test_order_of_rows_does_not_matter(tmp_path_factory: pytest.TempPathFactory, seed: int, dropped: set[int]) -> None:
    folder = tmp_path_factory.getbasetemp() / "shuffled"
    rows = [row for i, row in enumerate(tidy_csv().splitlines()[1:]) if i not in dropped]
    panel = panel_of(folder, HEADER + "\n".join(rows))
    random.Random(seed).shuffle(rows)
    again = panel_of(folder, HEADER + "\n".join(rows))
    xr.testing.assert_identical(panel, again)
    assert int(panel["value"].notnull().sum()) == len(rows)
    for row in rows[:20]:
        area, period, number = row.split(",")
        assert float(panel["value"].sel(area=area, time=period)) == float(number)
    exact = panel["value"].notnull()
    assert bool((panel["low"] == panel["value"]).where(exact, True).all())
    assert bool((panel["low"].isnull() == panel["high"].isnull()).all())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["", "*", "0", "5", "10", "35"]), min_size=1, max_size=36))
def test_bounds_hold_the_truth(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp() / "bounds"
    csv = HEADER + "".join(f"T01,{MONTHS[i]},{cell}\n" for i, cell in enumerate(cells))
    panel = panel_of(folder, csv, indicators={"assaults": {"rounded_to": 5}})
    low, high, value = (panel[name].values[0] for name in ("low", "high", "value"))
    known = ~np.isnan(low)
    assert known.tolist() == [bool(cell) for cell in cells]
    assert (low[known] <= high[known]).all() and (low[known] >= 0).all()
    for i, cell in enumerate(cells):
        if cell and cell != "*":
            assert low[i] <= float(cell) <= high[i]
        assert (value[i] == 0) == (cell == "0")


@pytest.mark.slow
def test_large_data_keep_their_shape(tmp_path: Path) -> None:
    codes = [f"E{i:08d}" for i in range(1000)]
    months = [f"{2005 + i // 12}-{i % 12 + 1:02d}" for i in range(200)]
    csv = HEADER + "".join(f"{c},{m},{count(i % 9, t)}\n" for i, c in enumerate(codes) for t, m in enumerate(months))
    areas = {"areas": {code: {"name": code, "population": 1500} for code in codes}}
    review = load_review(write_review(tmp_path, areas=areas, data={"assaults.csv": csv}))
    panel = build_panel(review, "assaults")
    assert dict(panel.sizes) == {"area": 1000, "time": 200}
