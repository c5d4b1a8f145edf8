"""Names that become names of files: plans and indicators. The same on every computer, whatever its file system."""

from __future__ import annotations

import re

from evaluation.protocol.suggest import quote

SLUG = re.compile(r"[a-z0-9_]+")
# Of a path of 260 signs, which is all that Windows allows unless told otherwise, the longest that is made below a review
# folder then takes 160 (tests/test_portability.py): a chart is named after its plan and its indicator.
LONGEST = 40
# Names that Windows keeps for devices, with any ending.
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def as_slug(text: str) -> str:
    """The text as small letters, figures and underscores."""
    slug = re.sub(r"[^a-z0-9]+", "_", text.casefold())[:LONGEST].strip("_") or "my_plan"
    return f"{slug}_" if slug in RESERVED else slug


def slug_fault(text: str, what: str) -> tuple[str, str] | None:
    """What is wrong with a text as ``what`` (`an id`, `a key`), and what would do; None if nothing is."""
    cannot = f"{quote(text)} cannot be {what}"
    if not SLUG.fullmatch(text):
        return f"{cannot}.", f"Use small letters, figures and underscores: {as_slug(text)}."
    if text in RESERVED:
        return f"{cannot}: Windows keeps this name for itself.", f"Use another: {as_slug(text)}."
    if len(text) > LONGEST:
        found = f"{cannot}: it has {len(text)} signs, and names of files are made of it."
        return found, f"Use at most {LONGEST}: {as_slug(text)}."
    return None


def file_form(code: str) -> str:
    """What is left of a free text, such as an area's code, in the name of a file on any computer."""
    return re.sub(r"[^a-z0-9_-]+", "-", code.casefold()).strip("-")[:LONGEST]
