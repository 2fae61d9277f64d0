"""TLS and HTTP, less usual: AWS's own refusals, devices that answer in its place, handshakes that end in their middle."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.path.http import CHANNELS
from tests.region.faults.tls.inspection import INSPECTOR, inspected_trusted, present
from tests.region.world import Certificate, World

THROTTLED = """HTTP/1.1 429 Too Many Requests
Content-Type: application/x-amz-json-1.1
Content-Length: 70

{"__type":"ThrottlingException","message":"Rate exceeded, please retry"}"""
DEVICE = """HTTP/1.1 {0}
Content-Type: text/html
Connection: close
Content-Length: {1}

{2}"""


def device_says(status: str, text: str = "The request was stopped.") -> str:
    """A device's own page, with none of AWS's marks."""
    page = f"<html><head><title>{status}</title></head><body>{text}</body></html>"
    return DEVICE.format(status, len(page), page)


@variation("aws-unavailable", "AWS itself answers 503 everywhere, upgrades included: the path is well")
def aws_unavailable(world: World) -> None:
    world.behave("*", status=503)
    world.behave(*CHANNELS, upgrade="none")


@variation("aws-throttles", "AWS throttles ssm and ssmmessages with 429, without a request's number")
def aws_throttles(world: World) -> None:
    world.behave("ssm", "ssmmessages", said=THROTTLED)


@fault("aws-unavailable-inspected", "AWS's own 503 behind a gateway that inspects and is trusted",
       "tls.intercepted-trusted")  # fmt: skip
def aws_unavailable_inspected(world: World) -> None:
    inspected_trusted(world)
    world.behave("ssm", "ecs", "ssmmessages", status=503)


@fault("device-503", "a load balancer of the site answers every request with its own 503", "egress.blocked")
def device_503(world: World) -> None:
    world.behave("*", said=device_says("503 Service Unavailable"))


@fault("device-503-one", "a load balancer of the site answers for ssm with its own 503", "egress.endpoint-blocked")
def device_503_one(world: World) -> None:
    world.behave("ssm", said=device_says("503 Service Unavailable"))


@fault("portal-511", "a captive portal answers 511 to everything", "egress.blocked")
def portal_511(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", said=device_says("511 Network Authentication Required", "Sign in to go online."))


@fault("block-page-451", "a trusted gateway answers for ec2messages with its block page, as 451",
       "egress.endpoint-blocked", "tls.intercepted-trusted")  # fmt: skip
def block_page_451(world: World) -> None:
    inspected_trusted(world)
    world.behave("ec2messages", said=device_says("451 Unavailable For Legal Reasons"))


@fault("block-page-429", "a trusted gateway answers for ssm with a page about too many requests",
       "egress.endpoint-blocked", "tls.intercepted-trusted")  # fmt: skip
def block_page_429(world: World) -> None:
    inspected_trusted(world)
    world.behave("ssm", said=device_says("429 Too Many Requests"))


@fault("handshake-closed", "every ClientHello is answered by closing", "egress.blocked")
def handshake_closed(world: World) -> None:
    world.behave("*", speaks="close")


@fault("handshake-closed-one", "the ClientHello to ec2messages is answered by closing", "egress.endpoint-blocked")
def handshake_closed_one(world: World) -> None:
    world.behave("ec2messages", speaks="close")


@fault("handshake-half", "every handshake stalls in the middle of the certificates", "egress.silent")
def handshake_half(world: World) -> None:
    world.behave("*", speaks="half")


@fault("request-cut", "TLS succeeds, and every request is answered with a reset", "egress.blocked")
def request_cut(world: World) -> None:
    world.behave("*", speaks="cut")


@fault("request-cut-one", "TLS to ecs succeeds, and its requests are answered with a reset", "egress.endpoint-blocked")
def request_cut_one(world: World) -> None:
    world.behave("ecs", speaks="cut")


@variation("tls-1.3-only", "every endpoint speaks TLS 1.3 alone")
def tls_13_only(world: World) -> None:
    world.behave("*", tls="1.3")


@fault("inspected-without-names", "a trusted gateway's certificates have a common name alone, no subject names",
       "tls.wrong-name")  # fmt: skip
def inspected_without_names(world: World) -> None:
    present(world, "inspection", Certificate(INSPECTOR.issuer, INSPECTOR.common_name, has_names=False))
    world.host.trusted.append("inspection")


@fault("inspected-days-behind", "an untrusted gateway inspects, and the host's clock is five days behind",
       "clock.skewed", "tls.intercepted-untrusted")  # fmt: skip
def inspected_days_behind(world: World) -> None:
    present(world, "inspection", INSPECTOR)
    world.clock = 5 * 86400


@fault("inspected-days-ahead", "a trusted gateway with fresh certificates inspects, and the clock is two days behind",
       "clock.skewed", "tls.intercepted-trusted")  # fmt: skip
def inspected_days_ahead(world: World) -> None:
    present(world, "inspection", Certificate(INSPECTOR.issuer, INSPECTOR.common_name, age=3600))
    world.host.trusted.append("inspection")
    world.clock = 2 * 86400


@fault("upgrade-stripped", "a device takes the upgrade out of the request, and AWS asks for it", "websocket.refused")
def upgrade_stripped(world: World) -> None:
    world.behave(*CHANNELS, upgrade="stripped")


@fault("upgrade-cut", "upgrades are accepted, and the connection is reset at once", "websocket.refused")
def upgrade_cut(world: World) -> None:
    world.behave(*CHANNELS, upgrade="101-reset")


@fault("inspected-port-forward", "one address answers with the certificate of a device's own pages", "tls.wrong-name")
def inspected_port_forward(world: World) -> None:
    world.certificates["device"] = Certificate(
        "DigiCert Inc", "DigiCert Global Root G2", names=("fw1.dc1.example.com",)
    )
    world.behave("s3", certificate="device")


@fault("post-refused", "a trusted inspecting device refuses POST to every name, and lets GET pass",
       "proxy.denies-client", "tls.intercepted-trusted")  # fmt: skip
def post_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", refuses=("POST",))


@fault("agent-refused", "a trusted inspecting device refuses the ECS agent's User-Agent alone",
       "proxy.denies-client", "tls.intercepted-trusted")  # fmt: skip
def agent_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("ecs", refuses=("Amazon ECS Agent*",))


@fault("rsa-key-exchange", "what ends TLS for the SSM names offers RSA key exchange alone", "tls.agent-build")
def rsa_key_exchange(world: World) -> None:
    world.behave("ssm", "ssmmessages", "ec2messages", tls="rsa")
