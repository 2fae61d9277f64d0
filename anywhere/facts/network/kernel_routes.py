"""What the kernel itself says of a packet's way: `ip route get`, with every rule, table, mark and reverse path filter."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise

from anywhere.documents.numbers import whole
from anywhere.errors import NotRecorded
from anywhere.frozen import frozen
from anywhere.hosts.base import Completed, Host

RULES = ("ip", "-4", "rule", "show")
TABLES = ("ip", "-4", "route", "show", "table", "all")

COMMANDS: tuple[tuple[str, ...], ...] = (RULES, TABLES)
FILES: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = ()

# The words of strerror(3) for what a lookup ends with (net/ipv4/route.c, fib_validate_source).
_ERRORS = {
    "invalid cross-device link": "reverse-path",
    "network is unreachable": "no-route",
    "no route to host": "unreachable",
    "permission denied": "prohibited",
    "operation not permitted": "prohibited",
    "invalid argument": "discarded",
}
_NO_ROUTES = ("local", "broadcast", "anycast", "multicast", "throw")
_REFUSING = ("unreachable", "blackhole", "prohibit")


@frozen
class Hop:
    """Where the kernel sends a packet: card, gateway, preferred source, an MTU set on the route (0: the card's). `error`
    is empty, `reverse-path` (the answer would leave elsewhere), `no-route`, `unreachable`, `prohibited`, `discarded`."""

    device: str = ""
    gateway: str = ""
    source: str = ""
    mtu: int = 0
    error: str = ""


@frozen
class TableRoute:
    """A route of any table: `refuses` for unreachable, blackhole and prohibit, and `kind` is that word."""

    network: str
    device: str = ""
    gateway: str = ""
    metric: int = 0
    table: str = "main"
    refuses: bool = False
    kind: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it leads everywhere."""
        return self.network in ("default", "0.0.0.0/0")

    @property
    def text(self) -> str:
        """The route for people: gateway, card, metric, table."""
        via = f"via {self.gateway} " if self.gateway else ""
        metric = f", metric {self.metric}" if self.metric else ""
        return f"{via}dev {self.device}{metric}" + (f", table {self.table}" if self.table != "main" else "")


def hop(
    host: Host, address: str, *, source: str = "", device: str = "", mark: int = 0, port: int = 0, protocol: str = ""
) -> Hop | None:
    """The kernel's answer for a packet of this host, or (with `source` and `device`) for one that came in there. None
    where nobody can say: no iproute2, or an older bundle. `port` and `protocol` are asked for where a rule looks at them:
    older kernels and iproute2 know neither."""
    words = [*(("from", source) if source else ()), *(("iif", device) if device else ())]
    words += ["mark", f"{mark:#x}"] if mark else []
    if port and any(word in rule.split() for rule in policy_rules(host) for word in ("ipproto", "dport")):
        words += ["ipproto", protocol, "dport", str(port)]
    try:
        found = parse_hop(host.run(("ip", "-4", "route", "get", address, *words), timeout=3))
    except NotRecorded:  # of earlier versions, which asked for no port
        return hop(host, address, source=source, device=device, mark=mark) if port else None
    if found and device and found.error == "discarded" and not _swallows(host):
        return Hop(error="reverse-path")
    return found


def _swallows(host: Host) -> bool:
    """Whether a route or a rule can have said `invalid argument`; newer kernels (6.18) say it of the reverse path too."""
    return any(route.refuses for route in table_routes(host)) or any("blackhole" in rule for rule in policy_rules(host))


def parse_hop(done: Completed) -> Hop | None:
    """The output of `ip route get`; None for what is no answer of the kernel.

    ```
    203.0.113.10 from 172.17.0.9 via 10.47.0.1 dev eth0 mark 0x1 iif docker0
        cache iif docker0
    ```
    """
    if done.rc == 0:
        words = done.stdout.split()
        if words and words[0] in _REFUSING:
            return Hop(error="unreachable")
        if words and words[0] == "local":
            return Hop("lo")
        found = dict(pairwise(words))
        learned = "expires" in words
        mtu = found.get("mtu", "").removeprefix("lock")
        size = 0 if learned else whole(mtu) or 0
        return Hop(found.get("dev", ""), found.get("via", ""), found.get("src", ""), size) if "dev" in found else None
    answer = done.stderr.lower()
    if "rtnetlink answers" not in answer:
        return None
    return next((Hop(error=error) for words, error in _ERRORS.items() if words in answer), None)


def policy_rules(host: Host) -> tuple[str, ...]:
    """The routing rules beside the kernel's own three, as `ip rule` prints them; empty where they are not known."""
    return tuple(
        line.strip()
        for line in _lines(host, RULES)
        if not re.match(r"(0|32766|32767):\s+from all lookup", line.strip())
    )


def table_routes(host: Host) -> tuple[TableRoute, ...]:
    """The routes of all tables that lead somewhere or refuse; empty where they are not known."""
    return parse_tables(_lines(host, TABLES))


def main_routes(host: Host) -> Iterator[tuple[ipaddress.IPv4Network, str]]:
    """The routes of the main table, as `ip route show` prints them, each with its network."""
    for line in _lines(host, TABLES):
        words = [word for word in line.split() if word not in (*_NO_ROUTES, *_REFUSING)]
        if not words or line[0].isspace() or "table" in words:
            continue
        with suppress(ValueError):
            yield ipaddress.IPv4Network(words[0].replace("default", "0.0.0.0/0"), strict=False), line.strip()


def parse_tables(lines: Iterable[str]) -> tuple[TableRoute, ...]:
    """The output of `ip route show table all`; each next hop of a route with several is one.

    ```
    default via 10.99.0.1 dev eth1 metric 50
    unreachable default table 100
    ```
    """
    found: list[TableRoute] = []
    shared: tuple[str, int, str] | None = None
    for line in lines:
        words = line.split()
        if not words or words[0] in _NO_ROUTES:
            continue
        if words[0] == "nexthop":
            options = dict(pairwise(words))
            if shared:
                found.append(TableRoute(shared[0], options.get("dev", ""), options.get("via", ""), *shared[1:]))
            continue
        refuses = words[0] in _REFUSING
        kind = words[0] if refuses else ""
        words = words[1:] if refuses or words[0] == "unicast" else words
        options = dict(pairwise(words[1:]))
        metric = options.get("metric", "")
        shared = (words[0], whole(metric) or 0, options.get("table", "main"))
        if refuses or "dev" in options:
            found.append(
                TableRoute(shared[0], options.get("dev", ""), options.get("via", ""), *shared[1:], refuses, kind)
            )
    return tuple(found)


def covers(route: TableRoute, address: str) -> bool:
    """Whether a route leads to an address, by its network."""
    if route.is_default:
        return True
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(route.network, strict=False)
    except ValueError:
        return False


def answers_by(host: Host, address: str, port: int, way: str) -> bool | None:
    """Whether something accepts a connection when the packets leave by another card, or from another own address; None
    where nobody can try (curl is not there, no right to choose the card)."""
    argv = ("curl", "-qsk", "-o", "/dev/null", "--noproxy", "*", "--interface", way, "--connect-timeout", "1.5")
    words = (
        "--max-time",
        "1.7",
        "-w",
        "%{time_connect} .",
        f"http://{address}:{port}/",
    )  # TLS would count as connecting
    try:
        done = host.run((*argv, *words), timeout=5)
    except NotRecorded:
        return None
    taken, _, _ = done.stdout.partition(" ")
    if done.rc in (2, 45, 124, 126, 127) or not taken:
        return None
    return bool(taken.strip("0.,"))


def _lines(host: Host, argv: tuple[str, ...]) -> list[str]:
    try:
        done = host.run(argv, timeout=3)
    except NotRecorded:
        return []
    return done.stdout.splitlines() if done.ok else []
