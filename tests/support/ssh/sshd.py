"""A real OpenSSH server on loopback, in a mount namespace of its own where it needs accounts that this machine has not."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from anywhere.hosts.open import open_live
from anywhere.hosts.ssh.host import SSHHost
from anywhere.hosts.target import SSHOptions, SSHTarget
from tests.support.programs import needs

SSHD = "/usr/sbin/sshd"
PASSWD = "root:x:0:0:root:{home}:/bin/bash\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"
Popen = Callable[..., "subprocess.Popen[Any]"]


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])


def keygen(path: Path, *words: str) -> Path:
    """A new Ed25519 key pair; one that an earlier try left there gives way."""
    for old in (path, Path(f"{path}.pub")):
        old.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", *words, "-f", path], check=True)
    return path


@dataclass
class Account:
    """A user of the server's machine; `sudo` is a line of sudoers without the user's name, `password` in plain."""

    name: str
    sudo: str = ""
    password: str = ""
    shell: str = "/bin/sh"
    files: Mapping[str, str] = field(default_factory=dict)


class Server:
    """One sshd. `addresses` are what it listens on; `lines` go to the top of sshd_config."""

    def __init__(
        self,
        folder: Path,
        *lines: str,
        addresses: Sequence[str] = ("127.0.0.1",),
        accounts: Sequence[Account] = (),
        port: int = 0,
    ) -> None:
        self.folder, self.lines, self.addresses, self.accounts = folder, lines, addresses, accounts
        self.port = port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # its users read their keys and homes below
        self.host_key = keygen(folder / "host_key")
        self.key = keygen(folder / "id")
        self.known_hosts = folder / "known_hosts"
        self.trust(self.host_key)
        self._process: subprocess.Popen[Any] | None = None

    def trust(self, host_key: Path) -> None:
        """Put this key into known_hosts for all our addresses."""
        kind, text, *_ = Path(f"{host_key}.pub").read_text().split()
        lines = [f"[{address}]:{self.port} {kind} {text}\n" for address in self.addresses]
        self.known_hosts.write_text("".join(lines))

    @property
    def options(self) -> SSHOptions:
        """How to log in here."""
        return SSHOptions(
            identities=(str(self.key),), known_hosts=(str(self.known_hosts),), config=("/dev/null",), connect_timeout=10
        )

    def target(self, user: str = "root", address: str = "") -> SSHTarget:
        """A user on one of the addresses."""
        return SSHTarget(address or self.addresses[0], user, self.port)

    def open(self, user: str = "root", *, budget: float = 6.0, address: str = "", **changes: Any) -> SSHHost:
        """A host on this server; `changes` are of the options."""
        host = open_live(self.target(user, address), budget, replace(self.options, **changes))
        assert isinstance(host, SSHHost)
        return host

    def start(self, popen: Popen = subprocess.Popen) -> None:
        """Start and wait until it listens; `popen` may start it elsewhere, in a region. What fails leaves nothing."""
        needs(SSHD, *(["sudo"] if any(one.sudo for one in self.accounts) else []))
        config = self.folder / "sshd_config"
        config.write_text(self._config())
        command = [SSHD, "-D", "-f", str(config), "-E", str(self.folder / "log")]
        if popen is subprocess.Popen:
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", self._namespace(command)]
        self._process = popen(command, stdin=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _config(self) -> str:
        keys = self.folder / "authorized_keys"
        if not keys.exists():
            keys.write_text(Path(f"{self.key}.pub").read_text())
            keys.chmod(0o644)
        lines = [*self.lines, f"Port {self.port}", *(f"ListenAddress {address}" for address in self.addresses)]
        lines += [f"HostKey {self.host_key}", f"AuthorizedKeysFile {keys}", "StrictModes no", "UsePAM no", "UseDNS no"]
        # Since OpenSSH 9.8 an address with failed logins is locked out for a while.
        lines += ["PerSourcePenalties no"] if _knows("PerSourcePenalties=no", self.host_key) else []
        lines += ["PidFile none", "PasswordAuthentication no", "PermitRootLogin yes", "MaxStartups 1000:30:2000"]
        return "\n".join(lines) + "\n"

    def _namespace(self, command: Sequence[str]) -> str:
        """A shell script: accounts, sudoers and homes of our own, then sshd."""
        etc, homes = self.folder / "etc", self.folder / "homes"
        (homes / "root").mkdir(parents=True, exist_ok=True)
        (etc / "sudoers.d").mkdir(parents=True, exist_ok=True)
        passwd, shadow, sudoers = (
            PASSWD.format(home=homes / "root"),
            "root:*:19000:0:99999:7:::\nsshd:*:19000::::::\n",
            "",
        )
        for number, one in enumerate(self.accounts, 2000):
            home = homes / one.name
            home.mkdir(exist_ok=True)
            home.chmod(0o755)
            for name, text in one.files.items():
                (home / name).write_text(text)
                (home / name).chmod(0o644)
            passwd += f"{one.name}:x:{number}:{number}::{home}:{one.shell}\n"
            shadow += f"{one.name}:{_hash(one.password)}:19000:0:99999:7:::\n"
            sudoers += f"{one.name} {one.sudo}\n" if one.sudo else ""
        (etc / "passwd").write_text(passwd)
        (etc / "shadow").write_text(shadow)
        (etc / "group").write_text(
            "root:x:0:\nnogroup:x:65534:\n" + "".join(f"{a.name}:x:{2000 + n}:\n" for n, a in enumerate(self.accounts))
        )
        for place in (homes, *(etc / name for name in ("passwd", "group"))):
            place.chmod(0o755 if place.is_dir() else 0o644)
        (etc / "sudoers").write_text("Defaults !fqdn\nroot ALL=(ALL:ALL) ALL\n" + sudoers)
        os.chmod(etc / "sudoers", 0o440)
        binds = [
            f"mount --bind {shlex.quote(str(etc / name))} /etc/{name}"
            for name in ("passwd", "shadow", "group", "sudoers")
        ]
        return "\n".join([*binds, "mount -t tmpfs tmpfs /run", "mkdir -p /run/sshd", "exec " + shlex.join(command)])

    def _wait(self) -> None:
        log = self.folder / "log"
        until = time.monotonic() + 30
        while time.monotonic() < until:
            text = log.read_text() if log.exists() else ""
            if "Server listening" in text:
                return
            assert self._process
            if self._process.poll() is not None:
                pytest.fail(f"sshd ended before it listened: {text.strip()[-200:] or 'no log'}", pytrace=False)
            time.sleep(0.05)
        pytest.fail("sshd does not listen after 30 s", pytrace=False)

    def stop(self) -> None:
        """End it, and the connections that it has."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def pids(self) -> list[int]:
        """The server's own process."""
        return [self._process.pid] if self._process else []

    def drop(self) -> None:
        """Kill the processes that serve connections now, so that all of them are lost."""
        for pid in self.serving():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def serving(self) -> list[int]:
        """The processes of sshd that serve connections now (from OpenSSH 9.8 on `sshd-session`, two for each)."""
        assert self._process
        pids = subprocess.run(["pgrep", "^sshd"], capture_output=True, text=True).stdout.split()
        return [int(pid) for pid in pids if int(pid) != self._process.pid and _is_below(int(pid), self._process.pid)]


def _is_below(pid: int, ancestor: int) -> bool:
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError:
            return False
        if pid == ancestor:
            return True
    return False


@cache
def _knows(option: str, host_key: Path) -> bool:
    """Whether this sshd has an option."""
    argv = [SSHD, "-t", "-f", "/dev/null", "-h", str(host_key), "-o", option]
    return "Bad configuration option" not in subprocess.run(argv, capture_output=True, text=True).stderr


def _hash(password: str) -> str:
    if not password:
        return "*"
    done = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextlib.contextmanager
def serving(server: Server, popen: Popen = subprocess.Popen) -> Iterator[Server]:
    """A server for the time of a test."""
    server.start(popen)
    try:
        yield server
    finally:
        server.stop()
