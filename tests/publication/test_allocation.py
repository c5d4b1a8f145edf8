"""The allocation view's words: what is shown to pay and what is a bet are never told in one breath."""

from __future__ import annotations

import pytest

from evaluation.publication.portfolio import allocation_sentence

TITLES = {"a": "Street mentors", "b": "Night bus", "c": "Knife bins"}
SET = {"cost": 85_000.0, "expected_net": 40_000.0, "prob_pays": 0.97, "prob_best": 0.61}


def told(chosen: list[str], shown: list[str]) -> str:
    return allocation_sentence({"chosen": chosen, "shown": shown, **SET}, TITLES, 100_000.0, 0.925)


def test_some_shown_some_a_bet() -> None:
    assert told(["a", "b"], ["a"]) == (
        "With £100,000, the set with the best expected value costs £85,000 in all. Shown to pay, each with a probability of at "
        "least 92.5%: Street mentors. On balance only: Night bus. Paying for these again is a bet, to be made only with the "
        "measurement written in; where nothing works at all, some scheme will still look worth such a bet. The set's expected net "
        "value is £40,000; it is worth more than it costs with a probability of 97%, and is the best affordable set with a "
        "probability of 61%."
    )


@pytest.mark.parametrize("bought", [["a"], ["a", "b", "c"]])
def test_where_none_is_shown_no_scheme_is_called_a_buy(bought: list[str]) -> None:
    sentence = told(bought, [])
    assert "No scheme in it is shown to pay" in sentence
    assert "Shown to pay" not in sentence
    assert sentence.count("a bet") == 2


def test_all_shown_needs_no_warning() -> None:
    assert "bet" not in told(["a", "b"], ["a", "b"])


def test_nothing_worth_its_cost() -> None:
    assert told([], []) == "With £100,000, no set of interventions is expected to be worth its cost."
