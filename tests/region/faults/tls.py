"""TLS: inspection, wrong and expired certificates, devices that speak something else."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.world import Certificate, World

INSPECTOR = Certificate(issuer="Example Industries Security", common_name="Example Web Gateway Root")


def present(world: World, key: str, certificate: Certificate, *patterns: str) -> None:
    """The far end of these names shows this certificate."""
    world.certificates[key] = certificate
    world.behave(*(patterns or ("*",)), certificate=key)


@fault("inspected", "a gateway inspects TLS, and the host does not trust its CA", "tls.intercepted-untrusted")
def inspected(world: World) -> None:
    present(world, "inspection", INSPECTOR)


@fault("inspected-trusted", "a gateway inspects TLS, and the host trusts its CA", "tls.intercepted-trusted")
def inspected_trusted(world: World) -> None:
    present(world, "inspection", INSPECTOR)
    world.host.trusted.append("inspection")


@fault("wrong-name", "every endpoint shows a certificate for another name", "tls.wrong-name")
def wrong_name(world: World) -> None:
    present(world, "other", Certificate(common_name=world.options.ca, names=("portal.example.net",)))


@fault("expired", "every endpoint shows a certificate that ended ten days ago", "tls.expired")
def expired(world: World) -> None:
    present(world, "old", Certificate(common_name=world.options.ca, age=100 * 86400, life=90 * 86400))


@fault("plain-http", "port 443 of every endpoint answers in plain HTTP", "tls.not-tls")
def plain_http(world: World) -> None:
    world.behave("*", speaks="plain")
