"""Many observations in one go: the script for the far side's shell, and its output taken apart. Pure.

What cannot be known to be complete is not there: a cut-off answer yields the observations before the cut.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from anywhere.hosts.ssh import inventory

# The far side evaluates what it has read whole, so that a script cut off on its way runs not at all. The words are
# the same in every login shell, csh and fish included.
READER = "exec sh -c 'eval \"$(cat)\"'"
PASSWORD_READER = "exec sh -c 'IFS= read -r password; eval \"$(cat)\"'"
MOST_SCRIPT = 120_000  # bytes: Linux takes no longer argument (MAX_ARG_STRLEN, 128 KiB), and sudo gets it as one


@dataclass(frozen=True, slots=True)
class Part:
    """One observation's outcome: the word after its mark (mostly an exit code), and both streams."""

    word: str
    stdout: bytes
    stderr: bytes

    @property
    def rc(self) -> int:
        """The exit code, 1 where the word is no number."""
        return int(self.word) if self.word.isascii() and self.word.isdigit() else 1


def token() -> str:
    """A word that no output can hold by chance or intent."""
    return f"anywhere-{secrets.token_hex(16)}"


@cache
def library() -> str:
    """The functions that the lines below call."""
    return _text("remote.sh") + "\n" + _text("inventory.sh") + "\n"


@cache
def _text(name: str) -> str:
    """A script without its comments."""
    kept = (
        line.strip()
        for line in resources.files("anywhere.hosts.ssh").joinpath("scripts", name).read_text().splitlines()
    )
    return "\n".join(line for line in kept if line and not line.startswith("#"))


def run_line(argv: Sequence[str], seconds: float) -> str:
    """A command with its time limit in whole seconds, 0 for none."""
    return f"run {max(1, round(seconds)) if seconds else 0} {shlex.join(argv)}"


def file_line(path: str, tail: int = 0) -> str:
    """A file, or its last `tail` bytes."""
    return f"read_file {shlex.quote(path)} {tail or ''}"


def folder_line(path: str) -> str:
    """The names in a folder."""
    return f"list_folder {shlex.quote(path)}"


def trust_line(files: Iterable[str], folders: Iterable[str], digests: Iterable[str]) -> str:
    """A CA store; its content only when its digest is none of these."""
    return f"trust {shlex.quote(' '.join(digests))} {shlex.join(files)} -- {shlex.join(folders)}"


def name_line(name: str) -> str:
    """A name asked of the system's resolver, beside all others."""
    return f"look_up {shlex.quote(name)} &"


def udp_line(key: str, server: str, seconds: float, queries: Sequence[bytes]) -> str:
    """Queries to a nameserver as datagrams until one is answered, beside all others. `server` empty: to each nameserver
    of resolv.conf, which then stands behind the key."""
    words = [f"{seconds:g}", *("".join(f"\\x{byte:02x}" for byte in query) for query in queries)]
    to = ("ask_udp", key, server) if server else ("ask_each", key)
    return f"{shlex.join((*to, *words))} &"


def script(mark: str, lines: Iterable[str], variables: Mapping[str, str] | None = None) -> str:
    """The whole text for a POSIX shell: variables, functions, and the lines."""
    given = {"TOKEN": mark, **(variables or {})}
    head = "".join(f"{name}={shlex.quote(value)}\n" for name, value in given.items())
    return head + library() + "mark start\n" + "\n".join(lines) + "\nexit 0\n"


def jobs(mark: str, lines: Iterable[str]) -> str:
    """The text for background jobs alone, which need little: see `records.sh`."""
    return f"TOKEN={mark}\n{_text('records.sh')}\n" + "\n".join(lines) + "\nwait\nexit 0\n"


def privileged(mark: str, inner: str, *, sudo: bool, password: bool) -> str:
    """The script around `inner`: notes the login's environment and clock, then runs it with root's rights where they
    can be had, else without. Three parts come first: environment, clock, and `root`, `sudo` or `none` with what sudo
    said on stderr."""
    become = "sudo -n"
    if password:
        # The password comes from a variable by a builtin of the shell: it is in no argument list. -k makes sudo ask in
        # any case, so that it is always sudo that reads it.
        become = "printf '%s\\n' \"$password\" | sudo -k -S -p ''"
    steps = [f"TOKEN={mark}\nINNER={shlex.quote(inner)}\nTELLING={shlex.quote(inventory.TELLING)}", _MARK]
    steps += ['env | grep -iE "^($TELLING)="; mark 0', "date +%s.%N; mark $?", "uid=$(id -u)"]
    steps += ['if [ "$uid" = 0 ]; then mark root; unset password; eval "$INNER"']
    if sudo:
        steps += [f'elif {become} sh -c : >/dev/null; then mark sudo; {become} sh -c "uid=0; $INNER"']
    steps += ['else mark none; unset password; eval "$INNER"; fi']
    return "\n".join(steps) + "\n"


_MARK = 'mark() { printf \'\\n%s %s\\n\' "$TOKEN" "$1"; printf \'\\n%s\\n\' "$TOKEN" >&2; }\nmark start'


class Reader:
    """Takes the output apart as it comes. A part is whole when its mark stands on both streams; what login shells say
    before `start` is left out."""

    def __init__(self, mark: str) -> None:
        self._end = b"\n" + mark.encode()
        self._out, self._err = bytearray(), bytearray()
        self._looked = 0
        self._words: list[tuple[str, bytes]] = []
        self._errors: list[bytes] = []

    def feed(self, data: bytes, is_error: bool) -> list[Part]:
        """The parts that this piece makes whole."""
        if is_error:
            self._err += data
            *whole, rest = self._err.split(self._end + b"\n")
            self._errors += map(bytes, whole)
            self._err = bytearray(rest)
        else:
            self._out += data
            self._take_words()
        ready = min(len(self._words), len(self._errors))
        parts = [Part(word, text, error) for (word, text), error in zip(self._words[:ready], self._errors[:ready])]
        del self._words[:ready], self._errors[:ready]
        return [part for part in parts if part.word != "start"]

    def _take_words(self) -> None:
        """Each byte is looked at once, however small the pieces and large the part."""
        start = self._end + b" "
        while (place := self._out.find(start, self._looked)) >= 0:
            self._looked = place
            line_end = self._out.find(b"\n", place + len(start))
            if line_end < 0:
                return
            word = self._out[place + len(start) : line_end].decode("utf-8", "replace")
            self._words.append((word, bytes(self._out[:place])))
            del self._out[: line_end + 1]
            self._looked = 0
        self._looked = max(0, len(self._out) - len(start))


def parse(mark: str, stdout: bytes, stderr: bytes) -> list[Part]:
    """All parts that came whole."""
    reader = Reader(mark)
    return reader.feed(stderr, True) + reader.feed(stdout, False)
