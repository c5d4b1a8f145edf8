"""YAML as people expect it: the core schema only, with the line of every key.

Plain YAML 1.1 readers turn `2024-03-04` into a date, `NO` into false and `0123` into 83. Here only true, false,
null, whole numbers and decimals are more than text; a number with a leading zero is a code and stays text, and
mapping keys are always text, as written. Tags, merge keys and several documents in a file are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from evaluation.errors import InputError, Problem
from evaluation.protocol.suggest import quote
from evaluation.protocol.text_source import SAVE_TEXT, decode

KeyPath = tuple[str | int, ...]
Lines = dict[KeyPath, int]

_NULL = re.compile(r"(~|null|Null|NULL)?")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
# An exponent needs a point or a sign, so that a code like 1E5 stays a code.
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]+([eE][-+]?[0-9]+)?|\.|[eE][-+][0-9]+)")
_DEEPEST = 50
_LARGEST = 8 << 20  # bytes; a large county's areas.yaml has some 100 kilobytes
_MOST_REPEATED = 10_000  # entries that aliases repeat: aliases of aliases can stand for more than memory holds


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes; resolves nothing, so that a tag which is not the default was written by hand."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


@dataclass(frozen=True)
class Document:
    """What a YAML file holds.

    Attributes:
        path: the file.
        data: mappings, lists, text, numbers, true, false, None.
        line_of: the line (from 1) of each key and list item, by its path of keys and positions.
    """

    path: Path
    data: Any
    line_of: Lines = field(default_factory=dict)


def load_yaml(path: Path, file: str | None = None) -> Document:
    """Read a YAML file.

    Args:
        path: the file.
        file: its name in problems; by default the name without folders.

    Raises:
        InputError: with every problem that could be found in it.
    """
    document, problems = read_yaml(path, file)
    if document is None or problems:
        raise InputError(problems)
    return document


def read_yaml(path: Path, file: str | None = None) -> tuple[Document | None, list[Problem]]:
    """Read a YAML file as far as it can be read; see `load_yaml`. None if there is nothing to judge."""
    name = file or path.name
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return None, [Problem(name, "", "The file does not exist.", "Add it; `svd new` writes one to start from.")]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, [
            Problem(name, "", f"The file cannot be read ({reason}).", "Check that it is a file you may open.")
        ]
    if len(raw) > _LARGEST:
        found = f"The file is larger than {_LARGEST >> 20} MB, which no file written by hand is."
        return None, [Problem(name, "", found, "Start from a file made by `svd new`.")]
    text, problems = decode(raw, name, SAVE_TEXT)
    if text is None:
        return None, problems
    problems = _tabs(text, name)
    if problems:
        return None, problems
    try:
        if line := _too_deep(text):
            found = "This is nested too deeply to be read."
            return None, [Problem(name, place(line, ()), found, "Start from a file made by `svd new`.")]
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        return None, [_syntax(error, name, text)]
    except yaml.YAMLError as error:
        found = "There is a character in the file that YAML does not allow."
        return None, [Problem(name, "", found, f"Remove it; {str(error).splitlines()[0]}.")]
    if node is None:
        return None, [Problem(name, "", "The file is empty.", "`svd new` writes one to start from.")]
    reader = _Reader(name)
    data = reader.value(node, ())
    return Document(path, data, reader.line_of), reader.problems


class _Reader:
    """Turns composed nodes into plain data and remembers lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.line_of: Lines = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._repeated = 0
        self._full = False

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.line_of.setdefault(path, line)
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if self._full:
            return None
        if id(node) in self._open or self._repeated > _MOST_REPEATED:
            self._full = self._repeated > _MOST_REPEATED
            self._refuse(
                line,
                path,
                "An alias (`*name`) makes this refer to itself, or too large.",
                "Write it out in full.",
            )
            return None
        self._open.add(id(node))
        value: Any
        if isinstance(node, yaml.SequenceNode):
            value = [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        else:
            assert isinstance(node, yaml.MappingNode)
            value = self._mapping(node, path)
        self._open.discard(id(node))
        return value

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_line, path, "A name before the colon is missing or is a list.", "Write `name: value`.")
                continue
            key = str(key_node.value)
            if key == "<<" and not key_node.style:
                self._refuse(key_line, path, "A merge key (`<<`) is used.", "Write the entries out in full.")
            elif key in found:
                first = self.line_of[(*path, key)]
                self._refuse(
                    key_line,
                    (*path, key),
                    f"`{key}` is there twice (first on line {first}).",
                    "Keep one of the two.",
                )
            else:
                self.line_of[(*path, key)] = key_line
                found[key] = self.value(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        text = str(node.value)
        if node.tag not in ("tag:yaml.org,2002:str", "!"):
            self._refuse(node.start_mark.line + 1, path, f"A YAML tag ({node.tag}) is used.", "Take the tag out.")
            return text
        return text if node.style else plain_value(text)

    def _refuse(self, line: int, path: KeyPath, found: str, remedy: str) -> None:
        self.problems.append(Problem(self.name, place(line, path), found, remedy))


def plain_value(text: str) -> Any:
    """What unquoted text stands for: None, true, false, a whole number, a decimal, or itself."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and any(c.isdigit() for c in text):
        return float(text)
    return text


def place(line: int | None, path: KeyPath) -> str:
    """`line 12, treated.T09`; list items count from 1 as people do: `assumptions[2].says`."""
    dotted = ""
    for part in path:
        dotted += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if dotted else part
    parts = [f"line {line}" if line is not None else "", dotted]
    return ", ".join(part for part in parts if part)


def place_of(line_of: Lines, path: KeyPath) -> str:
    """The place of a key, with the line of the nearest part of its path that is in the file."""
    for n in range(len(path), 0, -1):
        if path[:n] in line_of:
            return place(line_of[path[:n]], path)
    return place(None, path)


def _too_deep(text: str) -> int | None:
    """The line on which nesting exceeds any use; composing such a file would exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                return event.start_mark.line + 1 if event.start_mark else 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _tabs(text: str, name: str) -> list[Problem]:
    lines = [i for i, line in enumerate(text.splitlines(), 1) if re.match(r" *\t+ *[^\s#]", line)]
    return [
        Problem(
            name,
            f"line {i}",
            "The line is indented with a tab.",
            "Indent with spaces; YAML does not allow tabs.",
        )
        for i in lines[:20]
    ]


def _syntax(error: yaml.MarkedYAMLError, name: str, text: str) -> Problem:
    """A syntax error in plain words."""
    mark = error.problem_mark or error.context_mark
    if "quoted scalar" in (error.context or "") and error.context_mark:
        mark = error.context_mark  # where the quotation begins; the other mark is where the file ends
    line = mark.line + 1 if mark else None
    lines = text.splitlines()
    shown = lines[line - 1].strip() if line and line <= len(lines) else ""
    trouble = f"{error.context or ''} {error.problem or ''}"
    where = place(line, ())
    if "alias" in trouble or re.search(r"(^|[\s:\[{,])\*", shown):
        return Problem(name, where, f"There is a bare * in {quote(shown)}.", "Put the star in quotes: '*'.")
    if "expected a single document" in trouble:
        return Problem(
            name, where, "The file holds more than one document (a line `---`).", "Keep one; take out `---`."
        )
    if "mapping values are not allowed" in trouble:
        remedy = "Put text that contains a colon in quotes, and line keys up with their neighbours."
        return Problem(name, where, f"There is a colon where none is expected: {quote(shown)}.", remedy)
    if "cannot start any token" in trouble:
        remedy = "Put text that begins with %, @, ` or another sign in quotes."
        return Problem(name, where, f"A character stands where none is expected: {quote(shown)}.", remedy)
    if "quoted scalar" in trouble:
        return Problem(name, where, f"A quotation mark is opened and not closed: {quote(shown)}.", "Close it.")
    if "flow" in trouble:
        remedy = "Close every { with } and every [ with ], with commas between."
        return Problem(name, where, f"A bracket or a comma is missing at or before {quote(shown)}.", remedy)
    remedy = "Check the indentation and the colons around this line; each entry is `name: value`."
    return Problem(name, where, f"This is not YAML: {quote(shown)}.", remedy)
