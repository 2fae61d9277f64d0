"""Whether the far side's nameservers answer questions with EDNS, as Go programs ask: some datagrams of its own tell."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import cycle, islice

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.names.dns import NO_BASH, is_digits
from anywhere.hosts.ssh.names.messages import A, questions

MARK = "edns"
SIZE = 3  # questions, so that lost packets do not look like a filter
EACH = 0.5  # seconds for one try
WITH, WITHOUT = 1, 2  # high bytes of the questions' numbers, by which a reply tells what it answers; the low ones count
HEAD = 4  # bytes of a reply: its number and its code
FORMERR, NOTIMP = 1, 4


class Samples:
    """The questions of one host, sent once beside the first names, and what came of them by nameserver.

    They go out together, twice with EDNS and then once without, until something is answered: by one process for each
    nameserver, and over one socket, so that a late reply counts as well.
    """

    def __init__(self) -> None:
        self.visible = True
        self._sent, self._over = False, False
        self._replies: dict[str, list[bool | None]] = {}
        self._changed = threading.Condition()

    def lines(self, names: Sequence[str]) -> list[str]:
        """The lines of the far side's script, once."""
        with self._changed:
            fit = [name for name in names if _wire(name, WITH, 0)]
            if self._sent or not fit:
                return []
            self._sent = True
        asked = list(islice(cycle(fit), SIZE))
        tries = [[_wire(name, kind, place) for place, name in enumerate(asked)] for kind in (WITH, WITH, WITHOUT)]
        return [script.udp_line(MARK, "", EACH, tries, HEAD)]

    def learn(self, key: str, rc: int, digits: str) -> bool:
        """Take a record of these lines; False for any other's."""
        mark, _, server = key.partition(" ")
        if mark != MARK or not server:
            return False
        with self._changed:
            self.visible = self.visible and rc != NO_BASH and is_digits(digits)
            said = _said("".join(digits.split())) if is_digits(digits) else []
            self._replies.setdefault(server, []).extend(said)
            self._changed.notify_all()
        return True

    def over(self) -> None:
        """No more records will come."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def is_plain(self, server: str, seconds: float) -> bool:
        """Whether this nameserver answers the old form of questions alone; False where that is not known in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_settled(server), seconds)
            said = self._replies.get(server, [])
            return len(said) >= SIZE and True in said and False not in said

    def tells(self, server: str) -> bool:
        """Whether `is_plain` need not wait."""
        with self._changed:
            return self._is_settled(server)

    def _is_settled(self, server: str) -> bool:
        said = self._replies.get(server, [])
        return self._over or not self._sent or not self.visible or len(said) >= SIZE or False in said


def _said(digits: str) -> list[bool | None]:
    """What each question was answered with: see `needs_plain`."""
    heads = [digits[place : place + 2 * HEAD] for place in range(0, len(digits), 2 * HEAD)]
    said = {int(head[2:4], 16): needs_plain(head) for head in heads if len(head) == 2 * HEAD}
    return [said.get(place) for place in range(SIZE)]


def needs_plain(digits: str) -> bool | None:
    """What a reply says: True where EDNS was refused or only the question without it is answered, None for silence."""
    if len(digits) < 2 * HEAD:
        return None
    kind, code = int(digits[:2], 16), int(digits[7], 16)
    return kind == WITHOUT or code in (FORMERR, NOTIMP)


def _wire(name: str, kind: int, place: int) -> bytes:
    return questions(name, kind << 8 | place, edns=kind == WITH).get(A, b"") if name else b""
