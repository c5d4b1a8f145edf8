"""Two real editions of the same counts (Metropolitan Police, published in December 2025 and in March 2026): what changed is told.

It is the only stored pair at hand. One pair cannot teach the nowcast, which asks for several settled periods at the same age: it must
say so and give none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from evaluation.evidence.panel import build_panel
from evaluation.judgement.change import compare_indicator
from evaluation.judgement.monitoring import gather_series, judge
from evaluation.protocol import load_review

pytestmark = pytest.mark.recovery
KINDS = ("ROBBERY OF BUSINESS PROPERTY", "ROBBERY OF PERSONAL PROPERTY")
FIRST = "2022-01"


def as_first_published(folder: Path) -> pd.DataFrame:
    parts = []
    for path in sorted(folder.glob("MPS Borough Level Crime*.csv")):
        table = pd.read_csv(path)
        area, minor = (next(c for c in table.columns if word in c.lower()) for word in ("borough", "minor"))
        months = [c for c in table.columns if c.isdigit()]
        parts.append(
            table.melt([area, minor], months, "month", "count").set_axis(["area", "minor", "month", "count"], axis=1)
        )
    found = pd.concat(parts)
    found["period"] = found["month"].str[:4] + "-" + found["month"].str[4:]
    return found[found["minor"].str.upper().isin(KINDS)]


def as_known_later(folder: Path) -> pd.DataFrame:
    found = pd.read_csv(folder / "mps_violence_borough_month_long.csv.gz")
    return found[found["minor"].isin(KINDS)].rename(columns={"borough": "area", "month": "period"})


@pytest.fixture
def review(published: Callable[[str], Path], tmp_path: Path):
    source = published("mps_borough_monthly_2010_2026")
    then, now = (
        t[t["period"] >= FIRST].groupby(["area", "period"], as_index=False)["count"].sum()
        for t in (as_first_published(source), as_known_later(source))
    )
    boroughs = sorted(a for a in set(now["area"]) & set(then["area"]) if "Unknown" not in a and "Airport" not in a)
    code = {name: f"B{i:02d}" for i, name in enumerate(boroughs)}
    for place, table in (("data/robbery.csv", now), ("editions/robbery/2025-12-15.csv", then)):
        kept = table[table["area"].isin(code)].assign(area=lambda t: t["area"].map(code))
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        kept.to_csv(tmp_path / place, index=False)
    areas = "\n".join(f'  {c}: {{name: "{name}", population: 250000}}' for name, c in code.items())
    (tmp_path / "areas.yaml").write_text(f"areas:\n{areas}\n", encoding="utf-8")
    (tmp_path / "review.yaml").write_text("{title: T, partnership: London, year: 2025-26}", encoding="utf-8")
    text = "robbery: {title: Robbery, direction: lower_is_better, disclosure: already_public, licence: OGL v3, monitoring: {provisional: 1}}"
    (tmp_path / "indicators.yaml").write_text(text, encoding="utf-8")
    return load_review(tmp_path)


def test_new_months_and_revisions_are_told_apart(review, tell: Callable[[str], None]) -> None:
    indicator = review.indicators["robbery"]
    panel = build_panel(review, "robbery")
    series = gather_series(review, indicator, panel)
    change = compare_indicator(review, indicator, [judge(s, None) for s in series])
    assert change.added == ["2025-12", "2026-01", "2026-02"]
    assert change.gone == 0
    checked = len(change.revised) + change.same
    assert checked == len(panel.area) * len([p for p in panel.time.values if p <= "2025-11"])
    newest = [r for r in change.revised if r.period == "2025-11"]
    then = pd.read_csv(review.folder / "editions" / "robbery" / "2025-12-15.csv")
    first = then.loc[then["period"] == "2025-11", "count"].sum()
    grown = sum(r.now - r.before for r in newest) / first
    older = [r for r in change.revised if r.period < "2025-11"]
    settled = then.loc[then["period"] < "2025-11", "count"].sum()
    drift = sum(abs(r.now - r.before) for r in older) / settled
    assert 0.01 < grown < 0.05, "the newest month was short when first published"
    assert drift < 0.005, "older months hardly moved"
    assert all(not s.nowcasts for s in series), "one pair of editions teaches nothing"
    tell(
        f"{len(change.revised):,} of {checked:,} counts revised; the newest month grew by {grown:.1%}, older ones moved by {drift:.2%}; "
        f"{len(change.turns)} signals turned, {sum(t.cause == 'revision' for t in change.turns)} by revision"
    )
