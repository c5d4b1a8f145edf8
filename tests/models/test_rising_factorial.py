"""The rising factorial against its own product, and in a model against its recursion's derivative."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy.special import digamma, gammaln

from models.negative_binomial import log_rising_factorial, rise
from tests.models.interpreted import INTERPRETED


@pytest.mark.parametrize("start", [0.01, 0.5, 1.0, 3.7, 15.9, 16.0, 42.0, 1e4, 1e8])
def test_logarithm_of_the_product_and_sum_of_reciprocals(start: float) -> None:
    counts = np.array([0, 1, 2, 3, 15, 16, 17, 60, 400])
    value, slope = rise(counts.astype(float), start)
    for i, count in enumerate(counts):
        product = Fraction(1)
        for k in range(int(count)):
            product *= Fraction(start) + k
        size = product.numerator.bit_length() - product.denominator.bit_length()
        logarithm = float(np.log(float(product / Fraction(2) ** size)) + size * np.log(2.0))
        assert value[i] == pytest.approx(logarithm, rel=2e-13, abs=2e-13), count
        assert slope[i] == pytest.approx(sum(1.0 / (start + k) for k in range(int(count))), rel=1e-13)


def test_averaged_counts_need_no_whole_numbers() -> None:
    value, slope = rise(np.array([0.25, 2.5, 77.75]), 5.3)
    counts = np.array([0.25, 2.5, 77.75])
    np.testing.assert_allclose(value, gammaln(counts + 5.3) - gammaln(5.3), rtol=1e-12)
    np.testing.assert_allclose(slope, digamma(counts + 5.3) - digamma(5.3), rtol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_derivative_in_a_model(compiled: bool) -> None:
    counts, start = pt.dvector("counts"), pt.dscalar("start")
    height = pt.sum(pt.exp(-counts / 50.0) * log_rising_factorial(counts, start))
    mode = "NUMBA" if compiled else INTERPRETED
    ask = pytensor.function([counts, start], [height, pytensor.grad(height, start)], mode=mode)
    at = np.array([0.0, 3.0, 40.0, 90.0])
    for where in (0.7, 20.0, 300.0):
        step = 1e-5 * where
        rising = (ask(at, where + step)[0] - ask(at, where - step)[0]) / (2 * step)
        assert float(ask(at, where)[1]) == pytest.approx(float(rising), rel=1e-7)


def test_counts_are_data_and_have_no_derivative() -> None:
    counts, start = pt.dvector("counts"), pt.dscalar("start")
    with pytest.raises(pytensor.gradient.DisconnectedInputError):
        pytensor.grad(pt.sum(log_rising_factorial(counts, start)), counts)
