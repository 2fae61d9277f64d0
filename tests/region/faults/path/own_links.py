"""What lies below the host's own routes: IPsec, the card's size, neighbours set by hand, shaping, bridges, marks."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.path.own_routes import uplink_bridge
from tests.region.world import World

FILTERED, NOWHERE, SMALL, SLOW = "egress.host-firewall", "egress.wrong-route", "egress.path-mtu", "egress.slow"


def policy(world: World, *words: str) -> None:
    """An IPsec policy, as a daemon or a script leaves it."""
    world.host.network.append(f"xfrm policy add {' '.join(words)}")


@fault("own-ipsec-blocks", "an IPsec policy of the host blocks AWS's addresses", FILTERED)
def ipsec_blocks(world: World) -> None:
    policy(world, f"src 0.0.0.0/0 dst {world.options.public} dir out action block")


@fault("own-ipsec-blocks-dns", "an IPsec policy of the host blocks the nameserver's answers", FILTERED)
def ipsec_blocks_dns(world: World) -> None:
    policy(world, f"src {world.nameservers[0].address} dst 0.0.0.0/0 proto udp sport 53 dir in action block")


@fault("own-ipsec-without-key", "an IPsec policy of a VPN that is down encrypts what goes to AWS", FILTERED)
def ipsec_no_key(world: World) -> None:
    tunnel = f"tmpl src {world.lan[10]} dst {world.lan[77]} proto esp mode tunnel reqid 1"
    policy(world, f"src 0.0.0.0/0 dst {world.options.public} dir out {tunnel}")


@variation(
    "own-ipsec-elsewhere", "IPsec policies for another network, another port and with an exemption that comes first"
)
def ipsec_elsewhere(world: World) -> None:
    policy(world, "src 0.0.0.0/0 dst 10.200.0.0/16 dir out action block")
    policy(world, "src 0.0.0.0/0 dst 0.0.0.0/0 proto tcp dport 25 dir out action block")
    policy(world, f"src 0.0.0.0/0 dst {world.options.public} dir out action block priority 900")
    policy(world, f"src 0.0.0.0/0 dst {world.options.public} proto tcp dir out action allow priority 100")


@variation(
    "own-ipsec-of-a-device", "the policies of a VPN with a device of its own, by a mark or an interface id; it is down"
)
def ipsec_of_device(world: World) -> None:
    tunnel = f"tmpl src {world.lan[10]} dst {world.lan[77]} proto esp mode tunnel reqid 1"
    for limit in ("mark 0x2a mask 0xffffffff", "if_id 0x2a"):
        for direction in ("in", "out"):
            policy(world, f"src 0.0.0.0/0 dst 0.0.0.0/0 dir {direction} {limit} {tunnel}")


@fault("own-mtu-of-68", "the card was given an MTU of 68 bytes", SMALL)
def mtu_68(world: World) -> None:
    world.host.network.append("link set eth0 mtu 68")


@fault("own-mtu-of-150", "the card was given an MTU of 150 bytes", SMALL)
def mtu_150(world: World) -> None:
    world.host.network.append("link set eth0 mtu 150")


@variation("own-mtu-of-576", "the card has an MTU of 576 bytes, which every host must take")
def mtu_576(world: World) -> None:
    world.host.network.append("link set eth0 mtu 576")


@fault("own-neighbour-wrong", "the gateway's ARP entry was set by hand, and the gateway has a new card", NOWHERE)
def neighbour_wrong(world: World) -> None:
    world.host.network.append(f"neigh replace {world.lan[1]} lladdr 02:00:00:00:00:99 dev eth0 nud permanent")


@variation("own-neighbour-of-others", "ARP entries by hand for hosts that nothing is sent by")
def neighbour_others(world: World) -> None:
    world.host.network.append(f"neigh replace {world.lan[99]} lladdr 02:00:00:00:00:99 dev eth0 nud permanent")


@fault("own-shaping-narrow", "a test of a slow network left 1 kbit/s on the card", SLOW)
def shaping_narrow(world: World) -> None:
    world.host.shaping.append("qdisc add dev eth0 root tbf rate 1kbit burst 2kb latency 200ms")


@variation("own-shaping-modem", "the host may send 64 kbit/s: slow, and enough")
def shaping_modem(world: World) -> None:
    world.host.shaping.append("qdisc add dev eth0 root tbf rate 64kbit burst 4kb latency 100ms")


@variation("own-shaping-wide", "the host may send 10 Mbit/s")
def shaping_wide(world: World) -> None:
    world.host.shaping.append("qdisc add dev eth0 root tbf rate 10mbit burst 32kb latency 50ms")


@fault("own-rule-by-port", "a routing rule swallows what goes to port 443", "egress.no-route")
def rule_by_port(world: World) -> None:
    world.host.network.append("rule add ipproto tcp dport 443 blackhole pref 500")


@fault("own-rule-by-user", "a routing rule refuses what root's programs send", "egress.no-route")
def rule_by_user(world: World) -> None:
    world.host.network.append("rule add uidrange 0-999 prohibit pref 500")


@variation("own-rules-of-others", "routing rules refuse another user's packets, mail, and a network of others")
def rules_of_others(world: World) -> None:
    world.host.network += [
        "rule add uidrange 1000-65000 prohibit pref 500",
        "rule add ipproto tcp dport 25 prohibit pref 501",
        "rule add to 10.200.0.0/16 unreachable pref 502",
    ]


def transparent(world: World, match: str) -> None:
    """A transparent proxy's rules, as its documentation has them; the proxy itself does not run."""
    marks = f"chain out {{ type route hook output priority mangle; {match} meta mark set 1; }};"
    takes = "meta mark 1 meta l4proto tcp tproxy to :12345"
    world.host.nft = (
        f"table ip caught {{ {marks} chain in {{ type filter hook prerouting priority mangle; {takes}; }}; }}\n"
    )
    world.host.network += ["rule add fwmark 1 lookup 100 pref 100", "route add local 0.0.0.0/0 dev lo table 100"]


@fault("own-tproxy-dead", "a transparent proxy (TPROXY) is gone, and its mark and routing rule are left", FILTERED)
def tproxy_dead(world: World) -> None:
    transparent(world, "tcp dport 443")


@variation("own-tproxy-of-others", "the same for another user's programs")
def tproxy_others(world: World) -> None:
    transparent(world, "meta skuid 1000 tcp dport 443")


def on_bridge(world: World, hook: str, rule: str) -> None:
    """A rule of the bridge that is the uplink."""
    uplink_bridge(world)
    world.host.nft = f"table bridge site {{ chain c {{ type filter hook {hook} priority 0; {rule}; }}; }}\n"


@fault("own-bridge-drops", "a rule of the bridge that is the uplink drops port 443", FILTERED)
def bridge_drops(world: World) -> None:
    on_bridge(world, "output", "tcp dport 443 drop")


@fault("own-bridge-drops-answers", "a rule of the bridge drops the nameserver's answers", FILTERED)
def bridge_drops_answers(world: World) -> None:
    on_bridge(world, "input", "ip protocol udp udp sport 53 drop")


@variation("own-bridge-guards", "rules of the bridge keep forged senders and foreign DHCP servers out")
def bridge_guards(world: World) -> None:
    on_bridge(world, "input", "ip saddr 127.0.0.0/8 drop; udp sport 67 drop")
