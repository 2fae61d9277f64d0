"""The engine, and each rule on findings made by hand: deeper causes before shallower ones, every trouble explained once."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere.diagnosis import BLAMING, RULES, SYMPTOMS, Case, Rule, diagnose
from anywhere.model import Cause, Finding, Reason, Remedy, Stage, Status

FAIL, WARN, PASS, SKIP, ERROR = Status.FAIL, Status.WARN, Status.PASS, Status.SKIP, Status.ERROR
FIX = Remedy("Fix it.")


def found(check: str, status: Status, subject: str = "x", **more: Any) -> Finding:
    return Finding(check, status, subject, more.pop("summary", f"{check} of {subject}"), **more)


def codes(findings: Iterable[Finding]) -> list[str]:
    return [cause.code for cause in diagnose(tuple(findings), RULES, SYMPTOMS, BLAMING)]


# --- the engine ---------------------------------------------------------------------------------------------------


def claims(check: str, code: str) -> Rule:
    return Rule(code, lambda case: (index for index, _ in case.trouble(check)), f"{code} it is", FIX)


def test_nothing_wrong_is_no_cause() -> None:
    rows = [found("a.b", status) for status in (PASS, SKIP, ERROR)]
    assert diagnose(rows, RULES, SYMPTOMS, BLAMING) == ()
    assert diagnose((), RULES, SYMPTOMS, BLAMING) == ()


def test_the_first_rule_wins() -> None:
    rows = [found("a.b", FAIL), found("a.c", WARN)]
    rules = [claims("a.b", "one.x"), Rule("two.x", lambda case: range(9), "all", FIX)]
    assert [(cause.code, cause.findings) for cause in diagnose(rows, rules)] == [("two.x", (1,)), ("one.x", (0,))]


def test_a_rule_may_not_take_what_is_no_trouble() -> None:
    rows = [found("a.b", PASS), found("a.b", SKIP), found("a.b", ERROR), found("a.b", FAIL)]
    (cause,) = diagnose(rows, [Rule("one.x", lambda case: range(-5, 9), "all", FIX)])
    assert cause.findings == (3,)


def test_a_rule_that_takes_nothing_is_no_cause() -> None:
    assert diagnose([found("a.b", PASS)], [Rule("one.x", lambda case: range(9), "all", FIX)]) == ()


def test_what_no_rule_takes_is_named_by_its_check() -> None:
    rows = [
        found("a.b", FAIL, "one", cause="os.unsupported", remedy=Remedy("First.", (("a",),))),
        found("a.b", WARN, "two", cause="os.unsupported", remedy=Remedy("Second.", (("b",), ("a",)))),
        found("a.c", WARN, "three"),
    ]
    warn, fail = diagnose(rows, ())
    assert (fail.code, fail.severity, fail.subjects, fail.findings) == ("os.unsupported", FAIL, ("one", "two"), (0, 1))
    assert fail.summary == "a.b of one (and 1 more)"
    assert fail.remedy == Remedy("First. Second.", (("b",), ("a",)))
    assert (warn.code, warn.severity, warn.remedy.text) == ("a.c", WARN, "See the findings.")


def test_the_worst_is_last_and_the_order_of_the_rules_is_kept() -> None:
    rows = [found("a.b", WARN), found("a.c", FAIL), found("a.d", WARN), found("a.e", FAIL)]
    rules = [claims(f"a.{letter}", f"{letter}.x") for letter in "bcde"]
    assert [cause.code for cause in diagnose(rows, rules)] == ["b.x", "d.x", "c.x", "e.x"]


def test_a_rule_sees_what_is_explained_already() -> None:
    seen: list[int] = []

    def look(case: Case) -> Iterable[int]:
        seen.append(len(list(case.of("a.b"))))
        return ()

    diagnose([found("a.b", FAIL), found("a.b", PASS)], [claims("a.b", "one.x"), Rule("two.x", look, "", FIX)])
    assert seen == [2]


def test_a_symptom_goes_to_the_cause_behind_it() -> None:
    rows = [found("a.b", FAIL, "agent"), found("a.c", FAIL, "proxy")]
    rules = [claims("a.b", "agent.disconnected"), claims("a.c", "proxy.unreachable")]
    (cause,) = diagnose(rows, rules, (("agent.disconnected", ("dns.", "proxy.")),))
    assert (cause.code, cause.findings, cause.subjects) == ("proxy.unreachable", (0, 1), ("proxy", "agent"))


def test_a_symptom_graver_than_any_cause_stays() -> None:
    rows = [found("a.b", FAIL), found("a.c", WARN)]
    rules = [claims("a.b", "agent.disconnected"), claims("a.c", "proxy.unreachable")]
    assert len(diagnose(rows, rules, (("agent.disconnected", ("proxy.",)),))) == 2


# --- findings as the checks make them -----------------------------------------------------------------------------

HOSTS = ("ecs", "ssm", "ssmmessages", "ec2messages", "s3")
PROXY = "http://10.0.0.80:3128"


def name(host: str) -> str:
    return f"{host}.us-east-1.amazonaws.com" if "." not in host else host


def reach(
    host: str, stage: Stage, reason: Reason | None, detail: str = "", *, status: Status = FAIL, **evidence: Any
) -> Finding:
    """What `endpoints.reach` says of one endpoint with one address."""
    entry: dict[str, Any] = {"address": evidence.pop("address", "203.0.113.10"), "stage": str(stage)}
    if reason:
        entry |= {"reason": str(reason), "detail": detail}
    if stage is Stage.CONNECT:
        entry["route"] = evidence.pop("route", True)
    addresses = [] if stage is Stage.RESOLVE else [entry]
    whole = {"component": "ssm-agent", "service": host, "proxy": "", "addresses": addresses, **evidence}
    return found("endpoints.reach", status, f"{name(host)}:443", stage=stage, reason=reason, evidence=whole)


def good(host: str, **evidence: Any) -> Finding:
    return reach(host, Stage.DONE, None, status=PASS, **evidence)


def every(stage: Stage, reason: Reason, **evidence: Any) -> list[Finding]:
    return [reach(host, stage, reason, **copy.deepcopy(evidence)) for host in HOSTS]


def others(*hosts: str, **evidence: Any) -> list[Finding]:
    return [good(host, **evidence) for host in HOSTS if host not in hosts]


def no_shards(kind: str, reason: Reason = Reason.NAME_UNKNOWN) -> Finding:
    return reach(f"ecs-{kind}-*", Stage.RESOLVE, reason, shards=True, tried=[f"ecs-{kind}-1"])


def shard(number: int, reason: Reason = Reason.TIMEOUT, stage: Stage = Stage.CONNECT, **evidence: Any) -> Finding:
    return reach(f"ecs-a-{number}", stage, reason, status=WARN, shard=number, **evidence)


def server(address: str, reason: Reason, status: Status = FAIL) -> Finding:
    return found("network.nameservers", status, address, stage=Stage.RESOLVE, reason=reason)


def tls(issuer: str, *chain: str, **more: Any) -> dict[str, Any]:
    names = list(chain) or [f"x, {issuer}", f"root, {issuer}"]
    return {"tls": {"issuer": "x", "issuer_organization": issuer, "chain": names}, **more}


def looks(**outcomes: str) -> dict[str, Any]:
    return {"second_look": {key.replace("_", "-"): value for key, value in outcomes.items()}}


STORE = found("endpoints.trust-store", FAIL, "CA store", cause="tls.trust-store-missing", remedy=Remedy("Build it."))
CLOCK = found("system.clock", FAIL, "clock", cause="clock.skewed", remedy=Remedy("Set it."))
TIMEOUT, DEAD = Reason.NAMESERVER_TIMEOUT, Reason.SERVER_FAILURE

CASES: dict[str, tuple[list[Finding], list[str]]] = {
    # names
    "no nameserver": (
        [server("/etc/resolv.conf", Reason.NO_NAMESERVER), *every(Stage.RESOLVE, DEAD), no_shards("a", DEAD)],
        ["dns.no-nameserver"],
    ),
    "nameserver down": (
        [server("10.0.0.53", TIMEOUT), *every(Stage.RESOLVE, TIMEOUT), no_shards("a", TIMEOUT)],
        ["dns.nameserver-down"],
    ),
    "nameserver fails": ([server("10.0.0.53", DEAD), *every(Stage.RESOLVE, DEAD)], ["dns.server-failing"]),
    "one name fails": ([reach("ssm", Stage.RESOLVE, DEAD), *others("ssm")], ["dns.server-failing"]),
    "one of two down": ([server("10.0.0.53", TIMEOUT, WARN), *others()], ["dns.nameserver-degraded"]),
    "a name hidden": ([reach("ssm", Stage.RESOLVE, Reason.NAME_UNKNOWN), *others("ssm")], ["dns.names-hidden"]),
    "every name hidden": (
        [*every(Stage.RESOLVE, Reason.NAME_UNKNOWN), no_shards("a"), no_shards("t")],
        ["dns.names-hidden"],
    ),
    "shards hidden": ([*others(), no_shards("a"), no_shards("t")], ["dns.shards-hidden"]),
    "a name and the shards hidden": (
        [reach("ssm", Stage.RESOLVE, Reason.NAME_UNKNOWN), *others("ssm"), no_shards("a")],
        ["dns.names-hidden", "dns.shards-hidden"],
    ),
    "queries for one name are dropped": (
        [found("network.nameservers", PASS, "10.0.0.53"), reach("ssm", Stage.RESOLVE, TIMEOUT), *others("ssm")],
        ["dns.names-hidden"],
    ),
    "a sinkhole": (
        [reach("ssm", Stage.RESOLVE, Reason.BOGUS_ANSWER, resolved=["0.0.0.0"]), *others("ssm")],
        ["dns.answers-forged"],
    ),
    "a wildcard": (
        [
            found("network.dns-forgery", FAIL, "10.0.0.53", evidence={"addresses": ["10.9.9.9"]}),
            *every(Stage.TLS, Reason.CERT_NAME, resolved=["10.9.9.9"]),
        ],
        ["dns.answers-forged"],
    ),
    "a wildcard beside true answers": (
        [found("network.dns-forgery", FAIL, "10.0.0.53", evidence={"addresses": ["10.9.9.9"]}), *others()],
        ["dns.answers-forged"],
    ),
    "a pin that fails": (
        [
            found("network.hosts-file", FAIL, name("ssm")),
            reach("ssm", Stage.CONNECT, Reason.TIMEOUT, resolved=["10.1.1.1"]),
            *others("ssm"),
        ],
        ["dns.hosts-file-pin"],
    ),
    "a pin that works": ([found("network.hosts-file", WARN, name("ssm")), *others()], ["dns.hosts-file-pin"]),
    "private and public": (
        [found("network.private-answers", WARN, "us-east-1", evidence={"public": [name("ssm")]}), *others()],
        ["dns.private-mixed"],
    ),
    "private and public without a way": (
        [
            found("network.private-answers", FAIL, "us-east-1", evidence={"public": [name("ssm")]}),
            reach("ssm", Stage.CONNECT, Reason.TIMEOUT),
            *others("ssm"),
        ],
        ["dns.private-mixed"],
    ),
    "cut answers": (
        [
            found("network.dns-tcp", FAIL, "10.0.0.53"),
            reach("s3", Stage.RESOLVE, TIMEOUT, truncated=True),
            *others("s3"),
        ],
        ["dns.tcp-blocked"],
    ),
    "nameservers differ": (
        [found("network.dns-agreement", WARN, "10.0.0.53, 10.0.0.54", evidence={"names": [name("ssm")]}), *others()],
        ["dns.answers-differ"],
    ),
    "the first nameserver does not know what the second does": (
        [
            found("network.dns-agreement", WARN, "10.0.0.53, 10.0.0.54", evidence={"names": [name("ssm")]}),
            reach("ssm", Stage.RESOLVE, Reason.NAME_UNKNOWN),
            *others("ssm"),
        ],
        ["dns.answers-differ"],
    ),
    # the way out
    "all dropped": (every(Stage.CONNECT, Reason.TIMEOUT), ["egress.blocked"]),
    "all refused": (every(Stage.CONNECT, Reason.REFUSED), ["egress.blocked"]),
    "some dropped and some refused": (
        [*every(Stage.CONNECT, Reason.TIMEOUT)[:3], *every(Stage.CONNECT, Reason.REFUSED)[3:]],
        ["egress.blocked"],
    ),
    "one dropped": ([reach("ssm", Stage.CONNECT, Reason.TIMEOUT), *others("ssm")], ["egress.endpoint-blocked"]),
    "a single endpoint asked": ([reach("ssm", Stage.CONNECT, Reason.TIMEOUT)], ["egress.endpoint-blocked"]),
    "no route": (every(Stage.CONNECT, Reason.UNREACHABLE, route=False), ["egress.no-route"]),
    "prohibited": (every(Stage.CONNECT, Reason.UNREACHABLE, route=True), ["egress.blocked"]),
    "shards partly": ([*others(), good("ecs-a-1", shard=1), shard(2), shard(3)], ["dns.shards-partial"]),
    "shards partly refused by the nameserver": (
        [*others(), good("ecs-a-1", shard=1), shard(2, DEAD, Stage.RESOLVE)],
        ["dns.shards-partial"],
    ),
    "path mtu": (
        every(Stage.TLS, Reason.TLS_TIMEOUT, **looks(full_segments="tls: tls-timeout", small_segments="passes")),
        ["egress.path-mtu"],
    ),
    "lost by chance": (
        [
            reach(
                "ssm",
                Stage.TLS,
                Reason.TLS_TIMEOUT,
                status=WARN,
                **looks(full_segments="passes", small_segments="passes"),
            ),
            *others("ssm"),
        ],
        ["egress.slow"],
    ),
    "sni": (
        [reach("ssm", Stage.TLS, Reason.TLS_RESET, **looks(other_name="answers: tls: cert-name")), *others("ssm")],
        ["egress.sni-filtered"],
    ),
    "silent": (every(Stage.TLS, Reason.TLS_TIMEOUT, **looks(other_name="tls: tls-timeout")), ["egress.silent"]),
    "silent after TLS": (every(Stage.HTTP, Reason.HTTP_TIMEOUT), ["egress.silent"]),
    "all reset": (every(Stage.TLS, Reason.TLS_RESET, **looks(other_name="tls: tls-reset")), ["egress.blocked"]),
    "a portal": (every(Stage.HTTP, Reason.CAPTIVE_PORTAL), ["egress.blocked"]),
    "slow": (
        [*others(), found("endpoints.latency", WARN, "us-east-1", cause="egress.slow", remedy=FIX)],
        ["egress.slow"],
    ),
    # the proxy
    "proxy dead": (
        every(Stage.PROXY, Reason.PROXY_UNREACHABLE, detail="refused: connection refused", proxy=PROXY),
        ["proxy.unreachable"],
    ),
    "proxy silent": (
        every(Stage.PROXY, Reason.PROXY_ERROR, detail="accepted, but never answered CONNECT", proxy=PROXY),
        ["proxy.unreachable"],
    ),
    "proxy 407": (every(Stage.PROXY, Reason.PROXY_AUTH_REQUIRED, detail="407", proxy=PROXY), ["proxy.auth-required"]),
    "proxy denies one": (
        [reach("ssm", Stage.PROXY, Reason.PROXY_DENIED, "403 Forbidden", proxy=PROXY), *others("ssm", proxy=PROXY)],
        ["proxy.denies-endpoint"],
    ),
    "proxy cannot reach one": (
        [
            reach("ssm", Stage.PROXY, Reason.PROXY_ERROR, "503 x; ERR_DNS_FAIL", proxy=PROXY),
            *others("ssm", proxy=PROXY),
        ],
        ["proxy.denies-endpoint"],
    ),
    "refused to the agent's own request, and not to curl's": (
        [
            reach("ssm", Stage.PROXY, Reason.PROXY_DENIED, "403", proxy=PROXY, **looks(own_request="passes")),
            *others("ssm", proxy=PROXY),
        ],
        ["proxy.denies-client"],
    ),
    "denied by the proxy, and open at its private address": (
        [
            reach("ssm", Stage.PROXY, Reason.PROXY_DENIED, "403", proxy=PROXY, **looks(direct="passes")),
            found(
                "network.private-answers",
                WARN,
                "us-east-1",
                cause="proxy.private-endpoint",
                evidence={"through_proxy": ["ssm"]},
            ),
            *others("ssm", proxy=PROXY),
        ],
        ["proxy.private-endpoint"],
    ),
    "another way than declared, which does not connect": (
        [
            found(
                "network.way",
                FAIL,
                f"{name('ssm')}:443",
                cause="network.way-unexpected",
                evidence={"component": "ssm-agent"},
            ),
            reach("ssm", Stage.CONNECT, Reason.TIMEOUT, "no answer", component="ssm-agent"),
            *others("ssm"),
        ],
        ["network.way-unexpected"],
    ),
    "a certificate that some builds take": (
        [found("endpoints.reach", WARN, "ssm:443", stage=Stage.TLS, cause="tls.agent-build"), *others("ssm")],
        ["tls.agent-build"],
    ),
    "proxy of the wrong scheme": (
        every(Stage.PROXY, Reason.PROXY_ERROR, detail="no HTTP answer", proxy=PROXY, **looks(other_scheme="passes")),
        ["proxy.wrong-scheme"],
    ),
    "a setting that cannot be read, and its component goes out directly": (
        [
            found("network.proxy", FAIL, "ssm-agent", cause="config.invalid", remedy=FIX),
            *every(Stage.CONNECT, Reason.TIMEOUT),
        ],
        ["config.invalid"],
    ),
    "a setting that is misread, and no such proxy": (
        [
            found("network.proxy", FAIL, "installer", cause="config.invalid", remedy=FIX),
            *every(Stage.PROXY, Reason.PROXY_UNREACHABLE, proxy="http://http:80", proxy_unresolved="name-unknown"),
        ],
        ["config.invalid"],
    ),
    "a proxy that systemd drops": (
        [
            found("network.proxy", FAIL, "installer", cause="proxy.setting-ignored", remedy=FIX),
            *every(Stage.CONNECT, Reason.TIMEOUT),
        ],
        ["proxy.setting-ignored"],
    ),
    "a process that was started before its proxy": (
        [
            found("network.proxy", FAIL, "installer", cause="agent.stale-environment", remedy=FIX),
            *every(Stage.CONNECT, Reason.TIMEOUT),
        ],
        ["agent.stale-environment"],
    ),
    "docker's own proxy is dead": (
        [
            found(
                "network.proxy",
                FAIL,
                "components",
                cause="proxy.components-differ",
                evidence={"proxies": {"docker": PROXY}, "dead": [PROXY]},
                remedy=FIX,
            ),
            reach("ssm", Stage.PROXY, Reason.PROXY_UNREACHABLE, proxy=PROXY),
            *others("ssm"),
        ],
        ["proxy.components-differ"],
    ),
    "the host's own filter stops the nameserver": (
        [
            found(
                "network.host-firewall",
                FAIL,
                "filter OUTPUT (nft)",
                cause="egress.host-firewall",
                evidence={"rule": "-A OUTPUT -p udp --dport 53 -j DROP", "hop": "x", "stopped": ["10.0.0.2"]},
                remedy=FIX,
            ),
            found("network.nameservers", FAIL, "10.0.0.2", stage=Stage.RESOLVE, reason=Reason.NAMESERVER_TIMEOUT),
            *every(Stage.RESOLVE, Reason.NAMESERVER_TIMEOUT),
        ],
        ["egress.host-firewall"],
    ),
    "another route of this host would do": (
        [
            found(
                "network.own-routes",
                FAIL,
                "eth1",
                cause="egress.wrong-route",
                evidence={"explains": ["10.0.0.2"], "names": []},
                remedy=FIX,
            ),
            found("network.nameservers", FAIL, "10.0.0.2", stage=Stage.RESOLVE, reason=Reason.NAMESERVER_TIMEOUT),
            *every(Stage.RESOLVE, Reason.NAMESERVER_TIMEOUT),
        ],
        ["egress.wrong-route"],
    ),
    "no port is left for outgoing connections": (
        [
            found(
                "network.client-ports",
                FAIL,
                "net.ipv4.ip_local_port_range",
                cause="kernel.limit",
                evidence={"explains": ["10.0.0.2"], "names": []},
                remedy=FIX,
            ),
            found("network.nameservers", FAIL, "10.0.0.2", stage=Stage.RESOLVE, reason=Reason.NAMESERVER_TIMEOUT),
            *every(Stage.RESOLVE, Reason.NAMESERVER_TIMEOUT),
        ],
        ["kernel.limit"],
    ),
    "this host's own resolver fails": (
        [
            found(
                "network.own-resolver",
                FAIL,
                "127.0.0.53",
                cause="dns.server-failing",
                evidence={"explains": ["127.0.0.53"], "names": ["ssm.us-east-1.amazonaws.com"]},
                remedy=FIX,
            ),
            found("network.nameservers", FAIL, "127.0.0.53", stage=Stage.RESOLVE, reason=Reason.SERVER_FAILURE),
            *every(Stage.RESOLVE, Reason.SERVER_FAILURE),
        ],
        ["dns.server-failing"],
    ),
    "a setting of another component": (
        [
            found("network.proxy", FAIL, "docker", cause="config.invalid", remedy=FIX),
            *every(Stage.CONNECT, Reason.TIMEOUT),
        ],
        ["config.invalid", "egress.blocked"],
    ),
    "a proxy opens, and closes": (
        every(Stage.TLS, Reason.TLS_RESET, proxy=PROXY, **looks(other_name="tls: tls-reset")),
        ["proxy.denies-endpoint"],
    ),
    "a block page inside the proxy's tunnel": (
        [reach("ssm", Stage.HTTP, Reason.CAPTIVE_PORTAL, "403", proxy=PROXY), *others("ssm", proxy=PROXY)],
        ["proxy.denies-endpoint"],
    ),
    "a device's own faults everywhere, the upgrades too": (
        [
            *every(Stage.HTTP, Reason.HTTP_ERROR, http={"status": 503}),
            found("endpoints.websocket", FAIL, "ecs-a-1:443", reason=Reason.UPGRADE_REFUSED),
        ],
        ["egress.blocked"],
    ),
    "lost by chance on a lossy path": (
        [
            reach("ssm", Stage.TLS, Reason.TLS_TIMEOUT, status=WARN, by_chance=True),
            reach("ecs", Stage.RESOLVE, Reason.NAMESERVER_TIMEOUT, status=WARN, by_chance=True),
            *others("ssm", "ecs"),
        ],
        ["egress.slow"],
    ),
    "a component without the proxy": (
        [
            found("network.proxy", FAIL, "ssm-agent", cause="proxy.not-set-for-component", remedy=FIX),
            *every(Stage.CONNECT, Reason.TIMEOUT)[:3],
            *others("ecs", "ssm", "ssmmessages", proxy=PROXY, component="ecs-agent"),
        ],
        ["proxy.not-set-for-component"],
    ),
    "the proxy's name while no nameserver answers": (
        [
            server("10.0.0.53", TIMEOUT),
            *every(
                Stage.PROXY, Reason.PROXY_UNREACHABLE, proxy="http://proxy.example:3128", proxy_unresolved=str(TIMEOUT)
            ),
        ],
        ["dns.nameserver-down"],
    ),
    "the proxy's name is unknown": (
        every(
            Stage.PROXY, Reason.PROXY_UNREACHABLE, proxy="http://proxy.example:3128", proxy_unresolved="name-unknown"
        ),
        ["proxy.unreachable"],
    ),
    # TLS
    "inspected": (every(Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Example Security")), ["tls.intercepted-untrusted"]),
    "no store": ([STORE, *every(Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Amazon"))], ["tls.trust-store-missing"]),
    "an old store": (every(Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Amazon")), ["tls.trust-store-missing"]),
    "no intermediate": (
        [
            reach("ssm", Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Amazon", "Amazon RSA 2048 M01, Amazon")),
            *others("ssm"),
        ],
        ["tls.chain-incomplete"],
    ),
    "no store, and a site whose CA AWS does not use": (
        [
            STORE,
            *every(Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Amazon")),
            reach("download.docker.com", Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Google Trust Services")),
        ],
        ["tls.trust-store-missing"],
    ),
    "a store without the CA of a site that is not AWS's": (
        [*others(), reach("download.docker.com", Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Let's Encrypt"))],
        ["tls.trust-store-missing"],
    ),
    "inspection of a site that is not AWS's": (
        [
            *every(Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Example Security")),
            reach("download.docker.com", Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Example Security")),
        ],
        ["tls.intercepted-untrusted"],
    ),
    "a component's own store": (
        [
            reach("ecs", Stage.TLS, Reason.CERT_UNTRUSTED, **tls("Example Security"), **looks(host_trust="passes")),
            *others("ecs"),
        ],
        ["tls.component-untrusted"],
    ),
    "clock": ([CLOCK, *every(Stage.TLS, Reason.CERT_EXPIRED, really_expired=False)], ["clock.skewed"]),
    "clock off by minutes": ([CLOCK, *others()], ["clock.skewed"]),
    "clock, and a certificate that is expired all the same": (
        [CLOCK, reach("ssm", Stage.TLS, Reason.CERT_EXPIRED, really_expired=True), *others("ssm")],
        ["clock.skewed", "tls.expired"],
    ),
    "expired": (every(Stage.TLS, Reason.CERT_EXPIRED, really_expired=True), ["tls.expired"]),
    "not yet valid": (every(Stage.TLS, Reason.CERT_NOT_YET_VALID, really_expired=True), ["tls.expired"]),
    "wrong name": (every(Stage.TLS, Reason.CERT_NAME), ["tls.wrong-name"]),
    "not TLS": (every(Stage.TLS, Reason.NOT_TLS), ["tls.not-tls"]),
    "old TLS": (
        every(Stage.TLS, Reason.TLS_VERSION, **looks(any_suites="passes", go_suites="tls: tls-version")),
        ["tls.old-version"],
    ),
    "suites": (
        [reach("ecs", Stage.TLS, Reason.TLS_VERSION, **looks(any_suites="passes", go_suites="passes")), *others("ecs")],
        ["tls.agent-suites"],
    ),
    "upgrade refused": (
        [*others(), found("endpoints.websocket", FAIL, "ecs-a-1:443", reason=Reason.UPGRADE_REFUSED)],
        ["websocket.refused"],
    ),
    # two at once
    "clock and one endpoint": (
        [CLOCK, reach("ssm", Stage.CONNECT, Reason.TIMEOUT), *others("ssm")],
        ["clock.skewed", "egress.endpoint-blocked"],
    ),
    "a name hidden and one dropped": (
        [
            reach("ssm", Stage.RESOLVE, Reason.NAME_UNKNOWN),
            reach("ecs", Stage.CONNECT, Reason.TIMEOUT),
            *others("ssm", "ecs"),
        ],
        ["dns.names-hidden", "egress.endpoint-blocked"],
    ),
    "a name hidden and all else dropped": (
        [reach("ssm", Stage.RESOLVE, Reason.NAME_UNKNOWN), *every(Stage.CONNECT, Reason.TIMEOUT)[2:]],
        ["dns.names-hidden", "egress.blocked"],
    ),
    "an agent that is cut off": (
        [
            *every(Stage.CONNECT, Reason.TIMEOUT),
            found("agents.ecs", FAIL, "ecs-agent", cause="agent.disconnected", remedy=FIX),
        ],
        ["egress.blocked"],
    ),
    "an agent that says what the missing control groups mean": (
        [
            *others(),
            found("system.cgroup", WARN, "memory", cause="cgroup.controller-missing", remedy=FIX),
            found(
                "agents.features", WARN, "ecs-agent", cause="agent.feature-lost", evidence={"symptom": "task-limits"}
            ),
        ],
        ["cgroup.controller-missing"],
    ),
    "what could not be judged says nothing": (
        [
            reach("ssm", Stage.CONNECT, Reason.TIMEOUT),
            found("endpoints.reach", ERROR, "ecs:443", evidence={"proxy": ""}),
            *every(Stage.CONNECT, Reason.TIMEOUT)[2:],
        ],
        ["egress.blocked"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_findings_to_causes(case: str) -> None:
    rows, expected = CASES[case]
    causes = diagnose(tuple(rows), RULES, SYMPTOMS, BLAMING)
    assert sorted(cause.code for cause in causes) == sorted(expected), causes
    consistent(rows, causes)


def test_the_nameserver_is_named_not_the_endpoints() -> None:
    rows = [server("10.0.0.53", TIMEOUT), *every(Stage.RESOLVE, TIMEOUT)]
    (cause,) = diagnose(tuple(rows), RULES, SYMPTOMS, BLAMING)
    assert cause.summary == "No nameserver answers (10.0.0.53)"
    assert cause.remedy and cause.remedy.ask.startswith(
        "Ask the network team to restore DNS from this host to 10.0.0.53 ("
    )


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_the_findings_does_not_matter(case: str) -> None:
    rows, expected = CASES[case]
    assert sorted(codes(reversed(rows))) == sorted(expected)


@pytest.mark.parametrize("case", CASES)
def test_passes_beside_it_change_nothing(case: str) -> None:
    rows, expected = CASES[case]
    more = [found("system.os", PASS), found("network.ipv6", SKIP), found("agents.credentials", ERROR)]
    assert sorted(codes([*more, *rows])) == sorted(expected)


def consistent(rows: list[Finding] | tuple[Finding, ...], causes: tuple[Cause, ...]) -> None:
    """Every trouble is explained exactly once, and every cause says something."""
    explained = [index for cause in causes for index in cause.findings]
    assert sorted(explained) == [
        index for index, row in enumerate(rows) if row.is_trouble or (row.status is ERROR and row.cause)
    ]
    assert [cause.severity.rank for cause in causes] == sorted(cause.severity.rank for cause in causes)
    for cause in causes:
        assert cause.code and cause.summary.strip() and cause.subjects and cause.remedy.text
        assert cause.severity is max((rows[index].status for index in cause.findings), key=lambda status: status.rank)
        assert cause.subjects and {rows[index].subject for index in cause.findings} == set(cause.subjects)
        assert all(word for command in cause.remedy.commands for word in command)


def test_every_rule_is_seen_here() -> None:
    seen = {code for _, expected in CASES.values() for code in expected} | {
        "docker.subnet-overlap",
        "containers.no-egress",
    }
    assert {rule.code for rule in RULES} <= seen, {rule.code for rule in RULES} - seen


@pytest.mark.parametrize(
    "what",
    [
        [server("10.0.0.53", TIMEOUT), *every(Stage.RESOLVE, TIMEOUT)],
        [server("10.0.0.53", TIMEOUT, WARN), *others()],
        [server("10.0.0.53", TIMEOUT, WARN), *every(Stage.CONNECT, Reason.TIMEOUT, address="172.17.0.9")],
    ],
)
def test_a_docker_network_over_what_is_needed(what: list[Finding]) -> None:
    covers = {"10.0.0.53": "a nameserver", "172.17.0.9": "the endpoint"}
    overlap = found(
        "containers.subnets", FAIL, "docker0", cause="docker.subnet-overlap", evidence={"covers": covers}, remedy=FIX
    )
    assert codes([overlap, *what]) == ["docker.subnet-overlap"]


# --- fuzz ---------------------------------------------------------------------------------------------------------

CHECKS = (
    "endpoints.reach",
    "endpoints.websocket",
    "endpoints.trust-store",
    "endpoints.latency",
    "system.clock",
    "network.proxy",
    "network.nameservers",
    "network.dns-forgery",
    "network.dns-tcp",
    "network.dns-agreement",
    "network.hosts-file",
    "network.private-answers",
    "containers.subnets",
    "agents.ecs",
    "system.os",
)
SUBJECTS = (
    *(f"{name(host)}:443" for host in HOSTS),
    "ecs-a-*.us-east-1.amazonaws.com:443",
    "10.0.0.53",
    "ssm-agent",
    "",
)
WORDS = ("passes", "answers: tls: cert-name", "tls: tls-timeout", "connect: timeout", "proxy: proxy-error", "")
LOOKS = (
    "other-name",
    "small-segments",
    "smallest-segments",
    "full-segments",
    "go-suites",
    "any-suites",
    "other-scheme",
    "host-trust",
)
EVIDENCE = st.fixed_dictionaries(
    {},
    optional={
        "component": st.sampled_from(["ssm-agent", "ecs-agent", "docker"]),
        "proxy": st.sampled_from(["", PROXY]),
        "proxy_unresolved": st.sampled_from(["name-unknown", "nameserver-timeout"]),
        "addresses": st.lists(
            st.fixed_dictionaries(
                {"address": st.sampled_from(["203.0.113.1", "10.0.0.1"])},
                optional={
                    "reason": st.sampled_from(list(map(str, Reason))),
                    "detail": st.text(max_size=9),
                    "route": st.booleans(),
                },
            ),
            max_size=3,
        ),
        "resolved": st.lists(st.sampled_from(["203.0.113.1", "10.9.9.9"]), max_size=2),
        "tls": st.one_of(st.just({}), st.sampled_from(["Amazon", "Zscaler", ""]).map(lambda who: tls(who)["tls"])),
        "second_look": st.dictionaries(st.sampled_from(LOOKS), st.sampled_from(WORDS), max_size=3),
        "shard": st.integers(0, 3),
        "shards": st.just(True),
        "partial": st.just(True),
        "own_store": st.just(True),
        "really_expired": st.booleans(),
        "truncated": st.booleans(),
        "excluded": st.booleans(),
        "names": st.lists(st.sampled_from(SUBJECTS), max_size=2),
        "public": st.lists(st.sampled_from(SUBJECTS), max_size=2),
        "covers": st.dictionaries(
            st.sampled_from(["10.0.0.53", "203.0.113.1"]), st.sampled_from(["a nameserver"]), max_size=2
        ),
    },
)


def fitting(row: Finding) -> Finding:
    """Evidence and cause as the check of this name makes them."""
    evidence = dict(row.evidence)
    if row.check == "network.dns-forgery":
        evidence["addresses"] = [entry["address"] for entry in evidence.get("addresses", ())]
    cause = "" if row.cause.startswith("proxy.") and row.check != "network.proxy" else row.cause
    return replace(row, evidence=evidence, cause=cause)


FINDINGS = st.builds(
    Finding,
    st.sampled_from(CHECKS),
    st.sampled_from(Status),
    st.sampled_from(SUBJECTS).filter(bool),
    st.text(min_size=1, max_size=9).filter(str.strip),
    st.sampled_from([None, *Stage]),
    st.sampled_from([None, *Reason]),
    EVIDENCE,
    st.sampled_from([None, FIX]),
    cause=st.sampled_from(["", "", "proxy.not-set-for-component", "agent.disconnected", "os.unsupported"]),
).map(fitting)


@settings(deadline=None, max_examples=100)
@given(st.lists(FINDINGS, max_size=14))
def test_any_findings_are_explained_once_and_the_same_each_time(rows: list[Finding]) -> None:
    explained_once(rows)


@pytest.mark.broad
@settings(deadline=None, max_examples=1000)
@given(st.lists(FINDINGS, max_size=14))
def test_many_findings_are_explained_once_and_the_same_each_time(rows: list[Finding]) -> None:
    explained_once(rows)


def explained_once(rows: list[Finding]) -> None:
    before = copy.deepcopy(rows)
    causes = diagnose(tuple(rows), RULES, SYMPTOMS, BLAMING)
    assert rows == before, "a rule changed a finding"
    consistent(rows, causes)
    assert diagnose(tuple(rows), RULES, SYMPTOMS, BLAMING) == causes
    named = [cause.code for cause in causes]
    assert len(named) == len(set(named)), f"two causes of one code: {named}"


@pytest.mark.parametrize(("rule", "expected"), [("drop 1", 1), ("drop 2", 2)])
def test_one_rule_that_stops_all_is_one_cause(rule: str, expected: int) -> None:
    stopped = found("containers.egress", FAIL, "docker0", cause="containers.no-egress", evidence={"rule": "drop 1"})
    shadowed = found("netfilter.path", FAIL, "nft", cause="rules.shadowed", evidence={"rule": rule})
    assert len(diagnose([stopped, shadowed], RULES)) == expected
