"""The pieces of the models against what they claim to be, worked out another way."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pymc import Deterministic, Model

from evaluation.inference.design import write_design
from models import components
from models.autoregression import autoregressive_path
from models.structure import Structure
from tests.inference.fabricated import frame
from tests.models.interpreted import INTERPRETED, build, evaluate, random_point


def filtered(shocks: np.ndarray, rho: float) -> np.ndarray:
    path = autoregressive_path(pt.as_tensor(shocks), pt.as_tensor(rho))
    return pytensor.function([], path, mode=INTERPRETED)()


@pytest.mark.parametrize("n_periods", [1, 2, 3, 7, 8, 9, 24])
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.7, 0.99])
def test_ar1_filter_is_the_recursion(n_periods: int, rho: float) -> None:
    shocks = np.random.default_rng(0).normal(size=(3, n_periods))
    expected = shocks.copy()
    for t in range(1, n_periods):
        expected[:, t] = rho * expected[:, t - 1] + np.sqrt(1 - rho**2) * shocks[:, t]
    np.testing.assert_allclose(filtered(shocks, rho), expected, atol=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.9])
def test_ar1_filter_is_stationary_with_unit_variance(rho: float) -> None:
    n = 13
    transform = filtered(np.eye(n), rho).T  # column j: the path of a unit shock in period j
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    np.testing.assert_allclose(transform @ transform.T, rho**lag, atol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_ar1_filter_has_the_derivative_of_its_recursion(compiled: bool) -> None:
    rng = np.random.default_rng(3)
    shocks, rho, weight = pt.dmatrix("shocks"), pt.dscalar("rho"), rng.normal(size=(2, 6))
    height = pt.sum(weight * autoregressive_path(shocks, rho) ** 2)
    mode = "NUMBA" if compiled else INTERPRETED
    ask = pytensor.function([shocks, rho], [height, *pytensor.grad(height, [shocks, rho])], mode=mode)
    at, persistence, step = rng.normal(size=(2, 6)), 0.6, 1e-6
    _, by_shock, by_rho = ask(at, persistence)

    def rise(shocks_moved: np.ndarray, rho_moved: float) -> float:
        return float(ask(at + shocks_moved, persistence + rho_moved)[0] - ask(at - shocks_moved, persistence - rho_moved)[0]) / (2 * step)  # fmt: skip

    for i in range(2):
        for t in range(6):
            moved = np.zeros((2, 6))
            moved[i, t] = step
            assert by_shock[i, t] == pytest.approx(rise(moved, 0.0), abs=1e-7)
    assert by_rho == pytest.approx(rise(np.zeros((2, 6)), step), abs=1e-7)


def test_free_period_effects_sum_to_zero_over_the_periods_in_use() -> None:
    used = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    with Model() as model:
        data = components.register({"period_used": used, "period_sd": np.array(0.5)})
        components.free_period_effects(data, Structure("did", "poisson", 1, 8, 1))
    z = np.random.default_rng(1).normal(3.0, 1.0, size=8)
    (period,) = evaluate(model, {"period_z": z}, ["period"])
    assert np.sum(used * period) == pytest.approx(0.0, abs=1e-12)
    centred = 0.5 * (z - z[used == 1].mean())
    np.testing.assert_allclose(period, centred)


@pytest.mark.parametrize(
    ("sd", "unit", "of_z"), [(0.0, 0.0, 1.0), (0.25, 0.25, 1.0), (1.0, 1.0, 1.0), (100.0, 1.0, 100.0)]
)
def test_a_wide_prior_is_written_in_units_of_one_and_stays_as_wide(sd: float, unit: float, of_z: float) -> None:
    with Model() as model:
        Deterministic("value", components.normal_about_zero("value", pt.as_tensor(sd), 3))
    z = np.array([-2.0, 0.5, 1.0])
    np.testing.assert_allclose(evaluate(model, {"value_z": z}, ["value"])[0], unit * z)
    density = model.compile_logp(sum=True, mode=INTERPRETED)({"value_z": z})
    assert density == pytest.approx(np.sum(-0.5 * (z / of_z) ** 2 - np.log(of_z * np.sqrt(2 * np.pi))))


def log_effect(of, **values: object) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Log ratio of mu and mu0 in the frame's own cells at a random point with some values fixed; and the point."""
    model = build(write_design(of))
    point = random_point(model)
    for name, value in values.items():
        point[name] = np.broadcast_to(np.asarray(value, dtype=float), np.shape(point[name])).copy()
    mu, mu0 = evaluate(model, point, ["mu", "mu0"])
    n_areas, n_periods = of.value.shape
    return np.log(mu / mu0)[:n_areas, :n_periods], point


COUNTS = np.full((3, 10), 20.0)


def test_step_acts_from_the_start_and_nowhere_else() -> None:
    of = frame(COUNTS, [6, 10, 10])
    effect, point = log_effect(of)
    common = 0.25 * point["coefficient_z"][0]  # one start: cohorts have no spread
    np.testing.assert_allclose(effect[0], [0.0] * 6 + [common] * 4, atol=1e-12)
    np.testing.assert_array_equal(effect[1:], 0.0)


def test_cohorts_depart_from_the_common_effect() -> None:
    of = frame(COUNTS, [4, 7, 10])
    effect, point = log_effect(of)
    departure = 0.1 * point["cohort_spread"] * point["cohort_z"]
    common = 0.25 * point["coefficient_z"][0]
    np.testing.assert_allclose(effect[0], [0.0] * 4 + [common + departure[0]] * 6, atol=1e-12)
    np.testing.assert_allclose(effect[1], [0.0] * 7 + [common + departure[1]] * 3, atol=1e-12)


def test_level_and_slope_grows_by_the_year() -> None:
    effect, point = log_effect(frame(COUNTS, [6, 10, 10], shape="level_and_slope"))
    level, slope = 0.25 * point["coefficient_z"]
    np.testing.assert_allclose(effect[0, 6:], level + slope * np.arange(4) / 12, atol=1e-12)


def test_ramp_reaches_the_whole_effect() -> None:
    effect, point = log_effect(frame(COUNTS, [5, 10, 10], shape="ramp", ramp_periods=4))
    np.testing.assert_allclose(effect[0, 5:] / (0.25 * point["coefficient_z"][0]), [0.25, 0.5, 0.75, 1.0, 1.0])


def test_decay_halves_after_its_half_life() -> None:
    effect, point = log_effect(frame(COUNTS, [2, 10, 10], shape="decay"), half_life_z=np.log(2 / 6) / 0.7)
    np.testing.assert_allclose(effect[0, 2:] / (0.25 * point["coefficient_z"][0]), 0.5 ** (np.arange(8) / 2))


def test_per_period_effects_vary_around_the_common_effect() -> None:
    effect, point = log_effect(frame(COUNTS, [7, 10, 10], shape="per_period"))
    cells = 0.1 * point["cell_spread"] * point["cell_z"][:3]
    np.testing.assert_allclose(effect[0, 7:], 0.25 * point["coefficient_z"][0] + cells, atol=1e-12)


def test_leads_are_free_before_the_start_with_the_last_period_as_reference() -> None:
    effect, point = log_effect(frame(COUNTS, [4, 10, 10], leads=True))
    free = 0.25 * point["cell_z"]
    np.testing.assert_allclose(effect[0], [*free[:3], 0.0, *free[3:9]], atol=1e-12)


@pytest.mark.parametrize("design", ["its", "did"])
def test_expectations_carry_the_exposure(design: str) -> None:
    of = frame(COUNTS[:1], [6], design="its") if design == "its" else frame(COUNTS, [6, 10, 10])
    doubled = np.ones(of.value.shape)
    doubled[0, 2] = 3.0
    doubled *= doubled.size / doubled.sum()  # same mean, so the reference does not move
    plain, more = (
        build(write_design(f)) for f in (of, frame(of.value, list(of.start), design=design, exposure=doubled))
    )
    point = random_point(plain)
    base, scaled = evaluate(plain, point, ["mu0"])[0], evaluate(more, point, ["mu0"])[0]
    assert scaled[0, 2] / scaled[0, 3] == pytest.approx(3.0 * base[0, 2] / base[0, 3])
