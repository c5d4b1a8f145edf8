"""Simulation-based calibration (Talts et al. 2018): are the posteriors those of the models they claim to be?

Parameters are drawn from the prior, data from the model at these, and the rank of the true value among the posterior
draws is noted. If prior, likelihood and sampler agree, ranks are uniform: a wrong likelihood, a mistaken prior scale or
a sampler that does not reach the tails bends them. A test statistic summarises the bend for each quantity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from evaluation.calibration.series import Setting, hide, make_series
from evaluation.inference.design import write_design
from evaluation.inference.engine import Fit, Sampler, Task, draw_prior, sample
from evaluation.inference.frame import Frame
from evaluation.inference.laplace import approximate
from models.structure import ModelData

Array = NDArray[np.float64]

RANKS = 99
BINS = 20
SAMPLED = Sampler(chains=2, tune=400, draws=495)
SIMULATIONS = {"approximation": 400, "sampler": 200}
NOISE = ("overdispersion", "score_sd", "score_rho", "common_sd", "common_rho", "area_sd", "area_rho")


@dataclass(frozen=True)
class Model:
    """A model to be calibrated: the panel that gives it its shape."""

    setting: Setting
    leads: bool = False


def _panels(likelihood: str, mean: float) -> dict[str, Model]:
    its = Setting("its", likelihood=likelihood, before=24, after=8, mean=mean)  # type: ignore[arg-type]
    did = Setting("did", likelihood=likelihood, n_areas=6, n_treated=2, before=16, after=8, mean=mean)  # type: ignore[arg-type]
    return {f"its {likelihood}": Model(its), f"did {likelihood}": Model(did)}


MODELS: dict[str, Model] = {
    **_panels("negative_binomial", 40.0),
    **_panels("poisson", 40.0),
    **_panels("binomial", 60.0),
    **_panels("normal", 10.0),
    "its suppressed counts": Model(Setting("its", before=24, after=8, mean=8.0, hidden=True)),
    "did suppressed counts": Model(Setting("did", n_areas=6, n_treated=2, before=16, after=8, mean=8.0, hidden=True)),
    "its level and slope": Model(Setting("its", shape="level_and_slope", before=24, after=8, mean=40.0)),
    "its controlled": Model(Setting("its", n_areas=2, before=24, after=8, mean=40.0)),
    "did staggered, per period": Model(
        Setting("did", shape="per_period", n_areas=6, n_treated=3, staggered=True, before=16, after=8, mean=40.0)
    ),
    "did decay": Model(Setting("did", shape="decay", n_areas=6, n_treated=2, before=16, after=8, mean=40.0)),
}


def run_ranks(
    names: tuple[str, ...],
    simulations: int | None,
    jobs: int,
    keep: Callable[[pd.DataFrame], object],
    report: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Rank histograms of every model by both computations; ``keep`` stores the table so far."""
    tables: list[pd.DataFrame] = []
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
        waiting = {
            (name, by): pool.submit(rank_model, name, by, simulations or SIMULATIONS[by])
            for by in SIMULATIONS
            for name in names
        }
        for (name, by), future in waiting.items():
            tables.append(histogram(name, by, future.result()))
            for _, row in tables[-1].iterrows():
                report(f"ranks of {name}, {by}, {row['quantity']}: p = {row['p_value']:.3f} over {row['simulations']} simulations")  # fmt: skip
            keep(pd.concat(tables, ignore_index=True))
    return pd.concat(tables, ignore_index=True)


def rank_model(name: str, by: str, simulations: int) -> dict[str, list[int]]:
    """Ranks (0 to 99) of the true rate ratio, effect and noise among 99 posterior draws, by quantity."""
    model = MODELS[name]
    frame = _blank(model)
    base = write_design(frame)
    prior = draw_prior(base, simulations, seed=20261121)
    ranks: dict[str, list[int]] = {}
    for i in range(simulations):
        true = {key: values[i] for key, values in prior.items()}
        seen = _simulate(frame, true, np.random.default_rng((i, 7)), hidden=model.setting.hidden)
        if seen is None:
            continue
        data = write_design(seen, base.structure)
        data = ModelData(data.structure, data.arrays | {"level_mean": _level(base, data)})
        task = Task(data, SAMPLED, i + 1)
        fit = sample(task, cores=1) if by == "sampler" else approximate(task)
        for quantity, value, draws in _quantities(frame, true, fit):
            thinned = draws.ravel()[:: max(1, draws.size // RANKS)][:RANKS]
            ranks.setdefault(quantity, []).append(int(np.sum(thinned < value)))
    return ranks


def histogram(name: str, by: str, ranks: dict[str, list[int]]) -> pd.DataFrame:
    """One row a quantity: 20 counts, the chi-squared statistic of uniformity and its p value."""
    rows = []
    for quantity, found in ranks.items():
        counts = np.bincount(np.asarray(found) * BINS // (RANKS + 1), minlength=BINS)
        expected = len(found) / BINS
        statistic = float(np.sum((counts - expected) ** 2 / expected))
        rows.append(
            {"model": name, "computation": by, "quantity": quantity, "simulations": len(found), "statistic": statistic,
             "degrees_of_freedom": BINS - 1, "p_value": float(chi2.sf(statistic, BINS - 1))}
            | {f"bin_{k + 1:02d}": int(count) for k, count in enumerate(counts)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _blank(model: Model) -> Frame:
    """The panel's shape with a modest value in every cell; levels vary little, so that counts stay within reach."""
    frame = make_series(replace(model.setting, hidden=False), 0).frame
    fixed = np.full(frame.value.shape, 0.0 if frame.likelihood == "normal" else model.setting.mean)
    priors = replace(frame.priors, level_sd=min(frame.priors.level_sd, 0.5))
    frame = replace(frame, value=fixed, low=fixed, high=fixed, priors=priors)
    return hide(frame) if model.setting.hidden else frame


def _level(base: ModelData, data: ModelData) -> Array:
    """Prior means of the levels as the truth was drawn with: they may not follow the data here."""
    return np.asarray(base.arrays["level_mean"][: len(data.arrays["level_mean"])], dtype=float)


def _simulate(frame: Frame, true: dict[str, Array], rng: np.random.Generator, *, hidden: bool) -> Frame | None:
    areas, periods = frame.value.shape
    mu = np.asarray(true["mu"])[:areas, :periods]
    if frame.likelihood == "normal":
        error = rng.standard_normal(mu.shape)
        rho = float(true["score_rho"])
        for t in range(1, periods):
            error[:, t] = rho * error[:, t - 1] + np.sqrt(1 - rho**2) * error[:, t]
        value = mu + float(true["score_sd"]) * error
    elif frame.likelihood == "binomial":
        value = rng.binomial(frame.exposure.astype(int), np.clip(mu / frame.exposure, 0.0, 1.0)).astype(float)
    elif frame.likelihood == "poisson":
        value = rng.poisson(mu).astype(float)
    else:
        shape = 1.0 / (float(true["overdispersion"]) ** 2 + 1e-8)
        value = rng.poisson(mu * rng.gamma(shape, 1.0 / shape, size=mu.shape)).astype(float)
    seen = replace(frame, value=value, low=value.copy(), high=value.copy())
    return hide(seen) if hidden else seen


def _quantities(frame: Frame, true: dict[str, Array], fit: Fit) -> Iterator[tuple[str, float, Array]]:
    """The reported effect and the noise: name, true value, posterior draws."""
    rows, columns = frame.n_treated, len(frame.periods)
    cells = frame.post[:rows]
    mu, mu0 = (np.asarray(true[key])[:rows, :columns] for key in ("mu", "mu0"))
    drawn, drawn0 = (fit.draws[key].values[:, :, :rows, :columns] for key in ("mu", "mu0"))
    if frame.likelihood == "normal":
        yield "difference", float((mu - mu0)[cells].mean()), (drawn - drawn0)[:, :, cells].mean(axis=-1)
    else:
        ratio = drawn[:, :, cells].sum(axis=-1) / drawn0[:, :, cells].sum(axis=-1)
        yield "rate ratio", float(mu[cells].sum() / mu0[cells].sum()), ratio
        yield "expected without", float(mu0[cells].sum()), drawn0[:, :, cells].sum(axis=-1)
    for name in NOISE:
        if name in true and name in fit.draws:
            yield name, float(true[name]), fit.draws[name].values
