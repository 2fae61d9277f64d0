"""Many hosts of one region: its sshd on all loopback addresses, the command line beside it, and hosts that misbehave."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.region import Options, Region
from tests.support.ssh.sshd import Server

SHARDS = 4  # of each kind


class Fleets:
    """A region, its sshd on many loopback addresses, and the command line run beside it."""

    def __init__(self, region: Region, server: Server, folder: Path) -> None:
        self.region, self.server, self.folder = region, server, folder

    def inventory(self, *lines: str) -> str:
        """A file with these lines."""
        path = self.folder / "hosts"
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def host(self, name: str, number: int = 1, port: int = 0) -> str:
        """A line of an inventory: a good host, or what is behind that port."""
        address = f"127.1.{number // 200}.{number % 200}"
        return f"{name} ansible_host={address} ansible_port={port or self.server.port} ansible_user=root"

    def command(self, *words: str) -> list[str]:
        """`anywhere check` in the hosts' network with this machine's files."""
        return self.any_command("check", "--region", "us-east-1", "--shards", str(SHARDS), *words)

    def any_command(self, *words: str) -> list[str]:
        """`anywhere` there, with these words."""
        enter = ["nsenter", f"--net=/proc/{self.region.pid}/ns/net", "env", "-i", "PATH=/usr/bin:/bin"]
        return [*enter, f"HOME={self.folder}", sys.executable, "-m", "anywhere", *words]

    def run(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run it."""
        return subprocess.run(self.any_command(*words), capture_output=True, text=True, timeout=timeout)

    def check(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run it."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=timeout)


@contextlib.contextmanager
def fleets(folder: Path) -> Iterator[Fleets]:
    """A region whose host is as many hosts as there are loopback addresses."""
    server = Server(folder / "sshd", addresses=("0.0.0.0",))
    region = Region(options=Options(binds=(str(folder),)))
    region.world.host.folders.append("/run/sshd")
    region.world.host.files["/root/.bashrc"] = None
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    key = Path(f"{server.host_key}.pub").read_text()
    (home / ".ssh" / "known_hosts").write_text(f"* {key}")
    (home / ".ssh" / "config").write_text(f"Host *\n  IdentityFile {server.key}\n")
    with region:
        server.start(region.popen)
        try:
            yield Fleets(region, server, home)
        finally:
            server.stop()


SPEAKERS = """
import socket, sys, threading
kept = []
def serve(listening, data, stays):
    while True:
        sock, _ = listening.accept()
        try:
            sock.sendall(data)
        except OSError:
            pass
        if stays: kept.append(sock)
        else: sock.close()
kinds = ((b"", True), (b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n", False), (b"SSH-2.0-x\\r\\n" + b"\\xff" * 9000, True))
for data, stays in kinds:
    listening = socket.create_server(("0.0.0.0", 0), backlog=500)
    print(listening.getsockname()[1], flush=True)
    threading.Thread(target=serve, args=(listening, data, stays), daemon=True).start()
threading.Event().wait()
"""
# What sshd runs in place of every command, and one that takes passwords only.
SETTINGS = {
    "hangs": ("ForceCommand sleep 300",),
    "fills": ("ForceCommand exec yes",),
    "drops": ("ForceCommand sleep 0.5; kill -9 $PPID",),
    "asks": ("PubkeyAuthentication no", "PasswordAuthentication yes"),
}


@contextlib.contextmanager
def misbehaving(fleet: Fleets, folder: Path) -> Iterator[dict[str, int]]:
    """Ports of the region's host by what is behind them: `refused`, `mute`, `web`, `garbage`; and real sshds whose
    every command `hangs`, `fills` the channel without end, or `drops` the connection, and one that `asks` for a
    password."""
    with contextlib.ExitStack() as stack:
        speakers = stack.enter_context(
            fleet.region.popen([sys.executable, "-c", SPEAKERS], stdout=subprocess.PIPE, text=True)
        )
        stack.callback(speakers.kill)
        ports = {"refused": 1}
        for kind in ("mute", "web", "garbage"):
            ports[kind] = int(speakers.stdout.readline())
        for kind, lines in SETTINGS.items():
            server = Server(folder / kind, *lines, addresses=("0.0.0.0",))
            server.host_key, server.key = fleet.server.host_key, fleet.server.key
            server.start(fleet.region.popen)
            stack.callback(server.stop)
            ports[kind] = server.port
        yield ports
