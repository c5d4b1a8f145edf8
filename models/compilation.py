"""What the disk cache of compiled code must know of an operation of ours.

The cache that outlives a process names a compiled operation by its type alone. After an upgrade it would hand out the
machine code of the version before: other arithmetic than the source says, without a word.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def source_version(file: str) -> int:
    """A number that stands for the content of a source file, whatever its line ends."""
    return int(hashlib.sha256(Path(file).read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:15], 16)
