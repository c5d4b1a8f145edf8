"""Records of one harm read together: police, hospital and ambulance seldom see the same part of it.

When recorded crime rises while injury falls, recording has probably improved: in Cardiff police recorded more common
assault as woundings and admissions fell (Florence et al., BMJ 2011;342:d3313).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.judgement import wording
from evaluation.protocol import Indicator

DOUBT = "Records of injury speak against it: {sentence}"
# A direction is spoken of from the probability at which the yardstick says "likely" on either side.
LIKELY = 0.55
INJURY = ("hospital", "ambulance")


def read_together(
    entries: Mapping[str, Mapping[str, Any]], indicators: Mapping[str, Indicator]
) -> list[dict[str, Any]]:
    """One reading for each harm that at least two estimated indicators of different recorders measure.

    Args:
        entries: indicator key -> entry of finding.json; outcomes that should not move are left out.
        indicators: of the review.

    Returns:
        Objects with ``harm``, ``indicators``, ``prob_fell`` (by indicator), ``pattern``, ``doubted`` (indicators of which
        another record is the better witness) and ``sentence``.
    """
    by_harm: dict[str, list[str]] = {}
    for key, entry in entries.items():
        harm = indicators[key].harm
        usable = entry["rating"] != "failed" and entry["role"] != "unaffected" and indicators[key].recorded_by
        if harm and usable and indicators[key].direction == "lower_is_better":
            by_harm.setdefault(harm, []).append(key)
    found = []
    for harm, keys in by_harm.items():
        if len({indicators[key].recorded_by for key in keys}) < 2:
            continue
        fell = {key: float(entries[key]["prob_benefit"]) for key in keys}
        pattern, doubted, sentence = _pattern(harm, fell, indicators)
        found.append(
            {"harm": harm, "indicators": keys, "prob_fell": fell, "pattern": pattern, "doubted": doubted, "sentence": sentence}
        )  # fmt: skip
    return found


def _pattern(harm: str, fell: Mapping[str, float], indicators: Mapping[str, Indicator]) -> tuple[str, list[str], str]:
    """The pattern, the indicators of which another record is the better witness, and the pattern in words."""
    down = [key for key, chance in fell.items() if chance >= LIKELY]
    up = [key for key, chance in fell.items() if 1.0 - chance >= LIKELY]
    shown = "; ".join(
        f"{indicators[key].title}: {wording.percent(chance)} that it fell" for key, chance in fell.items()
    )
    recorded = [key for key in up if indicators[key].recorded_by == "police"]
    injury = [key for key in down if indicators[key].recorded_by in INJURY]
    if recorded and injury:
        return (
            "cardiff",
            recorded,
            (
                f"Recorded {harm} probably rose while injury fell ({shown}). That is what better recording looks like, as in "
                "Cardiff: the records of injury are the better witness, and the rise should not be read as harm."
            ),
        )
    police_down = [key for key in down if indicators[key].recorded_by == "police"]
    injury_up = [key for key in up if indicators[key].recorded_by in INJURY]
    if police_down and injury_up:
        return (
            "less_recorded",
            police_down,
            (
                f"Recorded {harm} probably fell while injury rose ({shown}). Less may have been reported or recorded; "
                "the fall should not be read as a benefit until that is explained."
            ),
        )
    if len(down) == len(fell):
        return "agree_fell", [], f"The records of {harm} agree that it probably fell ({shown})."
    if len(up) == len(fell):
        return "agree_rose", [], f"The records of {harm} agree that it probably rose ({shown})."
    return "no_pattern", [], f"The records of {harm} read together show no clear pattern ({shown})."
