"""What the data hold, for readers: shares of area-periods, so that no count of people appears."""

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from evaluation.publication import numbers as say
from evaluation.publication.tables import rows_table


def coverage_table(panels: Mapping[str, xr.Dataset], titles: Mapping[str, str]) -> pd.DataFrame:
    """One row per indicator: areas, first and last period, and how much was exact, known as a range, or missing.

    Args:
        panels: panels by indicator (dims area, time; value, low).
        titles: title of each indicator.
    """
    rows = []
    for key, panel in panels.items():
        exact = panel["value"].notnull()
        known = panel["low"].notnull()
        times = [str(t) for t in panel["time"].values]
        rows.append(
            (
                titles.get(key, key),
                panel.sizes["area"],
                f"{say.period_name(times[0])} to {say.period_name(times[-1])}" if times else "none",
                _share(float(exact.mean())),
                _share(float((known & ~exact).mean())),
                _share(float((~known).mean())),
                _exposure(panel),
            )
        )
    return rows_table(rows, ["Indicator", "Areas", "Periods", "Exact", "Known as a range", "Missing", "Set against"])


def _exposure(panel: xr.Dataset) -> str:
    """What the counts are set against, in words."""
    meaning = panel.attrs.get("exposure_meaning", "")
    if meaning == "persons x days":
        return f"population and days ({panel.attrs.get('population', 'one figure for each area')})"
    return {"days": "days", "as supplied": "the data's own exposure", "denominator": "the denominator"}.get(
        meaning, "-"
    )


def _share(value: float) -> str:
    if value == 0:
        return "none"
    return "less than 1%" if value < 0.01 else f"{100 * value:.0f}%"
