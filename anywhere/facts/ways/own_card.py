"""What lies below this host's routes: the devices under a card, the addresses of its neighbours, traffic shaping.

Sources: kernel Documentation/ABI/testing/sysfs-class-net (lower_*); ip-neighbour(8): a permanent entry is never asked for
anew; tc-netem(8), tc-tbf(8), tc-htb(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise

from anywhere.errors import NotRecorded
from anywhere.facts.files import list_folder
from anywhere.facts.network.routes import routes
from anywhere.frozen import frozen
from anywhere.hosts.base import Host, ProbeSpec
from anywhere.model import Reason
from anywhere.threads import fan_out

FOLDER, LOWER = "/sys/class/net", "lower_"
QDISCS = ("tc", "qdisc", "show")
COMMANDS: tuple[tuple[str, ...], ...] = (QDISCS,)
FILES: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = ()
DEPTH = 4  # a VLAN on a bridge on a bond of cards
NARROW, EACH = (
    512_000,
    64_000,
)  # bits per second: below that the start of several connections takes seconds; what one needs
MUCH, LATE = 5.0, 0.4  # percent of the packets, and seconds added to each
# Percent, seconds and bits per second with which a connection may never begin; with less, some begin.
ALL, NEVER, STIFLED = 50.0, 2.0, 8_000
KNOCKED, KNOCK = (22, 53, 80, 443), 1.0  # ports of a gateway or nameserver, and seconds for one
UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@frozen
class Shaper:
    """A queueing discipline of a card, in tc's words, what it does in ours, and the bits per second that it lets through (0:
    it limits none). `place` is where it hangs, in tc's words; `silences` is whether it alone may keep connections from
    beginning."""

    device: str
    text: str
    does: str
    rate: float = 0.0
    place: tuple[str, ...] = ("root",)
    silences: bool = False


def below(host: Host, device: str) -> tuple[str, ...]:
    """The devices that a card's packets pass under it: ports of a bridge, members of a bond, the card of a VLAN."""
    found: dict[str, None] = {}
    level = [device]
    for _ in range(DEPTH):
        level = [name for one in level for name in _lower(host, one) if name not in found]
        found |= dict.fromkeys(level)
    return tuple(found)


def is_bridge(host: Host, device: str) -> bool:
    """Whether a card is a bridge."""
    return "brif" in _folder(host, f"{FOLDER}/{device}")


def _lower(host: Host, device: str) -> list[str]:
    names = _folder(host, f"{FOLDER}/{device}")
    return sorted(name.removeprefix(LOWER) for name in names if name.startswith(LOWER))


def _folder(host: Host, path: str) -> tuple[str, ...]:
    try:
        return tuple(list_folder(host, path) or ())
    except NotRecorded:
        return ()


def fixed_neighbour(host: Host, device: str, address: str) -> str:
    """The link address that somebody set for a neighbour by hand; empty where the kernel finds it out itself."""
    for row in _run(host, ("ip", "-4", "neigh", "show", "dev", device)):
        words = row.split()
        if words[:1] == [address] and words[-1] == "PERMANENT" and "lladdr" in words[:-1]:
            return words[words.index("lladdr") + 1]
    return ""


def gateways(host: Host) -> tuple[str, ...]:
    """The IPv4 gateways of the main table."""
    return tuple(dict.fromkeys(one.gateway for one in routes(host) if one.gateway and ":" not in one.gateway))


def answers_here(host: Host, device: str, address: str) -> bool | None:
    """Whether a neighbour shows by anything that it is where the entry says; None where nobody can ask. ARP alone proves it;
    a ping or a refused connection does too, and silence to both says it as far as it can be said without root's tools."""
    try:
        asked = host.run(("arping", "-c", "2", "-w", "1", "-I", device, address), timeout=3)
        if asked.rc in (0, 1) and address in asked.stdout:
            return _link_of(asked.stdout, fixed_neighbour(host, device, address))
        pinged = host.run(("ping", "-c", "2", "-i", "0.3", "-W", "1", "-I", device, address), timeout=4)
        specs = [
            ProbeSpec(address, port, "tcp", address=address, patience=KNOCK)
            for port in KNOCKED
            if address in gateways(host)
        ]
        knocked = fan_out([partial(host.probe, spec) for spec in specs])
    except NotRecorded:
        return None
    if any(one.late for one in knocked) or (not knocked and pinged.rc not in (0, 1)):
        return None
    return pinged.ok or any(one.ok or one.reason is Reason.REFUSED for one in knocked)


def _link_of(said: str, entered: str) -> bool | None:
    """Whether the link address that answers ARP (`[02:00:00:00:00:01]`) is the one that was entered; None where none did."""
    links = re.findall(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", said.lower())
    return entered.lower() in links if links else None


def shapers(host: Host) -> tuple[Shaper, ...]:
    """The queueing disciplines that hold back, lose or damage so much that connections suffer."""
    found = []
    for line in _run(host, QDISCS):
        words = line.split()
        if words[:1] == ["qdisc"] and len(words) > 2:
            named = dict(pairwise(words))
            device = named.get("dev", "")
            rate = _limit(host, device, words[1], line)
            does = [*(_netem(line) if words[1] == "netem" else ()), *_narrow(rate)]
            if does:
                place = ("parent", named["parent"]) if "parent" in named else ("root",)
                silences = 0 < rate < STIFLED or _silences(line)
                found.append(Shaper(device, " ".join(words), " and ".join(does), rate, place, silences))
    return tuple(found)


def is_under(host: Host, shaper: Shaper, cards: Iterable[str]) -> bool:
    """Whether the packets of one of these cards pass it; what comes in by any card may pass an ifb."""
    return shaper.device.startswith("ifb") or any(shaper.device in (card, *below(host, card)) for card in cards)


def at_once(host: Host, usual: int) -> int:
    """How many connections a run may open at once without being itself what fills a narrow card that leads out. The limits
    of containers and guests are on their own devices."""
    narrow = [one for one in shapers(host) if one.rate]
    if not narrow:
        return usual
    cards = {one.interface for one in routes(host) if one.is_default or one.gateway}
    rates = [one.rate for one in narrow if is_under(host, one, cards)]
    return max(1, min(usual, int(min(rates) // EACH))) if rates else usual


def _limit(host: Host, device: str, kind: str, line: str) -> float:
    """Bits per second; 0 without a limit, or where it is not known."""
    if kind in ("tbf", "netem"):
        return _rate(line, "rate")
    return _of_class(host, device, line) if kind in ("htb", "hfsc") else 0.0


def _netem(line: str) -> Iterator[str]:
    """What it does to packets, as far as connections feel it."""
    for word, verb in (("loss", "loses"), ("corrupt", "damages")):
        share = re.search(rf"\b{word} (?:random )?([\d.]+)%", line)
        if share and float(share[1]) >= MUCH:
            yield f"{verb} {share[1]}% of the packets"
    if (delay := re.search(r"\bdelay ([\d.]+)(us|ms|s)\b", line)) and float(delay[1]) * SECONDS[delay[2]] >= LATE:
        yield f"delays each packet by {delay[1]} {delay[2]}"


def _silences(line: str) -> bool:
    share = re.search(r"\bloss (?:random )?([\d.]+)%", line)
    delay = re.search(r"\bdelay ([\d.]+)(us|ms|s)\b", line)
    return bool((share and float(share[1]) >= ALL) or (delay and float(delay[1]) * SECONDS[delay[2]] >= NEVER))


def _of_class(host: Host, device: str, line: str) -> float:
    """The most that the default class may send."""
    default = re.search(r"\bdefault (0x)?([0-9a-f]+)\b", line)
    handle = line.split()[2]
    number = int(default[2], 16) if default else 0
    for row in _run(host, ("tc", "class", "show", "dev", device)):
        words = row.split()
        if len(words) > 2 and words[2] == f"{handle}{number:x}":
            # Of hfsc's curves the upper limit alone takes anything away: the others are what a class is sure to get.
            return _rate(row, "ceil") or _rate(row.partition(" ul ")[2], "m2")
    return 0.0


def _rate(text: str, word: str) -> float:
    """`rate 64Kbit` in bits per second; 0 without one."""
    found = re.search(rf"\b{word} ([\d.]+)([KMGT]?)(bit|bps)\b", text, re.I)
    return float(found[1]) * UNITS[found[2].lower()] * (8 if found[3].lower() == "bps" else 1) if found else 0.0


def _narrow(rate: float) -> Iterator[str]:
    if 0 < rate < NARROW:
        yield f"lets {rate / 1000:g} kbit/s through"


def _run(host: Host, argv: tuple[str, ...]) -> list[str]:
    try:
        done = host.run(argv, timeout=3)
    except NotRecorded:
        return []
    return [line for line in done.stdout.splitlines() if line.strip()] if done.ok else []
