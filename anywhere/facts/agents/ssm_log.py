"""What the end of the SSM agent's log says of its latest state."""

from __future__ import annotations

import re
from dataclasses import replace

from anywhere.facts.ssm import logs
from anywhere.facts.ssm.logs import PATH as PATH
from anywhere.facts.ssm.logs import TAIL as TAIL
from anywhere.facts.ssm.logs import SsmText, ssm_text
from anywhere.facts.system.changed import changed, start_of
from anywhere.facts.system.units import SSM, SSM_SNAP, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.redact import redact

EARLIER = 120.0  # seconds: an agent writes within this time of its service's start
LATEST = 3600.0  # seconds: the agent asks for credentials again within half an hour

COMMANDS, FILES, FOLDERS = logs.COMMANDS, logs.FILES, logs.FOLDERS

STARTED = re.compile(r"amazon-ssm-agent - v(?P<version>\d+(?:\.\d+)+)")
# A rotation "in -3.2 minutes" is one that is due and was not carried out.
READY = re.compile(r"\[CredentialRefresher\] (?:Credentials ready|Next credential rotation will be in (?!-))")
# core/app/credentialrefresher/credentialrefresher.go, after six tries; it begins anew at once, and renews nothing
UNWRITTEN = re.compile(r"Failed to write credentials to disk even with force, retrying: (?P<why>.*)")
# The same place: the credentials are written, their end is not, so that they count as expired and the worker is not told.
UNSAVED = re.compile(r"Failed to save new expiration: (?P<why>.*)")
REFUSED = re.compile(r"Retrieve credentials produced (?:aws )?error: (?P<why>.*)")
HIBERNATES = re.compile(r"Entering SSM Agent (?:Worker )?hibernate - (?P<why>.*)")
# agent/session/controlchannel/controlchannel.go, agent/messageservice/interactor/mgsinteractor/mgsinteractor.go
NO_CHANNEL = re.compile(r"CreateControlChannel failed with error: (?P<why>.*)")
CHANNEL = re.compile(r"Set up control channel successfully|[Ss]uccessfully opened websocket connection")
# agent/health/healthcheck.go, agent/sdkutil/sdkutil.go: each ping is announced, and only one that fails has a line more
PING = re.compile(r"\[HealthCheck\] HealthCheck reporting agent health")
NO_PING = re.compile(r"\[HealthCheck\] error when calling AWS APIs\. error details - (?P<why>.*)")
FAILED = re.compile(r"Registration failed due to (?:error registering the instance with AWS SSM\.\s*)?(?P<why>.*)")
CAUSED = re.compile(r"(?:[\d-]+ [\d:.]+ (?:\w+ )?)?caused by: ")
REGISTERED = re.compile(r"Successfully registered the instance with AWS SSM")
BAD = re.compile(r"^\S+ \S+ (?:ERROR|CRITICAL) |^caused by: ")
# core/workerprovider/longrunningprovider/provider/provider.go
NO_WORKER = re.compile(r"failed to start worker (?P<name>[\w-]+), (?P<why>.*)")
WORKER = re.compile(r"Worker [\w-]+ \(pid:\d+\) started")
WORKING = re.compile(
    r"Set up control channel|Control channel ready|successfully opened websocket|Starting health check", re.I
)


@frozen
class SsmLog:
    """`credentials` is whether the last try for credentials succeeded, `refused` what the service answered then,
    `unwritten` why they could not be written to the file that the ECS agent reads, `unsaved` why their end could not be saved,
    `hibernates` why the worker sleeps, `last` the last line of level error, `failed` why the last registration failed,
    `no_worker` why the worker does not start, which speaks to AWS, `no_channel` why it opens no control channel to
    ssmmessages, `no_ping` what the service answered to its last health ping. None and empty where the log's end says
    nothing."""

    version: str = ""
    credentials: bool | None = None
    refused: str = ""
    unwritten: str = ""
    unsaved: str = ""
    hibernates: str = ""
    last: str = ""
    failed: str = ""
    no_worker: str = ""
    no_channel: str = ""
    no_ping: str = ""


def ssm_log(host: Host) -> SsmLog | None:
    """The state that the log's end tells; None where it may not be read."""
    found = ssm_text(host, STARTED)
    if found.forbidden:
        return None
    state = parse_ssm_log(found.text)
    stuck = state.hibernates or state.no_worker or state.no_channel or state.no_ping or state.unwritten or state.unsaved
    complains = bool(stuck) or state.credentials is False
    return SsmLog(state.version) if complains and _is_past(host, found) else state


def _is_past(host: Host, found: SsmText) -> bool:
    """Whether the log is of a run that has ended: nothing was added since the service's start. A log of errors alone never
    takes one back, so there it is past when the agent has tried again since."""
    start = max(start_of(host, units(host)[name]) for name in (SSM, SSM_SNAP))
    now = host.inventory().now
    last = changed(host, found.path).get(found.path, 0.0) if start or found.errors_only else 0.0
    if not last or (start and now - start < EARLIER):
        return False
    return last < start - EARLIER or (found.errors_only and last < now - LATEST)


def _with_cause(state: SsmLog, cause: str, before: str) -> SsmLog:
    """The second line of an error, which names what the first one does not; `before` is the line ahead of it."""
    if REFUSED.search(before):
        return replace(state, refused=f"{state.refused} caused by: {cause}"[:1000])
    if HIBERNATES.search(before):
        return replace(state, hibernates=f"{state.hibernates} caused by: {cause}"[:1000])
    return replace(state, failed=f"{state.failed} caused by: {cause}"[:1000]) if state.failed else state


def parse_ssm_log(text: str) -> SsmLog:
    """Read the lines in their order; a start and a success take back what was said before.

    ```
    2026-09-21 10:00:00 INFO [ssm-agent-worker] Entering SSM Agent hibernate - AccessDeniedException: ...
    ```
    """
    state = SsmLog()
    line = ""
    for whole in text.splitlines():
        line, before = whole[:4000], line
        if BAD.search(line):
            state = replace(state, last=redact(line.strip())[:500])
        if started := STARTED.search(line):
            # The core and its worker both print it: what the core has learnt meanwhile stays.
            state = (
                SsmLog(started["version"])
                if "worker" not in line
                else replace(state, version=started["version"], no_worker="")
            )
        elif failed := FAILED.search(line):
            state = replace(state, failed=redact(failed["why"]).strip()[:400])
        elif cause := CAUSED.match(line):
            state = _with_cause(state, redact(line[cause.end() :].strip()), before)
        elif REGISTERED.search(line):
            state = replace(state, failed="")
        elif READY.search(line):
            state = replace(state, credentials=True, refused="", unwritten="", unsaved="")
        elif lost := UNWRITTEN.search(line):
            state = replace(state, unwritten=redact(lost["why"])[:400])
        elif lost := UNSAVED.search(line):
            state = replace(state, unsaved=redact(lost["why"])[:400])
        elif refusal := REFUSED.search(line):
            state = replace(state, credentials=False, refused=redact(refusal["why"])[:700])
        elif asleep := HIBERNATES.search(line):
            state = replace(state, hibernates=redact(asleep["why"])[:700])
        elif stuck := NO_WORKER.search(line):
            state = replace(state, no_worker=redact(stuck["why"])[:300])
        elif WORKER.search(line):
            state = replace(state, no_worker="")
        elif PING.search(line):
            state = replace(state, no_ping="")
        elif unheard := NO_PING.search(line):
            state = replace(state, no_ping=redact(unheard["why"])[:700])
        elif denied := NO_CHANNEL.search(line):
            state = replace(state, no_channel=redact(denied["why"])[:700])
        elif WORKING.search(line):
            state = replace(state, hibernates="", no_channel="" if CHANNEL.search(line) else state.no_channel)
    return state
