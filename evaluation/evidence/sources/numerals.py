"""Whole numbers as publications write them, and nothing that only looks like one.

`1,200` is twelve hundred, but `1,5` is not fifteen: a decimal comma must never become a count ten times too large.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PLAIN = re.compile(r"\d{1,15}(\.0+)?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}([, \u00a0\u202f])\d{3}(\1\d{3})*(\.0+)?", re.ASCII)


@lru_cache(maxsize=65_536)
def whole_number(text: str) -> int | None:
    """The number a cell holds: digits, also grouped in threes (`1,200`), also with `.0`; None for anything else."""
    bare = text.strip()
    if _PLAIN.fullmatch(bare):
        return int(bare.partition(".")[0])
    if _GROUPED.fullmatch(bare):
        return int(re.sub(r"\D", "", bare.partition(".")[0]))
    return None
