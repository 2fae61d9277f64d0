"""What the end of the SSM agent's log says of its latest state."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from anywhere.facts.files import Access, read_text
from anywhere.hosts.base import Host
from anywhere.redact import redact

PATH = "/var/log/amazon/ssm/amazon-ssm-agent.log"
TAIL = 64 * 1024  # bytes

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (PATH,)
FOLDERS: tuple[str, ...] = ()

STARTED = re.compile(r"amazon-ssm-agent - v(?P<version>\d+(?:\.\d+)+)")
READY = re.compile(r"\[CredentialRefresher\] (?:Credentials ready|Next credential rotation)")
REFUSED = re.compile(r"Retrieve credentials produced (?:aws )?error: (?P<why>.*)")
HIBERNATES = re.compile(r"Entering SSM Agent hibernate - (?P<why>.*)")
NO_IDENTITY = re.compile(r"failed to find agent identity")
FAILED = re.compile(r"Registration failed due to (?:error registering the instance with AWS SSM\.\s*)?(?P<why>.*)")
CAUSED = re.compile(r"(?:[\d-]+ [\d:.]+ (?:\w+ )?)?caused by: ")
REGISTERED = re.compile(r"Successfully registered the instance with AWS SSM")
BAD = re.compile(r"^\S+ \S+ (?:ERROR|CRITICAL) |^caused by: ")
WORKING = re.compile(
    r"Set up control channel|Control channel ready|successfully opened websocket|Starting health check", re.I
)


@dataclass(frozen=True, slots=True)
class SsmLog:
    """`credentials` is whether the last try for credentials succeeded, `refused` what the service answered then,
    `hibernates` why the worker sleeps, `last` the last line of level error, `failed` why the last registration failed.
    None and empty where the log's end says nothing."""

    version: str = ""
    credentials: bool | None = None
    refused: str = ""
    hibernates: str = ""
    has_identity: bool = True
    last: str = ""
    failed: str = ""


def ssm_log(host: Host) -> SsmLog | None:
    """The state that the log's end tells; None where it may not be read."""
    text = read_text(host, PATH, tail=TAIL)
    return None if text.access is Access.FORBIDDEN else parse_ssm_log(text.content)


def parse_ssm_log(text: str) -> SsmLog:
    """Read the lines in their order; a start and a success take back what was said before.

    ```
    2026-09-21 10:00:00 INFO [ssm-agent-worker] Entering SSM Agent hibernate - AccessDeniedException: ...
    ```
    """
    state = SsmLog()
    for line in (whole[:4000] for whole in text.splitlines()):
        if BAD.search(line):
            state = replace(state, last=redact(line.strip())[:500])
        if started := STARTED.search(line):
            # The core and its worker both print it: what the core has learnt meanwhile stays.
            state = SsmLog(started["version"]) if "worker" not in line else replace(state, version=started["version"])
        elif failed := FAILED.search(line):
            state = replace(state, failed=redact(failed["why"]).strip()[:400])
        elif CAUSED.match(line) and state.failed:
            state = replace(
                state, failed=f"{state.failed} caused by: {redact(line.partition('caused by: ')[2].strip())}"[:700]
            )
        elif REGISTERED.search(line):
            state = replace(state, failed="")
        elif READY.search(line):
            state = replace(state, credentials=True, refused="")
        elif refused := REFUSED.search(line):
            state = replace(state, credentials=False, refused=redact(refused["why"])[:300])
        elif asleep := HIBERNATES.search(line):
            state = replace(state, hibernates=redact(asleep["why"])[:300])
        elif NO_IDENTITY.search(line):
            state = replace(state, has_identity=False)
        elif WORKING.search(line):
            state = replace(state, hibernates="")
    return state
