"""Stored results of calibration runs: one CSV for each study, with the date, commit and versions that made it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from evaluation import resources
from evaluation.inference.engine import library_versions

FOLDER = Path("methods") / "calibration"
MEASURED = ("models", "evaluation/inference", "evaluation/judgement", "evaluation/calibration")


def stored_folder() -> Path:
    """Where the results that travel with the program are."""
    return resources.folder("book") / FOLDER


@dataclass(frozen=True)
class Stamp:
    """What made a run's results, noted when the run starts: the program must not change under it unseen."""

    date: str
    commit: str
    versions: str


def take_stamp() -> Stamp:
    """The date, the software's commit and the libraries' versions now."""
    versions = " ".join(f"{name} {version}" for name, version in library_versions().items())
    return Stamp(f"{datetime.now(UTC):%Y-%m-%d}", commit() or "unknown", versions)


def write_results(table: pd.DataFrame, name: str, folder: Path, stamp: Stamp) -> Path:
    """Write one study's rows with the stamp of their run; written aside, then moved."""
    folder.mkdir(parents=True, exist_ok=True)
    stamped = table.assign(**asdict(stamp))
    place = folder / f"{name}.csv"
    part = place.with_suffix(".part")
    stamped.to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
    os.replace(part, place)
    return place


def read_results(name: str, folder: Path | None = None) -> pd.DataFrame | None:
    """The stored rows of one study, or None where it was never run."""
    place = (folder or stored_folder()) / f"{name}.csv"
    return pd.read_csv(place) if place.is_file() else None


def commit() -> str | None:
    """The software's commit when it runs from a checkout, with a plus where files had been changed since."""
    root = resources.PACKAGE.parent
    if not (root / ".git").exists():
        return None
    try:
        said = [
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, encoding="utf-8", timeout=10, check=True).stdout
            for words in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", *MEASURED])
        ]  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return said[0].strip() + ("+" if said[1].strip() else "")
