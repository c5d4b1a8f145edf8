"""The rules in the book are those in use: change a threshold and the printed rule changes with it."""

from types import SimpleNamespace

import pytest

from evaluation import resources
from evaluation.judgement import delivery, findings, grades
from evaluation.protocol.partnership import Thresholds
from evaluation.publication.rules import rule_numbers, rule_tables


def printed(**thresholds: float) -> str:
    tables = rule_tables(SimpleNamespace(thresholds=Thresholds(**thresholds)))
    return "\n".join(table.data.to_csv() for table in tables.values())


def test_the_thresholds_of_the_review_are_printed() -> None:
    assert "probability of benefit 92.5% or more" in printed()
    assert "probability of benefit 80% or more" in printed(promising=0.8)
    assert "probability of harm 97.5% or more" in printed(possible_harm=0.975)


def test_the_constants_in_use_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"at least {findings.ENOUGH_TREATED} treated and {findings.ENOUGH_COMPARED} comparison" in printed()
    assert rule_numbers()["delivered_hardly"] == "20%"
    monkeypatch.setattr(delivery, "HARDLY", 0.3)
    assert rule_numbers()["delivered_hardly"] == "30%"


def test_every_rating_grade_and_cut_is_printed() -> None:
    text = printed()
    for meaning in (*findings.RATINGS.values(), *grades.MEANINGS.values()):
        assert meaning in text
    assert set(grades.MEANINGS) == set(grades.GRADES)
    assert "22.5% to under 37.5%" in text


def test_the_pages_ask_for_every_rule() -> None:
    pages = "".join(
        (resources.folder("book") / name).read_text(encoding="utf-8") for name in ("methods/index.md", "how-to-read.md")
    )
    for name in (*rule_tables(SimpleNamespace(thresholds=Thresholds())), *rule_numbers()):
        assert f"{{{{ {name} }}}}" in pages, name
