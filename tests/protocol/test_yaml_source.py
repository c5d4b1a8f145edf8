"""YAML: only what people mean, with lines, and syntax errors in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import InputError
from evaluation.protocol.yaml_source import load_yaml, plain_value, read_yaml


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-03-04", "2024-03-04"),
        ("2024-03", "2024-03"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("0123", "0123"),
        ("007", "007"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1E5", "1E5"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("<5", "<5"),
        ("0", 0),
        ("2024", 2024),
        ("-3", -3),
        ("0.95", 0.95),
        (".5", 0.5),
        ("1.5e-3", 0.0015),
        ("1e-3", 0.001),
        ("true", True),
        ("null", None),
        ("", None),
        ("~", None),
    ],
)
def test_core_schema_only(text: str, value: object) -> None:
    found = plain_value(text)
    assert found == value and type(found) is type(value)


def test_lines_and_keys(tmp_path: Path) -> None:
    document = load_yaml(write(tmp_path, "a: 1\nb:\n  007: x\n  1: y\nc:\n  - u\n  - {v: 2}\nd: '5'\n"))
    assert document.data == {"a": 1, "b": {"007": "x", "1": "y"}, "c": ["u", {"v": 2}], "d": "5"}
    assert document.line_of[("b", "007")] == 3
    assert document.line_of[("c", 1)] == 7
    assert document.line_of[("c", 1, "v")] == 7
    assert document.line_of[("d",)] == 8


def test_aliases_are_copies(tmp_path: Path) -> None:
    assert load_yaml(write(tmp_path, "a: &x {b: 1}\nc: *x\n")).data == {"a": {"b": 1}, "c": {"b": 1}}


def test_aliases_cannot_fill_memory(tmp_path: Path) -> None:
    lines = ["l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 9)]
    _, problems = read_yaml(write(tmp_path, "\n".join(lines)))
    assert problems and "too large" in problems[0].found


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert load_yaml(write(tmp_path, b"\xef\xbb\xbfa: 1\n")).data == {"a": 1}


@pytest.mark.parametrize(
    ("content", "place", "found"),
    [
        ("", "", "The file is empty."),
        ("# only a comment\n", "", "The file is empty."),
        ("a: 1\na: 2\n", "line 2, a", "`a` is there twice (first on line 1)."),
        ("a:\n\tb: 1\n", "line 2", "The line is indented with a tab."),
        ("a: {*: [1, 7]}\n", "line 1", "There is a bare * in 'a: {*: [1, 7]}'."),
        ("a: *\n", "line 1", "There is a bare * in 'a: *'."),
        ("a: b: c\n", "line 1", "There is a colon where none is expected: 'a: b: c'."),
        ("a: 'b\n", "line 1", "A quotation mark is opened and not closed: 'a: 'b'."),
        ("a: {b: 1\nc: 2\n", "line 2", "A bracket or a comma is missing at or before 'c: 2'."),
        ("a: @x\n", "line 1", "A character stands where none is expected: 'a: @x'."),
        ("a: 1\n---\nb: 2\n", "line 2", "The file holds more than one document (a line `---`)."),
        ("a: &x [*x]\n", "line 1, a[1]", "An alias (`*name`) makes this refer to itself, or too large."),
        ("a: !!python/object:os.system x\n", "line 1, a", "A YAML tag (tag:yaml.org,2002:python/object:os.system) is used."),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "line 3, c", "A merge key (`<<`) is used."),
        ("a: 1\n".encode("utf-16"), "", "The file is in UTF-16 ('Unicode text')."),
        ("a: Côte\n".encode("cp1252"), "line 1", "The file is not in UTF-8: 'a: Côte' cannot be read as it stands."),
        (b"a: 1\x00\n" + b"b: 1\n" * 9, "line 1", "There is a NUL character in the file."),
        ("[" * 200_000 + "]" * 200_000, "line 1", "This is nested too deeply to be read."),
        ("- " * 200_000, "line 1", "This is nested too deeply to be read."),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, content: str | bytes, place: str, found: str) -> None:
    _, problems = read_yaml(write(tmp_path, content), "plans/x.yaml")
    assert (problems[0].file, problems[0].place, problems[0].found) == ("plans/x.yaml", place, found)
    assert problems[0].remedy


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        load_yaml(tmp_path / "review.yaml")
    assert str(refusal.value) == ("review.yaml: The file does not exist. Add it; `svd new` writes one to start from.")


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text("a1 :-[]{}*&!'\"#\n\t,%@|>~", max_size=60).map(str.encode)))
def test_no_file_makes_it_fall_over(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    document, problems = read_yaml(write(tmp_path_factory.getbasetemp(), content), "x.yaml")
    assert document is not None or problems
