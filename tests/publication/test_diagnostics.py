"""Charts and tables for an evaluator: words from the data, nothing withheld let out, nothing shown of nothing."""

import struct
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fixture import HOSTILE, evaluation, summary

from evaluation.publication import annex, chapter, diagnostics, traces
from evaluation.publication.alt import find_faults
from evaluation.publication.axis import percent_ticks
from evaluation.publication.display import Figure, Table, to_outputs
from evaluation.publication.evaluated import subject_of
from evaluation.publication.figures import Subject

pytestmark = pytest.mark.slow  # each draws a chart

COUNTS = Subject("scheme-assault", "Evening assaults", "assaults", "health")
SCORES = Subject("scheme-safety", "Feeling of safety", "points", "partner", scores=True)
RNG = np.random.default_rng(5)


def is_sound(figure: Figure | None) -> bool:
    assert figure is not None
    width, height = struct.unpack(">II", figure.picture.png[16:24])
    assert figure.picture.png.startswith(b"\x89PNG") and width > 800 and height > 300
    assert find_faults(figure.alt) is None
    assert figure.caption.endswith(".") and "nan" not in figure.caption
    assert len(figure.data) and to_outputs(figure)
    return True


# --- event study --------------------------------------------------------------------------------------------------


def effects(times: list[int], kind: str = "rate_ratio") -> list[dict]:
    low = {"rate_ratio": summary(0.98, 0.9, 1.1), "difference": summary(-0.1, -0.4, 0.3)}[kind]
    since = {"rate_ratio": summary(0.8, 0.7, 0.9), "difference": summary(0.6, 0.2, 1.0)}[kind]
    return [{"event_time": k, kind: since if k >= 0 else low} for k in times]


def test_event_study_shows_leads_and_names_the_reference() -> None:
    rows = effects([3, 2, 1, 0, -2, -3, -4])
    rows[-1]["rate_ratio"] = summary(0.8, 0.7, 0.95)
    figure = diagnostics.event_study(rows, COUNTS, meaningful=0.95)
    assert is_sound(figure)
    assert figure.data["Periods since start"].tolist() == [-4, -3, -2, 0, 1, 2, 3]
    assert "there the areas should not differ, and 2 of the 3 intervals before the start include 0" in figure.caption
    assert "The diamond is the last period before the start, the reference, which is 0 by definition." in figure.caption
    assert figure.alt.endswith("include 0; since the start 20% lower at first, 20% lower at the end.")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("per_period", "Each period since the start has an estimate of its own"),
        ("ramp", "The path has the shape that the plan gave it"),
    ],
)
def test_event_study_without_leads_says_that_the_time_before_is_not_shown(shape: str, words: str) -> None:
    figure = diagnostics.event_study(effects([0, 1, 2]), replace(COUNTS, shape=shape))
    assert is_sound(figure)
    assert words in figure.caption and "the time before" in figure.caption and "diamond" not in figure.caption


def test_event_study_of_scores_is_in_their_unit() -> None:
    figure = diagnostics.event_study(effects([0, 1, 2], "difference"), SCORES, meaningful=0.5)
    assert is_sound(figure)
    assert figure.data.columns.tolist() == ["Periods since start", "Difference (points)", "Lower", "Upper"]
    assert figure.alt.endswith("0.60 points higher at first, 0.60 points higher at the end.")


# --- placebos -----------------------------------------------------------------------------------------------------


def placebos(medians: list[float], kind: str = "area", key: str = "assault", plan: str = "scheme") -> pd.DataFrame:
    middle = np.array(medians)
    return pd.DataFrame(
        {"plan": plan, "indicator": key, "kind": kind, "label": [f"Town {i}" for i in range(len(middle))]}
    ).assign(median=middle, lower=0.8 * middle, upper=1.2 * middle)


def test_the_finding_stands_among_its_placebos() -> None:
    # 1.3 is further from 1 than 0.8 as a ratio (log 0.26 against 0.22), and 0.9 and 1.05 are nearer.
    figure = diagnostics.placebo_distribution(placebos([1.05, 0.9, 1.3]), summary(0.8, 0.75, 0.85), COUNTS)
    assert is_sound(figure)
    assert figure.name == "scheme-assault-placebo-areas"
    assert figure.data["Estimate for"].tolist() == ["Town 2", "Town 0", "Town 1", "This intervention"]
    assert figure.data["Percent change"].tolist() == [30.0, 5.0, -10.0, -20.0]
    assert "1 of 3 comparison areas lies at least as far from no change as this intervention." in figure.caption
    assert "this intervention (diamond)" in figure.caption and "(circles)" in figure.caption


@pytest.mark.parametrize(("subject", "reach"), [(COUNTS, "10% to 30% lower"), (SCORES, "+0.7 to +0.9")])
def test_the_interval_that_placebos_ask_for_is_shown(subject, reach: str) -> None:
    widened = {"lower": 0.7, "upper": 0.9}
    figure = diagnostics.placebo_distribution(placebos([1.05, 0.9]), summary(0.8, 0.75, 0.85), subject, widened)
    assert is_sound(figure)
    assert figure.caption.endswith(f"wide enough to have been right on the comparison areas, {reach}.")


def test_false_starts_are_called_so_and_many_are_drawn_without_names() -> None:
    made = placebos(np.exp(RNG.normal(0, 0.02, 60)).tolist(), "date")
    figure = diagnostics.placebo_distribution(made, summary(0.5, 0.4, 0.6), COUNTS)
    assert is_sound(figure)
    assert figure.name.endswith("placebo-dates") and len(figure.data) == 61
    assert figure.alt.endswith("none of 60 false starts lie at least as far from no change as this intervention.")


def test_placebos_of_scores_are_differences() -> None:
    made = placebos([0.1, -0.7]).assign(lower=-1.0, upper=1.0)
    figure = diagnostics.placebo_distribution(made, summary(0.6, 0.2, 1.0), SCORES)
    assert is_sound(figure) and "1 of 2 comparison areas" in figure.caption
    assert figure.data["Difference (points)"].tolist() == [0.6, 0.1, -0.7]


def test_hostile_placebo_labels_are_text() -> None:
    made = placebos([1.0, 1.1]).assign(label=[HOSTILE, "_hidden $\\foo$"])
    assert is_sound(diagnostics.placebo_distribution(made, summary(0.8, 0.7, 0.9), COUNTS))


def test_no_placebo_no_chart() -> None:
    own = summary(0.8, 0.7, 0.9)
    assert diagnostics.placebo_distribution(placebos([]), own, COUNTS) is None
    assert diagnostics.placebo_distribution(placebos([1.0]).assign(median=np.nan), own, COUNTS) is None
    assert diagnostics.placebo_distribution(placebos([1.0]).assign(lower=0.0), own, COUNTS) is None
    assert diagnostics.placebo_distribution(placebos([1.0]), {"median": None}, COUNTS) is None


# --- prior and posterior ------------------------------------------------------------------------------------------


def test_prior_and_posterior_are_percent_changes() -> None:
    figure = diagnostics.prior_and_posterior(
        RNG.normal(np.log(0.8), 0.05, (4, 2000)), {"effect_mean": 0.0, "effect_sd": 0.25, "scale": 1.0}, COUNTS
    )
    assert is_sound(figure)
    # exp(+-1.96 x 0.25) = 0.613 and 1.632.
    assert figure.data.iloc[0].tolist() == ["Before the data (prior)", 0.0, -38.7, 63.2]
    assert abs(figure.data["Percent change"][1] + 20) < 0.5
    assert "The 95% interval was 39% lower to 63% higher and became" in figure.caption
    assert "20% of its width on the axis shown." in figure.caption
    assert "It is the change of level at the start;" in figure.caption


def test_standardised_scores_are_put_back_into_their_unit() -> None:
    figure = diagnostics.prior_and_posterior(
        RNG.normal(0.5, 0.1, (4, 500)), {"effect_mean": 0.0, "effect_sd": 1.0, "scale": 2.0}, SCORES
    )
    assert is_sound(figure)
    assert figure.data["Upper"][0] == pytest.approx(3.92, abs=0.01)
    assert figure.data["Difference (points)"][1] == pytest.approx(1.0, abs=0.05)


def test_the_effect_on_a_proportion_is_of_the_odds() -> None:
    prior = {"effect_mean": -0.05, "effect_sd": 0.25, "scale": 1.0}
    figure = diagnostics.prior_and_posterior(RNG.normal(0, 0.1, (2, 500)), prior, COUNTS, odds=True)
    assert is_sound(figure)
    assert "Percent change of the odds" in figure.data and "as a change of the odds" in figure.caption


def test_no_spread_no_density() -> None:
    prior = {"effect_mean": 0.0, "effect_sd": 0.25, "scale": 1.0}
    assert diagnostics.prior_and_posterior(np.zeros((2, 10)), prior, COUNTS) is None
    assert diagnostics.prior_and_posterior(np.full((2, 10), np.nan), prior, COUNTS) is None
    assert diagnostics.prior_and_posterior(RNG.normal(size=(2, 10)), prior | {"effect_sd": 0.0}, COUNTS) is None


# --- posterior predictive -----------------------------------------------------------------------------------------


def bands(observed: list[float], likelihood: str = "negative_binomial", partial: bool = False) -> xr.Dataset:
    """As `inference.predictive.predictive_bands` returns them."""
    seen = np.array(observed, dtype=float)
    centre = np.where(np.isfinite(seen), seen + 1.0, np.nan)
    steps = {"outer_lower": -4.0, "inner_lower": -2.0, "inner_upper": 2.0, "outer_upper": 4.0}
    months = [str(p) for p in pd.period_range("2023-01", periods=len(seen), freq="M")]
    found = xr.Dataset({"observed": ("time", seen)}, coords={"time": months})
    for name, step in steps.items():
        found[name] = ("time", centre + step)
    count = np.where(np.isfinite(seen), 2, 0)
    count[0] -= int(partial)
    found["cells"], found["used"] = ("time", count), ("time", np.isfinite(seen))
    n = int(np.isfinite(seen).sum())
    return found.assign_attrs(interval=0.95, likelihood=likelihood, n=n, inside_outer=n, inside_inner=n // 2)


def test_predictive_chart_says_how_many_lie_inside() -> None:
    figure = diagnostics.predictive_check(bands([40, 52, np.nan, 61], partial=True), COUNTS)
    assert is_sound(figure)
    assert "3 of 3 recorded totals lie inside the 95% range and 1 inside the 50% range." in figure.caption
    assert "both are of the other areas alone" in figure.caption and "Grey periods" in figure.caption
    assert figure.data["Recorded"].tolist() == [40, 50, "[x]", 60] and figure.counts == ("Recorded",)
    assert figure.data.columns.tolist() == ["Period", "Recorded", "95% from", "50% from", "50% to", "95% to"]


@pytest.mark.parametrize("shape", ["step", "per_period"])
def test_small_totals_are_withheld_from_the_predictive_chart(shape: str) -> None:
    figure = diagnostics.predictive_check(bands([40, 3, 7, 0, 12]), replace(COUNTS, shape=shape))
    assert is_sound(figure)
    assert figure.data["Recorded"].tolist() == [40, "[c]", "[c]", 0, 10]
    assert "Recorded counts of 1 to 7 are withheld ([c])" in figure.caption
    # Where every period has an effect of its own, the range would give the withheld count away.
    hidden = figure.data.loc[[1, 2], ["95% from", "50% from", "50% to", "95% to"]].isna()
    assert ("left out of the chart with their ranges;" in figure.caption) == (shape == "per_period")
    assert hidden.all(axis=None) == (shape == "per_period") and hidden.any(axis=None) == (shape == "per_period")


def test_leads_count_as_an_effect_of_every_period(tmp_path) -> None:
    whole = evaluation(tmp_path, design="did")
    whole.plan.effect.leads = True
    assert subject_of(whole, "assault").shape == "per_period"
    whole.plan.design = "its"
    assert subject_of(whole, "assault").shape == "step"


def test_public_counts_and_scores_are_shown_as_they_are() -> None:
    public = diagnostics.predictive_check(bands([3, 41]), replace(COUNTS, profile="already_public"))
    assert public.data["Recorded"].tolist() == [3, 41] and public.counts == ()
    scores = diagnostics.predictive_check(bands([3.14, 4.2], "normal"), SCORES)
    assert is_sound(scores) and scores.data["Recorded"].tolist() == [3.14, 4.2]
    assert "recorded mean scores lie inside" in scores.caption


def test_no_exact_total_no_predictive_chart() -> None:
    assert diagnostics.predictive_check(bands([np.nan, np.nan]), COUNTS) is None


# --- traces -------------------------------------------------------------------------------------------------------


def posterior(**changes: np.ndarray) -> xr.Dataset:
    """Draws of a DiD's parameters, as the engine keeps them."""
    draws = {
        "level": RNG.normal(size=(4, 500, 8)),
        "coefficient": RNG.normal(-0.2, 0.05, size=(4, 500, 2)),
        "cohort_sd": np.zeros((4, 500)),
        "overdispersion": np.exp(RNG.normal(-2, 0.1, size=(4, 500))),
        "mu": RNG.normal(size=(4, 500, 2, 3)),
    } | changes
    return xr.Dataset({n: (("chain", "draw", *(f"{n}_{i}" for i in range(v.ndim - 2))), v) for n, v in draws.items()})


def test_traces_name_parameters_in_plain_words() -> None:
    table = traces.trace_table(posterior(), "step", 0.9)
    # A parameter that is fixed has nothing to converge; mu is what the reported quantities are made of.
    assert table["Parameter"].tolist() == [
        "Effect: the change of level at the start",
        "Variation of single counts beyond chance (overdispersion)",
        "Levels of the areas",
    ]
    first = table.iloc[0]
    assert first["Mean"] == pytest.approx(-0.2, abs=0.01) and first["Standard deviation"] == pytest.approx(
        0.05, abs=0.005
    )
    assert first["90% from"] == pytest.approx(-0.2 - 1.645 * 0.05, abs=0.01)
    assert 0.99 < first["R-hat"] < 1.02 and first["Bulk ESS"] > 1000
    assert table.iloc[2][["Mean", "90% to"]].tolist() == ["", ""]


def test_a_vector_is_as_bad_as_its_worst_part() -> None:
    level = RNG.normal(size=(4, 500, 8))
    level[:, :, 5] += np.arange(4)[:, None]
    table = traces.trace_table(posterior(level=level), "level_and_slope", 0.95).set_index("Parameter")
    assert "Effect: change of slope, a year" in table.index
    assert table.loc["Levels of the areas", "R-hat"] > 1.3
    assert table.loc["Levels of the areas", "Bulk ESS"] < 100


def test_no_parameters_no_table() -> None:
    assert traces.trace_table(posterior()[["mu"]], "step", 0.95) is None
    assert traces.trace_table(xr.Dataset(), "step", 0.95) is None


def test_every_kept_parameter_has_a_name() -> None:
    from evaluation.inference.engine import KEPT_PARAMETERS

    assert set(KEPT_PARAMETERS) - {"coefficient"} == set(traces.SCALARS) | set(traces.VECTORS)


# --- in the chapter -----------------------------------------------------------------------------------------------


def whole_evaluation(folder) -> SimpleNamespace:
    """A fabricated evaluation with everything that these charts need."""
    whole = evaluation(folder, "benefit")
    plan = whole.plan.id
    whole.posteriors = {"assault": posterior(), "vehicle_crime": posterior()}
    whole.priors = {"assault": {"effect_mean": 0.0, "effect_sd": 0.25, "scale": 1.0}}
    whole.predictive = {"assault": bands([40, 3, 7, 0, 12])}
    whole.placebos = pd.concat(
        [placebos([1.0, 1.1], kind, plan=plan) for kind in ("area", "date")]
        + [placebos([3.0], key="vehicle_crime", plan=plan), placebos([3.0], plan="another")]
    )
    return whole


def names(blocks: list) -> list[str]:
    return [b.name.partition("-")[2] for b in blocks if isinstance(b, (Figure, Table)) and b.name]


def test_the_chapter_shows_what_is_there(tmp_path) -> None:
    whole = whole_evaluation(tmp_path)
    assert "assault-by-time" in names(chapter.moderators(whole))
    sure = annex.doubts(whole)
    assert names(sure) == ["checks", "assault-placebo-areas", "assault-placebo-dates"]
    assert all(len(b.data) == 3 for b in sure if isinstance(b, Figure))
    shown = annex.computation(whole)
    wanted = ["assault-prior", "assault-predictive", "assault-parameters", "vehicle_crime-parameters"]
    assert names(shown) == wanted
    said = "".join(data.get("text/html", "") for block in shown for data, _ in to_outputs(block))
    assert "Levels, changes and sizes are in logarithms of the rate." in said
    assert (
        "is decided by the quantities it reports, in the table of the computation, and not by these parameters" in said
    )


def test_the_chapter_is_silent_about_what_is_not_there(tmp_path) -> None:
    bare = evaluation(tmp_path, "benefit")
    assert names(annex.doubts(bare)) == ["checks"] and names(annex.computation(bare)) == []
    bare.placebos, bare.posteriors, bare.priors, bare.predictive = pd.DataFrame(), {}, {}, {}
    assert names(annex.doubts(bare)) == ["checks"] and names(annex.computation(bare)) == []
    assert "decided by the quantities" not in str([getattr(b, "html", "") for b in annex.computation(bare)])


def test_free_effects_and_unknown_priors_have_no_prior_chart(tmp_path) -> None:
    whole = whole_evaluation(tmp_path)
    whole.posteriors["assault"] = posterior()[["level", "overdispersion"]]
    assert "assault-prior" not in names(annex.computation(whole))
    whole = whole_evaluation(tmp_path)
    whole.priors = {}
    assert "assault-prior" not in names(annex.computation(whole))


def test_a_failed_finding_has_none_of_these_charts(tmp_path) -> None:
    whole = evaluation(tmp_path, "failed")
    whole.placebos = placebos([1.0], plan=whole.plan.id)
    whole.posteriors, whole.priors, whole.predictive = {}, {}, {}
    assert "placebo" not in str(names(annex.doubts(whole))) and names(annex.computation(whole)) == []


# --- ticks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (-0.11, 0.11, [-10, -5, 0, 5, 10]),
        (-0.75, 0.75, [-50, -25, 0, 25, 50, 100]),
        (-0.02, 0.02, None),
        (-3.0, 3.0, None),
        (-0.2, 6.0, None),
    ],
)
def test_percent_ticks_are_few_and_hold_no_change(low: float, high: float, wanted: list[float] | None) -> None:
    ticks = percent_ticks(low, high)
    assert 0 in ticks and ticks == sorted(ticks) and 2 <= len(ticks) <= 9
    assert all(low <= np.log1p(t / 100) <= high for t in ticks)
    if wanted is not None:
        assert ticks == wanted
