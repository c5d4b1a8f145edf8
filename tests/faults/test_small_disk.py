"""A real disk without room, and a folder that may only be read: what is said, and that what was there is still there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from evaluation.errors import InputError, explain, storage_fault
from evaluation.inference.engine import Store
from evaluation.inference.workers import employ
from evaluation.occupancy import occupy
from evaluation.publication.packet import latest_packets, write_packet
from evaluation.writing import write_whole
from tests.faults import accidents
from tests.faults.accidents import WRITES_DRAWS, order
from tests.protocol.example_review import write_review
from tests.publication.fixture import evaluation

ROOM = 256 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("a small disk can be mounted by the superuser of Linux only")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave no room at all."""
    with (disk / "ballast").open("wb", buffering=0) as stream:
        try:
            while stream.write(b"\0" * 4096):
                pass
        except OSError:
            pass


def test_draws_that_do_not_fit_are_not_half_there(disk: Path) -> None:
    """The library that stores draws has messages of its own for a full disk, and crashes afterwards."""
    with pytest.raises(OSError) as stopped:
        employ([[order(WRITES_DRAWS)]], disk, 1, 1, accidents.work, lambda done, total: None)
    said = explain(stopped.value)
    assert said == [
        "svd stopped: The disk is full.",
        "Make room and run the same command again: what was finished is kept.",
    ]
    assert not Store(disk).has("key")


def test_a_packet_that_does_not_fit_is_not_there(disk: Path) -> None:
    draws = xr.Dataset({"mu": (("draw",), np.random.default_rng(1).normal(size=100_000))})
    whole = evaluation(disk)
    with pytest.raises(OSError) as stopped:
        write_packet(disk, whole, None, draws)
    assert storage_fault(stopped.value) == "The disk is full"
    assert latest_packets(disk) == {} and not list((disk / "_build").rglob(".writing-*"))
    assert write_packet(disk, whole, None, draws.isel(draw=slice(0, 100))).is_dir()


def test_a_text_that_does_not_fit_leaves_the_old_one(disk: Path) -> None:
    place = write_whole(disk / "lock.json", "old\n")
    fill(disk)
    with pytest.raises(OSError) as stopped:
        write_whole(place, "new" * 100_000)
    assert storage_fault(stopped.value) == "The disk is full"
    assert place.read_text(encoding="utf-8") == "old\n"
    assert sorted(path.name for path in disk.iterdir()) == ["ballast", "lock.json"]


def test_a_full_disk_is_said_before_anything_is_computed(disk: Path) -> None:
    folder = write_review(disk / "r")
    fill(disk)
    with pytest.raises(InputError) as refused, occupy(folder):
        pass
    assert "cannot be written here (No space left on device)" in str(refused.value)
    assert "with room on its disk" in str(refused.value)
    (disk / "ballast").unlink()
    with occupy(folder):
        pass


def without_privilege() -> list[str]:
    """How to run a command that obeys permissions, even if a superuser runs it."""
    if os.name != "posix":
        pytest.skip("permissions of a folder are a matter of POSIX")
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("the superuser may write everywhere, and setpriv is not here to give that up")
    return [
        "setpriv",
        "--bounding-set",
        "-dac_override,-dac_read_search",
        "--inh-caps",
        "-dac_override,-dac_read_search",
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["lock", "plans/outreach.yaml"],
        pytest.param(["run", "plans/outreach.yaml", "--profile", "draft"], marks=pytest.mark.slow),
    ],
)
def test_a_folder_that_may_only_be_read_is_said_to_be_so(command: list[str], tmp_path: Path) -> None:
    privilege = without_privilege()
    folder = write_review(tmp_path / "r")
    name, *rest = command
    arguments = [str(folder / rest[0]), *rest[1:]] if rest else [str(folder)]
    for place in (folder, folder / "plans"):
        place.chmod(0o500)
    before = sorted(folder.rglob("*"))
    try:
        done = subprocess.run(
            [*privilege, sys.executable, "-c", "from evaluation.cli import main; main()", name, *arguments],
            capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
        )  # fmt: skip
    finally:
        for place in (folder, folder / "plans"):
            place.chmod(0o700)
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "fault of ours" not in done.stderr
    assert (
        "Copy the review to a folder that you may write to" in done.stderr
        or "copy the review to a folder" in done.stderr
    )
    assert sorted(folder.rglob("*")) == before
