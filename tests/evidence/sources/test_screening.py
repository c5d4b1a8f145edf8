"""Local definitions applied to rows: each part worked by hand, what cannot be told, and the record that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation.evidence.coverage import examine_review
from evaluation.evidence.sources.screening import Attributes, judge_row, make_screen, read_ages
from evaluation.protocol.definition import read_definitions
from evaluation.protocol.loading import load_review
from evaluation.publication.evaluated import defined_title
from tests.evidence.sources.test_filing import svd
from tests.protocol.example_review import write_review

OURS = {
    "ours": {
        "title": "Ours",
        "words": "knife crime in public, under 25s, without domestic abuse",
        "ages": [0, 24],
        "place": "public",
        "domestic": "excluded",
        "includes": [{"what": "knives", "codes": ["10D"]}, {"what": "gangs", "needs": "a local flag"}],
    }
}
MAPPING: dict[str, Any] = {
    "title": "Knife offences",
    "area": "area",
    "period": "month",
    "count": "n",
    "attributes": {"code": "code", "age": "age", "place": "where", "domestic": "da", "public": ["Street", "Park"]},
}
HEADER = "area,month,code,age,where,da,n\n"
ROWS = (
    "T01,2022-01,10D,0-17,Street,N,3\n"  # in
    "T01,2022-01,10D,18-24,park,no,2\n"  # in
    "T01,2022-01,10D,25+,Street,N,40\n"  # too old
    "T01,2022-01,10D,0-17,Home,N,50\n"  # not public
    "T01,2022-01,10D,0-17,Street,Y,60\n"  # domestic
    "T01,2022-01,8N,0-17,Street,N,70\n"  # another offence
    "T01,2022-01,10D,,Street,N,80\n"  # age not known
    "T02,2022-01,8N,0-17,Street,N,9\n"  # rows, none of them in: a true zero
)


def imported(folder: Path, rows: str, mapping: dict[str, Any] | None = None, definition: str = "ours") -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "definitions.yaml").write_text(yaml.safe_dump(OURS))
    (folder / "mapping.yaml").write_text(yaml.safe_dump(MAPPING if mapping is None else mapping))
    (folder / "sent.csv").write_text(rows)
    how = ("--mapping", folder / "mapping.yaml", "--definition", definition, "--indicator", "knives")
    return svd("csv", folder / "sent.csv", "--into", folder, *how)


def test_every_part_by_hand(tmp_path: Path) -> None:
    result = imported(tmp_path / "r", HEADER + ROWS)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "r/data/knives.csv").read_text() == "area,period,count\nT01,2022-01,5\nT02,2022-01,0\n"
    record = json.loads((tmp_path / "r/data/provenance/knives.json").read_text())
    assert record["rows_dropped"] == {
        "ages outside the definition": 1, "places that are not public": 1, "domestic abuse": 1,
        "offence codes that are not in the definition": 2, "age not known": 1,
    }  # fmt: skip
    assert (record["rows_in"], record["rows_counted"], record["rows_out"]) == (8, 2, 2)
    assert record["definition"] == {
        "name": "ours", "title": "Ours", "applied": ["codes", "ages", "place", "domestic"],
        "not_applied": ["gangs (a local flag)"],
    }  # fmt: skip
    assert "local_definition: ours" in result.stdout


def test_what_the_table_lacks_is_said_in_the_record_the_check_and_the_chart(tmp_path: Path) -> None:
    folder = write_review(tmp_path / "r", indicators={"knives": {"title": "Knives", "local_definition": "ours"}}, raw={"definitions.yaml": OURS})  # fmt: skip
    mapping = {**MAPPING, "attributes": {"code": "code"}}
    assert imported(folder, "area,month,code,n\nT01,2022-01,10D,3\nT01,2022-02,10D,3\n", mapping).exit_code == 0
    lacking = "the age band, the place (public space only), the flag of domestic abuse (excluded), gangs (a local flag)"
    review = load_review(folder)
    assert defined_title(review, review.indicators["knives"]).endswith(
        f"domestic abuse excluded; not applied: {lacking})"
    )
    [said] = [w.found for w in examine_review(folder).warnings if w.file == "indicators.yaml"]
    assert "could not tell the age band" in said
    (folder / "data/provenance/knives.json").unlink()
    [said] = [w.found for w in examine_review(folder).warnings if w.file == "indicators.yaml"]
    assert "Nothing shows that the data of `knives` were counted by" in said


@pytest.mark.parametrize(
    ("rows", "row", "found"),
    [
        ("T01,2022-01,10D,15-29,Street,N,3\n", "row 2", "lies on both sides"),
        ("T01,2022-01,10D,0-17,Street,perhaps,3\n", "row 2", "neither yes nor no"),
        ("T01,2022-01,10D,0-17,Street,N,3\nT01,2022-01,10D,0-17,Street,N,4\n", "row 3", "there twice"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, rows: str, row: str, found: str) -> None:
    result = imported(tmp_path / "r", HEADER + rows)
    assert result.exit_code == 2 and f"sent.csv, {row}: " in result.stderr and found in result.stderr
    assert not (tmp_path / "r/data").exists()


def test_hidden_parts_are_not_added_up(tmp_path: Path) -> None:
    mapping = {**MAPPING, "suppressed": {"*": [1, 7]}}
    hidden = "T01,2022-01,10D,0-17,Street,N,*\nT01,2022-01,10D,18-24,Street,N,9\n"
    assert "suppressed (T01 2022-01: *)" in imported(tmp_path / "r", HEADER + hidden, mapping).stderr
    outside = "T01,2022-01,10D,25+,Street,N,*\nT01,2022-01,10D,18-24,Street,N,9\n"
    assert imported(tmp_path / "s", HEADER + outside, mapping).exit_code == 0


def test_a_definition_that_nothing_can_apply_is_refused(tmp_path: Path) -> None:
    plain = {k: v for k, v in MAPPING.items() if k != "attributes"}
    assert "the mapping names no such column" in imported(tmp_path / "r", HEADER + ROWS, plain).stderr
    assert "not agreed yet" in imported(tmp_path / "r", HEADER + ROWS, definition="norfolk").stderr


@pytest.mark.parametrize(
    ("text", "ages"),
    [("18-24", (18, 24)), ("0 to 17", (0, 17)), ("25+", (25, 120)), ("65 and over", (65, 120)), ("under 18", (0, 17)),
     ("<25", (0, 24)), ("17", (17, 17)), ("Aged 10–17", (10, 17)), ("unknown", None), ("", None)],
)  # fmt: skip
def test_ages(text: str, ages: tuple[int, int] | None) -> None:
    assert read_ages(text) == ages


@pytest.mark.parametrize("name", ["nottinghamshire", "avon_and_somerset", "national_strategy"])
def test_the_adopted_definitions_can_be_applied(name: str) -> None:
    definition = read_definitions(None)[0][name]
    attributes = Attributes(code="c", age="a", place="p", domestic="d", public=["Street"])
    screen = make_screen(name, definition, attributes, "m.yaml")
    row = {"codes": definition.includes[0].codes[0], "ages": "18-24", "place": "street", "domestic": "N"}
    assert judge_row(screen, row) == ""
    assert judge_row(screen, row | {"codes": "30A"}) == "offence codes that are not in the definition"
