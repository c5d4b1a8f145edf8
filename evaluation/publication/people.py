"""Sizes as numbers of events, for readers who think in people and not in rates: `about 1,500 fewer, between 710 and 2,200`."""

import math
from typing import Any

from evaluation.publication import numbers as say


def whole(value: float) -> str:
    """A number of events without false precision: two figures from 100, whole below, and never 0 for what is not 0."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.5:
        return "under 1"
    if size >= 99.5:
        size = round(size, 1 - math.floor(math.log10(size)))
    return f"{size:,.0f}"


def events(summary: say.Summary, unit: str) -> str:
    """Events averted as people say it, with their range; positive is averted.

    Args:
        summary: median, lower and upper.
        unit: what is counted, in the plural.

    Returns:
        `about 1,500 fewer offences, between 710 and 2,200`; across no change, `between 7 more and 15 fewer offences; best
        estimate 4 fewer`.
    """
    middle, lower, upper = (float(summary[part]) for part in ("median", "lower", "upper"))
    if lower == upper == 0:
        return f"neither fewer nor more {unit}"
    if lower >= 0 or upper <= 0:
        word = "fewer" if lower >= 0 else "more"
        small, large = (whole(size) for size in sorted((abs(lower), abs(upper))))
        spread = f", between {small} and {large}" if small != large else ""
        return f"about {whole(middle)} {word} {unit}{spread}"
    best = f"{whole(middle)} {'fewer' if middle >= 0 else 'more'}" if middle else "no change"
    return f"between {whole(lower)} more and {whole(upper)} fewer {unit}; best estimate {best}"


def sentence(found: dict[str, Any], unit: str, when: str) -> str:
    """The finding of one indicator in numbers of events, as a sentence; empty where it is not counted in events.

    Args:
        found: entry of finding.json.
        unit: what is counted, in the plural.
        when: from when to when, at the start of the sentence.
    """
    averted = found.get("events_averted")
    if found["rating"] == "failed" or not say.complete(averted):
        return ""
    if averted["lower"] < 0 < averted["upper"]:
        return f"{when}: {events(averted, unit)}."
    about, _, spread = events(averted, unit).partition(", between ")
    against = " A check speaks against calling that an effect." if found.get("disqualified_by") else ""
    return f"{when}: {about} than expected without it{f', between {spread}' if spread else ''}.{against}"
