"""The board's document and the one-page summary as PDF: tagged (PDF/UA-1), bookmarked, A4, made from the finished pages.

WeasyPrint writes them; it needs the library Pango, which a locked-down computer may lack. The book is then made without them.
Only files inside the built book can be read while a PDF is made, so nothing is fetched from anywhere.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation import resources
from evaluation.publication.disclosure import clean, escape
from evaluation.publication.drawing import outlines_remembered
from evaluation.publication.edition import Edition
from evaluation.publication.staging import safe_name
from evaluation.publication.versions import data_to

if TYPE_CHECKING:
    from bs4 import Tag

BOARD, ONE_PAGE = "board-report.pdf", "one-page-summary.pdf"
LARGEST = 10_000_000
SIZES = (10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)  # of the type on the one page, in points, the largest that fits
_INNERMOST_FOLD = re.compile(r"<details\b(?:(?!<details\b).)*?</details>", re.DOTALL)
_FOLDED = ("details", "nav", "script", "style")
_LEFT_OUT = (".headerlink", ".svd-download", ".svd-behind", ".svd-edition")


class PdfUnavailable(RuntimeError):
    """PDFs cannot be made on this computer; the message says why and what would do."""


def why_unavailable() -> str:
    """Why no PDF can be made here, in one sentence for a reader; empty if one can."""
    if find_spec("weasyprint") is None or find_spec("pypdf") is None:
        return "No PDF was made: the program was installed without the part that makes it (pip install 'svd-evaluation[pdf]')."
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return "No PDF was made: this computer lacks the library Pango (on Debian or Ubuntu: libpango-1.0-0 and libpangoft2-1.0-0)."
    return ""


Waiting = Callable[[], list[Path]]


@contextmanager
def written_beside(edition: Edition, folder: Path) -> Iterator[Callable[[Path], Waiting]]:
    """Both documents: the board's, which takes long, in a process of its own, which starts at once, while the caller goes on.

    Args:
        edition: what the book shows.
        folder: where the documents go.

    Yields:
        A function that takes the built book, which must not change from then on, and begins. It returns a function that
        writes the one page, waits for the other document, and returns their paths; that raises what :func:`write_board`
        raises, and `BrokenProcessPool` if the process died.
    """
    # A document is one large web of objects, none of them lost before it is written: looking for lost ones takes a fifth of the time.
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        pool.submit(why_unavailable)  # which imports what it will need

        def begin(html: Path) -> Waiting:
            board = pool.submit(write_board, html, edition, folder / BOARD)
            return lambda: [write_one_page(html, edition, folder / ONE_PAGE), board.result()]

        yield begin


def write_board(html: Path, edition: Edition, into: Path) -> Path:
    """Write the board's document: cover, contents, the first page, and a chapter for each intervention.

    Args:
        html: the built book.
        edition: what it shows.
        into: the file to write.

    Raises:
        PdfUnavailable: WeasyPrint or Pango is missing.
        ValueError: the file would be larger than 10 MB.
    """
    pages = ["index", *(f"interventions/{safe_name(plan)}" for plan in edition.titles)]
    chapters = [_chapter(html, page, pages) for page in pages if (html / f"{page}.html").is_file()]
    listed = "".join(f'<li><a href="#{name}">{escape(title, 300)}</a></li>' for name, title, _ in chapters)
    body = (
        f'<section class="cover">{_banners(edition)}<h1>{escape(edition.settings.title)}</h1>'
        f"<p>{escape(edition.settings.partnership)}, {escape(edition.settings.year)}</p>"
        f'<div class="facts">{"".join(f"<p>{escape(fact)}</p>" for fact in _facts(edition))}</div></section>'
        f'<section class="contents"><h1>Contents</h1><ul>{listed}</ul>'
        "<p>The numbers behind each chart, the methods and everything that was checked are in the online book.</p></section>"
        + "".join(f'<section class="chapter" id="{name}">{inside}</section>' for name, _, inside in chapters)
    )
    content = _print(_render(html, edition, body, edition.settings.title), edition, BOARD)
    if len(content) > LARGEST:
        raise ValueError(f"the board's PDF would have {len(content) / 1e6:.0f} MB; {LARGEST / 1e6:.0f} are allowed")
    return _write(into, content)


def write_one_page(html: Path, edition: Edition, into: Path) -> Path:
    """Write the summary of the first page, which is one A4 page whatever the number of interventions.

    The type is made smaller until it fits, down to 7 points; if it still does not, the last interventions of the table are
    left for the book, and the page says how many.

    Raises:
        PdfUnavailable: WeasyPrint or Pango is missing.
    """
    article = _article(html, "index")
    _to_first_table(article)
    for link in article.select("a[href]"):
        link.unwrap()
    rows = article.select("table tbody tr")
    for i, row in enumerate(rows):
        row["id"] = f"row-{i}"
    title = f"{edition.settings.title}: one-page summary"

    def draw(kept: int, size: float = SIZES[-1]) -> Any:
        """The document with so many rows of the table, in type of so many points."""
        for i, row in enumerate(rows):
            row.attrs.pop("hidden", None)
            if i >= kept:
                row["hidden"] = ""
        left = len(rows) - kept
        note = f"<p>{left} more in the book: this page has no room for them.</p>" if left else ""
        inside = f"{_banners(edition)}{article.decode_contents()}{note}"
        return _render(
            html, edition, f'<section class="one-page" style="font-size: {size}pt">{inside}</section>', title
        )

    def on_one_page(document: Any) -> Any:
        return document if len(document.pages) == 1 else None

    whole = draw(len(rows))
    if (page := on_one_page(whole)) is not None:
        page = next((found for size in SIZES[:-1] if (found := on_one_page(draw(len(rows), size))) is not None), page)
    else:  # about as many as the first of its pages held; the note takes some room too
        kept = sum(f"row-{i}" in whole.pages[0].anchors for i in range(len(rows)))
        fits, too_many = -1, len(rows)
        while too_many - fits > 1:
            if (found := on_one_page(draw(kept))) is not None:
                page, fits, kept = found, kept, kept + 1
            else:
                too_many, kept = kept, kept - 1
    if page is None:
        raise ValueError("the one-page summary does not fit on a page even without its table")
    return _write(into, _print(page, edition, ONE_PAGE))


def _render(html: Path, edition: Edition, body: str, title: str) -> Any:
    if reason := why_unavailable():
        raise PdfUnavailable(reason)
    from weasyprint import CSS, HTML
    from weasyprint.urls import URLFetcher

    pictures = {p.as_uri() for p in html.resolve().rglob("*") if p.suffix in (".png", ".svg") and not p.is_symlink()}

    class Inside(URLFetcher):  # type: ignore[misc]
        """Reads pictures of the built book and nothing else."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if url not in pictures:
                raise ValueError("only files of the book are read")
            return super().fetch(url, headers)

    settings = edition.settings
    mark = f"{clean(settings.partnership, 80)}, {clean(settings.year)}, edition {settings.edition}"
    text = (
        f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="author" content="{escape(settings.partnership)}"><meta name="generator" content="svd-evaluation"></head>'
        f'<body><div class="edition-mark" aria-hidden="true">{escape(mark)}</div>{body}</body></html>'
    )
    sheets = [CSS(string=(resources.folder("book") / "print.css").read_text(encoding="utf-8"))]
    if _is_draft(edition):
        sheets.append(CSS(string=_WATERMARK))
    return HTML(string=text, base_url=html.resolve().as_uri() + "/", url_fetcher=Inside()).render(
        stylesheets=sheets, optimize_images=True, **_options(edition, title)
    )


def _print(document: Any, edition: Edition, name: str) -> bytes:
    with outlines_remembered():
        return bytes(document.write_pdf(**_options(edition, name)))


def _options(edition: Edition, name: str) -> dict[str, Any]:
    key = f"{edition.settings.partnership}|{edition.settings.year}|{edition.settings.edition}|{name}"
    return {"pdf_variant": "pdf/ua-1", "pdf_identifier": hashlib.sha256(key.encode()).digest()[:16]}


def _chapter(html: Path, page: str, pages: list[str]) -> tuple[str, str, str]:
    """One page of the book for print: its id, its title, its inside."""
    article = _article(html, page)
    name = _id(page)
    for tag in article.select("[id]"):
        tag["id"] = f"{name}--{tag['id']}"
    for link in article.select("a[href]"):
        target = _target(page, str(link["href"]))
        if str(link["href"]).startswith(("https://", "http://", "mailto:")):
            continue
        if target in pages:
            link["href"] = f"#{_id(target)}"
        else:
            link.unwrap()
    heading = article.find("h1")
    return name, heading.get_text(" ", strip=True) if heading else page, article.decode_contents()


def _article(html: Path, page: str) -> Tag:
    from bs4 import BeautifulSoup

    text = (html / f"{page}.html").read_text(encoding="utf-8")
    # Most of a page is the contents of the book: they are not read here.
    begin, end = text.find("<article"), text.rfind("</article>")
    text, folds = text[begin : end + len("</article>")] if 0 <= begin < end else text, 1
    while folds:  # most of an article too is what stands folded under its charts
        text, folds = _INNERMOST_FOLD.subn("", text)
    soup = BeautifulSoup(text, "html.parser")
    article = soup.find("article") or soup
    for name in _FOLDED:
        for tag in article.find_all(name):
            tag.decompose()
    for selector in _LEFT_OUT:
        for tag in article.select(selector):
            tag.decompose()
    for image in article.find_all("img"):
        image["src"] = _file(html, page, str(image["src"]))
    for region in article.select("[role=region]"):
        for attribute in ("role", "tabindex", "aria-label"):
            region.attrs.pop(attribute, None)
    return article


def _to_first_table(article: Tag) -> None:
    """Keep what stands up to the end of the first table's section: everything after its second-level heading goes."""
    table = article.find("table")
    first = table.find_next("h2") if table is not None else article.find("h2")
    if first is None:
        return
    section = first.find_parent("section")
    for tag in [first, *first.find_all_next()]:
        if tag is not section and not tag.decomposed and (section is None or tag not in list(section.parents)):
            tag.decompose()


def _file(html: Path, page: str, source: str) -> str:
    return (html / page).parent.joinpath(source).resolve().as_uri()


def _target(page: str, href: str) -> str:
    """The page that a link within the book leads to."""
    path = href.split("#")[0]
    parts = page.split("/")[:-1]
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts).removesuffix(".html")


def _id(page: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", page)


def _facts(edition: Edition) -> list[str]:
    settings = edition.settings
    signed = settings.signed_off
    return [
        f"Edition {settings.edition}",
        f"Signed off by {signed.by}, {signed.role}, on {signed.on}" if signed else "Not signed off",
        f"Data up to {data_to(edition)}" if data_to(edition) else "Nothing was evaluated",
        f"Questions: {settings.contact}" if settings.contact else "No contact was given",
    ]


def _is_draft(edition: Edition) -> bool:
    return edition.holds_draft or edition.settings.signed_off is None


def _banners(edition: Edition) -> str:
    lines = ["SIMULATED data: every count is made up."] if edition.settings.simulated else []
    lines += ["DRAFT. Not for publication."] if _is_draft(edition) else []
    return "".join(f'<p class="banner">{line}</p>' for line in lines)


def _write(into: Path, content: bytes) -> Path:
    into.parent.mkdir(parents=True, exist_ok=True)
    aside = into.with_suffix(".writing")
    aside.write_bytes(content)
    aside.replace(into)
    return into


# The word stands across every page; the cover says it to those who do not see it.
_WATERMARK = (
    'body::after { content: "DRAFT"; position: fixed; top: 95mm; left: 12mm; font-size: 120pt; font-weight: 700; '
    "color: rgba(128, 22, 80, 0.13); transform: rotate(-50deg); }"
)
