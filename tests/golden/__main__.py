"""Renew the stored numbers: `uv run svd review`, then `uv run python -m tests.golden --because "words of CHANGELOG.md"`.

Without --because it only says what moved.
"""

from __future__ import annotations

import argparse
import sys

from tests.golden.stored import NUMBERS, compare, read_edges, read_history, read_stored, write
from tests.golden.test_numbers import CHANGELOG, announced, current_entries


def main() -> int:
    """Exit 0 if nothing moved or the numbers were renewed, 1 if something moved, 2 if they could not be renewed."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("--because", default="", help="words that stand in a Results entry of CHANGELOG.md")
    because = parser.parse_args().because
    now, reason = current_entries()
    if now is None:
        print(f"{reason}. Run: uv run svd review")
        return 2
    moved = compare(read_stored(), now, read_edges()) if NUMBERS.exists() else ["nothing is stored yet"]
    print("\n".join(moved) or "Nothing moved beyond its Monte Carlo tolerance.")
    if not because or not moved:
        return 1 if moved else 0
    if not announced(because, CHANGELOG.read_text(encoding="utf-8")):
        print(f"No entry of CHANGELOG.md that begins '* Results:' holds the words '{because}'. Write it first.")
        return 2
    if NUMBERS.exists() and because in {row["because"] for row in read_history()}:
        print("These words announced an earlier change. A new change needs a line of its own.")
        return 2
    write(now, because)
    print(f"Renewed: {len(now)} numbers and verdicts.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
