"""What may leave the partnership: suppression and rounding of counts, and labels that stay text.

Counts of people or events follow the rule for hospital data (NHS Digital, HES and ECDS): a zero is shown, 1 to 7 is
withheld, everything else is rounded to the nearest 5, and totals are rounded on their own, so that no withheld cell
can be had by subtraction. Results of a model (expected values, intervals, ratios) need no such control; the one
exception is `withhold_saturated`.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Profile = Literal["health", "partner", "already_public"]

CONFIDENTIAL = "[c]"
NOT_AVAILABLE = "[x]"
LARGEST_WITHHELD = 7
ROUNDED_TO = 5
SHORTHAND = {CONFIDENTIAL: "withheld to protect people (1 to 7)", NOT_AVAILABLE: "not available"}

# Characters that turn the text of a spreadsheet cell into a formula (OWASP ASVS 5, 1.2.10).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Safe(str):
    """HTML made by our own code from escaped parts; the only text a table does not escape again."""

    @property
    def text(self) -> str:
        """What a reader sees of it."""
        shown = re.sub(r'<span aria-hidden="true">[^<]*</span>|<span class="svd-dots"[^<]*</span>', "", self)
        return clean(html.unescape(re.sub(r"<[^>]*>", " ", shown)), 2000)


def is_controlled(profile: str) -> bool:
    """True for every profile but `already_public`; an unknown profile is controlled."""
    return profile != "already_public"


def control_points(counts: ArrayLike, profile: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the counts that may be drawn, and which were withheld.

    Args:
        counts: counts of events, NaN where missing.
        profile: disclosure profile of the indicator.

    Returns:
        The rounded counts with NaN where missing or withheld, and a mask of the withheld ones; both of the shape given.
    """
    values = np.asarray(counts, dtype=float)
    if not is_controlled(profile):
        return values.copy(), np.zeros(values.shape, dtype=bool)
    size = np.abs(values)
    withheld = (size > 0) & (size < LARGEST_WITHHELD + 0.5)
    rounded = np.sign(values) * np.floor(size / ROUNDED_TO + 0.5) * ROUNDED_TO
    return np.where(withheld, np.nan, rounded), withheld


def control_counts(counts: Iterable[float], profile: str) -> list[int | float | str]:
    """Return the counts as they may be printed: a number, `[c]` (withheld) or `[x]` (missing)."""
    points, withheld = control_points(list(counts), profile)
    cells: list[int | float | str] = []
    for value, hidden in zip(points.tolist(), withheld.tolist(), strict=True):
        if hidden:
            cells.append(CONFIDENTIAL)
        elif np.isnan(value):
            cells.append(NOT_AVAILABLE)
        else:
            cells.append(int(value) if float(value).is_integer() else round(value, 1))
    return cells


# Ends the caption of the second of two tables that were parted, so that a reader, or a screen reader, can tell them apart.
UNDER_CONTROL = " (small counts withheld, others rounded)"


def by_control[T](items: Iterable[T], profile_of: Callable[[T], str], name: str) -> Iterator[tuple[str, bool, list[T]]]:
    """Part what one table must not mix: figures that are already public, and figures under control.

    Yields:
        the table's name (that of the controlled ones ends in `-controlled`), whether it is controlled, and its items; never none.
    """
    found = list(items)
    for controlled in (False, True):
        part = [item for item in found if is_controlled(profile_of(item)) == controlled]
        if part:
            yield f"{name}-controlled" if controlled else name, controlled, part


def find_uncontrolled(cell: str) -> bool:
    """True if a printed count under control is neither withheld nor rounded as `control_counts` would print it."""
    text = cell.strip().replace(",", "").replace("\u2212", "-")
    if not re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        return False
    value = float(text)
    return value % ROUNDED_TO != 0 or 0 < abs(value) < ROUNDED_TO + 1


def withhold_saturated(expected: ArrayLike, withheld: ArrayLike, shape: str, profile: str) -> NDArray[np.float64]:
    """Hide the expected value of a withheld count where the model has a free effect for that very period.

    With `shape: per_period` the expected value of a period is nearly the observed count, so it would give it away.
    """
    values = np.array(expected, dtype=float)
    if shape == "per_period" and is_controlled(profile):
        values[np.asarray(withheld, dtype=bool)] = np.nan
    return values


def clean(text: object, longest: int = 400) -> str:
    """Return one line of plain text: no control characters, no direction marks, no runs of spaces, not too long."""
    if text is None:
        return ""
    visible = str(text)
    if not (visible.isascii() and visible.isprintable()):  # what looking at each letter would leave as it is
        visible = "".join(
            c if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") else " " for c in visible
        )
    line = re.sub(r"\s+", " ", visible).strip()
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def escape(text: object, longest: int = 2000) -> str:
    """Return `text` as the inside of an HTML element or attribute: text, never markup."""
    return html.escape(clean(text, longest), quote=True)


def escape_markdown(text: object) -> str:
    """Return `text` as MyST markdown that renders as that very text: all ASCII punctuation is escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", clean(text))


def spreadsheet_cell(value: object) -> object:
    """Return `value` such that a spreadsheet shows it and never computes it; numbers are left alone."""
    if not isinstance(value, str):
        return value
    if isinstance(value, Safe):
        value = value.text
    text = value
    if not value.isprintable() and value[:1] not in "\t\r\n\0":
        text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in value)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def csv_text(table: pd.DataFrame) -> str:
    """Return `table` as CSV (header row, no index, empty for missing) with every text cell and header guarded."""
    guarded = table.copy()
    for position in range(guarded.shape[1]):
        if guarded.dtypes.iloc[position].kind not in "iufb":
            cells = [spreadsheet_cell(v) for v in guarded.iloc[:, position].tolist()]
            guarded.isetitem(position, pd.Series(cells, dtype=object).array)
    guarded.columns = pd.Index([spreadsheet_cell(str(c)) for c in guarded.columns])
    return str(guarded.to_csv(index=False, lineterminator="\n"))
