"""The words for every combination of rating, probability word, confidence, direction and shape of estimate.

The texts are in golden/words.csv, made by `python -m tests.judgement.test_golden_words` and read by a person before they
are kept. Combinations that the rules cannot produce are not there; the last test shows that random findings fall into
no other.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.inference.checks import Check
from evaluation.inference.effects import estimate
from evaluation.judgement import findings
from evaluation.protocol import Indicator
from evaluation.protocol.partnership import Thresholds
from tests.inference.fabricated import fit_of_effect
from tests.judgement.contradictions import WORDS, find_contradictions
from tests.judgement.test_findings import GOOD, alarm, did, its

GOLDEN = Path(__file__).parent / "golden" / "words.csv"
COLUMNS = ("likelihood", "direction", "shape", "rating", "word", "confidence", "grade", "headline", "change_our_mind")
MIDDLES = {"remote chance": 0.04, "highly unlikely": 0.15, "unlikely": 0.3, "realistic possibility": 0.45, "about even": 0.51,
           "likely": 0.65, "highly likely": 0.85, "almost certain": 0.96}  # fmt: skip
NUMBERS = {  # shape -> lower, median, upper of the percent change where fewer is better; a score is a fiftieth of it
    "better": (-30.0, -20.0, -10.0),
    "worse": (10.0, 20.0, 30.0),
    "across": (-20.0, -1.0, 20.0),
    "narrow": (-3.0, -1.0, 2.0),
    "one_side": (-20.0, -8.0, 3.0),
    "touching": (-20.0, -10.0, 0.0),
}
SHAPES = {  # rating -> shapes and words that the rules can produce
    "benefit": [("better", ["almost certain"])],
    "harm": [("worse", ["remote chance"])],
    "no_meaningful_effect": [("narrow", list(MIDDLES))],
    "too_small_to_tell": [("across", [w for w in MIDDLES if w not in ("remote chance", "almost certain")])],
    "unclear": [("one_side", list(MIDDLES)), ("touching", ["almost certain"]),
                ("disqualified", ["almost certain", "remote chance"]), ("drifting", ["almost certain", "remote chance"])],
}  # fmt: skip


def entries() -> Iterator[dict[str, Any]]:
    """Every combination, with its words."""
    for likelihood, direction in itertools.product(
        ("negative_binomial", "normal"), ("lower_is_better", "higher_is_better")
    ):
        indicator = Indicator(key="x", title="Assaults" if likelihood != "normal" else "Score", direction=direction)
        for rating, cells in SHAPES.items():
            for (shape, words), level in itertools.product(cells, findings.LEVELS):
                for word in words:
                    entry = _entry(likelihood, direction, shape, rating, word, level)
                    findings.put_in_words(entry, indicator, Thresholds())
                    yield entry | {"direction": direction, "shape": shape, "word": word}


def _entry(likelihood: str, direction: str, shape: str, rating: str, word: str, level: str) -> dict[str, Any]:
    chance = MIDDLES[word]
    against = {"disqualified": ["pre_trend"], "drifting": ["breakdown"]}.get(shape, [])
    numbers = NUMBERS[("better" if chance > 0.5 else "worse") if against else shape]
    # The middle follows the probability, and what is more of a good thing is turned round.
    low, middle, high = numbers if against or chance > 0.5 or shape in ("better", "worse") else tuple(-n for n in reversed(numbers))  # fmt: skip
    if direction == "higher_is_better":
        low, middle, high = -high, -middle, -low
    effect = {"mean": middle, "median": middle, "lower": low, "upper": high}
    normal = likelihood == "normal"
    return {
        "role": "primary", "likelihood": likelihood, "interval": 0.95, "rating": rating, "confidence": level,
        "prob_benefit": chance, "prob_meaningful": None, "disqualified_by": against, "meaningful": -0.1 if normal else 0.95,
        "phrase": "realistic possibility" if word == "about even" else word, "checks": [],
        "difference" if normal else "percent_change": {k: v / 50 for k, v in effect.items()} if normal else effect,
    }  # fmt: skip


def rows() -> list[dict[str, str]]:
    return [{name: str(entry[name]) for name in COLUMNS} for entry in entries()]


def test_the_words_are_those_that_were_read_and_kept() -> None:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        kept = list(csv.DictReader(file))
    made = rows()
    for before, now in zip(kept, made, strict=True):
        assert now == before


def test_every_rating_word_confidence_and_direction_is_there() -> None:
    made = rows()
    assert {row["rating"] for row in made} == set(findings.RATINGS) - {"failed"}
    assert {row["confidence"] for row in made} == set(findings.LEVELS)
    assert {row["word"] for row in made} - {"about even"} == {word for word, _, _ in WORDS}
    # An interval that is not called an effect is told without a probability, so both directions read the same.
    told = [row["headline"] for row in made if row["shape"] not in ("disqualified", "drifting")]
    assert len(set(told)) == len(told), "no two other combinations read the same"


@pytest.mark.parametrize("entry", list(entries())[::7], ids=lambda e: f"{e['rating']}-{e['word']}-{e['confidence']}")
def test_the_kept_words_do_not_contradict_their_numbers(entry: dict[str, Any]) -> None:
    assert find_contradictions(entry, entry["direction"]) == []


def test_random_findings_fall_into_no_other_combination() -> None:
    allowed = {(row["rating"], row["grade"], row["confidence"], row["word"].replace("about even", "realistic possibility"))
               for row in rows()}  # fmt: skip
    seen = set()
    rng = np.random.default_rng(8)
    for _ in range(1500):
        direction = str(rng.choice(["lower_is_better", "higher_is_better"]))
        of = did(2, 4, start=30, n=32, direction=direction) if rng.random() < 0.5 else its(46, direction=direction)
        sd = float(10 ** rng.uniform(-2.5, -0.3))
        effect = np.exp(rng.normal(rng.normal(0, 1.2) * sd * 1.5, sd, size=(2, 150)))
        checks = [
            alarm(str(name), str(rng.choice(["", "lower", "higher"])))
            for name in rng.choice([*findings.DISQUALIFYING, "data_quality"], rng.integers(0, 3), replace=False)
        ]
        indicator = Indicator(key="x", title="Assaults", direction=direction)  # type: ignore[arg-type]
        made = [Check("placebo_in_time", True, "Fine."), *checks]
        found = findings.find(of, indicator, estimate(of, fit_of_effect(of, effect)), GOOD, made, 0.95, draft=False)
        seen.add((found["rating"], found["grade"], found["confidence"], found["phrase"]))
    assert seen <= allowed
    assert len(seen) > 0.6 * len(allowed), "the search reaches most of them"


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    with GOLDEN.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows())
