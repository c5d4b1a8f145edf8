"""Board pages are written for a reading age of 14 or less, by the grade of Flesch and Kincaid."""

import nbformat
import pytest
from example_book import BOOK, needs_book
from fixture import RATINGS, evaluation
from reading_age import Prose, reading_age, syllables

from evaluation import resources
from evaluation.publication import chapter
from evaluation.publication.display import Text
from evaluation.publication.reading import READING

TARGET = 14.0
CHAPTERS = sorted((resources.folder("params") / "example" / "plans").glob("*.yaml"))
BOARD = ["index", "how-to-read", "feasibility", *(f"interventions/{path.stem}" for path in CHAPTERS)]


@pytest.mark.parametrize(
    ("word", "count"),
    [("the", 1), ("people", 2), ("violence", 3), ("offences", 3), ("evaluation", 5), ("places", 2), ("stopped", 1), ("expected", 3),
     ("table", 2), ("little", 2), ("quarrel", 2), ("1,200", 2), ("£14", 2)],
)  # fmt: skip
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_an_example_by_hand() -> None:
    # Two sentences, ten words, ten syllables: 0.39 x 5 + 11.8 x 1 - 15.59 = -1.84, and five years.
    assert reading_age(["The cat sat on mats.", "The dog ran to me."]) == pytest.approx(3.16)


def test_hard_prose_is_not_let_through() -> None:
    hard = (
        "Heterogeneous intervention modalities necessitate methodological triangulation of administrative populations."
    )
    assert reading_age([hard]) > TARGET


def test_only_open_prose_is_judged() -> None:
    page = "<p>Out.</p><main><h1>T</h1><p>In <b>it</b>.</p><table><tr><td><p>No.</p></td></tr></table><details><p>No.</p></details><img><ul><li>Item.</li></ul></main>"
    assert Prose(page).paragraphs == ["In it.", "Item."]


def test_words_that_travel_with_the_program() -> None:
    assert reading_age(list(READING.values())) <= TARGET
    for name in ("its", "did"):
        cells = nbformat.read(resources.folder("reports") / f"{name}.ipynb", as_version=4).cells
        prose = [
            line
            for c in cells
            if c.cell_type == "markdown"
            for line in c.source.splitlines()
            if line and not line.startswith("#")
        ]
        assert reading_age(prose) <= TARGET, name


@pytest.mark.parametrize("rating", [r for r in RATINGS if r != "failed"])
def test_a_made_up_chapter(rating: str, tmp_path) -> None:
    whole = evaluation(tmp_path, rating)
    sections = (
        chapter.answer,
        chapter.checks,
        chapter.mechanism,
        chapter.implementation,
        chapter.economics,
        chapter.promise,
    )
    blocks = [block for section in sections for block in section(whole)]
    html = "<main>" + "".join(str(b.html) for b in blocks if isinstance(b, Text)) + "</main>"
    assert reading_age(Prose(html).paragraphs) <= TARGET


@needs_book
@pytest.mark.parametrize("page", BOARD)
def test_board_pages_of_the_example(page: str) -> None:
    paragraphs = Prose((BOOK / f"{page}.html").read_text(encoding="utf-8")).paragraphs
    assert len(paragraphs) > 3
    assert reading_age(paragraphs) <= TARGET
