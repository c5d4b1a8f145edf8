"""Tables of unit costs and deflators: shipped, replaced, refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.judgement.prices import price_of, read_prices
from evaluation.protocol import Indicator
from evaluation.protocol.indicator import UnitCost

HEAD = "offence,value,price_year,source,quality\n"


def indicator(**unit_cost) -> Indicator:
    return Indicator(key="assaults", title="Assaults", unit_cost=UnitCost(**unit_cost))


def test_every_shipped_figure_has_a_source_a_year_and_a_mark(tmp_path: Path) -> None:
    prices = read_prices(tmp_path)
    assert prices.unit_costs["violence_with_injury"].value == 14050
    assert prices.unit_costs["violence_with_injury"].quality == "read"
    assert prices.unit_costs["violence_without_injury"].quality == "unverified"
    assert all(p.source and p.price_year == "2015-16" and p.quality for p in prices.unit_costs.values())
    assert prices.unit_costs["homicide"].parts == {"police": 11960, "justice": 800980}


def test_uprating_by_hand(tmp_path: Path) -> None:
    prices = read_prices(tmp_path)
    before = 0.75 * 75.1536 + 0.25 * 76.4554
    after = 0.75 * 96.2507 + 0.25 * 100
    assert prices.uprate(14050, "2015-16", "2023-24") == pytest.approx(14050 * after / before)
    assert prices.uprate(100, "2020", "2024") == pytest.approx(100 * 100 / 85.2137)
    assert prices.uprate(5, "2040", "2040") == 5


@pytest.mark.parametrize("year", ["2024-25", "2031", "1950-51"])
def test_a_year_that_is_not_in_the_table_gives_no_sum(tmp_path: Path, year: str) -> None:
    assert read_prices(tmp_path).uprate(100, "2015-16", year) is None


def test_the_users_table_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "unit_costs.csv").write_text(HEAD + "assault,2000,2022-23,Our own study,high\n", encoding="utf-8")
    prices = read_prices(tmp_path)
    assert list(prices.unit_costs) == ["assault"]
    assert price_of(indicator(offence="assault"), prices).value == 2000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offence,value\nassault,2000\n", "no column `price_year`"),
        (HEAD + "assault,2000,2022-23,,high\n", "source"),
        (HEAD + "assault,a lot,2022-23,Study,high\n", "'a lot'"),
        (HEAD + "assault,-5,2022-23,Study,high\n", "'-5'"),
        (HEAD + "assault,5,lately,Study,high\n", "'lately'"),
        ("offence,value,price_year,source,quality,police\nassault,5,2022,Study,high,9\n", "more than the whole"),
    ],
)
def test_a_faulty_table_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "unit_costs.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_prices(tmp_path)
    assert said in str(refused.value)


def test_an_unknown_offence_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="violence_with_injury"):
        price_of(indicator(offence="violence_with_injry"), read_prices(tmp_path))


@pytest.mark.parametrize(
    "given", [{}, {"value": 3}, {"offence": "rape", "value": 3, "price_year": "2020", "source": "x"}]
)
def test_a_unit_cost_is_a_name_or_a_sourced_value(given) -> None:
    with pytest.raises(ValueError, match="unit cost needs"):
        UnitCost(**given)


def test_an_offence_that_is_not_priced_is_refused_and_the_nearest_named(tmp_path: Path) -> None:
    (tmp_path / "unit_costs.csv").write_text(HEAD + "assault,2000,2022-23,Our own study,high\n", encoding="utf-8")
    with pytest.raises(InputError, match="no offence 'asault'") as refused:
        price_of(indicator(offence="asault"), read_prices(tmp_path))
    assert "assault" in refused.value.problems[0].remedy


def test_a_price_of_ones_own_is_taken_with_its_source_and_a_missing_one_is_none(tmp_path: Path) -> None:
    own = indicator(value=900, price_year="2022-23", source="Our hospital")
    found = price_of(own, read_prices(tmp_path))
    assert (found.value, found.price_year, found.source, found.quality) == (900, "2022-23", "Our hospital", "not rated")
    assert price_of(Indicator(key="assaults", title="Assaults"), read_prices(tmp_path)) is None
