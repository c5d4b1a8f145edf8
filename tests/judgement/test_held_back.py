"""What else was found holds a recommendation back: delivery, and other records of the same harm."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.judgement import delivery, economics, findings
from evaluation.judgement.triangulation import read_together
from evaluation.protocol import Plan
from tests.judgement.test_triangulation import BOTH, entry
from tests.protocol.example_review import plan_like_outreach


def rule(recommended: str, source: str = "rule") -> dict[str, str]:
    return {"recommended": recommended, "source": source, "because": "the rule"}


HARDLY, FULL = {"level": "hardly"}, {"level": "full"}


@pytest.mark.parametrize(
    ("rating", "recommended", "delivered", "patterns", "expected"),
    [
        ("harm", "stop", FULL, ["cardiff"], "keep_measuring"),
        ("harm", "adapt", None, ["cardiff"], "keep_measuring"),
        ("harm", "stop", FULL, [], "stop"),
        ("benefit", "continue", FULL, ["less_recorded"], "keep_measuring"),
        ("benefit", "continue", FULL, [], "continue"),
        ("benefit", "continue", HARDLY, [], "keep_measuring"),
        ("harm", "stop", HARDLY, [], "keep_measuring"),
        ("too_small_to_tell", "keep_measuring", HARDLY, [], "adapt"),
        ("unclear", "keep_measuring", HARDLY, [], "adapt"),
        ("no_meaningful_effect", "adapt", HARDLY, [], "adapt"),
        ("too_small_to_tell", "keep_measuring", FULL, [], "keep_measuring"),
        ("failed", "keep_measuring", HARDLY, ["cardiff"], "keep_measuring"),
    ],
)  # fmt: skip
def test_every_case(rating: str, recommended: str, delivered: Any, patterns: list[str], expected: str) -> None:
    of = {"rating": rating, "disqualified_by": []}
    found = economics.hold_back(of, rule(recommended), delivered, patterns)
    assert found["recommended"] == expected
    assert (found["because"] != "the rule") == (expected != recommended)


def test_the_partnerships_own_decision_stands() -> None:
    own = rule("continue", "plan")
    assert economics.hold_back({"rating": "benefit", "disqualified_by": []}, own, HARDLY, ["less_recorded"]) == own


def test_no_recommendation_goes_against_what_is_said_of_delivery() -> None:
    """ "The change is probably not the scheme's" beside "continue" or "stop" would be a contradiction."""
    for rating in findings.RATINGS:
        for level in findings.LEVELS:
            of = {"rating": rating, "confidence": level, "disqualified_by": []}
            plan = Plan.model_validate(plan_like_outreach())
            found = economics.hold_back(of, economics.decide(plan, of), HARDLY, [])
            assert found["recommended"] in ("keep_measuring", "adapt")


@pytest.mark.parametrize(("delivered", "doubted"), [(0, True), (19, True), (20, False), (95, False)])
def test_hardly_any_delivery_is_a_doubt(delivered: float, doubted: bool) -> None:
    given = {"planned": 100, "delivered": delivered, "unit": "sessions"}
    plan = Plan.model_validate(plan_like_outreach(delivery=given))
    said = delivery.doubt_delivery(plan)
    assert said == ([f"Hardly anything was delivered ({delivered} of 100 sessions)."] if doubted else [])


@pytest.mark.parametrize(
    ("police", "hospital", "doubted"), [(0.1, 0.9, ["police"]), (0.9, 0.1, ["police"]), (0.9, 0.9, []), (0.5, 0.5, [])]
)
def test_the_record_that_is_doubted(police: float, hospital: float, doubted: list[str]) -> None:
    found = read_together({"police": entry(police), "hospital": entry(hospital, "secondary")}, BOTH)
    assert found[0]["doubted"] == doubted
