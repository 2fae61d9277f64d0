"""The way out, less usual: lost packets, devices that count, links of odd width, half of a family."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.path.egress import narrow
from tests.region.world import World


def lose(world: World, percent: int, rule: str = "") -> None:
    """This share of the packets vanishes, each way, by chance."""
    world.router.forward.append(f"{rule} numgen random mod 100 < {percent} drop")


@fault("lossy", "three of ten packets are lost, each way", "egress.slow")
def lossy(world: World) -> None:
    lose(world, 30, "tcp dport 443")
    lose(world, 30, "tcp sport 443")


@variation("slightly-lossy", "one of ten packets vanishes, each way")
def slightly_lossy(world: World) -> None:
    lose(world, 10)


@variation("segments-clamped", "a tunnel clamps segments to 1111 bytes")
def segments_clamped(world: World) -> None:
    world.router.forward.append("tcp flags syn tcp option maxseg size set 1111")


@variation("segments-tiny", "a satellite link clamps segments to 300 bytes")
def segments_tiny(world: World) -> None:
    world.router.forward.append("tcp flags syn tcp option maxseg size set 300")


@variation("mtu-1280-told", "a link of 1280 bytes on the path, and ICMP tells")
def mtu_1280_told(world: World) -> None:
    world.router.mtu = 1280


@fault("mtu-1280", "packets above 1280 bytes are lost, and no ICMP reports it", "egress.path-mtu")
def mtu_1280(world: World) -> None:
    narrow(world)
    world.router.mtu = 1280


@fault("mtu-700", "packets above 700 bytes are lost, and no ICMP reports it", "egress.path-mtu")
def mtu_700(world: World) -> None:
    narrow(world)
    world.router.mtu = 700


@fault("mtu-one", "packets above 1400 bytes to and from ssm are lost", "egress.path-mtu")
def mtu_one(world: World) -> None:
    address = world.names[world.pattern("ssm")].public
    world.router.forward += [f"ip {end} {address} meta length > 1400 drop" for end in ("daddr", "saddr")]


@fault("ipv6-one-dropped", "a dual-stack host, and IPv6 packets to ssmmessages are lost", "egress.ipv6-broken")
def ipv6_one_dropped(world: World) -> None:
    world.use("46")
    world.router.block(f"ip6 daddr {world.names[world.pattern('ssmmessages')].public6} tcp dport 443")


@fault("ipv6-some-refused", "a dual-stack host, and IPv6 to the three SSM names is refused", "egress.ipv6-broken")
def ipv6_some_refused(world: World) -> None:
    world.use("46")
    for name in world.matching("ssm", "ssmmessages", "ec2messages"):
        world.router.block(f"ip6 daddr {world.names[name].public6} tcp dport 443", "reject with tcp reset")


@fault("ipv6-without-route", "a dual-stack host without a default route for IPv6", "egress.ipv6-broken")
def ipv6_without_route(world: World) -> None:
    world.use("46")
    world.host.network.append(f"route del default via {world.subnets6[0][1]}")


@fault("answers-dropped-one", "the answers of ssm come back to another firewall, which drops them",
       "egress.endpoint-blocked")  # fmt: skip
def answers_dropped_one(world: World) -> None:
    world.router.forward.append(f'iifname "wan" ip saddr {world.names[world.pattern("ssm")].public} drop')


@fault("answers-lost-one", "connections to ssm open, and its packets with data are lost", "egress.silent")
def answers_lost_one(world: World) -> None:
    address = world.names[world.pattern("ssm")].public
    world.router.forward.append(f'iifname "wan" ip saddr {address} meta length > 100 drop')


@fault("policy-route", "a routing rule sends AWS's addresses to a table that says unreachable", "egress.no-route")
def policy_route(world: World) -> None:
    world.host.network += [
        "route add unreachable default table 100",
        f"rule add to {world.options.public} lookup 100",
    ]


@fault("policy-route-prohibit", "a routing rule prohibits AWS's addresses", "egress.no-route")
def policy_route_prohibit(world: World) -> None:
    world.host.network.append(f"rule add to {world.options.public} prohibit")


@fault("new-connections-limited", "a firewall lets five new connections a second through, and drops the others",
       "egress.slow")  # fmt: skip
def new_connections_limited(world: World) -> None:
    world.router.block("tcp dport 443 tcp flags syn / fin,syn,rst,ack limit rate over 5/second burst 5 packets")


@variation("one-slow-endpoint", "s3 alone takes a second and a half for each answer")
def one_slow_endpoint(world: World) -> None:
    world.behave("s3", delay=1.5)


@fault("gateway-wrong-subnet", "the default route goes out of a card where nobody forwards", "egress.blocked")
def gateway_wrong_subnet(world: World) -> None:
    world.host.default_route = False
    world.host.network += [
        "link add eth7 type veth peer name eth8",
        "link set eth7 up",
        "link set eth8 up",
        "route add default dev eth7",
    ]
