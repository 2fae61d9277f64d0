"""The site's HTTP proxy: missing, dead, refusing, asking for a password, or not what its URL says."""

from __future__ import annotations

from typing import Any

from tests.region.faults import fault, variation
from tests.region.world import Proxy, World

EXCLUDED = "localhost,127.0.0.1,169.254.169.254,169.254.170.2,/var/run/docker.sock"


def behind_proxy(world: World, url: str = "", **changes: Any) -> Proxy:
    """A site whose only way out is its proxy; the login shell is told of it by `url`."""
    proxy = world.add_proxy(**changes)
    world.router.block()
    url = url or proxy.url
    world.environment |= {"https_proxy": url, "http_proxy": url, "no_proxy": EXCLUDED}
    world.environment |= {name.upper(): value for name, value in world.environment.items() if name.endswith("_proxy")}
    return proxy


@variation("proxy", "the only way out is a proxy, and it is set")
def proxy(world: World) -> None:
    behind_proxy(world)


@variation("proxy-with-password", "the only way out is a proxy that asks for a password, and both are set")
def proxy_with_password(world: World) -> None:
    # A password with what has to be escaped in a URL.
    behind_proxy(world, f"http://edge:p%40ss%3Aw%2Frd@{world.service(80)}:3128", credentials="edge:p@ss:w/rd")


@fault("proxy-not-set", "the only way out is a proxy, and nothing is told of it", "egress.blocked")
def proxy_not_set(world: World) -> None:
    behind_proxy(world)
    world.environment.clear()


@fault("proxy-407", "the proxy asks for a password that is not set", "proxy.auth-required")
def proxy_407(world: World) -> None:
    behind_proxy(world, credentials="edge:secret")


@fault("proxy-denies-name", "the proxy denies CONNECT to ssmmessages", "proxy.denies-endpoint")
def proxy_denies_name(world: World) -> None:
    behind_proxy(world, denied=world.matching("ssmmessages"))


@fault("proxy-dead", "nothing listens on the proxy's port", "proxy.unreachable")
def proxy_dead(world: World) -> None:
    behind_proxy(world, mode="closed")


@fault("proxy-silent", "the proxy accepts connections and never answers", "proxy.unreachable")
def proxy_silent(world: World) -> None:
    behind_proxy(world, mode="silent")
