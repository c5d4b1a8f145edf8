"""Interrupted time series: the counterfactual is the treated areas' own past.

log mu = log exposure + level + trend + season + common noise (+ each area's own noise) + effect

Trend, season, noise and effect are estimated together from the periods before and after the start, so that the
noise's persistence widens the effect's interval as it should (Lopez Bernal 2017; Turner 2021 on what happens when
it does not).
"""

from __future__ import annotations

import pymc as pm

from models import components, likelihoods
from models.structure import ModelData, check_layout, informed_sizes


def build(data: ModelData, *, informed: bool = True) -> pm.Model:
    """The unfitted model. Names ``mu`` and ``mu0`` over (area, time) on the response scale.

    Args:
        data: of one intervention and one indicator.
        informed: write the noise of counts and proportions in the coordinates in which its posterior is easy to draw
            (:mod:`models.informed_path`); ``False``: in those in which its prior is.
    """
    check_layout(data)
    structure = data.structure
    with pm.Model() as model:
        arrays = components.register(data.arrays)
        terms: components.Terms = {}
        fitted = None
        if informed and informed_sizes(structure):
            terms, fitted = components.informed_terms(arrays, structure)
        eta0 = components.area_levels(arrays, structure, terms)[:, None]
        eta0 = eta0 + (components.trend(arrays, terms) + components.season(arrays, terms))[None, :]
        if structure.area_trends:
            eta0 = eta0 + components.area_trends(arrays, structure)
        effect = components.treatment_effect(arrays, structure, terms)
        eta = eta0 + effect if fitted is None else fitted
        overdispersion = likelihoods.overdispersion(arrays, structure)
        # Without a persistent path, independent noise between periods is the count likelihood's own
        # overdispersion; a score carries its persistence in its errors.
        counts, several = structure.likelihood != "normal", structure.n_areas > 1
        if structure.autocorrelation and several:
            eta = eta + components.common_noise(arrays, structure, eta, overdispersion, informed)[None, :]
        if structure.autocorrelation and counts:
            name = "area" if several else "common"
            eta = eta + components.area_noise(name, arrays, structure, eta, overdispersion, informed)
        respond = likelihoods.observe(eta, arrays, structure, overdispersion)
        name_expectations(respond(eta), respond(eta - effect), structure.n_focus)
    return model


def name_expectations(mu, mu0, n_focus: int) -> None:
    """Name the expected outcome under the treatment received and under none, and their treated rows."""
    pm.Deterministic("mu", mu)
    pm.Deterministic("mu0", mu0)
    pm.Deterministic("focus_mu", mu[:n_focus])
    pm.Deterministic("focus_mu0", mu0[:n_focus])
