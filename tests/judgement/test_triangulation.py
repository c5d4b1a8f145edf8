"""Police, hospital and ambulance records of one harm, read together."""

from __future__ import annotations

import pytest

from evaluation.judgement.delivery import DELIVERY_RULES, read_delivery
from evaluation.judgement.memory import recall
from evaluation.judgement.triangulation import read_together
from evaluation.protocol import Indicator
from evaluation.protocol.plan import Delivery


def indicator(key: str, recorder: str | None, harm: str | None = "violence") -> Indicator:
    return Indicator(key=key, title=key.capitalize(), harm=harm, recorded_by=recorder)


BOTH = {"police": indicator("police", "police"), "hospital": indicator("hospital", "hospital")}


def entry(chance: float, role: str = "primary", rating: str = "unclear") -> dict:
    return {"prob_benefit": chance, "role": role, "rating": rating}


@pytest.mark.parametrize(
    ("police", "hospital", "pattern"),
    [
        (0.1, 0.9, "cardiff"), (0.45, 0.55, "cardiff"), (0.46, 0.9, "no_pattern"), (0.9, 0.1, "less_recorded"),
        (0.9, 0.9, "agree_fell"), (0.1, 0.1, "agree_rose"), (0.5, 0.5, "no_pattern"),
    ],
)  # fmt: skip
def test_patterns(police: float, hospital: float, pattern: str) -> None:
    found = read_together({"police": entry(police), "hospital": entry(hospital, "secondary")}, BOTH)
    assert [f["pattern"] for f in found] == [pattern]


def test_cardiff_is_said_in_words() -> None:
    found = read_together({"police": entry(0.1), "hospital": entry(0.9)}, BOTH)
    assert "should not be read as harm" in found[0]["sentence"]


@pytest.mark.parametrize(
    "indicators",
    [
        {"police": BOTH["police"], "hospital": indicator("hospital", "police")},
        {"police": BOTH["police"], "hospital": indicator("hospital", "hospital", "theft")},
        {"police": BOTH["police"], "hospital": indicator("hospital", None)},
    ],
)
def test_nothing_is_said_of_one_recorder_or_of_two_harms(indicators) -> None:
    assert read_together({"police": entry(0.1), "hospital": entry(0.9)}, indicators) == []


def test_failed_and_unaffected_outcomes_are_left_out() -> None:
    assert read_together({"police": entry(0.1, rating="failed"), "hospital": entry(0.9)}, BOTH) == []
    assert read_together({"police": entry(0.1, role="unaffected"), "hospital": entry(0.9)}, BOTH) == []


class Planned:
    def __init__(self, delivered: float, **more) -> None:
        self.treated = {"T01": "2023-04", "T02": "2023-04"}
        self.delivery = Delivery(planned=100, delivered=delivered, unit="sessions", **more)


@pytest.mark.parametrize(
    ("delivered", "rating", "said"),
    [
        (80, "benefit", "the two agree"), (79.9, "benefit", "in part"), (20, "benefit", "in part"),
        (19.9, "benefit", "hardly anything was delivered: the change is probably not"),
        (95, "unclear", "the idea, or the outcome"), (10, "no_meaningful_effect", "no test of the idea"),
        (95, "harm", "may be wrong"), (95, "too_small_to_tell", "too few to show"), (95, "failed", "could be estimated"),
    ],
)  # fmt: skip
def test_delivery_beside_effect(delivered: float, rating: str, said: str) -> None:
    assert said in read_delivery(Planned(delivered), {"rating": rating}, BOTH["police"])["sentence"]


def test_every_rating_and_level_has_its_sentence() -> None:
    assert len({(kind, level) for kind, level, _ in DELIVERY_RULES}) == len(DELIVERY_RULES) == 15


def test_dose_by_area_is_said() -> None:
    found = read_delivery(Planned(90, by_area={"T01": 30}), {"rating": "unclear"}, BOTH["police"])
    assert "from 30 to 30 sessions" in found["sentence"]
    assert "No dose is given for 1 treated" in found["sentence"]


def year(median: float, lower: float, upper: float, rating: str = "benefit", **more) -> dict:
    finding = {"role": "primary", "rating": rating, "headline": "H.", "n_periods": 80, "n_areas": 4,
               "percent_change": {"median": median, "lower": lower, "upper": upper}} | more  # fmt: skip
    return {
        "finding": {"indicators": {"assaults": finding}},
        "run": {"inputs": {"data/assaults.csv": "a"}, "models": "m"},
    }


def test_we_said_18_now_9_because() -> None:
    now = year(-9, -15, -3, n_periods=92)
    now["run"]["inputs"] = {"data/assaults.csv": "b"}
    found = recall(year(-18, -25, -10), now, [])
    assert found["sentence"].startswith("We said 18% lower, now 9% lower, because 12 more periods are known;")
    assert "outside last year's interval" in found["sentence"]


def test_the_same_is_said_again_and_an_unexplained_change_is_admitted() -> None:
    assert recall(year(-18, -25, -10), year(-18, -25, -10), [])["sentence"] == "We said 18% lower; we still say so."
    moved = recall(year(-18, -25, -10), year(-12, -20, -5), [])["sentence"]
    assert "although nothing that we know of changed" in moved
    assert "inside last year's interval" in moved
    assert "the plan was changed (washout)" in recall(year(-18, -25, -10), year(-9, -15, -3), ["washout"])["sentence"]
