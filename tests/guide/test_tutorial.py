"""The tutorial, typed by a test: every file it shows is written, every command run, every answer looked for."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.command_line import svd
from tests.guide.pages import GUIDE, ROOT, CodeBlock, read_blocks
from tests.guide.practice import RATIO, WORKBOOK, rows, write_practice

PAGE = GUIDE / "tutorial.md"
BLOCKS = read_blocks(PAGE)


def carry_out(block: CodeBlock, folder: Path) -> None:
    """Write a file, or run commands and compare what they say with what the page promises."""
    if block.kind == "yaml":
        path = folder / block.name
        assert path.parent.is_dir(), f"line {block.line}: the page has not made {path.parent.name} yet"
        path.write_text(block.text, encoding="utf-8")
        return
    assert block.kind == "console", f"line {block.line}: a block of {block.kind!r} cannot be tested"
    said = ""
    for line in block.text.splitlines():
        if not line.startswith("$ "):
            for part in line.split("..."):
                assert part.strip() in said, f"line {block.line}: {part!r} is not in\n{said}"
            continue
        words = shlex.split(line.removeprefix("$ "))
        if words[0] == "rm":
            for name in words[1:]:
                (folder / name).unlink()
            continue
        assert words[:3] == ["uv", "run", "svd"], line
        done = svd(*words[3:])
        said = done.stdout + done.stderr
        assert done.exit_code == 0, f"line {block.line}: {line}\n{said}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reader sits: a folder in which the page's paths lead to the program's own files."""
    (tmp_path / "book" / "guide").mkdir(parents=True)
    shutil.copytree(GUIDE / "practice", tmp_path / "book" / "guide" / "practice")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_up_to_the_lock(folder: Path) -> None:
    """Everything that takes seconds."""
    for block in BLOCKS:
        if block.name != "minutes":
            carry_out(block, folder)
    assert json.loads((folder / "northshire/plans/warden_patrols.lock.json").read_text(encoding="utf-8"))[
        "registrations"
    ]


@pytest.mark.long
def test_the_whole_hour(folder: Path) -> None:
    """All of it, sampled; and the truth lies inside the interval that the reader is shown."""
    for block in BLOCKS:
        carry_out(block, folder)
    newest = sorted((folder / "northshire/_build/packets/warden_patrols").iterdir())[-1]
    finding = json.loads((newest / "finding.json").read_text(encoding="utf-8"))
    found = finding["indicators"]["street_violence"]
    assert finding["profile"] == "publish" and found["rate_ratio"]["lower"] < RATIO < found["rate_ratio"]["upper"]
    assert found["rating"] == "benefit"
    html = folder / "northshire/_build/html"
    assert "Warden patrols in two town centres" in (html / "index.html").read_text(encoding="utf-8")
    assert (html / "interventions/warden_patrols.html").is_file()


def test_the_spreadsheet_is_what_its_script_makes(tmp_path: Path) -> None:
    from tests.fuzz.plain import sheet_dicts

    write_practice(tmp_path / "again.xlsx")
    stored = sheet_dicts(WORKBOOK, "Counts")
    assert stored == sheet_dicts(tmp_path / "again.xlsx", "Counts")
    assert [(r["Indicator"], r["Area code"], r["Month"], int(r["Count"])) for r in stored] == rows()


def test_minutes_are_announced() -> None:
    """Only what samples may be left out of the quick test."""
    waiting = [line for b in BLOCKS if b.name == "minutes" for line in b.text.splitlines() if line.startswith("$")]
    assert waiting and all(any(word in line for word in (" run ", " review ", " feasibility ")) for line in waiting)
    assert (ROOT / "book/guide/how-to.md").is_file()
