"""Faults and healthy variations that resemble others: two at once, a part of a whole, the usual thing in an odd place."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.dns import change_all, second
from tests.region.faults.egress import narrow, to
from tests.region.faults.proxy import EXCLUDED, behind_proxy, settings
from tests.region.faults.tls import INSPECTOR, present
from tests.region.software import add_networks, docker_of, network, register, set_proxy
from tests.region.world import Certificate, NameServer, World

PROXY_NAME = "proxy.dc1.example.com"


def spare(world: World, number: int) -> str:
    """A public address of AWS's that no name of the catalogue's default endpoints has."""
    return world.names[world.pattern(("monitoring", "sts", "secretsmanager", "logs", "kms")[number])].public


def answer(world: World, name: str, *addresses: str) -> None:
    """Every resolver gives these addresses for one name."""
    for server in world.nameservers:
        server.forged[world.pattern(name)] = list(addresses)


def named_proxy(world: World, scheme: str = "http", **changes: object) -> None:
    """The only way out is a proxy that the environment calls by its name."""
    proxy = behind_proxy(world, f"{scheme}://{PROXY_NAME}:3128", **changes)
    answer(world, PROXY_NAME, proxy.address)


# --- the way out ---------------------------------------------------------------------------------------------------


@fault("one-address-dropped", "ssm has two addresses, and packets to one of them vanish", "egress.endpoint-blocked")
def one_address_dropped(world: World) -> None:
    answer(world, "ssm", world.names[world.pattern("ssm")].public, spare(world, 0))
    world.router.block(f"ip daddr {spare(world, 0)} tcp dport 443")


@fault("telemetry-dropped", "packets to every ecs-t-N vanish, ecs-a-N pass", "egress.endpoint-blocked")
def telemetry_dropped(world: World) -> None:
    world.router.block(to(world.addresses("ecs-t-*.*")))


@fault("egress-host-unreachable", "the gateway says host unreachable for port 443", "egress.blocked")
def egress_host_unreachable(world: World) -> None:
    world.router.block(verdict="reject with icmp host-unreachable")


@fault("egress-net-unreachable", "the gateway itself has no route, and says so", "egress.blocked")
def egress_net_unreachable(world: World) -> None:
    world.router.block(verdict="reject with icmp net-unreachable")


@fault("egress-port-unreachable", "the gateway says port unreachable for port 443", "egress.blocked")
def egress_port_unreachable(world: World) -> None:
    world.router.block(verdict="reject with icmp port-unreachable")


@fault("endpoint-net-prohibited", "ec2messages is answered with net prohibited", "egress.endpoint-blocked")
def endpoint_net_prohibited(world: World) -> None:
    world.router.block(to(world.addresses("ec2messages")), "reject with icmp net-prohibited")


@fault("route-unreachable", "the host's own table says unreachable for AWS's addresses", "egress.no-route")
def route_unreachable(world: World) -> None:
    world.host.network.append(f"route add unreachable {world.options.public}")


@fault("route-prohibit", "the host's own table prohibits AWS's addresses", "egress.no-route")
def route_prohibit(world: World) -> None:
    world.host.network.append(f"route add prohibit {world.options.public}")


@fault("route-blackhole", "the host's own table sends AWS's addresses into a black hole", "egress.no-route")
def route_blackhole(world: World) -> None:
    world.host.network.append(f"route add blackhole {world.options.public}")


@fault("gateway-dead", "the default gateway is an address that nobody has", "egress.blocked")
def gateway_dead(world: World) -> None:
    world.host.default_route = False
    world.host.network.append(f"route add default via {world.lan[250]}")


@fault("host-output-dropped", "the host's own firewall drops what goes to port 443", "egress.blocked")
def host_output_dropped(world: World) -> None:
    world.host.iptables["iptables-nft"] = {"filter": ["-A OUTPUT -p tcp --dport 443 -j DROP"]}


@fault("host-output-rejected", "the host's own firewall rejects what goes to port 443", "egress.blocked")
def host_output_rejected(world: World) -> None:
    world.host.iptables["iptables-nft"] = {"filter": ["-A OUTPUT -p tcp --dport 443 -j REJECT"]}


@fault("closed-at-once", "everything is accepted and closed at once", "egress.blocked")
def closed_at_once(world: World) -> None:
    world.behave("*", speaks="closed")


@fault("reset-at-once", "everything is accepted and reset at once", "egress.blocked")
def reset_at_once(world: World) -> None:
    world.behave("*", speaks="reset")


@fault("reset-at-once-one", "connections to ssm are accepted and reset at once", "egress.endpoint-blocked")
def reset_at_once_one(world: World) -> None:
    world.behave("ssm", speaks="reset")


@fault("silent-one", "connections to ssm are accepted and nothing answers", "egress.silent")
def silent_one(world: World) -> None:
    world.behave("ssm", speaks="silent")


@fault("path-mtu-behind-proxy", "packets above 1400 bytes vanish on the way to the proxy", "egress.path-mtu")
def path_mtu_behind_proxy(world: World) -> None:
    behind_proxy(world)
    narrow(world)


@fault("logs-dropped", "tasks will log to CloudWatch, and packets to it vanish", "egress.endpoint-blocked",
       arguments=("--with", "ecr,logs"))  # fmt: skip
def logs_dropped(world: World) -> None:
    world.router.block(to(world.addresses("logs")))


@fault("two-regions-dropped", "two regions are wanted, and port 443 is dropped", "egress.blocked",
       arguments=("--region", "ap-southeast-2"), regions=("us-east-1", "ap-southeast-2"))  # fmt: skip
def two_regions_dropped(world: World) -> None:
    world.router.block()


@fault("one-region-dropped", "two regions are wanted, and packets to one vanish", "egress.endpoint-blocked",
       arguments=("--region", "ap-southeast-2"), regions=("us-east-1", "ap-southeast-2"))  # fmt: skip
def one_region_dropped(world: World) -> None:
    world.router.block(to([one.public for name, one in world.names.items() if ".ap-southeast-2." in name]))


@variation("two-regions", "two regions are wanted, and both are well",
           arguments=("--region", "ap-southeast-2"), regions=("us-east-1", "ap-southeast-2"))  # fmt: skip
def two_regions(world: World) -> None:
    pass


@variation("six-addresses", "ssm has six addresses, and all answer")
def six_addresses(world: World) -> None:
    own = world.names[world.pattern("ssm")].public
    answer(world, "ssm", own, *(spare(world, number) for number in range(5)))


@variation("ipv4-dropped", "a dual-stack host whose IPv4 packets to port 443 vanish: IPv6 carries everything")
def ipv4_dropped(world: World) -> None:
    world.use("46")
    world.router.forward.append('iifname "lan" meta nfproto ipv4 tcp dport 443 drop')


# --- name resolution -----------------------------------------------------------------------------------------------


@variation("slow-dns", "every DNS answer takes a second and a half")
def slow_dns(world: World) -> None:
    change_all(world, delay=1.5)


@variation("fourth-nameserver-dead", "resolv.conf names five, of which the resolver library asks three: those are well")
def fourth_nameserver_dead(world: World) -> None:
    for number in (54, 55):
        world.nameservers.append(NameServer(world.service(number)))
    for number in (56, 57):
        world.nameservers.append(NameServer(world.service(number), mode="silent"))


@variation("nameserver-ipv6", "a dual-stack host that asks its nameserver over IPv6")
def nameserver_ipv6(world: World) -> None:
    world.use("46")
    for number, server in enumerate(world.nameservers):
        server.address = world.service(53 + number, "6")


@variation("local-resolver-unnamed", "resolv.conf is empty, and the resolver on the host itself answers")
def local_resolver_unnamed(world: World) -> None:
    change_all(world, where="host", address="127.0.0.1")
    world.host.resolv_conf = ""


@fault("hosts-pin-blocked", "/etc/hosts sends ssmmessages to 0.0.0.0", "dns.hosts-file-pin")
def hosts_pin_blocked(world: World) -> None:
    world.host.hosts.append(f"0.0.0.0 {world.pattern('ssmmessages')}")


@fault("hosts-pin-loopback", "/etc/hosts sends two names to 127.0.0.1, on one line", "dns.hosts-file-pin")
def hosts_pin_loopback(world: World) -> None:
    world.host.hosts.append(f"127.0.0.1 {world.pattern('ssm')} {world.pattern('ec2messages')}")


@fault("hosts-only", "no nameserver at all, and every name stands in /etc/hosts", "dns.hosts-file-pin")
def hosts_only(world: World) -> None:
    world.nameservers.clear()
    world.host.hosts += [f"{one.public} {name}" for name, one in world.names.items() if "*" not in name]


@fault("name-without-address", "the resolver knows ssmmessages and has no address for it", "dns.names-hidden")
def name_without_address(world: World) -> None:
    answer(world, "ssmmessages")


@fault("servfail-for-one", "the nameserver answers SERVFAIL for ssmmessages alone", "dns.server-failing")
def servfail_for_one(world: World) -> None:
    change_all(world, failing=world.matching("ssmmessages"))


@fault("refused-for-some", "the nameserver answers REFUSED for ssm and ec2messages", "dns.server-failing")
def refused_for_some(world: World) -> None:
    change_all(world, refused=world.matching("ssm", "ec2messages"))


@fault("first-nameserver-refuses", "the first of two nameservers refuses this client", "dns.nameserver-degraded")
def first_nameserver_refuses(world: World) -> None:
    second(world)
    world.nameservers[0].mode = "refused"


@fault("third-nameserver-dead", "the last of three nameservers never answers", "dns.nameserver-degraded")
def third_nameserver_dead(world: World) -> None:
    second(world)
    world.nameservers.append(NameServer(world.service(55), mode="silent"))


@fault("one-name-unknown-to-one", "the second nameserver does not know ssmmessages", "dns.answers-differ")
def one_name_unknown_to_one(world: World) -> None:
    second(world, hidden=world.matching("ssmmessages"))


@fault("udp-dropped", "UDP port 53 is dropped, TCP passes", "dns.nameserver-down")
def udp_dropped(world: World) -> None:
    world.router.block("udp dport 53")


# --- proxies -------------------------------------------------------------------------------------------------------


@variation("proxy-by-name", "the only way out is a proxy that is called by its name")
def proxy_by_name(world: World) -> None:
    named_proxy(world)


@variation("proxy-https", "the only way out is a proxy that speaks TLS under a name that the host trusts")
def proxy_https(world: World) -> None:
    world.certificates["proxy"] = Certificate("DigiCert Inc", "DigiCert Global Root G2", names=(PROXY_NAME,))
    named_proxy(world, "https", tls=True)


@fault("proxy-by-name-dns-dead", "the proxy is called by its name, and no nameserver answers", "dns.nameserver-down")
def proxy_by_name_dns_dead(world: World) -> None:
    named_proxy(world)
    change_all(world, mode="silent")


@fault("proxy-by-name-no-nameserver", "the proxy is called by its name, and resolv.conf names no nameserver",
       "dns.no-nameserver")  # fmt: skip
def proxy_by_name_no_nameserver(world: World) -> None:
    named_proxy(world)
    world.nameservers.clear()


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


@fault("proxy-upgrade-502", "the proxy's far side answers WebSocket upgrades with 502", "websocket.refused")
def proxy_upgrade_502(world: World) -> None:
    behind_proxy(world)
    world.behave("ecs-a-*.*", "ecs-t-*.*", "ssmmessages", upgrade="502")


# --- TLS and HTTP --------------------------------------------------------------------------------------------------


@variation("tls-1.2", "every endpoint speaks TLS 1.2 at most, with an RSA certificate")
def tls_12(world: World) -> None:
    world.behave("*", tls="1.2")


@variation("ecdsa-1.3", "every endpoint has an ECDSA certificate and speaks TLS 1.3")
def ecdsa_13(world: World) -> None:
    present(world, "ecdsa", Certificate(common_name=world.options.ca, key="ecdsa"))


@variation("certificate-new", "the certificates became valid an hour ago")
def certificate_new(world: World) -> None:
    present(world, "new", Certificate(common_name=world.options.ca, age=3600))


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


@fault("chain-incomplete-one", "ec2messages does not send the intermediate certificate", "tls.chain-incomplete")
def chain_incomplete_one(world: World) -> None:
    short = Certificate(common_name=world.options.ca, sends_intermediate=False)
    present(world, "short", short, "ec2messages")


@fault("old-version-one", "what answers for ssm speaks TLS 1.1 at most", "tls.old-version")
def old_version_one(world: World) -> None:
    world.behave("ssm", tls="old")


@fault("plain-http-one", "what answers for ssm on port 443 speaks plain HTTP", "tls.not-tls")
def plain_http_one(world: World) -> None:
    world.behave("ssm", speaks="plain")


@fault("expired-and-dropped", "ssm shows an old certificate, packets to ssmmessages vanish",
       "tls.expired", "egress.endpoint-blocked")  # fmt: skip
def expired_and_dropped(world: World) -> None:
    present(world, "old", Certificate(common_name=world.options.ca, age=100 * 86400, life=90 * 86400), "ssm")
    world.router.block(to(world.addresses("ssmmessages")))


@fault("name-hidden-and-dropped", "the resolver does not know ssm, packets to ecs vanish",
       "dns.names-hidden", "egress.endpoint-blocked")  # fmt: skip
def name_hidden_and_dropped(world: World) -> None:
    change_all(world, hidden=world.matching("ssm"))
    world.router.block(to(world.addresses("ecs")))


@variation("clock-nearly-right", "the host's clock is 20 seconds ahead")
def clock_nearly_right(world: World) -> None:
    world.clock = -20


@variation(
    "store-of-the-shell", "the login shell names a CA file that is not there; the host's folder is read all the same"
)
def store_of_the_shell(world: World) -> None:
    world.environment["SSL_CERT_FILE"] = "/opt/none.pem"


# --- the same ones elsewhere ---------------------------------------------------------------------------------------


@fault("resolv-conf-from-windows", "the lines of resolv.conf end in carriage return and line feed", "dns.no-nameserver")
def resolv_conf_from_windows(world: World) -> None:
    world.host.resolv_conf = (
        "".join(f"nameserver {one.address}\r\n" for one in world.nameservers) + "options rotate\r\n"
    )


@variation("proxy-without-route", "no default route: the proxy and the resolver are all that can be reached")
def proxy_without_route(world: World) -> None:
    behind_proxy(world)
    world.host.default_route = False


@variation("ecdsa-1.2-for-ssm", "the SSM names have ECDSA certificates and TLS 1.2 at most, which the SSM agent takes")
def ecdsa_12_for_ssm(world: World) -> None:
    names = ("ssm", "ssmmessages", "ec2messages")
    present(world, "ecdsa", Certificate(common_name=world.options.ca, key="ecdsa"), *names)
    world.behave(*names, tls="1.2")


@variation("registered-lower-case", "registered behind a proxy that the units name in lower case alone")
def registered_lower_case(world: World) -> None:
    register(world)
    both = settings(behind_proxy(world).url)
    lower = {name: value for name, value in both.items() if name.islower()}
    set_proxy(world, lower, "docker", "ssm-agent")
    set_proxy(world, both, "ecs-agent")
    world.environment = dict(lower)


@variation("many-networks", "twelve Docker networks that cover nothing that is needed")
def many_networks(world: World) -> None:
    docker_of(world)
    for number in range(12):
        bridge(world, number, f"172.{18 + number}.0")


@fault("one-network-of-many", "one of thirteen Docker networks covers the proxy", "docker.subnet-overlap")
def one_network_of_many(world: World) -> None:
    behind_proxy(world)
    many_networks(world)
    bridge(world, 12, world.service(80).rpartition(".")[0])


def bridge(world: World, number: int, start: str) -> None:
    """A Docker network of 256 addresses, with its interface."""
    name = f"br-{number:012x}"
    add_networks(docker_of(world).state, network(f"net{number}", f"{start}.0/25", f"{start}.1"))
    lines = (f"link add {name} type bridge", f"addr add {start}.1/25 dev {name}", f"link set {name} up")
    world.host.network += lines


@fault("private-one-dropped", "PrivateLink for every name, and the endpoint of ssmmessages lets nobody in",
       "egress.endpoint-blocked")  # fmt: skip
def private_one_dropped(world: World) -> None:
    change_all(world, private=["*"])
    world.router.block(f"ip daddr {world.names[world.pattern('ssmmessages')].private} tcp dport 443")


@fault("private-all-dropped", "PrivateLink for every name, and nothing of it is let through", "egress.blocked")
def private_all_dropped(world: World) -> None:
    change_all(world, private=["*"])
    world.router.block()


@fault("private-one-hidden", "PrivateLink for every name but ec2messages, which nobody knows", "dns.names-hidden")
def private_one_hidden(world: World) -> None:
    change_all(world, private=["*"], hidden=world.matching("ssmmessages"))


@fault("ipv6-only-one-dropped", "a host with IPv6 alone, and packets to ecs vanish", "egress.endpoint-blocked")
def ipv6_only_one_dropped(world: World) -> None:
    world.use("6")
    world.router.block(f"ip6 daddr {world.names[world.pattern('ecs')].public6} tcp dport 443")


@fault("ipv6-only-dropped", "a host with IPv6 alone, and port 443 is dropped", "egress.blocked")
def ipv6_only_dropped(world: World) -> None:
    world.use("6")
    world.router.block()


@fault("store-without-amazon", "the host's CA store lacks Amazon's roots", "tls.trust-store-missing")
def store_without_amazon(world: World) -> None:
    world.host.trusted = ["public"]


@fault("upgrade-502-one", "a device answers the WebSocket upgrades of ssmmessages with 502", "websocket.refused")
def upgrade_502_one(world: World) -> None:
    world.behave("ssmmessages", upgrade="502")


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


@fault("interface-down", "the host's network card is down", "dns.nameserver-down")
def interface_down(world: World) -> None:
    world.host.network.append("link set eth0 down")
