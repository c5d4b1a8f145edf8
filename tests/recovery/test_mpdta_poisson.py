"""Counts with several starts: teen employment in Callaway and Sant'Anna's county panel, as a Poisson difference-in-differences.

The counts are exp(lemp); they are whole numbers to 1e-10, and are rounded because `svd check` refuses a count with a
fraction. Two references:

* The estimator which our saturated event study is. With free levels, years and a free cell for each cohort and period
  (the last period before the start as reference) the Poisson likelihood depends on cohort totals alone, so that a
  cell's estimate is the logarithm of a ratio of four totals, whatever the counties' levels.
* R etwfe (Wooldridge 2023), Poisson, covariate lpop interacted with everything, not-yet-treated counties as comparison,
  cohort effects: by event time -0.03257, -0.06751, -0.13297, -0.11702 (SE 0.01285, 0.01840, 0.02373, 0.02250). The test
  computes it again. It is the effect in a county of average log population, and the interaction with population
  makes it so large: without that interaction, or without the covariate, all counts weigh the same and large counties,
  which lost little, decide. Our program takes no covariates, so its answer is that of the counts.

Population is constant over the years here: as exposure it is absorbed by the counties' levels and changes nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from review_folder import check, new_review, run, say, write_areas, write_plan

pytestmark = pytest.mark.recovery

PUBLISHED = {0: -0.03257, 1: -0.06751, 2: -0.13297, 3: -0.11702}
PUBLISHED_SE = {0: 0.01285, 1: 0.01840, 2: 0.02373, 3: 0.02250}
LOG_ATT = -0.03995
YEARS = range(2003, 2008)

INDICATORS = """\
teen_employment:
  title: Teen employment
  unit: people
  direction: higher_is_better
  likelihood: poisson
  exposure: none
  source: Callaway and Sant'Anna (2021), package did
  disclosure: already_public
  licence: GPL-3, not redistributed
teen_employment_rate:
  title: Teen employment by population
  unit: people
  direction: higher_is_better
  likelihood: poisson
  source: Callaway and Sant'Anna (2021), package did
  disclosure: already_public
  licence: GPL-3, not redistributed
"""
PLAN = """\
title: Minimum wage above the federal one
question: Did teen employment change where the state minimum wage was raised?
design: did
indicators: {primary: %s}
treated: {%s}
comparison: {areas: never_raised}
period: {start: 2003, end: 2007}
"""
SATURATED = """\
effect: {shape: per_period, leads: true, meaningful: 1.01}
model: {likelihood: poisson, trend: none, seasonality: none, autocorrelation: none}
priors:
  effect: {normal: [0, 10], because: to reproduce an estimate that uses no prior}
  level: {normal: [0, 10], because: to reproduce an estimate that uses no prior}
"""
DEFAULT = "effect: {shape: per_period, meaningful: 1.01}\nmodel: {likelihood: negative_binomial}\n"


@pytest.fixture(scope="module")
def counties(published) -> pd.DataFrame:
    """County, year, cohort (0 never), log population and the count."""
    source = pd.read_csv(published("mpdta_min_wage") / "mpdta.csv")
    counts = np.exp(source.lemp)
    assert np.abs(counts - counts.round()).max() < 1e-9
    return source.assign(
        area=source.countyreal.astype(int).astype(str), cohort=source["first.treat"].astype(int), count=counts.round()
    )


@pytest.fixture(scope="module")
def review(counties, tmp_path_factory):
    folder = new_review(tmp_path_factory.mktemp("mpdta_counts") / "review", "Minimum wage", "US counties", "2007")
    once = counties.drop_duplicates("area").set_index("area")
    never = list(once.index[once.cohort == 0])
    people = 1000 * np.exp(once.lpop)
    areas = {code: (f"County {code}", float(people[code])) for code in once.index}
    write_areas(folder, areas, {"never_raised": (never, "their state kept the federal minimum wage throughout")})
    (folder / "indicators.yaml").write_text(INDICATORS, encoding="utf-8")
    tidy = counties[["area", "year", "count"]].astype({"count": int})
    tidy = tidy.set_axis(["area", "period", "count"], axis=1)
    for name in ("teen_employment", "teen_employment_rate"):
        tidy.to_csv(folder / "data" / f"{name}.csv", index=False)
    treated = ", ".join(f'"{code}": {cohort}' for code, cohort in once.cohort[once.cohort > 0].items())
    write_plan(folder, "saturated", PLAN % ("teen_employment", treated) + SATURATED)
    write_plan(folder, "by_population", PLAN % ("teen_employment_rate", treated) + SATURATED)
    write_plan(folder, "default_model", PLAN % ("teen_employment_rate", treated) + DEFAULT)
    assert "3 plans and 2 indicators in order" in check(folder)
    return folder


@pytest.fixture(scope="module")
def saturated(review):
    return run(review / "plans" / "saturated.yaml", "draft")


def saturated_by_hand(counties: pd.DataFrame) -> dict[tuple[int, int], float]:
    """The Poisson estimate of each cohort's cells: logarithms of ratios of totals."""
    total = counties.groupby(["cohort", "year"])["count"].sum()
    cohorts = [c for c in counties.cohort.unique() if c]
    return {
        (int(g), t): float(np.log(total[g, t] / total[g, g - 1] / (total[0, t] / total[0, g - 1])))
        for g in cohorts
        for t in YEARS
        if t != g - 1
    }


def by_event_time(cells: dict[tuple[int, int], float], counties: pd.DataFrame) -> dict[int, float]:
    """Cells averaged over treated counties, as etwfe does on the link scale."""
    size = counties[counties.year == 2003].groupby("cohort").size()
    out = {}
    for k in range(4):
        some = [(g, t) for g, t in cells if t - g == k]
        out[k] = float(np.average([cells[cell] for cell in some], weights=[size[g] for g, _ in some]))
    return out


def etwfe(counties: pd.DataFrame, covariate: str) -> dict[int, tuple[float, float]]:
    """Poisson with cohorts, years and cells from the start on: link-scale effect by event time, SE clustered by county.

    `covariate`: `none`, `trends` (lpop with cohorts and years) or `interacted` (with the cells, too).
    """
    import statsmodels.api as sm  # for this alone; every other test is collected without it

    x: dict[str, pd.Series] = {}
    cells = [(g, t) for g in (2004, 2006, 2007) for t in YEARS if t >= g]
    for g in (0, 2004, 2006, 2007):
        x[f"cohort {g}"] = (counties.cohort == g).astype(float)
    for t in YEARS[1:]:
        x[f"year {t}"] = (counties.year == t).astype(float)
    ways = dict(x)
    for g, t in cells:
        x[f"{g} in {t}"] = inside = ((counties.cohort == g) & (counties.year == t)).astype(float)
        if covariate == "interacted":
            x[f"lpop, {g} in {t}"] = inside * (counties.lpop - counties.lpop[counties.cohort == g].mean())
    if covariate != "none":
        x |= {f"lpop, {name}": counties.lpop * column for name, column in ways.items()}
    groups = {"groups": counties.area.astype(int).to_numpy()}
    model = sm.GLM(counties["count"], pd.DataFrame(x), family=sm.families.Poisson())
    fit = model.fit(cov_type="cluster", cov_kwds=groups, maxiter=200, tol=1e-12)
    size = counties[counties.year == 2003].groupby("cohort").size()
    out = {}
    for k in range(4):
        weight = pd.Series(0.0, index=list(x))
        for g, t in cells:
            weight[f"{g} in {t}"] = size[g] if t - g == k else 0.0
        weight /= weight.sum()
        out[k] = float(weight @ fit.params), float(np.sqrt(weight @ fit.cov_params() @ weight))
    return out


def our_cells(effects: pd.DataFrame) -> dict[tuple[int, int], float]:
    """Logarithm of each cell's rate ratio; inside a cohort and period it is the same for every county."""
    rows = effects[effects.estimand == "by_cohort_period"]
    return {(int(row.cohort), int(row.period)): float(np.log(row["mean"])) for _, row in rows.iterrows()}


def spread(values: dict[int, float]) -> str:
    return ", ".join(f"{values[k]:.4f}" for k in sorted(values))


def test_counts_with_a_fraction_are_refused(review):
    """What a user meets who writes exp(lemp) as it is."""
    path = review / "data" / "teen_employment.csv"
    whole = path.read_text(encoding="utf-8")
    lines = whole.splitlines()
    try:
        path.write_text("\n".join([lines[0], lines[1] + ".25", *lines[2:]]) + "\n", encoding="utf-8")
        with pytest.raises(AssertionError, match="is not a whole number"):
            check(review)
    finally:
        path.write_text(whole, encoding="utf-8")


def test_every_cell_of_the_saturated_poisson(saturated, counties, tell):
    """A cell's posterior sd is 0.004 to 0.009; at an effective sample size of 500 five Monte Carlo errors are 0.002."""
    ours, expected = our_cells(saturated.effects), saturated_by_hand(counties)
    assert set(ours) == set(expected)
    away = {cell: ours[cell] - expected[cell] for cell in ours}
    worst = max(away, key=lambda cell: abs(away[cell]))
    tell(f"mpdta counts, {len(ours)} cells: furthest from the ratio of totals {away[worst]:+.5f} at {worst}")
    tell(
        f"mpdta counts, by event time: {spread(by_event_time(ours, counties))}; ratios of totals "
        f"{spread(by_event_time(expected, counties))}; {saturated.seconds:.0f} s"
    )
    assert ours == pytest.approx(expected, abs=0.002)


@pytest.mark.long
def test_constant_population_as_exposure_changes_nothing(review, saturated, tell):
    result = run(review / "plans" / "by_population.yaml", "draft")
    without, ours = our_cells(saturated.effects), our_cells(result.effects)
    tell(
        f"mpdta counts, population as exposure: overall {say(result.entry('teen_employment_rate')['rate_ratio'], 4)}, "
        f"without {say(saturated.entry('teen_employment')['rate_ratio'], 4)}; {result.seconds:.0f} s"
    )
    assert ours == pytest.approx(without, abs=0.002)


def test_poisson_interval_is_too_narrow_and_said_to_be(saturated, counties, tell):
    """Counties vary far more than Poisson: clustered errors are two to six times ours, and the predictive check fails."""
    rows = saturated.effects[(saturated.effects.estimand == "by_event_time") & (saturated.effects.event_time >= 0)]
    ours = {int(row.event_time): (np.log(row.upper) - np.log(row.lower)) / 3.92 for _, row in rows.iterrows()}
    clustered = {k: error for k, (_, error) in etwfe(counties, "none").items()}
    made = {c["name"]: c for c in saturated.entry("teen_employment")["checks"]}
    tell(
        f"mpdta counts, standard error by event time: ours {spread(ours)}; clustered by county {spread(clustered)}. "
        f"{made['posterior_predictive']['sentence']}"
    )
    assert made["posterior_predictive"]["passed"] is False
    assert all(clustered[k] > 1.5 * ours[k] for k in clustered)


def test_etwfe_is_reproduced_and_differs_by_its_interaction_with_population(saturated, counties, tell):
    """Why ours is not the published effect by event time: the published one is that of a county of average size."""
    published, trends, none = (etwfe(counties, c) for c in ("interacted", "trends", "none"))
    assert {k: v[0] for k, v in published.items()} == pytest.approx(PUBLISHED, abs=0.00001)
    assert {k: v[1] for k, v in published.items()} == pytest.approx(PUBLISHED_SE, abs=0.00001)
    ours = by_event_time(our_cells(saturated.effects), counties)
    tell(
        f"mpdta counts, etwfe: lpop interacted {spread({k: v[0] for k, v in published.items()})}; only as trends "
        f"{spread({k: v[0] for k, v in trends.items()})}; without {spread({k: v[0] for k, v in none.items()})}"
    )
    # Trends by population change the effects by 0.0005 at most: it is the interaction that does.
    assert {k: trends[k][0] for k in trends} == pytest.approx({k: none[k][0] for k in none}, abs=0.0005)
    # Without it etwfe and ours differ only in the comparison: not yet treated, against never treated.
    assert all(abs(ours[k] - none[k][0]) < 2 * none[k][1] for k in none)
    assert all(ours[k] < 0 for k in ours)


@pytest.mark.long
def test_default_model_gives_the_effect_in_logarithms(review, tell):
    """With overdispersion and persistent noise large counties no longer decide, and the answer is that of mean log counts.

    That one is published as -0.0400 (Callaway and Sant'Anna, simple ATT): a ratio of 0.961.
    """
    result = run(review / "plans" / "default_model.yaml", "draft")
    entry = result.entry("teen_employment_rate")
    found = entry["rate_ratio"]
    tell(
        f"mpdta counts, default model, draft: {say(found)}, {entry['rating']}; in logarithms "
        f"{np.exp(LOG_ATT):.3f}; {result.seconds:.0f} s"
    )
    assert found["lower"] < np.exp(LOG_ATT) < found["upper"]
