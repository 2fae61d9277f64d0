"""A connection that `ssh` keeps open for others (ssh_config(5), ControlMaster and ControlPath)."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
from collections.abc import Sequence

SECONDS = 1.0  # for the master to accept


def is_open(path: str) -> bool:
    """Whether a master listens there."""
    if not path or os.name == "nt":
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(SECONDS)
        sock.connect(os.path.expanduser(path))
        return True
    return False


def through(path: str, hop: Sequence[str], host: str, port: int) -> str:
    """The command line that carries a connection from the master's host to another; empty where there is no master, or no
    `ssh` to ask it. `hop` are the arguments that name the master's host. Without a master it would log in nowhere."""
    program = shutil.which("ssh")
    if not program or not is_open(path):
        return ""
    place = f"[{host}]:{port}"
    options = (
        "-S",
        os.path.expanduser(path),
        "-o",
        "ControlMaster=no",
        "-o",
        "BatchMode=yes",
        "-o",
        "ProxyCommand=false",
    )
    return shlex.join([program, *options, "-W", place, *hop])
