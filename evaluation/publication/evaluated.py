"""What publication needs to know of an evaluation: its shape, so that any object of this shape can be told and stored."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from evaluation.evidence.sources.screening import not_applied
from evaluation.protocol.definition import describe_definition
from evaluation.publication.calendar_map import store_states
from evaluation.publication.coverage import coverage_table
from evaluation.publication.figures import Subject


class Evaluated(Protocol):
    """One plan, evaluated: plain data only. `flow.Evaluation` has this shape."""

    review: Any
    plan: Any
    profile: str
    finding: dict[str, Any]
    run: dict[str, Any]
    panels: dict[str, xr.Dataset]
    series: dict[str, xr.Dataset]
    effects: pd.DataFrame
    checks: pd.DataFrame
    failed: dict[str, str]


def as_json(value: Any) -> Any:
    """Return `value` as plain JSON data: no NaN or infinity (null instead), no numpy, no tuples."""
    if isinstance(value, Mapping):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return [as_json(v) for v in value]
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def run_key(evaluation: Evaluated) -> str:
    """The key of a run: `run["key"]` if the flow set one, else a hash of the finding.

    The notebook and the flow each compute it from their own copy; equal keys mean that the notebook tells this very run.
    """
    given = evaluation.run.get("key")
    if given:
        return str(given)
    text = json.dumps(as_json(evaluation.finding), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def labels_of(evaluation: Evaluated) -> dict[str, Any]:
    """The words and rules a packet needs so that the book can be made from packets alone."""
    plan, settings = evaluation.plan, evaluation.review.settings
    plan_words = {
        "title": plan.title,
        "question": plan.question,
        "treated": dict(plan.treated),
        "meaningful": plan.effect.meaningful,
        "primary": plan.indicators.primary,
    }
    indicators = {}
    for key in evaluation.finding["indicators"]:
        found = evaluation.review.indicators[key]
        indicators[key] = {
            "title": found.title,
            "unit": found.unit,
            "direction": found.direction,
            "disclosure": found.disclosure,
            "source": found.source,
            "licence": found.licence,
        }
    titles = {key: found["title"] for key, found in indicators.items()}
    coverage = {
        k: coverage_table({k: panel}, titles).iloc[0].to_dict() for k, panel in evaluation.panels.items() if k in titles
    }
    return {
        "plan": plan_words,
        "indicators": indicators,
        "coverage": coverage,
        "states": {
            key: store_states(panel, {code: area.name for code, area in evaluation.review.areas.areas.items()})
            for key, panel in evaluation.panels.items()
            if key in titles
        },
        "simulated": bool(settings.simulated),
        "interval": settings.interval,
    }


def defined_title(review: Any, indicator: Any) -> str:
    """The indicator's title with the local definition that it measures, so that every chart repeats it."""
    name = getattr(indicator, "local_definition", None)
    found = review.definitions.get(name) if name else None
    if name is None or found is None:
        return str(indicator.title)
    left = not_applied(review.folder, indicator.key, name) if getattr(review, "folder", None) else None
    # Which parts the data could not tell belongs beside the name, or the chart would claim more than it shows.
    without = f"; not applied: {', '.join(left)}" if left else ""
    return f"{indicator.title} (definition: {describe_definition(found)}{without})"


def subject_of(evaluation: Evaluated, key: str) -> Subject:
    """The words and disclosure rules of an indicator, for a chart."""
    found = evaluation.review.indicators[key]
    likelihood = evaluation.finding["indicators"].get(key, {}).get("likelihood", "")
    effect = evaluation.plan.effect
    return Subject(
        name=f"{evaluation.plan.id}-{key}",
        title=defined_title(evaluation.review, found),
        unit=found.unit,
        profile=found.disclosure,
        interval=evaluation.review.settings.interval,
        # Leads give every period an effect of its own, whatever shape the plan names: disclosure control must know.
        shape="per_period" if effect.leads and evaluation.plan.design == "did" else effect.shape,
        scores=likelihood == "normal",
        source=found.source or "",
    )
