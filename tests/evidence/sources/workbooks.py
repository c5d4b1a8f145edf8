"""Small workbooks written by hand: .ods with the repetitions that LibreOffice writes, and plain .xlsx."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Cell = str | int | None


def write_ods(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> Path:
    """Equal neighbours become repeated cells, as in real files; sheets end in blank rows and cells to the edge."""
    parts = []
    for name, rows in sheets.items():
        body = "".join(f"<table:table-row>{_ods_cells(row)}</table:table-row>" for row in rows)
        edge = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        parts.append(f'<table:table table:name="{escape(name)}">{body}{edge}</table:table>')
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text")
    )
    content = f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body><office:spreadsheet>{"".join(parts)}</office:spreadsheet></office:body></office:document-content>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return path


def _ods_cells(row: Sequence[Cell]) -> str:
    out, i = [], 0
    while i < len(row):
        n = 1
        while i + n < len(row) and row[i + n] == row[i]:
            n += 1
        repeat = f' table:number-columns-repeated="{n}"' if n > 1 else ""
        cell = row[i]
        if cell is None:
            out.append(f"<table:table-cell{repeat}/>")
        elif isinstance(cell, int):
            out.append(
                f'<table:table-cell{repeat} office:value-type="float" office:value="{cell}"><text:p>{cell:,}</text:p></table:table-cell>'
            )
        else:
            out.append(
                f'<table:table-cell{repeat} office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
            )
        i += n
    return "".join(out)


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]], merged: Sequence[str] = ()) -> Path:
    """A workbook whose first sheet may have merged cells (only the first of which holds text)."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    listed = "".join(f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(sheets, 1))
    related = "".join(
        f'<Relationship Id="rId{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{related}</Relationships>'
        )
        for i, rows in enumerate(sheets.values(), 1):
            body = "".join(f'<row r="{n}">{_xlsx_cells(row, n)}</row>' for n, row in enumerate(rows, 1))
            ranges = "".join(f'<mergeCell ref="{r}"/>' for r in merged) if i == 1 else ""
            merges = f"<mergeCells>{ranges}</mergeCells>" if ranges else ""
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData>{merges}</worksheet>',
            )
    return path


def _xlsx_cells(row: Sequence[Cell], number: int) -> str:
    out = []
    for i, cell in enumerate(row):
        where = f"{chr(65 + i)}{number}"
        if isinstance(cell, int):
            out.append(f'<c r="{where}"><v>{cell}</v></c>')
        elif cell is not None:
            out.append(f'<c r="{where}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>')
    return "".join(out)
