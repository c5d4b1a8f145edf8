"""No published number of the example moves beyond its Monte Carlo error unless CHANGELOG.md says so.

Renew with `python -m tests.golden`, see its help.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.golden.stored import (
    ERRORS,
    Edge,
    Entry,
    compare,
    digest,
    entries_of,
    error_of,
    read_edges,
    read_history,
    read_stored,
)

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = ROOT / "CHANGELOG.md"
EXAMPLE = ROOT / "params" / "example"


def announced(words: str, changelog: str) -> bool:
    """Whether an entry of the changelog that begins `* Results:` holds some words, wherever its lines break."""
    entries = re.split(r"^\* ", changelog, flags=re.MULTILINE)
    return any(e.startswith("Results:") and " ".join(words.split()) in " ".join(e.split()) for e in entries)


def current_entries() -> tuple[list[Entry] | None, str]:
    """The numbers of the example's build; None, and why, if it was made by another state of the program or its data."""
    from evaluation import flow
    from evaluation.evidence.panel import build_panel
    from evaluation.protocol import indicator_roles
    from evaluation.publication.packet import latest_packets

    newest = latest_packets(EXAMPLE, "publish")
    review = flow.check(EXAMPLE)
    found: list[Entry] = []
    for plan in review.plans.values():
        if plan.id not in newest:
            return None, f"the example's '{plan.id}' has not been evaluated"
        panels = {key: build_panel(review, key) for key in indicator_roles(plan)}
        key = flow.question_key(review, plan, flow.ask(review, plan, panels, "publish"), "publish")
        if json.loads((newest[plan.id] / "run.json").read_text(encoding="utf-8"))["question"] != key:
            return None, f"the example's '{plan.id}' was evaluated by another state of the program"
        found += entries_of(newest[plan.id])
    return found, ""


@pytest.mark.slow
def test_no_number_of_the_example_moved() -> None:
    now, reason = current_entries()
    if now is None:
        pytest.skip(f"{reason}; `svd review` makes it anew")
    assert compare(read_stored(), now, read_edges()) == []


def test_a_word_that_may_turn_hinges_on_a_number_at_its_threshold() -> None:
    stored = {(e.plan, e.indicator, e.quantity): e for e in read_stored()}
    for edge in read_edges():
        assert (edge.plan, edge.indicator, edge.quantity) in stored
        assert edge.holds(stored), f"{edge.quantity} of {edge.indicator}: its number is no longer at the threshold"


def test_only_a_word_on_an_edge_may_turn() -> None:
    old = [Entry("p", "i", "rate_ratio lower", "1.004", 0.01), Entry("p", "i", "rating", "harm", 0.0)]
    turned = [old[0], Entry("p", "i", "rating", "unclear", 0.0)]
    edge = Edge("p", "i", "rating", "unclear", "i", "rate_ratio lower", 1.0)
    assert compare(old, turned, [edge]) == []
    assert compare(old, turned) == ["p / i / rating was harm, is unclear"]
    assert compare(old, [old[0], Entry("p", "i", "rating", "benefit", 0.0)], [edge])
    away = [Entry("p", "i", "rate_ratio lower", "1.011", 0.01), old[1]]
    assert compare(away, [away[0], turned[1]], [edge]) == ["p / i / rating was harm, is unclear"]


def test_the_numbers_are_those_that_the_changelog_announces() -> None:
    """Whoever edits the file by hand, or renews it without a line in the changelog, is stopped here."""
    history, changelog = read_history(), CHANGELOG.read_text(encoding="utf-8")
    assert history[-1]["sha256"] == digest(), "renew with `python -m tests.golden`, not by hand"
    reasons = [row["because"] for row in history]
    assert len(set(reasons)) == len(reasons)
    assert all(announced(because, changelog) for because in reasons)


def test_every_plan_and_every_kind_of_number_is_there() -> None:
    stored = read_stored()
    assert {e.plan for e in stored} == {p.stem for p in (EXAMPLE / "plans").glob("*.yaml")}
    assert {"rating", "decision", "rate_ratio lower", "events_averted upper", "npsv median"} <= {
        e.quantity for e in stored
    }
    assert all(e.tolerance >= 0 for e in stored) and sum(e.tolerance > 0 for e in stored) > 200


def test_the_stored_tolerance_is_small_against_the_interval() -> None:
    """A tolerance as wide as the interval would let anything pass."""
    stored = {(e.plan, e.indicator, e.quantity): e for e in read_stored()}
    for (plan, key, quantity), entry in stored.items():
        if quantity == "rate_ratio median":
            width = float(stored[plan, key, "rate_ratio upper"].value) - float(
                stored[plan, key, "rate_ratio lower"].value
            )
            assert entry.tolerance < 0.1 * width


@pytest.mark.parametrize("name", ["mean", "median", "lower", "upper"])
def test_the_error_of_independent_draws(name: str) -> None:
    rng = np.random.default_rng(7)
    draws = rng.normal(3.0, 2.0, (4_000, 500))
    quantiles = {"median": 0.5, "lower": 0.025, "upper": 0.975}
    told = draws.mean(axis=1) if name == "mean" else np.quantile(draws, quantiles[name], axis=1)
    lower, upper = 3 - 1.959964 * 2, 3 + 1.959964 * 2
    assert told.std() == pytest.approx(error_of(name, lower, upper, 0.95, 500, 500), rel=0.08)


def test_compare_by_hand() -> None:
    old = [Entry("p", "i", "rate_ratio mean", "0.80", 0.01), Entry("p", "i", "rating", "benefit", 0.0)]
    assert compare(old, [Entry("p", "i", "rate_ratio mean", "0.809", 0.01), old[1]]) == []
    assert compare(old, [Entry("p", "i", "rate_ratio mean", "0.811", 0.01), old[1]]) == [
        "p / i / rate_ratio mean was 0.80, is 0.811, allowed 0.01"
    ]
    assert compare(old, [old[0], Entry("p", "i", "rating", "unclear", 0.0)]) == [
        "p / i / rating was benefit, is unclear"
    ]
    assert compare(old, [old[0], Entry("p", "i", "rating", "benefit", 0.0), Entry("q", "", "x", "1", 0)]) == [
        "q / x is new (1)"
    ]
    assert compare(old, old[:1]) == ["p / i / rating is gone (was benefit)"]
    assert pytest.approx(5.657, abs=1e-3) == ERRORS


def test_words_of_the_changelog() -> None:
    text = "* New: something moved.\n* Results: the noise is filtered, so\n  every interval widens.\n"
    assert announced("so every interval widens", text)
    assert not announced("something moved", text) and not announced("nothing like it", text)
