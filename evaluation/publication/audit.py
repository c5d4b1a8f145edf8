"""A last look at the built pages before they are published: nothing but what is meant to leave."""

import os
import re
import socket
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from evaluation.publication.alt import find_faults

FORBIDDEN_SUFFIXES = {
    ".ipynb",
    ".pickle",
    ".nc",
    ".h5",
    ".parquet",
    ".yaml",
    ".yml",
    ".py",
    ".pyc",
    ".log",
    ".md",
    ".doctree",
}
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
_EXTERNAL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_PATTERNS = {
    "a path of a home folder": re.compile(r"(?:/home/|/Users/|/root/|[A-Za-z]:\\\\?Users\\\\?)[\w.-]+"),
    "a path of a network share": re.compile(r"(?<![\w:/\\])\\\\[A-Za-z0-9][\w.-]+\\[\w.$-]+"),
    "a traceback": re.compile(r"Traceback \(most recent call last\)"),
    "a postcode": re.compile(r"\b(?:GIR ?0AA|[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2})\b"),
    "an e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
    "what looks like an NHS number": re.compile(r"(?<![\d.,-])\d{3}[ -]\d{3}[ -]\d{4}(?![\d.,-])"),
}


@dataclass
class _Page(HTMLParser):
    """What the audit needs of one page."""

    own_scripts: bool = False
    faults: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._main = 0
        self._hidden = 0
        self._count_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name, value in attrs:
            if (tag, name) in _LOADS and value and _EXTERNAL.match(value):
                self.faults.append(f"loads {value[:80]} from another host")
            if self._main and name.startswith("on"):
                self.faults.append(f"holds a script in the attribute {name}")
            if name in ("href", "src") and value and value.strip().lower().startswith("javascript:"):
                self.faults.append("holds a javascript: address")
            if (
                name == "style"
                and value
                and "url(" in value
                and _EXTERNAL.search(value.split("url(", 1)[1].strip("'\" "))
            ):
                self.faults.append("loads an image of its style from another host")
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
        self._count_cell = tag in ("td", "th") and "count" in (values.get("class") or "").split()

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._main -= 1
        if tag in ("script", "style"):
            self._hidden -= 1
        if tag in ("td", "th"):
            self._count_cell = False

    def handle_data(self, data: str) -> None:
        if self._hidden == 0:
            self.text.append(data)
            if self._count_cell and re.fullmatch(r"\s*[1-7](?:\.0)?\s*", data):
                self.faults.append("shows a count between 1 and 7 that should be withheld")


def find_leaks(
    html: Path, downloads: set[str], allowed: tuple[str, ...] = (), secrets: tuple[str, ...] = ()
) -> list[str]:
    """Return what is wrong with a built tree, one line per fault; an empty list if it may be published.

    Args:
        html: the built tree.
        downloads: names of the CSV files that are meant to be there.
        allowed: texts that may appear although they look like an address or a postcode (the contact).
        secrets: texts that must not appear anywhere (folders of this machine).
    """
    faults: list[str] = []
    hidden = [s for s in (*secrets, *_machine()) if len(s) > 3]
    for path in sorted(p for p in html.rglob("*") if p.is_file()):
        name = path.relative_to(html).as_posix()
        if path.suffix.lower() in FORBIDDEN_SUFFIXES or FORBIDDEN_NAMES & set(Path(name).parts):
            faults.append(f"{name}: this kind of file may not be published")
        elif path.suffix == ".csv" and path.name not in downloads:
            faults.append(f"{name}: this file is not on the list of downloads")
        if path.suffix not in (".html", ".csv", ".txt", ".json", ".js", ".svg", ".css"):
            continue
        own = not name.startswith("_static/") or path.name == "svd.css" or name.startswith("_static/figures/")
        content = path.read_text(encoding="utf-8", errors="replace")
        faults += [f"{name}: holds a path or a name of this machine" for secret in hidden if own and secret in content]
        if path.suffix == ".html":
            page = _Page(own_scripts=name == "search.html")  # the theme's page of search results holds its own form
            page.feed(content)
            faults += [f"{name}: {fault}" for fault in dict.fromkeys(page.faults)]
            content = " ".join(page.text)
        if own and path.suffix in (".html", ".csv", ".txt"):
            faults += [f"{name}: {fault}" for fault in _find_patterns(content, allowed)]
        if path.suffix == ".css" and own:
            faults += [
                f"{name}: loads {u} from another host"
                for u in re.findall(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)", content)
            ]
    return faults


def _find_patterns(content: str, allowed: tuple[str, ...]) -> list[str]:
    for text in allowed:
        content = content.replace(text, "")
    return [
        f"holds {meaning}: {found.group(0)[:60]}"
        for meaning, pattern in _PATTERNS.items()
        if (found := pattern.search(content))
    ]


def _machine() -> list[str]:
    """Home folder and host name; short or ordinary ones would be found in ordinary words."""
    home = str(Path.home())
    host = socket.gethostname()
    names = [home] if home.count(os.sep) > 1 else []
    return names + ([host] if len(host) > 7 and not host.isalpha() else [])
