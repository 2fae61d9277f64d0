"""Proxies, less usual: tunnels that lead nowhere, settings that look right, one component that drifted."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.proxy.alike import PROXY_NAME, named_proxy
from tests.region.faults.proxy.site import EXCLUDED, behind_proxy, settings
from tests.region.faults.tls.handshakes import device_says
from tests.region.faults.tls.inspection import INSPECTOR, inspected_trusted, present
from tests.region.software import register, set_proxy
from tests.region.world import Certificate, World


def set_as(world: World, form: str) -> None:
    """The right proxy in a value with something about it: `{}` stands for the URL."""
    world.environment |= settings(form.format(behind_proxy(world).url))


@fault("proxy-504-for-one", "the proxy resolves ssm wrongly, and answers 504", "proxy.denies-endpoint")
def proxy_504_for_one(world: World) -> None:
    behind_proxy(world, answers={world.pattern("ssm"): "504 Gateway Timeout"})


@fault("proxy-502-for-ssm", "the proxy cannot connect to the SSM names, and answers 502", "proxy.denies-endpoint")
def proxy_502_for_ssm(world: World) -> None:
    behind_proxy(world, answers=dict.fromkeys(world.matching("ssm", "ssmmessages", "ec2messages"), "502 Bad Gateway"))


@fault("proxy-407-for-one", "the proxy asks for a password for ec2messages alone", "proxy.auth-required")
def proxy_407_for_one(world: World) -> None:
    behind_proxy(world, answers={world.pattern("ec2messages"): "407 Proxy Authentication Required"})


@fault("proxy-sign-in-page", "the proxy sends every CONNECT to its sign-in page", "proxy.denies-endpoint")
def proxy_sign_in_page(world: World) -> None:
    behind_proxy(world, answers={"*": "302 Found\r\nLocation: https://sso.dc1.example.com/"})


@fault("proxy-511", "the proxy answers every CONNECT with 511", "proxy.denies-endpoint")
def proxy_511(world: World) -> None:
    behind_proxy(world, answers={"*": "511 Network Authentication Required"})


@fault("proxy-opens-and-closes", "the proxy opens every tunnel, and closes it", "proxy.denies-endpoint")
def proxy_opens_and_closes(world: World) -> None:
    behind_proxy(world, opened="close")


@fault("proxy-opens-and-talks", "the proxy opens every tunnel, and answers with a page in plain HTTP", "tls.not-tls")
def proxy_opens_and_talks(world: World) -> None:
    behind_proxy(world, opened="page")


@fault("proxy-opens-in-silence", "the proxy opens every tunnel, and nothing comes through", "egress.silent")
def proxy_opens_in_silence(world: World) -> None:
    behind_proxy(world, opened="silent")


@fault("proxy-block-page", "an inspecting proxy opens the tunnel to ssm and answers with its block page inside",
       "proxy.denies-endpoint", "tls.intercepted-trusted")  # fmt: skip
def proxy_block_page(world: World) -> None:
    behind_proxy(world)
    inspected_trusted(world)
    world.behave("ssm", said=device_says("403 Forbidden"))


@fault("proxy-block-page-all", "an inspecting proxy answers everything with its block page", "proxy.denies-endpoint")
def proxy_block_page_all(world: World) -> None:
    behind_proxy(world)
    inspected_trusted(world)
    world.behave("*", said=device_says("403 Forbidden"))


@fault("proxy-wants-certificate", "the proxy speaks TLS and asks its clients for a certificate", "proxy.unreachable")
def proxy_wants_certificate(world: World) -> None:
    world.certificates["proxy"] = Certificate("DigiCert Inc", "DigiCert Global Root G2", names=(PROXY_NAME,))
    named_proxy(world, "https", tls=True, wants_certificate=True)


@fault("proxy-pac-file", "the variable names the site's PAC file instead of the proxy", "proxy.unreachable")
def proxy_pac_file(world: World) -> None:
    address = behind_proxy(world).address
    world.environment |= settings(f"http://{address}/proxy.pac")


@variation("proxy-trailing-slash", "the proxy's URL ends in a slash")
def proxy_trailing_slash(world: World) -> None:
    set_as(world, "{}/")


@fault("proxy-quoted", "the proxy's URL carries its quotation marks", "config.invalid")
def proxy_quoted(world: World) -> None:
    set_as(world, '"{}"')


@fault(
    "proxy-smart-quotes", "the proxy's URL was copied from a document, with its typographic quotes", "config.invalid"
)
def proxy_smart_quotes(world: World) -> None:
    set_as(world, "\u201c{}\u201d")


@fault("proxy-trailing-space", "the proxy's URL ends in a space", "config.invalid")
def proxy_trailing_space(world: World) -> None:
    set_as(world, "{} ")


@fault("proxy-carriage-return", "the proxy's URL ends in a carriage return", "config.invalid")
def proxy_carriage_return(world: World) -> None:
    set_as(world, "{}\r")


@fault(
    "proxy-cases-differ", "the upper case names a proxy that is gone, the lower case the right one", "proxy.unreachable"
)
def proxy_cases_differ(world: World) -> None:
    good = behind_proxy(world)
    old = f"http://{world.service(81)}:3128"
    upper = {name.upper(): value for name, value in settings(old).items() if name.islower()}
    world.environment = {name: value for name, value in settings(good.url).items() if name.islower()} | upper
    world.router.block(f"ip daddr {world.service(81)}", "reject with tcp reset")


@fault("no-proxy-wildcard", "NO_PROXY names *.amazonaws.com, and directly it is dropped", "egress.blocked")
def no_proxy_wildcard(world: World) -> None:
    world.environment |= settings(behind_proxy(world).url, f"{EXCLUDED},*.{world.suffix}")


@fault("proxy-drifted-ssm", "the SSM agent still has the proxy of last year", "proxy.unreachable")
def proxy_drifted_ssm(world: World) -> None:
    register(world)
    set_proxy(world, settings(behind_proxy(world).url), "docker", "ecs-agent")
    set_proxy(world, settings(f"http://{world.service(81)}:3128"), "ssm-agent")
    world.router.block(f"ip daddr {world.service(81)}", "reject with tcp reset")


@fault("proxy-drifted-ecs", "the ECS agent has another proxy, which denies its names", "proxy.denies-endpoint")
def proxy_drifted_ecs(world: World) -> None:
    register(world)
    proxy = behind_proxy(world, denied=world.matching("ecs", "ecs-a-*.*", "ecs-t-*.*"))
    set_proxy(world, settings(proxy.url), "docker", "ecs-agent", "ssm-agent")


@fault(
    "proxy-full", "the proxy carries three tunnels at once, and answers 503 beyond", "proxy.denies-endpoint", delay=0.3
)
def proxy_full(world: World) -> None:
    behind_proxy(world, limit=3)


@fault(
    "proxy-inspects-one", "the proxy inspects ssm alone, under a CA that is not trusted", "tls.intercepted-untrusted"
)
def proxy_inspects_one(world: World) -> None:
    behind_proxy(world)
    present(world, "inspection", INSPECTOR, "ssm")
