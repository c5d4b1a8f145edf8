"""Tables: caption, scoped headers, everything escaped."""

from html.parser import HTMLParser

from fixture import HOSTILE

from evaluation.publication.disclosure import Safe
from evaluation.publication.tables import html_table, rows_table


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_every_header_has_a_scope_and_the_table_a_caption() -> None:
    seen = Seen(html_table(rows_table([("a", 1), ("b", 2)], ["Name", "Number"]), "A caption"))
    scopes = [attributes.get("scope") for tag, attributes in seen.tags if tag == "th"]
    assert scopes == ["col", "col", "row", "row"]
    assert [tag for tag, _ in seen.tags].count("caption") == 1


def test_hostile_labels_are_text_everywhere() -> None:
    html = html_table(rows_table([(HOSTILE, HOSTILE)], [HOSTILE, "b"]), HOSTILE)
    assert {tag for tag, _ in Seen(html).tags} == {"div", "table", "caption", "thead", "tr", "th", "tbody", "td"}
    assert not [a for _, attributes in Seen(html).tags for a in attributes if a.startswith("on")]


def test_our_own_html_survives_and_numbers_go_right() -> None:
    html = html_table(rows_table([("a", Safe("<strong>x</strong>"), 1234.0, None)], ["n", "s", "v", "e"]), "c")
    assert "<td><strong>x</strong></td>" in html
    assert '<td class="number">1,234</td>' in html
    assert "[x]" in html


def test_counts_are_marked_for_the_audit() -> None:
    assert '<td class="number count">10</td>' in html_table(
        rows_table([("a", 10)], ["n", "Recorded"]), "c", counts=("Recorded",)
    )
