"""From stored packets to the published book: stage, build, audit, swap. Nothing is computed and nothing is fitted.

The book is built in a folder of its own and put in its place in one step, so that a withdrawn page is really gone and
a failed build leaves the published book as it was.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation import resources
from evaluation.publication import annual, pages
from evaluation.publication.audit import find_leaks
from evaluation.publication.edition import STANDING, Edition, chapter_path, open_edition
from evaluation.publication.notebooks import NotebookRejected, read_accepted, run_notebook
from evaluation.publication.staging import Stage, StagingError, raw_html, safe_name, stage_notebook


class BookRejected(RuntimeError):
    """The book could not be built, or may not be published; `reasons` says why. The old book is still there."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        shown = reasons[:20] + ([f"... and {len(reasons) - 20} more"] if len(reasons) > 20 else [])
        super().__init__("The book was not published:\n" + "\n".join(f"  {r}" for r in shown))


def build_book(review_folder: Path | str, allow_draft: bool = False) -> Path:
    """Build the book of a review from its stored packets and return its first page.

    Args:
        review_folder: the review.
        allow_draft: show drafts too; every page then says DRAFT.

    Raises:
        InputError: the review's files have faults.
        BookRejected: a report was not accepted, the build failed, or the audit found something.
    """
    drafts = "show" if allow_draft else "leave out"
    edition = open_edition(review_folder, drafts)
    build = edition.folder / "_build"
    build.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".book-", dir=build))
    try:
        stage = Stage(scratch / "staging")
        _stage(stage, edition, drafts, scratch)
        _run_sphinx(stage.folder, scratch)
        html = scratch / "html"
        for leftover in ("_sources", ".buildinfo", "objects.inv"):
            place = html / leftover
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        contact = (edition.settings.contact,) if edition.settings.contact else ()
        leaks = find_leaks(html, set(stage.downloads), contact, (str(edition.folder), str(scratch)))
        if leaks:
            raise BookRejected(leaks)
        _write_manifest(html, build / "book-manifest.json")
        _swap(html, build / "html", scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return build / "html" / "index.html"


def _stage(stage: Stage, edition: Edition, drafts: str, scratch: Path) -> None:
    source = resources.folder("book")
    for name in ("_static", "_templates"):
        shutil.copytree(source / name, stage.folder / name)
    (stage.folder / "_extra").mkdir()
    stage.chapters = {*edition.packets, *edition.failures}
    try:
        chapters = [_stage_chapter(stage, edition, plan_id) for plan_id in edition.titles if plan_id in stage.chapters]
        template = resources.folder("reports") / "annual_review.ipynb"
        place = run_notebook(
            template,
            {"review_path": str(edition.folder), "drafts": drafts},
            scratch / "annual_review.ipynb",
            annual.edition_key(edition),
        )
        told = read_accepted(place)
        stage.add_page("index", edition.settings.title, stage_notebook(stage, told, "index"), wide=True)
        compared = stage_notebook(stage, told, "compared", "compared")
        standing = [stage.add_page("compared", "The interventions compared", compared, wide=True)]
        standing += _stage_standing(stage, edition)
        about = pages.stage_pages(stage, edition, source)
    except (NotebookRejected, StagingError) as error:
        raise BookRejected([str(error)]) from error
    _write_configuration(stage.folder, edition, source, standing, chapters, about)


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


def _write_configuration(
    folder: Path, edition: Edition, source: Path, standing: list[str], chapters: list[str], about: list[Any]
) -> None:
    """Write `_config.yml`, `_toc.yml` (what a jupyter-book has) and the `conf.py` that Sphinx reads."""
    import yaml

    settings = edition.settings
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    title = settings.title if settings.year in settings.title else f"{settings.title}, {settings.year}"
    config |= {
        "title": title,
        "author": ", ".join(settings.authors) or settings.partnership,
        "copyright": f"{datetime.now(UTC).year} {settings.partnership}",
    }
    sphinx = config["sphinx"]["config"]
    sphinx["html_context"] = {
        **sphinx.get("html_context", {}),
        "svd_banners": _banners(edition),
        "svd_partnership": settings.partnership,
    }
    parts: list[dict[str, Any]] = []
    if standing:
        parts.append({"caption": "The year", "chapters": [{"file": name} for name in standing]})
    if chapters:
        parts.append({"caption": "Interventions", "chapters": [{"file": name} for name in chapters]})
    parts.append({"caption": "About this review", "chapters": about})
    annexes = [
        {"file": name}
        for plan in chapters
        if (folder / f"{(name := plan.replace('interventions/', 'annexes/', 1))}.md").is_file()
    ]
    if annexes:
        parts.append({"caption": "For the evaluator", "chapters": annexes})
    toc = {"format": "jb-book", "root": "index", "parts": parts}
    (folder / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False, allow_unicode=True), encoding="utf-8")
    names = {
        "project": config["title"],
        "author": config["author"],
        "copyright": config["copyright"],
        "html_title": config["title"],
    }
    lines = [f"{key} = {value!r}" for key, value in {**names, **sphinx}.items()]
    (folder / "conf.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _banners(edition: Edition) -> list[str]:
    banners = []
    if edition.settings.simulated:
        banners.append("SIMULATED data: every count is made up. No number here says anything about a real place.")
    if edition.holds_draft:
        banners.append("DRAFT: quick runs whose numbers cannot be relied on. Not for publication.")
    if edition.settings.signed_off is None:
        banners.append("DRAFT: not signed off. See the page on quality assurance.")
    return banners


def _run_sphinx(staging: Path, scratch: Path) -> None:
    # In a process of its own: Sphinx keeps global state, and would bring its modules into a long run.
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-E",
        "-q",
        "-d",
        str(scratch / "doctrees"),
        "-b",
        "html",
        str(staging),
        str(scratch / "html"),
    ]
    environment = {**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr + done.stdout).replace(str(staging) + os.sep, "").replace(str(scratch), "")
        raise BookRejected(
            [line for line in said.splitlines() if line.strip()] or [f"sphinx ended with {done.returncode}"]
        )


def _write_manifest(html: Path, path: Path) -> None:
    """Record the SHA-256 of every published file, beside the book and not in it."""
    files = {
        p.relative_to(html).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(html.rglob("*"))
        if p.is_file()
    }
    path.write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


def _swap(new: Path, place: Path, scratch: Path) -> None:
    """Put the new tree in its place; bring the old one back if that fails."""
    old = scratch / "old"
    if place.exists():
        os.replace(place, old)
    try:
        os.replace(new, place)
    except OSError:
        if old.exists():
            os.replace(old, place)
        raise
