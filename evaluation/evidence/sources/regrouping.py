"""From the areas of a publication to those of a review, by a look-up table: new codes, sums, or shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evaluation.errors import InputError, Problem
from evaluation.evidence.geography import Lookup, read_lookup, require_match, round_together
from evaluation.evidence.sources.extract import Extract, insert
from evaluation.protocol.period import read_span
from evaluation.protocol.suggest import listing, plural

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Regrouping:
    """A look-up table and how it is to be used; see `geography.read_lookup`.

    Attributes:
        lookup: the table.
        source, target: its columns: what the publication calls an area, and the area wanted.
        weight: column by which an area that lies in several is shared out.
        allowed: the largest share of cells whose area the table may not know, 0 to 1.
    """

    lookup: Path
    source: str | None = None
    target: str | None = None
    weight: str | None = None
    allowed: float = 0.0


def regroup(extract: Extract, regrouping: Regrouping) -> None:
    """Put other areas into `tidy`.

    An area that goes whole into an area of its own only changes its code. Otherwise counts are added up: a sum with a
    part that is missing is missing, and counts that are suppressed or rounded are not added up at all.

    Raises:
        InputError: the table does not know the areas, or the counts cannot be added up.
    """
    connection = extract.connection
    found = connection.execute("SELECT area, count(*) FROM tidy GROUP BY area ORDER BY area").fetchall()
    rows_of = {str(area): int(n) for area, n in found}
    table = read_lookup(
        regrouping.lookup,
        "custom",
        source=regrouping.source or _source(regrouping.lookup, rows_of),
        target=regrouping.target,
        weight=regrouping.weight,
    )
    loss = require_match(table, rows_of, regrouping.allowed)
    if loss.rows:
        extract.leave_out("areas not in the look-up (accepted with --allow-loss)", loss.rows)
    parts = [(code, area, share) for code in rows_of for area, share in table.shares.get(code, {}).items()]
    codes, areas, shares = (list(column) for column in zip(*parts, strict=True)) if parts else ([],) * 3
    if not parts:
        raise InputError([Problem(table.file, "", "None of the areas is in it.", "Choose another --from.")])
    connection.execute("CREATE TABLE parts (code VARCHAR, area VARCHAR, share DOUBLE, called VARCHAR)")
    called = [table.names.get(area, "") for area in areas]
    insert(connection, "parts", {"code": codes, "area": areas, "share": shares, "called": called})
    if len(set(areas)) == len(areas) and all(share == 1 for share in shares):
        _rename(connection)
        return
    _require_plain(extract, table)
    _add_up(connection)
    split = len({code for code, _, share in parts if share < 1})
    if split:
        _round(connection)
        extract.notes.append(
            f"{plural(split, 'area')} lie in more than one area of the look-up, and their counts were shared out by "
            "weights: whole numbers that keep each period's total, but estimates."
        )


def _source(path: Path, rows_of: dict[str, int]) -> str:
    """The column that holds the most of the data's areas."""
    from evaluation.evidence.geography import read_columns

    columns = read_columns(path)
    best = max(columns, key=lambda name: len(rows_of.keys() & set(columns[name])))
    if not rows_of.keys() & set(columns[best]):
        shown = listing(list(rows_of), 4)
        text = f"None of its columns holds the areas of the data ({shown})."
        raise InputError([Problem(path.name, "row 1", text, "Give a look-up from these, or name the column (--from).")])
    return best


def _rename(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE TABLE renamed AS SELECT measure, parts.area AS area, coalesce(nullif(called, ''), name) AS name, period, "
        "count, exposure, status FROM tidy JOIN parts ON tidy.area = parts.code"
    )
    _replace(connection, "renamed")


def _require_plain(extract: Extract, table: Lookup) -> None:
    inexact = extract.connection.execute(
        "SELECT tidy.area, period, count FROM tidy JOIN parts ON tidy.area = parts.code WHERE count IS NOT NULL AND "
        "TRY_CAST(count AS BIGINT) IS NULL ORDER BY ALL LIMIT 3"
    ).fetchall()
    if inexact or extract.rules.get("rounded_to"):
        shown = f" ({listing([f'{area} {period}: {count}' for area, period, count in inexact])})" if inexact else ""
        text = f"Areas cannot be added up by `{table.file}`: counts are suppressed or rounded{shown}."
        remedy = "Ask the publisher for counts of the larger areas, or use the areas as published."
        raise InputError([Problem("--lookup", "", text, remedy)])


def _add_up(connection: duckdb.DuckDBPyConnection) -> None:
    """Sums, as numbers, in the column `total`; NULL where any part has no count."""
    connection.execute(
        "CREATE TABLE summed AS SELECT measure, parts.area AS area, any_value(called) AS name, period, "
        "CASE WHEN count(count) = any_value(wanted) THEN sum(CAST(count AS BIGINT) * share) END AS total, "
        "CASE WHEN count(exposure) = any_value(wanted) THEN sum(exposure * share) END AS exposure, "
        "CASE WHEN bool_or(status = 'partial') THEN 'partial' WHEN count(count) < any_value(wanted) THEN 'missing' "
        "WHEN bool_or(status = 'provisional') THEN 'provisional' ELSE 'final' END AS status "
        "FROM tidy JOIN parts ON tidy.area = parts.code "
        "JOIN (SELECT area, count(*) AS wanted FROM parts GROUP BY area) AS whole ON whole.area = parts.area "
        "GROUP BY measure, parts.area, period"
    )
    connection.execute(
        "CREATE TABLE added AS SELECT measure, area, name, period, CAST(CAST(total AS BIGINT) AS VARCHAR) AS count, "
        "exposure, status FROM summed"
    )
    _replace(connection, "added")


def _round(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute(
        "SELECT measure, period, area, total FROM summed WHERE total IS NOT NULL ORDER BY measure, period, area"
    ).fetchall()
    groups: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for measure, period, area, total in found:
        groups.setdefault((measure, period), []).append((area, total))
    columns: dict[str, list[object]] = {"measure": [], "period": [], "area": [], "whole": []}
    for (measure, period), own in groups.items():
        whole = round_together(np.array([total for _, total in own]), read_span(period).first.toordinal())
        columns["measure"] += [measure] * len(own)
        columns["period"] += [period] * len(own)
        columns["area"] += [area for area, _ in own]
        columns["whole"] += [str(n) for n in whole.tolist()]
    connection.execute("CREATE TABLE rounded (measure VARCHAR, period VARCHAR, area VARCHAR, whole VARCHAR)")
    insert(connection, "rounded", columns)
    connection.execute(
        "UPDATE tidy SET count = whole FROM rounded WHERE rounded.measure = tidy.measure AND "
        "rounded.period = tidy.period AND rounded.area = tidy.area"
    )


def _replace(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    connection.execute("DROP TABLE tidy")
    connection.execute(f"ALTER TABLE {table} RENAME TO tidy")
