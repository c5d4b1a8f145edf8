"""What a file says, read in the simplest way there is and without a line of the program's own readers.

Used to find a number that was read and is not the one in the file.
"""

from __future__ import annotations

import re
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_GROUPED = re.compile(r"[0-9]{1,3}([, \u00a0\u202f][0-9]{3})+(\.0+)?")


def exact(text: str, *, grouped: bool = False) -> Fraction | None:
    """The number that ASCII digits say, exactly; None for anything else. `grouped`: 1,200 is twelve hundred."""
    text = text.strip()
    if grouped and _GROUPED.fullmatch(text):
        text = re.sub("[, \u00a0\u202f]", "", text)
    return Fraction(text.rstrip(".") if text.endswith(".") else text) if _DECIMAL.fullmatch(text) else None


def is_same(written: str, read: float, *, whole: bool, grouped: bool = False) -> bool:
    """Whether a number read is what was written: exactly for counts, to the nearest double for measurements."""
    told = exact(written, grouped=grouped)
    if told is None or read != read:
        return False
    return told == Fraction(read) if whole else float(told) == read


def csv_records(raw: bytes) -> list[list[str]]:
    """Records of a comma-separated file, one state machine of a few lines."""
    text = raw.decode("utf-8-sig")
    records: list[list[str]] = []
    cell, record, quoted, at = "", [], False, 0
    while at < len(text):
        sign = text[at]
        if quoted:
            if sign == '"' and text[at + 1 : at + 2] == '"':
                cell, at = cell + '"', at + 1
            elif sign == '"':
                quoted = False
            else:
                cell += sign
        elif sign == '"' and not cell:
            quoted = True
        elif sign == ",":
            record.append(cell)
            cell = ""
        elif sign in "\r\n":
            if sign == "\r" and text[at + 1 : at + 2] == "\n":
                at += 1
            records.append([*record, cell])
            record, cell = [], ""
        else:
            cell += sign
        at += 1
    if record or cell:
        records.append([*record, cell])
    return records


def csv_dicts(raw: bytes) -> list[dict[str, str]]:
    """Rows by column name; short rows have blanks."""
    records = [r for r in csv_records(raw) if any(c.strip() for c in r)]
    names = [name.strip() for name in records[0]]
    return [dict(zip(names, [*r, *[""] * len(names)], strict=False)) for r in records[1:]]


def sheet_dicts(path: Path, sheet: str) -> list[dict[str, str]]:
    """Rows of one sheet of an .xlsx by column name, from its XML."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        shared = []
        if "xl/sharedStrings.xml" in archive.namelist():
            root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
            shared = ["".join(t.text or "" for t in item.iter(f"{main}t")) for item in root.iter(f"{main}si")]
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        number = next(i for i, s in enumerate(book.iter(f"{main}sheet"), 1) if s.get("name") == sheet)
        root = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    records: list[dict[str, str]] = []
    for row in root.iter(f"{main}row"):
        cells: dict[str, str] = {}
        for cell in row.iter(f"{main}c"):
            value = cell.find(f"{main}v")
            text = "".join(t.text or "" for t in cell.iter(f"{main}t"))
            if cell.get("t") == "s" and value is not None:
                text = shared[int(value.text or 0)]
            elif value is not None:
                text = value.text or ""
            cells[re.sub(r"\d", "", cell.get("r") or "")] = text
        records.append(cells)
    names = {letter: name.strip() for letter, name in records[0].items()}
    return [{names[k]: v for k, v in record.items() if k in names} for record in records[1:]]


def yaml_leaves(text: str) -> dict[tuple[Any, ...], str]:
    """Every scalar of a YAML document as text, by its path."""
    import yaml

    found: dict[tuple[Any, ...], str] = {}

    def walk(node: Any, path: tuple[Any, ...]) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, (*path, str(key)))
        elif isinstance(node, list):
            for i, value in enumerate(node):
                walk(value, (*path, i))
        else:
            found[path] = str(node)

    try:
        walk(yaml.load(text, Loader=yaml.BaseLoader), ())
    except yaml.YAMLError:  # the Python reader refuses a tab after a colon, the C reader does not
        walk(yaml.load(text, Loader=yaml.CBaseLoader), ())
    return found
