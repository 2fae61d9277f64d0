"""What the end of the ECS agent's log says: the latest state, not the first complaint.

Patterns were tried on recorded runs of the real agent. Its log is logfmt, and the order of the keys after msg changes
from line to line. Lines of level error that a healthy external agent prints are in no pattern.
"""

from __future__ import annotations

import json
import re
from calendar import timegm
from collections.abc import Iterable, Iterator
from dataclasses import replace

from anywhere.catalogue.daemon_lines.ecs_init import rows_by_kind
from anywhere.catalogue.log_lines import ECS_LINES, LOST_FEATURES, LogLine, first_match
from anywhere.catalogue.log_lines import message as message
from anywhere.facts.logs import log_place
from anywhere.facts.logs.log_place import agent_log_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.redact import redact

LONGEST = 4000  # characters of a line that are looked at
STALE = 3600.0  # seconds: the agent tries again within half an hour

COMMANDS, FILES, FOLDERS = log_place.COMMANDS, log_place.FILES, log_place.FOLDERS

STARTED = re.compile(r'msg="(?:Starting Amazon ECS Agent|Amazon ECS agent Version: (?P<old>[\d.]+))')
VERSION = re.compile(r'\bversion="?(\d+\.\d+\.\d+)')
REGISTERED = re.compile(r'msg="Registered container instance with cluster!')
CONNECTED = re.compile(r'msg="Connected to (ACS|TCS) endpoint')
SHARD = re.compile(r'msg="Establishing a Websocket connection".*?https://(ecs-[at]-[^./"]+\.[^/":]+)')
CLOSED = re.compile(r"(ACS WebSocket|TCS Websocket) connection closed for a valid reason")
TELEMETRY = re.compile(r"\bTCS\b|\btcs\b|telemetry", re.I)

# Lines about registration and channels. Others (a failed image pull) say nothing of a channel that is up.
ABOUT_CHANNELS = re.compile(
    r"Unable to register|nable to discover poll|Failed to connect to ACS|Error connecting to TCS|lost websocket|"
    r"unable to dial|ACS Connection hasn't|is deregistered|reconnectDelay=|terminal error from Register"
)
# What docker answers (an image that it cannot pull), EC2's metadata, and calls for a task's secrets, logs and images: where
# they get no answer, the agent's own way to AWS may be free.
OF_OTHERS = re.compile(
    r"^(?!.*operation error ECS:).*(?:Error response from daemon|CannotPull|docker\.sock|169\.254\.169\.254|operation error \w)"
)
FINAL = "Agent will terminally exit"
BAD = re.compile(r"\blevel=(?:error|critical)\b")
# A line without any of these is no pattern's: looking for plain words first makes reading a log ten times as fast.
WORDS = (
    *("Amazon ECS", "Registered container", "Connected to", "Establishing a Websocket", FINAL, "level=error"),
    *("level=critical", *(word for row in (*ECS_LINES, *LOST_FEATURES) for word in row.words)),
)


@frozen
class Symptom:
    """A complaint that nothing later took back: its kind, its channel (`ACS`, or `TCS` for telemetry), the line,
    and lines of the same kind about other channels."""

    kind: str
    channel: str
    line: str
    also: tuple[str, ...] = ()

    @property
    def row(self) -> LogLine:
        """What the line means."""
        return rows_by_kind()[self.kind]


@frozen
class AgentLog:
    """The latest state. `registered` and the channels are None while the log's end says nothing of them.

    `starts` counts the starts since the last registration or connection, `final` is whether the agent gave up, `last` is
    the last line of level error or critical, known or not, and `lost` what the agent goes on without. `place` is where the
    log was read, `unread` why nothing of its state can be known,
    `until` when its last line was written, `runs` when the agent was started (epoch seconds)."""

    version: str = ""
    registered: bool | None = None
    acs: bool | None = None
    tcs: bool | None = None
    starts: int = 0
    final: bool = False
    symptoms: tuple[Symptom, ...] = ()
    shards: tuple[str, ...] = ()
    last: str = ""
    lost: tuple[Symptom, ...] = ()
    place: str = ""
    unread: str = ""
    until: float = 0.0
    runs: tuple[float, ...] = ()

    def symptom(self, *kinds: str) -> Symptom | None:
        """The latest symptom of one of these kinds."""
        return next((one for one in reversed(self.symptoms) if one.kind in kinds), None)


def agent_log(host: Host) -> AgentLog | None:
    """The state that the log's end tells; None where it may not be read, an empty one where there is no log."""
    found = agent_log_text(host)
    if found.forbidden:
        return None
    state = replace(parse_agent_log(found.text), place=found.place, unread=found.why, until=_last_time(found.text))
    if not found.sparse:
        return state
    # Successes are not written here, so nothing takes back what was said long ago.
    old = _is_old(host, state)
    unread = (
        found.why or f"lines of level info are off, and the last complaint in {found.place} is old or there is none"
    )
    return AgentLog(version=state.version, place=found.place, unread=unread) if old else state


def _last_time(text: str) -> float:
    return next((when for line in reversed(as_logfmt(text[-8192:]).splitlines()) if (when := seconds_of(line))), 0.0)


def _is_old(host: Host, state: AgentLog) -> bool:
    """Whether the last complaint was written more than an hour ago, or there is none."""
    now = host.inventory().now
    lines = [one.line for one in state.symptoms]
    when = seconds_of(lines[-1]) if lines else 0.0
    return not lines or bool(now and when and now - when > STALE)


_TIME = re.compile(r"\btime=\"?(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)")


def seconds_of(line: str) -> float:
    """When a line was written, in epoch seconds; 0 where it does not say."""
    found = _TIME.search(line)
    return float(timegm(tuple(map(int, found.groups())))) if found else 0.0


def parse_agent_log(text: str) -> AgentLog:
    """Read the lines in their order; each takes back what it disproves.

    ```
    level=info time=2026-09-21T10:00:00Z msg="Connected to ACS endpoint" module=acs_handler.go
    ```
    """
    state = AgentLog()
    before: tuple[Symptom, ...] = ()
    last = ""
    for line in _telling(text):
        if STARTED.search(line):
            before, last = state.symptoms or before, state.last or last
        state = _after(state, line)
    if not state.symptoms and state.registered is None and state.acs is None:
        return replace(state, symptoms=before, last=state.last or last)
    return state


def _telling(text: str) -> Iterator[str]:
    text = as_logfmt(text)
    words = [word for word in WORDS if word in text]
    return (line[:LONGEST] for line in text.splitlines() if any(word in line for word in words))


def as_logfmt(text: str) -> str:
    """Lines that were written as JSON (ECS_LOG_OUTPUT_FORMAT=json) in the form of the others."""
    if '{"' not in text:
        return text
    return "\n".join(_logfmt(line) if line.startswith("{") else line for line in text.splitlines())


def _logfmt(line: str) -> str:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(found, dict):
        return line
    bare = ("level", "time", "module")
    pairs = (
        (key, str(value) if key in bare else json.dumps(str(value), ensure_ascii=False)) for key, value in found.items()
    )
    return " ".join(f"{key}={value}" for key, value in pairs)


def _after(state: AgentLog, line: str) -> AgentLog:
    if started := STARTED.search(line):
        version = VERSION.search(line)
        said = started["old"] or (version[1] if version else state.version)
        runs = (*state.runs, seconds_of(line))[-50:]
        return AgentLog(version=said, starts=state.starts + 1, shards=state.shards, runs=runs)
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
    if BAD.search(line):
        state = replace(state, last=quoted(line))
    if row := first_match(LOST_FEATURES, line):
        return replace(
            state, lost=(*(one for one in state.lost if one.kind != row.kind), Symptom(row.kind, "", quoted(line)))
        )
    if FINAL in line:
        return replace(state, final=True)
    found = first_match(ECS_LINES, line)
    kind = found.kind if found else ""
    if not found or (state.acs and not found.lasting and not ABOUT_CHANNELS.search(line)):
        return state
    if found.network and OF_OTHERS.search(line) and not ABOUT_CHANNELS.search(line):
        return state
    channel = "TCS" if TELEMETRY.search(line) else "ACS"
    kept = tuple(one for one in state.symptoms if (one.kind, one.channel) != (kind, channel))
    state = replace(state, symptoms=(*kept, Symptom(kind, channel, quoted(line))))
    if found.lasting:
        return state
    if channel == "TCS":
        return replace(state, tcs=False)
    return replace(state, acs=False, registered=state.registered if state.registered else False)


def quoted(line: str) -> str:
    """A line as a report may show it: without secrets, at most 900 characters."""
    return redact(line.strip())[:900]


def _without(symptoms: Iterable[Symptom], channel: str) -> tuple[Symptom, ...]:
    """A channel that works takes back its symptoms; a taken port and an ignored setting stay."""
    return tuple(one for one in symptoms if one.channel != channel or one.row.lasting)
