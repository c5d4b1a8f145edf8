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
def test_chapters_say_the_verdict_first_and_follow_emmie(name: str) -> None:
    notebook = nbformat.read(resources.folder("reports") / f"{name}.ipynb", as_version=4)
    annex = next(i for i, c in enumerate(notebook.cells) if "part:annex" in c.metadata.get("tags", []))
    board = [c.source.splitlines()[0].removeprefix("## ") for c in notebook.cells[:annex] if c.source.startswith("## ")]
    assert board[0] == "What we found" and board[2] == "What we did to check it" and board[-1] == "What was promised"
    assert [heading.partition(":")[0] for heading in board if heading.partition(":")[0] in EMMIE] == EMMIE
    shown = "".join(c.source for c in notebook.cells[:annex])
    assert "annex." not in shown and "chapter." not in "".join(c.source for c in notebook.cells[annex:])


def test_words_of_templates_hold_no_numbers() -> None:
    for path in REPORTS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                assert not any(c.isdigit() for c in cell.source), f"{path.name}: results are never typed"
