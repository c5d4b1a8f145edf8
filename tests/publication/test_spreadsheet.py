"""Workbooks: read back by another program, nothing computed, the layout that the Analysis Function asks for."""

import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from evaluation.publication.containers import Unreadable, read_container
from evaluation.publication.downloads import read_table
from evaluation.publication.spreadsheet import Sheet, Workbook, sheet_name, write_workbook

ATTACKS = [
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "=cmd|'/C calc'!A0",
    "<script>x</script>",
    "a & b",
]


def book(path: Path) -> Path:
    sheets = [
        Sheet(
            "Findings",
            "What was found",
            ["Area", "Recorded", "Change"],
            [["Quill & <b>", 15, -3.5], ["Marrow", "[c]", "[x]"]],
            ["In 2025."],
        ),
        Sheet("Findings", "Attacks", ["Label"], [[text] for text in ATTACKS]),
    ]
    return write_workbook(
        path,
        Workbook(
            "Review <1>", "The & Partnership", ["Edition 1.", "Questions: a@b.example"], [("[c]", "withheld")], sheets
        ),
    )


def test_a_workbook_is_read_back_as_it_was_written(tmp_path) -> None:
    read = CalamineWorkbook.from_path(book(tmp_path / "x.ods"))
    assert read.sheet_names == ["Cover", "Contents", "Notes", "Findings", "Findings 2"]
    cover, contents, notes, found = (
        read.get_sheet_by_name(n).to_python() for n in ("Cover", "Contents", "Notes", "Findings")
    )
    assert [row[0] for row in cover] == ["Review <1>", "Edition 1.", "Questions: a@b.example"]
    assert contents[2:] == [["Sheet", "What it holds"], ["Findings", "What was found"], ["Findings 2", "Attacks"]]
    assert notes[-1] == ["[c]", "withheld"]
    assert found[0][0] == "What was found", "the title stands in A1"
    assert found[3:] == [["Area", "Recorded", "Change"], ["Quill & <b>", 15.0, -3.5], ["Marrow", "[c]", "[x]"]]
    assert not any(cell == "" for row in found[3:] for cell in row), "no empty cell in a table"


def test_no_text_is_ever_computed(tmp_path) -> None:
    path = book(tmp_path / "x.ods")
    rows = CalamineWorkbook.from_path(path).get_sheet_by_name("Findings 2").to_python()[3:]
    for (shown,), attack in zip(rows, ATTACKS, strict=True):
        assert not str(shown).startswith(("=", "+", "-", "@", "\t")), attack
    with zipfile.ZipFile(path) as parts:
        content = parts.read("content.xml").decode()
        assert "table:formula" not in content and "merged" not in content and "number-columns-spanned" not in content
        assert content.count("<table:database-range ") == 4 and 'table:contains-header="true"' in content
        assert parts.namelist()[0] == "mimetype" and parts.infolist()[0].compress_type == zipfile.ZIP_STORED
        meta = parts.read("meta.xml").decode()
    assert "The &amp; Partnership" in meta and "date" not in meta, "no date, no user, no machine"


def test_the_same_book_makes_the_same_bytes(tmp_path) -> None:
    assert book(tmp_path / "a.ods").read_bytes() == book(tmp_path / "b.ods").read_bytes()


def test_rows_of_another_length_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="not as long"):
        write_workbook(tmp_path / "x.ods", Workbook("t", "a", [], [], [Sheet("s", "s", ["one"], [[1, 2]])]))


def test_names_of_sheets_are_short_and_plain() -> None:
    assert sheet_name("a/b[c]:*?'d" + "x" * 50) == ("a b c d" + "x" * 50)[:31]
    assert sheet_name("///") == "Table"


def test_a_table_is_read_with_signs_for_what_is_empty(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "\ufeffPeriod,Recorded,Signal,Code\n2024-01,15,,007\n2024-02,,concern,1e3\n2024-03,[c],,-2.5\n",
        encoding="utf-8",
    )
    header, rows = read_table(path)
    assert header == ["Period", "Recorded", "Signal", "Code"]
    assert rows == [
        ["2024-01", 15, "[z]", "007"],
        ["2024-02", "[x]", "concern", 1000.0],
        ["2024-03", "[c]", "[z]", -2.5],
    ]


def test_the_audit_reads_workbooks_and_refuses_what_is_none(tmp_path) -> None:
    path = book(tmp_path / "x.ods")
    assert "Marrow" in read_container(path) and "a@b.example" in read_container(path)
    for name, content in (("[formula]", b"<table:table-cell table:formula='of:=1'/>"), ("extra.bin", b"x")):
        other = tmp_path / "y.ods"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
            for part in old.namelist():
                new.writestr(part, old.read(part) + (content if name == "[formula]" and part == "content.xml" else b""))
            if name != "[formula]":
                new.writestr(name, content)
        with pytest.raises(Unreadable):
            read_container(other)
    (tmp_path / "z.ods").write_bytes(b"\x80\x04pickle")
    with pytest.raises(Unreadable):
        read_container(tmp_path / "z.ods")
