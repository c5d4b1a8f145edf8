"""The words inside files that are not text: pictures, PDFs and workbooks, with everything they carry besides."""

import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.publication.spreadsheet import MIME

_PNG = b"\x89PNG\r\n\x1a\n"
_PARTS = {"mimetype", "content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"}
LARGEST_PART = 200_000_000
MOST_ELEMENTS = 2_000_000  # of a PDF's structure


class Unreadable(ValueError):
    """A file is not what its name says, or carries what it should not."""


def read_container(path: Path, thorough: bool = True) -> str:
    """All text that a PNG, PDF or ODS file holds, its metadata among it.

    Args:
        path: the file.
        thorough: read the words on the pages of a PDF too, which takes a tenth of a second a page.

    Raises:
        Unreadable: the content is not of the kind that the name says, or there is something in it beside that.
    """
    content = path.read_bytes()
    try:
        if path.suffix == ".pdf":
            return _read_pdf(content, path, thorough)
        return _read_png(content) if path.suffix == ".png" else _read_ods(path)
    except (zipfile.BadZipFile, struct.error, UnicodeDecodeError, KeyError) as error:
        raise Unreadable("its content is not what its name promises") from error


def _read_png(content: bytes) -> str:
    if not content.startswith(_PNG):
        raise Unreadable("its content is not what its name promises")
    position, said = len(_PNG), []
    while position < len(content):
        (size,) = struct.unpack(">I", content[position : position + 4])
        kind = content[position + 4 : position + 8]
        if kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf"):
            said.append(content[position + 8 : position + 8 + size].decode("latin-1"))
        position += 12 + size
        if kind == b"IEND":
            break
    if position < len(content):
        raise Unreadable("something is hidden behind the picture")
    return "\n".join(said)


def _read_ods(path: Path) -> str:
    with zipfile.ZipFile(path) as book:
        strange = set(book.namelist()) - _PARTS
        if strange:
            raise Unreadable(f"the workbook holds a file that is no part of one: {min(strange)}")
        if book.read("mimetype").decode() != MIME:
            raise Unreadable("its content is not what its name promises")
        if sum(part.file_size for part in book.infolist()) > LARGEST_PART:
            raise Unreadable("the workbook is too large to be read")
        texts = [book.read(name).decode("utf-8") for name in sorted(_PARTS)]
    joined = "\n".join(texts)
    if "table:formula" in joined:
        raise Unreadable("the workbook holds a formula")
    joined = re.sub(r'xmlns:\w+="[^"]*"', "", joined)
    return re.sub(r"</?[^>]*>", " ", re.sub(r"<text:a[^>]*href=\"([^\"]*)\"", r"\1 <a", joined))


def _read_pdf(content: bytes, path: Path, thorough: bool) -> str:
    if not content.startswith(b"%PDF-"):
        raise Unreadable("its content is not what its name promises")
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        raise Unreadable("it cannot be examined: the part of the program that reads PDFs is not installed") from error
    try:
        document = PdfReader(path)
        if document.attachments or "/JavaScript" in str(document.root_object):
            raise Unreadable("the document carries a file or a script")
        said = [str(value) for value in (document.metadata or {}).values()]
        xmp = document.xmp_metadata
        said += [xmp.stream.get_data().decode("utf-8", errors="replace")] if xmp else []
        for page in document.pages:
            said += [page.extract_text()] if thorough else []
            said += [str(note.get_object().get("/A", {}).get("/URI", "")) for note in page.get("/Annots", [])]
        said += [str(thing.get("/Alt", "")) for thing in _structure(document)]
    except (PyPdfError, AttributeError, TypeError) as error:
        raise Unreadable("it cannot be examined: it is damaged") from error
    return "\n".join(said)


def _structure(document: Any) -> Iterator[Any]:
    """Every element of a tagged document's structure."""
    waiting, seen = [document.root_object.get("/StructTreeRoot")], 0
    while waiting:
        found = waiting.pop()
        found = found.get_object() if hasattr(found, "get_object") else found
        seen += 1
        if seen > MOST_ELEMENTS:
            raise Unreadable("the document has too many parts to be examined")
        if isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            yield found
            waiting += [found["/K"]] if "/K" in found else []
