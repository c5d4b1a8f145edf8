"""The shape of a model's data: refused when wrong, rounded up to few sizes."""

from __future__ import annotations

import numpy as np
import pytest
from pymc import Model

from models import did, its
from models.components import register
from models.structure import AREA_BUCKETS, ModelData, Structure, check_layout, layout, pack, round_up
from tests.models.interpreted import INTERPRETED

ITS = Structure("its", "negative_binomial", 1, 8, 1, n_distinct=128)
DID = Structure(
    "did",
    "negative_binomial",
    4,
    8,
    1,
    n_cohorts=4,
    n_cells=16,
    area_trends=True,
    n_censored=64,
    censored_width=8,
    n_distinct=128,
)


def ones(structure: Structure) -> dict[str, np.ndarray]:
    return {name: np.ones(shape, dtype=dtype) for name, (shape, dtype) in layout(structure).items()}


@pytest.mark.parametrize("structure", [ITS, DID])
def test_what_layout_asks_for_is_accepted(structure: Structure) -> None:
    check_layout(ModelData(structure, ones(structure)))


@pytest.mark.parametrize("structure", [ITS, DID])
@pytest.mark.parametrize("build", [its.build, did.build])
def test_a_model_refuses_before_it_builds(structure: Structure, build) -> None:
    with pytest.raises(ValueError, match="arrays differ"):
        build(ModelData(structure, {"value": np.ones((4, 8))}))


@pytest.mark.parametrize("name", sorted(layout(DID)))
def test_a_missing_array_is_named(name: str) -> None:
    arrays = ones(DID)
    del arrays[name]
    with pytest.raises(ValueError, match=name):
        check_layout(ModelData(DID, arrays))


@pytest.mark.parametrize("name", sorted(layout(DID)))
def test_a_misshapen_array_is_named(name: str) -> None:
    arrays = ones(DID)
    arrays[name] = np.ones((*arrays[name].shape, 2), dtype=arrays[name].dtype)
    with pytest.raises(ValueError, match=rf"^{name}: expected shape"):
        check_layout(ModelData(DID, arrays))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_array_that_is_not_finite_is_named(bad: float) -> None:
    arrays = ones(DID)
    arrays["log_exposure"][2, 3] = bad
    with pytest.raises(ValueError, match=r"^log_exposure: not finite"):
        check_layout(ModelData(DID, arrays))


def test_an_array_the_model_does_not_read_is_refused() -> None:
    with pytest.raises(ValueError, match="trials"):
        check_layout(ModelData(ITS, ones(ITS) | {"trials": np.ones((1, 8))}))


def test_arrays_out_of_order_are_refused() -> None:
    arrays = ones(DID)
    with pytest.raises(ValueError, match="arrays differ"):
        check_layout(ModelData(DID, {name: arrays[name] for name in reversed(arrays)}))


@pytest.mark.parametrize(("name", "other"), [("value", int), ("cohort_of", float)])
def test_an_array_of_another_type_is_named(name: str, other: type) -> None:
    arrays = ones(DID)
    arrays[name] = arrays[name].astype(other)
    with pytest.raises(ValueError, match=rf"^{name}: expected "):
        check_layout(ModelData(DID, arrays))


@pytest.mark.parametrize("structure", [ITS, DID])
def test_packed_arrays_come_out_as_they_went_in(structure: Structure) -> None:
    rng = np.random.default_rng(1)
    arrays = {name: rng.integers(0, 9, array.shape).astype(array.dtype) for name, array in ones(structure).items()}
    with Model():
        views = register(arrays)
    for name, array in arrays.items():
        found = views[name].eval(mode=INTERPRETED)
        assert found.dtype.kind == array.dtype.kind
        np.testing.assert_array_equal(found, array, err_msg=name)
    packed = pack(arrays)
    assert packed["numbers"].ndim == 1
    assert sum(flat.size for flat in packed.values()) == sum(array.size for array in arrays.values())


def test_each_design_reads_its_own_arrays() -> None:
    assert {"season", "season_sd", "year"} <= set(layout(ITS))
    assert not {"period_used", "period_sd"} & set(layout(ITS))
    assert {"period_used", "period_sd", "year"} <= set(layout(DID))
    assert "season" not in layout(DID)
    assert {"gap", "previous"} <= set(layout(Structure("did", "normal", 2, 8, 1)))
    assert "trials" in layout(Structure("did", "binomial", 2, 8, 1))


@pytest.mark.parametrize(("size", "bucket"), [(1, 1), (2, 2), (3, 4), (9, 16), (1024, 1024), (1025, 1025)])
def test_sizes_are_rounded_up(size: int, bucket: int) -> None:
    assert round_up(size, AREA_BUCKETS) == bucket
