"""What one series of the board costs is paid once, and again only for what changed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from evaluation.inference.engine import Store
from evaluation.judgement import board
from evaluation.protocol import load_review

MONTHS = [f"{2021 + m // 12}-{m % 12 + 1:02d}" for m in range(48)]
AREAS = ("T01", "T02", "T03")


def write_review(folder: Path, newest: dict[str, int]) -> Path:
    """Three areas of one indicator; ``newest`` replaces the count of an area's last month."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "plans").mkdir(exist_ok=True)
    (folder / "review.yaml").write_text("title: Small\npartnership: Made-up county\nyear: 2024-25\nsimulated: true\n")
    areas = "".join(f"  {code}: {{name: Area {code}, population: 90000}}\n" for code in AREAS)
    (folder / "areas.yaml").write_text(f"areas:\n{areas}")
    (folder / "indicators.yaml").write_text(
        "assaults: {title: Assaults, unit: offences, direction: lower_is_better, source: made up, "
        "disclosure: already_public, licence: made up}\n"
    )
    rng = np.random.default_rng(4)
    lines = ["area,period,count"]
    for code in AREAS:
        counts = rng.poisson(25.0, len(MONTHS))
        counts[-1] = newest.get(code, counts[-1])
        lines += [f"{code},{month},{count}" for month, count in zip(MONTHS, counts, strict=True)]
    (folder / "data" / "assaults.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Areas whose answer was computed, in order."""
    done: list[str] = []
    compute = board._answer

    def noted(asked: board._Asked) -> board._Answer:
        done.append(asked.series.area)
        return compute(asked)

    monkeypatch.setattr(board, "_answer", noted)
    return done


def plain(found: board.Board) -> list[object]:
    """Everything a board says, in what can be compared."""
    ranges = [None if j.expected is None else str(asdict(j.expected)) for j in found.judged]
    return [ranges, found.textbook, found.quiet, found.ranges, found.years]


@pytest.mark.slow
def test_an_unchanged_series_is_not_computed_again(tmp_path: Path, answered: list[str]) -> None:
    store = Store(tmp_path / "series")
    folder = write_review(tmp_path / "review", {})
    first = board.watch(load_review(folder), refits=2, store=store, code="a")
    computed = list(answered)
    assert set(AREAS) < set(computed), "every area and the whole"

    again = board.watch(load_review(folder), refits=2, store=store, code="a")
    assert answered == computed, "nothing was computed"
    assert plain(again) == plain(first)
    assert plain(board.watch(load_review(folder), refits=2)) == plain(first), "as without a store"


@pytest.mark.slow
def test_a_new_month_costs_its_series_and_another_program_costs_all(tmp_path: Path, answered: list[str]) -> None:
    store = Store(tmp_path / "series")
    folder = write_review(tmp_path / "review", {})
    board.watch(load_review(folder), refits=0, store=store, code="a")
    everything = list(answered)

    answered.clear()
    changed = board.watch(load_review(write_review(folder, {"T02": 80})), refits=0, store=store, code="a")
    assert set(answered) == {"T02", board.WHOLE}, "the area and the whole that holds it"
    assert plain(changed) == plain(board.watch(load_review(folder), refits=0)), "as computed afresh"

    answered.clear()
    board.watch(load_review(folder), refits=0, store=store, code="b")
    assert sorted(answered) == sorted(everything)


def test_a_series_too_short_for_a_range_says_so_and_nothing_is_estimated(tmp_path: Path) -> None:
    folder = write_review(tmp_path / "review", {})
    text = (folder / "data" / "assaults.csv").read_text().splitlines()
    short = [line for line in text if not line.startswith("T") or line.split(",")[1] >= "2022-07"]
    (folder / "data" / "assaults.csv").write_text("\n".join(short) + "\n")
    found = board.watch(load_review(folder), refits=2)
    assert {j.why_no_range for j in found.judged} == {"fewer than 24 periods before the newest 12"}
    assert all(j.expected is None for j in found.judged)


def test_without_data_there_is_a_board_of_nothing(tmp_path: Path) -> None:
    folder = write_review(tmp_path / "review", {})
    (folder / "data" / "assaults.csv").write_text("area,period,count\n" + "".join(f"T01,{m},\n" for m in MONTHS))
    assert board.watch(load_review(folder), refits=2).judged == []


def fail(*_: object) -> None:
    raise FloatingPointError("no mode was found")


def test_a_series_without_a_mode_is_charted_without_a_range_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "expect", fail)
    found = board.watch(load_review(write_review(tmp_path / "review", {})), refits=2)
    assert {(j.expected, j.why_no_range) for j in found.judged} == {(None, "no mode was found")}
    assert all(j.chart is not None for j in found.judged), "the rules need no model"


@pytest.mark.slow
def test_refits_without_a_mode_are_left_out_of_the_tally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    review = load_review(write_review(tmp_path / "review", {}))
    assert board.watch(review, refits=4).ranges is not None
    monkeypatch.setattr(board, "refit_tails", fail)
    found = board.watch(review, refits=4)
    assert found.ranges is None and all(j.expected is not None for j in found.judged)
