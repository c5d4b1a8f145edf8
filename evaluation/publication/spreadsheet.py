"""Spreadsheets in the open format (ODS 1.3), laid out as the Analysis Function asks of statistics.

One table a sheet, title in A1, a cover, a list of contents and notes; no merged cell, no empty cell in a table, nothing said
by colour. Every text is stored as text, so no cell is ever computed. Our own writer and no library: the libraries write their
own names, dates and thumbnails into the file, and take a second for every 3,000 cells (`odfdo` 3.27, measured).
"""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape as _xml
from xml.sax.saxutils import quoteattr

from evaluation.publication.disclosure import clean, spreadsheet_cell

Cell = str | int | float
MIME = "application/vnd.oasis.opendocument.spreadsheet"
LONGEST_NAME = 31
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the archive: the same book makes the same bytes
_SPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
    "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
    "meta": "urn:oasis:names:tc:opendocument:xmlns:meta:1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xlink": "http://www.w3.org/1999/xlink",
}


@dataclass(frozen=True)
class Sheet:
    """One table.

    Attributes:
        name: of the sheet; made unique and short where it is written.
        title: stands in A1.
        header: names of the columns.
        rows: cells, each row as long as the header; texts and numbers.
        notes: sentences between the title and the table.
    """

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Workbook:
    """A spreadsheet for readers.

    Attributes:
        title: of the whole.
        author: the publisher.
        cover: sentences of the cover: edition, data, contact.
        notes: sign or note -> what it means.
        sheets: the tables.
    """

    title: str
    author: str
    cover: Sequence[str]
    notes: Sequence[tuple[str, str]]
    sheets: Sequence[Sheet]


def write_workbook(path: Path, book: Workbook) -> Path:
    """Write a workbook as ODS.

    Raises:
        ValueError: a row is not as long as its header.
    """
    names = _unique([sheet.name for sheet in book.sheets])
    for sheet in book.sheets:
        if any(len(row) != len(sheet.header) for row in sheet.rows):
            raise ValueError(f"a row of '{sheet.title}' is not as long as its header")
    tables = [_text_sheet("Cover", [book.title, *book.cover])]
    contents = Sheet(
        "Contents",
        "Contents",
        ["Sheet", "What it holds"],
        list(zip(names, [s.title for s in book.sheets], strict=True)),
    )
    notes = Sheet("Notes", "Notes", ["Sign", "Meaning"], list(book.notes))
    ranges = []
    for name, sheet in [("Contents", contents), ("Notes", notes), *zip(names, book.sheets, strict=True)]:
        table, first, last = _table_sheet(name, sheet, linked=sheet is contents)
        tables.append(table)
        ranges.append(_range(name, first, last, len(sheet.header)))
    content = (
        f'<office:document-content {_declared()} office:version="1.3"><office:automatic-styles>{_STYLES}</office:automatic-styles>'
        f"<office:body><office:spreadsheet>{''.join(tables)}<table:database-ranges>{''.join(ranges)}</table:database-ranges>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    meta = (
        f'<office:document-meta {_declared()} office:version="1.3"><office:meta><meta:generator>svd-evaluation</meta:generator>'
        f"<dc:title>{_words(book.title)}</dc:title><dc:creator>{_words(book.author)}</dc:creator><dc:language>en-GB</dc:language>"
        "</office:meta></office:document-meta>"
    )
    styles = f'<office:document-styles {_declared()} office:version="1.3"><office:styles>{_NAMED}</office:styles></office:document-styles>'
    files = {"content.xml": content, "styles.xml": styles, "meta.xml": meta}
    kinds = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{kind}"/>'
        for name, kind in [("/", MIME), *((name, "text/xml") for name in files)]
    )
    files["META-INF/manifest.xml"] = (
        f'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">{kinds}</manifest:manifest>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(
            zipfile.ZipInfo("mimetype", _EPOCH), MIME, zipfile.ZIP_STORED
        )  # first and not compressed, as the format asks
        for name, text in files.items():
            made.writestr(
                zipfile.ZipInfo(name, _EPOCH), f'<?xml version="1.0" encoding="UTF-8"?>\n{text}', zipfile.ZIP_DEFLATED
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return path


def sheet_name(text: str) -> str:
    """A name that every spreadsheet program takes."""
    return re.sub(r"[^A-Za-z0-9_ -]+", " ", clean(text)).strip()[:LONGEST_NAME].strip() or "Table"


def _unique(names: Iterable[str]) -> list[str]:
    taken = {"cover", "contents", "notes"}
    found = []
    for given in names:
        name, n = sheet_name(given), 1
        while name.casefold() in taken:
            n += 1
            name = f"{sheet_name(given)[: LONGEST_NAME - 4]} {n}"
        taken.add(name.casefold())
        found.append(name)
    return found


def _text_sheet(name: str, lines: Sequence[str]) -> str:
    rows = [_row([line], "title" if i == 0 else "line") for i, line in enumerate(lines)]
    return f'<table:table table:name="{name}" table:style-name="sheet"><table:table-column table:style-name="wide"/>{"".join(rows)}</table:table>'


def _table_sheet(name: str, sheet: Sheet, linked: bool) -> tuple[str, int, int]:
    """The sheet, and the rows (from 1) of its header and of its last row."""
    above = [sheet.title, "This sheet holds one table.", *sheet.notes]
    rows = [_row([line], "title" if i == 0 else "line") for i, line in enumerate(above)]
    rows.append(f"<table:table-header-rows>{_row(sheet.header, 'head')}</table:table-header-rows>")
    rows += [_row(row, "words", link=linked) for row in sheet.rows]
    longest = [max(len(str(row[i])) for row in (sheet.header, *sheet.rows)) for i in range(len(sheet.header))]
    columns = "".join(f'<table:table-column table:style-name="{_fitting(length)}"/>' for length in longest)
    table = f'<table:table table:name={quoteattr(name)} table:style-name="sheet">{columns}{"".join(rows)}</table:table>'
    return table, len(above) + 1, len(above) + 1 + len(sheet.rows)


def _fitting(letters: int) -> str:
    """The narrowest column that shows so many letters on one line, or the widest, in which they are wrapped."""
    return next((name for name, (_, room) in COLUMNS.items() if letters <= room), "broad")


def _row(cells: Sequence[Cell], style: str, link: bool = False) -> str:
    return (
        f"<table:table-row>{''.join(_cell(c, style, link and i == 0) for i, c in enumerate(cells))}</table:table-row>"
    )


def _cell(value: Cell, style: str, link: bool = False) -> str:
    if isinstance(value, (int, float)):
        return f'<table:table-cell table:style-name="number" office:value-type="float" office:value="{value!r}"><text:p>{value:g}</text:p></table:table-cell>'
    words = _words(str(spreadsheet_cell(value)))
    if link:
        words = f'<text:a xlink:type="simple" xlink:href={quoteattr(f"#'{value}'.A1")}>{words}</text:a>'
    return f'<table:table-cell table:style-name="{style}" office:value-type="string"><text:p>{words}</text:p></table:table-cell>'


@lru_cache(maxsize=10_000)  # most cells of a table say what others have said
def _words(text: str) -> str:
    return _xml(clean(text, 4000))


def _range(name: str, first: int, last: int, width: int) -> str:
    """The mark by which programs and screen readers know the table of a sheet and its header."""
    end = _letters(width)
    label = re.sub(r"\W", "_", f"t_{name}")
    address = quoteattr(f"'{name}'.A{first}:'{name}'.{end}{last}")
    return f'<table:database-range table:name="{label}" table:target-range-address={address} table:contains-header="true"/>'


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _declared() -> str:
    return " ".join(f'xmlns:{name}="{address}"' for name, address in _SPACES.items())


_FONT = 'fo:font-family="Arial" fo:font-size="12pt" fo:language="en" fo:country="GB"'
_NAMED = (
    f'<style:default-style style:family="table-cell"><style:text-properties {_FONT}/></style:default-style>'
    '<style:style style:name="Heading_20_1" style:display-name="Heading 1" style:family="table-cell">'
    '<style:text-properties fo:font-size="16pt" fo:font-weight="bold"/></style:style>'
)
# Columns of tables: width, and how many letters it shows.
COLUMNS = {"narrow": ("3.2cm", 11), "column": ("4.6cm", 18), "middle": ("7cm", 28), "broad": ("11cm", 45)}
_STYLES = "".join(
    (
        '<style:style style:name="sheet" style:family="table"><style:table-properties table:display="true"/></style:style>',
        *(
            f'<style:style style:name="{name}" style:family="table-column"><style:table-column-properties style:column-width="{width}"/></style:style>'
            for name, width in (("wide", "18cm"), *((name, width) for name, (width, _) in COLUMNS.items()))
        ),
        '<style:style style:name="title" style:family="table-cell" style:parent-style-name="Heading_20_1"/>',
        *(
            f'<style:style style:name="{name}" style:family="table-cell"><style:table-cell-properties fo:wrap-option="{wrap}" '
            f'style:vertical-align="top"/><style:text-properties {bold}/></style:style>'
            for name, wrap, bold in (
                ("head", "wrap", 'fo:font-weight="bold"'),
                ("line", "no-wrap", ""),
                ("words", "wrap", ""),
                ("number", "no-wrap", ""),
            )
        ),
    )
)
