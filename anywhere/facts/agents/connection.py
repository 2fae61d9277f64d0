"""Since when the ECS agent is connected or not, and how often its channel is cut: by the times in its own log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

from anywhere.facts.agents.ecs_log import (
    ABOUT_CHANNELS,
    CONNECTED,
    STARTED,
    TELEMETRY,
    as_logfmt,
)
from anywhere.facts.logs.log_place import agent_log_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

# A healthy channel ends once in 30 to 35 minutes, announced by the agent; a proxy that cuts at its idle limit (mostly 60 s)
# makes it reconnect each time, and ECS sees nothing of it (recorded runs of agent 1.105.1).
CUTS, WITHIN = 6, 3600.0  # this many within so many seconds are not the agent's own
_TIME = re.compile(r'\btime="?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')
_CUT = re.compile(r"ACS WebSocket connection closed for a valid reason|ACS Connection hasn't had any activity")


@frozen
class Connection:
    """`connected` is None where the log says nothing. `since` is the log's time of that state (UTC, ISO 8601), `started`
    that of the agent's last start. `cuts` counts how often the channel was cut within an hour of the last cut, `every` is
    the usual time between two of them in seconds, `line` the last such line."""

    connected: bool | None = None
    since: str = ""
    started: str = ""
    cuts: int = 0
    every: float = 0.0
    line: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether something cuts the channel again and again."""
        return self.cuts >= CUTS


def connection(host: Host) -> Connection:
    """The state by the end of the agent's log; an empty one where it may not be read."""
    return parse_connection(agent_log_text(host).text)


def parse_connection(text: str) -> Connection:
    """Read the lines in their order."""
    connected: bool | None = None
    since = started = line_of_cut = ""
    cuts: list[str] = []
    for line in as_logfmt(text).splitlines():
        row = line[:4000]
        found = _TIME.search(row)
        when = f"{found[1]}Z" if found else ""
        if STARTED.search(row):
            connected, since, started, cuts = None, "", when, []
        elif (up := CONNECTED.search(row)) and up[1] == "ACS":
            connected, since = (True, when) if connected is not True else (True, since)
        elif _CUT.search(row):
            cuts, line_of_cut = [*cuts, when], row
        elif ABOUT_CHANNELS.search(row) and not TELEMETRY.search(row):
            connected, since = (False, when) if connected is not False else (False, since)
    times = _recent(cuts)
    return Connection(connected, since, started, len(times), _usual(times), line_of_cut)


def _recent(stamps: Iterable[str]) -> list[float]:
    times = [seconds for stamp in stamps if (seconds := epoch(stamp))]
    return [one for one in times if one > times[-1] - WITHIN]


def _usual(times: list[float]) -> float:
    """The median of the gaps."""
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    return gaps[len(gaps) // 2] if gaps else 0.0


def epoch(stamp: str) -> float:
    """Epoch seconds of an ISO 8601 time; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
