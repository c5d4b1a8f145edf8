"""What belongs to a review folder: ordinary files that lie inside it, and nothing that only seems to.

A review may come from somebody else. What a link or a path of theirs leads to would otherwise be read here, and quoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from evaluation.errors import Problem

BUILD = "_build"  # what the program writes


def stray_files(folder: Path) -> Iterator[Problem]:
    """Links that lead out of a review folder, and what is no ordinary file: a pipe would be waited for without end."""
    home = folder.resolve()
    for where, folders, files in folder.walk():
        folders[:] = sorted(name for name in folders if name != BUILD and not name.startswith("."))
        for name in sorted([*folders, *files]):
            path = where / name
            file = path.relative_to(folder).as_posix()
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                remedy = "Copy what it leads to into the folder."
                yield Problem(file, "", "This is a link that leads out of the review folder.", remedy)
            elif name in files and path.exists() and not path.is_file():
                yield Problem(file, "", "This is not an ordinary file.", "Take it out of the folder.")


def leads_out(name: str) -> bool:
    """Whether the name of a file, relative to the review folder, is absolute or climbs out of it, on any system."""
    kinds = (PurePosixPath(name), PureWindowsPath(name))
    return any(path.is_absolute() or path.drive or path.root or ".." in path.parts for path in kinds)
