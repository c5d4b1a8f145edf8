"""The commands by which a review leaves the building, where they refuse."""

import socket
from pathlib import Path

import pytest

from evaluation.publication import pdf
from tests.command_line import svd


@pytest.fixture
def review(tmp_path: Path) -> Path:
    folder = tmp_path / "review"
    assert svd("new", folder).exit_code == 0
    return folder


@pytest.mark.parametrize("command", ["publish", "pdf", "preview"])
def test_help_has_an_example(command: str) -> None:
    result = svd(command, "--help")
    assert result.exit_code == 0 and f"Example: svd {command} my-review" in result.stdout


def test_nothing_evaluated_and_not_signed_off_are_said_together(review: Path, tmp_path: Path) -> None:
    result = svd("publish", review, "--into", tmp_path / "public")
    assert result.exit_code == 2
    assert "not signed off" in result.stderr and "Nothing has been evaluated" in result.stderr
    assert not (tmp_path / "public").exists()


def test_a_folder_around_the_review_is_never_replaced(review: Path) -> None:
    (review.parent / "edition.json").write_text("{}", encoding="utf-8")
    result = svd("publish", review, "--into", review.parent)
    assert result.exit_code == 2 and "The review lies inside this folder" in result.stderr
    assert review.is_dir()


def test_a_pdf_needs_a_book(review: Path, tmp_path: Path) -> None:
    result = svd("pdf", review, "--into", tmp_path / "out")
    assert result.exit_code == 2 and "holds no book yet" in result.stderr and not (tmp_path / "out").exists()


def test_a_pdf_needs_its_library(review: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    html = review / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("<article><h1>x</h1></article>", encoding="utf-8")
    monkeypatch.setattr(pdf, "find_spec", lambda name: None)
    result = svd("pdf", review, "--into", tmp_path / "out")
    assert result.exit_code == 2 and "No PDF was made" in result.stderr and not (tmp_path / "out").exists()


def test_a_port_in_use_is_said(review: Path) -> None:
    html = review / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("<h1>x</h1>", encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = svd("preview", review, "--port", port)
    assert result.exit_code == 2 and f"Port {port} cannot be used" in result.stderr
