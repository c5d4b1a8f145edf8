"""Words for refusals: 'did you mean', short lists, quoted values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option most like `word` (letter case and outer spaces ignored), or None if nothing is near."""
    by_folded: dict[str, str] = {}
    for option in options:
        by_folded.setdefault(option.casefold(), option)
    folded = word.strip().casefold()
    if folded in by_folded:
        return by_folded[folded]
    close = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(word: str, options: Iterable[str], what: str = "") -> str:
    """A remedy for an unknown name: the nearest option, else all of them when they are few.

    Args:
        word: what was written.
        options: what would have been accepted.
        what: what the options are, for the sentence when nothing is near ("an area in areas.yaml").
    """
    known = list(options)
    near = nearest(word, known)
    if near is not None:
        return f"Did you mean `{near}`?"
    if 0 < len(known) <= 8:
        return f"Use one of: {', '.join(f'`{option}`' for option in known)}."
    return f"Use {what}." if what else "Take it out."


def listing(words: Sequence[str], limit: int = 5) -> str:
    """'a', 'a and b', 'a, b and c', or the first `limit` 'and 12 more'."""
    shown = list(words[:limit])
    rest = len(words) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest:,} more"
    if len(shown) > 1:
        return f"{', '.join(shown[:-1])} and {shown[-1]}"
    return "".join(shown)


def quote(value: object, limit: int = 40) -> str:
    """The value as it was written, in quotes, cut short when it is long."""
    text = value if isinstance(value, str) else _as_written(value)
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return f"'{text}'"


def plural(n: int, noun: str) -> str:
    """'1 period', '2 periods', '1,200 periods'."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _as_written(value: object) -> str:
    """YAML words for Python values, so that a message shows what the reader typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
