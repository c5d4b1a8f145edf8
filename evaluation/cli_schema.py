"""``svd schema``: JSON Schema of every YAML file, for editors that complete and check while one types."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
FOLDER = "schema"


@app.command(epilog="Example: svd schema --into my-review/schema")
def schema(
    into: Annotated[Path, typer.Option(help="Folder for the schemas; made if need be.")],
    reference: Annotated[
        Path | None, typer.Option(help="Also write the page of reference, in Markdown, to this file.")
    ] = None,
) -> None:
    """Write the JSON Schema of every YAML file; `svd new` does so by itself."""
    for path in write_schemas(into):
        typer.echo(str(path))
    if reference is not None:
        from evaluation.protocol.schema import write_reference

        _write(reference, write_reference(all_schemas()))
        typer.echo(str(reference))


def all_schemas() -> dict[str, dict[str, object]]:
    """Those of the review folder, and that of the mapping of a partner's table."""
    from evaluation.evidence.sources.mapping import Mapping
    from evaluation.protocol.schema import headed, make_schemas, schema_of

    return make_schemas() | {
        "mapping": headed(schema_of(Mapping), "--mapping FILE.yaml: how a partner's table is read")
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into a folder.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, content in all_schemas().items():
        made.append(folder / f"{name}.json")
        _write(made[-1], json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return made


def equip_review(folder: Path) -> None:
    """Put the schemas beside a new review and name them in the first line of each of its YAML files."""
    write_schemas(folder / FOLDER)
    plans = sorted((folder / "plans").glob("*.yaml"))
    named = {
        folder / f"{name}.yaml": f"{FOLDER}/{name}.json" for name in ("review", "areas", "indicators", "definitions")
    }
    for path, place in (named | dict.fromkeys(plans, f"../{FOLDER}/plan.json")).items():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            if "yaml-language-server" not in text:
                _write(path, f"# yaml-language-server: $schema={place}\n{text}")


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.writing")
    aside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(aside, path)
