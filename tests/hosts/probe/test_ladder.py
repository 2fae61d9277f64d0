"""The probe ladder against real sockets: every reason, and no stall that outlasts the deadline."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from anywhere.hosts.base import Deadline, NotPermitted, Probe, ProbeSpec
from anywhere.hosts.probe import tcp
from anywhere.hosts.probe.ladder import channel_refuses
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.hosts.probe.tcp import open_tcp
from anywhere.model import Reason, Stage
from anywhere.threads import fan_out
from tests.support.loopback import (
    HOST,
    REFUSAL,
    Handler,
    Server,
    climb,
    context,
    drips,
    https,
    ladder,
    proxy,
    read_request,
    relay,
    reset,
    says,
    silent,
    switching,
)
from tests.support.pace import within

SLACK = 0.3  # seconds: what the deadline may be exceeded by
NOW = datetime.now(UTC)
OPENED = "HTTP/1.1 200 Connection established\r\n\r\n"
PAGE = "HTTP/1.1 {} \r\nContent-Type: text/html\r\nVia: 1.1 proxy\r\nContent-Length: 19\r\n\r\n<html>no way</html>"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA(
        organization_name="Amazon", organization_unit_name="Amazon Root CA 1", key_type=trustme.KeyType.RSA
    )


@pytest.fixture(scope="module")
def trusted(ca: trustme.CA) -> str:
    return ca.cert_pem.bytes().decode()


@pytest.fixture(scope="module")
def good(ca: trustme.CA) -> ssl.SSLContext:
    return context(ca.issue_cert(HOST, key_type=trustme.KeyType.RSA))


def outcome(handler: Handler, trusted: str, budget: float = 6.0, **changes: object) -> Probe:
    with Server(handler) as server:
        return climb(ladder(trusted, budget), server.port, **changes)


def is_(probe: Probe, stage: Stage, reason: Reason | None) -> None:
    assert (probe.stage, probe.reason) == (stage, reason), probe


# --- what passes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
def test_an_answer_of_aws_is_reached(good: ssl.SSLContext, trusted: str, status: int) -> None:
    probe = outcome(https(good, REFUSAL.replace("403", str(status))), trusted)
    is_(probe, Stage.DONE, None)
    assert probe.http and probe.http.status == status and probe.http.date > 0
    assert probe.tls and probe.tls.verified and HOST in probe.tls.names
    assert probe.tls.issuer_organization == "Amazon"


def test_plain_http_is_reached_without_tls(trusted: str) -> None:
    is_(outcome(says(REFUSAL), trusted, scheme="http"), Stage.DONE, None)


def test_tcp_ends_after_the_connect(trusted: str) -> None:
    is_(outcome(silent, trusted, scheme="tcp"), Stage.DONE, None)


@pytest.mark.parametrize("status", [101, 400, 403])
def test_a_websocket_upgrade_is_answered(good: ssl.SSLContext, trusted: str, status: int) -> None:
    seen: list[bytes] = []

    def handler(tls: socket.socket) -> None:
        seen.append(read_request(tls))
        tls.sendall(switching(seen[0]) if status == 101 else REFUSAL.replace("403", str(status)).encode())

    is_(outcome(https(good, handler), trusted, scheme="wss", path="/ws?x=1"), Stage.DONE, None)
    head = seen[0].decode()
    assert (
        head.startswith("GET /ws?x=1 HTTP/1.1\r\n") and "Upgrade: websocket" in head and "Sec-WebSocket-Key: " in head
    )


def test_the_requests_are_larger_than_a_segment(good: ssl.SSLContext, trusted: str) -> None:
    seen: list[bytes] = []
    outcome(https(good, lambda tls: seen.append(read_request(tls))), trusted, client="ecs-agent", service="ecs")
    assert len(seen[0]) > 1500


def test_a_server_that_stays_after_its_answer_is_not_waited_for(good: ssl.SSLContext, trusted: str) -> None:
    def handler(tls: socket.socket) -> None:
        read_request(tls)
        tls.sendall(REFUSAL.encode())
        time.sleep(3)

    started = time.monotonic()
    is_(outcome(https(good, handler), trusted), Stage.DONE, None)
    assert time.monotonic() - started < within(1)


# --- connect ------------------------------------------------------------------------------------------------------


def test_refused(trusted: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    is_(climb(ladder(trusted), port), Stage.CONNECT, Reason.REFUSED)


@pytest.fixture
def full() -> Iterator[int]:
    """A port whose queue of waiting connections is full: Linux drops further SYNs, as a firewall does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    waiting = []
    for _ in range(8):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
        waiting.append(sock)
    yield port
    for sock in (*waiting, listener):
        sock.close()


def test_dropped_packets_time_out(full: int, trusted: str) -> None:
    is_(climb(ladder(trusted, 1.0), full), Stage.CONNECT, Reason.TIMEOUT)


def test_unreachable(trusted: str) -> None:
    is_(climb(ladder(trusted), 443, address="255.255.255.255"), Stage.CONNECT, Reason.UNREACHABLE)


def test_not_permitted(trusted: str) -> None:
    def connect(address: str, port: int, timeout: float, mss: int) -> socket.socket:
        raise NotPermitted(0, "open failed: administratively prohibited")

    is_(climb(replace(ladder(trusted), connect=connect), 443), Stage.CONNECT, Reason.NOT_PERMITTED)


def test_an_address_that_is_a_name_is_not_looked_up(trusted: str) -> None:
    started = time.monotonic()
    is_(climb(ladder(trusted), 443, address="localhost"), Stage.CONNECT, Reason.NAME_UNKNOWN)
    assert time.monotonic() - started < within(0.1)


# --- TLS ----------------------------------------------------------------------------------------------------------


def test_silence_after_the_client_hello(trusted: str) -> None:
    is_(outcome(silent, trusted, 1.0), Stage.TLS, Reason.TLS_TIMEOUT)


def test_reset_after_the_client_hello(trusted: str) -> None:
    is_(outcome(reset, trusted), Stage.TLS, Reason.TLS_RESET)


def test_closed_after_the_client_hello(trusted: str) -> None:
    is_(outcome(says(b""), trusted), Stage.TLS, Reason.TLS_RESET)


def test_closed_before_the_client_hello(trusted: str) -> None:
    is_(outcome(lambda sock: None, trusted), Stage.TLS, Reason.TLS_RESET)


@pytest.mark.parametrize(
    "data", ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "220 mail ESMTP\r\n", "\0" * 64]
)
@pytest.mark.parametrize("after", [0, 1])
def test_what_is_not_tls(trusted: str, data: str, after: int) -> None:
    is_(outcome(says(data, after=after), trusted), Stage.TLS, Reason.NOT_TLS)


@pytest.mark.parametrize(
    ("days", "reason"),
    [((-40, -10), Reason.CERT_EXPIRED), ((10, 40), Reason.CERT_NOT_YET_VALID)],
    ids=["past", "future"],
)
def test_dates(ca: trustme.CA, trusted: str, days: tuple[int, int], reason: Reason) -> None:
    first, last = (NOW + timedelta(days=number) for number in days)
    handler = https(context(ca.issue_cert(HOST, not_before=first, not_after=last)))
    probe = outcome(handler, trusted)
    is_(probe, Stage.TLS, reason)
    assert probe.tls and not probe.tls.verified
    assert abs(probe.tls.not_after - last.timestamp()) < 2
    # The second look comes through, and brings the far end's own date.
    again = outcome(handler, trusted, verify=False)
    is_(again, Stage.DONE, None)
    assert again.http and again.http.date > 0


def test_another_name(ca: trustme.CA, trusted: str) -> None:
    is_(outcome(https(context(ca.issue_cert("portal.example.net"))), trusted), Stage.TLS, Reason.CERT_NAME)


def test_a_name_in_the_common_name_only_does_not_count(ca: trustme.CA, trusted: str) -> None:
    leaf = ca.issue_cert("portal.example.net", common_name=HOST)
    is_(outcome(https(context(leaf)), trusted), Stage.TLS, Reason.CERT_NAME)


def test_an_unknown_issuer_is_named(trusted: str) -> None:
    other = trustme.CA(organization_name="Example Security", organization_unit_name="Web Gateway")
    probe = outcome(https(context(other.issue_cert(HOST))), trusted)
    is_(probe, Stage.TLS, Reason.CERT_UNTRUSTED)
    assert probe.tls and probe.tls.issuer_organization == "Example Security"


def test_no_store_at_all(good: ssl.SSLContext) -> None:
    is_(outcome(https(good), ""), Stage.TLS, Reason.CERT_UNTRUSTED)


def test_a_store_with_broken_certificates_still_counts(good: ssl.SSLContext, trusted: str) -> None:
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    is_(outcome(https(good), broken + trusted), Stage.DONE, None)


def test_a_missing_intermediate(ca: trustme.CA, trusted: str) -> None:
    leaf = ca.create_child_ca().issue_cert(HOST)
    is_(outcome(https(context(leaf)), trusted), Stage.DONE, None)
    probe = outcome(https(context(leaf, whole=False)), trusted)
    is_(probe, Stage.TLS, Reason.CERT_UNTRUSTED)
    assert probe.tls and len(probe.tls.chain) == 1


def test_an_intermediate_in_the_store_is_an_anchor_as_in_go(ca: trustme.CA) -> None:
    child = ca.create_child_ca()
    handler = https(context(child.issue_cert(HOST), whole=False))
    is_(outcome(handler, child.cert_pem.bytes().decode()), Stage.DONE, None)


def test_old_tls(ca: trustme.CA, trusted: str) -> None:
    old = context(ca.issue_cert(HOST, key_type=trustme.KeyType.RSA))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    is_(outcome(https(old), trusted), Stage.TLS, Reason.TLS_VERSION)
    is_(outcome(https(old), trusted, suites="any", verify=False, scheme="tls"), Stage.DONE, None)


def test_ecdsa_below_tls_1_3_is_not_what_the_ecs_agent_offers(ca: trustme.CA, trusted: str) -> None:
    narrow = context(ca.issue_cert(HOST, key_type=trustme.KeyType.ECDSA))
    narrow.maximum_version = ssl.TLSVersion.TLSv1_2
    is_(outcome(https(narrow), trusted), Stage.DONE, None)
    is_(outcome(https(narrow), trusted, suites="ecs-agent"), Stage.TLS, Reason.TLS_VERSION)


def test_the_ecs_agents_suites_meet_rsa_and_tls_1_3(ca: trustme.CA, good: ssl.SSLContext, trusted: str) -> None:
    is_(outcome(https(good), trusted, suites="ecs-agent"), Stage.DONE, None)
    rsa = context(ca.issue_cert(HOST, key_type=trustme.KeyType.RSA))
    rsa.maximum_version = ssl.TLSVersion.TLSv1_2
    is_(outcome(https(rsa), trusted, suites="ecs-agent"), Stage.DONE, None)
    modern = context(ca.issue_cert(HOST, key_type=trustme.KeyType.ECDSA))
    is_(outcome(https(modern), trusted, suites="ecs-agent"), Stage.DONE, None)


def test_a_server_that_asks_for_a_client_certificate(ca: trustme.CA, trusted: str) -> None:
    strict = context(ca.issue_cert(HOST))
    strict.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(strict)
    probe = outcome(https(strict), trusted)
    assert not probe.ok and probe.reason in (Reason.TLS_RESET, Reason.HTTP_ERROR), probe


# --- HTTP ---------------------------------------------------------------------------------------------------------


def test_no_answer_to_the_request(good: ssl.SSLContext, trusted: str) -> None:
    is_(outcome(https(good, silent), trusted, 1.0), Stage.HTTP, Reason.HTTP_TIMEOUT)


@pytest.mark.parametrize(
    "said", ["", "HTTP/1.1 200", "SSH-2.0-x\r\n", "HTTP/1.1 500 Oops\r\n\r\n", "HTTP/1.1 503 \r\n\r\n"]
)
def test_no_answer_of_http(good: ssl.SSLContext, trusted: str, said: str) -> None:
    is_(outcome(https(good, said), trusted), Stage.HTTP, Reason.HTTP_ERROR)


def test_a_fault_of_aws_itself_is_reached(good: ssl.SSLContext, trusted: str) -> None:
    """Throttled or failing, it is AWS that answers; the same status from a device on the way is none of its marks."""
    is_(outcome(https(good, REFUSAL.replace("403 Forbidden", "503 Slow Down")), trusted), Stage.DONE, None)
    bare = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    is_(outcome(https(good, bare), trusted), Stage.HTTP, Reason.HTTP_ERROR)


THROTTLED = 'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 35\r\n\r\n{"__type":"ThrottlingException"}    '
BUSY = "HTTP/1.1 503 Service Unavailable\r\nx-amzn-RequestId: 1\r\nContent-Length: 0\r\n\r\n"
SLOW_DOWN = (
    "HTTP/1.1 503 Slow Down\r\nContent-Length: 60\r\n\r\n<Error><Code>SlowDown</Code><Message>Reduce</Message></Error>"
)


@pytest.mark.parametrize("said", [THROTTLED, BUSY, SLOW_DOWN], ids=["429", "503", "slow down"])
@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_what_aws_says_when_it_is_busy_is_reached_also_through_an_inspector(said: str, scheme: str) -> None:
    other = trustme.CA(organization_name="Example Security")
    handler = https(context(other.issue_cert(HOST)), said)
    is_(outcome(handler, other.cert_pem.bytes().decode(), scheme=scheme), Stage.DONE, None)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "451 Unavailable For Legal Reasons"])
def test_a_page_of_any_status_is_a_page(status: str) -> None:
    other = trustme.CA(organization_name="Example Security")
    handler = https(context(other.issue_cert(HOST)), PAGE.format(status))
    is_(outcome(handler, other.cert_pem.bytes().decode()), Stage.HTTP, Reason.CAPTIVE_PORTAL)


def test_a_head_without_end(good: ssl.SSLContext, trusted: str) -> None:
    probe = outcome(https(good, "HTTP/1.1 200 OK\r\n" + "x: y\r\n" * 20000), trusted)
    assert probe.stage in (Stage.HTTP, Stage.DONE)


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden"])
def test_a_page_in_the_place_of_aws(good: ssl.SSLContext, trusted: str, status: str) -> None:
    is_(outcome(https(good, PAGE.format(status)), trusted), Stage.HTTP, Reason.CAPTIVE_PORTAL)


def test_a_redirect_to_another_site_by_another_issuer() -> None:
    other = trustme.CA(organization_name="Example Security")
    handler = https(
        context(other.issue_cert(HOST)), "HTTP/1.1 302 Found\r\nLocation: https://portal.example.net/\r\n\r\n"
    )
    is_(outcome(handler, other.cert_pem.bytes().decode()), Stage.HTTP, Reason.CAPTIVE_PORTAL)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "200 OK", "302 Found"])
def test_a_refused_upgrade(good: ssl.SSLContext, trusted: str, status: str) -> None:
    is_(outcome(https(good, PAGE.format(status)), trusted, scheme="wss"), Stage.HTTP, Reason.UPGRADE_REFUSED)


def test_a_quiet_connection_that_is_cut(good: ssl.SSLContext, trusted: str) -> None:
    probe = outcome(https(good, lambda _: time.sleep(0.2)), trusted, idle=1.0, scheme="wss")
    is_(probe, Stage.HTTP, Reason.HTTP_ERROR)
    assert probe.survived is False
    assert outcome(https(good), trusted, idle=0.3).survived is True


# --- proxy --------------------------------------------------------------------------------------------------------


def through(
    handler: Handler, trusted: str, budget: float = 6.0, url: str = "http://127.0.0.1:{}", **changes: object
) -> Probe:
    with Server(handler) as server:
        return climb(ladder(trusted, budget), 443, proxy=url.format(server.port), **changes)


def test_a_tunnel(good: ssl.SSLContext, trusted: str) -> None:
    seen: list[bytes] = []
    with Server(https(good)) as far:
        probe = through(proxy(far.port, OPENED, seen), trusted)
    is_(probe, Stage.DONE, None)
    assert seen[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n".encode())
    assert b"Proxy-Authorization" not in seen[0]


def test_credentials_are_sent_and_not_kept(good: ssl.SSLContext, trusted: str) -> None:
    seen: list[bytes] = []
    with Server(https(good)) as far:
        probe = through(proxy(far.port, OPENED, seen), trusted, url="http://edge:p%40ss%3Aw%2Frd@127.0.0.1:{}")
    is_(probe, Stage.DONE, None)
    assert b"Proxy-Authorization: Basic ZWRnZTpwQHNzOncvcmQ=\r\n" in seen[0]
    assert "ss%3A" not in repr(probe)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\r\n",
            Reason.PROXY_AUTH_REQUIRED,
        ),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", Reason.PROXY_DENIED),
        ("HTTP/1.0 451 Unavailable\r\n\r\n", Reason.PROXY_DENIED),
        ("HTTP/1.1 502 Bad Gateway\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n", Reason.PROXY_ERROR),
        ("HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n", Reason.PROXY_ERROR),
        ("garbage that is no HTTP at all\r\n\r\n", Reason.PROXY_ERROR),
        ("\x15\x03\x01\x00\x02\x02F", Reason.PROXY_ERROR),
        ("", Reason.PROXY_ERROR),
    ],
)
def test_a_proxy_that_refuses(trusted: str, said: str, reason: Reason) -> None:
    probe = through(proxy(1, said), trusted)
    is_(probe, Stage.PROXY, reason)
    assert probe.detail


def test_a_proxy_offers_what_the_agents_do_not_know(trusted: str) -> None:
    probe = through(proxy(1, "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\n\r\n"), trusted)
    assert probe.detail == "407 No; offers Negotiate"


def test_a_proxy_with_every_offer_in_a_line_of_its_own(trusted: str) -> None:
    said = "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=x\r\n\r\n"
    assert "Negotiate" in through(proxy(1, said), trusted).detail
    assert "Basic" in through(proxy(1, said), trusted).detail


def test_a_silent_proxy(trusted: str) -> None:
    is_(through(silent, trusted, 1.0), Stage.PROXY, Reason.PROXY_ERROR)


def test_nothing_listens_on_the_proxys_port(trusted: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    is_(climb(ladder(trusted), 443, proxy=f"http://127.0.0.1:{port}"), Stage.PROXY, Reason.PROXY_UNREACHABLE)


def test_a_tunnel_into_silence_is_no_fault_of_the_proxy(trusted: str) -> None:
    with Server(silent) as far:
        is_(through(proxy(far.port), trusted, 1.0), Stage.TLS, Reason.TLS_TIMEOUT)


def over_tls(ca: trustme.CA, inner: Handler) -> Handler:
    """A proxy that speaks TLS to its clients."""
    own = context(ca.issue_cert("127.0.0.1"))

    def handler(sock: socket.socket) -> None:
        near, far = socket.socketpair()
        thread = threading.Thread(target=swallow, args=(inner, far), daemon=True)
        thread.start()
        with near, own.wrap_socket(sock, server_side=True) as tls:
            relay(tls, near)
        thread.join(5)

    return handler


def swallow(handler: Handler, sock: socket.socket) -> None:
    with sock:
        try:
            handler(sock)
        except OSError:
            pass


def test_a_tunnel_inside_tls(ca: trustme.CA, good: ssl.SSLContext, trusted: str) -> None:
    with Server(https(good)) as far:
        probe = through(over_tls(ca, proxy(far.port)), trusted, url="https://127.0.0.1:{}")
    is_(probe, Stage.DONE, None)
    assert probe.tls and HOST in probe.tls.names


def test_behind_a_tls_proxy_the_far_ends_certificate_is_shown(ca: trustme.CA, trusted: str) -> None:
    other = trustme.CA(organization_name="Example Security")
    with Server(https(context(other.issue_cert(HOST)))) as far:
        probe = through(over_tls(ca, proxy(far.port)), trusted, url="https://127.0.0.1:{}")
    is_(probe, Stage.TLS, Reason.CERT_UNTRUSTED)
    assert probe.tls and probe.tls.issuer_organization == "Example Security"


def test_a_tls_proxy_that_is_not_trusted(ca: trustme.CA, trusted: str) -> None:
    other = trustme.CA(organization_name="Example Security")
    probe = through(over_tls(other, proxy(1)), trusted, url="https://127.0.0.1:{}")
    is_(probe, Stage.PROXY, Reason.PROXY_ERROR)
    assert "cert-untrusted" in probe.detail


def test_a_plain_proxy_spoken_to_with_tls(trusted: str) -> None:
    is_(through(proxy(1), trusted, url="https://127.0.0.1:{}"), Stage.PROXY, Reason.PROXY_ERROR)


@pytest.mark.parametrize(
    "url", ["http://", "ftp://127.0.0.1:21", "http://127.0.0.1:99999", "http://[::1", "socks5://127.0.0.1:1"]
)
def test_a_proxy_url_that_nobody_can_use_is_an_outcome(trusted: str, url: str) -> None:
    probe = climb(ladder(trusted, 1.0), 443, proxy=url)
    assert probe.stage is Stage.PROXY and probe.reason in (Reason.PROXY_UNREACHABLE, Reason.PROXY_ERROR), probe


# --- the deadline -------------------------------------------------------------------------------------------------

DRIP = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4000\r\n\r\n" + b"x" * 4000


def stalls(ca: trustme.CA, good: ssl.SSLContext) -> dict[str, tuple[Handler, dict[str, object]]]:
    hello = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(16000)

    opened = {"proxy": "http://127.0.0.1:{}"}
    secure = {"proxy": "https://127.0.0.1:{}"}
    return {
        "silent after accept": (silent, {}),
        "server hello drips": (drips(hello), {}),
        "server hello drips fast": (drips(hello, 0.05), {}),
        "no answer to the request": (https(good, silent), {}),
        "answer drips": (https(good, drips(DRIP)), {}),
        "answer drips fast": (https(good, drips(DRIP, 0.05)), {}),
        "half a body": (https(good, says_and_stays(DRIP[:80].decode())), {}),
        "upgrade without an answer": (https(good, silent), {"scheme": "wss"}),
        "plain http drips": (drips(DRIP), {"scheme": "http"}),
        "proxy silent": (silent, opened),
        "proxy drips": (drips(DRIP), opened),
        "proxy drips fast": (drips(DRIP, 0.05), opened),
        "tls proxy silent": (silent, secure),
        "tls proxy drips": (drips(hello, 0.1), secure),
        "tls proxy silent after CONNECT": (over_tls(ca, silent), secure),
        "silent behind a tls proxy": (over_tls(ca, says_and_stays(OPENED)), secure),
    }


def says_and_stays(text: str) -> Handler:
    def handler(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(text.encode())
        silent(sock)

    return handler


STALLS = (
    "silent after accept",
    "server hello drips",
    "server hello drips fast",
    "no answer to the request",
    "answer drips",
    "answer drips fast",
    "half a body",
    "upgrade without an answer",
    "plain http drips",
    "proxy silent",
    "proxy drips",
    "proxy drips fast",
    "tls proxy silent",
    "tls proxy drips",
    "tls proxy silent after CONNECT",
    "silent behind a tls proxy",
)


@pytest.mark.parametrize("budget", [0.5, 1.2])
@pytest.mark.parametrize("name", STALLS)
def test_no_stall_outlasts_the_deadline(
    ca: trustme.CA, good: ssl.SSLContext, trusted: str, name: str, budget: float
) -> None:
    handler, changes = stalls(ca, good)[name]
    with Server(handler) as server:
        words = {key: str(value).format(server.port) for key, value in changes.items()}
        climber = ladder(trusted, budget)
        started = time.monotonic()
        probe = climb(climber, server.port, **words)
        took = time.monotonic() - started
    assert took < budget + within(SLACK), f"{took:.2f} s: {probe}"


@pytest.mark.parametrize("name", STALLS)
def test_after_the_deadline_nothing_is_judged_and_nothing_breaks(
    ca: trustme.CA, good: ssl.SSLContext, trusted: str, name: str
) -> None:
    handler, changes = stalls(ca, good)[name]
    with Server(handler) as server:
        words = {key: str(value).format(server.port) for key, value in changes.items()}
        climber = ladder(trusted, 0.0)
        started = time.monotonic()
        probe = climb(climber, server.port, **words)
        assert time.monotonic() - started < within(SLACK)
    assert not probe.ok


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:{}", "https://127.0.0.1:{}"])
def test_a_deadline_that_passes_between_two_steps(trusted: str, url: str) -> None:
    def slow(address: str, port: int, timeout: float, mss: int) -> socket.socket:
        time.sleep(timeout + 0.1)
        return open_tcp(address, port, 1.0, mss)

    with Server(silent) as server:
        climber = replace(ladder(trusted, 1.0), connect=slow, deadline=Deadline(0.2))
        probe = climb(climber, server.port, proxy=url.format(server.port))
    assert probe.stage is (Stage.PROXY if url else Stage.TLS)
    assert probe.reason is (Reason.PROXY_ERROR if url else Reason.TLS_TIMEOUT)
    assert probe.late


def test_a_step_that_had_its_time_is_not_late(full: int, trusted: str) -> None:
    assert not climb(ladder(trusted, 1.0), full).late
    short = replace(ladder(trusted, 1.0), deadline=Deadline(0.15))
    assert climb(short, full).late
    refused = replace(ladder(trusted, 1.0), deadline=Deadline(0.15))
    assert not climb(refused, 1).late


def test_a_full_house_of_stalls_ends_together(good: ssl.SSLContext, trusted: str) -> None:
    """One deadline for all: forty stalled climbs take no longer than one."""
    with Server(silent) as server:
        climber = ladder(trusted, 1.0)
        started = time.monotonic()
        probes = fan_out([lambda: climb(climber, server.port)] * 40)
        assert time.monotonic() - started < 1.0 + within(SLACK)
    assert {probe.reason for probe in probes} == {Reason.TLS_TIMEOUT}


def test_climbs_leave_no_thread_and_no_descriptor(ca: trustme.CA, good: ssl.SSLContext, trusted: str) -> None:
    """Also counts the servers of this test, which close what their clients close."""
    with Server(https(good)) as far, Server(over_tls(ca, proxy(far.port))) as server:
        climber = ladder(trusted, 5.0)
        assert climb(climber, 443, proxy=f"https://127.0.0.1:{server.port}").ok
        before = settled()
        for _ in range(5):
            assert climb(climber, 443, proxy=f"https://127.0.0.1:{server.port}").ok
        assert settled() <= before


def settled() -> tuple[int, int]:
    """Threads and descriptors once nothing changes any more."""
    last = (-1, -1)
    for _ in range(20):
        now = (threading.active_count(), len(os.listdir("/proc/self/fd")))
        if now == last:
            return now
        last = now
        time.sleep(0.1)
    return last


def test_every_reason_of_the_ladder_is_in_this_file() -> None:
    text = Path(__file__).read_text()
    above_names = [reason for reason in Reason if reason.name not in NOT_HERE]
    assert [reason.name for reason in above_names if f"Reason.{reason.name}" not in text] == []


NOT_HERE = ("NO_NAMESERVER", "NAMESERVER_TIMEOUT", "SERVER_FAILURE", "BOGUS_ANSWER")


def test_a_reset_right_after_the_connect_is_the_same_however_late_it_is_seen(
    trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that had to wait for the processor finds the reset where it expects the connection."""

    def cut(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    result = tcp._result

    def late(sock: tcp.Dialled) -> tcp.Dialled:
        time.sleep(0.3)
        return result(sock)

    monkeypatch.setattr(tcp, "_result", late)
    is_(outcome(cut, trusted), Stage.TLS, Reason.TLS_RESET)
    with Server(cut) as server:
        probe = climb(ladder(trusted), 443, proxy=f"http://127.0.0.1:{server.port}")
    assert (probe.reason, probe.detail) == (Reason.PROXY_ERROR, "no HTTP answer to CONNECT: connection reset")


@pytest.mark.parametrize("settings", [True, False])
def test_a_far_end_that_picks_http2_has_to_speak_it(ca: trustme.CA, trusted: str, settings: bool) -> None:
    picks = context(ca.issue_cert(HOST, key_type=trustme.KeyType.RSA))
    picks.set_alpn_protocols(["h2", "http/1.1"])

    def answers(sock: ssl.SSLSocket) -> None:
        if sock.selected_alpn_protocol() == "h2":
            assert sock.recv(64).startswith(b"PRI * HTTP/2.0")
            sock.sendall(b"\0\0\0\4\0\0\0\0\0" if settings else REFUSAL.encode())
        else:
            read_request(sock)
            sock.sendall(REFUSAL.replace("\r\n\r\n{}", "\r\nX-Amzn-Errortype: x\r\n\r\n{}").encode())

    with Server(https(picks, answers)) as server:
        probe = climb(ladder(trusted), server.port, client="ssm-agent", service="ssm")
        other = climb(ladder(trusted), server.port, client="ecs-agent", service="ecs")
    assert probe.ok is settings, probe
    assert settings or (probe.stage, probe.reason) == (Stage.HTTP, Reason.HTTP_ERROR)
    assert other.ok, other


def test_the_library_of_the_channels_knows_fewer_proxies() -> None:
    def refused(url: str, scheme: str = "wss") -> bool:
        spec = ProbeSpec(HOST, scheme=scheme, client="ecs-agent")
        return bool(channel_refuses(spec, ProxyUrl.parse(url)))

    assert not refused("http://10.0.0.1:3128")
    assert not refused("http://10.0.0.1")
    assert refused("http://10.0.0.1:")
    assert refused("http://pr\u00f6xy.example:3128")
    assert refused("socks5://10.0.0.1")
    assert refused("http://2001:db8::80:3128")
    assert not refused("http://[2001:db8::80]:3128")


@pytest.mark.parametrize(
    ("lines", "opens"),
    [
        ("Connection: keep-alive, Upgrade", True),
        ("Connection: keep-alive\r\nConnection: Upgrade", True),
        ("Connection: Upgrade, ,x", True),
        ("Connection: , Upgrade", False),
        ("Connection: x,,Upgrade\r\nConnection: upgrade", True),
    ],
)
def test_the_words_of_an_upgrade_as_its_library_reads_them(
    good: ssl.SSLContext, trusted: str, lines: str, opens: bool
) -> None:
    def handler(tls: socket.socket) -> None:
        tls.sendall(switching(read_request(tls)).replace(b"Connection: Upgrade", lines.encode()))

    probe = outcome(https(good, handler), trusted, scheme="wss", client="ecs-agent", service="ecs-a")
    assert (probe.reason is None) is opens, probe


@pytest.mark.parametrize(("client", "service", "passes"), [("ecs-agent", "ecs", True), ("ssm-agent", "ssm", False)])
def test_a_307_wants_the_same_request_again(
    good: ssl.SSLContext, trusted: str, client: str, service: str, passes: bool
) -> None:
    """The SSM agent's body goes out in chunks, and can be sent only once."""

    def handler(tls: socket.socket) -> None:
        post = read_request(tls).startswith(b"POST /x ")
        moved = "HTTP/1.1 307 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
        error = REFUSAL.replace("\r\n\r\n{}", "\r\nX-Amzn-Errortype: x\r\n\r\n{}")
        tls.sendall((error if post else moved).encode())

    assert outcome(https(good, handler), trusted, client=client, service=service).ok is passes


@pytest.mark.parametrize(
    ("extra", "passes"),
    [
        ("Sec-WebSocket-Accept: x", True),
        ("Sec-WebSocket-Extensions: permessage-deflate", False),
        (
            "Sec-WebSocket-Extensions: x, permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            True,
        ),
    ],
)
def test_further_headers_of_an_accepted_upgrade(good: ssl.SSLContext, trusted: str, extra: str, passes: bool) -> None:
    def handler(tls: socket.socket) -> None:
        answer = switching(read_request(tls))
        tls.sendall(answer.removesuffix(b"\r\n") + extra.encode() + b"\r\n\r\n")

    assert outcome(https(good, handler), trusted, scheme="wss", client="ecs-agent").ok is passes
