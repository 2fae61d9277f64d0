"""The site's HTTP proxy: missing, dead, refusing, asking for a password, or not what its URL says."""

from __future__ import annotations

from typing import Any

from tests.region.faults import fault, variation
from tests.region.software import register, set_proxy
from tests.region.world import Proxy, World

EXCLUDED = "localhost,127.0.0.1,169.254.169.254,169.254.170.2,/var/run/docker.sock"
COMPONENTS = ("docker", "ecs-agent", "ssm-agent")


def settings(url: str, excluded: str = EXCLUDED) -> dict[str, str]:
    """The three variables, in both cases."""
    lower = {"https_proxy": url, "http_proxy": url, "no_proxy": excluded}
    return lower | {name.upper(): value for name, value in lower.items()}


def behind_proxy(world: World, form: str = "", **changes: Any) -> Proxy:
    """A site whose only way out is its proxy; the login shell is told of it by a URL of this form, in which `{}` stands
    for address and port."""
    proxy = world.add_proxy(**changes)
    world.router.block()
    world.environment |= settings(form.format(proxy.authority) or proxy.url)
    return proxy


@variation("proxy", "the only way out is a proxy, and it is set")
def proxy(world: World) -> None:
    behind_proxy(world)


@variation("proxy-with-password", "the only way out is a proxy that asks for a password, and both are set")
def proxy_with_password(world: World) -> None:
    # A password with what has to be escaped in a URL.
    behind_proxy(world, "http://edge:p%40ss%3Aw%2Frd@{}", credentials="edge:p@ss:w/rd")


@variation("proxy-knows-the-names", "the site's resolver knows no outside name, the proxy resolves them")
def proxy_knows_the_names(world: World) -> None:
    behind_proxy(world)
    world.every_nameserver(lambda server: server.hidden.append("*"))


@fault("proxy-not-set", "a proxy is the only route, and nothing is configured to use it", "egress.blocked")
def proxy_not_set(world: World) -> None:
    behind_proxy(world)
    world.environment.clear()


@fault("proxy-answers-after-nine-seconds", "the proxy answers CONNECT after nine seconds", "egress.slow")
def proxy_slow(world: World) -> None:
    behind_proxy(world, delay=9.0)


@fault("proxy-407", "the proxy asks for a password that is not set", "proxy.auth-required")
def proxy_407(world: World) -> None:
    behind_proxy(world, credentials="edge:secret")


@fault("proxy-407-wrong-password", "the proxy does not take the password that is set", "proxy.auth-required")
def proxy_407_wrong_password(world: World) -> None:
    behind_proxy(world, "http://edge:old@{}", credentials="edge:new")


@fault("proxy-407-ntlm", "the proxy asks for Negotiate or NTLM", "proxy.auth-required")
def proxy_407_ntlm(world: World) -> None:
    behind_proxy(world, credentials="edge:secret", offers=("Negotiate", "NTLM"))


@fault("proxy-denies-name", "the proxy denies CONNECT to ssmmessages", "proxy.denies-endpoint")
def proxy_denies_name(world: World) -> None:
    behind_proxy(world, denied=world.matching("ssmmessages"))


@fault("proxy-denies-all", "the proxy denies CONNECT to everything of AWS", "proxy.denies-endpoint")
def proxy_denies_all(world: World) -> None:
    behind_proxy(world, denied=["*"])


@fault("proxy-error", "the proxy answers 502 to every CONNECT", "proxy.denies-endpoint")
def proxy_error(world: World) -> None:
    behind_proxy(world, mode="error")


@fault("proxy-is-web-server", "a web server without CONNECT listens where the proxy should", "proxy.denies-endpoint")
def proxy_is_web_server(world: World) -> None:
    behind_proxy(world, mode="plain")


@fault("proxy-port-forgotten", "the proxy's URL lacks its port", "proxy.unreachable")
def proxy_port_forgotten(world: World) -> None:
    address = behind_proxy(world).authority.rpartition(":")[0]
    world.environment |= settings(f"http://{address}")


@fault("proxy-dead", "nothing listens on the proxy's port", "proxy.unreachable")
def proxy_dead(world: World) -> None:
    behind_proxy(world, mode="closed")


@fault("proxy-silent", "the proxy accepts connections and never answers", "proxy.unreachable")
def proxy_silent(world: World) -> None:
    behind_proxy(world, mode="silent")


@fault("proxy-dropped", "packets to the proxy are lost", "proxy.unreachable")
def proxy_dropped(world: World) -> None:
    address = behind_proxy(world).address
    world.router.block(f"{'ip6' if ':' in address else 'ip'} daddr {address}")


@fault("proxy-name-unknown", "the proxy's name does not resolve", "proxy.unreachable")
def proxy_name_unknown(world: World) -> None:
    behind_proxy(world, "http://proxy.dc1.example.com:3128")


@fault("proxy-scheme-https", "the URL says https://, the proxy speaks plain HTTP", "proxy.wrong-scheme")
def proxy_scheme_https(world: World) -> None:
    behind_proxy(world, "https://{}")


@fault("proxy-scheme-http", "the URL says http://, the proxy speaks TLS", "proxy.wrong-scheme")
def proxy_scheme_http(world: World) -> None:
    world.certificates["proxy"] = world.certificates["public"]
    behind_proxy(world, "http://{}", tls=True)


@fault("proxy-not-for-docker", "the agents have the proxy, docker has none", "proxy.not-set-for-component")
def proxy_not_for_docker(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world).url), "ecs-agent", "ssm-agent")


@fault(
    "proxy-not-for-ecs",
    "the ECS agent lacks the proxy that docker and the SSM agent have",
    "proxy.not-set-for-component",
)
def proxy_not_for_ecs(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world).url), "docker", "ssm-agent")


@fault("proxy-not-for-ssm", "the SSM agent lacks the proxy that the others have", "proxy.not-set-for-component")
def proxy_not_for_ssm(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world).url), "docker", "ecs-agent")


@fault("proxy-of-shell-alone", "the shell has the proxy, and no daemon does", "proxy.not-set-for-component")
def proxy_of_shell_alone(world: World) -> None:
    register(world)
    behind_proxy(world)


@fault(
    "proxy-uneven", "direct egress works, and docker alone lacks the proxy of the others", "proxy.not-set-for-component"
)
def proxy_uneven(world: World) -> None:
    register(world)
    set_proxy(world, settings(world.add_proxy().url), "ecs-agent", "ssm-agent")


@fault("exclusions-missing-ecs", "NO_PROXY of the ECS agent lacks 169.254.170.2", "proxy.exclusions-missing")
def exclusions_missing_ecs(world: World) -> None:
    register(world)
    url = behind_proxy(world).url
    set_proxy(world, settings(url), "docker", "ssm-agent")
    set_proxy(world, settings(url, "169.254.169.254,/var/run/docker.sock"), "ecs-agent")


@fault("exclusions-missing-docker", "NO_PROXY of docker is empty", "proxy.exclusions-missing")
def exclusions_missing_docker(world: World) -> None:
    register(world)
    url = behind_proxy(world).url
    set_proxy(world, settings(url), "ecs-agent", "ssm-agent")
    set_proxy(world, dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), url), "docker")


@fault("proxy-refuses-go", "the proxy refuses the User-Agent of Go programs, and lets curl pass", "proxy.denies-client")
def proxy_refuses_go(world: World) -> None:
    behind_proxy(world, refuses=["Go-http-client/*"])


@variation("proxy-lets-go-alone", "the proxy lets nothing but the User-Agent of Go programs pass")
def proxy_lets_go_alone(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world, lets=["Go-http-client/*"]).url), *COMPONENTS)
