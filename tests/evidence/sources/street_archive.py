"""A small archive in the layout of data.police.uk, made row by row so that a test can count on its fingers."""

from __future__ import annotations

import zipfile
from pathlib import Path

HEADER = [
    "Crime ID", "Month", "Reported by", "Falls within", "Longitude", "Latitude", "Location", "LSOA code", "LSOA name",
    "Crime type", "Last outcome category", "Context",
]  # fmt: skip
FORCE = "Kent Police"
VIOLENCE = "Violence and sexual offences"


def street_row(
    number: int,
    month: str,
    lsoa: str = "E01000001",
    name: str = "Ashford 001A",
    kind: str = "Robbery",
    force: str = FORCE,
    crime_id: str | None = None,
) -> dict[str, str]:
    """One crime."""
    identity = f"{number:064d}" if crime_id is None else crime_id
    place = ("0.9", "51.1", "On or near High Street") if lsoa else ("", "", "No Location")
    values = (identity, month, force, force, *place, lsoa, name if lsoa else "", kind, "Under investigation", "")
    return dict(zip(HEADER, values, strict=True))


def street_csv(rows: list[dict[str, str]], header: list[str] | None = None) -> str:
    """The text of a street file."""
    columns = header or HEADER
    return "\n".join([",".join(columns), *(",".join(row[name] for name in columns) for row in rows)]) + "\n"


def write_folder(folder: Path, months: dict[str, list[dict[str, str]]], slug: str = "kent") -> Path:
    """Write one street file for each month."""
    for month, rows in months.items():
        path = folder / month / f"{month}-{slug}-street.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(street_csv(rows), encoding="utf-8")
    return folder


def write_zip(path: Path, folder: Path) -> Path:
    """The same archive as one zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.csv")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path
