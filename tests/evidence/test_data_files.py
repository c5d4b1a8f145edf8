"""Data files: each way in which a cell, a row or a file can be wrong, and its neighbours that are right."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import InputError, Problem
from evaluation.evidence.tidy import read_observations, read_tidy
from evaluation.protocol.indicator import Indicator
from tests.protocol.example_review import MONTHS, count, tidy_csv

TODAY = date(2026, 1, 31)
HEADER = "area,period,count\n"


def indicator(**changes: Any) -> Indicator:
    return Indicator.model_validate({"key": "assaults", "title": "Assaults", "suppressed": {"*": [1, 7]}} | changes)


def problems_of(folder: Path, content: str | bytes, name: str = "assaults.csv", **changes: Any) -> list[Problem]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_observations(path, indicator(**changes), f"data/{name}", today=TODAY).problems


def with_cell(text: str) -> str:
    """Valid data in which one count (in row 4) is replaced."""
    return tidy_csv().replace(f"T01,2021-03,{count(1, 2)}", f"T01,2021-03,{text}")


def with_periods(write: Callable[[date], str]) -> str:
    months = [write(date(int(m[:4]), int(m[5:]), 1)) for m in MONTHS]
    return tidy_csv(months=months)


CELLS: dict[str, tuple[str, str]] = {
    '"1,234"': ("'1,234' has a thousands separator.", "Write 1234."),
    "12.5": ("'12.5' is not a whole number.", "Give counts, not rates; for a score write `likelihood: normal` in indicators.yaml."),
    "-3": ("'-3' is negative.", "A count is 0 or more; leave the cell blank if it is not known."),
    "n/a": (
        "'n/a' is not a number.",
        'Leave the cell blank if it is not known; write 0 if nothing happened. If it hides a small count, declare it: `suppressed: {"n/a": [1, 7]}`.',
    ),
    "-": ("'-' is not a number.", "Leave the cell blank"),
    "c": (
        "'c' is not a number.",
        'If it is a suppression marker, add to `assaults` in indicators.yaml: `suppressed: {"c": [1, 7]}` (the range that your publisher states).',
    ),
    "<5": ("'<5' is not a number.", 'If it is a suppression marker, add to `assaults` in indicators.yaml: `suppressed: {"<5": [1, 4]}`'),
    "<=5": ("'<=5' is not a number.", 'If it is a suppression marker, add to `assaults` in indicators.yaml: `suppressed: {"<=5": [1, 5]}`'),
    "1-7": ("'1-7' is not a number.", 'If it is a suppression marker, add to `assaults` in indicators.yaml: `suppressed: {"1-7": [1, 7]}`'),
    "1.2E+05": ("'1.2E+05' was shortened by a spreadsheet.", "Format the column as Number without decimals."),
    "#REF!": ("'#REF!' is an error or an overflow of a spreadsheet formula.", "Correct the formula"),
    "=A1+1": ("'=A1+1' is a formula.", "Save the values, not the formulas."),
    "12%": ("'12%' has a currency or per cent sign.", "Write the bare number."),
    "03-Jan": ("'03-Jan' is a date: a spreadsheet has rewritten the cell.", "Format the column as Number"),
    "1_000": ("'1_000' is not a number.", ""),
    "１２": ("'１２' is not a number.", ""),
    "inf": ("'inf' is not a number.", ""),
    "nan": ("'nan' is not a number.", "Leave the cell blank"),
    "9" * 40: ("", ""),
    "a long remark about this": ("'a long remark about this' is not a number.", "Write a number"),
}  # fmt: skip


@pytest.mark.parametrize("text", CELLS)
def test_bad_count(tmp_path: Path, text: str) -> None:
    found, remedy = CELLS[text]
    problems = problems_of(tmp_path, with_cell(text))
    assert [(p.file, p.place) for p in problems] == [("data/assaults.csv", "row 4, count")]
    assert problems[0].found.startswith(found)
    assert problems[0].remedy.startswith(remedy)


@pytest.mark.parametrize("text", ["0", "12", "12.0", " 12 ", "", "*", "1000000"])
def test_good_count(tmp_path: Path, text: str) -> None:
    assert problems_of(tmp_path, with_cell(text)) == []


FILES: dict[str, tuple[str | bytes, str, str, str]] = {
    "empty": ("", "", "The file is empty.", "Export it again"),
    "blank": (" \r\n", "", "The file is empty.", "Export it again"),
    "only a byte-order mark": (b"\xef\xbb\xbf", "", "The file is empty.", "Export it again"),
    "header only": (HEADER, "", "The file holds column names and no data.", "Export it again"),
    "UTF-16": (tidy_csv().encode("utf-16"), "", "The file is in UTF-16 ('Unicode text').", "In Excel choose File, Save As, 'CSV UTF-8 (Comma delimited)'."),
    "UTF-16 without mark": (tidy_csv().encode("utf-16-le"), "", "The file is in UTF-16 or is not text.", "In Excel"),
    "Windows": (
        tidy_csv(extra="Côte,2021-03,5\n").encode("cp1252"), "row 218", "The file is not in UTF-8: 'Côte,2021-03,' cannot be read as it stands.", "In Excel",
    ),
    "NUL": (with_cell("1\x002"), "row 4", "There is a NUL character in the file.", "Remove it."),
    "semicolons": (tidy_csv().replace(",", ";"), "row 1", "The cells are separated by semicolons.", "Separate them by commas."),
    "tabs": (tidy_csv().replace(",", "\t"), "row 1", "The cells are separated by tabs.", "Separate them by commas."),
    "quoted rows": (
        "".join(f'"{line}"\n' for line in tidy_csv().splitlines()), "row 1", "Each row is in quotation marks as a whole.", "Export it again without quotes",
    ),
    "no area": (tidy_csv().replace("area", "Area Code", 1), "row 1", "There is no column `area`.", "Rename the column `Area Code` to `area`."),
    "no period": (tidy_csv().replace("period", "Month", 1), "row 1", "There is no column `period`.", "Rename the column `Month` to `period`."),
    "no count": (tidy_csv().replace("count", "cuont", 1), "row 1", "There is no column `count`.", "Rename the column `cuont` to `count`."),
    "capitals": (tidy_csv().replace("area", "Area", 1), "row 1", "There is no column `area`.", "Rename the column `Area` to `area`."),
    "wide": (
        "Borough,201004,201005,201006\nBarnet,1,2,3\n", "row 1", "The periods are columns (201004, 201005 and 201006), where rows are wanted.", "Give one row to each area and period",
    ),
    "no names": (tidy_csv().split("\n", 1)[1], "row 1", "The first row holds data, not column names: 'T01,2021-01,20'.", "Add a first row: area,period,count."),
    "title above": (
        "Assaults in Testshire\n\n" + tidy_csv(), "row 1", "The column names are in row 3, below other text ('Assaults in Testshire').", "Delete rows 1 to 2.",
    ),
    "same column twice": ("area,period,count,count\nT01,2021-01,1,2\n", "row 1", "There are two columns called `count`.", "Rename or delete one."),
    "workbook": (b"PK\x03\x04xl/workbook.xml", "", "The file is an Excel or OpenDocument workbook, although it is called assaults.csv.", "In Excel"),
    "old workbook": (b"\xd0\xcf\x11\xe0xx", "", "The file is an old Excel workbook (.xls)", "In Excel"),
    "web page": ("<!DOCTYPE html><html><body>404", "", "The file is a web page or XML, not a table.", "The download probably failed"),
    "JSON": ('{"a": 1}', "", "The file is JSON, not a table.", "Export it as CSV."),
    "LFS": ("version https://git-lfs.github.com/spec/v1\n", "", "The file is a Git LFS pointer", "Fetch"),
    "open quote": (with_cell('"12'), "row 4", "A quotation mark is opened and not closed.", 'Close or remove the ".'),
    "short row": (with_cell("x").replace(",x", ""), "row 4", "The row has 2 cells where there are 3 columns: 'T01,2021-03'.", "Fill in the missing cells."),
    "long row": (with_cell("1,234"), "row 4", "The row has 4 cells where there are 3 columns: 'T01,2021-03,1,234'.", "Remove commas inside numbers"),
    "no area code": (tidy_csv(extra=",2021-03,5\n"), "row 218, area", "There is no area code.", "Fill in the code"),
    "no period in a cell": (tidy_csv(extra="T01,,5\n"), "row 218, period", "There is no period.", "Write months as 2024-03"),
    "month 13": (tidy_csv(extra="T01,2021-13,5\n"), "row 218, period", "'2021-13' is not a month: there is no month 13.", "Write a month from 01 to 12"),
    "future": (tidy_csv(extra="T01,2026-02,5\n"), "row 218, period", "'2026-02' lies in the future.", "Check the date"),
    "year among months": (tidy_csv(extra="T01,2021,5\n"), "row 218, period", "'2021' is a year, while most rows are months.", "Keep one kind of period"),
    "quarter among months": (tidy_csv(extra="T01,2021-Q1,5\n"), "row 218, period", "'2021-Q1' is a quarter", "Keep one kind of period"),
    "odd week": (
        HEADER + "T01,2021-01-04,5\nT01,2021-01-11,5\nT01,2021-01-19,5\n", "row 4, period",
        "The week of '2021-01-19' begins on another weekday than most (Monday).", "Write the Monday on which the week begins.",
    ),
    "duplicate": (
        tidy_csv(extra="T01,2021-03,5\n"), "row 218", "T01 in 2021-03 is there twice: also in row 4, with another count.", "Keep the right one; if both are parts, add them up.",
    ),
    "same twice": (tidy_csv(extra=f"T01,2021-03,{count(1, 2)}\n"), "row 218", "T01 in 2021-03 is there twice: also in row 4, with the same count.", "Delete one of the two."),
    "header again": (tidy_csv(extra=HEADER), "row 218", "The column names are repeated here.", "Delete this row."),
    "Excel dates": (
        with_periods(lambda d: str((d - date(1899, 12, 30)).days)), "rows 2, 3, 4, 5, 6 and 211 more, period",
        "216 cells like this: '44197' is an Excel date stored as a number (it means 1 January 2021).", "Write 2021-01 for that month",
    ),
    "day/month/year": (
        with_periods(lambda d: f"{d:%d/%m/%Y}"), "rows 2, 3, 4, 5, 6 and 211 more, period", "216 cells like this: '01/01/2021' is a date in the order day/month/year.", "Write 2021-01",
    ),
    "month names": (with_periods(lambda d: f"{d:%b-%y}"), "rows 2, 3, 4, 5, 6 and 211 more, period", "216 cells like this: 'Jan-21' is a month in words.", "Write 2021-01."),
    "first of the month": (
        with_periods(lambda d: f"{d}"), "column period", "Every date is the first of a month, such as '2021-01-01', so these are months, not weeks.", "Write 2021-01.",
    ),
    "last of the month": (
        HEADER + "T01,2021-01-31,5\nT01,2021-02-28,5\n", "column period", "Every date is the last of a month, such as '2021-01-31'", "Write 2021-01.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES.values(), ids=FILES.keys())
def test_bad_file(tmp_path: Path, case: tuple[str | bytes, str, str, str]) -> None:
    content, place, found, remedy = case
    problems = problems_of(tmp_path, content)
    assert [p.place for p in problems] == [place], "\n".join(map(str, problems))
    assert problems[0].found.startswith(found)
    assert problems[0].remedy.startswith(remedy)


GOOD_FILES: dict[str, str | bytes] = {
    "as it is": tidy_csv(),
    "byte-order mark": b"\xef\xbb\xbf" + tidy_csv().encode(),
    "Windows line ends": tidy_csv().replace("\n", "\r\n"),
    "blank rows": tidy_csv().replace("T02,2021-01", "\n,,\nT02,2021-01", 1) + ",,\n\n",
    "empty columns": "".join(f"{line},,\n" for line in tidy_csv().splitlines()),
    "further columns": "".join(f"{line},x\n" for line in tidy_csv().replace("count", "count,note", 1).splitlines())
    .replace("note,x", "note"),
    "optional cells cut off": HEADER.replace("count", "count,status") + "T01,2021-01,5,final\nT01,2021-02,5\n",
    "quoted": "".join(",".join(f'"{c}"' for c in line.split(",")) + "\n" for line in tidy_csv().splitlines()),
    "one month": HEADER + "T01,2024-01,5\n",
    "quarters": HEADER + "T01,2024-Q1,5\nT01,2024-Q2,5\n",
    "years": HEADER + "T01,2023,5\nT01,2024,5\n",
    "weeks": HEADER + "T01,2023-12-31,5\nT01,2024-01-07,5\n",
}  # fmt: skip


@pytest.mark.parametrize("content", GOOD_FILES.values(), ids=GOOD_FILES.keys())
def test_good_file(tmp_path: Path, content: str | bytes) -> None:
    assert problems_of(tmp_path, content) == []


def test_many_of_a_kind_are_one_problem_and_kinds_stay_apart(tmp_path: Path) -> None:
    lines = tidy_csv().splitlines()
    bad = [lines[0]] + [f"{line}.5" if i % 2 else f"{line}," for i, line in enumerate(lines[1:])]
    problems = problems_of(tmp_path, "\n".join(bad).replace(",\n", "\n") + "\nT01,2021-01,-1\n")
    assert [p.place for p in problems] == [
        "rows 3, 5, 7, 9, 11 and 103 more, count",
        "row 218, count",
        "row 218",
    ]
    assert problems[0].found.startswith("108 cells like this: '")


def test_all_problems_at_once(tmp_path: Path) -> None:
    content = HEADER + "T01,45383,1\nT01,2021-02,-1\n,2021-03,x y\nT01,2021-04,1.5\nT01,2021-04,1\n"
    assert [p.place for p in problems_of(tmp_path, content)] == [
        "row 2, period",
        "row 3, count",
        "row 4, area",
        "row 4, count",
        "row 5, count",
        "row 6",
    ]


EXPOSURE = {
    "0": ("The exposure is 0, so no rate exists.", "Give the people or time at risk, or leave the row out."),
    "-1": ("The exposure '-1' is negative.", "Give a number above 0."),
    "": ("There is a count but no exposure.", "Fill it in, or leave the count blank too."),
    '"1,000"': ("'1,000' has a thousands separator.", "Write 1000."),
}


@pytest.mark.parametrize("text", EXPOSURE)
def test_bad_exposure(tmp_path: Path, text: str) -> None:
    content = f"area,period,count,exposure\nT01,2021-01,5,100\nT01,2021-02,5,{text}\nT01,2021-03,,\n"
    (problem,) = problems_of(tmp_path, content)
    assert (problem.place, problem.found, problem.remedy) == ("row 3, exposure", *EXPOSURE[text])


def test_exposure_of_a_binomial(tmp_path: Path) -> None:
    rows = "area,period,count,exposure\nT01,2021-01,5,5\nT01,2021-02,6,5\nT01,2021-03,*,4\n"
    (problem,) = problems_of(tmp_path, rows, likelihood="binomial")
    assert str(problem) == (
        "data/assaults.csv, row 3, exposure: The exposure (the denominator) is 5, smaller than the count of 6. "
        "Check both; they may be swapped."
    )
    assert problems_of(tmp_path, rows) == [], "a rate may be above 1 for counts"
    (problem,) = problems_of(tmp_path, rows.replace("exposure", "denominator"), likelihood="binomial")
    assert problem.remedy == "Rename the column `denominator` to `exposure`."


def test_upper_bound_of_a_binomial_is_its_denominator(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("area,period,count,exposure\nT01,2021-01,*,4\n")
    assert read_tidy(path, indicator(likelihood="binomial"))[["low", "high"]].to_numpy().tolist() == [[1.0, 4.0]]


def test_rounding_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEADER + "T01,2021-01,0\nT01,2021-02,*\nT01,2021-03,10\nT01,2021-04,\n")
    found = read_tidy(path, indicator(rounded_to=5))
    # 0 is exactly 0; * is 1 to 7; 10 rounded to 5 is 8 to 12; blank is missing.
    assert found["low"].fillna(-1).tolist() == [0, 1, 8, -1]
    assert found["high"].fillna(-1).tolist() == [0, 7, 12, -1]
    assert found["count"].fillna(-1).tolist() == [0, -1, -1, -1]
    assert found["status"].tolist() == ["final", "suppressed", "final", "missing"]
    (problem,) = problems_of(tmp_path, HEADER + "T01,2021-01,13\n", rounded_to=5)
    assert problem.found == "'13' is not a multiple of 5, although `rounded_to: 5`."


def test_scores(tmp_path: Path) -> None:
    rows = "area,period,value\nT01,2021-01,-1.5\nT01,2021-02,\n"
    assert problems_of(tmp_path, rows, likelihood="normal") == []
    assert problems_of(tmp_path, rows.replace("value", "count"), likelihood="normal") == []
    (problem,) = problems_of(tmp_path, rows)
    assert problem.remedy == "Rename the column `value` to `count`."
    (problem,) = problems_of(tmp_path, "area,period,count,value\nT01,2021-01,1,2\n", likelihood="normal")
    assert problem.found == "There are both a column `count` and a column `value`."


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("5,finl", "There is no status 'finl'."),
        ("5,suppressed", "The status says suppressed but the cell holds '5'."),
        ("5,missing", "The status says missing but the cell holds '5'."),
        (",suppressed", "The status says suppressed but the cell is blank."),
        (",final", "The cell is blank but the status says final."),
    ],
)
def test_bad_status(tmp_path: Path, row: str, found: str) -> None:
    (problem,) = problems_of(tmp_path, f"area,period,count,status\nT01,2021-01,{row}\n")
    assert problem.found == found


def test_statuses(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("area,period,count,status\nT01,2021-01,5,provisional\nT01,2021-02,*,\nT01,2021-03,,missing\n")
    assert read_tidy(path, indicator())["status"].tolist() == ["provisional", "suppressed", "missing"]


def test_column_of_almost_the_right_name_is_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("area,period,count,Population,Status,weather\nT01,2021-01,5,10,final,wet\n")
    reading = read_observations(path, indicator(), "data/x.csv", today=TODAY)
    assert reading.problems == []
    assert [w.remedy for w in reading.warnings] == [
        "If it is the exposure, call it `exposure`.",
        "If it is the status, call it `status`.",
    ]


def test_codes_are_text_and_spaces_around_them_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEADER + "007,2021-01,5\n007 ,2021-02,5\n\u00a0007,2021-03,5\n")
    reading = read_observations(path, indicator(), "data/x.csv", today=TODAY)
    assert reading.observations is not None and reading.observations.codes == ["007"]
    assert [w.place for w in reading.warnings] == ["rows 3 and 4, area"]
    with pytest.raises(InputError):
        read_tidy(_write(tmp_path, HEADER + "007,2021-01,5\n007 ,2021-01,5\n"), indicator())


def _write(folder: Path, content: str) -> Path:
    path = folder / "y.csv"
    path.write_text(content)
    return path


def test_the_same_from_gzip_and_parquet(tmp_path: Path) -> None:
    plain = _write(tmp_path, tidy_csv() + "T01,2024-01,*\nT02,2024-01,\n")
    expected = read_tidy(plain, indicator())
    packed = tmp_path / "y.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    pd.testing.assert_frame_equal(read_tidy(packed, indicator()), expected)
    columns = tmp_path / "y.parquet"
    pd.read_csv(plain, dtype=str).to_parquet(columns)
    pd.testing.assert_frame_equal(read_tidy(columns, indicator()), expected)


def test_parquet_with_types(tmp_path: Path) -> None:
    path = tmp_path / "y.parquet"
    weeks = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-15"])
    pd.DataFrame({"area": [7, 7, 7], "period": weeks, "count": [1.0, None, 3.0]}).to_parquet(path)
    found = read_tidy(path, indicator())
    assert found["area"].tolist() == ["7", "7", "7"]
    assert found["period"].dt.start_time.tolist() == list(weeks)
    assert found["count"].fillna(-1).tolist() == [1, -1, 3]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv.gz", b"area,period,count\n", "The file is not a sound gzip archive."),
        (
            "a.csv",
            gzip.compress(b"area,period,count\n", mtime=0),
            "The file is a gzip archive, although it is called a.csv.",
        ),
        ("a.parquet", b"", "The file is empty."),
        ("a.parquet", b"PAR1 broken", "The file cannot be read as Parquet."),
        ("a.xlsx", b"PK\x03\x04", "An Excel workbook cannot be read here."),
        ("a.txt", b"area", "A .txt file cannot be read here."),
    ],
)
def test_containers(tmp_path: Path, name: str, content: bytes, found: str) -> None:
    (problem,) = problems_of(tmp_path, content, name)
    assert problem.found == found


def test_weeks_keep_their_weekday(tmp_path: Path) -> None:
    days = [date(2024, 1, 3) + timedelta(weeks=i) for i in range(3)]
    path = _write(tmp_path, HEADER + "".join(f"T01,{day},5\n" for day in days))
    assert [p.start_time.date() for p in read_tidy(path, indicator())["period"]] == days


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text("a,\"\n\r\t;T012-*.'", max_size=60).map(lambda t: (HEADER + t).encode()),
    )
)
def test_no_file_makes_it_fall_over(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    reading = read_observations(path, indicator(), "data/fuzz.csv", today=TODAY)
    assert reading.observations is not None or reading.problems
