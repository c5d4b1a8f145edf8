"""The page on calibration says what the stored results say, and no more."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from evaluation import resources
from evaluation.calibration.coverage import STUDIES
from evaluation.calibration.ranks import SIMULATIONS, histogram
from evaluation.calibration.results import Stamp, write_results
from evaluation.calibration.series import Setting
from evaluation.calibration.study import NAMES
from evaluation.publication.alt import find_faults
from evaluation.publication.calibration import calibration_blocks
from evaluation.publication.display import Figure, Table, Text
from evaluation.publication.ranks import chance_band, chance_outside
from evaluation.publication.staging import Stage, stage_blocks

NAME = "its_step_60_24"
STAMP = Stamp("2026-01-02", "abcdef123456", "pymc 6")


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
             "degrees_of_freedom": 19, "p_value": p}
            | {f"bin_{k + 1:02d}": 10 for k in range(20)} for i, p in enumerate(p_values)
        ]
    )  # fmt: skip


def alarms(*drifts: float, called: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {**asdict(Setting("did", n_areas=8, drift=drift)), "simulations": 50, "interval_alone": 0.4 if drift else 0.04,
             "called_effect": called, "called_effect_not_low": 0.0, "low": 0.8 if drift else 0.2, "moderate": 0.2, "high": 0.0,
             "failed": "pre_trend:40 loo_pit:1" if drift else float("nan")}
            for drift in drifts
        ]
    )  # fmt: skip


def test_false_alarms_of_the_judgement(tmp_path) -> None:
    write_results(alarms(0.0, -0.1), "alarms", tmp_path, STAMP)
    blocks = calibration_blocks(tmp_path)
    said = words(blocks)
    assert "Of 50 quiet series, 4.0% would have been called benefit or harm by the interval alone, and 0.0% were by the rules; 20.0% were" in said  # fmt: skip
    assert "Of 50 drifting series, 40.0% would" in said
    [table] = [b for b in blocks if isinstance(b, Table) and b.name == "calibration-alarms"]
    assert table.data["Checks that failed most"].tolist() == ["none", "Trend before the start 80%; Each observation predicted from the others 2%"]  # fmt: skip
    assert "drifting by −10% a year" in table.data.iloc[1, 0]


def words(blocks: list) -> str:
    return "\n".join(str(b.html) for b in blocks if isinstance(b, Text))


def test_no_results_no_page(tmp_path) -> None:
    assert calibration_blocks(tmp_path) == []


def test_verdict_where_all_is_well(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 10 + [0.96, 0.92]), NAME, tmp_path, STAMP)
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
    assert table["Ours: ± standard error"].tolist() == [1.0] * 10 + [0.9, 1.2]
    assert table["Quasi-Poisson regression as usually printed: coverage (%)"].tolist() == [80.0] * 12
    assert (
        "in 12 cells: its interval held the truth at least 92% of the time in 0. Its lowest coverage was 80.0%" in said
    )


def test_a_bad_cell_is_named_with_its_standard_error(tmp_path) -> None:
    write_results(rows(NAME, [0.9] + [0.95] * 11), NAME, tmp_path, STAMP)
    said = words(calibration_blocks(tmp_path))
    assert "at least 92% of the time in 11." in said
    assert "Cell below 92%:" in said
    assert "mean 5, persistence 0: 90.0% (standard error 1.3 percentage points)</li>" in said


def test_what_is_missing_is_said_in_one_sentence(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 3), NAME, tmp_path, STAMP)
    said = words(calibration_blocks(tmp_path))
    assert said.count("Not measured yet:") == 1
    assert "24 after (9 of 12 cells);" in said
    assert "Difference-in-differences; Suppressed counts;" in said
    assert "Ranks of true values among posterior draws." in said
    assert "The two have not been compared yet, so the coverage of findings themselves is not known" in said


def test_a_cell_of_two_studies_counts_once(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 12), NAME, tmp_path, STAMP)
    again = rows("sampled", [0.5] * 12, simulations=100)
    write_results(pd.concat([again, rows("sampled", [0.93] * 12, 100, "sampled")]), "sampled", tmp_path, STAMP)
    said = words(calibration_blocks(tmp_path))
    assert said.count("Over 12 cells") == 2 and "lowest coverage was 50.0%" not in said
    assert "computed by the sampler that findings use, the 95% interval" in said


def test_the_approximation_is_compared_with_the_sampler_cell_by_cell(tmp_path) -> None:
    sampled = rows("sampled", [0.93] * 11 + [0.89], 100, "sampled").assign(mean_width=0.44)
    write_results(pd.concat([rows("sampled", [0.95] * 12, 100), sampled]), "sampled", tmp_path, STAMP)
    said = words(calibration_blocks(tmp_path))
    assert (
        "on the same series in 12 cells (100 series each): the average coverage was 95.0% by the approximation and 92.7% by"
        in said
    )
    assert "on average 110% of the approximation" in said
    assert "The largest difference in one cell was 6.0 percentage points" in said
    assert "mean 500, persistence 0.7: 95.0% and 89.0%)" in said


def test_false_alarms_are_pooled_over_the_series_of_a_study(tmp_path) -> None:
    table = rows(NAME, [0.95] * 2)
    ours = table["method"] == "model"
    table.loc[ours, "nulls"], table.loc[ours, "null_claims"] = [300, 100], [0.02, 0.10]
    write_results(table, NAME, tmp_path, STAMP)
    shown = next(b for b in calibration_blocks(tmp_path) if isinstance(b, Table) and "false-alarms" in b.name).data
    assert shown.iloc[:, 1:].values.tolist() == [
        ["Ours", 400, 4.0],
        ["Quasi-Poisson regression as usually printed", 500, 4.0],
    ]


@pytest.mark.parametrize(
    ("p_values", "sentence"),
    [
        ([0.5, 0.001, 0.03], "Of 3 p values, 2 are below 0.05 (chance alone: about 0.15) and 1 is below 0.01 (chance alone: about 0.03)."),
        ([0.5], "Of 1 p value, 0 are below 0.05 (chance alone: about 0.05) and 0 are below 0.01 (chance alone: about 0.01)."),
    ],
)  # fmt: skip
def test_ranks_are_counted_against_chance(tmp_path, p_values, sentence) -> None:
    write_results(ranks(p_values), "ranks", tmp_path, STAMP)
    blocks = calibration_blocks(tmp_path)
    assert sentence in words(blocks) and "By the sampler" not in words(blocks)
    assert not any(isinstance(b, Figure) for b in blocks)  # no effect among the quantities


def test_rank_histograms_have_a_band_and_count_what_lies_outside(tmp_path) -> None:
    level = {"rate ratio": list(range(100)) * 2, "area_sd": list(range(100)) * 2}
    bowl = {"difference": [0] * 100 + [99] * 100}
    made = [histogram("its poisson", by, level) for by in SIMULATIONS] + [histogram("did normal", "sampler", bowl)]
    write_results(pd.concat(made), "ranks", tmp_path, STAMP)
    blocks = calibration_blocks(tmp_path)
    drawn = {b.name: b for b in blocks if isinstance(b, Figure)}
    assert set(drawn) == {"calibration-ranks-approximation", "calibration-ranks-sampler"}
    assert all(find_faults(b.alt) is None and b.picture.png.startswith(b"\x89PNG") for b in drawn.values())
    assert "0 of 20 bars lie outside the 99% band" in drawn["calibration-ranks-approximation"].alt
    assert "20 of 40 bars lie outside the 99% band" in drawn["calibration-ranks-sampler"].alt  # all 20 of the bowl
    data = drawn["calibration-ranks-sampler"].data
    assert data["Model"].tolist() == ["Interrupted time series: Poisson counts", "Difference-in-differences: scores"]
    assert data["Bar 1"].tolist() == [10, 100]
    table = next(b for b in blocks if isinstance(b, Table) and b.name == "calibration-ranks").data
    assert len(table) == 5 and "By the sampler that findings use: of 3 p values, 1 is below 0.05" in words(blocks)


@pytest.mark.parametrize("simulations", [50, 200, 400])
def test_the_band_holds_a_bar_at_least_as_often_as_it_says(simulations) -> None:
    low, high = chance_band(simulations)
    bars = np.random.default_rng(1).binomial(simulations, 1 / 20, 200_000)
    outside = float(np.mean((bars < low) | (bars > high)))
    assert outside <= 0.01
    assert outside == pytest.approx(chance_outside(simulations), abs=0.001)


def test_the_page_can_be_staged_with_its_figure_and_provenance(tmp_path) -> None:
    write_results(rows(NAME, [0.95] * 12, simulations=100), NAME, tmp_path, STAMP)
    stage = Stage(tmp_path / "stage")
    page = stage_blocks(stage, calibration_blocks(tmp_path), "methods/calibration")
    assert "calibration-coverage.png" in page and "ours from 95.0% to 95.0% (12 marks)" in page
    stored = pd.read_csv(stage.files / f"calibration-{NAME}.csv")
    assert stored.equals(pd.read_csv(tmp_path / f"{NAME}.csv"))  # the download is the study as stored
    assert f"svd calibrate {NAME} --size full --simulations 100" in page


def test_a_command_repeats_what_was_run(tmp_path) -> None:
    write_results(ranks([0.5]), "ranks", tmp_path, STAMP)
    shown = next(b for b in calibration_blocks(tmp_path) if isinstance(b, Table) and "provenance" in b.name).data
    assert shown[["Simulations a cell", "Command"]].values.tolist() == [["200", "svd calibrate ranks --size full"]]
    write_results(ranks([0.5]).assign(simulations=100), "ranks", tmp_path, STAMP)
    shown = next(b for b in calibration_blocks(tmp_path) if isinstance(b, Table) and "provenance" in b.name).data
    assert shown["Command"].tolist() == ["svd calibrate ranks --size full --simulations 100"]


def test_the_readme_names_every_study() -> None:
    readme = resources.PACKAGE.parent / "README.md"
    assert [name for name in NAMES if f"`{name}`" not in readme.read_text(encoding="utf-8")] == []
