"""What is wrong in the files that a review may have besides its data: map, profile, conditions, days of rare events."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluation.errors import InputError, Problem
from evaluation.evidence.days import find_disagreements, read_days
from evaluation.evidence.sufficiency import Measured
from evaluation.protocol import Review


def beside_problems(review: Review, measured: Mapping[str, Measured]) -> list[Problem]:
    """Every problem of these files.

    Args:
        review: whose areas and indicators are known.
        measured: what the data hold, by indicator; days must add up to it.
    """
    problems: list[Problem] = []
    if (review.folder / "areas.geojson").is_file() or (review.folder / "needs").is_dir():
        from evaluation.evidence.context import (
            read_context,  # pandas, for which a review without these files does not wait
        )

        try:
            read_context(review)
        except InputError as error:
            problems += error.problems
    for key, found in measured.items():
        try:
            days = read_days(review, key)
        except InputError as error:
            problems += error.problems
            continue
        if days is not None:
            grid = found.grid
            exact = [
                (grid.codes[i], grid.first + int(t), float(grid.value[i, t]))
                for i, t in np.argwhere(~np.isnan(grid.value))
            ]
            problems += find_disagreements(review, key, days, exact, found.frequency, found.anchor)
    return problems
