"""Many observations by one shell of the far side, as their output comes: taken apart, kept going, sudo answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.channels.session import Enough, Pace, Reply
from anywhere.hosts.ssh.sudo import Prompt

LINE_SECONDS = 5.0  # for one line: then what it runs is ended over there
QUIET = 9.0  # seconds without a byte after which an observation hangs that could not be ended
LOGIN_SECONDS = 90.0  # until the login shell runs what it is given: login scripts on a busy host, a lock they wait for
RESERVE = 1.0  # seconds before the deadline in which a shell that says nothing can still be reported
SUDO_SECONDS = 5.0  # until sudo asks for the password, and as long again until it has checked it
MOMENT = 1.0  # seconds that several names may take together
HEAD = 3  # parts that stand before those asked for: environment, clock, rights
KILLED = 137
Tell = Callable[[script.Part], None]
Learn = Callable[[Sequence[script.Part]], None]


class Batch(Pace):
    """The output of `size` lines, for which there are `seconds`. `tell` gets their parts, `learn` those before them."""

    def __init__(self, mark: str, password: str, size: int, seconds: float, tell: Tell, learn: Learn) -> None:
        self.head: list[script.Part] = []
        self.started = 0.0  # seconds until our script ran
        self.has_missed = False  # the line that was to be ended was over by itself, and the next one was hit
        self._reader = script.Reader(mark, HEAD + size)
        self._prompt = Prompt(mark, password)
        self._held = b""  # standard error that came before our script had shown itself
        self._begun = self._heard = self._since = time.monotonic()
        self._seconds, self._asks = seconds, bool(password)
        self._tell, self._learn = tell, learn
        self._is_aimed = self._is_astray = False

    def feed(self, data: bytes, is_error: bool) -> Reply | None:
        """See Sink."""
        parts = self._reader.feed(data, is_error)
        self._heard = time.monotonic()
        if self._reader.is_begun and not self.started:
            self.started = self._heard - self._begun
        for part in parts:
            self._take(part)
        if is_error:
            self._held += data
        if not self._reader.is_begun or len(self.head) == HEAD:
            return None
        held, self._held = self._held, b""
        return self._prompt.answer(held) if held else None

    def _take(self, part: script.Part) -> None:
        self._since = self._heard
        if len(self.head) < HEAD:
            self.head.append(part)
            if len(self.head) == HEAD:
                self._learn(self.head)
            return
        was_ended = part.rc == KILLED
        if was_ended and self._is_astray:
            self.has_missed = True
            raise Enough
        self._is_astray, self._is_aimed = self._is_aimed and not was_ended, False
        self._tell(part)

    def patience(self) -> float:
        """See Pace. A login shell that has not begun, sudo that does not ask, a line that hangs."""
        return min(self._silence(), self._line()) - time.monotonic()

    def stalled(self) -> Reply | None:
        """See Pace. What a line runs is ended, again and again; whoever says nothing all the same hangs."""
        if self._line() > time.monotonic():
            return None
        self._since, self._is_aimed = time.monotonic(), True
        return Reply(script.NEXT)

    def _silence(self) -> float:
        """When a host that has said nothing until then is given up."""
        if self.waits_for_sudo:
            return self._heard + SUDO_SECONDS
        longest = QUIET if self._reader.is_begun else LOGIN_SECONDS
        return self._heard + min(longest, max(RESERVE, self._seconds - RESERVE))

    def _line(self) -> float:
        """When the line that runs is to be ended."""
        return self._since + LINE_SECONDS if len(self.head) == HEAD else float("inf")

    @property
    def is_foul(self) -> bool:
        """Whether this is no shell that runs our script."""
        return self._reader.is_foul

    @property
    def waits_for_sudo(self) -> bool:
        """Whether sudo was started and has neither run the script nor refused."""
        return self._asks and len(self.head) == HEAD - 1


class Moment(Pace):
    """What has only a moment is ended when that is over, once; everything else takes its time."""

    def __init__(self) -> None:
        self._end = time.monotonic() + MOMENT

    def patience(self) -> float:
        """See Pace."""
        return self._end - time.monotonic()

    def stalled(self) -> Reply:
        """See Pace."""
        self._end = float("inf")
        return Reply(script.NEXT)
