"""Where the files that travel with the program are: templates of reports, pages of the book, the shipped example.

In a wheel they lie in `evaluation/_resources/<name>`; in a checkout they are the folders of the same name at the top.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder of shipped files called `name` ("book", "reports", "params").

    Raises:
        FileNotFoundError: the installation is incomplete; the message lists the places searched.
    """
    places = [PACKAGE / "_resources" / name, PACKAGE.parent / name]
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"The folder '{name}' is missing from this installation: looked in {places[0]} and {places[1]}."
    )


def find(path: str | Path) -> Path:
    """Return `path` as it is if it exists, else the shipped file of that name.

    It lets a notebook say `params/example/plans/...` and run from any working folder.

    Raises:
        FileNotFoundError: neither exists.
    """
    given = Path(path).expanduser()
    if given.exists():
        return given.resolve()
    if not given.is_absolute() and len(given.parts) > 1:
        shipped = folder(given.parts[0]).joinpath(*given.parts[1:])
        if shipped.exists():
            return shipped
    raise FileNotFoundError(f"There is no '{path}', neither from {Path.cwd()} nor among the files shipped with svd.")
