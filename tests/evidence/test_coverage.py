"""`svd check`: plans against data, all files in one pass, and what is only worth saying."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from evaluation.evidence.coverage import check_data, check_review, data_warnings, examine_review
from evaluation.protocol.loading import load_review
from tests.protocol.example_review import MONTHS, count, plan_like_outreach, tidy_csv, write_review

OUT = "plans/outreach.yaml"
DATA = "data/assaults.csv"
HEADER = "area,period,count\n"
TODAY = date(2026, 1, 31)
COVID = {"because": "lockdowns"}
ITS = {"design": "its", "comparison": None}


def both(csv: str) -> dict[str, Any]:
    return {"assaults.csv": csv, "admissions.csv": csv}


def yearly(first: int = 2003, n: int = 5, areas: int = 6) -> str:
    rows = [f"T{a:02d},{first + t},{count(a, t)}\n" for a in range(1, areas + 1) for t in range(n)]
    return HEADER + "".join(rows)


def quarterly(n: int = 12) -> str:
    labels = [f"{2021 + i // 4}-Q{i % 4 + 1}" for i in range(n)]
    return tidy_csv(months=labels)


def without(csv: str, *starts: str) -> str:
    return "\n".join(line for line in csv.splitlines() if not line.startswith(starts)) + "\n"


YEARS = {"period": {"start": "2003", "end": "2007"}}

REFUSED: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "no data for a treated area": (
        {"data": {"assaults.csv": without(tidy_csv(), "T02")}}, OUT, "line 11, treated.T02",
        "There are no data for `T02` in data/assaults.csv.", "Add the rows, or take `assaults` out of this plan.",
    ),
    "no count before the start": (
        {"data": {"assaults.csv": without(tidy_csv(), "T02,2021", "T02,2022", "T02,2023-01", "T02,2023-02", "T02,2023-03")}}, OUT, "line 11, treated.T02",
        "`T02`: no count of `assaults` before the start in 2023-04; `did` with monthly data needs at least 1 before and 1 after.", "Add earlier data.",
    ),
    "start is the first period": (
        {"outreach": {"treated": {"T01": "2021-01"}}}, OUT, "line 10, treated.T01",
        "`T01`: no period before the start in 2021-01 in the data of `assaults` and `admissions` (2021-01 to 2023-12).", "Add earlier data",
    ),
    "start after the data": (
        {"outreach": {"treated": {"T02": "2024-03"}, "period": {"end": "2024-12"}}}, OUT, "line 11, treated.T02",
        "`T02`: the start in 2024-03 comes after the data of `assaults` and `admissions` end (2021-01 to 2023-12).", "Add later data, or wait.",
    ),
    "data outside the period": (
        {"outreach": {"treated": {"T01": "2031-03", "T02": "2031-04"}, "period": {"start": "2030-01", "end": "2032-12"}}}, OUT, "line 14, period",
        "The data of `assaults` and `admissions` run from 2021-01 to 2023-12, wholly outside the period 2030-01 to 2032-12.", "Change `period`",
    ),
    "its: too few before": (
        {"outreach": {**ITS, "treated": {"T01": "2021-08"}}}, OUT, "line 10, treated.T01",
        "`T01`: only 7 usable periods of `assaults` and `admissions` before the start in 2021-08; `its` with monthly data needs at least 8 before and 2 after.",
        "Add earlier data, start the period earlier, or exclude less.",
    ),
    "its: too few after": (
        {"outreach": {**ITS, "treated": {"T01": "2023-12"}}}, OUT, "line 10, treated.T01",
        "`T01`: only 1 usable period of `assaults` and `admissions` from the start in 2023-12 on; `its`", "Wait for more data, or exclude less.",
    ),
    "its: too few quarters": (
        {"outreach": {**ITS, "treated": {"T01": "2021-Q3"}}, "data": both(quarterly())}, OUT, "line 10, treated.T01",
        "`T01`: only 2 usable periods of `assaults` and `admissions` before the start in 2021-Q3; `its` with quarterly data needs at least 3 before and 1 after.", "Add",
    ),
    "its: windows count": (
        {"outreach": {**ITS, "period": {"exclude": [{"from": "2021-01", "to": "2022-06", **COVID}]}}}, OUT, "line 10, treated.T01",
        "`T01`: only 6 usable periods", "Add earlier data",
    ),
    "window takes all before": (
        {"outreach": {"period": {"exclude": [{"from": "2021-01", "to": "2022", **COVID}]}}}, OUT, "line 17, period.exclude",
        "The excluded windows take out every period before 2023-01.", "Exclude less",
    ),
    "window takes all after": (
        {"outreach": {"period": {"exclude": [{"from": "2023-04", "to": "2023", **COVID}]}}}, OUT, "line 17, period.exclude",
        "The excluded windows (and the washout) take out every period from 2023-04 on.", "Exclude less",
    ),
    "washout": (
        {"outreach": {"period": {"washout": 9}}}, OUT, "line 17, period.washout",
        "A washout of 9 periods leaves nothing of the 9 periods from 2023-04.", "Shorten the washout",
    ),
    "slope needs three": (
        {"outreach": {"treated": {"T02": "2023-11"}, "effect": {"shape": "level_and_slope"}}}, OUT, "line 18, effect.shape",
        "`level_and_slope` needs 3 periods from the start on; there are 2 of `assaults` and `admissions` in `T02`.", "Write `shape: step`",
    ),
    "season finer than the data": (
        {"outreach": {"model": {"seasonality": "monthly"}}, "data": both(quarterly())}, OUT, "line 18, model.seasonality",
        "A monthly season cannot be seen in data by quarter (`assaults` and `admissions`).", "Write `seasonality: quarterly`, auto or none.",
    ),
    "comparison without data": (
        {"data": {"admissions.csv": without(tidy_csv(), "T03", "T04", "T05")}}, OUT, "line 12, comparison",
        "No comparison area has data on `admissions` in the period.", "Add their rows to data/admissions.csv, or name other areas.",
    ),
    "together once by quarter": (
        {"outreach": {"treated": {"T02": "2023-02"}, "comparison": None}, "data": both(quarterly())}, OUT, "comparison",
        "All treated areas start in the same quarter (2023-Q1) of `assaults` and `admissions`, and there is no comparison.", "Add",
    ),
    "no file": ({"data": {"assaults.csv": None, "asaults.csv": tidy_csv()}}, DATA, "", "The data of `assaults` are not there.", "Rename data/asaults.csv"),
    "named file is absent": (
        {"indicators": {"assaults": {"file": "assaults.csv"}}}, "assaults.csv", "", "The data of `assaults` are not there.", "Write `file: data/assaults.csv`",
    ),
    "capitals": (
        {"data": {"assaults.csv": tidy_csv().replace("T06,2023-12", "t06,2023-12")}}, DATA, "row 217, area", "There is no area 't06' in areas.yaml.", "Did you mean `T06`? Capital letters count.",
    ),
    "leading zero": (
        {"areas": {"areas": {"007": {"name": "x"}}}, "data": {"assaults.csv": tidy_csv(extra="7,2021-01,5\n")}}, DATA, "row 218, area",
        "There is no area '7' in areas.yaml.", "Did you mean `007`? Spreadsheets drop leading zeros; format the column as Text.",
    ),
    "names for codes": (
        {"data": {"assaults.csv": tidy_csv().replace("T06,2023-12", "Town 6,2023-12")}}, DATA, "row 217, area", "There is no area 'Town 6'", "This is a name; write the code: `T06`.",
    ),
    "totals": ({"data": {"assaults.csv": tidy_csv(extra="All areas,2021-01,5\n")}}, DATA, "row 218, area", "'All areas' is a total, not an area.", "Delete the rows of totals."),
    "none known": (
        {"data": {"assaults.csv": tidy_csv().replace("\nT0", "\nX9")}}, DATA, "column area", "None of the areas is in areas.yaml: `X91`, `X92`, `X93` and 3 more.", "Use the codes of areas.yaml",
    ),
    "zero rows without exposure": (
        {"indicators": {"assaults": {"absent_means": "zero"}}, "data": {"assaults.csv": HEADER.replace("count", "count,exposure") + "".join(f"{r},9\n" for r in tidy_csv().splitlines()[1:-1])}},
        DATA, "column exposure", "Rows that are left out mean zero (1 of them)", "Write these rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, case: tuple[dict[str, Any], str, str, str, str]) -> None:
    changes, file, place, found, remedy = case
    examination = examine_review(write_review(tmp_path / "review", **changes), today=TODAY)
    problems = examination.problems
    assert [(p.file, p.place) for p in problems] == [(file, place)], "\n".join(map(str, problems))
    assert problems[0].found.startswith(found)
    assert problems[0].remedy.startswith(remedy)
    assert examination.review is None


ALLOWED: dict[str, dict[str, Any]] = {
    "as it is": {},
    "its": {"outreach": {**ITS, "treated": {"T01": "2021-09", "T02": "2023-11"}}},
    "its by quarter": {"outreach": {**ITS, "treated": {"T01": "2021-Q4"}}, "data": both(quarterly())},
    "annual, start in the second year": {
        "outreach": {"treated": {"T01": "2004", "T02": "2007"}, **YEARS}, "data": both(yearly()),
    },
    "staggered without comparison": {"outreach": {"comparison": None}},
    "start in the last period": {"outreach": {"treated": {"T02": "2023-12"}}},
    "slope with three": {"outreach": {"treated": {"T02": "2023-10"}, "effect": {"shape": "level_and_slope"}}},
    "monthly season by month": {"outreach": {"model": {"seasonality": "monthly"}}},
    "suppressed before the start": {"data": {"assaults.csv": HEADER + "".join(
        f"T{a:02d},{m},{'*' if m < '2023' else 9}\n" for a in range(1, 7) for m in MONTHS)}},
    "gaps": {"data": {"assaults.csv": without(tidy_csv(), "T01,2021-07", "T02,2022")}},
}  # fmt: skip


@pytest.mark.parametrize("changes", ALLOWED.values(), ids=ALLOWED.keys())
def test_allowed(tmp_path: Path, changes: dict[str, Any]) -> None:
    review, problems = check_review(write_review(tmp_path, **changes))
    assert problems == []
    assert review is not None and check_data(review) == []


WARNED: dict[str, tuple[dict[str, Any], str, str]] = {
    "start inside a quarter": (
        {"outreach": {"treated": {"T01": "2022-Q1", "T02": "2023-05"}}, "data": both(quarterly())}, "line 11, treated.T02",
        "`T02`: the start in 2023-05 lies inside 2023-Q2, which counts as wholly treated (`assaults` and `admissions`).",
    ),
    "year for a month": ({"outreach": {"treated": {"T01": "2022"}}}, "line 10, treated.T01", "`T01`: the start in 2022 is read as 2022-01"),
    "period beyond the data": ({"outreach": {"period": {"end": "2024-12"}}}, "line 16, period.end", "The period ends in 2024-12, the data of"),
    "period before the data": ({"outreach": {"period": {"start": "2018-04"}}}, "line 15, period.start", "The period starts in 2018-04, the data of"),
    "short history for its": ({"outreach": {**ITS, "treated": {"T01": "2022-01"}}}, "line 10, treated.T01", "`T01`: fewer than 24 usable periods"),
    "one before for did": (
        {"outreach": {"treated": {"T01": "2004", "T02": "2007"}, **YEARS}, "data": both(yearly())}, "line 10, treated.T01", "`T01`: fewer than 2 usable periods",
    ),
    "treated in the group": (
        {"areas": {"groups": {"similar_centres": ["T01", "T03", "T04"]}}}, "line 12, comparison", "Of the group `similar_centres`, treated here: `T01`.",
    ),
    "one comparison area": ({"outreach": {"comparison": {"areas": ["T03"]}}}, "line 12, comparison", "There is one comparison area (`T03`)."),
    "treated by another plan": (
        {"plans": {"second": plan_like_outreach(id="second", treated={"T01": None, "T02": None, "T03": "2022-06"}, comparison={"areas": ["T06"]})}},
        "line 12, comparison", "In the comparison, but treated under `second`: `T03`.",
    ),
    "everybody treated in the end": ({"outreach": {"comparison": None}}, "comparison", "From 2023-04 on every area is treated"),
    "unlisted area": ({"data": {"assaults.csv": tidy_csv(extra="X9,2021-01,5\n")}}, "column area", "`X9` not in areas.yaml: these rows are not used."),
    "area without rows": ({"areas": {"areas": {"T07": {"name": "x", "population": 1}}}}, "column area", "There are no rows for `T07`, listed in areas.yaml."),
    "absent month": (
        {"data": {"assaults.csv": "\n".join(r for r in tidy_csv().splitlines() if ",2021-07," not in r)}}, "column period", "No area has a row for 2021-07: treated as missing.",
    ),
    "absent rows": ({"data": {"assaults.csv": without(tidy_csv(), "T01,2021-07")}}, "", "1 row of 216 left out (the first: T01 in 2021-07): treated as missing."),
    "much suppressed": (
        {"data": {"assaults.csv": HEADER + "".join(f"T{a:02d},{m},{'*' if a > 3 else 9}\n" for a in range(1, 7) for m in MONTHS)}}, "column count", "50% of the counts are suppressed",
    ),
    "treated area suppressed": (
        {"data": {"assaults.csv": HEADER + "".join(f"T{a:02d},{m},{'*' if a == 1 else 9}\n" for a in range(1, 7) for m in MONTHS)}}, "line 10, treated.T01", "`T01`: more than half of the counts",
    ),
    "all zero": ({"data": {"assaults.csv": HEADER + "".join(f"T{a:02d},{m},0\n" for a in range(1, 7) for m in MONTHS)}}, "column count", "Every count is 0."),
    "some without population": ({"areas": {"areas": {"T01": {"population": None}}}}, "", "There is no population for `T01`, so exposure is days alone for every area."),
    "unused file": ({"raw": {"data/knives.csv": tidy_csv()}}, "", "No indicator uses this file."),
    "no plans": ({"raw": {OUT: None}}, "", "There are no plans, so nothing will be evaluated."),
    "long ramp": ({"outreach": {"effect": {"shape": "ramp", "ramp_periods": 12}}}, "line 19, effect.ramp_periods", "The ramp of 12 periods is longer than the 9"),
}  # fmt: skip


@pytest.mark.parametrize("case", WARNED.values(), ids=WARNED.keys())
def test_worth_saying(tmp_path: Path, case: tuple[dict[str, Any], str, str]) -> None:
    changes, place, found = case
    examination = examine_review(write_review(tmp_path, **changes), today=TODAY)
    assert examination.problems == []
    match = [w for w in examination.warnings if w.place == place and w.found.startswith(found)]
    assert match, "\n".join(map(str, examination.warnings))
    assert match[0].remedy


def test_nothing_to_say_about_a_sound_review(tmp_path: Path) -> None:
    review = load_review(write_review(tmp_path, review={"contact": "analyst@example.org"}))
    # The example's window lies in 2021, so the one thing worth saying is which lockdowns and steps it crosses.
    assert [warning.found[:19] for warning in data_warnings(review)] == ["Your window crosses"]


def test_every_file_is_judged_in_one_pass(tmp_path: Path) -> None:
    write_review(
        tmp_path,
        review={"interval": 95},
        areas={"areas": {"T06": {"population": 0}}},
        indicators={"admissions": {"direction": "down"}},
        outreach={"treated": {"T01": "2021-01"}, "costs": {"total": -1, "price_year": "2023"}},
        plans={"second": "id: [\n"},
        data={
            "assaults.csv": tidy_csv().replace("T05,2023-11,", "T05,2023-11,-"),
            "admissions.csv": tidy_csv().encode("utf-16"),
        },
    )
    review, problems = check_review(tmp_path)
    assert review is None
    assert [f"{p.file}, {p.place}" for p in problems] == [
        "review.yaml, line 4, interval",
        "areas.yaml, line 19, areas.T06.population",
        "indicators.yaml, line 11, admissions.direction",
        "plans/outreach.yaml, line 10, treated.T01",
        "plans/outreach.yaml, line 18, costs.total",
        "plans/second.yaml, line 2",
        "data/assaults.csv, row 180, count",
        "data/admissions.csv, ",
    ]


def test_a_mistake_is_not_said_twice(tmp_path: Path) -> None:
    csv = tidy_csv().replace("T01,", "t01,").replace("2021-03", "Mar-21")
    _, problems = check_review(write_review(tmp_path, data=both(csv)))
    assert {p.file for p in problems} == {"data/assaults.csv", "data/admissions.csv"}, "the plan is not at fault"


def test_one_plan_alone(tmp_path: Path) -> None:
    spoilt = plan_like_outreach(id="second", indicators={"primary": "admissions", "secondary": None})
    write_review(
        tmp_path,
        outreach={"indicators": {"secondary": None}},
        plans={"second": spoilt},
        data={"admissions.csv": HEADER},
    )
    review = load_review(tmp_path)
    assert check_data(review, ["outreach"]) == []
    assert [p.file for p in check_data(review)] == ["data/admissions.csv"]


def test_made_up_data_may_lie_in_the_future(tmp_path: Path) -> None:
    csv = tidy_csv(extra="T01,2099-01,5\n")
    assert len(check_review(write_review(tmp_path, data={"assaults.csv": csv}))[1]) == 1
    assert check_review(write_review(tmp_path, data={"assaults.csv": csv}, review={"simulated": True}))[1] == []


def test_nothing_is_written(tmp_path: Path) -> None:
    folder = write_review(tmp_path / "review", outreach={"id": "other"})
    before = {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}
    check_review(folder)
    assert {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))} == before


def test_neither_pandas_nor_pymc_is_needed(tmp_path: Path) -> None:
    write_review(tmp_path)
    code = "import sys; from evaluation.evidence.coverage import check_review; r, p = check_review(sys.argv[1]); "
    code += "print(p, sorted({'pandas', 'xarray', 'pymc', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_a_contact_is_asked_for_unless_simulated(tmp_path: Path) -> None:
    assert "contact" in [w.place for w in data_warnings(load_review(write_review(tmp_path / "a")))]
    assert data_warnings(load_review(write_review(tmp_path / "b", review={"simulated": True}))) == []
