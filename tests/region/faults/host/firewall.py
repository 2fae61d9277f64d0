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


@fault("own-mangle-drops", "the mangle table drops port 443 on its way out", "egress.host-firewall")
def own_mangle_drops(world: World) -> None:
    world.host.iptables.setdefault("iptables-nft", {})["mangle"] = ["-A OUTPUT -p tcp -m tcp --dport 443 -j DROP"]


@fault("own-legacy-drops", "a rule of iptables-legacy drops answers, beside a host of nftables", "egress.host-firewall")
def own_legacy_drops(world: World) -> None:
    """An old script of the site calls the program by its full name, or ran before the alternative was changed."""
    legacy = world.host.iptables.setdefault("iptables-legacy", {})
    legacy.setdefault("filter", []).append("-A INPUT -p tcp -m tcp --sport 443 -j DROP")


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


@fault(
    "own-bogons",
    "a table of nftables drops private senders on the uplink of a site with private addresses",
    "egress.host-firewall",
)
def own_bogons(world: World) -> None:
    held = (
        f"set bogons {{\n type ipv4_addr\n flags interval\n elements = {{ 192.0.2.0/24, {world.options.site} }}\n }}\n"
    )
    start = "type filter hook prerouting priority raw\n policy accept\n"
    world.host.nft = f'table ip guard {{\n{held}chain pre {{\n{start}iifname "eth0" ip saddr @bogons drop\n}}\n}}\n'


@fault("own-raw-drops", "the raw table drops what comes from port 53, answers too", "egress.host-firewall")
def own_raw_drops(world: World) -> None:
    rules = [f"-A PREROUTING -i eth0 -p {protocol} -m {protocol} --sport 53 -j DROP" for protocol in ("udp", "tcp")]
    world.host.iptables.setdefault("iptables-nft", {})["raw"] = rules


@variation("own-raw-guards", "the raw table drops forged senders, which no answer here has")
def own_raw_guards(world: World) -> None:
    rules = [f"-A PREROUTING -i eth0 -s {one} -j DROP" for one in ("127.0.0.0/8", "169.254.0.0/16", "240.0.0.0/4")]
    world.host.iptables.setdefault("iptables-nft", {})["raw"] = rules


def on_card(world: World, *rules: str) -> None:
    """Rules of the uplink's own hook, which a packet meets before all others."""
    listed = "; ".join(rules)
    world.host.nft = (
        f"table netdev site {{ chain in {{ type filter hook ingress device eth0 priority 0; {listed}; }}; }}\n"
    )


@fault("own-card-drops", "a rule of the card itself drops what comes from port 443", "egress.host-firewall")
def own_card_drops(world: World) -> None:
    on_card(world, "ether type ip tcp sport 443 drop")


@fault("own-card-drops-dns", "a rule of the card itself drops the nameserver's answers", "egress.host-firewall")
def own_card_drops_dns(world: World) -> None:
    on_card(world, "udp sport 53 drop", "tcp sport 53 drop")


@variation("own-card-harmless", "rules of the card itself drop spoofed packets and other protocols")
def own_card_harmless(world: World) -> None:
    on_card(world, "ip saddr 127.0.0.0/8 drop", "udp sport 123 drop", "tcp dport 23 drop")
