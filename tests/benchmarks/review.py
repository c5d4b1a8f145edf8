"""How long does a large review take? Fifty made-up plans of three indicators each: cold, unchanged, one plan changed.

uv run python tests/benchmarks/review.py [--plans 50] [--jobs 2]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from fits import pace

MONTHS = [f"{2017 + m // 12}-{m % 12 + 1:02d}" for m in range(96)]
INDICATORS = ("assaults", "robberies", "vehicle_crime")


def write_review(folder: Path, plans: int) -> None:
    """A review of so many interrupted time series, each in an area of its own."""
    for part in ("plans", "data"):
        (folder / part).mkdir(parents=True)
    codes = [f"B{i + 1:02d}" for i in range(plans)]
    settings = {"title": "Benchmark", "partnership": "Made-up county", "year": "2024-25", "simulated": True}
    write(folder / "review.yaml", settings)
    write(folder / "areas.yaml", {"areas": {c: {"name": f"Area {c}", "population": 120000} for c in codes}})
    about = {"unit": "offences", "direction": "lower_is_better", "source": "made up", "disclosure": "already_public", "licence": "made up"}  # fmt: skip
    write(folder / "indicators.yaml", {name: {"title": name.replace("_", " ").capitalize(), **about} for name in INDICATORS})  # fmt: skip
    rng = np.random.default_rng(1)
    for k, name in enumerate(INDICATORS):
        lines = ["area,period,count"]
        for code in codes:
            level = np.exp(rng.normal(3.6 - 0.4 * k, 0.3) + 0.1 * np.sin(2 * np.pi * np.arange(96) / 12))
            level[72:] *= 0.85 if name != "vehicle_crime" else 1.0
            lines += [f"{code},{month},{count}" for month, count in zip(MONTHS, rng.poisson(level), strict=True)]
        (folder / "data" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for code in codes:
        write(folder / "plans" / f"scheme_{code.lower()}.yaml", plan(code))


def plan(code: str, meaningful: float = 0.95) -> dict[str, object]:
    """One plan."""
    return {
        "id": f"scheme_{code.lower()}", "title": f"Scheme in {code}", "question": "Did assaults fall?", "design": "its",
        "theory_of_change": "More people on the street at the right time.",
        "indicators": {"primary": INDICATORS[0], "secondary": [INDICATORS[1]], "unaffected": [INDICATORS[2]]},
        "treated": {code: MONTHS[72]}, "period": {"start": MONTHS[0], "end": MONTHS[-1]},
        "effect": {"shape": "step", "meaningful": meaningful},
    }  # fmt: skip


def write(path: Path, content: object) -> None:
    """YAML."""
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def run(folder: Path, jobs: int) -> float:
    """Seconds of ``svd review``."""
    began = time.perf_counter()
    command = [sys.executable, "-c", "from evaluation.cli import main; main()", "review", str(folder), "--jobs", str(jobs)]  # fmt: skip
    done = subprocess.run(command)
    print(f"exit {done.returncode}", file=sys.stderr)
    return time.perf_counter() - began


def main() -> None:
    """Three runs of one review."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plans", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "review"
        write_review(folder, asked.plans)
        print(f"cold,{run(folder, asked.jobs):.1f}")
        print(f"unchanged,{run(folder, asked.jobs):.1f}")
        write(folder / "plans" / "scheme_b01.yaml", plan("B01", meaningful=0.9))
        print(f"one plan changed,{run(folder, asked.jobs):.1f}")
        print(f"ten million additions,{pace():.1f}")


if __name__ == "__main__":
    main()
