"""XmR charts of real series against a second implementation of the same rules, written point by point from the published arithmetic."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.judgement import xmr

sys.path.append(str(Path(__file__).parents[1] / "judgement"))
from plot_the_dots import plot

pytestmark = pytest.mark.recovery


def london(published: Callable[[str], Path]) -> list[list[float]]:
    data = pd.read_csv(published("mps_borough_monthly_2010_2026") / "mps_violence_borough_month_long.csv.gz")
    data = data[data["minor"].isin(["VIOLENCE WITH INJURY", "ROBBERY OF PERSONAL PROPERTY", "HOMICIDE", "RAPE"])]
    return [g.sort_values("month")["count"].astype(float).tolist() for _, g in data.groupby(["borough", "minor"])]


def philadelphia(published: Callable[[str], Path]) -> list[list[float]]:
    data = pd.read_csv(published("philadelphia_shootings") / "philadelphia_district_month.csv")
    return [g.sort_values("month")["victims"].astype(float).tolist() for _, g in data.groupby("police_district")]


@pytest.mark.parametrize("series_of", [london, philadelphia])
def test_every_point_of_every_real_series_carries_the_same_signal(
    series_of: Callable[..., list[list[float]]], published: Callable[[str], Path], tell: Callable[[str], None]
) -> None:
    """Whole series, series cut short (trial limits), and series with documented changes."""
    points, rules = 0, Counter[str]()
    for values in series_of(published):
        cases = [(values, []), (values, [len(values) // 3, 2 * len(values) // 3])]
        cases += [(values[k : k + 24], []) for k in range(0, len(values) - 24, 48)] + [(values[-9:], [])]
        for part, changes in cases:
            ours, theirs = xmr.chart(part, changes), plot(part, changes)
            assert ours.rule == [dot.rule for dot in theirs]
            assert ours.side.tolist() == [dot.side for dot in theirs]
            assert ours.trial.tolist() == [dot.trial for dot in theirs]
            assert np.allclose(ours.mean, [dot.mean for dot in theirs])
            assert np.allclose(ours.upper, [dot.upper for dot in theirs])
            assert np.allclose(ours.lower, [dot.lower for dot in theirs])
            points += len(part)
            rules.update(ours.rule)
    assert sum(rules[rule] > 10 for rule in xmr.RULES) >= 3, (
        f"rules were tried: {rules}"
    )  # no count of shootings trends
    tell(f"{points:,} points, no difference; {', '.join(f'{rules[r]:,} {r}' for r in xmr.RULES)}")
