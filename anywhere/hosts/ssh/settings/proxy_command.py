"""A ProxyCommand as OpenSSH runs it (sshconnect.c, ssh_proxy_connect): by the user's shell, its standard error apart.

asyncssh splits it into words and runs it without a shell, and takes what it complains about for the host's words.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading

KEPT = 4096  # bytes of what it complains about
MOMENT = 0.5  # seconds in which a command that failed has ended


class ProxyCommand:
    """One that runs. `near` is our end of its standard input and output; it is ended with `end`."""

    def __init__(self, text: str) -> None:
        self.near, far = socket.socketpair()
        shell = os.environ.get("SHELL") or "/bin/sh"
        try:
            self._process = subprocess.Popen(
                [shell, "-c", f"exec {text}"],
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError:
            self.near.close()
            raise
        finally:
            far.close()
        self._said = bytearray()
        self._ended = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        errors = self._process.stderr
        assert errors
        with errors, contextlib.suppress(OSError, ValueError):
            while piece := os.read(errors.fileno(), KEPT):
                self._said = (self._said + piece)[-KEPT:]
        self._process.wait()
        self._ended.set()

    def end(self) -> None:
        """Hang up, as OpenSSH does (sshconnect.c, ssh_kill_proxy_command)."""
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGHUP)

    def failure(self) -> str:
        """How it ended and its last words; empty while it runs."""
        if not self._ended.wait(MOMENT):
            return ""
        lines = [line.strip() for line in self._said.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"exit code {self._process.returncode}" + (f": {lines[-1]}" if lines else "")
