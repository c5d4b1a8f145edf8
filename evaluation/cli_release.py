"""The commands by which a review leaves the building: publish, pdf, preview."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

ReviewFolder = Annotated[
    Path | None, typer.Argument(help="A review folder. Default: the shipped example.", show_default=False)
]


@app.command(epilog="Example: svd publish my-review --into public/2025-26")
def publish(
    into: Annotated[Path, typer.Option(help="The folder to make; only an earlier edition in it is replaced.")],
    review: ReviewFolder = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Publish what is not signed off, marked DRAFT throughout.")
    ] = False,
) -> None:
    """Make the folder that may go on the internet, and a report of what was withheld; refuse if anything may not leave."""
    from evaluation import cli
    from evaluation.errors import InputError
    from evaluation.publication import release
    from evaluation.publication.book import BookRejected

    try:
        made = release.publish(cli.locate(review), into, draft)
    except InputError as error:
        cli.list_problems(error)
    except BookRejected as error:
        for reason in error.reasons:
            typer.echo(f"refused: {reason}", err=True)
        typer.echo(f"Not published: {cli.count(len(error.reasons), 'fault')}. Nothing was written to {into}.", err=True)
        raise typer.Exit(1) from None
    for line in made.sentences:
        typer.echo(line)
    typer.echo(f"What was withheld and why: {made.report}")
    if made.record:
        typer.echo(f"Keep with the review: {made.record}")
    typer.echo(f"Open {made.index}")


@app.command(epilog="Example: svd pdf my-review --into board-pack")
def pdf(
    review: ReviewFolder = None,
    into: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path("svd-pdf"),
    draft: Annotated[bool, typer.Option("--draft", help="Mark the pages DRAFT, and show draft findings.")] = False,
) -> None:
    """Write the board's report and the one-page summary as PDF, from the book as it was last built."""
    from evaluation import cli
    from evaluation.errors import InputError
    from evaluation.publication import pdf as documents
    from evaluation.publication.edition import open_edition

    folder = cli.locate(review)
    html = folder / "_build" / "html"
    if not (html / "index.html").is_file():
        cli.refuse(f"{folder} holds no book yet.", "Run svd review or svd book first.")
    try:
        edition = open_edition(folder, "show" if draft else "leave out")
        for write, name in ((documents.write_board, documents.BOARD), (documents.write_one_page, documents.ONE_PAGE)):
            typer.echo(str(write(html, edition, into / name)))
    except InputError as error:
        cli.list_problems(error)
    except documents.PdfUnavailable as error:
        cli.refuse(str(error), "Nothing was written.")


@app.command(epilog="Example: svd preview my-review --port 8000")
def preview(
    review: ReviewFolder = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on this computer; 0 takes any that is free.")
    ] = 8000,
    draft: Annotated[bool, typer.Option("--draft", help="Show draft findings, marked as drafts.")] = False,
) -> None:
    """Show the book in a browser on this computer only, and build it again when plans, pages or packets change."""
    from evaluation import cli
    from evaluation.errors import InputError
    from evaluation.publication import preview as shown

    try:
        shown.preview(cli.locate(review), port, draft, cli.tell)
    except InputError as error:
        cli.list_problems(error)
    except OSError as error:
        cli.refuse(f"Port {port} cannot be used ({error.strerror}).", "Name another with --port, or use --port 0.")
