"""SIMULATED data for the review folders of real partnerships, until real data are imported.

Rates are round numbers of a plausible size, the same for every partnership, and nothing in them comes from any of the
places: a book made from them shows what it will look like and says so on every page.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evaluation.evidence.simulate import PanelSpec, simulate_panel, suppress_small_counts
from evaluation.protocol.loading import load_review

SEEDS = {
    "south_nottinghamshire": 1,
    "ashfield_mansfield": 2,
    "norfolk": 3,
    "hampshire_isle_of_wight": 4,
    "bath_north_east_somerset": 6,
}
FIRST_PERIOD, N_PERIODS = "2021-04", 60

# Events per 1,000 residents a month.
RATES = {
    "serious_harm": 0.9,
    "violence_with_injury": 0.8,
    "domestic_violence_with_injury": 0.25,
    "alcohol_drug_violence": 0.12,
    "public_violence_under_25": 0.12,
    "knife_offences": 0.06,
    "robbery": 0.06,
    "sexual_offences": 0.15,
    "exploitation_crime": 0.03,
    "county_lines_crime": 0.02,
    "firearm_offences": 0.004,
    "homicide": 0.0008,
    "non_domestic_homicide": 0.0005,
    "assault_admissions": 0.04,
    "sharp_object_admissions": 0.006,
    "vehicle_crime": 0.35,
}


def write_placeholder_data(folder: str | Path) -> list[Path]:
    """Write the SIMULATED data of a partnership's folder, from the populations in its own areas.yaml.

    Returns:
        The files written.

    Raises:
        ValueError: the folder has another name, or says that its data are real; nothing is written over.
    """
    folder = Path(folder).resolve()
    if folder.name not in SEEDS:
        raise ValueError(f"only folders called {', '.join(SEEDS)} hold placeholder data, not {folder.name}")
    review = load_review(folder)
    if not review.settings.simulated:
        raise ValueError(f"the data of {folder.name} are real (review.yaml has no `simulated: true`)")
    populations = {code: float(area.population or 100_000) for code, area in review.areas.areas.items()}
    ordinary = PanelSpec(
        populations, FIRST_PERIOD, N_PERIODS, rate=1.0, level_sd=0.25, trend_per_year=-0.01, season_amplitude=0.07
    )
    written = []
    for number, (key, indicator) in enumerate(review.indicators.items()):
        data, _ = simulate_panel(replace(ordinary, rate=RATES[key]), (SEEDS[folder.name], number))
        if indicator.suppressed:
            data = suppress_small_counts(data, round_to=indicator.rounded_to)
        written.append(folder / "data" / f"{key}.csv")
        written[-1].parent.mkdir(exist_ok=True)
        data.to_csv(written[-1], index=False, lineterminator="\n")
    return written
