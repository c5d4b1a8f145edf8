"""The only door to a browser: opens pages of a built book in headless Chromium and says what it saw. Judges nothing.

Playwright and axe-core come with the extra `accessibility` and are imported only here; Chromium is the machine's own.
Every address but the book's is refused, and remembered, so that a page that asks for another host is found out and
nothing leaves the machine.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge")
OWN_PLACE = "SVD_CHROMIUM"  # environment variable: the browser to use
# Nothing that the browser itself would fetch; no sandbox, because build machines run as root.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run",
             "--disable-component-update", "--disable-sync", "--disable-default-apps")  # fmt: skip
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
HEIGHT = 900
MOST_TABS = 600

# What is read from a page in one call: structure that axe does not judge, or judges too kindly.
_LOOK = """() => {
  const seen = e => !!(e.offsetWidth || e.offsetHeight || e.getClientRects().length);
  const main = document.querySelector('main') || document.body;
  const root = document.documentElement;
  return {
    language: root.lang, title: document.title,
    overflow: root.scrollWidth - root.clientWidth,
    headings: [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(seen).map(h => [Number(h.tagName[1]), h.innerText.trim()]),
    images: [...main.querySelectorAll('img')].map(i => [i.getAttribute('src') || '', i.getAttribute('alt'), i.complete && i.naturalWidth > 0]),
    tables: [...main.querySelectorAll('table')].map(t => [
      (t.caption ? t.caption.textContent.trim() : ''),
      [...t.querySelectorAll('th')].every(h => ['col', 'row', 'colgroup', 'rowgroup'].includes(h.scope))]),
  };
}"""
_FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  window.__svd = window.__svd || new Map();
  if (!window.__svd.has(e)) window.__svd.set(e, window.__svd.size);
  return {id: window.__svd.get(e), href: e.getAttribute('href') || '', text: (e.innerText || e.getAttribute('aria-label') || '').trim().slice(0, 60),
          visible: box.width > 0 && box.height > 0, outlined: style.outlineStyle !== 'none' || style.boxShadow !== 'none'};
}"""


class BrowserMissing(RuntimeError):
    """There is no browser, or the packages that drive it are not installed; the text says what would do."""


@dataclass
class Sight:
    """What was seen of one page at one width.

    Attributes:
        page: name of the page, relative to the book.
        width: of the window, CSS pixels.
        scheme: `light` or `dark`, as the reader's system prefers.
        axe: violations as axe-core reports them.
        look: structure: language, title, overflow, headings, images, tables.
        focus: what had the focus after each press of Tab; None where it left the page. Only where asked for.
        errors: messages of the console and errors of scripts.
        outside: addresses that the page asked for and that are not the book's.
        outline: what a screen reader is given, as text; only where asked for.
    """

    page: str
    width: int
    scheme: str
    axe: list[dict[str, Any]] = field(default_factory=list)
    look: dict[str, Any] = field(default_factory=dict)
    focus: list[dict[str, Any] | None] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    outline: str = ""


def find_browser() -> Path:
    """The Chromium to use.

    Raises:
        BrowserMissing: there is none, or the extra `accessibility` is not installed.
    """
    if missing := [name for name in ("playwright", "axe_playwright_python") if importlib.util.find_spec(name) is None]:
        raise BrowserMissing(
            f"Not installed: {', '.join(missing)}. Install the extra: pip install 'svd-evaluation[accessibility]'."
        )
    given = os.environ.get(OWN_PLACE)
    found = given if given and Path(given).is_file() else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise BrowserMissing(
            f"No Chromium was found ({', '.join(NAMES)}). Install one, or name it in the environment variable {OWN_PLACE}."
        )
    return Path(found)


def axe_version() -> str:
    """The version of axe-core that is installed, from its own first line."""
    from axe_playwright_python.base import AXE_SCRIPT

    return str(AXE_SCRIPT[:40].split("axe v")[-1].split()[0])


class Browser:
    """An open browser; made by `open_browser`."""

    def __init__(self, engine: Any, axe: Any) -> None:
        self._engine = engine
        self._axe = axe

    @property
    def version(self) -> str:
        """The browser's version."""
        return str(self._engine.version)

    def view(
        self,
        root: str,
        page: str,
        widths: tuple[int, ...],
        scheme: str = "light",
        axe: bool = True,
        keyboard: bool = False,
    ) -> Iterator[Sight]:
        """Open one page and look at it at several widths.

        Args:
            root: address of the book: `file:///.../html/` or `http://127.0.0.1:PORT/`.
            page: relative to it ("interventions/outreach.html"), with a query if wanted.
            widths: CSS pixels, one sight each.
            scheme: what the reader's system prefers.
            axe: run axe-core at each width.
            keyboard: press Tab through the page at the last width, and read the outline there.
        """
        context = self._engine.new_context(viewport={"width": widths[0], "height": HEIGHT}, color_scheme=scheme)
        errors: list[str] = []
        outside: list[str] = []

        def admit(route: Any) -> None:
            if route.request.url.startswith((root, "data:", "blob:")):
                route.continue_()
            else:
                outside.append(route.request.url)
                route.abort()

        try:
            context.route("**/*", admit)
            tab = context.new_page()
            tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            tab.on("pageerror", lambda error: errors.append(str(error)))
            tab.goto(root + page, wait_until="load")
            for width in widths:
                tab.set_viewport_size({"width": width, "height": HEIGHT})
                sight = Sight(page, width, scheme, look=tab.evaluate(_LOOK))
                if axe:
                    options = {"runOnly": list(TAGS), "resultTypes": ["violations"], "preload": False}
                    sight.axe = self._axe.run(tab, options=options).response["violations"]
                if keyboard and width == widths[-1]:
                    sight.focus = _press_tab(tab)
                    sight.outline = tab.locator("body").aria_snapshot()
                sight.errors, sight.outside = list(dict.fromkeys(errors)), list(dict.fromkeys(outside))
                yield sight
        finally:
            context.close()

    def search(self, root: str, word: str) -> int:
        """Search the book for a word and return how many pages were listed."""
        context = self._engine.new_context()
        try:
            tab = context.new_page()
            tab.goto(f"{root}search.html?q={word}", wait_until="load")
            results = tab.locator("#search-results ul.search li")
            try:
                results.first.wait_for(timeout=5000)
            except Exception as error:
                if type(error).__name__ != "TimeoutError":
                    raise
            return int(results.count())
        finally:
            context.close()

    def measure(self, address: str, selector: str, width: int) -> list[float]:
        """Where elements end below the top of the page, CSS pixels, in a window of the given width."""
        context = self._engine.new_context(viewport={"width": width, "height": HEIGHT})
        try:
            tab = context.new_page()
            tab.goto(address, wait_until="load")
            script = "all => all.map(e => e.getBoundingClientRect().bottom + window.scrollY)"
            return [float(end) for end in tab.locator(selector).evaluate_all(script)]
        finally:
            context.close()

    def print_pages(self, address: str) -> bytes:
        """Print a page as its style sheet for print says, and return the PDF."""
        context = self._engine.new_context()
        try:
            tab = context.new_page()
            tab.goto(address, wait_until="load")
            return bytes(tab.pdf(prefer_css_page_size=True, print_background=True))
        finally:
            context.close()


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium.

    Raises:
        BrowserMissing: there is none.
    """
    place = find_browser()
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        engine = driver.chromium.launch(executable_path=str(place), args=list(ARGUMENTS))
        try:
            yield Browser(engine, Axe())
        finally:
            engine.close()


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine alone, and give its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def _press_tab(tab: Any) -> list[dict[str, Any] | None]:
    """Press Tab from the top of the page until the focus leaves it or comes round again."""
    seen: list[dict[str, Any] | None] = []
    for _ in range(MOST_TABS):
        tab.keyboard.press("Tab")
        focus = tab.evaluate(_FOCUS)
        seen.append(focus)
        stuck = len(seen) > 2 and focus is not None and all(s and s["id"] == focus["id"] for s in seen[-3:])
        if focus is None or stuck or (len(seen) > 1 and seen[0] and focus["id"] == seen[0]["id"]):
            break
    return seen
