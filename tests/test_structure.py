"""House rules that a linter does not know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for room in ("evaluation", "models") for path in (ROOT / room).rglob("*.py"))
TEMPLATES = sorted((ROOT / "reports").glob("*.ipynb"))
NAMELESS = ("util", "helper", "common", "manager", "base", "misc")


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 30
    assert TEMPLATES


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_can_be_read_at_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_is_named_for_what_it_does(path: Path) -> None:
    for part in path.relative_to(ROOT).with_suffix("").parts:
        words = part.lower().strip("_").split("_")
        assert not any(word in NAMELESS or word.removesuffix("s") in NAMELESS for word in words), part


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_hold_no_outputs(path: Path) -> None:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_narrate_and_do_not_compute(path: Path) -> None:
    code = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert len(code) <= 13, "a dozen, and the cell of parameters"
    for cell in code:
        for line in "".join(cell["source"]).splitlines():
            word, *rest = line.split() or [""]
            assert word not in ("def", "for", "while", "class", "if"), line
            if word in ("import", "from"):
                assert rest[0].split(".")[0] in ("evaluation", "__future__"), line


def test_every_shipped_review_travels_in_the_wheel() -> None:
    """What `svd new --from` offers in a checkout it must offer when installed, and nothing that was built."""
    import tomllib

    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = set(built["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"])
    for review in sorted((ROOT / "params").glob("*/review.yaml")):
        for path in review.parent.iterdir():
            name = path.relative_to(ROOT).as_posix()
            if (
                path.name not in ("_build", "published", "README.txt")
                and f"params/{review.parent.name}" not in included
            ):
                assert name in included, f"{name} is not in the wheel"
    assert not any("_build" in name for name in included)
