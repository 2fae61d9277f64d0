"""The region as it will be built: plain values that faults and variations change before anything is started."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from tests.region.controlplane.plane import Plane
from tests.region.host import TIMESYNCD, Host, Unit
from tests.region.names import Addresses, find, names
from tests.region.options import Options


@dataclass
class NameServer:
    """A resolver. `mode` is answer, silent, servfail, refused or closed (nothing listens). The lists hold patterns:
    `hidden` names do not exist, `empty` ones have no address, `failing` get SERVFAIL, `refused` REFUSED, `forged` other
    addresses (`*` for every name, also those that do not exist), `private` the PrivateLink address. `truncated` cuts UDP
    answers to these names, `loops` are aliases that lead nowhere, `rotating` names have one address of several at a time.
    `edns` is what a question with EDNS gets: answer, formerr, denied or silent; `refuses_ipv6` is whether questions for AAAA
    get REFUSED. `delay` is in seconds; `where` is the namespace
    it lives in, `host` for a stub on the host itself."""

    address: str
    mode: str = "answer"
    where: str = "aws"
    hidden: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    forged: dict[str, list[str]] = field(default_factory=dict)
    truncated: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)
    rotating: dict[str, list[str]] = field(default_factory=dict)
    edns: str = "answer"
    refuses_ipv6: bool = False
    tcp: bool = True
    delay: float = 0.0
    program: str = "python"


@dataclass(frozen=True)
class Certificate:
    """What a server presents. `issuer` is the organisation that signs ("Amazon" for AWS itself), `common_name` its
    root. `names` are its subject names, empty for the right ones. `age` is the seconds since it became valid, `life`
    how long it is. `sends_intermediate` False leaves the intermediate out, `has_names` False the subject
    names."""

    issuer: str = "Amazon"
    common_name: str = "Amazon Root CA 1"
    key: str = "rsa"
    names: tuple[str, ...] = ()
    age: int = 60 * 86400
    life: int = 300 * 86400
    sends_intermediate: bool = True
    has_names: bool = True


@dataclass
class Manner:
    """How the far end of a name behaves. `speaks` is https, plain, silent, reset, closed, portal, redirect or product (a
    plain GET is sent to AWS's page about the service); or it ends the handshake (close, alert), stalls in its middle
    (half), or resets at the request (cut). `tls` is any, old (1.1 at most), 1.2, 1.3 or rsa (RSA key exchange alone).
    `said` is an answer as it stands, head and body, to every request. `upgrade` is what a WebSocket upgrade gets: 403, 101,
    or a device's answer (page, 502, redirect). `certificate` is a key of `World.certificates`, empty for the true one.
    `status` replaces the HTTP status. `idle` cuts connections that were quiet for so many seconds, `idle_how` by fin, rst or
    silence. A device refuses requests whose method, User-Agent or header line fits one of the patterns in `refuses`."""

    speaks: str = "https"
    tls: str = "any"
    certificate: str = ""
    upgrade: str = "403"
    said: str = ""
    status: int = 0
    delay: float = 0.0
    idle: float = 0.0
    idle_how: str = "fin"
    refuses: tuple[str, ...] = ()


@dataclass
class Proxy:
    """The site's HTTP proxy. `mode` is relay, silent, error, closed or plain (answers, but is no proxy). `credentials`
    is `user:password`, empty for none; `offers` the schemes named in a 407. `denied` holds name patterns, `answers` status
    lines by name pattern. `opened` is what follows a 200 to CONNECT: tunnel, close, page or silent. `delay` is the seconds
    before it answers CONNECT, `limit` is how many tunnels may be open at once. `tls` True speaks TLS to its clients,
    `wants_certificate` asks them for one.
    `refuses` and `lets` hold patterns of the User-Agents that it refuses, or lets pass alone."""

    address: str
    port: int = 3128
    mode: str = "relay"
    credentials: str = ""
    offers: tuple[str, ...] = ("Basic",)
    denied: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    opened: str = "tunnel"
    wants_certificate: bool = False
    delay: float = 0.0
    limit: int = 0
    tls: bool = False
    program: str = "python"
    refuses: list[str] = field(default_factory=list)
    lets: list[str] = field(default_factory=list)

    @property
    def authority(self) -> str:
        """Address and port as a URL has them."""
        return f"{f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"

    @property
    def url(self) -> str:
        """How a client is told of it, without credentials."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"


@dataclass
class Middlebox:
    """A device in the path that reads the ClientHello. `names` are the patterns it minds; `act` is reset, stall or
    pass; `delay` seconds pass before it hands a connection on. `largest` is how many bytes of ClientHello
    it takes (0: any)."""

    names: list[str] = field(default_factory=list)
    act: str = "reset"
    delay: float = 0.0
    largest: int = 0


@dataclass
class Router:
    """The site's gateway and firewall, in nftables' language. `forward` rules judge what passes from `lan` (the host)
    to `wan` and back; `output` rules what the gateway says itself. `mtu` is of its link to the host."""

    forward: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    mtu: int = 1500

    def allow(self, rule: str) -> None:
        """Let this through before any other rule is asked."""
        self.forward.insert(0, f"{rule} accept")

    def block(self, rule: str = "tcp dport 443", verdict: str = "drop") -> None:
        """Judge matching packets from the host: drop, `reject with tcp reset`, `reject with icmpx admin-prohibited`."""
        self.forward.append(f'iifname "lan" {rule} {verdict}')


@dataclass
class World:
    """Everything about one region. Faults are functions that change it."""

    options: Options
    names: dict[str, Addresses]
    lan: ipaddress.IPv4Network
    transit: ipaddress.IPv4Network
    services: ipaddress.IPv4Network
    private: ipaddress.IPv4Network
    subnets6: tuple[ipaddress.IPv6Network, ...]
    nameservers: list[NameServer] = field(default_factory=list)
    manners: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    router: Router = field(default_factory=Router)
    middlebox: Middlebox | None = None
    proxy: Proxy | None = None
    host: Host = field(default_factory=Host)
    families: str = "4"
    ipv6_works: bool = True
    clock: float = 0.0
    metadata: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    pem: dict[str, str] = field(default_factory=dict)
    plane: Plane = field(default_factory=Plane)

    @classmethod
    def build(cls, options: Options) -> World:
        """A healthy region with a bare, supported, well-connected server."""
        lan, transit, services, private = islice(ipaddress.IPv4Network(options.site).subnets(new_prefix=24), 4)
        subnets6 = tuple(islice(ipaddress.IPv6Network(options.site6).subnets(new_prefix=64), 4))
        world = cls(options, names(options), lan, transit, services, private, subnets6)
        world.certificates["amazon"] = Certificate(common_name=options.ca)
        world.certificates["public"] = Certificate(issuer="DigiCert Inc", common_name="DigiCert Global Root G2")
        for number in range(options.nameservers):
            world.nameservers.append(NameServer(world.service(53 + number), program=options.resolver))
        world.host.hostname = options.hostname
        world.host.trusted = ["amazon", "public"]
        world.host.binds = list(options.binds)
        world.host.units["systemd-timesyncd.service"] = Unit(TIMESYNCD)
        return world

    def service(self, number: int, family: str = "4") -> str:
        """An address for a service of the site: resolvers, proxy."""
        return str(self.services[number] if family == "4" else self.subnets6[2][number])

    def pattern(self, name: str) -> str:
        """A name's pattern in every region of this world: `ssm` stands for `ssm.us-east-1.amazonaws.com`."""
        return name if "." in name or name == "*" else f"{name}.{self.options.regions[0]}.{self.suffix}"

    @property
    def suffix(self) -> str:
        """The DNS suffix of the first region."""
        return self.options.suffixes(self.options.regions[0])[0]

    def matching(self, *patterns: str) -> list[str]:
        """The known names that fit any of these patterns."""
        wanted = [self.pattern(one) for one in patterns]
        return [name for name in self.names if any(fnmatchcase(name, one) for one in wanted)]

    def addresses(self, *patterns: str) -> list[str]:
        """The public IPv4 addresses of the names that fit."""
        return [self.names[name].public for name in self.matching(*patterns)]

    def behave(self, *patterns: str, **changes: Any) -> None:
        """Change how the far end of these names behaves (see Manner)."""
        self.manners += [(self.pattern(one), changes) for one in patterns]

    def manner(self, name: str) -> Manner:
        """How the far end of a known name behaves."""
        manner = Manner(delay=self.options.delay)
        for pattern, changes in self.manners:
            if fnmatchcase(name, pattern) or pattern == name:
                manner = replace(manner, **changes)
        if not manner.certificate:
            manner.certificate = "amazon" if name in self.names and self.names[name].amazon else "public"
        return manner

    def use(self, families: str) -> None:
        """Speak IPv6 too (`46`) or alone (`6`): then every name has AAAA records, and the site's services move."""
        self.families = families
        if families == "6":
            for number, server in enumerate(self.nameservers):
                server.address = self.service(53 + number, "6")

    def every_nameserver(self, change: Callable[[NameServer], object]) -> None:
        """Do something to each resolver."""
        for server in self.nameservers:
            change(server)

    def records(self, name: str, private: bool = False) -> list[str]:
        """The addresses of a name that exists, in the families of this world; empty when it does not exist."""
        known = self.names.get(find(self.names, name))
        if known is None:
            return []
        four, six = (known.private, known.private6) if private else (known.public, known.public6)
        return [four] * ("4" in self.families) + [six] * ("6" in self.families)

    def add_proxy(self, **changes: Any) -> Proxy:
        """Set up the site's proxy, at its fixed address."""
        family = "4" if "4" in self.families else "6"
        self.proxy = Proxy(self.service(80, family), program=self.options.proxy, **changes)
        return self.proxy
