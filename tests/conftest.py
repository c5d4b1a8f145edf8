"""Fewer random examples in the quick subset; the whole suite draws the full number."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=25, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """The quick subset is the one that leaves out the slow tests."""
    if "not slow" in (config.option.markexpr or ""):
        settings.load_profile("quick")
