"""The lock: what counts as a change, what does not, and that nothing is overwritten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.protocol.loading import load_review
from evaluation.protocol.registration import (
    Change,
    changes_since_registration,
    fingerprint,
    lock_file,
    plan_fingerprint,
    read_registrations,
    register,
)
from tests.protocol.example_review import write_review

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)


def test_layout_does_not_count(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("id: x\ntreated: {T01: 2023-04}\n")
    second.write_text("# a note\ntreated:\n  T01: 2023-04   # start\nid: 'x'\n")
    assert plan_fingerprint(first) == plan_fingerprint(second)
    second.write_text("id: x\ntreated: {T01: 2023-05}\n")
    assert plan_fingerprint(first) != plan_fingerprint(second)


def test_fingerprint_by_hand() -> None:
    # echo -n '{"id":"x"}' | sha256sum
    assert fingerprint({"id": "x"}) == "5e2b92cc57ce618dfbb54844a31775e4b95c6fb552ee6bf5a068133c12d2ad90"


def test_register_then_change(tmp_path: Path) -> None:
    plan = write_review(tmp_path) / "plans" / "outreach.yaml"
    assert read_registrations(plan) == [] == changes_since_registration(plan)
    first = register(plan, NOON)
    assert first.registered == "2024-03-04T12:00:00Z"
    assert changes_since_registration(plan) == []
    assert register(plan) == first, "registering the same again changes nothing"
    plan.write_text(plan.read_text().replace("T02: 2023-04", "T02: 2023-05") + "costs: {total: 1, price_year: 2023}\n")
    assert changes_since_registration(plan) == [
        Change("costs.price_year", None, 2023),
        Change("costs.total", None, 1),
        Change("treated.T02", "2023-04", "2023-05"),
    ]
    register(plan)
    assert [entry.sha256 for entry in read_registrations(plan)] == [first.sha256, plan_fingerprint(plan)]
    assert len(changes_since_registration(plan)) == 3, "changes are always from the first registration"
    load_review(tmp_path)  # a lock file beside the plan disturbs nothing


def test_tampering_is_refused(tmp_path: Path) -> None:
    plan = write_review(tmp_path) / "plans" / "outreach.yaml"
    register(plan, NOON)
    lock = lock_file(plan)
    lock.write_text(lock.read_text().replace("T01", "T03"))
    with pytest.raises(InputError, match=r"plans/outreach.lock.json: The lock file was changed by hand"):
        read_registrations(plan)
