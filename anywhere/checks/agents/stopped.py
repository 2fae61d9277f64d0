"""An agent's service that does not run: what systemd or its own last line says of it, and a start only
where it succeeds."""

from __future__ import annotations

from anywhere.checks.agents.refusals import cause_of, fix_of, of_symptom, quoted_line, well_now
from anywhere.checks.base import trouble
from anywhere.checks.remedies import Command, as_root, remedy
from anywhere.checks.units import halted, held_later
from anywhere.facts.agents.ecs_log import Symptom, agent_log
from anywhere.facts.agents.init_log import LATELY, crashes, goes_on
from anywhere.facts.logs.last_words import agent_words
from anywhere.facts.system.units import ECS, Unit
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status

PROGRAMS = {"ecs.service": ("amazon-ecs-init", "ecs-init")}
PACKAGES = {"ecs.service": "amazon-ecs-init"}  # of the program that a unit starts; any other is the SSM agent's


def stopped(host: Host, check: str, unit: Unit, subject: str, what: str, symptom: Symptom | None) -> Finding:
    """The finding for a unit that should run. A complaint of the agent's log counts only where systemd holds nothing up."""
    start: Command = ("systemctl", "enable", "--now", unit.name)
    evidence: dict[str, object] = {
        "active": unit.active, "sub": unit.sub, "result": unit.result, "exit": unit.exit_status, "job": unit.job,
    }  # fmt: skip
    if halt := halted(host, unit):
        commands = (*halt.commands, *((start,) if halt.start else ()))
        return trouble(
            check,
            Status.FAIL,
            subject,
            f"{what}: {halt.says}",
            cause=halt.cause or "agent.disconnected",
            remedy=Remedy(halt.fix, as_root(host, *commands)),
            evidence=evidence,
        )
    if symptom:
        return _complained(host, check, unit, subject, what, symptom, evidence)
    return _ended(host, check, unit, subject, what, evidence)


def not_at_boot(host: Host, check: str, unit: Unit, what: str, *, enabled: bool) -> Finding | None:
    """The finding for a unit that runs now and that nothing starts after a reboot; None where something does."""
    halt = held_later(host, unit)
    if halt is None and enabled:
        return None
    name = unit.service
    said = halt.says if halt else f"{unit.name} is not enabled: it does not start after a reboot"
    fix = Remedy(halt.fix, as_root(host, *halt.commands)) if halt else None
    return trouble(
        check,
        Status.WARN,
        unit.name,
        f"{what}, but {said}",
        cause="agent.disconnected",
        remedy=fix or remedy(host, f"Have {name} start at boot.", ("systemctl", "enable", name)),
        evidence={"enabled": unit.enabled, "masked": unit.masked},
    )


def _complained(
    host: Host, check: str, unit: Unit, subject: str, what: str, symptom: Symptom, evidence: dict[str, object]
) -> Finding:
    text = "Start it, and read why it stopped."
    if symptom.row.network:
        text = well_now(symptom)
    return trouble(
        check,
        Status.FAIL,
        subject,
        what + quoted_line(symptom),
        cause=cause_of(host, symptom) or "agent.disconnected",
        remedy=fix_of(host, symptom) or remedy(host, text, *_start(unit)),
        evidence=evidence | of_symptom(symptom),
    )


def _ended(host: Host, check: str, unit: Unit, subject: str, what: str, evidence: dict[str, object]) -> Finding:
    """Stopped in order, or failed: then with its last line, and systemd's own where that tells more."""
    words = agent_words(host, unit, *PROGRAMS.get(unit.name, ("amazon-ssm-agent",)))
    if unit.active != "failed" and not words.known:
        fix = remedy(host, "Start it, now and at boot.", *_start(unit))
        return trouble(check, Status.FAIL, subject, what, cause="agent.disconnected", remedy=fix, evidence=evidence)
    said = f'{what}: {words.known.says}: "{words.line}"' if words.known else what
    if words.line and not words.known:
        said = f'{what}; its last words: "{words.line}"'
    again = (("systemctl", "reset-failed", unit.name),) if unit.active == "failed" else ()
    fix = remedy(host, "Start it, and read why it stopped.", *again, *_start(unit))
    if words.known:
        commands = (*words.known.commands, *(_start(unit) if words.known.row.ready else ()))
        text = words.known.fix
        if words.known.row.kind == "exec":
            package = PACKAGES.get(unit.name, "amazon-ssm-agent")
            text = f"Install the package {package} again (settings and state stay), or correct ExecStart= of the unit."
        fix = remedy(host, f"{text} Then start {unit.name}.", *commands)
    return trouble(
        check,
        Status.FAIL,
        subject,
        said,
        cause="agent.disconnected",
        remedy=fix,
        evidence=evidence | {"line": words.line},
    )


def _start(unit: Unit) -> tuple[Command, ...]:
    return (("systemctl", "enable", "--now", unit.name),)


LOOP = 3  # starts without a success between them, or crashes within an hour


def crashing(host: Host) -> Finding | None:
    """An agent that registers, and then crashes or is killed again and again: ecs-init, whose unit stays active, restarts it.
    Its own log has the starts alone; how it ended is in that of ecs-init."""
    log, now = agent_log(host), host.inventory().now
    if not log or sum(0 <= now - run < LATELY for run in log.runs) < LOOP:
        return None
    # What ended with an error before it was connected has got over that.
    found = [one for one in crashes(host) if one.is_sudden or log.acs is not True]
    if len(found) < LOOP or not goes_on(found, now):
        return None
    last = found[-1].symptom
    said = f"the ECS agent is in a restart loop: it ended {len(found)} times within the last hour, and ecs-init restarted it"
    return trouble(
        "agents.restarts",
        Status.FAIL,
        ECS,
        f"{said}{quoted_line(last)}",
        cause="agent.restart-loop",
        remedy=remedy(host, last.row.fix, look=(("docker", "logs", "--tail", "100", "ecs-agent"),)),
        evidence={"crashes": len(found), **of_symptom(last)},
    )
