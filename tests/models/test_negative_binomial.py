"""The negative binomial of a panel against the library's distribution and against its own slopes."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy import stats
from scipy.special import gammaln

from models.negative_binomial import log_likelihood, weigh
from tests.models.interpreted import INTERPRETED


def panel(seed: int = 2) -> dict[str, np.ndarray]:
    """Three areas by seven periods with counts that repeat, a missing cell with a nonsense value, and padding."""
    rng = np.random.default_rng(seed)
    value = rng.integers(0, 9, size=(3, 7)).astype(float) * 3
    exact = np.ones((3, 7))
    exact[1, 4], value[1, 4] = 0.0, np.nan
    values, times = np.unique(value[exact > 0], return_counts=True)
    return {
        "log_exposure": rng.normal(0.0, 0.2, (3, 7)), "value": value, "exact": exact,
        "distinct": np.pad(values, (0, 5)), "times": np.pad(times, (0, 5)).astype(float),
    }  # fmt: skip


@pytest.mark.parametrize("shape", [0.05, 2.0, 30.0, 1e4])
def test_the_log_likelihood_is_the_distributions_without_what_no_parameter_touches(shape: float) -> None:
    data, link = panel(), np.random.default_rng(3).normal(2.0, 0.5, (3, 7))
    used = data["exact"] > 0
    mu, count = np.exp(link + data["log_exposure"])[used], data["value"][used]
    wanted = stats.nbinom.logpmf(count, shape, shape / (shape + mu)).sum() + gammaln(count + 1).sum()
    assert weigh(link, *data.values(), shape)[0] == pytest.approx(wanted, rel=1e-9)


def test_without_overdispersion_it_is_poisson() -> None:
    data, link = panel(), np.random.default_rng(3).normal(2.0, 0.5, (3, 7))
    used = data["exact"] > 0
    mu, count = np.exp(link + data["log_exposure"])[used], data["value"][used]
    wanted = (stats.poisson.logpmf(count, mu) + gammaln(count + 1)).sum()
    assert weigh(link, *data.values(), 1e8)[0] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [0.4, 15.9, 400.0])
def test_derivatives_are_slopes(compiled: bool, shape: float) -> None:
    data, link = panel(), np.random.default_rng(3).normal(2.0, 0.5, (3, 7))
    names = pt.dmatrix("link"), pt.dscalar("shape")
    value = 0.7 * log_likelihood(names[0], *(pt.as_tensor(part) for part in data.values()), names[1])
    ask = pytensor.function(names, [value, *pytensor.grad(value, names)], mode="NUMBA" if compiled else INTERPRETED)
    _, by_link, by_shape = ask(link, shape)
    for place in np.ndindex(link.shape):
        moved = [link + step * (np.arange(21).reshape(3, 7) == place[0] * 7 + place[1]) for step in (1e-5, -1e-5)]
        slope = (ask(moved[0], shape)[0] - ask(moved[1], shape)[0]) / 2e-5
        assert by_link[place] == pytest.approx(float(slope), rel=1e-6, abs=1e-7)
    assert by_link[1, 4] == 0.0  # nothing is known of that cell
    step = 1e-5 * shape
    slope = (ask(link, shape + step)[0] - ask(link, shape - step)[0]) / (2 * step)
    assert float(by_shape) == pytest.approx(float(slope), rel=1e-5, abs=1e-8)


def test_a_rate_beyond_all_numbers_is_impossible_and_no_error() -> None:
    data = panel()
    total, by_link, by_shape = weigh(np.full((3, 7), 800.0), *data.values(), 3.0)
    assert total == -np.inf and np.isfinite(by_link).all() and by_shape == -np.inf


def test_counts_are_data_and_have_no_derivative() -> None:
    link, value, shape = pt.dmatrix("link"), pt.dmatrix("value"), pt.dscalar("shape")
    data = panel() | {"value": value}
    with pytest.raises(pytensor.gradient.DisconnectedInputError):
        pytensor.grad(log_likelihood(link, *data.values(), shape), value)
