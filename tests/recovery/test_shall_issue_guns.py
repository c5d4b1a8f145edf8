"""A law that did nothing measurable to violence: shall-issue (right-to-carry) laws in the United States, 1977 to 1999.

Ayres and Donohue (2003), Stanford Law Review 55:1193-1312; exercise of Stock and Watson, Introduction to Econometrics,
chapter 10: logarithm of the violent crime rate, state and year effects and seven covariates: -0.028 (clustered SE
0.042), not significant. Pooled without state effects it is -0.443, which is confounding: no review may say that.

The program takes no covariates. Without them two-way least squares gives 0.002 (0.039) for all 51 states, and -0.014
(0.039) without the four states which had the law all the time (they have no period before, and are left out).
Nor does our step have one coefficient: it lets the laws of different years differ, with a spread that is learned, and
averages over the treated state-years. So it should lie between the two-way coefficient (spread 0) and the average of
one coefficient for each cohort (spread without end), and is compared with its own posterior, integrated on a grid.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from review_folder import check, new_review, run, say, write_areas, write_plan

pytestmark = pytest.mark.recovery

PUBLISHED = -0.028
COVARIATES = ["prisoners", "density", "income", "population", "afam", "cauc", "male"]

INDICATORS = """\
violent_crime:
  title: Violent crime rate
  unit: log points of offences per 100,000
  likelihood: normal
  source: Ayres and Donohue (2003), data of Stock and Watson
  disclosure: already_public
  licence: GPL-2 or GPL-3, not redistributed
"""
PLAN = """\
title: Shall-issue laws
question: Did the right to carry a concealed weapon change violent crime?
design: did
indicators: {primary: violent_crime}
treated: {%s}
comparison:
  areas: all
  exclude:
%s
period: {start: 1977, end: 1999}
effect: {shape: step, meaningful: -0.05}
"""
ALWAYS = '    "%s": {because: had the law in the whole period and so has nothing before it}'
WIDE = """\
model: {trend: none, seasonality: none, autocorrelation: none}
priors:
  effect: {normal: [0, 10], because: to reproduce an estimate that uses no prior}
  level: {normal: [0, 10], because: to reproduce an estimate that uses no prior}
"""


@pytest.fixture(scope="module")
def states(published) -> pd.DataFrame:
    """State, year, log rate, law in force, and its first year (0 never)."""
    source = pd.read_csv(published("us_shall_issue_guns") / "Guns.csv")
    source["law"] = (source.law == "yes").astype(float)
    first = source[source.law == 1].groupby("state").year.min()
    return source.assign(y=np.log(source.violent), first=source.state.map(first).fillna(0).astype(int))


@pytest.fixture(scope="module")
def review(states, tmp_path_factory):
    folder = new_review(tmp_path_factory.mktemp("guns") / "review", "Shall-issue laws", "United States", "1999")
    first = states.drop_duplicates("state").set_index("state")["first"]
    write_areas(folder, {name: (name, None) for name in first.index})
    (folder / "indicators.yaml").write_text(INDICATORS, encoding="utf-8")
    tidy = states[["state", "year", "y"]].set_axis(["area", "period", "count"], axis=1)
    tidy.to_csv(folder / "data" / "violent_crime.csv", index=False)
    treated = ", ".join(f'"{name}": {year}' for name, year in first[first > 1977].items())
    plan = PLAN % (treated, "\n".join(ALWAYS % name for name in first.index[first == 1977]))
    write_plan(folder, "wide_priors", plan + WIDE)
    write_plan(folder, "default_model", plan)
    assert "2 plans and 1 indicator in order" in check(folder)
    return folder


def without_two_ways(panel: pd.DataFrame, columns: np.ndarray) -> np.ndarray:
    """Columns after state and year effects have been taken out by least squares."""
    ways = pd.get_dummies(panel[["state", "year"]].astype(str), dtype=float).to_numpy()
    return columns - ways @ np.linalg.lstsq(ways, columns, rcond=None)[0]


def cohort_columns(panel: pd.DataFrame) -> np.ndarray:
    """One column for each first year of a law: 1 where such a law is in force."""
    cohorts = np.unique(panel["first"][panel["first"] > 0])
    return np.stack([(panel["first"] == c) & (panel.year >= c) for c in cohorts], axis=1).astype(float)


def two_way(panel: pd.DataFrame, covariates: list[str] | None = None) -> tuple[float, float]:
    """Coefficient of the law with state and year effects, and its standard error clustered by state."""
    x = without_two_ways(panel, panel[["law", *(covariates or [])]].to_numpy(float))
    y = without_two_ways(panel, panel[["y"]].to_numpy())[:, 0]
    bread = np.linalg.inv(x.T @ x)
    score = pd.DataFrame(x * (y - x @ (bread @ x.T @ y))[:, None]).groupby(panel.state.to_numpy()).sum().to_numpy()
    return float((bread @ x.T @ y)[0]), float(np.sqrt((bread @ score.T @ score @ bread)[0, 0]))


def by_cohort(panel: pd.DataFrame) -> float:
    """One free coefficient for the law of each year, averaged over the treated state-years."""
    treated = cohort_columns(panel)
    x, y = without_two_ways(panel, treated), without_two_ways(panel, panel[["y"]].to_numpy())[:, 0]
    return float(np.average(np.linalg.lstsq(x, y, rcond=None)[0], weights=treated.sum(axis=0)))


def integrated(panel: pd.DataFrame) -> tuple[float, float]:
    """Mean and standard deviation of our effect under flat levels, years and common effect, on a grid of two scales.

    Given the error's scale s and the cohorts' spread t all is normal: the departures' precision is 1/t^2. Priors of s
    and t are the program's own for scores (log-normal around 0.7, half-normal 0.5, in within-state deviations).
    """
    unit = float((panel.y - panel.groupby("state").y.transform("mean")).std(ddof=0))
    treated = cohort_columns(panel)
    x = without_two_ways(panel, np.column_stack([panel.law, treated]))
    y = without_two_ways(panel, panel[["y"]].to_numpy())[:, 0] / unit
    free = len(panel) - panel.state.nunique() - panel.year.nunique() + 1
    weights = np.concatenate([[1.0], treated.sum(axis=0) / treated.sum()])
    rows = []
    for s in np.linspace(0.5, 0.9, 41):
        for t in np.linspace(0.005, 3.0, 200):
            shrink = np.concatenate([[0.0], np.full(treated.shape[1], 1 / t**2)])
            precision = x.T @ x / s**2 + np.diag(shrink)
            mean = np.linalg.solve(precision, x.T @ y / s**2)
            fit = -0.5 * (y @ y - y @ x @ mean) / s**2 - free * np.log(s)
            fit -= 0.5 * np.linalg.slogdet(precision)[1] + treated.shape[1] * np.log(t)
            prior = -0.5 * np.log(s / 0.7) ** 2 - np.log(s) - 0.5 * (t / 0.5) ** 2
            rows.append((fit + prior, weights @ mean, weights @ np.linalg.solve(precision, weights)))
    log_density, mean, variance = np.array(rows).T
    share = np.exp(log_density - log_density.max())
    share /= share.sum()
    centre = share @ mean
    return float(centre * unit), float(np.sqrt(share @ (variance + (mean - centre) ** 2)) * unit)


def test_two_way_least_squares_gives_the_published_null(states):
    """The file is the published one; the published coefficient needs the covariates."""
    some = states[states["first"] != 1977]
    assert two_way(states, COVARIATES) == pytest.approx((PUBLISHED, 0.042), abs=0.003)
    assert two_way(states)[0] == pytest.approx(0.002, abs=0.001)
    assert two_way(some)[0] == pytest.approx(-0.014, abs=0.001)


@pytest.mark.parametrize("profile", ["draft", pytest.param("publish", marks=pytest.mark.long)])
def test_default_model_claims_nothing(review, tell, profile):
    result = run(review / "plans" / "default_model.yaml", profile)
    entry = result.entry("violent_crime")
    found = entry["difference"]
    tell(
        f"Shall-issue laws, default model, {profile}: {say(found)}, {entry['rating']}, confidence {entry['confidence']}; "
        f"published {PUBLISHED} (0.042); {result.seconds:.0f} s"
    )
    assert (entry["n_areas"], entry["n_treated"], entry["n_periods"]) == (47, 25, 23)
    assert entry["rating"] not in ("benefit", "harm", "failed")
    assert found["lower"] < PUBLISHED < found["upper"]
    assert found["lower"] < 0 < found["upper"]


@pytest.mark.long
def test_wide_priors_lie_between_the_two_way_coefficient_and_free_cohorts(review, states, tell):
    result = run(review / "plans" / "wide_priors.yaml", "draft")
    entry = result.entry("violent_crime")
    found = entry["difference"]
    some = states[states["first"] != 1977]
    common, clustered = two_way(some)
    free = by_cohort(some)
    expected, sd = integrated(some)
    tell(
        f"Shall-issue laws, wide priors: {found['mean']:.4f}, {say(found)}, {entry['rating']}; on a grid {expected:.4f} (sd {sd:.4f}); "
        f"two-way {common:.4f} (clustered SE {clustered:.3f}), free cohorts {free:.4f}; {result.seconds:.0f} s"
    )
    assert free < found["mean"] < common
    # A tenth of a posterior sd each for the sampler, and for the prior of the years, which the grid leaves flat.
    assert found["mean"] == pytest.approx(expected, abs=0.2 * sd)
    assert found["upper"] - found["lower"] == pytest.approx(2 * 1.96 * sd, rel=0.1)
