"""Faults and healthy variations that resemble others, in the way out and in names: a part of a whole, several causes
with one look, the usual thing in an odd place."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.names.dns import change_all, second
from tests.region.faults.path.egress import to
from tests.region.software import add_networks, docker_of, network
from tests.region.world import NameServer, World


def spare(world: World, number: int) -> str:
    """A public address of AWS's that no name of the catalogue's default endpoints has."""
    return world.names[world.pattern(("monitoring", "sts", "secretsmanager", "logs", "kms")[number])].public


def answer(world: World, name: str, *addresses: str) -> None:
    """Every resolver gives these addresses for one name."""
    for server in world.nameservers:
        server.forged[world.pattern(name)] = list(addresses)


def bridge(world: World, number: int, start: str) -> None:
    """A Docker network of 256 addresses, with its interface."""
    name = f"br-{number:012x}"
    add_networks(docker_of(world).state, network(f"net{number}", f"{start}.0/25", f"{start}.1"))
    lines = (f"link add {name} type bridge", f"addr add {start}.1/25 dev {name}", f"link set {name} up")
    world.host.network += lines


@fault("one-address-dropped", "ssm has two addresses, and packets to one of them are lost", "egress.endpoint-blocked")
def one_address_dropped(world: World) -> None:
    answer(world, "ssm", world.names[world.pattern("ssm")].public, spare(world, 0))
    world.router.block(f"ip daddr {spare(world, 0)} tcp dport 443")


@fault("telemetry-dropped", "packets to every ecs-t-N are lost, ecs-a-N pass", "egress.endpoint-blocked")
def telemetry_dropped(world: World) -> None:
    world.router.block(to(world.addresses("ecs-t-*.*")))


@fault("egress-host-unreachable", "the gateway says host unreachable for port 443", "egress.blocked")
def egress_host_unreachable(world: World) -> None:
    world.router.block(verdict="reject with icmp host-unreachable")


@fault("egress-port-unreachable", "the gateway says port unreachable for port 443", "egress.blocked")
def egress_port_unreachable(world: World) -> None:
    world.router.block(verdict="reject with icmp port-unreachable")


@fault("route-unreachable", "the host's own table says unreachable for AWS's addresses", "egress.no-route")
def route_unreachable(world: World) -> None:
    world.host.network.append(f"route add unreachable {world.options.public}")


@fault("route-prohibit", "the host's own table prohibits AWS's addresses", "egress.no-route")
def route_prohibit(world: World) -> None:
    world.host.network.append(f"route add prohibit {world.options.public}")


@fault("route-blackhole", "the host's own table sends AWS's addresses into a black hole", "egress.no-route")
def route_blackhole(world: World) -> None:
    world.host.network.append(f"route add blackhole {world.options.public}")


@fault("gateway-dead", "the default gateway is an address that nobody has", "egress.blocked")
def gateway_dead(world: World) -> None:
    world.host.default_route = False
    world.host.network.append(f"route add default via {world.lan[250]}")


@fault("host-output-dropped", "the host's own firewall drops what goes to port 443", "egress.host-firewall")
def host_output_dropped(world: World) -> None:
    world.host.iptables["iptables-nft"] = {"filter": ["-A OUTPUT -p tcp --dport 443 -j DROP"]}


@fault("reset-at-once", "everything is accepted and reset at once", "egress.blocked")
def reset_at_once(world: World) -> None:
    world.behave("*", speaks="reset")


@fault("reset-at-once-one", "connections to ssm are accepted and reset at once", "egress.endpoint-blocked")
def reset_at_once_one(world: World) -> None:
    world.behave("ssm", speaks="reset")


@fault("logs-dropped", "tasks will log to CloudWatch, and packets to it are lost", "egress.endpoint-blocked",
       arguments=("--with", "ecr,logs"))  # fmt: skip
def logs_dropped(world: World) -> None:
    world.router.block(to(world.addresses("logs")))


@fault("two-regions-dropped", "two regions are requested, and port 443 is dropped", "egress.blocked",
       arguments=("--region", "ap-southeast-2"), regions=("us-east-1", "ap-southeast-2"))  # fmt: skip
def two_regions_dropped(world: World) -> None:
    world.router.block()


@fault("one-region-dropped", "two regions are requested, and packets to one are lost", "egress.endpoint-blocked",
       arguments=("--region", "ap-southeast-2"), regions=("us-east-1", "ap-southeast-2"))  # fmt: skip
def one_region_dropped(world: World) -> None:
    world.router.block(to([one.public for name, one in world.names.items() if ".ap-southeast-2." in name]))


@variation("two-regions", "two regions are requested, and both are well",
           arguments=("--region", "ap-southeast-2"), regions=("us-east-1", "ap-southeast-2"))  # fmt: skip
def two_regions(world: World) -> None:
    pass


@variation("six-addresses", "ssm has six addresses, and all answer")
def six_addresses(world: World) -> None:
    own = world.names[world.pattern("ssm")].public
    answer(world, "ssm", own, *(spare(world, number) for number in range(5)))


@variation("ipv4-dropped", "a dual-stack host whose IPv4 packets to port 443 are lost: IPv6 carries everything")
def ipv4_dropped(world: World) -> None:
    world.use("46")
    world.router.forward.append('iifname "lan" meta nfproto ipv4 tcp dport 443 drop')


@variation("slow-dns", "every DNS answer takes a second and a half")
def slow_dns(world: World) -> None:
    change_all(world, delay=1.5)


@variation("fourth-nameserver-dead", "resolv.conf names five, of which the resolver library asks three: those are well")
def fourth_nameserver_dead(world: World) -> None:
    for number in (54, 55):
        world.nameservers.append(NameServer(world.service(number)))
    for number in (56, 57):
        world.nameservers.append(NameServer(world.service(number), mode="silent"))


@variation("nameserver-ipv6", "a dual-stack host that asks its nameserver over IPv6")
def nameserver_ipv6(world: World) -> None:
    world.use("46")
    for number, server in enumerate(world.nameservers):
        server.address = world.service(53 + number, "6")


@variation("local-resolver-unnamed", "resolv.conf is empty, and the resolver on the host itself answers")
def local_resolver_unnamed(world: World) -> None:
    change_all(world, where="host", address="127.0.0.1")
    world.host.resolv_conf = ""


@fault("hosts-pin-blocked", "/etc/hosts sends ssmmessages to 0.0.0.0", "dns.hosts-file-pin")
def hosts_pin_blocked(world: World) -> None:
    world.host.hosts.append(f"0.0.0.0 {world.pattern('ssmmessages')}")


@fault("hosts-pin-loopback", "/etc/hosts sends two names to 127.0.0.1, on one line", "dns.hosts-file-pin")
def hosts_pin_loopback(world: World) -> None:
    world.host.hosts.append(f"127.0.0.1 {world.pattern('ssm')} {world.pattern('ec2messages')}")


@fault("hosts-only", "no nameserver at all, and every name is in /etc/hosts", "dns.hosts-file-pin")
def hosts_only(world: World) -> None:
    world.nameservers.clear()
    world.host.hosts += [f"{one.public} {name}" for name, one in world.names.items() if "*" not in name]


@fault("name-without-address", "the resolver knows ssmmessages and has no address for it", "dns.names-hidden")
def name_without_address(world: World) -> None:
    answer(world, "ssmmessages")


@fault("servfail-for-one", "the nameserver answers SERVFAIL for ssmmessages alone", "dns.server-failing")
def servfail_for_one(world: World) -> None:
    change_all(world, failing=world.matching("ssmmessages"))


@fault("refused-for-some", "the nameserver answers REFUSED for ssm and ec2messages", "dns.server-failing")
def refused_for_some(world: World) -> None:
    change_all(world, refused=world.matching("ssm", "ec2messages"))


@fault("first-nameserver-refuses", "the first of two nameservers refuses this client", "dns.nameserver-degraded")
def first_nameserver_refuses(world: World) -> None:
    second(world)
    world.nameservers[0].mode = "refused"


@fault("udp-dropped", "UDP port 53 is dropped, TCP passes", "dns.nameserver-down")
def udp_dropped(world: World) -> None:
    world.router.block("udp dport 53")


@fault("resolv-conf-from-windows", "the lines of resolv.conf end in carriage return and line feed", "dns.no-nameserver")
def resolv_conf_from_windows(world: World) -> None:
    world.host.resolv_conf = (
        "".join(f"nameserver {one.address}\r\n" for one in world.nameservers) + "options rotate\r\n"
    )


@variation("many-networks", "twelve Docker networks that cover nothing that is needed")
def many_networks(world: World) -> None:
    docker_of(world)
    for number in range(12):
        bridge(world, number, f"172.{18 + number}.0")


@fault("private-one-dropped", "PrivateLink for every name, and the endpoint of ssmmessages lets nobody in",
       "egress.endpoint-blocked")  # fmt: skip
def private_one_dropped(world: World) -> None:
    change_all(world, private=["*"])
    world.router.block(f"ip daddr {world.names[world.pattern('ssmmessages')].private} tcp dport 443")


@fault("private-one-hidden", "PrivateLink for every name but ec2messages, which nobody knows", "dns.names-hidden")
def private_one_hidden(world: World) -> None:
    change_all(world, private=["*"], hidden=world.matching("ssmmessages"))


@fault("ipv6-only-one-dropped", "a host with IPv6 alone, and packets to ecs are lost", "egress.endpoint-blocked")
def ipv6_only_one_dropped(world: World) -> None:
    world.use("6")
    world.router.block(f"ip6 daddr {world.names[world.pattern('ecs')].public6} tcp dport 443")


@fault("interface-down", "the host's network card is down", "dns.nameserver-down")
def interface_down(world: World) -> None:
    world.host.network.append("link set eth0 down")
