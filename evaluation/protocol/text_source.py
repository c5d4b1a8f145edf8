"""Bytes to text, for YAML and for data: UTF-8 with or without a byte-order mark, and nothing else.

Guessing an encoding would turn `Côte` into `CÃ´te` without a word, so other encodings are refused with what
to do about them.
"""

from __future__ import annotations

from evaluation.errors import Problem
from evaluation.protocol.suggest import quote

SAVE_CSV = "In Excel choose File, Save As, 'CSV UTF-8 (Comma delimited)'."
SAVE_TEXT = "Save it as UTF-8 in your editor."


def decode(raw: bytes, file: str, save: str, unit: str = "line") -> tuple[str | None, list[Problem]]:
    """Text of a file, or the problem which prevents it.

    Args:
        raw: the file's bytes.
        file: its name in problems.
        save: the remedy, in the words of the program with which such a file is usually saved.
        unit: what a line is called: `row` in data.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, [Problem(file, "", "The file is in UTF-16 ('Unicode text').", save)]
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if b"\x00" in raw:
        at = raw.index(b"\x00")
        if raw[:400].count(b"\x00") > len(raw[:400]) // 4:
            return None, [Problem(file, "", "The file is in UTF-16 or is not text.", save)]
        return None, [
            Problem(
                file,
                f"{unit} {_line(raw, at)}",
                "There is a NUL character in the file.",
                f"Remove it. {save}",
            )
        ]
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError as error:
        at = error.start
    start = raw.rfind(b"\n", 0, at) + 1
    end = raw.find(b"\n", at)
    # The surroundings in Windows' Western encoding are what the analyst most likely typed.
    around = raw[max(start, at - 12) : min(end if end != -1 else len(raw), at + 12)].decode("cp1252", "replace")
    found = f"The file is not in UTF-8: {quote(around.strip())} cannot be read as it stands."
    return None, [Problem(file, f"{unit} {_line(raw, at)}", found, save)]


def _line(raw: bytes, at: int) -> int:
    return raw.count(b"\n", 0, at) + 1
