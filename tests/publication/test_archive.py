"""An archive holds what a review was made from; a changed archive is refused; differences are listed one by one."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.publication.archive import open_archive, plan_source, read_findings, write_archive
from evaluation.publication.packet import REQUIRED
from evaluation.verification import compare, verify_archive
from tests.protocol.example_review import write_review


def evaluated(folder: Path) -> Path:
    """A review folder with one packet, made by hand."""
    write_review(folder)
    place = folder / "_build" / "packets" / "outreach" / "20260101T000000Z-0123abcd"
    place.mkdir(parents=True)
    for name in REQUIRED:
        (place / name).write_text("", encoding="utf-8")
    (place / "plan.yaml").write_text("id: outreach\ntreated: {T01: 2023-10}\n", encoding="utf-8")
    (place / "finding.json").write_text(
        json.dumps({"plan": "outreach", "profile": "publish", "indicators": {}}), encoding="utf-8"
    )
    (place / "run.json").write_text(json.dumps({"seed": 1}), encoding="utf-8")
    return folder


def test_an_archive_is_read_back(tmp_path: Path) -> None:
    made = write_archive(evaluated(tmp_path / "review"), tmp_path / "kept.zip")
    about, files = open_archive(made)
    assert {"inputs/review.yaml", "inputs/plans/outreach.yaml", "packets/outreach/finding.json"} <= set(files)
    assert set(about["sha256"]) == set(files)
    found = read_findings(made)["outreach"]
    assert found["run"] == {"seed": 1}
    assert found["plan"]["treated"] == {"T01": "2023-10"}


def test_nothing_is_written_over_and_nothing_unevaluated_is_kept(tmp_path: Path) -> None:
    folder = evaluated(tmp_path / "review")
    write_archive(folder, tmp_path / "kept.zip")
    with pytest.raises(InputError, match="exists"):
        write_archive(folder, tmp_path / "kept.zip")
    write_review(tmp_path / "fresh")
    with pytest.raises(InputError, match="Nothing has been evaluated"):
        write_archive(tmp_path / "fresh", tmp_path / "other.zip")
    assert not (tmp_path / "other.zip").exists()


def tamper(path: Path, name: str, content: bytes | None) -> Path:
    """A copy of an archive in which one file is other, or (None) not there."""
    changed = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(changed, "w") as after:
        for item in before.namelist():
            if item != name:
                after.writestr(item, before.read(item))
        if content is not None:
            after.writestr(name, content)
    return changed


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("packets/outreach/finding.json", b"{}", "changed after"),
        ("inputs/review.yaml", None, "missing"),
        ("inputs/more.csv", b"a", "added after"),
        ("../outside.txt", b"a", "outside its folder"),
    ],
)
def test_a_changed_archive_is_refused(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    made = write_archive(evaluated(tmp_path / "review"), tmp_path / "kept.zip")
    with pytest.raises(InputError, match=said):
        verify_archive(tamper(made, name, content), [], lambda line: None)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match="not an archive"):
        open_archive(tmp_path / "no.zip")


def test_an_unknown_plan_is_refused(tmp_path: Path) -> None:
    made = write_archive(evaluated(tmp_path / "review"), tmp_path / "kept.zip")
    with pytest.raises(InputError, match="no plan other"):
        verify_archive(made, ["other"], lambda line: None)


def test_every_difference_is_a_line() -> None:
    stored = {"a": 1.0, "b": [1, 2], "c": "x", "d": None, "e": True}
    assert list(compare(stored, {"a": 1.0 + 1e-9, "b": [1, 2], "c": "x", "d": None, "e": True})) == []
    now = {"a": 1.1, "b": [1], "c": "y", "d": 0, "f": 1, "e": False}
    assert [line.split()[0] for line in compare(stored, now)] == ["a", "b", "c", "d", "e", "f"]


def test_scalars_of_a_plan_stay_text() -> None:
    assert plan_source(b"treated: {007: 2023-10}") == {"treated": {"007": "2023-10"}}


def test_verification_recomputes_each_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_archive(evaluated(tmp_path / "review"), tmp_path / "kept.zip")
    same = {"plan": "outreach", "profile": "publish", "indicators": {}}
    monkeypatch.setattr("evaluation.verification.recompute", lambda folder, plan, profile: same)
    assert verify_archive(made, [], lambda line: None) == []
    monkeypatch.setattr("evaluation.verification.recompute", lambda folder, plan, profile: same | {"profile": "draft"})
    assert verify_archive(made, [], lambda line: None) == ["outreach: profile was 'publish', is 'draft'"]
