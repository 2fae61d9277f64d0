"""Faults and healthy variations that resemble others, at proxies and in TLS: two at once, one of many, and what an odd
setting makes of a healthy host."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.names.dns import change_all, second
from tests.region.faults.path.alike import answer, bridge, many_networks
from tests.region.faults.path.egress import narrow, to
from tests.region.faults.proxy.site import EXCLUDED, behind_proxy, settings
from tests.region.faults.tls.inspection import INSPECTOR, present
from tests.region.software import register, set_proxy
from tests.region.world import Certificate, World

PROXY_NAME = "proxy.dc1.example.com"


def named_proxy(world: World, scheme: str = "http", **changes: object) -> None:
    """The only way out is a proxy that the environment calls by its name."""
    proxy = behind_proxy(world, f"{scheme}://{PROXY_NAME}:3128", **changes)
    answer(world, PROXY_NAME, proxy.address)


@fault("path-mtu-behind-proxy", "packets above 1400 bytes are lost on the way to the proxy", "egress.path-mtu")
def path_mtu_behind_proxy(world: World) -> None:
    behind_proxy(world)
    narrow(world)


@variation("proxy-by-name", "the only way out is a proxy that is called by its name")
def proxy_by_name(world: World) -> None:
    named_proxy(world)


@fault("proxy-https", "the proxy speaks TLS, which the agents' WebSocket library does not know", "proxy.wrong-scheme")
def proxy_https(world: World) -> None:
    world.certificates["proxy"] = Certificate("DigiCert Inc", "DigiCert Global Root G2", names=(PROXY_NAME,))
    named_proxy(world, "https", tls=True)


@fault("proxy-by-name-dns-dead", "the proxy is called by its name, and no nameserver answers", "dns.nameserver-down")
def proxy_by_name_dns_dead(world: World) -> None:
    named_proxy(world)
    change_all(world, mode="silent")


@fault("proxy-by-name-servfail", "the proxy is called by its name, and the nameserver answers SERVFAIL",
       "dns.server-failing")  # fmt: skip
def proxy_by_name_servfail(world: World) -> None:
    named_proxy(world)
    change_all(world, mode="servfail")


@fault("proxy-by-name-degraded", "the proxy is called by its name, and the first of two nameservers is dead",
       "dns.nameserver-degraded")  # fmt: skip
def proxy_by_name_degraded(world: World) -> None:
    second(world)
    named_proxy(world)
    world.nameservers[0].mode = "silent"


@variation("proxy-without-dns", "the proxy is called by its address, and no nameserver answers")
def proxy_without_dns(world: World) -> None:
    behind_proxy(world)
    change_all(world, mode="silent")


@variation("proxy-lower-case", "the proxy is set in lower case alone")
def proxy_lower_case(world: World) -> None:
    behind_proxy(world)
    world.environment = {name: value for name, value in world.environment.items() if name.islower()}


@variation("no-proxy-network", "NO_PROXY names AWS's network and another port: neither speaks of the names")
def no_proxy_network(world: World) -> None:
    url = behind_proxy(world).url
    also = f"{world.options.public},{world.pattern('ssm')}:8443,.example.com"
    world.environment |= settings(url, f"{EXCLUDED},{also}")


@variation("no-proxy-private", "PrivateLink for the region's names, which NO_PROXY names, and a proxy for the rest")
def no_proxy_private(world: World) -> None:
    url = behind_proxy(world).url
    world.router.allow(f"ip daddr {world.private} tcp dport 443")
    change_all(world, private=world.matching("*.*"))
    world.environment |= settings(url, f"{EXCLUDED},.{world.options.regions[0]}.{world.suffix}")


@fault("no-proxy-star", "NO_PROXY is a star, so nothing uses the proxy that is the only way out", "egress.blocked")
def no_proxy_star(world: World) -> None:
    world.environment |= settings(behind_proxy(world).url, "*")


@fault("no-proxy-suffix", "NO_PROXY keeps the region's names from the proxy, and directly they are dropped",
       "egress.blocked")  # fmt: skip
def no_proxy_suffix(world: World) -> None:
    excluded = f"{EXCLUDED},.{world.suffix},.{'.'.join(world.suffix.split('.')[-2:])}"
    world.environment |= settings(behind_proxy(world).url, excluded)


@fault("no-proxy-some", "NO_PROXY keeps the three SSM names from the proxy, and directly they are dropped",
       "egress.endpoint-blocked")  # fmt: skip
def no_proxy_some(world: World) -> None:
    names = ",".join(world.matching("ssm", "ssmmessages", "ec2messages"))
    world.environment |= settings(behind_proxy(world).url, f"{EXCLUDED},{names}")


@fault("proxy-scheme-socks", "the URL says socks5://, the proxy speaks HTTP", "proxy.wrong-scheme")
def proxy_scheme_socks(world: World) -> None:
    behind_proxy(world, "socks5://{}")


@fault("proxy-denies-shards", "the proxy denies every ecs-a-N and ecs-t-N", "proxy.denies-endpoint")
def proxy_denies_shards(world: World) -> None:
    behind_proxy(world, denied=world.matching("ecs-a-*.*", "ecs-t-*.*"))


@fault("proxy-denies-high-shards", "the proxy's list has shards 1 and 2 alone", "dns.shards-partial")
def proxy_denies_high_shards(world: World) -> None:
    high = [name for name in world.matching("ecs-a-*.*", "ecs-t-*.*") if int(name.split(".")[0][6:]) > 2]
    behind_proxy(world, denied=high)


@fault("proxy-inspects", "the proxy inspects TLS, and the host does not trust its CA", "tls.intercepted-untrusted")
def proxy_inspects(world: World) -> None:
    behind_proxy(world)
    present(world, "inspection", INSPECTOR)


@fault("proxy-denies-and-inspects", "the proxy inspects with a trusted CA, and denies ssmmessages",
       "proxy.denies-endpoint", "tls.intercepted-trusted")  # fmt: skip
def proxy_denies_and_inspects(world: World) -> None:
    behind_proxy(world, denied=world.matching("ssmmessages"))
    present(world, "inspection", INSPECTOR)
    world.host.trusted.append("inspection")


@variation("tls-1.2", "every endpoint speaks TLS 1.2 at most, with an RSA certificate")
def tls_12(world: World) -> None:
    world.behave("*", tls="1.2")


@variation("ecdsa-1.3", "every endpoint has an ECDSA certificate and speaks TLS 1.3")
def ecdsa_13(world: World) -> None:
    present(world, "ecdsa", Certificate(common_name=world.options.ca, key="ecdsa"))


@variation("certificate-ends-tomorrow", "the certificates end tomorrow")
def certificate_ends_tomorrow(world: World) -> None:
    present(world, "late", Certificate(common_name=world.options.ca, age=89 * 86400, life=90 * 86400))


@fault("inspected-short", "an inspecting gateway sends its leaf certificate alone", "tls.intercepted-untrusted")
def inspected_short(world: World) -> None:
    present(world, "inspection", Certificate(INSPECTOR.issuer, INSPECTOR.common_name, sends_intermediate=False))


@fault("inspected-trusted-one", "a gateway inspects TLS to ssm alone, and is trusted", "tls.intercepted-trusted")
def inspected_trusted_one(world: World) -> None:
    present(world, "inspection", INSPECTOR, "ssm")
    world.host.trusted.append("inspection")


@fault("inspected-twice", "one gateway that is trusted, and another that is not",
       "tls.intercepted-trusted", "tls.intercepted-untrusted")  # fmt: skip
def inspected_twice(world: World) -> None:
    present(world, "inspection", INSPECTOR)
    world.host.trusted.append("inspection")
    present(world, "other", Certificate("Zscaler Inc.", "Zscaler Root CA"), "ssmmessages", "ec2messages")


@fault("inspected-expired", "an inspecting gateway whose own certificates have ended", "tls.intercepted-untrusted")
def inspected_expired(world: World) -> None:
    present(world, "inspection", Certificate(INSPECTOR.issuer, INSPECTOR.common_name, age=86400 * 90, life=86400 * 80))


@fault("wrong-name-one", "ssmmessages shows the certificate of another service", "tls.wrong-name")
def wrong_name_one(world: World) -> None:
    present(world, "other", Certificate(common_name=world.options.ca, names=(world.pattern("ssm"),)), "ssmmessages")


@fault("expired-and-dropped", "ssm shows an old certificate, packets to ssmmessages are lost",
       "tls.expired", "egress.endpoint-blocked")  # fmt: skip
def expired_and_dropped(world: World) -> None:
    present(world, "old", Certificate(common_name=world.options.ca, age=100 * 86400, life=90 * 86400), "ssm")
    world.router.block(to(world.addresses("ssmmessages")))


@variation(
    "store-of-the-shell", "the login shell names a CA file that is not there; the host's folder is read all the same"
)
def store_of_the_shell(world: World) -> None:
    world.environment["SSL_CERT_FILE"] = "/opt/none.pem"


@variation("proxy-without-route", "no default route: the proxy and the resolver are all that can be reached")
def proxy_without_route(world: World) -> None:
    behind_proxy(world)
    world.host.default_route = False


@variation("ecdsa-1.2-for-ssm", "the SSM names have ECDSA certificates and TLS 1.2 at most, which the SSM agent takes")
def ecdsa_12_for_ssm(world: World) -> None:
    names = ("ssm", "ssmmessages", "ec2messages")
    present(world, "ecdsa", Certificate(common_name=world.options.ca, key="ecdsa"), *names)
    world.behave(*names, tls="1.2")


@fault("one-network-of-many", "one of thirteen Docker networks covers the proxy", "docker.subnet-overlap")
def one_network_of_many(world: World) -> None:
    behind_proxy(world)
    many_networks(world)
    bridge(world, 12, world.service(80).rpartition(".")[0])


@fault("store-without-amazon", "the host's CA store lacks Amazon's roots", "tls.trust-store-missing")
def store_without_amazon(world: World) -> None:
    world.host.trusted = ["public"]


@fault("clock-behind-proxy", "behind a proxy, and the host's clock is 15 minutes behind", "clock.skewed")
def clock_behind_proxy(world: World) -> None:
    behind_proxy(world)
    world.clock = 900


@fault("inspected-and-late", "a gateway that is not trusted inspects, and the clock is 15 minutes behind",
       "clock.skewed", "tls.intercepted-untrusted")  # fmt: skip
def inspected_and_late(world: World) -> None:
    present(world, "inspection", INSPECTOR)
    world.clock = 900


@fault("proxy-https-untrusted", "the proxy speaks TLS under a CA that the host does not trust", "proxy.unreachable")
def proxy_https_untrusted(world: World) -> None:
    world.certificates["proxy"] = Certificate(INSPECTOR.issuer, INSPECTOR.common_name, names=(PROXY_NAME,))
    named_proxy(world, "https", tls=True)


@variation("registered-lower-case", "registered behind a proxy that the units name in lower case alone")
def registered_lower_case(world: World) -> None:
    register(world)
    both = settings(behind_proxy(world).url)
    lower = {name: value for name, value in both.items() if name.islower()}
    set_proxy(world, lower, "docker", "ssm-agent")
    set_proxy(world, both, "ecs-agent")
    world.environment = dict(lower)
