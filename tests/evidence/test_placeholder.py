"""The five partnerships' folders: valid, simulated and saying so, rebuilt to the last byte, true to their documents."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evaluation.evidence.coverage import check_data, data_warnings
from evaluation.evidence.placeholder import SEEDS, write_placeholder_data
from evaluation.protocol import load_review

PARAMS = Path(__file__).resolve().parents[2] / "params"


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDS)
def test_the_folder_is_valid_and_says_that_it_is_simulated(name: str) -> None:
    review = load_review(PARAMS / name)
    assert review.settings.simulated
    assert check_data(review) == []
    assert data_warnings(review) == [], "made-up data look like data that somebody forgot to send"
    assert {s.indicator for s in review.settings.duty.imports} == set(review.indicators), (
        "which data to import, for each"
    )
    assert set(review.settings.duty.definition.indicators) <= set(review.indicators)
    assert "SIMULATED" in (PARAMS / name / "review.yaml").read_text(encoding="utf-8")
    assert all(plan.title.startswith("SIMULATED") for plan in review.plans.values())
    assert all("direction" in i.model_fields_set for i in review.indicators.values())


@pytest.mark.parametrize("name", SEEDS)
def test_the_shipped_data_are_what_the_command_writes(name: str, tmp_path: Path) -> None:
    shutil.copytree(PARAMS / name, tmp_path / name, ignore=shutil.ignore_patterns("_build"))
    for written in write_placeholder_data(tmp_path / name):
        assert written.read_bytes() == (PARAMS / name / "data" / written.name).read_bytes()


def test_real_data_are_never_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "norfolk"
    shutil.copytree(PARAMS / "norfolk", folder, ignore=shutil.ignore_patterns("_build"))
    text = (folder / "review.yaml").read_text(encoding="utf-8").replace("simulated: true\n", "", 2)
    (folder / "review.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="are real"):
        write_placeholder_data(folder)
    with pytest.raises(ValueError, match="only folders called"):
        write_placeholder_data(tmp_path / "ours")


@pytest.mark.parametrize("name", SEEDS)
def test_area_codes_are_real(name: str) -> None:
    table = PARAMS.parents[1] / "shared" / "data" / "uk_population_and_lookups" / "la_all_codes.csv"
    if not table.is_file():
        pytest.skip("The list of area codes is not in ../shared/data.")
    rows = [line.split(",") for line in table.read_text(encoding="utf-8-sig").splitlines()]
    known = {row[0]: row[1].strip('"') for row in rows}
    for code, area in load_review(PARAMS / name).areas.areas.items():
        assert code in known
        assert known[code].split(",")[0] == area.name.split(",")[0]
