"""Why the ECS agent finds none of the credentials that the SSM agent renews, where that has a reason that can be seen."""

from __future__ import annotations

from anywhere.checks.agents.ssm_settings import shares_no_credentials
from anywhere.checks.remedies import Command, line_out, lines_that_set, remedy
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.credentials import CREDENTIALS
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.kernel.sandbox import kept_from
from anywhere.facts.system.units import Unit, environment_files
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import EDIT, Remedy

SETTINGS, ELSEWHERE = "config.invalid", "agent.no-credentials"
# What decides where the SSM agent writes (amazon-ssm-agent core/app/credentialrefresher; identity_config.json says where).
PLACE, HOME = "AWS_SHARED_CREDENTIALS_FILE", "HOME"


@frozen
class Unshared:
    """The cause that explains it; where no other check names that, what it says and its fix."""

    cause: str
    says: str = ""
    fix: Remedy | None = None


def unshared(host: Host) -> Unshared | None:
    """None where the SSM agent writes where the ECS agent reads, or where that is not known."""
    unit = agents(host).ssm_unit
    if shares_no_credentials(host) or any(kept.line.key in _OF_FILES for kept in kept_from(host, unit)):
        return Unshared(SETTINGS)
    place = agents(host).registration.share_file
    if not place or place in (CREDENTIALS, ecs_config(host).agent.get(PLACE, "")):
        return None
    says = f"The SSM agent writes its credentials to {place}, and the ECS agent reads {CREDENTIALS} alone"
    return Unshared(ELSEWHERE, says, _fix(host, unit))


_OF_FILES = frozenset(("ProtectHome", "ProtectSystem", "ReadOnlyPaths", "InaccessiblePaths", "User", "DynamicUser"))


def _fix(host: Host, unit: Unit) -> Remedy:
    name = next((one for one in (PLACE, HOME) if one in unit.environment), "")
    source = unit.sources.get(name, "")
    paths = dict.fromkeys(path for path in (unit.fragment, *unit.drop_ins, source) if path.startswith("/"))
    lines = tuple(place for path in paths for place in lines_that_set(host, path, (PLACE, HOME)))
    file = "" if lines else source
    where = " and ".join(lines) or file
    edits: tuple[Command, ...] = tuple(map(line_out, lines))
    if file in environment_files(host, unit):
        edits = ((*EDIT, "-E", f"s/^[[:space:]]*{name}=/# &/", file),)
    text = f"Take {PLACE} or {HOME} out of {where or 'the environment that it was started in'}, then restart the SSM agent, "
    text += f"which writes {CREDENTIALS}, and ecs."
    reload: tuple[Command, ...] = (("systemctl", "daemon-reload"),) if lines else ()
    service = unit.service
    return remedy(host, text, *edits, *reload, ("systemctl", "restart", service), ("systemctl", "restart", "ecs"))
