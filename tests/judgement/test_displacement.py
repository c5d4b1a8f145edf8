"""Weighted displacement quotient and difference, by hand and as the tools that analysts know give them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.judgement.displacement import displacement_difference, displacement_quotient


def test_the_worked_example_without_displacement_areas() -> None:
    found = displacement_difference(control=(20, 20), treated=(20, 10))
    assert (found.local, found.displaced, found.total) == (-10, 0, -10)
    assert found.total_se == math.sqrt(70)
    assert round(found.total_se, 2) == 8.37
    assert found.z == pytest.approx(-10 / math.sqrt(70))


def test_the_worked_example_with_displacement_areas() -> None:
    found = displacement_difference((20, 20), (20, 10), control_buffer=(30, 30), treated_buffer=(30, 20))
    assert (found.local, found.displaced, found.total) == (-10, -10, -20)
    assert found.total_se == math.sqrt(70 + 110)
    assert round(found.total_se, 1) == 13.4


@pytest.mark.parametrize(
    ("buffer", "value", "reading"),
    [
        ((100, 60), 2.0, "greater than the direct effect"),
        ((100, 90), 0.5, "Diffusion of benefit."),
        ((100, 100), 0.0, "Neither"),
        ((100, 110), -0.5, "less than the gain"),
        ((100, 120), -1.0, "less than the gain"),
        ((100, 130), -1.5, "exceeds the gain"),
    ],
)
def test_the_quotient_by_hand(buffer: tuple[float, float], value: float, reading: str) -> None:
    # Target 100 -> 80 with control 200 -> 200: the denominator is (80 - 100) / 200 = -0.1.
    found = displacement_quotient((100, 80), buffer, (200, 200))
    assert found.success == pytest.approx(-0.1)
    assert found.value == pytest.approx(value)
    assert reading in found.reading


@pytest.mark.parametrize("treated", [(100, 100), (100, 120)])
def test_without_success_the_quotient_is_not_read(treated: tuple[float, float]) -> None:
    found = displacement_quotient(treated, (100, 50), (200, 200))
    assert found.value is None
    assert "nothing to displace" in found.reading


def test_without_control_events_the_quotient_is_not_read() -> None:
    assert displacement_quotient((10, 5), (10, 5), (0, 3)).value is None


COUNT = st.integers(0, 500)
PAIR = st.tuples(COUNT, COUNT)


@given(PAIR, PAIR, PAIR)
def test_a_quotient_is_given_exactly_when_the_target_improved(treated, buffer, control) -> None:
    found = displacement_quotient(treated, buffer, control)
    improved = min(control) > 0 and treated[1] / control[1] - treated[0] / control[0] < 0
    assert (found.value is not None) == improved
    if found.value is not None and found.value < 0:
        assert "isplacement" in found.reading and "Diffusion" not in found.reading
