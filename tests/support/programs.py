"""Programs of this machine that a test cannot do without."""

from __future__ import annotations

import shutil

import pytest

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def needs(*programs: str) -> None:
    """Fail in one line when one of these is not installed."""
    missing = [name for name in programs if not shutil.which(name, path=PATH)]
    if missing:
        pytest.fail(f"not installed: {', '.join(missing)} (as root: sh tests/packages.sh test)", pytrace=False)
