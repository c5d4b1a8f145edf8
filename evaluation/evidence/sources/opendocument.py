"""OpenDocument workbooks as a stream of XML events: the Home Office's CSP workbook unpacks to more than a gigabyte of it.

Nothing is kept but the row under way. An entity that unfolds without end is refused by the parser itself.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from evaluation.errors import InputError, Problem
from evaluation.evidence.sources.intake import AGAIN, Leaf, read_bytes

Row = tuple[int, list[str]]
_PIECE = 1 << 20
_MOST_COLUMNS = 2000  # a sheet's last cell is often repeated to the edge of the sheet


def read_ods(leaf: Leaf, *, names_only: bool = False) -> Iterator[tuple[str, Iterator[Row]]]:
    """Every sheet of an .ods in one pass over it, with its rows; use up the rows before the next sheet.

    Args:
        leaf: the file.
        names_only: leave the rows out.

    Raises:
        InputError: it is no OpenDocument workbook, or is damaged.
    """
    events = _events(leaf, names_only=names_only)
    event = next(events, None)
    while event is not None:
        name = str(event[1])
        ended: list[tuple[int, Any]] = []

        def rows(ended: list[tuple[int, Any]] = ended) -> Iterator[Row]:
            for kind, value in events:
                if kind < 0:
                    ended.append((kind, value))
                    return
                yield kind, value

        current = rows()
        yield name, current
        for _ in current:  # what the caller left unread
            pass
        event = ended[0] if ended else None


def _events(leaf: Leaf, *, names_only: bool) -> Iterator[tuple[int, Any]]:
    """(-1, sheet name) where a sheet begins; (row number, cells) for each row that is not blank."""
    try:
        source = leaf.path if not leaf.member else io.BytesIO(read_bytes(leaf))
        if not leaf.member and leaf.path.stat().st_size == 0:
            read_bytes(leaf)
        with zipfile.ZipFile(source) as archive, archive.open("content.xml") as stream:
            reader = _Reader(names_only=names_only)
            while piece := stream.read(_PIECE):
                reader.parser.Parse(piece, False)
                yield from reader.take()
            reader.parser.Parse(b"", True)
            yield from reader.take()
    except (zipfile.BadZipFile, KeyError, EOFError, zlib.error, ValueError, RuntimeError, OSError):
        text = "The file is not a sound OpenDocument workbook: it is damaged or cut short."
        raise InputError([Problem(leaf.name, "", text, AGAIN)]) from None
    except expat.ExpatError as error:
        text = f"The workbook's XML is damaged at line {error.lineno}."
        raise InputError([Problem(leaf.name, "", text, AGAIN)]) from None


class _Reader:
    """Builds rows from the events of an OpenDocument table; keeps nothing but the row under way."""

    def __init__(self, *, names_only: bool) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._names if names_only else self._start
        if not names_only:
            self.parser.EndElementHandler = self._end
            self.parser.CharacterDataHandler = self._text
        self._out: list[tuple[int, int, Any]] = []
        self._number = 0
        self._repeat_row = 1
        self._cells: list[str] = []
        self._pending = 0  # blank cells that count only if another cell follows
        self._repeat_cell = 1
        self._value: str | None = None
        self._parts: list[str] = []
        self._within = False
        self._note = 0

    def take(self) -> Iterator[tuple[int, Any]]:
        """What was built since the last call; a row that stands for many is repeated only here."""
        out, self._out = self._out, []
        for number, times, value in out:
            for i in range(times):
                yield (number + i, list(value)) if number >= 0 else (number, value)

    def _names(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._out.append((-1, 1, attributes.get("table:name", "")))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("table:table-cell", "table:covered-table-cell"):
            self._repeat_cell = int(attributes.get("table:number-columns-repeated", "1"))
            kind = attributes.get("office:value-type")
            self._value = None
            if kind in ("float", "percentage", "currency"):
                self._value = _number_text(attributes.get("office:value", ""))
            elif kind == "date":
                self._value = attributes.get("office:date-value", "").removesuffix("T00:00:00")
            self._parts = []
            self._within = True
        elif tag == "table:table-row":
            self._repeat_row = int(attributes.get("table:number-rows-repeated", "1"))
            self._cells, self._pending = [], 0
        elif tag == "table:table":
            self._number = 0
            self._out.append((-1, 1, attributes.get("table:name", "")))
        elif tag == "office:annotation":
            self._note += 1
        elif tag == "text:s":
            self._parts.append(" " * min(int(attributes.get("text:c", "1")), 100))
        elif tag == "text:p" and self._parts:
            self._parts.append(" ")

    def _text(self, data: str) -> None:
        if self._within and not self._note:
            self._parts.append(data)

    def _end(self, tag: str) -> None:
        if tag in ("table:table-cell", "table:covered-table-cell"):
            text = self._value if self._value is not None else "".join(self._parts).strip()
            if text:
                self._cells += [""] * self._pending + [text] * min(self._repeat_cell, _MOST_COLUMNS)
                self._pending = 0
            else:
                self._pending = min(self._pending + self._repeat_cell, _MOST_COLUMNS)
            self._within = False
        elif tag == "table:table-row":
            if self._cells:
                self._out.append((self._number + 1, self._repeat_row, list(self._cells)))
            self._number += self._repeat_row
        elif tag == "office:annotation":
            self._note -= 1


def _number_text(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else text
