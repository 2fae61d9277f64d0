"""What several test files share."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without root there are no namespaces: such tests are skipped, and say so."""
    if os.geteuid() == 0:
        return
    for item in items:
        if any(item.get_closest_marker(name) for name in ("region", "booted", "docker")):
            item.add_marker(pytest.mark.skip(reason="needs root"))
