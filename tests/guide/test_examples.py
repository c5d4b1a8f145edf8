"""Every command, file and link in the documentation: commands are known with their options, YAML is valid, files are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from evaluation import cli
from tests.command_line import svd
from tests.guide.pages import DEVELOPING, GUIDE, ROOT, read_blocks

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(GUIDE.glob("*.md")), *sorted(DEVELOPING.glob("*.md"))]
COMMAND = re.compile(r"(?:uv run )?svd((?: +[-\w./:\"*{}$=]+)+)")


def commands_of(text: str) -> list[str]:
    """Whatever the text tells its reader to type, in code spans and blocks: the words after `svd`."""
    spans = re.findall(r"`([^`\n]+)`", text) + [
        line for block in re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()
    ]
    spans += [line.strip() for line in text.splitlines() if line.startswith("    uv run ")]
    found = []
    for span in spans:
        line = span.strip().removeprefix("$ ").removeprefix("uv run ")
        if line.startswith("svd "):
            found.append(line.partition("  #")[0].partition(" #")[0])
    return found


EXAMPLES = [
    (page.name, line) for page in PAGES for line in dict.fromkeys(commands_of(page.read_text(encoding="utf-8")))
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 40 and {"README.md", "how-to.md", "tutorial.md"} <= {name for name, _ in EXAMPLES}


@pytest.mark.parametrize(("page", "line"), EXAMPLES, ids=[f"{p}-{n}" for n, (p, _) in enumerate(EXAMPLES)])
def test_a_command_that_is_told_exists_with_its_options(page: str, line: str) -> None:
    command: Any = typer.main.get_command(cli.app)
    words = shlex.split(line.replace("...", "x"))[1:]
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        if words[0] in ("SOURCE", "COMMAND"):
            return
        assert words[0] in command.commands, f"{page}: there is no command {words[0]}"
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts} | {"--help"}
    told = [word.partition("=")[0] for word in words if word.startswith("--")]
    assert not [name for name in told if name not in options], f"{page}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_yaml_that_is_shown_is_yaml_that_is_read(page: Path, tmp_path: Path) -> None:
    from evaluation.protocol.yaml_source import load_yaml

    for number, block in enumerate(read_blocks(page)):
        if block.kind == "yaml":
            path = tmp_path / f"{number}.yaml"
            path.write_text(block.text, encoding="utf-8")
            assert load_yaml(path).data, f"{page.name}, line {block.line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:book|evaluation|models|params|reports|tests)/[\w./-]+)`", text))
    named |= {
        f"book/guide/{name}"
        for name in re.findall(r"`([\w-]+\.md)`", text)
        if page.parent == GUIDE and name != "README.md"
    }
    gone = [
        name
        for name in sorted(named)
        if not (ROOT / name.rstrip("/")).exists() and "_build" not in name and "NAME" not in name
    ]
    assert gone == []


def test_the_commands_of_the_readme_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds of `Put your own data in`, typed."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    typed = [
        line for line in commands_of(text) if re.match(r"svd (new our_review$|check|lock|calendar|checklist)", line)
    ]
    assert len(typed) >= 5
    for line in sorted(typed, key=lambda line: "new" not in line):
        done = svd(*shlex.split(line.replace("NAME", "first_plan"))[1:])
        assert done.exit_code == 0, f"{line}: {done.stderr}"


def test_how_to_commands_that_take_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = []
    for block in read_blocks(GUIDE / "how-to.md"):
        for line in block.text.splitlines():
            words = shlex.split(line.removeprefix("$ "))[3:]
            if words[0] in ("new", "check", "schema", "calendar", "checklist") or words[:2] == ["import", "--template"]:
                said = svd(*words)
                assert said.exit_code == 0, f"{line}: {said.stderr}"
                done.append(words[0])
    assert len(done) == 6


def test_examples_in_docstrings() -> None:
    """`>>>` in a docstring is a promise; there is none that is not kept."""
    import doctest
    import importlib

    for room in ("evaluation", "models"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if ">>>" in path.read_text(encoding="utf-8"):
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                assert doctest.testmod(module).failed == 0, path


def test_every_method_says_when_not_to_use_it() -> None:
    text = (GUIDE / "methods-in-plain-words.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        assert re.search(r"[Ww]hen not to", section), section.splitlines()[0]
