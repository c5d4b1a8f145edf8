"""Every reader of a user's file: a sound folder, the file that is spoilt, how it is read, and what a plain reading says.

A reader returns the pairs (what is written, what was read) of every number that it took; see `campaign.judge`.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.evidence.sources.damage import SAMPLES, Sample
from tests.fuzz import plain
from tests.protocol.example_review import AREAS, INDICATORS, OUTREACH, REVIEW, write_review

Pair = tuple[str, str, float, bool]  # where, as written, as read, whether it is a count

TIDY = "area,period,count,status\n" + "".join(
    f"T0{a},2023-{m:02d},{'*' if (a, m) == (2, 3) else 10 * a + m},{'provisional' if m == 12 else ''}\n"
    for a in (1, 2, 3)
    for m in range(1, 13)
)
EXPOSED = "area,period,count,exposure\n" + "".join(
    f"T0{a},2023-{m:02d},{a + m},{100 * a}.5\n" for a in (1, 2) for m in (1, 2)
)
PROFILE = "indicator,dimension,group,count,population\nassaults,age,10 to 17,12,9000\nassaults,sex,female,30,\n"
CONTEXT = "area,deprivation,exclusions\nT01,18.4,9.6\nT02,-1.5,\n"
DAYS = "area,day,count\nT01,2023-04-11,\nT01,2023-05-15,2\nT02,2023-06-01,1\n"
GEOJSON = '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"code": "T01"}, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [10, 0.5], [10, 10], [0, 0]]]}}, {"type": "Feature", "properties": {"code": "T02"}, "geometry": {"type": "MultiPolygon", "coordinates": [[[[10, 0], [20, 0], [20, 10], [10, 0]]]]}}]}'
POPULATION = "area,period,count,status\nT01,2022,10000,final\nT01,2023,10100,final\nT02,2022,20000,final\n"
LOOKUP = "LSOA21CD,LAD22CD,LAD22NM,weight,population\nE01000001,E07000001,North,1.5,1400\nE01000001,E07000002,South,2.5,1400\nE01000002,E07000002,South,1,1600\n"
UNIT_COSTS = "offence,value,price_year,source,quality,title\nviolence,14050.5,2015-16,a report,moderate,Violence\nrobbery,11320,2015-16,a report,moderate,\n"
DEFLATORS = "year,index,source\n2015,90.5,ONS\n2024,121.25,ONS\n"
SHOCKS = "id,start,end,kind,scope,closed,title,note,source,checked,verified\nstorm,2023-02-01,2023-02-20,programme,england,,A storm,,the council,2026-01-01,yes\n"
DEFINITIONS = "ours:\n  title: Ours\n  stated: adopted\n  words: what we call it\n  ages: [10, 24]\n  includes: [{name: robbery, codes: [34B]}]\n"
FULL_PLAN = {
    **OUTREACH,
    "theory_of_change": "Because.",
    "effect": {"shape": "step", "meaningful": 0.95},
    "model": {"likelihood": "negative_binomial", "trend": "linear", "seasonality": "monthly"},
    "priors": {"effect": {"normal": [0, 0.25], "because": "sceptical"}},
    "costs": {"total": 150000, "price_year": "2023-24", "source": "a return"},
    "delivery": {"planned": 400, "delivered": 352, "unit": "sessions"},
    "assumptions": [{"says": "same trend", "quality": "amber", "impact": "red", "source": "a report"}],
}
FULL_INDICATORS = {
    "assaults": INDICATORS["assaults"]
    | {
        "unit_cost": {"value": 14050.5, "price_year": "2015-16", "source": "a report"},
        "monitoring": {"target": 30, "provisional": 2},
    },
    "admissions": INDICATORS["admissions"] | {"rounded_to": 5},
}
MAPPING = "title: Referrals\narea: District\nperiod: {column: Month}\ncount: Referrals\nareas: {North: E1, South: E2}\nskip: [Total]\nsuppressed: {'*': [1, 4]}\n"
TABLE = 'District,Month,Referrals\nNorth,2024-01,4\nNorth,2024-02,15\nSouth,2024-01,"1,200"\n'
LOCK = "plans/outreach.lock.json"


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes:
        name: of the case.
        kind: of spoiling, a key of `mutations.SPOILERS`.
        target: the file that is spoilt, in the case's folder.
        files: all files of the folder, the sound target among them.
        read: reads the folder; returns the numbers it took.
    """

    name: str
    kind: str
    target: str
    files: Mapping[str, bytes] = field(repr=False)
    read: Callable[[Path], list[Pair]] = field(repr=False)

    def lay_out(self, folder: Path) -> None:
        """Write the sound folder."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


@cache
def _review_files() -> dict[str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        folder = write_review(Path(scratch), outreach=FULL_PLAN, indicators=FULL_INDICATORS)
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return files | {"data/assaults.csv": TIDY.encode()}


def _review(folder: Path) -> Any:
    from evaluation.protocol.loading import gather

    return gather(folder).review


def _tidy(target: str, value: str = "count", **indicator: Any) -> Callable[[Path], list[Pair]]:
    def read(folder: Path) -> list[Pair]:
        from evaluation.evidence.tidy import read_tidy
        from evaluation.protocol import Indicator
        from evaluation.protocol.period import period_label

        marks = {"*": [1, 7]}
        about = Indicator(key="assaults", title="Assaults", suppressed=marks, **indicator)
        table = read_tidy(folder / target, about)
        raw = (folder / target).read_bytes()
        told = plain.csv_dicts(gzip.decompress(raw) if target.endswith(".gz") else raw)
        written = {
            (row["area"].strip(), row["period"].strip()): row for row in told if any(c.strip() for c in row.values())
        }
        pairs: list[Pair] = []
        found = set()
        for row in table.itertuples():
            key = (row.area, period_label(row.period))
            found.add(key)
            cell = written[key].get(value, "").strip()
            where = f"{key}"
            if cell in marks:
                pairs += [(where, "1", row.low, True), (where, "7", row.high, True)]
            elif row.count == row.count:
                pairs.append((where, cell, float(row.count), about.likelihood != "normal"))
            elif row.low == row.low:  # rounded: the middle is what is written
                told_number = plain.exact(cell)
                assert told_number is not None and row.low <= told_number <= row.high, (where, cell, row.low, row.high)
            else:
                assert cell == "" or row.status in ("partial", "missing"), f"{where}: {cell!r} was taken for missing"
            if row.exposure == row.exposure and "exposure" in written[key]:
                pairs.append((f"{where} exposure", written[key]["exposure"], float(row.exposure), False))
        assert found == set(written), f"rows appeared or went: {found ^ set(written)}"
        return pairs

    return read


def _yaml_numbers(name: str) -> Callable[[Path], list[Pair]]:
    def read(folder: Path) -> list[Pair]:
        from evaluation.protocol.loading import load_review
        from evaluation.protocol.yaml_source import load_yaml

        load_review(folder)
        data = load_yaml(folder / name).data
        told = plain.yaml_leaves((folder / name).read_bytes().decode("utf-8-sig"))
        pairs: list[Pair] = []

        def walk(node: Any, path: tuple[Any, ...]) -> None:
            if isinstance(node, dict):
                for key, value in node.items():
                    walk(value, (*path, key))
            elif isinstance(node, list):
                for i, value in enumerate(node):
                    walk(value, (*path, i))
            elif isinstance(node, bool):
                assert told[path].casefold() == str(node).casefold(), (path, told[path], node)
            elif isinstance(node, int | float):
                pairs.append((str(path), told[path], float(node) if abs(node) < 2**53 else node, isinstance(node, int)))
            elif node is None:
                assert told[path] in ("", "~", "null", "Null", "NULL"), (path, told[path])
            else:
                assert told[path] == node, (path, told[path], node)

        walk(data, ())
        return pairs

    return read


def _raised(problems: list[Any]) -> None:
    from evaluation.errors import InputError

    if problems:
        raise InputError(problems)


def _context(folder: Path) -> list[Pair]:
    from evaluation.evidence.context import read_context

    context = read_context(_review(folder))
    pairs: list[Pair] = []
    if "needs/profile.csv" in (names := {p.relative_to(folder).as_posix() for p in folder.rglob("*.csv")}):
        told = plain.csv_dicts((folder / "needs/profile.csv").read_bytes())
        told = [row for row in told if any(c.strip() for c in row.values())]
        assert len(told) == len(context.profile), "rows appeared or went"
        for row, (_, got) in zip(told, context.profile.iterrows(), strict=True):
            assert (row["indicator"].strip(), row["group"].strip()) == (got["indicator"], got["group"])
            pairs += _measured("profile", row, got, ("count", "population"))
    if "needs/context.csv" in names:
        told = [
            row
            for row in plain.csv_dicts((folder / "needs/context.csv").read_bytes())
            if any(c.strip() for c in row.values())
        ]
        assert len(told) == len(context.factors), "rows appeared or went"
        for row in told:
            pairs += _measured("context", row, context.factors.loc[row["area"].strip()], tuple(context.factors.columns))
    return pairs


def _measured(where: str, row: Mapping[str, str], got: Mapping[str, Any], columns: tuple[str, ...]) -> list[Pair]:
    pairs = []
    for column in columns:
        if column not in got:
            continue
        value = float(got[column])
        if value == value:
            pairs.append((f"{where} {column}", row[column], value, False))
        else:
            assert row[column].strip() == "", f"{where} {column}: {row[column]!r} was taken for missing"
    return pairs


def _map(folder: Path) -> list[Pair]:
    import json

    from evaluation.evidence.context import read_context

    polygons = read_context(_review(folder)).polygons
    told = json.loads((folder / "areas.geojson").read_bytes(), parse_int=str, parse_float=str)
    written: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for part in node:
                walk(part)
        elif isinstance(node, str):
            written.append(node)

    for feature in told["features"]:
        walk((feature.get("geometry") or {}).get("coordinates"))
    numbers = {float(text) for text in written}
    for rings in polygons.values():
        for ring in rings:
            for point in ring:
                assert set(point) <= numbers, f"{point} is not in the file"
    return []


def _days(folder: Path) -> list[Pair]:
    from evaluation.evidence.days import read_days

    found = read_days(_review(folder), "assaults") or {}
    told: dict[str, int] = {}
    for row in plain.csv_dicts((folder / "days/assaults.csv").read_bytes()):
        if any(c.strip() for c in row.values()):
            many = row.get("count", "").strip() or "1"
            number = plain.exact(many)
            assert number is not None, f"{many!r} was read as a number"
            told[row["area"].strip()] = told.get(row["area"].strip(), 0) + int(number)
            assert row["day"].strip() in {d.isoformat() for d in found[row["area"].strip()]}, row["day"]
    return [(area, str(told.get(area, 0)), float(len(days)), True) for area, days in found.items()]


def _population(folder: Path) -> list[Pair]:
    from evaluation.evidence.population import read_population

    found = read_population(folder)
    assert found is not None
    told = {}
    for row in plain.csv_dicts((folder / "data/population.csv").read_bytes()):
        if row["count"].strip():
            told.setdefault(row["area"].strip(), set()).add(row["count"])
    return [
        (area, next((t for t in told[area] if plain.exact(t) == number), "nothing of that size"), number, True)
        for area, months in found.people.items()
        for number in months.values()
    ]


def _editions(folder: Path) -> list[Pair]:
    from evaluation.evidence.editions import read_editions
    from evaluation.evidence.panel import build_panel

    review = _review(folder)
    places, counts = read_editions(review, review.indicators["assaults"], build_panel(review, "assaults"))
    assert len(places) == len(counts)
    return []


def _lookup(folder: Path) -> list[Pair]:
    from evaluation.evidence.geography import read_lookup, read_residents

    found = read_lookup(folder / "lookup.csv", "lad", source="LSOA21CD", target="LAD22CD", weight="weight")
    people = read_residents(folder / "lookup.csv")
    told: dict[tuple[str, str], float] = {}
    rows = [
        row
        for row in plain.csv_dicts((folder / "lookup.csv").read_bytes())
        if row["LSOA21CD"].strip() and row["LAD22CD"].strip()
    ]
    for row in rows:
        number = plain.exact(row["weight"], grouped=True)
        assert number is not None, f"{row['weight']!r} was read as a weight"
        key = (row["LSOA21CD"].strip(), row["LAD22CD"].strip())
        told[key] = told.get(key, 0.0) + float(number)
    for code, parts in found.shares.items():
        total = sum(weight for (source, _), weight in told.items() if source == code)
        for area, share in parts.items():
            assert not total or abs(share - told[code, area] / total) < 1e-12, (code, area, share)
    # Which column holds the codes is told by what is in it, so a person is found by the number alone.
    numbers = {
        plain.exact(row["population"], grouped=True) for row in plain.csv_dicts((folder / "lookup.csv").read_bytes())
    }
    assert all(number in numbers for number in people.values()), people
    return []


def _prices(folder: Path) -> list[Pair]:
    from evaluation.judgement.prices import read_prices

    found = read_prices(folder)
    costs = {row["offence"].strip(): row["value"] for row in plain.csv_dicts((folder / "unit_costs.csv").read_bytes())}
    years = {row["year"].strip(): row["index"] for row in plain.csv_dicts((folder / "deflators.csv").read_bytes())}
    grouped = [(key, costs[key].replace(",", ""), price.value, False) for key, price in found.unit_costs.items()]
    assert all(plain.exact(costs[key], grouped=True) is not None for key in found.unit_costs), costs
    return grouped + [(str(y), years[str(y)].replace(",", ""), index, False) for y, index in found.deflators.items()]


def _shocks(folder: Path) -> list[Pair]:
    from evaluation.evidence.shocks import review_shocks

    shocks = review_shocks(folder)
    text = (folder / "shocks.csv").read_bytes().decode("utf-8-sig")
    for shock in shocks:
        assert not shock.own or (shock.start.isoformat() in text and shock.checked.isoformat() in text)
    return []


def _definitions(folder: Path) -> list[Pair]:
    from evaluation.protocol.definition import read_definitions

    _raised(read_definitions(folder)[1])
    return []


def _registrations(folder: Path) -> list[Pair]:
    from evaluation.protocol.registration import changes_since_registration, read_registrations

    read_registrations(folder / "plans/outreach.yaml")
    changes_since_registration(folder / "plans/outreach.yaml")
    return []


def _archive(folder: Path) -> list[Pair]:
    from evaluation.publication.archive import read_findings

    read_findings(folder / "review.zip")
    return []


def _imported(command: list[str], target: str, column: str) -> Callable[[Path], list[Pair]]:
    """Import by the command a user types; every count written must stand in the file, or be a sum of what does."""

    def read(folder: Path) -> list[Pair]:
        import csv

        from evaluation.errors import InputError, Problem
        from tests.command_line import svd

        result = svd("import", *[str(folder / part) if "." in part and "/" not in part else part for part in command], "--into", folder / "out")  # fmt: skip
        if result.exit_code:
            assert result.exit_code == 2, result.exit_code
            assert "problem: " in result.stderr or "--" in result.stderr, result.stderr
            assert not (folder / "out" / "data").exists() or not list((folder / "out" / "data").glob("*.csv")), (
                "half-written"
            )
            raise InputError([Problem("import", "", result.stderr[:200], "Correct it.")])
        raw = (folder / target).read_bytes()
        told = [cell for row in plain.csv_records(raw) for cell in row] if target.endswith(".csv") else None
        if target.endswith(".xlsx"):
            told = [cell for row in plain.sheet_dicts(folder / target, "Counts") for cell in row.values()]
        pairs: list[Pair] = []
        if told is not None and column:
            known = {number for cell in told if (number := plain.exact(cell, grouped=True)) is not None}
            for path in sorted((folder / "out" / "data").glob("*.csv")):
                with path.open(encoding="utf-8", newline="") as stream:
                    for row in csv.DictReader(stream):
                        if (number := plain.exact(row["count"] or "")) is not None:
                            assert number in known or number == 0, f"{number} was read, and stands nowhere in {target}"
        return pairs

    return read


def _of_sample(sample: Sample) -> Reader:
    files = {sample.name: sample.text.encode()} | ({"mapping.yaml": sample.mapping.encode()} if sample.mapping else {})
    # These add up rows, or interpolate between years; tests/evidence/sources checks their arithmetic.
    column = "" if sample.source in ("police-uk", "recorded-crime", "met-borough", "population") else sample.count
    return Reader(
        f"import {sample.source}",
        "csv",
        sample.name,
        files,
        _imported([sample.source, sample.name, *sample.options], sample.name, column),
    )


@cache
def _workbooks() -> dict[str, bytes]:
    import tempfile

    from tests.evidence.sources.workbooks import write_ods, write_xlsx

    rows: list[list[Any]] = [["Indicator", "Area code", "Month", "Count", "Status", "Remark"]]
    rows += [["Referrals", f"E0{a}", f"2024-0{m}", 10 * a + m, "final", None] for a in (1, 2) for m in (1, 2, 3)]
    with tempfile.TemporaryDirectory() as scratch:
        made = {f"book{end}": write(Path(scratch) / f"b{end}", {"Guide": [["How"]], "Counts": rows}).read_bytes()
                for end, write in ((".xlsx", write_xlsx), (".ods", write_ods))}  # fmt: skip
    return made


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    table = pa.table({"area": ["T01", "T02"], "period": ["2023-01", "2023-01"], "count": [5, 7]})
    pq.write_table(table, out)
    return out.getvalue()


def _read_parquet(folder: Path) -> list[Pair]:
    import pyarrow.parquet as pq

    from evaluation.evidence.tidy import read_tidy
    from evaluation.protocol import Indicator

    found = read_tidy(folder / "t.parquet", Indicator(key="assaults", title="Assaults"))
    told = pq.read_table(folder / "t.parquet").to_pylist()
    return [
        (row["area"], str(row["count"]), got, True) for row, got in zip(told, found["count"], strict=True) if got == got
    ]


def _zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def _review_zip() -> bytes:
    import hashlib
    import json

    files = {"inputs/review.yaml": b"year: 2024", "packets/p/finding.json": b'{"indicators": {}}',
             "packets/p/run.json": b"{}", "packets/p/plan.yaml": b"id: p"}  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        archive.writestr("manifest.json", json.dumps({"year": "2024", "sha256": hashes}))
    return out.getvalue()


@cache
def readers() -> dict[str, Reader]:
    """Every reader by name."""
    review = _review_files()
    locked = _locked()
    street = next(s for s in SAMPLES if s.source == "police-uk")
    books = _workbooks()
    listed = [
        Reader("tidy csv", "csv", "t.csv", {"t.csv": TIDY.encode()}, _tidy("t.csv")),
        Reader("tidy csv, rounded", "csv", "t.csv", {"t.csv": b"area,period,count\nT1,2023-01,15\nT1,2023-02,0\nT2,2023-01,*\n"}, _tidy("t.csv", rounded_to=5)),
        Reader("tidy csv, binomial", "csv", "t.csv", {"t.csv": EXPOSED.encode()}, _tidy("t.csv", likelihood="binomial")),
        Reader("tidy csv, scores", "csv", "t.csv", {"t.csv": b"area,period,value\nT1,2023-01,15.25\nT1,2023-02,-0.5\n"}, _tidy("t.csv", "value", likelihood="normal")),
        Reader("tidy csv.gz", "bytes", "t.csv.gz", {"t.csv.gz": gzip.compress(TIDY.encode(), mtime=0)}, _tidy("t.csv.gz")),
        Reader("tidy parquet", "bytes", "t.parquet", {"t.parquet": _parquet()}, _read_parquet),
        *(Reader(name, "yaml", name, review, _yaml_numbers(name)) for name in ("review.yaml", "areas.yaml", "indicators.yaml")),
        Reader("plan", "yaml", "plans/outreach.yaml", review, _yaml_numbers("plans/outreach.yaml")),
        Reader("definitions.yaml", "yaml", "definitions.yaml", {"definitions.yaml": DEFINITIONS.encode()}, _definitions),
        Reader("needs/profile.csv", "csv", "needs/profile.csv", review | {"needs/profile.csv": PROFILE.encode()}, _context),
        Reader("needs/context.csv", "csv", "needs/context.csv", review | {"needs/context.csv": CONTEXT.encode()}, _context),
        Reader("areas.geojson", "json", "areas.geojson", review | {"areas.geojson": GEOJSON.encode()}, _map),
        Reader("days", "csv", "days/assaults.csv", review | {"days/assaults.csv": DAYS.encode()}, _days),
        Reader("editions", "csv", "editions/assaults/2024-01-31.csv", review | {"editions/assaults/2024-01-31.csv": TIDY.encode()}, _editions),
        Reader("population.csv", "csv", "data/population.csv", review | _people(), _population),
        Reader("population names", "csv", "data/provenance/population.areas.csv", review | _people(), _population),
        Reader("look-up", "csv", "lookup.csv", {"lookup.csv": LOOKUP.encode()}, _lookup),
        Reader("unit_costs.csv", "csv", "unit_costs.csv", {"unit_costs.csv": UNIT_COSTS.encode(), "deflators.csv": DEFLATORS.encode()}, _prices),
        Reader("deflators.csv", "csv", "deflators.csv", {"unit_costs.csv": UNIT_COSTS.encode(), "deflators.csv": DEFLATORS.encode()}, _prices),
        Reader("shocks.csv", "csv", "shocks.csv", {"shocks.csv": SHOCKS.encode()}, _shocks),
        Reader("lock file", "json", LOCK, review | {LOCK: locked}, _registrations),
        Reader("archived review", "zip", "review.zip", {"review.zip": _review_zip()}, _archive),
        Reader("import csv, mapping", "yaml", "mapping.yaml", {"mapping.yaml": MAPPING.encode(), "p.csv": TABLE.encode()}, _imported(["csv", "p.csv", "--mapping", "mapping.yaml"], "p.csv", "Referrals")),
        Reader("import template xlsx", "zip", "book.xlsx", books, _imported(["template", "book.xlsx"], "book.xlsx", "Count")),
        Reader("import template ods", "zip", "book.ods", books, _imported(["template", "book.ods"], "book.ods", "")),
        Reader("import police-uk zip", "zip", "a.zip", {"a.zip": _zipped(f"2024-01/{street.name}", street.text.encode())}, _imported(["police-uk", "a.zip"], "a.zip", "")),
        *(_of_sample(sample) for sample in SAMPLES),
    ]  # fmt: skip
    return {reader.name: reader for reader in listed}


def _people() -> dict[str, bytes]:
    return {"data/population.csv": POPULATION.encode(),
            "data/provenance/population.areas.csv": b"area,name\nT01,Town 1\nT02,Town 2\n"}  # fmt: skip


def _locked() -> bytes:
    import tempfile

    from evaluation.protocol.registration import register

    with tempfile.TemporaryDirectory() as scratch:
        folder = write_review(Path(scratch))
        register(folder / "plans/outreach.yaml")
        return (folder / LOCK).read_bytes()


assert REVIEW and AREAS  # the review that the others are made from
