"""What a terminal is told cannot steer it: texts from files and data reach it as text."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from evaluation.errors import InputError, Problem
from evaluation.protocol import load_review
from tests.command_line import svd
from tests.protocol.example_review import tidy_csv, write_review

STEERING = ["\x1b[31m", "\x1b]0;title\x07", "\x9b31m", "\x08", "\x7f", "\r", "\u202e", "\u2066", "\u200f"]


@pytest.mark.parametrize("steering", STEERING, ids=ascii)
def test_a_title_that_steers_is_refused(steering: str, tmp_path: Path) -> None:
    """YAML itself allows such characters if they are written as escapes in quotes."""
    write_review(
        tmp_path, outreach={"title": f"Night{steering}guardians"}, areas={"areas": {"T01": {"name": f"a{steering}b"}}}
    )
    with pytest.raises(InputError) as refused:
        load_review(tmp_path)
    said = [problem for problem in refused.value.problems if f"U+{ord(steering[0]):04X}" in problem.found]
    assert {problem.file for problem in said} == {"plans/outreach.yaml", "areas.yaml"}


def test_letters_of_every_script_and_emoji_are_not(tmp_path: Path) -> None:
    name = "Llŷn, Ynys Môn 👩‍👩‍👧 日本 עברית العربية\nsecond line\tand tab"
    write_review(tmp_path, outreach={"title": name})
    assert load_review(tmp_path).plans["outreach"].title == name


def test_what_was_found_in_data_is_shown_without_its_power(tmp_path: Path) -> None:
    rows = "".join(f"T01,2021-01{steering},4\n" for steering in STEERING if steering != "\r")
    write_review(tmp_path, data={"assaults.csv": tidy_csv(extra=rows)})
    said = svd("check", tmp_path).output
    assert "is not a period" in said and "\ufffd" in said
    assert not [c for c in said if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
    assert str(Problem("a", "b", "c\x1b[2Jd", "e")) == "a, b: c\ufffd[2Jd e"
