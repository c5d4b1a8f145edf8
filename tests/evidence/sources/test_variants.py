"""Publications as they also come: other names, signs, sheets and editions; and every real file to its last row."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.evidence.sources import (
    health,
    met_borough,
    police_uk,
    population,
    profiles,
    recorded_crime,
    spreadsheet,
)
from evaluation.evidence.sources.intake import LARGE_TEXT
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.sources.police_uk_areas import Placing
from tests.evidence.sources.test_filing import svd
from tests.evidence.sources.test_publications import PRC, cells, prc_row, refusal, save
from tests.evidence.sources.workbooks import write_ods

CSP = recorded_crime.Options(by="group")


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("1,200", 1200), ("1 200 000", 1200000), ("12.0", 12), ("1,5", None), ("12,00", None), ("1.5", None),
     ("-1", None), ("²", None), ("٣", None), ("", None), ("1,2000", None)],
)  # fmt: skip
def test_whole_numbers(text: str, number: int | None) -> None:
    assert whole_number(text) == number


# --- recorded crime


@pytest.mark.parametrize(
    "name", ["Unassigned", "Unassigned - Kent", "Kent - unassigned", "UNASSIGNED TO CSP", "", "Un-assigned"]
)
def test_unassigned_by_any_name_is_left_out(tmp_path: Path, name: str) -> None:
    path = write_ods(tmp_path / "p.ods", {"2018_19": [PRC, prc_row(3), prc_row(9, name)]})
    extract = recorded_crime.read([path], CSP)
    assert cells(extract) == {("Robbery", "Ashford", "2018-Q2"): ("3", "final")}
    assert extract.ledger.dropped == {"Unassigned: the force could not say which CSP": 1}


@pytest.mark.parametrize("sign", ["[x]", "[z]", "..", "x", "[c]"])
def test_a_total_with_a_part_that_is_not_available_is_missing(tmp_path: Path, sign: str) -> None:
    rows = [PRC, prc_row(3), [*prc_row(0, code="34A")[:-1], sign], prc_row(4, "Dover")]
    extract = recorded_crime.read([write_ods(tmp_path / "p.ods", {"2018_19": rows})], CSP)
    got = cells(extract)
    assert got["Robbery", "Ashford", "2018-Q2"] == (None, "missing")
    assert got["Robbery", "Dover", "2018-Q2"] == ("4", "final")
    assert any("missing, not zero" in note for note in extract.notes)


def test_the_sheets_may_stand_in_any_order_with_notes_and_sources_about(tmp_path: Path) -> None:
    later = [
        ["Police recorded crime"],
        ["Table 2"],
        PRC,
        prc_row(6, year="2019/20"),
        ["Source: Home Office, released in July."],
    ]
    sheets = {"2019_20": later, "Contents": [["a", "b"]], "Notes": [["Note 1: none."]], "2018_19": [PRC, prc_row(3)]}
    extract = recorded_crime.read([write_ods(tmp_path / "p.ods", sheets)], CSP)
    assert {key[2]: value[0] for key, value in cells(extract).items()} == {"2018-Q2": "3", "2019-Q2": "6"}
    assert any("Source: Home Office" in note for note in extract.notes)


def test_a_csp_that_was_renamed_is_pointed_out(tmp_path: Path) -> None:
    rows = [
        PRC,
        prc_row(3, "Old Town"),
        prc_row(1, "Dover"),
        prc_row(4, "New Town", quarter=2),
        prc_row(2, "Dover", quarter=2),
    ]
    extract = recorded_crime.read([write_ods(tmp_path / "p.ods", {"2018_19": rows})], CSP)
    [note] = [note for note in extract.notes if "Names that end" in note]
    assert "Old Town (to 2018-Q2) and New Town (from 2018-Q3)" in note and "Dover" not in note


def test_names_differ_by_spaces_and_line_breaks_only(tmp_path: Path) -> None:
    rows = [PRC, prc_row(3, "Tonbridge and  Malling"), prc_row(4, "Tonbridge and\r\nMalling", code="34A")]
    extract = recorded_crime.read([write_ods(tmp_path / "p.ods", {"2018_19": rows})], CSP)
    assert cells(extract) == {("Robbery", "Tonbridge and Malling", "2018-Q2"): ("7", "final")}


def test_two_editions_of_a_quarter_are_refused_and_two_copies_counted_once(tmp_path: Path) -> None:
    old = write_ods(tmp_path / "jan.ods", {"2018_19": [PRC, prc_row(3)]})
    new = write_ods(tmp_path / "july.ods", {"2018_19": [PRC, prc_row(4)]})
    file, place, found = refusal(lambda: recorded_crime.read([old, new], CSP))
    assert (file, place) == ("july.ods", "sheet 2018_19, row 2") and "is in jan.ods, sheet 2018_19 as well" in found
    copy = tmp_path / "copy.ods"
    copy.write_bytes(old.read_bytes())
    assert cells(recorded_crime.read([old, copy], CSP)) == {("Robbery", "Ashford", "2018-Q2"): ("3", "final")}


def test_a_definition_counts_its_codes_and_says_what_the_tables_cannot_tell(tmp_path: Path) -> None:
    rows = [PRC, prc_row(3), prc_row(4, code="34A"), prc_row(50, code="30A")]
    path = write_ods(tmp_path / "p.ods", {"2018_19": rows})
    how = ("recorded-crime", path, "--into", tmp_path / "r", "--indicator", "serious", "--definition")
    result = svd(*how, "avon_and_somerset")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "r/data/serious.csv").read_text().splitlines()[1:] == ["Ashford,2018-Q2,7"]
    assert "cannot tell the age band, the place (public space only)" in result.stdout
    assert "Codes of the definition that are not in these tables: 1, 106" in result.stdout
    assert svd(*how, "national_strategy").exit_code == 2, "none of its codes is in the tables"


# --- profiles and exclusions

HEAD = "geographic_level,time_identifier,time_period,new_la_code,la_name,headcount,suspension,perm_excl\n"


@pytest.mark.parametrize(
    ("sign", "count", "status"),
    [("c", "c", "suppressed"), ("C", "c", "suppressed"), ("[c]", "c", "suppressed"), ("SUPP", "c", "suppressed"),
     ("z", None, "missing"), ("x", None, "missing"), ("[x]", None, "missing"), ("..", None, "missing"), ("1,204", "1204", "final")],
)  # fmt: skip
def test_signs_of_the_department(tmp_path: Path, sign: str, count: str | None, status: str) -> None:
    path = save(
        tmp_path / "e.csv", f'{HEAD}Local authority,Academic year,202223,E06000001,Hartlepool,14000,"{sign}",1\n'
    )
    assert cells(profiles.read_exclusions([path]))["suspension", "E06000001", "2022"] == (count, status)


@pytest.mark.parametrize(
    ("period", "kind"), [("202224", "Academic year"), ("202223", "Autumn term"), ("2022", "Calendar year")]
)
def test_what_is_no_academic_year_is_refused(tmp_path: Path, period: str, kind: str) -> None:
    path = save(tmp_path / "e.csv", f"{HEAD}Local authority,{kind},{period},E06000001,Hartlepool,14000,1,1\n")
    with pytest.raises(InputError, match="is not an academic year"):
        profiles.read_exclusions([path])


# --- a partner's large or careless file


@pytest.mark.slow
def test_a_large_csv_is_read_line_by_line(tmp_path: Path) -> None:
    """A file above the size from which text is streamed: the same counts, and a bad row is still named."""
    months = [f"{y}-{m:02d}" for y in range(2000, 2025) for m in range(1, 13)]
    pad = "x" * 400
    lines = [f"A{i:03d},{month},{i % 7},{pad}" for i in range(150) for month in months]
    path = tmp_path / "large.csv"
    path.write_text("District,Month,Referrals,Remark\n" + "\n".join(lines) + "\n")
    assert path.stat().st_size > LARGE_TEXT
    mapping = spreadsheet.Mapping(title="Referrals", area="District", period="Month", count="Referrals")
    extract = spreadsheet.read([path], "csv", mapping)
    assert (extract.ledger.rows_in, extract.ledger.counted) == (45_000, 45_000)
    total = extract.connection.execute("SELECT sum(CAST(count AS INT)) FROM tidy").fetchall()[0][0]
    assert total == sum(i % 7 for i in range(150)) * 300
    with path.open("ab") as stream:
        stream.write(b"A999,2024-01,\xe9,x\n")
    assert refusal(lambda: spreadsheet.read([path], "csv", mapping))[:2] == ("large.csv", "row 45002")


def test_columns_that_are_no_month_are_said(tmp_path: Path) -> None:
    path = save(tmp_path / "w.csv", "District,Jan-24,Fev-24,Total\nNorth,1,2,3\n")
    mapping = spreadsheet.Mapping.model_validate(
        {"title": "R", "layout": "wide", "area": "District", "period": {"format": "%b-%y"}}
    )
    extract = spreadsheet.read([path], "csv", mapping)
    assert [note for note in extract.notes if "were not read" in note] == [
        "w.csv: columns that are no month were not read: 'Fev-24' and 'Total'."
    ]


def test_a_status_that_is_none_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "s.csv", "District,Month,Referrals,Status\nNorth,2024-01,1,Final\nNorth,2024-02,1,finnal\n")
    mapping = spreadsheet.Mapping(title="R", area="District", period="Month", count="Referrals", status="Status")
    assert refusal(lambda: spreadsheet.read([path], "csv", mapping))[:2] == ("s.csv", "row 3, Status")


def test_a_partners_table_in_the_second_sheet_and_records_below_a_title(tmp_path: Path) -> None:
    sheets = {
        "Read me": [["x"]],
        "Data": [["Youth service", "2024"], [None], ["District", "Month", "Referrals"], ["N", "2024-01", 3]],
    }
    mapping = spreadsheet.Mapping(title="R", area="District", period="Month", count="Referrals")
    assert cells(spreadsheet.read([write_ods(tmp_path / "b.ods", sheets)], "excel", mapping)) == {
        ("R", "N", "2024-01"): ("3", "final")
    }
    rows = [["Trust", "2024"], [None], ["Area code", "Month", "Admissions", "NHS number"], ["E1", "2024-01", 10, "x"]]
    path = write_ods(tmp_path / "h.ods", {"Data": rows})
    assert "records of people" in refusal(lambda: health.read_hospital([path]))[2]


def test_semicolons_are_read(tmp_path: Path) -> None:
    path = save(tmp_path / "s.csv", "District;Month;Referrals\nNorth;2024-01;1\n")
    mapping = spreadsheet.Mapping(title="R", area="District", period="Month", count="Referrals")
    assert cells(spreadsheet.read([path], "csv", mapping)) == {("R", "North", "2024-01"): ("1", "final")}


# --- every real file, counted again with Python's own csv module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "rows"),
    [(["la_population_2001_2019.csv"], 7258), (["la_population_release2022.csv"], 6620),
     (["london_11-22borough_pop.csv", "london_2324borough_pop.csv"], 33 * 14)],
)  # fmt: skip
def test_every_estimate_of_the_real_populations(published: Callable[[str], Path], files: list[str], rows: int) -> None:
    folder = published("uk_population_and_lookups")
    extract = population.read([folder / name for name in files])
    got = cells(extract)
    assert extract.ledger.rows_in == extract.ledger.counted == rows
    seen = 0
    for name in files:
        with (folder / name).open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                code = (
                    row.get("Code") or row.get("code") or row["ladcode19"]
                ).strip()  # one has a space that no eye sees
                years = {n[:4]: v for n, v in row.items() if n.endswith("_Population")} or {
                    row["year"]: row["population"]
                }
                for year, people in years.items():
                    assert got["population", code, f"{year}-06"][0] == str(round(float(people.replace(",", ""))))
                    seen += 1
    assert seen == rows


def test_every_row_of_the_real_knife_table(published: Callable[[str], Path]) -> None:
    path = published("mps_knife_crime_monthly_2022_2026") / "knife_crime_borough_month.csv"
    extract = met_borough.read_knife([path])
    got = cells(extract)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert extract.ledger.rows_in == len(rows) == 6954
    for row in rows:
        if row["area_code"]:
            assert got[row["crime_subtype"], row["area_code"], row["month"][:7]][0] == row["count"]
    assert sum(int(n) for n, _ in got.values() if n) == sum(int(row["count"]) for row in rows if row["area_code"])


@pytest.mark.slow
@pytest.mark.parametrize("minor", [True, False])
def test_every_cell_of_the_real_borough_tables(published: Callable[[str], Path], minor: bool) -> None:
    paths = sorted(published("mps_borough_monthly_2010_2026").glob("MPS*.csv"))
    got = cells(met_borough.read_borough(paths, minor=minor))
    tally: dict[tuple[str, str, str], int] = {}
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                for name, value in row.items():
                    if name.isdigit() and value and not row["BoroughName"].startswith(("Unknown", "London Heathrow")):
                        key = (row["MinorText" if minor else "MajorText"], row["BoroughName"], f"{name[:4]}-{name[4:]}")
                        tally[key] = tally.get(key, 0) + int(value)
    assert {key: n for key, (n, _) in got.items()} == {key: str(n) for key, n in tally.items()}


@pytest.mark.slow
@pytest.mark.parametrize("city", ["birmingham", "liverpool"])
def test_every_row_of_the_real_lsoa_tables_by_mapping(
    published: Callable[[str], Path], tmp_path: Path, city: str
) -> None:
    with gzip.open(published("police_uk_lad_month_2023_2026") / f"violence_lsoa_month_{city}.csv.gz", "rt") as stream:
        text = stream.read()
    path = save(tmp_path / "lsoa.csv", text)
    mapping = spreadsheet.Mapping(title="Violence", area="lsoa_code", period="month", count="crime_count")
    got = cells(spreadsheet.read([path], "csv", mapping))
    rows = list(csv.DictReader(text.splitlines()))
    assert {(k[1], k[2]): n for k, (n, _) in got.items()} == {
        (r["lsoa_code"], r["month"]): r["crime_count"] for r in rows
    }


def test_the_real_archive_by_lsoa_with_repeats_once(published: Callable[[str], Path]) -> None:
    """Every cell of City of London, by an independent reading of the rule for repeated Crime IDs."""
    folder = published("police_uk_street_archive")
    options = police_uk.Options(Placing(level="force"), forces=("City of London",))
    extract = police_uk.read([folder], options)
    extract.ledger.balance()
    tally: dict[tuple[str, str], int] = {}
    for path in folder.glob("*/*-city-of-london-street.csv"):
        seen = set()
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                key = (row["Crime ID"], row["Crime type"], row["Falls within"])
                if not row["Crime ID"] or key not in seen:
                    tally[row["Crime type"], row["Month"]] = tally.get((row["Crime type"], row["Month"]), 0) + 1
                seen.add(key)
    found = extract.connection.execute("SELECT measure, period, CAST(count AS INT) FROM tidy").fetchall()
    assert {(m, p): n for m, p, n in found if n} == tally
