"""A script of the far side, run by a shell of this machine as sshd would: its standard input stays open until the end."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence

from anywhere.hosts.ssh.script import END_GROUPS


def run_script(
    shell: Sequence[str],
    text: str,
    seconds: float = 30.0,
    environment: Mapping[str, str] | None = None,
    moment: float = 0.0,
) -> subprocess.CompletedProcess[bytes]:
    """Both streams of the script, which has to end within so many seconds. After `moment` seconds (0: never) what has
    only a moment is ended."""
    read, write = os.pipe()
    timer = threading.Timer(moment, os.write, (write, END_GROUPS))
    if moment:
        timer.start()
    try:
        return subprocess.run(
            [*shell, "-c", text], stdin=read, capture_output=True, timeout=seconds, check=False, env=environment
        )
    finally:
        timer.cancel()
        if moment:
            timer.join()
        os.close(read)
        os.close(write)
