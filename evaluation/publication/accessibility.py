"""Whether everybody can use the built book: what a browser saw, judged; and what the accessibility statement may say of it.

The Web Content Accessibility Guidelines 2.2, levels A and AA, as far as axe-core can tell, at three widths, light and
dark; and what axe leaves out: requests to other hosts, errors of scripts, a page wider than the window, headings in
order, written alternatives that are more than a file name, tables with captions and scopes, and the keyboard.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from evaluation.publication.alt import find_faults
from evaluation.publication.browser import Browser, Sight, axe_version, open_browser, serve_folder
from evaluation.publication.disclosure import escape_markdown

WIDTHS = (320, 768, 1400)  # a telephone, or a desk at 400 % zoom; a tablet; a laptop
STANDARD = "Web Content Accessibility Guidelines 2.2, levels A and AA"
SKIP_LINK = "#main-content"


@dataclass(frozen=True)
class Fault:
    """Something found on a page: where, by which rule, what."""

    page: str
    width: int
    scheme: str
    rule: str
    found: str

    def __str__(self) -> str:
        return f"{self.page} ({self.width} px, {self.scheme}): {self.rule}: {self.found}"


@dataclass(frozen=True)
class Inspection:
    """What an inspection of a whole book found.

    Attributes:
        date: of the inspection, ISO.
        edition: key of the edition that was looked at.
        pages: number of pages.
        widths: CSS pixels.
        axe, browser: versions.
        faults: everything found, nothing left out.
    """

    date: str
    edition: str
    pages: int
    widths: tuple[int, ...]
    axe: str
    browser: str
    faults: list[Fault] = field(default_factory=list)


def inspect_book(
    html: Path,
    edition: str = "",
    widths: tuple[int, ...] = WIDTHS,
    outlines: Path | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Inspection:
    """Open every page of a built book from disk and from a local server, and judge what is seen.

    Args:
        html: folder of the built book.
        edition: key of the edition, to be remembered.
        widths: CSS pixels.
        outlines: folder for what a screen reader is given of each page; not written without one.
        tell: takes how many pages are done and how many there are.

    Raises:
        BrowserMissing: no Chromium, or the extra `accessibility` is not installed.
    """
    pages = sorted(p.relative_to(html).as_posix() for p in html.rglob("*.html") if "_static" not in p.parts)
    faults: list[Fault] = []
    with open_browser() as browser, serve_folder(html) as served:
        root = html.resolve().as_uri() + "/"
        for done, page in enumerate(pages):
            tell(done, len(pages))
            for sight in _sights(browser, root, served, page, widths):
                faults += judge(sight)
                if outlines is not None and sight.outline:
                    place = outlines / f"{page.removesuffix('.html')}.txt"
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(sight.outline + "\n", encoding="utf-8")
        if "search.html" not in pages or not browser.search(root, "confidence"):
            faults.append(Fault("search.html", widths[-1], "light", "search", "a search from disk lists no page"))
        engine = browser.version
    tell(len(pages), len(pages))
    now = f"{datetime.now(UTC):%Y-%m-%d}"
    return Inspection(now, edition, len(pages), tuple(widths), axe_version(), engine, list(dict.fromkeys(faults)))


def _sights(browser: Browser, root: str, served: str, page: str, widths: tuple[int, ...]) -> Iterable[Sight]:
    """One page from disk, light and dark, and once more from a server."""
    yield from browser.view(root, page, widths, keyboard=True)
    yield from browser.view(root, page, widths[-1:], scheme="dark")
    yield from browser.view(served, page, widths[-1:], axe=False)


def judge(sight: Sight) -> list[Fault]:
    """Everything wrong with what was seen of one page."""
    look = sight.look
    found = [(f"axe {v['id']}", _nodes(v)) for v in sight.axe]
    found += [("console", error[:200]) for error in sight.errors]
    found += [("another host", url[:200]) for url in sight.outside]
    if not look.get("language"):
        found.append(("language", "the page does not say its language"))
    if not str(look.get("title", "")).strip():
        found.append(("title", "the page has no title"))
    if look.get("overflow", 0) > 1:
        found.append(("overflow", f"the page is {look['overflow']} px wider than the window"))
    found += [("headings", fault) for fault in judge_headings(look.get("headings", []))]
    for source, alt, loaded in look.get("images", []):
        if fault := find_faults(alt, source):
            found.append(("image", f"{source.rsplit('/', 1)[-1]} {fault}"))
        elif not loaded:
            found.append(("image", f"{source.rsplit('/', 1)[-1]} cannot be shown"))
    for caption, scoped in look.get("tables", []):
        if not caption:
            found.append(("table", "a table has no caption"))
        if not scoped:
            found.append(("table", f"'{caption[:60]}' has a heading without scope"))
    if sight.focus:
        found += [("keyboard", fault) for fault in judge_keyboard(sight.focus)]
    return [Fault(sight.page, sight.width, sight.scheme, rule, said) for rule, said in found]


def judge_headings(headings: Iterable[tuple[int, str]]) -> list[str]:
    """Faults of the order of headings, given as levels and words: one of the first level, none left out on the way down."""
    given = [(int(level), words) for level, words in headings]
    first = [words for level, words in given if level == 1]
    faults = [] if len(first) == 1 else [f"{len(first)} headings of the first level; one is wanted"]
    faults += [
        f"level {a} is followed by level {b} ('{words[:60]}')" for (a, _), (b, words) in pairwise(given) if b > a + 1
    ]
    return faults


def judge_keyboard(focus: list[dict[str, Any] | None]) -> list[str]:
    """Faults of a walk with the Tab key: the first stop skips to the content, and the walk ends by itself."""
    first = focus[0]
    faults = []
    if first is None or SKIP_LINK not in first["href"]:
        faults.append(f"the first stop is '{(first or {}).get('text', 'nothing')}' and not the link to the content")
    elif not first["outlined"]:
        faults.append("the link to the content cannot be seen when it has the focus")
    last = focus[-1]
    came_round = last is None or (first is not None and len(focus) > 1 and last["id"] == first["id"])
    if not came_round:
        faults.append(f"the focus does not get past '{last['text'] if last else ''}'")
    unseen = [stop["text"] or "an element without words" for stop in focus if stop and not stop["visible"]]
    faults += [f"the focus reaches '{text}', which cannot be seen" for text in dict.fromkeys(unseen)]
    return faults


def _nodes(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    where = str(nodes[0]["target"][0]) if nodes and nodes[0].get("target") else ""
    return f"{violation['help']} ({len(nodes)}, first: {where})"


def store_inspection(inspection: Inspection, path: Path) -> None:
    """Keep an inspection where the accessibility statement finds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".writing")
    aside.write_text(json.dumps(asdict(inspection), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(aside, path)


def read_inspection(path: Path) -> Inspection | None:
    """The inspection that is kept, if there is one."""
    if not path.is_file():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    faults = [Fault(**fault) for fault in stored.pop("faults")]
    return Inspection(**stored | {"widths": tuple(stored["widths"])}, faults=faults)


def describe_inspection(inspection: Inspection | None, edition: str) -> str:
    """What the accessibility statement says of the newest inspection: plain sentences, nothing to fill in.

    Args:
        inspection: as stored; None if there was none.
        edition: key of the edition that the statement is published with.
    """
    if inspection is None:
        return (
            "These pages have not yet been opened in a browser by the program that checks them. Until that is done, nothing "
            "is claimed about how well they meet the guidelines."
        )
    day = datetime.fromisoformat(inspection.date)
    widths = " and ".join([", ".join(map(str, inspection.widths[:-1])), str(inspection.widths[-1])]).removeprefix(
        " and "
    )
    said = (
        f"On {day.day} {day:%B %Y} a program opened each of the {inspection.pages} pages in a browser (Chromium "
        f"{inspection.browser.split('.')[0]}), at {widths} pixels, with a light and with a dark page. On each it ran axe-core "
        f"{inspection.axe} by the {STANDARD}, walked through the page with the keyboard, and looked at headings, images, tables, "
        "width, and requests to other hosts."
    )
    if not inspection.faults:
        said += " It found no fault. Such a program finds only part of what can be wrong."
    else:
        rules: dict[str, set[str]] = {}
        for fault in inspection.faults:
            rules.setdefault(fault.rule, set()).add(fault.page)
        told = "\n".join(
            f"- {escape_markdown(rule)}: on {len(pages)} page{'s' if len(pages) != 1 else ''}"
            for rule, pages in rules.items()
        )
        said += f" It found these faults, which are not yet mended:\n\n{told}\n"
    if edition != inspection.edition:
        said += "\n\nThe findings shown have changed since then, and the pages have not been looked at again."
    return said


def result_path(review_folder: Path) -> Path:
    """Where the result for a review is kept."""
    return review_folder / "_build" / "accessibility" / "result.json"
