"""The public edition: built from the same packets as the internal one, examined, and put in its folder only if nothing is wrong.

A refusal leaves no trace: the folder is made beside its place and appears there in one step.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.errors import InputError, Problem
from evaluation.protocol import load_review
from evaluation.publication import versions, withheld
from evaluation.publication.audit import find_leaks
from evaluation.publication.book import BookRejected, allowed_texts, hash_tree, make_tree, names_of_downloads
from evaluation.publication.edition import Edition, open_edition
from evaluation.writing import swap_folder

MARK = "edition.json"


@dataclass(frozen=True)
class Release:
    """What was published.

    Attributes:
        index: first page.
        report: what was withheld and why, beside the review and not in the public folder.
        sentences: the same in a few lines.
        record: of the edition, for the next one to be compared with; none of a draft.
    """

    index: Path
    report: Path
    sentences: list[str]
    record: Path | None


def publish(review_folder: Path, into: Path, draft: bool = False) -> Release:
    """Make the public folder of a review.

    Args:
        review_folder: the review, evaluated.
        into: the folder to make; empty, not there, or an earlier edition that is then replaced.
        draft: publish what is not signed off or only a draft; every page and document then says DRAFT.

    Raises:
        InputError: the review is not ready to be published, or `into` holds something else.
        BookRejected: the book could not be built, or the examination found something that may not leave.
    """
    edition = open_edition(review_folder, "show" if draft else "leave out", "public")
    if problems := [
        *_not_ready(edition, draft),
        *_occupied(into, edition),
        *versions.find_problems(edition),
        *withheld.find_words(load_review(edition.folder)),
    ]:
        raise InputError(problems)
    account = withheld.account(edition)
    if faults := withheld.find_attacks(account, versions.last_record(edition)):
        raise BookRejected(faults)
    into = into.resolve()
    into.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".svd-publish-", dir=into.parent))
    try:
        html = make_tree(edition, scratch)
        secrets = (str(edition.folder), str(scratch), str(into.parent), str(edition.folder.parent))
        named = (*allowed_texts(edition), *_people(edition))
        leaks = find_leaks(
            html, names_of_downloads(html), named, tuple(s for s in secrets if s.count(os.sep) > 1), thorough=True
        )
        if leaks := [*leaks, *withheld.find_untold(account, html / "downloads")]:
            raise BookRejected(leaks)
        signed = edition.settings.signed_off
        about = {
            "edition": edition.settings.edition,
            "year": edition.settings.year,
            "signed_off": signed.on if signed else None,
        }
        (html / MARK).write_text(json.dumps({**about, "sha256": hash_tree(html)}, indent=1) + "\n", encoding="utf-8")
        html.chmod(0o755)
        swap_folder(html, into, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report = withheld.write_report(account, edition)
    record = None
    if not draft:
        said = replace(versions.record_of(edition), shown=account.shown(), files=about_files(into))
        record = versions.write_record(edition.folder, said)
    return Release(into / "index.html", report, withheld.sentences(account), record)


def about_files(into: Path) -> dict[str, str]:
    """The SHA-256 of every published file, as the folder itself states it."""
    return dict(json.loads((into / MARK).read_text(encoding="utf-8"))["sha256"])


def _not_ready(edition: Edition, draft: bool) -> Iterator[Problem]:
    """Why the review may not be published yet."""
    settings = edition.settings
    if not settings.contact:
        found, remedy = "There is no contact.", "Add `contact:`; the law requires one on public pages."
        yield Problem("review.yaml", "contact", found, remedy)
    if not edition.packets and not edition.failures:
        yield Problem("plans", "", "Nothing has been evaluated.", "Run: svd review.")
    if draft:
        return
    if settings.signed_off is None:
        remedy = "Add `signed_off: {by: ..., role: ..., on: ...}`, or use --draft, which marks every page."
        yield Problem("review.yaml", "signed_off", "The review is not signed off.", remedy)
    for plan in edition.drafts:
        found, remedy = "Only a draft of this plan was run.", "Run: svd review --profile publish; or use --draft."
        yield Problem(f"plans/{plan}.yaml", "", found, remedy)


def _occupied(into: Path, edition: Edition) -> Iterator[Problem]:
    """Why the folder may not be written."""
    if into.is_symlink() or (into.exists() and not into.is_dir()):
        yield Problem(into.name, "", "This is not a folder.", "Name a folder that is not there yet.")
    elif into.is_dir() and any(into.iterdir()) and not (into / MARK).is_file():
        remedy = "Name another: only a folder that svd publish made is replaced."
        yield Problem(into.name, "", "This folder holds something else.", remedy)
    elif edition.folder.is_relative_to(into.resolve()):
        yield Problem(into.name, "", "The review lies inside this folder.", "Name a folder outside the review.")


def _people(edition: Edition) -> Iterator[str]:
    """Names that the review prints on purpose: one of them may also be the name of this computer or of its user."""
    settings = edition.settings
    yield settings.partnership
    yield from (*settings.authors, *settings.authorities)
    yield from (area.name for area in load_review(edition.folder).areas.areas.values())
    if settings.signed_off:
        yield settings.signed_off.by
    for task in settings.quality_assurance:
        yield task.done_by
        if task.checked_by:
            yield task.checked_by
