"""Whitelisted copies: what is not marked does not leave."""

from dataclasses import replace

import nbformat
import pandas as pd
import pytest
from fixture import HOSTILE, evaluation, report
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from evaluation.publication import chapter, staging
from evaluation.publication.disclosure import Safe
from evaluation.publication.display import Figure, Text, paragraph, to_outputs
from evaluation.publication.staging import (
    Stage,
    StagingError,
    check_fragment,
    check_svg,
    raw_html,
    safe_name,
    stage_blocks,
    stage_notebook,
)
from evaluation.publication.tables import html_table


def test_only_words_and_marked_outputs_are_copied(tmp_path) -> None:
    [(bundle, mark)] = to_outputs(paragraph("shown"))
    outputs = [
        new_output("stream", name="stdout", text="SECRET stream"),
        new_output(
            "execute_result", data={"text/html": "SECRET result"}, metadata={"svd": {"kind": "text"}}, execution_count=1
        ),
        new_output("display_data", data={"text/html": "SECRET unmarked"}),
        new_output("error", ename="E", evalue="SECRET", traceback=["SECRET"]),
        new_output("display_data", data=bundle, metadata={"svd": mark}),
    ]
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Title of the template\n\n## Words"),
            new_code_cell("path = 'SECRET source'", outputs=outputs, metadata={"tags": ["injected-parameters"]}),
        ],
        metadata={"papermill": {"parameters": {"path": "SECRET parameter"}}},
    )
    page = stage_notebook(Stage(tmp_path), notebook, "index")
    assert "SECRET" not in page and "Title of the template" not in page
    assert "## Words" in page and "<p>shown</p>" in page


@pytest.mark.parametrize(
    "fragment",
    [
        "<script>x</script>",
        '<p onclick="x">',
        '<img src="http://x/y.png">',
        '<a href="javascript:x">',
        "<!-- x -->",
        "<iframe>",
    ],
)
def test_html_that_is_not_on_the_list_is_refused(fragment: str, tmp_path) -> None:
    with pytest.raises(StagingError):
        check_fragment(fragment)
    with pytest.raises(StagingError):
        stage_blocks(Stage(tmp_path), [Text(Safe(fragment))], "index")


PIECES = (
    "<p>", "</p>", "<td class=\"count\">", "<div role='x'>", "<P>", "<p onclick=\"x\">", "<p class=\"a\" hidden>", "<p class=\"a\"x>", "<p/>",
    "<img>", "<", ">", "\"", "<!-- x -->", "<!x>", "<?x>", "&lt;", "word", "\n", "<br>", "</script>", "<script>", "<table", " class=\"b\"",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_what_is_accepted_at_a_glance_the_parser_accepts_too(fragment: str) -> None:
    if staging._PLAIN.fullmatch(fragment):
        staging._Whitelist().feed(fragment)


def test_a_table_is_accepted_at_a_glance_and_nothing_strange_is() -> None:
    table = html_table(pd.DataFrame({"A": [1], "B": ["x < y & 'z'"]}), "Numbers", counts=("A",))
    assert staging._PLAIN.fullmatch(str(table))
    for strange in (
        "<P>",
        "<p/>",
        "<p class='x'>",
        '<p class="x"hidden>',
        '<p style="x">',
        "<script>",
        "a < b",
        "<!-- -->",
        '<p class="<">',
    ):
        assert not staging._PLAIN.fullmatch(strange), strange


def test_a_label_cannot_leave_its_fence() -> None:
    wrapped = raw_html("a\n```\n````{include} x\n")
    assert wrapped.startswith("`````{raw} html\n") and wrapped.rstrip().endswith("\n`````")


@pytest.mark.parametrize("hostile", [False, True])
def test_a_whole_report_is_staged(hostile: bool, tmp_path) -> None:
    whole = evaluation(tmp_path, "benefit", hostile=hostile)
    notebook = nbformat.read(report(whole, tmp_path / "r.ipynb"), as_version=4)
    stage = Stage(tmp_path / "stage")
    page = stage_notebook(stage, notebook, "interventions/x")
    for heading in ("Effect", "Mechanism", "Moderators", "Implementation", "Economics", "What we did to check it"):
        assert f"## {heading}" in page
    drawn = sorted(p.name for p in stage.images.iterdir())
    assert page.count("<figure") == 3 and len(drawn) == 6 and sum(name.endswith(".svg") for name in drawn) == 3
    assert page.count("Source: fabricated.") == 3 and page.count("How to read this chart") == 3
    assert page.count("Numbers as CSV") == 3 and page.count("Picture as PNG") == 3
    assert "Made with" not in page and "Made with" in stage_notebook(stage, notebook, "annexes/x", "annex")
    assert stage_notebook(stage, notebook, "x", "no such part").strip() == ""
    assert 'src="../_static/figures/' in page and "<script>" not in page
    assert {p.name for p in stage.files.iterdir()} == set(stage.downloads)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>1</script>",
        '<image href="http://evil.example/x.png"/>',
        '<g onclick="x"/>',
        '<use href="other.svg#x"/>',
        "<style>@import 'http://evil.example/x.css';</style>",
        '<path style="fill: url(http://evil.example/x)"/>',
        "<foreignObject/>",
        "<broken",
    ],
)
def test_a_chart_is_a_drawing_and_nothing_else(inside: str) -> None:
    with pytest.raises(StagingError, match="'chart'"):
        check_svg(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>', "chart")
    sound = '<svg xmlns="http://www.w3.org/2000/svg"><defs><path id="a"/></defs><use href="#a" style="clip-path: url(#a)"/></svg>'
    assert check_svg(sound, "chart") == sound


def test_the_title_of_a_chart_is_the_first_sentence_of_its_caption(tmp_path) -> None:
    whole = evaluation(tmp_path, "benefit")
    [figure] = [b for b in chapter.effect(whole) if isinstance(b, Figure)][:1]
    page = stage_blocks(Stage(tmp_path / "stage"), [replace(figure, caption="2.5% lower. The band is wide.")], "index")
    assert '<p class="svd-title">2.5% lower.</p>' in page and "<p>The band is wide.</p>" in page


def test_names_of_files() -> None:
    assert safe_name(HOSTILE).isascii() and "/" not in safe_name("../../etc/passwd") and safe_name("..") == "file"
