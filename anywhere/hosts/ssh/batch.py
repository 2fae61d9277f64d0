"""Many observations by one shell of the far side, as their output comes: taken apart, kept going, sudo answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from anywhere.hosts.bounds import ANSWER, LISTING, OUTPUT, Limit, limit_of_command
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.channels.session import Enough, Pace, Reply
from anywhere.hosts.ssh.sudo import Prompt

LINE_SECONDS, PART = 5.0, 0.5  # for one line, and of the batch's time: then what it runs is ended over there
MOST_AIMED = 3  # times that it is tried to end one line
COMMANDS = ("run", "run_on")
SLACK = 1024  # bytes: the beginning of the next mark belongs to no output
ONE_PROGRAM = ("run", "read_file ", "list_folder ")  # lines whose exit code is that of what they run
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
    """The output of some lines, for which there are `seconds`. `tell` gets their parts, `learn` those before them."""

    def __init__(
        self, mark: str, password: str, lines: Sequence[str], seconds: float, tell: Tell, learn: Learn
    ) -> None:
        self.head: list[script.Part] = []
        self.started = 0.0  # seconds until our script ran
        self.met = "larger than what is read at once"  # the limit, where output was cut because of one
        self._reader = script.Reader(mark, HEAD + len(lines))
        self._prompt = Prompt(mark, password)
        self._held = b""  # standard error that came before our script had shown itself
        self._begun = self._heard = self._since = time.monotonic()
        self._lines, self._seconds, self._asks = lines, seconds, bool(password)
        self._tell, self._learn = tell, learn
        self._told = self._aimed = 0  # lines that are over, and how often it was tried to end the one that runs

    def feed(self, data: bytes, is_error: bool) -> Reply | None:
        """See Sink."""
        try:
            parts = self._reader.feed(data, is_error)
        except Enough:
            self._meet(0)
            raise
        self._heard = time.monotonic()
        if self._reader.is_begun and not self.started:
            self.started = self._heard - self._begun
        for part in parts:
            self._take(part)
        if self._meet(SLACK):
            raise Enough
        if is_error:
            self._held += data
        if not self._reader.is_begun or len(self.head) == HEAD:
            return None
        held, self._held = self._held, b""
        return self._prompt.answer(held) if held else None

    def _meet(self, slack: int) -> bool:
        """Whether the line that runs has printed more than its limit, which is then the one that is reported."""
        pending = self._reader.pending
        is_met = pending > ANSWER.size and len(self.head) == HEAD and pending > self._limit.size + slack
        self.met = self._limit.met if is_met else self.met
        return is_met

    def _take(self, part: script.Part) -> None:
        self._since = self._heard
        if len(self.head) < HEAD:
            self.head.append(part)
            if len(self.head) == HEAD:
                self._learn(self.head)
            return
        # Of several programs the last one's exit code does not tell whether one before it was ended.
        is_cut = self._aimed and not self._line.startswith(ONE_PROGRAM)
        self._told, self._aimed = self._told + 1, 0
        self._tell(replace(part, word=str(KILLED)) if is_cut else part)

    def patience(self) -> float:
        """See Pace. A login shell that has not begun, sudo that does not ask, a line that hangs."""
        return min(self._silence(), self._end()) - time.monotonic()

    def stalled(self) -> Reply | None:
        """See Pace. What a line runs is ended; whoever says nothing all the same hangs."""
        if self._end() > time.monotonic() or self._aimed == MOST_AIMED:
            return None
        self._since, self._aimed = time.monotonic(), self._aimed + 1
        return Reply(script.ending(self._told + 1))

    @property
    def _line(self) -> str:
        """The line that runs."""
        return self._lines[self._told] if self._told < len(self._lines) else ""

    @property
    def _limit(self) -> Limit:
        """How much the line that runs may print. Files, folders and stores have their own limits over there."""
        kind, _, words = self._line.partition(" ")
        if kind in COMMANDS:
            return limit_of_command(words.rpartition("-- ")[2].split())
        return OUTPUT if kind == "inventory" else LISTING

    def _silence(self) -> float:
        """When a host that has said nothing until then is given up."""
        if self.waits_for_sudo:
            return self._heard + SUDO_SECONDS
        longest = QUIET if self._reader.is_begun else LOGIN_SECONDS
        return self._heard + min(longest, max(RESERVE, self._seconds - RESERVE))

    def _end(self) -> float:
        """When the line that runs is to be ended: one that has several programs, when it has said nothing for as long."""
        if len(self.head) < HEAD or not self._line:
            return float("inf")
        since = self._since if self._line.startswith(ONE_PROGRAM) else max(self._since, self._heard)
        return since + min(LINE_SECONDS, PART * self._seconds)

    @property
    def is_foul(self) -> bool:
        """Whether this is no shell that runs our script."""
        return self._reader.is_foul

    @property
    def waits_for_sudo(self) -> bool:
        """Whether sudo was started and has neither run the script nor refused."""
        return self._asks and len(self.head) == HEAD - 1


class Moment(Pace):
    """What has only a moment is ended when that is over, again and again, for it may not have begun; everything else takes
    its time."""

    def __init__(self) -> None:
        self._end = time.monotonic() + MOMENT

    def patience(self) -> float:
        """See Pace."""
        return self._end - time.monotonic()

    def stalled(self) -> Reply:
        """See Pace."""
        self._end = time.monotonic() + MOMENT
        return Reply(script.END_GROUPS)
