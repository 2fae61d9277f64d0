"""This host's own traffic shaping, as far as connections suffer from it.

Sources: tc(8), tc-netem(8), tc-tbf(8), tc-htb(8), tc-hfsc(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from anywhere.facts.link.devices import below
from anywhere.facts.link.said import rows
from anywhere.facts.network.routes import routes
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

QDISCS = ("tc", "qdisc", "show")
COMMANDS: tuple[tuple[str, ...], ...] = (QDISCS,)
FILES: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = ()
# Bits per second: below the first the start of several connections takes seconds; the second is what one needs.
NARROW, EACH = 512_000, 64_000
MUCH, LATE = 5.0, 0.4  # percent of the packets, and seconds added to each
# Percent, seconds and bits per second with which a connection may never begin; with less, some begin.
ALL, NEVER, STIFLED = 50.0, 2.0, 8_000
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


def shapers(host: Host) -> tuple[Shaper, ...]:
    """The queueing disciplines that hold back, lose or damage so much that connections suffer."""
    found = []
    for line in rows(host, QDISCS):
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
    for row in rows(host, ("tc", "class", "show", "dev", device)):
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
