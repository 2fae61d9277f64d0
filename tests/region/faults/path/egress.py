"""The way out: what the site's firewall, gateway and links do to packets."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.world import Middlebox, World

HTTPS = "tcp dport 443"
NEEDS_FRAGMENTATION = (
    "icmp type destination-unreachable icmp code frag-needed drop",
    "icmpv6 type packet-too-big drop",
)


def to(addresses: list[str]) -> str:
    """An nftables match for these destinations."""
    return f"ip daddr {{ {', '.join(addresses)} }} {HTTPS}"


def narrow(world: World) -> None:
    """A link of 1400 bytes on the path, and nobody is told."""
    world.router.mtu = 1400
    world.router.output += NEEDS_FRAGMENTATION


@fault("egress-dropped", "the firewall drops everything to port 443", "egress.blocked")
def egress_dropped(world: World) -> None:
    world.router.block()


@fault("egress-refused", "the firewall answers everything to port 443 with a reset", "egress.blocked")
def egress_refused(world: World) -> None:
    world.router.block(verdict="reject with tcp reset")


@fault("egress-prohibited", "the firewall says administratively prohibited to port 443", "egress.blocked")
def egress_prohibited(world: World) -> None:
    world.router.block(verdict="reject with icmpx admin-prohibited")


@fault(
    "answers-dropped",
    "requests leave by one firewall, answers come back to another, which drops them",
    "egress.blocked",
)
def answers_dropped(world: World) -> None:
    world.router.forward.append('iifname "wan" tcp sport 443 tcp flags & (syn | ack) == syn | ack drop')


@fault("endpoint-dropped", "packets to ssmmessages are lost", "egress.endpoint-blocked")
def endpoint_dropped(world: World) -> None:
    world.router.block(to(world.addresses("ssmmessages")))


@fault("endpoint-refused", "connections to ecs are refused", "egress.endpoint-blocked")
def endpoint_refused(world: World) -> None:
    world.router.block(to(world.addresses("ecs")), "reject with tcp reset")


@fault("endpoints-prohibited", "the three SSM endpoints are administratively prohibited", "egress.endpoint-blocked")
def endpoints_prohibited(world: World) -> None:
    addresses = world.addresses("ssm", "ssmmessages", "ec2messages")
    world.router.block(to(addresses), "reject with icmpx admin-prohibited")


@fault("shards-blocked", "no ecs-a-N and no ecs-t-N can be reached", "egress.endpoint-blocked")
def shards_blocked(world: World) -> None:
    world.router.block(to(world.addresses("ecs-a-*.*", "ecs-t-*.*")))


@fault(
    "shards-partial", "the firewall knows shards 1 and 2 by a fixed list, and drops the others", "dns.shards-partial"
)
def shards_partial(world: World) -> None:
    high = [name for name in world.matching("ecs-a-*.*", "ecs-t-*.*") if int(name.split(".")[0][6:]) > 2]
    world.router.block(to(world.addresses(*high)))


@fault("no-default-route", "the host has a route to its resolvers, and no default route", "egress.no-route")
def no_default_route(world: World) -> None:
    world.host.default_route = False


@fault("silent-servers", "connections are accepted and nothing ever answers", "egress.silent")
def silent_servers(world: World) -> None:
    world.behave("*", speaks="silent")


@fault("answers-lost", "connections open, and every packet with data on the way back is lost", "egress.silent")
def answers_lost(world: World) -> None:
    world.router.forward.append('iifname "wan" tcp sport 443 meta length > 100 drop')


@fault("path-mtu", "packets above 1400 bytes are lost, and no ICMP reports it", "egress.path-mtu")
def path_mtu(world: World) -> None:
    narrow(world)


@fault("path-mtu-ipv6", "the same on a host with IPv6 alone", "egress.path-mtu")
def path_mtu_ipv6(world: World) -> None:
    world.use("6")
    narrow(world)


@fault("sni-reset", "a filter resets TLS that names AWS", "egress.sni-filtered")
def sni_reset(world: World) -> None:
    world.middlebox = Middlebox([f"*.{world.suffix}"], "reset")


@fault("sni-stall", "a filter swallows TLS that names AWS", "egress.sni-filtered")
def sni_stall(world: World) -> None:
    world.middlebox = Middlebox([f"*.{world.suffix}"], "stall")


@fault("sni-reset-some", "a filter resets TLS that names ssmmessages or ec2messages", "egress.sni-filtered")
def sni_reset_some(world: World) -> None:
    world.middlebox = Middlebox(world.matching("ssmmessages", "ec2messages"), "reset")


@fault("slow", "every connection takes 1.4 seconds to get through a device", "egress.slow")
def slow(world: World) -> None:
    world.middlebox = Middlebox(act="pass", delay=1.4)


@fault(
    "handshakes-of-seven-seconds",
    "a device holds every TLS handshake for seven seconds; the agents wait for ten",
    "egress.slow",
)
def handshakes_slow(world: World) -> None:
    world.middlebox = Middlebox(act="pass", delay=7.0)


@fault("answers-of-nine-seconds", "every HTTP answer takes nine seconds", "egress.slow")
def answers_slow(world: World) -> None:
    world.behave("*", delay=9.0)


@variation("answers-of-three-seconds", "every HTTP answer takes three seconds")
def answers_three(world: World) -> None:
    world.behave("*", delay=3.0)


@fault("ipv6-dropped", "a dual-stack host whose IPv6 packets are lost", "egress.ipv6-broken")
def ipv6_dropped(world: World) -> None:
    world.use("46")
    world.router.forward.append('iifname "lan" meta nfproto ipv6 tcp dport 443 drop')


@fault("ipv6-refused", "a dual-stack host whose IPv6 is administratively prohibited", "egress.ipv6-broken")
def ipv6_refused(world: World) -> None:
    world.use("46")
    world.router.forward.append('iifname "lan" meta nfproto ipv6 tcp dport 443 reject with icmpx admin-prohibited')


@fault(
    "large-hello-reset", "a box that wants the server name in one segment resets larger greetings", "egress.large-hello"
)
def large_hello_reset(world: World) -> None:
    world.middlebox = Middlebox(act="reset", largest=1400)


@fault("large-hello-dropped", "a box drops greetings of more than one segment", "egress.large-hello")
def large_hello_dropped(world: World) -> None:
    world.middlebox = Middlebox(act="stall", largest=1400)
