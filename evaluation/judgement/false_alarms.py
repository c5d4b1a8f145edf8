"""How often a board of charts cries wolf: signals on made-up boards on which nothing changes.

Quiet series are made from each series' own fitted model, without the changes that happened in it: level, trend and
season as fitted, a fresh autocorrelated path, fresh chance. A quiet textbook world (independent normal points) stands
beside it, because that is the one for which the rules were written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.inference.expected import Expected, expect
from evaluation.inference.frame import Frame
from evaluation.judgement import xmr

Array = NDArray[np.float64]
BOARDS = 400


@dataclass(frozen=True)
class Alarms:
    """False alarms of one way of judging, on quiet boards.

    Attributes:
        per_chart: share of quiet charts whose newest point signals.
        on_board: mean number of false signals on the board in a month.
        any_on_board: share of months with at least one.
        boards: number of simulated boards (for the expected range: of refits).
    """

    per_chart: float
    on_board: float
    any_on_board: float
    boards: int


def quiet_path(frame: Frame, expected: Expected) -> Array:
    """Log expected counts of a series without anything but level, trend and season, shape (time,).

    A straight line and two annual harmonics through the mean of the log expected counts of the periods in use.
    """
    level = np.log(np.maximum(expected.mean, 1e-9)).mean(axis=0)
    time = np.arange(len(level))
    angle = 2 * np.pi * time / frame.per_year
    columns = [np.ones(len(level)), time / frame.per_year]
    if frame.seasonal and frame.per_year > 1:
        columns += [np.sin(angle), np.cos(angle)]
        if frame.per_year > 4:
            columns += [np.sin(2 * angle), np.cos(2 * angle)]
    design = np.stack(columns, axis=1)
    used = frame.used[0]
    coefficients = np.linalg.lstsq(design[used], level[used], rcond=None)[0]
    return design @ coefficients


def make_quiet(path: Array, noise: dict[str, float], n: int, rng: np.random.Generator) -> Array:
    """Quiet counts around a path, shape (n, time)."""
    steps = rng.normal(size=(n, len(path)))
    wander = steps.copy()
    rho = noise.get("common_rho", 0.0)
    for t in range(1, len(path)):
        wander[:, t] = rho * wander[:, t - 1] + np.sqrt(1.0 - rho**2) * steps[:, t]
    mean = np.exp(path + noise.get("common_sd", 0.0) * wander)
    shape = 1.0 / (noise.get("overdispersion", 0.0) ** 2 + 1e-8)
    return rng.poisson(mean * rng.gamma(shape, 1.0 / shape, size=mean.shape)).astype(float)


def newest_signals(y: Array) -> NDArray[np.bool_]:
    """Whether the newest point of each series is a signal by the four rules, limits from the series itself.

    Args:
        y: shape (series, time).
    """
    spread = np.abs(np.diff(y, axis=1)).mean(axis=1)
    flags = xmr.signal_flags(y, y.mean(axis=1), spread)
    return np.any([flag[:, -1] != 0 for flag in flags], axis=0)


def board_alarms(signals: Sequence[NDArray[np.bool_]]) -> Alarms:
    """False alarms of a board from those of its charts, each shape (boards,); charts are taken to be independent."""
    table = np.stack(list(signals))
    count = table.sum(axis=0)
    return Alarms(float(table.mean()), float(count.mean()), float((count > 0).mean()), table.shape[1])


def textbook_alarms(lengths: Sequence[int], rng: np.random.Generator) -> Alarms:
    """False alarms of the four rules on independent normal points, for charts of these lengths."""
    known = {n: newest_signals(rng.normal(size=(4 * BOARDS, n))) for n in sorted(set(lengths))}
    return board_alarms([rng.choice(known[n], size=BOARDS) for n in lengths])


def refit_tails(frame: Frame, path: Array, noise: dict[str, float], seed: int) -> Array:
    """One quiet series, the model fitted to it anew, and how far out each of its watched periods lies.

    Returns:
        The smaller of the two tail chances of each watched period, shape (watched,).
    """
    rng = np.random.default_rng((seed, 7))
    made = make_quiet(path, noise, 1, rng)
    quiet = replace(frame, value=made, low=made.copy(), high=made.copy())
    drawn = expect(quiet, seed).replicate
    start = int(frame.start[0])
    return np.minimum(
        (drawn[:, start:] <= made[0, start:]).mean(axis=0), (drawn[:, start:] >= made[0, start:]).mean(axis=0)
    )
