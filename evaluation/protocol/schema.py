"""JSON Schema of every YAML file, made from the very models that check them, and a page of reference made from that.

Editors that know the YAML language server complete keys, show what each means and mark what is wrong while it is typed. The
program itself does not use these files: what they cannot say (dates in order, areas that exist) is for `svd check`.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from evaluation.protocol.definition import Definition
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.partnership import Area, AreaGroup, ReviewSettings
from evaluation.protocol.plan import Plan

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
TITLES = {
    "review": "review.yaml: what holds for the whole review",
    "areas": "areas.yaml: the areas and groups of them",
    "indicators": "indicators.yaml: what is counted",
    "plan": "plans/NAME.yaml: one intervention",
    "definitions": "definitions.yaml: local definitions of serious violence (optional)",
}


class _Generator(GenerateJsonSchema):
    """As pydantic's, but text may be written without quotes where YAML reads it as a whole number: `year: 2024`."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        return super().str_schema(schema) | {"type": ["string", "integer"]}


def make_schemas() -> dict[str, Schema]:
    """The schema of each kind of file, by its name."""
    area = {"anyOf": [{"type": "string", "description": "The name alone."}, _reference(Area)]}
    group = {"anyOf": [{"type": "array", "items": {"type": ["string", "integer"]}}, _reference(AreaGroup)]}
    areas = {
        "type": "object",
        "additionalProperties": False,
        "required": ["areas"],
        "properties": {
            "areas": {
                "type": "object",
                "additionalProperties": area,
                "description": "Each area by the code in the data.",
            },
            "groups": {
                "type": "object",
                "additionalProperties": group,
                "description": "Areas that plans name together.",
            },
        },
    }
    indicator = schema_of(Indicator)
    indicator["$defs"]["Indicator"]["properties"].pop("key")  # the name before the colon
    indicator["$defs"]["Indicator"]["required"] = ["title"]
    bodies: dict[str, Schema] = {
        "review": schema_of(ReviewSettings),
        "areas": areas | {"$defs": schema_of(Area)["$defs"] | schema_of(AreaGroup)["$defs"]},
        "indicators": {"type": "object", "additionalProperties": _reference(Indicator), "$defs": indicator["$defs"]},
        "plan": schema_of(Plan),
        "definitions": {
            "type": "object",
            "additionalProperties": _reference(Definition),
            "$defs": schema_of(Definition)["$defs"],
        },
    }
    return {name: headed(body, TITLES[name]) for name, body in bodies.items()}


def headed(body: Schema, title: str) -> Schema:
    """A schema with its dialect and title."""
    return {"$schema": DIALECT, "title": title} | body


def schema_of(model: type[BaseModel]) -> Schema:
    """The schema of one model: a reference to its definition, with the words of its docstring at every key."""
    found = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    definitions: dict[str, Schema] = found.pop("$defs", {})
    definitions[model.__name__] = found
    models = {m.__name__: m for m in _models(model, set())}
    for name, definition in definitions.items():
        definition.pop("title", None)
        if name in models:
            _describe(definition, models[name])
    return _reference(model) | {"$defs": dict(sorted(definitions.items()))}


def read_attributes(docstring: str) -> tuple[str, dict[str, str]]:
    """The first paragraph of a docstring, and what it says of each attribute."""
    docstring = inspect.cleandoc(docstring)
    summary = " ".join(docstring.split("\n\n")[0].split())
    attributes: dict[str, str] = {}
    names: list[str] = []
    for line in docstring.partition("Attributes:")[2].splitlines():
        if match := re.match(r" {4}([a-z_][a-z_0-9, ]*): (.*)", line):
            names = [name.strip() for name in match[1].split(",")]
            attributes |= dict.fromkeys(names, match[2].strip())
        elif names and line.startswith(" " * 8):
            attributes |= {name: f"{attributes[name]} {line.strip()}" for name in names}
        elif line.strip():
            break
    return summary, attributes


def write_reference(schemas: Mapping[str, Schema]) -> str:
    """The page of reference in Markdown: every key of every file, what it may hold and what it means."""
    lines = [
        "# Every key of every file",
        "",
        "Made by `svd schema --into FOLDER` from the models that check the files; a test holds it to them. Keys in **bold** must be",
        "there. A key that is not listed is refused.",
        "",
    ]
    for name, schema in schemas.items():
        lines += [f"## {schema['title']}", ""]
        lines += [f"Schema for editors: `{name}.json`.", ""]
        if "properties" in schema:
            lines += [*_table(schema), ""]
        for title, definition in schema["$defs"].items():
            if "properties" in definition:
                lines += [f"### {name}: {title}", "", definition.get("description", ""), "", *_table(definition), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(definition: Schema) -> Iterator[str]:
    yield "| key | holds | what it means |"
    yield "|---|---|---|"
    for key, about in definition["properties"].items():
        shown = f"**`{key}`**" if key in definition.get("required", ()) else f"`{key}`"
        meaning = about.get("description", "").replace("|", "\\|").replace("\n", " ")
        default = about.get("default")
        told = (
            "" if default in (None, [], {}, "") or isinstance(default, dict) else f" (otherwise {json.dumps(default)})"
        )
        yield f"| {shown} | {_holds(about).replace('|', chr(92) + '|')}{told} | {meaning} |"


def _holds(about: Schema) -> str:
    """What a key may hold, in plain words."""
    if "$ref" in about:
        return f"see {about['$ref'].rsplit('/', 1)[-1]}"
    if "anyOf" in about:
        parts = [_holds(part) for part in about["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if "const" in about:
        return f"`{about['const']}`"
    kind = about.get("type")
    if kind == "array":
        return f"list of {_holds(about.get('items', {}))}"
    if kind == "object":
        return (
            f"names, each with {_holds(about['additionalProperties'])}"
            if about.get("additionalProperties")
            else "names"
        )
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    words = "text" if kind == ["string", "integer"] else names.get(str(kind), "anything")
    words = "a day, 2026-06-30" if about.get("format") == "date" else words
    low, high = about.get("minimum", about.get("exclusiveMinimum")), about.get("maximum", about.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f"{words}, {low:g} to {high:g}"
    return (
        f"{words}, {'more than' if 'exclusiveMinimum' in about else 'at least'} {low:g}" if low is not None else words
    )


def _reference(model: type[BaseModel]) -> Schema:
    return {"$ref": f"#/$defs/{model.__name__}"}


def _describe(definition: Schema, model: type[BaseModel]) -> None:
    summary, attributes = read_attributes(model.__doc__ or "")
    definition["description"] = summary
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in definition.get("properties", {}):
            definition["properties"][key].pop("title", None)
            if name in attributes:
                definition["properties"][key]["description"] = attributes[name].rstrip(".").strip()


def _models(annotation: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """Every model that a model holds, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            yield annotation
            for field in annotation.model_fields.values():
                yield from _models(field.annotation, seen)
        return
    for inner in typing.get_args(annotation):
        yield from _models(inner, seen)
