"""The spreadsheet of the tutorial, as a partner might send it: made up, with an effect that is known.

Rewrite it with `python -m tests.guide.practice`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.guide.pages import GUIDE

WORKBOOK = GUIDE / "practice" / "incidents.xlsx"
AREAS = ("N01", "N02", "N03", "N04", "N05", "N06")
MONTHS = [f"{year}-{month:02d}" for year in range(2020, 2025) for month in range(1, 13)]
TREATED, START, RATIO = ("N01", "N02"), "2023-07", 0.7


def rows() -> list[tuple[str, str, str, int]]:
    """Indicator, area, month and count: a season, a shock in 2020 that all share, and 30 % fewer after the start."""
    rng = np.random.default_rng(20260401)
    told = []
    shared = {
        month: (0.55 if "2020-04" <= month <= "2020-06" else 1.0) * np.exp(rng.normal(0, 0.05)) for month in MONTHS
    }
    for i, area in enumerate(AREAS):
        for month in MONTHS:
            season = 1 + 0.15 * np.cos(2 * np.pi * (int(month[5:]) - 7) / 12)
            effect = RATIO if area in TREATED and month >= START else 1.0
            told.append(
                ("Street violence", area, month, int(rng.poisson((40 + 8 * i) * season * shared[month] * effect)))
            )
    return told


def write_practice(path: Path) -> None:
    """Write the workbook in the layout of `svd import --template`."""
    from xlsxwriter import Workbook

    from evaluation.evidence.partner_template import COLUMNS, SHEET

    with Workbook(path) as book:
        sheet = book.add_worksheet(SHEET)
        sheet.write_row(0, 0, COLUMNS)
        for number, (indicator, area, month, count) in enumerate(rows(), 1):
            sheet.write_string(number, 0, indicator)
            sheet.write_string(number, 1, area)
            sheet.write_string(number, 2, month)
            sheet.write_number(number, 3, count)
            sheet.write_string(number, 4, "final")


if __name__ == "__main__":
    WORKBOOK.parent.mkdir(exist_ok=True)
    write_practice(WORKBOOK)
