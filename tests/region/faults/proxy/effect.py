"""Proxies that are written down and not in effect, or in effect and no longer written down."""

from __future__ import annotations

import json

from tests.region.faults import fault, variation
from tests.region.faults.proxy.alike import named_proxy
from tests.region.faults.proxy.site import EXCLUDED, behind_proxy, settings
from tests.region.software import AGENT, DOCKER, DOCKERD, SSM, SSM_AGENT, daemon_of, register, set_proxy
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


@fault("proxy-exported", "docker's environment file has its lines as a shell reads them", "proxy.setting-ignored")
def proxy_exported(world: World) -> None:
    proxy = agents_behind(world)
    path = "/etc/sysconfig/docker-proxy"
    world.host.files[DROP_IN] = f"[Service]\nEnvironmentFile={path}\n"
    world.host.files[path] = "".join(f"export {name}={value}\n" for name, value in settings(proxy.url).items())


@fault("proxy-taken-away", "a later drop-in takes docker's proxy away again", "proxy.setting-ignored")
def proxy_taken_away(world: World) -> None:
    proxy = agents_behind(world)
    set_proxy(world, settings(proxy.url), "docker")
    gone = "HTTPS_PROXY HTTP_PROXY https_proxy http_proxy"
    world.host.files[DROP_IN.replace("http-proxy", "zz-clean")] = f"[Service]\nUnsetEnvironment={gone} PYTHONPATH\n"
    environment = daemon_of(world, DOCKERD).environment
    for name in gone.split():
        del environment[name]


@fault("no-proxy-semicolons", "NO_PROXY has semicolons between its entries", "proxy.exclusions-missing")
def no_proxy_semicolons(world: World) -> None:
    register(world)
    url = behind_proxy(world).url
    set_proxy(world, settings(url, EXCLUDED.replace(",", ";")), "ssm-agent", "ecs-agent", "docker")


@variation("proxy-in-environment-file", "docker's proxy is in an environment file, some of it twice")
def proxy_in_environment_file(world: World) -> None:
    proxy = agents_behind(world)
    path = "/etc/sysconfig/docker-proxy"
    own = settings(proxy.url)
    world.host.files[DROP_IN] = f"[Service]\nEnvironmentFile=-{path}\nUnsetEnvironment=FTP_PROXY\n"
    lines = "".join(f'{name}="{value}"\n' for name, value in own.items())
    world.host.files[path] = f"{lines}# export HTTPS_PROXY=http://10.9.9.9:3128\nexport HTTPS_PROXY={proxy.url}\n"
    daemon_of(world, DOCKERD).environment |= own


def set_by_systemd(world: World) -> None:
    """All components have the proxy; the units have it from systemd's own settings."""
    register(world)
    proxy = behind_proxy(world)
    set_proxy(world, settings(proxy.url), "ssm-agent", "ecs-agent", "docker")
    for unit in (DOCKER, SSM):
        del world.host.files[f"/etc/systemd/system/{unit}.d/http-proxy.conf"]
    rows = " ".join(f'"{name}={value}"' for name, value in settings(proxy.url).items())
    world.host.files |= {
        "/etc/systemd/system.conf": "[Manager]\n#DefaultEnvironment=\nDefaultEnvironment=HTTPS_PROXY=http://10.9.9.9:3128\n",
        "/etc/systemd/system.conf.d/proxy.conf": f"[Manager]\nDefaultEnvironment=\nDefaultEnvironment={rows}\n",
    }


@variation("proxy-of-systemd", "the proxy is in systemd's own settings, which give it to every unit")
def proxy_of_systemd(world: World) -> None:
    set_by_systemd(world)


@fault(
    "docker-off-proxy-of-systemd",
    "docker does not run, and has its proxy from systemd's own settings",
    "docker.not-running",
)
def docker_off_proxy_of_systemd(world: World) -> None:
    set_by_systemd(world)
    world.host.daemons.remove(daemon_of(world, DOCKERD))
    world.host.units[DOCKER].active = False


@fault("docker-proxies-of-client", "daemon.json has proxies in the form of the client's file; docker still runs",
       "config.invalid")  # fmt: skip
def docker_proxies_of_client(world: World) -> None:
    proxy = agents_behind(world)
    set_proxy(world, settings(proxy.url), "docker")
    inside = {"default": {"httpProxy": proxy.url, "httpsProxy": proxy.url, "noProxy": EXCLUDED}}
    world.host.files["/etc/docker/daemon.json"] = json.dumps({"proxies": inside})


@fault("proxy-of-others", "a proxy is the only route, and only logins and apt have it", "egress.blocked")
def proxy_of_others(world: World) -> None:
    proxy = behind_proxy(world)
    world.environment.clear()
    world.host.files["/etc/environment"] = f'PATH="/usr/bin"\nhttps_proxy="{proxy.url}/"\n'
    world.host.files["/etc/apt/apt.conf.d/80proxy"] = f'Acquire::http::Proxy "{proxy.url}/";\n'


@variation("proxy-of-apt-alone", "apt has a cache of packages as its proxy, and all else goes out directly")
def proxy_of_apt_alone(world: World) -> None:
    world.host.files["/etc/apt/apt.conf.d/01cache"] = 'Acquire::http::Proxy "http://10.9.9.9:3142";\n'
