"""Is everything there that the plans need? All problems of a review in one pass, and what is worth saying.

Nothing here writes, samples or needs pandas: `svd check` answers in about a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evaluation.errors import InputError, Problem
from evaluation.evidence.audit import Audit
from evaluation.evidence.beside import beside_problems
from evaluation.evidence.panel import Grid, absent_file, audit_grid, find_person_days, lay_out
from evaluation.evidence.plausibility import (
    definition_warnings,
    find_origin,
    gap_problems,
    oddity_warnings,
    shock_warnings,
)
from evaluation.evidence.population import FILE as POPULATION
from evaluation.evidence.population import describe_person_days
from evaluation.evidence.rows import row_place
from evaluation.evidence.shocks import Shock, review_shocks, shipped_shocks
from evaluation.evidence.sufficiency import Measured, plan_data_problems, plan_warnings
from evaluation.evidence.tidy import Observations, find_data, read_observations
from evaluation.protocol.indicator import COUNTS, Indicator
from evaluation.protocol.loading import INDICATORS_FILE, PLANS, Draft, Review, find_previous, gather, in_order
from evaluation.protocol.partnership import Areas
from evaluation.protocol.resolve import indicator_roles
from evaluation.protocol.suggest import listing, nearest, plural

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

MANY_SUPPRESSED = 0.3
FEW_LOST = 0.05  # a file with more unusable rows is not judged against the plans until they are put right
_TOTALS = {
    "all", "all areas", "total", "totals", "grand total", "sum", "overall", "england", "wales", "scotland",
    "england and wales", "great britain", "united kingdom", "uk", "force total", "county total", "unknown",
    "e92000001", "w92000004", "k02000001", "k03000001", "k04000001",
}  # fmt: skip


@dataclass(frozen=True)
class Examination:
    """What `svd check` found.

    Attributes:
        review: None if there are problems in the YAML files.
        problems: everything that has to be put right.
        warnings: what is allowed but worth saying.
    """

    review: Review | None
    problems: list[Problem]
    warnings: list[Problem]


def check_review(folder: Path | str) -> tuple[Review | None, list[Problem]]:
    """All problems of a review folder: YAML files, plans, data, and plans against data, in one pass.

    Returns:
        The review (None if there is any problem) and the problems.
    """
    examination = examine_review(folder)
    return examination.review, examination.problems


def examine_review(folder: Path | str, *, today: date | None = None) -> Examination:
    """As `check_review`, with warnings.

    Args:
        folder: the review folder.
        today: data of later periods are refused; by default the clock's.
    """
    draft = gather(Path(folder))
    problems, warnings = _examine(draft, None, today)
    problems = in_order(draft.problems + problems + find_previous(draft.review))
    return Examination(None if problems else draft.review, problems, in_order(warnings))


def check_data(review: Review, plans: Iterable[str] | None = None) -> list[Problem]:
    """Problems of the data, and of the plans against the data, of a review whose YAML files are in order.

    Args:
        review: the review.
        plans: ids of the plans to judge, with their indicators only; by default all plans and all indicators.
    """
    wanted = None if plans is None else set(plans)
    return _examine(Draft(review, [], {}, areas_known=True), wanted, None)[0]


def data_warnings(review: Review) -> list[Problem]:
    """What is allowed but worth saying about a review whose YAML files are in order."""
    return _examine(Draft(review, [], {}, areas_known=True), None, None)[1]


def describe_coverage(panel: xr.Dataset) -> pd.DataFrame:
    """What is observed in each area of a panel.

    Returns:
        Indexed by area: n_periods, observed (exact counts), suppressed (known only as an interval, by suppression or
        rounding), missing, zeros (exact zeros), first and last (labels of the first and last period with any count;
        blank if there is none).
    """
    import pandas as pd

    low, value = panel["low"].to_numpy(), panel["value"].to_numpy()
    times = panel["time"].to_numpy()
    known = ~np.isnan(low)
    n = low.shape[1]
    has = known.any(axis=1)
    first = [str(times[i]) if any_ else "" for i, any_ in zip(known.argmax(axis=1), has, strict=True)]
    last = [str(times[n - 1 - i]) if any_ else "" for i, any_ in zip(known[:, ::-1].argmax(axis=1), has, strict=True)]
    return pd.DataFrame(
        {
            "n_periods": n,
            "observed": (~np.isnan(value)).sum(axis=1),
            "suppressed": (known & np.isnan(value)).sum(axis=1),
            "missing": (~known).sum(axis=1),
            "zeros": (value == 0).sum(axis=1),
            "first": first,
            "last": last,
        },
        index=pd.Index(panel["area"].to_numpy().astype(str), name="area"),
    )


def _examine(draft: Draft, wanted: set[str] | None, today: date | None) -> tuple[list[Problem], list[Problem]]:
    review = draft.review
    problems: list[Problem] = []
    warnings: list[Problem] = []
    plans = {key: plan for key, plan in review.plans.items() if wanted is None or key in wanted}
    needed = {key for plan in plans.values() for key in indicator_roles(plan)} if wanted is not None else None
    measured: dict[str, Measured] = {}
    audits: dict[str, Audit] = {}
    shocks = _shocks(review.folder, problems)
    groups = {name: group.areas for name, group in review.areas.groups.items()}
    for key, indicator in review.indicators.items():
        if needed is not None and key not in needed:
            continue
        damaged = draft.damaged.get(f"{INDICATORS_FILE}#{key}", frozenset())
        if "file" not in damaged:
            found = _examine_indicator(draft, indicator, damaged, today, problems, warnings)
            warnings += definition_warnings(review, indicator)
            if found is not None:
                measured[key] = found
                audits[key] = audit_grid(found.grid, indicator, groups, found.frequency, found.anchor, shocks)
                warnings += oddity_warnings(audits[key], found, shocks)
    origins = {key: origin for key in measured if (origin := find_origin(review.folder, key)) is not None}
    for key, plan in plans.items():
        file = f"{PLANS}/{review.plan_files[key].name}" if key in review.plan_files else f"{PLANS}/{key}.yaml"
        lines = review.lines.get(file, {})
        bad = draft.damaged.get(file, frozenset())
        if draft.areas_known and not bad.intersection({"design", "treated", "period", "indicators"}):
            problems += plan_data_problems(plan, file, lines, bad, review.areas, measured)
            if "comparison" not in bad:
                problems += gap_problems(plan, file, lines, review.areas, measured, audits, shocks)
            if not any(problem.file == file for problem in draft.problems + problems):
                others = {k: p for k, p in review.plans.items() if k != key}
                warnings += plan_warnings(plan, file, lines, review.areas, measured, others)
                if not review.settings.simulated:
                    warnings += shock_warnings(plan, file, lines, shocks, origins)
    if wanted is None:
        warnings += _review_warnings(review)
        problems += beside_problems(review, measured) if draft.areas_known else []
    return problems, warnings


def _shocks(folder: Path, problems: list[Problem]) -> list[Shock]:
    try:
        return review_shocks(folder)
    except InputError as error:
        problems += error.problems
        return list(shipped_shocks())


def _examine_indicator(
    draft: Draft,
    indicator: Indicator,
    damaged: frozenset[str],
    today: date | None,
    problems: list[Problem],
    warnings: list[Problem],
) -> Measured | None:
    review = draft.review
    path = find_data(review.folder, indicator)
    if path is None:
        problems.append(absent_file(review, indicator))
        return None
    file = path.relative_to(review.folder).as_posix() if path.is_relative_to(review.folder) else path.name
    simulated = review.settings.simulated
    reading = read_observations(path, indicator, file, today=today, simulated=simulated)
    found = reading.problems
    if damaged.intersection({"suppressed", "likelihood", "rounded_to"}):
        # How counts are to be read is not known, so what was said about their cells may be wrong.
        found = [p for p in found if not p.place.endswith((", count", ", value", ", exposure"))]
    problems += found
    warnings += reading.warnings
    observations = reading.observations
    if observations is None or not draft.areas_known:
        return None
    strange, meant = _area_problems(observations, review.areas, file)
    problems += strange
    if meant:
        # Judge the rest by what was meant, so that one wrong code does not become three messages.
        observations = replace(observations, codes=[meant.get(code, code) for code in observations.codes])
    grid = lay_out(observations, review.areas.areas, indicator)
    if grid is None or observations.lost > FEW_LOST:
        return None
    if indicator.absent_means == "zero" and observations.has_exposure and not grid.listed.all():
        gaps = int((~grid.listed).sum())
        text = f"Rows that are left out mean zero ({gaps:,} of them), but then their exposure is not known."
        problems.append(Problem(file, "column exposure", text, "Write these rows with the count 0 and their exposure."))
    warnings += _data_warnings(observations, grid, review, indicator, file)
    try:
        warnings += _exposure_warnings(observations, grid, review, indicator)
    except InputError as error:
        problems += [problem for problem in error.problems if problem not in problems]
    return Measured(indicator, file, observations.frequency, observations.week_anchor, grid, observations.has_exposure)


def _area_problems(observations: Observations, areas: Areas, file: str) -> tuple[list[Problem], dict[str, str]]:
    """Codes that are not in areas.yaml although something very like them is, or that are no area at all.

    Returns:
        The problems, and the codes that were meant, by what was written.
    """
    meant: dict[str, str] = {}
    known = areas.areas
    by_name = {area.name.casefold(): code for code, area in known.items()}
    unknown = [code for code in observations.codes if code not in known]
    found = []
    alike = 0
    for code in unknown:
        remedy = None
        text = f"There is no area '{code}' in areas.yaml."
        same = next((k for k in known if _bare(k) == _bare(code)), None)
        if same is not None:
            remedy = f"Did you mean `{same}`? Spreadsheets drop leading zeros; format the column as Text."
            if same.casefold() == code.casefold():
                remedy = f"Did you mean `{same}`? Capital letters count."
            meant[code] = same
        elif code.casefold() in by_name:
            remedy = f"This is a name; write the code: `{by_name[code.casefold()]}`."
            meant[code] = by_name[code.casefold()]
        elif code.casefold() in _TOTALS:
            text, remedy = f"'{code}' is a total, not an area.", "Delete the rows of totals."
        if remedy is not None:
            alike += 1
            found.append(Problem(file, _rows_of(observations, code), text, remedy))
    if len(unknown) == len(observations.codes) and not alike:
        text = f"None of the areas is in areas.yaml: {listing([f'`{code}`' for code in unknown], 3)}."
        remedy = f"Use the codes of areas.yaml ({listing([f'`{code}`' for code in known], 3)}), or add these there."
        found.append(Problem(file, "column area", text, remedy))
    return found, meant


def _bare(code: str) -> str:
    """The code without what a spreadsheet or a hand may change: capitals, leading zeros, spaces, hyphens."""
    return code.casefold().replace(" ", "").replace("-", "").lstrip("0")


def _rows_of(observations: Observations, code: str) -> str:
    rows = observations.numbers[observations.area == observations.codes.index(code)]
    return row_place([int(n) for n in rows], "area")


def _data_warnings(
    observations: Observations, grid: Grid, review: Review, indicator: Indicator, file: str
) -> list[Problem]:
    found: list[Problem] = []

    def say(place: str, text: str, remedy: str) -> None:
        found.append(Problem(file, place, text, remedy))

    known = review.areas.areas
    extra = [code for code in observations.codes if code not in known and code.casefold() not in _TOTALS]
    if extra and len(extra) < len(observations.codes):
        shown = listing([f"`{code}`" for code in extra], 5)
        near = nearest(extra[0], [code for code in known if code not in observations.codes])
        remedy = "Add them to areas.yaml if they are wanted."
        remedy = (
            f"Add it to areas.yaml if it is wanted, or correct it to `{near}`." if near and len(extra) == 1 else remedy
        )
        say("column area", f"{shown} not in areas.yaml: these rows are not used.", remedy)
    silent = [code for code in known if code not in observations.codes]
    if silent and indicator.monitoring.kind != "delivery":  # a scheme delivers where it runs
        shown = listing([f"`{code}`" for code in silent], 5)
        say(
            "column area",
            f"There are no rows for {shown}, listed in areas.yaml.",
            "Add their rows if they have data.",
        )
    n = grid.value.shape[1]
    empty = ~grid.listed.any(axis=0)
    if empty.any() and not observations.lost:
        labels = [observations.label(grid.first + int(i)) for i in np.flatnonzero(empty)]
        meaning = "counted as zero" if indicator.absent_means == "zero" else "treated as missing"
        say(
            "column period",
            f"No area has a row for {listing(labels, 4)}: {meaning}.",
            "Add the rows if the data exist.",
        )
    inner = int((~grid.listed[:, ~empty]).sum())
    if inner and indicator.absent_means == "missing" and not observations.lost:
        i, t = (int(v[0]) for v in np.nonzero(~grid.listed & ~empty))
        example = f"{grid.codes[i]} in {observations.label(grid.first + t)}"
        text = f"{plural(inner, 'row')} of {len(grid.codes) * n:,} left out (the first: {example}): treated as missing."
        say(
            "",
            text,
            "If rows are left out because nothing happened, set `absent_means: zero` in indicators.yaml.",
        )
    hidden = np.isnan(grid.value) & ~np.isnan(grid.low)
    if not indicator.rounded_to and hidden.any():
        share = hidden.sum() / max(int((~np.isnan(grid.low)).sum()), 1)
        if share > MANY_SUPPRESSED:
            text = f"{share:.0%} of the counts are suppressed, so effects will be uncertain."
            say("column count", text, "Ask the publisher for counts over larger areas or longer periods.")
    if np.nanmax(np.where(np.isnan(grid.high), 0.0, np.abs(grid.high)), initial=0.0) == 0.0:
        say("column count", "Every count is 0.", "Check that the right column was exported.")
    return found


def _exposure_warnings(observations: Observations, grid: Grid, review: Review, indicator: Indicator) -> list[Problem]:
    supplied = observations.has_exposure
    lived = find_person_days(review, grid, indicator, supplied, observations.frequency, observations.week_anchor)
    if lived is not None:
        said = describe_person_days(lived)
        return [Problem(POPULATION, f"for `{indicator.key}`", text, remedy) for text, remedy in said]
    people = [review.areas.areas[code].population for code in grid.codes]
    if indicator.likelihood in COUNTS and indicator.exposure == "auto" and not supplied and None in people:
        without = [f"`{code}`" for code, number in zip(grid.codes, people, strict=True) if number is None]
        if len(without) < len(people):
            text = f"There is no population for {listing(without, 5)}, so exposure is days alone for every area."
            file = f"data/{indicator.key}.csv" if indicator.file is None else indicator.file
            return [
                Problem(file, "", text, "Give every area a population in areas.yaml, or use `svd import population`.")
            ]
    return []


def _review_warnings(review: Review) -> list[Problem]:
    found = []
    if not review.plans and not any((review.folder / PLANS).glob("*.yaml")):
        text = "There are no plans, so nothing will be evaluated."
        found.append(Problem(f"{PLANS}/", "", text, "Add a .yaml file for each intervention; `svd new` writes one."))
    if not review.indicators:
        return found
    used = {find_data(review.folder, indicator) for indicator in review.indicators.values()}
    data = review.folder / "data"
    if data.is_dir():
        for path in sorted(data.iterdir()):
            tidy = path.name.lower().endswith((".csv", ".csv.gz", ".parquet", ".xlsx", ".xls", ".ods"))
            lived = path == review.folder / POPULATION
            if tidy and path not in used and not lived and not path.name.startswith((".", "~")):
                text, remedy = (
                    "No indicator uses this file.",
                    "Name it in indicators.yaml, or move it elsewhere.",
                )
                found.append(Problem(f"data/{path.name}", "", text, remedy))
    if not review.settings.contact and not review.settings.simulated:
        text, remedy = "There is no contact.", "Add `contact:`; a published book must name one by law."
        found.append(Problem("review.yaml", "contact", text, remedy))
    return found
