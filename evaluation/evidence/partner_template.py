"""The blank spreadsheet that a partner fills in: counts by area and month, a dictionary, and its own checks.

Validation rules in it refuse text where a count belongs, and a formula counts the cells that still need attention.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.evidence.sources.extract import Extract
from evaluation.evidence.sources.mapping import Mapping, PeriodColumn
from evaluation.evidence.sources.spreadsheet import read

if TYPE_CHECKING:
    from xlsxwriter import Workbook

SHEET = "Counts"
COLUMNS = ("Indicator", "Area code", "Month", "Count", "Status", "Remark")
ROWS = 2000  # rows that the validation rules cover
DICTIONARY: tuple[tuple[str, str, str], ...] = (
    ("Indicator", "What is counted, in the same words in every row", "Referrals to the youth service"),
    ("Area code", "The code of the area (ONS code where there is one), not its name", "E07000001"),
    ("Month", "Year and month, as text", "2024-03"),
    ("Count", "A whole number; 0 if nothing happened; * for 1 to 7 if you must hide it; blank if not known", "12"),
    ("Status", "final, provisional (may still change), partial (incomplete) or blank", "final"),
    ("Remark", "Anything a reader must know; it is not read by the program", "new recording system from April"),
)
GUIDE = (
    "One row for each indicator, area and month. Write 0 where nothing happened, leave the count blank where you do not know.",
    "Counts only. Never enter names, dates of birth, NHS numbers, postcodes, case numbers or one row for each person.",
    "Do not rename, merge, move or add columns in the sheet Counts. Do not put totals in it.",
    "Counts below 8 that come from health data must be hidden: write *.",
)
SUPPRESSED = {"*": [1.0, 7.0]}


def write_template(path: Path) -> None:
    """Write the blank workbook.

    Raises:
        InputError: the name does not end in .xlsx.
    """
    from xlsxwriter import Workbook

    from evaluation.errors import InputError, Problem

    if path.suffix.lower() != ".xlsx":
        raise InputError([Problem(str(path), "", "The template is an Excel workbook.", "End the name in .xlsx.")])
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.writing")
    try:
        with Workbook(scratch) as book:
            _write_counts(book)
            _write_dictionary(book)
            _write_guide(book)
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def read_template(paths: Sequence[Path]) -> Extract:
    """Read workbooks that partners have filled in.

    Raises:
        InputError: with every problem, naming file, sheet and row.
    """
    mapping = Mapping(
        title="counts of the template",
        sheet=SHEET,
        area=COLUMNS[1],
        period=PeriodColumn(column=COLUMNS[2]),
        count=COLUMNS[3],
        measure=COLUMNS[0],
        status=COLUMNS[4],
        suppressed=SUPPRESSED,
    )
    return read(paths, "excel", mapping)


def _write_counts(book: Workbook) -> None:
    sheet, text = book.add_worksheet(SHEET), book.add_format({"num_format": "@"})
    sheet.write_row(0, 0, COLUMNS, book.add_format({"bold": True}))
    # Months are text, so that 2024-03 stays as typed. Counts are not: a figure typed there would be text, and refused.
    sheet.set_column("A:C", 24, text)
    sheet.set_column("D:D", 12)
    sheet.set_column("E:F", 24, text)
    count = {"validate": "custom", "value": '=OR(D2="*",AND(ISNUMBER(D2),D2>=0,D2=INT(D2)))', "error_title": "Count"}
    month = {"validate": "custom", "value": '=AND(LEN(C2)=7,MID(C2,5,1)="-")', "error_title": "Month"}
    status = {"validate": "list", "source": ["final", "provisional", "partial"]}
    sheet.data_validation(1, 3, ROWS, 3, count | {"error_message": "A whole number of 0 or more, or * for 1 to 7."})
    sheet.data_validation(1, 2, ROWS, 2, month | {"error_message": "Year and month, such as 2024-03."})
    sheet.data_validation(1, 4, ROWS, 4, status)


def _write_dictionary(book: Workbook) -> None:
    sheet = book.add_worksheet("Dictionary")
    sheet.write_row(0, 0, ("Column", "What to write", "Example"), book.add_format({"bold": True}))
    for number, row in enumerate(DICTIONARY, 1):
        for column, cell in enumerate(row):
            sheet.write_string(number, column, cell)
    sheet.set_column("A:A", 16)
    sheet.set_column("B:C", 60)


def _write_guide(book: Workbook) -> None:
    sheet = book.add_worksheet("Guide")
    sheet.set_column("A:A", 60)
    sheet.write_string(0, 0, "How to fill in the sheet Counts", book.add_format({"bold": True}))
    for number, line in enumerate(GUIDE, 1):
        sheet.write_string(number, 0, line)
    area, month, count = (f"{SHEET}!{letter}2:{letter}{ROWS + 1}" for letter in "BCD")
    below = len(GUIDE) + 2
    sheet.write_string(below, 0, "Rows with a count")
    sheet.write_formula(below, 1, f"=COUNTA({count})")
    sheet.write_string(below + 1, 0, "Rows with a count but no area or month (must be 0)")
    sheet.write_formula(below + 1, 1, f'=SUMPRODUCT(({count}<>"")*((({area}="")+({month}=""))>0))')
