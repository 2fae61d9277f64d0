"""A machine over SSH: sshd and a POSIX shell are all that it needs.

Observations are gathered in a few batches at once; probes and queries to nameservers go through channels that the
host's own sshd opens, so that they start from the host. Nothing is tried another way in silence: a view that is not to
be had is `not-permitted`.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from anywhere.errors import HostUnreachable
from anywhere.hosts.base import Answer, Completed, Deadline, Inventory, NotPermitted, Probe, ProbeSpec, Query
from anywhere.hosts.bounds import FOLDER, LISTING, Limit, NotAFile, TooLarge, limit_of_file
from anywhere.hosts.probe.castore import STORES, store_paths
from anywhere.hosts.probe.ladder import Ladder
from anywhere.hosts.probe.tls import Contexts
from anywhere.hosts.ssh import inventory as inventory_sh
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.background import Gathering, Group, Key
from anywhere.hosts.ssh.batch import KILLED
from anywhere.hosts.ssh.connection import Connection
from anywhere.hosts.ssh.files import FileGroup, spelling
from anywhere.hosts.ssh.names.resolver import ServerNames, SystemNames
from anywhere.hosts.ssh.names.several import SOON
from anywhere.hosts.ssh.shell import Shell, completed
from anywhere.hosts.target import SSHOptions
from anywhere.model import Reason, Stage
from anywhere.threads import begin

RESOLVE_SECONDS, NAMESERVER_SECONDS = 5.5, 2.2  # as LocalHost
ONE_TRY = 0.65  # seconds, before `Connection.dial` makes another beside it
GREETED = "a short greeting is answered; which sizes pass is not visible over SSH"
FULL_SEGMENT = 1400  # bytes: sizes from here on are what sshd's connections have anyway
FOLDER_BYTES = Limit(FOLDER.kind, LISTING.size)
READ_AHEAD = 256 * 1024  # bytes of a log's end that are gathered
INVENTORY: Key = ("inventory",)
FILES: Key = ("files",)
LOOKED_UP_IN = ("/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf")
LOGS = ".log"  # their ends are what is asked for: each is read by itself
# Programs that ask a daemon, and wait with it: they come last, the likeliest to hang at the end.
ASKING = ("systemctl", "timedatectl", "firewall-cmd", "chronyc", "ntpq", "rpm", "snap", "podman", "docker")
NOT_A_FILE = re.compile(r"\bis a (pipe|socket|device), not a file")
ERRORS: tuple[tuple[str, type[OSError]], ...] = (
    ("No such file or directory", FileNotFoundError),
    ("Permission denied", PermissionError),
    ("Operation not permitted", PermissionError),
    ("Is a directory", IsADirectoryError),
    ("Not a directory", NotADirectoryError),
)


class SSHHost:
    """A host over one connection. `budget` seconds are divided among the steps of a probe."""

    is_ahead = True  # see recording.Ahead

    def __init__(self, connection: Connection, options: SSHOptions, deadline: Deadline, budget: float = 6.0) -> None:
        self.name = connection.name
        self.deadline = deadline
        self.budget = budget
        self.connection = connection
        self.shell = Shell(connection, deadline, sudo=options.become, password=options.become_password)
        self._gathering = Gathering(lambda lines, on_part: self.shell.gather(lines, inventory_sh.settings(), on_part))
        self._names = SystemNames(self.shell, connection.dial)
        self._servers: dict[str, ServerNames] = {}
        self._stores: dict[str, str] = {}
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._ladder = Ladder(self._connect, Contexts(self._trust), deadline, budget, self._clock)

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        """See Host. A command with input is an action: what was gathered before it no longer counts."""
        if input:
            self._gathering.forget()
        elif part := self._gathering.take(("run", *argv), self.deadline.left()):
            return completed(argv, part.rc, part.stdout, part.stderr, cut=part.cut)
        return self.shell.act(argv, input, timeout)

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """See Host."""
        part = self._gathering.take(("read", path), self.deadline.left())
        if part and (part.rc or len(part.stdout) < READ_AHEAD or part.cut or 0 < tail <= READ_AHEAD):
            return content(path, part)[-tail:]
        return content(path, self._look(script.file_line(path, tail)))

    def listdir(self, path: str) -> tuple[str, ...]:
        """See Host."""
        part = self._gathering.take(("listdir", path), self.deadline.left())
        names = content(path, part or self._look(script.folder_line(path)), FOLDER_BYTES)
        found = tuple(sorted(names.decode("utf-8", "surrogateescape").splitlines()))
        if len(found) > FOLDER.size:
            raise TooLarge(FOLDER, path)
        return found

    def resolve(self, query: Query) -> Answer:
        """See Host. No nameserver is waited for longer than usual: the resolver had that time, and tells its answer."""
        if query.wait:
            return Answer(
                query.name, query.server, (), Reason.NAMESERVER_TIMEOUT, "no answer to the system's resolver either"
            )
        if query.server:
            answer = self._server(query.server).ask(query.name, self.deadline.left(NAMESERVER_SECONDS))
        else:
            answer = self._names.ask(query.name, self.deadline.left(SOON + min(RESOLVE_SECONDS, self.budget)))
        if answer.reason:
            self.connection.check()  # what a lost connection leaves unanswered says nothing about the name
        return answer

    def announce(self, names: Sequence[str], servers: Sequence[str], later: float) -> None:
        """See recording.Ahead."""
        self._names.announce(names)
        if servers:
            begin(partial(self._announce_later, names, servers, later))

    def _announce_later(self, names: Sequence[str], servers: Sequence[str], later: float) -> None:
        time.sleep(later)
        for server in servers:
            self._server(server).announce(names)

    def has(self, query: Query, seconds: float) -> bool:
        """See recording.Ahead."""
        return self._server(query.server).has(query.name) if query.server else self._names.has(query.name, seconds)

    def cut(self) -> list[tuple[str, ...]]:
        """See recording.Ahead."""
        return [key[1:] for key in self._gathering.cut() if key[0] == "run"]

    def _server(self, server: str) -> ServerNames:
        with self._lock:
            if server not in self._servers:
                self._servers[server] = ServerNames(server, self.shell, self.connection.dial, self._names)
            return self._servers[server]

    def probe(self, spec: ProbeSpec) -> Probe:
        """See Host. A smaller segment size cannot be asked for: a smaller exchange stands in for it."""
        if spec.scheme == "tcp" and spec.patience:
            # Whether one try alone is answered: the way to the host takes its time too.
            return replace(self._ladder.climb(replace(spec, patience=ONE_TRY)), spec=spec)
        probe = self._small(spec) if 0 < spec.mss < FULL_SEGMENT else self._ladder.climb(replace(spec, mss=0))
        if not probe.ok:
            self.connection.check()
        kept = {name: getattr(spec, name) for name in ("mss", "small", "scheme", "suites", "verify")}
        return replace(probe, spec=replace(probe.spec, **kept))

    def _small(self, spec: ProbeSpec) -> Probe:
        """Whether the path carries what fits into small packets: the whole climb with a short request or, where even
        the certificates are lost, a short greeting that is answered by an alert."""
        small = replace(spec, mss=0, small=True)
        probe = self._ladder.climb(small)
        if probe.stage is not Stage.TLS or probe.reason not in (Reason.TLS_TIMEOUT, Reason.TLS_RESET):
            return probe
        greeting = self._ladder.climb(replace(small, scheme="tls", suites="none", verify=False))
        if greeting.ok or greeting.reason is Reason.TLS_VERSION:
            return replace(greeting, stage=Stage.DONE, reason=None, detail=GREETED)
        return probe

    def inventory(self) -> Inventory:
        """See Host."""
        part = self._whole(self._gathering.take(INVENTORY, self.deadline.left()), "inventory")
        login = self.shell.login
        found = inventory_sh.parse_inventory(part.stdout.decode("utf-8", "replace"), login.environment)
        return replace(found, now=self._clock(), refused=login.refused)

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """See Host. Returns at once; each verb waits for its own part."""
        group = FileGroup(tuple(path for path in files if not path.endswith(LOGS)), spelling())
        lines: dict[Key, str] = {FILES: group.line} if group.paths else {}
        lines |= {("read", path): script.file_line(path, READ_AHEAD) for path in files if path.endswith(LOGS)}
        lines |= {("listdir", path): script.folder_line(path) for path in folders}
        lines |= {INVENTORY: "inventory", ("trust",): self._trust_line("")}
        lines |= {("run", *argv): script.run_line(argv) for argv in sorted(commands, key=_slowness)}
        keys: dict[str, Key] = {path: ("read", path) for path in group.paths}
        split = partial(self._split, group, keys)
        self.shell.expect_jobs()
        self._gathering.start(lines, {FILES: Group(tuple(keys.values()), split)})

    def _split(self, group: FileGroup, keys: Mapping[str, Key], part: script.Part) -> dict[Key, script.Part]:
        found = group.split(part)
        self.shell.is_fit = all(_is_whole(found.get(path)) for path in LOOKED_UP_IN)
        return {keys[path]: own for path, own in found.items()}

    # --- what the verbs stand on -------------------------------------------------------------------------------

    def _whole(self, part: script.Part | None, line: str) -> script.Part:
        """The part of a line that has several programs; where it took too long it is asked once more, by itself."""
        return self._look(line) if part is None or part.rc == KILLED else part

    def _look(self, line: str) -> script.Part:
        return self.shell.gather([line], inventory_sh.settings())[0]

    def _connect(self, address: str, port: int, timeout: float, mss: int) -> socket.socket:
        if mss:
            raise NotPermitted(0, "the segment size of sshd's connections cannot be chosen")
        return self.connection.dial(address, port, timeout)

    def _clock(self) -> float:
        offset = self.shell.login.offset
        return time.time() + offset if offset is not None else 0.0

    def _trust_line(self, spec: str) -> str:
        files, folders, within = store_paths(spec)
        return script.trust_line(files, folders, STORES.digests(), within)

    def _trust(self, spec: str) -> bytes:
        if spec == "none":
            return b""
        with self._reading:
            if spec not in self._stores:
                part = None if spec else self._gathering.take(("trust",), self.deadline.left())
                found = self._whole(part, self._trust_line(spec))
                if found.rc == KILLED:  # an empty store would say that every certificate is foreign
                    raise HostUnreachable(
                        f"{self.name}: no answer in time (step: CA store)",
                        remedy="Find out why files on the host cannot be read in time, or raise --budget.",
                        timed=True,
                        was_up=True,
                    )
                self._stores[spec] = STORES.text(found.stdout.decode("latin-1"))
            return self._stores[spec].encode("latin-1")


def _slowness(argv: Sequence[str]) -> int:
    """0 for what only reads local files and the kernel's tables."""
    program = next((word for word in argv if word != "env" and "=" not in word), "")
    words = set(" ".join(argv).split()) if program == "sh" else {program}
    return max((place for place, program in enumerate(ASKING, 1) if program in words), default=0)


def _is_whole(part: script.Part | None) -> bool:
    """Whether a file was read to its end, or is not there."""
    return part is not None and (part.rc == 0 or b"No such file" in part.stderr)


def content(path: str, part: script.Part, limit: Limit | None = None) -> bytes:
    """What a reading program wrote; its failure as the OSError that it tells (strerror's texts in the C locale)."""
    limit = limit or limit_of_file(path)
    if met := part.cut or limit.met_by(part.stdout):
        raise TooLarge(limit, path, met)
    if part.rc == 0:
        return part.stdout
    said = part.stderr.decode("utf-8", "replace").strip()
    for text, error in ERRORS:
        if text in said:
            raise error(0, text, path)
    if found := NOT_A_FILE.search(said):
        raise NotAFile(found[1], path)
    raise OSError(0, said[:200] or f"cannot be read (exit code {part.rc})", path)
