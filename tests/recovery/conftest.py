"""Real published data, kept beside the checkout because some of it may not be redistributed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def published() -> Callable[[str], Path]:
    """The folder of a published data set by name; the test is skipped, with the reason, where it is absent.

    `SVD_RECOVERY_DATA` names another place than `../shared/data`.
    """

    def find(name: str) -> Path:
        folder = Path(os.environ.get("SVD_RECOVERY_DATA", BESIDE)) / name
        if not folder.is_dir():
            pytest.skip(
                f"The published data set {name} is not in ../shared/data; set SVD_RECOVERY_DATA to where it is."
            )
        return folder

    return find


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a measured figure past pytest's capture: a recovery's figures are its result."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n    {text}", end="")

    return line
