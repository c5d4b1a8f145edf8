"""The commands of the year between reviews, from outside: monitor, needs, calendar, checklist."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from evaluation import standing
from evaluation.judgement.board import watch
from tests.command_line import svd

MONTHS = [f"{2021 + m // 12}-{m % 12 + 1:02d}" for m in range(48)]


INDICATORS = """\
assaults: {title: Assaults, direction: lower_is_better, disclosure: already_public, licence: made up}
sessions:
  title: Sessions
  direction: higher_is_better
  likelihood: poisson
  exposure: none
  disclosure: already_public
  licence: made up
  monitoring: {kind: delivery, target: 20}
"""
REVIEW = """\
title: Review
partnership: Testshire
year: 2023-24
contact: a@b.example
duty:
  definition: {text: Assaults, source: made up, indicators: [assaults]}
  authorities: [{name: Testshire Police, kind: police}]
  documents: [{title: Strategy, answers: strategy, status: published, date: 2024-01, next_review: 2024-12-01}]
  cycle: {due: {publication: 2024-09-01}, done: {lock: {on: 2023-04-02}}}
"""


def table(counts: np.ndarray, months: list[str] = MONTHS) -> str:
    rows = [f"A{i},{m},{int(c)}" for i, row in enumerate(counts, 1) for m, c in zip(months, row, strict=True)]
    return "\n".join(["area,period,count", *rows]) + "\n"


@pytest.fixture
def review(tmp_path: Path) -> Path:
    folder = tmp_path / "testshire"
    (folder / "data").mkdir(parents=True)
    (folder / "plans").mkdir()
    (folder / "review.yaml").write_text(REVIEW, encoding="utf-8")
    (folder / "areas.yaml").write_text(
        "areas: {A1: {name: Easton, population: 90000}, A2: {name: Weston, population: 80000}, A3: {name: Norton, population: 70000}}",
        encoding="utf-8",
    )
    (folder / "indicators.yaml").write_text(INDICATORS, encoding="utf-8")
    rng = np.random.default_rng(4)
    counts = rng.poisson(40, size=(3, 48))
    (folder / "data" / "assaults.csv").write_text(table(counts), encoding="utf-8")
    sessions = np.tile([18, 22], 24)[None, :]
    (folder / "data" / "sessions.csv").write_text(table(sessions), encoding="utf-8")
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Boards with few refits, and no notebook: which chapters were asked for."""
    asked: list[tuple[str, ...]] = []

    def note(folder: Path, jobs: int, progress: object, names: tuple[str, ...]) -> dict[str, str]:
        asked.append(names)
        return {}

    monkeypatch.setattr(standing, "watch", partial(watch, refits=3))
    monkeypatch.setattr(standing, "write_chapters", note)
    return asked


def listing(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def test_monitor_says_signals_against_chance_delivery_and_where_the_chapter_is(review: Path, quick: list) -> None:
    result = svd("monitor", review)
    assert result.exit_code == 0, result.output
    assert quick == [("monitoring",)]
    said = result.stdout
    assert "5 series" in said, "three areas, all of them together, and the sessions"
    assert re.search(
        r"By the NHS rules: \d of 5 charts signal; if nothing had changed anywhere, \d\.\d would on average", said
    )
    assert re.search(r"By the expected range: \d of 5 charts signal", said)
    assert (
        "Delivery: Sessions, Easton: 22 against a target of 20; newest year 240 of 240, target met in 6 of 12" in said
    )
    assert said.rstrip().endswith("in the book after `svd book`.")
    assert (review / "editions" / "assaults").is_dir(), "an edition of real data is kept"


@pytest.mark.slow
def test_monitor_says_what_the_newest_edition_changed_and_why_a_signal_turned(review: Path, quick: list) -> None:
    svd("monitor", review)
    for kept in (review / "editions").glob("*/*.csv"):
        kept.rename(kept.with_name("2025-01-15.csv"))
    data = review / "data" / "assaults.csv"
    lines = data.read_text(encoding="utf-8").splitlines()
    revised = [line.replace("A2,2024-12,", "A2,2024-12,9") for line in lines]
    data.write_text("\n".join([*revised, "A1,2025-01,240", "A2,2025-01,41", "A3,2025-01,38"]) + "\n", encoding="utf-8")
    said = svd("monitor", review).stdout
    assert (
        "Assaults: since the edition of 15 January 2025: new: January 2025; 1 of 144 earlier counts were revised, 1 upwards"
        in said
    )
    assert re.search(r"Easton: special cause: concern \(outside .*because of the new period", said)
    assert "Sessions" not in said.split("Assaults: since")[1].split("Delivery")[0], "nothing changed there"
    again = svd("monitor", review).stdout
    assert again == said or again.split("Assaults: since")[1] == said.split("Assaults: since")[1], (
        "the same data, the same news"
    )


@pytest.mark.slow
def test_a_signal_that_a_revision_made_is_not_put_down_to_the_new_month(review: Path, quick: list) -> None:
    svd("monitor", review)
    for kept in (review / "editions").glob("*/*.csv"):
        kept.rename(kept.with_name("2025-01-15.csv"))
    data = review / "data" / "assaults.csv"
    text = re.sub(r"A3,2024-12,(\d+)", "A3,2024-12,240", data.read_text(encoding="utf-8"))
    data.write_text(text, encoding="utf-8")
    assert re.search(
        r"Norton: special cause: concern .*because earlier counts were revised", svd("monitor", review).stdout
    )


@pytest.mark.parametrize("command", ["monitor", "needs"])
def test_nothing_is_computed_or_kept_of_broken_data(command: str, review: Path, quick: list) -> None:
    data = review / "data" / "assaults.csv"
    data.write_text(data.read_text(encoding="utf-8") + "A9,2024-12,many\n", encoding="utf-8")
    before = listing(review)
    result = svd(command, review)
    assert result.exit_code == 2
    assert "many" in result.stderr and "Nothing was written." in result.stderr
    assert listing(review) == before
    assert quick == []


@pytest.mark.parametrize("command", ["monitor", "needs", "calendar", "checklist"])
def test_a_folder_that_is_not_there_exits_2(command: str, tmp_path: Path) -> None:
    result = svd(command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere is not a folder" in result.stderr


def test_mistakes_beside_the_data_are_all_found_at_once(review: Path) -> None:
    (review / "days").mkdir()
    (review / "needs").mkdir()
    (review / "days" / "assaults.csv").write_text("area,day,count\nA1,2024-12-40,\nA7,2024-12-01,\nA1,2024-12-01,0\n")
    (review / "needs" / "context.csv").write_text("area,deprivation\nA1,high\nA8,3\n")
    (review / "areas.geojson").write_text("no map")
    result = svd("check", review)
    assert result.exit_code == 2
    for text in ("2024-12-40", "A7", "'0'", "high", "A8", "GeoJSON"):
        assert text in result.stderr, text


def test_days_that_do_not_add_up_to_the_counts_are_refused(review: Path) -> None:
    (review / "days").mkdir()
    (review / "days" / "assaults.csv").write_text("area,day\nA1,2024-12-04\n")
    result = svd("check", review)
    assert result.exit_code == 2
    assert re.search(
        r"The days of A1 in \d{4}-\d\d add up to \d, the data say \d+\. \(\d+ more such periods\)", result.stderr
    )


def test_needs_names_kinds_concentration_and_what_is_not_given(review: Path, quick: list) -> None:
    result = svd("needs", review)
    assert result.exit_code == 0, result.output
    assert quick == [("needs_assessment",)]
    assert re.search(
        r"Assaults: [\d,]+ events from January 2024 to December 2024; recorded, year before and newest: [\d,]+ and",
        result.stdout,
    )
    assert "2 of 3 areas" in result.stdout and "by chance alone" in result.stdout
    assert "Not given, so not shown: areas.geojson, needs/profile.csv, needs/context.csv." in result.stdout
    assert "Sessions" not in result.stdout, "delivery is no need"


def test_the_calendar_says_what_is_done_due_late_and_undated(review: Path) -> None:
    said = svd("calendar", review, "--on", "2024-08-20").stdout
    assert "2023-04-30  done       Plans are written and locked: done on 2 April 2023" in said
    assert (
        "2024-06-30  LATE       Every plan is evaluated and its checks read: 51 days late (date suggested by this program)"
        in said
    )
    assert "2024-09-01  due        The review is published: in 12 days\n" in said, "the partnership's own date"
    assert "2024-12-01  due        Review of: Strategy: in 103 days" in said
    assert "done       Data of the whole year are in: every indicator reaches 2024-03" in said
    assert said.rstrip().splitlines()[-1].startswith("Late: Every plan is evaluated")
    early = svd("calendar", review, "--on", "2023-04-10").stdout
    assert "LATE" not in early and early.rstrip().endswith("Nothing is late.")
    assert "Review of: Strategy: 62 days late" in svd("calendar", review, "--on", "2025-02-01").stdout


def test_a_day_that_is_none_is_refused(review: Path) -> None:
    result = svd("calendar", review, "--on", "2024-02-30")
    assert result.exit_code == 2
    assert "2024-02-30" in result.stderr


def test_a_signature_is_seen_in_the_calendar(review: Path) -> None:
    with (review / "review.yaml").open("a", encoding="utf-8") as file:
        file.write("signed_off: {by: A Chair, role: chair, on: 2024-07-30}\n")
    assert re.search(
        r"done +The partnership signs the review off: signed off by A Chair", svd("calendar", review).stdout
    )


def test_the_checklist_gives_evidence_and_gaps_of_each_requirement(review: Path) -> None:
    result = svd("checklist", review)
    assert result.exit_code == 0
    said = result.stdout
    titles = re.findall(r"^([A-Z][a-z ]+): (met|gaps|MISSING)$", said, flags=re.MULTILINE)
    assert [title for title, _ in titles] == [
        "Definition", "Partners", "Needs assessment", "Strategy", "Publication", "Monitoring", "Annual review",
    ]  # fmt: skip
    states = dict(titles)
    assert states["Definition"] == states["Strategy"] == states["Publication"] == "met"
    assert states["Partners"] == "gaps" and "no specified authority of the kind probation" in said
    assert states["Monitoring"] == states["Needs assessment"] == states["Annual review"] == "MISSING"
    assert "  - the chapter Monitoring was not made" in said
    chapters = review / "_build" / "chapters"
    chapters.mkdir(parents=True)
    (chapters / "monitoring.ipynb").write_text("{}", encoding="utf-8")
    assert re.search(r"^Monitoring: met$", svd("checklist", review).stdout, flags=re.MULTILINE)


@pytest.mark.slow
def test_monitor_really_writes_its_chapter(review: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "watch", partial(watch, refits=3))
    (review / "data" / "sessions.csv").write_text(table(np.tile([18, 22], 10)[None, :], MONTHS[-20:]), encoding="utf-8")
    result = svd("monitor", review)
    assert result.exit_code == 0, result.output
    chapter = (review / "_build" / "chapters" / "monitoring.ipynb").read_text(encoding="utf-8")
    assert "What changed since last time" in chapter
    assert "False alarms of this board" in chapter


def test_a_partnerships_folder_can_be_started_from(tmp_path: Path) -> None:
    made = svd("new", tmp_path / "ours", "--from", "norfolk")
    assert made.exit_code == 0, made.output
    assert "Norfolk" in (tmp_path / "ours" / "review.yaml").read_text(encoding="utf-8")
    checked = svd("check", tmp_path / "ours")
    assert checked.exit_code == 0 and "in order" in checked.stdout
    refused = svd("new", tmp_path / "other", "--from", "narnia")
    assert refused.exit_code == 2
    assert "norfolk" in refused.stderr and not (tmp_path / "other").exists()
