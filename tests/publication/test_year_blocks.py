"""Blocks of the year between reviews that need something special: days between events, editions, looks, delivery."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.evidence.panel import build_panel
from evaluation.inference.looks import Look
from evaluation.judgement.board import Board
from evaluation.judgement.change import Change, Revised, Turn
from evaluation.judgement.false_alarms import Alarms
from evaluation.judgement.monitoring import gather_series, judge
from evaluation.judgement.stopping import NO_EFFECT, VERDICTS, Watch, simulate_errors
from evaluation.protocol import load_review
from evaluation.protocol.plan import Stopping
from evaluation.publication import changed, delivery, gap_charts, monitoring, running
from evaluation.publication.alt import find_faults
from evaluation.publication.display import Table, to_outputs
from evaluation.publication.staging import check_fragment

PARAMS = Path(__file__).resolve().parents[2] / "params"


@pytest.fixture(scope="module")
def review():
    return load_review(PARAMS / "example")


def judged_of(review, key: str):
    return [judge(s, None) for s in gather_series(review, review.indicators[key], build_panel(review, key))]


def text(blocks) -> str:
    parts = []
    for block in blocks:
        for data, _ in to_outputs(block):
            if "text/html" in data:
                check_fragment(data["text/html"])
                parts.append(data["text/html"])
    return " ".join(parts)


def test_the_days_between_homicides_are_charted(review) -> None:
    found = judged_of(review, "homicide")
    rare = next(j for j in found if j.kind == "t")
    figure = gap_charts.gap_chart(rare)
    assert find_faults(figure.alt, f"{figure.name}.png") is None, figure.alt
    assert "t chart" in figure.caption and "days" in figure.caption
    assert figure.data["Gap"].tolist()[-1] == "since the newest"
    assert figure.data.iloc[:-1, 1].tolist() == rare.gaps.days[-40:].astype(int).tolist()
    assert found[-1].series.area == "all" and found[-1].kind == "xmr", "together they are no longer rare"
    with pytest.raises(ValueError, match="no chart of the time"):
        gap_charts.gap_chart(found[-1])


def test_days_of_a_controlled_indicator_are_rounded(review) -> None:
    hidden = review.indicators["homicide"].model_copy(update={"disclosure": "partner"})
    series = gather_series(review, hidden, build_panel(review, "homicide"))[0]
    figure = gap_charts.gap_chart(judge(series, None))
    assert all(days % 5 == 0 for days in figure.data.iloc[:, 1])
    assert "rounded to 5" in figure.caption


def test_delivery_is_set_against_its_target(review) -> None:
    found = [j for key in ("mentor_sessions", "mentor_referrals") for j in judged_of(review, key)]
    assert {j.series.area for j in found} == {"E04", "E05"}, "only where the scheme runs, and no sum of it"
    board = Board(found, None, None, None)
    table = delivery.delivery(board, review)[0]
    assert isinstance(table, Table)
    sessions = found[0].series.value[-12:]
    row = table.data.iloc[0]
    assert row["Newest year"] == int(sessions.sum()) and row["Target for that year"] == "360"
    assert row["Periods that met the target"] == f"{int((sessions >= 30).sum())} of 12"
    assert set(table.data["Will the process meet it?"]) <= {*delivery.ASSURANCE.values()}
    controlled = delivery.delivery(board, review)[1]
    assert isinstance(controlled, Table) and controlled.counts and not table.counts, "one table never mixes the two"
    referrals = controlled.data.iloc[0]
    assert referrals["Newest period"] == "[c]" or referrals["Newest period"] % 5 == 0, "people are protected here too"
    assert any("against a target of 30" in line for line in delivery.delivery_lines(board))


def test_an_edition_is_told_without_giving_withheld_counts_away(review) -> None:
    indicator = review.indicators["knife_offences"]
    change = Change(
        indicator, date(2026, 4, 20), ["2026-03"], [Revised("Quillhaven", "2026-01", 3.0, 5.0), Revised("Ostlemere", "2025-12", 22.0, 27.0)],
        0, 1328, [Turn("Ostlemere", "common", "concern", "outside", "revision")],
    )  # fmt: skip
    blocks = changed.changed(Board([], None, None, None), [change])
    table = next(b for b in blocks if isinstance(b, Table))
    assert table.data[["Before", "Now"]].to_numpy().tolist() == [["[c]", "[c]"], [20, 25]]
    said = text(blocks)
    assert "new: March 2026" in said and "2 of 1,330 earlier counts were revised, 2 upwards" in said
    assert "because earlier counts were revised" in said
    assert "No earlier edition" in text(changed.changed(Board([], None, None, None), []))
    assert changed.change_lines([change])[0].startswith("Knife-enabled offences: since the edition of 20 April 2026")


def test_a_running_intervention_shows_its_looks_and_how_often_its_rule_errs() -> None:
    rule = Stopping()
    truths = {NO_EFFECT: 0.0, "a benefit of 20%": float(np.log(0.8))}
    errors = {
        words: simulate_errors([100.0, 200.0], rule, 0.0, 0.25, -0.05, truth, 1) for words, truth in truths.items()
    }
    look = Look("2026-03", -0.2, 0.1, 0.97, 0.03, 0.9)
    watch = Watch(
        "p", "Mentors", rule, ["2026-03", "2026-06"], [look], ["go on"], errors, peeking={"once": 0.04, "always": 0.12}
    )
    said = text(running.running([watch, Watch("q", "Bins", None, [], [], [], {}, "its plan fixed no rule")]))
    assert "the rule says to go on; next look with the data up to June 2026" in said
    assert "12%" in said and "Bins: its plan fixed no rule." in said
    for verdict in VERDICTS:
        assert running.VERDICT_WORDS[verdict] in said
    line = running.running_lines([watch])[0]
    assert "Over all 2 looks" in line and "harmful" in line
    assert len(running.running_lines([watch, Watch("q", "Bins", None, [], [], [], {}, "")])) == 1


def test_signals_are_set_against_chance_in_words() -> None:
    def board(signals: int, usual: tuple[int, int]):
        judged = [
            SimpleNamespace(variation="concern" if i < signals else "common", range_side=0, expected=None)
            for i in range(20)
        ]
        alarms = Alarms(0.05, 1.0, 0.6, 400, 20, (0.9, 1.1), usual)
        return SimpleNamespace(judged=judged, quiet=alarms, ranges=None, years=None)

    assert "so many could be chance" in monitoring.against_chance(board(3, (0, 3)))[0]  # type: ignore[arg-type]
    assert ": more than chance" in monitoring.against_chance(board(4, (0, 3)))[0]  # type: ignore[arg-type]
