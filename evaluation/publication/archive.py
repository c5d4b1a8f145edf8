"""A review kept for next year: what it was made from, and what it found.

An archive is a zip file: `inputs/` (YAML, locks, tables and data), `packets/<plan>/` (the newest packet of each plan,
without draws and notebooks), `uv.lock` where the program ran from a checkout, and `manifest.json` with the SHA-256 of
each file. Seeds and versions stand in the packets' `run.json`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.population import population_files
from evaluation.evidence.sources.filing import provenance_file
from evaluation.evidence.tidy import find_data
from evaluation.judgement.prices import own_tables
from evaluation.protocol import Review, indicator_roles, load_review
from evaluation.protocol.registration import lock_file
from evaluation.publication.packet import REQUIRED, latest_packets

MANIFEST = "manifest.json"
LARGEST = 1 << 30  # bytes that an archive may unpack to; a county's review has some megabytes
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, RuntimeError)


def write_archive(folder: Path, into: Path) -> Path:
    """Archive a review: written aside, then renamed.

    Raises:
        InputError: the review has faults, nothing was evaluated yet, or the file exists.
    """
    review = load_review(folder)
    newest = latest_packets(folder, "publish") or latest_packets(folder)
    problems = []
    if into.exists():
        problems.append(Problem(into.name, "", "This file exists.", "Choose another name; nothing was written."))
    if not newest:
        problems.append(Problem(folder.name, "", "Nothing has been evaluated yet.", "Run: svd review."))
    if problems:
        raise InputError(problems)
    files = {f"inputs/{path.relative_to(folder).as_posix()}": path for path in _inputs(folder, review)}
    for plan_id, place in newest.items():
        files |= {f"packets/{plan_id}/{name}": place / name for name in REQUIRED}
    if (lock := Path(__file__).resolve().parents[2] / "uv.lock").is_file():
        files["uv.lock"] = lock
    into.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=into.parent, suffix=".part")
    os.close(handle)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as made:
            hashes = {}
            for name, path in sorted(files.items()):
                content = path.read_bytes()
                hashes[name] = hashlib.sha256(content).hexdigest()
                made.writestr(name, content)
            about = {"year": review.settings.year, "partnership": review.settings.partnership, "sha256": hashes}
            made.writestr(MANIFEST, json.dumps(about, indent=1, ensure_ascii=False))
        os.replace(part, into)
    finally:
        Path(part).unlink(missing_ok=True)
    return into


def _inputs(folder: Path, review: Review) -> Iterator[Path]:
    for name in ("review.yaml", "areas.yaml", "indicators.yaml"):
        yield folder / name
    yield from own_tables(folder)
    yield from population_files(folder)
    # A review whose indicators name a definition of its own cannot be read without it.
    yield from (path for name in ("shocks.csv", "definitions.yaml") if (path := folder / name).is_file())
    for path in review.plan_files.values():
        yield path
        if lock_file(path).is_file():
            yield lock_file(path)
    used = dict.fromkeys(key for plan in review.plans.values() for key in indicator_roles(plan))
    for key in used:
        data = find_data(folder, review.indicators[key])
        if data is not None and data.is_relative_to(folder):
            yield data
        if (record := provenance_file(folder, key)).is_file():
            yield record


def open_archive(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the files of an archive.

    Raises:
        InputError: not an archive, a file is missing, was added or was changed.
    """
    remedy = "Use an archive made by svd archive, as it was made."
    try:
        with zipfile.ZipFile(path) as stored:
            if sum(info.file_size for info in stored.infolist()) > LARGEST:
                raise ValueError("it would unpack to more than any review")
            files = {name: stored.read(name) for name in stored.namelist()}
        about = json.loads(files.pop(MANIFEST))
        hashes = dict(about["sha256"])
    except DAMAGED as error:
        raise InputError([Problem(path.name, "", "This is not an archive of a review.", remedy)]) from error
    problems = [Problem(path.name, name, "The file is missing.", remedy) for name in hashes if name not in files]
    for name, content in files.items():
        if name not in hashes:
            problems.append(Problem(path.name, name, "The file was added after the archive was made.", remedy))
        elif hashlib.sha256(content).hexdigest() != hashes[name]:
            problems.append(Problem(path.name, name, "The file was changed after the archive was made.", remedy))
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            problems.append(Problem(path.name, name, "The file would be unpacked outside its folder.", remedy))
    if problems:
        raise InputError(problems)
    return about, files


def read_findings(path: Path) -> dict[str, dict[str, Any]]:
    """What an archived review found: plan id -> ``finding``, ``run`` and ``plan`` (what its file said).

    Raises:
        InputError: as :func:`open_archive`, or a packet cannot be read.
    """
    import yaml

    _, files = open_archive(path)
    found: dict[str, dict[str, Any]] = {}
    for name in files:
        parts = PurePosixPath(name).parts
        if len(parts) == 3 and parts[0] == "packets" and parts[2] == "finding.json":
            stem = f"packets/{parts[1]}/"
            try:
                found[parts[1]] = {
                    "finding": json.loads(files[f"{stem}finding.json"]),
                    "run": json.loads(files[f"{stem}run.json"]),
                    "plan": plan_source(files[f"{stem}plan.yaml"]),
                }
            except (*DAMAGED, RecursionError, yaml.YAMLError) as error:
                remedy = "Use an archive made by svd archive, as it was made."
                raise InputError([Problem(path.name, stem, "This packet cannot be read.", remedy)]) from error
    return found


def plan_source(content: bytes) -> Any:
    """What a plan's file says, every scalar as text: codes and periods must not become numbers or dates."""
    import yaml

    return yaml.load(content.decode("utf-8"), Loader=yaml.BaseLoader)
