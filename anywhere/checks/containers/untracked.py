"""A rule that keeps containers' packets from connection tracking, without which no address is translated."""

from __future__ import annotations

import shlex

from anywhere.checks.containers.bridge import Obstacle, obstacle
from anywhere.checks.remedies import Command, iptables
from anywhere.facts.firewall.forwarding import Stop
from anywhere.hosts.base import Host


def untracked_obstacle(host: Host, network: str, stop: Stop) -> Obstacle:
    """What an untracked packet means for containers, and the rule's removal."""
    return obstacle(
        host,
        f"a rule keeps what containers exchange with {stop.aim.what} from connection tracking, so that nobody translates "
        f"their addresses ({network}): {stop.rule} ({stop.hop})",
        "Take the rule out here and where it is kept: which of the answers belong to containers shows only once they are "
        "tracked. Where the rule was made for a server on this host, name that server's own address in it.",
        *_out_of_raw(stop),
        rule=stop.rule,
    )


def _out_of_raw(stop: Stop) -> tuple[Command, ...]:
    if stop.hop.startswith("nft "):
        family, table, chain, _, handle = stop.rule.split()
        return (("nft", "delete", "rule", family, table, chain, "handle", handle),)
    words = shlex.split(stop.rule)
    return ((*iptables(stop.program, "raw"), "-D", *words[1:]),) if words[:1] == ["-A"] else ()
