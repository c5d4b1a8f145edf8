"""Secondary disclosure control: what could be had by subtraction is withheld too."""

from functools import cache
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluation.publication.disclosure import control_counts
from evaluation.publication.subtraction import Line, gives_away, hide_more, known_bounds, narrowed, told_series

counts = st.lists(st.integers(0, 14), min_size=2, max_size=3)


@cache
def told(value: int) -> object:
    return control_counts([value], "partner")[0]


def possible(members: list[int], total: bool, hidden: tuple[int, ...] = ()) -> list[set[int]]:
    """By trying everything: which counts each member could have, given what is printed."""
    printed = ["more" if i in hidden else told(v) for i, v in enumerate(members)]
    whole = told(sum(members))
    found: list[set[int]] = [set() for _ in members]
    # A group that is withheld besides may be as large as the total: 3 x 14, printed 40, is 42 at most.
    for guess in product(*(range(43) if i in hidden else range(19) for i in range(len(members)))):
        fits = all(p == "more" or told(g) == p for g, p in zip(guess, printed, strict=True))
        if fits and (not total or told(sum(guess)) == whole):
            for seen, g in zip(found, guess, strict=True):
                seen.add(g)
    return found


@pytest.mark.parametrize(
    ("members", "telling"),
    [
        ([3, 10], False),  # 10 is 8 to 12 and the total 13, printed 15, is 13 to 17: still 1 to 7 (13 - 12 to 17 - 8)
        ([7, 7, 0], True),  # printed 15: two withheld counts that add up to 13 or more are 6 or 7
        ([3, 0, 0], False),  # the total is withheld itself
        ([4, 50, 60, 70], False),  # rounding of three others hides it
        ([0, 20], False),  # nothing is withheld
        ([2, 7], False),  # printed 10, that is 8 to 12: each can still be 1 to 7
    ],
)
def test_totals_by_hand(members: list[int], telling: bool) -> None:
    assert bool(gives_away(np.array(members)[:, None], "partner")[0]) is telling


@settings(max_examples=120, deadline=None)
@given(counts)
def test_a_total_is_told_only_if_every_withheld_count_could_still_be_any_of_1_to_7(members: list[int]) -> None:
    telling = bool(gives_away(np.array(members)[:, None], "partner")[0])
    left = possible(members, total=True)
    withheld = [seen for seen, value in zip(left, members, strict=True) if 1 <= value <= 7]
    kept = all(set(range(1, 8)) <= seen for seen in withheld)
    shown = not isinstance(told(sum(members)), str)
    assert telling == (shown and not kept), (members, left)


def test_public_figures_and_missing_members_are_left_alone() -> None:
    assert not gives_away(np.array([[7.0], [7.0]]), "already_public")[0]
    assert not gives_away(np.array([[7.0], [np.nan]]), "partner")[0]


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(counts)
@example([7, 7, 14])
def test_groups_are_withheld_until_the_total_tells_nothing(members: list[int]) -> None:
    more = hide_more(members, "partner")
    if more.all():
        return  # the whole table is left out
    assert not any(more[i] for i, v in enumerate(members) if 1 <= v <= 7), "the small ones are withheld anyway"
    if not any(1 <= v <= 7 for v in members):
        assert not more.any()
    if isinstance(told(sum(members)), str):
        return
    hidden = tuple(np.flatnonzero(more).tolist())
    left = possible(members, total=True, hidden=hidden)
    for seen, value in zip(left, members, strict=True):
        if 1 <= value <= 7:
            assert set(range(1, 8)) <= seen


def test_groups_by_hand() -> None:
    assert hide_more([6, 7], "partner").all(), "printed 15 together: 6 or 7 each, whatever else is withheld"
    assert hide_more([6, 7, 0], "partner").all()
    assert hide_more([3, 40, 60], "partner").tolist() == [False, False, False]
    assert hide_more([1, 8, 0], "partner").tolist() == [False, True, False], "8 to 12 less 8 to 12 is at most 4"
    assert not hide_more([6, 7], "already_public").any()


def test_lines_together_tell_what_none_tells_alone() -> None:
    """Two overlapping totals: of A and B, and of B and C, with B withheld."""
    values = np.array([20.0, 3.0, 0.0, 0.0])
    low, high, small = known_bounds(values, "partner")
    alone = [Line((0, 1), 21, 25), Line((1, 2, 3), 0, 9)]
    assert narrowed(low, high, np.flatnonzero(small), alone[:1]) == []
    assert narrowed(low, high, np.flatnonzero(small), [Line((0, 1), 21, 25), Line((0,), 20, 20)]) == [1], "3 is 1 to 5"
    assert narrowed(low, high, np.flatnonzero(small), []) == []


def test_the_treated_areas_together_do_not_give_one_away() -> None:
    months = [str(p) for p in pd.period_range("2024-01", periods=3, freq="M")]
    panel = xr.Dataset(
        {"value": (("area", "time"), np.array([[7.0, 30, 3], [7.0, 4, 0]]))},
        coords={"area": ["A", "B"], "time": months},
    )
    lines = xr.Dataset({"observed": ("time", np.array([14.0, 34, 3]))}, coords={"time": months})
    evaluation = SimpleNamespace(
        review=SimpleNamespace(indicators={"x": SimpleNamespace(disclosure="partner")}),
        plan=SimpleNamespace(treated={"A": "2024-02", "B": "2024-02"}),
        panels={"x": panel},
    )
    assert np.isnan(told_series(evaluation, "x", lines)["observed"].values).tolist() == [True, False, False]
    evaluation.review.indicators["x"].disclosure = "already_public"
    assert told_series(evaluation, "x", lines) is lines


def test_the_example_has_totals_that_would_tell() -> None:
    """The figure that decision 0010 gives."""
    from evaluation import resources
    from evaluation.evidence.panel import build_panel
    from evaluation.protocol import load_review

    review = load_review(resources.folder("params") / "example")
    treated = list(review.plans["street_mentors"].treated)
    panel = build_panel(review, "knife_offences")["value"].sel(area=treated)
    telling = gives_away(panel.values.astype(float), "partner")
    assert (len(treated), int(telling.sum()), len(telling)) == (2, 12, 96)
