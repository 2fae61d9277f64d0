"""The seam to a machine: the verbs every kind of host has, and the plain values they return."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from anywhere.evidence import Scheme, Suites
from anywhere.frozen import frozen
from anywhere.model import Reason, Stage
from anywhere.windows import LINUX


class NotPermitted(OSError):
    """This view from the host is not available: `connect_reason` makes it the reason `not-permitted`."""


class Deadline:
    """The one end of a run. `left()` is the seconds until then, never below zero."""

    def __init__(self, seconds: float) -> None:
        self.end = self._first = time.monotonic() + seconds

    def grow(self, seconds: float) -> None:
        """Put the end off until `seconds` after the first one, for what stalls: agents wait longer than a run does."""
        self.end = max(self.end, self._first + seconds)

    def left(self, at_most: float = float("inf")) -> float:
        """Seconds left, cut to `at_most`."""
        return max(0.0, min(at_most, self.end - time.monotonic()))

    def is_over(self, grace: float = 0.0) -> bool:
        """Whether the end was at least `grace` seconds ago."""
        return time.monotonic() > self.end + grace


@frozen
class Completed:
    """A finished command. An absent program is rc 127, a command cut off by its timeout rc 124 (as coreutils says), and
    so is one that printed more than it may: then `cut` names the limit that was met."""

    argv: tuple[str, ...]
    rc: int
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    cut: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command returned 0."""
        return self.rc == 0


# The first label of a name that no one ever publishes: what resolves it makes answers up. Fixed, so that a bundle replays.
RANDOM_LABEL = "zq7-anywhere-no-such-name-4k1"


@frozen
class Query:
    """A name to look up: by the system's resolver (`server` empty), or by asking one nameserver directly."""

    name: str
    server: str = ""


@frozen
class Answer:
    """What a resolver said. `reason` is None when addresses came. `truncated` is whether the UDP answer was cut,
    `tcp_reason` why TCP then failed. `source` is `system` or the nameserver's address. `half` is why one of the two
    questions (A, AAAA) failed although the other brought addresses. `late` is whether the run was nearly over when it was
    asked: then silence proves nothing. `plain` is whether only a question without EDNS was answered,
    `unseen` what this view of it leaves out, in words."""

    name: str
    source: str
    addresses: tuple[str, ...] = ()
    reason: Reason | None = None
    detail: str = ""
    truncated: bool = False
    tcp_reason: Reason | None = None
    seconds: float = 0.0
    half: Reason | None = None
    late: bool = False
    plain: bool = False
    unseen: str = ""


@frozen
class ProbeSpec:
    """One climb of the ladder to one address.

    `scheme` is `https`, `wss` (HTTP upgrade), `http`, `tcp`, `tls` (the handshake alone) or `hello` (a greeting of two
    segments). `address` is what is dialled; empty with a `proxy`,
    which is then asked to CONNECT to `host`. `suites` is `go` (defaults of Go programs), `ecs-agent` (RSA only below
    TLS 1.3), `any`, or `none` (what no server takes: a short greeting, answered by a short alert). `sni` replaces the
    server name sent; `verify` False accepts any certificate; `mss` clamps the segment size in bytes; `trust` lists CA
    files and folders (`:` between them) in place of the host's own store; `idle` is how many seconds to hold the
    connection without a byte before the request; `patience` cuts the wait for the connection (seconds; 0: as long as
    the run allows); `small` keeps the request within one packet; `any_date` trusts a certificate outside its dates.
    `client` is the component whose request is sent (empty: one of our own) to `service` of the endpoint catalogue.
    `wait` gives each step so many seconds in place of its share of the budget; `get`
    follows a redirect, which turns a POST into a GET.
    """

    host: str
    port: int = 443
    scheme: Scheme = "https"
    path: str = "/"
    address: str = ""
    proxy: str = ""
    suites: Suites = "go"
    sni: str = ""
    verify: bool = True
    mss: int = 0
    trust: str = ""
    idle: float = 0.0
    patience: float = 0.0
    small: bool = False
    any_date: bool = False
    client: str = ""
    service: str = ""
    wait: float = 0.0
    get: bool = False


@frozen
class TlsFacts:
    """The session and the leaf certificate that the far end presented, trusted or not. Dates are epoch seconds."""

    version: str = ""
    cipher: str = ""
    issuer: str = ""
    issuer_organization: str = ""
    subject: str = ""
    names: tuple[str, ...] = ()
    not_before: float = 0.0
    not_after: float = 0.0
    chain: tuple[str, ...] = ()
    verified: bool = False


@frozen
class HttpFacts:
    """The answer's status, its Date header in epoch seconds (0 when absent), the headers that matter, start of the body."""

    status: int = 0
    date: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@frozen
class Probe:
    """How far one climb came: `stage` is the last step tried (DONE when all passed), `reason` why it failed there.
    `connect_seconds`, `tls_seconds` and `http_seconds` are durations of the steps; `at` is the host's clock (epoch
    seconds) when the HTTP answer arrived; `survived` is whether an idle hold was outlived. `stalled` is whether a step got
    no answer in its time, `late` whether that was less than half of its time because the run was nearly over: then silence
    proves nothing. `sent` counts the segments of a connection that stands, `resent` those that had to be sent again; both 0
    where that is not known. `differs` lists what passed here and which builds of Go differ about, `redirect` is the path on
    the same host that the answer leads to."""

    spec: ProbeSpec
    stage: Stage
    reason: Reason | None = None
    detail: str = ""
    address: str = ""
    tls: TlsFacts | None = None
    http: HttpFacts | None = None
    connect_seconds: float = 0.0
    tls_seconds: float = 0.0
    http_seconds: float = 0.0
    seconds: float = 0.0
    at: float = 0.0
    survived: bool | None = None
    late: bool = False
    stalled: bool = False
    sent: int = 0
    resent: int = 0
    differs: tuple[str, ...] = ()
    redirect: str = ""

    @property
    def ok(self) -> bool:
        """Whether the whole ladder was climbed."""
        return self.reason is None


@frozen
class Disk:
    """A folder's file system: sizes in bytes, free as an unprivileged user sees it; inodes free of inodes in all."""

    path: str
    total: int
    free: int
    inodes: int = 0
    inodes_free: int = 0


@frozen
class Interface:
    """A network interface: addresses with prefix length (`10.0.0.2/24`), MTU in bytes."""

    name: str
    mac: str = ""
    mtu: int = 0
    up: bool = False
    addresses: tuple[str, ...] = ()


@frozen
class Listener:
    """A listening TCP socket; pid 0 and no process name where the owner cannot be seen."""

    address: str
    port: int
    pid: int = 0
    process: str = ""


@frozen
class Daemon:
    """A running agent process of root's with its network environment (proxy, CA and AWS variables only).

    Any user can name a process of theirs after an agent, or start a program of root's under that name: `sure` is whether
    the program lies where the agent's does, or the process belongs to the agent's unit."""

    name: str
    pid: int
    environment: Mapping[str, str] = field(default_factory=dict)
    sure: bool = True


@frozen
class Inventory:
    """What a machine has, in bytes and epoch seconds. `refused` is why root's rights were not given over SSH.
    `system` is Linux or Windows."""

    memory_total: int = 0
    memory_available: int = 0
    cpus: int = 0
    boot_time: float = 0.0
    now: float = 0.0
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    listeners: tuple[Listener, ...] = ()
    daemons: tuple[Daemon, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    is_root: bool = False
    refused: str = ""
    system: str = LINUX


class Host(Protocol):
    """A machine. Verbs return plain values; a missing file is FileNotFoundError, a forbidden one PermissionError, on
    every kind of host. No verb outlasts the run's deadline."""

    @property
    def name(self) -> str:
        """`local`, `user@host:port`, or a bundle's path."""

    @property
    def deadline(self) -> Deadline:
        """The end of the run."""

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        """Run a command with LC_ALL=C.UTF-8 and no standard input but `input`; the timeout is in seconds."""

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """A file's content, or its last `tail` bytes."""

    def listdir(self, path: str) -> tuple[str, ...]:
        """The sorted names in a folder."""

    def resolve(self, query: Query) -> Answer:
        """Look a name up, A and AAAA."""

    def probe(self, spec: ProbeSpec) -> Probe:
        """Climb the ladder once."""

    def inventory(self) -> Inventory:
        """Memory, disks, interfaces, listeners, running agents."""

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """Gather many observations at once where that is cheaper. Only a hint: results come by the other verbs."""

    def close(self) -> None:
        """End the connection of a host that has one. Nothing else may be asked afterwards."""
