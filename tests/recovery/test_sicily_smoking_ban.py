"""Interrupted time series: the tutorial's published rate ratio, and what the default model says of the same data.

Lopez Bernal, Cummins and Gasparrini (2017), Int J Epidemiol 46:348-355: acute coronary events in Sicily, 2002-2006,
smoking ban from January 2005. Poisson, offset of the standardised population, linear trend, one step: rate ratio
0.894 (0.864 to 0.925). Quasi-Poisson: the same ratio, 0.839 to 0.953; with harmonics 0.885 (0.839 to 0.933).
"""

from __future__ import annotations

import pandas as pd
import pytest
from review_folder import check, new_review, run, say, write_areas, write_plan

pytestmark = pytest.mark.recovery

PUBLISHED = 0.894
PUBLISHED_INTERVAL = (0.864, 0.925)

INDICATORS = """\
acute_coronary:
  title: Acute coronary events
  unit: hospital admissions
  definition: Admissions for acute coronary events at ages 0 to 69, by month.
  source: Lopez Bernal, Cummins and Gasparrini (2017), tutorial data
  disclosure: already_public
  licence: tutorial data of the authors, not redistributed
"""
PLAN = """\
title: Smoking ban in public places
question: Did the ban reduce acute coronary events?
design: its
indicators: {primary: acute_coronary}
treated: {SIC: 2005-01}
period: {start: 2002-01, end: 2006-11}
effect: {shape: step, meaningful: 0.95}
"""
AS_PUBLISHED = "model: {likelihood: poisson, trend: linear, seasonality: none, autocorrelation: none}\n"


@pytest.fixture(scope="module")
def review(published, tmp_path_factory):
    source = pd.read_csv(published("sicily_smoking_ban") / "sicily.csv")
    folder = new_review(tmp_path_factory.mktemp("sicily") / "review", "Smoking ban", "Sicily", "2006")
    write_areas(folder, {"SIC": ("Sicily", None)})
    (folder / "indicators.yaml").write_text(INDICATORS, encoding="utf-8")
    tidy = pd.DataFrame(
        {
            "area": "SIC",
            "period": source.year.astype(str) + "-" + source.month.map("{:02d}".format),
            "count": source.aces,
            "exposure": source.stdpop,
        }
    )
    tidy.to_csv(folder / "data" / "acute_coronary.csv", index=False)
    write_plan(folder, "as_published", PLAN + AS_PUBLISHED)
    write_plan(folder, "default_model", PLAN)
    assert "2 plans and 1 indicator in order" in check(folder)
    return folder


def test_published_specification_gives_the_published_rate_ratio(review, tell):
    result = run(review / "plans" / "as_published.yaml")
    entry = result.entry("acute_coronary")
    ratio = entry["rate_ratio"]
    tell(f"Sicily, published specification: {say(ratio)}; published 0.894 (0.864 to 0.925); {result.seconds:.0f} s")
    assert entry["likelihood"] == "poisson" and entry["n_periods"] == 59
    assert ratio["mean"] == pytest.approx(PUBLISHED, abs=0.01)
    assert (ratio["lower"], ratio["upper"]) == pytest.approx(PUBLISHED_INTERVAL, abs=0.01)
    assert entry["rating"] == "benefit"


@pytest.mark.long
def test_default_model_agrees_and_is_less_certain(review, tell):
    """The default adds season, overdispersion and persistence: about the same ratio, a wider interval.

    The tutorial itself finds the Poisson interval too narrow (dispersion 3.6).
    """
    result = run(review / "plans" / "default_model.yaml")
    entry = result.entry("acute_coronary")
    ratio = entry["rate_ratio"]
    tell(
        f"Sicily, default model: {say(ratio)}, {entry['rating']}, confidence {entry['confidence']}; {result.seconds:.0f} s"
    )
    published_width = PUBLISHED_INTERVAL[1] - PUBLISHED_INTERVAL[0]
    assert entry["likelihood"] == "negative_binomial"
    assert ratio["lower"] < PUBLISHED < ratio["upper"]
    assert ratio["upper"] - ratio["lower"] > 1.3 * published_width
