"""The preview: on this computer only, nothing outside the book, and the book made again when something changes."""

import http.client
import socket
import threading
import time
from pathlib import Path

import pytest

from evaluation.publication import preview as shown
from evaluation.publication.book import BookRejected
from evaluation.publication.preview import BookServer, changes, preview, watched


@pytest.fixture
def server(tmp_path: Path):
    html = tmp_path / "_build" / "html"
    (html / "sub").mkdir(parents=True)
    (html / "index.html").write_text("<p>the book</p>", encoding="utf-8")
    (html.parent / "secret.txt").write_text("the posterior", encoding="utf-8")
    (html / "link.txt").symlink_to(html.parent / "secret.txt")
    with BookServer(html, 0) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    """A request exactly as given: a client that tidies paths would hide what is tested."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        answer = b""
        while part := line.recv(65536):
            answer += part
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


def test_a_page_is_served_on_loopback(server: BookServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    status, body = ask(server.server_address[1], "/index.html")
    assert (status, body) == (200, "<p>the book</p>")
    assert ask(server.server_address[1], "/?x=1")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/..%5c..%5csecret.txt",
        "/link.txt",
        "//../secret.txt",
    ],
)
def test_nothing_outside_the_book_is_served(server: BookServer, path: str) -> None:
    status, body = ask(server.server_address[1], path)
    assert status in (403, 404) and "posterior" not in body


def test_folders_are_not_listed_and_other_names_are_refused(server: BookServer) -> None:
    assert ask(server.server_address[1], "/sub/")[0] == 404
    assert ask(server.server_address[1], "/index.html", host="evil.example")[0] == 421
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request("POST", "/index.html", body="x")
    assert connection.getresponse().status == 501


def test_what_came_went_and_changed() -> None:
    before = {"/a/x.md": (1, 1), "/a/y.md": (1, 1), "/a/z.md": (1, 1)}
    assert changes(before, {"/a/x.md": (2, 1), "/a/y.md": (1, 1), "/a/n.md": (1, 1)}) == ["n.md", "x.md", "z.md"]
    assert changes(before, before) == []


def test_a_changed_page_is_seen_and_a_fault_keeps_the_old_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, review = tmp_path / "book", tmp_path / "review"
    (review / "plans").mkdir(parents=True)
    source.mkdir()
    page = source / "glossary.md"
    page.write_text("old words", encoding="utf-8")
    monkeypatch.setattr(shown.resources, "folder", lambda name: source)
    monkeypatch.setattr(shown, "EVERY", 0.05)

    def build(folder: Path, allow_draft: bool, documents: bool) -> Path:
        if "broken" in page.read_text(encoding="utf-8"):
            raise BookRejected(["glossary.md: a fault"])
        html = folder / "_build" / "html"
        html.mkdir(parents=True, exist_ok=True)
        (html / "index.html").write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
        return html / "index.html"

    said: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=preview, args=(review, 0, False, said.append, stop, build))
    thread.start()
    try:
        port = int(until(lambda: next((s for s in said if s.startswith("http")), None)).split(":")[2].split("/")[0])
        assert ask(port, "/")[1] == "old words"
        page.write_text("new words, longer", encoding="utf-8")
        assert until(lambda: ask(port, "/")[1] == "new words, longer")
        page.write_text("broken!", encoding="utf-8")
        assert until(lambda: any("a fault" in line and "still shown" in line for line in said))
        assert ask(port, "/")[1] == "new words, longer"
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive() and said[-1] == "The preview has ended."
    assert any("Changed: glossary.md" in line for line in said)


def until(look, seconds: float = 10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def test_plans_packets_and_pages_are_watched(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "a.yaml").write_text("x", encoding="utf-8")
    run = tmp_path / "_build" / "packets" / "a" / "1" / "run.json"
    run.parent.mkdir(parents=True)
    run.write_text("{}", encoding="utf-8")
    names = {Path(p).name for p in watched(tmp_path)}
    assert {"a.yaml", "run.json", "glossary.md", "svd.css", "_config.yml"} <= names
    assert not any("_build/html" in p for p in watched(tmp_path))
