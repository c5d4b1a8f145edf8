"""What the shipped example holds beside its counts: delivery, days of rare events, an earlier edition, a map, who and when.

All of it is invented, like the rest of Exampleshire, and drawn from the example's own seed, so that the folder can be rebuilt to the
last byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.evidence.context import CONTEXT, MAP, PROFILE
from evaluation.evidence.days import FOLDER as DAYS
from evaluation.evidence.editions import FOLDER as EDITIONS

# Monthly delivery of the street mentors in their two districts: indicator -> mean a district and month, and how it grows
# from the first month to the last.
DELIVERY_AREAS, DELIVERY_START = {"E04": 1.15, "E05": 0.8}, "2023-07"  # one district delivers more than the other
DELIVERY = {
    "mentor_referrals": (8.0, 0.75, 1.1),
    "mentor_sessions": (26.0, 0.6, 1.15),
    "mentor_completions": (2.2, 0.5, 1.2),
}
DAYS_OF = "homicide"
EARLIER, EARLIER_DAY = "knife_offences", "2026-04-20"
REVISED = 0.01  # share of the year before the newest month that the later edition revised
YEAR = 12  # months of the newest year, of which the profile is
PROFILES: dict[str, dict[str, dict[str, tuple[float, float]]]] = {
    # indicator -> dimension -> group -> (share of the events, share of the population; 0 where there is none)
    "violence_with_injury": {
        "age": {"0 to 9": (0.03, 0.11), "10 to 17": (0.15, 0.09), "18 to 24": (0.24, 0.08), "25 to 44": (0.38, 0.26), "45 and over": (0.20, 0.46)},
        "sex": {"female": (0.44, 0.51), "male": (0.56, 0.49)},
        "hour": {"00:00 to 05:59": (0.27, 0.0), "06:00 to 11:59": (0.10, 0.0), "12:00 to 17:59": (0.25, 0.0), "18:00 to 23:59": (0.38, 0.0)},
        "weekday": {"Monday to Thursday": (0.45, 0.0), "Friday": (0.16, 0.0), "Saturday": (0.22, 0.0), "Sunday": (0.17, 0.0)},
    },
    "knife_offences": {
        "age": {"0 to 9": (0.01, 0.11), "10 to 17": (0.24, 0.09), "18 to 24": (0.27, 0.08), "25 to 44": (0.35, 0.26), "45 and over": (0.13, 0.46)},
        "sex": {"female": (0.24, 0.51), "male": (0.76, 0.49)},
    },
}  # fmt: skip
FACTORS = (
    "deprivation score",
    "permanent exclusions per 10,000 pupils",
    "licensed premises per 10,000 residents",
    "youth club places per 1,000 aged 10 to 17",
)
COLUMNS_OF_MAP, SIDE = 4, 10_000  # districts are squares of ten kilometres, in metres


def write_beside(
    folder: Path, populations: Mapping[str, float], data: Mapping[str, pd.DataFrame], seed: int
) -> list[Path]:
    """Write everything beside the counts of the example.

    Args:
        folder: the example.
        populations: by area code.
        data: indicator -> its counts as published.
        seed: of the example.
    """
    written = [_write(folder / "data" / f"{key}.csv", table) for key, table in _delivery(data, seed).items()]
    written.append(_write(folder / DAYS / f"{DAYS_OF}.csv", _days(data[DAYS_OF], seed)))
    written.append(_write(folder / EDITIONS / EARLIER / f"{EARLIER_DAY}.csv", _earlier(data[EARLIER], seed)))
    written.append(_write(folder / PROFILE, _profile(populations, data, seed)))
    written.append(_write(folder / CONTEXT, _factors(populations, data, seed)))
    place = folder / MAP
    place.write_text(json.dumps(_map(list(populations)), indent=1) + "\n", encoding="utf-8", newline="\n")
    return [*written, place]


def _write(path: Path, table: pd.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, lineterminator="\n")
    return path


def _delivery(data: Mapping[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """Counts a month and district, growing from the first month to the last."""
    months = [m for m in sorted(set(data[EARLIER]["period"])) if m >= DELIVERY_START]
    found = {}
    for number, (key, (mean, first, last)) in enumerate(DELIVERY.items()):
        rng = np.random.default_rng((seed, 100, number))
        growth = np.linspace(first, last, len(months))
        rows = [
            (area, m, int(c))
            for area, share in DELIVERY_AREAS.items()
            for m, c in zip(months, rng.poisson(share * mean * growth), strict=True)
        ]
        found[key] = pd.DataFrame(rows, columns=["area", "period", "count"])
    return found


def _days(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A day of the month for every event, any with the same chance."""
    rng = np.random.default_rng((seed, 200))
    rows = []
    for area, period, count in table[["area", "period", "count"]].itertuples(index=False):
        length = pd.Period(period, "M").days_in_month
        rows += [(area, f"{period}-{day:02d}") for day in sorted(rng.integers(1, length + 1, size=int(count)))]
    return pd.DataFrame(rows, columns=["area", "day"])


def _earlier(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The edition of a month before: without the newest month, and with a few counts of the last year as they stood then."""
    rng = np.random.default_rng((seed, 300))
    months = sorted(set(table["period"]))
    before = table[table["period"] < months[-1]].copy()
    late = before["period"] > months[-YEAR - 2]
    drawn = rng.uniform(size=len(before)) < REVISED * len(before) / late.sum()
    fewer = rng.integers(1, 3, size=len(before))
    before["count"] = np.where(late & drawn, np.maximum(before["count"] - fewer, 0), before["count"])
    return pd.DataFrame(before)


def _profile(populations: Mapping[str, float], data: Mapping[str, pd.DataFrame], seed: int) -> pd.DataFrame:
    """Counts of the newest year by who and when, adding up to the year's count."""
    rows = []
    everybody = sum(populations.values())
    for number, (key, dimensions) in enumerate(PROFILES.items()):
        rng = np.random.default_rng((seed, 400, number))
        table = data[key]
        newest = sorted(set(table["period"]))[-YEAR:]
        total = int(table.loc[table["period"].isin(newest), "count"].sum())
        for dimension, groups in dimensions.items():
            shares = np.array([share for share, _ in groups.values()])
            for (group, (_, people)), count in zip(
                groups.items(), rng.multinomial(total, shares / shares.sum()), strict=True
            ):
                rows.append((key, dimension, group, int(count), str(round(people * everybody)) if people else ""))
    return pd.DataFrame(rows, columns=["indicator", "dimension", "group", "count", "population"])


def _factors(populations: Mapping[str, float], data: Mapping[str, pd.DataFrame], seed: int) -> pd.DataFrame:
    """Conditions of areas: three that go with violence to some degree, and one that goes against it."""
    rng = np.random.default_rng((seed, 500))
    table = data["violence_with_injury"]
    sums = table.groupby("area")["count"].sum()
    rate = np.array([sums[area] / populations[area] for area in populations])
    level = (np.log(rate) - np.log(rate).mean()) / np.log(rate).std()

    def mixed(share: float, centre: float, spread: float) -> list[float]:
        noise = rng.normal(size=len(level))
        return [round(float(v), 1) for v in centre + spread * (share * level + np.sqrt(1 - share**2) * noise)]

    columns = (mixed(0.7, 22.0, 5.0), mixed(0.5, 9.0, 1.6), mixed(0.4, 31.0, 5.0), mixed(-0.3, 42.0, 8.0))
    return pd.DataFrame({"area": list(populations), **dict(zip(FACTORS, columns, strict=True))})


def _map(areas: list[str]) -> dict[str, object]:
    features = []
    for number, code in enumerate(areas):
        x, y = SIDE * (number % COLUMNS_OF_MAP), -SIDE * (number // COLUMNS_OF_MAP)
        ring = [[x, y], [x + SIDE, y], [x + SIDE, y + SIDE], [x, y + SIDE], [x, y]]
        features.append(
            {"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        )
    note = "SIMULATED: a schematic map of a county that does not exist, in metres"
    return {"type": "FeatureCollection", "name": note, "features": features}
