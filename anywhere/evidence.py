"""The evidence of a finding: the keys that rules of diagnosis read, each declared in one place.

Checks write these keys, `diagnosis/evidence.py` reads them, and the JSON report has them unchanged. Keys that no rule
reads need no declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict

Scheme = Literal["https", "wss", "http", "tls", "tcp", "hello"]
Suites = Literal["go", "go-before-1.22", "docker", "ecs-agent", "any", "none"]


class Look(StrEnum):
    """A second probe of an endpoint that failed, named by what it changes."""

    OTHER_NAME = "other-name"
    FULL_SEGMENTS = "full-segments"
    SMALL_SEGMENTS = "small-segments"
    SMALLEST_SEGMENTS = "smallest-segments"
    ANY_TRUST = "any-trust"
    ANY_DATE = "any-date"
    HOST_TRUST = "host-trust"
    COMPONENT_TRUST = "component-trust"
    GO_SUITES = "go-suites"
    ANY_SUITES = "any-suites"
    OTHER_SCHEME = "other-scheme"
    OWN_REQUEST = "own-request"
    OLDER_GO = "older-go"
    LARGE_HELLO = "large-hello"
    DIRECT = "direct"


class Timings(TypedDict, total=False):
    """Seconds of each step."""

    resolve: float
    connect: float
    tls: float
    http: float


class Address(TypedDict, total=False):
    """One address of an endpoint: how far its probe came and why it failed. `route` is whether the host has a route to it,
    `internal` whether the internet has none."""

    address: str
    stage: str
    reason: str
    detail: str
    route: bool
    internal: bool
    timings: Timings


class Tls(TypedDict, total=False):
    """The certificate that was presented, and the negotiated version and cipher."""

    version: str
    cipher: str
    issuer: str
    issuer_organization: str
    subject: str
    not_before: float
    not_after: float
    chain: list[str]


class Http(TypedDict, total=False):
    """The HTTP response of an endpoint, or of a device that answers instead."""

    status: int
    headers: dict[str, str]


class Origin(TypedDict):
    """Where a variable was set: the file (or process) and the line (0: not known)."""

    variable: str
    file: str
    line: int


class Decided(TypedDict, total=False):
    """Why a component connects as it does: what sets its proxy, what excludes the name from it, its CA files."""

    proxy_from: Origin
    no_proxy_entry: str
    no_proxy_from: Origin
    ca_files: list[str]


class Way(TypedDict, total=False):
    """`network.way`: the way that was declared (`--expect`) and the one that the component takes."""

    component: str
    expected: str
    met: str
    proxy: str
    addresses: list[str]
    answered_by: list[str]
    decided: Decided


class Other(TypedDict):
    """A proxy that other programs of this host use: its URL without credentials, and the file that sets it."""

    url: str
    has_user: bool
    place: str


class Reach(TypedDict, total=False):
    """`endpoints.reach` and `endpoints.websocket`: one endpoint as its component reaches it."""

    component: str
    view: str
    service: str
    shard: int
    proxy: str
    excluded: bool
    decided: Decided
    addresses: list[Address]
    proxy_unresolved: str
    timings: Timings
    resolved: list[str]
    private: list[str]
    known_to: list[str]
    truncated: bool
    tls: Tls
    http: Http
    second_look: dict[str, str]
    second_look_notes: dict[str, str]
    really_expired: bool
    own_store: bool
    by_chance: bool
    partial: bool
    tried: list[str]
    shards: bool
    library_refuses: str
    without_edns: bool
    other_proxy: Other


class Nameserver(TypedDict, total=False):
    """`network.nameservers`: `half` is whether only one kind of query fails (A, AAAA, or those with EDNS), `patience` the
    total seconds of a query where the options of resolv.conf shorten them."""

    nameservers: list[str]
    said: str
    half: bool
    without_edns: bool
    patience: int


class Forgery(TypedDict):
    """`network.dns-forgery`: the addresses that a name resolves to which does not exist."""

    addresses: list[str]
    name: str


class Agreement(TypedDict):
    """`network.dns-agreement`: the names that nameservers disagree about."""

    names: list[str]


class PrivateAnswers(TypedDict, total=False):
    """`network.private-answers`: the core names by the kind of their addresses; `through_proxy` are the private ones that
    are sent through a proxy."""

    private: list[str]
    public: list[str]
    through_proxy: list[str]


class Overlap(TypedDict):
    """`containers.subnets`: a docker network, and for each address in it that this host needs, what it is."""

    network: str
    covers: Mapping[str, str]


class Proxies(TypedDict):
    """`network.proxy` of components that differ: the proxy of each, and those that do not work while another does."""

    proxies: Mapping[str, str]
    dead: list[str]


class Bare(TypedDict):
    """`network.proxy` of a component without the proxy that another has: its settings, and the other's name."""

    matrix: Mapping[str, object]
    model: str


class HostFirewall(TypedDict):
    """`network.host-firewall`: a rule of the host itself, and the addresses whose packets it stops."""

    rule: str
    hop: str
    stopped: list[str]


class Own(TypedDict):
    """`network.own-routes`, `own-link`, `own-resolver` and `client-ports`: the addresses and names that fail because of this
    host; `shapes` is whether all that is late or lost comes from it."""

    explains: list[str]
    names: list[str]
    shapes: NotRequired[bool]


class Obstacle(TypedDict):
    """`netfilter.path`: the rule that stops container traffic, and whether the rules of `rules apply` get past it."""

    rule: str
    path: str
    ours_helps: bool
