"""Charts in a PDF: each letter of theirs is read once.

A chart's SVG holds its words as outlines, and WeasyPrint reads the outline of a letter wherever the letter stands, which in
a board's document of fifty charts and more is most of its work. What an outline draws follows from its text alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Draw = Callable[[Any, Any, float], None]


@contextmanager
def outlines_remembered() -> Iterator[None]:
    """Within it WeasyPrint reads each distinct path once; what it writes is the same to the last byte."""
    from weasyprint.svg import TAGS

    draw: Draw = TAGS["path"]
    TAGS["path"] = _remember(draw)
    try:
        yield
    finally:
        TAGS["path"] = draw


def _remember(draw: Draw) -> Draw:
    drawn: dict[str, tuple[list[Any], list[Any]]] = {}

    def path(svg: Any, node: Any, font_size: float) -> None:
        written, outline = svg.stream.stream, node.get("d", "")
        if outline in drawn:
            operators, vertices = drawn[outline]
            written.extend(operators)
            node.vertices.extend(vertices)
            return
        begin = len(written)
        draw(svg, node, font_size)
        drawn[outline] = written[begin:], list(node.vertices)

    return path
