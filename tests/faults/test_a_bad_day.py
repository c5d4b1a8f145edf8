"""One review on a bad day: a kernel dies, a fit never ends, a worker runs out of memory; everything else is done, and said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluation.flow import seed_of
from evaluation.protocol import load_review
from evaluation.publication.packet import latest_packets
from tests.protocol.example_review import plan_like_outreach, write_review

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.name != "posix", reason="a process is killed by POSIX means"),
]
KERNEL_DIES, NEVER_ENDS, NO_MEMORY, FINE = "a_kernel_dies", "b_never_ends", "c_no_memory", "d_fine"


class Words(HTMLParser):
    def __init__(self, page: Path) -> None:
        super().__init__()
        self.all = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_data(self, data: str) -> None:
        self.all += data


def test_what_fails_is_said_and_the_rest_is_published(tmp_path: Path) -> None:
    names = (KERNEL_DIES, NEVER_ENDS, NO_MEMORY, FINE)
    plans = {
        name: plan_like_outreach(
            id=name, title=f"Scheme {name}", design="its", comparison=None, indicators={"secondary": None}
        )
        for name in names
    }
    folder = write_review(
        tmp_path / "r", plans=plans, raw={"plans/outreach.yaml": None}, indicators={"admissions": None},
        data={"admissions.csv": None},
    )  # fmt: skip
    review = load_review(folder)
    seeds = {name: str(seed_of(review, name, "assaults", "fit")) for name in names}
    environment = os.environ | {
        "SVD_TEST_ACCIDENTS": json.dumps({seeds[NEVER_ENDS]: "hang", seeds[NO_MEMORY]: "die"}),
        "SVD_TEST_KERNEL_DIES": str(tmp_path / "kernel-died"),
        "SVD_TEST_QUICK": "plans",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).with_name("doomed_kernel")), str(Path.cwd())]),
    }
    command = [sys.executable, "-m", "tests.faults.stand_in", "review", str(folder), "--profile", "draft"]
    done = subprocess.run(
        [*command, "--jobs", "1", "--fit-minutes", "0.2"],
        capture_output=True, text=True, encoding="utf-8", env=environment, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Traceback" not in done.stderr and "BrokenProcessPool" not in done.stderr
    failed = {line.split(": ")[1]: line for line in done.stderr.splitlines() if line.startswith("failed: ")}
    assert set(failed) == {KERNEL_DIES, NEVER_ENDS, NO_MEMORY}
    assert "its kernel died, most often because the computer has too little memory" in failed[KERNEL_DIES]
    assert "took longer than 0.2 minutes and was stopped" in failed[NEVER_ENDS]
    assert "signal 9" in failed[NO_MEMORY] and "too little memory" in failed[NO_MEMORY]

    packets = latest_packets(folder)
    assert set(packets) == {NEVER_ENDS, NO_MEMORY, FINE}, "a report whose kernel died is not one"
    found = {name: json.loads((place / "finding.json").read_text(encoding="utf-8")) for name, place in packets.items()}
    ratings = {name: finding["indicators"]["assaults"]["rating"] for name, finding in found.items()}
    assert ratings[NEVER_ENDS] == ratings[NO_MEMORY] == "failed"
    assert ratings[FINE] != "failed"
    html = folder / "_build" / "html"
    said = {name: Words(html / "interventions" / f"{name}.html").all for name in names}
    assert "could not be evaluated" in said[KERNEL_DIES] and "its kernel died" in said[KERNEL_DIES]
    assert "took longer than 0.2 minutes" in said[NEVER_ENDS]
    assert "too little memory" in said[NO_MEMORY]
    assert found[FINE]["indicators"]["assaults"]["headline"] in said[FINE]
