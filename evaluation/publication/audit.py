"""A last look at the built pages before they are published: nothing but what is meant to leave.

What may be there is on a list; everything else is refused. Pages, tables, drawings, documents and their metadata are read as a
curious reader would read them.
"""

import csv
import getpass
import io
import os
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from evaluation.publication.alt import find_faults
from evaluation.publication.containers import Unreadable, read_container
from evaluation.publication.disclosure import find_uncontrolled

PAGES = {".html", ".js", ".css", ".svg", ".csv", ".txt"}
CONTAINERS = {".png", ".pdf", ".ods"}
THEME = {".woff2", ".woff", ".ttf", ".eot", ".map", ".ico", ".po", ".mo", ".jpg", ".gif", ".json"}  # under _static only
FORBIDDEN_NAMES = {"_sources", ".doctrees", "jupyter_execute", ".jupyter_cache", ".buildinfo", "objects.inv"}
_LOADS = {
    ("img", "src"),
    ("script", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("img", "srcset"),
    ("video", "src"),
    ("audio", "src"),
    ("object", "data"),
    ("embed", "src"),
    ("form", "action"),
    ("input", "src"),
    ("use", "href"),
}
_SAID = {
    "alt",
    "title",
    "aria-label",
    "content",
    "summary",
    "placeholder",
    "value",
}  # attributes that a reader may hear or see
_EXTERNAL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_FOLDERS = ("home", "Users", "root", "mnt", "media", "srv", "var", "tmp", "opt", "private", "Volumes", "workspace")
# Each with the texts without one of which it cannot be found: most pages hold none of them, and a text is found far sooner
# than a pattern. The two others begin with a character that the engine can skip to; what may not stand before it comes after.
_PATTERNS: dict[str, tuple[tuple[str, ...], re.Pattern[str]]] = {
    "a path of a folder": (
        (*(f"/{folder}/" for folder in _FOLDERS), ":\\", "file:///"),
        re.compile(rf"(?<![\w./:-])/(?:{'|'.join(_FOLDERS)})/[\w.-]+|\b[A-Za-z]:\\{{1,2}}[\w .-]+\\|file:///"),
    ),
    "a path of a network share": (
        ("\\\\",),
        re.compile(r"(?<![\w:/\\])\\\\[A-Za-z0-9][\w.-]+\\[\w.$-]+"),
    ),
    "a traceback": (("Traceback",), re.compile(r"Traceback \(most recent call last\)")),
    "a postcode": (
        (),
        re.compile(r"[A-PR-UWYZ](?<!\w.)(?:(?<=G)IR ?0AA|[A-HK-Y]?\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2})\b"),
    ),
    "an e-mail address": (("@",), re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")),
    "what looks like an NHS number": (
        (),
        re.compile(r"\d(?<![\d.,-].)\d{2}[ -]\d{3}[ -]\d{4}(?![\d.,-])"),
    ),
    "the parameters of a notebook": (
        ("injected-parameters", '"papermill"'),
        re.compile(r"injected-parameters|\"papermill\""),
    ),
}
_PERSONAL = re.compile(
    r"(?:nhs|hospital|crime|offender|victim|suspect|patient|person|pupil|case|custody|incident|upn)[ _-]?(?:no\b|num|ref|id\b)|urn\b|"
    r"date[ _-]of[ _-]birth|\bd\.?o\.?b\b|(?:fore|sur|last|first|full)[ _-]?name|post[ _-]?code|latitude|longitude|easting|northing|\baddress of\b",
    re.IGNORECASE,
)
# Of a drawing, what is no word: coordinates would look like numbers of patients, addresses of name spaces like links.
_GEOMETRY = re.compile(r"\b(?:d|points|transform|viewBox|xmlns(?::\w+)?)=\"[^\"]*\"|<!DOCTYPE[^>]*>")


@dataclass
class _Page(HTMLParser):
    """What the audit needs of one page."""

    own_scripts: bool = False
    faults: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    counted: dict[str, set[str]] = field(default_factory=dict)  # CSV -> its columns of controlled counts

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._main = 0
        self._hidden = 0
        self._cell: list[str] | None = None
        self._is_count = False
        self._headers: list[str] = []
        self._column = -1
        self._columns: set[str] = set()
        self._head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._find_scripts(tag, attrs)
        self.text += [value for name, value in attrs if name in _SAID and value and len(value) > 3]
        if values.get("href", "") and str(values["href"]).lower().startswith("mailto:"):
            self.text.append(str(values["href"])[7:])
        if tag == "main":
            self._main += 1
        if self._main and not self.own_scripts and tag in ("script", "iframe", "object", "embed", "form"):
            self.faults.append(f"holds <{tag}> in the page")
        if self._main and tag == "img":
            fault = find_faults(values.get("alt"), values.get("src") or "")
            if fault:
                self.faults.append(f"holds an image that {fault}")
        if tag in ("script", "style"):
            self._hidden += 1
        if tag == "table":
            self._headers, self._columns = [], set()
        if tag == "tr":
            self._column = -1
        if tag in ("td", "th"):
            self._column += 1
            self._cell, self._is_count = [], "count" in (values.get("class") or "").split()
            self._head = tag == "th" and values.get("scope") == "col"
        target = str(values.get("href") or "")
        if tag == "a" and target.endswith(".csv") and self._columns:
            self.counted.setdefault(target.rsplit("/", 1)[-1], set()).update(self._columns)

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._main -= 1
        if tag in ("script", "style"):
            self._hidden -= 1
        if tag in ("td", "th") and self._cell is not None:
            words = "".join(self._cell).strip()
            if self._head:
                self._headers.append(words)
                if _PERSONAL.search(words):
                    self.faults.append(f"holds a column of single persons or events: {words[:60]}")
            if self._is_count:
                if 0 <= self._column < len(self._headers):
                    self._columns.add(self._headers[self._column])
                if find_uncontrolled(words):
                    self.faults.append(f"shows a count that should be withheld or rounded: {words[:20]}")
            self._cell, self._is_count, self._head = None, False, False

    def handle_data(self, data: str) -> None:
        if self._hidden == 0:
            self.text.append(data)
            if self._cell is not None:
                self._cell.append(data)

    def _find_scripts(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in _LOADS and value and _EXTERNAL.match(value):
                self.faults.append(f"loads {value[:80]} from another host")
            if self._main and name.startswith("on"):
                self.faults.append(f"holds a script in the attribute {name}")
            if name in ("href", "src") and value and value.strip().lower().startswith("javascript:"):
                self.faults.append("holds a javascript: address")
            styled = name == "style" and value and "url(" in value
            if styled and _EXTERNAL.search(str(value).split("url(", 1)[1].strip("'\" ")):
                self.faults.append("loads an image of its style from another host")


def find_leaks(
    html: Path,
    downloads: set[str],
    allowed: tuple[str, ...] = (),
    secrets: tuple[str, ...] = (),
    thorough: bool = False,
    only: set[str] | None = None,
) -> list[str]:
    """Return what is wrong with a built tree, one line per fault; an empty list if it may be published.

    Args:
        html: the built tree.
        downloads: names of the tables, workbooks and documents that are meant to be there.
        allowed: texts that may appear although they look like an address, a postcode or a user's name (the contact, authors).
        secrets: texts that must not appear anywhere (folders of this machine).
        thorough: read the pages of PDFs too, although they are made from pages that are read anyway.
        only: names of the files to look at; all by default.
    """
    faults: list[str] = []
    hidden = [s for s in (*secrets, *_machine()) if len(s) > 3]
    found_files = (p for p in html.rglob("*") if not p.is_dir() or p.is_symlink())
    files = sorted(p for p in found_files if only is None or p.name in only)
    counted: dict[str, set[str]] = {}
    for path in sorted(files, key=lambda p: p.suffix != ".html"):  # pages first: they say which columns are counts
        name = path.relative_to(html).as_posix()
        if fault := _forbidden(path, name, downloads):
            faults.append(f"{name}: {fault}")
            continue
        theme = name.startswith("_static/") and path.name != "svd.css" and not name.startswith("_static/figures/")
        if path.suffix in THEME:
            continue
        try:
            said, found = _read(path, name, counted, thorough)
        except Unreadable as error:
            faults.append(f"{name}: {error}")
            continue
        faults += [f"{name}: {fault}" for fault in dict.fromkeys(found)]
        content = _without(said, allowed)
        # The search index has the words of the pages in small letters, where a name is any word: the pages are read as they are.
        looked_for = [s for s in hidden if path.name != "searchindex.js" or _is_path(s)]
        faults += [f"{name}: holds a path or a name of this machine" for s in looked_for if _holds(content, s)]
        if not theme:
            faults += [f"{name}: {fault}" for fault in _find_patterns(content)]
    return faults


def _forbidden(path: Path, name: str, downloads: set[str]) -> str:
    """Why a file may not be there at all."""
    suffix = path.suffix.lower()
    if path.is_symlink():
        return "this is a link to another file"
    if FORBIDDEN_NAMES & set(Path(name).parts):
        return "this kind of file may not be published"
    if suffix not in PAGES | CONTAINERS and not (suffix in THEME and name.startswith("_static/")):
        return "this kind of file may not be published"
    if (suffix in (".csv", ".ods", ".pdf") or name.startswith("downloads/")) and path.name not in downloads:
        return "this file is not on the list of downloads"
    return ""


def _read(path: Path, name: str, counted: dict[str, set[str]], thorough: bool) -> tuple[str, list[str]]:
    """The words of a file, and what is wrong with it by its kind.

    Raises:
        Unreadable: the content is not what the name says.
    """
    if path.suffix in CONTAINERS:
        return read_container(path, thorough), []
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("its content is not the text that its name promises") from error
    if "\0" in content:
        raise Unreadable("its content is not the text that its name promises")
    if path.suffix == ".html":
        page = _Page(own_scripts=name == "search.html")  # the theme's page of search results holds its own form
        page.feed(content)
        for file, columns in page.counted.items():
            counted.setdefault(file, set()).update(columns)
        return " ".join(page.text), page.faults
    if path.suffix == ".csv":
        return content, list(_table_faults(content, counted.get(path.name, set())))
    if path.suffix == ".css" and path.name == "svd.css":
        return content, [
            f"loads {u} from another host" for u in re.findall(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)", content)
        ]
    if path.suffix == ".svg" and not name.startswith("_static/images"):
        more = _is_more_than_drawn(content.lower())
        return _GEOMETRY.sub(" ", content), ["is a drawing with a script or a link"] if more else []
    return content, []


def _is_more_than_drawn(svg: str) -> bool:
    """Whether a drawing, in small letters, holds a script or leads somewhere else."""
    if "<script" in svg or "javascript:" in svg:
        return True
    return bool(re.search(r"\son\w+\s*=", svg) or re.search(r"href\s*=\s*['\"](?!#)", svg))


def _table_faults(content: str, columns: Iterable[str]) -> Iterator[str]:
    header, *rows = [*csv.reader(io.StringIO(content))] or [[]]
    for name in header:
        if _PERSONAL.search(name):
            yield f"holds a column of single persons or events: {name[:60]}"
    for i, name in enumerate(header):
        if name.lstrip("'") in columns:
            for row in rows:
                if i < len(row) and find_uncontrolled(row[i]):
                    yield f"shows a count that should be withheld or rounded: {row[i][:20]}"


def _find_patterns(content: str) -> list[str]:
    return [
        f"holds {meaning}: {found.group(0)[:60]}"
        for meaning, (signs, pattern) in _PATTERNS.items()
        if (not signs or any(sign in content for sign in signs)) and (found := pattern.search(content))
    ]


def _without(content: str, allowed: tuple[str, ...]) -> str:
    for text in sorted(allowed, key=len, reverse=True):
        content = content.replace(text, " ")
    return content


def _holds(content: str, secret: str) -> bool:
    """Whether a text holds a path anywhere, or a name as a word of its own."""
    if _is_path(secret):
        return secret in content
    return re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", content) is not None


def _is_path(secret: str) -> bool:
    return os.sep in secret or "/" in secret


def _machine() -> list[str]:
    """Home folder, user and host; short or ordinary ones would be found in ordinary words."""
    home = str(Path.home())
    names = [home] if home.count(os.sep) > 1 else []
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        user = ""
    host = socket.gethostname()
    ordinary = {"root", "user", "admin", "administrator", "runner", "ubuntu", "localhost", "guest", "analyst", "test"}
    return names + [name for name in (user, host) if len(name) > 3 and name.casefold() not in ordinary]
