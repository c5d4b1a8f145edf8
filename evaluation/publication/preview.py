"""The book on this computer only, made again when something changes.

The server listens on 127.0.0.1, answers only requests made to that name, and serves files of the built book and nothing else. A
watcher looks at the times and sizes of what the book is made from, once a second: it needs no library and works on network drives.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from evaluation import resources
from evaluation.errors import InputError
from evaluation.publication.book import BookRejected, build_book

HOST = "127.0.0.1"
EVERY = 1.0  # seconds between looks
_NAMES = {HOST, "localhost"}
Stamp = dict[str, tuple[int, int]]


class BookServer(ThreadingHTTPServer):
    """Serves the built book of one review on loopback.

    Args:
        html: the built book; it may be replaced while it is served.
        port: to listen on; 0 for any that is free.

    Raises:
        OSError: the port is in use.
    """

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, html: Path, port: int) -> None:
        super().__init__((HOST, port), partial(_Reader, directory=str(html)))

    @property
    def address(self) -> str:
        """Where the book is."""
        return f"http://{HOST}:{self.server_address[1]}/"


class _Reader(SimpleHTTPRequestHandler):
    """Answers GET and HEAD with a file of the book."""

    def send_head(self):  # type: ignore[no-untyped-def]
        """Refuse what is not asked of this computer by its own name, and what lies outside the book."""
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if host not in _NAMES:  # a page elsewhere that points its name at this computer
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "Only this computer may read the preview")
            return None
        asked = unquote(urlsplit(self.path).path)
        root = Path(self.directory).resolve()
        place = Path(self.translate_path(self.path)).resolve()
        if ".." in asked.replace("\\", "/").split("/") or not place.is_relative_to(root):
            self.send_error(HTTPStatus.FORBIDDEN, "Outside the book")
            return None
        return super().send_head()

    def list_directory(self, path: object) -> None:
        """No folder is listed."""
        self.send_error(HTTPStatus.NOT_FOUND, "There is no such page")

    def end_headers(self) -> None:
        """Nothing is kept by the browser, so that a reload shows what was made last."""
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of single requests."""


def watched(review: Path) -> Stamp:
    """Time and size of every file that the book is made from: the review's files, its packets and chapters, the static pages."""
    build = review / "_build"
    places = [
        *review.glob("*.yaml"), *review.glob("*.csv"), *review.glob("*.json"), *(review / "plans").glob("*"), *(review / "published").glob("*.json"),
        *(build / "packets").glob("*/*/run.json"), *(build / "chapters").glob("*"), *(build / "failures").glob("*.json"),
        *(p for p in resources.folder("book").rglob("*") if p.suffix in (".md", ".yml", ".css", ".js", ".html", ".csv")),
        resources.folder("reports") / "annual_review.ipynb",
    ]  # fmt: skip
    found: Stamp = {}
    for path in places:
        try:
            about = path.stat()
        except OSError:  # gone since it was listed
            continue
        found[str(path)] = (about.st_mtime_ns, about.st_size)
    return found


def changes(before: Stamp, now: Stamp) -> list[str]:
    """Names of the files that came, went or changed."""
    return sorted({Path(path).name for path in before.keys() | now.keys() if before.get(path) != now.get(path)})


def preview(
    review: Path,
    port: int,
    allow_draft: bool,
    tell: Callable[[str], None],
    stop: threading.Event | None = None,
    build: Callable[..., Path] = build_book,
) -> None:
    """Serve the book of a review and make it again when something changes, until `stop` is set or Ctrl-C is pressed.

    Args:
        review: the review folder.
        port: to listen on; 0 for any that is free.
        allow_draft: show draft findings.
        tell: takes a line of news.
        stop: ends the preview.
        build: makes the book.

    Raises:
        InputError: the review's files have faults and there is no earlier book to show.
        BookRejected: the book cannot be built and there is no earlier one to show.
        OSError: the port is in use.
    """
    stop = stop or threading.Event()
    html = (review / "_build" / "html").resolve()
    seen = watched(review)
    if not (html / "index.html").is_file():
        tell("Building the book.")
        build(review, allow_draft, documents=False)
    with BookServer(html, port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            tell(f"{server.address} (Ctrl-C ends it)")
            while not stop.wait(EVERY):
                now = watched(review)
                changed = changes(seen, now)
                if not changed:
                    continue
                seen = now
                tell(f"Changed: {', '.join(changed[:3])}{' and more' if len(changed) > 3 else ''}. Building the book.")
                began = time.monotonic()
                try:
                    build(review, allow_draft, documents=False)
                except (InputError, BookRejected) as error:
                    tell(f"{error}\nThe book of before is still shown.")
                else:
                    tell(f"Built in {time.monotonic() - began:.0f} seconds; reload the page.")
        except KeyboardInterrupt:
            pass
        finally:
            server.shutdown()
            thread.join()
    tell("The preview has ended.")
