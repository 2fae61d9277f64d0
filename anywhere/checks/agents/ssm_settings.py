"""The SSM agent's settings against what the agent takes, and against what the ECS agent needs of it.

Sources: amazon-ssm-agent core/app/bootstrap (a file that cannot be read ends the agent), common/identity (order,
ContainerMode), core/app/credentialrefresher (ShareCreds, ShareProfile).
"""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.catalogue.daemon_lines.ssm_settings import IDENTITIES, near_key, near_section, out_of_range, wrong_kind
from anywhere.catalogue.regions import is_region, near_region
from anywhere.checks.base import trouble
from anywhere.checks.remedies import Command, remedy
from anywhere.declared.own import parse_url
from anywhere.errors import BadInput
from anywhere.facts.agents.agents import Agents, agents
from anywhere.facts.ssm.settings import SsmSettings, ssm_settings
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import EDIT, Finding, Status

ENDPOINTS = ("Ssm", "Mds", "Mgs", "S3", "Kms")


@frozen
class Wrong:
    """One setting: what is wrong, how to fix it, its line (0: not known), and the sed script that fixes this line.
    `ends` is whether the agent does not start with it, `fails` whether something does not work with it."""

    says: str
    fix: str
    line: int = 0
    script: str = ""
    fails: bool = True
    ends: bool = False


def ssm_troubles(host: Host) -> Iterator[Finding]:
    """The findings for amazon-ssm-agent.json; none where there is no such file."""
    found, here = ssm_settings(host), agents(host)
    for one in wrong_settings(found, here):
        yield _trouble(host, found, here, one)


def shares_no_credentials(host: Host) -> bool:
    """Whether the SSM agent is set to keep its credentials to itself, or to another profile."""
    found = ssm_settings(host)
    return found.get("Profile", "ShareCreds") is False or _profile(found) != ""


def wrong_settings(found: SsmSettings, here: Agents) -> Iterator[Wrong]:
    """What the agent refuses, ignores, or what keeps the ECS agent from working."""
    if found.error:
        yield Wrong(f"is no JSON that the agent can read: {found.error}", "Correct the line.", found.line, ends=True)
        return
    yield from _kinds(found)
    yield from _ranges(found)
    yield from _names(found)
    yield from _identity(found)
    yield from _places(found, here)
    if here.has_ecs:
        yield from _shared(found)


def _kinds(found: SsmSettings) -> Iterator[Wrong]:
    for section, values in found.values.items():
        for key, value in values.items() if isinstance(values, dict) else ():
            if kind := wrong_kind(section, key, value):
                says = f"{section}.{key} has to be {kind}: the agent refuses the complete file"
                yield Wrong(says, "Correct the value.", found.line_of(key), _unquoted(key, value, kind), ends=True)


def _ranges(found: SsmSettings) -> Iterator[Wrong]:
    """What is declared and not in effect."""
    for section, values in found.values.items():
        for key, value in values.items() if isinstance(values, dict) else ():
            if why := out_of_range(section, key, value):
                yield Wrong(f"{section}.{key} {why}", "Correct the value.", found.line_of(key), fails=False)


def _unquoted(key: str, value: object, kind: str) -> str:
    """The script that takes the quotes off a switch or a number."""
    plain = value.strip().lower() if isinstance(value, str) else ""
    fits = (plain in ("true", "false") and kind.startswith("true")) or (
        plain.isdecimal() and kind.startswith("an integer")
    )
    return f's/"{key}"[[:space:]]*:[[:space:]]*"[^"]*"/"{key}": {plain}/' if fits else ""


def _names(found: SsmSettings) -> Iterator[Wrong]:
    for section, values in found.values.items():
        if hint := near_section(section):
            yield Wrong(f"has a section {section}, which the agent ignores; {hint}", "Correct the name.",
                        found.line_of(section), fails=False)  # fmt: skip
        for key in values if isinstance(values, dict) else ():
            if hint := near_key(section, key):
                says = f"{section}.{key} is no setting of the SSM agent, which ignores it; {hint}"
                yield Wrong(says, "Correct the name.", found.line_of(key), fails=False)


def _identity(found: SsmSettings) -> Iterator[Wrong]:
    order = found.get("Identity", "ConsumptionOrder")
    known = [one for one in order if one in IDENTITIES] if isinstance(order, list) else []
    if known and "OnPrem" not in known:
        says = f"Identity.ConsumptionOrder ({', '.join(known)}) lacks OnPrem: the agent does not take this host's registration"
        yield Wrong(says, 'Add "OnPrem" to the list.', found.line_of("ConsumptionOrder"))
    elif not known and found.get("Agent", "ContainerMode") is True:
        says = "Agent.ContainerMode is true: the agent takes the identity of an ECS task, not this host's registration"
        yield Wrong(says, "Set it to false.", found.line_of("ContainerMode"), _set("ContainerMode", "false"))


def _places(found: SsmSettings, here: Agents) -> Iterator[Wrong]:
    region = found.get("Agent", "Region")
    registered = here.registration.region
    if isinstance(region, str) and region and not is_region(region):
        yield Wrong(f"Agent.Region is no AWS region: {region[:40]}{near_region(region)}", "Correct it, or leave it empty.",
                    found.line_of("Region"), _set("Region", '""'))  # fmt: skip
    elif isinstance(region, str) and region and registered and region != registered:
        says = f"Agent.Region is {region}, and this host is registered in {registered}: the agent asks the wrong region"
        yield Wrong(
            says, "Leave it empty: the registration has the region.", found.line_of("Region"), _set("Region", '""')
        )
    for section in ENDPOINTS:
        value = found.get(section, "Endpoint")
        if not isinstance(value, str) or not value.strip():
            continue
        try:
            parse_url(value.strip(), "ssm", "ssm-agent", "https")
        except BadInput as error:
            yield Wrong(f"{section}.Endpoint is no endpoint: {error}", "Correct it, or leave it empty.")


def _shared(found: SsmSettings) -> Iterator[Wrong]:
    """The ECS agent takes what the SSM agent writes into the default profile of root's credentials file."""
    if found.get("Profile", "ShareCreds") is False:
        says = "Profile.ShareCreds is false: the SSM agent keeps its credentials to itself, and the ECS agent gets none"
        yield Wrong(says, "Set it to true.", found.line_of("ShareCreds"), _set("ShareCreds", "true"))
    elif profile := _profile(found):
        says = f"Profile.ShareProfile is {profile}: the credentials are not in the default profile, where the ECS agent looks"
        yield Wrong(says, "Leave it empty.", found.line_of("ShareProfile"), _set("ShareProfile", '""'))


def _profile(found: SsmSettings) -> str:
    value = found.get("Profile", "ShareProfile")
    return value if isinstance(value, str) and value not in ("", "default") else ""


def _set(key: str, value: str) -> str:
    """The script that gives a key another plain value."""
    return rf's/("{key}"[[:space:]]*:[[:space:]]*)("[^"]*"|[a-z]+)/\1{value}/I'


def _trouble(host: Host, found: SsmSettings, here: Agents, one: Wrong) -> Finding:
    where = f"{found.path}:{one.line}" if one.line else found.path
    unit = here.ssm_unit
    later = one.ends and bool(unit.is_running)
    says = f"{where}: {one.says}" + ("; it runs with its older settings, and will not start again" if later else "")
    edit: Command = (
        (*EDIT, "-E", f"{one.line}{one.script}", found.path)
        if one.line and one.script
        else ("vi", f"+{max(one.line, 1)}", found.path)
    )
    commands: tuple[Command, ...] = (edit, ("systemctl", "restart", unit.service))
    if here.has_ecs and "Share" in one.script:
        commands = (*commands, ("systemctl", "restart", "ecs"))
    return trouble(
        "agents.config",
        Status.FAIL if one.fails and not later else Status.WARN,
        where,
        says,
        cause="config.invalid",
        remedy=remedy(host, f"{one.fix} Then restart the SSM agent, which reads the file at its start.", *commands),
        evidence={"kind": "ssm-agent", "line": one.line},
    )
