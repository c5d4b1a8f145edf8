"""Spoilt files in every reader, those that were once read wrongly, and proof that the hunt itself can find something.

`python -m tests.fuzz --minutes 10` hunts longer than a test may.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluation.errors import InputError
from evaluation.evidence.cells import read_number
from evaluation.evidence.rows import MOST_ROWS
from evaluation.evidence.sources.numerals import whole_number
from evaluation.evidence.tidy import read_tidy
from evaluation.protocol import Indicator
from evaluation.protocol.boundary import leads_out
from evaluation.protocol.loading import gather, load_review
from evaluation.protocol.yaml_source import plain_value, read_yaml
from tests.fuzz import plain
from tests.fuzz.campaign import FOUND, judge, spoil
from tests.fuzz.mutations import ANCHORS, TOKENS
from tests.fuzz.readers import Pair, Reader, readers
from tests.protocol.example_review import write_review

ALL = sorted(readers())
CASES = sorted(path for path in FOUND.rglob("*") if path.is_file())
QUICK = ("tidy csv", "plan", "needs/profile.csv", "areas.geojson", "look-up", "import template xlsx")


@pytest.mark.parametrize("name", ALL)
def test_the_sound_file_is_read(name: str) -> None:
    reader = readers()[name]
    assert judge(reader, reader.files[reader.target]) is None


@pytest.mark.parametrize("name", QUICK)
def test_spoilt_files(name: str) -> None:
    _hunt(name, 12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_many_spoilt_files(name: str) -> None:
    _hunt(name, 30, first=1_000)


def _hunt(name: str, n: int, first: int = 0) -> None:
    reader = readers()[name]
    for seed in range(first, first + n):
        offence = judge(reader, spoil(reader, seed))
        assert offence is None, f"{name}, seed {seed}: {offence}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_was_once_read_wrongly(path: Path) -> None:
    reader = next(r for name, r in readers().items() if name.replace("/", "_").replace(" ", "_") == path.parent.name)
    offence = judge(reader, path.read_bytes())
    assert offence is None, offence


def test_there_are_such_cases_and_each_belongs_to_a_reader() -> None:
    assert len(CASES) >= 20


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (lambda text: float(text.replace(",", "")), "number"),  # `1,5` becomes 15, and full-width figures pass
        (lambda text: float(text.split(".")[0]), "number"),
        (lambda text: int(text), "traceback"),
    ],
)
def test_a_careless_reader_is_caught(read: object, kind: str) -> None:
    def careless(folder: Path) -> list[Pair]:
        cell = (folder / "t.csv").read_text(encoding="utf-8").split(",")[-1].strip()
        return [("cell", cell, float(read(cell)), True)]  # type: ignore[operator]

    reader = Reader("careless", "bytes", "t.csv", {"t.csv": b""}, careless)
    cells = [token.encode() for token in TOKENS if "\n" not in token]
    kinds = {offence.kind for cell in cells if (offence := judge(reader, b"count, " + cell)) is not None}
    assert kind in kinds


def test_a_reader_that_does_not_end_or_says_nothing_is_caught() -> None:
    def endless(folder: Path) -> list[Pair]:
        while True:
            pass

    def vague(folder: Path) -> list[Pair]:
        from evaluation.errors import Problem

        raise InputError([Problem("", "", "Something is wrong.", "")])

    assert judge(Reader("endless", "bytes", "t", {"t": b""}, endless), b"", seconds=0.2).kind == "hang"  # type: ignore[union-attr]
    assert judge(Reader("vague", "bytes", "t", {"t": b""}, vague), b"").kind == "vague"  # type: ignore[union-attr]


@given(
    st.text(max_size=40) | st.sampled_from(TOKENS) | st.from_regex(r"[-+]?[0-9]{0,25}\.?[0-9]{0,25}", fullmatch=True)
)
@example("0.99999999999999999999")
@example("１２")
@example("1" * 400)
@settings(deadline=None)
def test_a_cell_is_the_number_it_says_or_none(text: str) -> None:
    number = read_number(text)
    assert number is None or plain.is_same(text, number, whole=False)
    whole = whole_number(text)
    assert whole is None or plain.is_same(text, whole, whole=True, grouped=True)
    value = plain_value(text)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
        assert plain.is_same(text, value, whole=isinstance(value, int))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["T01", "t01", "Т01", "T01\u200b", "مرسى", "=T01", "T,01"]),
            st.sampled_from(["2023-01", "2023-02", "２０２３-01", "2023-1"]),
            st.integers(0, 10**13).map(str) | st.sampled_from(TOKENS),
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(deadline=None, max_examples=60)
def test_data_are_refused_or_read_as_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    from tests.fuzz.mutations import written_csv

    content = written_csv([["area", "period", "count", "status"], *([*row, ""] for row in rows)])
    assert judge(readers()["tidy csv"], content) is None


@pytest.mark.parametrize("bomb", ANCHORS, ids=range(len(ANCHORS)))
def test_no_yaml_unfolds_without_end(bomb: str, tmp_path: Path) -> None:
    (tmp_path / "bomb.yaml").write_text(bomb)
    document, problems = read_yaml(tmp_path / "bomb.yaml")
    assert problems and problems[0].file == "bomb.yaml" and "line" in problems[0].place
    assert document is None or len(document.line_of) < 11_000


def test_a_yaml_file_of_megabytes_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_bytes(b"a: " + b"x" * (9 << 20))
    _, problems = read_yaml(tmp_path / "large.yaml")
    assert "larger than 8 MB" in problems[0].found


def test_a_gzip_bomb_does_not_unfold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.evidence.rows.LARGEST", 1 << 20)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"area,period,count\n" + b"0" * (8 << 20)))
    with pytest.raises(InputError, match="more than 1 MB of text"):
        read_tidy(path, Indicator(key="t", title="T"))


def test_a_parquet_file_of_endless_rows_and_one_of_two_columns_of_one_name(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    same = pa.array(["T01"] * (MOST_ROWS // 100)).dictionary_encode()
    piece = pa.table({"area": same, "period": same, "count": pa.array([1] * len(same))})
    with pq.ParquetWriter(path, piece.schema) as writer:
        for _ in range(101):
            writer.write_table(piece)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InputError, match="more than areas and months can"):
        read_tidy(path, Indicator(key="t", title="T"))
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 4, names=["area", "period", "count", "count"]), path)
    with pytest.raises(InputError, match="two columns called `count`"):
        read_tidy(path, Indicator(key="t", title="T"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name exist on POSIX systems only")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = write_review(tmp_path, data={"admissions.csv": None})
    os.mkfifo(folder / "data/admissions.csv")
    with pytest.raises(InputError, match=r"data/admissions\.csv: This is not an ordinary file"):
        load_review(folder)


@pytest.mark.parametrize("name", ["data/assaults.csv", "plans/extra.yaml", "areas.geojson", "needs"])
def test_a_link_out_of_the_folder_is_refused_and_not_read(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish")
    folder = write_review(tmp_path / "review")
    (folder / name).unlink(missing_ok=True)
    try:
        (folder / name).symlink_to(secret if "." in name else tmp_path)
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    problems = gather(folder).problems
    assert [p.file for p in problems] == [name] and "swordfish" not in str(problems)


def test_a_link_within_the_folder_is_read(tmp_path: Path) -> None:
    folder = write_review(tmp_path)
    (folder / "data/admissions.csv").unlink()
    try:
        (folder / "data/admissions.csv").symlink_to(folder / "data/assaults.csv")
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    assert load_review(folder).plans


@pytest.mark.parametrize(
    "path", ["../x.csv", "/etc/passwd", "data/../../x.csv", "C:\\x.csv", "..\\x.csv", "\\\\host\\x.csv"]
)
def test_a_path_out_of_the_folder_is_refused(path: str, tmp_path: Path) -> None:
    folder = write_review(tmp_path, indicators={"assaults": {"file": path}})
    with pytest.raises(InputError, match="leads out of the review folder"):
        load_review(folder)
    assert not leads_out("data/x.csv") and not leads_out("data/a..b.csv")


@pytest.mark.parametrize(
    "name", ["../escape", "a/b", '"; import os', "CON\x00", "{area}", "Ａ1", "o\u0301", "\u202etxt", ""]
)
def test_an_id_that_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plans/outreach\.yaml, line 1, id"):
        load_review(write_review(tmp_path, outreach={"id": name}))


@pytest.mark.parametrize(
    ("written", "found"),
    [("NO", "NO"), ("0123", "0123"), ("12:30", "12:30"), ("1_000", "1_000"), ("2024-03-04", "2024-03-04"), ("0o17", "0o17"),
     ("0x1F", "0x1F"), ("1e3", "1e3"), (".inf", ".inf"), (".nan", ".nan"), ("y", "y"), ("off", "off"), ("１２", "１２")],
)  # fmt: skip
def test_what_another_reader_of_yaml_would_turn_into_something_else_stays_text(
    written: str, found: str, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text(f"a: {written}\n", encoding="utf-8")
    document, problems = read_yaml(tmp_path / "t.yaml")
    assert document is not None and document.data == {"a": found} and not problems


def test_a_number_too_large_for_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plans/outreach\.yaml, line \d+, costs\.total"):
        load_review(write_review(tmp_path, outreach={"costs": {"price_year": "2023"}}, raw={
            "plans/outreach.yaml": (write_review(tmp_path / "b") / "plans/outreach.yaml").read_text() + "costs: {total: 1.0e400, price_year: 2023, source: x}\n"
        }))  # fmt: skip
