"""TLS: inspection, wrong and expired certificates, devices that speak something else."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.software import AGENT, SSM_AGENT, daemon_of, register
from tests.region.world import Certificate, World

INSPECTOR = Certificate(issuer="Example Industries Security", common_name="Example Web Gateway Root")
DAY = 86400


def present(world: World, key: str, certificate: Certificate, *patterns: str) -> None:
    """The far end of these names shows this certificate."""
    world.certificates[key] = certificate
    world.behave(*(patterns or ("*",)), certificate=key)


@fault("inspected", "a gateway inspects TLS, and the host does not trust its CA", "tls.intercepted-untrusted")
def inspected(world: World) -> None:
    present(world, "inspection", INSPECTOR)


@fault("inspected-some", "a gateway inspects TLS to ssm and ecs alone", "tls.intercepted-untrusted")
def inspected_some(world: World) -> None:
    present(world, "inspection", INSPECTOR, "ssm", "ecs")


@fault("inspected-by-vendor", "a well-known gateway inspects TLS, and is not trusted", "tls.intercepted-untrusted")
def inspected_by_vendor(world: World) -> None:
    present(world, "inspection", Certificate(issuer="Zscaler Inc.", common_name="Zscaler Root CA"))


@fault("inspected-trusted", "a gateway inspects TLS, and the host trusts its CA", "tls.intercepted-trusted")
def inspected_trusted(world: World) -> None:
    present(world, "inspection", INSPECTOR)
    world.host.trusted.append("inspection")


@fault("chain-incomplete", "the servers do not send the intermediate certificate", "tls.chain-incomplete")
def chain_incomplete(world: World) -> None:
    present(world, "short", Certificate(common_name=world.options.ca, sends_intermediate=False))


@fault(
    "component-store",
    "the SSM agent has a CA store of its own without the inspecting gateway",
    "tls.component-untrusted",
)
def component_store(world: World) -> None:
    register(world)
    present(world, "inspection", INSPECTOR, "ssm", "ssmmessages", "ec2messages")
    world.host.trusted.append("inspection")
    world.host.bundles["/etc/pki/agents.pem"] = ["amazon", "public"]
    line = "SSL_CERT_FILE", "/etc/pki/agents.pem"
    unit = "/etc/systemd/system/amazon-ssm-agent.service.d/trust.conf"
    world.host.files[unit] = "[Service]\nEnvironment={}={}\nEnvironment=SSL_CERT_DIR=/etc/pki/none\n".format(*line)
    daemon_of(world, SSM_AGENT).environment |= {line[0]: line[1], "SSL_CERT_DIR": "/etc/pki/none"}


@fault("agent-store", "ecs.config names a file of CAs without the inspecting gateway's", "tls.component-untrusted")
def agent_store(world: World) -> None:
    register(world)
    present(world, "inspection", INSPECTOR, "ecs", "ecs-a-*.*", "ecs-t-*.*")
    world.host.trusted.append("inspection")
    world.host.bundles["/etc/ecs/site.pem"] = ["amazon", "public"]
    for name, value in (("SSL_CERT_FILE", "/etc/ecs/site.pem"), ("SSL_CERT_DIR", "/etc/ecs/none")):
        text = world.host.files["/etc/ecs/ecs.config"]
        world.host.files["/etc/ecs/ecs.config"] = f"{text}{name}={value}\n"
        daemon_of(world, AGENT).environment[name] = value


@fault("ecdsa-below-1.3", "a device offers ECDSA alone, and TLS 1.2 at most", "tls.agent-suites")
def ecdsa_below_13(world: World) -> None:
    present(world, "ecdsa", Certificate(common_name=world.options.ca, key="ecdsa"), "ecs", "ecs-a-*.*", "ecs-t-*.*")
    world.behave("ecs", "ecs-a-*.*", "ecs-t-*.*", tls="1.2")


@fault("trust-store-missing", "the host has no CA bundle", "tls.trust-store-missing")
def trust_store_missing(world: World) -> None:
    world.host.bundle = ""


@fault("trust-store-empty", "the host's CA bundle is an empty file", "tls.trust-store-missing")
def trust_store_empty(world: World) -> None:
    world.host.trusted.clear()


@fault("wrong-name", "every endpoint shows a certificate for another name", "tls.wrong-name")
def wrong_name(world: World) -> None:
    present(world, "other", Certificate(common_name=world.options.ca, names=("portal.example.net",)))


@fault("expired", "every endpoint shows a certificate that ended ten days ago", "tls.expired")
def expired(world: World) -> None:
    present(world, "old", Certificate(common_name=world.options.ca, age=100 * DAY, life=90 * DAY))


@fault("expired-one", "ssmmessages alone shows a certificate that ended yesterday", "tls.expired")
def expired_one(world: World) -> None:
    present(world, "old", Certificate(common_name=world.options.ca, age=90 * DAY, life=89 * DAY), "ssmmessages")


@fault("old-version", "a device on the way speaks TLS 1.1 at most", "tls.old-version")
def old_version(world: World) -> None:
    world.behave("*", tls="old")


@fault("plain-http", "port 443 of every endpoint answers in plain HTTP", "tls.not-tls")
def plain_http(world: World) -> None:
    world.behave("*", speaks="plain")


@fault("inspected-store-not-built", "the inspecting CA was put on the host, and the store was not built since",
       "tls.intercepted-untrusted")  # fmt: skip
def inspected_store_not_built(world: World) -> None:
    present(world, "inspection", INSPECTOR)
    world.host.bundles["/usr/local/share/ca-certificates/gateway.crt"] = ["inspection"]


@fault("inspected-other-folder", "the inspecting CA was put where another distribution has its own CAs",
       "tls.intercepted-untrusted")  # fmt: skip
def inspected_other_folder(world: World) -> None:
    present(world, "inspection", INSPECTOR)
    world.host.bundles["/etc/pki/ca-trust/source/anchors/gateway.pem"] = ["inspection"]
