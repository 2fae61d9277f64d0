"""Causes in TLS and in the WebSocket upgrade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.catalogue.issuers import is_public, product
from anywhere.catalogue.suffixes import AWS_SUFFIXES
from anywhere.diagnosis.engine import Case, Rule
from anywhere.diagnosis.evidence import REACH, WEBSOCKET, Seen, issuer, look, reached, stopped_at
from anywhere.diagnosis.requests import ask_for_list
from anywhere.diagnosis.subjects import addresses, components, host_of, names
from anywhere.evidence import Look
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.wording import count

STORE, CLOCK = "endpoints.trust-store", "system.clock"
AWS_NAMES = (*AWS_SUFFIXES, ".aws", ".cloudfront.net")
DATES = (Reason.CERT_EXPIRED, Reason.CERT_NOT_YET_VALID)


def _untrusted(case: Case) -> Iterator[tuple[int, Finding]]:
    """Untrusted certificates. Go checks the dates first: an expired one that is also untrusted counts as untrusted."""
    for index, finding in reached(case, Stage.TLS):
        beside = finding.reason in DATES and look(finding, Look.ANY_DATE).endswith(Reason.CERT_UNTRUSTED)
        if finding.reason is Reason.CERT_UNTRUSTED or beside:
            yield index, finding


def _foreign(case: Case) -> Iterator[int]:
    """Intercepted TLS. Servers that are not AWS's may use any CA, so for these only an issuer that also intercepts AWS names,
    or one that names an inspection product, counts."""
    foreign = [(i, f) for i, f in _untrusted(case) if not is_public(issuer(f)) and look(f, Look.HOST_TRUST) != "passes"]
    openers = {issuer(f) for _, f in foreign if _is_aws(f)}
    for index, finding in foreign:
        if issuer(finding) in openers or product(issuer(finding), Seen(finding).tls):
            yield index


def _is_aws(finding: Finding) -> bool:
    return host_of(finding).endswith(AWS_NAMES)


def _trusting(findings: Sequence[Finding]) -> Remedy:
    """The first fix, and a restart of each affected component: they read the CA store when they start."""
    remedies = [finding.remedy for finding in findings if finding.remedy]
    if not remedies:
        return _BYPASS
    first = remedies[0]
    more = [command for one in remedies[1:] for command in one.commands if "restart" in command]
    return replace(first, commands=tuple(dict.fromkeys((*first.commands, *more))))


def _component(case: Case) -> Iterator[int]:
    """The host trusts the CA and the component does not; or it is a server of the site whose CA no store here has."""
    openers = {issuer(f) for _, f in _untrusted(case) if _is_aws(f)}
    for index, finding in _untrusted(case):
        private = Seen(finding).is_own and issuer(finding) not in openers and not is_public(issuer(finding))
        if look(finding, Look.HOST_TRUST) == "passes" or Seen(finding).own_store or private:
            yield index


def _store_lacks(findings: Sequence[Finding]) -> str:
    own = all(Seen(finding).is_own for finding in findings)
    lead = "No CA store of" if own else f"The host trusts {_issuers(findings)}, the CA store of"
    tail = f"trusts {_issuers(findings)}" if own else "does not"
    return f"{lead} {components(findings)} {tail}: {names(findings)}"


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


def _depends(case: Case) -> Iterator[int]:
    return (index for index, finding in case.trouble(REACH) if finding.cause == "tls.agent-build")


def _suites(case: Case) -> Iterator[int]:
    """The handshake succeeds with other suites, so the server accepts none of those that the agent offers."""
    for index, finding in reached(case, Stage.TLS):
        if finding.reason in (Reason.TLS_VERSION, Reason.TLS_RESET) and answers_modern(finding):
            yield index


def answers_modern(finding: Finding) -> bool:
    """Whether the handshake succeeded with the suites of Go's defaults."""
    shown = look(finding, Look.GO_SUITES)
    return shown.startswith(("passes", "answers")) and "tls-version" not in shown


def _upgrade(case: Case) -> Iterator[int]:
    return (i for i, _ in case.trouble(WEBSOCKET))


def _issuers(findings: Sequence[Finding]) -> str:
    found = dict.fromkeys(Seen(f).tls.get("issuer") or issuer(f) for f in findings)
    return ", ".join(name for name in found if name) or "an unknown issuer"


def _present(findings: Sequence[Finding]) -> str:
    return "presents" if len(findings) == 1 else "present"


def _interceptor(findings: Sequence[Finding]) -> str:
    known = next((p for f in findings if (p := product(issuer(f), Seen(f).tls))), "")
    return f" ({known})" if known else ""


_ASK_BYPASS = "Ask the proxy or firewall team to exempt these names from TLS inspection"
_BYPASS = Remedy(
    "Exempt these names from TLS inspection. Otherwise add the inspecting CA to this host's store and to the copies that the "
    "agents use: `sudo anywhere proxy apply --ca FILE`. Never switch verification off.",
    ask=f"{_ASK_BYPASS}.",
)

_STORE = Remedy("Install the newest ca-certificates package of the distribution and rebuild the store.")

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
        _store_lacks,
        lambda fs: next((f.remedy for f in fs if f.remedy), _BYPASS),
    ),
    Rule(
        "tls.intercepted-untrusted",
        _foreign,
        lambda fs: (
            f"TLS to {count(fs, 'endpoint')} is intercepted by {_issuers(fs)}{_interceptor(fs)}, a CA that this host does not "
            "trust"
        ),
        _trusting,
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
        lambda fs: (
            f"{count(fs, 'endpoint')} {'sends its' if len(fs) == 1 else 'send their'} certificate without the intermediate "
            f"({_issuers(fs)}): {names(fs)}"
        ),
        Remedy(
            "Configure the device that terminates TLS to send the complete chain.",
            ask="Ask the proxy or firewall team to send the complete certificate chain (server and intermediates).",
        ),
    ),
    Rule(
        "tls.wrong-name",
        stopped_at(Stage.TLS, Reason.CERT_NAME),
        lambda fs: f"{count(fs, 'endpoint')} {_present(fs)} a certificate for another name: {names(fs)}",
        lambda fs: Remedy(
            "Correct what the name resolves to: a wrong DNS record, a PrivateLink endpoint for another service, or a "
            "load balancer that does not know the name.",
            ask=f"Ask the network team what answers at {addresses(fs)} for {names(fs, 1)}, and to correct the DNS record.",
            look=(("getent", "ahosts", names(fs, 1).partition(" ")[0]),),
        ),
    ),
    Rule(
        "tls.expired",
        stopped_at(Stage.TLS, *DATES),
        lambda fs: (
            f"{count(fs, 'endpoint')} {_present(fs)} a certificate outside its dates (issuer {_issuers(fs)}), the clock is "
            f"right: {names(fs)}"
        ),
        lambda fs: Remedy(
            "Renew the certificate of the device that terminates TLS.",
            ask=f"Ask the proxy or firewall team to renew the certificate (issuer {_issuers(fs)}).",
        ),
    ),
    Rule(
        "tls.not-tls",
        stopped_at(Stage.TLS, Reason.NOT_TLS),
        lambda fs: f"The device that answers on port 443 for {names(fs)} does not speak TLS",
        lambda fs: Remedy(
            "Remove the captive portal, plain HTTP proxy or wrong port forward that answers in AWS's place.",
            ask=f"Ask the network team what answers at {addresses(fs)} port 443 without TLS, and to pass these names through.",
        ),
    ),
    Rule(
        "tls.agent-build",
        _depends,
        lambda fs: f"Whether TLS to {names(fs)} works depends on the agent's build: {fs[0].summary}",
        Remedy(
            "Give the device that terminates TLS a certificate with a positive serial number, and ECDHE suites or TLS 1.3: "
            "every build of the agents accepts these.",
            ask="Ask the proxy or firewall team for a certificate with a positive serial number, and ECDHE suites or TLS 1.3.",
        ),
    ),
    Rule(
        "tls.agent-suites",
        _suites,
        lambda fs: f"The path to {names(fs)} accepts only cipher suites that {components(fs)} does not offer",
        Remedy(
            "Give the inspecting device an RSA certificate, or enable TLS 1.3 on it: below TLS 1.3 the ECS agent offers "
            "RSA-authenticated suites only.",
            ask="Ask the proxy or firewall team for an RSA certificate or TLS 1.3 on the inspecting device.",
        ),
    ),
    Rule(
        "tls.old-version",
        stopped_at(Stage.TLS, Reason.TLS_VERSION),
        lambda fs: f"The device that answers for {names(fs)} does not speak TLS 1.2 or later",
        Remedy(
            "Enable TLS 1.2 or later on the device that terminates TLS: the agents refuse older versions.",
            ask="Ask the proxy or firewall team to enable TLS 1.2 or later for these names.",
        ),
    ),
    Rule(
        "websocket.refused",
        _upgrade,
        lambda fs: f"The WebSocket upgrade to {names(fs)} is refused on the path: {fs[0].summary}",
        lambda fs: Remedy(
            "Allow WebSocket upgrades to these names in the proxy or inspecting device.",
            ask=ask_for_list(fs, "Ask the proxy or firewall team to pass WebSocket upgrades (HTTP 101)"),
        ),
    ),
)
