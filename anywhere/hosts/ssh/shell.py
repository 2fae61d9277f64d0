"""The shell on the far side: batches of observations, single commands, and root's rights by sudo."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from anywhere.errors import HostUnreachable
from anywhere.frozen import frozen
from anywhere.held import hide, hold
from anywhere.hosts.base import Completed, Deadline
from anywhere.hosts.bounds import limit_of_command
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.batch import HEAD, KILLED, LOGIN_SECONDS, SUDO_SECONDS, Batch, Moment
from anywhere.hosts.ssh.channels.session import Sink
from anywhere.hosts.ssh.connection import Connection, Ran
from anywhere.hosts.ssh.inventory import parse_clock, parse_environment
from anywhere.hosts.ssh.sudo import Action
from anywhere.printable import printable

BATCH_SECONDS = 60.0
BATCH_OUTPUT, JOBS_OUTPUT = 16 << 20, 1 << 20  # bytes; more is a runaway, which would take the time of all other hosts
MOST_BATCHES = 8  # of one gathering: a host where more observations than that hang or have no end is not asked further
TIMED_OUT = 124
SCRIPTS = "~/.bashrc, ~/.profile, /etc/profile.d"
OnPart = Callable[[int, script.Part], None]
"""Called with the number of a line and its part, in the thread of the connections: it must not wait."""


@frozen
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
        hold(password)
        self._sudo, self._password, self._refusal = sudo, password, ""
        self.is_fit = False  # the files that look-ups read were seen whole, and small
        self._login: Login | None = None
        self._failure: HostUnreachable | None = None
        self._asked = False
        self._started = 0.0  # seconds that the slowest login shell took until it ran what it was given
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
            said = f"{self.connection.name}: no answer in time (step: login shell)"
            raise (self._failure or HostUnreachable(said, timed=True, was_up=True)).with_traceback(None)
        return self._login

    def gather(
        self, lines: Sequence[str], variables: Mapping[str, str], on_part: OnPart | None = None
    ) -> list[script.Part]:
        """One part for each line of `hosts/ssh/script.py`, `on_part` as soon as it is there. What hangs, or has no end,
        becomes a killed part, and the rest goes on.

        Raises HostUnreachable when the connection is lost or no POSIX shell answers.
        """
        parts: list[script.Part] = []

        def tell(part: script.Part) -> None:
            parts.append(part)
            if on_part:
                on_part(len(parts) - 1, part)

        self._asked = True
        batches = 0
        try:
            while len(parts) < len(lines):
                batches += 1
                rest = lines[len(parts) :]
                cut = self._batch(rest, variables, tell) if batches <= MOST_BATCHES else ""
                if len(parts) < len(lines):
                    tell(script.Part(str(KILLED), b"", b"", cut))
        except HostUnreachable as error:
            self._failure = error
            raise
        finally:
            self._known.set()
        return parts

    def _batch(self, lines: Sequence[str], variables: Mapping[str, str], tell: Callable[[script.Part], None]) -> str:
        """Run the lines, and hand their parts on. Returns the limit that was met where one had no end."""
        mark = script.token()
        seconds = self.deadline.left(BATCH_SECONDS + (0.0 if self._login else LOGIN_SECONDS))
        inner = script.script(mark, lines, variables, seconds + 1)
        text = (script.GUARD + script.privileged(mark, inner, self._sudo_word)).encode()
        batch = Batch(mark, self._password if self._sudo else "", lines, seconds, tell, self._learn)
        ran = self.connection.execute(
            script.reader(text), text, seconds, batch.feed, batch, BATCH_OUTPUT, is_last=False
        )
        self._started = max(self._started, batch.started)
        if batch.is_foul:
            self.connection.close()
            raise HostUnreachable(
                f"{self.connection.name}: the host answers more than it was asked (step: login shell)",
                remedy="Find out what runs in place of the user's shell (ForceCommand, authorized_keys, login scripts).",
            )
        if batch.waits_for_sudo:
            return self._without_sudo(ran, mark, lines, variables, tell)
        if len(batch.head) < HEAD:
            raise self._no_shell(ran, seconds)
        return batch.met if ran.is_full else ""

    @property
    def _sudo_word(self) -> str:
        return ("asks" if self._password else "quiet") if self._sudo else "no"

    def _learn(self, head: Sequence[script.Part]) -> None:
        if self._login is None:
            self._login = _login(head, time.time(), self._refusal)
            self._known.set()

    def _without_sudo(
        self,
        ran: Ran,
        mark: str,
        lines: Sequence[str],
        variables: Mapping[str, str],
        tell: Callable[[script.Part], None],
    ) -> str:
        """sudo neither ran the script nor refused: it waits for something that is no password, or for a service."""
        said = hide(ran.stderr.decode("utf-8", "replace").rpartition(mark)[2]).split("\n")
        asked = next((line.strip() for line in reversed(said) if line.strip() and "-sudo" not in line), "")
        self._refusal = f"sudo did not finish within {SUDO_SECONDS:.0f} s" + (f": {asked[:120]}" if asked else "")
        self._sudo = False
        return self._batch(lines, variables, tell)

    def _no_shell(self, ran: Ran, seconds: float) -> HostUnreachable:
        """Which step failed, and after which time. What the host said is quoted without what it may not know."""
        name = self.connection.name
        said = hide((ran.stderr or ran.stdout).decode("utf-8", "replace"))
        line = printable(next((one.strip() for one in said.split("\n") if one.strip()), ""))[:200]
        if seconds <= 0:
            return HostUnreachable(
                f"{name}: time used up before the host was asked (step: login shell)",
                remedy="Raise --host-timeout.",
                timed=True,
                was_up=True,
            )
        if ran.rc is None and not line:
            return HostUnreachable(
                f"{name}: no answer within {ran.seconds:.1f} s (step: login shell)",
                remedy="The login itself succeeded: find out what the user's login scripts wait for (as with "
                f"`time {self.connection.by_hand} true`), or raise --host-timeout, or for a check --budget.",
                timed=True,
                was_up=True,
            )
        if "TOKEN=" in said and "''" in said:
            line = "the host repeats what it is sent and runs nothing"
        if said.strip().startswith("anywhere-"):  # our own mark: the script ran, and only one stream came back
            return HostUnreachable(
                f"{name}: what its commands print on standard error does not arrive (step: login shell)",
                remedy=f"Remove what redirects standard error in the login scripts of the user (exec 2>... in {SCRIPTS}).",
            )
        ended = "cut off" if ran.rc is None else f"exit code {ran.rc}"
        return HostUnreachable(
            f"{name}: no shell answers: {line or 'no output'} (step: login shell, {ended} after {ran.seconds:.1f} s)",
            remedy="Give the user a POSIX shell, no forced command in authorized_keys or sshd_config, and no login script that "
            f"exits or starts another shell without a terminal ({SCRIPTS}).",
        )

    def expect_jobs(self) -> None:
        """Have a session for the first jobs open by the time that they are known."""
        self.connection.stand_by(script.WAITING, JOBS_OUTPUT)

    def jobs(self, mark: str, lines: Sequence[str], seconds: float, sink: Sink) -> None:
        """Background jobs with the user's own rights; `sink` gets their output as it comes."""
        seconds = self.deadline.left(seconds)
        text = script.sized(script.jobs(mark, lines, seconds + 1, self.is_fit).encode())
        self.connection.execute(script.WAITING, text, seconds, sink, Moment(), JOBS_OUTPUT, is_last=False)

    def act(self, argv: Sequence[str], input: bytes, timeout: float) -> Completed:
        """One command with its input and its own exit code. The input is sent when the command is ready for it."""
        started = time.monotonic()
        timeout = self.deadline.left(timeout)
        mark, limit = script.token(), limit_of_command(tuple(argv))
        rights = self.login.rights
        text = script.action(mark, argv, timeout, len(input), rights, self._sudo_word).encode()
        password = self._password if rights == "sudo" else ""
        action = Action(mark, password, input, limit.size, script.is_watched(timeout, len(input)))
        # The time limit is kept over there, from the moment that the command begins.
        begins = self.deadline.left(timeout + 1 + 2 * self._started)
        ran = self.connection.execute(
            script.reader(text),
            text,
            begins,
            action.feed,
            largest=2 * limit.size,
            is_last=False,
        )
        rc = TIMED_OUT if ran.rc in (None, KILLED) else ran.rc
        cut = limit.met if ran.is_full else limit.met_by(action.output)
        seconds = time.monotonic() - started
        return completed(argv, rc or 0, action.output, action.errors, seconds, cut)


def completed(
    argv: Sequence[str], rc: int, stdout: bytes, stderr: bytes, seconds: float = 0.0, cut: str = ""
) -> Completed:
    """A finished command as every kind of host reports it."""
    cut = cut or limit_of_command(tuple(argv)).met_by(stdout)
    stdout = b"" if cut else stdout
    rc = TIMED_OUT if rc == KILLED or cut else rc
    text = (cut or "timed out") if rc == TIMED_OUT else stderr.decode("utf-8", "replace")
    return Completed(tuple(argv), rc, stdout.decode("utf-8", "replace"), text, seconds, cut)


def _login(head: Sequence[script.Part], first_at: float, refusal: str) -> Login:
    environment, clock, rights = head
    now = parse_clock(clock.stdout.decode("ascii", "replace"))
    refused = ""
    if rights.word == "none":
        said = hide(rights.stderr.decode("utf-8", "replace")).strip().splitlines()
        replies = [line for line in said if line.startswith("sudo:")] or said or ["sudo was not asked"]
        refused = refusal or printable(replies[-1])[:200]
    return Login(
        parse_environment(environment.stdout.decode("utf-8", "replace")),
        rights.word,
        refused,
        now - first_at if now else None,
    )
