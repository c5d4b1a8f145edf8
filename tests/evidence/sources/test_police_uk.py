"""police-uk: counts worked by hand, the traps of the archive, and damage that is named by file and row."""

from __future__ import annotations

import collections
import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.evidence.sources.extract import Extract
from evaluation.evidence.sources.police_uk import ALL_ROWS, Options, read
from evaluation.evidence.sources.police_uk_areas import Placing
from tests.evidence.sources.street_archive import (
    FORCE,
    HEADER,
    VIOLENCE,
    street_csv,
    street_row,
    write_folder,
    write_zip,
)


def counts(extract: Extract, measure: str = "Robbery") -> dict[tuple[str, str], str]:
    found = extract.connection.execute("SELECT area, period, count FROM tidy WHERE measure = ?", [measure]).fetchall()
    return {(area, period): count for area, period, count in found}


def lad(**more: object) -> Options:
    return Options(Placing(level="lad"), **more)  # type: ignore[arg-type]


def problems(path: Path, options: Options | None = None) -> list[tuple[str, str, str]]:
    with pytest.raises(InputError) as caught:
        read([path], options or lad())
    return [(p.file, p.place, p.found) for p in caught.value.problems]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two districts, three months; 2024-02 is not there; robbery 2 + 1 in Ashford, 1 + 0 in Dover."""
    return write_folder(
        tmp_path / "archive",
        {
            "2024-01": [
                street_row(1, "2024-01"),
                street_row(2, "2024-01"),
                street_row(3, "2024-01", "E01000002", "Dover 001A"),
                street_row(4, "2024-01", kind=VIOLENCE),
                street_row(5, "2024-01", lsoa=""),
            ],
            "2024-03": [street_row(6, "2024-03"), street_row(7, "2024-03", "E01000002", "Dover 001A", VIOLENCE)],
        },
    )


def test_counts_worked_by_hand(archive: Path) -> None:
    extract = read([archive], lad())
    assert counts(extract) == {
        ("Ashford", "2024-01"): "2", ("Ashford", "2024-03"): "1", ("Dover", "2024-01"): "1", ("Dover", "2024-03"): "0",
    }  # fmt: skip
    assert counts(extract, VIOLENCE)["Ashford", "2024-01"] == "1"
    extract.ledger.balance()
    assert extract.ledger.rows_in == 7
    assert extract.ledger.dropped == {"no location (LSOA blank)": 1}


def test_a_month_without_a_file_is_missing_and_not_zero(archive: Path) -> None:
    extract = read([archive], lad())
    assert not any(period == "2024-02" for _, period in counts(extract))
    assert any("2024-02" in note and "missing, not zero" in note for note in extract.notes)


def test_a_zip_is_read_in_place_with_the_same_result(archive: Path, tmp_path: Path) -> None:
    zipped = read([write_zip(tmp_path / "2024-03.zip", archive)], lad())
    assert counts(zipped) == counts(read([archive], lad()))
    assert [item.name for item in zipped.inputs] == ["2024-03.zip"]


def test_types_are_chosen_after_it_is_known_what_was_supplied(tmp_path: Path) -> None:
    months = {"2024-01": [street_row(1, "2024-01")], "2024-02": [street_row(2, "2024-02", kind=VIOLENCE)]}
    extract = read([write_folder(tmp_path, months)], lad(types=("Robbery",)))
    assert counts(extract) == {("Ashford", "2024-01"): "1", ("Ashford", "2024-02"): "0"}


def test_a_repeated_crime_id_counts_once_for_each_type(tmp_path: Path) -> None:
    same = "a" * 64
    rows = [
        street_row(1, "2024-01", crime_id=same),
        street_row(2, "2024-01", lsoa="", crime_id=same),
        street_row(3, "2024-01", kind=VIOLENCE, crime_id=same),
        street_row(4, "2024-01", kind="Anti-social behaviour", crime_id=""),
        street_row(5, "2024-01", kind="Anti-social behaviour", crime_id=""),
    ]
    folder = write_folder(tmp_path, {"2024-01": rows})
    once = read([folder], lad())
    assert counts(once) == {("Ashford", "2024-01"): "1"}
    assert counts(once, VIOLENCE) == {("Ashford", "2024-01"): "1"}
    assert counts(once, "Anti-social behaviour") == {("Ashford", "2024-01"): "2"}, "a blank Crime ID is not an ID"
    assert sum(once.ledger.dropped.values()) == 1
    every = read([folder], lad(repeats=ALL_ROWS))
    assert every.ledger.dropped == {"no location (LSOA blank)": 1}


def test_a_handful_of_rows_elsewhere_is_not_that_districts_crime(tmp_path: Path) -> None:
    rows = [street_row(i, "2024-01") for i in range(200)] + [street_row(900, "2024-01", "E01009999", "Leeds 041B")]
    folder = write_folder(tmp_path, {"2024-01": rows})
    assert {area for area, _ in counts(read([folder], lad()))} == {"Ashford"}
    kept = read([folder], Options(Placing(level="lad", outside=True)))
    assert {area for area, _ in counts(kept)} == {"Ashford", "Leeds"}


def test_transport_police_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    write_folder(tmp_path, {"2024-01": [street_row(1, "2024-01")]})
    write_folder(tmp_path, {"2024-01": [street_row(2, "2024-01", force="British Transport Police")]}, "btp")
    assert counts(read([tmp_path], lad()))["Ashford", "2024-01"] == "1"
    assert counts(read([tmp_path], lad(transport=True)))["Ashford", "2024-01"] == "2"


def test_a_force_that_nearly_stops_supplying_is_marked_partial(tmp_path: Path) -> None:
    sizes = {"2024-01": 50, "2024-02": 60, "2024-03": 55, "2024-04": 10, "2024-05": 52}
    months = {m: [street_row(int(m[-1]) * 1000 + i, m) for i in range(n)] for m, n in sizes.items()}
    extract = read([write_folder(tmp_path, months)], lad())
    status = dict(extract.connection.execute("SELECT period, status FROM tidy").fetchall())
    assert status == dict.fromkeys(sizes, "final") | {"2024-04": "partial"}
    assert any("2024-04" in note and "partial" in note for note in extract.notes)


def test_types_have_rows_only_for_the_months_in_which_they_were_published(tmp_path: Path) -> None:
    months = {
        "2013-04": [street_row(1, "2013-04", kind="Violent crime"), street_row(2, "2013-04", kind="Drugs")],
        "2013-05": [street_row(3, "2013-05", kind=VIOLENCE), street_row(4, "2013-05", kind="Burglary")],
    }
    extract = read([write_folder(tmp_path, months)], lad())
    assert counts(extract, "Violent crime") == {("Ashford", "2013-04"): "1"}
    assert counts(extract, VIOLENCE) == {("Ashford", "2013-05"): "1"}
    assert counts(extract, "Drugs") == {("Ashford", "2013-04"): "1", ("Ashford", "2013-05"): "0"}
    assert any("2013-05" in note for note in extract.notes)


def test_lsoas_across_the_change_of_codes_need_the_official_lookup(tmp_path: Path) -> None:
    months = {
        "2023-05": [
            street_row(1, "2023-05", "E01000001", "Ashford 001A"),
            street_row(2, "2023-05", "E01000005", "Ashford 001E"),
        ],
        "2023-06": [
            street_row(3, "2023-06", "E01035001", "Ashford 001F"),
            street_row(4, "2023-06", "E01000005", "Ashford 001E"),
        ],
    }
    folder = write_folder(tmp_path / "archive", months)
    [(file, _, found)] = problems(folder, Options(Placing(level="lsoa")))
    assert file == "--vintages" and "2011" in found and "2021" in found
    table = tmp_path / "lookup.csv"
    table.write_text(
        "\ufeffLSOA11CD,LSOA11NM,LSOA21CD,LSOA21NM,CHGIND\nE01000001,Ashford 001A,E01035001,Ashford 001F,S\n"
        "E01000001,Ashford 001A,E01035002,Ashford 001G,S\nE01000005,Ashford 001E,E01000005,Ashford 001E,U\n",
        encoding="utf-8",
    )
    extract = read([folder], Options(Placing(level="lsoa", vintages=table)))
    assert counts(extract) == {
        ("E01035001+1", "2023-05"): "1", ("E01035001+1", "2023-06"): "1",
        ("E01000005", "2023-05"): "1", ("E01000005", "2023-06"): "1",
    }  # fmt: skip


def test_a_lookup_that_does_not_fit_is_refused_with_the_share_lost(archive: Path, tmp_path: Path) -> None:
    table = tmp_path / "wards.csv"
    table.write_text("lsoa_code,ward_code\nE01000001,E05000001\n", encoding="utf-8")
    [(file, place, found)] = problems(archive, Options(Placing(level="ward", lookup=table)))
    assert (file, place) == ("wards.csv", "column lsoa_code")
    assert "2 of 6 rows (33.3%) would be lost" in found
    accepted = read([archive], Options(Placing(level="ward", lookup=table, allowed=0.4)))
    assert {area for area, _ in counts(accepted)} == {"E05000001"}
    accepted.ledger.balance()


def test_csps_by_way_of_district_names(archive: Path, tmp_path: Path) -> None:
    table = tmp_path / "csp.csv"
    table.write_text(
        "\ufeffLAD17CD,LAD17NM,CSP17CD,CSP17NM\nE07000105,Ashford,E22000150,East Kent\nE07000108,Dover,E22000150,East Kent\n",
        encoding="utf-8",
    )
    extract = read([archive], Options(Placing(level="csp", lookup=table)))
    assert counts(extract) == {("E22000150", "2024-01"): "3", ("E22000150", "2024-03"): "1"}
    assert extract.connection.execute("SELECT DISTINCT name FROM tidy").fetchall() == [("East Kent",)]


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "2024-01-kent-street.csv"
    path.write_text(street_csv([street_row(1, "2024-01")], HEADER[::-1]), encoding="utf-8")
    assert counts(read([path], lad())) == {("Ashford", "2024-01"): "1"}


ROW = ",".join(street_row(1, "2024-01").values())
DAMAGED: dict[str, tuple[bytes, str, str]] = {
    "0 bytes": (b"", "", "The file is empty (0 bytes)"),
    "another encoding": (street_csv([street_row(1, "2024-01"), street_row(2, "2024-01", name="Caf\xe9 001A")]).encode("cp1252"), "row 3", "not in UTF-8"),
    "header in Welsh": (f"Rhif,Mis,Heddlu\n{ROW}\n".encode(), "row 1", "There is no column `Month`"),
    "cut short": (f"{','.join(HEADER)}\n{ROW}\n{ROW[:90]}".encode(), "row 3", "The row has 4 cells where there are 12 columns"),
    "another month": (street_csv([street_row(1, "2024-01"), street_row(2, "2024-02")]).encode(), "row 3, Month", "'2024-02' in a file of 2024-01"),
    "no crime type": (street_csv([street_row(1, "2024-01"), street_row(2, "2024-01", kind="")]).encode(), "row 3, Crime type", "blank"),
    "a web page": (b"<!DOCTYPE html><html>404</html>", "", "web page"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_named_by_file_and_row(case: str, tmp_path: Path) -> None:
    raw, place, found = DAMAGED[case]
    path = tmp_path / "2024-01-kent-street.csv"
    path.write_bytes(raw)
    [(file, where, said)] = problems(path)
    assert (file, where) == (path.name, place)
    assert found in said


def test_every_damaged_file_is_named_at_once(tmp_path: Path) -> None:
    write_folder(tmp_path, {"2024-01": [street_row(1, "2024-01")]})
    for month in ("2024-02", "2024-03"):
        path = tmp_path / month / f"{month}-kent-street.csv"
        path.parent.mkdir()
        path.write_bytes(b"")
    assert [file for file, _, _ in problems(tmp_path)] == ["2024-02-kent-street.csv", "2024-03-kent-street.csv"]


def test_a_truncated_zip_and_a_damaged_member(archive: Path, tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "2024-03.zip", archive).read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[: len(whole) // 2])
    assert problems(cut)[0][0] == "cut.zip" and "cut short" in problems(cut)[0][2]
    bad = tmp_path / "bad.zip"
    damaged = bytearray(whole)
    damaged[90] ^= 0xFF  # inside the first member's data
    bad.write_bytes(bytes(damaged))
    [(file, _, found)] = problems(bad)
    assert file == "bad.zip/2024-01/2024-01-kent-street.csv" and "damaged" in found


def test_the_same_file_twice_counts_once_and_two_editions_are_refused(archive: Path, tmp_path: Path) -> None:
    copy = write_folder(
        tmp_path / "copy",
        {"2024-03": [street_row(6, "2024-03"), street_row(7, "2024-03", "E01000002", "Dover 001A", VIOLENCE)]},
    )
    assert counts(read([archive, copy], lad())) == counts(read([archive], lad()))
    other = write_folder(tmp_path / "other", {"2024-03": [street_row(6, "2024-03")]})
    with pytest.raises(InputError, match="2 different files for the same month and force"):
        read([archive, other], lad())


def test_of_two_snapshots_the_newer_holds(tmp_path: Path) -> None:
    old = write_folder(tmp_path / "old", {"2024-01": [street_row(1, "2024-01")]})
    new = write_folder(tmp_path / "new", {"2024-01": [street_row(1, "2024-01"), street_row(2, "2024-01")]})
    zips = [write_zip(tmp_path / "2024-02.zip", old), write_zip(tmp_path / "2024-05.zip", new)]
    assert counts(read(zips, lad())) == {("Ashford", "2024-01"): "2"}


def test_files_of_outcomes_are_passed_over_and_renamed_files_refused(archive: Path) -> None:
    (archive / "2024-01" / "2024-01-kent-outcomes.csv").write_text("x\n")
    assert any("outcomes" in note for note in read([archive], lad()).notes)
    (archive / "2024-01" / "copy of street.csv").write_text("x\n")
    assert "not named as published" in problems(archive)[0][2]


@pytest.mark.slow
def test_the_real_archive_agrees_with_an_independent_tally(published: Callable[[str], Path]) -> None:
    """Every row of 79 published files, counted again with Python's own csv module."""
    folder = published("police_uk_street_archive")
    extract = read([folder], Options(Placing(level="force"), repeats=ALL_ROWS))
    extract.ledger.balance()
    tally: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for path in folder.glob("*/*-street.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            tally.update((row["Falls within"], row["Month"], row["Crime type"]) for row in csv.DictReader(stream))
    found = extract.connection.execute("SELECT area, period, measure, CAST(count AS INT) FROM tidy").fetchall()
    assert {(a, p, m): n for a, p, m, n in found if n} == dict(tally)
    assert extract.ledger.rows_in == sum(tally.values()) == 113_779


def test_the_real_gaps_are_missing(published: Callable[[str], Path]) -> None:
    extract = read([published("police_uk_street_archive")], lad(forces=("City of London",), types=("Robbery",)))
    have = {period for area, period in counts(extract) if area == "City of London"}
    assert len(have) == 72
    assert not have & {"2021-12", "2022-06", "2023-07", "2023-12"}
    assert {area for area, _ in counts(extract)} == {"City of London"}, FORCE
