"""`svd import` from outside: files, provenance, editions, revisions, nothing half-written, exit codes, no traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.evidence.revisions import compare_editions, describe_revision, touched_plans
from evaluation.evidence.sources.filing import as_key
from evaluation.evidence.sources.registry import SOURCES
from evaluation.protocol.loading import load_review
from tests import command_line
from tests.evidence.sources.street_archive import VIOLENCE, street_row, write_folder
from tests.evidence.sources.workbooks import write_xlsx
from tests.protocol.example_review import write_review


def svd(*arguments: object) -> Any:
    return command_line.svd("import", *arguments)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    months = {
        m: [street_row(i, m) for i in range(int(m[-1]))] + [street_row(99, m, kind=VIOLENCE)]
        for m in ("2024-01", "2024-02")
    }
    return write_folder(tmp_path / "archive", months)


def test_every_source_is_a_command_with_an_example() -> None:
    listed = svd("--help").stdout
    for name in SOURCES:
        assert name in listed
        shown = svd(name, "--help")
        assert shown.exit_code == 0 and f"Example: svd import {name}" in shown.stdout


def test_data_and_provenance(archive: Path, tmp_path: Path) -> None:
    into = tmp_path / "review"
    result = svd("police-uk", archive, "--into", into, "--type", "Robbery", "--retrieved", "2024-03-05")
    assert result.exit_code == 0
    assert (into / "data" / "robbery.csv").read_text() == "area,period,count\nAshford,2024-01,1\nAshford,2024-02,2\n"
    record = json.loads((into / "data" / "provenance" / "robbery.json").read_text())
    assert (record["publisher"], record["licence"], record["retrieved"]) == (
        "data.police.uk (Home Office)",
        "Open Government Licence v3.0",
        "2024-03-05",
    )
    assert (record["rows_in"], record["rows_counted"], record["rows_out"]) == (5, 3, 2)
    assert record["rows_dropped"] == {"crime types not asked for": 2}
    assert [file["name"] for file in record["files"]] == ["2024-01-kent-street.csv", "2024-02-kent-street.csv"]
    assert all(len(file["sha256"]) == 64 for file in record["files"])
    assert record["suppliers"] == ["Kent Police"]


def test_measures_are_added_up_under_one_key(archive: Path, tmp_path: Path) -> None:
    svd("police-uk", archive, "--into", tmp_path / "r", "--indicator", "violence_and_robbery")
    assert (tmp_path / "r" / "data" / "violence_and_robbery.csv").read_text().splitlines()[1:] == [
        "Ashford,2024-01,2",
        "Ashford,2024-02,3",
    ]


def test_a_failed_import_leaves_nothing_behind(archive: Path, tmp_path: Path) -> None:
    (archive / "2024-02" / "2024-02-kent-street.csv").write_bytes(b"")
    result = svd("police-uk", archive, "--into", tmp_path / "review")
    assert result.exit_code == 2
    assert "2024-02-kent-street.csv: The file is empty (0 bytes)" in result.stderr
    assert "Traceback" not in result.stderr and not (tmp_path / "review").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("police-uk", "nowhere", "--into", "r"),
        ("police-uk", ".", "--into", "r", "--area", "parish"),
        ("police-uk", ".", "--into", "r", "--indicator", "Not A Key"),
        ("police-uk", ".", "--into", "r", "--retrieved", "yesterday"),
        ("csv", ".", "--into", "r"),
        ("nonsense",),
    ],
)
def test_misuse_is_the_users_and_exits_2(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert svd(*arguments).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_newer_edition_shows_what_changed_and_keeps_the_older(archive: Path, tmp_path: Path) -> None:
    into = tmp_path / "review"
    arguments = ("police-uk", archive, "--into", into, "--type", "Robbery")
    svd(*arguments)
    assert "The same as the edition before (2 cells)." in svd(*arguments).stdout
    assert not (into / "data" / "editions").exists(), "an edition that is the same is not kept twice"
    write_folder(
        archive, {"2024-02": [street_row(i, "2024-02") for i in range(5)], "2024-03": [street_row(9, "2024-03")]}
    )
    shown = svd(*arguments).stdout
    assert "1 altered, 1 new, 0 gone, 1 the same" in shown and "Ashford 2024-02: 2 -> 5" in shown
    [kept] = (into / "data" / "editions" / "robbery").glob("*.csv")
    assert "Ashford,2024-02,2" in kept.read_text() and kept.with_suffix(".json").is_file()


def test_a_revision_names_the_plans_it_touches(tmp_path: Path) -> None:
    review = load_review(write_review(tmp_path))
    before, after = tmp_path / "a.csv", tmp_path / "b.csv"
    before.write_text("area,period,count\nT01,2022-05,10\nT01,2019-05,10\n")
    after.write_text("area,period,count,status\nT01,2022-05,9,final\nT01,2019-05,10,partial\n")
    revision = compare_editions(before, after)
    assert revision.altered == [("T01", "2022-05", "10", "9"), ("T01", "2019-05", "10", "10 (partial)")]
    assert "T01 2022-05: 10 -> 9" in " ".join(describe_revision(revision))
    assert list(touched_plans(review, "assaults", revision)) == ["outreach"]
    assert "1 cell " in touched_plans(review, "assaults", revision)["outreach"], "2019 is before its period"
    assert touched_plans(review, "vehicle_crime", revision) == {}


def test_an_exposure_and_the_population_are_revised_too(tmp_path: Path) -> None:
    review = load_review(write_review(tmp_path))
    before, after = tmp_path / "a.csv", tmp_path / "b.csv"
    before.write_text("area,period,count,exposure\nT01,2022-05,10,900\n")
    after.write_text("area,period,count,exposure\nT01,2022-05,10,950\n")
    revision = compare_editions(before, after)
    assert revision.altered == [("T01", "2022-05", "10 of 900", "10 of 950")]
    assert list(touched_plans(review, "population", revision)) == ["outreach"]


@pytest.mark.parametrize(
    ("text", "key"),
    [("Violence and sexual offences", "violence_and_sexual_offences"), ("1-24s", "m_1_24s"), ("!", "measure")],
)
def test_keys(text: str, key: str) -> None:
    assert as_key(text) == key


def test_the_template_comes_back_filled_in(tmp_path: Path) -> None:
    blank = tmp_path / "blank.xlsx"
    assert svd("--template", blank).exit_code == 0
    assert svd("--template", blank).exit_code == 2, "never overwritten"
    assert svd("template", blank, "--into", tmp_path / "r").exit_code == 2, "nothing filled in"
    header = ["Indicator", "Area code", "Month", "Count", "Status", "Remark"]
    rows = [
        header,
        ["Referrals", "E1", "2024-01", 4, "final", "x"],
        ["Referrals", "E1", "2024-02", "*", None, None],
        ["Referrals", "E1", "2024-03", 2, "partial", None],
    ]
    filled = write_xlsx(tmp_path / "filled.xlsx", {"Counts": rows})
    assert svd("template", filled, "--into", tmp_path / "r").exit_code == 0
    assert (tmp_path / "r" / "data" / "referrals.csv").read_text().splitlines()[1:] == [
        "E1,2024-01,4,final",
        "E1,2024-02,*,suppressed",
        "E1,2024-03,2,partial",
    ]


def test_the_blank_sheet_itself_is_filled_in_and_read_back(tmp_path: Path) -> None:
    """A row typed into the very workbook that was written: text in the columns of text, a number under Count."""
    import re
    import zipfile

    svd("--template", tmp_path / "blank.xlsx")
    typed = "".join(
        f'<c r="{letter}2" t="inlineStr"><is><t>{text}</t></is></c>'
        for letter, text in (("A", "Referrals"), ("B", "E07000001"), ("C", "2024-03"))
    )
    with zipfile.ZipFile(tmp_path / "blank.xlsx") as blank, zipfile.ZipFile(tmp_path / "filled.xlsx", "w") as filled:
        for name in blank.namelist():
            text = blank.read(name).decode()
            if name.endswith("sheet1.xml"):
                [counts] = [col for col in re.findall(r"<col [^>]*>", text) if 'min="4"' in col]
                assert "style=" not in counts, (
                    "a figure typed into a column of text is text, and its own rule refuses it"
                )
                assert "<dataValidation " in text
                text = text.replace("</sheetData>", f'<row r="2">{typed}<c r="D2"><v>12</v></c></row></sheetData>')
            filled.writestr(name, text)
    assert svd("template", tmp_path / "filled.xlsx", "--into", tmp_path / "r").exit_code == 0
    assert (tmp_path / "r" / "data" / "referrals.csv").read_text() == "area,period,count\nE07000001,2024-03,12\n"


def test_the_template_opens_as_a_workbook_with_a_dictionary(tmp_path: Path) -> None:
    from python_calamine import CalamineWorkbook

    svd("--template", tmp_path / "t.xlsx")
    book = CalamineWorkbook.from_path(tmp_path / "t.xlsx")
    assert book.sheet_names == ["Counts", "Dictionary", "Guide"]
    assert book.get_sheet_by_name("Counts").to_python()[0] == [
        "Indicator",
        "Area code",
        "Month",
        "Count",
        "Status",
        "Remark",
    ]
    assert len(book.get_sheet_by_name("Dictionary").to_python()) == 7
