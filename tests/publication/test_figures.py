"""Charts: alt text by the rule, and only controlled numbers behind them."""

import re
import struct

import numpy as np
import pytest
from fixture import HOSTILE, RATINGS, SPREAD, TRUE_RATIO, evaluation, series

from evaluation.publication import diagnostics, figures
from evaluation.publication.alt import alt_sentence, find_faults
from evaluation.publication.axis import period_ticks, spread_labels
from evaluation.publication.evaluated import subject_of
from evaluation.publication.palette import ON_DARK, PAPER, WORDS, contrast

pytestmark = pytest.mark.slow  # each draws a chart


def is_drawn(figure: figures.Figure) -> bool:
    width, height = struct.unpack(">II", figure.picture.png[16:24])
    return figure.picture.png.startswith(b"\x89PNG") and width > 800 and height > 300


@pytest.mark.parametrize("rating", [r for r in RATINGS if r != "failed"])
def test_charts_of_every_rating(rating: str, tmp_path) -> None:
    whole = evaluation(tmp_path, rating)
    subject = subject_of(whole, "assault")
    drawn = [
        figures.observed_and_counterfactual(whole.series["assault"], subject),
        figures.cumulative_averted(
            whole.series["assault"], subject, whole.finding["indicators"]["assault"]["events_averted"]
        ),
        diagnostics.event_study(whole.finding["indicators"]["assault"]["by_event_time"], subject, 0.95),
    ]
    for figure in drawn:
        assert is_drawn(figure)
        assert find_faults(figure.alt) is None
        assert figure.caption.endswith(".") and len(figure.data)


def test_scores_have_no_events_and_no_zero_axis(tmp_path) -> None:
    whole = evaluation(tmp_path, "benefit")
    figure = figures.observed_and_counterfactual(whole.series["safety_score"], subject_of(whole, "safety_score"))
    assert figure.counts == () and "rounded" not in figure.caption


@pytest.mark.parametrize("level", [2.0, 6.0, 30.0])
def test_no_small_count_is_behind_a_chart(level: float) -> None:
    lines = series(np.random.default_rng(1), TRUE_RATIO["benefit"], SPREAD["benefit"], level)
    subject = figures.Subject("a", "Assaults", "assaults", "health", shape="per_period")
    figure = figures.observed_and_counterfactual(lines, subject)
    recorded = figure.data["Recorded"].tolist()
    assert not [v for v in recorded if not isinstance(v, str) and 1 <= v <= 7]
    assert ("[c]" in recorded) == ("withheld" in figure.caption)
    hidden = figure.data[figure.data["Recorded"] == "[c]"]
    assert hidden["Expected"].isna().all()


def test_a_series_without_any_exact_total_is_said_to_be_so() -> None:
    lines = series(np.random.default_rng(1), 0.8, 0.05, 50.0)
    lines["observed"] = lines["observed"] * np.nan
    figure = figures.observed_and_counterfactual(lines, figures.Subject("a", "Assaults", "assaults", "health"))
    assert "No recorded total can be shown" in figure.caption


def test_hostile_labels_are_drawn_as_text() -> None:
    figure = figures.forest(
        [figures.ForestRow(HOSTILE, -10, -20, 5), figures.ForestRow("_hidden $\\foo$", 3, -5, 9, pooled=1.0)]
    )
    assert is_drawn(figure) and find_faults(figure.alt) is None


def test_the_words_under_a_forest_count_what_is_shown() -> None:
    rows = [figures.ForestRow("a", -10, -20, -5), figures.ForestRow("b", 3, -5, 9), figures.ForestRow("c", 8, 2, 9)]
    assert "1 of 3 clearly lower, 1 clearly higher, 1 with an interval across no change" in figures.forest(rows).alt


def test_same_numbers_same_picture() -> None:
    rows = [figures.ForestRow("a", -10, -20, -5)]
    assert figures.forest(rows).picture == figures.forest(rows).picture


def test_a_chart_is_vectors_that_know_the_dark_page() -> None:
    svg = figures.forest([figures.ForestRow("a", -10, -20, -5)]).picture.svg
    assert svg.startswith("<svg") and "<image" not in svg and "metadata" not in svg
    assert svg.count("prefers-color-scheme: dark") == 1
    inked = {c.upper() for c in re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})(?=[;\"])", svg)}
    assert inked and inked <= set(ON_DARK), inked - set(ON_DARK)


def test_colours_can_be_told_from_the_page_light_and_dark() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21) and contrast("#777777", "#FFFFFF") == pytest.approx(
        4.48, abs=0.005
    )
    for word in WORDS:
        assert contrast(word, PAPER) >= 4.5 and contrast(ON_DARK[word], ON_DARK[PAPER]) >= 4.5, word
    for mark in ("#12436D", "#B4470B", "#3D3D3D"):
        assert contrast(ON_DARK[mark], ON_DARK[PAPER]) >= 3


@pytest.mark.parametrize(
    ("alt", "source", "fault"),
    [
        (None, "", "no alt"),
        ("", "", "no alt"),
        ("_images/abc.png", "x/abc.png", "file name"),
        ("Too short.", "", "characters"),
        ("Line chart of assaults: down by a fifth", "", "full stop"),
        ("Line chart of assaults: nan% lower than expected.", "", "empty number"),
        ("Line chart of assaults: 12% lower than expected.", "", None),
    ],
)
def test_alt_text_rule(alt: str | None, source: str, fault: str | None) -> None:
    found = find_faults(alt, source)
    assert found is None if fault is None else found is not None and fault in found


def test_alt_text_keeps_the_trend_when_the_subject_is_long() -> None:
    sentence = alt_sentence("Line chart", "x" * 500, "12% lower than expected")
    assert sentence.endswith("12% lower than expected.") and find_faults(sentence) is None


def test_ticks_and_labels() -> None:
    months = [f"{y}-{m:02d}" for y in (2022, 2023, 2024) for m in range(1, 13)]
    assert period_ticks(months) == ([0, 12, 24], ["2022", "2023", "2024"])
    assert period_ticks(["2024-03", "2024-04"]) == ([0, 1], ["2024-03", "2024-04"])
    low, high = spread_labels([0.50, 0.51], [1, 1], height=0.1)
    assert high - low >= 0.1 - 1e-6


def test_a_chart_depends_on_nothing_but_what_may_be_shown() -> None:
    """Counts that are printed alike are drawn alike, so that nothing can be read off the picture's coordinates."""
    import xarray as xr

    from evaluation.publication.figures import Subject, observed_and_counterfactual

    months = [f"2024-{m:02d}" for m in range(1, 13)]
    flat = {name: ("time", [20.0] * 12) for name in ("mu", "mu0", "mu0_lower", "mu0_upper")}

    def drawn(counts: list[float]):
        data = {**flat, "observed": ("time", counts), "post": ("time", [False] * 6 + [True] * 6)}
        lines = xr.Dataset(data, coords={"time": months}, attrs={"first_start": "2024-07"})
        return observed_and_counterfactual(lines, Subject("x", "Assaults", "assaults", "partner"))

    one = drawn([1, 7, 8, 12, 13, 17, 0, 3, 23, 18, 2, 100])
    same = drawn([6, 2, 12, 8, 17, 13, 0, 1, 27, 22, 7, 98])
    other = drawn([6, 2, 12, 8, 17, 13, 0, 1, 27, 22, 7, 90])
    assert vars(one) | {"data": None} == vars(same) | {"data": None}
    assert one.data.equals(same.data) and not one.data.equals(other.data)
    assert vars(one) | {"data": None} != vars(other) | {"data": None}
