"""The shell on the far side: batches of observations, single commands, and root's rights by sudo."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from anywhere.errors import HostUnreachable
from anywhere.hosts.base import Completed, Deadline
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.connection import Connection, Sink
from anywhere.hosts.ssh.inventory import parse_clock, parse_environment

QUIET = 9.0  # seconds without a byte after which an observation has hung: past every time limit set over there
BATCH_SECONDS = 60.0
RESERVE = 1.0  # seconds before the deadline in which a shell that says nothing can still be told of
BATCH_OUTPUT, JOBS_OUTPUT = 16 << 20, 1 << 20  # bytes; more is a runaway, which would take the time of all other hosts
KILLED, TIMED_OUT = 137, 124
Told = Callable[[int, script.Part], None]
"""Called with the number of a line and its part, in the thread of the connections: it must not wait."""
HEAD = 3  # parts that stand before those asked for: environment, clock, rights

_ONE = (
    "PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin; LC_ALL=C; "
    "if [ -d /usr/lib/locale/C.utf8 ] || [ -d /usr/lib/locale/C.UTF-8 ]; then LC_ALL=C.UTF-8; fi; "
    "LANG=$LC_ALL; export PATH LC_ALL LANG; limit=$1; shift; "
    'if timeout -s KILL 1 true 2>/dev/null; then exec timeout -s KILL "$limit" "$@"; '
    'elif timeout -t 1 -s KILL true 2>/dev/null; then exec timeout -t "$limit" -s KILL "$@"; '
    'else exec "$@"; fi'
)


@dataclass(frozen=True, slots=True)
class Login:
    """What a login is: its environment, whose rights commands have (`root`, `sudo` or `none`) and why not root's, and
    the host's clock minus ours in seconds (None: not known)."""

    environment: Mapping[str, str] = field(default_factory=dict)
    rights: str = "none"
    refused: str = ""
    offset: float | None = None


class Shell:
    """Runs things on one connection. `password` is for sudo; empty: only what sudo allows without one."""

    def __init__(self, connection: Connection, deadline: Deadline, *, sudo: bool, password: str = "") -> None:
        self.connection = connection
        self.deadline = deadline
        self._sudo, self._password = sudo, password
        self._login: Login | None = None
        self._asked = False
        self._lock, self._known = threading.Lock(), threading.Event()

    @property
    def login(self) -> Login:
        """Asked of the host at the first need, unless a batch that is under way will tell."""
        with self._lock:
            mine, self._asked = not self._asked, True
        if mine:
            self.gather(["mark 0"], {})
        self._known.wait(self.deadline.left())
        if self._login is None:
            raise self._no_shell(b"")
        return self._login

    def gather(self, lines: Sequence[str], variables: Mapping[str, str], told: Told | None = None) -> list[script.Part]:
        """One part for each line of `hosts/batch.py`, `told` as soon as it is there. What hangs becomes a killed part,
        and the rest goes on.

        Raises HostUnreachable when the connection is lost or no POSIX shell answers.
        """
        parts: list[script.Part] = []

        def tell(part: script.Part) -> None:
            parts.append(part)
            if told:
                told(len(parts) - 1, part)

        self._asked = True
        try:
            while len(parts) < len(lines):
                self._batch(lines[len(parts) :], variables, tell)
                if len(parts) < len(lines):
                    tell(script.Part(str(KILLED), b"", b""))
        finally:
            self._known.set()
        return parts

    def _batch(self, lines: Sequence[str], variables: Mapping[str, str], tell: Callable[[script.Part], None]) -> None:
        mark = script.token()
        inner = script.script(mark, lines, variables)
        text = script.privileged(mark, inner, sudo=self._sudo, password=bool(self._password))
        secret = f"{self._password}\n" if self._password else ""
        reader, head = script.Reader(mark), list[script.Part]()

        def sink(data: bytes, is_error: bool) -> None:
            for part in reader.feed(data, is_error):
                if len(head) == HEAD:
                    tell(part)
                    continue
                head.append(part)
                if len(head) == HEAD and self._login is None:
                    self._login = _login(head, time.time())
                    self._known.set()

        command = script.PASSWORD_READER if self._password else script.READER
        seconds = self.deadline.left(BATCH_SECONDS)
        quiet = min(QUIET, max(RESERVE, seconds - RESERVE))
        ran = self.connection.execute(command, (secret + text).encode(), seconds, sink, quiet, BATCH_OUTPUT)
        if len(head) < HEAD:
            raise self._no_shell((ran.stderr or ran.stdout)[:1000])

    def _no_shell(self, said: bytes) -> HostUnreachable:
        if self.deadline.left() <= 0:
            return HostUnreachable(f"{self.connection.name}: no time left for the host's answers")
        line = next(iter(said.decode("utf-8", "replace").split("\n")), "").strip()[:200]
        remedy = "give the user a POSIX shell, and no forced command in authorized_keys"
        return HostUnreachable(f"{self.connection.name}: no shell answers: {line or 'nothing said'}", remedy=remedy)

    def jobs(self, mark: str, lines: Sequence[str], seconds: float, sink: Sink) -> None:
        """Background jobs with the user's own rights; `sink` gets their output as it comes."""
        text, seconds = script.jobs(mark, lines).encode(), self.deadline.left(seconds)
        self.connection.execute(script.READER, text, seconds, sink, largest=JOBS_OUTPUT)

    def act(self, argv: Sequence[str], input: bytes, timeout: float) -> Completed:
        """One command with its input and its own exit code."""
        started = time.monotonic()
        timeout = self.deadline.left(timeout)
        words = ["sh", "-c", _ONE, "sh", str(max(1, round(timeout))), *argv]
        if self.login.rights == "sudo":
            words = (["sudo", "-k", "-S", "-p", ""] if self._password else ["sudo", "-n"]) + words
            input = f"{self._password}\n".encode() + input if self._password else input
        ran = self.connection.execute(shlex.join(words), input, timeout + 1)
        rc = TIMED_OUT if ran.rc in (None, KILLED) else ran.rc
        return completed(argv, rc or 0, ran.stdout, ran.stderr, time.monotonic() - started)


def completed(argv: Sequence[str], rc: int, stdout: bytes, stderr: bytes, seconds: float = 0.0) -> Completed:
    """A finished command as every kind of host tells it."""
    rc = TIMED_OUT if rc == KILLED else rc
    text = "timed out" if rc == TIMED_OUT else stderr.decode("utf-8", "replace")
    return Completed(tuple(argv), rc, stdout.decode("utf-8", "replace"), text, seconds)


def _login(head: Sequence[script.Part], first_at: float) -> Login:
    environment, clock, rights = head
    now = parse_clock(clock.stdout.decode("ascii", "replace"))
    refused = ""
    if rights.word == "none":
        said = rights.stderr.decode("utf-8", "replace").strip().splitlines()
        told = [line for line in said if line.startswith("sudo:")] or said or ["sudo was not asked"]
        refused = told[-1][:200]
    return Login(
        parse_environment(environment.stdout.decode("utf-8", "replace")),
        rights.word,
        refused,
        now - first_at if now else None,
    )
