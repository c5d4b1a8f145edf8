"""The page on feasibility and the studies behind it: from stored records and results, in words that follow the numbers."""

import json
from pathlib import Path

import pandas as pd
import pytest

from evaluation import resources
from evaluation.calibration.forecasts import SETTINGS, Forecast
from evaluation.protocol.registration import plan_fingerprint
from evaluation.publication.display import Block, Figure, Table, Text
from evaluation.publication.feasibility import feasibility_blocks, forecast_study
from evaluation.publication.portfolio_study import study_blocks
from tests.protocol.example_review import write_review


def words(blocks: list[Block]) -> str:
    return "\n".join(b.html.text if isinstance(b, Text) else b.caption for b in blocks)


def stored(folder: Path, smallest: float | None = 0.8, **changes) -> Path:
    plan = write_review(folder) / "plans" / "outreach.yaml"
    prospects = [
        {
            "areas": areas,
            "follow_up": ahead,
            "expected": 50.0 * ahead,
            "error_rate": 0.018,
            "smallest_detectable": size,
            "curve": [],
        }
        for areas, ahead, size in ((2, 6, None), (2, 12, smallest), (2, 24, smallest), (4, 24, 0.85))
    ]
    record = {
        "plan": "outreach", "title": "Outreach", "indicator": "Recorded assaults", "frequency": "month", "history": 48,
        "meaningful": 0.95, "interval": 0.95, "power": 0.8, "advice": ["A longer window helps."], "prospects": prospects,
        "made": "2026-11-21", "plan_sha256": plan_fingerprint(plan),
    } | changes  # fmt: skip
    place = folder / "_build" / "feasibility" / "outreach.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_the_curve_the_table_and_the_advice(tmp_path: Path) -> None:
    blocks = feasibility_blocks(stored(tmp_path))
    [figure] = [b for b in blocks if isinstance(b, Figure)]
    [table] = [b for b in blocks if isinstance(b, Table)]
    assert figure.data.values.tolist() == [[2, 12, 20.0], [2, 24, 20.0], [4, 24, 15.0]]
    assert "20% after 12 with 2 treated, 15% after 24 with 4" in figure.alt
    assert "Youth Endowment Fund" in figure.caption
    assert table.data["Smallest detectable change"].tolist() == [
        "none, however large",
        "20% lower",
        "20% lower",
        "15% lower",
    ]
    assert "A longer window helps." in words(blocks)
    assert "changed since" not in words(blocks)


def test_a_plan_that_was_changed_since_is_said_to_be_so(tmp_path: Path) -> None:
    assert "make it again" in words(feasibility_blocks(stored(tmp_path, plan_sha256="0")))


def test_nothing_detectable_has_no_curve(tmp_path: Path) -> None:
    folder = stored(tmp_path, None)
    place = folder / "_build" / "feasibility" / "outreach.json"
    record = json.loads(place.read_text(encoding="utf-8"))
    record["prospects"] = record["prospects"][:3]
    place.write_text(json.dumps(record), encoding="utf-8")
    assert not [b for b in feasibility_blocks(folder) if isinstance(b, Figure)]


def test_without_a_forecast_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    assert "svd feasibility" in words(feasibility_blocks(tmp_path))


def forecasts(folder: Path, *found: Forecast) -> Path:
    cell = {"design": "its", "n_areas": 1, "n_treated": 1, "before": 48, "after": 12, "mean": 40.0, "hidden": False}
    table = pd.DataFrame(
        [{**cell, "simulations": 100, **vars(f), "date": "2026-11-21", "commit": "abc"} for f in found]
    )
    table.to_csv(folder / "forecasts.csv", index=False)
    return folder


def test_the_study_of_forecasts_counts_what_it_should(tmp_path: Path) -> None:
    near, far = Forecast(1.0, 0.02, 0.0, 0.015, 0.004), Forecast(0.7, 0.80, 0.9, 0.90, 0.01)
    said = words(forecast_study(forecasts(tmp_path, near, far)))
    assert "1 of 2 did; the largest difference was 10.0 points, and 1 lay further off" in said
    assert f"{len(SETTINGS) - 1} of the {len(SETTINGS)} kinds of history" in said
    assert "forecast to be found in 2.0% to 2.0% of futures and was found in 1.5% to 1.5%" in said


def test_what_was_not_measured_is_said_to_be_so(tmp_path: Path) -> None:
    assert "not been measured" in words(forecast_study(tmp_path))
    assert "not been measured" in words(study_blocks(tmp_path))


def test_the_stored_study_of_portfolios_keeps_its_promises() -> None:
    table = pd.read_csv(resources.folder("book") / "methods" / "calibration" / "portfolios.csv")
    null = table[(table["mean"] == 0) & (table["spread"] == 0)]
    assert (null["mse_pooled"] < null["mse_apart"]).all()
    assert (null["winner_pooled"] <= null["winner_apart"]).all()
    assert null["winner_pooled"].max() < 0.06
    assert null["promising"].tolist() == pytest.approx(null["expected_by_luck"].tolist(), rel=0.25)
    said = words(study_blocks())
    assert f"in {int((table['mse_pooled'] < table['mse_apart']).sum())} of {len(table)} kinds" in said
