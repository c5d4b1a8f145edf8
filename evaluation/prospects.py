"""Feasibility of the plans of a review, before money is spent: computed, told and stored for the book."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from evaluation import flow
from evaluation.errors import InputError, Problem
from evaluation.evidence.panel import build_panel
from evaluation.judgement.feasibility import Feasibility, examine_feasibility
from evaluation.protocol import load_plan
from evaluation.protocol.registration import plan_fingerprint


def foresee_plan(path: Path, tell: Callable[[str], None]) -> Feasibility:
    """What one plan could show; stored as `_build/feasibility/<plan>.json` of its review.

    Raises:
        InputError: something that the plan depends on is wrong, or its history is too short.
    """
    review, plan = load_plan(path)
    panel = build_panel(review, plan.indicators.primary)
    try:
        seed, jobs = flow.seed_of(review, plan.id, "feasibility"), os.cpu_count() or 1
        with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool:
            found = examine_feasibility(review, plan, panel, seed, tell, pool)
    except BrokenProcessPool as error:
        remedy = "Most often there was too little memory: close other programs and run it again."
        raise InputError([Problem(f"plans/{path.name}", "", "A process died before it was done.", remedy)]) from error
    except (ValueError, FloatingPointError) as error:
        remedy = "Give more history, another outcome, or other areas."
        raise InputError([Problem(f"plans/{path.name}", "", f"Feasibility cannot be told. {error}", remedy)]) from error
    folder = review.folder / "_build" / "feasibility"
    folder.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        about = {"made": f"{datetime.now(UTC):%Y-%m-%d}", "plan_sha256": plan_fingerprint(path)}
        json.dump(found.as_record() | about, file, indent=2)
    os.replace(part, folder / f"{plan.id}.json")
    return found
