"""`Region`: a region that is up, and how to run commands on its host."""

from __future__ import annotations

import itertools
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.region.certificates import issue
from tests.region.controlplane.control import Control
from tests.region.faults import Fault, find
from tests.region.options import Options
from tests.region.world import World

ROOT = Path(__file__).resolve().parents[2]
ENTER = Path(__file__).parent / "machine" / "enter.py"
PASSED_ON = ("PATH", "HOME", "TERM", "LANG")
# A folder of the system itself is never bound: what a fault changes there has to stay in the region.
SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr", "/var")
_numbers = itertools.count()


class RegionError(Exception):
    """A region could not be brought up. The message is one line for the user."""


class Region:
    """A region with these faults and variations (names of the table). A context manager; until it is entered, `world`
    may be changed further. Raises UnknownFault, and ValueError for options that can not be."""

    def __init__(
        self,
        faults: Iterable[str] = (),
        variations: Iterable[str] = (),
        options: Options | None = None,
        **changes: Any,
    ) -> None:
        self.faults: list[Fault] = [find(name) for name in (*variations, *faults)]
        self.options = replace(options or Options(), **changes)
        for fault in self.faults:
            self.options = replace(self.options, **fault.options)
        self.world = World.build(self.options)
        for fault in self.faults:
            fault.apply(self.world)
        self.pid = 0
        number = next(_numbers)
        self.prefix = f"any{os.getpid()}" + (f".{number}" if number else "")
        self.world.plane.socket = f"{tempfile.gettempdir()}/anywhere-region-{self.prefix}/control"
        self.control = Control(self.world.plane.socket)
        self._machine: subprocess.Popen[bytes] | None = None

    @property
    def expected(self) -> frozenset[str]:
        """The cause codes that a check of this host has to name: exactly these."""
        return frozenset(code for fault in self.faults for code in fault.causes)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the checking command needs to be told beyond the region's name."""
        return tuple(word for fault in self.faults for word in fault.arguments)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands on the host."""
        found = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        if self.world.host.path:
            found["PATH"] = f"{found.get('PATH', '')}:{self.world.host.path}"
        return found | self.world.environment

    @property
    def machine_pid(self) -> int:
        """The process that is the region; 0 while it is down."""
        return self._machine.pid if self._machine else 0

    def __enter__(self) -> Region:
        if os.geteuid() != 0:
            raise RegionError("the region is made of network namespaces: run this as root")
        self.world.host.binds += [folder for folder in _outputs() if folder not in self.world.host.binds]
        issue(self.world)
        # No site-packages and no user settings: the machine needs the standard library alone, and fast.
        argv = [sys.executable, "-S", "-E", "-W", "ignore", "-m", "tests.region.machine"]
        self._machine = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, env={"PATH": _path()}
        )
        assert self._machine.stdin and self._machine.stdout
        try:
            self._machine.stdin.write(pickle.dumps((self.prefix, self.world)))
            self._machine.stdin.flush()
        except BrokenPipeError:
            pass
        try:
            word, _, rest = self._machine.stdout.readline().decode().strip().partition(" ")
        except BaseException:
            self.close()
            raise
        if word != "ready":
            self.close()
            raise RegionError(f"the region did not come up: {rest or 'see above'}")
        self.pid = int(rest)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take everything down; safe to call twice."""
        if self._machine is not None:
            assert self._machine.stdin and self._machine.stdout
            self._machine.stdin.close()
            self._machine.stdout.close()
            self._machine.wait()
            self._machine = None

    def command(self, argv: Sequence[str], cwd: str | None = None, part: str = "host") -> list[str]:
        """The command line that runs `argv` on the host, or (`router`, `aws`) in another namespace of the region."""
        if part != "host":
            return ["ip", "netns", "exec", f"{self.prefix}-{part}", *argv]
        start = [sys.executable, "-IS", str(ENTER), str(self.pid), cwd or os.getcwd()]
        return [*start, *argv]

    def popen(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, **keywords: Any
    ) -> subprocess.Popen[Any]:
        """Start a command on the host. `env` is added to the host's environment; `part` and `cwd` as in `command`."""
        line = self.command(argv, keywords.pop("cwd", None), keywords.pop("part", "host"))
        return subprocess.Popen(line, env=self.environment | dict(env or {}), **keywords)

    def run(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, *, timeout: float = 120, **keywords: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host to its end, with its output as text."""
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "stdin": subprocess.DEVNULL}
        with self.popen(argv, env, **{**piped, **keywords}) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(list(argv), process.returncode, out, err)

    def call(self, argv: Sequence[str]) -> int:
        """Run a command with this process's own standard streams; its exit code, 128 and its number for a signal."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = self.popen(argv).wait()
        finally:
            signal.signal(signal.SIGINT, before)
        return 128 - code if code < 0 else code


def _outputs() -> list[str]:
    """The folders where a command's files should survive: the caller's own, and the repository."""
    wanted = {os.getcwd(), str(ROOT)}
    return sorted(one for one in wanted if not (one in ("/", "/root", "/home") or one.startswith(SYSTEM)))


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
