"""What comes in is locked and licensed; nothing goes out."""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WATCHED = Path(__file__).with_name("watched")
SVD = [sys.executable, "-c", "from evaluation.cli import main; main()"]
GUIDE = ROOT / "book" / "developing" / "supply-chain.md"
# Licences under which a public body may use and pass on what it is given; copyleft that reaches no further than its own files.
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|Python|PSF|MPL|Mozilla|0BSD|Zlib|CC0|Unlicense|Public Domain|HPND|LGPL|Lesser|Artistic",
    re.IGNORECASE,
)


@pytest.fixture
def watch(tmp_path: Path) -> Callable[..., str]:
    """Run a command; the addresses that it, or any process it started, asked for."""

    def run(command: list[str], expected: int = 0) -> str:
        log = tmp_path / "addresses"
        environment = os.environ | {
            "SVD_TEST_ADDRESSES": str(log),
            "PYTHONPATH": os.pathsep.join([str(WATCHED), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment,
            timeout=600,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == expected, done.stderr[-2000:]
        return log.read_text(encoding="utf-8") if log.is_file() else ""

    return run


def test_the_watch_sees_what_it_is_for(watch: Callable[..., str]) -> None:
    ask = "import socket, subprocess, sys\ntry: socket.create_connection(('192.0.2.1', 9), timeout=0.01)\nexcept OSError: pass"
    assert "192.0.2.1" in watch([sys.executable, "-c", ask])
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}])"
    assert watch([sys.executable, "-c", child]).count("192.0.2.1") >= 2
    own = "import socket\ntry: socket.create_connection(('127.0.0.1', 9), timeout=0.01)\nexcept OSError: pass"
    assert watch([sys.executable, "-c", own]).count("\n") == watch([sys.executable, "-c", "pass"]).count("\n")


def test_check_talks_to_nobody(watch: Callable[..., str]) -> None:
    assert watch([*SVD, "check", str(ROOT / "params" / "template")]) == ""


@pytest.mark.slow
def test_book_talks_to_nobody(watch: Callable[..., str], tmp_path: Path) -> None:
    """The command, the kernel of its report and the builder."""
    from tests.publication.fixture import stored_review

    folder = tmp_path / "r"
    folder.mkdir()
    stored_review(folder, [("benefit", "its", False)])
    assert watch([*SVD, "book", str(folder)]) == ""


def locked() -> dict[str, dict]:
    found = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package for package in found["package"]}


def test_every_file_in_the_lock_has_its_hash() -> None:
    packages = locked()
    assert len(packages) > 100
    for name, package in packages.items():
        if name == "svd-evaluation":
            continue
        assert "registry" in package["source"], f"{name} comes from somewhere else than a registry"
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files
        for file in files:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]), name
            assert file["url"].startswith("https://"), name


def test_licences_are_ones_that_may_be_passed_on() -> None:
    wanted = needed_names()
    assert len(wanted) > 60
    odd: dict[str, str] = {}
    for found in distributions():
        name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        if name in wanted:
            said = found.metadata.get("License-Expression") or " ".join(
                [
                    *(c for c in found.metadata.get_all("Classifier", []) if c.startswith("License")),
                    (found.metadata.get("License") or "")[:80],
                ]
            )
            if not ALLOWED.search(said):
                odd[name] = said
    assert not odd


def needed_names() -> set[str]:
    """What is installed with svd, without what serves its development."""
    packages = locked()
    names, waiting = set(), ["svd-evaluation"]
    while waiting:
        package = packages.get(waiting.pop())
        for needed in (package or {}).get("dependencies", []):
            if needed["name"] not in names:
                names.add(needed["name"])
                waiting.append(needed["name"])
    return names


def test_the_commands_of_the_guide_are_commands() -> None:
    """Those that need nothing but the lock are run; the others need a service or minutes."""
    text = GUIDE.read_text(encoding="utf-8")
    commands = [
        line for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) for line in block.splitlines() if line.strip()
    ]
    assert any("pip-audit --strict" in line for line in commands)
    assert any("pip-licenses" in line for line in commands)
    assert any("wheelhouse.py make" in line for line in commands)
    exports = [line for line in commands if line.startswith("uv export") or line.startswith("uv lock")]
    assert len(exports) >= 3
    for line in exports:
        words = [word if not word.endswith((".txt", ".json")) else os.devnull for word in line.split()]
        done = subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
        )
        assert done.returncode == 0, (line, done.stderr)


def test_the_wheelhouse_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(ROOT / ".ci" / "wheelhouse.py"))
    main, machine = script["main"], script["machine"]
    assert main([]) == 2 and main(["install", str(tmp_path), str(tmp_path / "env")]) == 2
    assert "was not made by wheelhouse.py make" in capsys.readouterr().err
    (tmp_path / "svd_evaluation-0.1.0-py3-none-any.whl").touch()
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "made-for.txt").write_text("CPython 2.7, Plan9 pdp11\n", encoding="utf-8")
    assert main(["install", str(tmp_path), str(tmp_path / "env")]) == 2
    assert f"was made for CPython 2.7, Plan9 pdp11; this is {machine()}" in capsys.readouterr().err
    assert not (tmp_path / "env").exists()
    assert main(["make", str(tmp_path)]) == 2, "a folder that holds something is not filled"


def test_nothing_that_loads_from_the_web_is_imported() -> None:
    """Addresses in the code are shown to readers, never loaded."""
    loading = {"requests", "urllib.request", "http.client", "httpx", "aiohttp", "ftplib", "smtplib"}
    for path in sorted([*(ROOT / "evaluation").rglob("*.py"), *(ROOT / "models").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not loading & set(names), path
