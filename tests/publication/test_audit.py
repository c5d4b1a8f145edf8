"""The last look at the built tree."""

from pathlib import Path

import pytest

from evaluation.publication.audit import find_leaks

GOOD = '<main><article class="bd-article"><h1>T</h1><p>Words.</p></article></main>'


def tree(folder: Path, body: str = "", name: str = "index.html") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(GOOD.replace("Words.", f"Words.</p>{body}<p>"), encoding="utf-8")
    return folder


def test_a_clean_tree_passes(tmp_path) -> None:
    assert find_leaks(tree(tmp_path / "html", '<a href="https://www.gov.uk/x">a link is no request</a>'), set()) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "another host"),
        ('<img src="//cdn.example/x.png" alt="Line chart of assaults: down by a fifth.">', "another host"),
        ('<img src="x.png" alt="x.png">', "file name"),
        ('<img src="x.png">', "no alt"),
        ('<p onclick="x()">a</p>', "onclick"),
        ("<script>x</script>", "<script>"),
        ("<p>/home/someone/reviews</p>", "path of a folder"),
        (r"<p>C:\Users\someone\x</p>", "path of a folder"),
        ('<img src="x.png" title="/srv/data/x" alt="Line chart of assaults: down by a fifth.">', "path of a folder"),
        ("<table><tr><th scope='col'>Crime ID</th></tr></table>", "single persons or events"),
        (r"<p>\\server\share\x</p>", "network share"),
        ("<p>write to a.b@c.example</p>", "e-mail"),
        ("<p>at BA1 2AB now</p>", "postcode"),
        ("<p>943 476 5919</p>", "NHS"),
        ("<pre>Traceback (most recent call last):</pre>", "traceback"),
        ('<table><tr><td class="number count">4</td></tr></table>', "withheld or rounded"),
        ('<table><tr><td class="number count">13</td></tr></table>', "withheld or rounded"),
        ("<p>the-secret-folder</p>", "this machine"),
    ],
)
def test_leaks_are_found(body: str, fault: str, tmp_path) -> None:
    faults = find_leaks(tree(tmp_path / "html", body), set(), secrets=("the-secret-folder",))
    assert any(fault in f for f in faults), faults


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        *((f"see /{folder}/x", "path of a folder") for folder in
          ("home", "Users", "root", "mnt", "media", "srv", "var", "tmp", "opt", "private", "Volumes", "workspace")),
        (r"see C:\\Users\\someone\\", "path of a folder"),
        ("see file:///x", "path of a folder"),
        ("GIR 0AA", "postcode"),
        ("M1 1AE", "postcode"),
        ("\nEC1A 1BB,", "postcode"),
        ("943-476-5919", "NHS"),
        ("injected-parameters", "parameters of a notebook"),
        ('a "papermill" key', "parameters of a notebook"),
    ],
)  # fmt: skip
def test_every_form_of_a_leak_is_found(words: str, fault: str, tmp_path) -> None:
    faults = find_leaks(tree(tmp_path / "html", f"<p>{words}</p>"), set())
    assert any(fault in f for f in faults), faults


@pytest.mark.parametrize(
    "words",
    ["1943 476 5919", "943 476 59191", "0.943 476 5919", "-943 476 5919", "943 476 5919.5", "XM1 1AE", "AIR 0AA", "M1 1AEX", "a/home/x", "at @noon"],
)  # fmt: skip
def test_what_only_looks_like_a_leak_passes(words: str, tmp_path) -> None:
    assert find_leaks(tree(tmp_path / "html", f"<p>{words}</p>"), set()) == []


@pytest.mark.parametrize(
    "more", ["<SCRIPT>1</SCRIPT>", '<g\nonLoad ="x()"/>', '<a href="JavaScript:x()"/>', "<a HREF = 'x.html'/>"]
)
def test_a_drawing_that_is_more_than_one_is_found(more: str, tmp_path) -> None:
    html = tree(tmp_path / "html")
    drawing = html / "_static" / "figures" / "x.svg"
    drawing.parent.mkdir(parents=True)
    drawing.write_text('<svg><use href="#a"/></svg>', encoding="utf-8")
    assert find_leaks(html, set()) == []
    drawing.write_text(f'<svg><use href="#a"/>{more}</svg>', encoding="utf-8")
    assert any("script or a link" in fault for fault in find_leaks(html, set()))


def test_a_contact_may_be_shown(tmp_path) -> None:
    assert find_leaks(tree(tmp_path / "html", "<p>a.b@c.example</p>"), set(), ("a.b@c.example",)) == []


@pytest.mark.parametrize("cell", ["[c]", "[x]", "0", "10", "1,250", "between 10 and 25", "\u221215"])
def test_counts_under_control_pass(cell: str, tmp_path) -> None:
    assert find_leaks(tree(tmp_path / "html", f'<table><tr><td class="count">{cell}</td></tr></table>'), set()) == []


def test_figures_that_are_already_public_are_left_alone(tmp_path) -> None:
    assert find_leaks(tree(tmp_path / "html", '<table><tr><td class="number">3</td></tr></table>'), set()) == []


@pytest.mark.parametrize("name", ["x.ipynb", "_sources/x.txt", "deep/posterior.nc", "not-listed.csv", "x.pickle"])
def test_files_that_may_not_be_there(name: str, tmp_path) -> None:
    html = tree(tmp_path / "html")
    (html / name).parent.mkdir(parents=True, exist_ok=True)
    (html / name).write_text("x", encoding="utf-8")
    assert find_leaks(html, {"listed.csv"})


def test_some_files_alone_can_be_looked_at(tmp_path) -> None:
    html = tree(tmp_path / "html", "<p>/home/owain/review</p>")
    (html / "downloads").mkdir()
    (html / "downloads" / "board.pdf").write_bytes(b"no document at all")
    assert [fault.split(":")[0] for fault in find_leaks(html, {"board.pdf"}, only={"board.pdf"})] == [
        "downloads/board.pdf"
    ]
    assert {fault.split(":")[0] for fault in find_leaks(html, {"board.pdf"})} == {"index.html", "downloads/board.pdf"}


def test_words_of_a_drawing_are_read_and_its_coordinates_are_not(tmp_path) -> None:
    html = tree(tmp_path / "html")
    drawing = html / "_static" / "figures" / "x.svg"
    drawing.parent.mkdir(parents=True)
    drawing.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><path d="M 943 476 5919 L 1 2"/></svg>', encoding="utf-8"
    )
    assert find_leaks(html, set()) == []
    drawing.write_text('<svg xmlns="http://www.w3.org/2000/svg"><!-- 943 476 5919 --></svg>', encoding="utf-8")
    assert any("NHS" in fault for fault in find_leaks(html, set()))


def test_a_computer_called_like_a_town_does_not_stop_the_book(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("evaluation.publication.audit.socket.gethostname", lambda: "norwich")
    html = tree(tmp_path / "html", "<p>Violence in Norwich fell.</p>")
    (html / "searchindex.js").write_text('Search.setIndex({"terms":{"norwich":0}})', encoding="utf-8")
    assert find_leaks(html, set()) == []
    (html / "other.html").write_text("<main>made on norwich</main>", encoding="utf-8")
    assert any("name of this machine" in fault for fault in find_leaks(html, set()))
