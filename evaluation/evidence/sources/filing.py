"""From an extract to files in a review: tidy data, a provenance record beside it, and the edition before it kept.

Everything is written beside its place and moved there at the end, so that a failed import leaves nothing behind.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation.errors import InputError, Problem
from evaluation.evidence.revisions import Revision, compare_editions
from evaluation.evidence.sources.extract import Extract
from evaluation.evidence.sources.intake import fingerprint
from evaluation.evidence.sources.registry import Source
from evaluation.protocol.suggest import did_you_mean, listing

PROVENANCE, EDITIONS = "provenance", "editions"
OVERALL = "all"


@dataclass(frozen=True)
class Filed:
    """One indicator's data as written.

    Attributes:
        indicator: its key.
        path: of the data.
        rows: in it.
        revision: what changed against the edition before; None if there was none.
        entry: what to write into indicators.yaml.
        areas: code -> name.
    """

    indicator: str
    path: Path
    rows: int
    revision: Revision | None
    entry: str
    areas: dict[str, str] = field(default_factory=dict)


def file_extract(
    extract: Extract,
    source: Source,
    folder: Path,
    *,
    indicator: str | None = None,
    retrieved: str | None = None,
    options: dict[str, Any] | None = None,
) -> list[Filed]:
    """Write an extract into `<folder>/data`.

    Args:
        extract: what a reader handed over.
        source: which publication it is.
        folder: a review folder, or a new one.
        indicator: the key under which the extract's one measure, or the sum of its measures, is filed; by default each
            measure is filed under a key made from its name.
        retrieved: the date of the download, YYYY-MM-DD; by default when the newest file was last written.
        options: recorded in the provenance.

    Raises:
        InputError: measures cannot be added up.
        AssertionError: rows were lost; nothing is written.
    """
    extract.ledger.balance()
    connection = extract.connection
    measures = [row[0] for row in connection.execute("SELECT DISTINCT measure FROM tidy ORDER BY 1").fetchall()]
    if indicator is not None and len(measures) > 1:
        _add_up(extract, indicator)
        measures, keys = [OVERALL], {OVERALL: indicator}
    else:
        keys = {measure: indicator or as_key(measure) for measure in measures}
    if len(set(keys.values())) < len(keys):
        text = f"Two measures would be filed under one key: {listing(sorted(keys))}."
        raise InputError([Problem("--indicator", "", text, "Import them one by one, each with --indicator.")])
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".importing-", dir=data))
    try:
        prepared = [
            (measure, key, _write_tidy(extract, measure, scratch / f"{key}.csv"), _names(extract, measure))
            for measure, key in keys.items()
        ]
        record = _record(extract, source, retrieved, options or {})
        filed = []
        for measure, key, rows, areas in prepared:
            target = data / f"{key}.csv"
            before = target if target.exists() else None
            revision = compare_editions(before, scratch / f"{key}.csv") if before else None
            own = record | {"measure": measure, "rows_out": rows, "sha256": fingerprint(scratch / f"{key}.csv").sha256}
            entry = _entry(key, measure, source, extract)
            filed.append(Filed(key, target, rows, revision, entry, areas))
            (scratch / f"{key}.json").write_text(json.dumps(own, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            with (scratch / f"{key}.areas.csv").open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows([("area", "name"), *sorted(areas.items())])
        (data / PROVENANCE).mkdir(exist_ok=True)
        for item in filed:
            if item.path.exists() and (item.revision is None or item.revision.changed):
                _keep(data, item.indicator)
        for item in filed:
            os.replace(scratch / f"{item.indicator}.csv", item.path)
            for suffix in (".json", ".areas.csv"):
                os.replace(scratch / f"{item.indicator}{suffix}", data / PROVENANCE / f"{item.indicator}{suffix}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return filed


def as_key(text: str) -> str:
    """A measure's name as an indicator's key: `Violence and sexual offences` -> `violence_and_sexual_offences`."""
    key = re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_") or "measure"
    return key if key[0].isalpha() else f"m_{key}"


def provenance_file(folder: Path, indicator: str) -> Path:
    """Where the provenance record of an indicator's data lies, if there is one."""
    return folder / "data" / PROVENANCE / f"{indicator}.json"


def read_provenance(folder: Path, indicator: str) -> dict[str, Any] | None:
    """The provenance record of an indicator's data, or None."""
    path = provenance_file(folder, indicator)
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return None
    return record if isinstance(record, dict) else None


def choose_measures(extract: Extract, wanted: list[str]) -> None:
    """Keep only some measures; the rest is recorded as left out.

    Raises:
        InputError: a measure is not there.
    """
    if not wanted:
        return
    connection = extract.connection
    known = [row[0] for row in connection.execute("SELECT DISTINCT measure FROM tidy ORDER BY 1").fetchall()]
    problems = [
        Problem("--measure", "", f"There is no measure '{name}'.", did_you_mean(name, known, listing(known, 12)))
        for name in wanted
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    marks = ", ".join("?" for _ in wanted)
    others = connection.execute(f"DELETE FROM tidy WHERE measure NOT IN ({marks})", wanted).fetchall()
    extract.leave_out("measures not asked for", int(others[0][0]))


def _add_up(extract: Extract, indicator: str) -> None:
    connection = extract.connection
    inexact = connection.execute(
        "SELECT DISTINCT count FROM tidy WHERE count IS NOT NULL AND TRY_CAST(count AS BIGINT) IS NULL LIMIT 3"
    ).fetchall()
    if inexact or extract.rules.get("rounded_to"):
        text = f"Several measures cannot be added up to `{indicator}`: some counts are suppressed or rounded."
        raise InputError([Problem("--indicator", "", text, "Choose one with --measure.")])
    connection.execute(
        # A sum over measures one of which is missing is not known.
        f"CREATE TABLE added AS SELECT '{OVERALL}' AS measure, area, any_value(name) AS name, period, "
        "CASE WHEN count(count) = count(*) THEN CAST(sum(CAST(count AS BIGINT)) AS VARCHAR) END AS count, "
        "any_value(exposure) AS exposure, CASE WHEN bool_or(status = 'partial') THEN 'partial' "
        "WHEN bool_or(count IS NULL) THEN 'missing' WHEN bool_or(status = 'provisional') THEN 'provisional' "
        "ELSE 'final' END AS status FROM tidy GROUP BY area, period"
    )
    connection.execute("DROP TABLE tidy")
    connection.execute("ALTER TABLE added RENAME TO tidy")


def _write_tidy(extract: Extract, measure: str, path: Path) -> int:
    """Write one measure; columns that say nothing are left out."""
    connection = extract.connection
    found = connection.execute(
        "SELECT count(*), bool_or(exposure IS NOT NULL), bool_or(status <> 'final') FROM tidy WHERE measure = ?",
        [measure],
    ).fetchall()[0]
    columns = ["area", "period", "count", *(["exposure"] if found[1] else []), *(["status"] if found[2] else [])]
    # DuckDB cannot bind parameters in COPY; the measure goes through a view of its own.
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen (measure VARCHAR)")
    connection.execute("INSERT INTO chosen VALUES (?)", [measure])
    target = str(path).replace("'", "''")
    connection.execute(
        f"COPY (SELECT {', '.join(columns)} FROM tidy SEMI JOIN chosen USING (measure) ORDER BY area, period) "
        f"TO '{target}' (HEADER, DELIMITER ',')"
    )
    return int(found[0])


def _names(extract: Extract, measure: str) -> dict[str, str]:
    found = extract.connection.execute(
        "SELECT area, coalesce(max(name), '') FROM tidy WHERE measure = ? GROUP BY area ORDER BY area", [measure]
    ).fetchall()
    return {code: name or code for code, name in found}


def _record(extract: Extract, source: Source, retrieved: str | None, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": source.name,
        "title": source.title,
        "publisher": source.publisher,
        "licence": source.licence,
        "retrieved": retrieved,
        "imported": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "files": [asdict(item) for item in extract.inputs],
        "options": options,
        "definition": extract.definition,
        "suppliers": extract.covers,
        "rows_in": extract.ledger.rows_in,
        "rows_counted": extract.ledger.counted,
        "rows_dropped": dict(extract.ledger.dropped),
        "cells_left_out": dict(extract.left_out),
        "notes": extract.notes,
    }


def _entry(key: str, measure: str, source: Source, extract: Extract) -> str:
    """Lines for indicators.yaml."""
    import yaml

    content: dict[str, Any] = {
        "title": measure if measure != OVERALL else key.replace("_", " ").capitalize(),
        "source": f"{source.publisher}: {source.title}",
        **({"licence": source.licence} if source.licence else {}),
        "disclosure": source.disclosure,
        **({"local_definition": extract.definition["name"]} if extract.definition else {}),
        **extract.rules,
    }
    return yaml.safe_dump({key: content}, sort_keys=False, allow_unicode=True, width=110)


def _keep(data: Path, indicator: str) -> None:
    """Keep the edition that is about to be replaced, with its record."""
    old = data / f"{indicator}.csv"
    shelf = data / EDITIONS / indicator
    shelf.mkdir(parents=True, exist_ok=True)
    stamp = datetime.fromtimestamp(old.stat().st_mtime, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{stamp}-{fingerprint(old).sha256[:8]}"
    shutil.copy2(old, shelf / f"{name}.csv")
    record = data / PROVENANCE / f"{indicator}.json"
    if record.is_file():
        shutil.copy2(record, shelf / f"{name}.json")
