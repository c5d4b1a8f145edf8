"""The committed reports: nothing stored in them, nothing computed in them."""

import ast

import nbformat
import pytest

from evaluation import resources

REPORTS = sorted(resources.folder("reports").glob("*.ipynb"))
EMMIE = ["Effect", "Mechanism", "Moderators", "Implementation", "Economics"]


@pytest.mark.parametrize("path", REPORTS, ids=lambda p: p.stem)
def test_templates_hold_no_results_and_no_logic(path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert len(code) <= 12
    assert code[0].metadata.tags == ["parameters"]
    assert code[-1].source.splitlines()[-1].startswith("seal(")
    for cell in code:
        assert cell.outputs == [] and cell.execution_count is None
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(
                node, (ast.FunctionDef, ast.Lambda, ast.For, ast.While, ast.BinOp, ast.If, ast.ListComp)
            )
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] == "evaluation"
            assert not isinstance(node, ast.Import)


@pytest.mark.parametrize("name", ["its", "did"])
def test_chapters_follow_emmie(name: str) -> None:
    notebook = nbformat.read(resources.folder("reports") / f"{name}.ipynb", as_version=4)
    headings = [c.source.splitlines()[0].removeprefix("## ") for c in notebook.cells if c.source.startswith("## ")]
    assert headings == ["What we were asked", "What we found", *EMMIE, "How sure are we", "Technical annex"]


def test_words_of_templates_hold_no_numbers() -> None:
    for path in REPORTS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                assert not any(c.isdigit() for c in cell.source), f"{path.name}: results are never typed"
