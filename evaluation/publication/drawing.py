"""Charts in a PDF: what is drawn again and again, a letter or the mark of a month, is worked out once.

A chart's SVG holds its words as outlines, each letter a reference to one, and its points as references to a mark. WeasyPrint
reads the outline and the style anew at every reference, which in a board's document of fifty charts is a third of its work,
and at every element what its attributes say, which is the same few texts again and again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

Draw = Callable[[Any, Any, float], None]
# Where a reference stands; how it looks are all other attributes, those that it inherits among them.
_PLACE = frozenset(("id", "x", "y", "transform"))
# What reads an attribute: functions of texts and numbers alone, whose results nobody changes.
_READERS = ("parse_declarations", "parse_url", "transform", "size")


@contextmanager
def outlines_remembered() -> Iterator[None]:
    """Within it WeasyPrint reads each distinct path once, in one drawing each distinct reference, and each distinct text of an
    attribute; it draws the same.
    """
    from weasyprint import svg

    kept = {tag: svg.TAGS[tag] for tag in ("path", "use")}
    read = {name: getattr(svg, name) for name in _READERS}
    svg.TAGS.update(path=_remember_path(kept["path"]), use=_remember_use(kept["use"]))
    for name, reader in read.items():
        setattr(svg, name, cache(reader))
    try:
        yield
    finally:
        svg.TAGS.update(kept)
        for name, reader in read.items():
            setattr(svg, name, reader)


def _remember_path(draw: Draw) -> Draw:
    """An outline is a function of its text alone."""
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


def _remember_use(draw: Draw) -> Draw:
    """What a reference draws follows, within one drawing, from its look; a chart's clips, which are not painted, hold none."""
    drawn: dict[tuple[Any, float, frozenset[tuple[str, str]]], list[Any]] = {}

    def use(svg: Any, node: Any, font_size: float) -> None:
        look = svg, font_size, frozenset(item for item in node.attrib.items() if item[0] not in _PLACE)
        if look in drawn:
            x, y = svg.point(node.get("x"), node.get("y"), font_size)
            svg.stream.transform(e=x, f=y)
        else:
            draw(svg, node, font_size)
            # A stream leaves out a colour that is set; after a state is closed it takes none for set, so nothing is left out here.
            svg.stream.push_state()
            svg.stream.pop_state()
            begin = len(svg.stream.stream)
            for child in node:
                svg.draw_node(child, font_size, context=node)
            drawn[look] = svg.stream.stream[begin:]
            del svg.stream.stream[begin:]
        svg.stream.stream.extend(drawn[look])
        node.override_iter(iter(()))

    return use
