"""The rules for task credentials on a registered host: gone, doubled, in the wrong place, in the way."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.host import Daemon, Unit
from tests.region.software import BRIDGE, FROM_HOST, GUARD, OFF_HOST, TO_AGENT, apply_rules, register, remove_rules
from tests.region.world import World

ALL = (TO_AGENT, FROM_HOST, BRIDGE, OFF_HOST, GUARD)


def rules_of(world: World, table: str) -> list[str]:
    """The host's rules of a table."""
    return world.host.iptables["iptables-nft"][table]


@fault("rules-missing", "no rule redirects 169.254.170.2 to the agent", "rules.missing")
def rules_missing(world: World) -> None:
    register(world)
    remove_rules(world, TO_AGENT, FROM_HOST)


@fault("rules-duplicate", "a crash left every rule of the agent twice", "rules.duplicate")
def rules_duplicate(world: World) -> None:
    register(world)
    apply_rules(world)


@fault("rules-wrong-backend", "the agent's rules are legacy ones, Docker's are nftables", "rules.wrong-backend")
def rules_wrong_backend(world: World) -> None:
    register(world)
    remove_rules(world, *ALL)
    apply_rules(world, "iptables-legacy")


@fault("rules-shadowed", "INPUT drops what bridge containers send to the agent", "rules.shadowed")
def rules_shadowed(world: World) -> None:
    register(world)
    rules_of(world, "filter").insert(0, "-A INPUT -i docker0 -p tcp -m tcp --dport 51679 -j DROP")


@fault("rules-captured", "another rule takes all web traffic before the agent's does", "rules.shadowed")
def rules_captured(world: World) -> None:
    register(world)
    rules_of(world, "nat").insert(0, "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080")


@fault("rules-volatile", "firewalld is active, and its next reload takes the rules away", "rules.volatile")
def rules_volatile(world: World) -> None:
    register(world)
    unit = "[Unit]\nDescription=firewalld\n[Service]\nExecStart=/usr/sbin/firewalld --nofork --nopid\nType=dbus\n"
    world.host.units["firewalld.service"] = Unit(unit, main="/usr/sbin/firewalld")
    world.host.daemons.append(Daemon("/usr/sbin/firewalld"))
    world.host.programs["/usr/bin/firewall-cmd"] = (
        '#!/bin/sh\ncase "$1" in --state) echo running ;; --version) echo 1.3.3 ;; *) exit 0 ;; esac\n'
    )


@fault("rules-unguarded", "the loopback is open to neighbours", "rules.unguarded")
def rules_unguarded(world: World) -> None:
    register(world)
    remove_rules(world, GUARD)


def without_ip6tables(world: World) -> None:
    """The kernel has IPv6, and ip6tables no module."""
    said = "ip6tables v1.8.9 (nf_tables): Could not fetch rule set generation id: Invalid argument"
    broken = f"#!/bin/sh\necho '{said}' >&2\nexit 3\n"
    names = ("ip6tables", "ip6tables-save", "ip6tables-nft", "ip6tables-nft-save")
    world.host.programs |= {f"/usr/sbin/{name}": broken for name in names}


@fault("ip6tables-fails", "ip6tables does not work on a bare server whose kernel has IPv6", "rules.ip6tables-fails")
def ip6tables_fails(world: World) -> None:
    without_ip6tables(world)


@fault("ip6tables-fails-later", "the same on a registered host, where ecs still runs", "rules.ip6tables-fails")
def ip6tables_fails_later(world: World) -> None:
    register(world)
    without_ip6tables(world)
