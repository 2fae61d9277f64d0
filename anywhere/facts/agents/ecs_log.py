"""What the end of the ECS agent's log says: the latest state, not the first complaint.

Patterns were tried on recorded runs of the real agent. Its log is logfmt, and the order of the keys after msg changes
from line to line. Lines of level error that a healthy external agent prints are in no pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from anywhere.facts.files import Access, read_text
from anywhere.hosts.base import Host
from anywhere.redact import redact

PATH = "/var/log/ecs/ecs-agent.log"
LONGEST = 4000  # characters of a line that are looked at
TAIL = 128 * 1024  # bytes: more than a whole start of the agent, registration errors of an hour included

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (PATH,)
FOLDERS: tuple[str, ...] = ()

STARTED = re.compile(r'msg="(?:Starting Amazon ECS Agent|Amazon ECS agent Version: (?P<old>[\d.]+))')
VERSION = re.compile(r'\bversion="?(\d+\.\d+\.\d+)')
REGISTERED = re.compile(r'msg="Registered container instance with cluster!')
CONNECTED = re.compile(r'msg="Connected to (ACS|TCS) endpoint')
SHARD = re.compile(r'msg="Establishing a Websocket connection".*?https://(ecs-[at]-[^./"]+\.[^/":]+)')
CLOSED = re.compile(r"(ACS WebSocket|TCS Websocket) connection closed for a valid reason")
TELEMETRY = re.compile(r"\bTCS\b|\btcs\b|telemetry", re.I)

# Kind of symptom to its pattern; the first that fits a line names it.
SYMPTOMS: tuple[tuple[str, str], ...] = (
    ("clock", r"Signature (?:expired|not yet current): \d{8}T\d{6}Z is .* \(\d{8}T\d{6}Z"),
    ("cluster", r"saved cluster '.*?' does not match configured cluster '.*?'"),
    ("proxy", r"proxyconnect tcp: |Proxy Authentication Required|\\?\": Forbidden|response: : Forbidden"),
    ("dns", r"lookup \S+(?: on \S+:53)?: .*?(?:no such host|i/o timeout|connection refused|server misbehaving)"),
    ("tls", r"x509: |remote error: tls: |TLS handshake timeout|server gave HTTP response to HTTPS"),
    ("tcp", r"dial tcp \[?[\da-fA-F.:]+\]?:443: "),
    ("portal", r"failed to decode response body, invalid character"),
    ("credentials", r"no valid providers in chain"),
    ("docker", r"unable to connect to Docker daemon|Ensure Docker is running|client not found for docker version"),
    ("state", r'msg="Error creating data client"'),
    ("port", r"Error running (?:introspection endpoint|task api).*address already in use"),
    ("config", r'Invalid format for \\?"?ECS_|Invalid logging drivers|AWS_DEFAULT_REGION has to be set'),
    ("websocket", r"unable to dial \S+ response: .*: websocket: bad handshake"),
    ("silence", r"ACS Connection hasn't had any activity for too long"),
    ("deregistered", r'msg="Container instance is deregistered"|reconnectDelay="?1h0m0s'),
    ("refused", r"StatusCode: \d+, RequestID: [^,]*, (?:api error )?\w+: "),
    ("discover", r"(?:ACS|tcs): [Uu]nable to discover poll endpoint"),
    ("registration", r'msg="Unable to register as a container instance|Received (?:non-)?terminal error'),
    ("channel", r'msg="Failed to connect to ACS"|msg="Error connecting to TCS"|lost websocket connection with ECS'),
)
LASTING = frozenset({"port", "config"})  # until the next start, whatever the channels do
# What lies in the network between agent and AWS: the network checks name its cause.
NETWORK_SYMPTOMS = frozenset(
    {"clock", "proxy", "dns", "tls", "tcp", "portal", "websocket", "silence", "channel", "discover"}
)
# Lines about registration and channels. Others (a failed image pull) say nothing of a channel that is up.
ABOUT_CHANNELS = re.compile(
    r"Unable to register|nable to discover poll|Failed to connect to ACS|Error connecting to TCS|lost websocket|"
    r"unable to dial|ACS Connection hasn't|is deregistered|reconnectDelay=|terminal error from Register"
)
FINAL = "Agent will terminally exit"
# A line without any of these is no pattern's: looking for plain words first makes reading a log ten times as fast.
WORDS = (
    *("Amazon ECS", "Registered container", "Connected to", "Establishing a Websocket", "Signature ", "saved cluster"),
    *("proxyconnect", "Proxy Authentication", "Forbidden", "lookup ", "x509: ", "tls: ", "TLS handshake", "to HTTPS"),
    *("dial tcp", "failed to decode", "no valid providers", "to Docker", "Docker is running", "docker version"),
    *("Error creating", "already in use", "Invalid ", "has to be set", "unable to dial", "any activity"),
    *("is deregistered", "reconnectDelay", "StatusCode: ", "discover poll", "to register", "terminal"),
    *("to connect to ACS", "connecting to TCS", "lost websocket"),
)


@dataclass(frozen=True, slots=True)
class Symptom:
    """A complaint that nothing later took back: its kind, its channel (`ACS`, or `TCS` for telemetry) and the line."""

    kind: str
    channel: str
    line: str


@dataclass(frozen=True, slots=True)
class AgentLog:
    """The latest state. `registered` and the channels are None while the log's end says nothing of them.

    `starts` counts the starts since the last registration or connection, `final` is whether the agent gave up."""

    version: str = ""
    registered: bool | None = None
    acs: bool | None = None
    tcs: bool | None = None
    starts: int = 0
    final: bool = False
    symptoms: tuple[Symptom, ...] = ()
    shards: tuple[str, ...] = ()

    def symptom(self, *kinds: str) -> Symptom | None:
        """The latest symptom of one of these kinds."""
        return next((one for one in reversed(self.symptoms) if one.kind in kinds), None)


def agent_log(host: Host) -> AgentLog | None:
    """The state that the log's end tells; None where it may not be read, an empty one where there is no log."""
    text = read_text(host, PATH, tail=TAIL)
    return None if text.access is Access.FORBIDDEN else parse_agent_log(text.content)


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The patterns, made when the first log is read: most runs read none."""
    return tuple((kind, re.compile(pattern)) for kind, pattern in SYMPTOMS)


def parse_agent_log(text: str) -> AgentLog:
    """Read the lines in their order; each takes back what it disproves.

    ```
    level=info time=2026-09-21T10:00:00Z msg="Connected to ACS endpoint" module=acs_handler.go
    ```
    """
    state = AgentLog()
    before: tuple[Symptom, ...] = ()
    for line in _telling(text):
        if STARTED.search(line):
            before = state.symptoms or before
        state = _after(state, line)
    if not state.symptoms and state.registered is None and state.acs is None:
        return replace(state, symptoms=before)
    return state


def _telling(text: str) -> Iterator[str]:
    words = [word for word in WORDS if word in text]
    return (line[:LONGEST] for line in text.splitlines() if any(word in line for word in words))


def _after(state: AgentLog, line: str) -> AgentLog:
    if started := STARTED.search(line):
        version = VERSION.search(line)
        said = started["old"] or (version[1] if version else state.version)
        return AgentLog(version=said, starts=state.starts + 1, shards=state.shards)
    if REGISTERED.search(line):
        return replace(state, registered=True, starts=0, final=False, symptoms=_without(state.symptoms, "ACS"))
    if connected := CONNECTED.search(line):
        left = _without(state.symptoms, connected[1])
        if connected[1] == "TCS":
            return replace(state, tcs=True, symptoms=left)
        return replace(state, acs=True, registered=True, starts=0, final=False, symptoms=left)
    if shard := SHARD.search(line):
        return replace(state, shards=(*(name for name in state.shards if name != shard[1]), shard[1])[-8:])
    if CLOSED.search(line):
        return state
    return _with_symptom(state, line)


def _with_symptom(state: AgentLog, line: str) -> AgentLog:
    if FINAL in line:
        return replace(state, final=True)
    kind = next((kind for kind, pattern in _compiled() if pattern.search(line)), "")
    if not kind or (state.acs and kind not in LASTING and not ABOUT_CHANNELS.search(line)):
        return state
    channel = "TCS" if TELEMETRY.search(line) else "ACS"
    kept = tuple(one for one in state.symptoms if (one.kind, one.channel) != (kind, channel))
    state = replace(state, symptoms=(*kept, Symptom(kind, channel, redact(line.strip())[:500])))
    if kind in LASTING:
        return state
    if channel == "TCS":
        return replace(state, tcs=False)
    return replace(state, acs=False, registered=state.registered if state.registered else False)


def _without(symptoms: Iterable[Symptom], channel: str) -> tuple[Symptom, ...]:
    """A channel that works takes back its symptoms; a taken port and an ignored setting stay."""
    return tuple(one for one in symptoms if one.channel != channel or one.kind in LASTING)
