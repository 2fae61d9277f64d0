"""The inventory of a machine that has nothing but a POSIX shell: the script's tagged lines to an Inventory.

The script is `scripts/inventory.sh`. `LocalHost` learns the same from psutil.
"""

from __future__ import annotations

from collections.abc import Mapping

from anywhere.documents.numbers import whole
from anywhere.hosts.base import Daemon, Disk, Interface, Inventory, Listener
from anywhere.hosts.inventory import DAEMONS, DISKS, RELEVANT, UNITS, relevant
from anywhere.printable import ip_text

IFF_UP = 1
RUNNING = ("up", "unknown")  # operational states of an interface that carries traffic; loopback and tunnels: unknown
MEMORY = ("MemTotal:", "MemAvailable:", "MemFree:", "Buffers:", "Cached:")
OWNED = (51678, 51679, 51680)  # ports of the ECS agent: whoever listens there is named
BIG_ENDIAN = ("s390", "s390x", "ppc", "ppc64", "mips", "mips64")
# Positions of the columns in /proc/net/tcp.
LOCAL_ADDRESS, INODE = 1, 9


def settings() -> dict[str, str]:
    """The variables that the script needs."""
    owned = "|".join(f"{port:04X}" for port in OWNED)
    ports = "|".join(map(str, OWNED))
    return {
        "DAEMONS": "|".join(DAEMONS),
        "UNITS": UNITS,
        "RELEVANT": RELEVANT,
        "DISKS": " ".join(DISKS),
        "OWNED": owned,
        "PORTS": ports,
    }


def parse_environment(text: str) -> dict[str, str]:
    """`NAME=value` lines, or entries that end with a null byte, to a mapping; a carriage return belongs to the value."""
    entries = text.split("\0" if "\0" in text else "\n")
    return dict(entry.partition("=")[::2] for entry in entries if "=" in entry)


def parse_inventory(text: str, environment: Mapping[str, str] | None = None) -> Inventory:
    """The script's output; lines that are not understood are passed over, what is absent stays 0 or empty.

    `environment` is that of the login, before sudo emptied it.
    """
    lines = _Lines(text)
    memory = {tag: _number(words[0]) * 1024 for tag in MEMORY for words in lines.rows(tag, 1)}
    spare = sum(memory.get(tag, 0) for tag in ("MemFree:", "Buffers:", "Cached:"))  # before Linux 3.14
    return Inventory(
        memory_total=memory.get("MemTotal:", 0),
        memory_available=memory.get("MemAvailable:", spare),
        cpus=lines.processors(),
        boot_time=float(_number(lines.first("btime"))),
        disks=tuple(_disk(words) for words in lines.rows("disk", 6)),
        interfaces=_interfaces(lines.rows("link", 5), lines.rows("address", 2)),
        listeners=_listeners(lines, lines.rows("owner", 2), lines.first("arch") in BIG_ENDIAN),
        daemons=_daemons(lines),
        environment=relevant(environment or {}),
        is_root=lines.first("uid") == "0",
    )


class _Lines:
    """The output by tag: the first word of a line."""

    def __init__(self, text: str) -> None:
        self.tagged: dict[str, list[str]] = {}
        for line in text.split("\n"):
            tag, _, rest = line.partition(" ")
            self.tagged.setdefault(tag, []).append(rest)

    def rows(self, tag: str, least: int) -> list[list[str]]:
        """The words of the lines with this tag that have at least so many."""
        return [words for words in (rest.split() for rest in self.tagged.get(tag, ())) if len(words) >= least]

    def first(self, tag: str) -> str:
        """The first word of the first such line, empty without one."""
        return next((words[0] for words in self.rows(tag, 1)), "")

    def processors(self) -> int:
        """How many `cpuN` lines there are."""
        return sum(1 for tag in self.tagged if tag.startswith("cpu") and tag[3:].isdigit())


def _number(text: str) -> int:
    return whole(text) or 0


def parse_clock(text: str) -> float:
    """`date +%s.%N` in epoch seconds, 0 when it is no number; busybox leaves the %N as it is."""
    whole, _, part = text.strip().partition(".")
    fraction = _number(part[:9]) / 10 ** len(part[:9]) if part else 0.0
    return _number(whole) + fraction


def _disk(words: list[str]) -> Disk:
    size, total, free, inodes, inodes_free = map(_number, words[1:6])
    return Disk(words[0], total * size, free * size, inodes, inodes_free)


def _interfaces(links: list[list[str]], addresses: list[list[str]]) -> tuple[Interface, ...]:
    found = []
    for name, mac, mtu, flags, state in sorted(words[:5] for words in links):
        own = tuple(_address(words[1:]) for words in addresses if words[0] == name)
        up = bool(_hex(flags) & IFF_UP) and state in RUNNING
        found.append(Interface(name, "" if mac == "-" else mac, _number(mtu), up, own))
    return tuple(found)


def _address(words: list[str]) -> str:
    """`10.0.0.2/24`, also of `10.0.0.1 peer 10.0.0.2/32`."""
    if "/" not in words[0] and len(words) > 2 and words[1] == "peer":
        return f"{words[0]}/{words[2].partition('/')[2] or '32'}"
    return words[0]


def _hex(text: str) -> int:
    try:
        return int(text[:20], 16)
    except ValueError:
        return 0


def _listeners(lines: _Lines, owners: list[list[str]], big_endian: bool) -> tuple[Listener, ...]:
    by_inode: dict[str, tuple[int, str]] = {}
    for inode, pid, *comm in owners:
        owner = (_number(pid), " ".join(comm))
        by_inode[inode] = min(owner, by_inode.get(inode, owner))
    places = [(_place(words[LOCAL_ADDRESS], big_endian), words[INODE]) for words in lines.rows("socket", 10)]
    for tag, wildcard in (("listen", "0.0.0.0"), ("listen6", "::")):
        places += [(_shown_place(words[0], wildcard), "".join(words[1:2])) for words in lines.rows(tag, 1)]
    found = [Listener(*place, *by_inode.get(inode, (0, ""))) for place, inode in places if place]
    return tuple(sorted(found, key=lambda one: (one.port, one.address, one.pid)))


def _shown_place(text: str, wildcard: str) -> tuple[str, int] | None:
    """`127.0.0.53%lo:53`, `[fe80::1]%eth0:53`, `*:22`, of old releases `:::22`, as ss shows them."""
    shown, _, port = text.rpartition(":")
    address = shown.partition("%")[0].strip("[]")
    try:
        found = ip_text(wildcard if address == "*" else address)
    except ValueError:
        return None
    return (found, _number(port)) if 0 < _number(port) < 65536 else None


def _place(text: str, big_endian: bool) -> tuple[str, int] | None:
    """`0100007F:0016` to 127.0.0.1 and 22: words of four bytes in the host's own order."""
    address, _, port = text.partition(":")
    try:
        data = bytes.fromhex(address)
        number = int(port, 16)
    except ValueError:
        return None
    if len(data) not in (4, 16) or not 0 < number < 65536:
        return None
    if not big_endian:
        data = b"".join(data[index : index + 4][::-1] for index in range(0, len(data), 4))
    return ip_text(data), number


def _daemons(lines: _Lines) -> tuple[Daemon, ...]:
    environments: dict[str, list[str]] = {}
    for line in lines.tagged.get("variable", []):
        pid, _, variable = line.partition(" ")
        environments.setdefault(pid, []).append(variable)
    sure = {words[0] for words in lines.rows("sure", 1)}
    found = []
    for pid, *comm in lines.rows("daemon", 2):
        component = DAEMONS.get(" ".join(comm))
        if component and _number(pid):
            own = relevant(parse_environment("\n".join(environments.get(pid, []))))
            found.append(Daemon(component, _number(pid), own, pid in sure))
    return tuple(sorted(found, key=lambda one: (one.name, one.pid)))
