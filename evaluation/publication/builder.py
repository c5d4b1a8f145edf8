"""Sphinx makes the pages of a stage; where a book stands that was made from nearly the same stage, only pages that differ are written.

Every page is read each time, so contents, titles and addresses are those of this stage and nothing is kept between two
builds but the book itself. A page that stands is taken over if its source is the same, and with it all that the builder
adds from elsewhere: settings, templates, the order of the pages, and whatever of other pages can be told or pointed to.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from evaluation.errors import PlainFailure, storage_fault
from evaluation.writing import write_whole

INDEX = "searchindex.js"
_PAGE = ".md"
_FREE = ("_static/figures/", "_extra/")  # of a stage, what is copied as it is
_COPIED = ("_static/", "downloads/")  # of a tree, what the builder copies or makes whole each time
_OUTPUT = re.compile(r"^(`{3,})\{raw\} html\n.*?\n\1$", re.DOTALL | re.MULTILINE)
_PROSE = re.compile(r"[\w“‘\"*\[]")
_UNDERLINED = re.compile(r"^(?:=+|-+)\s*$", re.MULTILINE)


class BuildFailed(PlainFailure):
    """Sphinx found fault with a page; `reasons` says with which."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("\n".join(reasons))


@dataclass(frozen=True)
class Sources:
    """What the pages of a book were made from.

    Attributes:
        key: of the book.
        maker: of the code and the libraries that made it.
        files: SHA-256 of each staged file.
        outlines: of each page, what others may tell of it or point to, as a SHA-256.
    """

    key: str
    maker: str
    files: dict[str, str]
    outlines: dict[str, str]

    def changed_from(self, other: "Sources") -> list[str] | None:
        """The pages that differ from another stage's; None if all must be written, because more than single pages differ."""
        if (self.maker, self.outlines, self._frame()) != (other.maker, other.outlines, other._frame()):
            return None
        return [page for page in self.outlines if self.files[page] != other.files[page]]

    def _frame(self) -> dict[str, str]:
        """What every page may depend on."""
        return {
            name: digest
            for name, digest in self.files.items()
            if name not in self.outlines and not name.startswith(_FREE)
        }


@dataclass(frozen=True)
class Standing:
    """A built book that nobody has touched since, and what it was made from."""

    html: Path
    sources: Sources


def read_sources(path: Path) -> Sources | None:
    """What was kept of the sources of a book; None if that cannot be read."""
    try:
        return Sources(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_sources(path: Path, sources: Sources) -> Path:
    """Keep what a book was made from."""
    return write_whole(path, json.dumps(asdict(sources), indent=1) + "\n")


def outline(page: str) -> str:
    """What of a page others may tell or point to: all that is neither an output of a report nor a line of prose."""
    words = _OUTPUT.sub("", page)
    front, rest = words.split("---\n", 2)[1:] if words.startswith("---\n") else ("", words)
    if _UNDERLINED.search(rest):  # then a line of prose may be a heading
        return words
    return front + "\n".join(line for line in rest.splitlines() if line.strip() and not _PROSE.match(line))


def outlines(stage: Path) -> dict[str, str]:
    """The outline of every page of a stage, as a SHA-256, by the page's file."""
    return {
        path.relative_to(stage).as_posix(): hashlib.sha256(
            outline(path.read_text(encoding="utf-8")).encode()
        ).hexdigest()
        for path in sorted(stage.rglob(f"*{_PAGE}"))
    }


def build_pages(stage: Path, scratch: Path, sources: Sources | None = None, standing: Standing | None = None) -> Path:
    """Make the pages of a stage.

    Args:
        stage: what the builder reads.
        scratch: where the tree goes, as `html`.
        sources: of this stage.
        standing: a book whose pages may be taken over; without it all are written.

    Returns:
        The tree, the same to the last byte whether pages were taken over or not.

    Raises:
        BuildFailed: Sphinx found fault with a page.
    """
    html = scratch / "html"
    changed = sources.changed_from(standing.sources) if sources and standing else None
    if standing is None or changed is None or 2 * len(changed) > len(standing.sources.outlines):
        _run_sphinx(stage, scratch, [])
    else:
        _take_over(standing.html, html)
        _run_sphinx(stage, scratch, [*changed, "index.md"])
        _forget_gone_words(html / INDEX)
        if _pages(html) != _pages(standing.html):  # not to be expected, and then nothing is taken over
            shutil.rmtree(html)
            _run_sphinx(stage, scratch, [])
    for leftover in ("_sources", ".buildinfo", "objects.inv"):
        place = html / leftover
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    return html


def _pages(html: Path) -> set[str]:
    """What a tree holds besides copies."""
    names = {path.relative_to(html).as_posix() for path in html.rglob("*") if path.is_file()}
    return {name for name in names if not name.startswith((*_COPIED, "_sources/", ".buildinfo", "objects.inv"))}


def _take_over(standing: Path, html: Path) -> None:
    for name in _pages(standing):
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(standing / name, html / name)


def _forget_gone_words(index: Path) -> None:
    """Take out of the search index the words that stand on no page any longer; the builder leaves them there."""
    text = index.read_text(encoding="utf-8")
    begin, end = text.index("{"), text.rindex("}") + 1
    found = json.loads(text[begin:end])
    for part in ("terms", "titleterms"):
        found[part] = {word: pages for word, pages in found[part].items() if pages != []}
    index.write_text(text[:begin] + json.dumps(found, sort_keys=True) + text[end:], encoding="utf-8", newline="")


def _run_sphinx(stage: Path, scratch: Path, only: list[str]) -> None:
    # In a process of its own: Sphinx keeps global state, and would bring its modules into a long run.
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-E",
        "-q",
        "-d",
        str(scratch / "doctrees"),
        "-b",
        "html",
        str(stage),
        str(scratch / "html"),
        *(str(stage.resolve() / page) for page in only),
    ]
    environment = {**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        if storage_fault(RuntimeError(done.stderr)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(stage))
        said = (done.stderr + done.stdout).replace(str(stage) + os.sep, "").replace(str(scratch), "")
        raise BuildFailed(
            [line for line in said.splitlines() if line.strip()] or [f"sphinx ended with {done.returncode}"]
        )
