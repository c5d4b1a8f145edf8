"""The chapters of the rest of the year: blocks that may be published, words that agree with the numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.errors import InputError
from evaluation.evidence.context import Context, read_context, share_borders
from evaluation.evidence.panel import build_panel
from evaluation.judgement.board import Board
from evaluation.judgement.false_alarms import Alarms, textbook_alarms
from evaluation.judgement.monitoring import gather_series, judge
from evaluation.judgement.needs import assess
from evaluation.protocol import load_review
from evaluation.publication import changed, delivery, monitoring, needs, needs_who, series_words
from evaluation.publication.alt import find_faults
from evaluation.publication.display import Figure, Table, to_outputs
from evaluation.publication.maps import area_map
from evaluation.publication.staging import check_fragment

PARAMS = Path(__file__).resolve().parents[2] / "params"


@pytest.fixture(scope="module")
def review():
    return load_review(PARAMS / "ashfield_mansfield")


@pytest.fixture(scope="module")
def board(review) -> Board:
    judged = [
        judge(series, None, "not asked for in this test")
        for key, indicator in review.indicators.items()
        for series in gather_series(review, indicator, build_panel(review, key))
    ]
    return Board(judged, Alarms(0.015, 0.6, 0.45, 400), Alarms(0.12, 5.4, 0.99, 400), None)


@pytest.fixture(scope="module")
def assessed(review):
    return assess(review)


def everything(board: Board, review, assessed) -> list:
    blocks = [*monitoring.overview(board), *changed.changed(board), *monitoring.signals(board)]
    blocks += [
        *monitoring.quiet(board)[:6],
        *delivery.delivery(board, review),
        *monitoring.false_alarms(board),
    ]
    blocks += [*monitoring.rules(board), *monitoring.provisional(board), *needs.kinds(assessed, review)]
    context = Context()
    blocks += [
        *needs.where(assessed, review, context),
        *needs.concentration(assessed),
        *needs_who.when(assessed, review, context),
    ]
    blocks += [
        *needs_who.whom(review, context),
        *needs_who.conditions(assessed, review, context),
        *needs.limits(assessed, review, context),
    ]
    return blocks + needs.priorities(assessed)


@pytest.mark.slow
def test_every_block_may_be_published(board, review, assessed) -> None:
    for block in everything(board, review, assessed):
        for data, _ in to_outputs(block):
            if "text/html" in data:
                check_fragment(data["text/html"])
        if isinstance(block, Figure):
            assert find_faults(block.alt, f"{block.name}.png") is None, block.alt


@pytest.mark.slow
def test_no_small_count_is_shown_of_a_controlled_indicator(board, review, assessed) -> None:
    tables = [b for b in everything(board, review, assessed) if isinstance(b, (Table, Figure)) and b.counts]
    assert tables
    for table in tables:
        for column in table.counts:
            assert not {1, 2, 3, 4, 5, 6, 7} & {c for c in table.data[column] if isinstance(c, int)}


def test_icons_carry_words_and_the_lead_counts_them(board) -> None:
    lead = monitoring.overview(board)[0].html
    assert f"{len(board.judged)} series" in lead
    assert f"{sum(j.variation != 'common' for j in board.judged)} with a signal by the NHS rules" in lead
    for variation in ("improvement", "concern", "neutral", "common"):
        assert monitoring.WORDS[variation] in series_words.badge(variation)


def test_false_alarms_that_break_the_rules_are_called_so(board) -> None:
    said = " ".join(getattr(b, "html", "") for b in monitoring.false_alarms(board))
    assert "break the rules" in said
    held = Board(board.judged, Alarms(0.015, 0.6, 0.45, 400), Alarms(0.016, 0.6, 0.45, 400), None)
    assert "hold well enough" in " ".join(getattr(b, "html", "") for b in monitoring.false_alarms(held))


def test_textbook_boards_signal_more_with_more_charts() -> None:
    few, many = (textbook_alarms([36] * n, np.random.default_rng(1)) for n in (2, 40))
    assert many.any_on_board > 3 * few.any_on_board
    assert 0.005 < many.per_chart < 0.04


SQUARES = (
    '{"type": "FeatureCollection", "features": ['
    '{"type": "Feature", "properties": {"LAD24CD": "E07000170"}, "geometry": {"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,1],[0,0]]]}},'
    '{"type": "Feature", "properties": {"LAD24CD": "E07000174"}, "geometry": {"type": "Polygon", "coordinates": [[[1,0],[2,0],[2,1],[1,1],[1,0]]]}},'
    '{"type": "Feature", "properties": {"LAD24CD": "E07000171"}, "geometry": {"type": "MultiPolygon", "coordinates": [[[[5,0],[6,0],[6,1],[5,0]]]]}}]}'
)


def copy(review, folder: Path):
    import shutil

    shutil.copytree(review.folder, folder, ignore=shutil.ignore_patterns("_build"))
    return load_review(folder)


def test_a_map_is_drawn_and_gives_neighbours(review, assessed, tmp_path: Path) -> None:
    own = copy(review, tmp_path / "r")
    (own.folder / "areas.geojson").write_text(SQUARES, encoding="utf-8")
    context = read_context(own)
    assert context.neighbours["E07000170"] == ["E07000174"]
    assert context.neighbours["E07000171"] == []
    figure = area_map(assessed[0], context.polygons)
    assert figure is not None and len(figure.data) == 3


def test_who_and_conditions_are_read_and_every_mistake_is_listed(review, assessed, tmp_path: Path) -> None:
    own = copy(review, tmp_path / "r")
    (own.folder / "needs").mkdir()
    profile = own.folder / "needs" / "profile.csv"
    profile.write_text(
        "indicator,dimension,group,count,population\nknife_offences,sex,male,80,50000\nknife_offences,sex,female,3,51000\n",
        encoding="utf-8",
    )
    (own.folder / "needs" / "context.csv").write_text(
        "area,deprivation\n" + "".join(f"{code},{i}\n" for i, code in enumerate(own.areas.areas)), encoding="utf-8"
    )
    context = read_context(own)
    table = needs_who.whom(own, context)[0]
    assert isinstance(table, Table)
    assert table.data["Count"].tolist() == [80, "[c]"]
    assert table.data.iloc[1, 3] == "[c]", "a rate with its population would give the count away"
    assert any(
        isinstance(b, Table) and "Rank correlation" in b.data for b in needs_who.conditions(assessed, review, context)
    )
    profile.write_text(
        "indicator,dimension,group,count\nguns,sex,male,80\nknife_offences,sex,male,-1\nknife_offences,age,old,x\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_context(own)
    assert len(caught.value.problems) == 3


def test_polygons_that_touch_in_a_corner_are_no_neighbours() -> None:
    rings = {"a": [[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]], "b": [[(1.0, 1.0), (2.0, 1.0), (2.0, 2.0)]]}
    assert share_borders(rings) == {"a": [], "b": []}
