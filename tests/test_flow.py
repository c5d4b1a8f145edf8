"""A plan all the way to its packet, on two areas: computed once, found again, the same with the same seed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.example_review import write_review

pytestmark = pytest.mark.slow


def tiny(folder: Path, seed: int = 2025) -> Path:
    """A review of one ITS with one indicator; returns its plan."""
    write_review(
        folder,
        review={"seed": seed},
        indicators={"admissions": None},
        outreach={"design": "its", "comparison": None, "indicators": {"secondary": None}},
        data={"admissions.csv": None},
    )
    return folder / "plans" / "outreach.yaml"


def run(plan: Path) -> tuple[Path, str]:
    """`svd run` in a process of its own: the packet folder, which is the last line, and all that was said."""
    command = [sys.executable, "-c", "from evaluation.cli import main; main()", "run", str(plan), "--profile", "draft"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return Path(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def fits(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "_build" / "fits").iterdir()}


def finding(packet: Path) -> dict[str, Any]:
    return json.loads((packet / "finding.json").read_text(encoding="utf-8"))


def test_run_samples_once_and_finds_the_same_again(tmp_path: Path) -> None:
    plan = tiny(tmp_path / "one")
    packet, said = run(plan)
    assert packet.is_dir()
    assert packet.parent == tmp_path / "one" / "_build" / "packets" / "outreach"
    assert {"plan.yaml", "finding.json", "effects.csv", "checks.csv", "report.ipynb", "run.json"} <= {
        p.name for p in packet.iterdir()
    }
    first = finding(packet)
    assert first["profile"] == "draft"
    entry = first["indicators"]["assaults"]
    assert entry["headline"] in said
    assert re.search(r"indicators 1 of 1", said)
    assert entry["n_treated"] == entry["n_areas"] == 2
    assert entry["rate_ratio"]["lower"] < entry["rate_ratio"]["median"] < entry["rate_ratio"]["upper"]
    assert entry["confidence"] == "low", "a draft"
    kept = fits(tmp_path / "one")
    assert len(kept) == 1

    again, _ = run(plan)
    assert fits(tmp_path / "one") == kept, "nothing was sampled"
    assert (again / "finding.json").read_bytes() == (packet / "finding.json").read_bytes()

    from evaluation.flow import evaluate

    elsewhere = evaluate(tiny(tmp_path / "two"), "draft")
    assert set(fits(tmp_path / "two")) == set(kept), "the same question has the same name anywhere"
    assert json.loads(json.dumps(elsewhere.finding)) == first, "the same seed gives the same finding"

    shutil.rmtree(tmp_path / "two")
    other = evaluate(tiny(tmp_path / "two", seed=1), "draft").finding["indicators"]["assaults"]
    assert other["rate_ratio"] != entry["rate_ratio"], "another seed gives other draws"
    assert other["rate_ratio"]["median"] == pytest.approx(entry["rate_ratio"]["median"], abs=0.05)
