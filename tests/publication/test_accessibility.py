"""The inspection of a built book: rules by hand, planted faults in a real browser, the example's own pages."""

import re
import shutil
from pathlib import Path

import pytest
from example_book import BOOK, needs_book

from evaluation import resources
from evaluation.publication.accessibility import (
    WIDTHS,
    Fault,
    Inspection,
    describe_inspection,
    inspect_book,
    judge,
    judge_headings,
    judge_keyboard,
    read_inspection,
    result_path,
    store_inspection,
)
from evaluation.publication.browser import BrowserMissing, Sight, find_browser, open_browser, serve_folder
from tests.command_line import svd

try:
    find_browser()
    MISSING = ""
except BrowserMissing as missing:
    MISSING = str(missing)
in_browser = pytest.mark.skipif(bool(MISSING), reason=MISSING or "there is a browser")

# One page of every kind, but for the two that take a browser half a minute each.
KINDS = ("index", "compared", "interventions/street_mentors", "annexes/night_guardians", "needs_assessment", "data-quality",
         "methods/index", "glossary", "accessibility-statement", "downloads", "search")  # fmt: skip
GOOD = """<!doctype html><html lang="en-GB"><head><title>A page</title></head><body>
<a href="#main-content">Skip to main content</a><main id="main-content"><h1>A page</h1>{}
<p><a href="index.html">Home</a></p></main></body></html>"""
TABLE = "<table><caption>Numbers</caption><tr><th scope='col'>A</th></tr><tr><td>1</td></tr></table>"


def stop(number: int, text: str = "a", href: str = "", **changes: object) -> dict[str, object]:
    return {"id": number, "text": text, "href": href, "visible": True, "outlined": True} | changes


SKIP = stop(0, "Skip to main content", "index.html#main-content")


def test_order_of_headings() -> None:
    assert judge_headings([(1, "a"), (2, "b"), (3, "c"), (2, "d"), (2, "e")]) == []
    assert judge_headings([(1, "a"), (3, "deep")]) == ["level 1 is followed by level 3 ('deep')"]
    assert judge_headings([(2, "a")]) == ["0 headings of the first level; one is wanted"]
    assert judge_headings([(1, "a"), (1, "b")]) == ["2 headings of the first level; one is wanted"]


def test_the_walk_with_the_keyboard() -> None:
    assert judge_keyboard([SKIP, stop(1), None]) == [] and judge_keyboard([SKIP, stop(1), SKIP]) == []
    assert "first stop is 'a'" in judge_keyboard([stop(1), None])[0]
    assert "first stop is 'nothing'" in judge_keyboard([None])[0]
    assert judge_keyboard([SKIP | {"outlined": False}, None]) == [
        "the link to the content cannot be seen when it has the focus"
    ]
    assert judge_keyboard([SKIP, stop(1, "trap"), stop(1, "trap"), stop(1, "trap")]) == [
        "the focus does not get past 'trap'"
    ]
    assert judge_keyboard([SKIP, stop(1, "ghost", visible=False), None]) == [
        "the focus reaches 'ghost', which cannot be seen"
    ]


def test_what_is_seen_is_judged() -> None:
    sound = {"language": "en-GB", "title": "A page", "overflow": 0, "headings": [[1, "a"]], "tables": [["Numbers", True]],
             "images": [["x.svg", "Line chart of assaults: down by a fifth.", True]]}  # fmt: skip
    assert judge(Sight("a.html", 320, "light", look=sound)) == []
    wrong = sound | {
        "language": "",
        "title": " ",
        "overflow": 12,
        "tables": [["", False]],
        "images": [["x.svg", "x.svg", True]],
    }
    rules = [
        fault.rule
        for fault in judge(Sight("a.html", 320, "light", look=wrong, errors=["broken"], outside=["http://x/"]))
    ]
    assert rules == ["console", "another host", "language", "title", "overflow", "image", "table", "table"]
    lost = sound | {"images": [["x.svg", "Line chart of assaults: down by a fifth.", False]]}
    assert "cannot be shown" in str(judge(Sight("a.html", 320, "light", look=lost))[0])


def test_the_statement_says_what_was_found_and_when(tmp_path: Path) -> None:
    sound = Inspection("2026-06-02", "k", 30, (320, 768, 1400), "4.12.1", "156.0.1.2")
    place = result_path(tmp_path)
    store_inspection(sound, place)
    assert read_inspection(place) == sound and read_inspection(tmp_path / "none") is None
    said = describe_inspection(sound, "k")
    assert "On 2 June 2026" in said and "each of the 30 pages" in said and "320, 768 and 1400 pixels" in said
    assert "found no fault" in said and "have changed since" not in said
    assert "have changed since" in describe_inspection(sound, "another")
    faults = [Fault("a.html", 320, "light", "axe image-alt", "x"), Fault("b.html", 320, "light", "axe image-alt", "x")]
    worse = Inspection("2026-06-02", "k", 30, (320,), "4", "156", faults)
    store_inspection(worse, place)
    assert read_inspection(place) == worse
    assert "image\\-alt: on 2 pages" in describe_inspection(worse, "k") and "no fault" not in describe_inspection(
        worse, "k"
    )
    assert "not yet been opened" in describe_inspection(None, "k")


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch) -> None:
    from evaluation.publication import browser

    shutil.copytree(resources.folder("params") / "template", tmp_path / "review")
    bare = svd("accessibility", tmp_path / "review")
    assert bare.exit_code == 2 and "has no built book" in bare.output
    html = tmp_path / "review" / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text(GOOD.format(TABLE), encoding="utf-8")
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    monkeypatch.delenv(browser.OWN_PLACE, raising=False)
    without = svd("accessibility", tmp_path / "review")
    assert without.exit_code == 2 and "Nothing was looked at" in without.output and "Install" in without.output
    monkeypatch.setattr(browser.importlib.util, "find_spec", lambda name: None)
    assert "svd-evaluation[accessibility]" in svd("accessibility", tmp_path / "review").output
    assert not result_path(tmp_path / "review").exists()


@in_browser
@pytest.mark.slow
def test_planted_faults_are_found(tmp_path: Path) -> None:
    planted = {
        "index": TABLE,
        "no-alt": '<img src="x.png">',
        "outside": '<img src="http://tracker.example/x.png" alt="Line chart of assaults: down by a fifth.">',
        "pale": '<p style="color:#aaa;background:#fff">Hard to read.</p>',
        "wide": '<div style="width:900px">Too wide for a telephone.</div>',
        "skipped": "<h4>Too deep</h4>",
        "script": "<script>undefined_name()</script>",
        "bare": "<table><tr><th>A</th></tr><tr><td>1</td></tr></table>",
        "trap": '<input aria-label="Trap" onkeydown="if (event.key === \'Tab\') event.preventDefault()">',
    }  # fmt: skip
    for name, inside in planted.items():
        (tmp_path / f"{name}.html").write_text(GOOD.format(inside), encoding="utf-8")
    found = inspect_book(tmp_path, "key", (320, 1400), outlines=tmp_path / "as_read")
    seen = {(fault.page.removesuffix(".html"), fault.rule) for fault in found.faults}
    wanted = {("no-alt", "axe image-alt"), ("no-alt", "image"), ("outside", "another host"), ("pale", "axe color-contrast"), ("wide", "overflow"),
              ("skipped", "headings"), ("script", "console"), ("bare", "table"), ("trap", "keyboard"), ("search", "search")}  # fmt: skip
    assert wanted <= seen
    assert not [fault for fault in found.faults if fault.page == "index.html"]
    assert {f.width for f in found.faults if f.rule == "overflow"} == {320}
    assert 'heading "A page"' in (tmp_path / "as_read" / "index.txt").read_text(encoding="utf-8")
    assert found.axe[0].isdigit() and found.pages == len(planted) and found.edition == "key"


@in_browser
@needs_book
@pytest.mark.slow
@pytest.mark.parametrize("page", KINDS)
def test_every_kind_of_page_of_the_example(page: str) -> None:
    root = BOOK.resolve().as_uri() + "/"
    with open_browser() as browser, serve_folder(BOOK) as served:
        sights = [*browser.view(root, f"{page}.html", WIDTHS, keyboard=True),
                  *browser.view(root, f"{page}.html", WIDTHS[-1:], scheme="dark"),
                  *browser.view(served, f"{page}.html", WIDTHS[-1:], axe=False)]  # fmt: skip
    assert [str(fault) for sight in sights for fault in judge(sight)] == []


@in_browser
@needs_book
@pytest.mark.slow
def test_the_search_works_from_disk_and_the_first_page_fits() -> None:
    root = BOOK.resolve().as_uri() + "/"
    with open_browser() as browser:
        assert browser.search(root, "navigators") > 1 and browser.search(root, "zzzzzz") == 0
        printed = browser.print_pages(root + "index.html")
        boxes = browser.measure(root + "index.html", ".svd-strategy, .svd-answers", 1400)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1, "the first page does not print on one sheet"
    assert re.search(rb"/MediaBox\s*\[\s*0 0 59[45][\d.]* 84[12][\d.]*\s*\]", printed), "it is not A4"
    assert boxes and max(boxes) <= 900, "what works, what to do and how sure are not all seen without scrolling"


@needs_book
def test_every_chart_has_what_a_reader_needs() -> None:
    seen = 0
    for path in BOOK.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        charts = html.count('<figure class="svd-figure">')
        for part in ('class="svd-title"', 'class="svd-source"', "How to read this chart</summary>", "Numbers behind this chart</summary>",
                     "Numbers as CSV", "Picture as PNG"):  # fmt: skip
            assert html.count(part) == charts, f"{path.name}: {part}"
        drawn = re.findall(r'<img src="([^"]*_static/figures/[^"]*)"', html)
        assert len(drawn) == charts and all(source.endswith(".svg") for source in drawn)
        seen += charts
    assert seen > 50


@in_browser
@needs_book
@pytest.mark.long
def test_every_page_of_the_example() -> None:
    assert [str(fault) for fault in inspect_book(BOOK).faults] == []
