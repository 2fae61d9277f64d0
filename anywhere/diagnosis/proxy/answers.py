"""Causes at the proxy in use: it is not reached, or it refuses, cuts or answers what goes through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.catalogue.requests import AGENTS, GO
from anywhere.catalogue.texts.proxy import set_proxy
from anywhere.diagnosis.engine import Case, Fix, Rule, Say
from anywhere.diagnosis.evidence import CUT_REASONS, REACH, WEBSOCKET, Seen, is_page, look, proxied, reached, stopped_at
from anywhere.diagnosis.proxy.urls import bracketed, other_scheme, rewritten
from anywhere.diagnosis.subjects import addresses, components, details, names, proxy_of
from anywhere.evidence import Look
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.redact import without_user


def _cut_inside(case: Case) -> Iterator[int]:
    """The proxy connects, then the connection is reset or answered by a device: the proxy, or one behind it."""
    for index, finding in reached(case, Stage.TLS, Stage.HTTP):
        if Seen(finding).proxy and finding.reason in CUT_REASONS:
            yield index


def _pages_inside(case: Case) -> Iterator[int]:
    """An inspecting proxy that answers every request itself, and so the WebSocket upgrades too."""
    judged = [f for f in proxied(case) if f.reason is not None or f.stage is Stage.DONE]
    if judged and all(map(is_page, judged)):
        yield from (i for i, f in case.trouble(REACH, WEBSOCKET) if Seen(f).proxy)


def _wrong_scheme(case: Case) -> Iterator[int]:
    """Fails with the scheme of the URL, and works with the other one."""
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
    """Why only the agents' WebSocket channels fail; empty for another fault."""
    why = next((Seen(finding).library_refuses for finding in findings if Seen(finding).library_refuses), "")
    return f"{proxy_of(findings)} passes API calls but not the agents' channels: {why}" if why else ""


def _write_http(findings: Sequence[Finding]) -> Remedy:
    return Remedy(
        "Use a proxy URL with http://, its port, brackets around an IPv6 address, and a user only together with a password. "
        "The command sets it for all components; the proxy must accept plain HTTP on that port.",
        set_proxy(f"http://{bracketed(without_user(proxy_of(findings)).partition('://')[2])}"),
    )


def _plain_port(findings: Sequence[Finding]) -> Remedy:
    """No command with https://: both agents' WebSocket library does not speak TLS to a proxy."""
    proxy = proxy_of(findings)
    return Remedy(
        f"{proxy} speaks TLS on that port, which both agents' channels (WebSocket) cannot. Name a port where the proxy takes "
        "plain HTTP: `sudo anywhere proxy apply --url http://PROXY:PORT`.",
        ask=f"Ask the team that runs {proxy} for a port that takes plain HTTP CONNECT.",
    )


def _wrong_scheme_said(findings: Sequence[Finding]) -> str:
    url = proxy_of(findings)
    return _library(findings) or f"The scheme of {url} is wrong: the proxy answers {other_scheme(url)}://"


def _right_scheme(findings: Sequence[Finding]) -> Remedy:
    url = proxy_of(findings)
    if _library(findings):
        return _write_http(findings)
    if other_scheme(url) == "https":
        return _plain_port(findings)
    return Remedy(f"Change the proxy's URL to http:// for {components(findings)}.", rewritten(url))


def _by_request(case: Case) -> Iterator[int]:
    """The agent's own request is refused and one like curl's passes: a filter by User-Agent, method or header."""
    for index, finding in case.trouble(REACH, WEBSOCKET):
        if look(finding, Look.OWN_REQUEST) == "passes":
            yield index


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
    """The request to the team that runs the proxy or the device."""
    whom = f"the team that runs {proxy_of(findings)}" if any(Seen(f).proxy for f in findings) else "the network team"
    return f"Ask {whom} to {text[0].lower()}{text[1:].removesuffix('.')} for {names(findings)}."


def _unreachable(case: Case) -> Iterator[int]:
    """The proxy is not reached, or never answers for any endpoint. Where no nameserver answers, a proxy name that does not
    resolve proves nothing about the proxy."""
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
    place = without_user(url).partition("://")[2]
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
    Rule("proxy.wrong-scheme", _wrong_scheme, _wrong_scheme_said, _right_scheme),
    Rule("proxy.unreachable", _unreachable, _unreachable_said, _reach_it),
    Rule(
        "proxy.auth-required",
        stopped_at(Stage.PROXY, Reason.PROXY_AUTH_REQUIRED),
        lambda fs: f"{proxy_of(fs)} requires a user and password ({'; '.join(details(fs)[:1])})",
        lambda fs: Remedy(
            "Set the user and password for every component: the command reads one line user:password from standard input. "
            "The agents support Basic only; with NTLM or Negotiate, ask for a rule by this host's address instead.",
            set_proxy(without_user(proxy_of(fs)), "--credentials-file", "-"),
        ),
    ),
    Rule("proxy.denies-endpoint", stopped_at(Stage.PROXY, Reason.PROXY_DENIED, Reason.PROXY_ERROR), *_DENIES),
)
