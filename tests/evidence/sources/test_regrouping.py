"""From the areas of a publication to others: renamed, added up, shared out, refused; by the command a user types."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evidence.sources.street_archive import street_row, write_folder
from tests.evidence.sources.test_filing import svd

HEAD = "MajorText,MinorText,BoroughName,202401,202402\n"
ROWS = "ROBBERY,PERSONAL,Barnet,5,6\nROBBERY,PERSONAL,Brent,1,\nROBBERY,PERSONAL,Ealing,10,3\n"


def imported(folder: Path, lookup: str, *more: object, rows: str = ROWS) -> tuple[str, dict[str, str]]:
    """Errors, and the tidy data by area and period."""
    folder.mkdir(exist_ok=True)
    (folder / "mps.csv").write_text(HEAD + rows)
    (folder / "lookup.csv").write_text(lookup)
    result = svd("met-borough", folder / "mps.csv", "--into", folder / "r", "--lookup", folder / "lookup.csv", *more)
    path = folder / "r" / "data" / "personal.csv"
    if result.exit_code:
        assert result.exit_code == 2 and not path.exists()
        return result.stderr, {}
    with path.open() as stream:
        return result.stdout, {f"{r['area']} {r['period']}": r["count"] for r in csv.DictReader(stream)}


def test_names_become_codes(tmp_path: Path) -> None:
    lookup = "LAD17NM,LAD17CD\nBarnet,E09000003\nBrent,E09000005\nEaling,E09000009\nHarrow,E09000015\n"
    _, got = imported(tmp_path, lookup, "--to", "LAD17CD")
    assert got == {
        "E09000003 2024-01": "5", "E09000003 2024-02": "6", "E09000005 2024-01": "1", "E09000009 2024-01": "10",
        "E09000009 2024-02": "3",
    }  # fmt: skip


def test_a_sum_with_a_missing_part_is_missing(tmp_path: Path) -> None:
    lookup = "name,bcu\nBarnet,NW\nBrent,NW\nEaling,WA\n"
    _, got = imported(tmp_path, lookup, "--to", "bcu")
    assert got == {"NW 2024-01": "6", "NW 2024-02": "", "WA 2024-01": "10", "WA 2024-02": "3"}


def test_a_split_area_is_shared_out_by_weights_and_the_total_kept(tmp_path: Path) -> None:
    lookup = "name,place,people\nBarnet,North,1\nBarnet,South,3\nBrent,North,1\nEaling,South,1\n"
    rows = ROWS.replace("Brent,1,\n", "Brent,1,2\n")
    told, got = imported(tmp_path, lookup, "--to", "place", "--weight", "people", rows=rows)
    assert "shared out by weights" in told
    # Due in the North: 5/4 + 1 = 2.25 and 6/4 + 2 = 3.5; the rest in the South.
    assert int(got["North 2024-01"]) in (2, 3) and int(got["North 2024-02"]) in (3, 4)
    assert int(got["North 2024-01"]) + int(got["South 2024-01"]) == 16
    assert int(got["North 2024-02"]) + int(got["South 2024-02"]) == 11


@pytest.mark.parametrize(
    ("lookup", "more", "found"),
    [
        ("name,bcu\nBarnet,NW\nBrent,NW\n", ("--to", "bcu"), "2 of 5 rows (40.0%) would be lost"),
        ("name,bcu\nBarnet,NW\nBarnet,WA\nBrent,NW\nEaling,WA\n", ("--to", "bcu"), "belong to more than one"),
        ("name,bcu\nCamden,NW\n", ("--to", "bcu"), "None of its columns holds the areas"),
        ("name,bcu\nBarnet,NW\nBrent,NW\nEaling,WA\n", ("--to", "ward"), "There is no column `ward`"),
        ("name,bcu\nBarnet,NW\nBrent,NW\nEaling,WA\n", ("--to", "bcu", "--weight", "bcu"), "is not a number"),
    ],
)
def test_a_lookup_that_does_not_fit_is_refused(tmp_path: Path, lookup: str, more: tuple[str, ...], found: str) -> None:
    assert found in imported(tmp_path, lookup, *more)[0]


def test_a_loss_may_be_accepted_and_is_recorded(tmp_path: Path) -> None:
    told, got = imported(tmp_path, "name,bcu\nBarnet,NW\nBrent,NW\n", "--to", "bcu", "--allow-loss", "0.5")
    assert "2 cells: areas not in the look-up" in told and set(got) == {"NW 2024-01", "NW 2024-02"}


def test_options_of_a_lookup_without_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mps.csv").write_text(HEAD + ROWS)
    assert svd("met-borough", tmp_path / "mps.csv", "--into", tmp_path / "r", "--weight", "x").exit_code == 2


def test_hidden_counts_are_renamed_but_not_added_up(tmp_path: Path) -> None:
    (tmp_path / "hes.csv").write_text("Area code,Month,Admissions\nA,2024-01,*\nB,2024-01,15\n")
    for name, text in {"one": "old,new\nA,E1\nB,E2\n", "sum": "old,new\nA,E1\nB,E1\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    how = ("hospital", tmp_path / "hes.csv", "--into", tmp_path / "r", "--late", "0", "--to", "new", "--lookup")
    assert "cannot be added up" in svd(*how, tmp_path / "sum.csv").stderr
    assert svd(*how, tmp_path / "one.csv").exit_code == 0
    assert "E1,2024-01,*,suppressed" in (tmp_path / "r/data/admissions.csv").read_text()


def test_lsoas_shared_between_custom_areas_keep_every_month_s_total(tmp_path: Path) -> None:
    """Ten robberies a month in an LSOA of which three tenths lie in the town centre: three in ten, over the months."""
    months = [f"20{y}-{m:02d}" for y in (21, 22) for m in range(1, 13)]
    rows = {
        month: [street_row(100 * i + k, month) for k in range(10)]
        + [street_row(9_000_000 + 100 * i, month, "E01000002", "Ashford 001B")]
        for i, month in enumerate(months)
    }
    folder = write_folder(tmp_path / "archive", rows)
    (tmp_path / "centre.csv").write_text(
        "LSOA21CD,zone,residents\nE01000001,centre,301\nE01000001,rest,699\nE01000002,rest,1000\n"
    )
    how = ("--area", "custom", "--lookup", tmp_path / "centre.csv", "--to", "zone")
    assert "belong to more than one" in svd("police-uk", folder, "--into", tmp_path / "r", *how).stderr
    result = svd("police-uk", folder, "--into", tmp_path / "r", *how, "--weight", "residents")
    assert result.exit_code == 0 and "1 LSOA lie in more than one area" in result.stdout
    counts: dict[str, dict[str, int]] = {"centre": {}, "rest": {}}
    with (tmp_path / "r/data/robbery.csv").open() as stream:
        for row in csv.DictReader(stream):
            counts[row["area"]][row["period"]] = int(row["count"])
    assert {counts["centre"][m] + counts["rest"][m] for m in months} == {11}
    assert sum(counts["centre"].values()) in (72, 73), "24 months of 3.01"


def test_2011_lsoas_are_shared_out_to_those_of_2021_by_residents(tmp_path: Path) -> None:
    months = {
        "2023-05": [street_row(i, "2023-05") for i in range(8)],
        "2023-06": [street_row(9, "2023-06", "E01035001", "Ashford 001F"), street_row(10, "2023-06", "E01035002", "Ashford 001G")],
    }  # fmt: skip
    folder = write_folder(tmp_path / "archive", months)
    (tmp_path / "change.csv").write_text("LSOA11CD,LSOA21CD\nE01000001,E01035001\nE01000001,E01035002\n")
    (tmp_path / "people.csv").write_text("LSOA21CD,population\nE01035001,1500\nE01035002,500\n")
    how = ("--area", "lsoa", "--vintages", tmp_path / "change.csv", "--residents", tmp_path / "people.csv")
    assert svd("police-uk", folder, "--into", tmp_path / "r", *how).exit_code == 0
    assert (tmp_path / "r/data/robbery.csv").read_text().splitlines()[1:] == [
        "E01035001,2023-05,6", "E01035001,2023-06,1", "E01035002,2023-05,2", "E01035002,2023-06,1",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_real_table_of_boroughs_takes_real_codes(published: Callable[[str], Path], tmp_path: Path) -> None:
    mps = published("mps_borough_monthly_2010_2026")
    lookup = published("uk_population_and_lookups") / "lad_csp_pfa_jan2017_lookup.csv"
    how = ("--lookup", lookup, "--from", "LAD17NM", "--to", "LAD17CD", "--major", "--measure", "ROBBERY")
    result = svd("met-borough", *sorted(mps.glob("MPS*.csv")), "--into", tmp_path / "r", *how)
    assert result.exit_code == 0, result.stderr
    with (tmp_path / "r/data/robbery.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    total = 0
    for path in mps.glob("MPS*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["MajorText"] == "ROBBERY" and not row["BoroughName"].startswith(("Unknown", "London Heathrow")):
                    total += sum(int(value) for name, value in row.items() if name.isdigit() and value)
    assert sum(int(row["count"]) for row in rows) == total
    assert len({row["area"] for row in rows}) == 32 and all(row["area"].startswith("E09") for row in rows)
