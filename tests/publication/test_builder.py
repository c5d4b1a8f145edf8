"""A tree in which pages were taken over is the one that would be built from nothing, to the last byte."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation import resources
from evaluation.publication import builder
from evaluation.publication.book import hash_tree
from evaluation.publication.builder import BuildFailed, Sources, Standing, build_pages, outline, outlines
from evaluation.publication.configuration import write_configuration
from evaluation.publication.edition import Edition
from evaluation.publication.staging import Stage, raw_html

PLANS = ("one", "two", "three")
ABOUT = ("glossary", "accessibility-statement")


def lay_out(folder: Path, plans: tuple[str, ...] = PLANS, **other: str) -> Path:
    """A small stage; `other` replaces the body of a page, or its title (`title_one`)."""
    settings = SimpleNamespace(
        title="Review", year="2025-26", partnership="Made up", authors=[], simulated=True, signed_off=None
    )
    stage = Stage(folder)
    source = resources.folder("book")
    for name in ("_static", "_templates"):
        (folder / name).mkdir(parents=True)
        for path in (source / name).iterdir():
            (folder / name / path.name).write_bytes(path.read_bytes())
    stage.images.mkdir()
    (stage.images / "chart.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    stage.add_download("numbers", "a,b\n1,2\n", "numbers")
    stage.add_page("index", "Review", other.get("index", raw_html("<p>Three schemes</p>") + "## More\n"), wide=True)
    for plan in plans:
        body = f"## Found\n\n{raw_html(f'<p>Mentors of {plan} helped</p>')}\nSee [the words](../glossary.md).\n"
        stage.add_page(f"interventions/{plan}", other.get(f"title_{plan}", f"Scheme {plan}"), other.get(plan, body))
    for name in ABOUT:
        stage.add_page(name, name.capitalize(), other.get(name, "Written on 1 May.\n"))
    chapters, about = [f"interventions/{plan}" for plan in plans], [{"file": name} for name in ABOUT]
    write_configuration(folder, Edition(folder, settings, {}, {}), source, [], chapters, about)
    return folder


def sources_of(stage: Path, maker: str = "maker") -> Sources:
    return Sources("key", maker, hash_tree(stage), outlines(stage))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """A tree built from nothing."""
    folder = tmp_path_factory.mktemp("standing")
    stage = lay_out(folder / "staging")
    return Standing(build_pages(stage, folder), sources_of(stage))


OUTPUT = raw_html("<p>Wardens of one were recruited</p>")
CHAPTER = f"## Found\n\n{OUTPUT}\nSee [the words](../glossary.md).\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "written"),
    [
        ({"one": CHAPTER}, {"interventions/one.md", "index.md"}),
        ({"accessibility_statement": "x", "accessibility-statement": "Written on 2 May.\n"}, {"accessibility-statement.md", "index.md"}),
        ({"index": raw_html("<p>Two schemes</p>") + "## More\n", "two": CHAPTER}, {"interventions/two.md", "index.md"}),
        ({"title_one": "Scheme won"}, set()),
        ({"one": CHAPTER.replace("## Found", "## Seen")}, set()),
        ({"plans": ("one", "two")}, set()),
    ],
    ids=["an output", "prose", "the first page", "a title", "a heading", "a page less"],
)  # fmt: skip
def test_pages_taken_over_are_those_that_would_be_built(other, written, standing, tmp_path, monkeypatch) -> None:
    asked: list[set[str]] = []
    run = builder._run_sphinx
    monkeypatch.setattr(builder, "_run_sphinx", lambda *given: asked.append(set(given[2])) or run(*given))
    stage = lay_out(tmp_path / "some" / "staging", **other)
    (stage / "_static" / "figures" / "chart.svg").unlink()  # a withdrawn chart is gone
    (stage / "_static" / "figures" / "other.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    before = hash_tree(standing.html)
    html = build_pages(stage, tmp_path / "some", sources_of(stage), standing)
    assert asked == [written]
    assert hash_tree(standing.html) == before
    assert hash_tree(html) == hash_tree(build_pages(lay_out_same(stage, tmp_path / "all"), tmp_path / "all"))
    assert not (html / "_static" / "figures" / "chart.svg").exists()
    assert "staging" not in (html / "searchindex.js").read_text(encoding="utf-8")
    if written == {"interventions/one.md", "index.md"}:  # a word that no page says any longer is not found any longer
        index = (html / "searchindex.js").read_text(encoding="utf-8")
        assert '"warden"' in index and '"mentor"' in index
        for plan in ("two", "three"):
            assert (html / "interventions" / f"{plan}.html").read_bytes() == (
                standing.html / "interventions" / f"{plan}.html"
            ).read_bytes()
    if other.get("plans"):
        assert not (html / "interventions" / "three.html").exists()


def lay_out_same(stage: Path, folder: Path) -> Path:
    """The same stage elsewhere: the place of a stage must not be in the tree."""
    for path in stage.rglob("*"):
        if path.is_file():
            place = folder / "elsewhere" / path.relative_to(stage)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    return folder / "elsewhere"


@pytest.mark.slow
def test_the_last_page_with_a_word_takes_it_out_of_the_search(standing, tmp_path) -> None:
    gone = raw_html("<p>Nobody helped</p>")
    stage = lay_out(tmp_path / "staging", **dict.fromkeys(("one", "two"), f"## Found\n\n{gone}"))
    first = build_pages(stage, tmp_path, sources_of(stage), standing)
    assert '"mentor"' in (first / "searchindex.js").read_text(encoding="utf-8")
    then = Standing(first, sources_of(stage))
    stage = lay_out(tmp_path / "later" / "staging", **dict.fromkeys(PLANS, f"## Found\n\n{gone}"))
    last = build_pages(stage, tmp_path / "later", sources_of(stage), then)
    assert '"mentor"' not in (last / "searchindex.js").read_text(encoding="utf-8")
    assert hash_tree(last) == hash_tree(build_pages(lay_out_same(stage, tmp_path / "all"), tmp_path / "all"))


@pytest.mark.slow
def test_a_fault_in_a_page_that_is_written_again_is_found(standing, tmp_path) -> None:
    stage = lay_out(tmp_path / "staging", one="## Found\n\nSee [nothing](../nowhere.md).\n")
    with pytest.raises(BuildFailed, match=r"interventions[/\\]one\.md.*nowhere") as found:
        build_pages(stage, tmp_path, sources_of(stage), standing)
    assert str(tmp_path) not in str(found.value)


@pytest.mark.slow
def test_a_standing_tree_that_lacks_a_page_is_not_added_to(standing, tmp_path) -> None:
    """Whoever hands over a tree vouches for it; the number of its files is looked at all the same."""
    torn = tmp_path / "torn"
    for name in builder._pages(standing.html):
        (torn / name).parent.mkdir(parents=True, exist_ok=True)
        (torn / name).write_bytes((standing.html / name).read_bytes())
    (torn / "search.html").unlink()
    stage = lay_out(tmp_path / "staging", one=CHAPTER)
    html = build_pages(stage, tmp_path, sources_of(stage), replace(standing, html=torn))
    assert hash_tree(html) == hash_tree(build_pages(lay_out_same(stage, tmp_path / "all"), tmp_path / "all"))


@pytest.mark.parametrize("name", ["conf.py", "_toc.yml", "_static/svd.css", "_templates/layout.html"])
def test_what_every_page_depends_on_makes_all_of_them_anew(name: str, tmp_path) -> None:
    stage = lay_out(tmp_path / "staging")
    before = sources_of(stage)
    assert before.changed_from(before) == []
    (stage / name).write_text((stage / name).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert sources_of(stage).changed_from(before) is None


def test_other_code_or_libraries_make_all_pages_anew(tmp_path) -> None:
    stage = lay_out(tmp_path / "staging")
    assert sources_of(stage, "another").changed_from(sources_of(stage)) is None


def test_an_outline_holds_what_others_can_tell_or_point_to() -> None:
    page = f"---\nwide: true\n---\n\n# Title\n\nProse and [a link](x.md).\n\n{OUTPUT}\n(place)=\n## Part\n\n```{{note}}\nSaid.\n```\n"
    assert outline(page) == "wide: true\n# Title\n(place)=\n## Part\n```{note}\n```"
    assert outline(page) == outline(page.replace("Prose", "Other prose").replace("Wardens", "Mentors"))
    for told, other in (("# Title", "# Others"), ("(place)", "(spot)"), ("## Part", "### Part"), ("wide: true", "")):
        assert outline(page) != outline(page.replace(told, other))
    # An underlined heading looks like prose; a page with one is all outline.
    assert outline("# Title\n\nOne\n---\n") != outline("# Title\n\nTwo\n---\n")


def test_what_cannot_be_read_is_no_record(tmp_path) -> None:
    place = tmp_path / "book-sources.json"
    assert builder.read_sources(place) is None
    sources = Sources("key", "maker", {"index.md": "0"}, {"index.md": "1"})
    builder.write_sources(place, sources)
    assert builder.read_sources(place) == sources
    for text in ('{"key": "k"', "[]", '{"key": "k"}'):
        place.write_text(text, encoding="utf-8")
        assert builder.read_sources(place) is None
