"""`anywhere rules guard` on a host where nothing was applied: it sets the rules that the host requires, and keeps them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from anywhere.changes.journal import FOLDER

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
# A network namespace of its own, without journals and scripts of this machine.
_ALONE = f"""
ip link set lo up
mount -t tmpfs tmpfs /run
if [ -d {FOLDER} ]; then mount -t tmpfs tmpfs {FOLDER}; fi
exec "$@"
"""


def until(true: Callable[[], bool], seconds: float = 40.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.2)
    return true()


def test_the_rules_come_and_come_back() -> None:
    argv = ["unshare", "--net", "--mount", "sh", "-c", _ALONE, "sh", sys.executable, "-m", "anywhere", "rules", "guard"]
    guard = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)

    def inside(command: str) -> str:
        enter = ["nsenter", "--target", str(guard.pid), "--net", "sh", "-c", command]
        return subprocess.run(enter, capture_output=True, text=True).stdout

    try:
        assert until(lambda: "anywhere-rules-" in inside("iptables-save -t nat")), guard.poll()
        inside("iptables -t nat -F")
        assert until(lambda: "anywhere-rules-" in inside("iptables-save -t nat"))
    finally:
        os.killpg(guard.pid, 15)
        guard.wait(10)
        assert guard.stderr
        guard.stderr.close()
