"""One import from beginning to end: read, choose, regroup, file, and say what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.revisions import describe_revision, touched_plans
from evaluation.evidence.sources.extract import Extract
from evaluation.evidence.sources.filing import Filed, as_key, choose_measures, file_extract
from evaluation.evidence.sources.registry import SOURCES
from evaluation.evidence.sources.regrouping import Regrouping, regroup
from evaluation.protocol.loading import gather


@dataclass(frozen=True)
class Request:
    """What is to be done with a publication.

    Attributes:
        source: its name in the registry.
        into: the review folder.
        indicator: key to file under; several measures are added up.
        measures: those wanted; all where empty.
        retrieved: date of the download, YYYY-MM-DD.
        options: recorded in the provenance.
        regrouping: to other areas than those of the publication.
    """

    source: str
    into: Path
    indicator: str | None = None
    measures: tuple[str, ...] = ()
    retrieved: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    regrouping: Regrouping | None = None


def import_source(read: Callable[[], Extract], request: Request) -> list[str]:
    """Carry out an import.

    Args:
        read: reads the publication.
        request: what is to be done with it.

    Returns:
        What was done, line by line.

    Raises:
        InputError: with every problem; then nothing was written.
    """
    _require_sound(request)
    extract = read()
    choose_measures(extract, list(request.measures))
    options = dict(request.options)
    if request.regrouping is not None:
        regroup(extract, request.regrouping)
        options |= {
            "lookup": request.regrouping.lookup.name,
            "from": request.regrouping.source,
            "to": request.regrouping.target,
            "weight": request.regrouping.weight,
        }
    filed = file_extract(
        extract,
        SOURCES[request.source],
        request.into,
        indicator=request.indicator,
        retrieved=request.retrieved,
        options=options,
    )
    return _describe(extract, filed, request)


def _require_sound(request: Request) -> None:
    problems = []
    if request.into.exists() and not request.into.is_dir():
        problems.append(Problem("--into", "", f"{request.into} is a file.", "Name a review folder."))
    key = request.indicator
    if key is not None and key != as_key(key):
        remedy = f"Use small letters, figures and underscores: {as_key(key)}."
        problems.append(Problem("--indicator", "", f"'{key}' cannot be a key.", remedy))
    if request.retrieved is not None:
        try:
            date.fromisoformat(request.retrieved)
        except ValueError:
            found = f"'{request.retrieved}' is not a date."
            problems.append(Problem("--retrieved", "", found, "Write --retrieved 2026-07-31."))
    if problems:
        raise InputError(problems)


def _describe(extract: Extract, filed: list[Filed], request: Request) -> list[str]:
    into = request.into
    ledger = extract.ledger
    lines = [f"{ledger.rows_in:,} rows read, {ledger.counted:,} counted."]
    lines += [f"  left out: {rows:,}: {reason}" for reason, rows in ledger.dropped.items()]
    lines += [f"  left out of the result: {cells:,} cells: {reason}" for reason, cells in extract.left_out.items()]
    lines += [f"note: {note}" for note in extract.notes]
    for item in filed:
        lines.append(f"{item.path}: {item.rows:,} rows, {len(item.areas):,} areas")
        lines += [f"  {line}" for line in (describe_revision(item.revision) if item.revision else [])]
        lines += [f"  {line}" for line in _touched(into, item)]
    if request.source == "population":
        lines.append(
            "It is used from now on: every count without an exposure of its own is set against people x days of its month. "
            "Nothing needs to be written into indicators.yaml."
        )
    elif not (into / "indicators.yaml").is_file() or len(filed) == 1:
        lines.append("In indicators.yaml (give it a unit and a definition):")
        lines.append("".join(item.entry for item in filed[:3]).rstrip())
    return lines


def _touched(into: Path, item: Filed) -> list[str]:
    """Which findings a revision touches, if the folder is a review that can be read."""
    if item.revision is None or not item.revision.changed or not (into / "review.yaml").is_file():
        return []
    touched = touched_plans(gather(into).review, item.indicator, item.revision)
    return [f"touches {plan}: {sentence}" for plan, sentence in touched.items()]
