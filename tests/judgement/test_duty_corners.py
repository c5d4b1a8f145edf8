"""Gaps that a partnership is told of: authorities without kinds, indicators that are not there, documents half done, dates."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from evaluation.judgement.duty import check_requirements, plan_year
from evaluation.protocol import load_review
from tests.protocol.example_review import write_review


def items(folder: Path, duty: dict[str, Any] | None = None, **review: Any) -> dict[str, Any]:
    loaded = load_review(write_review(folder, review={**review, **({"duty": duty} if duty else {})}))
    return {item.requirement: item for item in check_requirements(loaded, {"monitoring"}, {"outreach"})}


def test_authorities_without_kinds_are_half_an_answer(tmp_path: Path) -> None:
    nobody = items(tmp_path / "a")["partners"]
    assert nobody.state == "missing" and nobody.gaps == ["no authorities are listed in review.yaml"]
    listed = items(tmp_path / "b", authorities=["Police", "Council"])["partners"]
    assert listed.state == "partly" and listed.evidence == ["2 authorities are listed"]


def test_a_definition_that_nothing_measures(tmp_path: Path) -> None:
    definition = {"text": "Violence in public.", "source": "the partnership", "includes": ["assault"], "indicators": ["robbery"]}  # fmt: skip
    gaps = items(tmp_path / "a", {"definition": definition})["definition"].gaps
    assert gaps[-2:] == [
        "named in the definition but not an indicator: robbery",
        "no indicator measures the definition",
    ]
    measured = items(tmp_path / "b", {"definition": definition | {"indicators": ["assaults"]}})["definition"]
    assert measured.evidence[-1] == "measured here by Recorded assaults" and not measured.gaps


@pytest.mark.parametrize(
    ("document", "evidence", "gap"),
    [
        ({"status": "published", "date": "2023-06"}, "Strategy (2023-06), published", ""),
        ({"status": "adopted"}, "Strategy, adopted", "the date of Strategy is not given"),
        ({"status": "draft", "note": "at committee"}, "", "Strategy: draft (at committee)"),
        ({"status": "missing"}, "", "Strategy: missing"),
    ],
)
def test_what_a_document_shows(tmp_path: Path, document: dict[str, str], evidence: str, gap: str) -> None:
    found = items(tmp_path, {"documents": [{"title": "Strategy", "answers": "strategy", **document}]})
    strategy = found["strategy"]
    assert strategy.evidence == ([evidence] if evidence else [])
    assert strategy.gaps == ([gap] if gap else [])
    # What was adopted is not yet published, and publication is asked for by law.
    published = found["publication"].evidence
    assert bool(published) == (document["status"] == "published")


def test_documents_come_due_by_their_own_dates(tmp_path: Path) -> None:
    documents = [
        {"title": "Strategy", "answers": "strategy", "status": "published", "next_review": "2024-06-30"},
        {"title": "Needs", "answers": "needs_assessment", "status": "published"},
        {"title": "None", "answers": "strategy", "status": "missing"},
    ]
    review = load_review(write_review(tmp_path, review={"duty": {"documents": documents}}))

    def strategy(today: date) -> tuple[str, str]:
        found = {e.what: e for e in plan_year(review, {}, today)}
        assert found["Review of: Needs"].state == "not dated" and "Review of: None" not in found
        return found["Review of: Strategy"].state, found["Review of: Strategy"].note

    assert strategy(date(2024, 6, 29)) == ("due", "in 1 day")
    assert strategy(date(2024, 6, 30)) == ("due", "today")
    assert strategy(date(2024, 7, 1)) == ("late", "1 day late")
    assert strategy(date(2024, 7, 10)) == ("late", "10 days late")
