"""NAT rules of the host's own that send its packets elsewhere, or look so."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.host.firewall import filter_of
from tests.region.faults.path.egress import to
from tests.region.host import Daemon
from tests.region.world import World

CODE = "egress.host-firewall"


def nat_of(world: World, *rules: str) -> None:
    """Rules in front of those that the nat table holds."""
    tables = world.host.iptables.setdefault("iptables-nft", {})
    tables["nat"] = [*rules, *tables.get("nat", [])]


REDSOCKS = (
    ":REDSOCKS - [0:0]",
    "-A REDSOCKS -d 10.0.0.0/8 -j RETURN",
    "-A REDSOCKS -d 127.0.0.0/8 -j RETURN",
    "-A REDSOCKS -p tcp -j REDIRECT --to-ports 12345",
)


@fault("own-redirect-chain", "a chain of its own sends port 443 to a transparent proxy that is gone", CODE)
def own_redirect_chain(world: World) -> None:
    nat_of(world, *REDSOCKS, "-A OUTPUT -p tcp -m owner ! --uid-owner 113 -j REDSOCKS")


@variation("own-redirect-chain-of-others", "the same chain for another user's programs, and a rule for plain HTTP")
def own_redirect_chain_of_others(world: World) -> None:
    nat_of(
        world,
        *REDSOCKS,
        "-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3129",
        "-A OUTPUT -p tcp -m owner --uid-owner 1000 -j REDSOCKS",
    )


@fault("own-redirect-dead", "a transparent proxy on the host is gone, and its NAT rule is left", CODE)
def own_redirect_dead(world: World) -> None:
    nat_of(world, "-A OUTPUT -p tcp -m tcp --dport 443 -m owner ! --uid-owner 13 -j REDIRECT --to-ports 12345")


@fault("own-redirect-dns-dead", "a DNS forwarder on the host is gone, and its NAT rule is left", CODE)
def own_redirect_dns_dead(world: World) -> None:
    nat_of(world, "-A OUTPUT -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353")


@fault("own-dnat-dead", "a NAT rule sends port 443 to an interceptor that nobody has any more", CODE)
def own_dnat_dead(world: World) -> None:
    nat_of(world, f"-A OUTPUT -p tcp -m tcp --dport 443 -j DNAT --to-destination {world.lan[77]}:3129")


@fault("own-dnat-dead-nft", "the same in a table of nftables", CODE)
def own_dnat_dead_nft(world: World) -> None:
    rule = f"meta skuid 0-999 tcp dport 443 dnat to {world.lan[77]}:3129"
    world.host.nft = f"table ip seen {{\nchain out {{\ntype nat hook output priority -100;\n{rule}\n}}\n}}\n"


@fault("own-snat-gone", "a rule by hand gives the host's packets a source that it no longer has", CODE)
def own_snat_gone(world: World) -> None:
    nat_of(world, "-A POSTROUTING -p tcp -m tcp --dport 443 -j SNAT --to-source 10.99.9.9")


@fault("own-output-drops-root", "the host's own OUTPUT lets only a proxy's user out", CODE)
def own_output_drops_root(world: World) -> None:
    filter_of(world, "-A OUTPUT -p tcp -m tcp --dport 443 -m owner ! --uid-owner 13 -j DROP")


@variation("own-redirect-of-others", "NAT rules divert another user's connections, and what goes to one address")
def own_redirect_of_others(world: World) -> None:
    nat_of(
        world,
        "-A OUTPUT -p tcp -m tcp --dport 443 -m owner --uid-owner 1000 -j REDIRECT --to-ports 12345",
        "-A OUTPUT -d 192.0.2.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 192.0.2.2:443",
    )


@variation("own-dnat-dns", "a NAT rule sends all DNS to the site's nameserver, which answers")
def own_dnat_dns(world: World) -> None:
    nat_of(world, f"-A OUTPUT -p udp -m udp --dport 53 -j DNAT --to-destination {world.nameservers[0].address}:53")


@fault("own-snat-and-dropped", "a NAT rule gives the host's own address as source, and a firewall drops ssm",
       "egress.endpoint-blocked")  # fmt: skip
def own_snat_and_dropped(world: World) -> None:
    nat_of(world, f"-A POSTROUTING -p tcp -m tcp --dport 443 -j SNAT --to-source {world.lan[10]}")
    world.router.block(to(world.addresses("ssm")))


def closed_by_s3(world: World, match: str = "-p tcp -m tcp --dport 443") -> None:
    """What matches goes to an address that accepts connections and closes them."""
    world.behave("s3", speaks="closed")
    nat_of(world, f"-A OUTPUT {match} -j DNAT --to-destination {world.addresses('s3')[0]}:443")


@fault("own-dnat-accepts", "a NAT rule sends port 443 to a proxy that accepts and closes every connection", CODE)
def own_dnat_accepts(world: World) -> None:
    closed_by_s3(world)


@fault("own-redirect-silent", "a NAT rule sends port 443 to a local program that accepts and never answers", CODE)
def own_redirect_silent(world: World) -> None:
    world.host.daemons.append(Daemon("redsocks", listens=[("0.0.0.0", 12345)]))
    nat_of(world, "-A OUTPUT -p tcp -m tcp --dport 443 -j REDIRECT --to-ports 12345")


@fault(
    "reset-beside-a-nat-rule",
    "a filter on the path cuts TLS, and a NAT rule of the host is for others",
    "egress.blocked",
)
def reset_beside(world: World) -> None:
    world.behave("*", speaks="closed")
    nat_of(world, "-A OUTPUT -p tcp -m tcp --dport 443 -m owner --uid-owner 1000 -j REDIRECT --to-ports 12345")


@variation("own-dnat-works", "a NAT rule sends port 443 of ssm to another address, which answers for it")
def own_dnat_works(world: World) -> None:
    ssm = world.addresses("ssm")[0]
    nat_of(world, f"-A OUTPUT -d {ssm}/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination {ssm}:443")
