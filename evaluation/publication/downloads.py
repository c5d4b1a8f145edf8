"""What readers may take away: workbooks, documents and one CSV for every table and chart; all of them as the pages show it."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evaluation.protocol import load_review
from evaluation.publication.disclosure import NOT_AVAILABLE, SHORTHAND, clean, escape
from evaluation.publication.edition import Edition
from evaluation.publication.spreadsheet import Cell, Sheet, Workbook, write_workbook
from evaluation.publication.staging import Stage, raw_html
from evaluation.publication.versions import data_to

NOT_APPLICABLE = "[z]"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_INDICATORS = ("board-", "monitor-", "data-quality", "coverage-", "provisional", "revised", "delivery-")
# File, title, and which tables it holds, in this order; a table goes to the first that takes it.
_BOOKS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("findings", "Findings", lambda name: name in ("findings", "forest", "portfolio", "money", "truth", "corrections")),
    ("indicators", "Indicators as they are shown", lambda name: name.startswith(_INDICATORS)),
    ("needs", "Needs assessment", lambda name: name.startswith("needs-")),
    ("methods", "How the method was tested", lambda name: name.startswith(("calibration", "power-", "portfolio-study", "false-alarms", "ranks"))),
)  # fmt: skip


def add_workbooks(stage: Stage, edition: Edition) -> dict[str, str]:
    """Write every staged table into a workbook as well: file name -> what it holds."""
    areas = {code: area.name for code, area in load_review(edition.folder).areas.areas.items()}
    left = {Path(file).stem: about for file, about in stage.downloads.items()}
    chapters = [
        (plan, clean(title), lambda name, plan=plan: name.startswith((f"{plan}-", f"looks-{plan}", f"stopping-{plan}")))
        for plan, title in edition.titles.items()
    ]
    made: dict[str, str] = {}
    cover, notes = _cover(edition), _notes()
    for file, title, takes in (*_BOOKS, *chapters, ("other-tables", "Other tables", lambda name: True)):
        taken = {name: about for name, about in left.items() if takes(name)}
        left = {name: about for name, about in left.items() if name not in taken}
        if not taken:
            continue
        sheets = _sheets(taken, stage.files, areas)
        book = Workbook(
            f"{title}: {clean(edition.settings.title)}",
            clean(edition.settings.partnership),
            cover,
            notes,
            sheets,
        )
        write_workbook(stage.files / f"{file}.ods", book)
        made[f"{file}.ods"] = f"{title} ({len(sheets)} {'table' if len(sheets) == 1 else 'tables'})"
    return made


def downloads_page(stage: Stage, edition: Edition, documents: Sequence[tuple[str, str]] = (), note: str = "") -> str:
    """The page of downloads as MyST markdown: documents, workbooks, then each table as CSV.

    Args:
        stage: where the files are.
        edition: what is shown.
        documents: file name and what it is, of documents that are made from the finished pages.
        note: why there are none.
    """
    books = add_workbooks(stage, edition)
    intro = (
        "Everything here is under the same disclosure control as the pages. Text that a spreadsheet would take for a formula has a "
        "leading apostrophe.\n\n"
    )
    parts = []
    if documents:
        parts.append(_listed("Documents for print and meetings (PDF)", documents, None))
    elif note:
        parts.append(f"<p>{escape(note)}</p>")
    parts.append(_listed("Workbooks (ODS), with a cover, contents and notes", books.items(), stage.files))
    tables = _listed("Every table and chart on its own (CSV)", stage.downloads.items(), stage.files)
    parts.append(
        f'<details class="svd-numbers"><summary>Every table and chart on its own: {len(stage.downloads)} CSV files</summary>{tables}</details>'
    )
    return intro + "".join(raw_html(part) for part in parts)


def _listed(caption: str, files: Iterable[tuple[str, str]], folder: Path | None) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="downloads/{escape(file)}">{escape(file)}</a></th><td>{escape(about)}</td>'
        + (f'<td class="number">{max(1, round((folder / file).stat().st_size / 1000))} kB</td>' if folder else "")
        + "</tr>"
        for file, about in files
    )
    size = '<th scope="col">Size</th>' if folder else ""
    head = f'<thead><tr><th scope="col">File</th><th scope="col">What it holds</th>{size}</tr></thead>'
    return (
        f'<div class="svd-table" role="region" tabindex="0" aria-label="{escape(caption)}"><table><caption>{escape(caption)}</caption>'
        f"{head}<tbody>{rows}</tbody></table></div>"
    )


def _sheets(taken: dict[str, str], folder: Path, areas: dict[str, str]) -> list[Sheet]:
    """A sheet for each table; the charts of one indicator by area become one long table."""
    together: dict[tuple[str, tuple[str, ...]], list[tuple[str, list[list[Cell]], str]]] = {}
    for name, about in taken.items():
        header, rows = read_table(folder / f"{name}.csv")
        series = re.fullmatch(r"(monitor-[a-z0-9_]+)-(.+)", name)
        key = (series[1] if series else name, tuple(header))
        together.setdefault(key, []).append((series[2] if series else "", rows, about))
    sheets = []
    for (name, columns), parts in together.items():
        if len(parts) == 1:
            _, rows, about = parts[0]
            sheets.append(Sheet(name, clean(about), columns, rows))
            continue
        rows = [[_area(code, areas), *row] for code, part, _ in parts for row in part]
        title = parts[0][2].removeprefix("Numbers behind the chart: ").split(",")[0]
        sheets.append(Sheet(name, f"{clean(title)}: every area, period by period", ["Area", *columns], rows))
    return sheets


def read_table(path: Path) -> tuple[list[str], list[list[Cell]]]:
    """Read a CSV of ours: its header and its rows, numbers as numbers, and a sign where a cell is empty."""
    header, *lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    numeric = [any(_NUMBER.fullmatch(line[i]) for line in lines) for i in range(len(header))]
    blank = [NOT_AVAILABLE if is_number else NOT_APPLICABLE for is_number in numeric]
    return header, [[_value(cell, blank[i]) for i, cell in enumerate(line)] for line in lines]


def _value(text: str, blank: str) -> Cell:
    if not text.strip():
        return blank
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("-").isdigit() and len(text) < 16 else float(text)


def _area(code: str, areas: dict[str, str]) -> str:
    return "All areas together" if code == "all" else clean(areas.get(code, code))


def _cover(edition: Edition) -> list[str]:
    settings = edition.settings
    signed = settings.signed_off
    lines = [
        f"Published by {clean(settings.partnership)}. Edition {settings.edition} of the {clean(settings.year)} review.",
        f"Signed off by {clean(signed.by)}, {clean(signed.role)}, on {clean(signed.on)}."
        if signed
        else "DRAFT: not signed off.",
        f"Data up to {data_to(edition)}." if data_to(edition) else "Nothing was evaluated.",
    ]
    if settings.simulated:
        lines.insert(0, "SIMULATED data: every count is made up.")
    if edition.holds_draft:
        lines.insert(0, "DRAFT: quick runs whose numbers cannot be relied on. Not for publication.")
    if settings.contact:
        lines.append(f"Questions: {clean(settings.contact)}")
    return [*lines, "The sheet Contents lists the tables. The sheet Notes explains the signs in them."]


def _notes() -> list[tuple[str, str]]:
    return [
        *SHORTHAND.items(),
        (NOT_APPLICABLE, "not applicable, or nothing to say"),
        ("leading apostrophe", "the text begins with a sign by which a spreadsheet would take it for a formula"),
        (
            "recorded counts",
            "under disclosure control: 1 to 7 withheld, others rounded to 5, unless the figures are already public",
        ),
        ("estimates", "results of models; ranges are credible intervals, see the page on methods"),
    ]
