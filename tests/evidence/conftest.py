"""Real published data, where they lie beside the checkout."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def published() -> Callable[[str], Path]:
    """The folder of a published data set by name; the test is skipped, with the reason, where it is absent."""

    def find(name: str) -> Path:
        folder = Path(os.environ.get("SVD_RECOVERY_DATA", BESIDE)) / name
        if not folder.is_dir():
            pytest.skip(f"The published data set {name} is not in ../shared/data (or where SVD_RECOVERY_DATA says).")
        return folder

    return find
