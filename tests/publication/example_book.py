"""The shipped example's built book, where there is one that the present code made."""

from pathlib import Path

import pytest

from evaluation import publication, resources

BOOK = resources.folder("params") / "example" / "_build" / "html"


def why_not() -> str:
    """Why the book cannot be looked at; empty if it can."""
    first = BOOK / "index.html"
    if not first.is_file():
        return "the example's book is not built: run svd review"
    sources = [*Path(publication.__file__).parent.glob("*.py"), *resources.folder("book").rglob("*.css")]
    if first.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        return "the example's book is older than the code that makes it: run svd review"
    return ""


needs_book = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it is there")
