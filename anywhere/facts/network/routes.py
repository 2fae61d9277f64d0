"""Kinds of addresses: what is private, what is no answer at all, and whether a route leads there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import once_a_run

PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
BENCHMARK = ipaddress.ip_network("198.18.0.0/15")  # RFC 2544: no service on the internet has an address of it
IPV4_ROUTES, IPV6_ROUTES = "/proc/net/route", "/proc/net/ipv6_route"
COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (IPV4_ROUTES, IPV6_ROUTES)
FOLDERS: tuple[str, ...] = ()
UP, REJECT = 0x1, 0x200

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@frozen
class Route:
    """A route of the main table; `reject` is one that refuses (unreachable, blackhole, prohibit)."""

    network: Network
    interface: str
    gateway: str = ""
    metric: int = 0
    reject: bool = False

    @property
    def is_default(self) -> bool:
        """Whether it leads everywhere."""
        return self.network.prefixlen == 0


def is_private(address: str) -> bool:
    """RFC 1918, RFC 6598 (carrier grade, used by PrivateLink consumers) and unique local IPv6."""
    ip = _ip(address)
    return ip is not None and any(ip in network for network in PRIVATE if network.version == ip.version)


def is_internal(address: str) -> bool:
    """Private, or of the benchmark range, which DNS proxies and tunnel clients hand out: no way over the internet."""
    ip = _ip(address)
    return is_private(address) or (ip is not None and ip.version == BENCHMARK.version and ip in BENCHMARK)


def is_bogus(address: str) -> bool:
    """An address that no service can have: unspecified, loopback, multicast, link-local, broadcast, IPv4 class E."""
    ip = _ip(address)
    if ip is None:
        return True
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return is_bogus(str(ip.ipv4_mapped))
    if isinstance(ip, ipaddress.IPv4Address) and (ip in ipaddress.ip_network("0.0.0.0/8") or ip.is_reserved):
        return True
    return ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local


def is_ipv6(address: str) -> bool:
    """Whether the text is an IPv6 address."""
    return ":" in address


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def parse_ipv4_routes(text: str) -> tuple[Route, ...]:
    """/proc/net/route: addresses are hexadecimal in the order of the host's bytes (little endian)."""
    routes = []
    for line in text.splitlines()[1:]:
        words = line.split()
        try:
            flags, metric = int(words[3], 16), int(words[6])
            destination, gateway, mask = (_little(words[i]) for i in (1, 2, 7))
            network = ipaddress.ip_network(f"{destination}/{mask}", strict=False)
        except (IndexError, ValueError):
            continue
        if flags & UP:
            via = "" if gateway == "0.0.0.0" else gateway
            # A black hole is not flagged as refusing, but has no interface.
            reject = bool(flags & REJECT) or words[0] == "*"
            routes.append(Route(network, words[0], via, metric, reject))
    return tuple(routes)


def _little(text: str) -> str:
    return str(ipaddress.IPv4Address(bytes.fromhex(text)[::-1]))


def parse_ipv6_routes(text: str) -> tuple[Route, ...]:
    """/proc/net/ipv6_route: destination, its prefix length, source, next hop, metric, ..., flags, interface."""
    routes = []
    for line in text.splitlines():
        words = line.split()
        try:
            network = ipaddress.ip_network((int(words[0], 16).to_bytes(16, "big"), int(words[1], 16)), strict=False)
            gateway = str(ipaddress.IPv6Address(bytes.fromhex(words[4])))
            metric, flags, interface = int(words[5], 16), int(words[8], 16), words[9]
        except (IndexError, ValueError, OverflowError):
            continue
        reject = bool(flags & REJECT)
        # The kernel keeps a refusing default route on the loopback interface in every namespace with IPv6.
        own = reject and interface == "lo" and network.prefixlen == 0 and metric == 0xFFFFFFFF
        # A refusing route is not flagged as up.
        if (flags & UP or reject) and not own:
            routes.append(Route(network, interface, "" if gateway == "::" else gateway, metric, reject))
    return tuple(routes)


@once_a_run
def routes(host: Host) -> tuple[Route, ...]:
    """The main table's routes of both families."""
    found: tuple[Route, ...] = ()
    for path, parse in ((IPV4_ROUTES, parse_ipv4_routes), (IPV6_ROUTES, parse_ipv6_routes)):
        try:
            found += parse(host.read(path).decode("ascii", "replace"))
        except OSError:
            continue
    return found


def route_to(address: str, table: Iterable[Route]) -> Route | None:
    """The route that would be taken: longest prefix, then lowest metric. None where none leads there."""
    ip = _ip(address)
    if ip is None:
        return None
    fitting = [route for route in table if route.network.version == ip.version and ip in route.network]
    return max(fitting, key=lambda route: (route.network.prefixlen, -route.metric), default=None)


def has_default(table: Iterable[Route], version: int) -> bool:
    """Whether a usable default route of this family (4 or 6) exists."""
    return any(r.is_default and not r.reject and r.network.version == version for r in table)
