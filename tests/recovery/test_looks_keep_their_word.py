"""Looks at a running scheme that does nothing: their estimates stray as far as the simulated error rates take for granted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.evidence.example import EXAMPLE
from evaluation.evidence.panel import build_panel
from evaluation.evidence.simulate import simulate_panel
from evaluation.inference.looks import look_periods, take_look
from evaluation.protocol import load_review

pytestmark = [pytest.mark.recovery, pytest.mark.long]
PARAMS = Path(__file__).resolve().parents[2] / "params"
WORLDS, PRIOR_SD = 50, 0.25


def test_estimates_of_looks_have_the_variance_of_their_information(tell: Callable[[str], None]) -> None:
    """z = estimate without the prior, over its standard error: standard normal if the canonical joint distribution holds."""
    review = load_review(PARAMS / "example")
    plan, shipped = review.plans["knife_amnesty_bins"], build_panel(review, "knife_offences")
    idle = replace(EXAMPLE.panels["knife_offences"], effects=())
    last = next(p for p in reversed(look_periods(plan, shipped)) if p in shipped.time.values)
    found = []
    for world in range(WORLDS):
        table, _ = simulate_panel(idle, seed=(9100, world))
        counts = table.pivot(index="area", columns="period", values="count").loc[[str(a) for a in shipped.area.values]]
        panel = shipped.copy(deep=True)
        for name in ("value", "low", "high"):
            panel[name] = (("area", "time"), counts.to_numpy(float))
        look = take_look(review, plan, panel, last, world)
        information = look.sd**-2 - PRIOR_SD**-2
        found.append(look.mean * look.sd**-2 / information * np.sqrt(information))
    spread = float(np.std(found))
    assert 0.8 < spread < 1.25, spread
    assert abs(np.mean(found)) < 3 / np.sqrt(WORLDS)
    tell(f"{WORLDS} idle worlds: z has mean {np.mean(found):.2f} and standard deviation {spread:.2f}")
