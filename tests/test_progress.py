"""News of a run: worked examples of every line."""

import io

import pytest

from evaluation import progress as module
from evaluation.progress import Progress, say_progress, say_seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (73, "1 min 13 s"),
        (3599.4, "59 min 59 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_seconds(seconds: float, words: str) -> None:
    assert say_seconds(seconds) == words


def test_rate_and_time_left() -> None:
    assert say_progress("indicators", 12, 150, 6.0) == "indicators 12 of 150, 2.0 a second, 1 min 9 s left"
    assert say_progress("reports", 3, 5, 36.0) == "reports 3 of 5, 5.0 a minute, 24 s left"
    assert say_progress("reports", 0, 5, 0.0) == "reports 0 of 5"
    assert say_progress("reports", 5, 5, 9.0) == "reports 5 of 5"


def test_a_log_gets_the_first_the_last_and_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 2.0, 12.0, 13.0, 30.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    out = io.StringIO()
    progress = Progress(stream=out)
    for done in range(6):
        progress.advance("reports", done, 5)
    lines = out.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == ["reports 0 of 5", "reports 3 of 5", "reports 5 of 5"]


def test_quiet_says_nothing_and_times_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0, 10.0, 75.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    out = io.StringIO()
    progress = Progress(quiet=True, stream=out)
    progress.tell("hello")
    with progress.stage("reading"):
        pass
    with pytest.raises(ValueError, match="no"), progress.stage("book"):
        raise ValueError("no")
    assert out.getvalue() == ""
    assert progress.summarise() == "Time: reading 4 s, book 1 min 5 s; 1 min 9 s in all."
    assert Progress().summarise() == ""
