"""The small tables that a review may have beside its data (days, needs, prices, shocks, names), row by row and column by name.

They are read as strictly as the data themselves: see `rows.read_rows` for what is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluation.errors import Problem
from evaluation.evidence.rows import read_rows

Row = tuple[int, dict[str, str]]


def read_table(path: Path, file: str, columns: Sequence[str], problems: list[Problem]) -> list[Row]:
    """The rows of a CSV file with their numbers as a spreadsheet shows them.

    Args:
        path: the file.
        file: its name in problems.
        columns: those that must be there; others are read too.
        problems: receives what is wrong with the file as a table.

    Returns:
        (row number, column name -> text without spaces around it); empty if the file cannot be judged.
    """
    rows, found = read_rows(path, file, [(name,) for name in columns])
    problems += found
    if rows is None:
        return []
    names = list(rows.columns)
    return [
        (number, {name: cell.strip() for name, cell in zip(names, cells, strict=True)})
        for number, cells in zip(rows.numbers, zip(*rows.columns.values(), strict=True), strict=True)
    ]
