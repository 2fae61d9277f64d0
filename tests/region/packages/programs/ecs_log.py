"""The ECS agent's log: logfmt, to the file and to the container's output."""

from __future__ import annotations

import os
import sys
import threading
import time

_lock = threading.Lock()


def log(level: str, text: str, **fields: object) -> None:
    """One line."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    more = "".join(f" {key}={_quoted(str(value))}" for key, value in fields.items())
    line = f"level={level} time={stamp} msg={_quoted(text, always=True)}{more}\n"
    with _lock:
        sys.stderr.write(line)
        sys.stderr.flush()
        path = os.environ.get("ECS_LOGFILE")
        if path:
            with open(path, "a") as file:
                file.write(line)


def _quoted(text: str, always: bool = False) -> str:
    if not always and text and not set(text) & set(' "=\n'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
