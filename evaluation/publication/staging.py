"""Whitelisted copies: what of a report may become a page of the book.

A page is made of the report's markdown cells and of the outputs that carry our mark; sources, parameters, streams,
tracebacks and metadata are not copied. Outputs become HTML whose tags and attributes are on a list.
"""

import base64
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from evaluation.publication.alt import find_faults
from evaluation.publication.disclosure import clean, escape, escape_markdown
from evaluation.publication.display import MARK, Block, to_outputs

_TAGS = {
    "p",
    "div",
    "span",
    "strong",
    "em",
    "br",
    "ul",
    "li",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "dl",
    "dt",
    "dd",
}
PART = "part:"  # begins the tag of a cell that begins a page of its own
# Elements of a drawing.
_DRAWING = {
    "svg",
    "defs",
    "style",
    "g",
    "path",
    "use",
    "clipPath",
    "rect",
    "pattern",
    "line",
    "polyline",
    "polygon",
    "circle",
}
_ATTRIBUTES = {"class", "role", "tabindex", "aria-label", "aria-hidden", "scope", "data-chapter", "data-label"}


# A fragment in which every < begins a tag of the list, with quoted attributes of the list: the parser can find nothing in it.
_PLAIN = re.compile(
    rf'(?:[^<]++|</(?:{"|".join(sorted(_TAGS))})>|<(?:{"|".join(sorted(_TAGS))})(?: (?:{"|".join(sorted(_ATTRIBUTES))})="[^"<>]*+")*+>)*+'
)


class StagingError(ValueError):
    """Something in a report may not become part of the book."""


@dataclass
class Stage:
    """The folder in which the pages of the book are laid out.

    Attributes:
        folder: where pages go.
        chapters: plan ids that have a chapter, so that names can become links.
        downloads: file name -> what it holds.
    """

    folder: Path
    chapters: set[str] = field(default_factory=set)
    downloads: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> Path:
        """Where images go."""
        return self.folder / "_static" / "figures"

    @property
    def files(self) -> Path:
        """Where downloads go."""
        return self.folder / "_extra" / "downloads"

    def add_page(self, name: str, title: str, body: str, wide: bool = False) -> str:
        """Write one page and return its name.

        Args:
            name: of the document, without suffix ("interventions/outreach").
            title: heading of the page, plain text.
            body: MyST markdown.
            wide: leave the column of page contents out.
        """
        top = "---\nhtml_theme.sidebar_secondary.remove: true\n---\n\n" if wide else ""
        path = self.folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"{top}# {escape_markdown(plain_title(title)) or 'Untitled'}\n\n{body.strip()}\n", encoding="utf-8"
        )
        return name

    def add_download(self, name: str, csv: str, about: str) -> str:
        """Write one CSV for readers and return its file name."""
        file = f"{safe_name(name)}.csv"
        self.files.mkdir(parents=True, exist_ok=True)
        (self.files / file).write_text(csv, encoding="utf-8-sig", newline="")  # the mark lets spreadsheets read UTF-8
        self.downloads[file] = about
        return file


def stage_notebook(stage: Stage, notebook: Any, page: str, part: str = "") -> str:
    """Return the whitelisted copy of an accepted notebook as MyST markdown; images and CSVs go to the stage.

    A report may hold several pages: a cell with the tag `part:NAME` begins the one of that name.

    Args:
        stage: where files go.
        notebook: notebook node.
        page: name of the page, for relative links.
        part: which page of the report; the one that begins with its first cell by default. Empty text if there is none.
    """
    parts = []
    current = ""
    for cell in notebook.cells:
        current = next((t.removeprefix(PART) for t in cell.metadata.get("tags", []) if t.startswith(PART)), current)
        if current != part:
            continue
        if cell.cell_type == "markdown":
            parts.append(_without_title(cell.source))
        elif cell.cell_type == "code":
            marked = [o for o in cell.outputs if o.output_type == "display_data" and MARK in o.metadata]
            parts += [_stage_output(stage, o.data, o.metadata[MARK], page) for o in marked]
    return "\n\n".join(p for p in parts if p.strip()) + "\n"


def stage_blocks(stage: Stage, blocks: Iterable[Block], page: str) -> str:
    """Return blocks as MyST markdown; images and CSVs go to the stage."""
    return "\n\n".join(
        _stage_output(stage, bundle, mark, page) for block in blocks for bundle, mark in to_outputs(block)
    )


def raw_html(fragment: str) -> str:
    """Wrap HTML for MyST, in a fence longer than any run of backticks inside."""
    longest = max([2] + [len(run) for run in re.findall(r"`+", fragment)])
    fence = "`" * (longest + 1)
    return f"{fence}{{raw}} html\n{fragment}\n{fence}\n\n"


def plain_title(text: str) -> str:
    """A title without angle brackets: the theme's search shows titles, its own page's among them, without escaping them."""
    return clean(text, 160).translate({ord("<"): "‹", ord(">"): "›"})


def safe_name(text: str) -> str:
    """A file name from a name: letters, digits, - and _ only."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:100] or "file"


def check_fragment(fragment: str) -> str:
    """Return `fragment` if all its tags and attributes are on the list.

    Raises:
        StagingError: one is not.
    """
    if not _PLAIN.fullmatch(fragment):  # the parser takes much longer, and says what is wrong
        _Whitelist().feed(fragment)
    return fragment


def _stage_output(stage: Stage, data: Any, mark: Any, page: str) -> str:
    kind = mark.get("kind")
    up = "../" * page.count("/")
    if kind in ("text", "table"):
        fragment = _link_chapters(check_fragment(_joined(data["text/html"])), stage.chapters, up)
        if kind == "table" and mark.get("name") and mark.get("csv"):
            fragment += _download(stage, mark["name"], mark["csv"], _caption(fragment), up)
        return raw_html(fragment)
    if kind == "figure":
        return raw_html(_figure(stage, data, mark, up))
    return ""


def _figure(stage: Stage, data: Any, mark: Any, up: str) -> str:
    name = safe_name(mark["name"])
    pixels = base64.b64decode(_joined(data["image/png"]), validate=False)
    if pixels[:8] != b"\x89PNG\r\n\x1a\n":
        raise StagingError(f"the figure '{name}' is not a PNG image")
    fault = find_faults(mark.get("alt"), f"{name}.png")
    if fault:
        raise StagingError(f"the figure '{name}' {fault}")
    stage.images.mkdir(parents=True, exist_ok=True)
    (stage.images / f"{name}.png").write_bytes(pixels)
    shown = f"{name}.png"
    if "image/svg+xml" in data:  # a packet of before charts were stored as SVG has the PNG alone
        shown = f"{name}.svg"
        (stage.images / shown).write_text(check_svg(_joined(data["image/svg+xml"]), name), encoding="utf-8")
    width, height = struct.unpack(">II", pixels[16:24])
    title, rest = _first_sentence(mark["caption"])
    source = f'<p class="svd-source">Source: {escape(mark["source"].rstrip("."))}.</p>' if mark.get("source") else ""
    reading = (
        f'<details class="svd-reading"><summary>How to read this chart</summary><p>{escape(mark["reading"])}</p></details>'
        if mark.get("reading")
        else ""
    )
    file = stage.add_download(name, mark["csv"], f"Numbers behind the chart: {title}")
    links = (
        f'<p class="svd-download"><a href="{up}downloads/{file}">Numbers as CSV ({_size(mark["csv"].encode())})</a> '
        f'<a href="{up}_static/figures/{name}.png" download>Picture as PNG ({_size(pixels)})</a></p>'
    )
    return (
        f'<figure class="svd-figure"><figcaption><p class="svd-title">{escape(title)}</p></figcaption>'
        '<div class="svd-picture" role="group" tabindex="0" aria-label="Chart">'
        f'<img src="{up}_static/figures/{shown}" width="{width // 2}" height="{height // 2}" alt="{escape(mark["alt"])}"></div>'
        f'<div class="svd-under">{f"<p>{escape(rest)}</p>" if rest else ""}{source}</div></figure>\n'
        f'<div class="svd-behind">{reading}<details class="svd-numbers"><summary>Numbers behind this chart</summary>'
        f"{check_fragment(mark['table'])}{links}</details></div>"
    )


def check_svg(svg: str, name: str) -> str:
    """Return `svg` if it is a drawing and nothing else: no script, no link, nothing fetched from anywhere.

    Raises:
        StagingError: it is not.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise StagingError(f"the figure '{name}' is not an SVG drawing: {error}") from error
    for element in root.iter():
        tag = element.tag.rsplit("}", 1)[-1]
        values = [(key.rsplit("}", 1)[-1], value) for key, value in element.attrib.items()]
        outside = any(key == "href" and not value.startswith("#") for key, value in values)
        said = " ".join([element.text or "", *(v for _, v in values)])
        fetched = ("@import" in said or "url(" in said) and re.search(r"@import|url\(\s*['\"]?(?!#)", said)
        if tag not in _DRAWING or outside or fetched or any(key.startswith("on") for key, _ in values):
            raise StagingError(f"the figure '{name}' holds <{tag}> that is more than a drawing")
    return svg


def _first_sentence(caption: str) -> tuple[str, str]:
    """A caption as its title and the rest; the end of a sentence is a full stop before a capital letter."""
    title, *rest = re.split(r"(?<=\.)\s+(?=[A-Z])", caption, maxsplit=1)
    return title, rest[0] if rest else ""


def _download(stage: Stage, name: str, csv: str, about: str, up: str) -> str:
    file = stage.add_download(name, csv, about)
    return f'<p class="svd-download"><a href="{up}downloads/{file}">Download {escape(file)} ({_size(csv.encode())})</a></p>'


def _size(content: bytes) -> str:
    return f"{max(1, round(len(content) / 1000))} kB"


def _link_chapters(fragment: str, chapters: set[str], up: str) -> str:
    def link(match: re.Match[str]) -> str:
        plan, text = match.groups()
        return f'<a href="{up}interventions/{safe_name(plan)}.html">{text}</a>' if plan in chapters else text

    return re.sub(r'<span data-chapter="([^"]*)">([^<]*)</span>', link, fragment)


def _caption(fragment: str) -> str:
    found = re.search(r"<caption>(.*?)</caption>", fragment, re.DOTALL)
    return _unescape(found.group(1)) if found else "Table"


def _unescape(text: str) -> str:
    import html

    return html.unescape(text)


def _joined(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _without_title(markdown: str) -> str:
    """Drop the notebook's first-level heading: the page has the intervention's title instead."""
    lines = markdown.splitlines()
    while lines and not lines[0].strip():
        lines.pop(0)
    if lines and re.match(r"#\s", lines[0]):
        lines.pop(0)
    return "\n".join(lines).strip()


class _Whitelist(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wrong = [name for name, _ in attrs if name not in _ATTRIBUTES]
        if tag not in _TAGS or wrong:
            raise StagingError(f"an output holds <{tag} {' '.join(wrong)}>, which is not allowed in the book")

    def handle_decl(self, decl: str) -> None:
        raise StagingError("an output holds a declaration, which is not allowed in the book")

    def handle_comment(self, data: str) -> None:
        raise StagingError("an output holds a comment, which is not allowed in the book")
