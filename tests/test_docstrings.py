"""What a public function refuses, its docstring says: whoever calls it must know that an InputError can come."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "evaluation").rglob("*.py"))


def raising(tree: ast.Module) -> list[tuple[ast.FunctionDef, str]]:
    """Public functions of a module that raise InputError themselves, with their docstrings."""
    found = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
            continue
        inner = {
            node
            for child in ast.walk(function)
            if isinstance(child, ast.FunctionDef) and child is not function
            for node in ast.walk(child)
        }
        raises = [node for node in ast.walk(function) if isinstance(node, ast.Raise) and node not in inner]
        names = {n.id for node in raises if node.exc is not None for n in ast.walk(node.exc) if isinstance(n, ast.Name)}
        if "InputError" in names:
            found.append((function, ast.get_docstring(function) or ""))
    return found


def says_so(docstring: str) -> bool:
    """Whether a docstring has a section on errors that names InputError, or sends its reader to one that does."""
    return "InputError" in docstring.partition("Raises:")[2]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_function_that_refuses_says_so(path: Path) -> None:
    silent = [f.name for f, text in raising(ast.parse(path.read_text(encoding="utf-8"))) if not says_so(text)]
    assert silent == []


def test_the_rule_sees_what_it_should() -> None:
    bad = ast.parse('def read():\n    """Read."""\n    raise InputError([])\n')
    good = ast.parse(
        'def read():\n    """Read.\n\n    Raises:\n        InputError: always.\n    """\n    raise InputError([])\n'
    )
    inside = ast.parse(
        'def read():\n    """Read."""\n    def _inner():\n        raise InputError([])\n    return _inner\n'
    )
    assert [says_so(text) for _, text in raising(bad)] == [False]
    assert [says_so(text) for _, text in raising(good)] == [True]
    assert raising(inside) == []
