"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file aside, then rename it: whoever reads finds the old file or the new one, never a part.

    Args:
        path: where it goes; its folder is made if need be.
        content: a text is written as UTF-8, line ends as they are.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
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
