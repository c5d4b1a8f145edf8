"""A review folder made and used as a user does: `svd new`, an editor, `svd check`, `svd run`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from typer.testing import CliRunner

from evaluation.cli import app


@dataclass(frozen=True)
class RunResult:
    """What one `svd run` left behind.

    Attributes:
        packet: its folder, as printed in the last line.
        finding: finding.json.
        effects: effects.csv.
        seconds: wall clock of the whole command, compilation and report included.
    """

    packet: Path
    finding: dict[str, Any]
    effects: pd.DataFrame
    seconds: float

    def entry(self, indicator: str) -> dict[str, Any]:
        """The finding on one indicator."""
        return self.finding["indicators"][indicator]


def new_review(folder: Path, title: str, partnership: str, year: str) -> Path:
    """`svd new`, then what a user does first: say who they are, and take the made-up sample out."""
    svd("new", str(folder))
    lines = (folder / "review.yaml").read_text(encoding="utf-8").splitlines()
    own = {"title": title, "partnership": partnership, "year": year}
    edited = []
    for line in lines:
        key = line.split(":")[0]
        if key == "simulated":
            continue
        edited.append(f"{key}: {own[key]}" if key in own else line)
    (folder / "review.yaml").write_text("\n".join(edited) + "\n", encoding="utf-8")
    for sample in (*(folder / "data").iterdir(), *(folder / "plans").iterdir()):
        sample.unlink()
    return folder


def write_areas(
    folder: Path,
    areas: Mapping[str, tuple[str, float | None]],
    groups: Mapping[str, tuple[list[str], str]] | None = None,
) -> None:
    """areas.yaml: code -> (name, population), and groups with their reasons."""
    lines = ["areas:"]
    for code, (name, population) in areas.items():
        people = "" if population is None else f", population: {population:.0f}"
        lines.append(f'  "{code}": {{name: "{name}"{people}}}')
    if groups:
        lines.append("groups:")
    for name, (codes, because) in (groups or {}).items():
        listed = ", ".join(f'"{code}"' for code in codes)
        lines += [f"  {name}:", f"    areas: [{listed}]", f"    because: {because}"]
    (folder / "areas.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_plan(folder: Path, plan_id: str, text: str) -> Path:
    """plans/<id>.yaml: the id, then the text."""
    path = folder / "plans" / f"{plan_id}.yaml"
    path.write_text(f"id: {plan_id}\n{text}", encoding="utf-8")
    return path


def svd(*arguments: str, exit_code: int = 0) -> str:
    """One command; its standard output."""
    done = CliRunner().invoke(app, list(arguments))
    if done.exit_code != exit_code:
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        raise AssertionError(f"svd {' '.join(arguments)} ended with {done.exit_code}:\n{done.output}")
    return done.stdout


def check(folder: Path) -> str:
    """`svd check`: everything must be in order."""
    return svd("check", str(folder))


def run(plan: Path, profile: str = "publish") -> RunResult:
    """`svd run`, and the packet read back from the folder that its last line names."""
    began = time.perf_counter()
    out = svd("run", str(plan), "--profile", profile)
    return read(Path(out.strip().splitlines()[-1]), time.perf_counter() - began)


def read(packet: Path, seconds: float = float("nan")) -> RunResult:
    """A packet's finding and effects."""
    finding = json.loads((packet / "finding.json").read_text(encoding="utf-8"))
    effects = pd.read_csv(packet / "effects.csv", dtype={"cohort": str, "period": str})
    return RunResult(packet, finding, effects, seconds)


def newest_packet(folder: Path, plan_id: str) -> Path:
    """The last packet of a plan; packets are named by their time."""
    return max((folder / "_build" / "packets" / plan_id).glob("[0-9]*"))


def say(summary: Mapping[str, float], digits: int = 3) -> str:
    """`0.894 (0.865 to 0.925)`."""
    return f"{summary['median']:.{digits}f} ({summary['lower']:.{digits}f} to {summary['upper']:.{digits}f})"
