"""Credentials that would take the place of those that the SSM agent renews."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.agents.shared import unshared
from anywhere.checks.base import Check, check, needs_root, passed, skipped, trouble
from anywhere.checks.remedies import Command, line_out, lines_that_set, remedy
from anywhere.facts.agents.agents import agents, ssm_service
from anywhere.facts.agents.credentials import (
    CREDENTIALS,
    EC2,
    HIDDEN,
    NOTHING,
    MetadataService,
    SharedFile,
    metadata_service,
    named_variables,
    shared_file,
)
from anywhere.facts.agents.ecs_config import PATHS
from anywhere.facts.agents.ssm_log import ssm_log
from anywhere.facts.system.machine import is_ec2
from anywhere.hosts.base import Host
from anywhere.model import EDIT, Finding, Status
from anywhere.settings import Settings

ID = "agents.credentials"
KEPT = "kept-for-others"  # the profile whose keys were in the way
METADATA = "169.254.169.254"
# Files of NAME=value lines, out of which a name can be cut without looking.
LINES_OF_NAMES = frozenset({"/etc/environment", *PATHS})


@check(ID)
def credentials_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    shared, named = shared_file(host), named_variables(host)
    for place in named:
        said = f"{', '.join(place.names)} in {place.place} win over the agents' own credentials"
        yield _static(host, place.place, said, place.names)
    if shared.static:
        said = f"{CREDENTIALS} holds static keys in its default profile, which the SSM agent overwrites"
        yield _static(host, CREDENTIALS, said)
    empty = _without_keys(host, shared)
    if empty:
        yield empty
    elif shared.profiles is None:
        yield needs_root(ID, CREDENTIALS, f"{CREDENTIALS} is not readable by this user")
    elif not named and not shared.static:
        yield passed(ID, "credentials", "no AWS credentials except the agents' own")


def _without_keys(host: Host, shared: SharedFile) -> Finding | None:
    """The ECS agent takes what the SSM agent writes: a file without keys is no credentials at all."""
    here = agents(host)
    if not (here.has_ecs and here.registration.is_registered) or shared.profiles is None:
        return None
    if "aws_access_key_id" in shared.profiles.get("default", ()):
        return None
    log = ssm_log(host)
    if here.ssm_unit.is_running is not True or (log and (log.credentials is False or log.hibernates)):
        return skipped(ID, CREDENTIALS, "the SSM agent writes no credentials", because="agents.ssm")
    why = unshared(host)
    if why and why.fix:
        return trouble(ID, Status.FAIL, CREDENTIALS, why.says, cause=why.cause, remedy=why.fix)
    if why:
        return skipped(
            ID, CREDENTIALS, "a setting keeps the SSM agent's credentials from the file", because="agents.config"
        )
    others = ", ".join(f"[{name}]" for name in shared.profiles if name != "default")
    what = f"holds only {others}" if others else "is empty or missing"
    said = f"{CREDENTIALS} {what}: the ECS agent finds no credentials, although the SSM agent runs"
    return trouble(
        ID,
        Status.FAIL,
        CREDENTIALS,
        said,
        cause="agent.no-credentials",
        remedy=remedy(
            host,
            "Restart the SSM agent, which rewrites the file, then ecs.",
            ("systemctl", "restart", here.ssm_unit.service),
            ("systemctl", "restart", "ecs"),
        ),
        evidence={"profiles": sorted(shared.profiles)},
    )


def _static(host: Host, place: str, said: str, names: tuple[str, ...] = ()) -> Finding:
    here = agents(host)
    text = f"Remove the keys from {place} (move them to a named profile if they are needed), then restart both agents."
    commands: tuple[Command, ...] = ()
    if place == CREDENTIALS:
        text = f"Give the profile that holds them another name ({KEPT}), or remove it; then restart both agents."
        commands = ((*EDIT, rf"s/^[[:space:]]*\[[[:space:]]*default[[:space:]]*\]/[{KEPT}]/", place),)
    elif place in LINES_OF_NAMES:
        # The line stays, empty: others are named by their number.
        commands = ((*EDIT, "-E", f"s/^ *({'|'.join(names)}) *=.*/#/", place),)
    elif lines := tuple(lines_that_set(host, place, names)):
        commands = (*map(line_out, lines), ("systemctl", "daemon-reload"))
    running = (
        *((ssm_service(host),) if here.ssm_unit.exists else ()),
        *(("ecs",) if here.ecs.exists else ()),
    )
    restart: tuple[Command, ...] = (("systemctl", "restart", *running),) if running else ()
    return trouble(
        ID,
        Status.FAIL,
        place,
        said,
        cause="credentials.static",
        remedy=remedy(host, text, *commands, *restart),
    )


@check("agents.metadata-service")
def metadata_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found = metadata_service(host)
    if found.kind == NOTHING:
        yield passed("agents.metadata-service", METADATA, f"nothing answers at {METADATA}")
    elif found.kind == HIDDEN:
        yield skipped("agents.metadata-service", METADATA, "not visible over SSH", because="endpoints.reach")
    elif found.kind == EC2 or is_ec2(host):
        yield _on_ec2(host, found)
    else:
        name = f"{found.product}'s metadata service" if found.product else "something"
        yield trouble(
            "agents.metadata-service",
            Status.WARN,
            METADATA,
            f"{name} answers at {METADATA}: software may mistake it for EC2's",
            cause="credentials.foreign-metadata",
            remedy=remedy(host, "Block the address on this host: no external instance needs it.", _blackhole()),
            evidence={"product": found.product, "status": found.status},
        )


def _on_ec2(host: Host, found: MetadataService) -> Finding:
    if found.role is False:
        said = "this is an EC2 instance without a role; AWS does not support EC2 for external instances"
        return passed("agents.metadata-service", METADATA, said, role=False)
    said = (
        "This EC2 instance has a role, which the agents may use instead of their own credentials"
        if found.role
        else "This is an EC2 instance; only requests with a session token show whether it has a role"
    )
    return trouble(
        "agents.metadata-service",
        Status.FAIL if found.role else Status.WARN,
        METADATA,
        said,
        cause="credentials.ec2-role",
        remedy=remedy(host, "Detach the role, or block the metadata address on this host.", _blackhole()),
        evidence={"role": found.role, "status": found.status},
    )


def _blackhole() -> tuple[str, ...]:
    return ("ip", "route", "replace", "blackhole", f"{METADATA}/32")


CHECKS: tuple[Check, ...] = (credentials_check, metadata_check)
