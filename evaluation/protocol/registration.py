"""The lock: what a plan promised on the day it was registered, and what was changed since.

The fingerprint is of what the file says, not of its layout: comments and the order of keys do not count.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.protocol.yaml_source import load_yaml
from evaluation.writing import write_whole


@dataclass(frozen=True)
class Registration:
    """One registration of a plan.

    Attributes:
        sha256: fingerprint of the content.
        registered: UTC time, ISO format.
        content: what the plan file said.
        results: UTC time of the oldest result of this plan that was stored by then; None if there was none.
    """

    sha256: str
    registered: str
    content: dict[str, Any]
    results: str | None = None


@dataclass(frozen=True)
class Change:
    """One key that is not as it was registered (None: not there).

    Attributes:
        key: path of keys, joined by dots.
        registered: value at registration.
        now: value now.
    """

    key: str
    registered: Any
    now: Any


def canonical(data: Any) -> str:
    """The one text for everything that says the same: JSON with sorted keys and no spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint(data: Any) -> str:
    """SHA-256 (hexadecimal) of the canonical text."""
    return hashlib.sha256(canonical(data).encode("utf-8")).hexdigest()


def plan_fingerprint(plan_file: Path) -> str:
    """Fingerprint of a plan file's content.

    Raises:
        InputError: if the file cannot be read.
    """
    return fingerprint(load_yaml(plan_file, f"plans/{plan_file.name}").data)


def lock_file(plan_file: Path) -> Path:
    """Where a plan's registrations are kept: `<plan>.lock.json` beside it."""
    return plan_file.with_suffix(".lock.json")


def read_registrations(plan_file: Path) -> list[Registration]:
    """All registrations of a plan, the first one first; empty if it was never locked.

    Raises:
        InputError: if the lock file was damaged.
    """
    path = lock_file(plan_file)
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["registrations"]
        found = [
            Registration(str(e["sha256"]), str(e["registered"]), dict(e["content"]), e.get("results")) for e in entries
        ]
        sound = all(fingerprint(entry.content) == entry.sha256 for entry in found)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        found, sound = [], False
    if not found or not sound:
        remedy = "Restore it from version control; if that cannot be, delete it and lock the plan again."
        raise InputError(
            [Problem(f"plans/{path.name}", "", "The lock file was changed by hand or is damaged.", remedy)]
        )
    return found


def register(plan_file: Path, now: datetime | None = None) -> Registration:
    """Register a plan as it stands. Registering it again adds an entry if it was changed; nothing is overwritten.

    Args:
        plan_file: the plan.
        now: the time to record; by default the clock's.
    """
    data = load_yaml(plan_file, f"plans/{plan_file.name}").data
    earlier = read_registrations(plan_file)
    if earlier and earlier[-1].sha256 == fingerprint(data):
        return earlier[-1]
    stamp = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = Registration(fingerprint(data), stamp, data, oldest_result(plan_file))
    entries = [
        {"registered": e.registered, "sha256": e.sha256, "content": e.content}
        | ({"results": e.results} if e.results else {})
        for e in [*earlier, entry]
    ]
    text = json.dumps({"plan": plan_file.stem, "registrations": entries}, indent=2, ensure_ascii=False)
    write_whole(lock_file(plan_file), text + "\n")
    return entry


def oldest_result(plan_file: Path) -> str | None:
    """UTC time of the oldest stored packet of a plan: what was known when the plan was registered.

    A result that was deleted leaves no trace; the lock cannot know of it.
    """
    shelf = plan_file.resolve().parent.parent / "_build" / "packets" / plan_file.stem
    names = sorted(place.name for place in shelf.iterdir() if place.is_dir()) if shelf.is_dir() else []
    stamps = [match[0] for name in names if (match := re.match(r"\d{8}T\d{6}Z", name))]
    return datetime.strptime(stamps[0], "%Y%m%dT%H%M%SZ").strftime("%Y-%m-%dT%H:%M:%SZ") if stamps else None


def changes_since_registration(plan_file: Path) -> list[Change]:
    """What differs from the FIRST registration, by key; empty if nothing does or the plan was never locked."""
    registrations = read_registrations(plan_file)
    if not registrations:
        return []
    return compare_contents(registrations[0].content, load_yaml(plan_file, f"plans/{plan_file.name}").data)


def compare_contents(content: Any, now: Any) -> list[Change]:
    """What differs between two contents of a plan file, by key."""
    before, after = _flat(content), _flat(now)
    keys = sorted(before.keys() | after.keys())
    return [Change(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _flat(data: Any, at: str = "") -> dict[str, Any]:
    """Leaves by dotted key; lists count as leaves."""
    if not isinstance(data, dict):
        return {at: data}
    found: dict[str, Any] = {}
    for key, value in data.items():
        found |= _flat(value, f"{at}.{key}" if at else str(key))
    return found
