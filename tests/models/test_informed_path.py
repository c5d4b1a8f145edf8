"""The path written as what the data say of it plus shocks: density, derivative and posterior against dense algebra."""

import importlib

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.link.numba.dispatch import basic
from scipy import stats

from evaluation.inference.design import write_design
from models import compilation
from models.autoregression import AutoregressiveFilter
from models.informed_path import InformedPath, draw_paths, informed_path
from models.negative_binomial import LogRisingFactorial, NegativeBinomialLikelihood
from tests.inference.fabricated import frame
from tests.models.interpreted import INTERPRETED, build, evaluate, potential, random_point

OD, SCALE, RHO = 0.3, 0.4, 0.6


def given(n_series: int, n_periods: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n_periods)
    shocks, residual = rng.normal(size=(2, n_series, n_periods))
    weight = rng.uniform(0.0, 40.0, size=(n_series, n_periods))
    weight[0, n_periods // 2] = 0.0  # a cell of which nothing is known
    return shocks, residual, weight


def covariance(n_periods: int) -> np.ndarray:
    apart = np.abs(np.subtract.outer(np.arange(n_periods), np.arange(n_periods)))
    return SCALE**2 * RHO**apart


@pytest.mark.parametrize("n_periods", [2, 3, 8, 19])
def test_the_path_is_the_conditional_mean_plus_shocks_of_the_conditional_covariance(n_periods: int) -> None:
    shocks, residual, weight = given(2, n_periods)
    w = weight / (1 + weight * OD**2)
    centre = draw_paths(np.zeros_like(shocks), residual, weight, OD, SCALE, RHO)[0]
    steps = np.stack(
        [draw_paths(np.tile(e, (2, 1)), residual, weight, OD, SCALE, RHO)[0] - centre for e in np.eye(n_periods)],
        axis=-1,
    )
    for i in range(2):
        precision = np.linalg.inv(covariance(n_periods)) + np.diag(w[i])
        np.testing.assert_allclose(centre[i], np.linalg.solve(precision, w[i] * residual[i]), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(steps[i] @ steps[i].T, np.linalg.inv(precision), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_periods", [2, 3, 8, 19])
def test_the_log_density_is_that_of_the_path_and_of_the_change_of_variables(n_periods: int) -> None:
    shocks, residual, weight = given(3, n_periods)
    paths, total, *_ = draw_paths(shocks, residual, weight, OD, SCALE, RHO)
    prior = stats.multivariate_normal(np.zeros(n_periods), covariance(n_periods))
    wanted = 0.0
    for path, k in zip(paths, weight, strict=True):
        precision = np.linalg.inv(covariance(n_periods)) + np.diag(k / (1 + k * OD**2))
        wanted += prior.logpdf(path) + n_periods / 2 * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1]
    assert total == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("n_periods", [2, 3, 9])
def test_the_derivative_is_the_slope(n_periods: int) -> None:
    shocks, residual, weight = given(2, n_periods)
    rng = np.random.default_rng(1)
    height = rng.normal(size=shocks.shape)
    names = [pt.dmatrix("shocks"), pt.dmatrix("residual"), pt.dscalar("od"), pt.dscalar("scale"), pt.dscalar("rho")]
    path, total = informed_path(names[0], names[1], pt.as_tensor(weight), *names[2:])
    value = pt.sum(path * height) + 0.7 * total
    at = [shocks, residual, np.array(OD), np.array(SCALE), np.array(RHO)]
    slopes = evaluated(pt.grad(value, names), names, at)
    for k, slope in enumerate(slopes):
        for place in np.ndindex(at[k].shape):
            found = []
            for step in (1e-5, -1e-5):
                moved = [np.array(v) for v in at]
                moved[k][place] += step
                found.append(evaluated([value], names, moved)[0])
            assert slope[place] == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-5, abs=1e-6)


def evaluated(what, names, at):
    return [
        value.eval(dict(zip(names, at, strict=True)), mode="FAST_COMPILE", on_unused_input="ignore") for value in what
    ]


LINKS = {"binomial": lambda mu, of: np.log(mu / (of.exposure - mu))}


@pytest.mark.slow
@pytest.mark.parametrize("design", ["its", "did"])
@pytest.mark.parametrize("likelihood", ["negative_binomial", "poisson", "binomial"])
@pytest.mark.parametrize("suppressed", [False, True])
def test_both_forms_are_one_model(design: str, likelihood: str, suppressed: bool) -> None:
    """Where their paths are the same, so are expectations and likelihood: only the coordinates differ."""
    counts = np.random.default_rng(3).integers(1, 15, size=(1 if design == "its" else 4, 8)).astype(float)
    value, low, high = counts.copy(), counts.copy(), counts.copy()
    if suppressed:
        value[0, 2:4], low[0, 2:4], high[0, 2:4] = np.nan, 1.0, 7.0
    value[0, 5] = low[0, 5] = high[0, 5] = np.nan  # missing
    start = [5] if design == "its" else [5, 6, 8, 8]
    of = frame(
        value, start, design=design, likelihood=likelihood, low=low, high=high, exposure=np.full(counts.shape, 40.0)
    )
    data = write_design(of)
    informed, plain = build(data, informed=True), build(data, informed=False)
    name = "common" if design == "its" else "area"
    point = random_point(informed)
    point |= plain_terms(informed, point)
    mu, scale, path_density = evaluate(informed, point, ["mu", f"{name}_sd", f"{name}_path"])
    flat = evaluate(plain, point | {f"{name}_z": np.zeros_like(point[f"{name}_z"])}, ["mu"])[0]
    link = LINKS.get(likelihood, lambda mu, of: np.log(mu))
    path, rho = link(mu, of) - link(flat, of), point[f"{name}_rho"]
    shocks = path / scale
    shocks[:, 1:] = (path[:, 1:] - rho * path[:, :-1]) / (scale * np.sqrt(1 - rho**2))  # the filter undone
    there = point | {f"{name}_z": shocks}
    np.testing.assert_allclose(evaluate(plain, there, ["mu"])[0], mu, rtol=1e-8)
    assert np.abs(path).max() > 0.02
    found = potential(informed, point) - float(path_density) - terms_density(informed, point)
    assert found == pytest.approx(potential(plain, there), rel=1e-8)


def plain_terms(informed, point) -> dict[str, np.ndarray]:
    """What the terms that the data inform are in units of their priors, where the model has any."""
    names = [name for name in ("level_z", "trend_z", "season_z", "coefficient_z") if name not in point]
    return dict(zip(names, evaluate(informed, point, names), strict=True)) if "terms_z" in point else {}


def terms_density(informed, point) -> float:
    """Their density, which both forms have: here as a term of the model, there as priors."""
    return float(evaluate(informed, point, ["terms"])[0]) if "terms_z" in point else 0.0


@pytest.mark.slow
def test_the_density_of_terms_is_that_of_their_priors() -> None:
    of = frame(np.random.default_rng(5).integers(5, 30, size=(1, 12)).astype(float), [8], design="its")
    informed, plain = (build(write_design(of), informed=asked) for asked in (True, False))
    density = []
    for seed in (1, 2):
        point = random_point(informed, seed)
        units = plain_terms(informed, point)
        assert sum(np.size(u) for u in units.values()) == 8
        prior = sum(stats.norm.logpdf(u).sum() for u in units.values())
        assert terms_density(informed, point) - 4 * np.log(2 * np.pi) == pytest.approx(prior, rel=1e-10)
        at = point | units
        variables = [plain[name] for name in units]
        values = {plain.rvs_to_values[variable]: at[variable.name] for variable in variables}
        density.append((float(sum(term.sum() for term in plain.logp(variables, sum=False)).eval(values)), prior))
    assert density[0][0] - density[1][0] == pytest.approx(density[0][1] - density[1][1], rel=1e-8)


@pytest.mark.slow
def test_both_forms_are_one_model_where_areas_share_a_path() -> None:
    """As above; here the two paths are read from the operations, because only their sum is seen outside."""
    counts = np.random.default_rng(4).integers(2, 15, size=(3, 8)).astype(float)
    counts[1, 4] = np.nan
    of = frame(counts, [5, 6, 5], design="its", exposure=np.array([[40.0], [90.0], [40.0]]) * np.ones(8))
    data = write_design(of)
    informed, plain = build(data, informed=True), build(data, informed=False)
    point = random_point(informed)
    point |= plain_terms(informed, point)
    names = ("common", "area")
    outputs = [informed[f"{name}_path"].owner.outputs[0] for name in names]
    ask = pytensor.function(informed.free_RVs, outputs, mode=INTERPRETED, on_unused_input="ignore")
    there = dict(point)
    for name, path in zip(names, ask(*[point[variable.name] for variable in informed.free_RVs]), strict=True):
        scale, rho = evaluate(informed, point, [f"{name}_sd"])[0], point[f"{name}_rho"]
        shocks = path / scale
        shocks[:, 1:] = (path[:, 1:] - rho * path[:, :-1]) / (scale * np.sqrt(1 - rho**2))
        there[f"{name}_z"] = shocks if name == "area" else shocks[0]
        assert np.abs(path).max() > 0.02
    np.testing.assert_allclose(*(evaluate(m, p, ["mu"])[0] for m, p in ((informed, point), (plain, there))), rtol=1e-8)
    densities = evaluate(informed, point, [f"{name}_path" for name in names])
    found = potential(informed, point) - float(sum(densities)) - terms_density(informed, point)
    assert found == pytest.approx(potential(plain, there), rel=1e-8)


def test_the_cache_of_compiled_code_notices_a_change_of_the_source(tmp_path, monkeypatch) -> None:
    source = tmp_path / "operation.py"
    source.write_text("a = 1\n")
    first = compilation.source_version(str(source))
    compilation.source_version.cache_clear()
    source.write_text("a = 2\n")
    assert compilation.source_version(str(source)) != first
    compilation.source_version.cache_clear()
    # Line ends are no change.
    source.write_bytes(b"a = 1\r\n")
    assert compilation.source_version(str(source)) == first

    operations = (
        ("informed_path", InformedPath()),
        ("autoregression", AutoregressiveFilter()),
        ("negative_binomial", NegativeBinomialLikelihood()),
        ("negative_binomial", LogRisingFactorial()),
    )
    for module, op in operations:
        place = importlib.import_module(f"models.{module}")
        before = basic.numba_funcify_and_cache_key(op)[1]
        monkeypatch.setattr(place, "source_version", lambda file: 12345)
        assert basic.numba_funcify_and_cache_key(op)[1] != before
        monkeypatch.undo()
