"""Blocks of code in a page, in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE, DEVELOPING = ROOT / "book" / "guide", ROOT / "book" / "developing"


@dataclass(frozen=True)
class CodeBlock:
    """One fenced block.

    Attributes:
        kind: the word after the fence: python, console, yaml, csv.
        name: what stands after it, such as the name of a file.
        text: the block.
        line: of the fence, from 1.
    """

    kind: str
    name: str
    text: str
    line: int


def read_blocks(path: Path) -> list[CodeBlock]:
    """Every fenced block of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    fences = re.finditer(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [CodeBlock(m[1], m[2].strip(), m[3], text.count("\n", 0, m.start()) + 1) for m in fences]
