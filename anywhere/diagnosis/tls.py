"""Causes in TLS and in the WebSocket upgrade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.catalogue.issuers import is_public, product
from anywhere.catalogue.suffixes import AWS_SUFFIXES
from anywhere.diagnosis.engine import Case, Claim, Rule
from anywhere.diagnosis.evidence import REACH, Seen, components, count, issuer, look, names, reached
from anywhere.evidence import Look
from anywhere.model import Finding, Reason, Remedy, Stage, Status

STORE, CLOCK = "endpoints.trust-store", "system.clock"
AWS_NAMES = (*AWS_SUFFIXES, ".aws", ".cloudfront.net")
DATES = (Reason.CERT_EXPIRED, Reason.CERT_NOT_YET_VALID)


def _untrusted(case: Case) -> Iterator[tuple[int, Finding]]:
    """Go looks at the dates first: what is outside them, and still untrusted whatever the dates, is untrusted above all."""
    for index, finding in reached(case, Stage.TLS):
        beside = finding.reason in DATES and look(finding, Look.ANY_DATE).endswith(Reason.CERT_UNTRUSTED)
        if finding.reason is Reason.CERT_UNTRUSTED or beside:
            yield index, finding


def _foreign(case: Case) -> Iterator[int]:
    """Opened on the way. Sites that are not AWS's have public CAs of their own, so there only what also opens AWS's
    names, or calls itself an inspection product, counts."""
    foreign = [(i, f) for i, f in _untrusted(case) if not is_public(issuer(f)) and look(f, Look.HOST_TRUST) != "passes"]
    openers = {issuer(f) for _, f in foreign if _is_aws(f)}
    for index, finding in foreign:
        if issuer(finding) in openers or product(issuer(finding), Seen(finding).tls):
            yield index


def _is_aws(finding: Finding) -> bool:
    return finding.subject.rpartition(":")[0].endswith(AWS_NAMES)


def _component(case: Case) -> Iterator[int]:
    return (i for i, f in _untrusted(case) if look(f, Look.HOST_TRUST) == "passes" or Seen(f).own_store)


def _store(case: Case) -> Iterator[int]:
    yield from (i for i, _ in case.trouble(STORE))
    empty = any(f.is_trouble for f in case.of(STORE))
    for index, finding in _untrusted(case):
        chain = Seen(finding).chain
        if empty or len(chain) > 1:
            yield index


def _lacking(findings: Sequence[Finding]) -> str:
    if any(map(_is_aws, findings)):
        return "the CA store of this host lacks the roots of AWS's CAs"
    return f"the CA store of this host lacks the root that {names(findings)} needs ({_issuers(findings)})"


def _incomplete(case: Case) -> Iterator[int]:
    return (i for i, _ in _untrusted(case))


def _clock(case: Case) -> Iterator[int]:
    """A wrong clock makes good certificates look expired or not valid yet."""
    skewed = False
    for index, finding in case.trouble(CLOCK):
        skewed = skewed or finding.status is Status.FAIL
        yield index
    if skewed:
        yield from (i for i, f in reached(case, Stage.TLS) if f.reason in DATES and not Seen(f).really_expired)


def _because(*reasons: Reason) -> Claim:
    return lambda case: (i for i, f in reached(case, Stage.TLS) if f.reason in reasons)


def _depends(case: Case) -> Iterator[int]:
    return (index for index, finding in case.trouble(REACH) if finding.cause == "tls.agent-build")


def _suites(case: Case) -> Iterator[int]:
    """TLS 1.2 or later would be agreed with other suites, so it is what the agent offers that finds no partner."""
    for index, finding in reached(case, Stage.TLS):
        if finding.reason in (Reason.TLS_VERSION, Reason.TLS_RESET) and answers_modern(finding):
            yield index


def answers_modern(finding: Finding) -> bool:
    """Whether the wider offer of Go's defaults was agreed."""
    shown = look(finding, Look.GO_SUITES)
    return shown.startswith(("passes", "answers")) and "tls-version" not in shown


def _upgrade(case: Case) -> Iterator[int]:
    return (i for i, _ in case.trouble("endpoints.websocket"))


def _issuers(findings: Sequence[Finding]) -> str:
    found = dict.fromkeys(Seen(f).tls.get("issuer") or issuer(f) for f in findings)
    return ", ".join(name for name in found if name) or "an unknown issuer"


def _interceptor(findings: Sequence[Finding]) -> str:
    known = next((p for f in findings if (p := product(issuer(f), Seen(f).tls))), "")
    return f" ({known})" if known else ""


_BYPASS = Remedy(
    "Ask for these names to be exempt from TLS inspection first. Otherwise add the inspecting CA to this host's store and to "
    "the copies that the agents use; never switch verification off."
)

_STORE = Remedy("Install the distribution's ca-certificates package, newest version, and build the store anew.")

RULES: tuple[Rule, ...] = (
    Rule(
        "clock.skewed",
        _clock,
        lambda fs: next(f.summary for f in fs if f.check == CLOCK),
        lambda fs: next((f.remedy for f in fs if f.remedy), Remedy("Set the clock, and keep it so.")),
    ),
    Rule(
        "tls.component-untrusted",
        _component,
        lambda fs: f"the host trusts {_issuers(fs)}, the store of {components(fs)} does not: {names(fs)}",
        lambda fs: next((f.remedy for f in fs if f.remedy), _BYPASS),
    ),
    Rule(
        "tls.intercepted-untrusted",
        _foreign,
        lambda fs: (
            f"TLS to {count(fs)} is opened on the way by {_issuers(fs)}{_interceptor(fs)}, which this host does not trust"
        ),
        lambda fs: next((f.remedy for f in fs if f.remedy), _BYPASS),
    ),
    Rule(
        "tls.trust-store-missing",
        _store,
        lambda fs: next((f.summary for f in fs if f.check == STORE), _lacking(fs)),
        lambda fs: next((f.remedy for f in fs if f.check == STORE and f.remedy), _STORE),
    ),
    Rule(
        "tls.chain-incomplete",
        _incomplete,
        lambda fs: f"{names(fs)} sends its certificate without the intermediate ({_issuers(fs)})",
        Remedy("Have whatever ends TLS on the way send the whole chain.", ()),
    ),
    Rule(
        "tls.wrong-name",
        _because(Reason.CERT_NAME),
        lambda fs: f"{names(fs)} answers with a certificate for another name: something else stands at its address",
        lambda fs: Remedy(
            "Look at what the name resolves to: a wrong DNS record, a PrivateLink endpoint for another service, or a "
            "load balancer that does not know the name.",
            (("getent", "ahosts", names(fs, 1).partition(" ")[0]),),
        ),
    ),
    Rule(
        "tls.expired",
        _because(*DATES),
        lambda fs: (
            f"{names(fs)} answers with a certificate outside its dates ({_issuers(fs)}), and this host's clock is right"
        ),
        Remedy("Whatever ends TLS on the way needs a new certificate.", ()),
    ),
    Rule(
        "tls.not-tls",
        _because(Reason.NOT_TLS),
        lambda fs: f"what answers for {names(fs)} on port 443 does not speak TLS",
        Remedy("A captive portal, a plain HTTP proxy or a wrong port forward answers in AWS's place.", ()),
    ),
    Rule(
        "tls.agent-build",
        _depends,
        lambda fs: f"it depends on how the agent was built whether TLS to {names(fs)} works: {fs[0].summary}",
        Remedy(
            "Have whatever ends TLS on the way present a certificate with a positive serial number, and offer ECDHE suites "
            "or TLS 1.3: both kinds of build take these.",
            (),
        ),
    ),
    Rule(
        "tls.agent-suites",
        _suites,
        lambda fs: f"the path to {names(fs)} agrees only to cipher suites that {components(fs)} does not offer",
        Remedy(
            "The ECS agent offers RSA-authenticated suites only below TLS 1.3: give the inspecting device an RSA certificate, "
            "or let it speak TLS 1.3.",
            (),
        ),
    ),
    Rule(
        "tls.old-version",
        _because(Reason.TLS_VERSION),
        lambda fs: f"what answers for {names(fs)} speaks no TLS 1.2 or later",
        Remedy("Have whatever ends TLS on the way speak TLS 1.2 or later: the agents refuse less.", ()),
    ),
    Rule(
        "websocket.refused",
        _upgrade,
        lambda fs: f"the WebSocket upgrade of {names(fs)} is refused on the way: {fs[0].summary}",
        Remedy("Have the proxy or inspecting device pass WebSocket upgrades to these names.", ()),
    ),
)
