"""The machine that this runs on."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from anywhere.hosts.base import Answer, Completed, Deadline, Inventory, Probe, ProbeSpec, Query
from anywhere.hosts.bounds import NotAFile, TooLarge, kept_addresses, limit_of_command, limit_of_file
from anywhere.hosts.probe.castore import load_trust, roots_of_windows
from anywhere.hosts.probe.ladder import Ladder
from anywhere.hosts.probe.tcp import open_tcp
from anywhere.hosts.probe.tls import Contexts
from anywhere.hosts.processes import Ran, run
from anywhere.hosts.reading import list_folder, look_at, read_file
from anywhere.model import Reason
from anywhere.threads import within
from anywhere.windows import IS_WINDOWS, LINUX_ONLY, SYSTEM, is_root

RESOLVE_TIMEOUT = 3.0  # seconds: past a lost packet; a name that takes longer is looked up at a nameserver itself
NAMESERVER_TIMEOUT = 2.2
ANSWER_SECONDS = 1.0  # seconds: whoever is silent for so long, or for a quarter of a short run, does not answer
# What the C library says of a name; everything else that it says is about its servers or itself.
NO_SUCH_NAME = (socket.EAI_NONAME, socket.EAI_NODATA, getattr(socket, "EAI_ADDRFAMILY", socket.EAI_NONAME))
RESOLVERS_FILES = ("/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/host.conf", "/etc/gai.conf")
NO_SUCH_PROGRAM, NOT_EXECUTABLE, TIMED_OUT = 127, 126, 124


class LocalHost:
    """This machine. `budget` seconds are divided among the steps of a probe."""

    system = SYSTEM

    def __init__(self, deadline: Deadline, budget: float = 6.0, name: str = "local") -> None:
        self.name = name
        self.deadline = deadline
        self.budget = budget
        self._ladder = Ladder(open_tcp, Contexts(self._trust), deadline, budget, time.time)

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        """See Host. Every command that is asked for is one of Linux."""
        if IS_WINDOWS:
            return Completed(tuple(argv), NO_SUCH_PROGRAM, "", f"{argv[0]}: {LINUX_ONLY}", 0.0)
        started = time.monotonic()
        patience = self.deadline.left(timeout)
        ran = Ran(err=bytearray(b"no time left"))
        try:
            if patience > 0:
                ran = run(argv, input, patience, command_environment(), limit_of_command(tuple(argv)))
        except FileNotFoundError:
            ran = Ran(NO_SUCH_PROGRAM, err=bytearray(f"{argv[0]}: not found".encode()))
        except OSError as error:
            ran = Ran(NOT_EXECUTABLE, err=bytearray(f"{argv[0]}: {error.strerror}".encode()))
        return Completed(
            tuple(argv),
            TIMED_OUT if ran.code is None else ran.code,
            ran.out.decode("utf-8", "replace"),
            ran.err.decode("utf-8", "replace"),
            time.monotonic() - started,
            ran.cut,
        )

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """See Host."""
        return read_file(path, limit_of_file(path), self.deadline, tail)

    def listdir(self, path: str) -> tuple[str, ...]:
        """See Host."""
        return list_folder(path)

    def real(self, path: str) -> str:
        """Where a path leads, links followed."""
        return os.path.realpath(path)

    def _trust(self, spec: str) -> bytes:
        return roots_of_windows() if IS_WINDOWS and not spec else load_trust(self, spec)

    def resolve(self, query: Query) -> Answer:
        """See Host."""
        wanted = query.wait or min(NAMESERVER_TIMEOUT if query.server else RESOLVE_TIMEOUT, self.budget)
        patience = self.deadline.left(wanted)
        answer = self._ask(query, patience) if query.server else self._system(query.name, patience)
        late = answer.reason is Reason.NAMESERVER_TIMEOUT and patience < min(ANSWER_SECONDS, self.budget / 4)
        return replace(answer, late=True) if late else answer

    def _ask(self, query: Query, patience: float) -> Answer:
        from anywhere.hosts.probe.dns import ask

        return ask(query, patience, lambda server, port, timeout: open_tcp(server, port, timeout, 0), udp=not query.tcp)

    def _system(self, name: str, patience: float) -> Answer:
        started = time.monotonic()
        if unfit := unfit_for_lookups():
            return Answer(name, "system", (), Reason.SERVER_FAILURE, unfit)
        try:
            found = within(patience, lambda: socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
        except TimeoutError:
            return Answer(
                name, "system", (), Reason.NAMESERVER_TIMEOUT, "no answer", seconds=time.monotonic() - started
            )
        except UnicodeError as error:
            return Answer(name, "system", (), Reason.NAME_UNKNOWN, str(error), seconds=time.monotonic() - started)
        except OSError as error:
            reason = Reason.NAME_UNKNOWN if error.errno in NO_SUCH_NAME else Reason.SERVER_FAILURE
            detail = error.strerror or str(error)
            return Answer(name, "system", (), reason, detail, seconds=time.monotonic() - started)
        addresses = tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
        addresses, detail = kept_addresses(addresses)
        return Answer(name, "system", addresses, detail=detail, seconds=time.monotonic() - started)

    def probe(self, spec: ProbeSpec) -> Probe:
        """See Host."""
        return self._ladder.climb(spec)

    def inventory(self) -> Inventory:
        """See Host."""
        from anywhere.hosts.inventory import inventory

        return inventory()

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """Nothing to do: a local observation costs nothing until it is asked for."""

    def close(self) -> None:
        """Nothing to end."""


# As base.sh unsets them. gettext prefers LANGUAGE to any locale but C itself (gettext manual, "The LANGUAGE variable"); the
# others change what programs print, or whom docker asks.
DIVERTING = frozenset(
    (
        *("LANGUAGE", "POSIXLY_CORRECT", "BLOCK_SIZE", "BLOCKSIZE", "DF_BLOCK_SIZE", "LS_BLOCK_SIZE", "TIME_STYLE"),
        *(
            "GREP_OPTIONS",
            "GREP_COLOR",
            "SYSTEMD_COLORS",
            "DOCKER_API_VERSION",
            "DOCKER_TLS_VERIFY",
            "DOCKER_CERT_PATH",
        ),
    )
)


def command_environment() -> dict[str, str]:
    """The environment of every command: plain messages, the administrator's folders on the PATH; for root only those
    where nobody else can put a program."""
    given = {name: value for name, value in os.environ.items() if name not in DIVERTING}
    kept = {name: value for name, value in given.items() if not name.startswith(("LC_", "LD_", "PYTHON"))}
    kept["OPENSSL_CONF"] = kept.pop("ANYWHERE_CALLER_OPENSSL_CONF", "")
    if not kept["OPENSSL_CONF"]:
        del kept["OPENSSL_CONF"]
    path = [folder for folder in kept.get("PATH", "/usr/bin:/bin").split(":") if _is_trusted(folder)]
    path += [folder for folder in ("/usr/local/sbin", "/usr/sbin", "/sbin") if folder not in path]
    return {**kept, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PATH": ":".join(path)}


def unfit_for_lookups() -> str:
    """Which of the files that the C library reads, in this process and for each name, has no end or is no file."""
    for path in RESOLVERS_FILES:
        try:
            look_at(path, limit_of_file(path))
        except (TooLarge, NotAFile) as error:
            return f"{path} {error.strerror}"
        except OSError:
            continue
    return ""


@lru_cache(maxsize=256)
def _is_trusted(folder: str) -> bool:
    """Whether a folder of the PATH is root's alone; one that is not there does no harm. For others than root: any
    absolute one."""
    if not folder.startswith("/"):
        return False
    try:
        found = os.stat(folder)
    except OSError:
        return False
    return not is_root() or (found.st_uid == 0 and not found.st_mode & 0o022)
