"""Numbers in words."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.judgement import wording

TERMS = [term for _, term in wording.YARDSTICK]


@pytest.mark.parametrize(
    ("probability", "term"),
    [
        (0.0, "remote chance"), (0.05, "remote chance"), (0.0749, "remote chance"), (0.0751, "highly unlikely"),
        (0.10, "highly unlikely"), (0.20, "highly unlikely"), (0.2249, "highly unlikely"), (0.2251, "unlikely"),
        (0.25, "unlikely"), (0.35, "unlikely"), (0.3749, "unlikely"), (0.3751, "realistic possibility"),
        (0.40, "realistic possibility"), (0.499, "realistic possibility"), (0.5249, "realistic possibility"),
        (0.5251, "likely"), (0.55, "likely"), (0.75, "likely"), (0.7749, "likely"), (0.7751, "highly likely"),
        (0.80, "highly likely"), (0.90, "highly likely"), (0.9249, "highly likely"), (0.9251, "almost certain"),
        (0.95, "almost certain"), (1.0, "almost certain"),
    ],
)  # fmt: skip
def test_yardstick(probability: float, term: str) -> None:
    assert wording.probability_phrase(probability) == term


@pytest.mark.parametrize("place", range(len(wording.YARDSTICK) - 1))
def test_a_probability_at_a_cut_takes_the_higher_term_and_the_one_below_the_lower(place: int) -> None:
    cut = (0.075, 0.225, 0.375, 0.525, 0.775, 0.925)[place]
    assert wording.probability_phrase(cut) == TERMS[place + 1]
    assert wording.probability_phrase(math.nextafter(cut, 0)) == TERMS[place]


def test_the_cuts_in_use_are_printed() -> None:
    assert wording.cut_ranges() == [
        ("remote chance", "0% to under 7.5%"), ("highly unlikely", "7.5% to under 22.5%"),
        ("unlikely", "22.5% to under 37.5%"), ("realistic possibility", "37.5% to under 52.5%"),
        ("likely", "52.5% to under 77.5%"), ("highly likely", "77.5% to under 92.5%"), ("almost certain", "92.5% to 100%"),
    ]  # fmt: skip


def test_every_published_range_lies_inside_its_term() -> None:
    assert [term for term, _ in wording.PUBLISHED_RANGES] == TERMS
    for term, published in wording.PUBLISHED_RANGES:
        for number in re.findall(r"\d+", published):
            edge = min(max(float(number) / 100, 0.001), 0.999)
            edge -= 0.001 if f"under {number}%" in published else 0.0
            assert wording.probability_phrase(edge) == term, (term, number)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_has_a_weaker_word(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert TERMS.index(wording.probability_phrase(low)) <= TERMS.index(wording.probability_phrase(high))


@pytest.mark.parametrize(
    ("probability", "sentence"),
    [
        (0.02, "There is a remote chance (2%) that it fell"),
        (0.15, "It is highly unlikely (15%) that it fell"),
        (0.3, "It is unlikely (30%) that it fell"),
        (0.45, "There is a realistic possibility (45%) that it fell"),
        (0.72, "It is likely (72%) that it fell"),
        (0.85, "It is highly likely (85%) that it fell"),
        (0.97, "It is almost certain (97%) that it fell"),
        (0.5, "There is a realistic possibility (about even, 50%) that it fell"),
        (0.4999, "There is a realistic possibility (50%) that it fell"),
        (0.52, "There is a realistic possibility (about even, 52%) that it fell"),
        (0.53, "It is likely (53%) that it fell"),
        (1.0, "It is almost certain (more than 99%) that it fell"),
        (0.0, "There is a remote chance (less than 1%) that it fell"),
    ],
)
def test_probability_sentences(probability: float, sentence: str) -> None:
    assert wording.probability_sentence(probability, "it fell") == sentence


@given(st.floats(0, 1))
def test_no_probability_reads_as_certainty(probability: float) -> None:
    assert not re.search(r"(?<!\d)(0|100)%", wording.percent(probability))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-35.0, "35% lower"), (35.4, "35% higher"), (0.0, "no different"), (-0.4, "0.4% lower"), (1.94, "1.9% higher"),
        (-1.96, "2% lower"), (0.05, "0.1% higher"), (-0.049, "under 0.1% lower"), (1e-9, "under 0.1% higher"),
        (1234.0, "1,234% higher"), (-0.0, "no different"),
        (-99.7, "over 99% lower"), (-100.0, "100% lower"), (-99.4, "99% lower"),
    ],
)  # fmt: skip
def test_change(value: float, text: str) -> None:
    assert wording.change(value) == text


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (-44.0, -26.0, "26% to 44% lower"),
        (26.0, 44.0, "26% to 44% higher"),
        (-26.0, 11.0, "26% lower to 11% higher"),
        (-26.0, -0.01, "under 0.1% to 26% lower"),
        (-0.01, 3.0, "under 0.1% lower to 3% higher"),
        (-1.5, -1.2, "1.2% to 1.5% lower"),
        (-5.2, -4.8, "about 5% lower"),
        (-0.04, -0.01, "under 0.1% lower"),
        (7.0, 7.0, "7% higher"),
        (0.0, 5.0, "no different to 5% higher"),
    ],
)
def test_change_range(lower: float, upper: float, text: str) -> None:
    assert wording.change_range(lower, upper) == text


PERCENT = st.floats(-100, 1e4, allow_nan=False)


@given(PERCENT, PERCENT)
def test_words_of_a_range_agree_with_the_signs_of_its_bounds(a: float, b: float) -> None:
    lower, upper = sorted((a, b))
    text = wording.change_range(lower, upper)
    assert ("lower" in text) == (lower < 0)
    assert ("higher" in text) == (upper > 0)
    if lower < 0 < upper:
        assert text.index("lower") < text.index("higher")


@given(PERCENT, PERCENT)
def test_the_smaller_number_of_one_sided_ranges_stands_first(a: float, b: float) -> None:
    lower, upper = sorted((a, b))
    if lower <= 0 <= upper:
        return
    text = wording.change_range(lower, upper)
    shown = [float(number.replace(",", "")) for number in re.findall(r"[\d,.]+(?=%)", text)]
    assert shown == sorted(shown)
    assert len(shown) == 2 or wording.change(lower) == wording.change(upper) == text.removeprefix("about ")


@pytest.mark.parametrize(
    ("median", "lower", "upper", "text"),
    [
        (2500.4, 1900, 3100, "about 2,500 fewer offences (1,900 to 3,100 fewer)"),
        (-20, -30, -10, "about 20 more offences (10 to 30 more)"),
        (5, -3.25, 14, "about 5.0 fewer offences (3.2 more to 14 fewer)"),
        (-5, -14, 3, "about 5.0 more offences (14 more to 3.0 fewer)"),
        (12.1, 12.0, 12.2, "about 12 fewer offences (12 fewer)"),
        (9.96, 9.94, 9.97, "about 10 fewer offences (9.9 to 10 fewer)"),
    ],
)
def test_events_range(median: float, lower: float, upper: float, text: str) -> None:
    assert wording.events_range({"median": median, "lower": lower, "upper": upper}, "offences") == text


EVENTS = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.tuples(EVENTS, EVENTS, EVENTS))
def test_events_say_fewer_for_averted_and_more_for_added(values: tuple[float, float, float]) -> None:
    lower, median, upper = sorted(values)
    text = wording.events_range({"median": median, "lower": lower, "upper": upper}, "offences")
    if lower == upper == 0:
        return
    middle, spread = text.split(" (")
    assert "fewer" in middle if median > 0 else True
    assert "more" in middle if median < 0 else True
    if lower < 0 < upper:
        assert spread.index("more") < spread.index("fewer")
    else:
        assert ("fewer" in spread) != ("more" in spread)


@pytest.mark.parametrize(
    ("pounds", "text"),
    [(0, "£0"), (1500.4, "£1,500"), (150_000, "£150,000"), (999_999, "£999,999"),
     (1e6, "£1 million"), (1_234_567, "£1.23 million"),
     (123_456_789, "£123 million")],
)  # fmt: skip
def test_money(pounds: float, text: str) -> None:
    assert wording.money(pounds) == text


@pytest.mark.parametrize(
    ("pounds", "text"), [(347, "£350"), (12_345, "£12,000"), (996, "£1,000"), (12, "£12"), (1_260_000, "£1.3 million")]
)
def test_estimated_money_has_two_figures(pounds: float, text: str) -> None:
    assert wording.estimated_money(pounds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "+1.23"), (-0.5, "−0.5"), (12.0, "+12"), (-123.4, "−123"), (0.0042, "+0.0042")]
)
def test_difference_is_signed(value: float, text: str) -> None:
    assert wording.difference(value) == text


@pytest.mark.parametrize(
    "text",
    [
        wording.difference(1234.0),
        wording.money(2.5e9),
        wording.estimated_money(150_000 / 0.0001),
        wording.difference(-0.00001),
    ],
)
def test_no_reader_meets_an_exponent(text: str) -> None:
    assert "e+" not in text
    assert "e-" not in text
    assert "e−" not in text


def test_a_range_of_nothing_is_a_sentence() -> None:
    nothing = dict.fromkeys(("median", "lower", "upper"), 0.0)
    assert wording.events_range(nothing, "offences") == "neither fewer nor more offences"
    assert wording.change_range(0.0, 0.0) == "no different"


def test_a_bound_that_rounds_to_nothing_is_not_zero() -> None:
    text = wording.events_range({"median": 4.0, "lower": 0.01, "upper": 9.0}, "offences")
    assert "(0.0 " not in text
