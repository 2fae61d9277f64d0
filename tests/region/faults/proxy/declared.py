"""The way that a run was told to expect, and another that is taken."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.names.dns import change_all
from tests.region.faults.proxy.private import SSM, linked, private_names
from tests.region.faults.proxy.site import COMPONENTS, EXCLUDED, behind_proxy, settings
from tests.region.software import register, set_proxy
from tests.region.world import World

CODE = "network.way-unexpected"


def expect(*words: str) -> tuple[str, ...]:
    """The options of a check that declare the way."""
    return tuple(one for word in words for one in ("--expect", word))


@fault(
    "expected-private-public", "PrivateLink is declared, and the names are public", CODE, arguments=expect("private")
)
def expected_private_public(world: World) -> None:
    pass


@fault("expected-private-some-public", "PrivateLink is declared, and two names are public", CODE,
       arguments=expect("private"))  # fmt: skip
def expected_private_some_public(world: World) -> None:
    rest = [name for name in world.matching("*.*") if not name.startswith(("ssm.", "ec2messages."))]
    change_all(world, private=rest)


@fault("expected-private-proxied", "PrivateLink is declared and there, and the proxy gets the names", CODE,
       arguments=expect("private"))  # fmt: skip
def expected_private_proxied(world: World) -> None:
    linked(world, denied=["*"])


@fault("expected-proxy-excluded", "the proxy is declared, and NO_PROXY lets the SSM names pass by", CODE,
       arguments=expect("proxy"))  # fmt: skip
def expected_proxy_excluded(world: World) -> None:
    url = behind_proxy(world).url
    world.router.forward.clear()
    world.environment |= settings(url, f"{EXCLUDED},{','.join(world.matching(*SSM))}")


@fault("expected-proxy-blocked", "the proxy is declared, NO_PROXY lets the SSM names pass by, and they are dropped", CODE,
       arguments=expect("proxy"))  # fmt: skip
def expected_proxy_blocked(world: World) -> None:
    url = behind_proxy(world).url
    world.environment |= settings(url, f"{EXCLUDED},{','.join(world.matching(*SSM))}")


@fault("expected-proxy-unset", "the proxy is declared for docker, which has none", CODE,
       arguments=("--with", "ecr", *expect("docker=proxy")))  # fmt: skip
def expected_proxy_unset(world: World) -> None:
    register(world)


@fault("expected-direct-proxied", "the direct way is declared, and a drop-in sends the SSM agent to a proxy", CODE,
       arguments=expect("ssm-agent=direct"))  # fmt: skip
def expected_direct_proxied(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world).url), *COMPONENTS)


@fault("expected-public-private", "the public way is declared, and the resolver knows PrivateLink", CODE,
       arguments=expect("public"))  # fmt: skip
def expected_public_private(world: World) -> None:
    private_names(world)


@fault("expected-public-pinned", "the public way is declared, and /etc/hosts gives one name a private address",
       CODE, "dns.hosts-file-pin", arguments=expect("public"))  # fmt: skip
def expected_public_pinned(world: World) -> None:
    name = world.pattern("ssm")
    world.host.hosts.append(f"{world.names[name].private} {name}")


@variation("expected-private", "PrivateLink is declared, and all names are private", arguments=expect("private"))
def expected_private(world: World) -> None:
    private_names(world)
    world.router.block(f"ip daddr {world.options.public} tcp dport 443")


@variation("expected-proxy", "the proxy is declared, and every component has it", arguments=expect("proxy"))
def expected_proxy(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world).url), *COMPONENTS)


@variation("expected-ways", "PrivateLink is declared for the SSM agent, the proxy for the others, and so it is",
           arguments=expect("proxy", "ssm-agent=private"))  # fmt: skip
def expected_ways(world: World) -> None:
    url = linked(world, *SSM).url
    world.environment |= settings(url, f"{EXCLUDED},{','.join(world.matching(*SSM))}")


@variation("expected-direct", "the direct way is declared, and no proxy is set", arguments=expect("direct"))
def expected_direct(world: World) -> None:
    pass
