"""What a complaint about the way to AWS means on its own: for a status, which sends no packet to find out.

A check probes the way itself and knows better. Dated with the table of log lines; the first row that fits a line decides.
Patterns: recorded runs of the real agents (ECS agent 1.105.1, SSM agent 3.3); the words are those of Go's net, tls, x509.
"""

from __future__ import annotations

import re

from anywhere.frozen import frozen

Command = tuple[str, ...]

SSM_RESTART: Command = ("systemctl", "restart", "amazon-ssm-agent")
RESTART: tuple[Command, ...] = (SSM_RESTART, ("systemctl", "restart", "ecs"))
CHECK: Command = ("anywhere", "check", "--phase", "run")
_PROBE = (
    "Find out where it fails with a check, which probes every endpoint; fix what it names, then restart the agents."
)


@frozen
class LogCause:
    """One row: a cause code, the pattern of a line, what the line means, how to fix it, and commands for the host."""

    code: str
    pattern: str
    says: str
    fix: str = _PROBE
    commands: tuple[Command, ...] = (CHECK,)


LOG_CAUSES: tuple[LogCause, ...] = (
    LogCause(
        "clock.skewed",
        r"Signature (?:expired|not yet current)",
        "AWS refuses the agents' signatures, because the clock of this host is wrong",
        "Set the clock and let a time service keep it; then restart both agents, which wait up to half an hour otherwise.",
        (("timedatectl", "set-ntp", "true"), *RESTART),
    ),
    LogCause(
        "proxy.auth-required",
        r"Proxy Authentication Required|status: 407",
        "the proxy asks for credentials that the agent does not send",
    ),
    LogCause(
        "proxy.wrong-scheme",
        r"proxyconnect tcp: tls: first record|proxy: unknown scheme",
        "the proxy's URL has a scheme that the proxy does not speak",
    ),
    LogCause("proxy.unreachable", r"proxyconnect tcp: ", "the agent cannot connect to its proxy"),
    LogCause(
        "proxy.denies-endpoint",
        r"response: : Forbidden|\\?\": Forbidden",
        "the proxy refuses the endpoint",
    ),
    LogCause("dns.names-hidden", r"lookup \S+.*no such host", "the nameserver does not know the endpoint's name"),
    LogCause("dns.server-failing", r"lookup \S+.*server misbehaving", "the nameserver answers with a failure"),
    LogCause("dns.nameserver-down", r"lookup \S+.*(?:i/o timeout|connection refused)", "the nameserver does not answer"),
    LogCause(
        "tls.expired", r"x509: certificate has expired or is not yet valid", "the endpoint's certificate is outside its dates"
    ),
    LogCause("tls.wrong-name", r"x509: certificate is valid for", "the certificate presented is for another name"),
    LogCause(
        "tls.intercepted-untrusted",
        r"x509: (?:certificate signed by unknown authority|.*self.signed)",
        "the agent does not trust who signed the endpoint's certificate: TLS is intercepted, or a CA is missing",
    ),
    LogCause("tls.old-version", r"protocol version not supported", "the path offers TLS versions only that the agent refuses"),
    LogCause("tls.agent-suites", r"remote error: tls: handshake failure", "the path offers no TLS suite that the agent takes"),
    LogCause("tls.not-tls", r"server gave HTTP response to HTTPS|first record does not look", "the port speaks no TLS"),
    LogCause("egress.path-mtu", r"TLS handshake timeout", "TCP connects and the TLS handshake gets no answer"),
    LogCause("egress.no-route", r"no route to host|network is unreachable", "there is no route to the endpoint"),
    LogCause(
        "websocket.idle-cut",
        r"hasn't had any activity for too long",
        "the agent's channel goes silent: something on the path cuts quiet connections",
    ),
    LogCause(
        "websocket.refused",
        r"websocket: bad handshake",
        "a device on the path, mostly a proxy, refuses the WebSocket upgrade of the agent's channel",
    ),
    LogCause(
        "egress.endpoint-blocked",
        r"dial tcp \[?[\da-fA-F.:]+\]?:443: (?:i/o timeout|connect: connection refused)",
        "the endpoint does not accept the agent's connection",
    ),
)  # fmt: skip


def cause_of(line: str) -> LogCause | None:
    """The row that a line belongs to."""
    return next((row for row in LOG_CAUSES if re.search(row.pattern, line)), None)
