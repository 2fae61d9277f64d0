"""Many observations in one go: the script for the far side's shell, and its output taken apart. Pure.

What cannot be known to be complete is not there: a cut-off answer yields the observations before the cut.
"""

from __future__ import annotations

import math
import secrets
import shlex
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import takewhile

from anywhere.documents.numbers import whole
from anywhere.frozen import frozen
from anywhere.hosts.bounds import LISTING, STORE, limit_of_file
from anywhere.hosts.inventory import RELEVANT
from anywhere.hosts.ssh.channels.session import Enough

# The far side evaluates what it has read whole, so that a script cut off on its way runs not at all. The words are
# the same in every login shell, csh and fish included. What follows the script on standard input is not read by this. A login
# script may have left a PATH without these programs.
_PATH = "PATH=${PATH:-/usr/bin}:/usr/bin:/bin"
READER = f"exec /bin/sh -c '{_PATH}; eval \"$(head -c %d)\"'"
# The same for a script whose length is not known yet: it comes first, on a line of its own.
WAITING = f'exec /bin/sh -c \'{_PATH}; read -r size && eval "$(head -c "$size")"\''
# Where a login script starts another shell (`exec bash`), that one reads the script as if it were typed, and never ends.
ANOTHER = "a login script starts another shell in place of the command"
GUARD = f"case $0 in sh | */sh) ;; *) echo '{ANOTHER}' >&2; exit 97 ;; esac\n"
END_GROUPS = b"-soon\n"  # ends look-ups of several names: see `watch` of base.sh
READERS = ("sed", "grep")  # programs whose last arguments are the files that they read
LOOKING = 30.0  # seconds: a command with a longer time limit is an action


@frozen
class Part:
    """One observation's outcome: the word after its mark (mostly an exit code), and both streams. `cut` names the limit
    that was met where it was cut off because of that."""

    word: str
    stdout: bytes
    stderr: bytes
    cut: str = ""

    @property
    def rc(self) -> int:
        """The exit code, 1 where the word is no number."""
        number = whole(self.word)
        return 1 if number is None else number


def token() -> str:
    """A word that no output can hold by chance or intent."""
    return f"anywhere-{secrets.token_hex(16)}"


def reader(text: bytes) -> str:
    """The command that reads this script and runs it."""
    return READER % len(text)


def sized(text: bytes) -> bytes:
    """What WAITING reads."""
    return b"%d\n" % len(text) + text


def _assigned(name: str, value: str) -> str:
    """An assignment; the token in two parts, so that whoever merely repeats what we send has never said it."""
    half = len(value) // 2
    return f"{name}={value[:half]}''{value[half:]}\n" if name == "TOKEN" else f"{name}={shlex.quote(value)}\n"


@cache
def library() -> str:
    """The functions that the lines below call."""
    return "\n".join(map(text, ("base.sh", "remote.sh", "inventory.sh"))) + "\n"


@cache
def text(name: str) -> str:
    """A script without its comments."""
    kept = (
        line.strip()
        for line in resources.files("anywhere.hosts.ssh").joinpath("scripts", name).read_text().splitlines()
    )
    return "\n".join(line for line in kept if line and not line.startswith("#"))


def ending(number: int) -> bytes:
    """What ends the line of this number (the first is 1) where it still runs, so that the script goes on to the next."""
    return b"-%d.\n" % number


@lru_cache(4096)
def run_line(argv: Sequence[str]) -> str:
    """A command."""
    files = list(takewhile(lambda word: word.startswith("/"), reversed(argv))) if argv[0] in READERS else []
    return f"run_on {shlex.join(reversed(files))} -- {shlex.join(argv)}" if files else f"run {shlex.join(argv)}"


def file_line(path: str, tail: int = 0) -> str:
    """A file, or its last `tail` bytes; one byte more than it may have shows that it is too large."""
    limit = limit_of_file(path).size
    return f"read_file {shlex.quote(path)} {limit + 1} {min(tail, limit) or ''}"


@lru_cache(4096)
def folder_line(path: str) -> str:
    """The names in a folder."""
    return f"list_folder {shlex.quote(path)}"


def trust_line(files: Iterable[str], folders: Iterable[str], digests: Iterable[str], within: Iterable[str] = ()) -> str:
    """A CA store; its content only when its digest is none of these. `within`: what no link may lead out of."""
    words = f"{shlex.quote(' '.join(digests))} {shlex.quote(' '.join(within))}"
    return f"trust {STORE.size} {words} {shlex.join(files)} -- {shlex.join(folders)}"


def name_line(name: str) -> str:
    """A name asked of the system's resolver by itself, beside all others."""
    return f"look_up {shlex.quote(name)} &"


def names_lines(first: str, groups: Sequence[Sequence[str]], soon: float) -> list[str]:
    """Names asked of the system's resolver: one by itself, and the groups beside it, each by one process that END_GROUPS ends.
    Where the first is not answered soon (in seconds), or a group was ended, each is asked by itself."""
    others = [name for group in groups for name in group]
    lines = [f"look_up_all {shlex.join(group)} &" for group in groups]
    return [*lines, f"look_up_first {soon:g} {shlex.join([first, *others])} &"]


def udp_line(key: str, server: str, seconds: float, tries: Sequence[Sequence[bytes]], size: int = 4096) -> str:
    """Tries, each of one or more queries to a nameserver as datagrams, until one is answered, beside all others; so many
    bytes of each reply. `server` empty: to each nameserver of resolv.conf, which then stands behind the key."""
    sent = (" ".join("".join(f"\\x{byte:02x}" for byte in query) for query in queries) for queries in tries)
    to = ("ask_udp", key, server) if server else ("ask_each", key)
    return f"{shlex.join((*to, f'{seconds:g}', str(size), *sent))} &"


def script(mark: str, lines: Iterable[str], variables: Mapping[str, str] | None = None, seconds: float = 60.0) -> str:
    """The text for a POSIX shell: variables, functions, and the lines. After so many seconds, or when standard input
    ends, nothing of it runs any more."""
    head = "".join(_assigned(name, value) for name, value in {"TOKEN": mark, **(variables or {})}.items())
    watch = f"watch {max(1, math.ceil(seconds))}\n"
    return head + library() + watch + "mark start\n" + "\n".join(lines) + "\nleave\n"


def jobs(mark: str, lines: Iterable[str], seconds: float, is_fit: bool = False) -> str:
    """The text for background jobs alone, which need little and end by themselves: see `records.sh`."""
    # Only the jobs are waited for: the watcher ends with its own standard input.
    waits = 'for job in $jobs; do wait "$job"; done\nleave clean\n'
    begun = "".join(f'{line}\njobs="$jobs $!"\n' for line in lines)
    given = _assigned("TOKEN", mark) + f"LONGEST={max(1, math.ceil(seconds))}\nFIT={'yes' if is_fit else ''}\n"
    return given + text("base.sh") + "\n" + text("records.sh") + "\nwatch\n" + begun + waits


def privileged(mark: str, inner: str, sudo: str) -> str:
    """The script around `inner`; `sudo` is no, quiet or asks. See `become.sh`."""
    given = {"TOKEN": mark, "INNER": inner, "RELEVANT": RELEVANT, "SUDO": sudo}
    return "".join(_assigned(name, value) for name, value in given.items()) + text("become.sh") + "\n"


def is_watched(seconds: float, size: int) -> bool:
    """Whether a command ends when we are gone: what only looks does; what installs something is not broken off."""
    return not size and seconds <= LOOKING


def action(mark: str, argv: Sequence[str], seconds: float, size: int, rights: str, sudo: str) -> str:
    """One command with `size` bytes of input, with the rights that the login has. See `act.sh`."""
    given = f"SIZE={size or ''}\nWATCH={'yes' if is_watched(seconds, size) else ''}\n"
    inner = _assigned("TOKEN", mark) + given + text("base.sh") + "\n" + text("act.sh")
    words = shlex.join([str(max(1, round(seconds))), *argv])
    if rights != "sudo":
        return f"set -- {words}\n{inner}\n"
    head = "".join(_assigned(name, value) for name, value in {"TOKEN": mark, "INNER": inner, "SUDO": sudo}.items())
    functions = text("become.sh").partition("\nmark start\n")[0]
    return f'{head}{functions}\nfind_sudo\nas_root "$INNER" sh {words}\n'


class Reader:
    """Takes the output apart as it comes. A part is whole when its mark stands on both streams; what login shells say
    before `start` is left out, so `is_begun` says whether our script runs at all.

    Raises Enough for a part that is larger than any may be, and for more than `most` parts: then it is `is_foul`, because
    no shell that runs our script does that."""

    def __init__(self, mark: str, most: int = 1 << 20) -> None:
        self.is_begun = self.is_foul = False
        self._out, self._err = _Stream(mark, has_word=True), _Stream(mark, has_word=False)
        self._words: deque[tuple[str, bytes]] = deque()
        self._errors: deque[bytes] = deque()
        self._most = most

    @property
    def pending(self) -> int:
        """Bytes of the unfinished part; 0 while standard error is behind, because they may be another part's."""
        return 0 if self._words else len(self._out)

    def feed(self, data: bytes, is_error: bool) -> list[Part]:
        """The parts that this piece makes whole."""
        if is_error:
            self._errors += [before for _, before in self._err.feed(data)]
        else:
            self._words += self._out.feed(data)
        parts = []
        while self._words and self._errors:
            (word, before), error = self._words.popleft(), self._errors.popleft()
            if word == "start":
                self.is_begun = True
            else:
                parts.append(Part(word, before, error))
        self._most -= len(parts)
        self.is_foul = self._most < 0 or len(self._words) + len(self._errors) > MOST_APART
        if self.is_foul:
            raise Enough
        return parts


MOST_ERRORS = 512 * 1024  # bytes of standard error of one part
MOST_APART = 1000  # marks that one stream may be ahead of the other


class _Stream:
    """One stream: what stands before each mark, with the mark's word. Each byte is looked at once, however small the
    pieces and large the part."""

    def __init__(self, mark: str, *, has_word: bool) -> None:
        self._start = b"\n" + mark.encode() + (b" " if has_word else b"\n")
        self._has_word, self._most = has_word, LISTING.size if has_word else MOST_ERRORS
        self._text = bytearray()
        self._looked = 0

    def __len__(self) -> int:
        return len(self._text)

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        self._text += data
        found = []
        used = 0
        while (place := self._text.find(self._start, self._looked)) >= 0:
            after = place + len(self._start)
            end = self._text.find(b"\n", after) if self._has_word else after - 1
            if end < 0:
                self._looked = place
                break
            word = self._text[after : min(end, after + 40)].decode("utf-8", "replace")
            found.append((word, bytes(self._text[used:place])))
            used = self._looked = end + 1
        else:
            self._looked = max(used, len(self._text) - len(self._start))
        del self._text[:used]
        self._looked -= used
        if len(self._text) > self._most:
            raise Enough
        return found


def parse(mark: str, stdout: bytes, stderr: bytes) -> list[Part]:
    """All parts that came whole."""
    reader = Reader(mark)
    return reader.feed(stderr, True) + reader.feed(stdout, False)
