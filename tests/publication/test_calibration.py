"""The page on calibration says what the stored results say, and no more."""

from dataclasses import asdict

import pandas as pd
import pytest

from evaluation.calibration.coverage import STUDIES
from evaluation.calibration.results import write_results
from evaluation.publication.calibration import calibration_blocks
from evaluation.publication.display import Figure, Table, Text
from evaluation.publication.staging import Stage, stage_blocks

NAME = "its_step_60_24"


def rows(name: str, coverages: list[float], simulations: int = 500, method: str = "model") -> pd.DataFrame:
    found = []
    for setting, coverage in zip(STUDIES[name].settings, coverages, strict=False):
        error = (coverage * (1 - coverage) / simulations) ** 0.5
        for who, share in ((method, coverage), ("quasi_poisson", 0.8)):
            found.append(
                {"study": name, **asdict(setting), "method": who, "simulations": simulations, "coverage": share,
                 "standard_error": error, "mean_width": 0.4, "nulls": simulations // 2, "null_claims": 0.04}
            )  # fmt: skip
    return pd.DataFrame(found)


def ranks(p_values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": "its poisson", "computation": "sampler", "quantity": f"q{i}", "simulations": 200, "statistic": 20.0,
             "degrees_of_freedom": 19, "p_value": p} for i, p in enumerate(p_values)
        ]
    )  # fmt: skip


def words(blocks: list) -> str:
    return "\n".join(str(b.html) for b in blocks if isinstance(b, Text))


def test_no_results_no_page(tmp_path) -> None:
    assert calibration_blocks(tmp_path) == []


def test_verdict_where_all_is_well(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 10 + [0.96, 0.92]), NAME, tmp_path)
    blocks = calibration_blocks(tmp_path)
    said = words(blocks)
    assert (
        "<p>Over 12 cells of our model, computed by the fast approximation, the 95% interval held the truth at least 92% of the time "
        "in 12. The lowest coverage was 92.0% (interrupted time series, step, counts (negative binomial), 1 of 1 area treated, "
        "60 months before and 24 after, mean 500, persistence 0.7); the average was 94.8%.</p>"
    ) in said
    assert "Of 3,000 made-up series without any effect, 4.0% were called benefit or harm, against the 5%" in said
    assert "below 92%:" not in said
    table = next(b for b in blocks if isinstance(b, Table) and b.name == f"calibration-{NAME}").data
    assert len(table) == 12
    assert table["Ours: coverage (%)"].tolist() == [95.0] * 10 + [96.0, 92.0]
    assert table["Quasi-Poisson as usually printed: coverage (%)"].tolist() == [80.0] * 12


def test_a_bad_cell_is_named_with_its_standard_error(tmp_path) -> None:
    write_results(rows(NAME, [0.9] + [0.95] * 11), NAME, tmp_path)
    said = words(calibration_blocks(tmp_path))
    assert "at least 92% of the time in 11." in said
    assert "Cell below 92%:" in said
    assert "mean 5, persistence 0: 90.0% (standard error 1.3 percentage points)</li>" in said


def test_what_is_missing_is_said_in_one_sentence(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 3), NAME, tmp_path)
    said = words(calibration_blocks(tmp_path))
    assert said.count("Not measured yet:") == 1
    assert "24 after (9 of 12 cells);" in said
    assert "Difference-in-differences; Suppressed counts;" in said
    assert "Ranks of true values among posterior draws." in said


def test_a_cell_of_two_studies_counts_once(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 12), NAME, tmp_path)
    again = rows("sampled", [0.5] * 12, simulations=100)
    write_results(pd.concat([again, rows("sampled", [0.93] * 12, 100, "sampled")]), "sampled", tmp_path)
    said = words(calibration_blocks(tmp_path))
    assert said.count("Over 12 cells") == 2 and "50.0%" not in said
    assert "computed by the sampler that findings use, the 95% interval" in said


@pytest.mark.parametrize(
    ("p_values", "sentence"),
    [
        ([0.5, 0.001, 0.2], "1 of 3 p values is below 0.01; chance alone would give about 0.03."),
        ([0.5], "0 of 1 p values are below 0.01; chance alone would give about 0.01."),
    ],
)
def test_ranks_are_counted_against_chance(tmp_path, p_values, sentence) -> None:
    write_results(ranks(p_values), "ranks", tmp_path)
    blocks = calibration_blocks(tmp_path)
    assert sentence in words(blocks)
    assert not any(isinstance(b, Figure) for b in blocks)


def test_the_page_can_be_staged_with_its_figure_and_provenance(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 12, simulations=100), NAME, tmp_path)
    page = stage_blocks(Stage(tmp_path / "stage"), calibration_blocks(tmp_path), "methods/calibration")
    assert "calibration-coverage.png" in page and "ours from 95.0% to 95.0% over 12 cells" in page
    assert f"svd calibrate {NAME} --size full --simulations 100" in page
