"""From plain data to checked models: pydantic's findings in an analyst's words, and a best effort at the rest.

When part of an entry is wrong the remaining parts are still read, so that one mistake does not hide another.
"""

from __future__ import annotations

import copy
import types
import typing
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from evaluation.errors import Problem
from evaluation.protocol.period import PeriodError, read_span
from evaluation.protocol.suggest import did_you_mean, quote
from evaluation.protocol.yaml_source import KeyPath, Lines, place_of


class Promise(BaseModel):
    """Base of everything read from YAML: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


@dataclass(frozen=True)
class Reading[M: Promise]:
    """What came of reading one entry.

    Attributes:
        value: the model; where parts were wrong it holds stand-ins for them. None if nothing could be read.
        damaged: the top-level keys of the entry that are wrong or missing; judge nothing by them.
        problems: what was wrong.
    """

    value: M | None
    damaged: frozenset[str]
    problems: list[Problem]


def refuse(found: str, remedy: str) -> PydanticCustomError:
    """The exception with which a validator says what it found and what would do."""
    return PydanticCustomError("svd", "{found} {remedy}", {"found": found, "remedy": remedy})


def text_of(value: Any) -> str:
    """Text, without spaces around it; a whole number is the text that was written.

    Raises:
        PydanticCustomError: it is blank, no text, or holds a character that cannot be seen.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        if value is None:
            raise refuse("There is nothing after the colon.", "Write some text.")
        raise refuse(f"{quote(value)} is not text.", "Put it in quotes.")
    text = value.strip()
    if not text:
        raise refuse("There is no text here.", "Write some text.")
    hidden = next((c for c in text if is_hidden(c)), None)
    if hidden is not None:
        found = f"There is a hidden character (U+{ord(hidden):04X}) in this text."
        raise refuse(found, "Take it out: write the text again by hand.")
    return text


def is_hidden(character: str) -> bool:
    """Whether a character steers a terminal or turns the direction of writing, and so could show another text than is there."""
    if unicodedata.category(character) == "Cc":
        return character not in "\n\t"
    return character in "\u061c\u200e\u200f" or "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"


def _reason(value: Any) -> Any:
    text = text_of(value)
    if not any(c.isalnum() for c in text) or text.casefold() in {"todo", "tbc", "tba", "xxx", "because"}:
        raise refuse(f"{quote(text)} is not a reason.", "Say why, in a few words that a reader could question.")
    return text


def _period(value: Any) -> Any:
    text = text_of(value)
    try:
        read_span(text)
    except PeriodError as error:
        raise refuse(error.found, error.remedy) from None
    return text


def _code(value: Any) -> Any:
    if isinstance(value, (float, bool)) or value is None:
        raise refuse(f"{quote(value)} is read as {_kind(value)}, not as a code.", "Put codes in quotes: 'T01'.")
    return text_of(value)


Text = Annotated[str, BeforeValidator(text_of)]
Because = Annotated[str, BeforeValidator(_reason)]
PeriodText = Annotated[str, BeforeValidator(_period)]
Code = Annotated[str, BeforeValidator(_code)]


def read_model[M: Promise](
    model: type[M],
    data: Any,
    *,
    file: str,
    line_of: Lines,
    at: KeyPath = (),
    stand_in: Mapping[str, Any] | None = None,
) -> Reading[M]:
    """Check plain data against a model.

    Args:
        model: what the data should be.
        data: the data.
        file: the file's name in problems.
        line_of: the file's lines.
        at: where in the file the data is.
        stand_in: values for required keys, used to judge the rest when some are wrong or missing.
    """
    if not isinstance(data, dict):
        found = (
            "There is nothing here."
            if data is None
            else f"This is {_kind(data)}, not entries of the form `name: value`."
        )
        fields = ", ".join(f"`{f}`" for f, info in model.model_fields.items() if info.is_required())
        remedy = f"Write at least {fields}." if fields else "Write entries, or take it out."
        return Reading(None, frozenset(), [Problem(file, place_of(line_of, at), found, remedy)])
    try:
        return Reading(model.model_validate(data), frozenset(), [])
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = [_problem(model, data, detail, file, line_of, at) for detail in details]
    mended, damaged = _mend(data, details)
    rest = {key: value for key, value in mended.items() if key not in damaged or key in KEPT}
    rest |= {key: value for key, value in (stand_in or {}).items() if key not in rest}
    try:
        return Reading(model.model_validate(rest), damaged, problems)
    except ValidationError:
        return Reading(None, damaged, problems)


# Words that nothing else depends on: when one of them is missing the rest of the entry can be judged.
_MENDED = {
    "because": "stand-in",
    "source": "stand-in",
    "says": "stand-in",
    "unit": "stand-in",
    "price_year": "2000",
}
# Areas of a treated: entry with a bad date are still names to check; rules about dates skip it.
KEPT = frozenset({"treated"})
STAND_IN_PERIOD = "2000"


def _mend(data: Any, details: list[ErrorDetails]) -> tuple[Any, frozenset[str]]:
    """A copy of the data without unknown keys and with stand-ins for missing words; and what stays damaged."""
    mended = copy.deepcopy(data)
    damaged = set()
    for detail in details:
        loc = _keys(data, detail)
        if not loc:
            continue
        parent: Any = mended
        for part in loc[:-1]:
            parent = parent[part] if isinstance(parent, dict | list) else None  # type: ignore[index]
        last = str(loc[-1])
        if detail["type"] == "extra_forbidden" and isinstance(parent, dict):
            parent.pop(last, None)
        elif detail["type"] == "missing" and last in _MENDED and isinstance(parent, dict):
            parent[last] = _MENDED[last]
        else:
            damaged.add(str(loc[0]))
            if loc[0] in KEPT and len(loc) == 2 and isinstance(parent, dict):
                parent[last] = STAND_IN_PERIOD
            elif loc[0] in KEPT:
                mended.pop(loc[0], None)
    return mended, frozenset(damaged)


def _keys(data: Any, detail: ErrorDetails) -> KeyPath:
    """The place of a finding, without what pydantic adds to it: `[key]`, and the names of alternatives."""
    kept: list[str | int] = []
    for part in detail["loc"]:
        there = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        if there:
            kept.append(part)
            data = data[part]
        elif detail["type"] == "missing" and part == detail["loc"][-1]:
            kept.append(part)
    return tuple(kept)


def _problem(
    model: type[BaseModel], data: Any, detail: ErrorDetails, file: str, line_of: Lines, at: KeyPath
) -> Problem:
    loc = _keys(data, detail)
    kind, given, ctx = detail["type"], detail["input"], detail.get("ctx", {})
    place = place_of(line_of, at + loc)
    if kind == "svd":
        return Problem(file, place, ctx["found"], ctx["remedy"])
    last = str(loc[-1]) if loc else ""
    if kind == "missing":
        return Problem(file, place, f"`{last}` is missing.", _example(last))
    if kind == "extra_forbidden":
        siblings = [name for name in _keys_at(model, loc[:-1]) if name not in _present(data, loc[:-1])]
        return Problem(file, place, f"There is no key `{last}` here.", did_you_mean(last, siblings))
    found, remedy = _mismatch(kind, given, ctx)
    return Problem(file, place, found, remedy)


def _mismatch(kind: str, given: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
    """What was found and what would do, for pydantic's own findings about a value."""
    shown = quote(given) if not isinstance(given, (dict, list)) else _kind(given)
    if kind == "literal_error":
        options = [part.strip(" '") for part in str(ctx["expected"]).replace(" or ", ", ").split(",")]
        if given is None:
            return "There is nothing after the colon.", f"Use one of: {', '.join(f'`{o}`' for o in options)}."
        return f"{shown} is not one of the choices.", did_you_mean(str(given), options, f"one of {', '.join(options)}")
    if given is None:
        return "There is nothing after the colon.", "Give a value, or take the key out."
    if kind in ("int_type", "float_type", "int_from_float"):
        whole = kind != "float_type"
        return f"{shown} is not a {'whole number' if whole else 'number'}.", _number_remedy(given, whole)
    if kind == "finite_number":
        return f"{shown} is not a finite number.", "Give a number."
    for name, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if name in ctx:
            return f"{shown} is out of range.", f"Give a number that is {words} {ctx[name]:g}."
    if kind == "list_type":
        return f"A list is wanted here, not {_kind(given)}.", "Write it in square brackets: [first, second]."
    if kind in ("dict_type", "model_type", "model_attributes_type", "dataclass_type"):
        return (
            f"Entries `name: value` are wanted here, not {_kind(given)}.",
            "Write it in braces: {name: value}.",
        )
    if kind in ("too_short", "too_long"):
        return f"The list has {ctx.get('actual_length')} entries.", "See `svd new` for how many are wanted."
    if kind == "bool_type":
        return f"{shown} is not true or false.", "Write true or false."
    return f"{shown} cannot be used here.", "See the example that `svd new` writes."


def _number_remedy(given: Any, whole: bool) -> str:
    if isinstance(given, str):
        bare = given.strip().lstrip("£$€").rstrip("%").replace(",", "").replace(" ", "")
        try:
            float(bare)
        except ValueError:
            return "Write a whole number, such as 12." if whole else "Write a number, such as 0.95."
        extra = "quotes" if bare == given else "currency signs, per cent signs, commas or spaces"
        return f"Write {bare}, without {extra}."
    return "Write a whole number, such as 12." if whole else "Write a number, such as 0.95."


EXAMPLES: dict[str, str] = {
    "id": "Add `id:` with the file's name without `.yaml`.",
    "title": "Add `title:` with a short title.",
    "question": "Add `question:` with what the evaluation is to answer, in one sentence.",
    "design": "Add `design: its` (before and after) or `design: did` (with comparison areas).",
    "indicators": "Add `indicators: {primary: name_of_indicator}`.",
    "primary": "Add `primary:` with the name of an indicator in indicators.yaml.",
    "treated": "Add `treated: {AREA: 2023-04}`: each area with the first period in which it was treated.",
    "period": "Add `period: {start: 2018-04, end: 2025-03}`.",
    "start": "Add `start:`, such as 2018-04.",
    "end": "Add `end:`, such as 2025-03.",
    "because": "Add `because:` with the reason, in a few words.",
    "from": "Add `from:`, such as 2020-03.",
    "to": "Add `to:`, such as 2021-06.",
    "price_year": "Add `price_year:`, such as 2023-24.",
    "recommended": "Add `recommended:`: continue, expand, adapt, pause, stop or keep_measuring.",
}


def _example(key: str) -> str:
    return EXAMPLES.get(key, f"Add `{key}:`.")


def _keys_at(model: type[BaseModel], loc: KeyPath) -> list[str]:
    """The keys that the model allows at a place inside it."""
    current: Any = model
    for part in loc:
        if isinstance(current, type) and issubclass(current, BaseModel):
            by_key = {info.alias or name: info.annotation for name, info in current.model_fields.items()}
            current = _model_within(by_key.get(str(part)))
    if isinstance(current, type) and issubclass(current, BaseModel):
        return [info.alias or name for name, info in current.model_fields.items()]
    return []


def _model_within(annotation: Any) -> Any:
    """The model inside `X | None`, `list[X]`, `dict[str, X]` or `Annotated[X, ...]`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    for inner in typing.get_args(annotation):
        if (found := _model_within(inner)) is not None:
            return found
    return None


def _present(data: Any, loc: KeyPath) -> list[str]:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return []
    return list(data) if isinstance(data, dict) else []


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a set of entries"
    return "nothing" if value is None else f"the text {quote(value)}"
