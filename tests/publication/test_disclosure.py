"""Disclosure control: no small count leaves, and labels stay text."""

import csv
import io
import re
import unicodedata

import numpy as np
import pytest
from fixture import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from evaluation.publication.disclosure import (
    UNDER_CONTROL,
    Safe,
    by_control,
    clean,
    control_counts,
    control_points,
    csv_text,
    escape,
    escape_markdown,
    spreadsheet_cell,
    withhold_saturated,
)
from evaluation.publication.tables import rows_table

counts = st.lists(st.one_of(st.integers(0, 2000).map(float), st.just(float("nan"))), min_size=1, max_size=40)


@given(counts, st.sampled_from(["health", "partner", "a profile nobody knows"]))
def test_no_count_of_1_to_7_leaves_and_the_rest_is_rounded(values: list[float], profile: str) -> None:
    for before, cell in zip(values, control_counts(values, profile), strict=True):
        if np.isnan(before):
            assert cell == "[x]"
        elif 1 <= before <= 7:
            assert cell == "[c]"
        else:
            assert isinstance(cell, int) and cell % 5 == 0 and abs(cell - before) <= 2


@given(counts)
def test_points_drawn_are_the_cells_printed(values: list[float]) -> None:
    points, withheld = control_points(values, "health")
    for point, hidden, cell in zip(points, withheld, control_counts(values, "health"), strict=True):
        assert (cell == "[c]") == hidden
        assert np.isnan(point) if isinstance(cell, str) else point == cell


def test_what_is_public_already_is_shown_as_it_is() -> None:
    assert control_counts([0, 3, 7, 12, float("nan")], "already_public") == [0, 3, 7, 12, "[x]"]


def test_worked_by_hand() -> None:
    assert control_counts([0, 1, 7, 8, 12, 13, 99], "health") == [0, "[c]", "[c]", 10, 10, 15, 100]


def test_a_free_effect_per_period_does_not_give_a_withheld_count_away() -> None:
    kept = withhold_saturated([3.1, 20.0], [True, False], "per_period", "health")
    assert np.isnan(kept[0]) and kept[1] == 20.0
    assert withhold_saturated([3.1], [True], "step", "health")[0] == 3.1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0", "＝"])
def test_text_cells_never_become_formulas(start: str) -> None:
    assert str(spreadsheet_cell(f"{start}1+1")).startswith("'")


def test_numbers_stay_numbers_in_csv() -> None:
    table = rows_table([("-5", -5, -1), (Safe("<b>x</b> &amp; y"), 3.5, "[c]")], ["=a", "n", "m"])
    rows = list(csv.reader(io.StringIO(csv_text(table))))
    assert rows == [["'=a", "n", "m"], ["'-5", "-5", "-1"], ["x & y", "3.5", "[c]"]]


def test_labels_stay_text() -> None:
    assert "<" not in escape(HOSTILE) and '"' not in escape(HOSTILE)
    assert "\u202e" not in clean(HOSTILE) and "ŵŷ" in clean(HOSTILE) and len(clean(HOSTILE, 300)) <= 300
    assert escape_markdown("[x](y) `{raw}` <b> $a$ # *") == r"\[x\]\(y\) \`\{raw\}\` \<b\> \$a\$ \# \*"


def test_tables_that_are_parted_can_be_told_apart() -> None:
    parted = list(by_control(["already_public", "health", "partner"], lambda profile: profile, "sums"))
    assert [(name, controlled, part) for name, controlled, part in parted] == [
        ("sums", False, ["already_public"]),
        ("sums-controlled", True, ["health", "partner"]),
    ]
    captions = ["Sums" + UNDER_CONTROL * controlled for _, controlled, _ in parted]
    assert captions == ["Sums", "Sums (small counts withheld, others rounded)"]


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_plain_letters_are_not_looked_at_one_by_one_and_nothing_else_is_passed_over(text: str) -> None:
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") else c for c in text)
    assert clean(text, 10**6) == " ".join(re.split(r"\s+", shown)).strip()
    if text[:1] not in tuple("\t\r\n\0"):
        cell = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
        assert spreadsheet_cell(text) in (cell, f"'{cell}")
