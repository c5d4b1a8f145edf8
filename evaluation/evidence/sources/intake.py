"""Files of a publication, on disk or inside a zip that is read in place, and what can be wrong with them as files."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from evaluation.errors import InputError, Problem
from evaluation.protocol.suggest import listing, quote
from evaluation.protocol.text_source import SAVE_CSV, decode

NO_COLUMN = "There is no column"
LARGE_TEXT = 16 * 2**20  # bytes from which a text is read line by line
AGAIN = "Download it again and compare its size with the publisher's."
LARGEST_MEMBER = 2 * 2**30  # bytes; a street file holds some 30 MB, so anything near this is not one
# Tables shrink to a tenth or so; what unpacks to two hundred times its size was made to fill a memory or a disk.
BOMB_RATIO, BOMB_BYTES = 200, 64 * 2**20


@dataclass(frozen=True, order=True)
class Leaf:
    """One file of a publication.

    Attributes:
        path: the file, or the zip that holds it.
        member: its name inside the zip; empty for a file on disk.
    """

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """As named in problems: `2024-05-kent-street.csv`, or `2026-07.zip/2024-05/2024-05-kent-street.csv`."""
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @property
    def stem(self) -> str:
        """The last part of the name, without folders."""
        return (self.member or self.path.name).rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Input:
    """A file as recorded in provenance."""

    name: str
    sha256: str
    bytes: int


def find_leaves(paths: Sequence[Path], suffixes: tuple[str, ...]) -> list[Leaf]:
    """The files meant by some paths: files, folders (searched through), and members of zips.

    Args:
        paths: as the user gave them.
        suffixes: in small letters, such as (".csv",); other files in folders and zips are passed over.

    Raises:
        InputError: a path does not exist, a zip is damaged, or nothing was found.
    """
    problems: list[Problem] = []
    found: dict[Leaf, None] = {}
    for path in paths:
        if not path.exists():
            problems.append(Problem(str(path), "", "There is no such file or folder.", "Check the name."))
            continue
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        before = len(found)
        for file in files:
            if file.name.startswith((".", "~", "_")) and file != path:
                continue
            if file.suffix.lower() == ".zip":
                members = _members(file, suffixes, problems)
                found.update(dict.fromkeys(members))
            elif file.name.lower().endswith(suffixes):
                found[Leaf(file)] = None
        if len(found) == before and not problems:
            what = listing([s.lstrip(".") for s in suffixes], 6)
            problems.append(Problem(path.name, "", f"There is no {what} file here.", "Name the files as published."))
    if problems:
        raise InputError(problems)
    return list(found)


def _members(path: Path, suffixes: tuple[str, ...], problems: list[Problem]) -> Iterator[Leaf]:
    if path.stat().st_size == 0:
        problems.append(Problem(path.name, "", "The file is empty (0 bytes).", AGAIN))
        return
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        found = "The zip is damaged or cut short: its table of contents cannot be read."
        problems.append(Problem(path.name, "", found, AGAIN))
        return
    for info in infos:
        inner = info.filename.rsplit("/", 1)[-1]
        if info.is_dir() or inner.startswith((".", "_")) or "__MACOSX" in info.filename:
            continue
        if not inner.lower().endswith(suffixes):
            continue
        if info.flag_bits & 1:
            problems.append(Problem(f"{path.name}/{info.filename}", "", "It is encrypted.", "Unpack it first."))
        elif info.file_size > LARGEST_MEMBER or swells(info):
            found = f"It would unpack from {info.compress_size:,} to {info.file_size:,} bytes."
            problems.append(Problem(f"{path.name}/{info.filename}", "", found, "This is no file of the publication."))
        elif PurePosixPath(info.filename).is_absolute() or ".." in PurePosixPath(info.filename).parts:
            found = "Its name leads out of the zip."
            problems.append(Problem(f"{path.name}/{info.filename}", "", found, "This is no archive as published."))
        else:
            yield Leaf(path, info.filename)


def swells(info: zipfile.ZipInfo) -> bool:
    """Whether a member of a zip would unpack to far more than any table does."""
    return info.file_size > BOMB_BYTES and info.file_size > BOMB_RATIO * max(info.compress_size, 1)


@lru_cache(maxsize=2)
def _archive(path: Path, _written: int) -> zipfile.ZipFile:
    """An open zip: its table of contents is read once, not once for each of thousands of members."""
    return zipfile.ZipFile(path)


def read_bytes(leaf: Leaf) -> bytes:
    """The whole of a file.

    Raises:
        InputError: it is empty, cannot be opened, or fails the zip's own checksum.
    """
    try:
        written = leaf.path.stat().st_mtime_ns
        raw = _archive(leaf.path, written).read(leaf.member) if leaf.member else leaf.path.read_bytes()
    except (zipfile.BadZipFile, zlib.error, EOFError):
        found = "This member of the zip is damaged: it does not pass the zip's own checksum."
        raise InputError([Problem(leaf.name, "", found, AGAIN)]) from None
    except (OSError, RuntimeError, NotImplementedError, KeyError) as error:
        raise InputError([Problem(leaf.name, "", f"The file cannot be read ({error}).", AGAIN)]) from None
    if not raw.removeprefix(b"\xef\xbb\xbf").strip():
        found = f"The file is empty ({len(raw)} bytes). Nothing published is not the same as nothing recorded."
        raise InputError([Problem(leaf.name, "", found, f"{AGAIN} Without the file the period counts as missing.")])
    return raw


def open_lines(leaf: Leaf) -> Iterator[str]:
    """The lines of a text file in UTF-8, one after the other; a large file is never in memory as a whole.

    Raises:
        InputError: as `read_bytes` and `check_text`, with the row named.
    """
    if not leaf.path.is_file() or size_of(leaf) <= LARGE_TEXT:
        yield from io.StringIO(check_text(read_bytes(leaf), leaf).decode("utf-8"), newline="")
        return
    try:
        opened = _archive(leaf.path, leaf.path.stat().st_mtime_ns).open(leaf.member) if leaf.member else None
        with opened or leaf.path.open("rb") as stream:
            check_start(stream.read(400), leaf)
            stream.seek(0)
            for line in io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""):
                if "\x00" in line:
                    raise UnicodeError
                yield line
    except (UnicodeError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, KeyError):
        check_text(read_bytes(leaf), leaf)  # names what is wrong, and where
        raise


def size_of(leaf: Leaf) -> int:
    """Bytes that a file has when unpacked."""
    try:
        if leaf.member:
            return _archive(leaf.path, leaf.path.stat().st_mtime_ns).getinfo(leaf.member).file_size
        return leaf.path.stat().st_size
    except (OSError, zipfile.BadZipFile, KeyError):
        return 0


def check_text(raw: bytes, leaf: Leaf) -> bytes:
    """The bytes of a text file in UTF-8 without a byte-order mark.

    Raises:
        InputError: it is a web page, a workbook or in another encoding; names the row.
    """
    check_start(raw[:400], leaf)
    if not raw.isascii() or b"\x00" in raw:
        text, problems = decode(raw, leaf.name, SAVE_CSV, "row")
        if text is None:
            raise InputError(problems)
    return raw.removeprefix(b"\xef\xbb\xbf")


def check_start(raw: bytes, leaf: Leaf) -> None:
    """Refuse what is no text of a table, by its first bytes.

    Raises:
        InputError: it is a web page, a workbook, or in another format than its name says.
    """
    start = raw.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError([Problem(leaf.name, "", "The file is a web page or XML, not a table.", AGAIN)])
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        found = "The file is a workbook or a zip, whatever its name says."
        raise InputError([Problem(leaf.name, "", found, "Give it the ending .xlsx, .ods or .zip.")])
    if raw.startswith((b"\x1f\x8b", b"%PDF", b"PAR1", b"BZh", b"7z\xbc\xaf")):
        found = "The file is compressed, a PDF or a Parquet file, whatever its name says."
        raise InputError([Problem(leaf.name, "", found, "Unpack it, or give it its own ending.")])


def fingerprint(path: Path) -> Input:
    """Name, SHA-256 and size of a file on disk, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 22):
            digest.update(piece)
    return Input(path.name, digest.hexdigest(), path.stat().st_size)


def fingerprints(leaves: Iterable[Leaf]) -> list[Input]:
    """Fingerprints of the files on disk that hold some leaves: a zip once, however many of its members are read."""
    return [fingerprint(path) for path in dict.fromkeys(leaf.path for leaf in leaves)]


def refuse_columns(leaf: Leaf, header: Sequence[str], wanted: Sequence[str], row: int = 1) -> Problem:
    """The problem of a header that lacks columns: which, what is there, and the likeliest reason."""
    absent = [name for name in wanted if name not in header]
    shown = listing([quote(name) for name in header if name], 6)
    found = f"{NO_COLUMN} {listing([f'`{name}`' for name in absent], 12)}; the columns are {shown}."
    folded = {name.casefold().strip(): name for name in header}
    if all(name.casefold() in folded for name in absent):
        remedy = f"Capital letters and spaces count: rename to {listing([f'`{n}`' for n in absent], 12)}."
    elif len(absent) == len(wanted):
        remedy = "The header is in another language, or another table: give the file with the publisher's own header."
    else:
        remedy = "Give the file as published, or use `svd import csv` with a mapping."
    return Problem(leaf.name, f"row {row}", found, remedy)
