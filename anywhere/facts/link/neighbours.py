"""Neighbours whose link address was set by hand, and whether they are there.

Source: ip-neighbour(8): a permanent entry is never asked for anew.
"""

from __future__ import annotations

import re
from functools import partial

from anywhere.errors import NotRecorded
from anywhere.facts.link.said import rows
from anywhere.facts.network.routes import routes
from anywhere.hosts.base import Host, ProbeSpec
from anywhere.model import Reason
from anywhere.threads import fan_out

KNOCKED, KNOCK = (22, 53, 80, 443), 1.0  # ports of a gateway or nameserver, and seconds for one


def fixed_neighbour(host: Host, device: str, address: str) -> str:
    """The link address that somebody set for a neighbour by hand; empty where the kernel finds it out itself."""
    for row in rows(host, ("ip", "-4", "neigh", "show", "dev", device)):
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
