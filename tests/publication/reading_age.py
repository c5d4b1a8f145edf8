"""How hard prose is to read: the grade of Flesch and Kincaid (1975), and the reading age that goes with it.

Grade = 0.39 words per sentence + 11.8 syllables per word - 15.59; the reading age is the grade and five years. Syllables
are counted by their vowels, which is right for nine words in ten and evens out over a page.
"""

import re
from html.parser import HTMLParser

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|[£]?\d[\d,.]*%?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
VOID = {"img", "br", "hr", "meta", "link", "input"}


def syllables(word: str) -> int:
    """Syllables of an English word; a number counts as two."""
    if word[0].isdigit() or word[0] == "£":
        return 2
    letters = re.sub(r"[^a-z]", "", word.lower())
    ended = re.sub(r"(?<=[^aeiouy])e$|(?<=[^td])ed$|(?<=[^aeiou])es$", "", letters) if len(letters) > 3 else letters
    ended = letters if re.search(r"[^aeiou]le$|[sxz]es$|[cs]hes$|[cg]es$", letters) else ended
    parted = re.findall(r"(?<![tscg])i[ao]|(?<![qg])u[ao]", ended)  # vi-olence, evalu-ation
    return max(1, len(re.findall(r"[aeiouy]+", ended)) + len(parted))


def reading_age(paragraphs: list[str]) -> float:
    """The age at which somebody reads these paragraphs with ease, in years."""
    sentences = [s for p in paragraphs for s in _SENTENCE.split(p) if len(_WORD.findall(s)) > 2]
    words = [w for s in sentences for w in _WORD.findall(s)]
    return 5 + 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


class Prose(HTMLParser):
    """The paragraphs and items of a page's content that are open to every reader: not tables, captions or what is folded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.paragraphs: list[str] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(tag)
        if tag in ("p", "li", "dd"):
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag in self._open and self._open.pop() != tag:
            pass
        if tag in ("p", "li", "dd") and self._text:
            self.paragraphs.append(" ".join("".join(self._text).split()))
            self._text = []

    def handle_data(self, data: str) -> None:
        skipped = {"table", "details", "figcaption", "script", "style", "nav", "footer", "aside", "h1", "h2", "h3"}
        if "main" in self._open and not skipped & set(self._open):
            self._text.append(data)
