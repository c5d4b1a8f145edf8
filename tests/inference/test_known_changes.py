"""Leaving out known changes: which cells go, which questions are asked, and what the check then says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from evaluation.flow import known_changes
from evaluation.inference.checks import Check
from evaluation.inference.design import write_design
from evaluation.inference.engine import SAMPLERS, Fit, Store, Task
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from evaluation.inference.robustness import Inquiry
from evaluation.inference.shocks import MOST, NAME, Change, examine_changes, leave_out_changes
from evaluation.protocol.loading import load_review
from tests.inference import fabricated
from tests.protocol.example_review import write_review

START = 36  # 2021-01, of months from 2018-01


def did(n: int = 48) -> Frame:
    return fabricated.frame(np.full((4, n), 50.0), [START, n, n, n])


def gone(change: Change, of: Frame | None = None) -> list[str]:
    """The periods that a change takes with it."""
    of = of or did()
    asked = leave_out_changes(of, [change], 0.95)
    assert isinstance(asked, Inquiry)
    [(_, other)] = asked.asked
    assert (other.used == other.used[0]).all(), "the same periods in every area"
    return [label for label, used in zip(of.periods, other.used[0], strict=True) if not used]


def test_a_change_that_ended_goes_with_its_months() -> None:
    change = Change("a strike", date(2019, 3, 20), date(2019, 5, 2))
    assert gone(change) == ["2019-03", "2019-04", "2019-05"]


def test_a_change_that_lasts_takes_its_far_side() -> None:
    assert gone(Change("new rules", date(2018, 4, 1), None)) == ["2018-01", "2018-02", "2018-03"]
    assert gone(Change("a new system", date(2021, 11, 15), None)) == ["2021-11", "2021-12"]


@pytest.mark.parametrize("change", [Change("before", date(2017, 5, 1), None), Change("after", date(2023, 1, 1), None)])
def test_what_lies_outside_the_window_is_not_asked(change: Change) -> None:
    assert leave_out_changes(did(), [change], 0.95) is None


@pytest.mark.parametrize("first", [date(2020, 10, 1), date(2021, 1, 1)])
def test_what_began_with_the_intervention_cannot_be_tried(first: date) -> None:
    found = leave_out_changes(did(), [Change("late rules", first, None)], 0.95)
    assert isinstance(found, Check) and found.passed is None and "late rules" in found.sentence


def test_the_nearest_to_the_start_are_tried_first() -> None:
    changes = [Change(f"c{month}", date(2019, month, 1), date(2019, month, 28)) for month in range(1, 9)]
    asked = leave_out_changes(did(), changes, 0.95)
    assert isinstance(asked, Inquiry)
    assert [label for label, _ in asked.asked] == ["c8", "c7", "c6", "c5"] and len(asked.asked) == MOST


@pytest.mark.parametrize(("other", "passed"), [(0.72, True), (0.99, False)])
def test_the_sentence(other: float, passed: bool) -> None:
    of = did()
    asked = leave_out_changes(of, [Change("new rules", date(2018, 4, 1), None)], 0.95)
    assert isinstance(asked, Inquiry)
    own = fabricated.fit_of_effect(of, np.exp(fabricated.draws(np.log(0.7), 0.05)))
    [check] = asked.judge([np.exp(fabricated.draws(np.log(other), 0.05, seed=2))], own)
    assert (check.name, check.passed) == (NAME, passed)
    assert f"without new rules: rate ratio {other:.2f}" in check.sentence
    assert ("hardly depends" in check.sentence) is passed


def test_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evaluation.inference import shocks

    of, made = did(), []

    def judge(*_: object) -> list[Check]:
        made.append(1)
        return [Check(NAME, True, "said")]

    monkeypatch.setattr(shocks, "judge_inquiry", judge)
    task = Task.__new__(Task)
    object.__setattr__(task, "seed", 1)
    monkeypatch.setattr(Task, "key", "k", raising=False)
    own = Fit.__new__(Fit)
    for changes in ([Change("a", date(2018, 4, 1), None)],) * 2 + ([Change("b", date(2018, 5, 1), None)],):
        assert [c.sentence for c in examine_changes(of, task, changes, own, Store(tmp_path), 0.95)] == ["said"]
    assert len(made) == 2, "another change is another question"


@pytest.mark.slow
def test_a_real_refit_without_a_recording_change(tmp_path: Path) -> None:
    """Half of the level is lost at a recording change in the treated area alone: without it there is no effect."""
    rng = np.random.default_rng(3)
    mean = np.full((6, 48), 80.0)
    mean[0, 42:] = 40.0
    of = fabricated.frame(rng.poisson(mean), [START, *[48] * 5])
    task = Task(write_design(of), SAMPLERS["draft"], 1)
    own = approximate(task)
    [check] = examine_changes(of, task, [Change("new system", date(2021, 7, 1), None)], own, Store(tmp_path), 0.95)
    assert check.passed is False and "without new system: rate ratio" in check.sentence
    assert examine_changes(of, task, [Change("new system", date(2021, 7, 1), None)], own, Store(tmp_path), 0.95) == [
        check
    ]


CALENDAR = "id,start,end,kind,scope,closed,title,note,source,checked,verified\n"


def test_the_reviews_own_calendar_is_read(tmp_path: Path) -> None:
    own = "ours,2022-03-01,,record_system,Testshire,no,our new record system,,minutes of the board,2024-01-01,yes\n"
    folder = write_review(tmp_path, raw={"shocks.csv": CALENDAR + own}, review={"simulated": True})
    review = load_review(folder)
    plan = review.plans["outreach"]
    assert known_changes(review, plan, "assaults") == [Change("our new record system", date(2022, 3, 1), None)]


def test_what_the_plan_leaves_out_is_not_tried_again(tmp_path: Path) -> None:
    window = [{"from": "2022-06", "to": "2022-08", "because": "map points"}]
    folder = write_review(tmp_path, outreach={"period": {"exclude": window}})
    (folder / "data" / "provenance").mkdir()
    (folder / "data" / "provenance" / "assaults.json").write_text('{"source": "police-uk", "suppliers": []}')
    review = load_review(folder)
    titles = [change.title for change in known_changes(review, review.plans["outreach"], "assaults")]
    assert "the lockdowns" in titles and any("LSOA codes of 2021" in title for title in titles)
    assert not any("map points" in title for title in titles)
