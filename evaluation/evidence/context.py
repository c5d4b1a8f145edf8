"""What a needs assessment may have besides the counts: a map, who and when, and conditions of areas. All optional.

`areas.geojson`: polygons, each with the area's code among its properties. `needs/profile.csv`: indicator, dimension (age, sex,
hour, weekday, place), group, count and, where it is known, population. `needs/context.csv`: area and one column for each risk or
protective factor.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.errors import InputError, Problem
from evaluation.evidence.cells import read_number
from evaluation.evidence.small_table import read_table
from evaluation.protocol import Review
from evaluation.protocol.suggest import quote

MAP, PROFILE, CONTEXT = "areas.geojson", "needs/profile.csv", "needs/context.csv"
PROFILE_COLUMNS = ("indicator", "dimension", "group", "count")
Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class Context:
    """What was found beside the counts.

    Attributes:
        polygons: code -> rings of its polygons, as (x, y); empty without a map.
        neighbours: code -> codes that share two or more corners with it.
        profile: columns of needs/profile.csv; empty without the file.
        factors: indexed by area code, one column a factor; empty without the file.
    """

    polygons: dict[str, list[Ring]] = field(default_factory=dict)
    neighbours: dict[str, list[str]] = field(default_factory=dict)
    profile: pd.DataFrame = field(default_factory=pd.DataFrame)
    factors: pd.DataFrame = field(default_factory=pd.DataFrame)


def read_context(review: Review) -> Context:
    """Read what is there.

    Raises:
        InputError: with everything that is wrong in these files.
    """
    problems: list[Problem] = []
    polygons = _read_map(review, problems)
    profile = _read_profile(review, problems)
    factors = _read_factors(review, problems)
    if problems:
        raise InputError(problems)
    return Context(polygons, share_borders(polygons), profile, factors)


def share_borders(polygons: dict[str, list[Ring]]) -> dict[str, list[str]]:
    """Areas that share at least two corners. Maps whose borders were simplified apart have none: then say neighbours in areas.yaml."""
    corners = {
        code: {(round(x, 6), round(y, 6)) for ring in rings for x, y in ring} for code, rings in polygons.items()
    }
    return {
        code: [other for other, theirs in corners.items() if other != code and len(own & theirs) > 1]
        for code, own in corners.items()
    }


def _read_map(review: Review, problems: list[Problem]) -> dict[str, list[Ring]]:
    path = review.folder / MAP
    if not path.is_file():
        return {}
    try:
        features = json.loads(path.read_text(encoding="utf-8-sig"))["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        features = None
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        problems.append(
            Problem(MAP, "", "This is not a GeoJSON FeatureCollection.", "Export the boundaries as GeoJSON.")
        )
        return {}
    polygons: dict[str, list[Ring]] = {}
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties")
        named = {str(v) for v in properties.values()} if isinstance(properties, dict) else set()
        named.add(str(feature.get("id", "")))
        code = next((c for c in review.areas.areas if c in named), None)
        if code is None:
            continue
        geometry = feature.get("geometry")
        rings = _rings(geometry if isinstance(geometry, dict) else {})
        if not rings or any(not math.isfinite(v) for ring in rings for point in ring for v in point):
            problems.append(
                Problem(MAP, f"feature {number}", f"`{code}` is not a polygon.", "Give a Polygon or a MultiPolygon.")
            )
            continue
        polygons.setdefault(code, []).extend(rings)
    if not polygons and not problems:
        problems.append(
            Problem(
                MAP,
                "",
                "No polygon holds a code of areas.yaml in its properties.",
                "Use boundaries with the same codes.",
            )
        )
    return polygons


def _rings(geometry: dict[str, Any]) -> list[Ring]:
    kind, parts = geometry.get("type"), geometry.get("coordinates") or []
    shapes = [parts] if kind == "Polygon" else parts if kind == "MultiPolygon" else []
    try:
        return [[_point(p) for p in shape[0]] for shape in shapes if shape and len(shape[0]) > 2]
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        return []


def _point(given: list[Any]) -> tuple[float, float]:
    x, y = given[0], given[1]
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in (x, y)):
        raise TypeError("a coordinate is a number, not a text that looks like one")
    return float(x), float(y)


def _read_profile(review: Review, problems: list[Problem]) -> pd.DataFrame:
    table = _table(review.folder / PROFILE, PROFILE, PROFILE_COLUMNS, problems)
    if table.empty:
        return table
    for row, key in table["indicator"].items():
        if key not in review.indicators:
            problems.append(
                Problem(
                    PROFILE, f"row {row}, indicator", f"There is no indicator `{key}`.", "Use a key of indicators.yaml."
                )
            )
    for column in ("count", *(["population"] if "population" in table else [])):
        table[column] = _numbers(table[column], column, PROFILE, problems, blank=column == "population")
    return table


def _read_factors(review: Review, problems: list[Problem]) -> pd.DataFrame:
    table = _table(review.folder / CONTEXT, CONTEXT, ("area",), problems)
    if table.empty:
        return table
    for row, code in table["area"].items():
        if code not in review.areas.areas:
            problems.append(
                Problem(CONTEXT, f"row {row}, area", f"There is no area `{code}`.", "Use a code of areas.yaml.")
            )
    if table["area"].duplicated().any():
        problems.append(Problem(CONTEXT, "column area", "An area stands there twice.", "Keep one row for each area."))
    for column in table.columns.drop("area"):
        table[column] = _numbers(table[column], column, CONTEXT, problems, blank=True, signed=True)
    return table.set_index("area")


def _table(path: Path, name: str, columns: tuple[str, ...], problems: list[Problem]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    rows = read_table(path, name, columns, problems)
    return pd.DataFrame([cells for _, cells in rows], index=[number for number, _ in rows], dtype=object)


def _numbers(
    cells: pd.Series, column: str, name: str, problems: list[Problem], *, blank: bool, signed: bool = False
) -> pd.Series:
    values = []
    for row, text in cells.items():
        place, value = f"row {row}, {column}", read_number(text)
        if text and value is None:
            remedy = "Write a number; leave what is not known blank."
            problems.append(Problem(name, place, f"{quote(text)} is not a number.", remedy))
        elif value is not None and value < 0 and not signed:
            problems.append(Problem(name, place, f"'{text}' is out of range.", "Write a number of at least 0."))
        elif not text and not blank:
            problems.append(Problem(name, place, "The cell is blank.", "Write the count, or take the row out."))
        values.append(math.nan if value is None else value)
    return pd.Series(values, index=cells.index, dtype=float)
