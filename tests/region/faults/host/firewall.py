"""The host's own packet filter in the way of its own packets, out and back."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.proxy.site import behind_proxy
from tests.region.world import World


def filter_of(world: World, *rules: str) -> None:
    """Rules in front of the host's filter table."""
    tables = world.host.iptables.setdefault("iptables-nft", {})
    tables["filter"] = [*rules, *tables.get("filter", [])]


@fault("own-output-drops", "the host's own OUTPUT drops port 443", "egress.host-firewall")
def own_output_drops(world: World) -> None:
    filter_of(world, "-A OUTPUT -p tcp -m tcp --dport 443 -j DROP")


@fault("own-output-rejects", "the host's own OUTPUT lets only what is listed out", "egress.host-firewall")
def own_output_rejects(world: World) -> None:
    filter_of(
        world,
        "-A OUTPUT -o lo -j ACCEPT",
        "-A OUTPUT -p udp -m udp --dport 53 -j ACCEPT",
        "-A OUTPUT -p tcp -m tcp --dport 53 -j ACCEPT",
        "-A OUTPUT -p tcp -m tcp --dport 80 -j ACCEPT",
        "-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A OUTPUT -j REJECT --reject-with icmp-admin-prohibited",
    )


@fault("own-input-drops", "the host's own INPUT drops what is no login, answers too", "egress.host-firewall")
def own_input_drops(world: World) -> None:
    """A firewall without a rule for answers: the nameserver's are lost first."""
    filter_of(world, ":INPUT DROP [0:0]", "-A INPUT -i lo -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT")


@fault("own-output-drops-dns", "the host's own OUTPUT drops questions to the nameserver", "egress.host-firewall")
def own_output_drops_dns(world: World) -> None:
    filter_of(world, "-A OUTPUT -p udp -m udp --dport 53 -j DROP", "-A OUTPUT -p tcp -m tcp --dport 53 -j DROP")


@fault("own-output-drops-proxy", "the host's own OUTPUT drops the proxy's port", "egress.host-firewall")
def own_output_drops_proxy(world: World) -> None:
    behind_proxy(world)
    filter_of(world, "-A OUTPUT -p tcp -m tcp --dport 3128 -j REJECT")


@variation("own-firewall-strict", "the host drops whatever comes in but logins, pings and answers")
def own_firewall_strict(world: World) -> None:
    filter_of(
        world,
        ":INPUT DROP [0:0]",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -p icmp -j ACCEPT",
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
    )
