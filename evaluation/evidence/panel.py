"""The panel of one indicator: every area of the review by every period from first to last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from evaluation.errors import InputError, Problem
from evaluation.evidence.audit import Audit, audit_counts
from evaluation.evidence.population import FILE as POPULATION
from evaluation.evidence.population import PersonDays, person_days, read_population
from evaluation.evidence.shocks import Shock, review_shocks, shipped_shocks
from evaluation.evidence.tidy import Observations, find_data, read_observations
from evaluation.protocol.indicator import COUNTS, Indicator, Window
from evaluation.protocol.loading import Review
from evaluation.protocol.partnership import Area
from evaluation.protocol.period import Frequency, days_at, first_day, first_place, label, last_place
from evaluation.protocol.suggest import nearest, plural

if TYPE_CHECKING:
    import xarray as xr

ExposureMeaning = Literal["persons x days", "days", "as supplied", "denominator", "none"]


@dataclass(frozen=True)
class Grid:
    """Observations laid out by area (rows) and consecutive period (columns).

    Attributes:
        codes: areas, in the order of areas.yaml.
        first: place of the first period (see `protocol.period.ordinal`).
        value: exact count or score, NaN where missing or known only as an interval.
        low: lower bound, NaN where missing.
        high: upper bound, NaN where missing.
        exposure: as supplied, NaN where not.
        listed: True where the data have a row.
        written: True where something is observed: a count, a marker, or an absent row that means zero.
        partial: True where the data, or the indicator's `unusable`, call a count incomplete; it is not used.
        provisional: True where the data say that a count may still change.
    """

    codes: list[str]
    first: int
    value: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    exposure: npt.NDArray[np.float64]
    listed: npt.NDArray[np.bool_]
    written: npt.NDArray[np.bool_]
    partial: npt.NDArray[np.bool_]
    provisional: npt.NDArray[np.bool_]


def build_panel(review: Review, indicator_key: str) -> xr.Dataset:
    """Read the indicator's data into a panel.

    Args:
        review: the review.
        indicator_key: key in indicators.yaml.

    Returns:
        A dataset with dims (area, time); coords area (codes, in the order of areas.yaml; areas that areas.yaml does not
        list are left out) and time (labels of all consecutive periods from first to last). Variables: `value` (exact
        count, or score; NaN where missing or an interval), `low` and `high` (bounds of the count: equal to value where
        exact, NaN where missing), `exposure` (NaN where not known; 1 where counts are modelled without), `state` (position
        in `evidence.audit.STATES`). Attributes:
        indicator, frequency, week_anchor, exposure_meaning; and population (a sentence) where `data/population.csv` was used.

    Raises:
        InputError: with everything that is wrong in the data file.
        KeyError: if the review has no such indicator.
    """
    import xarray as xr

    indicator = review.indicators[indicator_key]
    path = find_data(review.folder, indicator)
    if path is None:
        raise InputError([absent_file(review, indicator)])
    file = path.relative_to(review.folder).as_posix() if path.is_relative_to(review.folder) else path.name
    reading = read_observations(path, indicator, file, simulated=review.settings.simulated)
    if reading.problems or reading.observations is None:
        raise InputError(reading.problems)
    observations = reading.observations
    grid = lay_out(observations, review.areas.areas, indicator)
    if grid is None:
        remedy = "Use the codes of areas.yaml in the column `area`."
        raise InputError([Problem(file, "column area", "None of the areas is in areas.yaml.", remedy)])
    frequency, anchor = observations.frequency, observations.week_anchor
    times = range(grid.first, grid.first + grid.value.shape[1])
    days = np.array([days_at(t, frequency, anchor) for t in times], dtype=float)
    exposure, meaning = _exposure(grid, review.areas.areas, indicator, observations.has_exposure, days)
    lived = find_person_days(review, grid, indicator, observations.has_exposure, frequency, anchor)
    if lived is not None and not lived.without:
        exposure, meaning = lived.exposure, "persons x days"
    groups = {name: group.areas for name, group in review.areas.groups.items()}
    dims = ("area", "time")
    return xr.Dataset(
        {
            "value": (dims, grid.value),
            "low": (dims, grid.low),
            "high": (dims, grid.high),
            "exposure": (dims, exposure),
            "state": (dims, audit_grid(grid, indicator, groups, frequency, anchor, review_shocks(review.folder)).state),
        },
        coords={
            "area": ("area", np.asarray(grid.codes, dtype=str)),
            "time": ("time", np.asarray([label(t, frequency, anchor) for t in times], dtype=str)),
        },
        attrs={
            "indicator": indicator_key,
            "frequency": frequency,
            "week_anchor": anchor,
            "exposure_meaning": meaning,
            **({} if lived is None or lived.without else {"population": _say_population(lived)}),
        },
    )


def find_person_days(
    review: Review, grid: Grid, indicator: Indicator, supplied: bool, frequency: Frequency, anchor: str
) -> PersonDays | None:
    """Exposure from `data/population.csv`; None if there is no such file, or the indicator has no use for it.

    Raises:
        InputError: the file is damaged, or its last estimate is more than three years old.
    """
    if indicator.likelihood not in COUNTS or indicator.exposure == "none" or supplied:
        return None
    population = read_population(review.folder)
    if population is None:
        return None
    n = grid.value.shape[1]
    found = person_days(population, review.areas.areas, grid.codes, grid.first, n, frequency, anchor)
    if found.too_old and not found.without:
        code, month = next(iter(found.too_old.items()))
        text = f"The estimates of {plural(len(found.too_old), 'area')} are more than three years from some counts of "
        text += f"`{indicator.key}` (`{code}`: {month})."
        raise InputError([Problem(POPULATION, "column period", text, "Import more estimates, or take the file away.")])
    return found


def _say_population(found: PersonDays) -> str:
    carried = found.carried.any(axis=0).mean()
    text = "mid-year estimates, by month"
    text += f", carried past an estimate in {carried:.0%} of periods" if carried else ""
    return f"{text}, {plural(len(found.fixed), 'area')} with one fixed figure" if found.fixed else text


def lay_out(observations: Observations, areas: Mapping[str, Area], indicator: Indicator) -> Grid | None:
    """Lay observations out as a grid; areas that are not in `areas` are left out.

    Returns:
        None if no area is left.
    """
    seen = set(observations.codes)
    codes = [code for code in areas if code in seen]
    if not codes:
        return None
    position = {code: i for i, code in enumerate(codes)}
    row_of = np.array([position.get(code, -1) for code in observations.codes], dtype=np.int64)[observations.area]
    kept = row_of >= 0
    if not kept.any():
        return None
    first, last = int(observations.place[kept].min()), int(observations.place[kept].max())
    shape = (len(codes), last - first + 1)
    at = (row_of[kept], observations.place[kept] - first)

    def spread(column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        out = np.full(shape, np.nan)
        out[at] = column[kept]
        return out

    listed = np.zeros(shape, dtype=bool)
    listed[at] = True
    written = np.zeros(shape, dtype=bool)
    written[at] = observations.written[kept]
    value, low, high = spread(observations.value), spread(observations.low), spread(observations.high)
    if indicator.absent_means == "zero":
        for array in (value, low, high):
            array[~listed] = 0.0
        written |= ~listed
    status = np.full(shape, "", dtype=object)
    status[at] = np.asarray(observations.status, dtype=object)[kept]
    partial = status == "partial"
    unusable = window_cells(
        indicator.unusable, codes, first, shape[1], observations.frequency, observations.week_anchor
    )
    for array in (value, low, high):
        array[unusable] = np.nan
    written &= ~unusable
    return Grid(
        codes, first, value, low, high, spread(observations.exposure), listed, written, partial | unusable,
        status == "provisional",
    )  # fmt: skip


def window_cells(
    windows: Sequence[Window], codes: Sequence[str], first: int, n: int, frequency: Frequency, anchor: str
) -> npt.NDArray[np.bool_]:
    """The cells that some windows name, shape (area, time)."""
    found = np.zeros((len(codes), n), dtype=bool)
    for window in windows:
        start = max(first_place(window.from_, frequency, anchor) - first, 0)
        end = max(last_place(window.to, frequency, anchor) - first + 1, 0)
        rows = [i for i, code in enumerate(codes) if window.areas is None or code in window.areas]
        found[rows, start:end] = True
    return found


def audit_grid(
    grid: Grid,
    indicator: Indicator,
    groups: Mapping[str, Sequence[str]],
    frequency: Frequency,
    anchor: str = "",
    shocks: Sequence[Shock] | None = None,
) -> Audit:
    """Audit the counts of a grid (see `evidence.audit`).

    Args:
        grid: the counts.
        indicator: whose they are.
        groups: areas by name of group; a fall that a group or all areas share is noticed.
        frequency: of the data.
        anchor: of weeks.
        shocks: the calendar, by which falls in a lockdown are expected; by default the one that is shipped.
    """
    position = {code: i for i, code in enumerate(grid.codes)}
    together = {name: [position[code] for code in codes if code in position] for name, codes in groups.items()}
    together = {name: members for name, members in together.items() if len(members) > 1}
    together = {"all areas": list(range(len(grid.codes))), **together}
    days = [first_day(grid.first + t, frequency, anchor) for t in range(grid.value.shape[1])]
    calendar = shipped_shocks() if shocks is None else shocks
    shut = np.array([any(shock.closed and shock.holds(day) for shock in calendar) for day in days], dtype=bool)
    middle = (grid.low + grid.high) / 2
    # A rounded count is a count; one that is hidden because it is small (and so may be 1) is not.
    shown = np.where(np.isnan(grid.value) & (grid.low > 1), middle, grid.value) if indicator.rounded_to else grid.value
    return audit_counts(
        shown,
        ~np.isnan(grid.low),
        frequency,
        together,
        partial=grid.partial,
        provisional=grid.provisional,
        expected_falls=shut,
        bounds=(grid.low, grid.high),
        count=indicator.likelihood in COUNTS,
    )


def _exposure(
    grid: Grid,
    areas: Mapping[str, Area],
    indicator: Indicator,
    supplied: bool,
    days: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], ExposureMeaning]:
    """Exposure of every cell and what it is: the rule is in `Indicator.exposure`."""
    if indicator.likelihood == "normal":
        return np.full(grid.value.shape, np.nan), "none"
    if indicator.likelihood == "binomial":
        return grid.exposure, "denominator"
    if indicator.exposure == "none":
        return np.ones(grid.value.shape), "none"
    if supplied:
        return grid.exposure, "as supplied"
    population = [areas[code].population for code in grid.codes]
    known = [number for number in population if number is not None]
    if len(known) == len(population):
        return np.outer(np.array(known, dtype=float), days), "persons x days"
    return np.tile(days, (len(grid.codes), 1)), "days"


def absent_file(review: Review, indicator: Indicator) -> Problem:
    """The problem of an indicator without data."""
    folder = review.folder
    if indicator.file is not None:
        if (folder / "data" / indicator.file).exists():
            remedy = f"Write `file: data/{indicator.file}`: files are named from the review folder."
        else:
            parent = (folder / indicator.file).parent
            near = nearest(indicator.file.split("/")[-1], _names(parent))
            remedy = f"Did you mean {near}?" if near else "Add the file, or correct `file` in indicators.yaml."
        return Problem(indicator.file, "", f"The data of `{indicator.key}` are not there.", remedy)
    near = nearest(f"{indicator.key}.csv", _names(folder / "data"))
    remedy = f"Rename data/{near}, if that is it" if near else "Add the file"
    remedy += f", or name another with `file:` under `{indicator.key}` in indicators.yaml."
    return Problem(f"data/{indicator.key}.csv", "", f"The data of `{indicator.key}` are not there.", remedy)


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~")))
