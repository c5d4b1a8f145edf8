"""Difference-in-differences: the counterfactual is what the comparison areas did.

log mu = log exposure + area level + free period effect + area's autocorrelated departure + effect

The free effect of every period absorbs whatever all areas share, lockdowns included. Parallel trends are assumed
only up to departures whose size and persistence are learned from all areas, so that one treated area does not pass
its ordinary wandering off as an effect. Areas not yet treated serve as comparison until they start: the count-native,
Bayesian form of the imputation and extended two-way estimators (Borusyak, Jaravel and Spiess 2024; Wooldridge 2023).
"""

from __future__ import annotations

import pymc as pm

from models import components, likelihoods
from models.its import name_expectations
from models.structure import ModelData, check_layout


def build(data: ModelData, *, informed: bool = True) -> pm.Model:
    """The unfitted model. Names ``mu`` and ``mu0`` over (area, time) on the response scale.

    Args:
        data: of one intervention and one indicator.
        informed: as in :func:`models.its.build`.
    """
    check_layout(data)
    structure = data.structure
    with pm.Model() as model:
        arrays = components.register(data.arrays)
        level = components.area_levels(arrays, structure)
        eta0 = level[:, None] + components.free_period_effects(arrays, structure)[None, :]
        if structure.area_trends:
            eta0 = eta0 + components.area_trends(arrays, structure)
        effect = components.treatment_effect(arrays, structure)
        overdispersion = likelihoods.overdispersion(arrays, structure)
        if structure.likelihood != "normal" and structure.autocorrelation:
            eta0 = eta0 + components.area_noise("area", arrays, structure, eta0 + effect, overdispersion, informed)
        eta = eta0 + effect
        respond = likelihoods.observe(eta, arrays, structure, overdispersion)
        name_expectations(respond(eta), respond(eta0), structure.n_focus)
    return model
