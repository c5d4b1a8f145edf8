"""The guide lists every source with its columns, so that it cannot fall behind the code."""

from __future__ import annotations

from pathlib import Path

from evaluation.evidence.sources import met_borough, profiles, street_file
from evaluation.evidence.sources.registry import SOURCES

GUIDE = Path(__file__).resolve().parents[3] / "book" / "guide" / "importing-data.md"


def test_the_guide_names_every_source() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [name for name in SOURCES if f"`{name}`" not in text] == []


def test_the_guide_names_the_columns_that_are_read() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    columns = {
        *street_file.COLUMNS,
        *(names[0] for names in (*met_borough.BOROUGH, *met_borough.KNIFE, *profiles.EXCLUSIONS)),
    }
    assert sorted(column for column in columns if f"`{column}`" not in text) == []


def test_the_registry_lists_what_the_reader_needs() -> None:
    assert set(street_file.COLUMNS) <= set(SOURCES["police-uk"].columns)
    assert {name for (name,) in met_borough.KNIFE} <= set(SOURCES["met-knife"].columns)
