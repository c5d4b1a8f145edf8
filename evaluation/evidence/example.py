"""The simulated data that are shipped: the review in ``params/example``, the sample in ``params/template``.

Everything here is invented. The true effects were chosen so that the example shows every answer the framework
can give: a benefit found by each design, a staggered scheme measured with suppressed hospital counts, an
honest nought, a scheme too small to tell and one that does harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.evidence.example_beside import write_beside
from evaluation.evidence.simulate import (
    Missing,
    PanelSpec,
    Shock,
    TrueEffect,
    Truth,
    realised_effect,
    simulate_panel,
    suppress_small_counts,
)

NOTE = (
    "SIMULATED. Exampleshire, its areas, its schemes and every number here are invented; any resemblance to "
    "a real place or programme is chance. This file holds the answers that an evaluation of the example "
    "should come near."
)


@dataclass(frozen=True)
class Scheme:
    """One fictional intervention and what it truly does.

    Attributes:
        plan: Identifier of its plan file.
        starts: Area code to first treated period.
        rate_ratios: Indicator to true rate ratio, for every indicator of the plan (1 = unaffected).
        washout: Periods after each start which the plan leaves out.
        evaluated: False for something that happened without a plan of its own, which plans should exclude.
    """

    plan: str
    starts: Mapping[str, str]
    rate_ratios: Mapping[str, float]
    washout: int = 0
    evaluated: bool = True


@dataclass(frozen=True)
class Example:
    """A whole simulated review.

    Attributes:
        seed: Seed of everything.
        panels: Indicator to the specification of its panel, before the effects of the schemes are put in.
        schemes: The interventions.
        as_hospital_data: Indicators published with small counts suppressed and the rest rounded.
        answers: Whether ``truth.json`` is written beside the data.
        beside: Whether delivery, days, an earlier edition, a map and conditions are written too (`example_beside`).
    """

    seed: int
    panels: Mapping[str, PanelSpec]
    schemes: tuple[Scheme, ...]
    as_hospital_data: frozenset[str] = field(default=frozenset())
    answers: bool = True
    beside: bool = False


# Expected counts from March 2020 to June 2021 as a share of ordinary months: two troughs and a slow return.
LOCKDOWNS = (0.86, 0.62, 0.70, 0.82, 0.92, 0.96, 0.95, 0.90, 0.78, 0.82, 0.68, 0.70, 0.78, 0.90, 0.96, 0.98)


def _lockdowns(strength: float) -> tuple[Shock, ...]:
    """The common shock, stronger or weaker by a power of its monthly factors."""
    multipliers = tuple(round(share**strength, 4) for share in LOCKDOWNS)
    return (Shock("2020-03", multipliers, because="lockdowns and the recovery between and after them"),)


EXAMPLE_POPULATIONS = {
    "E01": 212_000,
    "E02": 164_000,
    "E03": 151_000,
    "E04": 148_000,
    "E05": 139_000,
    "E06": 133_000,
    "E07": 126_000,
    "E08": 187_000,
    "E09": 181_000,
    "E10": 176_000,
    "E11": 168_000,
    "E12": 117_000,
    "E13": 108_000,
    "E14": 52_000,
}

_ordinary = PanelSpec(
    populations=EXAMPLE_POPULATIONS,
    first_period="2018-04",
    n_periods=96,
    rate=1.0,
    level_sd=0.10,
    departure_sd=0.07,
    departure_rho=0.6,
    common_sd=0.05,
    common_rho=0.6,
    overdispersion=70.0,
)

# The seed was chosen: among ten it is one where chance hides none of the answers. That makes a good example
# and no evidence at all; whether the models find the truth is settled over many seeds, in tests/recovery.
EXAMPLE = Example(
    seed=2028,
    panels={
        "violence_with_injury": replace(
            _ordinary,
            rate=1.10,
            trend_per_year=-0.010,
            season_amplitude=0.08,
            season_peak=7,
            shocks=_lockdowns(1.0),
            missing=(Missing("E09", "2021-10", "2022-02", because="migration to a new record system"),),
        ),
        "knife_offences": replace(
            _ordinary, rate=0.070, trend_per_year=0.005, season_amplitude=0.05, shocks=_lockdowns(0.8)
        ),
        "assault_admissions": replace(
            _ordinary, rate=0.068, trend_per_year=-0.015, season_amplitude=0.07, shocks=_lockdowns(1.1)
        ),
        "vehicle_crime": replace(
            _ordinary,
            rate=0.60,
            trend_per_year=-0.020,
            season_amplitude=0.05,
            season_peak=11,
            shocks=_lockdowns(1.3),
        ),
        # Too rare for any evaluation of one district: it is here for the chart of the days between events.
        "homicide": replace(
            _ordinary, rate=0.0012, level_sd=0.25, departure_sd=0.0, common_sd=0.0, overdispersion=None
        ),
    },
    schemes=(
        Scheme(
            plan="night_guardians",
            starts={"E01": "2023-04"},
            rate_ratios={"violence_with_injury": 0.70, "assault_admissions": 0.80, "vehicle_crime": 1.0},
            washout=1,
        ),
        Scheme(
            plan="speak_up_campaign",
            starts={"E02": "2023-01", "E03": "2023-01"},
            rate_ratios={"violence_with_injury": 1.0, "vehicle_crime": 1.0},
        ),
        Scheme(
            plan="street_mentors",
            starts={"E04": "2023-07", "E05": "2023-07"},
            rate_ratios={"violence_with_injury": 0.82, "knife_offences": 0.85, "vehicle_crime": 1.0},
            washout=1,
        ),
        Scheme(
            plan="hospital_navigators",
            starts={"E08": "2022-07", "E09": "2022-07", "E10": "2023-01", "E11": "2023-10"},
            rate_ratios={"assault_admissions": 0.68, "vehicle_crime": 1.0},
        ),
        Scheme(
            plan="knife_amnesty_bins",
            starts={"E14": "2025-04"},
            rate_ratios={"knife_offences": 0.92, "vehicle_crime": 1.0},
        ),
        Scheme(
            plan="later_closing_pilot",
            starts={"E06": "2023-04", "E07": "2023-04"},
            rate_ratios={"violence_with_injury": 1.22, "vehicle_crime": 1.0},
        ),
        Scheme(
            plan="dispersal_powers_in_E13",
            starts={"E13": "2024-06"},
            rate_ratios={"violence_with_injury": 0.85},
            evaluated=False,
        ),
    ),
    as_hospital_data=frozenset({"assault_admissions"}),
    beside=True,
)

TEMPLATE = Example(
    seed=2026,
    panels={
        "violence_with_injury": PanelSpec(
            populations={
                "A01": 98_000,
                "A02": 87_000,
                "A03": 91_000,
                "A04": 104_000,
                "A05": 79_000,
                "A06": 83_000,
            },
            first_period="2021-04",
            n_periods=48,
            rate=0.9,
            season_amplitude=0.06,
        )
    },
    schemes=(
        Scheme(
            plan="first_plan",
            starts={"A01": "2023-10", "A02": "2023-10"},
            rate_ratios={"violence_with_injury": 0.80},
        ),
    ),
    answers=False,
)

FOLDERS = {"example": EXAMPLE, "template": TEMPLATE}


def simulate_example(example: Example) -> dict[str, tuple[pd.DataFrame, Truth]]:
    """Simulate every indicator of a review; returns indicator to (data as published, truth)."""
    simulated = {}
    for number, (indicator, panel) in enumerate(example.panels.items()):
        effects = tuple(
            TrueEffect(plan=scheme.plan, starts=scheme.starts, rate_ratio=scheme.rate_ratios[indicator])
            for scheme in example.schemes
            if indicator in scheme.rate_ratios
        )
        data, truth = simulate_panel(replace(panel, effects=effects), seed=(example.seed, number))
        if indicator in example.as_hospital_data:
            data = suppress_small_counts(data)
        simulated[indicator] = (data, truth)
    return simulated


def describe_truth(example: Example, truths: Mapping[str, Truth]) -> dict[str, object]:
    """The answers as plain JSON: realised effects of each plan after its washout, and the specifications."""
    plans = {}
    for scheme in example.schemes:
        indicators = {}
        for indicator in scheme.rate_ratios:
            mu, mu0 = truths[indicator].mu, truths[indicator].mu0
            effect = realised_effect(mu, mu0, scheme.plan, scheme.starts, washout=scheme.washout)
            indicators[indicator] = {key: value for key, value in asdict(effect).items() if key != "plan"}
        plans[scheme.plan] = {
            "simulated": True,
            "evaluated": scheme.evaluated,
            "treated": dict(scheme.starts),
            "washout": scheme.washout,
            "indicators": indicators,
        }
    return {
        "simulated": True,
        "note": NOTE,
        "regenerate": "python -m evaluation.evidence.simulate params/example",
        "seed": example.seed,
        "plans": plans,
        "spec": {indicator: asdict(truth.spec) for indicator, truth in truths.items()},
    }


def write_simulated_data(folder: str | Path) -> list[Path]:
    """Write the data (and the answers) of a shipped review; the name of the folder says which.

    Args:
        folder: A folder called ``example`` or ``template``; made when absent. Its files are replaced.

    Returns:
        The files written.

    Raises:
        ValueError: The folder has another name, so that a review with real data is never written over.
    """
    folder = Path(folder).resolve()
    if folder.name not in FOLDERS:
        raise ValueError(f"only folders called {' or '.join(FOLDERS)} hold simulated data, not {folder.name}")
    example = FOLDERS[folder.name]
    simulated = simulate_example(example)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    written = []
    for indicator, (data, _) in simulated.items():
        written.append(folder / "data" / f"{indicator}.csv")
        data.to_csv(written[-1], index=False, lineterminator="\n")
    if example.beside:
        tables = {indicator: data for indicator, (data, _) in simulated.items()}
        populations = next(iter(example.panels.values())).populations
        written += write_beside(folder, populations, tables, example.seed)
    if example.answers:
        truths = {indicator: truth for indicator, (_, truth) in simulated.items()}
        written.append(folder / "truth.json")
        text = json.dumps(_rounded(describe_truth(example, truths)), indent=2) + "\n"
        written[-1].write_text(text, encoding="utf-8", newline="\n")
    return written


def _rounded(value: object) -> object:
    """Six significant digits, so that the last bit of a processor's exponential does not change the file."""
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
