"""An independent reader of findings: it reads the words back and says where they contradict the numbers or each other.

Nothing here uses the program's own rules: the yardstick and the bands are typed again from the publication.
"""

from __future__ import annotations

import re
from typing import Any

WORDS = (
    ("remote chance", 0.0, 0.075), ("highly unlikely", 0.075, 0.225), ("unlikely", 0.225, 0.375),
    ("realistic possibility", 0.375, 0.525), ("likely", 0.525, 0.775), ("highly likely", 0.775, 0.925),
    ("almost certain", 0.925, 1.0000001),
)  # fmt: skip
CHANCE = re.compile(
    r"(?:It is|There is a) ([a-z ]+?) \((about even, )?(more than|less than)? ?(\d+)%\) that it (fell|rose)"
)
GRADES = {
    "Strong evidence of benefit": "strong_evidence_of_benefit",
    "Promising": "promising",
    "No clear effect": "no_clear_effect",
    "No effect worth acting on": "no_clear_effect",
    "Not called an effect": "no_clear_effect",
    "Too small or too early to tell": "too_small_or_too_early",
    "Possible harm": "possible_harm",
}


def find_contradictions(entry: dict[str, Any], direction: str) -> list[str]:
    """Every way in which the words of an entry contradict its numbers or each other; empty if none."""
    found: list[str] = []

    def claim(holds: bool, said: str) -> None:
        if not holds:
            found.append(said)

    headline, rating, grade, chance = entry["headline"], entry["rating"], entry["grade"], entry["prob_benefit"]
    normal = entry["likelihood"] == "normal"
    effect = entry["difference" if normal else "percent_change"]
    lower, middle, upper = effect["lower"], effect["median"], effect["upper"]
    fewer = direction == "lower_is_better"
    better_side, worse_side = (upper < 0, lower > 0) if fewer else (lower > 0, upper < 0)
    claim(lower <= middle <= upper, "the middle lies outside its interval")
    claim(0 <= chance <= 1, "a probability outside 0 to 1")
    claim(entry["phrase"] == next(w for w, a, b in WORDS if a <= chance < b), "the phrase is not the probability's")
    # An interval wholly on one side has nearly all probability there, and the reverse.
    tail = (1 - entry["interval"]) / 2
    slack = 0.02
    claim(not better_side or chance >= 1 - tail - slack, "the interval is better, the probability is not")
    claim(not worse_side or chance <= tail + slack, "the interval is worse, the probability is not")
    claim((middle < 0) == fewer or middle == 0 or chance <= 0.5 + slack, "the middle is worse, the probability better")
    claim((middle > 0) == fewer or middle == 0 or chance >= 0.5 - slack, "the middle is better, the probability worse")
    if entry["prob_meaningful"] is not None:
        claim(entry["prob_meaningful"] <= chance + 1e-9, "a large benefit is more probable than any")
    claim(rating != "benefit" or better_side, "a benefit whose interval is not wholly better")
    claim(rating != "harm" or worse_side, "a harm whose interval is not wholly worse")
    sure = chance >= 0.925 or chance < 0.075
    named = rating in ("benefit", "harm") or bool(entry["disqualified_by"])
    claim((better_side or worse_side) == named or not sure, "almost certain, but neither effect nor disqualified")
    claim(rating not in ("benefit", "harm") or sure, "an effect that is not almost certain")
    claim(rating != "too_small_to_tell" or 0.075 <= chance < 0.925, "too small to tell, and almost certain")
    _read_sizes(headline, lower, middle, upper, normal, claim)
    _read_events(entry, lower, middle, upper, claim)
    if entry["role"] == "unaffected":
        claim(grade is None, "a grade for an outcome that should not change")
        claim(headline.startswith("Changed") == (better_side or worse_side), "changed or not")
        claim("because of this" not in headline, "an effect claimed on an outcome that should not change")
        return found
    lead = next((g for words, g in GRADES.items() if headline.startswith(words)), "")
    claim(lead == grade, f"the headline leads with {lead or 'nothing'}, the grade is {grade}")
    claim(
        grade not in ("strong_evidence_of_benefit", "promising") or chance >= 0.5, "a good grade, and harm is likelier"
    )
    claim(grade != "possible_harm" or chance <= 0.5, "possible harm, and benefit is likelier")
    claim(grade != "strong_evidence_of_benefit" or (better_side and entry["confidence"] == "high"), "strong, on what?")
    claim(f"{entry['confidence']} confidence" in headline, "the confidence is not said")
    said = CHANCE.search(headline)
    if entry["disqualified_by"]:
        claim(said is None, "a probability of an effect that is not called one")
        return found
    claim(said is not None, "no probability is said")
    if said:
        word, even, bound, number, verb = said.groups()
        claim(word == entry["phrase"], "the headline's word is not the phrase")
        claim((verb == "fell") == fewer, "the wrong way is called better")
        shown = int(number) / 100
        claim(abs(shown - chance) <= 0.00501 or bool(bound), "the headline's number is not the probability")
        claim(bound != "more than" or (shown == 0.99 and chance > 0.99), "more than what?")
        claim(bound != "less than" or (shown == 0.01 and chance < 0.01), "less than what?")
        claim(not bound or number in ("1", "99"), "a bound elsewhere")
        claim(bool(even) == (0.5 <= chance < 0.525), "about even or not")
        claim(not (headline.startswith("No clear effect.") and word in ("almost certain", "remote chance")), "no clear effect, and almost certain")  # fmt: skip
    mind = entry["change_our_mind"]
    claim(bool(mind) and mind.endswith("."), "nothing would change our mind")
    claim("no longer contains no effect" not in mind or not (better_side or worse_side), "the interval contains none?")
    return found


def _read_sizes(headline: str, lower: float, middle: float, upper: float, normal: bool, claim: Any) -> None:
    spread = re.search(r"credible interval ([^)]*)\)", headline)
    claim(spread is not None, "no interval is said")
    if spread is None or normal:
        if normal and spread is not None:
            shown = [float(t.replace("−", "-")) for t in re.findall(r"[+−][\d.]+", spread[1])]
            claim(len(shown) == 2 and shown[0] <= shown[1], "the interval of a difference is out of order")
            claim(len(shown) == 2 and (shown[0] < 0) == (lower < 0) and (shown[1] > 0) == (upper > 0), "a sign is lost")
        return
    text = spread[1]
    claim(("lower" in text) == (lower < 0) and ("higher" in text) == (upper > 0), f"sides of the interval: {text}")
    said = headline.split(" (")[0]
    claim(
        ("lower than" in said) == (middle < 0) and ("higher than" in said) == (middle > 0),
        f"side of the middle: {said}",
    )
    claim(not re.search(r"(?<![\d.,])0(\.0)?%", headline), f"nothing, said of something: {headline}")
    ends = re.split(r" to ", text)
    claim(len(ends) < 2 or ends[0] != ends[1].rsplit(" ", 1)[0], f"two ends that are the same: {text}")
    claim("100% lower" not in text or lower <= -100, "nothing left, said of something")


def _read_events(entry: dict[str, Any], lower: float, middle: float, upper: float, claim: Any) -> None:
    averted = entry.get("events_averted")
    if averted is None:
        return
    for name, change in (("lower", upper), ("median", middle), ("upper", lower)):
        value = averted[name]
        claim(
            (value > 0) == (change < 0) and (value < 0) == (change > 0), f"events averted ({name}) and change disagree"
        )
    claim(averted["lower"] <= averted["median"] <= averted["upper"], "events averted out of order")
