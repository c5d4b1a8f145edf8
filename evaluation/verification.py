"""The proof that every figure of an archived review can be made again, from its own inputs and seeds."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from evaluation import flow
from evaluation.errors import InputError, Problem
from evaluation.publication.archive import open_archive, read_findings
from evaluation.publication.evaluated import as_json

# Two runs on one machine agree to the last bit; another processor may round its exponentials otherwise.
TOLERANCE = 1e-6


def verify_archive(path: Path, only: list[str], tell: Callable[[str], None]) -> list[str]:
    """Evaluate an archived review again from its own inputs and seeds, and compare every figure.

    Args:
        path: the archive.
        only: ids of the plans to recompute; all when empty.
        tell: takes one line of news.

    Returns:
        What differs, one line a figure; empty if everything was reproduced.

    Raises:
        InputError: this is no archive of a review, or it does not hold the plan.
    """
    _, files = open_archive(path)
    tell(f"{len(files)} files are as they were archived.")
    kept = read_findings(path)
    if unknown := sorted(set(only) - kept.keys()):
        remedy = f"Plans in it: {', '.join(kept)}."
        raise InputError([Problem(path.name, "", f"There is no plan {', '.join(unknown)} in the archive.", remedy)])
    differences: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "review"
        for name, content in files.items():
            if name.startswith("inputs/"):
                place = folder / name.removeprefix("inputs/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        for plan_id, stored in kept.items():
            if only and plan_id not in only:
                continue
            finding = recompute(folder, plan_id, stored["finding"]["profile"])
            found = list(compare(stored["finding"], finding))
            differences += [f"{plan_id}: {line}" for line in found]
            tell(f"{plan_id}: {'every figure is the same' if not found else f'{len(found)} figures differ'}")
    return differences


def recompute(folder: Path, plan_id: str, profile: str) -> dict[str, Any]:
    """The finding of one plan, from nothing but the folder."""
    return as_json(flow.evaluate(folder / "plans" / f"{plan_id}.yaml", profile).finding)  # type: ignore[no-any-return]


def compare(stored: Any, now: Any, at: str = "") -> Iterator[str]:
    """Where two findings differ: numbers beyond a relative difference of 1e-6, anything else at all."""
    if isinstance(stored, dict) and isinstance(now, dict):
        for key in sorted(stored.keys() | now.keys()):
            where = f"{at}.{key}" if at else key
            if key not in stored or key not in now:
                yield f"{where} is only in the {'archive' if key in stored else 'new run'}"
            else:
                yield from compare(stored[key], now[key], where)
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for number, (one, other) in enumerate(zip(stored, now, strict=True)):
            yield from compare(one, other, f"{at}[{number}]")
    elif isinstance(stored, float | int) and isinstance(now, float | int) and not isinstance(stored, bool):
        if not math.isclose(stored, now, rel_tol=TOLERANCE, abs_tol=1e-12):
            yield f"{at} was {stored:g}, is {now:g}"
    elif stored != now:
        yield f"{at} was {stored!r}, is {now!r}"[:300]
