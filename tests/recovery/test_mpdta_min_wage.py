"""Staggered difference-in-differences: every group-time effect of Callaway and Sant'Anna's county panel.

Reference: R `did` without covariates, never-treated comparison (Callaway and Sant'Anna 2021, J Econometrics
225:200-230). A saturated event study (a free cell for each cohort and period, the last period before the start as
reference) has the same estimates: after the start ATT(g,t) is the cell; before it R compares neighbouring periods,
so ATT(g,t) is the difference of two neighbouring cells, the reference's being 0.
"""

from __future__ import annotations

import pandas as pd
import pytest
from review_folder import check, new_review, run, say, write_areas, write_plan

pytestmark = pytest.mark.recovery

TOLERANCE = 0.01
SCENARIO = "mpdta_nev_dr"

INDICATORS = """\
teen_employment:
  title: Log teen employment
  unit: log points
  direction: higher_is_better
  likelihood: normal
  source: Callaway and Sant'Anna (2021), package did
  disclosure: already_public
  licence: GPL-3, not redistributed
"""
PLAN = """\
title: Minimum wage above the federal one
question: Did teen employment change where the state minimum wage was raised?
design: did
indicators: {primary: teen_employment}
treated: {%s}
comparison: {areas: never_raised}
period: {start: 2003, end: 2007}
"""
SATURATED = """\
effect: {shape: per_period, leads: true, meaningful: 0.01}
model: {trend: none, seasonality: none, autocorrelation: none}
priors:
  effect: {normal: [0, 10], because: to reproduce an estimate that uses no prior}
  level: {normal: [0, 10], because: to reproduce an estimate that uses no prior}
"""
DEFAULT = "effect: {shape: per_period, meaningful: 0.01}\n"


@pytest.fixture(scope="module")
def reference(published):
    folder = published("mpdta_min_wage")
    cells, overall = (pd.read_csv(folder / name) for name in ("R_ref_attgt.csv", "R_ref_aggte.csv"))
    cells = cells[cells.scenario == SCENARIO].set_index(["group", "t"]).att
    overall = overall[overall.scenario == SCENARIO]
    return cells, overall


@pytest.fixture(scope="module")
def review(published, tmp_path_factory):
    source = pd.read_csv(published("mpdta_min_wage") / "mpdta.csv", dtype={"countyreal": float})
    source["area"] = source.countyreal.astype(int).astype(str)
    folder = new_review(tmp_path_factory.mktemp("mpdta") / "review", "Minimum wage", "US counties", "2007")
    first = source.drop_duplicates("area").set_index("area")["first.treat"].astype(int)
    never = list(first.index[first == 0])
    areas = {code: (f"County {code}", None) for code in first.index}
    write_areas(folder, areas, {"never_raised": (never, "their state kept the federal minimum wage throughout")})
    (folder / "indicators.yaml").write_text(INDICATORS, encoding="utf-8")
    tidy = source[["area", "year", "lemp"]].set_axis(["area", "period", "count"], axis=1)
    tidy.to_csv(folder / "data" / "teen_employment.csv", index=False)
    treated = ", ".join(f'"{code}": {year}' for code, year in first[first > 0].items())
    write_plan(folder, "saturated", PLAN % treated + SATURATED)
    write_plan(folder, "default_model", PLAN % treated + DEFAULT)
    assert "2 plans and 1 indicator in order" in check(folder)
    return folder


@pytest.fixture(scope="module")
def saturated(review):
    return run(review / "plans" / "saturated.yaml")


def group_time_effects(effects: pd.DataFrame) -> dict[tuple[int, int], float]:
    """ATT(g,t) with R's varying base, from the cells of the saturated event study."""
    rows = effects[effects.estimand == "by_cohort_period"]
    cell = {(int(row.cohort), int(row.period)): row["mean"] for _, row in rows.iterrows()}
    cohorts = {cohort for cohort, _ in cell}
    cell |= {(cohort, cohort - 1): 0.0 for cohort in cohorts}
    return {
        (g, t): value if t >= g else value - cell[g, t - 1]
        for (g, t), value in cell.items()
        if t >= g or (g, t - 1) in cell
    }


def test_simple_att(saturated, reference, tell):
    published = float(reference[1].query("type == 'simple'").overall_att.iloc[0])
    entry = saturated.entry("teen_employment")
    tell(f"mpdta, simple ATT: {say(entry['difference'], 4)}; published {published:.4f}; {saturated.seconds:.0f} s")
    assert (entry["n_areas"], entry["n_treated"]) == (500, 191)
    assert entry["difference"]["mean"] == pytest.approx(published, abs=TOLERANCE)


def test_every_group_time_effect(saturated, reference, tell):
    ours, published = group_time_effects(saturated.effects), reference[0]
    assert set(ours) == {(int(g), int(t)) for g, t in published.index}
    away = {cell: ours[cell] - published[cell] for cell in ours}
    worst = max(away, key=lambda cell: abs(away[cell]))
    tell(f"mpdta, {len(ours)} ATT(g,t): furthest from the reference {away[worst]:+.4f} at {worst}")
    assert ours == pytest.approx({cell: published[cell] for cell in ours}, abs=TOLERANCE)


def test_effects_by_event_time(saturated, reference):
    """From the start on; before it the reference's base varies and the event study's does not."""
    published = reference[1].query("type == 'dynamic' and egt >= 0").set_index("egt").att_egt
    ours = {e["event_time"]: e["difference"]["mean"] for e in saturated.entry("teen_employment")["by_event_time"]}
    assert {k: ours[k] for k in (0, 1, 2, 3)} == pytest.approx({int(k): v for k, v in published.items()}, abs=TOLERANCE)


@pytest.mark.long
def test_default_priors_pull_towards_none_but_agree(review, reference, tell):
    """The default model (persistent errors, cells pooled around one effect) on the same data, side by side."""
    result = run(review / "plans" / "default_model.yaml")
    entry = result.entry("teen_employment")
    found, published = entry["difference"], float(reference[1].query("type == 'simple'").overall_att.iloc[0])
    tell(
        f"mpdta, default model: {say(found, 4)}, {entry['rating']}, confidence {entry['confidence']}; {result.seconds:.0f} s"
    )
    assert found["lower"] < published < found["upper"]
