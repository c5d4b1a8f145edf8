"""Look-up tables, vintages of LSOAs and the refusal to lose rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.errors import InputError
from evaluation.evidence.geography import (
    as_lookup,
    extend_to_2011,
    find_loss,
    mixed_vintages,
    read_lookup,
    read_residents,
    read_vintages,
    require_match,
    round_together,
)

OLD_TO_NEW = (
    "LSOA11CD,LSOA21CD,CHGIND\nE01000001,E01000001,U\nE01000002,E01035001,S\nE01000002,E01035002,S\n"
    "E01000003,E01035003,M\nE01000004,E01035003,M\n"
)


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lookup.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_told_by_what_they_hold(tmp_path: Path) -> None:
    text = "\ufeffLSOA21NM,LSOA21CD,WD25CD,WD25NM,LAD25CD,LAD25NM\nAshford 001A,E01000001,E05000001,North,E07000105,Ashford\n"
    ward, lad = (read_lookup(table(tmp_path, text), level) for level in ("ward", "lad"))
    assert (ward.source, ward.target, ward.names) == ("LSOA21CD", "WD25CD", {"E05000001": "North"})
    assert lad.whole() == {"E01000001": "E07000105"}


def test_a_split_code_needs_weights(tmp_path: Path) -> None:
    path = table(tmp_path, "LSOA21CD,WD25CD,residents\nE01000001,E05000001,300\nE01000001,E05000002,100\n")
    with pytest.raises(InputError, match="belong to more than one"):
        read_lookup(path, "ward")
    lookup = read_lookup(path, "ward", weight="residents")
    assert lookup.shares["E01000001"] == {"E05000001": 0.75, "E05000002": 0.25}
    assert lookup.split == ["E01000001"] and lookup.whole() == {}


def test_a_loss_is_refused_with_its_share(tmp_path: Path) -> None:
    lookup = read_lookup(table(tmp_path, "LSOA21CD,WD25CD\nE01000001,E05000001\n"), "ward")
    assert require_match(lookup, {"E01000001": 9}).rows == 0
    with pytest.raises(InputError, match=r"1 of 10 rows \(10.0%\) would be lost"):
        require_match(lookup, {"E01000001": 9, "E01000009": 1})
    assert require_match(lookup, {"E01000001": 9, "E01000009": 1}, allowed=0.1).share == 0.1


def test_what_changed_between_the_censuses_is_put_together(tmp_path: Path) -> None:
    vintages = read_vintages(table(tmp_path, OLD_TO_NEW))
    assert vintages.stable["E01000001"] == "E01000001"
    assert {vintages.stable[c] for c in ("E01000002", "E01035001", "E01035002")} == {"E01035001+1"}
    assert {vintages.stable[c] for c in ("E01000003", "E01000004", "E01035003")} == {"E01035003"}
    assert mixed_vintages(["E01000001"], vintages) == set()
    assert mixed_vintages(["E01000002", "E01035003"], vintages) == {"2011", "2021"}


def test_a_2011_code_joins_a_2021_lookup_where_its_parts_agree(tmp_path: Path) -> None:
    vintages = read_vintages(table(tmp_path, OLD_TO_NEW))
    path = tmp_path / "wards.csv"
    path.write_text("lsoa,ward_code\nE01000001,A\nE01035001,A\nE01035002,B\nE01035003,B\n")
    lookup = extend_to_2011(read_lookup(path, "ward"), vintages)
    assert lookup.whole()["E01000003"] == "B"
    assert find_loss(lookup, {"E01000002": 4, "E01000003": 6}).codes == ["E01000002"], "its halves lie in two wards"


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.integers(0, 30_000))
def test_shares_of_a_count_add_up_to_it(count: int, weights: list[float], period: int) -> None:
    exact = np.array(weights) / sum(weights) * count
    parts = round_together(exact, period)
    assert parts.sum() == count
    assert (np.abs(parts - exact) < 1 + 1e-5).all()


def test_rounding_is_right_on_average_and_leaves_whole_numbers_alone() -> None:
    exact = np.array([0.4, 3.0, 0.6, 7.0])
    parts = np.array([round_together(exact, 24_000 + month) for month in range(100)])
    assert (parts[:, [1, 3]] == [3, 7]).all() and (parts.sum(axis=1) == 11).all()
    assert np.abs(parts.mean(axis=0) - exact).max() < 0.02


def test_a_split_2011_code_is_shared_out_by_residents(tmp_path: Path) -> None:
    vintages = read_vintages(table(tmp_path, OLD_TO_NEW))
    people = tmp_path / "people.csv"
    people.write_text("LSOA21CD,Population\nE01035001,1500\nE01035002,500\nE01035003,900\n")
    residents = read_residents(people)
    shares = as_lookup(vintages, residents).shares
    assert shares["E01000002"] == {"E01035001": 0.75, "E01035002": 0.25}
    assert shares["E01000004"] == {"E01035003": 1.0} and shares["E01035003"] == {"E01035003": 1.0}
    path = tmp_path / "wards.csv"
    path.write_text("lsoa,ward_code\nE01035001,A\nE01035002,B\nE01035003,B\n")
    assert extend_to_2011(read_lookup(path, "ward"), vintages, residents).shares["E01000002"] == {"A": 0.75, "B": 0.25}
    with pytest.raises(InputError, match="residents of E01035002 are not given"):
        as_lookup(vintages, {"E01035001": 1.0})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b\n1,2\n", "None of the columns holds LSOA codes"),
        ("LSOA21CD,x\nE01000001,2\n", "cannot be told which column"),
        ("LSOA21CD,WD25CD\nE01000001\n", "The row has 1 cells"),
    ],
)
def test_tables_that_are_no_lookup(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_lookup(table(tmp_path, text), "ward")


def test_the_real_lookups(published: Callable[[str], Path]) -> None:
    folder = published("uk_population_and_lookups")
    wards = read_lookup(folder / "lsoa21_to_ward_lookup.csv", "ward")
    assert len(wards.whole()) == 35_672 - 25, "25 rows of the table name no ward"
    csp = read_lookup(folder / "lad_csp_pfa_jan2017_lookup.csv", "csp")
    assert (csp.source, csp.target, len(csp.shares), len(csp.names)) == ("LAD17NM", "CSP17CD", 348, 314)
