"""Name resolution: dead, failing, lying and disagreeing resolvers, and what /etc/hosts says."""

from __future__ import annotations

from typing import Any

from tests.region.faults import fault, variation
from tests.region.software import docker_of
from tests.region.world import NameServer, World

PORTAL = 240  # of the site's service addresses: where a filter or a portal sends people


def hide(world: World, *patterns: str) -> None:
    """No resolver knows these names."""
    names = world.matching(*patterns)
    world.every_nameserver(lambda server: server.hidden.extend(names))


def change_all(world: World, **changes: Any) -> None:
    """The same of every resolver."""
    for server in world.nameservers:
        for name, value in changes.items():
            setattr(server, name, value)


def second(world: World, **changes: Any) -> NameServer:
    """A second nameserver in resolv.conf."""
    if len(world.nameservers) < 2:
        world.nameservers.append(NameServer(world.service(54), program=world.options.resolver))
    for name, value in changes.items():
        setattr(world.nameservers[1], name, value)
    return world.nameservers[1]


@fault("no-nameserver", "resolv.conf names no nameserver", "dns.no-nameserver")
def no_nameserver(world: World) -> None:
    world.nameservers.clear()


@fault("resolv-conf-empty", "resolv.conf is an empty file", "dns.no-nameserver")
def resolv_conf_empty(world: World) -> None:
    world.nameservers.clear()
    world.host.resolv_conf = ""


@fault("dead-nameserver", "the only nameserver never answers", "dns.nameserver-down")
def dead_nameserver(world: World) -> None:
    change_all(world, mode="silent")


@fault("both-nameservers-dead", "neither of two nameservers answers", "dns.nameserver-down")
def both_nameservers_dead(world: World) -> None:
    second(world)
    change_all(world, mode="silent")


@fault("nameserver-port-closed", "nothing listens on the nameserver's port 53", "dns.nameserver-down")
def nameserver_port_closed(world: World) -> None:
    change_all(world, mode="closed")


@fault("dns-dropped", "the firewall drops port 53 on the way to the nameserver", "dns.nameserver-down")
def dns_dropped(world: World) -> None:
    world.router.block("udp dport 53")
    world.router.block("tcp dport 53")


@fault("first-nameserver-dead", "the first of two nameservers never answers", "dns.nameserver-degraded")
def first_nameserver_dead(world: World) -> None:
    second(world)
    world.nameservers[0].mode = "silent"


@fault("second-nameserver-dead", "the second of two nameservers never answers", "dns.nameserver-degraded")
def second_nameserver_dead(world: World) -> None:
    second(world, mode="silent")


@fault("second-nameserver-servfail", "the second of two nameservers answers SERVFAIL", "dns.nameserver-degraded")
def second_nameserver_servfail(world: World) -> None:
    second(world, mode="servfail")


@fault("servfail", "the nameserver answers SERVFAIL to everything", "dns.server-failing")
def servfail(world: World) -> None:
    change_all(world, mode="servfail")


@fault("dns-refused", "the nameserver answers REFUSED to this client", "dns.server-failing")
def dns_refused(world: World) -> None:
    change_all(world, mode="refused")


@fault("servfail-for-aws", "the nameserver answers SERVFAIL for AWS's names alone", "dns.server-failing")
def servfail_for_aws(world: World) -> None:
    change_all(world, failing=[f"*.{world.suffix}"])


@fault("name-hidden", "the resolver does not know ssmmessages", "dns.names-hidden")
def name_hidden(world: World) -> None:
    hide(world, "ssmmessages")


@fault("names-hidden", "the resolver knows none of the three SSM names", "dns.names-hidden")
def names_hidden(world: World) -> None:
    hide(world, "ssm", "ssmmessages", "ec2messages")


@fault("shards-a-hidden", "no ecs-a-N resolves", "dns.shards-hidden")
def shards_a_hidden(world: World) -> None:
    hide(world, "ecs-a-*.*")


@fault("shards-t-hidden", "no ecs-t-N resolves", "dns.shards-hidden")
def shards_t_hidden(world: World) -> None:
    hide(world, "ecs-t-*.*")


@fault("shards-hidden", "neither an ecs-a-N nor an ecs-t-N resolves", "dns.shards-hidden")
def shards_hidden(world: World) -> None:
    hide(world, "ecs-a-*.*", "ecs-t-*.*")


@fault("shards-refused", "the resolver refuses the names of shards 3 and up", "dns.shards-partial")
def shards_refused(world: World) -> None:
    high = [name for name in world.matching("ecs-a-*.*", "ecs-t-*.*") if int(name.split(".")[0][6:]) > 2]
    change_all(world, refused=high)


@fault("sinkhole-zero", "the resolver answers 0.0.0.0 for AWS's names", "dns.answers-forged")
def sinkhole_zero(world: World) -> None:
    change_all(world, forged={f"*.{world.suffix}": ["0.0.0.0"]})


@fault("sinkhole-loopback", "the resolver answers 127.0.0.1 for ssmmessages and ec2messages", "dns.answers-forged")
def sinkhole_loopback(world: World) -> None:
    change_all(world, forged={name: ["127.0.0.1"] for name in world.matching("ssmmessages", "ec2messages")})


@fault("nxdomain-rewritten", "names that do not exist resolve to a page of advertisements", "dns.answers-forged")
def nxdomain_rewritten(world: World) -> None:
    """True names keep their addresses: only what does not exist is made up."""
    kept = {name: [one.public] for name, one in world.names.items()}
    change_all(world, forged=kept | {"*": [world.service(PORTAL)]})


@fault("one-gateway", "every name resolves to one address, which serves them all", "dns.answers-forged")
def one_gateway(world: World) -> None:
    change_all(world, forged={"*": [next(iter(world.names.values())).public]})


@fault("dns-portal", "every name resolves to a captive portal", "dns.answers-forged")
def dns_portal(world: World) -> None:
    change_all(world, forged={"*": [world.service(PORTAL)]})


@fault("tcp-needed-and-blocked", "long answers are cut, and TCP port 53 is blocked", "dns.tcp-blocked")
def tcp_needed_and_blocked(world: World) -> None:
    change_all(world, truncated=world.matching("ssm", "ecs", "ssmmessages"))
    world.router.block("tcp dport 53")


@fault("tcp-needed-and-closed", "long answers are cut, and the nameserver does not listen on TCP", "dns.tcp-blocked")
def tcp_needed_and_closed(world: World) -> None:
    change_all(world, truncated=[f"*.{world.suffix}"], tcp=False)


@fault("hosts-pin-working", "/etc/hosts pins ssm to an address that is right today", "dns.hosts-file-pin")
def hosts_pin_working(world: World) -> None:
    name = world.pattern("ssm")
    world.host.hosts.append(f"{world.names[name].public} {name}")


@fault("hosts-pin-stale", "/etc/hosts pins ecs to an address where nothing answers any more", "dns.hosts-file-pin")
def hosts_pin_stale(world: World) -> None:
    name = world.pattern("ecs")
    stale = world.names[world.pattern("monitoring")].public
    world.host.hosts.append(f"{stale} {name}")
    world.router.block(f"ip daddr {stale} tcp dport 443")


@fault("private-mixed", "PrivateLink answers for the SSM names, public ones for the rest", "dns.private-mixed")
def private_mixed(world: World) -> None:
    change_all(world, private=world.matching("ssm", "ssmmessages", "ec2messages"))


@fault(
    "private-mixed-without-internet",
    "PrivateLink lacks ecs-a and ecs-t, and there is no internet route",
    "dns.private-mixed",
)
def private_mixed_without_internet(world: World) -> None:
    public = set(world.matching("ecs-a-*.*", "ecs-t-*.*"))
    change_all(world, private=[name for name in world.names if name not in public])
    world.router.block(f"ip daddr {world.options.public} tcp dport 443")


@fault(
    "answers-private-and-public", "one nameserver gives private addresses, the other public ones", "dns.answers-differ"
)
def answers_private_and_public(world: World) -> None:
    second(world, private=["*"])


@fault("answers-unknown-to-one", "the second nameserver does not know AWS's names", "dns.answers-differ")
def answers_unknown_to_one(world: World) -> None:
    second(world, hidden=[f"*.{world.suffix}"])


@fault(
    "container-dns-default",
    "the host asks itself, so containers ask 8.8.8.8, which is blocked",
    "dns.container-differs",
)
def container_dns_default(world: World) -> None:
    docker_of(world)
    change_all(world, where="host", address="127.0.0.1")
    world.host.resolv_conf = "nameserver 127.0.0.1\n"


@fault(
    "container-dns-behind",
    "the host asks its own dnsmasq, so containers ask 8.8.8.8, which is blocked, and not the site's nameserver",
    "dns.container-differs",
)
def container_dns_behind(world: World) -> None:
    docker_of(world)
    site = world.nameservers[0]
    world.nameservers.append(NameServer("127.0.0.1", where="host", program=site.program))
    world.host.files["/etc/dnsmasq.conf"] = f"server={site.address}\n"
    world.host.resolv_conf = "nameserver 127.0.0.1\n"


@fault("container-dns-dead", "daemon.json gives containers a nameserver that is gone", "dns.container-differs")
def container_dns_dead(world: World) -> None:
    docker_of(world)
    world.host.files["/etc/docker/daemon.json"] = f'{{"dns": ["{world.service(60)}"]}}\n'


@fault(
    "container-dns-itself",
    "daemon.json gives containers the address of the host's stub resolver",
    "dns.container-differs",
)
def container_dns_itself(world: World) -> None:
    docker_of(world)
    world.host.files["/etc/docker/daemon.json"] = '{"dns": ["127.0.0.53"]}\n'


@fault(
    "container-dns-flag", "a flag of docker's unit gives containers a loopback address to ask", "dns.container-differs"
)
def container_dns_flag(world: World) -> None:
    docker_of(world)
    start = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --dns 127.0.0.1\n"
    world.host.files["/etc/systemd/system/docker.service.d/dns.conf"] = start


@variation("container-dns-named", "a flag of docker's unit names the nameserver that the host asks")
def container_dns_named(world: World) -> None:
    docker_of(world)
    flags = f"-H fd:// --dns {world.nameservers[0].address} --dns-search dc1.example.com"
    world.host.files["/etc/systemd/system/docker.service.d/dns.conf"] = (
        f"[Service]\nExecStart=\nExecStart=/usr/bin/dockerd {flags}\n"
    )


@fault("resolv-conf-marked", "an editor left a byte order mark before the only nameserver", "dns.no-nameserver")
def resolv_conf_marked(world: World) -> None:
    world.host.resolv_conf = f"\ufeffnameserver {world.nameservers[0].address}\n"


@fault("resolv-conf-colon", "a template wrote a colon after the word nameserver", "dns.no-nameserver")
def resolv_conf_colon(world: World) -> None:
    world.host.resolv_conf = f"nameserver: {world.nameservers[0].address}\nsearch dc1.example.com\n"
