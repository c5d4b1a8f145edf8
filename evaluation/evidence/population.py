"""How many people lived in each area in each period: `data/population.csv`, as `svd import population` writes it.

Where the file is there, counts without an exposure of their own are set against person-days: the population of each
month times the days of the period in it. Areas are found by code, or by name where the codes differ. Months between
two figures are interpolated; those before the first and after the last carry it, and are counted so that it can be said.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.errors import InputError, Problem
from evaluation.evidence.small_table import read_table
from evaluation.evidence.tidy import read_observations
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.partnership import Area
from evaluation.protocol.period import Frequency, days_at, first_day, label, ordinal
from evaluation.protocol.suggest import listing, plural

FILE = "data/population.csv"
NAMES = "data/provenance/population.areas.csv"
MOST_CARRIED = 36  # months past the last estimate
MID_YEAR = 5  # an annual figure is an estimate for 30 June: the month, counted from 0
LARGEST_GAP = 0.25  # between the file and areas.yaml, above which they are unlikely to mean the same area


@dataclass(frozen=True)
class Population:
    """Population over time.

    Attributes:
        people: code -> {month (see `protocol.period.ordinal`): persons}.
        estimated: the last month of each area that is an estimate, and not carried forward by the importer.
        names: name in small letters -> code, for names that only one code has.
    """

    people: Mapping[str, Mapping[int, float]]
    estimated: Mapping[str, int]
    names: Mapping[str, str] = field(default_factory=dict)

    def find(self, code: str, name: str) -> str | None:
        """The code under which an area stands here."""
        return code if code in self.people else self.names.get(name.casefold())


@dataclass(frozen=True)
class PersonDays:
    """Exposure of a panel.

    Attributes:
        exposure: persons x days, shape (area, time).
        carried: cells whose population was carried past an estimate, same shape.
        by_name: areas that were found by their names.
        fixed: areas that are not in the file, with the one population of areas.yaml.
        without: areas that have no population at all; if there are any, `exposure` must not be used.
        too_old: areas carried for more than three years, with the last month of their estimates.
        differing: areas whose population in areas.yaml differs by more than a quarter.
    """

    exposure: npt.NDArray[np.float64]
    carried: npt.NDArray[np.bool_]
    by_name: list[str]
    fixed: list[str]
    without: list[str]
    too_old: dict[str, str]
    differing: list[str]


def population_files(folder: Path) -> list[Path]:
    """The files that exposure depends on."""
    return [folder / name for name in (FILE, NAMES) if (folder / FILE).is_file() and (folder / name).is_file()]


def read_population(folder: Path) -> Population | None:
    """The population of a review; None if there is no such file.

    Raises:
        InputError: with everything that is wrong in it.
    """
    found = population_files(folder)
    stamps = tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in found)
    return _read(folder, stamps) if found else None


@lru_cache(maxsize=4)
def _read(folder: Path, _stamps: tuple[tuple[int, int], ...]) -> Population:
    counted = Indicator(key="population", title="Population", unit="persons")
    reading = read_observations(folder / FILE, counted, FILE)
    seen = reading.observations
    if reading.problems or seen is None:
        raise InputError(reading.problems)
    if seen.frequency not in ("month", "year"):
        text = f"The population is given by {seen.frequency}."
        raise InputError([Problem(FILE, "column period", text, "Give months, or the year of each mid-year estimate.")])
    people: dict[str, dict[int, float]] = {}
    estimated: dict[str, int] = {}
    problems = []
    for area, place, value, status, number in zip(
        seen.area, seen.place, seen.value, seen.status, seen.numbers, strict=True
    ):
        month = int(place) * 12 + MID_YEAR if seen.frequency == "year" else int(place)
        code = seen.codes[area]
        if value == 0:
            problems.append(Problem(FILE, f"row {number}, count", f"{code} has no people.", "Take the row out."))
        elif np.isfinite(value):
            people.setdefault(code, {})[month] = float(value)
            if status != "provisional":
                estimated[code] = max(month, estimated.get(code, month))
    if problems:
        raise InputError(problems[:20])
    return Population(people, estimated, _names(folder / NAMES, people))


def _names(path: Path, people: Mapping[str, object]) -> dict[str, str]:
    if not path.is_file():
        return {}
    problems: list[Problem] = []
    rows = read_table(path, NAMES, ("area", "name"), problems)
    if problems:
        raise InputError(problems)
    pairs = [(cells["name"].casefold(), cells["area"]) for _, cells in rows if cells["area"] in people]
    often = {name for name, group in itertools.groupby(sorted(n for n, _ in pairs)) if len(list(group)) > 1}
    return {name: code for name, code in pairs if name not in often}


def person_days(
    population: Population,
    areas: Mapping[str, Area],
    codes: Sequence[str],
    first: int,
    n: int,
    frequency: Frequency,
    anchor: str,
) -> PersonDays:
    """Persons x days of every area and period.

    Args:
        population: over time.
        areas: of the review; their fixed populations stand in for areas that the file does not hold.
        codes: areas of the panel.
        first: place of its first period.
        n: number of periods.
        frequency, anchor: of the periods.
    """
    months, days = _month_days(first, n, frequency, anchor)
    exposure = np.full((len(codes), n), np.nan)
    carried = np.zeros((len(codes), n), dtype=bool)
    by_name, fixed, without, differing = [], [], [], []
    too_old: dict[str, str] = {}
    for i, code in enumerate(codes):
        area = areas[code]
        own = population.find(code, area.name)
        if own is None:
            if area.population is None:
                without.append(code)
            else:
                fixed.append(code)
                exposure[i] = area.population * days.sum(axis=1)
            continue
        if own != code:
            by_name.append(code)
        given = population.people[own]
        places = np.array(sorted(given))
        people = np.interp(months, places, [given[int(place)] for place in places])
        exposure[i] = days @ people
        last = population.estimated.get(own, int(places[0]))
        outside = (months < places[0]) | (months > last)
        carried[i] = (days[:, outside] > 0).any(axis=1)
        if months[-1] - last > MOST_CARRIED or places[0] - months[0] > MOST_CARRIED:
            too_old[code] = label(last if months[-1] - last > MOST_CARRIED else int(places[0]), "month")
        if area.population is not None:
            usual = float(np.median(people))
            if abs(usual / area.population - 1) > LARGEST_GAP:
                differing.append(code)
    return PersonDays(exposure, carried, by_name, fixed, without, too_old, differing)


def _month_days(
    first: int, n: int, frequency: Frequency, anchor: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The months that some periods touch, and how many days of each lie in each period, shape (period, month)."""
    begins = [first_day(first + t, frequency, anchor) for t in range(n)]
    lengths = [days_at(first + t, frequency, anchor) for t in range(n)]
    start = ordinal(begins[0], "month")
    end = ordinal(begins[-1] + timedelta(days=lengths[-1] - 1), "month")
    days = np.zeros((n, end - start + 1))
    for t, (day, length) in enumerate(zip(begins, lengths, strict=True)):
        left = length
        while left:
            month = ordinal(day, "month")
            step = min(left, (first_day(month + 1, "month") - day).days)
            days[t, month - start] += step
            day += timedelta(days=step)
            left -= step
    return np.arange(start, end + 1), days


def describe_person_days(found: PersonDays) -> list[tuple[str, str]]:
    """What is worth saying about an exposure, each with a remedy."""
    said = []
    if found.without:
        text = f"There is no population for {_shown(found.without)}, so exposure is days alone for every area."
        said.append((text, f"Add them to {FILE} (`svd import population`), or give populations in areas.yaml."))
        return said
    if found.carried.any():
        share = found.carried.any(axis=0).mean()
        text = f"The population is carried past its last (or before its first) estimate in {share:.0%} of the periods."
        said.append(
            (text, "Import newer estimates when they are published; a growing area's rate is a little too high.")
        )
    if found.fixed:
        text = f"{_shown(found.fixed)} not in {FILE}: the one population of areas.yaml is used for every period."
        said.append((text, "Import their estimates too, so that all areas are treated alike."))
    if found.by_name:
        text = f"{plural(len(found.by_name), 'area')} found in {FILE} by name ({listing(found.by_name, 3)})."
        said.append((text, "Check that these are the same places, of the same boundaries."))
    if found.differing:
        text = f"The population of {_shown(found.differing)} in areas.yaml differs from {FILE} by more than a quarter."
        said.append((text, "One of them is of other boundaries, or a slip: correct it."))
    return said


def _shown(codes: Sequence[str]) -> str:
    return listing([f"`{code}`" for code in codes], 5)
