"""Cells of counts, exposure and status: what each may hold, and how to say that it holds something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evaluation.errors import Problem
from evaluation.evidence.rows import row_place
from evaluation.protocol.indicator import Indicator
from evaluation.protocol.suggest import did_you_mean, quote

STATUSES = ("final", "provisional", "revised", "partial", "suppressed", "missing")
SHOWN_ONE_BY_ONE = 5
LONGEST_NUMBER = 30  # characters; a longer one is no measurement, and a file of them is no table

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[-+]?\d{1,3}([, '\u00a0\u202f’]\d{3})+(\.\d+)?", re.ASCII)
_EXPONENT = re.compile(r"[-+]?\d+(\.\d+)?[eE][-+]?\d+", re.ASCII)
_BLANK_WORDS = {
    "n/a", "na", "n.a.", "nan", "null", "none", "nil", "-", "--", "–",
    "—", ".", "..", ":", "?", "[x]", "#n/a", "missing", "not available", "unknown",
}  # fmt: skip
_DATE_LIKE = re.compile(r"\d{1,2}[-/ ][A-Za-z]{3}|[A-Za-z]{3}[-/ ]\d{2}")
_LESS_THAN = re.compile(r"(<=|<|≤|under |less than )\s*(\d+)")
_RANGE = re.compile(r"(\d+)\s*(?:-|–|to)\s*(\d+)")


@dataclass
class Complaints:
    """Complaints about cells, gathered so that many of one kind become one problem.

    Attributes:
        file: its name in problems.
        numbers: row numbers as a spreadsheet shows them.
        warnings: what is allowed but worth saying.
        whole: problems of whole columns.
    """

    file: str
    numbers: Sequence[int]
    warnings: list[Problem] = field(default_factory=list)
    whole: list[Problem] = field(default_factory=list)
    _by_kind: dict[tuple[str, str], list[tuple[int, str, str]]] = field(default_factory=dict)

    def add(self, row: int, column: str, kind: str, found: str, remedy: str) -> None:
        """Record that the cell at a position (from 0) is wrong."""
        self._by_kind.setdefault((column, kind), []).append((row, found, remedy))

    def warn(self, rows: Sequence[int], column: str, found: str, remedy: str) -> None:
        """Record something that is allowed but worth saying."""
        place = row_place([self.numbers[i] for i in rows], column)
        self.warnings.append(Problem(self.file, place, found, remedy))

    def problems(self) -> list[Problem]:
        """All of them in the order of rows; more than five of one kind are put together as one."""
        keyed: list[tuple[int, Problem]] = []
        for (column, _), entries in self._by_kind.items():
            if len(entries) <= SHOWN_ONE_BY_ONE:
                for row, found, remedy in entries:
                    keyed.append((row, Problem(self.file, row_place([self.numbers[row]], column), found, remedy)))
                continue
            row, found, remedy = entries[0]
            place = row_place([self.numbers[entry[0]] for entry in entries], column)
            found = (
                f"{len(entries):,} cells like this: {found}" if column else f"{len(entries):,} rows like this: {found}"
            )
            keyed.append((row, Problem(self.file, place, found, remedy)))
        return self.whole + [problem for _, problem in sorted(keyed, key=lambda pair: pair[0])]


@dataclass(frozen=True)
class Number:
    """Counts or scores, one per row: exact value, bounds, and whether anything was written in the cell."""

    value: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    written: npt.NDArray[np.bool_]


_Cell = tuple[float, float, float, str, tuple[str, str, str] | None]


def read_counts(
    cells: Sequence[str], column: str, indicator: Indicator, status: list[str], complaints: Complaints
) -> Number:
    """Read the cells of counts or scores; sets `status` to suppressed or missing where the cell says so.

    Args:
        cells: texts.
        column: name of the column.
        indicator: says what markers mean, how counts are rounded and what the numbers are.
        status: one per row, blank where not given; completed here.
        complaints: receives what is wrong.
    """
    nan = float("nan")
    value = np.full(len(cells), nan)
    low, high = value.copy(), value.copy()
    known: dict[str, _Cell] = {}
    for i, text in enumerate(cells):
        cell = known.get(text)
        if cell is None:
            cell = known[text] = _read_count(text, indicator)
        value[i], low[i], high[i], kind, complaint = cell
        if complaint is not None:
            complaints.add(i, column, *complaint)
        given = status[i]
        if kind == "blank":
            if given == "suppressed":
                found = "The status says suppressed but the cell is blank."
                remedy = "Write the marker as published (such as *), with its rule in indicators.yaml."
                complaints.add(i, column, "blank suppressed", found, remedy)
            elif given not in ("", "missing"):
                complaints.add(
                    i, column, "blank final", f"The cell is blank but the status says {given}.",
                    "Write the count, or write missing as the status.",
                )  # fmt: skip
            status[i] = "missing"
        elif kind == "marker":
            status[i] = "suppressed"
        elif given in ("suppressed", "missing") and complaint is None:
            found = f"The status says {given} but the cell holds {quote(text)}."
            complaints.add(i, column, "status", found, "Correct one of the two.")
        elif not given:
            status[i] = "final"
    return Number(value, low, high, np.fromiter((bool(text) for text in cells), dtype=bool, count=len(cells)))


def read_number(text: str, *, grouped: bool = False) -> float | None:
    """A decimal number in the figures 0 to 9; None for anything that only looks like one (`1,5`, `1_000`, `１２`, `inf`).

    Args:
        text: of a cell.
        grouped: whether `14,050` is fourteen thousand and fifty.
    """
    if grouped and _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    return float(text) if _NUMBER.fullmatch(text) and len(text) <= LONGEST_NUMBER else None


def _read_count(text: str, indicator: Indicator) -> _Cell:
    """(value, low, high, blank | marker | number | bad, complaint) of one cell."""
    nan = float("nan")
    if not text:
        return nan, nan, nan, "blank", None
    if text in indicator.suppressed:
        low, high = indicator.suppressed[text]
        return nan, low, high, "marker", None
    if (number := read_number(text)) is not None:
        if indicator.likelihood == "normal":
            return number, number, number, "number", None
        complaint = _not_a_count(text, number, indicator)
        if complaint is not None:
            return nan, nan, nan, "bad", complaint
        if indicator.rounded_to and number > 0:
            half = indicator.rounded_to // 2
            return nan, max(0.0, number - half), number + half, "number", None
        return number, number, number, "number", None
    return nan, nan, nan, "bad", foreign_number(text, indicator)


def _not_a_count(text: str, number: float, indicator: Indicator) -> tuple[str, str, str] | None:
    if number < 0:
        return (
            "negative",
            f"{quote(text)} is negative.",
            "A count is 0 or more; leave the cell blank if it is not known.",
        )
    if text.partition(".")[2].strip("0"):  # the text and not the number: 0.99999999999999999999 is the float 1.0
        remedy = "Give counts, not rates; for a score write `likelihood: normal` in indicators.yaml."
        return "fraction", f"{quote(text)} is not a whole number.", remedy
    if number > 1e12:
        return "huge", f"{quote(text)} is too large for a count.", "Check the cell."
    if indicator.rounded_to and number % indicator.rounded_to:
        found = (
            f"{quote(text)} is not a multiple of {indicator.rounded_to}, although `rounded_to: {indicator.rounded_to}`."
        )
        return "not rounded", found, "Correct `rounded_to` in indicators.yaml, or use the published count."
    return None


def foreign_number(text: str, indicator: Indicator | None) -> tuple[str, str, str]:
    """(kind, found, remedy) for a cell that is not a number."""
    shown = quote(text)
    if _THOUSANDS.fullmatch(text):
        bare = re.sub(r"[^\d.+-]", "", text)
        return "thousands", f"{shown} has a thousands separator.", f"Write {bare}."
    if _EXPONENT.fullmatch(text):
        return (
            "exponent",
            f"{shown} was shortened by a spreadsheet.",
            "Format the column as Number without decimals.",
        )
    if text.casefold() in _BLANK_WORDS:
        remedy = "Leave the cell blank if it is not known; write 0 if nothing happened."
        if indicator is not None:
            remedy += f" If it hides a small count, declare it: `suppressed: {{{_yaml(text)}: [1, 7]}}`."
        return "word for blank", f"{shown} is not a number.", remedy
    if text.startswith("#") and len(text) > 2:
        return (
            "formula",
            f"{shown} is an error or an overflow of a spreadsheet formula.",
            "Correct the formula and save again.",
        )
    if text.startswith("="):
        return "formula", f"{shown} is a formula.", "Save the values, not the formulas."
    if text.endswith("%") or text[:1] in "£$€":
        return "sign", f"{shown} has a currency or per cent sign.", "Write the bare number."
    if _DATE_LIKE.fullmatch(text):
        return (
            "date",
            f"{shown} is a date: a spreadsheet has rewritten the cell.",
            "Format the column as Number and enter it again.",
        )
    if re.fullmatch(r"\d+,\d{1,2}", text):
        return "comma", f"{shown} has a decimal comma.", f"Write {text.replace(',', '.')}."
    if indicator is None or len(text) > 12 or text.count(" ") > 1:
        return (
            "text",
            f"{shown} is not a number.",
            "Write a number, or leave the cell blank if it is not known.",
        )
    return _undeclared(text, indicator)


def _undeclared(text: str, indicator: Indicator) -> tuple[str, str, str]:
    """A marker for which indicators.yaml has no rule."""
    interval, why = "[1, 7]", "the range that your publisher states"
    if match := _LESS_THAN.fullmatch(text.casefold()):
        top = int(match[2]) - (0 if match[1] in ("<=", "≤") else 1)
        interval, why = f"[1, {max(top, 1)}]", "or from 0, if zeros are hidden too"
    elif match := _RANGE.fullmatch(text.casefold()):
        interval = f"[{match[1]}, {match[2]}]"
    near = [marker for marker in indicator.suppressed if marker.casefold() == text.casefold()]
    if near:
        return (
            "marker " + text,
            f"{quote(text)} is not declared, only {quote(near[0])}.",
            "Write the marker as declared.",
        )
    remedy = f"If it is a suppression marker, add to `{indicator.key}` in indicators.yaml: "
    remedy += f"`suppressed: {{{_yaml(text)}: {interval}}}` ({why})."
    return "marker " + text, f"{quote(text)} is not a number.", remedy


def _yaml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_statuses(cells: Sequence[str] | None, n: int, complaints: Complaints) -> list[str]:
    """Statuses, blank where not given or not known."""
    if cells is None:
        return [""] * n
    found = []
    for i, text in enumerate(cells):
        if text and text not in STATUSES:
            remedy = did_you_mean(text, STATUSES)
            complaints.add(i, "status", "status " + text, f"There is no status {quote(text)}.", remedy)
            text = ""
        found.append(text)
    return found


def read_exposure(
    cells: Sequence[str] | None, counts: Number, indicator: Indicator, complaints: Complaints
) -> npt.NDArray[np.float64]:
    """Exposure, NaN where not given; must be above 0 wherever there is a count, and hold the count if binomial."""
    found = np.full(counts.value.shape, np.nan)
    unused = indicator.likelihood == "normal" or (indicator.exposure == "none" and indicator.likelihood != "binomial")
    if cells is None or unused:
        return found
    known: dict[str, tuple[float, tuple[str, str, str] | None]] = {}
    has_count = ~np.isnan(counts.low)
    for i, text in enumerate(cells):
        if text not in known:
            known[text] = _read_exposure(text)
        found[i], complaint = known[text]
        if not text:
            if has_count[i]:
                remedy = "Fill it in, or leave the count blank too."
                complaints.add(i, "exposure", "no exposure", "There is a count but no exposure.", remedy)
        elif complaint is not None:
            complaints.add(i, "exposure", *complaint)
    if indicator.likelihood == "binomial":
        for i in (int(row) for row in np.flatnonzero(has_count & (counts.low > found))):
            text = f"The exposure (the denominator) is {found[i]:g}, smaller than the count of {counts.low[i]:g}."
            complaints.add(i, "exposure", "too small", text, "Check both; they may be swapped.")
        np.minimum(counts.high, found, out=counts.high, where=has_count & (found > 0) & (counts.low <= found))
    return found


def _read_exposure(text: str) -> tuple[float, tuple[str, str, str] | None]:
    nan = float("nan")
    if not text:
        return nan, None
    number = read_number(text)
    if number is None:
        return nan, foreign_number(text, None)
    if number == 0:
        return nan, (
            "zero",
            "The exposure is 0, so no rate exists.",
            "Give the people or time at risk, or leave the row out.",
        )
    if number < 0:
        return nan, ("negative", f"The exposure {quote(text)} is negative.", "Give a number above 0.")
    return number, None
