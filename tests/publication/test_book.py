"""A whole book from fabricated packets."""

import shutil
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fixture import RATINGS, stored_review

from evaluation.publication import book
from evaluation.publication.book import BookRejected, build_book, hash_tree
from evaluation.publication.builder import BuildFailed
from evaluation.publication.edition import write_failure
from evaluation.publication.staging import Stage


class Text(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.slow
def test_book_of_every_rating_with_hostile_labels(tmp_path, monkeypatch) -> None:
    kinds = [(r, "did" if i % 2 else "its", False) for i, r in enumerate(RATINGS)] + [("unclear", "did", True)]
    folder = tmp_path / "review with space"
    folder.mkdir()
    stored_review(folder, kinds)
    broken = "scheme_harm_did"
    write_failure(folder, broken, "Harm", "Two months are <b>missing</b>.")
    index = build_book(folder)
    html = index.parent
    assert index == folder.resolve() / "_build" / "html" / "index.html"
    pages = [p for p in html.rglob("*.html") if "_static" not in p.parts]
    assert {p.stem for p in html.glob("interventions/*.html")} == {p.stem for p in (folder / "plans").iterdir()}
    for page in pages:
        assert "SIMULATED data: every count is made up" in Text(page).words, page
        assert "DRAFT" not in Text(page).words
        assert "Accessibility statement" in Text(page).words
        assert "<script>window.__xss" not in page.read_text(encoding="utf-8")
    assert "<script>window" not in (html / "searchindex.js").read_text(encoding="utf-8")
    assert "Two months are <b>missing</b>." in Text(html / "interventions" / f"{broken}.html").words
    assert not list(html.rglob("*.ipynb")) and not (html / "_sources").exists() and not (html / "_build").exists()
    assert (html / "downloads" / "findings.csv").is_file() and (folder / "_build" / "book-manifest.json").is_file()
    assert not list((folder / "_build").glob(".book-*"))

    # A book that may not be published leaves the old one as it was.
    before = index.read_bytes()
    monkeypatch.setattr(book, "find_leaks", lambda *_, **__: ["index.html: holds something"])
    with pytest.raises(BookRejected, match="holds something"):
        build_book(folder, documents=False)
    assert index.read_bytes() == before and not list((folder / "_build").glob(".book-*"))
    monkeypatch.undo()

    # A report of another run is not told as this one.
    packet = next((folder / "_build" / "packets" / "scheme_benefit_its").iterdir())
    (packet / "report.ipynb").write_bytes(
        (packet.parents[1] / "scheme_failed_did").glob("*/report.ipynb").__next__().read_bytes()
    )
    with pytest.raises(BookRejected, match="scheme_benefit_its"):
        build_book(folder)


@pytest.mark.slow
def test_drafts_are_branded_and_withdrawn_pages_are_gone(tmp_path, monkeypatch) -> None:
    stored_review(tmp_path, [("benefit", "its", False), ("unclear", "did", False)], profile="draft")
    html = build_book(tmp_path, allow_draft=True, documents=False).parent

    # What stands already is not built again; what was touched is.
    built = []
    monkeypatch.setattr(
        book, "build_pages", lambda *_: built.append(1) or (_ for _ in ()).throw(BuildFailed(["built"]))
    )
    staged = []
    stage = book.stage_tree
    monkeypatch.setattr(book, "stage_tree", lambda *given: staged.append(1) or stage(*given))
    build_book(tmp_path, allow_draft=True, documents=False)
    assert not built and not staged
    # A note that no page tells: staged again, found to be the same, and not built.
    settings = tmp_path / "review.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    build_book(tmp_path, allow_draft=True, documents=False)
    assert staged == [1] and not built
    build_book(tmp_path, allow_draft=True, documents=False)
    assert staged == [1]
    whole = (html / "glossary.html").read_bytes()
    (html / "glossary.html").write_bytes(whole + b" ")
    with pytest.raises(BookRejected, match="built"):
        build_book(tmp_path, allow_draft=True, documents=False)
    (html / "glossary.html").write_bytes(whole)
    monkeypatch.undo()

    assert "DRAFT" in Text(html / "glossary.html").words and "DRAFT" in Text(html / "search.html").words
    assert (html / "interventions" / "scheme_unclear_did.html").is_file()
    (tmp_path / "plans" / "scheme_unclear_did.yaml").unlink()
    build_book(tmp_path, allow_draft=True, documents=False)
    assert not (html / "interventions" / "scheme_unclear_did.html").exists()


@pytest.mark.slow
def test_a_book_made_again_is_the_one_that_would_be_made_from_nothing(tmp_path, monkeypatch) -> None:
    stored_review(tmp_path, [("benefit", "its", False), ("unclear", "did", False)])
    html = build_book(tmp_path, documents=False).parent
    taken: list[bool] = []
    build = book.build_pages
    monkeypatch.setattr(book, "build_pages", lambda *given: taken.append(given[3] is not None) or build(*given))
    settings = tmp_path / "review.yaml"

    def change(line: str) -> dict[str, str]:
        settings.write_text(settings.read_text(encoding="utf-8") + line, encoding="utf-8")
        return hash_tree(build_book(tmp_path, documents=False).parent)

    again = change("summary: Two schemes were looked at.\n")
    assert taken == [True] and "Two schemes were looked at." in Text(html / "index.html").words

    # A build that fails leaves the book, and what is known of it, as they were.
    monkeypatch.setattr(book, "find_leaks", lambda *_, **__: ["index.html: holds something"])
    with pytest.raises(BookRejected, match="holds something"):
        change("data_cut: 2026-05-01\n")
    assert hash_tree(html) == again
    monkeypatch.undo()
    monkeypatch.setattr(book, "build_pages", lambda *given: taken.append(given[3] is not None) or build(*given))

    # A book that somebody has touched is not added to; what was made step by step is what is made from nothing.
    (html / "glossary.html").write_text("Touched", encoding="utf-8")
    fresh = hash_tree(build_book(tmp_path, documents=False).parent)
    settings.write_text(settings.read_text(encoding="utf-8").replace("Two schemes", "Both schemes"), encoding="utf-8")
    build_book(tmp_path, documents=False)
    settings.write_text(settings.read_text(encoding="utf-8").replace("Both schemes", "Two schemes"), encoding="utf-8")
    assert hash_tree(build_book(tmp_path, documents=False).parent) == fresh
    assert taken == [True, True, False, True, True]


def built_without_sphinx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pages_only(staging: Path, scratch: Path, *_: object) -> Path:
        (scratch / "html" / "downloads").mkdir(parents=True)
        return scratch / "html"

    monkeypatch.setattr(book, "build_pages", pages_only)


def test_pages_are_looked_at_while_the_documents_are_made_and_these_are_put_beside_them(tmp_path, monkeypatch) -> None:
    built_without_sphinx(tmp_path, monkeypatch)
    order: list[str] = []

    @contextmanager
    def written(edition, folder: Path):
        order.append("processes started")
        folder.mkdir()

        def begin(html: Path):
            order.append("begun")
            return wait

        def wait() -> list[Path]:
            order.append("waited for")
            (folder / "board.pdf").write_bytes(b"%PDF-")
            return [folder / "board.pdf"]

        yield begin

    monkeypatch.setattr(book.pdf, "written_beside", written)
    html = book.build_tree(None, tmp_path, Stage(tmp_path / "staging"), "", lambda html: order.append("looked at"))
    assert order == ["processes started", "begun", "looked at", "waited for"]
    assert book.names_of_downloads(html) == {"board.pdf"}


def test_a_document_whose_process_died_is_a_refusal_in_plain_words(tmp_path, monkeypatch) -> None:
    built_without_sphinx(tmp_path, monkeypatch)

    @contextmanager
    def dead(edition, folder: Path):
        def wait() -> list[Path]:
            raise BrokenProcessPool("a child process terminated abruptly")

        yield lambda html: wait

    monkeypatch.setattr(book.pdf, "written_beside", dead)
    with pytest.raises(BookRejected, match="too little memory"):
        book.build_tree(None, tmp_path, Stage(tmp_path / "staging"), "")
    # Where no document can be made, none is asked for.
    shutil.rmtree(tmp_path / "html")
    assert book.build_tree(None, tmp_path, Stage(tmp_path / "staging"), "there is no Pango") == tmp_path / "html"
