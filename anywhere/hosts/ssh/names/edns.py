"""Whether the far side's nameservers answer questions with EDNS, as Go programs ask: some datagrams of its own tell."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import cycle, islice

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.names.dns import NO_BASH
from anywhere.hosts.ssh.names.messages import A, questions

MARK = "edns"
SIZE = 3  # questions, so that lost packets do not look like a filter
EACH = 0.5  # seconds for one try
WITH, WITHOUT = 1, 2  # the numbers of the questions, by which a reply tells what it answers
FORMERR, NOTIMP = 1, 4


class Samples:
    """The questions of one host, sent once beside the first names, and what came of them by nameserver.

    Each is asked twice with EDNS and then once without, over one socket, so that a late reply counts as well.
    """

    def __init__(self) -> None:
        self.visible = True
        self._sent, self._over = False, False
        self._replies: dict[str, list[bool | None]] = {}
        self._changed = threading.Condition()

    def lines(self, names: Sequence[str]) -> list[str]:
        """The lines of the far side's script, once."""
        with self._changed:
            if self._sent or not names:
                return []
            self._sent = True
        found = []
        for name in islice(cycle(names), SIZE):
            tries = [_wire(name, WITH), _wire(name, WITH), _wire(name, WITHOUT)]
            found += [script.udp_line(MARK, "", EACH, tries)] if all(tries) else []
        return found

    def learn(self, key: str, rc: int, digits: str) -> bool:
        """Take a record of these lines; False for any other's."""
        mark, _, server = key.partition(" ")
        if mark != MARK or not server:
            return False
        with self._changed:
            self.visible = self.visible and rc != NO_BASH
            self._replies.setdefault(server, []).append(needs_plain(digits.strip()))
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

    def _is_settled(self, server: str) -> bool:
        said = self._replies.get(server, [])
        return self._over or not self._sent or not self.visible or len(said) >= SIZE or False in said


def needs_plain(digits: str) -> bool | None:
    """What a reply says: True where EDNS was refused or only the question without it is answered, None for silence."""
    if len(digits) < 8:
        return None
    number, code = int(digits[:4], 16), int(digits[7], 16)
    return number == WITHOUT or code in (FORMERR, NOTIMP)


def _wire(name: str, number: int) -> bytes:
    return questions(name, number, edns=number == WITH).get(A, b"")
