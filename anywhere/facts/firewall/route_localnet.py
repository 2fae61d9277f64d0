"""The kernel's settings and routes on the way to the credential address."""

from __future__ import annotations

import ipaddress

from anywhere.documents.numbers import whole
from anywhere.facts.files import Access, read_text
from anywhere.facts.network.kernel_routes import TABLES, main_routes
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

CREDENTIAL_ADDRESS = "169.254.170.2"
CREDENTIAL_PORT = 51679
RESERVED = range(51678, 51681)
LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")
FIRST_CONTAINER = "172.17.0.2"  # where docker's own choice of a network is left

ROUTE_LOCALNET = "net.ipv4.conf.all.route_localnet"
RESERVED_PORTS = "net.ipv4.ip_local_reserved_ports"


COMMANDS: tuple[tuple[str, ...], ...] = (
    TABLES,
    ("ip", "-4", "route", "get", CREDENTIAL_ADDRESS),
    ("ip", "-4", "route", "get", FIRST_CONTAINER),
)
FILES: tuple[str, ...] = (
    "/proc/sys/net/ipv4/conf/all/route_localnet",
    "/proc/sys/net/ipv4/ip_local_reserved_ports",
    "/proc/sys/net/ipv4/conf/all/rp_filter",
    "/proc/sys/net/ipv4/conf/docker0/rp_filter",
)
FOLDERS: tuple[str, ...] = ()


@frozen
class Sysctl:
    """A kernel setting: `value` is None where the key is absent or may not be read."""

    key: str
    value: str | None

    @property
    def path(self) -> str:
        """Its file under /proc/sys."""
        return sysctl_path(self.key)


@frozen
class Localnet:
    """`bridge_address` is the bridge's own with its prefix length, empty where there is no bridge; `way_back` the
    device over which the kernel would answer a container; `bridge_rp_filter` the stricter of `all` and the bridge (None
    where not known; 1 is strict); `has_default` whether an IPv4 default route exists; `route` the line of `ip route
    get`, empty where the kernel has no way; `route_error` what it answered then; `link_local` the routes inside
    169.254.0.0/16."""

    bridge: str
    route_localnet: Sysctl
    reserved: Sysctl
    bridge_address: str
    way_back: str
    bridge_rp_filter: int | None
    has_default: bool
    route: str
    route_error: str
    link_local: tuple[str, ...]

    @property
    def missing_reserved(self) -> tuple[int, ...]:
        """Ports of 51678-51680 that are not reserved."""
        reserved = parse_ports(self.reserved.value or "")
        return tuple(port for port in RESERVED if not any(low <= port <= high for low, high in reserved))


def localnet(host: Host, bridge: str) -> Localnet:
    """Gather. Over SSH and locally the same: files of /proc, the inventory and `ip`."""
    main = list(main_routes(host))
    got = host.run(("ip", "-4", "route", "get", CREDENTIAL_ADDRESS))
    address = _bridge_address(host, bridge) if bridge else ""
    filters = [sysctl(host, f"net.ipv4.conf.{name}.rp_filter").value for name in ("all", bridge) if name]
    return Localnet(
        bridge,
        sysctl(host, ROUTE_LOCALNET),
        sysctl(host, RESERVED_PORTS),
        address,
        _way_back(host, address),
        max((number for value in filters if (number := whole(value or "")) is not None), default=None),
        any(not network.prefixlen for network, _ in main),
        got.stdout.strip().partition("\n")[0].strip() if got.ok else "",
        "" if got.ok else got.stderr.strip(),
        tuple(line for network, line in main if network.subnet_of(LINK_LOCAL)),
    )


def _bridge_address(host: Host, bridge: str) -> str:
    if cards := host.inventory().interfaces:
        own = next((one.addresses for one in cards if one.name == bridge), ())
        return next((one for one in own if ":" not in one), "")
    shown = host.run(("ip", "-4", "-o", "addr", "show", "dev", bridge)).stdout.split()
    return shown[shown.index("inet") + 1] if "inet" in shown[:-1] else ""


def _way_back(host: Host, address: str) -> str:
    try:
        bridge = ipaddress.ip_interface(address)
    except ValueError:
        return ""
    if bridge.network.num_addresses < 4:
        return ""
    neighbour = next(other for other in bridge.network.hosts() if other != bridge.ip)
    words = host.run(("ip", "-4", "route", "get", str(neighbour))).stdout.split()
    return words[words.index("dev") + 1] if "dev" in words[:-1] else ""


def sysctl(host: Host, key: str) -> Sysctl:
    """A kernel setting, read from /proc/sys."""
    text = read_text(host, sysctl_path(key))
    return Sysctl(key, text.content.strip() if text.access is Access.READ else None)


def sysctl_path(key: str) -> str:
    """`net.ipv4.ip_forward` as a path; a slash in a key stands for a dot in an interface's name."""
    return "/proc/sys/" + key.replace(".", "\0").replace("/", ".").replace("\0", "/")


def parse_ports(text: str) -> tuple[tuple[int, int], ...]:
    """`8080,51678-51680` as ranges. What is no number is left out: the kernel never prints it."""
    found = []
    for part in text.replace(" ", ",").split(","):
        low, _, high = part.partition("-")
        first, last = whole(low), whole(high or low)
        if first is not None and last is not None:
            found.append((first, last))
    return tuple(found)
