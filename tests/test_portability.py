"""Nothing in the code holds for one operating system only; names and paths suit the strictest of them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.protocol import load_review
from evaluation.protocol.slug import LONGEST, RESERVED, as_slug, file_form, slug_fault
from evaluation.publication.staging import safe_name
from tests.protocol.example_review import plan_like_outreach, write_review
from tests.test_flow import tiny

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for room in ("evaluation", "models") for path in (ROOT / room).rglob("*.py"))
MODULES = {
    "fcntl",
    "grp",
    "pwd",
    "pty",
    "resource",
    "termios",
    "posix",
    "tty",
    "crypt",
    "spwd",
    "syslog",
    "winreg",
    "msvcrt",
}
CALLS = {"fork", "forkpty", "kill", "killpg", "getuid", "geteuid", "getgid", "getegid", "setuid", "setsid", "getpgid", "mkfifo",
         "chown", "chroot", "nice", "uname", "wait", "waitpid", "getloadavg", "sched_getaffinity", "sync", "O_DIRECT", "symlink"}  # fmt: skip
SIGNALS = {"SIGINT", "SIGTERM", "SIG_IGN", "SIG_DFL", "signal"}
PLACES = ("/tmp", "/var", "/home", "/etc", "/usr", "/dev", "/proc", "/opt", "C:\\", "~/")
TEXT_CALLS = {"read_text", "write_text"}
LONGEST_PATH = 160  # below the review folder, of 260 on Windows


def faults(source: str) -> Iterator[str]:
    """What in a source holds on one system only, as `line: what`."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{line}: imports {name}" for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os" and node.attr in CALLS:
                yield f"{line}: os.{node.attr}"
            if node.value.id == "os" and node.attr == "rename":
                yield f"{line}: os.rename, which Windows refuses where there is a file: use os.replace"
            if node.value.id == "signal" and node.attr not in SIGNALS:
                yield f"{line}: signal.{node.attr}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(PLACES):
            yield f"{line}: the place {node.value[:40]!r}"
        elif isinstance(node, ast.Call):
            yield from call_faults(node)


def call_faults(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    positional = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    if name in TEXT_CALLS and "encoding" not in given:
        yield f"{node.lineno}: {name} without an encoding"
    modes = [mode for mode in (*positional, getattr(given.get("mode"), "value", "")) if isinstance(mode, str)]
    opens = name in ("open", "fdopen", "TemporaryFile", "NamedTemporaryFile")
    if opens and "encoding" not in given and not any("b" in mode for mode in modes if len(mode) <= 3):
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        bytes_of = ("archive", "gzip")  # a member of a zip file, a gzip file: bytes unless asked otherwise
        if owner is None or not any(word in ast.dump(owner) for word in bytes_of):
            yield f"{node.lineno}: {name} without an encoding"
    if name in ("get_context", "set_start_method") and positional != ["spawn"]:
        yield f"{node.lineno}: processes that are not spawned"
    if name == "ProcessPoolExecutor" and "mp_context" not in given:
        yield f"{node.lineno}: a pool of processes that are not spawned everywhere"
    if name in ("run", "Popen", "call", "check_output") and getattr(given.get("shell"), "value", False):
        yield f"{node.lineno}: a shell"
    if (name == "run" and given.get("text")) and "encoding" not in given:
        yield f"{node.lineno}: output of a program read without an encoding"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_code_holds_on_every_system(path: Path) -> None:
    assert list(faults(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl", "from resource import getrlimit", "import os\nos.fork()", "import os\nos.kill(1, 9)", "import signal\nsignal.SIGKILL",
        "place = '/tmp/x'", "open('a')", "path.open('w')", "path.read_text()", "path.write_text('a')", "get_context('fork')", "get_context()",
        "ProcessPoolExecutor(max_workers=2)", "subprocess.run(c, shell=True)", "subprocess.run(c, text=True)", "os.rename(a, b)",
        "tempfile.NamedTemporaryFile('w')",
    ],
)  # fmt: skip
def test_the_rule_sees_what_it_is_for(source: str) -> None:
    assert len(list(faults(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "open('a', 'rb')",
        "path.open('w', encoding='utf-8')",
        "get_context('spawn')",
        "os.replace(a, b)",
        "signal.SIGINT",
    ],
)
def test_and_nothing_else(source: str) -> None:
    assert list(faults(source)) == []


@pytest.mark.parametrize(
    "name",
    [
        *sorted(RESERVED),
        "x" * (LONGEST + 1),
        "Outreach",
        "a b",
        "a.b",
        '"; import os',
        "../a",
        "a/b",
        "ŵ",
        "a\u202eb",
        "",
    ],
)
def test_names_that_a_file_system_cannot_keep_are_refused(name: str) -> None:
    fault = slug_fault(name, "an id")
    assert fault is not None and slug_fault(as_slug(name), "an id") is None
    assert as_slug(name) in fault[1], "the remedy is a name that would do"


def test_names_that_it_can_keep_are_not() -> None:
    assert slug_fault("x" * LONGEST, "an id") is None and slug_fault("console", "an id") is None


def refusals(folder: Path) -> str:
    with pytest.raises(InputError) as refused:
        load_review(folder)
    return str(refused.value)


def test_a_plan_or_indicator_called_like_a_device_is_refused(tmp_path: Path) -> None:
    write_review(tmp_path, plans={"nul": plan_like_outreach(id="nul")}, indicators={"aux": {"title": "Aux"}})
    said = refusals(tmp_path)
    assert "'nul' cannot be an id: Windows keeps this name for itself. Use another: nul_." in said
    assert "'aux' cannot be a key: Windows keeps this name for itself. Use another: aux_." in said


def test_plans_that_differ_only_in_capitals_are_refused(tmp_path: Path) -> None:
    write_review(tmp_path, plans={"Outreach": plan_like_outreach(id="Outreach")})
    assert "'Outreach' cannot be an id." in refusals(tmp_path)


@pytest.mark.parametrize(
    ("twin", "words"),
    [
        ("t01", "differ only in capital letters"),
        ("T.01", "would give files of the same name"),
        ("T/01", "would give files of the same name"),
    ],
)
def test_codes_that_are_one_file_somewhere_are_refused(twin: str, words: str, tmp_path: Path) -> None:
    extra = {"T-01": {"name": "Another"}} if twin != "t01" else {}
    write_review(tmp_path, areas={"areas": {twin: {"name": "Twin"}, **extra}})
    assert words in refusals(tmp_path)


def test_codes_of_every_kind_give_file_names_that_every_system_keeps() -> None:
    for code in ("E07000170", "Ynys Môn", "=CMD()", "a:b|c?*", "..", "CON", "日本", "x" * 300):
        name = f"monitor-assaults-{file_form(code)}"
        assert safe_name(name) == name.strip("-") and len(name) <= 100 and name.isascii()


def longest_paths() -> Iterator[str]:
    """The longest paths that a review makes below its folder, with names as long as they may be."""
    plan, key, page = "p" * LONGEST, "k" * LONGEST, "interventions/" + "p" * LONGEST
    packet = f"_build/packets/{plan}/20260101T000000Z-01234567"
    scratch = f"_build/packets/{plan}/.writing-01234567"
    for name in ("report.ipynb", "posterior.nc", "finding.json"):
        yield f"{packet}/{name}"
        yield f"{scratch}/{name}"
    yield f"_build/notebooks/{plan}.ipynb"
    yield f"_build/fits/checks-{'0' * 32}.json"
    yield f"editions/{key}/2026-01-01.writing"
    yield f"data/provenance/{key}.areas.csv"
    for figure in (
        f"{plan}-{key}-counterfactual",
        f"{plan}-{key}-placebo-dates",
        f"{plan}-{key}-estimates",
        f"monitor-{key}-{'a' * LONGEST}",
    ):
        assert len(figure) <= 100, "longer names would be cut, and two of them could become one"
        for place in ("html/_static/figures", "staging/_static/figures", "staging/_extra/downloads", "html/downloads"):
            yield f"_build/.book-01234567/{place}/{figure}.png"
    yield f"_build/.book-01234567/doctrees/{page}.doctree"
    for theme in ("pydata_sphinx_theme", "sphinx_book_theme"):
        static = Path(__import__(theme).__file__).parent
        for path in static.rglob("static/**/*"):
            inner = path.relative_to(static).as_posix().partition("static/")[2]
            yield f"_build/.book-01234567/html/_static/{inner}"


def test_paths_leave_room_for_the_folder_on_windows() -> None:
    """260 signs in all; what is made below the review folder takes 160 of them at most, with the longest names allowed."""
    longest = max(longest_paths(), key=len)
    assert 100 < len(longest) <= LONGEST_PATH, (len(longest), longest)


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="a PATH without a compiler is made of links")
def test_it_works_without_a_compiler_and_without_a_warning(tmp_path: Path) -> None:
    """Nothing on the PATH, a new home, a folder with a space and letters of Wales in its name."""
    plan = tiny(tmp_path / "Llŷn and Eifionydd")
    (tmp_path / "home").mkdir()
    (tmp_path / "nothing").mkdir()
    environment = {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "nothing"), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", "from evaluation.cli import main; main()", "run", str(plan), "--profile", "draft"],
        capture_output=True, text=True, encoding="utf-8", env=environment, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).is_dir()
    for word in ("warning", "g++", "compiler", "traceback"):
        assert word not in done.stderr.lower(), done.stderr
