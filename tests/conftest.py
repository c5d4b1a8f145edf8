"""Tests run as the commands do, and with fewer random examples in the quick subset than in the whole suite."""

from __future__ import annotations

import pytest
from hypothesis import settings

from evaluation.cli import limit_threads

# One linear-algebra thread a process, set before numpy is loaded.
limit_threads()
settings.register_profile("quick", max_examples=25, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """The quick subset is the one that leaves out the slow tests."""
    if "not slow" in (config.option.markexpr or ""):
        settings.load_profile("quick")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that what is left at the end is small and both workers end together."""
    slow = {item.path for item in items if "slow" in item.keywords or "recovery" in item.keywords}
    items.sort(key=lambda item: item.path not in slow)
