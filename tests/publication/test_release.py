"""The public edition: what is planted is caught and nothing is left behind; what is clean is published."""

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from fixture import stored_review

from evaluation.errors import InputError
from evaluation.publication import audit, release, withheld
from evaluation.publication.book import BookRejected
from evaluation.publication.release import MARK, publish
from evaluation.publication.withheld import read_report
from tests.command_line import svd

SMALL = 3.0  # of a month: nearly every count must be withheld


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A review of small counts and its public folder, published by the command."""
    folder = tmp_path_factory.mktemp("review of Owain") / "review"
    folder.mkdir()
    stored_review(folder, [("benefit", "did", False), ("unclear", "its", False)], level=SMALL)
    months = [str(p) for p in pd.period_range("2019-04", periods=72, freq="M")]
    rows = [f"T{a:02d},{m},{(7 * a + 3 * i) % 12}" for a in range(1, 13) for i, m in enumerate(months)]
    (folder / "data" / "assault.csv").write_text("area,period,count\n" + "\n".join(rows) + "\n", encoding="utf-8")
    into = folder.parent / "public"
    result = svd("publish", folder, "--into", into)
    assert result.exit_code == 0, result.output
    assert "withheld as 1 to 7" in result.stdout and str(into / "index.html") in result.stdout
    return folder, into


@pytest.mark.slow
def test_a_clean_review_is_published_with_its_record_and_report(made) -> None:
    folder, into = made
    assert (into / "downloads" / "board-report.pdf").is_file() and (
        into / "downloads" / "one-page-summary.pdf"
    ).is_file()
    assert not (into / "status.html").exists(), "the evaluator's page stays inside"
    assert "Internal edition" not in (into / "index.html").read_text(encoding="utf-8")
    assert not list(into.parent.glob(".svd-publish-*"))
    record = json.loads((folder / "published" / "2024-25-edition-1.json").read_text(encoding="utf-8"))
    assert (
        record["findings"]["scheme_benefit_did"]["finding"]
        and record["files"] == json.loads((into / MARK).read_text())["sha256"]
    )
    rows = read_report(folder / "_build" / "withheld.csv")
    small = [
        int(r["How many"]) for r in rows if r["What"] == "counts by area and period" and r["Why"] == "withheld: 1 to 7"
    ]
    truth = pd.read_csv(folder / "data" / "assault.csv")["count"].between(1, 7).sum()
    assert small == [truth]


@pytest.mark.slow
def test_nothing_published_holds_a_small_count_a_record_a_path_or_a_name(made) -> None:
    """Read with other eyes than the audit's: every table of the folder, every text, every workbook."""
    folder, into = made
    seen = 0
    for path in into.rglob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                assert not {"person_id", "date_of_birth", "crime_id"} & {str(k).casefold() for k in row}
                if "Recorded" in row and "assault" in path.name:
                    assert row["Recorded"] in ("[c]", "[x]", "0", "10", "15"), path
                    seen += row["Recorded"] == "[c]"
    assert seen > 50, "small counts were there to be withheld"
    for path in into.rglob("*"):
        if path.suffix in (".html", ".js", ".csv", ".svg", ".json", ".txt"):
            content = path.read_text(encoding="utf-8-sig")
            for planted in (str(folder), str(folder.parent), "Owain", "papermill", "plan_path"):
                assert planted not in content, (path, planted)
    assert not [
        p for p in into.rglob("*") if p.suffix in (".ipynb", ".nc", ".pickle", ".pkl", ".yaml", ".parquet", ".log")
    ]


@pytest.fixture(scope="module")
def trimmed(made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public folder with one of each kind of file: what is planted in it is found as in the whole, and sooner."""
    place = tmp_path_factory.mktemp("trimmed") / "html"
    kept = [
        "index.html",
        "searchindex.js",
        "downloads/findings.csv",
        "downloads/findings.ods",
        "downloads/one-page-summary.pdf",
    ]
    chart = "scheme_benefit_did-assault-counterfactual"
    kept += [
        "interventions/scheme_benefit_did.html",
        f"downloads/{chart}.csv",
        f"_static/figures/{chart}.png",
        "_static/svd.css",
    ]
    for name in kept:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made[1] / name, place / name)
    return place


def without_building(monkeypatch: pytest.MonkeyPatch, tree: Path, plant=lambda html: None) -> None:
    """Publish a copy of a tree that is built already, with something planted in it."""

    names = {p.name for p in (tree / "downloads").iterdir()}

    def build(edition, scratch: Path) -> Path:
        html = scratch / "html"
        shutil.copytree(tree, html)
        plant(html)
        return html

    monkeypatch.setattr(release, "make_tree", build)
    monkeypatch.setattr(release, "names_of_downloads", lambda html: names)
    monkeypatch.setattr(release.withheld, "account", lambda edition: withheld.Account({}, []))


def first_page(html: Path, text: str) -> None:
    path = html / "index.html"
    path.write_text(path.read_text(encoding="utf-8").replace("</article>", f"{text}</article>", 1), encoding="utf-8")


def put(html: Path, name: str, content: bytes | str) -> None:
    path = html / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def small_in_csv(html: Path) -> None:
    path = next(html.glob("downloads/*assault-counterfactual.csv"))
    path.write_text(path.read_text(encoding="utf-8-sig").replace("[c]", "4", 1), encoding="utf-8-sig")


def unrounded_in_csv(html: Path) -> None:
    path = next(html.glob("downloads/*assault-counterfactual.csv"))
    path.write_text(path.read_text(encoding="utf-8-sig").replace("[c]", "13", 1), encoding="utf-8-sig")


def path_in_pdf(html: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    place = html / "downloads" / "one-page-summary.pdf"
    writer = PdfWriter(clone_from=PdfReader(place))
    writer.add_metadata({"/Subject": "/home/owain/reviews/draft"})
    writer.write(place)


def path_in_workbook(html: Path) -> None:
    from evaluation.publication.spreadsheet import Sheet, Workbook, write_workbook

    sheet = Sheet("t", "t", ["x"], [["/mnt/share/owain"]])
    write_workbook(html / "downloads" / "findings.ods", Workbook("t", "a", [], [], [sheet]))


def text_in_picture(html: Path) -> None:
    import struct
    import zlib

    path = next((html / "_static" / "figures").glob("*.png"))
    content = path.read_bytes()
    said = b"Comment\0C:\\Users\\owain\\x"
    chunk = struct.pack(">I", len(said)) + b"tEXt" + said + struct.pack(">I", zlib.crc32(b"tEXt" + said))
    path.write_bytes(content[:33] + chunk + content[33:])


PLANTS = {
    "a small count in a table": (lambda h: first_page(h, '<table><tr><td class="count">3</td></tr></table>'), "withheld or rounded"),
    "a count that is not rounded": (lambda h: first_page(h, '<table><tr><td class="count">13</td></tr></table>'), "withheld or rounded"),
    "a small count in a CSV": (small_in_csv, "withheld or rounded"),
    "an unrounded count in a CSV": (unrounded_in_csv, "withheld or rounded"),
    "a path in a page": (lambda h: first_page(h, "<p>read /home/owain/data.csv</p>"), "path of a folder"),
    "a path in an alternative text": (lambda h: first_page(h, '<img src="x.png" alt="Line chart from C:\\Users\\owain\\data of assaults.">'), "path of a folder"),
    "a path in the search index": (lambda h: put(h, "searchindex.js", 'Search.setIndex({"titles":["/srv/reviews/owain"]})'), "path of a folder"),
    "a user's name": (lambda h: first_page(h, "<p>made by jbloggs</p>"), "name of this machine"),
    "a host's name": (lambda h: first_page(h, "<p>on svd-laptop-17</p>"), "name of this machine"),
    "an address": (lambda h: first_page(h, "<p>ask j.bloggs@council.example</p>"), "e-mail"),
    "an address in a link": (lambda h: first_page(h, '<a href="mailto:j.bloggs@council.example">ask</a>'), "e-mail"),
    "a notebook": (lambda h: put(h, "report.ipynb", "{}"), "may not be published"),
    "a notebook among the downloads": (lambda h: put(h, "downloads/report.ipynb", "{}"), "may not be published"),
    "a pickle": (lambda h: put(h, "_static/model.pickle", b"\x80\x04"), "may not be published"),
    "a pickle called a picture": (lambda h: put(h, "_static/model.png", b"\x80\x04K\x01."), "not what its name promises"),
    "a posterior": (lambda h: put(h, "posterior.nc", b"\x89HDF"), "may not be published"),
    "a posterior called a table": (lambda h: put(h, "downloads/findings.csv", b"\x89HDF\r\n\x1a\n\0\0"), "promises"),
    "a table that nobody listed": (lambda h: put(h, "downloads/raw.csv", "area,count\nA,3\n"), "not on the list"),
    "a hidden file": (lambda h: put(h, ".git/config", "x"), "may not be published"),
    "records of persons": (lambda h: put(h, "downloads/findings.csv", "Crime ID,Date of birth\nx,1990-01-01\n"), "single persons or events"),
    "a script in a drawing": (lambda h: put(h, "_static/figures/x.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"), "script"),
    "a path in a PDF": (path_in_pdf, "path of a folder"),
    "a path in a workbook": (path_in_workbook, "path of a folder"),
    "a path in a picture": (text_in_picture, "path of a folder"),
    "a link to another file": (lambda h: (h / "x.html").symlink_to(h / "index.html"), "link to another file"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", PLANTS)
def test_what_is_planted_is_caught_and_nothing_is_left(
    made, trimmed, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, fault = PLANTS[what]
    without_building(monkeypatch, trimmed, plant)
    monkeypatch.setattr(audit.getpass, "getuser", lambda: "jbloggs")
    monkeypatch.setattr(audit.socket, "gethostname", lambda: "svd-laptop-17")
    with pytest.raises(BookRejected) as caught:
        publish(made[0], tmp_path / "out")
    assert any(fault in reason for reason in caught.value.reasons), caught.value.reasons
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.slow
def test_without_a_plant_it_passes_and_replaces_only_an_earlier_edition(
    made, trimmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_building(monkeypatch, trimmed)
    into = tmp_path / "out"
    publish(made[0], into)
    (into / "old.html").write_text("x", encoding="utf-8")
    publish(made[0], into)
    assert (into / "index.html").is_file() and not (into / "old.html").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="holds something else"):
        publish(made[0], other)
    assert [p.name for p in other.iterdir()] == ["mine.txt"]


def change(folder: Path, **settings: object) -> None:
    path = folder / "review.yaml"
    kept = {**yaml.safe_load(path.read_text(encoding="utf-8")), **settings}
    path.write_text(yaml.safe_dump({k: v for k, v in kept.items() if v is not None}), encoding="utf-8")


@pytest.mark.slow
def test_drafts_and_unsigned_reviews_are_refused_all_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    folder.mkdir()
    stored_review(folder, [("benefit", "its", False)], profile="draft")
    change(folder, signed_off=None, contact=None)
    result = svd("publish", folder, "--into", tmp_path / "public")
    assert result.exit_code == 2
    for said in ("not signed off", "no contact", "Only a draft"):
        assert said in result.stderr
    assert not (tmp_path / "public").exists() and not (folder / "published").exists()
    change(folder, contact="svd@partnership.example")
    result = svd("publish", folder, "--into", tmp_path / "public", "--draft")
    assert result.exit_code == 0, result.output
    assert "DRAFT" in (tmp_path / "public" / "glossary.html").read_text(encoding="utf-8")
    assert not (folder / "published").exists(), "a draft is no edition"
    from pypdf import PdfReader

    pages = PdfReader(tmp_path / "public" / "downloads" / "board-report.pdf").pages
    assert all("DRAFT" in page.extract_text() for page in pages), "a watermark on every page"


@pytest.mark.slow
def test_a_small_count_in_a_report_is_refused_by_the_command(
    made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: an analyst's notebook shows a small count in a column that is under control."""
    monkeypatch.setattr("evaluation.publication.pdf.why_unavailable", lambda: "No PDF was made, to save time.")
    folder = tmp_path / "review"
    shutil.copytree(made[0], folder, ignore=shutil.ignore_patterns("published", "html"))
    report = next((folder / "_build" / "packets" / "scheme_benefit_did").glob("*/report.ipynb"))
    text = report.read_text(encoding="utf-8")
    assert '<td class=\\"number count\\">10</td>' in text
    report.write_text(
        text.replace('<td class=\\"number count\\">10</td>', '<td class=\\"number count\\">4</td>', 1), encoding="utf-8"
    )
    result = svd("publish", folder, "--into", tmp_path / "public")
    assert result.exit_code == 1
    assert "withheld or rounded: 4" in result.stderr and "Nothing was written" in result.stderr
    assert not (tmp_path / "public").exists() and not (folder / "published").exists()
