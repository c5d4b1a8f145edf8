"""Interrupted time series: the counterfactual is the treated areas' own past.

log mu = log exposure + level + trend + season + common noise (+ each area's own noise) + effect

Trend, season, noise and effect are estimated together from the periods before and after the start, so that the
noise's persistence widens the effect's interval as it should (Lopez Bernal 2017; Turner 2021 on what happens when
it does not).
"""

from __future__ import annotations

import pymc as pm

from models import components, likelihoods
from models.structure import ModelData, check_layout


def build(data: ModelData) -> pm.Model:
    """The unfitted model. Names ``mu`` and ``mu0`` over (area, time) on the response scale."""
    check_layout(data)
    structure = data.structure
    with pm.Model() as model:
        arrays = components.register(data.arrays)
        level = components.area_levels(arrays, structure)
        common = components.trend(arrays) + components.season(arrays)
        # Without a persistent path, independent noise between periods is the count likelihood's own
        # overdispersion; a score carries its persistence in its errors.
        if structure.autocorrelation and (structure.likelihood != "normal" or structure.n_areas > 1):
            common = common + components.noise_path("common", arrays, structure, (structure.n_periods,))
        eta0 = level[:, None] + common[None, :]
        if structure.n_areas > 1 and structure.likelihood != "normal" and structure.autocorrelation:
            eta0 = eta0 + components.noise_path("area", arrays, structure, (structure.n_areas, structure.n_periods))
        if structure.area_trends:
            eta0 = eta0 + components.area_trends(arrays, structure)
        eta = eta0 + components.treatment_effect(arrays, structure)
        respond = likelihoods.observe(eta, arrays, structure)
        name_expectations(respond(eta), respond(eta0), structure.n_focus)
    return model


def name_expectations(mu, mu0, n_focus: int) -> None:
    """Name the expected outcome under the treatment received and under none, and their treated rows."""
    pm.Deterministic("mu", mu)
    pm.Deterministic("mu0", mu0)
    pm.Deterministic("focus_mu", mu[:n_focus])
    pm.Deterministic("focus_mu0", mu0[:n_focus])
