"""What every reader hands over: a table of counts, a ledger in which no row is lost, and sentences about both."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evaluation.evidence.sources.intake import Input

if TYPE_CHECKING:
    import duckdb

TIDY = "measure VARCHAR, area VARCHAR, name VARCHAR, period VARCHAR, count VARCHAR, exposure DOUBLE, status VARCHAR"


@dataclass
class Ledger:
    """Rows of the publication: every row that came in was either counted or dropped for a stated reason.

    Attributes:
        rows_in: rows (or, in a wide table, cells) of data read.
        counted: those that entered the output.
        dropped: rows by reason.
        dropped_by_screen: how many of them stand in the output as zeros, for the areas and periods they prove to be known.
    """

    rows_in: int = 0
    counted: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    dropped_by_screen: int = 0

    def drop(self, reason: str, rows: int) -> None:
        """Record that some rows were left out."""
        if rows:
            self.dropped[reason] = self.dropped.get(reason, 0) + rows

    def balance(self) -> None:
        """Check that nothing was lost.

        Raises:
            AssertionError: rows in differ from rows counted and dropped; a fault of ours, so nothing may be written.
        """
        out = self.counted + sum(self.dropped.values())
        if out != self.rows_in:
            raise AssertionError(f"{self.rows_in} rows came in, {out} are accounted for")


@dataclass
class Extract:
    """A publication as read.

    Attributes:
        connection: a DuckDB database with a table `tidy`: measure, area (code), name, period, count (as text: a
            whole number, a marker as published, or NULL where missing), exposure, status.
        ledger: what became of every row.
        inputs: fingerprints of the files.
        notes: what a user must know about these data, as sentences.
        rules: entries that the indicator needs in indicators.yaml (`suppressed`, `rounded_to`, `likelihood`).
        covers: names of the police forces or other suppliers in the data.
        definition: the local definition by which rows were screened, as recorded in the provenance.
        left_out: cells of `tidy` that were taken out again (measures not asked for), by reason.
    """

    connection: duckdb.DuckDBPyConnection
    ledger: Ledger
    inputs: list[Input] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rules: dict[str, Any] = field(default_factory=dict)
    covers: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    definition: dict[str, Any] | None = None

    def leave_out(self, reason: str, cells: int) -> None:
        """Record that cells were taken out of `tidy` again."""
        if cells:
            self.left_out[reason] = self.left_out.get(reason, 0) + cells


def open_database(memory: str = "1GB") -> duckdb.DuckDBPyConnection:
    """An empty database with the table `tidy`, in a temporary file, so that more than memory holds can pass through.

    The file goes when the connection does. Every copy of an archive at the level of LSOAs is some 17 million cells.
    """
    import duckdb

    folder = tempfile.mkdtemp(prefix="svd-import-")
    connection = duckdb.connect(f"{folder}/import.duckdb")
    weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    connection.execute(f"SET memory_limit = '{memory}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"CREATE TABLE tidy ({TIDY})")
    return connection


def insert(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Add columns of values to a table of the same columns (a statement for each row would take minutes)."""
    import pyarrow as pa

    piece = pa.table({name: pa.array(values) for name, values in columns.items()})
    if piece.num_rows:
        connection.register("piece", piece)
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM piece")
        connection.unregister("piece")


def fill(connection: duckdb.DuckDBPyConnection, rows: Iterable[Sequence[Any]]) -> int:
    """Add rows in the order of the columns of `tidy`, in batches; returns how many."""
    import pyarrow as pa

    names = [part.split()[0] for part in TIDY.split(", ")]
    kinds = [pa.float64() if " DOUBLE" in part else pa.string() for part in TIDY.split(", ")]
    total = 0
    batch: list[Sequence[Any]] = []

    def flush() -> None:
        if not batch:
            return
        columns = [pa.array(values, type=kind) for values, kind in zip(zip(*batch, strict=True), kinds, strict=True)]
        piece = pa.table(dict(zip(names, columns, strict=True)))
        connection.register("piece", piece)
        connection.execute("INSERT INTO tidy SELECT * FROM piece")
        connection.unregister("piece")
        batch.clear()

    for row in rows:
        batch.append(row)
        total += 1
        if len(batch) >= 50_000:
            flush()
    flush()
    return total


def fetch_mapping(connection: duckdb.DuckDBPyConnection, query: str) -> Mapping[Any, Any]:
    """The two columns of a query as a dictionary."""
    return dict(connection.execute(query).fetchall())
