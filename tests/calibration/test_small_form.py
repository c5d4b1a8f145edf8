"""The calibrations in small: every method still runs, ranks are flat where they should be and bent where they should not.

Thresholds are those that a right program passes all but once in a thousand runs; seeds are fixed besides.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from evaluation.calibration import alarms, ranks
from evaluation.calibration.coverage import STUDIES, run_setting, summarise_setting
from evaluation.calibration.series import LOG_EFFECT, Setting, make_series
from evaluation.cli import app

RARE = 0.001


def test_a_flat_histogram_is_not_called_bent_and_a_bent_one_is() -> None:
    flat = ranks.histogram("m", "sampler", {"q": list(range(100)) * 4})
    assert flat["statistic"][0] == 0.0
    assert flat["p_value"][0] == 1.0
    # Truth always in the middle half: intervals twice too wide. Ten of twenty bins hold all: 10 x 20^2/20 + 10 x 20.
    wide = ranks.histogram("m", "sampler", {"q": list(range(25, 75)) * 8})
    assert wide["statistic"][0] == pytest.approx(400.0)
    assert wide["p_value"][0] < RARE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["its negative_binomial", "its binomial", "its normal", "did poisson"])
def test_ranks_are_uniform(name: str) -> None:
    table = ranks.histogram(name, "approximation", ranks.rank_model(name, "approximation", 60))
    assert "rate ratio" in set(table["quantity"]) or "difference" in set(table["quantity"])
    assert table["p_value"].min() > RARE, table[["quantity", "p_value"]]


@pytest.mark.slow
def test_a_wrong_prior_bends_the_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth is drawn from one prior and the posterior made with a far narrower one."""
    honest = ranks.write_design

    def narrow(frame, *floor):
        if floor:
            frame = replace(frame, priors=replace(frame.priors, effect_sd=0.03))
        return honest(frame, *floor)

    monkeypatch.setattr(ranks, "write_design", narrow)
    table = ranks.histogram("x", "approximation", ranks.rank_model("its poisson", "approximation", 60))
    assert table.set_index("quantity")["p_value"]["rate ratio"] < RARE


@pytest.mark.slow
@pytest.mark.parametrize(("study", "cell"), [("its_step_60_24", 5), ("did", 0), ("suppressed", 1)])
def test_intervals_hold_the_truth(study: str, cell: int) -> None:
    chosen = STUDIES[study]
    setting = chosen.settings[cell]
    table = summarise_setting(study, setting, run_setting(setting, ("model",), range(40)))
    held = round(float(table["coverage"][0]) * 40)
    assert held >= binom.ppf(RARE, 40, 0.95)
    assert 0.0 < table["mean_width"][0] < 2.0


def test_truth_is_what_was_put_in() -> None:
    quiet, changed = (make_series(Setting("its", mean=100.0), seed) for seed in (0, 1))
    assert quiet.null and quiet.truth == 1.0
    assert not changed.null and changed.truth == pytest.approx(np.exp(LOG_EFFECT))


def test_what_the_rules_said_is_counted() -> None:
    rows = [
        {"interval_alone": True, "rating": "unclear", "confidence": "low", "failed": ["pre_trend", "breakdown"]},
        {"interval_alone": True, "rating": "benefit", "confidence": "moderate", "failed": ["pre_trend"]},
        {"interval_alone": False, "rating": "too_small_to_tell", "confidence": "high", "failed": []},
        {"interval_alone": True, "rating": "harm", "confidence": "low", "failed": []},
    ]
    found = alarms.summarise_alarms(Setting("did"), rows)
    assert (found["interval_alone"], found["called_effect"], found["called_effect_not_low"]) == (0.75, 0.5, 0.25)
    assert (found["low"], found["moderate"], found["high"]) == (0.5, 0.25, 0.25)
    assert found["failed"] == "breakdown:1 pre_trend:2"


@pytest.mark.slow
def test_a_drift_is_noticed() -> None:
    """Treated areas that drift away without any effect: not a benefit that may be relied on."""
    setting = Setting("did", n_areas=8, n_treated=4, before=48, after=12, mean=200.0, sd=0.05, drift=-0.2)
    [row] = alarms.judge_setting(setting, range(1))
    assert row["interval_alone"], "the interval alone is fooled"
    assert row["rating"] == "unclear"
    assert row["confidence"] == "low"
    assert "pre_trend" in row["failed"]


@pytest.mark.slow
def test_the_command_stores_its_results(tmp_path) -> None:
    done = CliRunner().invoke(app, ["calibrate", "its_controlled", "--simulations", "2", "--jobs", "1", "--into", str(tmp_path)])  # fmt: skip
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "its_controlled.csv")
    assert len(table) == len(STUDIES["its_controlled"].settings)
    assert set(table["simulations"]) == {2}
    assert table[["date", "commit", "versions"]].notna().all().all()


def test_an_unknown_study_is_refused(tmp_path) -> None:
    done = CliRunner().invoke(app, ["calibrate", "horoscope", "--into", str(tmp_path)])
    assert done.exit_code == 2
    assert "horoscope" in done.output
