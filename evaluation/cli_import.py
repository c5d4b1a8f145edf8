"""``svd import SOURCE ...``: a real publication into tidy data, with a record of where every number came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evaluation.evidence.sources.extract import Extract

app = typer.Typer(
    help="Read a real publication into tidy data: see the list of sources below.",
    epilog="Example: svd import police-uk 2026-07.zip --into my-review --type Robbery",
    no_args_is_help=True,
)

Files = Annotated[list[Path], typer.Argument(help="Files, folders or zips as published.")]
Into = Annotated[Path, typer.Option(help="The review folder; data go to its data/.")]
Indicator = Annotated[str | None, typer.Option(help="Key to file under; several measures are added up.")]
Measures = Annotated[list[str] | None, typer.Option("--measure", help="Only this measure (may be repeated).")]
Retrieved = Annotated[str | None, typer.Option(help="Date of the download, YYYY-MM-DD, for the record.")]
MappingFile = Annotated[Path, typer.Option(help="YAML that says which column is what; see the guide.")]


@app.callback(invoke_without_command=True)
def template(
    context: typer.Context,
    template: Annotated[
        Path | None, typer.Option("--template", help="Write the blank spreadsheet (.xlsx) that a partner fills in.")
    ] = None,
) -> None:
    """Read a real publication into tidy data, or write the blank spreadsheet for a partner (--template)."""
    if template is None:
        return
    from evaluation.evidence.partner_template import write_template

    if context.invoked_subcommand:
        _refuse("--template stands alone.", "Leave out the source.")
    if template.exists():
        _refuse(f"{template} exists.", "Choose another name; nothing was written.")
    _guard(lambda: write_template(template))
    typer.echo(f"Wrote {template}. Send it to the partner; read it back with: svd import template {template}")


@app.command("template", epilog="Example: svd import template filled.xlsx --into my-review")
def filled(files: Files, into: Into, retrieved: Retrieved = None) -> None:
    """The spreadsheet of --template, filled in by a partner."""
    from evaluation.evidence.partner_template import read_template

    _run("excel", into, lambda: read_template(files), None, [], retrieved, {})


@app.command("police-uk", epilog="Example: svd import police-uk 2026-07.zip --into my-review --type Robbery")
def police_uk(
    files: Files,
    into: Into,
    area: Annotated[str, typer.Option(help="lsoa, ward, lad, csp, force or custom (with --lookup).")] = "lad",
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only this crime type (may be repeated).")] = None,
    force: Annotated[list[str] | None, typer.Option(help="Only this force's files, as named in them.")] = None,
    lookup: Annotated[Path | None, typer.Option(help="CSV from LSOA codes (or district names) to areas.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Column of the look-up that is looked up.")] = None,
    to: Annotated[str | None, typer.Option(help="Column of the look-up with the areas' codes.")] = None,
    vintages: Annotated[Path | None, typer.Option(help="ONS look-up from LSOA11CD to LSOA21CD.")] = None,
    allow_loss: Annotated[float, typer.Option(min=0, max=1, help="Share of rows the look-up may not know.")] = 0.0,
    keep_outside: Annotated[bool, typer.Option(help="Keep districts that the forces do not police.")] = False,
    transport: Annotated[bool, typer.Option(help="Count British Transport Police too.")] = False,
    count_repeats: Annotated[bool, typer.Option(help="Count every row of a repeated Crime ID.")] = False,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """data.police.uk: street-level crime to areas by month and crime type."""
    from evaluation.evidence.sources import police_uk as source
    from evaluation.evidence.sources.police_uk_areas import Placing

    placing = Placing(area, lookup, from_, to, vintages, allow_loss, keep_outside)
    repeats = source.ALL_ROWS if count_repeats else source.ONCE
    options = source.Options(placing, tuple(type_ or ()), tuple(force or ()), repeats, transport)
    if area not in ("lsoa", "ward", "lad", "csp", "force", "custom"):
        _refuse(f"There is no area '{area}'.", "Use lsoa, ward, lad, csp, force or custom.")
    told = {"area": area, "types": type_ or [], "forces": force or [], "repeats": repeats, "transport": transport,
            "keep_outside": keep_outside, "allow_loss": allow_loss, "lookup": lookup.name if lookup else None,
            "vintages": vintages.name if vintages else None}  # fmt: skip
    _run("police-uk", into, lambda: source.read(files, options), indicator, [], retrieved, told)


@app.command(
    "met-borough", epilog="Example: svd import met-borough MPS*.csv --into my-review --measure ROBBERY --major"
)
def met_borough(
    files: Files,
    into: Into,
    major: Annotated[bool, typer.Option(help="Measures are major types, not minor ones.")] = False,
    measure: Measures = None,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Metropolitan Police: crime by London borough and month (the wide tables)."""
    from evaluation.evidence.sources.met_borough import read_borough

    told = {"major": major, "measures": measure or []}
    _run("met-borough", into, lambda: read_borough(files, minor=not major), indicator, measure or [], retrieved, told)


@app.command("met-knife", epilog="Example: svd import met-knife knife_crime.csv --into my-review")
def met_knife(
    files: Files, into: Into, measure: Measures = None, indicator: Indicator = None, retrieved: Retrieved = None
) -> None:
    """Metropolitan Police: knife crime by London borough and month."""
    from evaluation.evidence.sources.met_borough import read_knife

    _run("met-knife", into, lambda: read_knife(files), indicator, measure or [], retrieved, {"measures": measure or []})


@app.command("recorded-crime", epilog="Example: svd import recorded-crime prc-csp.ods --into my-review --by group")
def recorded_crime(
    files: Files,
    into: Into,
    area: Annotated[str, typer.Option(help="csp or force.")] = "csp",
    by: Annotated[str, typer.Option(help="Measures are a group, subgroup or offence.")] = "subgroup",
    code: Annotated[list[str] | None, typer.Option(help="Only this offence code, added up (may be repeated).")] = None,
    definition: Annotated[str | None, typer.Option(help="Offence codes of a local definition.")] = None,
    measure: Measures = None,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Home Office: police recorded crime open data by force or CSP, quarterly."""
    from evaluation.evidence.sources import recorded_crime as source

    if area not in ("csp", "force") or by not in ("group", "subgroup", "offence"):
        _refuse(f"'{area}' and '{by}' are not known together.", "--area csp or force; --by group, subgroup or offence.")

    def read() -> Extract:
        codes, name = frozenset(code or ()), "offences of the codes"
        if definition:
            from evaluation.protocol.definition import find_definition, offence_codes

            found = find_definition(into, definition)
            codes, name = codes | frozenset(offence_codes(found)), found.title
        return source.read(files, source.Options(area, by, codes, name))

    told = {"area": area, "by": by, "codes": code or [], "definition": definition, "measures": measure or []}
    _run("recorded-crime", into, read, indicator, measure or [], retrieved, told)


@app.command("fingertips", epilog="Example: svd import fingertips indicator.csv --into my-review")
def fingertips(
    files: Files,
    into: Into,
    area_type: Annotated[str | None, typer.Option(help="As in the column Area Type.")] = None,
    sex: Annotated[str, typer.Option(help="As in the column Sex.")] = "Persons",
    age: Annotated[str | None, typer.Option(help="As in the column Age.")] = None,
    measure: Measures = None,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Fingertips (public health profiles): annual counts with their denominators."""
    from evaluation.evidence.sources.profiles import read_fingertips

    told = {"area_type": area_type, "sex": sex, "age": age, "measures": measure or []}

    def read() -> Extract:
        return read_fingertips(files, area_type=area_type, sex=sex, age=age)

    _run("fingertips", into, read, indicator, measure or [], retrieved, told)


@app.command("hospital", epilog="Example: svd import hospital admissions.csv --into my-review --indicator admissions")
def hospital(
    files: Files,
    into: Into,
    late: Annotated[int, typer.Option(min=0, max=12, help="How many of the newest months are provisional.")] = 3,
    not_rounded: Annotated[bool, typer.Option(help="The counts are not rounded to 5.")] = False,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """NHS: monthly admissions with 1 to 7 as *, the others rounded to 5."""
    from evaluation.evidence.sources.health import read_hospital

    told = {"late": late, "rounded": not not_rounded}
    _run(
        "hospital",
        into,
        lambda: read_hospital(files, rounded=not not_rounded, late=late),
        indicator,
        [],
        retrieved,
        told,
    )


@app.command("emergency-department", epilog="Example: svd import emergency-department istv.csv --into my-review")
def emergency_department(
    files: Files,
    into: Into,
    late: Annotated[int, typer.Option(min=0, max=12, help="How many of the newest months are provisional.")] = 0,
    measure: Measures = None,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Emergency departments: monthly counts made from the ISTV minimum data set."""
    from evaluation.evidence.sources.health import read_attendances

    told = {"late": late, "measures": measure or []}
    _run(
        "emergency-department",
        into,
        lambda: read_attendances(files, late=late),
        indicator,
        measure or [],
        retrieved,
        told,
    )


@app.command("school-exclusions", epilog="Example: svd import school-exclusions exc_la.csv --into my-review")
def school_exclusions(
    files: Files,
    into: Into,
    level: Annotated[str, typer.Option(help="Local authority, Regional or National.")] = "Local authority",
    measure: Measures = None,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Department for Education: suspensions and permanent exclusions by academic year."""
    from evaluation.evidence.sources.profiles import read_exclusions

    told = {"level": level, "measures": measure or []}
    _run(
        "school-exclusions",
        into,
        lambda: read_exclusions(files, level=level),
        indicator,
        measure or [],
        retrieved,
        told,
    )


@app.command("population", epilog="Example: svd import population nomis.csv --into my-review --last 2026-03")
def population(
    files: Files,
    into: Into,
    first: Annotated[str | None, typer.Option(help="First month, YYYY-MM.")] = None,
    last: Annotated[
        str | None, typer.Option(help="Last month, YYYY-MM; carried forward past the last estimate.")
    ] = None,
    retrieved: Retrieved = None,
) -> None:
    """ONS: mid-year estimates, interpolated to months."""
    from evaluation.evidence.sources.population import read

    told = {"first": first, "last": last}
    _run("population", into, lambda: read(files, first=first, last=last), None, [], retrieved, told)


def _by_mapping(kind: str) -> Callable[..., None]:
    def command(
        files: Files,
        into: Into,
        mapping: MappingFile,
        measure: Measures = None,
        indicator: Indicator = None,
        retrieved: Retrieved = None,
    ) -> None:
        from evaluation.evidence.sources.spreadsheet import read, read_mapping

        told = {"mapping": mapping.name, "measures": measure or []}
        _run(kind, into, lambda: read(files, kind, read_mapping(mapping)), indicator, measure or [], retrieved, told)

    return command


for _kind, _what in (("csv", "CSV file"), ("excel", "workbook (xlsx, xls, ods)"), ("parquet", "Parquet file")):
    app.command(
        _kind,
        help=f"A partner's own {_what}, by a mapping in YAML.",
        epilog=f"Example: svd import {_kind} FILE --into my-review --mapping youth_service.yaml",
    )(_by_mapping(_kind))


def _run(
    name: str,
    into: Path,
    read: Callable[[], Extract],
    indicator: str | None,
    measures: Sequence[str],
    retrieved: str | None,
    options: dict[str, Any],
) -> None:
    """Read, file, and say what was done."""
    from datetime import date

    from evaluation.evidence.revisions import describe_revision
    from evaluation.evidence.sources.filing import as_key, choose_measures, file_extract
    from evaluation.evidence.sources.registry import SOURCES

    if into.exists() and not into.is_dir():
        _refuse(f"{into} is a file.", "Name a review folder.")
    if indicator is not None and indicator != as_key(indicator):
        _refuse(f"'{indicator}' cannot be a key.", f"Use small letters, figures and underscores: {as_key(indicator)}.")
    if retrieved is not None:
        try:
            date.fromisoformat(retrieved)
        except ValueError:
            _refuse(f"'{retrieved}' is not a date.", "Write --retrieved 2026-07-31.")

    def work() -> tuple[Extract, list[Any]]:
        extract = read()
        choose_measures(extract, list(measures))
        return extract, file_extract(
            extract, SOURCES[name], into, indicator=indicator, retrieved=retrieved, options=options
        )

    extract, filed = _guard(work)
    ledger = extract.ledger
    typer.echo(f"{ledger.rows_in:,} rows read, {ledger.counted:,} counted.")
    for reason, rows in ledger.dropped.items():
        typer.echo(f"  left out: {rows:,}: {reason}")
    for note in extract.notes:
        typer.echo(f"note: {note}")
    for item in filed:
        typer.echo(f"{item.path}: {item.rows:,} rows, {len(item.areas):,} areas")
        for line in describe_revision(item.revision) if item.revision else []:
            typer.echo(f"  {line}")
        for line in _touched(into, item):
            typer.echo(f"  {line}")
    if not (into / "indicators.yaml").is_file() or len(filed) == 1:
        typer.echo("In indicators.yaml (give it a unit and a definition):")
        typer.echo("".join(item.entry for item in filed[:3]).rstrip())


def _touched(into: Path, item: Any) -> list[str]:
    """Which findings a revision touches, if the folder is a review that can be read."""
    from evaluation.evidence.revisions import touched_plans
    from evaluation.protocol.loading import gather

    if item.revision is None or not item.revision.changed or not (into / "review.yaml").is_file():
        return []
    touched = touched_plans(gather(into).review, item.indicator, item.revision)
    return [f"touches {plan}: {sentence}" for plan, sentence in touched.items()]


def _guard(work: Callable[[], Any]) -> Any:
    from evaluation.cli import list_problems
    from evaluation.errors import InputError

    try:
        return work()
    except InputError as error:
        list_problems(error)


def _refuse(found: str, remedy: str) -> None:
    from evaluation.cli import refuse

    refuse(found, remedy)
