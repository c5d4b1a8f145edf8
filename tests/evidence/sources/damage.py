"""A small sound file for every source, and the ways in which a file can be damaged."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from evaluation.evidence.sources.intake import BOMB_BYTES
from tests.evidence.sources.street_archive import street_csv, street_row


@dataclass(frozen=True)
class Sample:
    """A sound file of one source.

    Attributes:
        source: on the command line.
        name: of the file, as published.
        text: its content.
        count: the column of counts; empty where each row is one event.
        period: the column of periods; empty where periods are columns.
        translated: a column that the source needs, as another language might call it.
        options: what else the command needs.
        mapping: content of a mapping file.
    """

    source: str
    name: str
    text: str
    count: str
    period: str
    translated: tuple[str, str]
    options: tuple[str, ...] = ()
    mapping: str = field(default="")

    def __str__(self) -> str:
        return self.source


NOMIS = "DATE,GEOGRAPHY_NAME,GEOGRAPHY_CODE,GENDER_NAME,OBS_VALUE\n2020,Barnet,E09000003,Total,1000\n2021,Barnet,E09000003,Total,1120\n"
PRC = "Financial Year,Financial Quarter,Police Force,CSP Name,Offence Description,Offence Group,Offence Subgroup,Offence Code,Offence Count\n2018/19,1,Kent,Ashford,Robbery,Robbery,Robbery,34B,3\n2018/19,2,Kent,Ashford,Robbery,Robbery,Robbery,34B,4\n"
FINGERTIPS = "Indicator ID,Indicator Name,Parent Code,Parent Name,Area Code,Area Name,Area Type,Sex,Age,Category Type,Category,Time period,Value,Count,Denominator,Value note,Column not used,Time period Sortable\n1,Violence,E12,NE,E06000001,Hartlepool,UA,Persons,All ages,,,2021,1.5,140,92000,,Better,20210000\n1,Violence,E12,NE,E06000001,Hartlepool,UA,Persons,All ages,,,2022,1.5,150,92000,,Better,20220000\n"
EXCLUSIONS = "time_period,time_identifier,geographic_level,country_code,region_code,new_la_code,la_name,headcount,suspension,perm_excl\n202122,Academic year,Local authority,E92,E12,E06000001,Hartlepool,14000,900,12\n202223,Academic year,Local authority,E92,E12,E06000001,Hartlepool,14000,950,c\n"
MAPPING = "title: Referrals\narea: District\nperiod: Month\ncount: Referrals\n"
SAMPLES = (
    Sample("police-uk", "2024-01-kent-street.csv", street_csv([street_row(1, "2024-01"), street_row(2, "2024-01")]), "", "Month", ("Crime type", "Math o drosedd")),
    Sample("met-borough", "mps.csv", "MajorText,MinorText,BoroughName,202401,202402\nROBBERY,PERSONAL,Barnet,5,6\nROBBERY,BUSINESS,Barnet,1,0\n", "202401", "", ("BoroughName", "Bwrdeistref")),
    Sample("met-knife", "knife.csv", "month,area_name,area_code,crime_subtype,count\n2024-01-01,Barnet,E09000003,Knife Crime,5\n2024-02-01,Barnet,E09000003,Knife Crime,7\n", "count", "month", ("crime_subtype", "math")),
    Sample("recorded-crime", "prc.csv", PRC, "Offence Count", "Financial Year", ("Offence Code", "Cod")),
    Sample("fingertips", "f.csv", FINGERTIPS, "Count", "Time period", ("Area Code", "Cod ardal")),
    Sample("hospital", "hes.csv", "Area code,Month,Admissions\nE06000001,2024-01,*\nE06000001,2024-02,15\n", "Admissions", "Month", ("Month", "Mis")),
    Sample("emergency-department", "ed.csv", "Site Code,Month,Attendances\nRX1,2024-01,9\nRX1,2024-02,12\n", "Attendances", "Month", ("Site Code", "Safle")),
    Sample("school-exclusions", "exc.csv", EXCLUSIONS, "suspension", "time_period", ("headcount", "nifer")),
    Sample("population", "pop.csv", NOMIS, "OBS_VALUE", "DATE", ("OBS_VALUE", "GWERTH")),
    Sample("csv", "p.csv", "District,Month,Referrals\nE1,2024-01,4\nE1,2024-02,5\n", "Referrals", "Month", ("District", "Ardal"), ("--mapping", "mapping.yaml"), MAPPING),
)  # fmt: skip


def with_cell(sample: Sample, column: str, value: str) -> bytes:
    """The sample with one cell of its last row changed."""
    rows = list(csv.reader(io.StringIO(sample.text)))
    rows[-1][rows[0].index(column)] = value
    return written(rows)


def written(rows: list[list[str]]) -> bytes:
    """Rows as a CSV file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def rows_of(sample: Sample) -> list[list[str]]:
    """The rows of a sample."""
    return list(csv.reader(io.StringIO(sample.text)))


def _header(sample: Sample) -> bytes:
    old, new = sample.translated
    return sample.text.replace(old, new, 1).encode()


def _as_zip(sample: Sample, flags: Callable[[bytearray], None] = lambda raw: None, member: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or sample.name, sample.text * 20)
    raw = bytearray(out.getvalue())
    flags(raw)
    return bytes(raw)


def _flip(raw: bytearray) -> None:
    raw[30 + 40] ^= 0xFF


def _bomb(sample: Sample) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(sample.name, bytes(BOMB_BYTES + 2**20))
    return out.getvalue()


# name -> (how to damage, ending of the file's name or "" to keep it, whether a row can be named)
WHOLE: dict[str, tuple[Callable[[Sample], bytes], str]] = {
    "0 bytes": (lambda s: b"", ""),
    "a byte-order mark alone": (lambda s: b"\xef\xbb\xbf", ""),
    "blank lines alone": (lambda s: b"\r\n\r\n", ""),
    "a header alone": (lambda s: (s.text.splitlines()[0] + "\n").encode(), ""),
    "UTF-16": (lambda s: s.text.encode("utf-16"), ""),
    "a web page": (lambda s: b"<!DOCTYPE html><html><body>404</body></html>", ""),
    "a workbook called CSV": (lambda s: b"PK\x03\x04" + b"\x00" * 60, ""),
    "a gzip called CSV": (lambda s: gzip.compress(s.text.encode()), ""),
    "a header in another language": (_header, ""),
    "a truncated zip": (lambda s: _as_zip(s)[:-30], ".zip"),
    "a zip with a damaged member": (lambda s: _as_zip(s, _flip), ".zip"),
    "a zip bomb": (_bomb, ".zip"),
    "a zip whose member leads out of it": (lambda s: _as_zip(s, member=f"../../{s.name}"), ".zip"),
    "a zip without any table": (lambda s: _as_zip(s, member="readme.txt"), ".zip"),
}
ROWS: dict[str, Callable[[Sample], bytes]] = {
    "another encoding": lambda s: s.text.encode() + rows_of(s)[-1][0].encode() + b"\xe9\xe8" + s.text.encode()[-20:],
    "a NUL": lambda s: s.text.encode()[:-3] + b"\x00" + s.text.encode()[-3:],
    "cut short in a row": lambda s: s.text.rstrip("\n").rpartition(",")[0].encode(),
    "a cell too many": lambda s: written([*rows_of(s)[:-1], [*rows_of(s)[-1], "extra"]]),
}
# Texts that are no count, however much they look like one.
NO_COUNTS = ("abc", "-5", "1,5", "1.5", "1e3", "²", "٣", "#REF!", "=1+1", "5 or 6", "NaN", "inf")
