"""Earlier editions of the data, kept so that revisions can be learned: `editions/<indicator>/<day>.csv`, tidy as in `data/`."""

from __future__ import annotations

import os
import re
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr

from evaluation.errors import InputError, Problem
from evaluation.evidence.tidy import find_data, read_observations
from evaluation.protocol import Indicator, Review
from evaluation.protocol.period import ordinal

FOLDER = "editions"
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})\.csv")


def keep_editions(review: Review, today: date) -> list[Path]:
    """Keep a copy of every CSV data file that differs from its newest edition; of real data only.

    Returns:
        The copies made.
    """
    made: list[Path] = []
    if review.settings.simulated:
        return made
    for indicator in review.indicators.values():
        source = find_data(review.folder, indicator)
        if source is None or source.suffix != ".csv":
            continue
        shelf = review.folder / FOLDER / indicator.key
        kept = _stored(shelf)
        if kept and kept[-1][1].read_bytes() == source.read_bytes():
            continue
        shelf.mkdir(parents=True, exist_ok=True)
        place = shelf / f"{today.isoformat()}.csv"
        aside = place.with_suffix(".writing")
        shutil.copyfile(source, aside)
        os.replace(aside, place)
        made.append(place)
    return made


def edition_before(review: Review, indicator: Indicator) -> tuple[date, Path] | None:
    """The newest stored edition that differs from the data at hand, with its day; None if there is none."""
    source = find_data(review.folder, indicator)
    now = source.read_bytes() if source is not None else b""
    for day, path in reversed(_stored(review.folder / FOLDER / indicator.key)):
        if path.read_bytes() != now:
            return day, path
    return None


def read_editions(review: Review, indicator: Indicator, panel: xr.Dataset) -> tuple[list[int], np.ndarray]:
    """Counts as each edition had them.

    Args:
        review: the review.
        indicator: whose editions to read.
        panel: the newest data; gives areas and periods.

    Returns:
        The place (see `protocol.period.ordinal`) of the period in which each edition appeared, and the counts, shape
        (edition, area, time), NaN where an edition had none or a range.

    Raises:
        InputError: an edition cannot be read.
    """
    frequency, anchor = panel.attrs["frequency"], panel.attrs["week_anchor"]
    codes = {str(code): i for i, code in enumerate(panel.area.values)}
    times = {str(t): i for i, t in enumerate(panel.time.values)}
    appeared, counts = [], []
    for day, path in _stored(review.folder / FOLDER / indicator.key):
        name = path.relative_to(review.folder).as_posix()
        reading = read_observations(path, indicator, name, simulated=True)
        found = reading.observations
        if reading.problems or found is None:
            raise InputError(reading.problems or [Problem(name, "", "Nothing can be read.", "Take the file away.")])
        table = np.full((len(codes), len(times)), np.nan)
        for a, place, value in zip(found.area, found.place, found.value, strict=True):
            code, label = found.codes[a], found.label(int(place))
            if code in codes and label in times:
                table[codes[code], times[label]] = value
        appeared.append(ordinal(day, frequency, anchor))
        counts.append(table)
    return appeared, np.array(counts) if counts else np.zeros((0, len(codes), len(times)))


def _stored(shelf: Path) -> list[tuple[date, Path]]:
    if not shelf.is_dir():
        return []
    named = [(match[1], path) for path in sorted(shelf.iterdir()) if (match := _DAY.fullmatch(path.name))]
    return [(date.fromisoformat(text), path) for text, path in named]
