"""How fast, and in how much memory, is a police.uk archive imported? Run by hand; see book/developing/benchmarks.md.

    uv run python tests/benchmarks/import_police_uk.py --rows 2000000 --forces 40 --months 36

Writes a made-up archive in the published layout (a zip of `YYYY-MM/YYYY-MM-<force>-street.csv`) into a temporary
folder, imports it by district and by LSOA, compares every total with the generator's own, and prints the time, the
processor time (which hardly depends on what else the machine does) and the peak of resident memory. The archive's rows are as long as real ones, with a Crime ID of 64 signs.
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context\n"
)
TYPES = ("Anti-social behaviour", "Burglary", "Drugs", "Public order", "Robbery", "Violence and sexual offences")
SHARES = (0.15, 0.05, 0.03, 0.12, 0.02, 0.63)
DISTRICTS, LSOAS = 8, 90  # of a force; of a district


def write_archive(path: Path, rows: int, forces: int, months: int, seed: int = 1) -> dict[str, int]:
    """Write the archive; returns the rows that have a place, by crime type."""
    rng = np.random.default_rng(seed)
    each = rows // (forces * months)
    totals = dict.fromkeys(TYPES, 0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(months):
            month = f"{2019 + number // 12}-{number % 12 + 1:02d}"
            for force in range(forces):
                name = f"Force {force} Police"
                kind = rng.choice(len(TYPES), each, p=SHARES)
                lsoa = rng.integers(0, DISTRICTS * LSOAS, each)
                placed = rng.random(each) > 0.02
                ids = rng.bytes(32 * each).hex()
                text = io.StringIO()
                text.write(HEADER)
                for i in range(each):
                    code = lsoa[i] + 1000 * force
                    district = lsoa[i] // LSOAS
                    where = (
                        f"-0.{code:06d},51.{code:06d},On or near Made-up Street,E01{code:06d},"
                        f"District {force}-{district} {lsoa[i] % LSOAS // 4 + 1:03d}{'ABCD'[lsoa[i] % 4]}"
                        if placed[i]
                        else ",,No Location,,"
                    )
                    outcome = "Investigation complete; no suspect identified"
                    text.write(
                        f"{ids[64 * i : 64 * i + 64]},{month},{name},{name},{where},{TYPES[kind[i]]},{outcome},\n"
                    )
                archive.writestr(f"{month}/{month}-force-{force}-street.csv", text.getvalue())
                for k, n in enumerate(np.bincount(kind[placed], minlength=len(TYPES))):
                    totals[TYPES[k]] += int(n)
    return totals


def measure(path: str, level: str) -> None:
    """Import the archive in this process and print what it took."""
    from evaluation.evidence.sources.police_uk import Options, read
    from evaluation.evidence.sources.police_uk_areas import Placing

    began, worked = time.perf_counter(), time.process_time()
    extract = read([Path(path)], Options(Placing(level=level)))
    extract.ledger.balance()
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for kind, n in extract.connection.execute(
        "SELECT measure, sum(CAST(count AS BIGINT)) FROM tidy GROUP BY 1 ORDER BY 1"
    ).fetchall():
        print(f"total,{kind},{int(n)}")
    print(f"measured,{extract.ledger.rows_in},{seconds:.1f},{processor:.1f},{peak:.0f}")


def main() -> None:
    """Generate, import in a process of its own, compare, report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--forces", type=int, default=40)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--level", action="append", choices=("lad", "lsoa"))
    parser.add_argument("--measure", nargs=2)
    given = parser.parse_args()
    if given.measure:
        measure(*given.measure)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "2022-01.zip"
        truth = write_archive(path, given.rows, given.forces, given.months)
        print(f"archive: {path.stat().st_size / 1e6:.0f} MB zipped, {given.forces * given.months} files")
        for level in given.level or ("lad", "lsoa"):
            run = subprocess.run(
                [sys.executable, __file__, "--measure", str(path), level], capture_output=True, text=True, check=True
            )
            lines = [line.split(",") for line in run.stdout.splitlines()]
            totals = {kind: int(n) for word, kind, n, *_ in lines if word == "total"}
            assert totals == truth, (totals, truth)
            rows, seconds, processor, peak = next(tuple(rest) for word, *rest in lines if word == "measured")
            each = float(processor) / int(rows) * 1e6
            print(
                f"{level}: {int(rows):,} rows in {seconds} s, of which {processor} s of processor time ({each:.2f} s for a "
                f"million rows), peak {peak} MB, totals agree"
            )


if __name__ == "__main__":
    main()
