"""Real London crime and dates on which nothing started: no effect may be claimed.

32 boroughs x 191 months, April 2010 to February 2026, with two changes of recording, three lockdowns and real
trends. The false start follows a rule made before any result was seen: the middle month (September 2017) of the
longest quiet stretch, from April 2015, after the recording changes of 2014, to February 2020, before the first
lockdown. Treated is every fourth borough in alphabetical order. A time series is judged on the quiet stretch; the
comparison of boroughs on all 191 months, because what all boroughs share is what it should take out.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from review_folder import check, new_review, run, say, write_areas, write_plan

pytestmark = pytest.mark.recovery

QUIET = ("2015-04", "2020-02")
START = "2017-09"
CLAIMS = ("benefit", "harm")
INDICATORS = """\
robbery:
  title: Robbery
  unit: offences
  definition: Police recorded robbery of persons and of business property, by month and borough.
  source: Metropolitan Police, London Datastore
  disclosure: already_public
  licence: Open Government Licence v3.0
violence_with_injury:
  title: Violence with injury
  unit: offences
  definition: Police recorded violence with injury, by month and borough.
  source: Metropolitan Police, London Datastore
  disclosure: already_public
  licence: Open Government Licence v3.0
  breaks:
    - {from: 2014-04, because: inspection of crime recording}
    - {from: 2024-02, because: the record system CONNECT}
"""
PLAN = """\
title: Nothing at all
question: Does the software find an effect on a date on which nothing started?
design: {design}
indicators: {{primary: {indicator}}}
treated: {{{treated}}}
period: {{start: {first}, end: {last}}}
effect: {{shape: step, meaningful: 0.95}}
"""
COMPARISON = "comparison: {areas: the_others}\n"


def build_review(crime: Path, population: Path, folder: Path) -> tuple[Path, list[str]]:
    """The review folder with its data, and the codes of the boroughs in alphabetical order."""
    long = pd.read_csv(crime / "mps_violence_borough_month_long.csv.gz")
    early = pd.read_csv(population / "london_11-22borough_pop.csv", encoding="utf-8-sig")
    late = pd.read_csv(population / "london_2324borough_pop.csv", encoding="utf-8-sig")
    people = early.merge(late.drop(columns=["Area name", "Inner/ Outer London"]), on="Code")
    people = people[people["Area name"].isin(long.borough)].sort_values("Area name")
    codes = people.set_index("Area name").Code
    assert len(codes) == 32
    new_review(folder, "A review of nothing", "London", "2024-25")
    areas = {row.Code: (row["Area name"], row["2019_Population"]) for _, row in people.iterrows()}
    treated = list(codes[::4])
    write_areas(
        folder, areas, {"the_others": ([c for c in codes if c not in treated], "every borough that the rule left over")}
    )
    (folder / "indicators.yaml").write_text(INDICATORS, encoding="utf-8")
    by_year = people.set_index("Code").filter(like="_Population")
    by_year.columns = [int(name[:4]) for name in by_year.columns]
    chosen = {
        "robbery": long.major == "ROBBERY",
        "violence_with_injury": long.minor == "VIOLENCE WITH INJURY",
    }
    for key, rows in chosen.items():
        assert rows.any()
        sums = long[rows & long.borough.isin(codes.index)].groupby(["borough", "month"])["count"].sum().reset_index()
        sums["area"] = sums.borough.map(codes)
        days = pd.PeriodIndex(sums.month, freq="M").days_in_month
        year = sums.month.str[:4].astype(int).clip(by_year.columns.min(), by_year.columns.max())
        sums["exposure"] = [by_year.at[a, y] * d for a, y, d in zip(sums.area, year, days, strict=True)]
        sums[["area", "month", "count", "exposure"]].rename(columns={"month": "period"}).to_csv(
            folder / "data" / f"{key}.csv", index=False
        )
    return folder, list(codes)


def placebo_plan(design: str, indicator: str, treated: list[str], first: str, last: str, start: str = START) -> str:
    """A plan for something that never happened."""
    starts = ", ".join(f"{code}: {start}" for code in treated)
    text = PLAN.format(design=design, indicator=indicator, treated=starts, first=first, last=last)
    return text + (COMPARISON if design == "did" else "")


@pytest.fixture(scope="module")
def review(published, tmp_path_factory):
    folder, codes = build_review(
        published("mps_borough_monthly_2010_2026"),
        published("uk_population_and_lookups"),
        tmp_path_factory.mktemp("london") / "review",
    )
    treated = codes[::4]
    for key in ("robbery", "violence_with_injury"):
        write_plan(folder, f"did_{key}", placebo_plan("did", key, treated, "2010-04", "2026-02"))
        write_plan(folder, f"did_quiet_{key}", placebo_plan("did", key, treated, *QUIET))
        for code in codes:
            write_plan(folder, f"its_{key}_{code.lower()}", placebo_plan("its", key, [code], *QUIET))
    assert "68 plans and 2 indicators in order" in check(folder)
    return folder


def report(tell, name: str, result, key: str) -> dict:
    """Print what was found and hand back the entry."""
    entry = result.entry(key)
    tell(
        f"London, {name}: {say(entry['rate_ratio'])}, {entry['rating']}, confidence {entry['confidence']}; {result.seconds:.0f} s"
    )
    for made in entry["checks"]:
        if made["passed"] is False:
            tell(f"  {made['name']} failed: {made['sentence']}")
    return entry


@pytest.mark.parametrize("key", ["robbery", pytest.param("violence_with_injury", marks=pytest.mark.long)])
def test_time_series_claims_nothing(review, tell, key):
    """One borough, the first in alphabetical order, with all checks."""
    first = min((review / "plans").glob(f"its_{key}_*.yaml"))
    entry = report(tell, first.stem, run(first), key)
    assert entry["n_periods"] == 59
    assert entry["rating"] not in CLAIMS, entry["headline"]


@pytest.mark.long
def test_comparison_of_boroughs_in_the_quiet_stretch_claims_nothing(review, tell):
    """Eight boroughs against twenty-four over the 59 months in which nothing is known to have changed."""
    entry = report(tell, "DiD robbery, quiet stretch", run(review / "plans" / "did_quiet_robbery.yaml"), "robbery")
    assert (entry["n_areas"], entry["n_treated"], entry["n_periods"]) == (32, 8, 59)
    assert entry["rating"] not in (*CLAIMS, "failed"), entry["headline"]


@pytest.mark.parametrize("key", ["robbery", "violence_with_injury"])
@pytest.mark.long
def test_comparison_of_boroughs_claims_nothing(review, tell, key):
    """Eight boroughs against twenty-four over all 191 months, recording changes and lockdowns included."""
    entry = report(tell, f"DiD {key}", run(review / "plans" / f"did_{key}.yaml"), key)
    assert (entry["n_areas"], entry["n_treated"], entry["n_periods"]) == (32, 8, 191)
    assert entry["rating"] not in (*CLAIMS, "failed"), entry["headline"]


@pytest.mark.long
def test_few_of_all_boroughs_are_called_an_effect(review, tell):
    """Every borough alone, two indicators, drafts: about one in twenty may be claimed by chance, 7 of 64 at most."""
    claimed = []
    for key in ("robbery", "violence_with_injury"):
        for plan in sorted((review / "plans").glob(f"its_{key}_*.yaml")):
            if run(plan, "draft").entry(key)["rating"] in CLAIMS:
                claimed.append(plan.stem)
    tell(f"London, time series of every borough: {len(claimed)} of 64 claimed: {', '.join(claimed)}")
    assert len(claimed) <= 7
