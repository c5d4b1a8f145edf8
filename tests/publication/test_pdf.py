"""The documents for print: tagged, bookmarked, A4, with language, alternatives and table headers; the summary on one page."""

import base64
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("weasyprint")
from pypdf import PdfReader

from evaluation.publication import figures, pdf
from evaluation.publication.edition import Edition

pytestmark = pytest.mark.slow  # each writes a document

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
A4 = (595.28, 841.89)
ALT = "Line chart of evening assaults: after the start 18% lower than expected."


def settings(**other: object) -> SimpleNamespace:
    about = {
        "title": "Strategy <review>", "partnership": "The & Partnership", "year": "2025-26", "edition": 2, "simulated": False,
        "contact": "svd@partnership.example", "signed_off": SimpleNamespace(by="A. Chair", role="chair", on="2026-06-01"),
    }  # fmt: skip
    return SimpleNamespace(**{**about, **other})


def book(folder: Path, plans: int = 2, **other: object) -> tuple[Path, Edition]:
    html = folder / "html"
    (html / "interventions").mkdir(parents=True)
    (html / "p.png").write_bytes(PIXEL)
    rows = "".join(
        f'<tr><th scope="row"><a href="interventions/p{i}.html">Scheme {i} in a town with a long name</a></th><td>Promising<br>12% lower (3% to 20% lower)</td>'
        f"<td>Likely<br>77%</td><td>Moderate</td><td>About 14 fewer assaults (3 to 26 fewer)</td></tr>"
        for i in range(plans)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Scheme", "Found", "Probability", "Confidence", "Size"))
    page = '<html><body><nav>menu</nav><article class="bd-article"><section id="s"><h1>{title}<a class="headerlink" href="#s">#</a></h1>{body}</section></article></body></html>'
    front = (
        f'<p class="svd-lead">Two schemes.</p><div class="svd-strategy" role="region" tabindex="0" aria-label="x"><table><caption>The strategy</caption>'
        f'<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div><p>Ranges are intervals.</p><section id="more"><h2>Side by side</h2><p>SECOND</p></section>'
    )
    (html / "index.html").write_text(page.format(title="Strategy", body=front), encoding="utf-8")
    chapter = f'<h2 id="a">Effect</h2><figure><img src="../p.png" alt="{ALT}"></figure><details><summary>Numbers</summary>FOLDED</details><p>See <a href="../index.html">the front</a> and <a href="../glossary.html">words</a>.</p>'
    for i in range(min(plans, 2)):
        (html / "interventions" / f"p{i}.html").write_text(
            page.format(title=f"Scheme {i}", body=chapter), encoding="utf-8"
        )
    return html, Edition(folder, settings(**other), {f"p{i}": f"Scheme {i}" for i in range(plans)}, {})


def parts(document: PdfReader) -> list[dict]:
    found, waiting = [], [document.root_object["/StructTreeRoot"]]
    while waiting:
        part = waiting.pop()
        part = part.get_object() if hasattr(part, "get_object") else part
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            found.append(part)
            waiting += [part["/K"]] if "/K" in part else []
    return found


def test_the_boards_report(tmp_path: Path) -> None:
    html, edition = book(tmp_path)
    document = PdfReader(pdf.write_board(html, edition, tmp_path / "out" / "board.pdf"))
    assert all((round(float(p.mediabox.width), 2), round(float(p.mediabox.height), 2)) == A4 for p in document.pages)
    assert document.root_object["/Lang"] == "en-GB" and document.root_object["/MarkInfo"]["/Marked"]
    assert document.root_object["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid" in document.xmp_metadata.stream.get_data()
    assert document.metadata.title == "Strategy <review>" and document.metadata.author == "The & Partnership"
    titles = [entry["/Title"] for entry in document.outline if not isinstance(entry, list)]
    assert [t for t in titles if t.startswith("Scheme")] == ["Scheme 0", "Scheme 1"]
    found = parts(document)
    kinds = {str(p.get("/S")) for p in found}
    assert {"/Figure", "/TH", "/TD", "/Caption", "/H1", "/H2", "/Link"} <= kinds
    assert [p["/Alt"] for p in found if str(p.get("/S")) == "/Figure"] == [ALT, ALT]
    text = [page.extract_text() for page in document.pages]
    assert "Edition 2" in text[0] and "A. Chair" in text[0] and "Contents" in text[1]
    assert f"Page 3 of {len(text)}" in text[2] and "SECOND" in "".join(text)
    assert "FOLDED" not in "".join(text) and "menu" not in "".join(text) and "DRAFT" not in "".join(text)
    addresses = [
        str(note.get_object().get("/A", {}).get("/URI", ""))
        for page in document.pages
        for note in page.get("/Annots", [])
    ]
    assert not any(addresses), "links lead inside the document; a path of this machine would be one"


@pytest.mark.parametrize("plans", [2, 14, 60])
def test_the_summary_is_one_page_whatever_is_on_it(tmp_path: Path, plans: int) -> None:
    html, edition = book(tmp_path, plans)
    document = PdfReader(pdf.write_one_page(html, edition, tmp_path / "one.pdf"))
    assert len(document.pages) == 1
    text = document.pages[0].extract_text()
    assert "Scheme 0" in text and "SECOND" not in text
    if plans == 60:
        left = int(text.split(" more in the book")[0].split()[-1])
        assert text.count("Scheme ") >= 60 - left and left > 0
    else:
        assert f"Scheme {plans - 1}" in text and "more in the book" not in text


def test_the_summary_keeps_as_many_rows_as_fit_and_finds_them_in_a_few_tries(tmp_path: Path, monkeypatch) -> None:
    html, edition = book(tmp_path, 60)
    drawn, render = [], pdf._render

    def counted(html: Path, edition: Edition, body: str, title: str):
        document = render(html, edition, body, title)
        drawn.append((60 - body.count("hidden=") if "hidden=" in body else 60, len(document.pages)))
        return document

    monkeypatch.setattr(pdf, "_render", counted)
    pdf.write_one_page(html, edition, tmp_path / "one.pdf")
    most = max(rows for rows, pages in drawn if pages == 1)
    assert most > 0 and (most + 1) in [rows for rows, pages in drawn if pages > 1]
    assert len(drawn) <= 5


def test_what_is_folded_is_left_out_however_deep(tmp_path: Path) -> None:
    html, edition = book(tmp_path)
    page = html / "interventions" / "p0.html"
    fold = "<details><summary>a</summary><details><p>DEEP</p></details><p>SHALLOW</p></details><p>STAYS &lt;details&gt;</p>"
    page.write_text(page.read_text(encoding="utf-8").replace("</article>", f"{fold}</article>"), encoding="utf-8")
    text = "".join(p.extract_text() for p in PdfReader(pdf.write_board(html, edition, tmp_path / "b.pdf")).pages)
    assert "DEEP" not in text and "SHALLOW" not in text and "STAYS" in text


def test_a_draft_is_marked_on_every_page(tmp_path: Path) -> None:
    html, edition = book(tmp_path, signed_off=None)
    document = PdfReader(pdf.write_board(html, edition, tmp_path / "board.pdf"))
    assert all("DRAFT" in page.extract_text() for page in document.pages)


def test_nothing_outside_the_book_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "secret.png").write_bytes(PIXEL)
    html, edition = book(tmp_path)
    pdf.write_board(html, edition, tmp_path / "board.pdf")
    assert "only files of the book are read" not in caplog.text
    page = html / "interventions" / "p0.html"
    page.write_text(page.read_text(encoding="utf-8").replace("../p.png", "../../secret.png"), encoding="utf-8")
    pdf.write_board(html, edition, tmp_path / "board.pdf")
    assert "only files of the book are read" in caplog.text


def test_without_the_library_a_plain_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "find_spec", lambda name: None)
    assert "pip install" in pdf.why_unavailable()
    html, edition = book(tmp_path)
    with pytest.raises(pdf.PdfUnavailable, match="No PDF was made"):
        pdf.write_board(html, edition, tmp_path / "board.pdf")
    assert not (tmp_path / "board.pdf").exists()


def test_a_chart_whose_letters_are_remembered_is_drawn_the_same(tmp_path: Path, monkeypatch) -> None:
    from contextlib import nullcontext

    from weasyprint.svg import TAGS

    html, edition = book(tmp_path)

    def draw(axes):
        axes.plot([1, 2, 3], [2, 1, 2], "o", markerfacecolor="white", label="level")
        axes.plot([1, 2, 3], [1, 2, 1], "o", color="#f46a25", alpha=0.5)

    picture = figures.render(draw, 2.0).svg
    assert picture.count("<use") > 6
    (html / "p.svg").write_text(picture, encoding="utf-8")
    for page in (html / "interventions").iterdir():
        page.write_text(page.read_text(encoding="utf-8").replace("../p.png", "../p.svg"), encoding="utf-8")

    def drawn(name: str) -> list[bytes]:  # an embedded font tells the second in which it was written
        document = PdfReader(pdf.write_board(html, edition, tmp_path / "out" / name))
        return [page.get_contents().get_data() for page in document.pages]

    before = TAGS["path"], TAGS["use"]
    remembered = drawn("a.pdf")
    assert (TAGS["path"], TAGS["use"]) == before
    monkeypatch.setattr(pdf, "outlines_remembered", nullcontext)
    assert drawn("b.pdf") == remembered
    (html / "p.svg").write_text(picture.replace('id="line2d', 'display="none" id="line2d'), encoding="utf-8")
    assert drawn("c.pdf") != remembered
