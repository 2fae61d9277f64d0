"""The requests that are sent: the agents' own, in their form, and without a credential."""

from __future__ import annotations

import pytest

from anywhere.catalogue.requests import CALLS
from anywhere.hosts.base import ProbeSpec
from anywhere.hosts.probe.go.request import build, connect

NONCE, NOW = bytes(range(16)), 1_780_000_000.0


def lines(client: str, service: str, **more: object) -> list[str]:
    spec = ProbeSpec("ssm.eu-west-1.amazonaws.com", client=client, service=service, **more)
    return build(spec, NONCE, NOW).data.decode("latin-1").split("\r\n")


def test_the_ssm_agents_token_request_is_chunked() -> None:
    found = lines("ssm-agent", "ssm")
    assert found[0] == "POST / HTTP/1.1"
    assert found[1] == "Host: ssm.eu-west-1.amazonaws.com"
    assert found[2].startswith("User-Agent: aws-sdk-go/") and "amazon-ssm-agent/" in found[2]
    assert found[3] == "Transfer-Encoding: chunked"
    assert "X-Amz-Target: AmazonSSM.RequestManagedInstanceRoleToken" in found
    assert found[found.index("") - 1] == "Accept-Encoding: gzip"


def test_the_ecs_agents_call_has_its_headers_in_gos_order() -> None:
    found = lines("ecs-agent", "ecs")
    names = [line.partition(":")[0] for line in found[1 : found.index("")]]
    assert names[:3] == ["Host", "User-Agent", "Content-Length"]
    assert names[3:-1] == sorted(names[3:-1])
    assert "X-Amz-Target: AmazonEC2ContainerServiceV20141113.DiscoverPollEndpoint" in found


def test_a_channel_is_opened_as_the_library_does() -> None:
    found = lines("ecs-agent", "ecs-a", scheme="wss", path="/ws?x=1")
    assert found[:3] == ["GET /ws?x=1 HTTP/1.1", "Host: ssm.eu-west-1.amazonaws.com", "User-Agent: Go-http-client/1.1"]
    assert {"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"} <= set(found)


@pytest.mark.parametrize("key", sorted(CALLS), ids="-".join)
def test_no_request_holds_a_credential(key: tuple[str, str]) -> None:
    text = "\n".join(lines(*key)).lower()
    assert "authorization:" not in text and "aws4-hmac" not in text and "credential=" not in text


def test_connect_says_what_gos_does() -> None:
    assert (
        connect("h", 443, "", "ssm-agent")
        == b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nUser-Agent: Go-http-client/1.1\r\n\r\n"
    )
    assert b"[2001:db8::1]:443" in connect("2001:db8::1", 443, "", "docker")
    assert b"curl/" in connect("h", 443, "Basic eA==", "installer")
