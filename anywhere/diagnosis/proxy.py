"""Causes at the proxy in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.catalogue.requests import AGENTS, GO
from anywhere.diagnosis.engine import Case, Claim, Fix, Rule, Say, joined
from anywhere.diagnosis.evidence import (
    REACH,
    Seen,
    addresses,
    components,
    dead_proxies,
    details,
    is_page,
    look,
    names,
    private_names,
    proxied,
    proxy_of,
    proxy_of_whom,
    reached,
)
from anywhere.diagnosis.proxy_urls import apply_it, bare, bracketed, other_scheme, rewritten
from anywhere.evidence import Look
from anywhere.model import Finding, Reason, Remedy, Stage, Status

PROXY = "network.proxy"
CALLER = "installer"  # the component that stands for the calling environment: judged only where no agent is here


def _missing(case: Case) -> Iterator[int]:
    """The component without the proxy that others have, and its endpoints that then fail directly."""
    bare: set[str] = set()
    for index, finding in case.trouble(PROXY):
        if finding.cause == "proxy.not-set-for-component":
            bare.add(finding.subject)
            yield index
    for index, finding in reached(case, Stage.RESOLVE, Stage.CONNECT):
        if Seen(finding).component in bare and not Seen(finding).proxy:
            yield index


def _without_proxy(findings: Sequence[Finding]) -> str:
    bare = [finding for finding in findings if finding.check == PROXY]
    whose = "the shell alone has one" if proxy_of_whom(bare[0]) == "installer" else "other components have one"
    return f"{', '.join(f.subject for f in bare)} {'has' if len(bare) == 1 else 'have'} no proxy, {whose}"


def _give_proxy(findings: Sequence[Finding]) -> Remedy:
    """The profile once, then each component is restarted: docker first, since the ECS agent stops with it."""
    bare = sorted((f for f in findings if f.check == PROXY and f.remedy), key=lambda f: f.subject != "docker")
    fix = joined(bare)
    if len(bare) < 2:
        return fix
    stops = ": containers stop with docker, unless live-restore is set" if bare[0].subject == "docker" else ""
    text = f"Set the proxy for {', '.join(f.subject for f in bare)} (one command writes it for all), then restart them{stops}."
    return replace(
        fix, text=text, commands=tuple(dict.fromkeys(c for f in bare if f.remedy for c in f.remedy.commands))
    )


def _unreadable(code: str) -> Claim:
    """A setting that cannot be used, and what then fails for its component: to connect, directly or to no proxy at all."""

    def claim(case: Case) -> Iterator[int]:
        bad: set[str] = set()
        for index, finding in case.trouble(PROXY):
            if finding.cause == code:
                bad.add(finding.subject)
                yield index
        for index, finding in reached(case, Stage.RESOLVE, Stage.CONNECT, Stage.PROXY) if bad else ():
            unconnected = finding.stage is not Stage.PROXY or finding.reason is Reason.PROXY_UNREACHABLE
            if unconnected and (Seen(finding).component in bad or CALLER in bad):
                yield index

    return claim


def _differ(case: Case) -> Iterator[int]:
    """Components with different proxies, and what fails through the one that does not work while another does."""
    dead: set[str] = set()
    for index, finding in case.trouble(PROXY):
        if finding.cause == "proxy.components-differ":
            dead |= set(dead_proxies(finding))
            yield index
    for index, finding in reached(case, Stage.PROXY):
        if bare(Seen(finding).proxy) in dead:
            yield index


def _settings(findings: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(f.summary for f in findings if f.cause)) or findings[0].summary


RESTARTED = ("docker", "ssm-agent", "ecs-agent")  # docker first, since the ECS agent stops with it


def _write_it(findings: Sequence[Finding]) -> Remedy:
    """What every component needs that has the fault, not the first one alone."""
    named = [finding for finding in findings if finding.remedy and finding.cause]
    named.sort(key=lambda one: RESTARTED.index(one.subject) if one.subject in RESTARTED else 0)
    return joined(named) if named else Remedy("Write the proxy as http://HOST:PORT.")


def _cut_inside(case: Case) -> Iterator[int]:
    """Opened by the proxy and then ended or answered in AWS's place: the proxy's own doing, or of what stands behind it."""
    for index, finding in reached(case, Stage.TLS, Stage.HTTP):
        if Seen(finding).proxy and finding.reason in CUT:
            yield index


def _pages_inside(case: Case) -> Iterator[int]:
    """An inspecting proxy that answers every request itself: what then answers the upgrades is the same."""
    judged = [f for f in proxied(case) if f.reason is not None or f.stage is Stage.DONE]
    if judged and all(map(is_page, judged)):
        yield from (i for i, f in case.trouble(REACH, "endpoints.websocket") if Seen(f).proxy)


CUT = (Reason.TLS_RESET, Reason.HTTP_ERROR, Reason.CAPTIVE_PORTAL)


def _wrong_scheme(case: Case) -> Iterator[int]:
    """What fails as the URL says and goes on when spoken to the other way."""
    served = any(finding.status is Status.PASS for finding in proxied(case))
    for index, finding in reached(case, Stage.PROXY):
        if Seen(finding).library_refuses and served:
            yield index
            continue
        other = look(finding, Look.OTHER_SCHEME)
        if other and (
            other == "passes"
            or not other.removeprefix("answers: ").startswith(("connect", "proxy: proxy-un", "proxy: proxy-er"))
        ):
            yield index


def _library(findings: Sequence[Finding]) -> str:
    """What the agents' WebSocket library lacks, empty where it is not that."""
    why = next((Seen(finding).library_refuses for finding in findings if Seen(finding).library_refuses), "")
    return f"{proxy_of(findings)} passes API calls but not the agents' channels: {why}" if why else ""


def _write_http(findings: Sequence[Finding]) -> Remedy:
    return Remedy(
        "Use a proxy URL with http://, its port, brackets around an IPv6 address, and a user only together with a password. "
        "The command sets it for all components; the proxy must accept plain HTTP on that port.",
        (
            (
                "sudo",
                "anywhere",
                "proxy",
                "apply",
                "--url",
                f"http://{bracketed(bare(proxy_of(findings)).partition('://')[2])}",
            ),
        ),
    )


def _plain_port(findings: Sequence[Finding]) -> Remedy:
    """No command with https://: both agents' WebSocket library does not speak TLS to a proxy."""
    proxy = proxy_of(findings)
    return Remedy(
        f"{proxy} speaks TLS on that port, which both agents' channels (WebSocket) cannot. Name a port where the proxy takes "
        "plain HTTP: `sudo anywhere proxy apply --url http://PROXY:PORT`.",
        ask=f"Ask the team that runs {proxy} for a port that takes plain HTTP CONNECT.",
    )


def _by_request(case: Case) -> Iterator[int]:
    """Refused to the agent's own request, and passed when asked as curl does: by User-Agent, method or header."""
    for index, finding in case.trouble(REACH, "endpoints.websocket"):
        if look(finding, Look.OWN_REQUEST) == "passes":
            yield index


PRIVATE = "proxy.private-endpoint"


def _private(case: Case) -> Iterator[int]:
    """Names that have a private address which answers directly, and that go through the proxy: whatever happens there."""
    for index, finding in case.trouble("network.private-answers", REACH, "endpoints.websocket"):
        if finding.cause == PRIVATE or (Seen(finding).proxy and look(finding, Look.DIRECT) == "passes"):
            yield index


def _private_said(findings: Sequence[Finding]) -> str:
    listed = private_names(findings)
    some = (
        f"{', '.join(listed[:3])}{f' and {len(listed) - 3} more' if len(listed) > 3 else ''}"
        if listed
        else names(findings)
    )
    failing = [finding for finding in findings if finding.status is Status.FAIL]
    does = (
        f"fails for {names(failing)} ({'; '.join(details(failing)[:1])})"
        if failing
        else "carries them past PrivateLink"
    )
    return f"NO_PROXY lacks {some}, which have private addresses that answer directly; the proxy {does}"


def _past_the_proxy(findings: Sequence[Finding]) -> Remedy:
    known = next((f.remedy for f in findings if f.remedy and f.cause == PRIVATE), None)
    return known or Remedy(
        f"Add {names(findings)} to NO_PROXY of every component: their private addresses answer directly.",
        apply_it(bare(proxy_of(findings)), "--restart"),
    )


def _who(findings: Sequence[Finding]) -> str:
    return proxy_of(findings) if any(Seen(finding).proxy for finding in findings) else "a device on the path"


def _what_to_allow(findings: Sequence[Finding]) -> str:
    inside = any(finding.stage is Stage.PROXY for finding in findings)
    agents = sorted({AGENTS.get(Seen(finding).component, GO).partition(" (")[0] for finding in findings})
    if inside:
        return f"Allow CONNECT to port 443 with the User-Agent {GO}, which the agents' library sends."
    return (
        f"Allow POST and GET with Upgrade to these names, with the User-Agents {', '.join(agents)} and "
        f"{GO}, the header X-Amz-Target and Content-Type application/x-amz-json-1.1."
    )


def _ask_to(findings: Sequence[Finding], text: str) -> str:
    """The request to those who run the proxy or the device."""
    whom = f"the team that runs {proxy_of(findings)}" if any(Seen(f).proxy for f in findings) else "the network team"
    return f"Ask {whom} to {text[0].lower()}{text[1:].removesuffix('.')} for {names(findings)}."


def _because(*reasons: Reason) -> Claim:
    return lambda case: (i for i, f in reached(case, Stage.PROXY) if f.reason in reasons)


def _unreachable(case: Case) -> Iterator[int]:
    """Not reached at all; or reached, and silent or speechless for every endpoint. A name that no nameserver could be
    asked for says nothing of the proxy."""
    mute = any(finding.status is Status.FAIL for finding in case.of("network.nameservers"))
    errors = [f for f in proxied(case) if f.reason is Reason.PROXY_ERROR]
    lost = [f for f in proxied(case) if f.reason is Reason.PROXY_UNREACHABLE]
    dead = (
        bool(errors)
        and len(errors) + len(lost) == len(proxied(case))
        and all("HTTP" in d or "never answered" in d or "TLS" in d or "WebSocket library" in d for d in details(errors))
    )
    for index, finding in reached(case, Stage.PROXY):
        if mute and Seen(finding).proxy_unresolved:
            continue
        if finding.reason is Reason.PROXY_UNREACHABLE or (dead and finding.reason is Reason.PROXY_ERROR):
            yield index


def _unreachable_said(findings: Sequence[Finding]) -> str:
    if all(Seen(finding).partial for finding in findings):
        lost = addresses(findings)
        return f"{proxy_of(findings)} is unreachable at {lost} ({_why_unreachable(findings)}), another address of it answers"
    return f"{proxy_of(findings)} is unreachable: {_why_unreachable(findings)}"


def _reach_it(findings: Sequence[Finding]) -> Remedy:
    url = proxy_of(findings)
    if all(Seen(finding).partial for finding in findings):
        return Remedy(
            f"Restore the proxy at {addresses(findings)}, or remove that address from its name in DNS: connections that try it "
            "first wait.",
            ask=f"Ask the team that runs {url} to restore it at {addresses(findings)}, or to remove that address from DNS.",
            look=_try(findings),
        )
    if _is_loopback(url):
        port = url.rpartition(":")[2].strip("/")
        return Remedy(
            f"The URL names a proxy on this host itself, port {port}: start that program (cntlm, px, squid, tinyproxy, an SSH "
            "tunnel) and enable it at boot, or set the site's proxy: `sudo anywhere proxy apply --url http://PROXY:PORT`.",
            ask="Ask whoever set up this host which program listens there.",
            look=(("sudo", "ss", "-ltnp", "sport", "=", f":{port}"), *_try(findings)),
        )
    return Remedy(
        "Correct the proxy's URL (`sudo anywhere proxy apply --url http://PROXY:PORT`), or allow this host to connect "
        "to it.",
        ask=f"Ask the team that runs {url} for its right address, and to allow this host to connect to it.",
        look=_try(findings),
    )


def _is_loopback(url: str) -> bool:
    """Whether the proxy's URL names this host itself."""
    place = bare(url).partition("://")[2]
    return place.startswith(("127.", "localhost:", "[::1]"))


def _why_unreachable(findings: Sequence[Finding]) -> str:
    if any(Seen(finding).proxy_unresolved for finding in findings):
        return "its name does not resolve"
    return "; ".join(details(findings)[:2]) or findings[0].summary


def _allow(findings: Sequence[Finding]) -> str:
    if any(f.reason is Reason.PROXY_DENIED for f in findings):
        return "Allow CONNECT to port 443 in the proxy."
    answers = [detail[:3] for detail in details(findings)]
    if answers and all(answer == "429" for answer in answers):
        return "Raise the proxy's limit of requests for this host, which opens about 30 connections at once."
    if answers and all(answer == "511" or (answer.isdigit() and answer[0] == "3") for answer in answers):
        return "Let this host pass without the proxy's sign-in page: the agents cannot sign in there."
    if answers and all(answer.isdigit() and answer[0] == "4" for answer in answers):
        return "Allow the method CONNECT to port 443 in the proxy, or use the port where the proxy listens for it."
    return "Fix the proxy's own connection (its DNS, or its route to port 443)."


def _try(findings: Sequence[Finding]) -> tuple[tuple[str, ...], ...]:
    host = names(findings, 1).partition(" ")[0]
    return (("curl", "-sv", "--max-time", "5", "-o", "/dev/null", "-x", proxy_of(findings), f"https://{host}/"),)


def _try_as_agent(findings: Sequence[Finding]) -> tuple[tuple[str, ...], ...]:
    host = names(findings, 1).partition(" ")[0]
    proxy = proxy_of(findings) if any(Seen(finding).proxy for finding in findings) else ""
    way = ("-x", proxy, "--proxy-header", f"User-Agent: {GO}") if proxy else ()
    return (("curl", "-sv", "--max-time", "5", "-o", "/dev/null", "-A", GO, *way, f"https://{host}/"),)


_DENIES: tuple[Say, Fix] = (
    lambda fs: f"{proxy_of(fs)} does not connect to {names(fs)} ({'; '.join(details(fs)[:2])})",
    lambda fs: Remedy(_allow(fs), ask=_ask_to(fs, _allow(fs)), look=_try(fs)),
)

# Above TCP, where what the server name or the segments' size explains has been distinguished.
INSIDE: tuple[Rule, ...] = (Rule("proxy.denies-endpoint", _cut_inside, *_DENIES),)

RULES: tuple[Rule, ...] = (
    Rule("proxy.components-differ", _differ, _settings, _write_it),
    Rule("proxy.setting-ignored", _unreadable("proxy.setting-ignored"), _settings, _write_it),
    Rule("agent.stale-environment", _unreadable("agent.stale-environment"), _settings, _write_it),
    Rule("config.invalid", _unreadable("config.invalid"), _settings, _write_it),
    Rule(PRIVATE, _private, _private_said, _past_the_proxy),
    Rule(
        "proxy.denies-client",
        _by_request,
        lambda fs: (
            f"{_who(fs)} refuses the agents' requests to {names(fs)} but allows other "
            f"programs ({'; '.join(details(fs)[:1]) or fs[0].summary})"
        ),
        lambda fs: Remedy(_what_to_allow(fs), ask=_ask_to(fs, _what_to_allow(fs)), look=_try_as_agent(fs)),
    ),
    Rule("proxy.denies-endpoint", _pages_inside, *_DENIES),
    Rule("proxy.wrong-scheme", _unreadable("proxy.wrong-scheme"), _settings, _write_it),
    Rule(
        "proxy.not-set-for-component",
        _missing,
        _without_proxy,
        _give_proxy,
    ),
    Rule(
        "proxy.wrong-scheme",
        _wrong_scheme,
        lambda fs: (
            _library(fs) or f"The scheme of {proxy_of(fs)} is wrong: the proxy answers {other_scheme(proxy_of(fs))}://"
        ),
        lambda fs: (
            _write_http(fs)
            if _library(fs)
            else _plain_port(fs)
            if other_scheme(proxy_of(fs)) == "https"
            else Remedy(
                f"Change the proxy's URL to http:// for {components(fs)}.",
                rewritten(proxy_of(fs)),
            )
        ),
    ),
    Rule(
        "proxy.unreachable",
        _unreachable,
        _unreachable_said,
        _reach_it,
    ),
    Rule(
        "proxy.auth-required",
        _because(Reason.PROXY_AUTH_REQUIRED),
        lambda fs: f"{proxy_of(fs)} requires a user and password ({'; '.join(details(fs)[:1])})",
        lambda fs: Remedy(
            "Set the user and password for every component: the command reads one line user:password from standard input. "
            "The agents support Basic only; with NTLM or Negotiate, ask for a rule by this host's address instead.",
            apply_it(bare(proxy_of(fs)), "--credentials-file", "-"),
        ),
    ),
    Rule(
        "proxy.denies-endpoint",
        _because(Reason.PROXY_DENIED, Reason.PROXY_ERROR),
        *_DENIES,
    ),
)
