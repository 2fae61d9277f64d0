"""A script of the far side, run by a shell of this machine as sshd would: its standard input stays open until the end."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence

from anywhere.hosts.ssh.script import NEXT


def run_script(
    shell: Sequence[str],
    text: str,
    seconds: float = 30.0,
    environment: Mapping[str, str] | None = None,
    next_after: float = 0.0,
) -> subprocess.CompletedProcess[bytes]:
    """Both streams of the script, which has to end within so many seconds. After `next_after` seconds (0: never) it is told
    to go on to what comes next."""
    read, write = os.pipe()
    timer = threading.Timer(next_after, os.write, (write, NEXT))
    if next_after:
        timer.start()
    try:
        return subprocess.run(
            [*shell, "-c", text], stdin=read, capture_output=True, timeout=seconds, check=False, env=environment
        )
    finally:
        timer.cancel()
        if next_after:
            timer.join()
        os.close(read)
        os.close(write)
