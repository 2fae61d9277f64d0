"""What checks hand to diagnosis and reports with a finding: the keys that rules rely on, each in one place.

A check fills these, `diagnosis/evidence.py` reads them, and the JSON report shows them as they are. Keys that no rule
reads stay free.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypedDict

Scheme = Literal["https", "wss", "http", "tls", "tcp", "hello"]
Suites = Literal["go", "go-before-1.22", "docker", "ecs-agent", "any", "none"]


class Look(StrEnum):
    """A second look at an endpoint that failed, by what it changes."""

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
    """One address of an endpoint: how far its probe came, why no further, whether the host has a route there, whether the
    internet has none."""

    address: str
    stage: str
    reason: str
    detail: str
    route: bool
    internal: bool
    timings: Timings


class Tls(TypedDict, total=False):
    """The certificate that was presented and what was agreed."""

    version: str
    cipher: str
    issuer: str
    issuer_organization: str
    subject: str
    not_before: float
    not_after: float
    chain: list[str]


class Http(TypedDict, total=False):
    """The answer of an endpoint, or of what answers in its place."""

    status: int
    headers: dict[str, str]


class Origin(TypedDict):
    """Where a variable was set: the file (or process), and the line; 0 where there is none."""

    variable: str
    file: str
    line: int


class Decided(TypedDict, total=False):
    """Why a component goes its way: what names the proxy, what keeps the name from it, the CA store."""

    proxy_from: Origin
    no_proxy_entry: str
    no_proxy_from: Origin
    ca_files: list[str]


class Way(TypedDict, total=False):
    """`network.way`: the way that was declared and the one that is taken."""

    component: str
    expected: str
    met: str
    proxy: str
    addresses: list[str]
    answered_by: list[str]
    decided: Decided


class Other(TypedDict):
    """A proxy that other programs of the host have: its URL without user and password, and where it is written down."""

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
    """`network.nameservers`: `half` where one family's or one form's questions alone fail, `patience` the seconds that a
    question may take in all where resolv.conf's options shorten them."""

    nameservers: list[str]
    said: str
    half: bool
    without_edns: bool
    patience: int


class Forgery(TypedDict):
    """`network.dns-forgery`: the addresses that a name which cannot exist got."""

    addresses: list[str]
    name: str


class Agreement(TypedDict):
    """`network.dns-agreement`: the names that nameservers disagree about."""

    names: list[str]


class PrivateAnswers(TypedDict, total=False):
    """`network.private-answers`: the core names by the kind of their addresses; `through_proxy` are private ones that a
    proxy gets all the same."""

    private: list[str]
    public: list[str]
    through_proxy: list[str]


class Overlap(TypedDict):
    """`containers.subnets`: a docker network, and what each address in it is to this host."""

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
    """`network.own-routes`, `own-resolver` and `client-ports`: the addresses and the names whose failure this host explains."""

    explains: list[str]
    names: list[str]


class Obstacle(TypedDict):
    """`netfilter.path`: the rule that stops container traffic, and whether the rules of `rules apply` get past it."""

    rule: str
    path: str
    ours_helps: bool
