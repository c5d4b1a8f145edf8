"""Local definitions of serious violence: `definitions.yaml`, shipped and of the review.

Partnerships define serious violence differently, so what is counted is configuration. An indicator names the
definition that it measures, and every chart of it repeats the name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from evaluation.errors import InputError, Problem
from evaluation.protocol.reading import Promise, Text, read_model, refuse
from evaluation.protocol.suggest import did_you_mean
from evaluation.protocol.yaml_source import place_of, read_yaml

SHIPPED = Path(__file__).with_name("definitions.yaml")
FILE = "definitions.yaml"
STATED = {
    "adopted": "adopted by the partnership",
    "quoted": "quoted from elsewhere by the document",
    "to_be_agreed": "not agreed yet when the document was written",
    "not_in_document": "not stated in the document",
}


def _ages(value: Any) -> Any:
    remedy = "Write the youngest and the oldest age in years: [0, 24]."
    whole = isinstance(value, list) and all(isinstance(age, int) and not isinstance(age, bool) for age in value)
    if not whole or len(value) != 2 or not 0 <= value[0] <= value[1] <= 120:
        raise refuse("This is not an age band.", remedy)
    return value


class Origin(Promise):
    """Where a definition is published.

    Attributes:
        document: title.
        address: where it can be read.
    """

    document: Text
    address: Text | None = None


class Element(Promise):
    """One part of a definition.

    Attributes:
        what: in the words of the document.
        codes: Home Office offence codes.
        needs: what has to be had besides codes, such as a flag.
    """

    what: Text
    codes: list[Text] = Field(default_factory=list)
    needs: Text | None = None


class Definition(Promise):
    """A definition of serious violence.

    Attributes:
        title: for readers.
        stated: whether the partnership adopted it.
        source: where it is published.
        words: the definition in the document's words, shortened.
        ages: youngest and oldest age of those concerned; all ages where not given.
        place: `public` space only, or `any`.
        domestic: whether domestic abuse is in it.
        includes: its parts.
        note: what a reader must know.
    """

    title: Text
    stated: Literal["adopted", "quoted", "to_be_agreed", "not_in_document"] = "adopted"
    source: Origin | None = None
    words: Text
    ages: Annotated[list[int], BeforeValidator(_ages)] | None = None
    place: Literal["any", "public"] = "any"
    domestic: Literal["included", "excluded", "not_stated"] = "not_stated"
    includes: list[Element] = Field(default_factory=list)
    note: Text | None = None


def read_definitions(folder: Path | None) -> tuple[dict[str, Definition], list[Problem]]:
    """The shipped definitions with the review's own, which replace those of the same name; and what is wrong in them."""
    found: dict[str, Definition] = {}
    problems: list[Problem] = []
    for path in (SHIPPED, *([folder / FILE] if folder is not None and (folder / FILE).is_file() else [])):
        document, wrong = read_yaml(path, path.name)
        problems += wrong
        data = document.data if document is not None else None
        if document is not None and not isinstance(data, dict):
            problems.append(
                Problem(path.name, "line 1", "There are no entries `name: {...}`.", "Name each definition.")
            )
        if not isinstance(data, dict) or document is None:
            continue
        for key, spec in data.items():
            reading = read_model(Definition, spec, file=path.name, line_of=document.line_of, at=(key,))
            problems += reading.problems
            if reading.value is not None:
                found[key] = reading.value
                empty = reading.value.stated in ("adopted", "quoted") and not reading.value.includes
                if empty:
                    where = place_of(document.line_of, (key,))
                    problems.append(
                        Problem(path.name, where, "It includes nothing.", "List its parts under `includes`.")
                    )
    return found, problems


def find_definition(folder: Path, name: str) -> Definition:
    """One definition by name, to count by.

    Raises:
        InputError: there is none, or it says nothing by which rows could be told apart.
    """
    known, problems = read_definitions(folder)
    if name not in known:
        text = f"There is no definition '{name}'."
        problems.append(Problem(FILE, "", text, did_you_mean(name, known)))
    elif not (offence_codes(known[name]) or known[name].ages or known[name].place == "public"):
        text = f"The definition '{name}' names no offence codes, ages or place ({STATED[known[name].stated]})."
        problems.append(Problem(FILE, name, text, "Add the parts with their codes to the review's definitions.yaml."))
    if problems:
        raise InputError(problems)
    return known[name]


def offence_codes(definition: Definition) -> list[str]:
    """All offence codes of a definition, each once, in its order."""
    return list(dict.fromkeys(code for part in definition.includes for code in part.codes))


def describe_definition(definition: Definition) -> str:
    """The definition in one line for a chart: title, ages, place, domestic abuse."""
    parts = [definition.title]
    if definition.ages is not None:
        low, high = definition.ages
        parts.append(f"under {high + 1}s" if low == 0 else f"ages {low} to {high}")
    if definition.place == "public":
        parts.append("public space")
    if definition.domestic != "not_stated":
        parts.append(f"domestic abuse {definition.domestic}")
    return ", ".join(parts)
