"""The two agents: one of each, running, connected, not in a loop."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.checks.agents.refusals import cause_of, complaint, fix_of, of_symptom, quoted_line, well_now
from anywhere.checks.agents.since import put_right
from anywhere.checks.agents.ssm_refusals import (
    refused_ssm,
    without_channel,
    without_date,
    without_file,
    without_ping,
    without_worker,
)
from anywhere.checks.agents.stopped import LOOP, crashing, not_at_boot, stopped
from anywhere.checks.base import Check, check, needs_root, passed, skipped, trouble
from anywhere.checks.remedies import install, remedy, remove
from anywhere.facts.agents.agents import Agents, Metadata, agents, metadata
from anywhere.facts.agents.components import components
from anywhere.facts.agents.connection import Connection, connection
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.agents.ecs_log import AgentLog, Symptom, agent_log, message, quoted
from anywhere.facts.agents.ssm_log import ssm_log
from anywhere.facts.system.machine import today
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.units import ECS, Unit
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.redact import redact_proxy
from anywhere.settings import Settings

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")  # as the agent reads them, in its order


@check("agents.ssm")
def ssm_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    here = agents(host)
    if not here.has_ssm:
        yield _no_ssm(host, here)
    elif here.ssm.exists and here.ssm_snap.exists:
        yield _two_ssm(host, here)
    elif here.registration.is_registered is None and here.ssm_unit.is_running:
        yield needs_root("agents.ssm", "amazon-ssm-agent", "running; its state is readable by root only")
    elif not here.registration.is_registered:
        yield skipped("agents.ssm", "amazon-ssm-agent", "installed, but not registered", because=AFTER_REGISTRATION)
    else:
        yield from _registered_ssm(host, here, settings)


def _no_ssm(host: Host, here: Agents) -> Finding:
    if not here.has_ecs:
        return skipped("agents.ssm", "amazon-ssm-agent", AFTER_REGISTRATION)
    return trouble(
        "agents.ssm",
        Status.FAIL,
        "amazon-ssm-agent",
        "The SSM agent is missing: nothing renews the credentials that the ECS agent uses",
        cause="registration.broken",
        remedy=_ssm_again(host, here),
    )


def _ssm_again(host: Host, here: Agents) -> Remedy:
    """Amazon Linux has the agent's package, other distributions do not (AWS: install the SSM agent on Linux): there `register`
    fetches and verifies it, and keeps a registration that is there."""
    if os_release(host).id == "amzn":
        text = "Install the SSM agent again: the registration on disk stays valid."
        enable = ("systemctl", "enable", "--now", "amazon-ssm-agent")
        return remedy(host, text, *install(host, "amazon-ssm-agent"), enable)
    config, registration = ecs_config(host).agent, here.registration
    region = registration.region or config.get("AWS_DEFAULT_REGION", "REGION")
    words = ("anywhere", "register", "--region", region, "--cluster", config.get("ECS_CLUSTER", "default"))
    if registration.is_registered:
        text = "Install the SSM agent again. The command keeps the registration on disk and needs no activation."
        return remedy(host, text, words)
    text = "Install the SSM agent again and register, with a fresh activation (activation.json)."
    return remedy(host, text, (*words, "--activation-file", "activation.json"))


def _two_ssm(host: Host, here: Agents) -> Finding:
    package, snap = remove(host, "amazon-ssm-agent"), ("snap", "remove", "amazon-ssm-agent")
    text = "Remove the package: the snap's agent is the one that runs. The registration stays."
    fix = remedy(host, text, *package)
    if not here.keeps_snap:
        fix = remedy(host, "Keep one. On a host that is not registered yet the snap is the one to remove.", snap)
    return trouble(
        "agents.ssm",
        Status.FAIL,
        "amazon-ssm-agent",
        "Two SSM agents are installed, the package and the snap: they share one registration and overwrite it",
        cause="agent.duplicate-ssm",
        remedy=fix,
        evidence={"other": list(package)},
    )


def _registered_ssm(host: Host, here: Agents, settings: Settings) -> Iterator[Finding]:
    unit, log = here.ssm_unit, ssm_log(host)
    restart = ("systemctl", "restart", unit.name)
    if unit.is_running is False:
        said = f"{unit.name} is not running ({unit.active}): AWS shows the connection as lost"
        yield stopped(host, "agents.ssm", unit, unit.name, said, None)
    elif log and (refused := log.hibernates or (log.refused if log.credentials is False else "")):
        before = put_right(host, settings, unit, "ssm-agent", SSM_WITHOUT, Symptom("other", "", refused), "agents.ssm")
        yield before or refused_ssm(host, here, refused, asleep=bool(log.hibernates))
    elif log and log.unwritten:
        yield without_file(host, unit, log.unwritten)
    elif log and log.unsaved:
        yield without_date(host, unit, log.unsaved)
    elif fault := _ssm_fault(host, here):
        yield _disconnected(host, "agents.ssm", unit.name, fault, restart, unit=unit, expired=here.registration.expires)
    elif log and log.no_worker:
        yield without_worker(host, unit, log.no_worker)
    elif log and log.no_channel:
        yield without_channel(host, unit, log.no_channel)
    elif log and (unheard := without_ping(unit, log.no_ping)):
        yield unheard
    elif later := not_at_boot(host, "agents.ssm", unit, SSM_RUNS, enabled=unit.enabled != "disabled"):
        yield later
    elif log is None:
        yield needs_root("agents.ssm", unit.name, "running; its log is readable by root only")
    else:
        yield passed("agents.ssm", unit.name, f"{here.registration.instance} has a running SSM agent")


SSM_RUNS = "The SSM agent runs and renews the credentials"
SSM_WITHOUT = "The SSM agent gets no credentials"


def _ssm_fault(host: Host, here: Agents) -> str:
    """What is wrong with an agent that runs; empty for nothing."""
    expires, now = here.registration.expires, today(host.inventory().now, clock=True)
    if expires and now and expires[:19] < now:
        return f"The agents' credentials expired at {expires} and were not renewed"
    return ""


@check("agents.ecs")
def ecs_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    here = agents(host)
    if not here.has_ecs:
        yield skipped("agents.ecs", "ecs-agent", AFTER_REGISTRATION)
        return
    if here.ecs.sub == "auto-restart":
        yield skipped("agents.ecs", "ecs-agent", "ecs.service is being restarted", because="agents.restarts")
        return
    restart = ("systemctl", "restart", "ecs")
    asked = metadata(host)
    log = _of_this_run(host, here, agent_log(host))
    worst = complaint(host, log)
    if here.ecs.is_running is False:
        said = f"ecs.service is not running ({here.ecs.active}, last exit {here.ecs.exit_status})"
        yield stopped(host, "agents.ecs", here.ecs, "ecs-agent", said, worst)
    elif not _is_alive(host, here, asked):
        said = "No ECS agent process is running" + ("" if worst else ": ecs-init has not started its container")
        yield _disconnected(host, "agents.ecs", "ecs-agent", said, restart, unit=here.ecs, symptom=worst)
    elif log and log.acs is False:
        said = "The ECS agent is not connected"
        before = put_right(host, settings, here.ecs, "ecs-agent", said, worst, "agents.ecs")
        yield before or _disconnected(host, "agents.ecs", "ecs-agent", said, restart, unit=here.ecs, symptom=worst)
    elif log and log.tcs is False and log.acs:
        said = "The ECS agent is connected, but its telemetry channel is not"
        yield _disconnected(host, "agents.ecs", "telemetry", said, restart, symptom=worst, status=Status.WARN)
    elif _unregistered(host, here, asked, log):
        said = "The ECS agent runs, and reports no container instance: it is not registered"
        yield _disconnected(host, "agents.ecs", "ecs-agent", said, restart, unit=here.ecs, symptom=worst)
    elif log and log.acs and (cut := connection(host)).is_cut:
        yield _cut(host, cut)
    elif log and log.acs:
        yield _connected(host, here, asked.instance_arn)
    elif log is None:
        yield needs_root("agents.ecs", "ecs-agent", "the agent's log is readable by root only")
    else:
        yield _not_known(log, asked)


def _not_known(log: AgentLog, asked: Metadata) -> Finding:
    """Its introspection shows that an agent runs and has an instance, not that AWS has it connected now."""
    runs = "The ECS agent runs and has registered" if asked.instance_arn else "The ECS agent runs"
    why = log.unread or f"{log.place or 'its log'} does not say so yet"
    said = f"{runs}; whether AWS has it connected is not known: {why}"
    return skipped("agents.ecs", "ecs-agent", said, place=log.place, instance=asked.instance_arn)


def _unregistered(host: Host, here: Agents, asked: Metadata, log: AgentLog | None) -> bool:
    """Its introspection has no ARN until AWS has registered it (amazon-ecs-agent
    ecs-agent/introspection/v1/response.go, ContainerInstanceArn), which takes seconds;
    a log of its own that says more wins."""
    inventory = host.inventory()
    runs = inventory.now - inventory.boot_time - here.ecs.started if here.ecs.started and inventory.boot_time else 0.0
    known = log is not None and (log.acs is not None or log.registered is not None)
    return asked.answers and not asked.instance_arn and runs > REGISTERS and not known


REGISTERS = 900.0  # seconds: by far longer than a registration takes, with its retries
EARLIER = 120.0  # seconds: an agent writes within this time of its service's start


def _of_this_run(host: Host, here: Agents, log: AgentLog | None) -> AgentLog | None:
    """The log, unless its last line is older than the service's present start: then it is of a run that has ended."""
    inventory = host.inventory()
    start = inventory.boot_time + here.ecs.started if here.ecs.started and inventory.boot_time else 0.0
    if not log or not log.until or not start or not here.ecs.is_running:
        return log
    if log.until > start - EARLIER or inventory.now - start < EARLIER:
        return log
    return AgentLog(version=log.version, place=log.place, unread=f"{log.place} ends before the service's present start")


def _cut(host: Host, found: Connection) -> Finding:
    """The channel comes back each time, so that ECS shows the instance as connected."""
    agent = next((one for one in components(host) if one.name == "ecs-agent"), None)
    effective = agent.effective if agent else {}
    proxy = redact_proxy(next((effective[name] for name in PROXY_VARIABLES if effective.get(name)), ""))
    who = f"the proxy {proxy}" if proxy else "a device on the path"
    said = f"the ACS channel was cut {found.cuts} times within an hour, about every {found.every:.0f} s: {who} cuts it"
    return trouble(
        "agents.ecs",
        Status.WARN,
        "ecs-agent",
        f'{said}: "{message(found.line)}"',
        cause="websocket.idle-cut",
        remedy=Remedy(
            f"Raise the idle limit of {who} for ecs-a-*.REGION and ecs-t-*.REGION above 3 minutes, or exempt these names from "
            "it. Tasks start late while the channel is down."
        ),
        evidence={"cuts": found.cuts, "every": found.every, "line": quoted(found.line), "proxy": proxy},
    )


def _is_alive(host: Host, here: Agents, asked: Metadata) -> bool:
    """Whether an agent's process is there, as far as can be seen: what a log said before it ended says nothing now."""
    inventory = host.inventory()
    seen = any(daemon.name == "ecs-agent" and daemon.sure for daemon in inventory.daemons)
    return asked.answers or seen or not inventory.is_root or not here.ecs.active


def _connected(host: Host, here: Agents, arn: str) -> Finding:
    enabled = here.ecs.is_enabled is not False
    if later := not_at_boot(host, "agents.ecs", here.ecs, "The ECS agent is connected", enabled=enabled):
        return later
    return passed("agents.ecs", "ecs-agent", "the ECS agent is registered and connected", instance=arn)


LOOK = (("tail", "-n", "50", "/var/log/ecs/ecs-agent.log"),)


def _disconnected(
    host: Host,
    check: str,
    subject: str,
    said: str,
    command: tuple[str, ...],
    *,
    unit: Unit | None = None,
    symptom: Symptom | None = None,
    status: Status = Status.FAIL,
    expired: str = "",
) -> Finding:
    """A finding of agent.disconnected, or of the cause that the agent's own words name; `evidence.network` says that the
    way to AWS is at fault, by the agent's log."""
    evidence: dict[str, object] = {}
    if unit:
        evidence |= {"active": unit.active, "sub": unit.sub, "result": unit.result, "exit": unit.exit_status}
    if symptom:
        evidence |= of_symptom(symptom)
    elif expired:
        evidence["expired"] = expired
    row = symptom.row if symptom else None
    cause = cause_of(host, symptom) or "agent.disconnected"
    text = f"{'Restart' if 'restart' in command else 'Start'} {subject}. If it stops again, its log names the reason."
    if symptom and row and row.network:
        text = well_now(symptom)
    return trouble(
        check,
        status,
        subject,
        said + quoted_line(symptom),
        cause=cause,
        remedy=fix_of(host, symptom) or remedy(host, text, command, look=LOOK if check == "agents.ecs" else ()),
        evidence=evidence,
    )


@check("agents.restarts")
def restarts_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    here = agents(host)
    units = [
        unit for unit, is_here in ((here.ecs, here.has_ecs), (here.ssm_unit, here.has_ssm)) if is_here and unit.exists
    ]
    if not units:
        yield skipped("agents.restarts", "agents", AFTER_REGISTRATION)
    for unit in units:
        starts = _log_starts(host) if unit.name == ECS else 0
        if unit.sub == "auto-restart" or starts >= LOOP:
            yield _looping(host, unit, starts)
        elif unit.name == ECS and (found := crashing(host)):
            yield found
        elif not unit.active:
            yield skipped("agents.restarts", unit.name, "systemd could not be asked")
        else:
            yield passed("agents.restarts", unit.name, f"{unit.name} is not restarting", restarts=unit.restarts)


def _log_starts(host: Host) -> int:
    log = agent_log(host)
    return log.starts if log else 0


def _ssm_complaint(host: Host) -> Symptom | None:
    """The SSM agent's last line of level error."""
    log = ssm_log(host)
    return Symptom("other", "", log.last) if log and log.last else None


def _looping(host: Host, unit: Unit, starts: int) -> Finding:
    symptom = complaint(host, agent_log(host)) if unit.name == ECS else _ssm_complaint(host)
    row = symptom.row if symptom else None
    # The deb unit lacks the line that stops it after a final error, which the rpm unit has.
    endless = unit.exit_status == 5 and "5" not in unit.final_exits and not (row and row.cause)
    loops = f"{unit.name} is in a restart loop (exit {unit.exit_status})"
    # With an exit other than 5 ecs-init itself starts the agent again, and its unit stays active.
    ends = (
        f"the ECS agent is in a restart loop: it exited at each of its last {starts} starts, and ecs-init restarts it"
    )
    said = f"{loops if unit.sub == 'auto-restart' else ends}{quoted_line(symptom)}"
    # No command: what is in a loop restarts by itself.
    reason = "Fix what the quoted line names" if symptom else "Find the reason in its journal, fix that"
    text = row.fix if row and row.fix else f"{reason}, then restart {unit.name}."
    if endless:
        text += " Exit 5 is final: add RestartPreventExitStatus=5 under [Service] with systemctl edit ecs."
    journal = (("journalctl", "-u", unit.name, "-n", "50", "--no-pager"),)
    otherwise = remedy(host, text, look=journal)
    evidence = of_symptom(symptom) if symptom else {"symptom": "", "line": "", "network": False}
    return trouble(
        "agents.restarts",
        Status.FAIL,
        unit.name,
        said,
        cause=cause_of(host, symptom) or "agent.restart-loop",
        remedy=(fix_of(host, symptom) if row and row.cause else None) or otherwise,
        evidence={"restarts": unit.restarts, "exit": unit.exit_status, "starts_in_log": starts, **evidence},
    )


CHECKS: tuple[Check, ...] = (ssm_check, ecs_check, restarts_check)
