"""The shock calendar: every row sourced, and the warnings it gives."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.evidence.coverage import data_warnings
from evaluation.evidence.shocks import COLUMNS, KINDS, crossing, read_shocks, review_shocks, shipped_shocks
from evaluation.protocol.loading import load_review
from tests.protocol.example_review import write_review

ROW = "own,2022-03-01,,record_system,Kent Police,no,our new record system,,minutes of the board,2024-01-01,yes"


def test_every_shipped_row_is_sourced_and_dated() -> None:
    shocks = shipped_shocks()
    assert len({shock.id for shock in shocks}) == len(shocks) > 25
    assert all(shock.source and shock.kind in KINDS and shock.checked > date(2026, 1, 1) for shock in shocks)
    assert {shock.kind for shock in shocks} == set(KINDS)


def test_what_is_not_confirmed_says_so() -> None:
    titles = {shock.id: shock.title for shock in shipped_shocks()}
    assert "(unverified)" in titles["principal_crime"] and "(unverified)" in titles["ndqis_knife"]
    assert "(unverified)" not in titles["lockdown_1_announced"]


@pytest.mark.parametrize(
    ("start", "end", "crosses"),
    [("2018-01", "2018-12", True), ("2018-05", "2019-12", False), ("2017-01", "2018-03", False)],
)
def test_a_window_crosses_what_begins_inside_it(start: str, end: str, crosses: bool) -> None:
    ids = {shock.id for shock in crossing(shipped_shocks(), start, end, {"counting_rule"})}
    assert ("course_of_conduct" in ids) is crosses


def test_a_window_that_begins_in_a_lockdown_crosses_it() -> None:
    assert "lockdown_3" in {shock.id for shock in crossing(shipped_shocks(), "2021-02", "2022-12", {"covid"})}


def test_shocks_of_another_force_are_left_out() -> None:
    def ids(*suppliers: str) -> set[str]:
        return {shock.id for shock in crossing(shipped_shocks(), "2019-01", "2025-12", {"record_system"}, suppliers)}

    assert ids() == set()
    assert ids("Greater Manchester Police") == {"gmp_iops"}
    assert ids("Devon & Cornwall Police", "Metropolitan Police Service") == {"met_connect"}


def test_a_review_adds_and_replaces_rows(tmp_path: Path) -> None:
    (tmp_path / "shocks.csv").write_text(",".join(COLUMNS) + f"\n{ROW}\n")
    assert "own" in {shock.id for shock in review_shocks(tmp_path)}
    (tmp_path / "shocks.csv").write_text(
        ",".join(COLUMNS) + f"\n{ROW.replace('record_system', 'weather')}\n{ROW.replace('2022-03-01', 'March')}\n"
    )
    with pytest.raises(InputError) as caught:
        read_shocks(tmp_path / "shocks.csv")
    assert [p.place for p in caught.value.problems] == ["row 2", "row 3"]


def test_your_window_crosses(tmp_path: Path) -> None:
    """The example's window (2021 to 2023) with data whose record says that they come from the police."""
    folder = write_review(tmp_path)
    (folder / "data" / "provenance").mkdir()
    (folder / "data" / "provenance" / "assaults.json").write_text(
        json.dumps({"source": "police-uk", "suppliers": ["Kent Police"]})
    )
    [said] = [w.found for w in data_warnings(load_review(folder)) if w.found.startswith("Your window crosses")]
    assert "map points of data.police.uk rebuilt (2022-07)" in said
    assert "COVID-19 restrictions (2021-01 to 2022-01)" in said
    simulated = write_review(tmp_path / "simulated", review={"simulated": True})
    assert not [w for w in data_warnings(load_review(simulated)) if "crosses" in w.found]
