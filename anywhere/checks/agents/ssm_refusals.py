"""What AWS refuses to the SSM agent: by the table of refusals, with the answer quoted."""

from __future__ import annotations

import re

from anywhere.catalogue.daemon_lines.refusals import NOBODY, OWNER, refusal
from anywhere.checks.agents.refusals import ACTION, meaning, of_symptom
from anywhere.checks.agents.registration import reset
from anywhere.checks.agents.shared import unshared
from anywhere.checks.base import trouble
from anywhere.checks.remedies import Command, remedy
from anywhere.facts.agents.agents import Agents
from anywhere.facts.agents.ecs_log import Symptom
from anywhere.facts.system.units import Unit
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status

ID = "agents.ssm"
# agent/managedInstances/registration; amazon-ssm-agent#247, #484
NO_REGISTRATION = re.compile(r"Data from vault is empty|RegistrationKey does not exist")
# common/identity/credentialproviders/ec2roleprovider: of an agent that found no registration, or is set not to look for one.
AS_EC2 = "EC2RoleRequestError"
UNSEEN = (
    "Restart it, then ecs. If the line comes back, /var/lib/amazon/ssm/Vault/Manifest does not name RegistrationKey, which "
    "release 3.2.183.0 leaves out: update the SSM agent, reset the host, and register it again."
)
LATER = "Then restart the SSM agent, which otherwise asks again only after up to half an hour."


def refused_ssm(host: Host, here: Agents, answer: str, *, asleep: bool) -> Finding:
    """The finding for an answer of AWS to the SSM agent; `asleep` is whether its worker hibernates since."""
    unit, row = here.ssm_unit, refusal(answer)
    denied = Symptom("denied", "", answer) if row and row.kind == "denied" and ACTION.search(answer) else None
    who, sleeps = (
        ("The SSM agent hibernates: it", ", and the SSM agent hibernates") if asleep else ("The SSM agent", "")
    )
    name = unit.service
    quoted = f'"{answer[:240]}"'
    commands: tuple[Command, ...] = (("systemctl", "restart", name),)
    if row is None:
        said = f"{who} gets no credentials: {quoted}"
        text, cause = f"Fix what the quoted line names. {LATER}", "agent.disconnected"
    else:
        said = f"{who} {meaning(denied) if denied else row.says}: {quoted}"
        later = "" if row.who == NOBODY or "estart the SSM agent" in row.fix else f" {LATER}"
        text, cause = f"{row.fix}{later}", row.cause or "agent.disconnected"
        if row.kind in ("token", "clock"):
            commands = (*commands, ("systemctl", "restart", "ecs"))
    as_ec2 = row is None and AS_EC2 in answer
    if as_ec2:
        said = f"The SSM agent acts as an EC2 instance and not as {here.registration.instance}: {quoted}"
        text, commands = UNSEEN, (*commands, ("systemctl", "restart", "ecs"))
    if row is None and NO_REGISTRATION.search(answer):
        said = f"The SSM agent found no registration when it started, and that of {here.registration.instance} is on disk: "
        said, text, cause = f"{said}{quoted}", UNSEEN, "agent.stale-environment"
        commands = (*commands, ("systemctl", "restart", "ecs"))
    if row and row.kind in ("deregistered", "fingerprint"):
        said = f"AWS no longer knows {here.registration.instance} as this managed instance{sleeps}: {quoted}"
        text, cause, commands = row.fix, "registration.broken", reset(here)
    evidence: dict[str, object] = {
        "active": unit.active,
        "line": answer,
        "refusal": row.kind if row else "",
        "who": row.who if row else "",
        "network": row is None and not as_ec2 and cause == "agent.disconnected",
    }
    if denied:
        evidence |= of_symptom(denied)
    # A restart alone changes nothing where somebody else has to act first.
    by_hand = text.replace("the SSM agent,", f"the SSM agent (`systemctl restart {name}`),")
    waits = row is not None and row.who in (OWNER, NOBODY)
    fix = Remedy(by_hand) if waits else remedy(host, text, *commands)
    return trouble(ID, Status.FAIL, unit.name, said, cause=cause, remedy=fix, evidence=evidence)


WITHOUT = "Session Manager cannot reach this host, and Run Command falls back to ec2messages"


def without_channel(host: Host, unit: Unit, answer: str) -> Finding:
    """The SSM agent renews the credentials, and does not get its channel to ssmmessages: it falls back to ec2messages, which
    carries Run Command and no session (amazon-ssm-agent agent/messageservice/interactor/mgsinteractor)."""
    row = refusal(answer)
    denied = Symptom("denied", "", answer) if row and row.kind == "denied" else None
    why = meaning(denied) if denied else row.says if row else "cannot open its control channel to ssmmessages"
    text = (
        "Fix what the quoted line and the network findings name. The agent retries by itself, later only every 40 minutes; "
        "restart it to retry at once."
    )
    fix = remedy(host, text, ("systemctl", "restart", unit.service))
    return trouble(
        ID,
        Status.WARN,
        "ssmmessages",
        f'The SSM agent {why}; {WITHOUT}: "{answer[:240]}"',
        cause=(row.cause if row else "") or "agent.disconnected",
        remedy=Remedy(row.fix) if row and row.fix else fix,
        evidence={
            "line": answer,
            "refusal": row.kind if row else "",
            "who": row.who if row else "",
            "network": row is None,
        }
        | (of_symptom(denied) if denied else {}),
    )


def without_ping(unit: Unit, answer: str) -> Finding | None:
    """The SSM agent works, and AWS refuses its health ping (ssm:UpdateInstanceInformation) by a right that is missing:
    Systems Manager shows the host as offline. None for any other answer, which the next ping may not get."""
    row = refusal(answer)
    if row is None or row.who != OWNER:
        return None
    denied = Symptom("denied", "", answer) if row.kind == "denied" else None
    said = f"The SSM agent {meaning(denied) if denied else row.says}; Systems Manager shows this host as offline"
    evidence: dict[str, object] = {"line": answer, "refusal": row.kind, "who": row.who, "network": False}
    return trouble(
        ID,
        Status.WARN,
        unit.name,
        f'{said}: "{answer[:240]}"',
        cause=row.cause,
        remedy=Remedy(row.fix),
        evidence=evidence | (of_symptom(denied) if denied else {}),
    )


# errno of execve(2), in Go's words: what it can come from, and a command where there is one.
WORKER_FIXES: tuple[tuple[str, str], ...] = (
    ("operation not permitted", "An allow list of programs refuses it (fapolicyd: `fapolicyd-cli --check-trustdb`, then "
     "`fapolicyd-cli --file add /usr/bin/ssm-agent-worker` and `fapolicyd-cli --update`; or another security agent)."),
    ("permission denied", "Its file is not executable, lies on a file system that is mounted noexec, or SELinux or AppArmor "
     "refuses it."),
    ("no such file", "Its file is gone: install the package amazon-ssm-agent again."),
    ("exec format error", "Its file is damaged or of another architecture: install the package again."),
    ("cannot allocate memory", "There is no memory left for it."),
    ("resource temporarily unavailable", "A limit of processes is reached (TasksMax= of its unit, kernel.pid_max)."),
)  # fmt: skip


def without_worker(host: Host, unit: Unit, why: str) -> Finding:
    """The SSM agent's core runs, and its worker, which holds the channel to AWS, does not start."""
    reason = next((fix for words, fix in WORKER_FIXES if words in why.lower()), "Correct what the quoted line names.")
    return trouble(
        "agents.ssm",
        Status.FAIL,
        unit.name,
        f'The SSM agent runs and cannot start its worker, so AWS shows the connection as lost: "{why}"',
        cause="agent.disconnected",
        remedy=remedy(host, f"{reason} Then restart the agent.", ("systemctl", "restart", unit.service)),
        evidence={"line": why},
    )


# errno of open(2) and write(2), in Go's words: the cause, and what to do.
WRITE_FIXES: tuple[tuple[str, str, str], ...] = (
    ("no space left on device", "disk.low", "Make room on the file system of that file (`df -h` and `df -i`)."),
    ("read-only file system", "mount.unsuitable", "Mount the file system of that file for writing, or take what makes it "
     "read-only out of the unit's drop-ins (ProtectHome=, ProtectSystem=)."),
    ("operation not permitted", "agent.no-credentials", "See what holds the file: `lsattr` (`chattr -i` takes the attribute "
     "off), SELinux, AppArmor."),
    ("permission denied", "agent.no-credentials", "See what holds the file: its rights and its folder's, SELinux, AppArmor, "
     "User= in the unit's drop-ins."),
    ("", "agent.no-credentials", "Correct what the quoted line names."),
)  # fmt: skip


def without_file(host: Host, unit: Unit, why: str) -> Finding:
    """The SSM agent has new credentials and cannot write them: those in the file end within the hour."""
    kept = unshared(host)
    said = "The SSM agent cannot write the credentials that the ECS agent reads, which end within the hour"
    return _unwritten(host, unit, said, why, kept.cause if kept else _write_fix(why)[0])


def without_date(host: Host, unit: Unit, why: str) -> Finding:
    """The SSM agent has written new credentials and cannot save when they end (runtimeconfig/identity_config.json)."""
    said = "The SSM agent cannot save when its credentials end: it requests new ones again and again, and after its next start "
    cause = _write_fix(why)[0].replace("agent.no-credentials", "agent.disconnected")
    return _unwritten(host, unit, f"{said}AWS shows its connection as lost", why, cause)


def _write_fix(why: str) -> tuple[str, str]:
    """The cause and what to do, by the errno that a line names."""
    return next((cause, text) for words, cause, text in WRITE_FIXES if words in why.lower())


def _unwritten(host: Host, unit: Unit, what: str, why: str, cause: str) -> Finding:
    restart = ("systemctl", "restart", unit.name.removesuffix(".service"))
    fix = remedy(host, f"{_write_fix(why)[1]} Then restart the SSM agent.", restart)
    return trouble(ID, Status.FAIL, unit.name, f'{what}: "{why}"', cause=cause, remedy=fix, evidence={"line": why})
