"""`check --plan`: what the very run would do to each host, with nothing done."""

from __future__ import annotations

from anywhere.declared.contacts import LOGIN, Announced, Contact
from anywhere.errors import BadInput
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.announced.rows import of_any, of_host
from anywhere.flows.announced.unarmed import Unarmed
from anywhere.flows.check import validate
from anywhere.flows.hosts import Hosts, is_saved
from anywhere.hosts.base import Deadline
from anywhere.hosts.local import LocalHost
from anywhere.hosts.recording import Recording
from anywhere.hosts.target import SSHTarget
from anywhere.inventory import Entry
from anywhere.settings import Settings

SECONDS = 30.0  # to read this host's files
SUPERSET = "Rows with a condition may not happen. Whether the host is registered is not known before the run: all phases count."


def announce(settings: Settings, hosts: Hosts) -> tuple[Announced, ...]:
    """One plan a host. Raises BadInput as the run would."""
    validate(settings)
    return tuple(_of(entry, settings) for entry in hosts.entries)


def _of(entry: Entry, settings: Settings) -> Announced:
    if is_saved(entry):
        return Announced(entry.name, (Contact("file", str(entry.spec), why="a saved run: nothing is contacted"),))
    if isinstance(entry.spec, SSHTarget):
        return _over_ssh(entry.spec, settings)
    host = Recording(Unarmed(LocalHost(Deadline(SECONDS), SECONDS)))
    regions = settings.regions or _registered(host)
    rows = [row for region in regions for row in of_host(host, settings, region)]
    return Announced(entry.name, tuple(dict.fromkeys(rows)), (SUPERSET,))


def _registered(host: Recording) -> tuple[str, ...]:
    region = ecs_config(host).agent.get("AWS_DEFAULT_REGION", "")
    if not region:
        raise BadInput("say which region: --region us-east-1 (no setting of this host names one)")
    return (region,)


def _over_ssh(target: SSHTarget, settings: Settings) -> Announced:
    if not settings.regions:
        raise BadInput(
            f"say which region: --region us-east-1 (where {target} is registered is not known before the run)"
        )
    login = Contact(
        LOGIN,
        str(target),
        target.host,
        target.port or 22,
        "tcp, ssh",
        target.user or "",
        why="everything below is done from there",
    )
    rows = [row for region in settings.regions for row in of_any(settings, region)]
    remote = (
        "The host's proxies, nameservers and own endpoints are read in the run: its rows name them by what they are."
    )
    return Announced(str(target), (login, *dict.fromkeys(rows)), (SUPERSET, remote))
