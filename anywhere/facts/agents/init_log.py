"""What ecs-init's log says last: why the agent's container was not started, or how it ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from anywhere.catalogue.daemon_lines.ecs_init import GOES_ON, rows_of
from anywhere.catalogue.log_lines import CRASHED, ENDED, KILLED, first_match
from anywhere.facts.agents.ecs_log import Symptom, as_logfmt, quoted, seconds_of
from anywhere.facts.files import Access, read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

PATH = "/var/log/ecs/ecs-init.log"
TAIL = 32 * 1024  # bytes: ecs-init writes a few lines a start
CRASH_TAIL = 512 * 1024  # bytes: of an agent that crashed it copies 200 lines into one of its own

# At the start of a line: a copy of the agent's log has levels of its own.
BAD = re.compile(r"level=(?:error|critical)\b")
# Its container ended: of level info, and all that is reported where the container never ran a line of the agent's.
EXITED = re.compile(r'level=\w+ (?:time="?\S+ )?msg="Agent exited with code (?P<code>[1-9]\d*)"')
# systemd starts or stops ecs-init: what it has seen before is of another run.
OTHER_RUN = re.compile(r'level=\w+ (?:time="?\S+ )?msg="?(?:pre-start|start|stop|post-stop)"?\s*$')
KILL, CRASHES = "137", ("2", "132", "134", "135", "136", "139")
ORDERED = ("5", "42")  # a final error, after which ecs-init ends; an update
LATELY = 3600.0  # seconds

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (PATH,)
FOLDERS: tuple[str, ...] = ()


@frozen
class Crash:
    """The agent ended at `at` (epoch seconds), and ecs-init, which went on, starts it again. `is_sudden` is whether it crashed
    or was killed."""

    at: float
    symptom: Symptom

    @property
    def is_sudden(self) -> bool:
        """Whether a run that had all it needs could end like that."""
        return self.symptom.kind in (CRASHED.kind, KILLED.kind)


def init_complaint(host: Host) -> Symptom | None:
    """The last complaint of ecs-init; None where there is none or the log may not be read."""
    text = read_text(host, PATH, tail=TAIL)
    return None if text.access is not Access.READ else parse_init_log(text.content)


def parse_init_log(text: str) -> Symptom | None:
    """The last line of level error or critical that can be the reason, by the table where that knows it (`other` where not).
    An agent that ran and ended since has put an earlier one right.

    ```
    level=error time=2026-09-21T10:00:00Z msg="could not start Agent: API error (500): OCI runtime create failed: ..."
    ```
    """
    lines = as_logfmt(text).splitlines()
    ended = max((place for place, line in enumerate(lines) if EXITED.match(line)), default=-1)
    bad = [line for line in lines[ended + 1 :] if BAD.match(line) and not GOES_ON.search(line)]
    for line in reversed(bad[-20:]):
        if row := first_match(rows_of(line), line):
            return Symptom(row.kind, "", quoted(line))
    if bad:
        return Symptom("other", "", quoted(bad[-1]))
    return _ended(lines[ended]) if ended >= 0 else None


def _ended(line: str) -> Symptom:
    found = EXITED.match(line)
    code = found["code"] if found else ""
    row = KILLED if code == KILL else CRASHED if code in CRASHES else ENDED
    return Symptom(row.kind, "", quoted(line))


def crashes(host: Host) -> tuple[Crash, ...]:
    """How often the agent has ended within the last hour, since its service's start."""
    now = host.inventory().now
    found = parse_crashes(read_text(host, PATH, tail=CRASH_TAIL).content)
    return tuple(one for one in found if 0 <= now - one.at < LATELY)


def parse_crashes(text: str) -> tuple[Crash, ...]:
    """
    ```
    level=info time=2026-09-21T10:00:00Z msg="Agent exited with code 2"
    ```
    """
    found: list[Crash] = []
    for line in text.splitlines():
        if OTHER_RUN.match(line[:200]):
            found.clear()
        elif (exited := EXITED.match(line[:200])) and exited["code"] not in ORDERED:
            found.append(Crash(seconds_of(line[:200]), _ended(line)))
    return tuple(found)


def goes_on(found: Sequence[Crash], now: float) -> bool:
    """Whether the last crash is as recent as their distances make likely: an agent that has run for longer is over it."""
    steps = [after.at - before.at for before, after in pairwise(found)]
    return bool(steps) and now - found[-1].at < 2 * max(steps)
