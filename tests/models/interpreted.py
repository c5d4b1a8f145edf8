"""Values of a model's expressions, run by Python itself: compiling would take longer than the test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor

from models import did, its
from models.structure import ModelData

INTERPRETED = pytensor.compile.mode.Mode(linker="py", optimizer=None)


def build(data: ModelData, informed: bool = False) -> pm.Model:
    """The model of the data's design; in the coordinates of its prior, unless it is to be informed."""
    return (its if data.structure.design == "its" else did).build(data, informed=informed)


def evaluate(model: pm.Model, point: dict[str, Any], outputs: Sequence[str]) -> list[Any]:
    """Named variables of a model at a point of its free variables (on their own scales, not the sampler's)."""
    function = pytensor.function(
        model.free_RVs, [model[name] for name in outputs], mode=INTERPRETED, on_unused_input="ignore"
    )
    return function(*[np.asarray(point[variable.name], dtype=float) for variable in model.free_RVs])


def potential(model: pm.Model, point: dict[str, Any]) -> float:
    """The whole log-likelihood at a point."""
    return float(sum(evaluate(model, point, [term.name for term in model.potentials])))


def random_point(model: pm.Model, seed: int = 3) -> dict[str, np.ndarray]:
    """Modest values of every free variable; shares and spreads lie inside their ranges."""
    rng = np.random.default_rng(seed)
    point = {}
    for variable in model.free_RVs:
        shape = tuple(int(size) for size in variable.shape.eval())
        within = variable.name.endswith(("_rho", "_spread"))
        point[variable.name] = rng.uniform(0.2, 0.8, shape) if within else rng.normal(0.0, 0.6, shape)
    return point
