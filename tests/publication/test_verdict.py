"""Every check a finding can have is called by a name that a board can read."""

import numpy as np
import pytest

from evaluation.inference.examination import plan_checks
from evaluation.judgement.findings import DOUBTS
from evaluation.judgement.grades import GRADES
from evaluation.publication.verdict import CHECK_NAMES, GRADE_SIGNS, finding_badge
from tests.inference.fabricated import frame

FIXED = {"data_quality", "posterior_predictive", "loo_pit", "prior_predictive", "power_scaling", "unaffected_outcome"}
FURTHER = {"breakdown", "placebo_calibration", "date_calibration", "shock_calendar"}


@pytest.mark.parametrize("design", ["its", "did"])
def test_every_check_has_a_name(design: str) -> None:
    areas = 1 if design == "its" else 12
    of = frame(np.full((areas, 60), 50.0), [48] + [60] * (areas - 1), design=design)
    asked = {one.name for one in plan_checks(of, 0.95)}
    assert {"placebo_in_time", "prior_sensitivity", "shock_windows"} <= asked
    assert (asked | FIXED | FURTHER | set(DOUBTS)) - set(CHECK_NAMES) == set()


def test_no_name_without_a_check() -> None:
    of = frame(np.full((12, 60), 50.0), [48] + [60] * 11)
    assert set(CHECK_NAMES) == {one.name for one in plan_checks(of, 0.95)} | FIXED | FURTHER


@pytest.mark.parametrize(
    ("role", "rating", "words"),
    [
        ("primary", "harm", "Possible harm"),
        ("secondary", "benefit", "Promising"),
        ("unaffected", "harm", "Changed"),
        ("unaffected", "benefit", "Changed"),
        ("unaffected", "too_small_to_tell", "No clear change"),
        ("unaffected", "failed", "Not estimated"),
    ],
)
def test_an_outcome_that_should_not_change_has_no_verdict(role: str, rating: str, words: str) -> None:
    assert f"</span> {words}</span>" in finding_badge({"role": role, "rating": rating})


def test_every_grade_has_a_sign_and_words() -> None:
    assert set(GRADE_SIGNS) == set(GRADES)
    for grade, words in GRADES.items():
        assert f"</span> {words}</span>" in finding_badge({"role": "primary", "rating": "unclear", "grade": grade})
