"""Unit costs of crime and deflators as tables with their sources; a review's own tables replace the shipped ones.

A sum of one price year becomes one of another by the ratio of the deflators. Nothing is guessed: a year that the table
does not hold gives no sum, and the money that depends on it is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.evidence.cells import read_number
from evaluation.evidence.small_table import read_table
from evaluation.protocol import Indicator
from evaluation.protocol.suggest import did_you_mean, quote

UNIT_COSTS, DEFLATORS = "unit_costs.csv", "deflators.csv"
SHIPPED = Path(__file__).parent / "tables"
BENEFICIARIES = ("police", "health", "justice", "victims")


@dataclass(frozen=True)
class Price:
    """What one event costs, in pounds of its price year.

    Attributes:
        value: pounds for one event.
        price_year: `2015-16` or `2015`.
        source, quality: where it was published, and how far it was checked.
        parts: pounds that fall on each of :data:`BENEFICIARIES`, as far as the table says.
        parts_quality: how far those were checked.
        title: of the offence.
    """

    value: float
    price_year: str
    source: str
    quality: str
    parts: dict[str, float]
    parts_quality: str = ""
    title: str = ""


@dataclass(frozen=True)
class Prices:
    """The tables of one review.

    Attributes:
        unit_costs: by offence.
        deflators: index by calendar year.
        deflator_source: where the index was published.
    """

    unit_costs: dict[str, Price]
    deflators: dict[int, float]
    deflator_source: str

    def index(self, year: str) -> float | None:
        """The deflator of a price year; a financial year is three quarters of one calendar year and a quarter of the next."""
        first = int(year[:4])
        if len(year) == 4:
            return self.deflators.get(first)
        if first not in self.deflators or first + 1 not in self.deflators:
            return None
        return 0.75 * self.deflators[first] + 0.25 * self.deflators[first + 1]

    def uprate(self, pounds: float, year: str, to: str) -> float | None:
        """A sum of one price year in the prices of another; None if the table lacks one of the two."""
        if year == to:
            return pounds
        before, after = self.index(year), self.index(to)
        return None if before is None or after is None else pounds * after / before


def read_prices(folder: Path) -> Prices:
    """The tables of a review folder, its own where it has them.

    Raises:
        InputError: with everything wrong in the review's own tables.
    """
    problems: list[Problem] = []
    costs = _table(folder, UNIT_COSTS, ("offence", "value", "price_year", "source", "quality"), problems)
    indices = _table(folder, DEFLATORS, ("year", "index", "source"), problems)
    unit_costs: dict[str, Price] = {}
    deflators: dict[int, float] = {}
    for number, row in costs:
        value = _number(UNIT_COSTS, number, row, "value", lambda v: v >= 0, problems)
        parts = {
            who: amount
            for who in BENEFICIARIES
            if row.get(who)
            and (amount := _number(UNIT_COSTS, number, row, who, lambda v: v >= 0, problems)) is not None
        }
        if not _is_year(row["price_year"]):
            problems.append(_problem(UNIT_COSTS, number, "price_year", row, "Write 2015-16, or 2015."))
        if value is not None and sum(parts.values()) > value + 0.5:
            found = f"The parts add up to {sum(parts.values()):,.0f}, more than the whole."
            problems.append(Problem(UNIT_COSTS, f"row {number}, value", found, "Correct the parts or the value."))
        if row["offence"] in unit_costs:
            problems.append(_problem(UNIT_COSTS, number, "offence", row, "It is there twice: keep one of the two."))
        elif value is not None:
            unit_costs[row["offence"]] = Price(
                value, row["price_year"], row["source"], row["quality"], parts,
                row.get("parts_quality", ""), row.get("title") or row["offence"].replace("_", " "),
            )  # fmt: skip
    for number, row in indices:
        index = _number(DEFLATORS, number, row, "index", lambda v: v > 0, problems)
        if not re.fullmatch(r"[0-9]{4}", row["year"]):
            problems.append(_problem(DEFLATORS, number, "year", row, "Write a calendar year, such as 2015."))
        elif int(row["year"]) in deflators:
            problems.append(_problem(DEFLATORS, number, "year", row, "It is there twice: keep one of the two."))
        elif index is not None:
            deflators[int(row["year"])] = index
    if problems:
        raise InputError(problems)
    return Prices(unit_costs, deflators, indices[0][1]["source"] if indices else "")


def price_of(indicator: Indicator, prices: Prices) -> Price | None:
    """What one event of an indicator costs; None if nothing is declared.

    Raises:
        InputError: the offence that is named is not in the table.
    """
    declared = indicator.unit_cost
    if declared is None:
        return None
    if declared.offence is None:
        assert declared.value is not None and declared.price_year is not None and declared.source is not None
        return Price(declared.value, declared.price_year, declared.source, declared.confidence or "not rated", {})
    if declared.offence not in prices.unit_costs:
        remedy = did_you_mean(declared.offence, prices.unit_costs, f"an offence in {UNIT_COSTS}")
        found = f"There is no offence {quote(declared.offence)} in the table of unit costs."
        raise InputError([Problem("indicators.yaml", f"{indicator.key}.unit_cost.offence", found, remedy)])
    return prices.unit_costs[declared.offence]


def own_tables(folder: Path) -> list[Path]:
    """The tables a review has of its own."""
    return [folder / name for name in (UNIT_COSTS, DEFLATORS) if (folder / name).is_file()]


def _table(
    folder: Path, name: str, wanted: tuple[str, ...], problems: list[Problem]
) -> list[tuple[int, dict[str, str]]]:
    """Rows with their numbers as a spreadsheet shows them."""
    path = folder / name if (folder / name).is_file() else SHIPPED / name
    rows = []
    for number, cells in read_table(path, name, wanted, problems):
        if empty := [column for column in wanted if not cells[column]]:
            remedy = (
                "Every figure needs its source, price year and quality mark." if name == UNIT_COSTS else "Fill it in."
            )
            problems.append(Problem(name, f"row {number}", f"Nothing is written under {', '.join(empty)}.", remedy))
            continue
        rows.append((number, cells))
    return rows


def _number(
    file: str, number: int, row: dict[str, str], column: str, allowed: Callable[[float], bool], problems: list[Problem]
) -> float | None:
    value = read_number(row[column], grouped=True)
    if value is not None and allowed(value):
        return value
    problems.append(_problem(file, number, column, row, "Write a number, such as 14050."))
    return None


def _problem(file: str, number: int, column: str, row: dict[str, str], remedy: str) -> Problem:
    return Problem(file, f"row {number}, {column}", f"{quote(row[column])} cannot be used.", remedy)


def _is_year(text: str) -> bool:
    return re.fullmatch(r"[0-9]{4}([-/][0-9]{2})?", text) is not None
