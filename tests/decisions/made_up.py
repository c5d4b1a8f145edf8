"""A made-up partnership whose schemes each show one thing that a commissioner has to be told.

* `navigators` (did): recorded violence rises while admissions fall (the Cardiff pattern); a buffer area; locked late.
* `mentors` (its): a benefit, though hardly anything was delivered.
* `posters` (its): delivered in full, no effect.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

AREAS = [f"T{n:02d}" for n in range(1, 10)]
START = "2021-01"
REVIEW: dict[str, Any] = {
    "title": "Annual strategy review", "partnership": "Decisionshire", "year": "2023-24", "simulated": True,
    "contact": "svd@decisionshire.example", "authorities": ["Decisionshire Police"], "budget": {"total": 300_000},
}  # fmt: skip
INDICATORS: dict[str, Any] = {
    "violence": {"title": "Recorded violence", "unit": "offences", "recorded_by": "police", "harm": "violence",
                 "unit_cost": {"offence": "violence_with_injury"},
                 "severity": {"weight": 10, "scale": "days", "source": "made up"}},
    "admissions": {"title": "Admissions for assault", "unit": "admissions", "recorded_by": "hospital", "harm": "violence",
                   "severity": {"weight": 100, "scale": "days", "source": "made up"}},
    "burglary": {"title": "Burglary", "unit": "offences", "recorded_by": "police",
                 "unit_cost": {"offence": "domestic_burglary"}},
}  # fmt: skip
PERIOD = {"start": "2019-01", "end": "2023-12"}
PLANS: dict[str, dict[str, Any]] = {
    "navigators": {
        "title": "Hospital navigators", "question": "Did navigators reduce violence?", "design": "did", "kind": "navigation",
        "theory_of_change": "Help at the bedside.", "moderators": "Better for the young.", "implementation": "One nurse a ward.",
        "indicators": {"primary": "violence", "secondary": ["admissions"], "harm": ["violence", "admissions"]},
        "treated": {"T01": "2022-01", "T02": "2022-01"},
        "comparison": {"areas": ["T05", "T06", "T07", "T08", "T09"]},
        "displacement": {"buffer": ["T03"], "because": "It lies between the two."},
        "costs": {"total": 150_000, "price_year": "2022-23"},
        "delivery": {"planned": 100, "delivered": 95, "unit": "patients"},
        "period": PERIOD, "effect": {"shape": "step", "meaningful": 0.95},
    },
    "mentors": {
        "title": "Mentors", "question": "Did mentors reduce burglary?", "design": "its",
        "indicators": {"primary": "burglary"}, "treated": {"T04": "2022-01"},
        "costs": {"total": 40_000, "price_year": "2022-23"},
        "delivery": {"planned": 200, "delivered": 10, "unit": "sessions"},
        "period": PERIOD, "effect": {"shape": "step", "meaningful": 0.95},
    },
    "posters": {
        "title": "Posters", "question": "Did posters reduce burglary?", "design": "its",
        "indicators": {"primary": "burglary"}, "treated": {"T05": "2022-01"},
        "costs": {"total": 40_000, "price_year": "2031-32"},
        "delivery": {"planned": 10, "delivered": 10, "unit": "posters"},
        "period": PERIOD, "effect": {"shape": "step", "meaningful": 0.95},
    },
}  # fmt: skip
# True rate ratios from January 2022: indicator -> area -> ratio.
TRUTH = {
    "violence": {"T01": 1.35, "T02": 1.35, "T03": 1.2},
    "admissions": {"T01": 0.6, "T02": 0.6},
    "burglary": {"T04": 0.6},
}
MEAN = {"violence": 120.0, "admissions": 60.0, "burglary": 150.0}


def months(last: str) -> list[str]:
    return [f"{y}-{m:02d}" for y in range(2019, 2026) for m in range(1, 13) if f"{y}-{m:02d}" <= last]


def write(folder: Path, last: str = "2023-12", revised: float = 1.0, **settings: Any) -> Path:
    """Write the review; counts known to `last`, those of burglary in T04 after its start times `revised`."""
    for part in ("plans", "data"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    areas = {"areas": {code: {"name": f"Town {code}", "population": 50_000} for code in AREAS}}
    for name, content in (("review", REVIEW | settings), ("areas", areas), ("indicators", INDICATORS)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    for plan_id, plan in PLANS.items():
        write_plan(folder, plan_id, plan | {"period": PERIOD | {"end": last}})
    for number, key in enumerate(INDICATORS):
        (folder / "data" / f"{key}.csv").write_text(_counts(key, number, months(last), revised), encoding="utf-8")
    return folder


def write_plan(folder: Path, plan_id: str, plan: dict[str, Any]) -> Path:
    path = folder / "plans" / f"{plan_id}.yaml"
    path.write_text(yaml.safe_dump({"id": plan_id} | plan, sort_keys=False), encoding="utf-8")
    return path


def _counts(key: str, number: int, periods: list[str], revised: float) -> str:
    rows = ["area,period,count"]
    for place, code in enumerate(AREAS):
        rng = np.random.default_rng((7, number, place))  # what is drawn for a month does not hang on how many there are
        for month, period in enumerate(periods):
            ratio = TRUTH[key].get(code, 1.0) if period >= "2022-01" else 1.0
            again = revised if key == "burglary" and code == "T04" and period >= "2022-01" else 1.0
            mean = MEAN[key] * (1 + 0.1 * np.sin(2 * np.pi * month / 12)) * ratio
            rows.append(f"{code},{period},{round(again * rng.poisson(mean))}")
    return "\n".join(rows) + "\n"
