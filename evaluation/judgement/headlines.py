"""A finding in one sentence, and what would change our mind: from the numbers of its entry in finding.json and nothing else.

The first words are those of the grade, so that they cannot say more than the rules allow; where the grade would seem to
contradict the probability beside it, the words say why it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.judgement import wording

Entry = Mapping[str, Any]

UNTIL_COMPUTED = "An estimate: the computation has to succeed first."
# Grade -> the first words of the headline. A finding without a clear effect says more: see `_lead`.
LEADS = {
    "strong_evidence_of_benefit": "Strong evidence of benefit.",
    "promising": "Promising.",
    "no_clear_effect": "No clear effect.",
    "too_small_or_too_early": "Too small or too early to tell.",
    "possible_harm": "Possible harm.",
}
# What stands against an interval without no effect, and what would have to be found for it to count: by check.
SEEN_BEFORE = (
    "a check found the same where there can be none",
    "A reason for what the check found before the start, when there could be no effect, or comparison areas without it.",
)
AGAINST = {
    "breakdown": (
        "the drift before the start, had it gone on, would undo it",
        "Comparison areas that did not drift away from the treated ones before the start.",
    ),
}


def write_headline(entry: Entry, title: str, direction: str) -> str:
    """What was found, its interval, the probability and the confidence.

    Args:
        entry: of finding.json, with its grade.
        title: of the indicator.
        direction: which way is better.
    """
    found = f"{_found(entry, title)} ({100 * entry['interval']:.0f}% credible interval {_spread(entry)})"
    if entry["role"] == "unaffected":
        moved = _excludes_none(entry)
        said = "That is a reason to doubt the comparison" if moved else "That is as it should be"
        return f"{'Changed, although it should not have' if moved else 'No clear change'}. {found}. {said}."
    sure = f"{entry['confidence']} confidence"
    if entry["disqualified_by"]:
        return f"Not called an effect: {found}, but {_against(entry)[0]}; {sure}."
    event = "fell" if direction == "lower_is_better" else "rose"
    chance = wording.probability_sentence(
        entry["prob_benefit"], f"it {event} because of this, if the design's assumptions hold"
    )
    return f"{_lead(entry)} {found}. {chance}{_small(entry)}; {sure}."


def change_our_mind(entry: Entry) -> str:
    """What would change our mind: the breakdown value where there is one, else which end of the interval would move."""
    if entry["rating"] == "failed":
        return UNTIL_COMPUTED
    if entry["disqualified_by"]:
        return _against(entry)[1]
    spread = _spread(entry)
    if _excludes_none(entry):
        tried = next((c for c in entry["checks"] if c["name"] == "breakdown" and c["passed"] is not None), None)
        if tried is not None:
            return str(tried["sentence"])
        return (
            "Evidence that something else moved these areas by as much as lies between no change and "
            f"{_nearer_end(entry)}, the nearer end of the interval."
        )
    if entry["rating"] == "too_small_to_tell":
        return f"More periods or more areas: the interval, now {spread}, would have to leave out either a benefit or a harm worth acting on."
    if entry["rating"] == "no_meaningful_effect":
        return f"An interval, now {spread}, that reached a change worth acting on ({_worth(entry)})."
    return f"An interval that no longer contains no effect; now it reaches from {spread}."


def _against(entry: Entry) -> tuple[str, str]:
    """A check that saw an effect where none can be goes before a drift that might undo it."""
    seen = [name for name in entry["disqualified_by"] if name not in AGAINST]
    return SEEN_BEFORE if seen else AGAINST[entry["disqualified_by"][0]]


def _lead(entry: Entry) -> str:
    """The first words: the grade's, and for a finding without a clear effect the reason."""
    grade, low = entry["grade"], entry["confidence"] == "low"
    if entry["rating"] == "no_meaningful_effect":
        return "No effect worth acting on."
    if grade == "promising" and low:
        return "Promising, with low confidence."
    if grade == "no_clear_effect" and wording.is_almost_certain(entry["prob_benefit"]):
        # What stops it: low confidence of a benefit, or a threshold of the review above the yardstick's.
        benefit = entry["prob_benefit"] > wording.EVEN
        return f"No clear effect, because {'confidence is low' if low and benefit else 'the thresholds of this review are higher'}."
    return LEADS[grade]


def _small(entry: Entry) -> str:
    if entry["rating"] != "no_meaningful_effect":
        return ""
    return f", but the whole interval is smaller than what is worth acting on ({_worth(entry)})"


def _found(entry: Entry, title: str) -> str:
    if entry["likelihood"] == "normal":
        return (
            f"{title} differed by {wording.difference(entry['difference']['median'])} from what was expected without it"
        )
    said = wording.change(entry["percent_change"]["median"])
    if said == "no different":
        return f"{title}: no different from what was expected without it"
    return f"{title}: {said} than expected without it"


def _spread(entry: Entry) -> str:
    if entry["likelihood"] == "normal":
        effect = entry["difference"]
        return f"{wording.difference(effect['lower'])} to {wording.difference(effect['upper'])}"
    effect = entry["percent_change"]
    return wording.change_range(effect["lower"], effect["upper"])


def _worth(entry: Entry) -> str:
    """The smallest effect worth acting on, without its direction: an interval is held against both."""
    meaningful = entry["meaningful"]
    if entry["likelihood"] == "normal":
        return wording.difference(abs(meaningful)).lstrip("+")
    return wording.change(100.0 * (meaningful - 1.0)).rsplit(" ", 1)[0]


def _nearer_end(entry: Entry) -> str:
    normal = entry["likelihood"] == "normal"
    effect = entry["difference" if normal else "percent_change"]
    nearer = min(effect["lower"], effect["upper"], key=abs)
    return wording.difference(nearer) if normal else wording.change(nearer)


def _excludes_none(entry: Entry) -> bool:
    effect = entry["difference" if entry["likelihood"] == "normal" else "percent_change"]
    return bool(effect["lower"] > 0 or effect["upper"] < 0)
