"""The example's numbers as they were when somebody last looked, and how far chance may move each.

A number of a finding is a mean or a quantile of draws, so another computer's processor may move it by its Monte Carlo
error. That error is taken from the effective sample sizes of the run itself (Vehtari et al. 2021; the error of a
quantile by the density of a normal of the same interval).
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parent
NUMBERS, HISTORY, EDGES = FOLDER / "numbers.csv", FOLDER / "history.csv", FOLDER / "edges.csv"
COLUMNS = ("plan", "indicator", "quantity", "value", "tolerance")
ERRORS = 4 * math.sqrt(2)  # of two independent runs; beyond four standard errors once in some 16,000 numbers
WORDS = ("rating", "confidence", "grade", "phrase")


@dataclass(frozen=True)
class Entry:
    """One number or word.

    Attributes:
        plan, indicator, quantity: what it is.
        value: a number with ten significant figures, or a word.
        tolerance: how far a number may move; 0 for words and for what is no result of sampling.
    """

    plan: str
    indicator: str
    quantity: str
    value: str
    tolerance: float


@dataclass(frozen=True)
class Edge:
    """A word that chance may turn, because the number on which it hinges lies nearer to its threshold than chance moves it.

    Attributes:
        plan, indicator, quantity: what the word is.
        word: what it may also be.
        hinge_indicator, hinge: the number of the same plan on which it hinges.
        at: the threshold of that number.
    """

    plan: str
    indicator: str
    quantity: str
    word: str
    hinge_indicator: str
    hinge: str
    at: float

    def holds(self, stored: dict[tuple[str, str, str], Entry]) -> bool:
        """Whether the stored number lies within its own tolerance of the threshold."""
        number = stored.get((self.plan, self.hinge_indicator, self.hinge))
        return number is not None and abs(float(number.value) - self.at) <= number.tolerance


def error_of(name: str, lower: float, upper: float, interval: float, bulk: float, tail: float) -> float:
    """Monte Carlo standard error of one statistic.

    Args:
        name: mean, median, lower or upper.
        lower, upper: the interval's ends, by which the spread is judged.
        interval: its probability.
        bulk, tail: effective sample sizes.
    """
    normal = NormalDist()
    spread = (upper - lower) / (2 * normal.inv_cdf((1 + interval) / 2))
    if name == "mean":
        return spread / math.sqrt(bulk)
    p = 0.5 if name == "median" else (1 - interval) / 2
    return spread * math.sqrt(p * (1 - p) / (bulk if name == "median" else tail)) / normal.pdf(normal.inv_cdf(p))


def entries_of(packet: Path) -> list[Entry]:
    """Every number and verdict of a packet."""
    finding = json.loads((packet / "finding.json").read_text(encoding="utf-8"))
    plan = str(finding["plan"])
    found: list[Entry] = []
    effects = pd.read_csv(
        packet / "effects.csv", dtype={"cohort": str, "period": str, "event_time": str}, keep_default_na=False
    )
    for key, about in finding["indicators"].items():
        found += [Entry(plan, key, word, str(about.get(word)), 0.0) for word in WORDS]
        found += [Entry(plan, key, f"check {c['name']}", str(c["passed"]), 0.0) for c in about["checks"]]
        if about["rating"] != "failed":
            found += _of_effects(plan, key, about, effects[effects["indicator"] == key])
    primary = next(i for i in finding["indicators"].values() if i["role"] == "primary")
    found.append(Entry(plan, "", "decision", str(finding["decision"]["recommended"]), 0.0))
    found += _of_money(
        plan, finding.get("economics") or {}, primary.get("diagnostics") or {}, primary.get("interval", 0.95)
    )
    return found


def _of_effects(plan: str, key: str, about: dict[str, Any], rows: pd.DataFrame) -> list[Entry]:
    bulk, tail = about["diagnostics"]["ess_bulk_min"], about["diagnostics"]["ess_tail_min"]
    found: list[Entry] = []
    seen: list[tuple[float, ...]] = []
    for row in rows.to_dict("records"):
        shown = tuple(float(row[name]) for name in ("mean", "median", "lower", "upper"))
        # A step is the same at every event time, but for the last digits of a sum.
        if any(max(abs(a - b) for a, b in zip(shown, other, strict=True)) < 1e-5 for other in seen):
            continue
        seen.append(shown)
        what = " ".join(str(row[name]) for name in ("estimand", "cohort", "event_time", "period") if row[name] != "")
        for name in ("mean", "median", "lower", "upper"):
            error = error_of(name, float(row["lower"]), float(row["upper"]), about["interval"], bulk, tail)
            found.append(Entry(plan, key, f"{what} {name}", f"{float(row[name]):.10g}", ERRORS * error))
        p = float(row["prob_benefit"])
        # A share of draws: its own error, and never less than a few draws of the effective ones.
        error = max(math.sqrt(p * (1 - p) / bulk), 1 / bulk)
        found.append(Entry(plan, key, f"{what} prob_benefit", f"{p:.10g}", ERRORS * error))
    return found


def _of_money(plan: str, money: dict[str, Any], about: dict[str, Any], interval: float) -> list[Entry]:
    found = [
        Entry(plan, "", name, f"{float(money[name]):.10g}", 1e-9 * abs(float(money[name])))
        for name in ("total_cost", "unit_cost", "unit_cost_uprated", "break_even_events")
        if isinstance(money.get(name), int | float)
    ]
    value = money.get("value") or {}
    for name in ("npsv", "benefit_present_value"):
        if about and isinstance(told := value.get(name), dict):
            for end in ("mean", "median", "lower", "upper"):
                error = error_of(
                    end, told["lower"], told["upper"], interval, about["ess_bulk_min"], about["ess_tail_min"]
                )
                found.append(Entry(plan, "", f"{name} {end}", f"{told[end]:.10g}", ERRORS * error))
    return found


def compare(stored: list[Entry], now: list[Entry], edges: Iterable[Edge] = ()) -> list[str]:
    """What moved beyond tolerance, appeared or went, one line each; a word on one of the edges may turn."""
    before = {(e.plan, e.indicator, e.quantity): e for e in stored}
    after = {(e.plan, e.indicator, e.quantity): e for e in now}
    lines = [
        f"{' / '.join(filter(None, key))} is gone (was {before[key].value})" for key in before.keys() - after.keys()
    ]
    lines += [f"{' / '.join(filter(None, key))} is new ({after[key].value})" for key in after.keys() - before.keys()]
    may_turn = {((e.plan, e.indicator, e.quantity), e.word) for e in edges if e.holds(before)}
    for key in before.keys() & after.keys():
        old, new = before[key], after[key]
        if old.value == new.value or (key, new.value) in may_turn:
            continue
        try:
            moved = abs(float(new.value) - float(old.value))
            within = moved <= old.tolerance
        except ValueError:
            moved, within = math.nan, False
        if not within:
            by = f", allowed {old.tolerance:.3g}" if moved == moved else ""
            lines.append(f"{' / '.join(filter(None, key))} was {old.value}, is {new.value}{by}")
    return sorted(lines)


def read_stored() -> list[Entry]:
    """The numbers as stored."""
    with NUMBERS.open(encoding="utf-8", newline="") as stream:
        return [
            Entry(r["plan"], r["indicator"], r["quantity"], r["value"], float(r["tolerance"]))
            for r in csv.DictReader(stream)
        ]


def read_edges() -> list[Edge]:
    """The words that chance may turn."""
    with EDGES.open(encoding="utf-8", newline="") as stream:
        return [Edge(**{**row, "at": float(row["at"])}) for row in csv.DictReader(stream)]  # type: ignore[arg-type]


def digest() -> str:
    """SHA-256 of the stored file."""
    return hashlib.sha256(NUMBERS.read_bytes()).hexdigest()


def read_history() -> list[dict[str, str]]:
    """Why the numbers were renewed, newest last: columns because, sha256."""
    with HISTORY.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(entries: list[Entry], because: str) -> None:
    """Store numbers with the words of CHANGELOG.md that announce them."""
    with NUMBERS.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((e.plan, e.indicator, e.quantity, e.value, f"{e.tolerance:.4g}") for e in entries)
    past = read_history() if HISTORY.exists() else []
    with HISTORY.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("because", "sha256"))
        rows.writerows((row["because"], row["sha256"]) for row in past)
        rows.writerow((because, digest()))
