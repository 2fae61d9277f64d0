"""`proxy verify` asks the proxy: one CONNECT for each component, judged by what really comes back."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from anywhere.changes.proxy.profile import read_profile
from anywhere.checks.network.proxy_connect import judge_connect
from anywhere.diagnosis import RULES, diagnose
from anywhere.hosts.base import Answer, Deadline, Probe, ProbeSpec, Query
from anywhere.hosts.local import LocalHost
from anywhere.model import Finding, Status
from tests.support.fakehost import FakeHost

ANSWERS = {
    "opens": b"HTTP/1.1 200 Connection established\r\n\r\n",
    "auth": b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
    "denied": b"HTTP/1.1 403 Forbidden\r\n\r\n",
    "unresolved": b"HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n",
    "hangs up": b"",
}


class AskingHost(FakeHost):
    """A fake host whose probes are real."""

    def probe(self, spec: ProbeSpec) -> Probe:
        return LocalHost(Deadline(10)).probe(spec)

    def resolve(self, query: Query) -> Answer:
        known = {"proxy.example": ("127.0.0.9", "127.0.0.1")}
        return Answer(query.name, "system", known.get(query.name, ()))


@contextmanager
def proxy(answer: str, credentials: str = "") -> Iterator[tuple[str, list[bytes]]]:
    """A proxy on the loopback and what it was asked; with `credentials` it answers 407 to those without."""
    asked: list[bytes] = []
    known = base64.b64encode(credentials.encode())

    def serve(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    head = connection.recv(4096)
                    asked.append(head)
                    connection.sendall(ANSWERS[answer if known in head else "auth"])
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)


def judged(
    url: str, credentials: str = "", no_proxy: tuple[str, ...] = (), files: dict[str, str] | None = None
) -> list[Finding]:
    return list(judge_connect(AskingHost(files or {}), read_profile(url, credentials, no_proxy, None)))


def test_every_component_is_opened_its_own_endpoint() -> None:
    with proxy("opens") as (url, asked):
        found = judged(url)
    assert [one.status for one in found] == [Status.PASS] * 3
    assert {one.subject.partition(":")[0] for one in found} == {"ssm-agent", "ecs-agent", "docker"}
    names = {head.split()[1].decode().partition(".")[0] for head in asked}
    assert names == {"ssm", "ecs", "prod-us-east-1-starport-layer-bucket"}
    assert all(head.startswith(b"CONNECT ") for head in asked)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("auth", "proxy.auth-required"),
        ("denied", "proxy.denies-endpoint"),
        ("unresolved", "proxy.denies-endpoint"),
    ],
)
def test_a_refusal_is_a_failure_with_its_cause(answer: str, cause: str) -> None:
    with proxy(answer) as (url, _):
        found = judged(url)
    assert [(one.status, one.cause) for one in found] == [(Status.FAIL, cause)] * 3
    assert all(one.remedy and one.remedy.text for one in found)
    assert [one.code for one in diagnose(tuple(found), RULES)] == [cause]


def test_a_proxy_by_its_name_is_looked_up_on_the_host_and_tried_at_each_address() -> None:
    with proxy("opens") as (url, _):
        assert [one.status for one in judged(url.replace("127.0.0.1", "proxy.example"))] == [Status.PASS] * 3
        found = judged(url.replace("127.0.0.1", "absent.example"))
    assert {(one.status, one.cause) for one in found} == {(Status.FAIL, "proxy.unreachable")}


def test_a_proxy_that_hangs_up_is_no_working_proxy() -> None:
    with proxy("hangs up") as (url, _):
        assert all(one.status is Status.FAIL for one in judged(url))


def test_a_proxy_that_is_not_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = judged(f"http://127.0.0.1:{port}")
    assert {(one.status, one.cause) for one in found} == {(Status.FAIL, "proxy.unreachable")}
    assert [one.code for one in diagnose(tuple(found), RULES)] == ["proxy.unreachable"]


def test_credentials_are_sent_and_never_shown() -> None:
    with proxy("opens", "user:Geheim%1") as (url, _):
        assert {one.cause for one in judged(url)} == {"proxy.auth-required"}
        found = judged(url, "user:Geheim%1")
    assert all(one.status is Status.PASS for one in found) and "Geheim" not in repr(found)


def test_what_a_component_really_has_counts_not_what_the_caller_gives() -> None:
    with proxy("opens", "user:right") as (url, _):
        unit = f"[Service]\nExecStart=/x\nEnvironment=HTTPS_PROXY={url.replace('//', '//user:wrong@')}\n"
        found = judged(url, "user:right", files={"/etc/systemd/system/docker.service": unit})
    states = {one.subject.partition(":")[0]: one.cause for one in found}
    assert states == {"ssm-agent": "", "ecs-agent": "", "docker": "proxy.auth-required"}


def test_what_no_proxy_keeps_from_the_proxy_is_not_asked_of_it() -> None:
    with proxy("denied") as (url, asked):
        found = judged(url, no_proxy=(".amazonaws.com",))
    assert {one.status for one in found} == {Status.SKIP} and not asked
