"""From stored packets to the published book: stage, build, audit, swap. Nothing is computed and nothing is fitted.

The book is built in a folder of its own and put in its place in one step, so that a withdrawn page is really gone and
a failed build leaves the published book as it was.
"""

import hashlib
import json
import platform
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evaluation import resources
from evaluation.errors import PlainFailure
from evaluation.publication import annual, pages, pdf, status, versions
from evaluation.publication.audit import find_leaks
from evaluation.publication.builder import (
    BuildFailed,
    Sources,
    Standing,
    build_pages,
    outlines,
    read_sources,
    write_sources,
)
from evaluation.publication.configuration import write_configuration
from evaluation.publication.edition import STANDING, Edition, chapter_path, open_edition
from evaluation.publication.kernels import WarmKernel
from evaluation.publication.notebooks import NotebookRejected, read_accepted, run_notebook
from evaluation.publication.staging import (
    Stage,
    StagingError,
    raw_html,
    safe_name,
    stage_blocks,
    stage_notebook,
)
from evaluation.writing import swap_folder, write_whole

_BUILDERS = (
    "sphinx", "docutils", "sphinx-external-toc", "myst-nb", "myst-parser", "markdown-it-py", "mdit-py-plugins", "jinja2", "pygments",
    "babel", "beautifulsoup4", "snowballstemmer", "sphinx-book-theme", "pydata-sphinx-theme", "weasyprint",
)  # fmt: skip


class BookRejected(PlainFailure):
    """The book could not be built, or may not be published; `reasons` says why. The old book is still there."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        shown = reasons[:20] + ([f"... and {len(reasons) - 20} more"] if len(reasons) > 20 else [])
        super().__init__("The book was not published:\n" + "\n".join(f"  {r}" for r in shown))


def build_book(
    review_folder: Path | str, allow_draft: bool = False, documents: bool = True, kernel: WarmKernel | None = None
) -> Path:
    """Build the internal book of a review from its stored packets and return its first page.

    Args:
        review_folder: the review.
        allow_draft: show drafts too; every page then says DRAFT.
        documents: make the PDFs as well, where this computer can.
        kernel: to tell the review's own report in; one of its own if None.

    Raises:
        InputError: the review's files have faults.
        BookRejected: a report was not accepted, the build failed, or the audit found something.
    """
    edition = open_edition(review_folder, "show" if allow_draft else "leave out")
    build = edition.folder / "_build"
    build.mkdir(exist_ok=True)
    manifest, mark, kept = (build / name for name in ("book-manifest.json", "book.key", "book-sources.json"))
    inputs, stored = _inputs_key(edition, documents), _stored_keys(build / "html", manifest, mark)
    if inputs in stored:
        return build / "html" / "index.html"
    scratch = Path(tempfile.mkdtemp(prefix=".book-", dir=build))
    try:
        stage, why_no_pdf = stage_tree(edition, scratch, documents, kernel)
        sources = _sources(edition, stage.folder, why_no_pdf)
        if sources.key not in stored:
            before = read_sources(kept)
            standing = Standing(build / "html", before) if before and before.key in stored else None
            leaks: list[str] = []

            def audit(html: Path, only: set[str] | None = None) -> None:
                private = (str(edition.folder), str(scratch))
                leaks.extend(find_leaks(html, names_of_downloads(html), allowed_texts(edition), private, only=only))

            html = build_tree(edition, scratch, stage, why_no_pdf, audit, sources, standing)
            audit(html, {pdf.BOARD, pdf.ONE_PAGE})
            if leaks:
                raise BookRejected(leaks)
            mark.unlink(missing_ok=True)
            write_whole(manifest, json.dumps(hash_tree(html), indent=1) + "\n")
            write_sources(kept, sources)
            swap_folder(html, build / "html", scratch)
        write_whole(mark, f"{inputs} {sources.key}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return build / "html" / "index.html"


def prepare_book() -> None:
    """Do ahead what every book needs and no packet changes: read in what writes the PDFs, draw how the method was tested."""
    pdf.why_unavailable()
    pages.method_blocks()


def make_tree(edition: Edition, scratch: Path) -> Path:
    """Stage and build: :func:`stage_tree`, then :func:`build_tree`."""
    return build_tree(edition, scratch, *stage_tree(edition, scratch))


def names_of_downloads(html: Path) -> set[str]:
    """The names of the files that are meant to be in a built tree's `downloads`."""
    return {path.name for path in (html / "downloads").iterdir()}


def stage_tree(
    edition: Edition, scratch: Path, documents: bool = True, kernel: WarmKernel | None = None
) -> tuple[Stage, str]:
    """Lay out in a scratch folder what the builder will read.

    Args:
        edition: what is shown, and to whom.
        scratch: an empty folder.
        documents: make the PDFs as well, where this computer can.
        kernel: to tell the review's own report in; one of its own if None.

    Returns:
        The stage, and why there will be no PDFs (empty: there will).

    Raises:
        BookRejected: a report was not accepted.
    """
    why_no_pdf = pdf.why_unavailable() if documents else "The PDFs were not made this time; svd book makes them."
    stage = Stage(scratch / "staging")
    _stage(stage, edition, why_no_pdf, kernel)
    return stage, why_no_pdf


def build_tree(
    edition: Edition,
    scratch: Path,
    stage: Stage,
    why_no_pdf: str,
    meanwhile: Callable[[Path], None] = lambda html: None,
    sources: Sources | None = None,
    standing: Standing | None = None,
) -> Path:
    """Build the pages and files of a stage beside it.

    Args:
        edition: what is shown.
        scratch: the folder to build in.
        stage: what :func:`stage_tree` laid out.
        why_no_pdf: why there will be no PDFs; empty if there will.
        meanwhile: what to do with the pages while the PDFs are made from them; it must leave them as they are.
        sources: of the stage, as they will be kept.
        standing: the book that stands, whose pages may be taken over.

    Returns:
        The built tree.

    Raises:
        BookRejected: the build failed.
    """
    try:
        if why_no_pdf:
            html = build_pages(stage.folder, scratch, sources, standing)
            meanwhile(html)
            return html
        with pdf.written_beside(edition, scratch / "documents") as begin:
            html = build_pages(stage.folder, scratch, sources, standing)
            written = begin(html)
            meanwhile(html)
            for path in written():
                path.replace(html / "downloads" / path.name)
    except BuildFailed as error:
        raise BookRejected(error.reasons) from error
    except BrokenProcessPool as error:
        reason = "A process that made a PDF died, most often because the computer has too little memory."
        raise BookRejected([reason]) from error
    return html


def _sources(edition: Edition, staging: Path, why_no_pdf: str) -> Sources:
    """What a tree will be made from, under a key of everything it follows from: what was staged, the settings and the style
    that the PDFs read besides, our own code, the builder's versions.
    """
    maker = hashlib.sha256(repr(_builder_versions()).encode())
    style = resources.folder("book") / "print.css"
    for path in (style, *sorted((resources.PACKAGE / "publication").rglob("*.py"))):
        maker.update(path.read_bytes().replace(b"\r\n", b"\n"))
    files = hash_tree(staging)
    told = json.dumps([maker.hexdigest(), files, why_no_pdf, repr(edition.settings)])
    return Sources(hashlib.sha256(told.encode()).hexdigest(), maker.hexdigest(), files, outlines(staging))


def _inputs_key(edition: Edition, documents: bool) -> str:
    """Fingerprint of everything that a book could be staged from: the review's files, what was computed for it, the archive of
    the year before, our own code and pages, and the day, which pages tell.

    More than a book follows from, so that it never misses a change; what it does not notice need not be staged again.
    """
    build = edition.folder / "_build"
    places = [place for place in edition.folder.iterdir() if place != build and not place.name.startswith(".")]
    places += [build / name for name in ("packets", "failures", "chapters", "feasibility", "accessibility")]
    places += [resources.PACKAGE, resources.folder("book"), resources.folder("reports")]
    if edition.settings.previous:
        places.append(edition.folder / edition.settings.previous)
    told = (f"{datetime.now(UTC):%Y-%m-%d}", edition.allow_draft, documents, pdf.why_unavailable() if documents else "")
    digest = hashlib.sha256(repr((*told, _builder_versions())).encode())
    for place in sorted(places):
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _builder_versions() -> list[str]:
    found = [platform.python_version()]
    for name in _BUILDERS:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return found


def _stored_keys(html: Path, manifest: Path, mark: Path) -> list[str]:
    """The keys of the book in place, of its inputs and of its stage; none if a file of it has been touched since."""
    try:
        untouched = json.loads(manifest.read_text(encoding="utf-8")) == hash_tree(html)
        return mark.read_text(encoding="utf-8").split() if untouched else []
    except (OSError, ValueError):
        return []


def allowed_texts(edition: Edition) -> tuple[str, ...]:
    """What may appear although it looks like an address: the contact."""
    return (edition.settings.contact,) if edition.settings.contact else ()


def _stage(stage: Stage, edition: Edition, why_no_pdf: str, kernel: WarmKernel | None) -> None:
    source = resources.folder("book")
    for name in ("_static", "_templates"):
        shutil.copytree(source / name, stage.folder / name)
    (stage.folder / "_extra").mkdir()
    stage.chapters = {*edition.packets, *edition.failures}
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:  # the report runs in a process of its own
            report = beside.submit(_annual_report, edition, kernel)
            chapters = [_stage_chapter(stage, edition, plan) for plan in edition.titles if plan in stage.chapters]
            of_chapters = dict(stage.downloads)
            standing = _stage_standing(stage, edition)
            about = [versions.stage_editions(stage, edition), *pages.stage_pages(stage, edition, source)]
            told = read_accepted(report.result())
        others, stage.downloads = stage.downloads, of_chapters  # in the order of the pages, whatever was staged first
        body = versions.front(edition) + stage_notebook(stage, told, "index")
        stage.add_page("index", edition.settings.title, body, wide=True)
        compared = stage_notebook(stage, told, "compared", "compared")
        standing.insert(0, stage.add_page("compared", "The interventions compared", compared, wide=True))
        stage.downloads |= others
        pages.stage_downloads(stage, edition, why_no_pdf)
        if edition.audience == "internal":
            blocks = stage_blocks(stage, status.status_blocks(edition), "status")
            about.append({"file": stage.add_page("status", status.TITLE, blocks, wide=True)})
    except (NotebookRejected, StagingError) as error:
        raise BookRejected([str(error)]) from error
    write_configuration(stage.folder, edition, source, standing, chapters, about)


def _annual_report(edition: Edition, kernel: WarmKernel | None) -> Path:
    """The review's own report, run, or found where nothing that it tells has changed."""
    template = resources.folder("reports") / "annual_review.ipynb"
    place = edition.folder / "_build" / "notebooks" / "annual_review.ipynb"
    mark = place.with_suffix(".key")
    key = _annual_key(edition, template)
    if not (place.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == key):
        drafts = "show" if edition.allow_draft else "leave out"
        mark.unlink(missing_ok=True)
        parameters = {"review_path": str(edition.folder), "drafts": drafts}
        run_notebook(template, parameters, place, annual.edition_key(edition), kernel=kernel)
        write_whole(mark, key)
    if kernel is not None:
        kernel.drop()  # what follows needs the memory
    return place


def _annual_key(edition: Edition, template: Path) -> str:
    """Fingerprint of everything that the review's own report follows from: packets, the review's files, our own code."""
    digest = hashlib.sha256(f"{annual.edition_key(edition)}|{edition.allow_draft}|{edition.folder}".encode())
    own = [*edition.folder.glob("*.yaml"), *edition.folder.glob("*.csv"), *(edition.folder / "plans").glob("*")]
    if edition.settings.previous:
        own.append(edition.folder / edition.settings.previous)
    code = [
        p
        for room in ("publication", "judgement", "inference", "protocol")
        for p in (resources.PACKAGE / room).rglob("*.py")
    ]
    for path in sorted((template, *own, *code)):
        digest.update(path.name.encode() + path.read_bytes() if path.is_file() else path.name.encode())
    return digest.hexdigest()


def _stage_standing(stage: Stage, edition: Edition) -> list[str]:
    """The chapters that every review has besides its interventions, as far as they were made."""
    pages_made = []
    for name, title in STANDING.items():
        place = chapter_path(edition.folder, name)
        if place.is_file():
            body = stage_notebook(stage, read_accepted(place), safe_name(name))
            pages_made.append(stage.add_page(safe_name(name), title, body, wide=True))
    return pages_made


def _stage_chapter(stage: Stage, edition: Edition, plan_id: str) -> str:
    name = f"interventions/{safe_name(plan_id)}"
    failure = edition.failures.get(plan_id)
    if failure is not None:
        return stage.add_page(name, edition.titles[plan_id], pages.failed_chapter(failure))
    packet = edition.packets[plan_id]
    if packet.notebook is None:
        raise BookRejected([f"{packet.path.name} of '{plan_id}' holds no report; run the plan again."])
    annex = f"annexes/{safe_name(plan_id)}"
    try:
        report = read_accepted(packet.notebook, packet.run.get("key"))
        body = stage_notebook(stage, report, name)
        detail = stage_notebook(stage, report, annex, "annex")
    except (NotebookRejected, StagingError) as error:
        raise BookRejected([f"The chapter of '{plan_id}': {error}"]) from error
    if detail.strip():
        back = f"For those who must judge the finding. The [chapter](../{name}.md) says what was found.\n\n"
        stage.add_page(annex, f"Annex: {packet.title}", back + detail)
        body += f"\nThe [evaluator's annex](../{annex}.md) holds every check, the model and the computation.\n"
    if plan_id in edition.changed:
        note = '<p class="svd-warning">The plan was changed after this evaluation was run; the chapter tells the plan that was run.</p>'
        body = raw_html(note) + body
    return stage.add_page(name, packet.title, body)


def hash_tree(html: Path) -> dict[str, str]:
    """The SHA-256 of every file of a tree, by its path in it."""
    return {
        p.relative_to(html).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(html.rglob("*"))
        if p.is_file()
    }
