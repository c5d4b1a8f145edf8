"""The publications that can be imported: what each is, who publishes it, under which licence, with which columns."""

from __future__ import annotations

from dataclasses import dataclass

OGL = "Open Government Licence v3.0"


@dataclass(frozen=True)
class Source:
    """A publication.

    Attributes:
        name: on the command line.
        title: for readers.
        publisher: who publishes it.
        licence: under which it may be shown; blank where the partner must say.
        files: which files to give.
        columns: the publisher's column names that are read.
        affects: kinds of shocks that its series cross, see `evidence.shocks`.
        disclosure: the profile by which its counts are protected when published.
    """

    name: str
    title: str
    publisher: str
    licence: str
    files: str
    columns: tuple[str, ...]
    affects: tuple[str, ...] = ("covid",)
    disclosure: str = "partner"


_POLICE = ("covid", "counting_rule", "record_system", "data_supply", "programme")
_LIST = (
    Source(
        "police-uk", "Street-level crime", "data.police.uk (Home Office)", OGL,
        "the archive as downloaded: zips, or folders of YYYY-MM-<force>-street.csv",
        ("Crime ID", "Month", "Reported by", "Falls within", "LSOA code", "LSOA name", "Crime type"),
        (*_POLICE, "geography"), "already_public",
    ),
    Source(
        "met-borough", "Borough-level crime, London", "Metropolitan Police Service, London Datastore", OGL,
        "MPS Borough Level Crime (Historical) and (most recent 24 months), CSV or XLSX",
        ("MajorText", "MinorText", "BoroughName", "one column YYYYMM for each month"), _POLICE, "already_public",
    ),
    Source(
        "met-knife", "Knife crime by borough, London", "Metropolitan Police Service, London Datastore", OGL,
        "the monthly crime dashboard's table of knife crime, one row for each borough, month and measure",
        ("month", "area_name", "area_code", "crime_subtype", "count"), _POLICE, "already_public",
    ),
    Source(
        "recorded-crime", "Police recorded crime open data, by force or CSP", "Home Office", OGL,
        "prc-csp-*.ods or prc-pfa-*.ods, or their CSV editions",
        ("Financial Year", "Financial Quarter", "Police Force (or Force Name)", "CSP Name", "Offence Description",
         "Offence Group", "Offence Subgroup", "Offence Code", "Offence Count (or Number of Offences)"),
        _POLICE, "already_public",
    ),
    Source(
        "fingertips", "Public health profiles", "Office for Health Improvement and Disparities", OGL,
        "CSV from the Fingertips API or its download button",
        ("Indicator ID", "Indicator Name", "Area Code", "Area Name", "Area Type", "Sex", "Age", "Category",
         "Time period", "Value", "Count", "Denominator", "Value note", "Time period Sortable"),
        ("covid",), "already_public",
    ),
    Source(
        "hospital", "Hospital admissions, monthly extract", "NHS England (Hospital Episode Statistics)", "",
        "an extract with one row for each area and month: area, month, admissions",
        ("area code", "month", "admissions (1 to 7 as *, others rounded to 5)"), ("covid",), "health",
    ),
    Source(
        "emergency-department", "Assault attendances (ISTV minimum data set)", "the hospital trust", "",
        "counts by month and location made from the ISTV minimum data set; never the attendances themselves",
        ("Site Code", "Month", "Assault Location Type", "Assault Method", "Attendances"), ("covid",), "health",
    ),
    Source(
        "school-exclusions", "Suspensions and permanent exclusions", "Department for Education", OGL,
        "CSV from Explore Education Statistics",
        ("time_period", "time_identifier", "geographic_level", "new_la_code", "la_name", "headcount", "suspension",
         "perm_excl"),
        ("covid",), "already_public",
    ),
    Source(
        "population", "Mid-year population estimates", "Office for National Statistics", OGL,
        "CSV from Nomis (NM_2002_1), an ONS table of code, name, year and population, or the London borough tables",
        ("GEOGRAPHY_CODE", "GEOGRAPHY_NAME", "DATE", "OBS_VALUE", "or code, name, year, population",
         "or Code, Area name, 2011_Population ..."),
        (), "already_public",
    ),
    Source(
        "csv", "A partner's own CSV file, by a mapping", "as the mapping says", "", "a CSV file and --mapping FILE.yaml",
        ("as the mapping says",),
    ),
    Source(
        "excel", "A partner's own workbook (xlsx, xls, ods), by a mapping", "as the mapping says", "",
        "a workbook and --mapping FILE.yaml", ("as the mapping says",),
    ),
    Source(
        "parquet", "A partner's own Parquet file, by a mapping", "as the mapping says", "",
        "a Parquet file and --mapping FILE.yaml", ("as the mapping says",),
    ),
)  # fmt: skip

SOURCES: dict[str, Source] = {source.name: source for source in _LIST}
