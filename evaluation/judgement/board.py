"""The whole board of a review: every series judged, false alarms known, and all of it as plain data.

What one series costs (its expected range, and the quiet series tried on it) is kept by content, so that a new month of
one indicator, or a changed plan, costs the series it concerns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, fields
from multiprocessing import get_context
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from evaluation.evidence.panel import build_panel
from evaluation.inference.engine import Store
from evaluation.inference.expected import expect, frame_series
from evaluation.inference.frame import Frame
from evaluation.judgement.false_alarms import (
    BOARDS,
    Alarms,
    board_alarms,
    make_quiet,
    newest_signals,
    quiet_gaps,
    quiet_path,
    refit_alarms,
    refit_tails,
    textbook_alarms,
)
from evaluation.judgement.monitoring import (
    FEWEST_BEFORE,
    TAIL,
    WATCHED,
    WHOLE,
    Judged,
    Range,
    Series,
    add_areas,
    gather_series,
    judge,
    read_rules,
    summarise_range,
)
from evaluation.judgement.xmr import TRIAL
from evaluation.protocol import Review

N_DRAWS = 8000  # so that a chance of one in two hundred rests on forty draws
REFITS = 120  # each tries a watched year, so that more than a thousand periods are judged


@dataclass(frozen=True)
class Board:
    """All charts of a review in one month.

    Attributes:
        judged: every series, in the order of indicators and areas.
        textbook: false alarms of the rules on independent normal points (XmR charts only).
        quiet: false alarms of the rules on quiet series like ours (season, trend and carry-over kept), t and g charts included.
        ranges: false alarms of the expected range on quiet series like ours, the model fitted to each anew.
        years: the same of the range of the watched year's sum.
    """

    judged: list[Judged]
    textbook: Alarms | None
    quiet: Alarms | None
    ranges: Alarms | None
    years: Alarms | None = None


@dataclass(frozen=True)
class _Asked:
    """What a worker process is given: one series."""

    panel: xr.Dataset
    series: Series
    seed: int
    refits: int


@dataclass(frozen=True)
class _Answer:
    """What it returns: the range (or why there is none), quiet signals, and tails of refits (of each period, of the sum)."""

    range: Range | None
    why: str
    quiet: NDArray[np.bool_] | None = None
    tails: tuple[tuple[NDArray[np.float64], float], ...] = ()


def watch(
    review: Review,
    jobs: int = 1,
    report: Callable[[int, int], None] = lambda done, total: None,
    refits: int = REFITS,
    store: Store | None = None,
    code: str = "",
) -> Board:
    """Judge every indicator of a review in every area.

    Args:
        review: with data in order.
        jobs: processes.
        report: takes how many series are done and how many there are.
        refits: how many quiet series the expected range is tried on.
        store: where the answers of single series are kept, and looked for first.
        code: fingerprint of the program; answers of another one are not used.
    """
    asked: list[_Asked] = []
    for number, (key, indicator) in enumerate(review.indicators.items()):
        panel = build_panel(review, key)
        whole = add_areas(panel, indicator)
        for place, series in enumerate(gather_series(review, indicator, panel)):
            if series.periods:
                source = whole if series.area == WHOLE and whole is not None else panel
                thin = source.sel(area=[series.area]).isel(time=slice(0, len(series.periods)))
                seed = review.settings.seed + 1000 * number + place
                asked.append(_Asked(thin, series, seed, 0))
    if not asked:
        return Board([], None, None, None)
    each, more = divmod(refits, len(asked))
    order = np.random.default_rng(review.settings.seed).permutation(len(asked))
    extra = set(order[:more].tolist())
    asked = [_Asked(a.panel, a.series, a.seed, each + (i in extra)) for i, a in enumerate(asked)]
    answers = _answer_all(asked, jobs, report) if store is None else _answer_new(asked, jobs, report, store, code)
    judged = [judge(a.series, found.range, found.why) for a, found in zip(asked, answers, strict=True)]
    lengths = [len(j.series.charted) for j in judged if j.kind == "xmr" and not j.chart.trial[-1]]  # type: ignore[union-attr]
    rng = np.random.default_rng(review.settings.seed)
    quiet = [found.quiet for found in answers if found.quiet is not None]
    charts = sum(found.range is not None for found in answers)
    tails = [pair for found in answers for pair in found.tails]
    ranges = refit_alarms([each < TAIL for each, _ in tails], charts) if tails else None
    years = refit_alarms([np.array([total < TAIL]) for _, total in tails], charts) if tails else None
    textbook = textbook_alarms(lengths, rng) if lengths else None
    return Board(judged, textbook, board_alarms(quiet) if quiet else None, ranges, years)


def _answer_new(
    asked: list[_Asked], jobs: int, report: Callable[[int, int], None], store: Store, code: str
) -> list[_Answer]:
    """The stored answers, and new ones, stored, where there is none."""
    names = [_name(one, code) for one in asked]
    known = {name: record for name in names if (record := store.load_record(name)) is not None}
    waiting = {name: one for name, one in zip(names, asked, strict=True) if name not in known}
    if waiting:
        for name, answer in zip(waiting, _answer_all(list(waiting.values()), jobs, report), strict=True):
            known[name] = _plain(answer)
            store.save_record(name, known[name])
    return [_restore(known[name]) for name in names]


def _name(asked: _Asked, code: str) -> str:
    """Content address of one series' answer."""
    digest = hashlib.sha256(f"{code} {asked.seed} {asked.refits} {sorted(asked.panel.attrs.items(), key=str)}".encode())
    for name in sorted(map(str, asked.panel.variables)):
        variable = asked.panel[name]
        digest.update(f"{name} {variable.dims}".encode())
        digest.update(repr(variable.values.tolist()).encode())
    for part in fields(Series):
        value = getattr(asked.series, part.name)
        digest.update(f"{part.name} {value.tolist() if isinstance(value, np.ndarray) else value!r}".encode())
    return digest.hexdigest()[:32]


def _plain(answer: _Answer) -> dict[str, Any]:
    found = answer.range
    return {
        "range": None if found is None else {f.name: _listed(getattr(found, f.name)) for f in fields(Range)},
        "why": answer.why,
        "quiet": None if answer.quiet is None else [list(answer.quiet.shape), np.flatnonzero(answer.quiet).tolist()],
        "tails": [[each.tolist(), total] for each, total in answer.tails],
    }


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _restore(record: dict[str, Any]) -> _Answer:
    quiet = None
    if record["quiet"] is not None:
        shape, where = record["quiet"]
        quiet = np.zeros(shape, dtype=bool)
        quiet.flat[where] = True
    tails = tuple((np.asarray(each, dtype=float), float(total)) for each, total in record["tails"])
    return _Answer(None if record["range"] is None else restore_range(record["range"]), record["why"], quiet, tails)


def restore_range(stored: dict[str, Any]) -> Range:
    """An expected range from what JSON keeps of it."""
    arrays = {n: np.asarray(stored[n], dtype=float) for n in ("median", "lower", "upper", "below", "above")}
    return Range(
        stored["start"],
        **arrays,
        total=stored["total"],
        total_range=tuple(stored["total_range"]),
        total_tails=tuple(stored["total_tails"]),
        noise=stored["noise"],
    )


def _answer_all(asked: list[_Asked], jobs: int, report: Callable[[int, int], None]) -> list[_Answer]:
    total = len(asked)
    found: list[_Answer] = []
    report(0, total)
    if jobs > 1 and total > 3:
        # A worker that dies, for want of memory as a rule, takes its pool with it: what is left is done here, one by one.
        with (
            suppress(BrokenProcessPool),
            ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool,
        ):
            for answer in pool.map(_answer, asked, chunksize=4):
                found.append(answer)
                report(len(found), total)
    for one in asked[len(found) :]:
        found.append(_answer(one))
        report(len(found), total)
    return found


def _answer(asked: _Asked) -> _Answer:
    series, likelihood = asked.series, asked.series.indicator.likelihood
    n = len(series.periods)
    yearly = asked.panel.attrs["frequency"]
    watched = min(WATCHED if yearly == "month" else {"week": 26, "quarter": 4, "year": 1}.get(yearly, 1), n - 1)
    before = int(np.isfinite(series.low[: n - watched]).sum())
    fewest = FEWEST_BEFORE if yearly in ("week", "month") else 8
    if before < fewest:
        return _Answer(None, f"fewer than {fewest} periods before the newest {watched}")
    frame = frame_series(asked.panel, series.area, likelihood, watched, series.left_out)
    try:
        expected = expect(frame, asked.seed, N_DRAWS)
    except FloatingPointError as error:
        return _Answer(None, str(error))
    found = summarise_range(series, expected, watched)
    if likelihood not in ("negative_binomial", "poisson"):
        return _Answer(found, "")
    path, rng = quiet_path(frame, expected), np.random.default_rng((asked.seed, 11))
    quiet, kind = None, read_rules(series, series.complete).kind
    charted = slice(series.first, series.complete)
    if kind != "none" and len(series.charted) >= TRIAL:
        made = make_quiet(path, expected.noise, BOARDS, rng)[:, charted]
        quiet = (
            newest_signals(made)
            if kind == "xmr"
            else quiet_gaps(made, series.bounds[charted] if kind == "t" else None, rng)
        )
    tails = [_tails(frame, path, expected.noise, asked.seed + 100_000 * (i + 1)) for i in range(asked.refits)]
    return _Answer(found, "", quiet, tuple(pair for pair in tails if pair is not None))


def _tails(
    frame: Frame, path: NDArray[np.float64], noise: dict[str, float], seed: int
) -> tuple[NDArray[np.float64], float] | None:
    try:
        return refit_tails(frame, path, noise, seed)
    except FloatingPointError:
        return None
