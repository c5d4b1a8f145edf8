"""A real violence programme in fourteen small areas: a whole review folder, from the crime file to the finding.

Clear, Hold, Build (EVOLVE), Merseyside: 14 lower-layer super output areas, switched on in January 2023 for all, with
the matched comparison areas of the source. There is no published effect for these areas, so what is asserted is
that the machinery holds and the figures agree with simple sums; what was found is printed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from review_folder import check, new_review, newest_packet, read, run, say, svd, write_areas, write_plan

pytestmark = pytest.mark.recovery

DISTRICTS = {
    "E08000011": "Knowsley", "E08000012": "Liverpool", "E08000013": "St Helens", "E08000014": "Sefton", "E08000015": "Wirral",
}  # fmt: skip
INDICATORS = """\
violence:
  title: Violence and sexual offences
  unit: offences
  definition: Police recorded violence and sexual offences, by month and small area. The two cannot be told apart.
  source: police.uk, through the evaluation notebook of Clear, Hold, Build
  disclosure: already_public
  licence: Open Government Licence v3.0
  breaks:
    - {from: 2022-07, because: police.uk rebuilt the points to which offences are moved}
    - {from: 2023-06, because: police.uk changed to the small areas of 2021}
robbery:
  title: Robbery
  unit: offences
  definition: Police recorded robbery, by month and small area.
  source: police.uk, through the evaluation notebook of Clear, Hold, Build
  disclosure: already_public
  licence: Open Government Licence v3.0
"""
PLAN = """\
title: Clear, Hold, Build in fourteen small areas
question: Did recorded violence fall in the small areas where Clear, Hold, Build ran?
theory_of_change: >
  Police clear an area of organised crime, hold it with a visible presence, and build the community's resistance.
design: did
indicators: {primary: violence%s}
treated: {%s}
comparison: {areas: %s}
period:
  start: 2020-01
  end: 2024-10
  exclude:
    - {from: 2020-03, to: 2020-07, because: the first lockdown emptied town centres more than estates}
effect: {shape: step, meaningful: 0.95}
assumptions:
  - says: All sites began in January 2023. Real starts lay between August 2022 and May 2023.
    quality: red
    impact: amber
    source: Home Office evaluation, January 2025
  - says: Without the programme the treated areas would have moved as the comparison areas did.
    quality: amber
    impact: red
    source: matching on census characteristics, not on earlier offences
"""


def build_review(source: Path, folder: Path, chosen: list[str] | None = None) -> Path:
    """The review folder, of the treated areas and the chosen comparison areas (all others if None)."""
    crimes = pd.read_csv(source / "crime_lsoa_month.csv.gz")
    people = pd.read_csv(source / "lsoa_covariates.csv").set_index("census_code")
    treated = sorted(crimes.id[crimes.treatment == 1].unique())
    others = sorted(set(crimes.id) - set(treated)) if chosen is None else sorted(set(chosen) - set(treated))
    new_review(folder, "Clear, Hold, Build on Merseyside", "Merseyside", "2024-25")
    areas = {
        code: (f"{DISTRICTS[people.DistrictCode[code]]} {code[-4:]}", float(people.residents[code]))
        for code in [*treated, *others]
    }
    write_areas(folder, areas, {"matched": (others, "matched by the source on deprivation, density and work")})
    (folder / "indicators.yaml").write_text(INDICATORS, encoding="utf-8")
    kept = crimes[crimes.id.isin(areas)].assign(period=crimes.month.str[:7])
    for column, key in (("viol", "violence"), ("robbery", "robbery")):
        tidy = kept[["id", "period", column]].set_axis(["area", "period", "count"], axis=1)
        tidy.to_csv(folder / "data" / f"{key}.csv", index=False)
    starts = ", ".join(f"{code}: 2023-01" for code in treated)
    write_plan(folder, "clear_hold_build", PLAN % (", secondary: [robbery]", starts, "matched"))
    return folder


@pytest.fixture(scope="module")
def source(published) -> Path:
    return published("clear_hold_build_merseyside_lsoa")


@pytest.fixture(scope="module")
def review(source, tmp_path_factory) -> Path:
    matched = pd.read_csv(source / "crime_lsoa_month_psm_matched.csv", usecols=["id"]).id.unique()
    folder = build_review(source, tmp_path_factory.mktemp("merseyside") / "review", list(matched))
    assert "1 plan and 2 indicators in order" in check(folder)
    return folder


@pytest.fixture(scope="module")
def draft(review):
    return run(review / "plans" / "clear_hold_build.yaml", "draft")


def simple_ratio(source: Path, column: str) -> float:
    """Before-after ratio of the treated areas over that of the matched ones, from sums, without any model."""
    crimes = pd.read_csv(source / "crime_lsoa_month.csv.gz")
    matched = pd.read_csv(source / "crime_lsoa_month_psm_matched.csv", usecols=["id"]).id.unique()
    period = crimes.month.str[:7]
    kept = crimes[((crimes.treatment == 1) | crimes.id.isin(matched)) & ~period.between("2020-03", "2020-07")]
    mean = kept.groupby([kept.treatment, kept.intervention])[column].mean()
    return float(mean[1, 1] / mean[1, 0] / (mean[0, 1] / mean[0, 0]))


@pytest.mark.long
def test_draft_agrees_with_simple_sums(draft, source, tell):
    """No published effect to recover: the model must at least not contradict the sums it is made of."""
    for key, column, tolerance in (("violence", "viol", 0.05), ("robbery", "robbery", 0.3)):
        entry, simple = draft.entry(key), simple_ratio(source, column)
        ratio = entry["rate_ratio"]
        tell(
            f"Merseyside, {key}, draft: {say(ratio, 2)}, {entry['rating']}; simple sums {simple:.2f}; {draft.seconds:.0f} s in all"
        )
        assert (entry["n_areas"], entry["n_treated"], entry["n_periods"]) == (78, 14, 53)
        assert abs(np.log(ratio["median"] / simple)) < tolerance
        assert ratio["lower"] < simple < ratio["upper"]
        assert (entry["events_averted"]["mean"] > 0) == (ratio["median"] < 1)


@pytest.mark.long
def test_finding_carries_the_traps_of_its_data(draft):
    """Both changes at police.uk and the window left out are told to the reader; a draft is of low confidence."""
    entry = draft.entry("violence")
    caveats = " ".join(entry["caveats"])
    assert "2022-07" in caveats and "2023-06" in caveats and "lockdown" in caveats
    assert entry["confidence"] == "low"


@pytest.mark.long
def test_whole_review_at_publish_quality(review, tell):
    """`svd review`: fits, every check, report and book in one call."""
    out = svd("review", str(review), "--jobs", "2")
    index = Path(out.strip().splitlines()[-1].removeprefix("Open "))
    assert index.name == "index.html" and index.is_file()
    result = read(newest_packet(review, "clear_hold_build"))
    for key in ("violence", "robbery"):
        entry = result.entry(key)
        tell(
            f"Merseyside, {key}, publish: {say(entry['rate_ratio'], 2)}, {entry['rating']}, confidence {entry['confidence']}"
        )
        for made in entry["checks"]:
            tell(f"  {made['name']} {made['passed']}: {made['sentence']}")
        assert entry["rating"] != "failed", entry["headline"]
        assert {"placebo_in_time", "pre_trend"} <= {made["name"] for made in entry["checks"]}
