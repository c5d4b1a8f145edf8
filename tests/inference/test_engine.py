"""Fits are named by their content, stored whole or not at all, and shared out by structure. Nothing is sampled here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from evaluation.inference import engine
from evaluation.inference.design import write_design
from evaluation.inference.engine import SAMPLERS, Fit, Sampler, Store, Task, fetch
from models.structure import ModelData
from tests.inference.fabricated import draws, fit_of_effect, frame

OF = frame(np.full((2, 6), 10.0), [3, 6])
QUICK = Sampler(chains=2, tune=10, draws=10)


def task(seed: int = 1, n: int = 6) -> Task:
    return Task(write_design(frame(np.full((2, n), 10.0), [3, n])), QUICK, seed)


def a_fit() -> Fit:
    return replace(
        fit_of_effect(OF, draws(0.9, 0.05, n=20), coefficient=np.ones((4, 20, 2))), divergences=3, seconds=1.5
    )


def test_a_key_is_the_same_whatever_the_order_of_the_arrays() -> None:
    own = task()
    turned = ModelData(own.data.structure, dict(reversed(list(own.data.arrays.items()))))
    assert replace(own, data=turned).key == own.key
    assert task().key == own.key


@pytest.mark.parametrize("name", sorted(task().data.arrays))
def test_a_key_changes_with_every_array(name: str) -> None:
    own = task()
    arrays = {k: v.copy() for k, v in own.data.arrays.items()}
    arrays[name].flat[0] += 1
    assert replace(own, data=ModelData(own.data.structure, arrays)).key != own.key


def test_a_key_changes_with_seed_sampler_structure_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    own = task()
    changed = [replace(own, seed=2)]
    changed += [replace(own, sampler=replace(QUICK, **{f: getattr(QUICK, f) + 1})) for f in ("chains", "tune", "draws")]
    changed.append(replace(own, sampler=replace(QUICK, target_accept=0.99)))
    changed.append(replace(own, data=ModelData(replace(own.data.structure, autocorrelation=False), own.data.arrays)))
    keys = {own.key, *(other.key for other in changed)}
    assert len(keys) == 1 + len(changed)
    monkeypatch.setattr(engine, "model_code", lambda: "other models")
    assert own.key not in keys - {own.key}
    assert task().key not in keys


def test_values_that_trade_places_change_the_key() -> None:
    own = task()
    arrays = {k: v.copy() for k, v in own.data.arrays.items()}
    arrays["noise_log_median"], arrays["noise_log_sd"] = arrays["noise_log_sd"], arrays["noise_log_median"]
    assert replace(own, data=ModelData(own.data.structure, arrays)).key != own.key


def test_a_stored_fit_comes_back(tmp_path: Path) -> None:
    store, kept = Store(tmp_path / "fits"), a_fit()
    assert store.load("k") is None
    store.save("k", kept)
    back = store.load("k")
    assert back is not None
    assert (back.divergences, back.seconds) == (3, 1.5)
    xr.testing.assert_identical(back.draws, kept.draws)
    assert [path.name for path in (tmp_path / "fits").iterdir()] == ["k.nc"], "no scratch file is left"


def spoil(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "foreign":
        xr.Dataset({"x": ("i", [1.0])}).to_netcdf(path, engine="h5netcdf")
        return
    middle = len(whole) // 2
    path.write_bytes({"empty": b"", "cut": whole[:middle], "text": b"not a netCDF file", "head": bytes(64) + whole[64:],
                      "most": whole[:-1]}[how])  # fmt: skip


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "cut",
        "text",
        "head",
        "most",
        "foreign",
    ],
)
def test_a_damaged_file_counts_as_absent(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, own, kept = Store(tmp_path), task(), a_fit()
    store.save(own.key, kept)
    spoil(store.path(own.key), how)
    assert store.load(own.key) is None
    monkeypatch.setattr(engine, "sample", lambda task, cores: kept)
    xr.testing.assert_identical(fetch(own, store).draws, kept.draws)
    assert store.load(own.key) is not None, "and is replaced"


def test_a_fit_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    unwritable = Fit(xr.Dataset({"x": ("i", np.array([object()]))}), 0, 0.0)
    with pytest.raises((TypeError, ValueError)):
        store.save("k", unwritable)
    assert not store.has("k")


def test_profiles() -> None:
    assert SAMPLERS["publish"].chains >= 4
    assert SAMPLERS["publish"].chains * SAMPLERS["publish"].draws >= 2000, "the gate asks for 400 effective draws"
