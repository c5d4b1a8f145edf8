"""The computation gate: what is tried again, what is kept, what is never shown. Fits are made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.errors import FitFailure
from evaluation.inference import order as ordering
from evaluation.inference.design import write_design
from evaluation.inference.engine import Fit, Sampler, Store, Task
from evaluation.inference.order import Order, pass_gate
from tests.inference.fabricated import draws, fit_of_effect, frame

OF = frame(np.full((3, 48), 50.0), [36, 48, 48])
TASK = Task(write_design(OF), Sampler(4, 1000, 1000, 0.9), 1)


def good(divergences: int = 0, centre: float = 0.8) -> Fit:
    return replace(fit_of_effect(OF, draws(centre, 0.05)), divergences=divergences)


def stuck() -> Fit:
    apart = draws(0.8, 0.05) + np.array([0.0, 0.0, 0.0, 0.4])[:, None]
    return fit_of_effect(OF, apart)


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Answers given one after the other; what was asked is noted."""

    def run(*answers: Any, profile: str = "publish", failures: dict[str, str] | None = None):
        asked: list[Task] = []

        def fetch(task: Task, store: Store, cores: int | None) -> Fit:
            asked.append(task)
            answer = answers[len(asked) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(ordering, "fetch", fetch)
        try:
            asking = Order(OF, TASK, 0.95, strict=profile == "publish", checked=False)
            return pass_gate(asking, Store(tmp_path), failures), asked
        except FitFailure as error:
            return error.reason, asked

    return run


def test_a_clean_fit_is_taken_at_once(sampler) -> None:
    (fit, diagnostics), asked = sampler(good())
    assert len(asked) == 1
    assert fit.divergences == 0 and diagnostics.passed


def test_a_fit_that_did_not_converge_is_tried_with_three_times_the_draws(sampler) -> None:
    (_, diagnostics), asked = sampler(stuck(), good())
    assert diagnostics.passed
    assert (asked[1].sampler.tune, asked[1].sampler.draws) == (2000, 3000)


def test_twice_is_enough(sampler) -> None:
    reason, asked = sampler(stuck(), stuck())
    assert len(asked) == 2
    assert reason.startswith("The computation did not converge, twice: R-hat")


def test_a_few_divergent_draws_are_tried_again_with_smaller_steps(sampler) -> None:
    (fit, _), asked = sampler(good(2, 0.8), good(0, 0.7))
    assert fit.divergences == 0
    assert np.median(fit.draws["mu"][..., 0, -1]) == pytest.approx(35.0, abs=0.5)
    assert asked[1].sampler == Sampler(4, 2000, 1000, 0.99)


def test_the_fit_with_fewer_divergences_is_kept(sampler) -> None:
    (fit, _), _ = sampler(good(1), good(3))
    assert fit.divergences == 1


def test_a_second_try_that_stops_does_not_undo_a_first_that_passed(sampler) -> None:
    (fit, _), asked = sampler(good(1), RuntimeError("out of memory"))
    assert len(asked) == 2 and fit.divergences == 1


def test_more_than_one_in_a_thousand_is_too_many(sampler) -> None:
    reason, _ = sampler(good(5), good(5))
    assert reason == "The computation did not converge, twice: 5 of 4000 draws diverged."


def test_a_draft_is_not_tried_twice(sampler) -> None:
    (fit, _), asked = sampler(good(3), profile="draft")
    assert len(asked) == 1 and fit.divergences == 3


def test_what_stopped_is_said(sampler) -> None:
    assert sampler(RuntimeError("no memory\nat all"))[0] == "The sampler stopped: no memory."
    assert sampler(good(), failures={TASK.key: "The worker process stopped."})[0] == "The worker process stopped."
