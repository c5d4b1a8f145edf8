"""The only way anything gets from a notebook into the book.

A notebook shows blocks (text, table, figure); each output carries our mark in its metadata. The book copies outputs
that carry the mark and nothing else, so a stray `print`, a traceback or a bare data frame never leaves.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evaluation.publication.disclosure import Safe, csv_text, escape
from evaluation.publication.tables import html_table

MARK = "svd"
SENTINEL = "application/vnd.svd.result+json"


@dataclass(frozen=True)
class Text:
    """A paragraph or box of HTML made by our own code."""

    html: Safe


@dataclass(frozen=True)
class Table:
    """A table that is shown; with a `name` it is also offered as CSV."""

    data: pd.DataFrame
    caption: str
    row_header: str | None = None
    counts: tuple[str, ...] = ()
    name: str = ""
    kind: str = ""
    download: pd.DataFrame | None = None  # what the CSV holds where it differs from what is shown


@dataclass(frozen=True)
class Picture:
    """A drawn chart: the SVG that the page shows, and the same as PNG for slides and for readers without SVG."""

    svg: str
    png: bytes


@dataclass(frozen=True)
class Figure:
    """A drawn figure with everything that a reader needs of it, under disclosure control.

    Attributes:
        name: of its files.
        picture: as drawn.
        alt: written alternative (see `alt.find_faults`).
        caption: the first sentence says what is shown or found and stands above the picture; the rest below it.
        data: the numbers behind it, shown as a table and offered as CSV.
        counts: columns of `data` with disclosure-controlled counts.
        source: where the numbers come from.
        reading: how to read this kind of chart.
    """

    name: str
    picture: Picture
    alt: str
    caption: str
    data: pd.DataFrame
    counts: tuple[str, ...] = ()
    source: str | None = None
    reading: str = ""


Block = Text | Table | Figure


def paragraph(text: str, kind: str = "") -> Text:
    """A paragraph of plain text; anything that looks like markup is shown as it is."""
    attribute = f' class="{escape(kind)}"' if kind else ""
    return Text(Safe(f"<p{attribute}>{escape(text, 5000)}</p>"))


def bullets(items: Iterable[str], kind: str = "") -> Text:
    """A bulleted list of plain texts."""
    attribute = f' class="{escape(kind)}"' if kind else ""
    return Text(Safe(f"<ul{attribute}>" + "".join(f"<li>{escape(i, 5000)}</li>" for i in items) + "</ul>"))


def folded(summary: str, *blocks: Block | Iterable[Block]) -> list[Block]:
    """Blocks behind a line that opens them; nothing where there are none.

    In a notebook, whose outputs are closed one by one, they are simply shown.
    """
    inside = _flat(blocks)
    if not inside:
        return []
    opening = Safe(f'<details class="svd-fold"><summary>{escape(summary, 200)}</summary><div>')
    return [Text(opening), *inside, Text(Safe("</div></details>"))]


def show(*blocks: Block | Iterable[Block]) -> None:
    """Display blocks in a notebook, each with our mark."""
    from IPython.display import display

    for block in _flat(blocks):
        for bundle, mark in to_outputs(block):
            display(bundle, metadata={MARK: mark}, raw=True)  # type: ignore[no-untyped-call]


def seal(key: str) -> None:
    """Emit the sentinel: the last output of a notebook that ran to its end, with the key of its run."""
    from IPython.display import display

    display({SENTINEL: {"key": key}, "text/plain": "End of the report."}, raw=True)  # type: ignore[no-untyped-call]


def to_outputs(block: Block) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the MIME bundles of a block, each with its mark.

    The outputs of kind `notebook` serve the person who opens the notebook; the book leaves them out, because the
    figure's own mark already carries the caption and the numbers.
    """
    if isinstance(block, Text):
        return [({"text/html": str(block.html)}, {"kind": "text"})]
    if isinstance(block, Table):
        shown = html_table(block.data, block.caption, block.row_header, block.counts, block.kind)
        download = block.download if block.download is not None else block.data
        csv = csv_text(download) if block.name else ""
        return [({"text/html": str(shown)}, {"kind": "table", "name": block.name, "csv": csv})]
    numbers = html_table(block.data, f"Numbers behind the chart: {block.caption}", counts=block.counts)
    image = {
        "image/svg+xml": block.picture.svg,
        "image/png": base64.b64encode(block.picture.png).decode("ascii"),
        "text/plain": block.alt,
    }
    mark = {
        "kind": "figure",
        "name": block.name,
        "alt": block.alt,
        "caption": block.caption,
        "source": block.source or "",
        "reading": block.reading,
        "table": str(numbers),
        "csv": csv_text(block.data),
    }
    note = f"<p><em>{escape(block.caption)}</em></p><details><summary>Numbers behind the chart</summary>{numbers}</details>"
    return [(image, mark), ({"text/html": note}, {"kind": "notebook"})]


def _flat(blocks: Iterable[Block | Iterable[Block]]) -> list[Block]:
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, (Text, Table, Figure)):
            found.append(block)
        else:
            found.extend(block)
    return found
