"""A clock that was set back, or stood wrong, between two runs: what was made last still counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from evaluation.publication import packet
from evaluation.publication.edition import open_edition, write_failure
from evaluation.publication.packet import latest_packets, next_moment
from tests.protocol.example_review import write_review

KEY = "0123abcd"


class Clock(datetime):
    """A clock that shows what the test says."""

    shows = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.shows


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(packet, "datetime", Clock)
    monkeypatch.setattr(Clock, "shows", Clock.shows)
    return Clock


def store(folder: Path, text: str) -> Path:
    """A packet as far as its name counts."""
    place = folder / "_build" / "packets" / "outreach" / f"{next_moment(folder, 'outreach'):{packet._STAMP}}-{KEY}"
    place.mkdir(parents=True)
    for name in packet.REQUIRED:
        (place / name).write_text('{"plan": "outreach", "profile": "publish", "indicators": {}}' if name.endswith(".json") else f"title: {text}\n", encoding="utf-8")  # fmt: skip
    return place


def test_the_newest_packet_is_the_one_made_last(clock: type[Clock], tmp_path: Path) -> None:
    write_review(tmp_path)
    first = store(tmp_path, "first")
    assert first.name == f"20260601T120000Z-{KEY}"
    clock.shows = datetime(2026, 6, 1, 11, 0, 0, tzinfo=UTC)  # the end of summer time, set by hand
    second = store(tmp_path, "second")
    third = store(tmp_path, "third")
    assert [p.name[:16] for p in (first, second, third)] == ["20260601T120000Z", "20260601T120001Z", "20260601T120002Z"]
    assert latest_packets(tmp_path) == {"outreach": third}
    clock.shows = datetime(2026, 6, 2, 9, 0, 0, tzinfo=UTC)
    assert store(tmp_path, "fourth").name.startswith("20260602T090000Z"), "a clock that is right is believed again"


def test_a_failure_after_the_clock_was_set_back_counts_against_the_packet_before(
    clock: type[Clock], tmp_path: Path
) -> None:
    write_review(tmp_path)
    store(tmp_path, "first")
    clock.shows = datetime(2026, 5, 1, 9, 0, 0, tzinfo=UTC)
    write_failure(tmp_path, "outreach", "Outreach", "It did not converge.")
    edition = open_edition(tmp_path)
    assert list(edition.failures) == ["outreach"] and not edition.packets
    (tmp_path / "_build" / "failures" / "outreach.json").unlink()  # as a run does that succeeds
    assert list(open_edition(tmp_path).packets) == ["outreach"]


def test_a_name_with_an_impossible_date_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "_build" / "packets" / "outreach" / f"99999999T999999Z-{KEY}").mkdir(parents=True)
    assert abs((next_moment(tmp_path, "outreach") - datetime.now(UTC)).total_seconds()) < 5
