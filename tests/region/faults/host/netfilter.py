"""The rules for task credentials on a registered host: gone, doubled, in the wrong place, in the way."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.host.kernel import RUNNING, kernels
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


@fault("rules-shadowed-mangle", "the mangle table drops what bridge containers send to the agent", "rules.shadowed")
def rules_shadowed_mangle(world: World) -> None:
    register(world)
    rules = world.host.iptables["iptables-nft"].setdefault("mangle", [])
    rules.append("-A INPUT -i docker0 -p tcp -m tcp --dport 51679 -j DROP")


@fault("rules-shadowed-early", "iptables-legacy drops requests for credentials as they come in", "rules.shadowed")
def rules_shadowed_early(world: World) -> None:
    register(world)
    legacy = world.host.iptables.setdefault("iptables-legacy", {})
    legacy["raw"] = ["-A PREROUTING -d 169.254.169.0/24 -j ACCEPT", "-A PREROUTING -d 169.254.0.0/16 -j DROP"]


@fault("rules-shadowed-out", "OUTPUT drops the host's own requests for credentials", "rules.shadowed")
def rules_shadowed_out(world: World) -> None:
    register(world)
    rules_of(world, "filter").insert(0, "-A OUTPUT -p tcp -m tcp --dport 51679 -j DROP")


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


def legacy(world: World, module: bool) -> None:
    """iptables speaks the legacy kind, and the running kernel has modules: with or without that of ip6tables' filter."""
    world.host.programs |= {
        f"/usr/sbin/{word}{end}": f'#!/bin/sh\nexec {word}-legacy{end} "$@"\n'
        for word in ("iptables", "ip6tables")
        for end in ("", "-save", "-restore")
    }
    # As on a kernel that has not loaded it: this machine's may have it.
    world.host.programs["/usr/sbin/ip6tables-legacy-save"] = "#!/bin/sh\nexit 0\n"
    kernels(world, RUNNING)
    if module:
        world.host.files[f"/lib/modules/{RUNNING}/modules.dep"] = "kernel/net/ipv6/netfilter/ip6table_filter.ko.xz:\n"


@fault("ip6tables-legacy-no-module", "legacy ip6tables on a kernel without its module", "rules.ip6tables-fails")
def ip6tables_legacy(world: World) -> None:
    legacy(world, module=False)


@fault("ip6tables-legacy-barred", "a benchmark's file bars the module of legacy ip6tables", "rules.ip6tables-fails")
def ip6tables_legacy_barred(world: World) -> None:
    legacy(world, module=True)
    world.host.files["/etc/modprobe.d/cis.conf"] = "install ip6table_filter /bin/false\n"


@variation("ip6tables-legacy-unloaded", "legacy ip6tables, whose module was not needed yet")
def ip6tables_legacy_unloaded(world: World) -> None:
    legacy(world, module=True)


@variation("route-localnet-of-bridge", "route_localnet is on for docker's bridge and off for all")
def route_localnet_of_bridge(world: World) -> None:
    register(world)
    world.host.sysctls |= {"net/ipv4/conf/all/route_localnet": "0", "net/ipv4/conf/docker0/route_localnet": "1"}
