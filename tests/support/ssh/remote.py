"""A region whose host is checked over SSH: its own sshd, and the command line beside it, outside of its files."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.region import Options, Region
from tests.region.faults import table
from tests.support.ssh.sshd import Server


@dataclass(frozen=True)
class Remote:
    """The region, its sshd, and the home of whoever looks at it from outside."""

    region: Region
    server: Server
    home: Path

    @property
    def spec(self) -> str:
        """The host, for `--host`."""
        return f"root@127.0.0.1:{self.server.port}"

    def anywhere(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `anywhere` in the host's network, but with this machine's files."""
        enter = [
            "nsenter",
            f"--net=/proc/{self.region.pid}/ns/net",
            "env",
            "-i",
            "PATH=/usr/bin:/bin",
            f"HOME={self.home}",
        ]
        argv = [*enter, sys.executable, "-m", "anywhere", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout)

    def check(self, *words: str) -> dict[str, Any]:
        """The report's only target, with the exit code."""
        done = self.anywhere("check", "--host", self.spec, "--format", "json", *words)
        assert done.stdout, f"no report: {done.stderr}"
        target: dict[str, Any] = json.loads(done.stdout)["targets"][0]
        target["exit_code"] = done.returncode
        return target


@contextlib.contextmanager
def remote(
    folder: Path,
    names: Sequence[str] = (),
    options: Options | None = None,
    *lines: str,
    files: Mapping[str, str | None] | None = None,
) -> Iterator[Remote]:
    """A region under these faults and variations, with sshd on its host; `lines` are of sshd_config, `files` the host's
    own (None hides one)."""
    chosen = [table()[name] for name in names]
    region = Region(
        tuple(one.name for one in chosen if not one.is_healthy),
        tuple(one.name for one in chosen if one.is_healthy),
        options or Options(),
    )
    region.world.host.binds.append(str(folder))
    region.world.host.folders.append("/run/sshd")
    # What this machine's root has in its shell's start is no part of the region.
    region.world.host.files["/root/.bashrc"] = None
    region.world.host.files.update(files or {})
    # Not by SetEnv, which takes quotation marks and carriage returns away: sshd takes this file's lines as they are.
    given = [f"{name}={value}\n" for name, value in region.environment.items() if name in region.world.environment]
    region.world.host.files.update({"/root/.ssh/environment": "".join(given)} if given else {})
    server = Server(folder / "sshd", *(["PermitUserEnvironment yes"] if given else []), *lines)
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(server.known_hosts.read_text())
    (home / ".ssh" / "config").write_text(f"Host *\n  IdentityFile {server.key}\n")
    with region:
        server.start(region.popen)
        try:
            yield Remote(region, server, home)
        finally:
            server.stop()
