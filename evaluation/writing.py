"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> Path:
    """Write a text file aside, then rename it: whoever reads finds the old text or the new one, never a part.

    Args:
        path: where it goes; its folder is made if need be.
        text: written as UTF-8, line ends as they are.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())  # on the disk before it has its name, even if the power fails
        Path(aside).chmod(0o644)  # a scratch file is made for its owner alone
        os.replace(aside, path)
    finally:
        Path(aside).unlink(missing_ok=True)
    return path


def swap_folder(new: Path, place: Path, scratch: Path) -> None:
    """Put a folder in its place in one step, the old one into ``scratch``; bring the old one back if that fails."""
    old = scratch / "old"
    if place.exists():
        os.replace(place, old)
    try:
        os.replace(new, place)
    except OSError:
        if old.exists():
            os.replace(old, place)
        raise
