"""What the commands of decisions refuse: exit 2, in the reader's words, and nothing written."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.command_line import svd
from tests.protocol.example_review import write_review
from tests.publication.test_archive import evaluated, tamper
from tests.test_cli import listing


def refused(*arguments: object) -> str:
    result = svd(*arguments)
    assert result.exit_code == 2, result.output
    assert "Nothing was written." in result.stderr or "folder" in result.stderr or "Name a plan" in result.stderr
    assert "Traceback" not in result.output
    return result.stderr


def test_feasibility_of_a_history_too_short(tmp_path: Path) -> None:
    folder = write_review(tmp_path, outreach={"treated": {"T01": "2022-03", "T02": "2022-06"}})
    before = listing(folder)
    assert "at least two years are needed" in refused("feasibility", folder / "plans" / "outreach.yaml")
    assert listing(folder) == before


@pytest.mark.parametrize("command", ["feasibility", "lock"])
def test_a_plan_that_is_not_there(command: str, tmp_path: Path) -> None:
    assert "There is no file" in refused(command, write_review(tmp_path) / "plans" / "nothing.yaml")


def test_an_archive_of_nothing(tmp_path: Path) -> None:
    folder = write_review(tmp_path / "review")
    assert "Nothing has been evaluated yet" in refused("archive", folder, "--into", tmp_path / "kept.zip")
    assert not (tmp_path / "kept.zip").exists()


def test_an_archive_is_never_written_over(tmp_path: Path) -> None:
    folder, kept = evaluated(tmp_path / "review"), tmp_path / "kept.zip"
    assert svd("archive", folder, "--into", kept).exit_code == 0
    before = kept.read_bytes()
    assert "This file exists" in refused("archive", folder, "--into", kept)
    assert kept.read_bytes() == before
    assert zipfile.ZipFile(kept).testzip() is None


def test_a_changed_archive_and_an_unknown_plan(tmp_path: Path) -> None:
    kept = tmp_path / "kept.zip"
    svd("archive", evaluated(tmp_path / "review"), "--into", kept)
    assert "changed after" in refused("verify", tamper(kept, "packets/outreach/finding.json", b"{}"))
    assert "no plan other" in refused("verify", kept, "--only", "other")
    (tmp_path / "no.zip").write_text("no", encoding="utf-8")
    assert "not an archive" in refused("verify", tmp_path / "no.zip")


@pytest.mark.parametrize("command", ["check", "book", "review"])
def test_a_previous_review_that_is_not_there(command: str, tmp_path: Path) -> None:
    result = svd(command, write_review(tmp_path, review={"previous": "last.zip"}))
    assert result.exit_code == 2, result.output
    assert "review.yaml" in result.stderr and "last.zip" in result.stderr
