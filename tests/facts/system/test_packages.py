"""Which packages are installed, asked without a trace."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from anywhere.facts.system.packages import packages
from anywhere.hosts.base import Deadline
from anywhere.hosts.local import LocalHost


@pytest.mark.skipif(not shutil.which("rpm"), reason="needs rpm")
def test_asking_for_packages_leaves_nothing_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert packages(LocalHost(Deadline(20))) is not None
    assert os.listdir(tmp_path) == []
