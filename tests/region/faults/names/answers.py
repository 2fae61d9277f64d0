"""Names, less usual: odd answers of one nameserver, what only some programs may ask, families that nobody has."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.names.dns import PORTAL, change_all, second
from tests.region.faults.path.alike import answer, spare
from tests.region.faults.path.egress import to
from tests.region.world import NameServer, World

NAT64 = "64:ff9b::cb00:71"


def translated(world: World) -> None:
    """Every name has an AAAA record too, made up for a translator."""
    for server in world.nameservers:
        for number, (name, one) in enumerate(world.names.items(), 10):
            own = [one.public] if "4" in world.families else []
            server.forged[name] = [*own, f"{NAT64}{number:02x}"]


@fault("block-page-private", "the resolver sends ssm to a block page on a private address", "tls.wrong-name")
def block_page_private(world: World) -> None:
    answer(world, "ssm", world.service(PORTAL))


@fault("sinkhole-private", "the resolver sends ec2messages to a private address where nobody answers",
       "egress.endpoint-blocked")  # fmt: skip
def sinkhole_private(world: World) -> None:
    answer(world, "ec2messages", str(world.private[250]))
    world.router.block(f"ip daddr {world.private[250]}")


@fault("alias-loop", "ssmmessages is an alias of itself", "dns.names-hidden")
def alias_loop(world: World) -> None:
    change_all(world, loops=world.matching("ssmmessages"))


@fault("aaaa-alone", "the resolver has IPv6 addresses alone for ssm, and the host has IPv4 alone", "egress.no-route")
def aaaa_alone(world: World) -> None:
    answer(world, "ssm", world.names[world.pattern("ssm")].public6)


@variation("many-addresses", "forty addresses for ssm, in turn those of other services, and all answer")
def many_addresses(world: World) -> None:
    own = world.names[world.pattern("ssm")].public
    answer(world, "ssm", own, *(one.public for one in list(world.names.values())[:39] if one.amazon))


@fault(
    "many-addresses-first-dead",
    "five addresses for ssm, and packets to two of them are lost",
    "egress.endpoint-blocked",
)
def many_addresses_first_dead(world: World) -> None:
    dead = [
        spare(world, number) for number in range(2)
    ]  # four are tried at first: one of them is dead, whatever the order
    own = [world.names[world.pattern(name)].public for name in ("ssm", "ecs", "ssmmessages")]
    answer(world, "ssm", *dead, *own)
    world.router.block(to(dead))


@fault(
    "first-addresses-refuse",
    "six addresses for ssm: five refuse connections, and one answers",
    "egress.endpoint-blocked",
)
def first_addresses_refuse(world: World) -> None:
    closed = [spare(world, number) for number in range(5)]
    answer(world, "ssm", *closed, world.names[world.pattern("ssm")].public)
    world.router.block(to(closed), "reject with tcp reset")


@variation("rotating-answers", "ssm has three addresses, one at a time, and all answer")
def rotating_answers(world: World) -> None:
    turns = [world.names[world.pattern("ssm")].public, spare(world, 0), spare(world, 1)]
    for server in world.nameservers:
        server.rotating[world.pattern("ssm")] = list(turns)


@variation("dns64-unused", "a resolver that synthesizes AAAA records for a translator, and a host with IPv4 alone")
def dns64_unused(world: World) -> None:
    translated(world)


@fault("dns64-without-nat64", "a dual-stack host whose AAAA records lead to a translator that is not there",
       "egress.ipv6-broken")  # fmt: skip
def dns64_without_nat64(world: World) -> None:
    world.use("46")
    translated(world)
    world.router.forward.append('iifname "lan" ip6 daddr 64:ff9b::/96 drop')
    world.host.network.append(f"route add 64:ff9b::/96 via {world.subnets6[0][1]}")


@fault("dns64-alone", "a host with IPv6 alone, and the translator is not there", "egress.blocked")
def dns64_alone(world: World) -> None:
    world.use("6")
    translated(world)
    world.router.forward.append('iifname "lan" ip6 daddr 64:ff9b::/96 drop')


@fault("edns-dropped", "a firewall drops questions with EDNS, which Go programs ask", "dns.server-failing")
def edns_dropped(world: World) -> None:
    change_all(world, edns="silent")


@fault("edns-refused", "an old resolver answers questions with EDNS by FORMERR", "dns.server-failing")
def edns_refused(world: World) -> None:
    change_all(world, edns="formerr")


@fault("edns-denied", "a filter knows no name in questions with EDNS", "dns.server-failing")
def edns_denied(world: World) -> None:
    change_all(world, edns="denied")


@fault("ipv6-questions-refused", "the resolver refuses all questions for IPv6 addresses", "dns.nameserver-degraded")
def ipv6_questions_refused(world: World) -> None:
    change_all(world, refuses_ipv6=True)


@variation("very-slow-dns", "every DNS answer takes two and a half seconds")
def very_slow_dns(world: World) -> None:
    change_all(world, delay=2.5)


@fault("dns-slower-than-a-look", "every DNS answer takes four seconds, and the resolvers wait for five",
       "dns.nameserver-degraded")  # fmt: skip
def dns_slower(world: World) -> None:
    change_all(world, delay=4.0)


@fault("stub-dead", "resolv.conf names the stub on the host, and it does not run", "dns.nameserver-down")
def stub_dead(world: World) -> None:
    world.nameservers.append(NameServer("127.0.0.53", where="host", mode="closed"))
    world.host.resolv_conf = "nameserver 127.0.0.53\noptions edns0 trust-ad\n"


@fault("nsswitch-without-dns", "nsswitch.conf looks names up in files alone", "dns.names-hidden")
def nsswitch_without_dns(world: World) -> None:
    world.host.files["/etc/nsswitch.conf"] = "passwd: files\nhosts: files\n"


@fault("nameserver-ipv6-unused", "the first of two nameservers has an IPv6 address, and the host no IPv6",
       "dns.nameserver-degraded")  # fmt: skip
def nameserver_ipv6_unused(world: World) -> None:
    second(world)
    own = [server.address for server in world.nameservers]
    world.host.resolv_conf = f"nameserver {world.subnets6[2][53]}\n" + "".join(f"nameserver {one}\n" for one in own)


@fault("third-nameserver-refuses", "the third of three nameservers refuses this client", "dns.nameserver-degraded")
def third_nameserver_refuses(world: World) -> None:
    second(world)
    world.nameservers.append(NameServer(world.service(55), mode="refused"))


@fault("private-names-one-public", "PrivateLink, with private names off for ec2messages, and no internet route",
       "dns.private-mixed")  # fmt: skip
def private_names_one_public(world: World) -> None:
    public = set(world.matching("ssmmessages"))
    change_all(world, private=[name for name in world.names if name not in public])
    world.router.block(f"ip daddr {world.options.public} tcp dport 443")


@fault("zone-lame", "the zone of the ECS names is delegated to servers that are gone", "dns.server-failing")
def zone_lame(world: World) -> None:
    change_all(world, failing=world.matching("ecs", "ecs-a-*.*", "ecs-t-*.*"))


@fault("zone-silent", "the resolver never answers for the SSM names, and answers for the rest", "dns.names-hidden")
def zone_silent(world: World) -> None:
    world.router.forward += [
        f'iifname "lan" udp dport 53 @th,160,{8 * (len(label) + 1)} 0x{bytes([len(label)]).hex()}{label.encode().hex()} drop'
        for label in ("ssmmessages", "ec2messages")
    ]
