"""Commands on the built book: accessibility."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

ReviewFolder = Annotated[
    Path | None, typer.Argument(help="A review folder. Default: the shipped example.", show_default=False)
]
SHOWN = 40


@app.command(epilog="Example: svd accessibility my-review")
def accessibility(review: ReviewFolder = None) -> None:
    """Open every page of the built book in a browser, at three widths, light and dark, and report what keeps readers out.

    Needs Chromium and the extra `accessibility`. Exit 1 when something was found. The result is kept for the
    accessibility statement; `svd book` puts it there.
    """
    from evaluation import cli
    from evaluation.errors import InputError
    from evaluation.publication import accessibility as access
    from evaluation.publication.annual import edition_key
    from evaluation.publication.browser import BrowserMissing
    from evaluation.publication.edition import open_edition

    folder = cli.locate(review)
    html = folder / "_build" / "html"
    if not (html / "index.html").is_file():
        cli.refuse(f"{folder} has no built book.", "Run svd review or svd book first.")
    place = access.result_path(folder)
    try:
        with cli.news(quiet=False) as progress:
            key = edition_key(open_edition(folder))
            found = access.inspect_book(
                html,
                key,
                outlines=place.parent / "as_read",
                tell=lambda done, all_: progress.advance("pages", done, all_),
            )
    except InputError as error:
        cli.list_problems(error)
    except BrowserMissing as missing:
        cli.refuse(str(missing), "Nothing was looked at.")
    access.store_inspection(found, place)
    for fault in found.faults[:SHOWN]:
        cli.tell(f"found: {fault}")
    if len(found.faults) > SHOWN:
        cli.tell(f"... and {len(found.faults) - SHOWN} more; all are in {place}")
    widths = ", ".join(map(str, found.widths))
    cli.tell(
        f"{cli.count(len(found.faults), 'fault')} on {cli.count(found.pages, 'page')} at {widths} px "
        f"(axe-core {found.axe}, Chromium {found.browser}). `svd book` puts this into the accessibility statement."
    )
    if found.faults:
        raise typer.Exit(1)
