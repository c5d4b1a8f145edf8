"""Population as exposure: worked by hand, found by name, carried with a word, refused where it is too old."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.errors import InputError
from evaluation.evidence.coverage import examine_review
from evaluation.evidence.panel import build_panel
from evaluation.flow import input_files
from evaluation.protocol.loading import load_review
from tests.command_line import svd
from tests.protocol.example_review import MONTHS, tidy_csv, write_review

HEADER = "area,period,count\n"
# Mid-year estimates of T01 and T02; the rest of the example's towns have one figure in areas.yaml.
ONS = "code,name,year,population\nT01,Town 1,2021,9000\nT01,Town 1,2022,10200\nT02,Town 2,2021,20000\nT02,Town 2,2022,20000\n"


def imported(folder: Path, text: str = ONS, *more: object, **changes: Any) -> Path:
    """A review into which population was imported by the command that a user types."""
    write_review(folder, **changes)
    (folder / "ons.csv").write_text(text)
    result = svd("import", "population", folder / "ons.csv", "--into", folder, *more)
    assert result.exit_code == 0, result.stderr
    assert "people x days" in result.stdout
    return folder


def test_person_days_by_hand(tmp_path: Path) -> None:
    folder = imported(tmp_path, data={"assaults.csv": HEADER + "T01,2021-06,3\nT01,2021-07,3\nT01,2022-02,3\n"})
    panel = build_panel(load_review(folder), "assaults").sel(area="T01")
    # From June 2021 (9,000) to June 2022 (10,200) there are 100 more each month.
    assert panel["exposure"].sel(time="2021-06") == 9000 * 30
    assert panel["exposure"].sel(time="2021-07") == 9100 * 31
    assert panel["exposure"].sel(time="2022-02") == 9800 * 28
    assert panel.attrs["exposure_meaning"] == "persons x days"
    assert panel.attrs["population"] == "mid-year estimates, by month"


@pytest.mark.parametrize(
    ("rows", "label", "expected"),
    [
        ("T01,2021-Q3,3\nT01,2021-Q4,3\n", "2021-Q3", 9100 * 31 + 9200 * 31 + 9300 * 30),
        ("T01,2021-06-28,3\nT01,2021-07-05,3\n", "2021-06-28", 9000 * 3 + 9100 * 4),
    ],
)
def test_longer_and_shorter_periods_take_the_days_of_each_month(
    tmp_path: Path, rows: str, label: str, expected: float
) -> None:
    folder = imported(tmp_path, data={"assaults.csv": HEADER + rows})
    assert build_panel(load_review(folder), "assaults")["exposure"].sel(area="T01", time=label) == expected


def test_after_the_last_estimate_it_is_carried_and_said(tmp_path: Path) -> None:
    folder = imported(tmp_path, data={"assaults.csv": tidy_csv()})
    panel = build_panel(load_review(folder), "assaults")
    assert panel["exposure"].sel(area="T01", time="2023-12") == 10_200 * 31
    # 18 months from July 2022, and 5 before June 2021, of 36; and the towns 3 to 6 have one figure.
    assert panel.attrs["population"] == (
        "mid-year estimates, by month, carried past an estimate in 64% of periods, 4 areas with one fixed figure"
    )
    said = [w.found for w in examine_review(folder).warnings if w.file == "data/population.csv"]
    assert any("64% of the periods" in text for text in said)
    assert any("`T03`, `T04`, `T05` and `T06` not in data/population.csv" in text for text in said)


def test_areas_are_found_by_name_where_codes_differ(tmp_path: Path) -> None:
    folder = imported(tmp_path, ONS.replace("T01,Town 1", "E07000001,Town 1"), data={"assaults.csv": HEADER + "T01,2021-07,3\nT01,2021-08,3\n"})  # fmt: skip
    assert build_panel(load_review(folder), "assaults")["exposure"].sel(area="T01", time="2021-07") == 9100 * 31
    assert any("by name (T01)" in warning.found for warning in examine_review(folder).warnings)


def test_estimates_too_old_for_the_counts_are_refused(tmp_path: Path) -> None:
    old = "code,name,year,population\nT01,Town 1,2018,9000\nT01,Town 1,2019,9000\n"
    folder = imported(tmp_path, old, data={"assaults.csv": HEADER + "T01,2022-07,3\nT01,2022-08,3\n"})
    problem = next(p for p in examine_review(folder).problems if "`assaults`" in p.found)
    assert (problem.file, problem.place) == ("data/population.csv", "column period")
    assert "more than three years" in problem.found and "2019-06" in problem.found
    with pytest.raises(InputError, match="more than three years"):
        build_panel(load_review(folder), "assaults")


def test_a_population_of_other_boundaries_is_noticed(tmp_path: Path) -> None:
    folder = imported(tmp_path, ONS.replace("9000", "90000").replace("10200", "90000"))
    assert any("`T01` in areas.yaml differs" in warning.found for warning in examine_review(folder).warnings)


@pytest.mark.parametrize(
    ("csv_text", "changes", "meaning"),
    [
        ("area,period,count,exposure\nT01,2021-07,3,50\nT01,2021-08,3,50\n", {}, "as supplied"),
        (HEADER + "T01,2021-07,3\nT01,2021-08,3\n", {"exposure": "none"}, "none"),
        (
            "area,period,count,exposure\nT01,2021-07,3,50\nT01,2021-08,3,50\n",
            {"likelihood": "binomial"},
            "denominator",
        ),
    ],
)
def test_an_exposure_of_the_datas_own_comes_first(
    tmp_path: Path, csv_text: str, changes: dict[str, str], meaning: str
) -> None:
    folder = imported(tmp_path, data={"assaults.csv": csv_text}, indicators={"assaults": changes})
    assert build_panel(load_review(folder), "assaults").attrs["exposure_meaning"] == meaning


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("area,period,count\nT01,2021-06,0\n", "T01 has no people"),
        ("area,period,count\nT01,2021-Q1,9\n", "given by quarter"),
        ("area,period,count\nT01,2021-06,many\n", "not a number"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, found: str) -> None:
    folder = write_review(tmp_path, data={"population.csv": text})
    problems = [p for p in examine_review(folder).problems if p.file == "data/population.csv"]
    assert len(problems) == 1 and found in problems[0].found, "once, however many indicators use it"


def test_annual_estimates_written_by_hand_are_those_of_30_june(tmp_path: Path) -> None:
    text = "area,period,count\nT01,2021,9000\nT01,2022,10200\n"
    folder = write_review(tmp_path, data={"population.csv": text, "assaults.csv": HEADER + "T01,2021-07,3\nT01,2021-08,3\n"})  # fmt: skip
    assert build_panel(load_review(folder), "assaults")["exposure"].sel(area="T01", time="2021-07") == 9100 * 31


def test_a_finding_depends_on_the_file(tmp_path: Path) -> None:
    folder = imported(tmp_path)
    (folder / "data" / "provenance" / "assaults.json").write_text("{}")
    (folder / "shocks.csv").write_text("")
    review = load_review(folder)
    names = [path.relative_to(folder).as_posix() for path in input_files(review, review.plans["outreach"])]
    wanted = {"data/population.csv", "data/provenance/population.areas.csv", "data/provenance/assaults.json"}
    wanted |= {"shocks.csv"}
    assert wanted <= set(names)
    assert MONTHS[0] == "2021-01"


@pytest.mark.slow
def test_real_boroughs_person_months(published: Callable[[str], Path], tmp_path: Path) -> None:
    """Knife crime and population of London, both imported by command, joined by code; one cell worked by hand."""
    lived = published("uk_population_and_lookups")
    knife = published("mps_knife_crime_monthly_2022_2026") / "knife_crime_borough_month.csv"
    files = [lived / "london_11-22borough_pop.csv", lived / "london_2324borough_pop.csv"]
    assert svd("import", "population", *files, "--into", tmp_path, "--last", "2026-02").exit_code == 0
    assert svd("import", "met-knife", knife, "--into", tmp_path, "--measure", "Knife Crime").exit_code == 0
    with files[0].open(encoding="utf-8-sig", newline="") as stream:
        barnet = next(row for row in csv.DictReader(stream) if row["Area name"] == "Barnet")
    with files[1].open(encoding="utf-8-sig", newline="") as stream:
        later = next(row for row in csv.DictReader(stream) if row["Area name"] == "Barnet")
    code = barnet["Code"]
    write_review(
        tmp_path,
        areas={"areas": {code: {"name": "Barnet"}}},
        data={"assaults.csv": (tmp_path / "data" / "knife_crime.csv").read_text()},
    )
    panel = build_panel(load_review(tmp_path), "assaults").sel(area=code)
    y22, y23 = int(barnet["2022_Population"]), int(later["2023_Population"])
    # 31 December 2022 lies half-way between the estimates; the importer writes whole persons.
    np.testing.assert_allclose(panel["exposure"].sel(time="2022-12"), round((y22 + y23) / 2) * 31, rtol=1e-5)
    np.testing.assert_allclose(panel["exposure"].sel(time="2026-02"), int(later["2024_Population"]) * 28)
