"""What was said last year, what is said now, and what changed in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.judgement import wording


def recall(before: Mapping[str, Any], now: Mapping[str, Any], changed: list[str]) -> dict[str, Any]:
    """One intervention's main finding against last year's: ``said``, ``says``, ``because`` and a sentence.

    Args:
        before: ``finding`` and ``run`` of the archived review.
        now: ``finding`` and ``run`` of this one.
        changed: keys of the plan that are no longer the same.

    Returns:
        ``sentence`` and, where both years have a change in percent, ``said`` and ``says`` (medians).
    """
    key, old = _primary(before["finding"])
    entry = now["finding"]["indicators"].get(key)
    if entry is None:
        return {
            "said": None,
            "says": None,
            "because": [],
            "sentence": f"Last year it was judged by {key}, which is no longer used.",
        }
    because = reasons(before, now, key, changed)
    why = f", because {'; '.join(because)}" if because else ", although nothing that we know of changed"
    said, says = old.get("percent_change"), entry.get("percent_change")
    if not said or not says:
        sentence = f"We said: {old['headline']} Now: {entry['headline']}"
        return {"said": None, "says": None, "because": because, "sentence": sentence}
    first, second = wording.change(said["median"]), wording.change(says["median"])
    if first == second:
        sentence = f"We said {first}; we still say so."
    else:
        sentence = f"We said {first}, now {second}{why}."
        if said["lower"] <= says["median"] <= said["upper"]:
            sentence += " The new figure lies inside last year's interval."
        else:
            sentence += " The new figure lies outside last year's interval: it was too sure, or something changed."
    if old["rating"] != entry["rating"]:
        sentence += f" The rating was {_words(old['rating'])} and is {_words(entry['rating'])}."
    return {"said": said["median"], "says": says["median"], "because": because, "sentence": sentence}


def reasons(before: Mapping[str, Any], now: Mapping[str, Any], key: str, changed: list[str]) -> list[str]:
    """What differs between the two runs, in words: periods, areas, data, plan, software."""
    old, new = before["finding"]["indicators"][key], now["finding"]["indicators"][key]
    found = []
    if (more := (new["n_periods"] or 0) - (old["n_periods"] or 0)) > 0:
        found.append(f"{more} more periods are known")
    elif more < 0:
        found.append(f"{-more} fewer periods are used")
    if old["n_areas"] != new["n_areas"]:
        found.append(f"{new['n_areas']} areas are used instead of {old['n_areas']}")
    data = [name for name, sha in now["run"].get("inputs", {}).items()
            if name.startswith("data/") and before["run"].get("inputs", {}).get(name) not in (None, sha)]  # fmt: skip
    if data and not more:
        found.append("earlier counts were revised")
    elif data:
        found.append("the data were brought up to date, and earlier counts may have been revised")
    if changed:
        found.append(f"the plan was changed ({', '.join(changed)})")
    if before["run"].get("models") != now["run"].get("models"):
        found.append("the program's models or libraries changed")
    return found


def _primary(finding: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return next((key, entry) for key, entry in finding["indicators"].items() if entry["role"] == "primary")


def _words(rating: str) -> str:
    return f"'{rating.replace('_', ' ')}'"
