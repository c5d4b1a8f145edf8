"""``svd import SOURCE ...``: a real publication into tidy data, with a record of where every number came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evaluation.evidence.sources.extract import Extract
    from evaluation.evidence.sources.regrouping import Regrouping

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
LookupFile = Annotated[Path | None, typer.Option("--lookup", help="CSV from the publication's areas to others.")]
Source = Annotated[str | None, typer.Option("--from", help="Column of the look-up that is looked up.")]
Target = Annotated[str | None, typer.Option("--to", help="Column of the look-up with the areas' codes.")]
Weight = Annotated[
    str | None, typer.Option("--weight", help="Column of the look-up by which a split area is shared out.")
]
Loss = Annotated[float, typer.Option("--allow-loss", min=0, max=1, help="Share of rows the look-up may not know.")]
Definition = Annotated[str | None, typer.Option(help="Screen by a local definition of serious violence.")]
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
    from_: Source = None,
    to: Target = None,
    weight: Weight = None,
    vintages: Annotated[Path | None, typer.Option(help="ONS look-up from LSOA11CD to LSOA21CD.")] = None,
    residents: Annotated[
        Path | None, typer.Option(help="Population by LSOA of 2021, to share out those of 2011 that were split.")
    ] = None,
    allow_loss: Loss = 0.0,
    keep_outside: Annotated[bool, typer.Option(help="Keep districts that the forces do not police.")] = False,
    transport: Annotated[bool, typer.Option(help="Count British Transport Police too.")] = False,
    count_repeats: Annotated[bool, typer.Option(help="Count every row of a repeated Crime ID.")] = False,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """data.police.uk: street-level crime to areas by month and crime type."""
    from evaluation.evidence.sources import police_uk as source
    from evaluation.evidence.sources.police_uk_areas import Placing

    if residents and not vintages:
        _refuse("--residents shares out LSOAs that were split in 2021.", "Give the official table with --vintages too.")
    placing = Placing(area, lookup, from_, to, vintages, weight, residents, allow_loss, keep_outside)
    repeats = source.ALL_ROWS if count_repeats else source.ONCE
    options = source.Options(placing, tuple(type_ or ()), tuple(force or ()), repeats, transport)
    if area not in ("lsoa", "ward", "lad", "csp", "force", "custom"):
        _refuse(f"There is no area '{area}'.", "Use lsoa, ward, lad, csp, force or custom.")
    told = {"area": area, "types": type_ or [], "forces": force or [], "repeats": repeats, "transport": transport,
            "keep_outside": keep_outside, "allow_loss": allow_loss, "lookup": lookup.name if lookup else None,
            "vintages": vintages.name if vintages else None, "weight": weight,
            "residents": residents.name if residents else None}  # fmt: skip
    _run("police-uk", into, lambda: source.read(files, options), indicator, [], retrieved, told)


@app.command(
    "met-borough", epilog="Example: svd import met-borough MPS*.csv --into my-review --measure ROBBERY --major"
)
def met_borough(
    files: Files,
    into: Into,
    major: Annotated[bool, typer.Option(help="Measures are major types, not minor ones.")] = False,
    measure: Measures = None,
    lookup: LookupFile = None,
    from_: Source = None,
    to: Target = None,
    weight: Weight = None,
    allow_loss: Loss = 0.0,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Metropolitan Police: crime by London borough and month (the wide tables)."""
    from evaluation.evidence.sources.met_borough import read_borough

    told = {"major": major, "measures": measure or []}
    regrouping = _regrouping(lookup, from_, to, weight, allow_loss)
    _run(
        "met-borough",
        into,
        lambda: read_borough(files, minor=not major),
        indicator,
        measure or [],
        retrieved,
        told,
        regrouping,
    )


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
    definition: Definition = None,
    measure: Measures = None,
    lookup: LookupFile = None,
    from_: Source = None,
    to: Target = None,
    weight: Weight = None,
    allow_loss: Loss = 0.0,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Home Office: police recorded crime open data by force or CSP, quarterly."""
    from evaluation.evidence.sources import recorded_crime as source

    if area not in ("csp", "force") or by not in ("group", "subgroup", "offence"):
        _refuse(f"'{area}' and '{by}' are not known together.", "--area csp or force; --by group, subgroup or offence.")

    def read() -> Extract:
        return source.read_by_definition(files, into, source.Options(area, by, frozenset(code or ())), definition)

    told = {"area": area, "by": by, "codes": code or [], "definition": definition, "measures": measure or []}
    regrouping = _regrouping(lookup, from_, to, weight, allow_loss)
    _run("recorded-crime", into, read, indicator, measure or [], retrieved, told, regrouping)


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
    lookup: LookupFile = None,
    from_: Source = None,
    to: Target = None,
    weight: Weight = None,
    allow_loss: Loss = 0.0,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """NHS: monthly admissions with 1 to 7 as *, the others rounded to 5."""
    from evaluation.evidence.sources.health import read_hospital

    told = {"late": late, "rounded": not not_rounded}
    regrouping = _regrouping(lookup, from_, to, weight, allow_loss)

    def read() -> Extract:
        return read_hospital(files, rounded=not not_rounded, late=late)

    _run("hospital", into, read, indicator, [], retrieved, told, regrouping)


@app.command("emergency-department", epilog="Example: svd import emergency-department istv.csv --into my-review")
def emergency_department(
    files: Files,
    into: Into,
    late: Annotated[int, typer.Option(min=0, max=12, help="How many of the newest months are provisional.")] = 0,
    measure: Measures = None,
    lookup: LookupFile = None,
    from_: Source = None,
    to: Target = None,
    weight: Weight = None,
    allow_loss: Loss = 0.0,
    indicator: Indicator = None,
    retrieved: Retrieved = None,
) -> None:
    """Emergency departments: monthly counts made from the ISTV minimum data set."""
    from evaluation.evidence.sources.health import read_attendances

    told = {"late": late, "measures": measure or []}
    regrouping = _regrouping(lookup, from_, to, weight, allow_loss)

    def read() -> Extract:
        return read_attendances(files, late=late)

    _run("emergency-department", into, read, indicator, measure or [], retrieved, told, regrouping)


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

    def read() -> Extract:
        return read_exclusions(files, level=level)

    _run("school-exclusions", into, read, indicator, measure or [], retrieved, told)


@app.command("population", epilog="Example: svd import population nomis.csv --into my-review --last 2026-03")
def population(
    files: Files,
    into: Into,
    first: Annotated[str | None, typer.Option(help="First month, YYYY-MM.")] = None,
    last: Annotated[
        str | None, typer.Option(help="Last month, YYYY-MM; carried forward past the last estimate.")
    ] = None,
    lookup: LookupFile = None,
    from_: Source = None,
    to: Target = None,
    weight: Weight = None,
    allow_loss: Loss = 0.0,
    retrieved: Retrieved = None,
) -> None:
    """ONS: mid-year estimates, interpolated to months; every count is then set against them."""
    from evaluation.evidence.sources.population import read

    told = {"first": first, "last": last}
    regrouping = _regrouping(lookup, from_, to, weight, allow_loss)
    _run("population", into, lambda: read(files, first=first, last=last), None, [], retrieved, told, regrouping)


def _by_mapping(kind: str) -> Callable[..., None]:
    def command(
        files: Files,
        into: Into,
        mapping: MappingFile,
        definition: Definition = None,
        measure: Measures = None,
        lookup: LookupFile = None,
        from_: Source = None,
        to: Target = None,
        weight: Weight = None,
        allow_loss: Loss = 0.0,
        indicator: Indicator = None,
        retrieved: Retrieved = None,
    ) -> None:
        from evaluation.evidence.sources.spreadsheet import read_by_mapping

        told = {"mapping": mapping.name, "definition": definition, "measures": measure or []}
        regrouping = _regrouping(lookup, from_, to, weight, allow_loss)

        def work() -> Extract:
            return read_by_mapping(files, kind, mapping, into, definition)

        _run(kind, into, work, indicator, measure or [], retrieved, told, regrouping)

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
    regrouping: Regrouping | None = None,
) -> None:
    """Read, file, and say what was done."""
    from evaluation.evidence.sources.importing import Request, import_source

    request = Request(name, into, indicator, tuple(measures), retrieved, options, regrouping)
    for line in _guard(lambda: import_source(read, request)):
        typer.echo(line)


def _regrouping(
    lookup: Path | None, source: str | None, target: str | None, weight: str | None, allowed: float
) -> Regrouping | None:
    from evaluation.evidence.sources.regrouping import Regrouping

    if lookup is None:
        if source or target or weight or allowed:
            _refuse("--from, --to, --weight and --allow-loss belong to a look-up.", "Name it with --lookup.")
        return None
    return Regrouping(lookup, source, target, weight, allowed)


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
