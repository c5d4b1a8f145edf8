"""What can be wrong in YAML files: each rule with a case that is refused, and neighbours that are not.

A case is a change to the valid review, then `place` and beginnings of what was found and of the remedy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.errors import InputError
from evaluation.protocol import load_plan, load_review
from evaluation.protocol.loading import gather
from tests.protocol.example_review import plan_like_outreach, write_review

WHY = {"because": "a competing scheme"}
OUT = "plans/outreach.yaml"

Case = tuple[dict[str, Any], str, str, str, str]
REFUSED: dict[str, Case] = {
    "unknown key": ({"outreach": {"desing": "did"}}, OUT, "line 17, desing", "There is no key `desing` here.", ""),
    "unknown key deeper": (
        {"outreach": {"period": {"washut": 1}}}, OUT, "line 17, period.washut", "There is no key `washut` here.", "Did you mean `washout`?",
    ),
    "missing key": ({"outreach": {"design": None}}, OUT, "design", "`design` is missing.", "Add `design: its` (before and after)"),
    "missing nested key": ({"outreach": {"period": {"end": None}}}, OUT, "line 14, period.end", "`end` is missing.", "Add `end:`, such as 2025-03."),
    "id not a slug": ({"outreach": {"id": "Out-Reach"}}, OUT, "line 1, id", "'Out-Reach' cannot be an id.", "Use small letters, figures and underscores: out_reach."),
    "id is not the file": (
        {"outreach": {"id": "other"}}, OUT, "line 1, id", "The id is 'other' but the file is called outreach.yaml.", "Rename the file to other.yaml, or write `id: outreach`.",
    ),
    "duplicate id": (
        {"plans": {"second": plan_like_outreach()}}, "plans/second.yaml", "line 1, id", "The id 'outreach' is also that of plans/outreach.yaml.", "Give each plan an id",
    ),
    "unknown indicator": ({"outreach": {"indicators": {"primary": "asaults"}}}, OUT, "line 6, indicators.primary", "There is no indicator `asaults`", "Did you mean `assaults`?"),
    "indicator twice": (
        {"outreach": {"indicators": {"unaffected": ["assaults"]}}}, OUT, "line 10, indicators.unaffected[1]", "`assaults` is there twice: as primary and as unaffected.", "Give each indicator one role.",
    ),
    "unknown area": ({"outreach": {"treated": {"T91": "2023-01"}}}, OUT, "line 12, treated.T91", "There is no area `T91` in areas.yaml.", "Did you mean `T01`?"),
    "area by name": ({"outreach": {"treated": {"town 3": "2023-01"}}}, OUT, "line 12, treated.town 3", "`town 3` is the name of an area, not its code.", "Write its code: `T03`."),
    "group as area": (
        {"outreach": {"treated": {"similar_centres": "2023-01"}}}, OUT, "line 12, treated.similar_centres", "`similar_centres` is a group, not an area.", "Write each of its areas with its start: T03, T04 and T05.",
    ),
    "unknown group": ({"outreach": {"comparison": {"areas": "similar_centers"}}}, OUT, "line 13, comparison.areas", "There is no group `similar_centers`", "Did you mean `similar_centres`?"),
    "treated in comparison": (
        {"outreach": {"comparison": {"areas": ["T01", "T03"]}}}, OUT, "line 14, comparison.areas[1]", "`T01` is treated and is also listed as comparison.", "Take it out of the list",
    ),
    "comparison twice": ({"outreach": {"comparison": {"areas": ["T03", "T03"]}}}, OUT, "line 15, comparison.areas[2]", "`T03` is in the list twice.", "Keep one"),
    "comparison empty": (
        {"outreach": {"comparison": {"exclude": {c: WHY for c in ("T03", "T04", "T05")}}}}, OUT, "line 12, comparison", "No comparison area is left", "Name more areas",
    ),
    "exclude unknown": ({"outreach": {"comparison": {"exclude": {"T0": WHY}}}}, OUT, "line 15, comparison.exclude.T0", "There is no area `T0`", "Did you mean"),
    "exclude not in it": ({"outreach": {"comparison": {"exclude": {"T06": WHY}}}}, OUT, "line 15, comparison.exclude.T06", "`T06` is not in the comparison to begin with.", "Take it out"),
    "exclude without reason": (
        {"outreach": {"comparison": {"exclude": {"T03": {}}}}}, OUT, "line 15, comparison.exclude.T03.because", "`because` is missing.", "Add `because:` with the reason, in a few words.",
    ),
    "empty reason": (
        {"outreach": {"comparison": {"exclude": {"T03": {"because": "..."}}}}}, OUT, "line 16, comparison.exclude.T03.because", "'...' is not a reason.", "Say why",
    ),
    "all at once": (
        {"outreach": {"comparison": None, "treated": {"T02": "2023-01"}}}, OUT, "comparison",
        "There is nothing to compare with: the 2 treated areas start together and have no comparison.", "Add `comparison: {areas: all}`, or use `design: its`.",
    ),
    "period backwards": (
        {"outreach": {"period": {"start": "2023-12", "end": "2021-01"}}}, OUT, "line 15, period.start", "The period starts in 2023-12 and ends in 2021-01, before it starts.", "Swap them",
    ),
    "window backwards": (
        {"outreach": {"period": {"exclude": [{"from": "2022-06", "to": "2022-01", **WHY}]}}}, OUT, "line 18, period.exclude[1]", "The window runs from 2022-06 to 2022-01, which is backwards.", "Swap",
    ),
    "window outside": (
        {"outreach": {"period": {"exclude": [{"from": "2019-06", "to": "2020-01", **WHY}]}}}, OUT, "line 18, period.exclude[1]", "The window 2019-06 to 2020-01 lies outside", "Take it out",
    ),
    "window without reason": ({"outreach": {"period": {"exclude": [{"from": "2021-06", "to": "2021-07"}]}}}, OUT, "line 18, period.exclude[1].because", "`because` is missing.", "Add"),
    "start after the period": ({"outreach": {"treated": {"T01": "2024-03"}}}, OUT, "line 10, treated.T01", "`T01` is first treated in 2024-03, after the period ends", "Check"),
    "start before the period": ({"outreach": {"treated": {"T01": "2020-03"}}}, OUT, "line 10, treated.T01", "`T01` is first treated in 2020-03, before the period starts", "Check"),
    "Excel date": (
        {"outreach": {"treated": {"T01": 45383}}}, OUT, "line 10, treated.T01", "'45383' is an Excel date stored as a number (it means 1 April 2024).", "Write 2024-04",
    ),
    "meaningful above 1": ({"outreach": {"effect": {"meaningful": 1.05}}}, OUT, "line 18, effect.meaningful", "1.05 is not an improvement: `assaults` is lower_is_better", "Write a rate ratio"),
    "meaningful is 1": ({"outreach": {"effect": {"meaningful": 1}}}, OUT, "line 18, effect.meaningful", "1 is not an improvement", "Write a rate ratio"),
    "meaningful below 0": ({"outreach": {"effect": {"meaningful": -0.05}}}, OUT, "line 18, effect.meaningful", "-0.05 cannot be a rate ratio", "Write 0.95"),
    "meaningful for higher": (
        {"outreach": {"effect": {"meaningful": 0.95}}, "indicators": {"assaults": {"direction": "higher_is_better"}}}, OUT, "line 18, effect.meaningful", "0.95 is not an improvement", "Write a rate ratio, such as 1.05",
    ),
    "meaningful absent for a score": ({"indicators": {"assaults": {"likelihood": "normal"}}}, OUT, "effect.meaningful", "`assaults` is a score", "Add `effect: {meaningful: ...}`"),
    "negative costs": ({"outreach": {"costs": {"total": -5, "price_year": "2023-24"}}}, OUT, "line 18, costs.total", "'-5' is out of range.", "Give a number that is at least 0."),
    "costs as text": (
        {"outreach": {"costs": {"total": "£150,000", "price_year": "2023-24"}}}, OUT, "line 18, costs.total", "'£150,000' is not a number.", "Write 150000, without currency signs",
    ),
    "prior without reason": ({"outreach": {"priors": {"effect": {"normal": [0, 1]}}}}, OUT, "line 18, priors.effect.because", "`because` is missing.", "Add"),
    "prior sd": (
        {"outreach": {"priors": {"effect": {"normal": [0, 0], **WHY}}}}, OUT, "line 19, priors.effect.normal", "The standard deviation 0 is not above 0.", "Write mean and standard deviation",
    ),
    "prior unknown": ({"outreach": {"priors": {"trnd": {"normal": [0, 1], **WHY}}}}, OUT, "line 18, priors.trnd", "There is no prior `trnd`.", "Did you mean `trend`?"),
    "half-normal effect": ({"outreach": {"priors": {"effect": {"half_normal": 0.2, **WHY}}}}, OUT, "line 17, priors", "An effect may be a benefit or a harm", "Write {normal: [0, 0.2]"),
    "level prior off centre": ({"outreach": {"priors": {"level": {"normal": [1, 2], **WHY}}}}, OUT, "line 17, priors", "The prior of `level` has the mean 1", "Write 0 as its mean"),
    "trend prior without a trend": ({"outreach": {"priors": {"trend": {"normal": [0, 1], **WHY}}}}, OUT, "line 18, priors.trend", "This difference-in-differences has no trend", "Remove the prior"),
    "prior of no form": ({"outreach": {"priors": {"effect": WHY}}}, OUT, "line 18, priors.effect", "No distribution is given.", "Write either"),
    "half-normal list": ({"outreach": {"priors": {"noise": {"half_normal": [1], **WHY}}}}, OUT, "line 19, priors.noise.half_normal", "'[1]' is not a number.", "Write one number"),
    "list for mapping": ({"outreach": {"treated": ["T01"]}}, OUT, "line 9, treated", "The treated areas are not given with their first treated periods.", "Write each area"),
    "text for mapping": ({"outreach": {"indicators": "assaults"}}, OUT, "line 5, indicators", "Entries `name: value` are wanted here, not the text 'assaults'.", "Write it in braces"),
    "mapping for list": ({"outreach": {"assumptions": {"says": "x"}}}, OUT, "line 17, assumptions", "A list is wanted here, not a set of entries.", "Write it in square brackets"),
    "rating": (
        {"outreach": {"assumptions": [{"says": "so", "quality": "gren", "impact": "red"}]}}, OUT, "line 19, assumptions[1].quality", "'gren' is not one of the choices.", "Did you mean `green`?",
    ),
    "ramp without ramp": ({"outreach": {"effect": {"ramp_periods": 3}}}, OUT, "line 18, effect.ramp_periods", "`ramp_periods` is given but the shape is `step`.", "Write `shape: ramp`"),
    "likelihood against the indicator": (
        {"outreach": {"model": {"likelihood": "binomial"}}}, OUT, "line 18, model.likelihood", "The plan says `binomial`, but `assaults` is declared `negative_binomial`", "Set the likelihood",
    ),
    "nothing planned": ({"outreach": {"delivery": {"planned": 0, "delivered": 1, "unit": "sessions"}}}, OUT, "line 18, delivery.planned", "Nothing was planned (0).", "Write"),
    "a .yml": ({"raw": {"plans/Other One.yml": "id: x"}}, "plans/Other One.yml", "", "A plan's file name ends in .yaml.", "Rename it to other_one.yaml."),
    "plan is a list": ({"raw": {OUT: "- a\n"}}, OUT, "", "This is a list, not entries", "Write at least `id`"),
    "interval as per cent": ({"review": {"interval": 95}}, "review.yaml", "line 4, interval", "An interval of 95 is out of range.", "Write a share from 0.5 to below 1, such as 0.95."),
    "year": ({"review": {"year": "2023-25"}}, "review.yaml", "line 3, year", "'2023-25' does not run from one year to the next.", "Write 2023-24."),
    "yes": ({"review": {"simulated": "yes"}}, "review.yaml", "line 4, simulated", "'yes' is not true or false.", "Write true or false."),
    "population 0": ({"areas": {"areas": {"T01": {"population": 0}}}}, "areas.yaml", "line 4, areas.T01.population", "'0' is out of range.", "Give a number that is more than 0."),
    "population with comma": ({"areas": {"areas": {"T01": {"population": "12,000"}}}}, "areas.yaml", "line 4, areas.T01.population", "'12,000' is not a number.", "Write 12000"),
    "unknown area in group": ({"areas": {"groups": {"g": ["T0l"]}}}, "areas.yaml", "line 28, groups.g[1]", "There is no area `T0l` under `areas`.", "Did you mean"),
    "group called all": ({"areas": {"groups": {"all": ["T01"]}}}, "areas.yaml", "line 27, groups.all", "`all` means all areas", "Choose another name."),
    "codes that differ in case": ({"areas": {"areas": {"t01": {"name": "x"}}}}, "areas.yaml", "line 20, areas.t01", "`t01` and `T01` differ only in capital letters.", "Keep one"),
    "no areas": ({"raw": {"areas.yaml": "areas:\n"}}, "areas.yaml", "line 1, areas", "No areas are given.", "Write `areas:`"),
    "suppression backwards": ({"indicators": {"assaults": {"suppressed": {"*": [7, 1]}}}}, "indicators.yaml", "line 5, assaults.suppressed.*", "The interval [7, 1] is the wrong way round.", "Write [1, 7]."),
    "suppression below 0": ({"indicators": {"assaults": {"suppressed": {"*": [-1, 7]}}}}, "indicators.yaml", "line 5, assaults.suppressed.*", "'*' stands for -1 to 7, which are not counts.", "Write"),
    "marker is a number": ({"indicators": {"assaults": {"suppressed": {"5": [1, 7]}}}}, "indicators.yaml", "line 8, assaults.suppressed.5", "The marker '5' is a number.", "Use the sign"),
    "direction": ({"indicators": {"assaults": {"direction": "lower_better"}}}, "indicators.yaml", "line 8, assaults.direction", "'lower_better' is not one of the choices.", "Did you mean `lower_is_better`?"),
    "key written twice over": ({"indicators": {"assaults": {"key": "assaults"}}}, "indicators.yaml", "line 8, assaults.key", "There is no key `key` here", "Take it out."),
    "key not a slug": ({"indicators": {"Knife Crime": {"title": "x"}}}, "indicators.yaml", "line 11, Knife Crime", "'Knife Crime' cannot be a key.", "Use small letters, figures and underscores: knife_crime."),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, case: Case) -> None:
    changes, file, place, found, remedy = case
    problems = gather(write_review(tmp_path / "review", **changes)).problems
    match = [p for p in problems if p.file == file and p.place == place and p.found.startswith(found)]
    assert match, "\n".join(map(str, problems))
    assert match[0].remedy.startswith(remedy)


ALLOWED: dict[str, dict[str, Any]] = {
    "as it is": {},
    "staggered without comparison": {"outreach": {"comparison": None}},
    "all areas": {"outreach": {"comparison": {"areas": "all"}}},
    "comparison as a bare list": {"outreach": {"comparison": ["T03", "T04"]}},
    "group as a bare list": {"areas": {"groups": {"g": ["T03", "T04"]}}},
    "area as a bare name": {"areas": {"areas": {"T09": "Town 9"}}},
    "excluded with reason": {"outreach": {"comparison": {"exclude": {"T03": WHY}}}},
    "its": {"outreach": {"design": "its", "comparison": None}},
    "washout and window": {
        "outreach": {"period": {"washout": 1, "exclude": [{"from": "2021-03", "to": "2021-06", **WHY}]}}
    },
    "meaningful": {"outreach": {"effect": {"meaningful": 0.9}}},
    "meaningful for higher": {
        "outreach": {"effect": {"meaningful": 1.1}},
        "indicators": {"assaults": {"direction": "higher_is_better"}},
    },
    "meaningful difference": {
        "outreach": {"effect": {"meaningful": -2}},
        "indicators": {"assaults": {"likelihood": "normal"}},
    },
    "ramp without length": {"outreach": {"effect": {"shape": "ramp"}}},
    "poisson for the primary": {"outreach": {"model": {"likelihood": "poisson"}}},
    "costs": {"outreach": {"costs": {"total": 150000, "price_year": "2023-24"}}},
    "priors": {"outreach": {"priors": {"effect": {"normal": [0, 0.5], **WHY}, "noise": {"half_normal": 1, **WHY}}}},
    "whole years": {"outreach": {"period": {"start": 2021, "end": 2023}}},
    "numbers as codes": {
        "areas": {"areas": {"101": {"name": "x"}, "007": {"name": "y"}}},
        "outreach": {"comparison": ["T03", 101, "007"]},
    },
}  # fmt: skip


@pytest.mark.parametrize("changes", ALLOWED.values(), ids=ALLOWED.keys())
def test_allowed(tmp_path: Path, changes: dict[str, Any]) -> None:
    review = load_review(write_review(tmp_path, **changes))
    assert list(review.plans) == ["outreach"]
    assert review.plan_files["outreach"] == tmp_path / "plans" / "outreach.yaml"


def test_codes_keep_their_zeros_and_stay_text(tmp_path: Path) -> None:
    review = load_review(write_review(tmp_path, **ALLOWED["numbers as codes"]))
    assert {"101", "007"} <= set(review.areas.areas)
    assert review.plans["outreach"].comparison is not None
    assert review.plans["outreach"].comparison.areas == ["T03", "101", "007"]


def test_one_mistake_hides_no_other(tmp_path: Path) -> None:
    write_review(
        tmp_path,
        review={"interval": 2},
        areas={"areas": {"T01": {"population": 0}}},
        indicators={"admissions": {"titel": "x"}},
        outreach={
            "treated": {"T99": "2023-13"},
            "costs": {"total": -1},
            "indicators": {"primary": "assault"},
        },
        plans={"second": "id: [\n", "third": plan_like_outreach(id="third", effect={"meaningful": 2})},
    )
    with pytest.raises(InputError) as refusal:
        load_review(tmp_path)
    assert [(p.file, p.place) for p in refusal.value.problems] == [
        ("review.yaml", "line 4, interval"),
        ("areas.yaml", "line 4, areas.T01.population"),
        ("indicators.yaml", "line 11, admissions.titel"),
        (OUT, "line 6, indicators.primary"),
        (OUT, "line 12, treated.T99"),
        (OUT, "line 12, treated.T99"),
        (OUT, "line 18, costs.price_year"),
        (OUT, "line 19, costs.total"),
        ("plans/second.yaml", "line 2"),
        ("plans/third.yaml", "line 18, effect.meaningful"),
    ]


def test_load_plan_is_not_stopped_by_other_plans(tmp_path: Path) -> None:
    write_review(tmp_path, plans={"second": "id: [\n", "third": plan_like_outreach(id="third")})
    review, plan = load_plan(tmp_path / "plans" / "outreach.yaml")
    assert plan.id == "outreach"
    assert set(review.plans) == {"outreach", "third"}
    with pytest.raises(InputError, match=r"plans/second\.yaml"):
        load_plan(tmp_path / "plans" / "second.yaml")


def test_load_plan_that_is_not_there(tmp_path: Path) -> None:
    write_review(tmp_path)
    with pytest.raises(InputError, match=r"There is no such plan. Did you mean outreach.yaml\?"):
        load_plan(tmp_path / "plans" / "outrech.yaml")
    stray = tmp_path / "stray.yaml"
    stray.write_text("id: stray\n")
    with pytest.raises(InputError, match="not where a plan belongs"):
        load_plan(stray)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_not_a_review(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="svd new FOLDER"):
        load_review(tmp_path / name)
