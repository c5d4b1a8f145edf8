"""JSON Schema for editors: what the program takes, it takes; what the program refuses for its shape, it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from evaluation.cli_schema import all_schemas, equip_review
from evaluation.protocol.loading import load_review
from evaluation.protocol.schema import read_attributes, write_reference
from evaluation.protocol.yaml_source import load_yaml
from tests.command_line import svd
from tests.protocol.example_review import AREAS, INDICATORS, OUTREACH, REVIEW, write_review

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "book" / "guide" / "reference.md"
SCHEMAS = all_schemas()
FILES = sorted(
    path for path in (ROOT / "params").rglob("*.yaml") if "_build" not in path.parts and path.stem != "mapping"
)


def schema_for(path: Path) -> Any:
    return SCHEMAS["plan" if path.parent.name == "plans" else path.stem]


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.parent.name}-{p.parent.name}-{p.stem}")
def test_every_shipped_file_is_valid(path: Path) -> None:
    jsonschema.Draft202012Validator(schema_for(path)).validate(load_yaml(path).data)


def test_there_are_such_files() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize(
    ("kind", "sound", "spoil", "written"),
    [
        ("plan", OUTREACH, lambda d: d.update(desing="did"), {"outreach": {"desing": "did"}}),
        ("plan", OUTREACH, lambda d: d.update(design="rct"), {"outreach": {"design": "rct"}}),
        ("plan", OUTREACH, lambda d: d.pop("treated"), {"outreach": {"treated": None}}),
        ("plan", OUTREACH, lambda d: d["period"].update(washout="one"), {"outreach": {"period": {"washout": "one"}}}),
        ("review", REVIEW, lambda d: d.update(seed="x"), {"review": {"seed": "x"}}),
        ("areas", AREAS, lambda d: d["areas"]["T01"].update(poplation=1), {"areas": {"areas": {"T01": {"poplation": 1}}}}),
        ("indicators", INDICATORS, lambda d: d["assaults"].update(unit_costs=3), {"indicators": {"assaults": {"unit_costs": 3}}}),
        ("indicators", INDICATORS, lambda d: d["assaults"].update(key="x"), {"indicators": {"assaults": {"key": "x"}}}),
    ],
)  # fmt: skip
def test_both_refuse(kind: str, sound: Any, spoil: Any, written: Any, tmp_path: Path) -> None:
    from evaluation.errors import InputError

    validator = jsonschema.Draft202012Validator(SCHEMAS[kind])
    validator.validate(sound)
    spoilt = copy.deepcopy(sound)
    spoil(spoilt)
    assert not validator.is_valid(spoilt)
    with pytest.raises(InputError):
        load_review(write_review(tmp_path, **written))


def test_short_forms_that_the_program_takes(tmp_path: Path) -> None:
    areas = {"areas": {"T01": "Town 1", "T02": {"name": "Town 2"}}, "groups": {"both": ["T01", "T02"]}}
    jsonschema.Draft202012Validator(SCHEMAS["areas"]).validate(areas)
    plan = OUTREACH | {"treated": {"T01": 2023}, "comparison": {"areas": "all"}}
    jsonschema.Draft202012Validator(SCHEMAS["plan"]).validate(plan)


def test_every_key_says_what_it_means() -> None:
    """Editors show it, and so does the page of reference."""
    silent = [
        f"{name}: {title}.{key}"
        for name, schema in SCHEMAS.items()
        for title, definition in schema["$defs"].items()  # type: ignore[attr-defined]
        for key, about in definition.get("properties", {}).items()
        if not about.get("description")
    ]
    assert silent == []


def test_the_page_of_reference_is_that_of_the_code() -> None:
    """Renew it with `svd schema --into FOLDER --reference book/guide/reference.md`."""
    assert REFERENCE.read_text(encoding="utf-8") == write_reference(SCHEMAS)


def test_the_command_writes_them_and_a_new_review_names_them(tmp_path: Path) -> None:
    told = svd("schema", "--into", tmp_path / "s", "--reference", tmp_path / "r.md")
    assert told.exit_code == 0 and (tmp_path / "r.md").read_text(encoding="utf-8") == write_reference(SCHEMAS)
    assert json.loads((tmp_path / "s/plan.json").read_text(encoding="utf-8")) == SCHEMAS["plan"]
    assert svd("new", tmp_path / "review").exit_code == 0
    for path in [*(tmp_path / "review").glob("*.yaml"), *(tmp_path / "review/plans").glob("*.yaml")]:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert (path.parent / first.partition("$schema=")[2]).is_file()
    before = (tmp_path / "review/review.yaml").read_text(encoding="utf-8")
    equip_review(tmp_path / "review")
    assert (tmp_path / "review/review.yaml").read_text(encoding="utf-8") == before, "never a second line"
    assert svd("check", tmp_path / "review").exit_code == 0


def test_attributes_of_a_docstring() -> None:
    text = "A thing\n    in two lines.\n\n    Attributes:\n        one, two: both of\n            them: yes.\n        three: alone.\n\n    Raises:\n        four: not this.\n"
    assert read_attributes(text) == (
        "A thing in two lines.",
        {"one": "both of them: yes.", "two": "both of them: yes.", "three": "alone."},
    )
