"""The blank spreadsheet that a partner fills in: counts by area and month, a dictionary, and its own checks.

The sheet is written cell by cell as an .xlsx of the plainest kind (a zip of XML), so that no library is needed to make
it; validation rules in it refuse text where a count belongs, and a formula counts the cells that still need attention.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from evaluation.evidence.sources.extract import Extract
from evaluation.evidence.sources.spreadsheet import Mapping, PeriodColumn, read
from evaluation.evidence.sources.workbook import column_letter

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
    from evaluation.errors import InputError, Problem

    if path.suffix.lower() != ".xlsx":
        raise InputError([Problem(str(path), "", "The template is an Excel workbook.", "End the name in .xlsx.")])
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.writing")
    try:
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in _parts().items():
                archive.writestr(name, content)
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


def _parts() -> dict[str, str]:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    names = (SHEET, "Dictionary", "Guide")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(names, 1))
    relations = "".join(
        f'<Relationship Id="rId{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in range(1, 4)
    )
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}.worksheet+xml"/>' for i in range(1, 4)
    )
    dictionary = [("Column", "What to write", "Example"), *DICTIONARY]
    return {
        "[Content_Types].xml": f'{head}<Types xmlns="{package}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{overrides}</Types>',
        "_rels/.rels": f'{head}<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{head}<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{head}<Relationships xmlns="{package}/relationships">{relations}'
        f'<Relationship Id="rId4" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        # Style 1 is text (so that 2024-03 stays as typed), style 2 bold.
        "xl/styles.xml": f'{head}<styleSheet xmlns="{main}"><fonts count="2"><font/><font><b/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="3"><xf/><xf numFmtId="49" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f"{head}{_counts_sheet(main)}",
        "xl/worksheets/sheet2.xml": f"{head}{_sheet(main, dictionary, '')}",
        "xl/worksheets/sheet3.xml": f"{head}{_sheet(main, [('How to fill in the sheet Counts',), *((t,) for t in GUIDE), *_checks()], '')}",
    }


def _counts_sheet(main: str) -> str:
    last = ROWS + 1
    rules = (
        f'<dataValidations count="3"><dataValidation type="custom" allowBlank="1" showErrorMessage="1" '
        f'errorTitle="Count" error="A whole number of 0 or more, or * for 1 to 7." sqref="D2:D{last}">'
        '<formula1>OR(D2="*",AND(ISNUMBER(D2),D2&gt;=0,D2=INT(D2)))</formula1></dataValidation>'
        f'<dataValidation type="custom" allowBlank="1" showErrorMessage="1" errorTitle="Month" '
        f'error="Year and month, such as 2024-03." sqref="C2:C{last}">'
        '<formula1>AND(LEN(C2)=7,MID(C2,5,1)="-")</formula1></dataValidation>'
        f'<dataValidation type="list" allowBlank="1" showErrorMessage="1" sqref="E2:E{last}">'
        '<formula1>"final,provisional,partial"</formula1></dataValidation></dataValidations>'
    )
    # Counts are not in the style of text: a figure typed there would be text, and the rule would refuse it.
    columns = (
        '<cols><col min="1" max="3" width="24" style="1" customWidth="1"/><col min="4" max="4" width="12" customWidth="1"/>'
        '<col min="5" max="6" width="24" style="1" customWidth="1"/></cols>'
    )
    return _sheet(main, [COLUMNS], rules, columns)


def _checks() -> list[tuple[str, ...]]:
    first, last = 2, ROWS + 1
    area, month, count = (f"{SHEET}!{column_letter(i)}{first}:{column_letter(i)}{last}" for i in (1, 2, 3))
    return [
        ("",),
        ("Rows with a count", f"=COUNTA({count})"),
        ("Rows with a count but no area or month (must be 0)",
         f'=SUMPRODUCT(({count}<>"")*((({area}="")+({month}=""))>0))'),
    ]  # fmt: skip


def _sheet(main: str, rows: Sequence[Sequence[str]], rules: str, columns: str = "") -> str:
    body = []
    for number, cells in enumerate(rows, 1):
        written = []
        for i, text in enumerate(cells):
            where = f"{column_letter(i)}{number}"
            if text.startswith("="):
                written.append(f'<c r="{where}"><f>{escape(text[1:])}</f></c>')
            elif text:
                style = 2 if number == 1 else 0
                written.append(f'<c r="{where}" t="inlineStr" s="{style}"><is><t>{escape(text)}</t></is></c>')
        body.append(f'<row r="{number}">{"".join(written)}</row>')
    return f'<worksheet xmlns="{main}">{columns}<sheetData>{"".join(body)}</sheetData>{rules}</worksheet>'
