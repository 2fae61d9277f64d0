"""A resolver on this host itself: which program, whom it asks in turn, and the lines of its settings that decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from anywhere.facts.files import list_folder, read_text
from anywhere.facts.network.resolv_conf import BEHIND_STUB, STUBS, is_loopback, resolv_conf
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.printable import ip_text

RESOLVED, DNSMASQ, UNBOUND, NAMED = "systemd-resolved", "dnsmasq", "unbound", "named"
MANAGER = "NetworkManager's dnsmasq"

# Where each keeps its settings: files, and folders of files. Later ones of systemd-resolved win.
PLACES: Mapping[str, tuple[str, ...]] = {
    RESOLVED: ("/etc/systemd/resolved.conf", "/run/systemd/resolved.conf.d/", "/etc/systemd/resolved.conf.d/"),
    DNSMASQ: ("/etc/dnsmasq.conf", "/etc/dnsmasq.d/", "/run/dnsmasq/resolv.conf", "/etc/resolv.dnsmasq"),
    MANAGER: ("/etc/NetworkManager/dnsmasq.d/", "/run/NetworkManager/no-stub-resolv.conf"),
    UNBOUND: (
        "/etc/unbound/unbound.conf",
        "/etc/unbound/unbound.conf.d/",
        "/etc/unbound/conf.d/",
        "/etc/unbound/local.d/",
    ),
    NAMED: ("/etc/bind/named.conf.options", "/etc/named.conf", "/etc/bind/named.conf.local"),
}
UNITS = {
    RESOLVED: "systemd-resolved",
    DNSMASQ: "dnsmasq",
    MANAGER: "NetworkManager",
    UNBOUND: "unbound",
    NAMED: "named",
}
_PROCESSES = {"systemd-resolve": RESOLVED, "dnsmasq": DNSMASQ, "unbound": UNBOUND, "named": NAMED}
_UPSTREAM = re.compile(
    r"^\s*(?:nameserver\s+|server=(?:/[^/]*/)?|forward-addr:\s*|DNS=|FallbackDNS=|forwarders\s*\{\s*)(?P<rest>\S.*)$"
)


@frozen
class Line:
    """A line of a settings file."""

    path: str
    number: int
    text: str

    @property
    def place(self) -> str:
        """`/etc/dnsmasq.conf:7`."""
        return f"{self.path}:{self.number}"


@frozen
class OwnResolver:
    """A nameserver of resolv.conf that is this host: `program` (empty where nothing tells which), `listens` whether
    something does (None: not known), whom it asks, all lines of its settings that are no comments."""

    address: str
    program: str = ""
    listens: bool | None = None
    upstreams: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def name(self) -> str:
        """For people."""
        return self.program or "the resolver on this host"

    @property
    def unit(self) -> str:
        """Its systemd unit; empty where the program is not known."""
        return UNITS.get(self.program, "")

    def find(self, pattern: str) -> Line | None:
        """The last line that fits, which is the one that counts."""
        fitting = [line for line in self.lines if re.search(pattern, line.text, re.I)]
        return fitting[-1] if fitting else None


def own_resolvers(host: Host) -> tuple[OwnResolver, ...]:
    """The nameservers of resolv.conf that are this host's own."""
    own = {one.partition("/")[0] for card in host.inventory().interfaces for one in card.addresses}
    servers = [one for one in resolv_conf(host).nameservers if one in own or is_loopback(one)]
    return tuple(_resolver(host, server) for server in servers)


def _resolver(host: Host, address: str) -> OwnResolver:
    listening = [
        one for one in host.inventory().listeners if one.port == 53 and one.address in (address, "0.0.0.0", "::")
    ]
    named = next((program for one in listening if (program := _PROCESSES.get(one.process, ""))), "")
    program = named or (RESOLVED if address in STUBS else _by_settings(host))
    lines = tuple(_lines(host, PLACES.get(program, ())))
    known = host.inventory().is_root or bool(host.inventory().listeners)
    return OwnResolver(address, program, bool(listening) if known else None, _upstreams(host, program, lines), lines)


def _by_settings(host: Host) -> str:
    """Which resolver is set up here, where no socket tells."""
    manager = read_text(host, "/etc/NetworkManager/NetworkManager.conf").content
    if re.search(r"(?m)^\s*dns\s*=\s*dnsmasq", manager):
        return MANAGER
    there = [one for one in (UNBOUND, DNSMASQ, NAMED) if any(_exists(host, place) for place in PLACES[one][:2])]
    if len(there) < 2:
        return next(iter(there), "")
    said = host.run(("systemctl", "is-active", *(UNITS[one] for one in there)), timeout=3).stdout.split()
    return next((one for one, state in zip(there, said, strict=False) if state == "active"), there[0])


def _exists(host: Host, place: str) -> bool:
    return bool(list_folder(host, place.rstrip("/")) if place.endswith("/") else read_text(host, place).exists)


def _lines(host: Host, places: Sequence[str]) -> Iterator[Line]:
    for place in places:
        names = (list_folder(host, place.rstrip("/")) or ()) if place.endswith("/") else ("",)
        for name in names:
            text = read_text(host, place + name).content
            for number, row in enumerate(text.splitlines(), 1):
                if row.strip() and row.strip()[0] not in "#;" and not row.strip().startswith("//"):
                    yield Line(place + name, number, row.strip())


def _upstreams(host: Host, program: str, lines: Sequence[Line]) -> tuple[str, ...]:
    found: list[str] = []
    if program in (RESOLVED, ""):
        found += resolv_conf(host, BEHIND_STUB).nameservers
    for line in lines:
        if match := _UPSTREAM.match(line.text):
            found += [address for word in re.split(r"[\s,;{}]+", match["rest"]) if (address := _address(word))]
    if not found:
        found += resolv_conf(host, "/run/NetworkManager/no-stub-resolv.conf").nameservers
    return tuple(one for one in dict.fromkeys(found) if not is_loopback(one))


def _address(word: str) -> str:
    """`10.0.0.53`, `10.0.0.53#53`, `10.0.0.53@53`, `10.0.0.53:53`."""
    plain = re.split(r"[#@%]", word)[0]
    try:
        return ip_text(plain)
    except ValueError:
        return plain.partition(":")[0] if re.fullmatch(r"\d+\.\d+\.\d+\.\d+:\d+", plain) else ""
