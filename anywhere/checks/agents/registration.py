"""What the host is registered as, and whether that and its settings are whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.catalogue.daemon_lines.refusals import ACTIVATION, refusal
from anywhere.catalogue.regions import is_region, near_region
from anywhere.checks.agents.against_host import Misfit, misfits
from anywhere.checks.agents.misplaced import misplaced
from anywhere.checks.agents.sandbox import sandbox_troubles
from anywhere.checks.agents.since import stale_settings
from anywhere.checks.agents.ssm_settings import ssm_troubles
from anywhere.checks.base import Check, check, needs_root, passed, skipped, trouble
from anywhere.checks.remedies import Command, remedy
from anywhere.facts.agents.agents import Agents, agents, metadata
from anywhere.facts.agents.ecs_config import INSTANCE, PATHS, USER, EcsConfig, Problem, ecs_config
from anywhere.facts.agents.ecs_log import agent_log, message
from anywhere.facts.agents.registration import LEFTOVER, MALFORMED, NONE, REGISTERED, SAVED_STATE, UNFINISHED, VAULT
from anywhere.facts.agents.ssm_log import ssm_log
from anywhere.facts.files import has_folder, read_text, shell_line
from anywhere.facts.system.units import SSM_SNAP
from anywhere.hosts.base import Host
from anywhere.model import EDIT, Finding, Status
from anywhere.settings import Settings

ID = "agents.registration"
REGION = "AWS_DEFAULT_REGION"
_APPEND = shell_line(Path(__file__).with_name("append_lines.sh"))
_NARROW = shell_line(Path(__file__).with_name("narrow.sh"))


# AWS: deregistering an external instance; -clear leaves the second file (amazon-ssm-agent agent/managedInstances).
def reset(here: Agents) -> tuple[Command, ...]:
    """Stop what is here, clear the registration and the saved state. The snap has its own binary and unit."""
    ssm = here.ssm_unit.name
    snap = ssm == SSM_SNAP
    binary = "/snap/amazon-ssm-agent/current/amazon-ssm-agent" if snap else "amazon-ssm-agent"
    units = ("ecs",) if here.has_ecs else ()
    state = (SAVED_STATE,) if here.has_ecs else ()
    return (
        ("systemctl", "stop", *units, ssm.removesuffix(".service")),
        (binary, "-register", "-clear"),
        ("rm", "-f", *state, LEFTOVER),
    )


MOVE = (
    "Move the host, or ask for its cluster. The saved state goes with the move: the host becomes a new container instance, "
    "and tasks that run on it are orphaned, so drain it first."
)


@check(ID)
def registration_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    here = agents(host)
    found = here.registration
    troubles = [*_broken(host, here), *_other(host, here, settings)]
    if troubles:
        yield from troubles
    elif found.is_registered is None:
        yield needs_root(ID, VAULT, "whether this host is registered is readable by root only")
    elif not found.is_registered:
        yield skipped(ID, "registration", AFTER_REGISTRATION)
    elif not here.has_ecs:
        yield skipped(ID, found.instance, "registered with Systems Manager only", because=AFTER_REGISTRATION)
    else:
        yield passed(ID, found.instance, f"registered as {found.instance} in {found.region}", region=found.region)


def _broken(host: Host, here: Agents) -> Iterator[Finding]:
    found, config = here.registration, ecs_config(host)
    if found.state == MALFORMED:
        said = (
            "The SSM vault is empty (as after a power cut): the SSM agent has lost its identity. AWS's installer treats an "
            "empty file as no registration and registers anew"
        )
        if not found.empty:
            said = (
                "The SSM vault names no instance, and AWS's installer treats a file that is not empty as a registration"
            )
        yield _break(host, here, VAULT, said, "Clear the vault, then register with a fresh activation.")
    elif found.state == UNFINISHED:
        status = Status.FAIL if here.has_ecs else Status.WARN
        said = "The registration is incomplete or was cleared: the SSM vault has a key but no instance"
        fix = "Register with a fresh activation; it replaces the vault."
        log = ssm_log(host)
        if log and log.failed:
            said, fix = _failed(log.failed)
        yield _break(host, here, VAULT, said, fix, status)
    elif found.state == NONE and here.has_ecs:
        said = "The ECS agent is installed, but the host is not registered with Systems Manager"
        yield _break(host, here, "registration", said, "Register with a fresh activation.")
    elif found.is_registered and "MachineFingerprintDoesNotMatch" in _refused(host):
        said = "AWS treats this host as another machine than the registered one (fingerprint mismatch)"
        yield _break(host, here, found.instance, said, "Reset the host and register it again with a fresh activation.")
    elif found.is_registered and (said := forgotten(_refused(host))):
        fix = "Reset the host and register it again with a fresh activation."
        yield _break(
            host, here, found.instance, f'Systems Manager has deregistered {found.instance}: "{said[:160]}"', fix
        )
    if found.leftover and found.state in (NONE, UNFINISHED):
        said = f"{LEFTOVER} still names {found.leftover}, which is no longer registered on this host"
        drop = remedy(
            host,
            f"Remove the leftover before registering, and deregister {found.leftover} in the account if it is still there.",
            ("rm", "-f", LEFTOVER),
        )
        yield trouble(ID, Status.WARN, found.leftover, said, cause="registration.broken", remedy=drop)
    yield from _half_installed(host, here, config)


def _failed(why: str) -> tuple[str, str]:
    """What the last try to register came to, and what to do: a region that is none, or an activation that AWS refuses."""
    quoted = f'"{why[:200]}"'
    wanted = re.search(r"https://ssm\.(.+?)\.(?:amazonaws|c2s|sc2s|csp|cloud)\.", why)
    region = unquote(wanted[1]) if wanted else ""
    if region and not is_region(region):
        said = f"The registration failed: {region!r} is not an AWS region: {quoted}"
        return said, f"Register again with the right region{near_region(region)} A fresh activation is not needed."
    row = refusal(why, ACTIVATION) or refusal(why)
    if row is None:
        return f"The last registration failed: {quoted}", "Fix what the quoted line names, then register again."
    return (
        f"The last registration failed, since {row.says.replace('is refused', 'it was refused', 1)}: {quoted}",
        row.fix,
    )


def _refused(host: Host) -> str:
    log = ssm_log(host)
    return log.refused + log.hibernates if log else ""


def forgotten(refusal: str) -> str:
    """The refusal where it says that Systems Manager no longer knows the instance; empty for any other."""
    return refusal if re.search(r"\bInvalidInstanceId\b|InvalidInstanceID|Not existing InstanceId", refusal) else ""


def _half_installed(host: Host, here: Agents, config: EcsConfig) -> Iterator[Finding]:
    """AWS's installer does nothing more once the agent's package is there, so a run that died half way stays half."""
    if not here.has_ecs or not config.known:
        return
    # What an encoding hides is not missing.
    hidden = any(problem.kind in ("utf16", "mixed", "mark") for problem in config.problems)
    if not hidden and not config.is_external and "ECS_EXTERNAL" not in config.agent:
        said = "The ECS agent is installed, but not as an external instance (ECS_EXTERNAL=true is missing)"
        yield _lacking(host, here, config, "ECS_EXTERNAL", said)
    elif not hidden and REGION not in config.agent:
        said = f"The ECS agent has no {REGION} and does not start as an external instance"
        yield _lacking(host, here, config, REGION, said)
    log = agent_log(host)
    if log and log.acs is not True and (symptom := log.symptom("deregistered")):
        yield _inactive(host, here, symptom.line)


def _lacking(host: Host, here: Agents, config: EcsConfig, name: str, said: str) -> Finding:
    """What AWS's installer writes into the settings. A good registration stays: the lines alone are missing."""
    found = here.registration
    if found.state != REGISTERED or not found.region:
        text = "Reset the host and register it again: AWS's installer does not fix this."
        return _break(host, here, name, said, text)
    values = {REGION: found.region, "ECS_EXTERNAL": "true"}
    lines = tuple(f"{one}={value}" for one, value in values.items() if one not in config.agent)
    text = (
        f"Add {' and '.join(lines)} to {INSTANCE}, restart ecs. The registration of {found.instance} is good and stays."
    )
    # sed ends the last line where that has no end, and does nothing to an empty file.
    add: Command = (*EDIT, *(word for line in lines for word in ("-e", f"$a {line}")), INSTANCE)
    if not read_text(host, INSTANCE).content:
        add = (*_APPEND, "sh", INSTANCE, *lines)
    fix = remedy(host, text, add, ("systemctl", "restart", "ecs"))
    return trouble(ID, Status.FAIL, name, said, cause="registration.broken", remedy=fix)


def _inactive(host: Host, here: Agents, line: str) -> Finding:
    """ECS and Systems Manager deregister separately: where the latter still knows the host, its registration stays."""
    # At its start the agent registers the saved instance again, and ends where AWS refuses that (agent/app/agent.go).
    goes_on = "ends at each start" if "is inactive" in line else "retries only once an hour"
    said = f'ECS has deregistered this container instance; the agent {goes_on}: "{message(line)}"'
    if here.registration.state != REGISTERED or forgotten(line) or forgotten(_refused(host)):
        return _break(host, here, "container instance", said, "Reset the host and register it again.")
    text = f"Have the agent register anew; the registration with Systems Manager is good and stays. {ORPHANS}"
    again = (
        ("systemctl", "stop", "ecs"),
        ("mv", SAVED_STATE, f"{SAVED_STATE}.deregistered"),
        ("systemctl", "start", "ecs"),
    )
    fix = remedy(host, text, *again)
    evidence = {"line": line}
    return trouble(
        ID, Status.FAIL, "container instance", said, cause="registration.broken", remedy=fix, evidence=evidence
    )


def _break(host: Host, here: Agents, subject: str, said: str, fix: str, status: Status = Status.FAIL) -> Finding:
    text = f"{fix} {ORPHANS}" if here.has_ecs and found_state(here) else fix
    return trouble(ID, status, subject, said, cause="registration.broken", remedy=remedy(host, text, *reset(here)))


# The saved state goes with a reset (amazon-ecs-agent: a registration without agent.db is a new container instance).
ORPHANS = (
    "The host becomes a new container instance; tasks that still run on it are orphaned: stop their containers first."
)


def found_state(here: Agents) -> bool:
    """Whether tasks may run under the old registration."""
    return here.registration.state in (REGISTERED, MALFORMED) or bool(here.registration.leftover)


def _other(host: Host, here: Agents, settings: Settings) -> Iterator[Finding]:
    """A registration that is complete, but not the expected one."""
    found, config = here.registration, ecs_config(host)
    region = config.agent.get(REGION, "")
    if found.region and settings.regions and found.region not in settings.regions:
        said = f"registered in {found.region}, not in {', '.join(settings.regions)}"
        yield _elsewhere(host, found.instance, said, reset(here))
    elif found.region and region and found.region != region and is_region(region):
        said = f"The SSM agent is registered in {found.region}, the ECS agent is configured for {region}"
        place, _, line = config.sources[REGION].rpartition(":")
        edit = (*EDIT, f"{line}s/=.*/={found.region}/", place)
        text = (
            f"Set AWS_DEFAULT_REGION in line {line} of {place} to {found.region}, the registration's region, then "
            "restart ecs."
        )
        yield _elsewhere(host, region, said, (edit, ("systemctl", "restart", "ecs")), text)
    if not here.has_ecs:
        return
    configured = config.agent.get("ECS_CLUSTER", "") or "default"
    cluster = metadata(host).cluster or configured
    log = agent_log(host)
    if log and (symptom := log.symptom("cluster")):
        yield _of_other_cluster(host, configured, symptom.line)
    elif settings.cluster and cluster != settings.cluster:
        said = f"in cluster {cluster}, not in {settings.cluster}"
        yield _elsewhere(host, cluster, said, _move(settings.cluster), MOVE)


_CLUSTERS = re.compile(r"saved cluster '([\w:/-]+)' does not match configured cluster '(.*?)'")


def _of_other_cluster(host: Host, now: str, line: str) -> Finding:
    """The setting was changed under an agent that has joined: to set it back loses nothing, a move orphans its tasks."""
    found = _CLUSTERS.search(line)
    saved, configured = found.groups() if found else ("", now)
    said = f"The agent's saved state belongs to cluster {saved or 'unknown'}, the settings name {configured}: the agent stops"
    fix = remedy(host, MOVE, *_move(now))
    if saved:
        from anywhere.changes.agents.existing import CLUSTER_LINE  # a healthy host's check does without it

        path, _, line_ = ecs_config(host).sources.get("ECS_CLUSTER", USER).partition(":")
        set_back = (*EDIT, f"{line_}s|=.*|={saved}|", path) if line_ else (*CLUSTER_LINE, "sh", USER, saved)
        edit: tuple[Command, ...] = () if now == saved else (set_back,)
        text = f"Set ECS_CLUSTER in {path} back to {saved}, then restart ecs: the container instance and its tasks are kept. "
        text += (
            f"To take the host to {configured} for good, move it (`anywhere move --help`): it becomes a new container "
        )
        text += "instance, and tasks that run on it are orphaned, so drain it first."
        fix = remedy(host, text, *edit, ("systemctl", "restart", "ecs"))
    return trouble(ID, Status.FAIL, configured, said, cause="registration.other", remedy=fix, evidence={"line": line})


def _move(cluster: str) -> tuple[Command, ...]:
    from anywhere.changes.agents.existing import move_commands  # a healthy host's check does without it

    return move_commands(cluster)


def _elsewhere(
    host: Host,
    subject: str,
    said: str,
    commands: tuple[Command, ...],
    text: str = "Reset the host, then register it in the expected region. The host becomes a new container instance; "
    "tasks that still run on it are orphaned: stop their containers first.",
) -> Finding:
    return trouble(ID, Status.FAIL, subject, said, cause="registration.other", remedy=remedy(host, text, *commands))


@check("agents.config")
def config_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    config = ecs_config(host)
    folders = [path for path in config.hidden if has_folder(host, path)]
    for path in config.hidden:
        hidden = needs_root("agents.config", path, f"{path} is not readable by this user")
        yield _folder(host, path) if path in folders else hidden
    if not config.exists and config.known:
        yield skipped("agents.config", "ecs.config", AFTER_REGISTRATION)
    found = [finding for problem in config.problems if (finding := _config_trouble(host, problem))]
    found += [_misfit(host, config, one) for one in (*misfits(host, config), *misplaced(host, config))]
    found += ssm_troubles(host) if agents(host).has_ssm else ()
    found += sandbox_troubles(host)
    if before := stale_settings(host, agents(host).ecs, config):
        found.append(before)
    yield from found
    if config.exists and not found and not folders:
        looked = (
            "names, values, both files against each other, memory, ports, log drivers and sockets against this host"
        )
        yield passed("agents.config", "ecs.config", f"{len(config.agent)} settings, all valid ({looked})")


def _folder(host: Host, path: str) -> Finding:
    """Docker makes a folder of a mount whose file is not there (docs.docker.com, bind mounts: -v creates it)."""
    text = f"Move the folder away, write {path} as a file (ECS_CLUSTER=NAME), then restart ecs."
    return trouble(
        "agents.config",
        Status.FAIL,
        path,
        f"{path} is a folder, not a file: the agent reads no setting there, and takes the cluster default",
        cause="config.invalid",
        remedy=remedy(host, text, ("mv", path, f"{path}.folder"), ("vi", path), ("systemctl", "restart", "ecs")),
    )


def _misfit(host: Host, config: EcsConfig, one: Misfit) -> Finding:
    where = one.place or config.sources.get(one.name, one.name)
    return trouble(
        "agents.config",
        Status.FAIL if one.fails else Status.WARN,
        where,
        f"{where}: {one.name} {one.says}",
        cause="config.invalid",
        remedy=remedy(host, f"{one.fix} Then restart ecs.", *one.commands, ("systemctl", "restart", "ecs")),
        evidence={"kind": "misfit", "name": one.name},
    )


def _config_trouble(host: Host, problem: Problem) -> Finding | None:
    where = f"{problem.path}:{problem.number}"
    repeated = problem.kind in ("duplicate", "overridden")
    if problem.kind == "overridden" and ("same value" in problem.text or _is_of_other_region(host, problem)):
        return None
    region = agents(host).registration.region
    if problem.name == REGION and problem.kind == "value" and not problem.write and is_region(region):
        problem = replace(problem, write=region)
    harmless = repeated or problem.kind in ("ignored", "unknown") or (problem.kind == "syntax" and not problem.name)
    return trouble(
        "agents.config",
        Status.WARN if harmless else Status.FAIL,
        where,
        f"{where}: {problem.name or 'the line'} {problem.text}",
        cause="config.duplicate" if repeated else "config.invalid",
        remedy=remedy(
            host,
            f"Remove one of the two lines ({where} takes effect), then restart ecs."
            if repeated
            else f"Correct {where}, then restart ecs.",
            _edit(problem),
            ("systemctl", "restart", "ecs"),
            look=(("grep", "-n", problem.name, *PATHS),) if problem.name else (),
        ),
        evidence={"kind": problem.kind, "name": problem.name, "line": problem.number},
    )


def _is_of_other_region(host: Host, problem: Problem) -> bool:
    """The line that agents.registration names, with its right value."""
    wanted, found = agents(host).registration.region, ecs_config(host).agent.get(problem.name, "")
    return problem.name == REGION and bool(wanted) and is_region(found) and found != wanted


def _edit(problem: Problem) -> tuple[str, ...]:
    """The edit of the named line where the right value is known; else the command that shows the line to a person."""
    if problem.write:
        value = re.sub(r"([/&\\\\])", r"\\\1", problem.write)
        return (*EDIT, f"{problem.number}s/=.*/={value}/", problem.path)
    if problem.kind == "mark":
        return (*EDIT, r"1s/^\xef\xbb\xbf//", problem.path)
    if problem.kind == "utf16":
        return (*_NARROW, "sh", problem.path)
    if problem.kind == "quoted":
        return (*EDIT, f"{problem.number}s/=[\"']\\(.*\\)[\"'][[:space:]]*$/=\\1/", problem.path)
    return ("vi", f"+{problem.number}", problem.path)


CHECKS: tuple[Check, ...] = (registration_check, config_check)
