"""What several test files share."""

from __future__ import annotations

import compileall
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from anywhere import held
from tests.support import tries
from tests.support.tries import pytest_configure, pytest_terminal_summary  # noqa: F401 (hooks)

# How long an example takes says something of the machine only.
settings.register_profile("here", deadline=None)
settings.load_profile("here")


def pytest_sessionstart(session: pytest.Session) -> None:
    """The thousands of processes that the tests start read compiled modules, also where Python may not write them."""
    if not hasattr(session.config, "workerinput"):
        for name in ("anywhere", "tests"):
            compileall.compile_dir(Path(__file__).parent.parent / name, quiet=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without root there are no namespaces: such tests are skipped, and say so."""
    tries.pytest_collection_modifyitems(items)
    if os.geteuid() == 0:
        return
    for item in items:
        if any(item.get_closest_marker(name) for name in ("region", "booted", "docker")):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    """The secrets of one test are no secrets of the next."""
    yield
    held.forget()


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that other users of the machine may enter; pytest closes its own to them."""
    with tempfile.TemporaryDirectory(prefix=f"any{os.getpid()}-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def shared_room() -> Iterator[Path]:
    """The same for all tests of a file."""
    with tempfile.TemporaryDirectory(prefix=f"any{os.getpid()}-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)
