"""Packets: immutable, complete from the moment they can be seen, plain JSON."""

import json

import numpy as np
import pytest
import xarray as xr
from fixture import RATINGS, evaluation

from evaluation.publication import packet as packets
from evaluation.publication.packet import latest_packets, read_packet, write_packet


@pytest.mark.parametrize("rating", RATINGS)
def test_what_is_written_is_read_back(rating: str, tmp_path) -> None:
    whole = evaluation(tmp_path, rating)
    place = write_packet(tmp_path, whole, None, xr.Dataset({"effect": ("draw", np.arange(3.0))}))
    assert {p.name for p in place.iterdir()} == {
        "plan.yaml",
        "finding.json",
        "effects.csv",
        "checks.csv",
        "run.json",
        "posterior.nc",
    }
    packet = read_packet(place)
    assert packet.plan_id == whole.plan.id and packet.title == whole.plan.title
    assert packet.primary == "assault" and packet.label("assault")["disclosure"] == "health"
    assert packet.run["key"] == whole.run["key"] and not packet.draft
    assert set(packet.checks["passed"].dropna()) <= {"true", "false"}


def test_json_has_no_nan(tmp_path) -> None:
    whole = evaluation(tmp_path)
    whole.finding["indicators"]["assault"]["prob_benefit"] = float("nan")
    whole.finding["indicators"]["assault"]["rate_ratio"]["mean"] = np.float64("inf")
    place = write_packet(tmp_path, whole, None, None)
    text = (place / "finding.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert found["indicators"]["assault"]["prob_benefit"] is None
    assert found["indicators"]["assault"]["rate_ratio"]["mean"] is None


def test_nothing_is_left_behind_by_a_failed_write(tmp_path, monkeypatch) -> None:
    def stop(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(packets, "_write_json", stop)
    with pytest.raises(OSError, match="disk full"):
        write_packet(tmp_path, evaluation(tmp_path), None, None)
    assert list((tmp_path / "_build" / "packets").glob("*/*")) == [] and latest_packets(tmp_path) == {}


def test_the_newest_complete_packet_counts(tmp_path) -> None:
    place = write_packet(tmp_path, evaluation(tmp_path), None, None)
    older = place.rename(place.with_name("20200101T000000Z-00000000"))
    newer = write_packet(tmp_path, evaluation(tmp_path, profile="draft"), None, None)
    broken = place.with_name("20990101T000000Z-11111111")
    broken.mkdir()
    plan = newer.parent.name
    assert latest_packets(tmp_path) == {plan: newer}
    assert latest_packets(tmp_path, "publish") == {plan: older}
    assert read_packet(newer).draft
    with pytest.raises(FileNotFoundError, match="not a complete packet"):
        read_packet(broken)


def test_a_plan_cannot_write_outside_its_shelf(tmp_path) -> None:
    with pytest.raises(ValueError, match="cannot be a folder name"):
        write_packet(tmp_path, evaluation(tmp_path, plan_id="../../elsewhere"), None, None)
