"""The other publications, each in its published layout, worked by hand, and on real files where there are some."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.evidence.sources import health, met_borough, population, profiles, recorded_crime, spreadsheet
from evaluation.evidence.sources.extract import Extract
from evaluation.evidence.sources.periods import Unreadable, financial_quarter
from tests.evidence.sources.workbooks import write_ods, write_xlsx

PRC = [
    "Financial Year",
    "Financial Quarter",
    "Police Force",
    "CSP Name",
    "Offence Description",
    "Offence Group",
    "Offence Subgroup",
    "Offence Code",
    "Offence Count",
]


def cells(extract: Extract) -> dict[tuple[str, str, str], tuple[str | None, str]]:
    extract.ledger.balance()
    rows = extract.connection.execute("SELECT measure, area, period, count, status FROM tidy").fetchall()
    return {(m, a, p): (c, s) for m, a, p, c, s in rows}


def save(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def refusal(work: Callable[[], object]) -> tuple[str, str, str]:
    with pytest.raises(InputError) as caught:
        work()
    first = caught.value.problems[0]
    return first.file, first.place, first.found


# --- Metropolitan Police


def test_borough_table_with_an_overlap_and_a_blank(tmp_path: Path) -> None:
    old = save(
        tmp_path / "old.csv",
        "MajorText,MinorText,BoroughName,202401,202402\nROBBERY,PERSONAL,Barnet,5,6\nROBBERY,PERSONAL,Unknown,1,1\n",
    )
    new = save(
        tmp_path / "new.csv",
        "BoroughName,MinorText,MajorText,202402,202403\nBarnet,PERSONAL,ROBBERY,7,\nBarnet,BUSINESS,ROBBERY,1,0\n",
    )
    got = cells(met_borough.read_borough([old, new]))
    assert got == {
        ("PERSONAL", "Barnet", "2024-01"): ("5", "final"), ("PERSONAL", "Barnet", "2024-02"): ("7", "final"),
        ("BUSINESS", "Barnet", "2024-02"): ("1", "final"), ("BUSINESS", "Barnet", "2024-03"): ("0", "final"),
    }  # fmt: skip


def test_borough_table_names_the_cell_that_is_no_count(tmp_path: Path) -> None:
    path = save(tmp_path / "mps.csv", "MajorText,MinorText,BoroughName,202401,202402\nROBBERY,PERSONAL,Barnet,5,n/a\n")
    assert refusal(lambda: met_borough.read_borough([path])) == ("mps.csv", "row 2, 202402", "'n/a' is not a count.")


@pytest.mark.slow
def test_real_borough_tables_agree_with_an_independent_tally(published: Callable[[str], Path]) -> None:
    folder = published("mps_borough_monthly_2010_2026")
    paths = sorted(folder.glob("MPS*.csv"))
    extract = met_borough.read_borough(paths)
    extract.ledger.balance()
    total = 0
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                if not row["BoroughName"].startswith(("Unknown", "London Heathrow")):
                    total += sum(int(value) for name, value in row.items() if name.isdigit() and value)
    assert extract.connection.execute("SELECT sum(CAST(count AS BIGINT)) FROM tidy").fetchall()[0][0] == total


def test_real_knife_table_has_its_zeros_written(published: Callable[[str], Path]) -> None:
    extract = met_borough.read_knife([published("mps_knife_crime_monthly_2022_2026") / "knife_crime_borough_month.csv"])
    got = cells(extract)
    injured = {key: value for key, value in got.items() if key[0] == "Knife Injury Victims (1-24)"}
    assert len(injured) == 32 * 48
    assert sum(count == "0" for count, _ in injured.values()) == 32 * 48 - 1373


# --- Home Office


def prc_row(
    count: int,
    csp: str | None = "Ashford",
    year: str = "2018/19",
    quarter: int = 1,
    code: str = "34B",
    force: str = "Kent",
) -> list[str | int | None]:
    return [year, quarter, force, csp, f"Offence {code}", "Robbery", "Robbery of personal property", code, count]


def test_recorded_crime_streams_an_ods_with_its_notes(tmp_path: Path) -> None:
    path = write_ods(
        tmp_path / "prc-csp.ods",
        {
            "Cover": [["Police recorded crime"], ["Crown copyright"]],
            "Notes": [["Note 4"], ["Ashford: offences were unassigned in the year ending March 2020, so figures should not be used."]],
            "2018_19": [["Table"], PRC, prc_row(3), prc_row(4, code="34A"), prc_row(9, "Unassigned Kent"), prc_row(5, "Shepway", quarter=4)],
            "2019_20": [PRC, prc_row(6, year="2019/20", quarter=2), prc_row(2, None, year="2019/20", force="British Transport Police"), prc_row(1, year="2019/20", force="Action Fraud")],
        },
    )  # fmt: skip
    extract = recorded_crime.read([path], recorded_crime.Options(by="group"))
    assert cells(extract) == {
        ("Robbery", "Ashford", "2018-Q2"): ("7", "final"),
        ("Robbery", "Folkestone and Hythe", "2019-Q1"): ("5", "final"),
        ("Robbery", "Ashford", "2019-Q3"): ("6", "partial"),
    }
    assert extract.ledger.dropped["Unassigned: the force could not say which CSP"] == 1
    assert extract.ledger.rows_in == 7
    assert any("Shepway as Folkestone and Hythe" in note for note in extract.notes)


def test_recorded_crime_reads_the_older_csv(tmp_path: Path) -> None:
    text = "Financial.Year,Financial.Quarter,Force.Name,CSP.Name,Offence.Description,Offence.Group,Offence.Subgroup,Offence.Code,Number.of.Offences\n"
    text += "Q,1,Kent,Ashford,a,b,c,34B,1\n".replace("Q,", "2014/15,") + '2014/15,2,Kent,Ashford,a,b,c,34B,"1,200"\n'
    got = cells(
        recorded_crime.read(
            [save(tmp_path / "prc.csv", text)], recorded_crime.Options(codes=frozenset({"34B"}), measure="robbery")
        )
    )
    assert got == {
        ("robbery", "Ashford", "2014-Q2"): ("1", "final"),
        ("robbery", "Ashford", "2014-Q3"): ("1200", "final"),
    }


def test_recorded_crime_refuses_an_unknown_code_and_a_bad_count(tmp_path: Path) -> None:
    path = write_ods(tmp_path / "prc.ods", {"2018_19": [PRC, prc_row(3)]})
    assert refusal(lambda: recorded_crime.read([path], recorded_crime.Options(codes=frozenset({"99Z"}))))[0] == "--code"
    bad = write_ods(tmp_path / "bad.ods", {"2018_19": [PRC, prc_row(3), [*prc_row(3)[:-1], "many"]]})
    assert refusal(lambda: recorded_crime.read([bad], recorded_crime.Options())) == (
        "bad.ods",
        "sheet 2018_19, row 3",
        "'many' is not a count.",
    )
    cut = tmp_path / "cut.ods"
    cut.write_bytes(path.read_bytes()[:200])
    assert "damaged or cut short" in refusal(lambda: recorded_crime.read([cut], recorded_crime.Options()))[2]


@pytest.mark.parametrize(
    ("year", "quarter", "written"),
    [("2018/19", "1", "2018-Q2"), ("2018/19", "4", "2019-Q1"), ("1999/2000", "3", "1999-Q4")],
)
def test_financial_quarters(year: str, quarter: str, written: str) -> None:
    assert financial_quarter(year, quarter) == written


@pytest.mark.parametrize(("year", "quarter"), [("2018", "1"), ("2018/20", "1"), ("2018/19", "5")])
def test_financial_quarters_that_are_none(year: str, quarter: str) -> None:
    with pytest.raises(Unreadable):
        financial_quarter(year, quarter)


# --- Health


def test_hospital_keeps_the_star_and_calls_the_newest_months_provisional(tmp_path: Path) -> None:
    path = save(
        tmp_path / "hes.csv",
        "Month,Area code,Admissions\nJan-24,E06000001,*\nFeb-24,E06000001,0\nMar-24,E06000001,15\nApr-24,E06000001,\n",
    )
    extract = health.read_hospital([path], late=2)
    key = ("Admissions", "E06000001")
    assert cells(extract) == {
        (*key, "2024-01"): ("*", "suppressed"), (*key, "2024-02"): ("0", "final"),
        (*key, "2024-03"): ("15", "provisional"), (*key, "2024-04"): (None, "missing"),
    }  # fmt: skip
    assert extract.rules == {"suppressed": {"*": [1, 7]}, "rounded_to": 5}


def test_hospital_refuses_unrounded_counts_and_records_of_patients(tmp_path: Path) -> None:
    path = save(tmp_path / "hes.csv", "Month,Area code,Admissions\n2024-01,E06000001,12\n")
    assert "not rounded to 5" in refusal(lambda: health.read_hospital([path]))[2]
    assert cells(health.read_hospital([path], rounded=False, late=0)) == {
        ("Admissions", "E06000001", "2024-01"): ("12", "final")
    }
    records = save(
        tmp_path / "istv.csv",
        "Site Code,Arrival Date and Time,Assault Location Type,Attendances\nRX1,2024-01-01 02:00,street,1\n",
    )
    assert "records of people" in refusal(lambda: health.read_attendances([records]))[2]


def test_attendances_by_place(tmp_path: Path) -> None:
    path = save(
        tmp_path / "istv.csv",
        "Site Code,Month,Assault Location Type,Attendances\nRX1,2024-01,Street,9\nRX1,2024-01,Home,*\n",
    )
    assert cells(health.read_attendances([path])) == {
        ("Street", "RX1", "2024-01"): ("9", "final"),
        ("Home", "RX1", "2024-01"): ("*", "suppressed"),
    }


FINGERTIPS = "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,Category Type,Category,Time period,Value,Count,Denominator,Value note,{parent},Time period Sortable\n"


def fingertips(
    period: str, count: str, area: str = "E06000001", kind: str = "Districts & UAs", category: str = ""
) -> str:
    return f"11202,Violence offences,E12,NE,{area},X,{kind},Persons,All ages,,{category},{period},1.5,{count},92000,,Better,20220000\n"


@pytest.mark.parametrize("parent", ["Compared to North East region value or percentiles", "Column not used"])
def test_fingertips_finds_columns_by_name(tmp_path: Path, parent: str) -> None:
    text = (
        FINGERTIPS.format(parent=parent)
        + fingertips("2022/23", "140")
        + fingertips("2022/23", "9", "E92000001", "England")
        + fingertips("2022/23", "3", category="Decile 1")
    )
    got = cells(profiles.read_fingertips([save(tmp_path / "f.csv", text)]))
    assert got == {("Violence offences", "E06000001", "2022"): ("140", "final")}


def test_fingertips_refuses_pooled_years(tmp_path: Path) -> None:
    text = FINGERTIPS.format(parent="x") + fingertips("2018/19 - 20/21", "140")
    file, place, found = refusal(lambda: profiles.read_fingertips([save(tmp_path / "f.csv", text)]))
    assert (file, place) == ("f.csv", "row 2, Time period") and "pools several years" in found


def test_exclusions_keep_hidden_values_and_take_totals_only(tmp_path: Path) -> None:
    head = "time_period,time_identifier,geographic_level,country_code,region_code,new_la_code,la_name,school_type,headcount,suspension,perm_excl\n"
    rows = [
        "202223,Academic year,Local authority,E92,E12,E06000001,Hartlepool,Total,14000,900,c",
        "202223,Academic year,Local authority,E92,E12,E06000001,Hartlepool,Secondary,6000,800,z",
        "202223,Academic year,National,E92,,,,Total,8000000,700000,9000",
        "202223,Academic year,Local authority,E92,E12,E06000053,Isles of Scilly,Total,300,z,x",
    ]
    extract = profiles.read_exclusions([save(tmp_path / "exc.csv", head + "\n".join(rows) + "\n")])
    assert cells(extract) == {
        ("suspension", "E06000001", "2022"): ("900", "final"), ("perm_excl", "E06000001", "2022"): ("c", "suppressed"),
        ("suspension", "E06000053", "2022"): (None, "missing"), ("perm_excl", "E06000053", "2022"): (None, "missing"),
    }  # fmt: skip
    assert "(unverified)" in " ".join(extract.notes)


# --- Population


def test_population_between_and_after_estimates() -> None:
    given = {2020: 1000.0, 2021: 1120.0}
    june = 2020 * 12 + 5
    assert population.population_at(given, june) == (1000.0, True)
    assert population.population_at(given, june + 1) == (1010.0, True)
    assert population.population_at(given, june + 13) == (1120.0, False)
    assert population.population_at(given, june - 1) == (1000.0, False)


def test_population_layouts_agree(tmp_path: Path) -> None:
    nomis = save(
        tmp_path / "nomis.csv",
        "DATE,DATE_NAME,GEOGRAPHY_NAME,GEOGRAPHY_CODE,GENDER_NAME,C_AGE_NAME,MEASURES_NAME,OBS_VALUE\n2020,2020,Barnet,E09000003,Total,All Ages,Value,1000\n2021,2021,Barnet,E09000003,Total,All Ages,Value,1120\n",
    )
    long = save(
        tmp_path / "ons.csv", "code,name,year,population\nE09000003,Barnet,2020,1000\nE09000003,Barnet,2021,1120\n"
    )
    wide = save(
        tmp_path / "london.csv",
        "\ufeffCode,Area name,Inner/ Outer London,2020_Population,2021_Population\nE09000003,Barnet,Outer,1000,1120\n",
    )
    one, two, three = (cells(population.read([path])) for path in (nomis, long, wide))
    assert one == two == three
    assert one["population", "E09000003", "2020-07"] == ("1010", "final")
    assert one["population", "E09000003", "2021-12"] == ("1120", "provisional")


def test_population_refuses_mixed_sexes_and_far_futures(tmp_path: Path) -> None:
    mixed = save(
        tmp_path / "n.csv",
        "DATE,GEOGRAPHY_CODE,GENDER_NAME,OBS_VALUE\n2020,E09000003,Total,1000\n2020,E09000003,Male,490\n",
    )
    assert refusal(lambda: population.read([mixed]))[2] == "The table mixes Male and Total in `GENDER_NAME`."
    long = save(tmp_path / "ons.csv", "code,name,year,population\nE09000003,Barnet,2020,1000\n")
    assert refusal(lambda: population.read([long], last="2026-01"))[0] == "--last"


@pytest.mark.slow
@pytest.mark.parametrize(
    "files",
    [
        ["la_population_2001_2019.csv"],
        ["la_population_release2022.csv"],
        ["london_11-22borough_pop.csv", "london_2324borough_pop.csv"],
    ],
)
def test_real_populations(published: Callable[[str], Path], files: list[str]) -> None:
    folder = published("uk_population_and_lookups")
    got = cells(population.read([folder / name for name in files]))
    with (folder / files[0]).open(encoding="utf-8-sig", newline="") as stream:
        row = next(csv.DictReader(stream))
    code, value, year = (
        (row["Code"], row["2012_Population"], "2012")
        if "Code" in row
        else (next(iter(row.values())), row["population"], row["year"])
    )
    assert got["population", code, f"{year}-06"] == (value, "final")


# --- A partner's own tables


LONG = {
    "title": "Referrals",
    "area": "District",
    "period": {"column": "Month", "format": "%b-%y"},
    "count": "Referrals",
    "areas": {"North": "E1"},
    "skip": ["Total"],
    "suppressed": {"*": [1, 4]},
}


def mapped(**changes: object) -> spreadsheet.Mapping:
    return spreadsheet.Mapping.model_validate({**LONG, **changes})


def test_a_long_csv_by_mapping(tmp_path: Path) -> None:
    path = save(
        tmp_path / "p.csv",
        'Month,District,Referrals\nJan-24,North,"1,200"\nFeb-24,North,*\nMar-24,North,\nJan-24,Total,1200\n',
    )
    extract = spreadsheet.read([path], "csv", mapped())
    assert cells(extract) == {
        ("Referrals", "E1", "2024-01"): ("1200", "final"), ("Referrals", "E1", "2024-02"): ("*", "suppressed"), ("Referrals", "E1", "2024-03"): (None, "missing"),
    }  # fmt: skip
    assert extract.ledger.dropped == {"left out by the mapping: Total": 1}


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_wide_workbook_below_a_title(tmp_path: Path, kind: str) -> None:
    rows = [["Youth service"], ["District", "Jan 2024", "Feb 2024"], ["North", 3, 0], ["Total", 3, 0]]
    path = (write_xlsx if kind == "xlsx" else write_ods)(tmp_path / f"p.{kind}", {"Data": rows})
    mapping = mapped(layout="wide", count=None, period={"format": "%b %Y"}, suppressed={})
    assert cells(spreadsheet.read([path], "excel", mapping)) == {
        ("Referrals", "E1", "2024-01"): ("3", "final"),
        ("Referrals", "E1", "2024-02"): ("0", "final"),
    }


def test_merged_header_cells_are_named(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "p.xlsx",
        {"Data": [["District", "Month", "Referrals", None, "Remark"], ["North", "Jan-24", 3, 4, "x"]]},
        ["C1:D1"],
    )
    file, place, found = refusal(lambda: spreadsheet.read([path], "excel", mapped()))
    assert (file, place) == ("p.xlsx", "sheet Data, row 1") and "merged" in found and "(D)" in found


def test_what_is_wrong_in_a_partners_table_is_said_at_once(tmp_path: Path) -> None:
    path = save(
        tmp_path / "p.csv",
        "Month,District,Referrals\n2024-01,North,1\nJan-24,South,1\nJan-24,North,c\nFeb-24,North,2\nFeb-24,North,2\n",
    )
    with pytest.raises(InputError) as caught:
        spreadsheet.read([path], "csv", mapped())
    assert [p.place for p in caught.value.problems] == ["row 2, Month", "row 3", "row 4, Referrals", "row 6"]


@pytest.mark.parametrize(
    "column", ["NHS Number", "Date of birth", "surname", "Postcode", "victim_name", "Crime ref no"]
)
def test_records_of_people_are_refused(tmp_path: Path, column: str) -> None:
    path = save(tmp_path / "p.csv", f"Month,District,Referrals,{column}\nJan-24,North,1,x\n")
    file, place, found = refusal(lambda: spreadsheet.read([path], "csv", mapped()))
    assert (file, place) == ("p.csv", "row 1") and "records of people" in found


def test_personal_data_under_a_harmless_name_is_seen_by_its_cells(tmp_path: Path) -> None:
    path = save(
        tmp_path / "p.csv", "Month,District,Referrals,Key\nJan-24,North,1,943 476 5919\nFeb-24,North,1,9434765919\n"
    )
    assert "`Key`" in refusal(lambda: spreadsheet.read([path], "csv", mapped()))[2]


def test_parquet_with_real_dates(tmp_path: Path) -> None:
    import datetime

    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = pa.table(
        {
            "District": ["North", "North"],
            "Month": [datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)],
            "Referrals": [3, None],
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    mapping = mapped(period="Month", suppressed={})
    assert cells(spreadsheet.read([tmp_path / "p.parquet"], "parquet", mapping)) == {
        ("Referrals", "E1", "2024-01"): ("3", "final"),
        ("Referrals", "E1", "2024-02"): (None, "missing"),
    }


def test_a_mapping_says_what_is_wrong_in_it(tmp_path: Path) -> None:
    path = save(tmp_path / "m.yaml", "title: Referrals\narea: District\nperiod: Month\ncuont: Referrals\n")
    file, place, _ = refusal(lambda: spreadsheet.read_mapping(path))
    assert file == "m.yaml" and "line" in place


def test_a_real_long_table_by_mapping(published: Callable[[str], Path], tmp_path: Path) -> None:
    source = published("police_uk_lad_month_2023_2026") / "lad_category_month.csv.gz"
    path = tmp_path / "lad.csv"
    with gzip.open(source, "rt", encoding="utf-8") as stream:
        text = stream.read()
    save(path, text)
    mapping = spreadsheet.Mapping.model_validate(
        {"title": "x", "area": "borough", "period": "month", "count": "crime_count", "measure": "category"}
    )
    extract = spreadsheet.read([path], "csv", mapping)
    extract.ledger.balance()
    assert extract.ledger.counted == 24_182
    total = sum(int(line.rsplit(",", 1)[1]) for line in text.splitlines()[1:])
    assert extract.connection.execute("SELECT sum(CAST(count AS BIGINT)) FROM tidy").fetchall()[0][0] == total
