"""The interface to a machine: the methods that every kind of host has, and the plain values they return."""

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
    """sshd does not permit this connection from the host: `connect_reason` turns it into `not-permitted`."""


class Deadline:
    """When a run ends. `left()` is the seconds until then, never below zero."""

    def __init__(self, seconds: float) -> None:
        self.end = self._first = time.monotonic() + seconds

    def grow(self, seconds: float) -> None:
        """Extend it to `seconds` after the original end, for what stalls: agents wait longer than a run does."""
        self.end = max(self.end, self._first + seconds)

    def left(self, at_most: float = float("inf")) -> float:
        """Seconds left, at most `at_most`."""
        return max(0.0, min(at_most, self.end - time.monotonic()))

    def is_over(self, grace: float = 0.0) -> bool:
        """Whether the end was at least `grace` seconds ago."""
        return time.monotonic() > self.end + grace


@frozen
class Completed:
    """A finished command. A missing program is rc 127; a command that its timeout ended is rc 124 (as with coreutils'
    timeout), and so is one that printed too much: then `cut` names the limit."""

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


# The first label of a name that does not exist: a server that resolves it forges answers. Constant, so that bundles replay.
RANDOM_LABEL = "zq7-anywhere-no-such-name-4k1"


@frozen
class Query:
    """A name to look up: by the system's resolver (`server` empty), or by asking one nameserver directly. `wait` is how many
    seconds one question may take, of which no other is made then (0: several short tries), `tcp` whether UDP is left out."""

    name: str
    server: str = ""
    wait: float = 0.0
    tcp: bool = False


@frozen
class Answer:
    """A resolver's answer. `reason` is None where it has addresses. `truncated` is whether the UDP answer was truncated,
    `tcp_reason` why TCP then failed. `source` is `system` or the nameserver's address. `half` is why one of the two
    queries (A, AAAA) failed although the other returned addresses. `late` is whether the time was nearly used up when it
    was asked: then a timeout proves nothing. `plain` is whether only a query without EDNS was answered, `unseen` what could
    not be seen from here, in words."""

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

    `scheme` is `https`, `wss` (HTTP upgrade), `http`, `tcp`, `tls` (the handshake alone) or `hello` (a ClientHello of two
    segments). `address` is where to connect; empty with a `proxy`, which is then asked to CONNECT to `host`. `suites` is
    `go` (defaults of Go programs), `ecs-agent` (RSA only below TLS 1.3), `any`, or `none` (suites that no server accepts: a
    short ClientHello, answered by a short alert). `sni` replaces the server name sent; `verify` False accepts any
    certificate; `mss` limits the segment size in bytes; `trust` lists CA files and folders (separated by `:`) instead of
    the host's own store; `idle` is how many seconds the connection stays silent before the request; `patience` limits the
    wait for the connection (seconds; 0: as long as the run allows); `small` keeps the request within one packet;
    `any_date` trusts a certificate outside its dates. `client` is the component whose request is sent (empty: one of our
    own) to `service` of the endpoint catalogue. `wait` gives each step this many seconds instead of its share of the
    budget; `get` follows a redirect, which turns a POST into a GET.
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
    """The TLS session and the leaf certificate that the server presented, trusted or not. Dates are epoch seconds."""

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
    """An HTTP response: status, Date header in epoch seconds (0: absent), relevant headers, start of the body."""

    status: int = 0
    date: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@frozen
class Probe:
    """How far one climb came: `stage` is the last step tried (DONE: all passed), `reason` why it failed there.
    `connect_seconds`, `tls_seconds` and `http_seconds` are durations of the steps; `at` is the host's clock (epoch
    seconds) when the HTTP response arrived; `survived` is whether the connection survived its idle time. `stalled` is
    whether a step timed out, `late` whether it had less than half of its time because the run was nearly over: then the
    timeout proves nothing. `sent` counts the segments of an established connection, `resent` the retransmitted ones; both 0
    where not known. `differs` lists what passed here and some builds of Go refuse, `redirect` is the path on the same host
    that the response redirects to."""

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
    """The file system of a folder: bytes in total and free for an unprivileged user; inodes in total and free."""

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
    """A running agent process of root, with its network environment (proxy, CA and AWS variables only).

    Any user can name a process of theirs after an agent, or start a program of root's under that name: `sure` is whether
    the program lies where the agent's does, or the process belongs to the agent's unit."""

    name: str
    pid: int
    environment: Mapping[str, str] = field(default_factory=dict)
    sure: bool = True


@frozen
class Inventory:
    """Hardware and processes of a machine, in bytes and epoch seconds. `refused` is why sudo failed over SSH.
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
    """A machine. Methods return plain values; on every kind of host a missing file is FileNotFoundError, a forbidden one
    PermissionError. No method outlasts the run's deadline."""

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
        """Gather many observations at once where that is cheaper. Only a hint: the other methods return the results."""

    def close(self) -> None:
        """Close the connection, if there is one. No other method may be called afterwards."""
