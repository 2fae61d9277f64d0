"""What ecs-init's log says last: why the agent's container was not started, or how it ended."""

from __future__ import annotations

import re

from anywhere.catalogue.daemon_lines.ecs_init import GOES_ON, rows_of
from anywhere.catalogue.log_lines import first_match
from anywhere.facts.agents.ecs_log import BAD, Symptom, as_logfmt, quoted
from anywhere.facts.files import Access, read_text
from anywhere.hosts.base import Host

PATH = "/var/log/ecs/ecs-init.log"
TAIL = 32 * 1024  # bytes: ecs-init writes a few lines a start, and copies 200 of the agent's where that crashed

# Its container ended: of level info, and all that is reported where the container never ran a line of the agent's.
ENDED = re.compile(r"Agent exited with code (?!0\b)\d+")

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (PATH,)
FOLDERS: tuple[str, ...] = ()


def init_complaint(host: Host) -> Symptom | None:
    """The last complaint of ecs-init; None where there is none or the log may not be read."""
    text = read_text(host, PATH, tail=TAIL)
    return None if text.access is not Access.READ else parse_init_log(text.content)


def parse_init_log(text: str) -> Symptom | None:
    """The last line of level error or critical that can be the reason, by the table where that knows it (`other` where not).

    ```
    level=error time=2026-09-21T10:00:00Z msg="could not start Agent: API error (500): OCI runtime create failed: ..."
    ```
    """
    bad = [line for line in as_logfmt(text).splitlines() if BAD.search(line) and not GOES_ON.search(line)]
    for line in reversed(bad[-20:]):
        if row := first_match(rows_of(line), line):
            return Symptom(row.kind, "", quoted(line))
    if bad:
        return Symptom("other", "", quoted(bad[-1]))
    ended = [line for line in as_logfmt(text).splitlines() if ENDED.search(line)]
    return Symptom("ended", "", quoted(ended[-1])) if ended else None
