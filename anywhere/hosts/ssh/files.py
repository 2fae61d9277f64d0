"""Many small files by one program of the far side, and its output taken apart again. Pure.

`head` names each file above its content. Which file follows cannot be forged by a file's own text, because the paths
are given in a spelling made up for this run: `/.//.//etc/hosts` is `/etc/hosts`.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Sequence

from anywhere.frozen import frozen
from anywhere.hosts.ssh.script import Part

MOST = 256 * 1024  # bytes of a file that are taken; a longer one is asked for by itself
STEPS = 96  # random bits of the spelling


def spelling() -> str:
    """A way to write `/` that nobody guesses."""
    bits = secrets.randbits(STEPS)
    return "".join("/." if bits >> place & 1 else "//." for place in range(STEPS))


@frozen
class FileGroup:
    """Files to be read together."""

    paths: tuple[str, ...]
    root: str

    @property
    def line(self) -> str:
        """The line for the far side's shell (`read_files` of `remote.sh`)."""
        return f"read_files {MOST} {shlex.join((self.root, *self.paths))}"

    def split(self, part: Part) -> dict[str, Part]:
        """Each file's own part. One that is not there has to be asked for by itself."""
        refusals, _, text = part.stdout.partition(b"\n\n")
        found = dict(_refused(self.paths, refusals))
        for path, content in _sections(text, f"==> {self.root}".encode()):
            if path in self.paths and len(content) < MOST:
                found[path] = Part("0", content, b"")
        return found


def _refused(paths: Sequence[str], refusals: bytes) -> Iterator[tuple[str, Part]]:
    """`NUMBER why it cannot be read`, one a line."""
    for line in refusals.splitlines():
        number, _, why = line.partition(b" ")
        if number.isdigit() and int(number[:6]) < len(paths):
            yield paths[int(number[:6])], Part("0" if why == b"null" else "1", b"", why)


def _sections(text: bytes, start: bytes) -> Iterator[tuple[str, bytes]]:
    """The files whose content is followed by another one's name: the last may have been cut."""
    _, *pieces = (b"\n" + text).split(b"\n" + start)
    for piece in pieces[:-1]:
        head, newline, content = piece.partition(b" <==\n")
        if newline:
            yield head.decode("utf-8", "surrogateescape"), content
