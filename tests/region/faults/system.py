"""Names of `host/system.py` that cases outside this repository use."""

from tests.region.faults.host.system import os_release, red_hat

__all__ = ["os_release", "red_hat"]
