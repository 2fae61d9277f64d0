"""A script of the far side, run by a shell of this machine as sshd would: its standard input stays open until the end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence


def run_script(
    shell: Sequence[str], text: str, seconds: float = 30.0, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Both streams of the script, which has to end within so many seconds."""
    read, write = os.pipe()
    try:
        return subprocess.run(
            [*shell, "-c", text], stdin=read, capture_output=True, timeout=seconds, check=False, env=environment
        )
    finally:
        os.close(read)
        os.close(write)
