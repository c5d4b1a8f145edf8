"""Every way to damage a file, tried on every source by the command a user types: named, exit 2, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.evidence.sources.damage import NO_COUNTS, ROWS, SAMPLES, WHOLE, Sample, rows_of, with_cell, written
from tests.evidence.sources.street_archive import street_row, write_folder
from tests.evidence.sources.test_filing import svd
from tests.evidence.sources.workbooks import write_ods, write_xlsx

WORKBOOK = [
    sample for sample in SAMPLES if sample.source in ("met-borough", "recorded-crime", "hospital", "population")
]
COUNTED = [sample for sample in SAMPLES if sample.count]


def attempt(folder: Path, sample: Sample, raw: bytes | None, name: str = "", path: Path | None = None) -> Any:
    """Import a file; whatever happens, a refusal must leave nothing behind and show no traceback."""
    if path is None:
        path = folder / (name or sample.name)
        path.write_bytes(raw if raw is not None else sample.text.encode())
    if sample.mapping:
        (folder / "mapping.yaml").write_text(sample.mapping)
    options = [str(folder / o) if o.endswith(".yaml") else o for o in sample.options]
    before = sorted(folder.rglob("*"))
    result = svd(sample.source, path, "--into", folder / "review", *options)
    if result.exit_code:
        assert result.exit_code == 2
        assert "Traceback" not in result.stderr and "problem: " in result.stderr
        assert sorted(folder.rglob("*")) == before, "nothing half-written"
    return result


def tidy(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((folder / "review" / "data").glob("*.csv"))}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_sound_file_is_read(sample: Sample, tmp_path: Path) -> None:
    assert attempt(tmp_path, sample, None).exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("damage", WHOLE)
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_damaged_file_is_named(sample: Sample, damage: str, tmp_path: Path) -> None:
    make, ending = WHOLE[damage]
    name = f"archive{ending}" if ending else sample.name
    result = attempt(tmp_path, sample, make(sample), name)
    assert result.exit_code == 2, result.stdout
    assert name in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("damage", ROWS)
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_damaged_row_is_named(sample: Sample, damage: str, tmp_path: Path) -> None:
    result = attempt(tmp_path, sample, ROWS[damage](sample))
    assert result.exit_code == 2, result.stdout
    assert f"{sample.name}, row " in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("text", NO_COUNTS)
@pytest.mark.parametrize("sample", COUNTED, ids=str)
def test_what_is_no_count_never_becomes_one(sample: Sample, text: str, tmp_path: Path) -> None:
    if (sample.source, text) in {("population", "1.5"), ("recorded-crime", "-5")}:
        pytest.skip("A population may be an average, and recorded crime has corrections below zero.")
    result = attempt(tmp_path, sample, with_cell(sample, sample.count, text))
    assert result.exit_code == 2, result.stdout
    assert f"{sample.name}, row 3" in result.stderr


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.period], ids=str)
def test_a_period_that_is_none_is_named(sample: Sample, tmp_path: Path) -> None:
    result = attempt(tmp_path, sample, with_cell(sample, sample.period, "Thursday"))
    assert result.exit_code == 2, result.stdout
    assert f"{sample.name}, row 3" in result.stderr


@pytest.mark.parametrize("sample", [s for s in COUNTED if s.source not in ("recorded-crime", "population")], ids=str)
def test_a_row_that_is_there_twice_is_named(sample: Sample, tmp_path: Path) -> None:
    rows = rows_of(sample)
    result = attempt(tmp_path, sample, written([*rows, rows[-1]]))
    assert result.exit_code == 2, result.stdout
    assert f"{sample.name}, row 4" in result.stderr


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_columns_may_stand_in_any_order(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert attempt(tmp_path / "a", sample, None).exit_code == 0
    turned = written([row[::-1] for row in rows_of(sample)])
    assert attempt(tmp_path / "b", sample, turned).exit_code == 0
    assert tidy(tmp_path / "a") == tidy(tmp_path / "b") != {}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_windows_line_ends_and_a_byte_order_mark_change_nothing(sample: Sample, tmp_path: Path) -> None:
    for name, text in {"a": sample.text, "b": "\ufeff" + sample.text.replace("\n", "\r\n")}.items():
        (tmp_path / name).mkdir()
        assert attempt(tmp_path / name, sample, text.encode()).exit_code == 0
    assert tidy(tmp_path / "a") == tidy(tmp_path / "b")


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
@pytest.mark.parametrize("sample", WORKBOOK, ids=str)
def test_a_workbook_with_notes_above_and_below_and_its_table_in_the_second_sheet(
    sample: Sample, ending: str, tmp_path: Path
) -> None:
    rows: list[list[str | int | None]] = [[int(c) if c.isdigit() else c for c in row] for row in rows_of(sample)]
    rows[0] = [str(cell) for cell in rows[0]]
    table = [["A title of several words"], [None], *rows, [None], ["Source: the publisher, released in May."]]
    path = tmp_path / f"book.{ending}"
    sheets = {"Cover": [["About this workbook"]], "Data": table}
    (write_xlsx if ending == "xlsx" else write_ods)(path, sheets)  # type: ignore[arg-type]
    result = attempt(tmp_path, sample, None, path=path)
    assert result.exit_code == 0, result.stderr
    (tmp_path / "csv").mkdir()
    attempt(tmp_path / "csv", sample, None)
    assert tidy(tmp_path) == tidy(tmp_path / "csv")


@pytest.mark.parametrize("sample", WORKBOOK, ids=str)
def test_merged_cells_in_a_header_are_named(sample: Sample, tmp_path: Path) -> None:
    rows: list[list[str | int | None]] = [[int(c) if c.isdigit() else c for c in row] for row in rows_of(sample)]
    rows[0] = [*[str(cell) for cell in rows[0]], None, "Remark"]
    rows[1:] = [[*row, "x", "y"] for row in rows[1:]]
    path = write_xlsx(tmp_path / "merged.xlsx", {"Data": rows}, ["A1:B1"])
    result = attempt(tmp_path, sample, None, path=path)
    if sample.source == "recorded-crime":
        assert result.exit_code == 0, "columns that are not read may be called anything"
    else:
        assert result.exit_code == 2 and "merged.xlsx, sheet Data, row 1" in result.stderr


@pytest.mark.parametrize("sample", WORKBOOK, ids=str)
def test_a_damaged_workbook_is_named(sample: Sample, tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "w.xlsx", {"Data": [["a", "b"], ["c", "d"]]}).read_bytes()
    for name, raw in {
        "cut.xlsx": whole[:-100],
        "junk.xlsx": b"junk" * 50,
        "empty.ods": b"",
        "junk.ods": b"PK" * 50,
    }.items():
        result = attempt(tmp_path, sample, raw, name)
        assert result.exit_code == 2 and name in result.stderr
        (tmp_path / name).unlink()


def test_an_opendocument_bomb_does_not_unfold(tmp_path: Path) -> None:
    """Entities without end, repetitions without end and numbers that are none."""
    import zipfile

    head = '<?xml version="1.0"?>'
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol" * 10}">' for i in range(12))
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    table = '<table:table table:name="2018_19"><table:table-row{}><table:table-cell{}><text:p>{}</text:p></table:table-cell></table:table-row></table:table>'
    contents = {
        "laughs": f"{head}<!DOCTYPE x [{laughs}]><office:x {spaces}>{table.format('', '', '&l11;')}</office:x>",
        "spaces": f"{head}<office:x {spaces}>{table.format('', '', '<text:s text:c=&quot;4000000000&quot;/>'.replace('&quot;', chr(34)))}</office:x>",
        "repeated": f"{head}<office:x {spaces}>{table.format(' table:number-rows-repeated=' + chr(34) + '99' + chr(34), ' table:number-columns-repeated=' + chr(34) + '999999999' + chr(34), 'x')}</office:x>",
        "no number": f"{head}<office:x {spaces}>{table.format('', ' table:number-columns-repeated=' + chr(34) + 'many' + chr(34), 'x')}</office:x>",
    }  # fmt: skip
    sample = next(s for s in SAMPLES if s.source == "recorded-crime")
    for name, content in contents.items():
        path = tmp_path / f"{name}.ods"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("content.xml", content)
        result = attempt(tmp_path, sample, None, path=path)
        assert result.exit_code == 2 and path.name in result.stderr, name


@pytest.mark.parametrize(
    "column", ["NHS number", "Date of birth", "Surname", "Home postcode", "PNC ID", "Custody number", "URN", "Easting"]
)
@pytest.mark.parametrize("source", ["hospital", "emergency-department", "csv"])
def test_records_of_people_are_refused_by_every_partners_source(source: str, column: str, tmp_path: Path) -> None:
    sample = next(s for s in SAMPLES if s.source == source)
    rows = rows_of(sample)
    result = attempt(tmp_path, sample, written([[*rows[0], column], *([*row, "x1"] for row in rows[1:])]))
    assert result.exit_code == 2
    assert "records of people" in result.stderr and "svd import --template" in result.stderr


def test_nothing_is_written_outside_the_review(tmp_path: Path) -> None:
    months = {"2024-01": [street_row(1, "2024-01", kind="../../escape")]}
    result = svd("police-uk", write_folder(tmp_path / "a", months), "--into", tmp_path / "r")
    assert result.exit_code == 0
    assert [p.name for p in (tmp_path / "r" / "data").glob("*.csv")] == ["escape.csv"]
