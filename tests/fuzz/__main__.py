"""A campaign: `python -m tests.fuzz --minutes 5` spoils files until the time is up and keeps those that were not refused properly.

    python -m tests.fuzz --list                       # the readers
    python -m tests.fuzz --minutes 2 --only plan      # one of them
    python -m tests.fuzz --minutes 60 --into corpus   # offending files, each with what happened beside it

A file found here becomes a regression case by moving it to tests/fuzz/found/<reader>/ once the reader is mended.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import sys
import time
from pathlib import Path

from tests.fuzz.campaign import SECONDS, judge, spoil
from tests.fuzz.readers import Reader, readers

MEMORY = 3 << 30  # bytes of address space beyond what the program itself takes


def main() -> int:
    """Run the campaign; exit 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="for each reader")
    parser.add_argument("--only", action="append", default=[], help="a reader (may be repeated)")
    parser.add_argument("--into", type=Path, default=Path("fuzz-corpus"), help="where offending files go")
    parser.add_argument("--from-seed", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    known = readers()
    if given.list:
        print("\n".join(known))
        return 0
    if unknown := set(given.only) - known.keys():
        parser.error(f"no reader {', '.join(sorted(unknown))}; --list shows them")
    found = 0
    for name in given.only or known:
        found += _hunt(known[name], given.minutes * 60, given.from_seed, given.into)
    return 1 if found else 0


def _hunt(reader: Reader, seconds: float, seed: int, into: Path) -> int:
    if judge(reader, reader.files[reader.target]) is not None:
        print(f"{reader.name}: the sound file is not read: {judge(reader, reader.files[reader.target])}")
        return 1
    _limit_memory()
    kinds: dict[str, int] = {}
    place = into / reader.name.replace("/", "_").replace(" ", "_")
    end, first = time.monotonic() + seconds, seed
    while time.monotonic() < end:
        content = spoil(reader, seed)
        faulthandler.dump_traceback_later(SECONDS * 6, exit=True)  # where no alarm can interrupt
        offence = judge(reader, content)
        faulthandler.cancel_dump_traceback_later()
        if offence is not None:
            told = offence.detail.strip().splitlines()[-3:] or [offence.says]
            last = next((line for line in reversed(offence.detail.splitlines()) if "evaluation/" in line), told[0])
            kind = f"{offence.kind}: {last.strip()[-110:]}"
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] <= 3:
                place.mkdir(parents=True, exist_ok=True)
                stem = hashlib.sha256(content).hexdigest()[:12]
                (place / f"{stem}{Path(reader.target).suffix}").write_bytes(content)
                (place / f"{stem}.txt").write_text(f"seed {seed}\n{offence.kind}: {offence.says}\n{offence.detail}\n")
        seed += 1
    print(f"{reader.name}: {seed - first:,} files, {sum(kinds.values())} offences")
    for kind, times in sorted(kinds.items(), key=lambda pair: -pair[1]):
        print(f"    {times:5d} x {kind}")
    sys.stdout.flush()
    return len(kinds)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # no such limit on this platform
        return
    pages = Path("/proc/self/statm")
    if pages.exists():
        now = int(pages.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    sys.exit(main())
