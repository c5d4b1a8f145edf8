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
from scipy import stats

from evaluation.inference.expected import Expected, expect
from evaluation.inference.frame import Frame
from evaluation.judgement import xmr
from evaluation.judgement.rare import g_chart, t_chart

Array = NDArray[np.float64]
BOARDS = 400


@dataclass(frozen=True)
class Alarms:
    """False alarms of one way of judging, on quiet boards.

    Attributes:
        per_chart: share of quiet charts whose newest point signals.
        on_board: mean number of false signals on the board in a month.
        any_on_board: share of months with at least one.
        boards: number of simulated boards (for the expected range: of periods judged, each by a model fitted anew).
        charts: number of charts on the board.
        bounds: `on_board` lies between these two with 95%, given the finite number of simulations.
        usual: so many false signals lie between these two on 95% of quiet boards.
    """

    per_chart: float
    on_board: float
    any_on_board: float
    boards: int
    charts: int = 0
    bounds: tuple[float, float] = (float("nan"), float("nan"))
    usual: tuple[int, int] = (0, 0)


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
    return np.asarray(design @ coefficients, dtype=float)


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


def quiet_gaps(y: Array, bounds: NDArray[np.int64] | None, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether the newest period of each quiet series is a signal by its g chart, or by its t chart.

    Args:
        y: counts, shape (series, time).
        bounds: numbers of the first and last day of each period, shape (time, 2), for t charts: events then fall on any day of
            their period with the same chance. None for g charts.
        rng: source of chance.
    """
    found = np.zeros(len(y), dtype=bool)
    for number, counts in enumerate(y):
        if bounds is None:
            gaps = g_chart(counts > 0)
        else:
            period = np.repeat(np.arange(len(counts)), counts.astype(int))
            days = np.sort(rng.integers(bounds[period, 0], bounds[period, 1] + 1))
            gaps = t_chart(days, float(bounds[-1, 1]), float(bounds[-1, 0]))  # type: ignore[assignment]
        found[number] = gaps is not None and gaps.rarer != 0
    return found


def board_alarms(signals: Sequence[NDArray[np.bool_]]) -> Alarms:
    """False alarms of a board from those of its charts, each shape (boards,); charts are taken to be independent."""
    table = np.stack(list(signals))
    count = table.sum(axis=0)
    low, high = np.quantile(count, [0.025, 0.975], method="inverted_cdf")
    mean, error = float(count.mean()), 1.96 * float(count.std() / np.sqrt(len(count)))
    return Alarms(
        float(table.mean()), mean, float((count > 0).mean()), table.shape[1], len(table),
        (max(mean - error, 0.0), mean + error), (int(low), int(high)),
    )  # fmt: skip


def refit_alarms(signals: Sequence[NDArray[np.bool_]], charts: int) -> Alarms:
    """False alarms of a board of so many charts, from refits to quiet series.

    The rate's posterior is a Beta (Jeffreys' prior), so that no signal in some refits is not taken for no signal ever. Periods of
    one refit hang together: they count as fewer by their design effect.

    Args:
        signals: of each refit, whether each watched period was a signal, shape (watched,).
        charts: on the board; they are taken to be independent.
    """
    flags = np.concatenate([f.ravel() for f in signals]).astype(float)
    rate, n = float(flags.mean()), flags.size
    effect = 1.0
    if len(signals) > 1 and 0.0 < rate < 1.0:
        between = float(np.var([f.mean() for f in signals], ddof=1)) / len(signals)
        effect = max(between / (rate * (1.0 - rate) / n), 1.0)
    a, b = rate * n / effect + 0.5, (1.0 - rate) * n / effect + 0.5
    low, high = stats.beta.ppf([0.025, 0.975], a, b)
    few, many = stats.betabinom.ppf([0.025, 0.975], charts, a, b)
    mean, none = a / (a + b), float(stats.betabinom.pmf(0, charts, a, b))
    return Alarms(
        mean, mean * charts, 1.0 - none, n, charts, (float(low) * charts, float(high) * charts), (int(few), int(many))
    )


def textbook_alarms(lengths: Sequence[int], rng: np.random.Generator) -> Alarms:
    """False alarms of the four rules on independent normal points, for charts of these lengths."""
    known = {n: newest_signals(rng.normal(size=(4 * BOARDS, n))) for n in sorted(set(lengths))}
    return board_alarms([rng.choice(known[n], size=BOARDS) for n in lengths])


def refit_tails(frame: Frame, path: Array, noise: dict[str, float], seed: int) -> tuple[Array, float]:
    """One quiet series, the model fitted to it anew, and how far out what was made of its watched periods lies.

    Returns:
        The smaller of the two tail chances of each watched period, shape (watched,), and of their sum.
    """
    rng = np.random.default_rng((seed, 7))
    made = make_quiet(path, noise, 1, rng)
    quiet = replace(frame, value=made, low=made.copy(), high=made.copy())
    start = int(frame.start[0])
    drawn, seen = expect(quiet, seed).replicate[:, start:], made[0, start:]
    each = np.minimum((drawn <= seen).mean(axis=0), (drawn >= seen).mean(axis=0))
    total = drawn.sum(axis=1)
    return each, float(min((total <= seen.sum()).mean(), (total >= seen.sum()).mean()))
