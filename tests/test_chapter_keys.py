"""What a standing chapter follows from, and what it does not: a changed plan must not cost the monitoring of every series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.protocol import load_review
from evaluation.standing import board_key, monitoring_key, needs_key
from tests.protocol.example_review import tidy_csv, write_review

STOPPING = {"every": 3, "harm": 0.95, "success": 0.99, "futility": 0.05}
PRIOR = {"priors": {"effect": {"normal": [-0.1, 0.2], "because": "known from elsewhere"}}}


def keys(folder: Path, **changes: Any) -> dict[str, str]:
    review = load_review(write_review(folder, **changes))
    return {"board": board_key(review), "monitoring": monitoring_key(review), "needs": needs_key(review)}


@pytest.mark.parametrize(
    ("before", "after", "told_again"),
    [
        ({}, {}, set()),
        ({}, {"outreach": PRIOR}, set()),
        ({}, {"outreach": {"title": "Outreach in the evening"}}, {"monitoring"}),
        ({}, {"outreach": {"delivery": {"planned": 10, "delivered": 5, "unit": "evenings"}}}, {"monitoring"}),
        ({"outreach": {"stopping": STOPPING}}, {"outreach": {"stopping": STOPPING, **PRIOR}}, {"monitoring"}),
        ({}, {"review": {"title": "Another title"}}, {"needs"}),
        ({}, {"data": {"assaults.csv": tidy_csv(5)}}, {"board", "monitoring", "needs"}),
        ({}, {"areas": {"areas": {"T01": {"name": "Town One"}}}}, {"board", "monitoring", "needs"}),
    ],
)
def test_what_is_told_again(tmp_path: Path, before: Any, after: Any, told_again: set[str]) -> None:
    first, second = keys(tmp_path / "a", **before), keys(tmp_path / "a", **after)
    assert {name for name in first if first[name] != second[name]} == told_again
