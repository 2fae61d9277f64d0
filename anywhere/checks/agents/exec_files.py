"""ECS Exec: its programs and certificates as the ECS agent looks for them, and a half set that keeps the agent out."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import needs_root, passed, trouble
from anywhere.checks.remedies import Command, family, remedy
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.system.exec_files import BIN, BUNDLE, ExecFiles, exec_files
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

ID, CODE = "agents.features", "exec.not-ready"
SUBJECT = "ECS Exec"


def exec_findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """With --with exec: whether the agent offers it. Always: a half set of programs, with which the agent ends."""
    found, is_wanted = exec_files(host), "exec" in settings.features
    if found.keeps_agent_out:
        yield _half(host, found, is_wanted)
    elif not is_wanted:
        return
    elif not found.seen:
        yield needs_root(ID, SUBJECT, f"{BIN} may not be listed")
    elif found.is_offered:
        versions = ", ".join(version for version, lacks in found.versions.items() if not lacks)
        yield passed(ID, SUBJECT, f"programs {versions} and their certificates are there")
    else:
        yield _missing(host, found)


def half_set(found: ExecFiles) -> str:
    """What is wrong with the programs that are there, in words."""
    rows = (f"{BIN}/{version} lacks {', '.join(lacks)}" for version, lacks in found.versions.items())
    return "; ".join(rows)


def _half(host: Host, found: ExecFiles, is_wanted: bool) -> Finding:
    return trouble(
        ID,
        Status.FAIL,
        SUBJECT,
        f"{half_set(found)}: with a half set the ECS agent ends at its start before it registers, and logs no reason",
        cause=CODE,
        remedy=half_remedy(host, found, is_wanted),
        evidence={"versions": {version: list(lacks) for version, lacks in found.versions.items()}},
    )


def half_remedy(host: Host, found: ExecFiles, is_wanted: bool = False) -> Remedy:
    """Take the half away; bring the complete set where ECS Exec is asked for."""
    text = "Take the half set away and restart ecs: the agent then starts without ECS Exec. "
    folders = tuple(f"{BIN}/{version}" for version in found.versions)
    commands: tuple[Command, ...] = (("rm", "-r", *folders), ("systemctl", "restart", "ecs"))
    again = (_register(host),) if is_wanted else ()
    return remedy(host, text + "Whoever needs ECS Exec then brings the complete set.", *commands, *again)


def _missing(host: Host, found: ExecFiles) -> Finding:
    said = f"{' and '.join(found.lacking)} {'is' if len(found.lacking) == 1 else 'are'} missing"
    known = family(host)
    commands: tuple[Command, ...] = ()
    if BUNDLE in found.lacking and known:
        commands = (("install", "-D", "-m", "0400", known.ca_bundle, BUNDLE),)
    commands = (*commands, ("systemctl", "restart", "ecs") if found.versions else _register(host))
    return trouble(
        ID,
        Status.FAIL,
        SUBJECT,
        f"{said}: the agent does not offer ECS Exec, and tasks that need it are never placed here",
        cause=CODE,
        remedy=remedy(
            host,
            "Bring what is missing: the programs are in AWS's amazon-ssm-agent-binaries.tar.gz, signed by a key of your site; "
            "the certificates are a copy of the host's CA bundle. The agent looks for them when it starts.",
            *commands,
        ),
        evidence={"lacking": list(found.lacking)},
    )


def _register(host: Host) -> Command:
    config = ecs_config(host).agent
    region, cluster = config.get("AWS_DEFAULT_REGION", "REGION"), config.get("ECS_CLUSTER", "default")
    words = ("anywhere", "register", "--region", region, "--cluster", cluster)
    return (*words, "--exec-binaries", "amazon-ssm-agent-binaries.tar.gz", "--keyring", "site-key.asc")
