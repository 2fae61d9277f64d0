"""PrivateLink and a proxy: names that resolve to private addresses on the host, and what becomes of them on their way."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.names.dns import change_all
from tests.region.faults.proxy.site import COMPONENTS, EXCLUDED, behind_proxy, settings
from tests.region.software import register, set_proxy
from tests.region.world import Proxy, World

SSM = ("ssm", "ssmmessages", "ec2messages")
CODE = "proxy.private-endpoint"


def private_names(world: World, *names: str) -> None:
    """PrivateLink for these names (all where none is given), reachable from the host."""
    change_all(world, private=world.matching(*names) if names else ["*"])
    world.router.allow(f"ip daddr {world.private} tcp dport 443")


def linked(world: World, *names: str, **changes: object) -> Proxy:
    """The same, and a proxy as the only other way out, whose exclusions say nothing of those names."""
    private_names(world, *names)
    return behind_proxy(world, **changes)


@fault("private-denied", "PrivateLink for every name, and the proxy that gets them denies them", CODE)
def private_denied(world: World) -> None:
    linked(world, denied=["*"])


@fault("private-relayed", "PrivateLink for every name, and the proxy carries them past it", CODE)
def private_relayed(world: World) -> None:
    linked(world)


@fault("private-ssm-denied", "PrivateLink for the SSM names, which the proxy denies; it carries the others", CODE)
def private_ssm_denied(world: World) -> None:
    linked(world, *SSM, denied=world.matching(*SSM))


@fault("private-channels-denied", "PrivateLink for the numbered hosts alone, and the proxy denies them", CODE)
def private_channels_denied(world: World) -> None:
    linked(world, "ecs-a-*.*", "ecs-t-*.*", denied=world.matching("ecs-a-*.*", "ecs-t-*.*"))


@fault("private-bad-gateway", "PrivateLink for every name, and the proxy cannot open any of them", CODE)
def private_bad_gateway(world: World) -> None:
    linked(world, answers={"*": "502 Bad Gateway"})


@fault("private-407", "PrivateLink for every name, and the proxy asks for a password that is not set", CODE)
def private_407(world: World) -> None:
    linked(world, credentials="edge:secret")


@fault("private-and-denied", "PrivateLink for the SSM names, and the proxy denies ecs too, which has none",
       CODE, "proxy.denies-endpoint")  # fmt: skip
def private_and_denied(world: World) -> None:
    linked(world, *SSM, denied=world.matching(*SSM, "ecs"))


@fault("private-network-excluded", "NO_PROXY names PrivateLink's network, which Go compares with no name", CODE)
def private_network_excluded(world: World) -> None:
    url = linked(world).url
    world.environment |= settings(url, f"{EXCLUDED},{world.private}")


@fault("private-other-region-excluded", "NO_PROXY names another region's domain than the one with PrivateLink", CODE)
def private_other_region_excluded(world: World) -> None:
    url = linked(world, *SSM, denied=world.matching(*SSM)).url
    world.environment |= settings(url, f"{EXCLUDED},.eu-west-9.{world.suffix}")


@fault("private-for-docker", "PrivateLink for the registry, in NO_PROXY of the agents and not of docker", CODE,
       arguments=("--with", "ecr"))  # fmt: skip
def private_for_docker(world: World) -> None:
    register(world)
    region = f"{world.options.regions[0]}.{world.suffix}"
    names = [f"api.ecr.{region}", f"prod-{world.options.regions[0]}-starport-layer-bucket.s3.{region}"]
    change_all(world, private=names)
    world.router.allow(f"ip daddr {world.private} tcp dport 443")
    proxy = behind_proxy(world, denied=names)
    set_proxy(world, settings(proxy.url, ",".join((EXCLUDED, *names))), "ecs-agent", "ssm-agent")
    set_proxy(world, settings(proxy.url), "docker")


@fault("private-registered", "registered behind a proxy that every component has, and PrivateLink since", CODE)
def private_registered(world: World) -> None:
    register(world)
    set_proxy(world, settings(linked(world).url), *COMPONENTS)


@fault("private-in-hosts-file", "/etc/hosts gives the SSM names their PrivateLink addresses, the proxy denies them",
       CODE, "dns.hosts-file-pin")  # fmt: skip
def private_in_hosts_file(world: World) -> None:
    behind_proxy(world, denied=world.matching(*SSM))
    world.router.allow(f"ip daddr {world.private} tcp dport 443")
    world.host.hosts += [f"{world.names[name].private} {name}" for name in world.matching(*SSM)]


@fault("private-proxy-dead", "PrivateLink for the SSM names, and a proxy that is dead for all others",
       CODE, "proxy.unreachable")  # fmt: skip
def private_proxy_dead(world: World) -> None:
    linked(world, *SSM, mode="closed")


@fault("private-refuses-go", "PrivateLink for the SSM names, and a proxy that refuses Go's User-Agent",
       CODE, "proxy.denies-client")  # fmt: skip
def private_refuses_go(world: World) -> None:
    linked(world, *SSM, refuses=["Go-http-client/*"])


@variation("private-behind-proxy-alone", "the names resolve privately, and only the proxy gets there")
def private_behind_proxy_alone(world: World) -> None:
    change_all(world, private=["*"])
    behind_proxy(world)


@variation(
    "private-sinkhole-behind-proxy", "the site's resolver sends AWS's names to a private block page; the proxy works"
)
def private_sinkhole_behind_proxy(world: World) -> None:
    behind_proxy(world)
    change_all(world, forged={f"*.{world.suffix}": [world.service(90)]})


@variation("private-excluded", "registered: PrivateLink for the SSM names, which NO_PROXY of every component names")
def private_excluded(world: World) -> None:
    register(world)
    url = linked(world, *SSM, denied=world.matching(*SSM)).url
    values = settings(url, ",".join((EXCLUDED, *world.matching(*SSM))))
    set_proxy(world, values, *COMPONENTS)
    world.environment |= values
