"""The command line from outside: exit codes, every problem at once, nothing written, no tracebacks, quick to answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from evaluation import cli
from tests.command_line import svd
from tests.protocol.example_review import MONTHS, count, tidy_csv, write_review

COMMANDS = sorted(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


def test_the_promised_commands_are_there() -> None:
    assert {"new", "check", "run", "review", "book", "lock"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_it_does_and_gives_an_example(command: str) -> None:
    result = svd(command, "--help")
    assert result.exit_code == 0
    assert f"Example: svd {command}" in result.stdout


def test_help_names_every_command_and_where_to_start() -> None:
    result = svd("--help")
    assert result.exit_code == 0
    assert all(re.search(rf"\b{command}\b", result.stdout) for command in COMMANDS)
    assert "svd new" in result.stdout


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("check", "--nonsense"), ("run",), ("run", "x", "--profile", "quick"), ("new",)]
)
def test_misuse_is_the_users_and_exits_2(arguments: tuple[str, ...]) -> None:
    assert svd(*arguments).exit_code == 2


def test_a_new_review_is_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "my-review"
    made = svd("new", folder)
    assert made.exit_code == 0
    assert f"svd check {folder}" in made.stdout
    assert {"review.yaml", "areas.yaml", "indicators.yaml", "plans", "data"} <= {p.name for p in folder.iterdir()}
    before = listing(folder)
    checked = svd("check", folder)
    assert checked.exit_code == 0, checked.output
    assert "in order" in checked.stdout
    assert listing(folder) == before


def test_new_takes_an_empty_folder(tmp_path: Path) -> None:
    assert svd("new", tmp_path).exit_code == 0
    assert (tmp_path / "review.yaml").is_file()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_new_refuses_what_exists(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "mine"
    if kind == "folder":
        target.mkdir()
        (target / "notes.txt").write_text("keep me")
    else:
        target.write_text("keep me")
    before = listing(tmp_path)
    result = svd("new", target)
    assert result.exit_code == 2
    assert "nothing was written" in result.stderr
    assert listing(tmp_path) == before


def test_the_shipped_example_is_the_default() -> None:
    result = svd("check")
    assert result.exit_code == 0, result.output
    assert "in order" in result.stdout


GOOD = tidy_csv()
ROW = f"T01,{MONTHS[5]},{count(1, 5)}\n"


def spoilt(row: str) -> dict[str, Any]:
    """The data with the seventh row of the sheet replaced."""
    return {"data": {"assaults.csv": GOOD.replace(ROW, row + "\n")}}


BROKEN: dict[str, tuple[dict[str, Any], list[str]]] = {
    "interval as a percentage": ({"review": {"interval": 95}}, ["review.yaml"]),
    "a misspelt key": ({"outreach": {"tretaed": {"T01": "2023-01"}}}, ["plans/outreach.yaml", "tretaed"]),
    "a file that is not YAML": ({"raw": {"plans/outreach.yaml": "id: ["}}, ["plans/outreach.yaml"]),
    "no areas": ({"raw": {"areas.yaml": None}}, ["areas.yaml"]),
    "no review": ({"raw": {"review.yaml": None}}, ["review.yaml"]),
    "an unknown area": ({"outreach": {"treated": {"T99": "2023-01"}}}, ["plans/outreach.yaml", "T99"]),
    "an unknown indicator": ({"outreach": {"indicators": {"primary": "assault"}}}, ["plans/outreach.yaml", "assaults"]),
    "a start outside the period": ({"outreach": {"treated": {"T01": "2024-06"}}}, ["plans/outreach.yaml", "T01"]),
    "no data": ({"data": {"assaults.csv": None}}, ["data/assaults.csv"]),
    "a negative count": (spoilt(f"T01,{MONTHS[5]},-3"), ["data/assaults.csv", "row 7"]),
    "words for counts": (spoilt(f"T01,{MONTHS[5]},many"), ["data/assaults.csv", "many"]),
    "a row twice": ({"data": {"assaults.csv": GOOD + ROW}}, ["data/assaults.csv", MONTHS[5]]),
    "an unknown marker": (spoilt(f"T01,{MONTHS[5]},<5"), ["data/assaults.csv", "<5"]),
    "a month that is none": (spoilt("T01,2021-13,4"), ["data/assaults.csv", "2021-13"]),
    "an empty file": ({"data": {"assaults.csv": ""}}, ["data/assaults.csv"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_review_exits_2_says_where_and_writes_nothing(name: str, tmp_path: Path) -> None:
    changes, expected = BROKEN[name]
    folder = write_review(tmp_path, **changes)
    before = listing(folder)
    result = svd("check", folder)
    assert result.exit_code == 2, result.output
    problems = [line for line in result.stderr.splitlines() if line.startswith("problem: ")]
    for text in expected:
        assert any(text in line for line in problems), (text, problems)
    assert re.search(rf"{len(problems)} problems? found in .*Nothing was written\.", result.stderr)
    assert "Traceback" not in result.output
    assert listing(folder) == before


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    folder = write_review(
        tmp_path,
        review={"interval": 95},
        areas={"groups": {"similar_centres": {"areas": ["T03", "T77"]}}},
        indicators={"admissions": {"direction": "down"}},
        outreach={"treated": {"T99": "2023-01"}, "effect": {"shape": "stepp"}},
        data={"assaults.csv": GOOD.replace(ROW, f"T01,{MONTHS[5]},many\n")},
    )
    result = svd("check", folder)
    assert result.exit_code == 2
    for file in ("review.yaml", "areas.yaml", "indicators.yaml", "plans/outreach.yaml", "data/assaults.csv"):
        assert f"problem: {file}" in result.stderr, file
    assert "T99" in result.stderr
    assert "stepp" in result.stderr


@pytest.mark.parametrize("command", ["run", "lock"])
@pytest.mark.parametrize("where", ["plans/nothing.yaml", "plans", "elsewhere.yaml"])
def test_a_plan_that_is_not_there_exits_2(command: str, where: str, tmp_path: Path) -> None:
    folder = write_review(tmp_path, raw={"elsewhere.yaml": "id: elsewhere\n"})
    before = listing(folder)
    result = svd(command, folder / where)
    assert result.exit_code == 2
    assert where in result.stderr
    assert listing(folder) == before


@pytest.mark.parametrize("command", ["check", "review", "book"])
def test_a_review_that_is_not_there_exits_2(command: str, tmp_path: Path) -> None:
    result = svd(command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere is not a folder" in result.stderr


@pytest.mark.parametrize("command", ["run", "review"])
def test_nothing_is_computed_from_a_broken_review(command: str, tmp_path: Path) -> None:
    folder = write_review(tmp_path, outreach={"treated": {"T99": "2023-01"}})
    before = listing(folder)
    result = svd(command, folder / "plans" / "outreach.yaml" if command == "run" else folder)
    assert result.exit_code == 2
    assert "T99" in result.stderr
    assert "Nothing was written." in result.stderr
    assert listing(folder) == before


def test_review_of_a_plan_that_is_not_there_exits_2(tmp_path: Path) -> None:
    result = svd("review", write_review(tmp_path), "--only", "outraech")
    assert result.exit_code == 2
    assert "outraech" in result.stderr


def test_lock_registers_and_says_so_in_words(tmp_path: Path) -> None:
    plan = write_review(tmp_path) / "plans" / "outreach.yaml"
    result = svd("lock", plan)
    assert result.exit_code == 0
    assert plan.with_suffix(".lock.json").is_file()
    assert re.search(r"[0-9a-f]{8}", result.stdout), "the fingerprint"
    assert re.search(r"\d{4}-\d{2}-\d{2}", result.stdout), "the date"


def test_lock_speaks_english(tmp_path: Path) -> None:
    result = svd("lock", write_review(tmp_path) / "plans" / "outreach.yaml")
    assert "Registration(" not in result.stdout
    assert "content=" not in result.stdout


def test_lock_of_an_unreadable_plan_exits_2(tmp_path: Path) -> None:
    folder = write_review(tmp_path, raw={"plans/outreach.yaml": "id: ["})
    before = listing(folder)
    result = svd("lock", folder / "plans" / "outreach.yaml")
    assert result.exit_code == 2
    assert listing(folder) == before


def test_a_fault_of_ours_is_one_line_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fall(*_: object) -> None:
        raise RuntimeError("the floor\ngave way")

    monkeypatch.setattr(cli, "locate", fall)
    monkeypatch.setattr(sys, "argv", ["svd", "check"])
    monkeypatch.delenv("SVD_DEBUG", raising=False)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert "svd stopped: RuntimeError: the floor\n" in said
    assert "gave way" not in said
    assert "Traceback" not in said
    monkeypatch.setenv("SVD_DEBUG", "1")
    with pytest.raises(RuntimeError):
        cli.main()


def imported(*arguments: str) -> set[str]:
    """Top-level modules loaded by a command run in a process of its own."""
    code = """
import sys
from evaluation.cli import main
try:
    main()
except SystemExit as stop:
    assert stop.code in (0, None), stop
print("LOADED", *sorted({name.split(".")[0] for name in sys.modules}))
"""
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.rsplit("LOADED", 1)[1].split())


HEAVY = {"pymc", "pytensor", "nutpie", "arviz", "arviz_stats", "numba", "matplotlib"}


def test_help_answers_before_anything_heavy_is_loaded() -> None:
    assert not (HEAVY | {"pandas", "xarray", "scipy", "numpy"}) & imported("--help")


def test_check_loads_no_sampler_and_no_pandas(tmp_path: Path) -> None:
    assert not (HEAVY | {"pandas", "xarray"}) & imported("check", str(write_review(tmp_path)))
