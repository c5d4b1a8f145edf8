"""The stopping rule: what it says of one look, and that repeated looks are paid for in the error rates printed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.evidence.panel import build_panel
from evaluation.judgement import stopping
from evaluation.judgement.stopping import Watch, decide, simulate_errors, watch_plans
from evaluation.protocol import load_review
from evaluation.protocol.plan import Stopping
from tests.protocol.example_review import MONTHS, write_review

RULE = Stopping()
WORTH = float(np.log(0.95))


def test_harm_is_asked_first_and_futility_last() -> None:
    assert decide(0.02, 0.98, 0.01, RULE) == "harm"
    assert decide(0.995, 0.005, 0.9, RULE) == "success"
    assert decide(0.6, 0.4, 0.04, RULE) == "futility"
    assert decide(0.6, 0.4, 0.5, RULE) == "go on"


def test_one_look_errs_as_often_as_its_threshold_says_under_a_flat_prior() -> None:
    errors = simulate_errors([200.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    assert errors["harm"] == pytest.approx(0.05, abs=0.006)
    assert errors["success"] == pytest.approx(0.01, abs=0.003)
    assert sum(errors.values()) == pytest.approx(1.0)


def test_more_looks_err_more_often_and_the_rates_say_so() -> None:
    one = simulate_errors([400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    many = simulate_errors([100.0, 200.0, 300.0, 400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    assert many["harm"] > 1.3 * one["harm"]  # less than without futility, which ends some paths before they err


def test_looks_without_news_decide_nothing_new() -> None:
    one = simulate_errors([400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    same = simulate_errors([400.0, 400.0, 400.0], RULE, 0.0, 1e3, WORTH, 0.0, 1)
    assert same["harm"] == pytest.approx(one["harm"], abs=0.005)


def test_a_strong_benefit_is_mostly_found() -> None:
    errors = simulate_errors([100.0, 400.0], RULE, 0.0, 0.25, WORTH, float(np.log(0.7)), 1)
    assert errors["success"] > 0.95
    assert errors["harm"] < 0.001


TREATED = {"T01": "2023-01", "T02": "2023-01"}


def watched(folder: Path, ratio: float, fixed: dict | None, until: int = len(MONTHS)) -> Watch:
    """Counts around 60 a month in six towns, `ratio` times that where and when the scheme ran; known up to some month."""
    rng = np.random.default_rng(4)
    rows = ["area,period,count"]
    for area in range(1, 7):
        for month in MONTHS[:until]:
            run = f"T{area:02d}" in TREATED and month >= "2023-01"
            rows.append(f"T{area:02d},{month},{max(rng.poisson(60 * (ratio if run else 1.0)), 8)}")
    text = "\n".join(rows) + "\n"
    plan = {
        "treated": TREATED,
        "indicators": {"secondary": None},
        "comparison": {"areas": ["T03", "T04", "T05", "T06"]},
        "stopping": fixed,
    }
    write_review(
        folder, outreach=plan, indicators={"admissions": None}, data={"assaults.csv": text, "admissions.csv": None}
    )
    review = load_review(folder)
    [found] = watch_plans(review, lambda key: build_panel(review, key))
    return found


@pytest.mark.slow
def test_a_strong_benefit_ends_it_at_the_first_look_and_error_rates_come_from_before_the_start(tmp_path: Path) -> None:
    found = watched(tmp_path / "r", 0.5, {"first": 6, "every": 3, "looks": 3})
    assert found.planned == ["2023-06", "2023-09", "2023-12"]
    assert [look.period for look in found.looks] == found.planned
    assert found.decided == 0 and found.verdicts[0] == "success"
    assert all(sum(rates.values()) == pytest.approx(1.0) for rates in found.errors.values())
    assert found.errors["a benefit of 20%"]["success"] > found.errors["no effect"]["success"]
    assert found.errors["a harm of 20%"]["harm"] > 0.5 > found.errors["no effect"]["harm"]
    assert found.peeking["always"] > found.peeking["once"], "who looks every month and believes 95% errs more often"
    # Error rates were foreseen before the start: what happened since does not change them.
    other = watched(tmp_path / "other", 1.5, {"first": 6, "every": 3, "looks": 3})
    assert other.verdicts[0] == "harm"
    assert other.errors["no effect"]["success"] == pytest.approx(found.errors["no effect"]["success"], abs=0.02)


@pytest.mark.slow
def test_only_looks_that_the_data_reach_are_taken(tmp_path: Path) -> None:
    found = watched(tmp_path / "r", 1.0, {"first": 6, "every": 3, "looks": 4}, until=MONTHS.index("2023-08") + 1)
    assert found.planned == ["2023-06", "2023-09", "2023-12", "2024-03"]
    assert [look.period for look in found.looks] == ["2023-06"]


def test_without_a_rule_fixed_in_advance_nothing_is_looked_at(tmp_path: Path) -> None:
    found = watched(tmp_path / "r", 0.5, None)
    assert (found.rule, found.looks, found.decided) == (None, [], None)
    assert "no stopping rule in advance" in found.why


def test_an_outcome_that_cannot_be_looked_at_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("looks are for counts and proportions; a score has no rate ratio")

    monkeypatch.setattr(stopping, "take_look", refuse)
    found = watched(tmp_path / "r", 1.0, {"first": 6, "every": 3, "looks": 3})
    assert (found.looks, found.errors) == ([], {})
    assert found.why == "looks are for counts and proportions; a score has no rate ratio"
