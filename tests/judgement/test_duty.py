"""The statutory checklist and the calendar."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from evaluation.judgement.duty import ASKED, check_requirements, default_dates, plan_year
from evaluation.protocol import load_review

PARAMS = Path(__file__).resolve().parents[2] / "params"
PARTNERSHIPS = [
    "south_nottinghamshire",
    "ashfield_mansfield",
    "norfolk",
    "hampshire_isle_of_wight",
    "bath_north_east_somerset",
]


@pytest.fixture(params=PARTNERSHIPS)
def review(request):
    return load_review(PARAMS / request.param)


def test_every_requirement_is_answered_with_evidence_or_a_gap(review) -> None:
    items = check_requirements(review, [], [])
    assert [i.requirement for i in items] == list(ASKED)
    assert all(i.evidence or i.gaps for i in items)
    assert not any(i.state == "met" for i in items if i.requirement in ("monitoring", "annual_review"))


def test_a_chapter_that_was_made_is_evidence_and_simulated_data_a_gap() -> None:
    review = load_review(PARAMS / "norfolk")
    without, with_it = (
        next(i for i in check_requirements(review, chapters, []) if i.requirement == "monitoring")
        for chapters in ([], ["monitoring"])
    )
    assert without.state == "missing"
    assert with_it.state == "partly"
    assert any("simulated" in gap for gap in with_it.gaps)


def test_a_draft_strategy_is_no_evidence_of_publication() -> None:
    items = check_requirements(load_review(PARAMS / "norfolk"), [], [])
    assert next(i for i in items if i.requirement == "publication").state == "missing"
    items = check_requirements(load_review(PARAMS / "hampshire_isle_of_wight"), [], [])
    assert next(i for i in items if i.requirement == "publication").state == "partly"


def test_a_missing_specified_authority_is_named() -> None:
    review = load_review(PARAMS / "norfolk")
    duty = review.settings.duty
    fewer = duty.model_copy(update={"authorities": [a for a in duty.authorities if a.kind != "probation"]})
    settings = review.settings.model_copy(update={"duty": fewer})
    items = check_requirements(type(review)(**{**vars(review), "settings": settings}), [], [])
    assert "no specified authority of the kind probation" in next(i for i in items if i.requirement == "partners").gaps


def test_dates_follow_the_review_year() -> None:
    assert default_dates("2025-26") == {
        "lock": date(2025, 4, 30),
        "data": date(2026, 5, 31),
        "checks": date(2026, 6, 30),
        "sign_off": date(2026, 7, 31),
        "publication": date(2026, 9, 30),
    }
    assert default_dates("2025")["data"] == date(2026, 2, 28)


def test_what_is_due_late_and_done() -> None:
    review = load_review(PARAMS / "norfolk")
    entries = {e.what: e for e in plan_year(review, {"data": "all there"}, date(2026, 6, 30))}
    assert entries["Plans are written and locked"].state == "late"
    assert entries["Data of the whole year are in"].state == "done"
    assert (
        entries["Every plan is evaluated and its checks read"].state,
        entries["Every plan is evaluated and its checks read"].note,
    ) == ("due", "today")
    assert entries["The review is published"].note == "in 92 days"
    assert entries["Review of: Serious Violence Strategy"].state == "not dated"


def test_a_needs_assessment_that_was_made_is_evidence_and_made_up_data_a_gap() -> None:
    review = load_review(PARAMS / "norfolk")
    without, made = (
        next(i for i in check_requirements(review, chapters, []) if i.requirement == "needs_assessment")
        for chapters in ([], ["needs_assessment"])
    )
    assert "the chapter Strategic needs assessment was not made" in without.gaps
    assert "the chapter Strategic needs assessment of this book" in made.evidence
    assert review.settings.simulated and any("nothing here is evidence about a real place" in gap for gap in made.gaps)
