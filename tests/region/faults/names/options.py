"""The options of resolv.conf: what they take from a nameserver that answers, and what they leave."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.names.dns import change_all, second
from tests.region.world import World


def options(world: World, words: str) -> None:
    """The region's nameservers with these options."""
    servers = "".join(f"nameserver {one.address}\n" for one in world.nameservers)
    world.host.resolv_conf = f"{servers}options {words}\n"


@fault("dns-over-tcp-blocked", "resolv.conf has all questions go over TCP, which the firewall drops", "dns.tcp-blocked")
def dns_over_tcp_blocked(world: World) -> None:
    options(world, "use-vc")
    world.router.block("tcp dport 53")


@fault("dns-options-too-short", "resolv.conf gives a question a second, and the nameserver takes longer",
       "dns.nameserver-down")  # fmt: skip
def dns_options_too_short(world: World) -> None:
    change_all(world, delay=2.5)
    options(world, "timeout:1 attempts:1")


@variation("dns-over-tcp", "resolv.conf has all questions go over TCP, which passes, while UDP is dropped")
def dns_over_tcp(world: World) -> None:
    options(world, "use-vc")
    world.router.block("udp dport 53")


@variation("dns-options-many", "two nameservers in turn, each option that resolv.conf usually has")
def dns_options_many(world: World) -> None:
    second(world)
    options(world, "rotate timeout:2 attempts:2 single-request-reopen edns0 trust-ad ndots:2")


@fault("hosts-pin-dotted", "/etc/hosts pins ssm, with a dot at its end and in capitals, to an address where nothing answers",
       "dns.hosts-file-pin")  # fmt: skip
def hosts_pin_dotted(world: World) -> None:
    world.host.hosts.append(f"{world.service(99)} {world.pattern('ssm').upper()}.# since the move")
    world.router.block(f"ip daddr {world.service(99)}")
