"""Proxies that are written down and not in effect, or in effect and no longer written down."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.proxy.alike import named_proxy
from tests.region.faults.proxy.site import EXCLUDED, behind_proxy, settings
from tests.region.software import AGENT, DOCKER, DOCKERD, SSM_AGENT, daemon_of, register, set_proxy
from tests.region.world import Proxy, World

DROP_IN = f"/etc/systemd/system/{DOCKER}.d/http-proxy.conf"


def agents_behind(world: World, form: str = "", **changes: str) -> Proxy:
    """The only way out is a proxy, and both agents have it; docker's is for the caller to say."""
    register(world)
    proxy = behind_proxy(world, form, **changes)
    set_proxy(world, settings(proxy.url), "ssm-agent", "ecs-agent")
    return proxy


@fault(
    "proxy-percent",
    "systemd drops docker's proxy: a percent sign in its password is not doubled",
    "proxy.setting-ignored",
)
def proxy_percent(world: World) -> None:
    register(world)
    form = "http://edge:p%40ss@{}"
    proxy = behind_proxy(world, form, credentials="edge:p@ss")
    url = form.format(proxy.authority)
    set_proxy(world, settings(url), "ssm-agent", "ecs-agent", "docker")
    for path, text in list(world.host.files.items()):
        if path.endswith("http-proxy.conf") and isinstance(text, str) and path != DROP_IN:
            world.host.files[path] = text.replace("%", "%%")
    daemon_of(world, DOCKERD).environment.clear()
    daemon_of(world, DOCKERD).environment |= {"NO_PROXY": EXCLUDED, "no_proxy": EXCLUDED}


@fault("proxy-one-pair-of-quotes", "three settings are in one pair of quotes", "proxy.setting-ignored")
def proxy_one_pair_of_quotes(world: World) -> None:
    proxy = agents_behind(world)
    value = f"HTTP_PROXY={proxy.url} HTTPS_PROXY={proxy.url} NO_PROXY={EXCLUDED}"
    world.host.files[DROP_IN] = f'[Service]\nEnvironment="{value}"\n'
    daemon_of(world, DOCKERD).environment |= {"HTTP_PROXY": value.partition("=")[2]}


@fault("proxy-wrong-section", "docker's proxy is set in [Unit]", "proxy.setting-ignored")
def proxy_wrong_section(world: World) -> None:
    proxy = agents_behind(world)
    rows = "".join(f'Environment="{name}={value}"\n' for name, value in settings(proxy.url).items())
    world.host.files[DROP_IN] = f"[Unit]\n{rows}"


@fault("proxy-not-a-drop-in", "docker's drop-in lacks .conf in its name", "proxy.setting-ignored")
def proxy_not_a_drop_in(world: World) -> None:
    proxy = agents_behind(world)
    rows = "".join(f'Environment="{name}={value}"\n' for name, value in settings(proxy.url).items())
    world.host.files[DROP_IN.removesuffix(".conf")] = f"[Service]\n{rows}"


@fault("proxy-since-start", "docker was started before its proxy was written down", "agent.stale-environment")
def proxy_since_start(world: World) -> None:
    proxy = agents_behind(world)
    set_proxy(world, settings(proxy.url), "docker")
    daemon_of(world, DOCKERD).environment.clear()


@fault(
    "proxy-since-start-ssm", "the SSM agent was started before its proxy was written down", "agent.stale-environment"
)
def proxy_since_start_ssm(world: World) -> None:
    proxy = agents_behind(world)
    set_proxy(world, settings(proxy.url), "docker")
    daemon_of(world, SSM_AGENT).environment.clear()


@fault(
    "proxy-since-start-all",
    "docker and both agents were started before their proxy was written down",
    "agent.stale-environment",
)
def proxy_since_start_all(world: World) -> None:
    proxy = agents_behind(world)
    set_proxy(world, settings(proxy.url), "docker")
    for program in (DOCKERD, SSM_AGENT, AGENT):
        daemon_of(world, program).environment.clear()


@fault("proxy-moved", "the ECS agent still runs with the address that the proxy had before", "agent.stale-environment")
def proxy_moved(world: World) -> None:
    proxy = agents_behind(world)
    set_proxy(world, settings(proxy.url), "docker")
    old = proxy.url.replace(":3128", ":8888")
    daemon_of(world, AGENT).environment |= {
        "HTTPS_PROXY": old,
        "HTTP_PROXY": old,
        "https_proxy": old,
        "http_proxy": old,
    }


@fault("proxies-differ-one-dead", "docker's own proxy is gone, the agents' works", "proxy.components-differ")
def proxies_differ_one_dead(world: World) -> None:
    proxy = agents_behind(world)
    gone = proxy.url.replace(":3128", ":8080")
    set_proxy(world, settings(gone), "docker")


@variation("proxy-percent-doubled", "a percent sign in the proxies' password, doubled as systemd needs it")
def proxy_percent_doubled(world: World) -> None:
    register(world)
    form = "http://edge:p%40ss@{}"
    proxy = behind_proxy(world, form, credentials="edge:p@ss")
    set_proxy(world, settings(form.format(proxy.authority)), "ssm-agent", "ecs-agent", "docker")
    for path, text in list(world.host.files.items()):
        if path.endswith("http-proxy.conf") and isinstance(text, str):
            world.host.files[path] = text.replace("%", "%%")


@variation("proxy-old-drop-in", "an old drop-in with a proxy that is gone lies beside the right one, renamed")
def proxy_old_drop_in(world: World) -> None:
    proxy = agents_behind(world)
    set_proxy(world, settings(proxy.url), "docker")
    world.host.files[f"{DROP_IN}.bak"] = '[Service]\nEnvironment="HTTPS_PROXY=http://10.9.9.9:3128"\n'


@variation("proxy-name-and-address", "docker has the proxy by its address, the agents have it by its name")
def proxy_name_and_address(world: World) -> None:
    register(world)
    named_proxy(world)
    assert world.proxy is not None
    set_proxy(world, dict(world.environment), "ssm-agent", "ecs-agent")
    set_proxy(world, settings(world.proxy.url), "docker")
