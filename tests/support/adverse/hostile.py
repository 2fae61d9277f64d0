"""What a hostile host runs in place of every command (sshd's ForceCommand): it knows our protocol and abuses it."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator

PIECE = 65536


def token() -> bytes:
    """The word that ends a part, taken from the script as the shell would."""
    text = b""
    while not (found := re.search(rb"TOKEN=(\S+?)''(\S+)", text)):
        piece = os.read(0, PIECE)
        if not piece:
            sys.exit(1)
        text += piece
    return found[1] + found[2]


def say(number: int, pieces: Iterator[bytes]) -> None:
    """Write until nobody takes it any more."""
    for piece in pieces:
        while piece:
            try:
                piece = piece[os.write(number, piece) :]
            except OSError:
                sys.exit(0)


def for_ever(piece: bytes) -> Iterator[bytes]:
    """The same piece without end."""
    while True:
        yield piece


def begin() -> bytes:
    """What our script says first; then any number of parts is believed."""
    mark = token()
    parts = b"".join(b"\n%s %s\n" % (mark, word) for word in (b"start", b"0", b"0", b"root"))
    say(1, iter([parts]))
    say(2, iter([b"\n%s\n" % mark * 4]))
    return mark


def floods() -> None:
    say(1, for_ever(b"y\n" * (PIECE // 2)))


def complains() -> None:
    say(2, for_ever(b"e\n" * (PIECE // 2)))


def records() -> None:
    """A million parts."""
    mark = begin()
    out, err = b"\n%s 0\n" % mark * 1000, b"\n%s\n" % mark * 1000
    for _ in range(1000):
        say(1, iter([out]))
        say(2, iter([err]))
    time.sleep(60)


def marks() -> None:
    """Marks on one stream alone."""
    mark = begin()
    say(1, for_ever(b"\n%s 0\n" % mark * 1000))


def crumbs() -> None:
    """One byte at a time."""
    begin()
    say(1, for_ever(b"x"))


def lookups() -> None:
    """A million records of the resolver."""
    mark = token()
    record = b"\n%s 0 ssm.us-east-1.amazonaws.com\n10.1.1.1 STREAM x\n\n%s end\n" % (mark, mark)
    say(1, for_ever(record * 500))


def large() -> None:
    """Each part nearly as large as it may be, of lines that look like anything."""
    mark = begin()
    line = b"-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 51678 -j DROP\nECS_CLUSTER=x\n10.0.0.1 a.example.com\n"
    text = line * (4 * 1024 * 1024 // len(line))
    for _ in range(100):
        say(1, iter([text, b"\n%s 0\n" % mark]))
        say(2, iter([b"\n%s\n" % mark]))
    time.sleep(60)


def greedy_lines() -> None:
    """Every part a MiB of text that is slow to search."""
    mark = begin()
    text = (b"password" * 20 + b"=\"'\\" + b"proxy://@" * 20 + b"\n") * 2800
    for _ in range(100):
        say(1, iter([text, b"\n%s 0\n" % mark]))
        say(2, iter([b"\n%s\n" % mark]))
    time.sleep(60)


MODES: dict[str, Callable[[], None]] = {
    mode.__name__: mode for mode in (floods, complains, records, marks, crumbs, lookups, large, greedy_lines)
}

if __name__ == "__main__":
    MODES[sys.argv[1]]()
