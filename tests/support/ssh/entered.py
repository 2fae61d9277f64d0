"""A real sshd inside the namespaces of a host of its own."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.barehost import BareHost
from tests.support.ssh.sshd import Account, Server


class EnteredServer(Server):
    """Its accounts are written over those of the host; `config` is an ssh_config that knows its key."""

    @property
    def config(self) -> str:
        path = self.folder / "ssh_config"
        path.write_text(f"UserKnownHostsFile {self.known_hosts}\n")
        return str(path)

    def _namespace(self, command: Sequence[str]) -> str:
        return "\n".join(line for line in super()._namespace(command).splitlines() if "tmpfs" not in line)


@contextlib.contextmanager
def entered(bare: BareHost, folder: Path, *lines: str, accounts: Sequence[Account] = ()) -> Iterator[EnteredServer]:
    """The server, for the time of a test."""
    server = EnteredServer(folder / "sshd", *lines, accounts=accounts)

    def start(command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*bare.enter, "sh", "-ec", server._namespace(command)], **more)

    server.start(start)
    try:
        yield server
    finally:
        server.stop()
