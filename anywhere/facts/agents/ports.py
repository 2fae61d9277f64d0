"""The agent's two ports: who listens there, and whether the kernel may give them away."""

from __future__ import annotations

from anywhere.errors import ParseError
from anywhere.facts.files import Access, read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host, Listener

PORTS = (51678, 51679)
RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"
RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
# comm of the agent's process in its container; docker-proxy where a container publishes the port.
OWNERS = frozenset({"agent", "amazon-ecs-agent", "amazon-ecs-agen"})

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (RESERVED, RANGE)
FOLDERS: tuple[str, ...] = ()


@frozen
class PortRange:
    """Ports from first to last, both included."""

    first: int
    last: int

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and self.first <= port <= self.last


def reserved_ports(host: Host) -> tuple[PortRange, ...] | None:
    """The ports that the kernel never gives to a client; None where that cannot be read. Raises ParseError."""
    text = read_text(host, RESERVED)
    return parse_ports(text.content) if text.access is Access.READ else None


def parse_ports(text: str) -> tuple[PortRange, ...]:
    """`51678-51679,60000` as ranges; an empty text is none. Raises ParseError for anything else."""
    return tuple(_range(part.strip()) for part in text.strip().split(",") if part.strip())


def client_ports(host: Host) -> PortRange | None:
    """The range from which the kernel takes the ports of outgoing connections; None where it cannot be read."""
    words = read_text(host, RANGE).content.split()
    try:
        return _range("-".join(words)) if len(words) == 2 else None
    except ParseError:
        return None


def _range(text: str) -> PortRange:
    first, _, last = text.partition("-")
    if not (_is_port(first) and _is_port(last or first)):
        raise ParseError(f"{RESERVED}: {text[:40]!r} is no port and no range of ports")
    return PortRange(int(first), int(last or first))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536


def listeners(host: Host, port: int) -> tuple[Listener, ...]:
    """Who listens on a port."""
    return tuple(listener for listener in host.inventory().listeners if listener.port == port)
