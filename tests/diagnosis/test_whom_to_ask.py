"""Who is asked for a way out: a firewall, a private network's team, those who run a device or a proxy, or this host."""

from __future__ import annotations

from typing import Any

import pytest

from anywhere.diagnosis import RULES, SYMPTOMS, diagnose
from anywhere.model import Cause, Finding, Reason, Stage, Status

NAMES = ("ssm", "ssmmessages", "ecs")


def row(name: str, stage: Stage, reason: Reason | None, **seen: Any) -> Finding:
    status = Status.FAIL if reason else Status.PASS
    evidence = {"component": "ssm-agent", "service": name, **seen}
    subject = f"{name}.eu-west-1.amazonaws.com:443"
    return Finding("endpoints.reach", status, subject, "", stage, reason, evidence)


def lost(name: str, address: str, *, internal: bool) -> Finding:
    entry = {"address": address, "stage": "connect", "reason": "timeout", "detail": "", "route": True}
    return row(name, Stage.CONNECT, Reason.TIMEOUT, addresses=[{**entry, "internal": internal}])


def only(findings: list[Finding]) -> Cause:
    (cause,) = diagnose(tuple(findings), RULES, SYMPTOMS)
    return cause


@pytest.mark.parametrize("count", [3, 1])
def test_private_addresses_are_no_matter_of_the_internet_firewall(count: int) -> None:
    rest = [row(name, Stage.DONE, None) for name in NAMES[count:]]
    cause = only([*(lost(name, f"10.0.4.{n}", internal=True) for n, name in enumerate(NAMES[:count])), *rest])
    assert cause.code == ("egress.blocked" if count == 3 else "egress.endpoint-blocked")
    assert "10.0.4.0" in cause.remedy.text and "security group" in cause.remedy.text
    assert "proxy apply" not in cause.remedy.text and "no proxy" not in cause.summary


def test_one_public_address_among_them_is() -> None:
    cause = only([lost("ssm", "10.0.4.1", internal=True), lost("ecs", "52.95.1.1", internal=False)])
    assert "TCP 443 from this host to these names in the firewall" in cause.remedy.text


def test_who_answers_has_let_the_connection_through() -> None:
    entry = {
        "address": "52.95.1.1",
        "stage": "http",
        "reason": "captive-portal",
        "detail": "403 Forbidden (a page for people)",
    }
    page = row(
        "ssm",
        Stage.HTTP,
        Reason.CAPTIVE_PORTAL,
        addresses=[entry],
        http={"status": 403, "headers": {}},
        tls={"issuer": "Gateway CA", "issuer_organization": "Example Security", "chain": []},
    )
    cause = only([page, row("ecs", Stage.DONE, None)])
    assert cause.code == "egress.endpoint-blocked"
    assert "403 Forbidden" in cause.remedy.text and "Example Security" in cause.remedy.text
    assert "Allow TCP 443" not in cause.remedy.text


def proxied(
    detail: str, reason: Reason = Reason.PROXY_ERROR, url: str = "http://10.0.0.9:3128", **seen: Any
) -> Finding:
    entry = {"address": "10.0.0.9", "stage": "proxy", "reason": str(reason), "detail": detail}
    return row("ssm", Stage.PROXY, reason, proxy=url, addresses=[entry], **seen)


@pytest.mark.parametrize(
    ("detail", "says"),
    [
        ("405 Method Not Allowed", "Allow the method CONNECT"),
        ("400 Bad Request", "Allow the method CONNECT"),
        ("429 Too Many Requests", "limit"),
        ("302 Found", "sign-in page"),
        ("511 Network Authentication Required", "sign-in page"),
        ("502 Bad Gateway", "the proxy's own connection"),
        ("503 Service Unavailable", "the proxy's own connection"),
    ],
)
def test_a_refusal_is_not_a_broken_connection_of_the_proxy(detail: str, says: str) -> None:
    cause = only([proxied(detail)])
    assert cause.code == "proxy.denies-endpoint"
    assert says in cause.remedy.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:3128", "http://localhost:3128", "http://[::1]:3128"])
def test_a_proxy_on_this_host_is_started_here(url: str) -> None:
    cause = only([proxied("refused: connection refused", Reason.PROXY_UNREACHABLE, url)])
    assert "on this host itself, port 3128" in cause.remedy.text
    assert "allow this host" not in cause.remedy.text + cause.remedy.ask


def test_a_proxy_elsewhere_is_not() -> None:
    cause = only([proxied("refused: connection refused", Reason.PROXY_UNREACHABLE)])
    assert "allow this host to connect" in cause.remedy.text


def test_one_address_of_a_proxy_is_not_the_proxy() -> None:
    cause = only([proxied("timed out", Reason.PROXY_UNREACHABLE, partial=True)])
    assert "at 10.0.0.9" in cause.summary and "another address of it answers" in cause.summary
    assert "remove that address" in cause.remedy.text


def hidden(name: str, **seen: Any) -> Finding:
    return row(name, Stage.RESOLVE, Reason.NAME_UNKNOWN, resolved=[], known_to=[], **seen)


def test_the_names_of_ecs_are_hidden_with_its_numbered_hosts() -> None:
    rows = [hidden("ecs"), hidden("ecs-a-*", shards=True), hidden("ecs-t-*", shards=True), row("ssm", Stage.DONE, None)]
    assert only(rows).code == "dns.names-hidden"


def test_numbered_hosts_alone_have_a_cause_of_their_own() -> None:
    rows = [row("ecs", Stage.DONE, None), hidden("ecs-a-*", shards=True), hidden("ssm")]
    assert {cause.code for cause in diagnose(tuple(rows), RULES, SYMPTOMS)} == {"dns.names-hidden", "dns.shards-hidden"}
