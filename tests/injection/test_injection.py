"""Nothing planted in a text is alive in what leaves: not in a real browser, nor in the files that readers take away."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import nbformat
import pytest
from pydantic import BaseModel

from evaluation.protocol.definition import Definition
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.partnership import Areas, ReviewSettings
from evaluation.protocol.plan import Plan
from evaluation.publication.staging import check_fragment
from tests.injection import hostile_review
from tests.injection.payloads import ALIVE, HOST, SECRET

# Keys whose text is a name of the program's own or a number in words; each is refused if it is anything else.
CLOSED = {"id", "year", "start", "end", "from", "to", "from_", "price_year", "design", "key", "primary", "secondary", "unaffected",
          "harm_keys", "indicator", "indicators", "local_definition", "file", "previous", "offence", "codes", "likelihood",
          "on_", "next_review", "licence_"}  # fmt: skip
BUILT = pytest.mark.slow


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile review, evaluated for publication, with its book."""
    given = os.environ.get("SVD_TEST_HOSTILE")  # one that was built before, to look at it again
    if given:
        return Path(given)
    folder = hostile_review.write(tmp_path_factory.mktemp("hostile") / "r")
    command = [sys.executable, "-m", "tests.faults.stand_in", "review", str(folder), "--profile", "draft", "--quiet"]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=900, check=False,
        env=os.environ | {"SVD_TEST_QUICK": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def html(review: Path) -> Path:
    return review / "_build" / "html"


def pages(html: Path) -> list[Path]:
    return sorted(page for page in html.rglob("*.html") if "_static" not in page.relative_to(html).parts)


class Alive(HTMLParser):
    """Whatever a browser would run or load."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.words = ""
        self._inside = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on") or text.startswith(("javascript:", "vbscript:", "data:text")):
                self.found.append(f"<{tag} {name}={value}>")
            if name in ("src", "href", "action", "data", "srcdoc") and HOST in text:
                self.found.append(f"<{tag} {name}={value}>")
        if tag in ("iframe", "object", "embed", "base", "svg") and ALIVE in str(attrs):
            self.found.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and ALIVE in data:
            self.found.append(f"script: {data[:200]}")
        self.words += data


def texts_of(model: type[BaseModel], seen: tuple[type, ...] = ()) -> Iterator[str]:
    """Names of the fields of a model, and of the models in it, that hold free text."""
    for name, field in model.model_fields.items():
        inner = list(models_in(field.annotation))
        for one in inner:
            if one not in seen:
                yield from texts_of(one, (*seen, model))
        if not inner and "Literal" not in str(field.annotation) and "str" in str(field.annotation):
            yield f"{model.__name__}.{name}"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for part in get_args(annotation):
        yield from models_in(part)


def keys_planted(data: Any, name: str = "") -> Iterator[str]:
    """Keys in whose text a payload stands."""
    if isinstance(data, dict):
        for key, value in data.items():
            if re.search(r"N\d+N", key):
                yield name
            yield from keys_planted(value, name if re.search(r"N\d+N", key) else key)
    elif isinstance(data, list):
        for value in data:
            yield from keys_planted(value, name)
    elif isinstance(data, str) and re.search(r"N\d+N", data):
        yield name


def test_every_text_field_is_planted() -> None:
    """A new field of free text must be added to the hostile review."""
    documents = [
        hostile_review.review(),
        hostile_review.areas(),
        hostile_review.indicators(),
        hostile_review.definitions(),
    ]
    planted = set(keys_planted([*documents, hostile_review.plan("a", "its"), hostile_review.plan("b", "did")]))
    wanted = {text for model in (ReviewSettings, Areas, Indicator, Plan, Definition) for text in texts_of(model)}
    assert len(wanted) > 40
    missing = {text for text in wanted if text.partition(".")[2].rstrip("_") not in planted | CLOSED}
    assert not missing


@BUILT
def test_no_markup_of_a_text_is_markup_of_a_page(html: Path) -> None:
    found = {page.relative_to(html).as_posix(): alive.found for page in pages(html) if (alive := Alive(page)).found}
    assert not found
    assert len(pages(html)) > 10


@BUILT
def test_nothing_from_outside_was_included(html: Path) -> None:
    for path in html.rglob("*"):
        if path.is_file():
            # The directive itself may be shown as text; what the file holds stands at a line of its own.
            text = (
                path.read_bytes().replace(f"{SECRET}.txt".encode(), b"").replace(SECRET.lower().encode() + b".txt", b"")
            )
            assert SECRET.encode() not in text, path.relative_to(html)


@BUILT
def test_search_index_holds_words_and_no_markup(html: Path) -> None:
    index = (html / "searchindex.js").read_text(encoding="utf-8")
    found = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))
    shown = [*found["titles"], *found["alltitles"]]
    assert shown and not [title for title in shown if re.search(r"<\w|javascript:", title) and "‹" not in title]
    for title in shown:
        assert "<" not in title, "the search shows titles as HTML"


@BUILT
def test_pictures_hold_no_program(html: Path) -> None:
    for path in html.rglob("*.svg"):
        for node in ElementTree.parse(path).iter():
            assert not str(node.tag).endswith(("script", "foreignObject"))
            assert not [name for name in node.attrib if name.lower().startswith("on")]
        assert HOST not in path.read_text(encoding="utf-8")


@BUILT
def test_spreadsheets_compute_nothing(html: Path) -> None:
    files = sorted((html / "downloads").iterdir())
    assert files
    for path in files:
        if path.suffix == ".csv":
            for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()):
                for cell in row:
                    number = re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", cell)
                    assert number or not cell.lstrip().startswith(("=", "+", "-", "@", "\t")), (path.name, cell[:80])
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                for name in book.namelist():
                    if name.endswith((".xml", ".rels")):
                        inside = book.read(name).decode("utf-8")
                        assert "<f>" not in inside and "table:formula" not in inside, (path.name, name)
                        assert not re.search(rf'(Target|xlink:href)="[^"]*{HOST}', inside), (path.name, name)


@BUILT
def test_notebooks_take_what_they_are_given_as_data(review: Path) -> None:
    """Parameters are text in quotes, and outputs hold only what the book may hold."""
    notebooks = [*review.glob("_build/packets/*/*/report.ipynb"), *review.glob("_build/chapters/*.ipynb")]
    assert len(notebooks) >= 3
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type != "code":
                assert not re.search(r"N\d+N", cell.source), "no text of the review is in the words of a report"
                continue
            assert not re.search(r"N\d+N", cell.source)
            if "injected-parameters" in cell.metadata.get("tags", []):
                for node in ast.parse(cell.source).body:
                    assert (
                        isinstance(node, ast.Assign)
                        and isinstance(node.value, ast.Constant)
                        and isinstance(node.value.value, str)
                    )
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    check_fragment(output.data["text/html"])


@BUILT
def test_in_a_real_browser_nothing_is_alive(html: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on the PATH")
    sync_api = pytest.importorskip("playwright.sync_api")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run",
               "--disable-component-update", "--disable-sync"]  # fmt: skip
    outside: list[str] = []
    dialogs: list[str] = []
    alive: dict[str, Any] = {}
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=options)
        page = browser.new_page()
        # The book's own policy would stop much of this. It must not be needed.
        page.on(
            "request",
            lambda asked: outside.append(asked.url) if not asked.url.startswith(("file:", "data:", "blob:")) else None,
        )
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        places = [path.as_uri() for path in pages(html)]
        places += [
            f"{(html / 'search.html').as_uri()}?q={words}" for words in ("foo", "n1n", "svd", "link", "http", "heading")
        ]
        for place in places:
            page.goto(place)
            page.wait_for_timeout(150 if "?q=" not in place else 1500)
            for element in page.query_selector_all("details:not([open])"):
                element.evaluate("e => { e.open = true }")
            found = page.evaluate(
                """([mark, host]) => [
                    document.documentElement.getAttribute(mark),
                    [...document.querySelectorAll('[href],[src],[action],[data]')].filter(e =>
                        /^\\s*(javascript|vbscript|data:text)/i.test(e.getAttribute('href') || e.getAttribute('src') || '')
                        || (e.getAttribute('href') || e.getAttribute('src') || '').includes(host)).map(e => e.outerHTML.slice(0, 200)),
                    [...document.querySelectorAll('*')].filter(e => e.getAttributeNames().some(n => n.startsWith('on'))).map(e => e.outerHTML.slice(0, 200)),
                    document.title.length,
                ]""",
                [ALIVE, HOST],
            )
            if found[0] or found[1] or found[2]:
                alive[place] = found
        browser.close()
    assert not alive
    assert not dialogs and not outside
