"""Local definitions of serious violence: the five of the shipped documents, a review's own, and charts that name theirs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation.errors import InputError
from evaluation.evidence.coverage import check_review
from evaluation.protocol.definition import describe_definition, find_definition, offence_codes, read_definitions
from evaluation.publication.evaluated import defined_title
from tests.protocol.example_review import write_review


def test_the_definitions_of_five_documents() -> None:
    known, problems = read_definitions(None)
    assert problems == []
    assert {key: known[key].stated for key in known} == {
        "nottinghamshire": "adopted", "avon_and_somerset": "adopted", "national_strategy": "quoted",
        "norfolk": "to_be_agreed", "hampshire": "not_in_document",
    }  # fmt: skip
    avon = known["avon_and_somerset"]
    assert (avon.ages, avon.place) == ([0, 24], "public")
    assert known["nottinghamshire"].domestic == "included"
    assert all(part.codes or part.needs for one in known.values() for part in one.includes)


def test_in_one_line() -> None:
    known, _ = read_definitions(None)
    assert describe_definition(known["avon_and_somerset"]).endswith(
        "(Bath and North East Somerset), under 25s, public space"
    )
    assert describe_definition(known["nottinghamshire"]).endswith("domestic abuse included")


def test_codes_once_each() -> None:
    known, _ = read_definitions(None)
    codes = offence_codes(known["avon_and_somerset"])
    assert len(set(codes)) == len(codes) and {"34A", "34B", "5D"} <= set(codes)


def test_a_review_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "definitions.yaml").write_text(
        "ours:\n  title: Ours\n  words: knife crime under 18\n  ages: [0, 17]\n  includes: [{what: knives, codes: ['10D']}]\n"
    )
    assert offence_codes(find_definition(tmp_path, "ours")) == ["10D"]
    with pytest.raises(InputError, match="Did you mean `ours`"):
        find_definition(tmp_path, "our")
    with pytest.raises(InputError, match="not agreed yet"):
        find_definition(tmp_path, "norfolk")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ours: {title: Ours, words: x, includes: []}\n", "line 1"),
        ("ours: {title: Ours, words: x, ages: [25, 0], includes: [{what: y}]}\n", "line 1"),
        ("ours:\n  title: Ours\n  words: x\n  domestik: included\n  includes: [{what: y}]\n", "line 4"),
    ],
)
def test_mistakes_have_a_place(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "definitions.yaml").write_text(text)
    _, problems = read_definitions(tmp_path)
    assert [p.place.split(",")[0] for p in problems] == [place]


def test_an_indicator_names_a_definition_that_exists(tmp_path: Path) -> None:
    good = write_review(tmp_path / "a", indicators={"assaults": {"local_definition": "norfolk"}})
    assert check_review(good)[1] == []
    [problem] = check_review(write_review(tmp_path / "b", indicators={"assaults": {"local_definition": "norfolc"}}))[1]
    assert problem.file == "indicators.yaml" and "Did you mean `norfolk`" in problem.remedy


def test_every_chart_repeats_it() -> None:
    review = SimpleNamespace(definitions=read_definitions(None)[0])
    named = SimpleNamespace(title="Knife offences", local_definition="national_strategy")
    assert defined_title(review, named) == "Knife offences (definition: National Serious Violence Strategy (Ashfield))"
    assert defined_title(review, SimpleNamespace(title="Knife offences", local_definition=None)) == "Knife offences"
