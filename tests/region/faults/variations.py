"""Healthy variations: what looks unusual and is right. A check names no cause here."""

from __future__ import annotations

from tests.region.faults import variation
from tests.region.faults.host.system import os_release, red_hat
from tests.region.faults.names.dns import PORTAL, change_all, second
from tests.region.faults.proxy.site import COMPONENTS, behind_proxy, settings
from tests.region.software import add_docker, register, set_proxy
from tests.region.world import Middlebox, NameServer, World


@variation("plain", "a bare, supported server with a direct way out")
def plain(world: World) -> None:
    pass


@variation("china", "a region of the China partition", regions=("cn-north-1",))
def china(world: World) -> None:
    pass


@variation("govcloud", "a region of the GovCloud partition", regions=("us-gov-west-1",))
def govcloud(world: World) -> None:
    pass


@variation("other-addresses", "other address ranges, another resolver program, another root of Amazon's",
           site="172.30.0.0/16", public="198.18.7.0/24", resolver="unbound", ca="Amazon Root CA 3")  # fmt: skip
def other_addresses(world: World) -> None:
    pass


@variation("distant", "servers that think for half a second before each answer", delay=0.5)
def distant(world: World) -> None:
    pass


@variation("two-nameservers", "two resolvers, both well")
def two_nameservers(world: World) -> None:
    second(world)


@variation("slow-nameserver", "the resolver takes a quarter of a second for each answer")
def slow_nameserver(world: World) -> None:
    change_all(world, delay=0.25)


@variation("search-domain-wildcard", "the site's own domain answers for every name in it")
def search_domain_wildcard(world: World) -> None:
    change_all(world, forged={f"*.{world.host.search}": [world.service(PORTAL)]})


@variation("resolved-stub", "resolv.conf names the stub of systemd-resolved")
def resolved_stub(world: World) -> None:
    upstream = [server.address for server in world.nameservers]
    lines = "".join(f"nameserver {address}\n" for address in upstream)
    world.nameservers.append(NameServer("127.0.0.53", where="host"))
    world.host.resolv_conf = ""
    world.host.files |= {
        "/run/systemd/resolve/resolv.conf": lines,
        "/run/systemd/resolve/stub-resolv.conf": "nameserver 127.0.0.53\noptions edns0 trust-ad\n",
    }
    world.host.links["/etc/resolv.conf"] = "../run/systemd/resolve/stub-resolv.conf"


@variation("all-private", "PrivateLink for every name, and no way to public addresses")
def all_private(world: World) -> None:
    change_all(world, private=["*"])
    world.router.block(f"ip daddr {world.options.public} tcp dport 443")


@variation("dual-stack", "the host and every name have IPv6 too, and it works")
def dual_stack(world: World) -> None:
    world.use("46")


@variation("ipv6-only", "the host has IPv6 alone")
def ipv6_only(world: World) -> None:
    world.use("6")


@variation("slow-but-fine", "every answer takes four tenths of a second")
def slow_but_fine(world: World) -> None:
    world.middlebox = Middlebox(act="pass", delay=0.2)
    world.behave("*", delay=0.2)


@variation("upgrade-accepted", "WebSocket upgrades are accepted before anything is signed")
def upgrade_accepted(world: World) -> None:
    world.behave("ecs-a-*.*", "ecs-t-*.*", "ssmmessages", upgrade="101")


@variation(
    "product-pages",
    "sts, s3 and monitoring send a plain GET to AWS's page about them",
    arguments=("--with", "sts,s3,monitoring"),
)
def product_pages(world: World) -> None:
    world.behave("sts", "s3", "monitoring", speaks="product")


@variation("truncated-but-tcp-works", "long DNS answers are cut, and come whole over TCP")
def truncated_but_tcp_works(world: World) -> None:
    change_all(world, truncated=["*"])


@variation("narrow-but-told", "a link of 1400 bytes on the path, and ICMP tells")
def narrow_but_told(world: World) -> None:
    world.router.mtu = 1400


@variation("strict-firewall", "the firewall lets port 443 to AWS's names out, and drops everything else")
def strict_firewall(world: World) -> None:
    known = [one.public for one in world.names.values() if one.amazon]
    world.router.allow(f"ip daddr {{ {', '.join(known)} }} tcp dport 443")
    world.router.allow(f"ip daddr {world.services} meta l4proto {{ tcp, udp }} th dport 53")
    world.router.forward.append('iifname "lan" ct state established,related accept')
    world.router.forward.append('iifname "lan" drop')


@variation("no-ping", "the firewall drops every ICMP packet on a path of full width")
def no_ping(world: World) -> None:
    world.router.forward.append("meta l4proto { icmp, icmpv6 } drop")


@variation("inspected-elsewhere", "a trusted gateway inspects what is not AWS's")
def inspected_elsewhere(world: World) -> None:
    from tests.region.faults.tls.inspection import INSPECTOR, present

    others = [name for name, one in world.names.items() if not one.amazon]
    present(world, "inspection", INSPECTOR, *others)
    world.host.trusted.append("inspection")


@variation("inspected-accepted", "inspection by a trusted gateway that the user has accepted by name",
           arguments=("--accept-issuer", "Example Industries Security"))  # fmt: skip
def inspected_accepted(world: World) -> None:
    from tests.region.faults.tls.inspection import inspected_trusted

    inspected_trusted(world)


@variation("docker-installed", "Docker runs already, nothing is registered")
def docker_installed(world: World) -> None:
    add_docker(world)


@variation("rhel-with-docker", "RHEL 9 with Docker from Docker's own repository")
def rhel_with_docker(world: World) -> None:
    red_hat(world)
    add_docker(world)
    world.host.packages = {"docker-ce": "27.5.1-1.el9", "containerd.io": "1.7.25-3.1.el9"}


@variation("ubuntu", "Ubuntu 24.04")
def ubuntu(world: World) -> None:
    os_release(world, "ubuntu", "24.04", "debian", "Ubuntu 24.04.1 LTS")


@variation("registered", "registered, running and connected")
def registered(world: World) -> None:
    register(world)


@variation("registered-proxy", "registered and running behind a proxy that every component has")
def registered_proxy(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world).url), *COMPONENTS)


@variation(
    "registered-proxy-units-only",
    "the same, and the login shell knows of no proxy",
    arguments=("--phase", "register", "--phase", "run"),
)
def registered_proxy_units_only(world: World) -> None:
    registered_proxy(world)
    world.environment.clear()


@variation("registered-engine-29", "registered, with Docker Engine 29, whose oldest API is 1.44")
def registered_engine_29(world: World) -> None:
    add_docker(world, "29.0.1", "1.52", "1.44")
    register(world, docker=False)
