"""The Gaussian field behind every model, at given hyperparameters: its prior, its mode, draws around it.

The field splits into a part of each area's own (level, AR(1) path, drift) with covariance ``K``, and coefficients
shared by all cells (period effects, trend, season, effects of treatment) with standard normal priors and design ``H``.
With ``W`` the curvature of the likelihood, all that is needed is ``B = (K + W^-1)^-1`` of each area and the precision
``P = I + sum H' B H`` of the shared coefficients (Woodbury).

The prior of every hyperparameter is written as a standard normal score mapped through the prior's own quantile
function, so that where the data say nothing the approximation is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from evaluation.inference import field
from models.structure import ModelData

Array = NDArray[np.float64]

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Gaussian:
    """The linear predictor before it meets the data, at one value of the hyperparameters.

    Attributes:
        mean: of the linear predictor without effect, shape (area, time).
        effect_mean: what the effect adds to it, shape (treated area, time).
        path_sd, path_rho: AR(1) path of each area (sd 0: none).
        level_sd, drift_sd: of each area's level and linear drift.
        shared: design of the coefficients all areas share, shape (time, coefficient).
        effects: design of the effect's coefficients, shape (treated area, time, coefficient).
        overdispersion: of the counts, 0 where the likelihood has none.
    """

    mean: Array
    effect_mean: Array
    path_sd: float
    path_rho: float
    level_sd: float
    drift_sd: float
    shared: Array
    effects: Array
    overdispersion: float


@dataclass(frozen=True)
class Mode:
    """The field's mode at one value of the hyperparameters.

    Attributes:
        log_density: log posterior density of the hyperparameters.
        field: the linear predictor at the mode less its prior mean, shape (area, time).
        dual: what the prior's covariance takes there, shape (area, time).
        target: what each cell draws the field towards (its working response less the prior mean; 0 where nothing is known).
        curvature: how strongly, the likelihood's negative curvature; shape (area, time) as well.
    """

    log_density: float
    field: Array
    dual: Array
    target: Array
    curvature: Array


class Posterior:
    """One model and its data, cropped to the cells in use, ready to be asked for modes and draws."""

    def __init__(self, data: ModelData) -> None:
        self.structure = data.structure
        arrays = data.arrays
        cell = arrays["exact"] > 0
        if self.structure.n_censored:
            at = arrays["censored_at"][arrays["censored_used"] > 0]
            cell = cell.copy()
            cell.ravel()[at] = True
        treated = _effect_rows(data)
        self.n_areas = int(np.flatnonzero(cell.any(axis=1)).max()) + 1
        self.n_periods = int(np.flatnonzero(cell.any(axis=0)).max()) + 1
        self.n_treated = min(treated, self.n_areas)
        self.known = cell[: self.n_areas, : self.n_periods]
        self.arrays = {name: self._crop(array) for name, array in arrays.items()}
        self.names = hyperparameters(data)
        self.likelihood = field.Likelihood.of(data, self.n_areas, self.n_periods)
        self.lag = np.abs(np.subtract.outer(np.arange(self.n_periods), np.arange(self.n_periods)))
        self.mean = np.repeat(self.arrays["level_mean"][: self.n_areas, None], self.n_periods, axis=1)
        self.shared = self._shared_design()
        if self.structure.design == "its":
            self.mean += self.arrays["trend_mean"] * self.arrays["year"][: self.n_periods]
        self.cohorts, self.cells = self._departures()

    def _crop(self, array: NDArray) -> NDArray:
        size = (self.structure.n_areas, self.structure.n_periods)
        if array.ndim >= 2 and array.shape[:2] == size:
            return array[: self.n_areas, : self.n_periods]
        return array

    def _shared_design(self) -> Array:
        """Design of the coefficients that all areas share and no hyperparameter touches."""
        data, periods = self.arrays, self.n_periods
        if self.structure.design == "did":
            used = data["period_used"][:periods]
            return data["period_sd"] * (np.eye(periods) - used[None, :] / used.sum())
        trend = data["trend_sd"] * data["year"][:periods, None]
        shared = np.concatenate([trend, data["season_sd"] * data["season"][:periods]], axis=1)
        return shared[:, np.any(shared != 0.0, axis=0)]

    def _departures(self) -> tuple[Array, Array]:
        """Indicators of the cohorts and cells that may depart from the common effect, (treated area, time, part)."""
        data, rows = self.arrays, slice(0, self.n_treated)
        none = np.zeros((self.n_treated, self.n_periods, 0))
        cohorts = cells = none
        if "cohort_sd" in self.names:
            treated = data["basis"][rows, :, 0]
            cohort = np.broadcast_to(data["cohort_of"][rows][:, None], treated.shape)
            cohorts = _indicators(cohort, treated, self.structure.n_cohorts)
        if "cell_sd" in self.names or not self.structure.pooled:
            cells = _indicators(data["cell_of"][rows], data["in_cell"][rows], self.structure.n_cells)
        return cohorts, cells

    def gaussian(self, score: Array) -> Gaussian:
        """The prior of the linear predictor at hyperparameters with these normal scores."""
        value = self.values(score)
        path, shared = "area", self.shared
        if self.structure.design == "its" and self.structure.n_areas == 1:
            path = "common"
        elif "common_sd" in value:
            common = value["common_sd"] * field.ar1_root(value["common_rho"], self.n_periods)
            shared = np.concatenate([shared, common], axis=1)
        effect_mean, effects = self._effects(value)
        return Gaussian(
            mean=self.mean,
            effect_mean=effect_mean,
            path_sd=value.get(f"{path}_sd", 0.0),
            path_rho=value.get(f"{path}_rho", 0.0),
            level_sd=float(self.arrays["level_sd"]),
            drift_sd=value.get("area_trend_sd", 0.0),
            shared=shared,
            effects=effects,
            overdispersion=value.get("overdispersion", 0.0),
        )

    def _effects(self, value: dict[str, float]) -> tuple[Array, Array]:
        """Mean and design of the effect, over the treated areas."""
        data, rows = self.arrays, slice(0, self.n_treated)
        mean_of, sd_of = data["coefficient_mean"], data["coefficient_sd"]
        if not self.structure.pooled:
            return mean_of[0] * data["in_cell"][rows], sd_of[0] * self.cells
        basis = data["basis"][rows]
        if self.structure.decay:
            basis = basis * (2.0 ** (-data["event_time"][rows] / value["half_life"]))[:, :, None]
        parts = [basis * sd_of, value.get("cohort_sd", 0.0) * self.cohorts, value.get("cell_sd", 0.0) * self.cells]
        return basis @ mean_of, np.concatenate(parts, axis=2)

    def values(self, score: Array) -> dict[str, float]:
        """Hyperparameters on their own scales, from their normal scores."""
        data = self.arrays
        found: dict[str, float] = {}
        for name, x in zip(self.names, score, strict=True):
            if name in ("overdispersion", "score_sd", "common_sd", "area_sd"):
                found[name] = float(np.exp(data["noise_log_median"] + data["noise_log_sd"] * x))
            elif name.endswith("_rho"):
                found[name] = float(min(special.betaincinv(3.0, 2.0, special.ndtr(x)), 0.9999))
            elif name == "half_life":
                found[name] = float(np.exp(data["half_life_log_median"] + 0.7 * x))
            else:
                scale = {
                    "area_trend_sd": data.get("trend_sd", 0.0),
                    "cohort_sd": data["spread_sd"][0] if "spread_sd" in data else 0.0,
                    "cell_sd": data["spread_sd"][1] if "spread_sd" in data else 0.0,
                }[name]
                found[name] = float(scale * -special.ndtri(0.5 * special.ndtr(-x)))
        return found

    def find_mode(self, score: Array, dual: Array | None = None) -> Mode:
        """The field's mode by Newton steps from ``dual``, and the log density of the hyperparameters there."""
        prior = self.gaussian(score)
        mean = prior.mean.copy()
        mean[: self.n_treated] += prior.effect_mean
        covariance = self._own_covariance(prior)
        if self.structure.likelihood == "normal":
            return self._exact_mode(prior, mean, covariance, score)
        likelihood = self.likelihood.disperse(prior.overdispersion)
        # A dual found under a tight prior may point absurdly far under a loose one: the prior's mean is then nearer.
        now = dual_now = np.zeros(mean.shape)
        height, gradient, curvature = _climb(likelihood, mean, now, dual_now)
        if dual is not None:
            there = self._apply_prior(prior, covariance, dual)
            other = _climb(likelihood, mean, there, dual)
            if other[0] >= height:
                (height, gradient, curvature), now, dual_now = other, there, dual
        log_det = 0.0
        for _ in range(60):
            blocks, log_det, root = self._condition(prior, curvature)
            new_dual = self._solve(prior, blocks, root, field.working_target(now, gradient, curvature))[0]
            new = self._apply_prior(prior, covariance, new_dual)
            step = 1.0
            while True:
                trial, trial_dual = now + step * (new - now), dual_now + step * (new_dual - dual_now)
                reached, gradient, curvature = _climb(likelihood, mean, trial, trial_dual)
                if np.isfinite(reached) and (reached >= height - 1e-9 * abs(height) or step < 1e-4):
                    break
                step /= 2.0
                if step < 1e-8:
                    raise FloatingPointError("the approximation found no mode")
            gained, now, dual_now, height = reached - height, trial, trial_dual, reached
            if abs(gained) < TOLERANCE and step == 1.0:
                break
        log_density = height - 0.5 * log_det - 0.5 * float(score @ score)
        return Mode(log_density, now, dual_now, field.working_target(now, gradient, curvature), curvature)

    def _exact_mode(self, prior: Gaussian, mean: Array, covariance: Array, score: Array) -> Mode:
        curvature = self.known.astype(float)
        blocks, log_det, root = self._condition(prior, curvature, self.values(score))
        residual = np.where(self.known, self.arrays["value"] - mean, 0.0)
        dual = self._solve(prior, blocks, root, residual)[0]
        log_density = -0.5 * float(np.sum(residual * dual)) - 0.5 * log_det - 0.5 * float(score @ score)
        return Mode(log_density, self._apply_prior(prior, covariance, dual), dual, residual, curvature)

    def _own_covariance(self, prior: Gaussian) -> Array:
        """Covariance over time of an area's own part, shape (time, time)."""
        by_lag = np.full(self.n_periods, prior.level_sd**2)
        if prior.path_sd > 0.0:
            by_lag += prior.path_sd**2 * prior.path_rho ** np.arange(float(self.n_periods))
        covariance = by_lag[self.lag]
        if prior.drift_sd > 0.0:
            year = self.arrays["year"][: self.n_periods]
            covariance += prior.drift_sd**2 * np.outer(year, year)
        return covariance

    def _condition(self, prior: Gaussian, curvature: Array, value: dict[str, float] | None = None):
        """Blocks B, the log determinant of I + K W, and the Cholesky factor of the shared coefficients' precision."""
        if value is None:
            blocks, log_det = field.count_blocks(curvature, prior.path_sd, prior.path_rho)
        else:
            gap, previous = self.arrays["gap"], self.arrays["previous"] % self.structure.n_periods
            rho = value.get("score_rho", 0.0)
            blocks, log_det = field.score_blocks(self.known, gap, previous, value["score_sd"], rho)
        loadings = [np.full(self.n_periods, prior.level_sd)]
        if prior.drift_sd > 0.0:
            loadings.append(prior.drift_sd * self.arrays["year"][: self.n_periods])
        log_det += field.add_loadings(blocks, np.stack(loadings))
        treated = blocks[: self.n_treated]
        weighted = treated @ prior.effects
        n_shared, n_effects = prior.shared.shape[1], prior.effects.shape[2]
        precision = np.empty((n_shared + n_effects, n_shared + n_effects))
        precision[:n_shared, :n_shared] = prior.shared.T @ blocks.sum(axis=0) @ prior.shared
        precision[:n_shared, n_shared:] = side = prior.shared.T @ weighted.sum(axis=0)
        precision[n_shared:, :n_shared] = side.T
        effects = prior.effects.transpose(2, 0, 1).reshape(n_effects, -1)
        precision[n_shared:, n_shared:] = effects @ weighted.reshape(-1, n_effects)
        precision.flat[:: len(precision) + 1] += 1.0
        root = field.factor(precision)
        return blocks, log_det + 2.0 * float(np.log(np.diag(root)).sum()), root

    def _solve(self, prior: Gaussian, blocks: Array, root: Array, wanted: Array) -> tuple[Array, Array]:
        """(K + HH' + W^-1)^-1 wanted, and the shared coefficients' mean."""
        pulled = (blocks @ wanted[:, :, None])[:, :, 0]
        right = np.concatenate([prior.shared.T @ pulled.sum(axis=0), self._collect(prior, pulled)])
        coefficients = field.solve_factored(root, right)
        fitted = self._spread(prior, coefficients)
        return pulled - (blocks @ fitted[:, :, None])[:, :, 0], coefficients

    def _collect(self, prior: Gaussian, cells: Array) -> Array:
        return cells[: self.n_treated].ravel() @ prior.effects.reshape(-1, prior.effects.shape[2])

    def _spread(self, prior: Gaussian, coefficients: Array) -> Array:
        n = prior.shared.shape[1]
        out = np.empty((self.n_areas, self.n_periods))
        out[:] = prior.shared @ coefficients[:n]
        out[: self.n_treated] += prior.effects @ coefficients[n:]
        return out

    def _apply_prior(self, prior: Gaussian, covariance: Array, dual: Array) -> Array:
        """(K + HH') dual, shape (area, time)."""
        coefficients = np.concatenate([prior.shared.T @ dual.sum(axis=0), self._collect(prior, dual)])
        return dual @ covariance + self._spread(prior, coefficients)

    def leave_one_out(self, score: Array, mode: Mode) -> tuple[Array, Array]:
        """Mean and variance of each treated cell had that cell not been seen (its cavity).

        From the diagonal of (K + HH' + W^-1)^-1 without a refit (Vehtari et al. 2016, section 3). Of counts and
        proportions it is the linear predictor that is meant, of scores the outcome itself with its error.

        Returns:
            Shapes (treated area, time) twice; NaN where nothing was observed.
        """
        prior = self.gaussian(score)
        rows = slice(0, self.n_treated)
        scores = self.structure.likelihood == "normal"
        blocks, _, root = self._condition(prior, mode.curvature, self.values(score) if scores else None)
        seen = mode.curvature[rows] > 0.0
        inverse = self._inverse_diagonal(prior, blocks[rows], root, seen)
        if scores:
            return self.arrays["value"][rows] - mode.dual[rows] / inverse, 1.0 / inverse
        mean = prior.mean[rows] + prior.effect_mean
        bend = np.where(seen, mode.curvature[rows], np.nan)
        return mean + mode.target[rows] - mode.dual[rows] / inverse, np.maximum(1.0 / inverse - 1.0 / bend, 1e-12)

    def _inverse_diagonal(self, prior: Gaussian, treated: Array, root: Array, seen: NDArray[np.bool_]) -> Array:
        """Diagonal of (K + HH' + W^-1)^-1 over the treated cells, NaN where nothing was seen."""
        shared = np.broadcast_to(prior.shared, (self.n_treated, *prior.shared.shape))
        pulled = treated @ np.concatenate([shared, prior.effects], axis=2)
        reduced = linalg.solve_triangular(root, pulled.reshape(-1, pulled.shape[2]).T, lower=True)
        taken = np.sum(reduced**2, axis=0).reshape(seen.shape)
        return np.where(seen, np.diagonal(treated, axis1=1, axis2=2) - taken, np.nan)

    def draw(self, score: Array, mode: Mode, n: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Draws at one value of the hyperparameters: linear predictors with and without effect, and coefficients.

        Returns:
            Shapes (draw, treated area, time) twice, and (draw, coefficient of the effect), these on their own scale.
        """
        prior = self.gaussian(score)
        scores = self.structure.likelihood == "normal"
        blocks, _, root = self._condition(prior, mode.curvature, self.values(score) if scores else None)
        centre = self._solve(prior, blocks, root, mode.target)[1]
        noise = rng.standard_normal((len(centre), n))
        coefficients = centre[:, None] + field.solve_transposed(root, noise)
        n_shared = prior.shared.shape[1]
        common = (prior.shared @ coefficients[:n_shared]).T
        own = self._own_covariance(prior)
        without = np.empty((n, self.n_treated, self.n_periods))
        added = np.empty_like(without)
        for area in range(self.n_treated):
            effect = (prior.effects[area] @ coefficients[n_shared:]).T
            block = blocks[area]
            gain = own @ block
            residual = mode.target[area] - common - effect
            left = own - gain @ own
            left.flat[:: len(left) + 1] += 1e-10 + 1e-9 * prior.level_sd**2
            spread = field.covariance_root(left)
            deviation = rng.standard_normal((n, self.n_periods)) @ spread.T
            without[:, area] = prior.mean[area] + common + residual @ gain.T + deviation
            added[:, area] = prior.effect_mean[area] + effect
        return without, without + added, coefficients[n_shared:].T


def _climb(likelihood: field.Dispersed, mean: Array, there: Array, dual: Array) -> tuple[float, Array, Array]:
    """How high a field stands: its log posterior up to a constant, and the likelihood's gradient and negative curvature."""
    log_lik, gradient, curvature = likelihood.evaluate(mean + there)
    height = log_lik - 0.5 * float(np.sum(dual * there))
    return (height if np.isfinite(height) else -np.inf), gradient, curvature


def hyperparameters(data: ModelData) -> tuple[str, ...]:
    """Names of what is integrated by points, for this structure and these data."""
    structure = data.structure
    scores = structure.likelihood == "normal"
    names: list[str] = []
    if structure.likelihood == "negative_binomial":
        names.append("overdispersion")
    if scores:
        names.append("score_sd")
    if structure.autocorrelation:
        if scores:
            names.append("score_rho")
        if structure.design == "its" and (not scores or structure.n_areas > 1):
            names += ["common_sd", "common_rho"]
        if not scores and (structure.design == "did" or structure.n_areas > 1):
            names += ["area_sd", "area_rho"]
    if structure.area_trends:
        names.append("area_trend_sd")
    if structure.pooled:
        # A spread fixed at 0 (a single cohort) has nothing to integrate.
        if structure.n_cohorts and data.arrays["spread_sd"][0] > 0.0:
            names.append("cohort_sd")
        if structure.n_cells and data.arrays["spread_sd"][1] > 0.0:
            names.append("cell_sd")
        if structure.decay:
            names.append("half_life")
    return tuple(names)


def _effect_rows(data: ModelData) -> int:
    """Number of rows from the top that hold every treated area."""
    name = "basis" if data.structure.pooled else "in_cell"
    touched = np.flatnonzero(np.any(data.arrays[name] != 0.0, axis=tuple(range(1, data.arrays[name].ndim))))
    return int(touched.max()) + 1 if touched.size else 1


def _indicators(cell_of: NDArray, inside: Array, n: int) -> Array:
    """One column for each cell that has any, shape (area, time, cell)."""
    columns = (cell_of[:, :, None] == np.arange(n)) * inside[:, :, None]
    return columns[:, :, np.any(columns != 0.0, axis=(0, 1))]
