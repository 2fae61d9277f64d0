"""Which proxy a Go program takes for a host, from the variables of its environment.

The rules are those of golang.org/x/net/http/httpproxy, on which dockerd and both agents rest. Differences:

- the ECS agent has a copy of its own that takes HTTP_PROXY for https too where HTTPS_PROXY is unset or refused
  (aws/amazon-ecs-agent ecs-agent/utils/httpproxy/proxy.go; seen on the wire);
- the SSM agent logs only the lower-case names at start, yet obeys both, the upper-case one first (seen on the wire).

A variable that Go refuses counts as unset, without a word: the program then goes out directly. More often Go misreads a
bad URL: it puts `http://` before it, and then looks for a proxy of the name `http`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from anywhere.facts.network.no_proxy import is_excluded, useless_entries
from anywhere.frozen import frozen
from anywhere.hosts.probe.proxy_url import DEFAULT_PORTS, OLD_SCHEMES, NotAUrl, ProxyUrl, parse_proxy, parse_url

# What the ECS agent sets NO_PROXY to at its first channel where that is empty; from then on the lower-case variable no
# longer counts (ecs-agent/wsclient/client.go, Connect).
AGENT_NO_PROXY = "169.254.169.254,169.254.170.2,/var/run/docker.sock"
ECS_AGENT, SSM_AGENT, DOCKER, GO = "ecs-agent", "ssm-agent", "docker", "go"


@frozen
class ProxyProblem:
    """What is wrong with a variable. `code` is a fixed word; `text` is for people and holds no secret.

    `ignored`: Go takes the variable as unset. `broken`: Go uses it, and every connection fails.
    """

    variable: str
    code: str
    text: str
    ignored: bool = False
    broken: bool = False


@frozen
class Choice:
    """The variable that names the proxy, the exclusions that count and their variable (empty: the program's own)."""

    variable: str = ""
    no_proxy: str = ""
    no_proxy_variable: str = ""


@frozen
class ProxyEnvironment:
    """The proxy settings of one program. The URLs may hold a password: show them by `redact_proxy` only."""

    flavour: str = GO
    http: ProxyUrl | None = field(default=None, repr=False)
    https: ProxyUrl | None = field(default=None, repr=False)
    no_proxy: str = ""
    channel_no_proxy: str = ""
    https_variable: str = ""
    no_proxy_variable: str = ""
    problems: tuple[ProxyProblem, ...] = ()

    @classmethod
    def from_mapping(cls, env: Mapping[str, str], flavour: str = GO) -> ProxyEnvironment:
        """Read a program's environment. `flavour` is `ecs-agent`, `ssm-agent`, `docker` or `go`; never raises."""
        http, https = (_url(_value(env, f"{kind}_PROXY")[1], flavour) for kind in ("HTTP", "HTTPS"))
        no_proxy = channel = _value(env, "NO_PROXY")[1]
        if flavour == ECS_AGENT and not env.get("NO_PROXY"):
            channel = AGENT_NO_PROXY
        https_variable = _value(env, "HTTPS_PROXY" if https or flavour != ECS_AGENT else "HTTP_PROXY")[0]
        problems = tuple(_problems(env, flavour, http, https))
        return cls(flavour, http, https, no_proxy, channel, https_variable, _value(env, "NO_PROXY")[0], problems)

    def choice(self, host: str, port: int = 443, scheme: str = "https") -> Choice:
        """What decides about this host: the variable that names a proxy (empty: none does), and the exclusions."""
        is_channel = scheme in ("wss", "ws")
        no_proxy = self.channel_no_proxy if is_channel else self.no_proxy
        if self._for_scheme(scheme) is None:
            return Choice(no_proxy=no_proxy)
        by_agent = is_channel and self.channel_no_proxy != self.no_proxy
        variable = self.https_variable if scheme in ("https", "wss") else "HTTP_PROXY"
        return Choice(variable, no_proxy, "" if by_agent else self.no_proxy_variable)

    def for_host(self, host: str, port: int = 443, scheme: str = "https") -> str:
        """The proxy's URL with its port for a request to this host, empty for none.

        `scheme` is `https`, `wss`, `http` or `ws`. The user part stays as written; see `redact_proxy`.
        """
        proxy = self._for_scheme(scheme)
        no_proxy = self.channel_no_proxy if scheme in ("wss", "ws") else self.no_proxy
        if proxy is None or is_excluded(no_proxy, host, port):
            return ""
        # The WebSocket libraries know no default port for socks5, take a bare colon for one, and want IPv6 in brackets.
        usual = proxy.port or (proxy.scheme == "http" and not proxy.bare_colon)
        return str(proxy) if scheme == "https" or (usual and not proxy.bare_ipv6) else proxy.written

    def _for_scheme(self, scheme: str) -> ProxyUrl | None:
        if scheme in ("https", "wss"):
            return self.https or (self.http if self.flavour == ECS_AGENT else None)
        return self.http if scheme in ("http", "ws") else None


def _value(env: Mapping[str, str], name: str) -> tuple[str, str]:
    """The variable that counts and its value: the upper-case one unless it is empty."""
    for variable in (name, name.lower()):
        if env.get(variable):
            return variable, env[variable]
    return name, ""


def _url(text: str, flavour: str) -> ProxyUrl | None:
    try:
        return parse_proxy(text, old=flavour == ECS_AGENT) if text else None
    except NotAUrl:
        return None


def _problems(
    env: Mapping[str, str], flavour: str, http: ProxyUrl | None, https: ProxyUrl | None
) -> Iterator[ProxyProblem]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        upper, lower = env.get(name, ""), env.get(name.lower(), "")
        if upper and lower and upper != lower:
            yield ProxyProblem(name, "case-differs", f"{name} and {name.lower()} differ; Go takes {name}")
    for name, url in (("HTTP_PROXY", http), ("HTTPS_PROXY", https)):
        variable, text = _value(env, name)
        if text:
            yield from _of_value(variable, text, url, flavour)
    variable, text = _value(env, "NO_PROXY")
    if flavour == ECS_AGENT and text and not env.get("NO_PROXY"):
        about = "is set in lower case alone: at its first channel the ECS agent sets NO_PROXY itself, and no_proxy no longer "
        yield ProxyProblem(variable, "exclusions-lost", f"{variable} {about}counts; write NO_PROXY", broken=True)
    for entry, why in useless_entries(text):
        yield ProxyProblem(variable, "exclusion-useless", f"{entry!r} in {variable} excludes nothing: {why}")
    every = _value(env, "ALL_PROXY")
    if https is None and every[1]:
        yield ProxyProblem(every[0], "all-proxy-ignored", f"Go does not read {every[0]}; set HTTPS_PROXY", ignored=True)
    if http and https is None and flavour != ECS_AGENT:
        text = "only HTTP_PROXY is set, which Go does not use for https: AWS endpoints are reached directly"
        yield ProxyProblem("HTTPS_PROXY", "https-unset", text)


def _of_value(variable: str, text: str, url: ProxyUrl | None, flavour: str) -> Iterator[ProxyProblem]:
    def problem(code: str, about: str, **kind: bool) -> ProxyProblem:
        return ProxyProblem(variable, code, f"{variable} {about}", **kind)

    effect = {"ignored": url is None, "broken": url is not None}
    name = repr(url.host) if url and url.host in DEFAULT_PORTS else "another part"
    instead = "ignores it, as if it were unset" if url is None else f"takes {name} for the proxy's name"
    if text[0] in "\"'" or text[-1] in "\"'":
        yield problem("quoted", f"has a quotation mark in its value, so Go {instead}", **effect)
        return
    try:
        meant = parse_url(text if "://" in text else f"http://{text}")
    except NotAUrl as error:
        if re.search(r"//[^/?#@]*:[^@]*[/?#][^@]*@", text if "://" in text else f"//{text}"):
            error = NotAUrl(f"{error}; a / ? or # in the password must be written %2F %3F %23")
        yield problem("refused" if url is None else "misread", f"is no URL for Go, which {instead}: {error}", **effect)
        return
    yield from _of_url(problem, meant, flavour)
    if "@" in text and not meant.userinfo:
        about = "has an @ behind what Go takes for the host: a / ? or # in the password must be written %2F %3F %23"
        yield problem("unescaped", about, broken=True)


def _of_url(problem: Callable[..., ProxyProblem], meant: ProxyUrl, flavour: str) -> Iterator[ProxyProblem]:
    if not meant.host:
        yield problem("no-host", "names no host", broken=True)
    if meant.scheme not in (OLD_SCHEMES if flavour == ECS_AGENT else DEFAULT_PORTS):
        yield problem("scheme-unknown", "has a scheme that the program cannot speak: write http://", broken=True)
    elif meant.port > 65535:
        yield problem("bad-port", "has a port above 65535", broken=True)
    elif not meant.port:
        yield problem("port-missing", f"names no port, so Go takes {meant.effective_port}")
    if "@" in meant.userinfo:
        yield problem("unescaped", "has an @ in its user name or password: Go copes, other programs may not; write %40")
    if meant.scheme == "https" and flavour == SSM_AGENT:
        yield problem("scheme-https", "is an https proxy, which Session Manager does not support: write http://")
