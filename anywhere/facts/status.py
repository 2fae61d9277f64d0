"""The state of an instance in plain values: what `anywhere status` shows beside its findings. Reads this host alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from anywhere.catalogue import versions
from anywhere.documents.numbers import whole
from anywhere.errors import AnywhereError
from anywhere.facts.agents.agents import agents, ecs_version, metadata, ssm_version
from anywhere.facts.agents.connection import connection, epoch
from anywhere.facts.agents.credentials import CREDENTIALS
from anywhere.facts.agents.docker import containerd_root, data_root, docker
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.agents.tasks import tasks
from anywhere.facts.files import read_text
from anywhere.facts.identity import hostname
from anywhere.facts.system.castore import ca_store
from anywhere.facts.system.disks import disk_of
from anywhere.facts.system.machine import MACHINE_ID
from anywhere.facts.system.units import DOCKER, DOCKER_SNAP, ECS, RULES_UNIT, Unit, units
from anywhere.hosts.base import Host

Values = dict[str, object]
_SECRET = re.compile(r"AUTH|TOKEN|SECRET|KEY|PASSWORD", re.I)


def status_facts(host: Host) -> Values:
    """The `status` object of a report's facts. What is not known, or not in a bundle, is empty or null."""
    return {name: _known(gather, host, otherwise) for name, gather, otherwise in _PIECES}


def _known(gather: Callable[[Host], object], host: Host, otherwise: object) -> object:
    try:
        return gather(host)
    except (OSError, AnywhereError):
        return otherwise


def _connected(host: Host) -> bool | None:
    """An agent that does not run is not connected, whatever its log says last."""
    return connection(host).connected if agents(host).ecs.is_running is not False else False


def _cluster(host: Host) -> str:
    return metadata(host).cluster or ecs_config(host).agent.get("ECS_CLUSTER", "")


def _versions(host: Host) -> Values:
    here = agents(host)
    found = {"ecs-agent": ecs_version(host, here), "ssm-agent": ssm_version(host, here)}
    rows: Values = {}
    for name, version in found.items():
        newest = versions.NEWEST[name]
        old = versions.is_older(version, newest)
        rows[name] = {"installed": version, "newest": newest, "dated": versions.DATED, "outdated": old}
    rows["docker"] = {"installed": docker(host).version.server}
    return rows


def _units(host: Host) -> Values:
    found, here = units(host), agents(host)
    engine = found[DOCKER_SNAP] if found[DOCKER_SNAP].exists and not found[DOCKER].exists else found[DOCKER]
    return {name: _unit(unit) for name, unit in (("docker", engine), ("ssm-agent", here.ssm_unit), ("ecs", found[ECS]))}


def _unit(unit: Unit) -> Values:
    return {
        "unit": unit.name,
        "active": (unit.active or "unknown") if unit.exists else "not installed",
        "state": unit.sub,
        "enabled": unit.is_enabled,
        "restarts": unit.restarts,
    }


def _credentials(host: Host) -> Values:
    """Age and end of the shared credentials, in seconds; never a part of them."""
    here = agents(host)
    path = here.registration.share_file or CREDENTIALS
    now, end = host.inventory().now, epoch(here.registration.expires)
    age = _known(lambda host: _age(host, path, now), host, None)
    return {
        "file": path,
        "age_seconds": age,
        "expires": here.registration.expires,
        "left_seconds": round(end - now) if end and now else None,
    }


def _age(host: Host, path: str, now: float) -> int | None:
    written = host.run(("stat", "-L", "-c", "%Y", path), timeout=2)
    seconds = whole(written.stdout.strip()) if written.ok else None
    return None if seconds is None else round(now - seconds)


def _tasks(host: Host) -> list[Values] | None:
    found = tasks(host)
    if found is None:
        return None
    return [
        {"arn": one.arn, "family": one.family, "revision": one.revision, "status": one.status,
         "containers": list(one.containers)}
        for one in found if one.is_running
    ]  # fmt: skip


def _disks(host: Host) -> list[Values]:
    rows = []
    for name, path in (("docker", data_root(host)), ("containerd", containerd_root(host))):
        disk = disk_of(host, path)
        if disk and disk.total:
            rows.append({"store": name, "path": path, "total": disk.total, "free": disk.free})
    return rows


def _settings(host: Host) -> Values:
    """The ECS agent's settings without those that hold credentials."""
    return {name: value for name, value in ecs_config(host).agent.items() if not _SECRET.search(name)}


def _ca_digest(host: Host) -> str:
    path = ca_store(host).bundle
    text = read_text(host, path).content if path else ""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16] if text else ""


def _guard(host: Host) -> str:
    """`running`, `stopped`, or `absent` where `anywhere rules apply` never ran."""
    unit = units(host)[RULES_UNIT]
    if not unit.exists:
        return "absent"
    return "running" if unit.is_running else "stopped"


_NOWHERE: Values = {"file": "", "age_seconds": None, "expires": "", "left_seconds": None}
# Name, what gathers it, and what stands in its place where that cannot be seen.
_PIECES: tuple[tuple[str, Callable[[Host], object], object], ...] = (
    ("hostname", hostname, ""),
    ("machine_id", lambda host: read_text(host, MACHINE_ID).content.strip(), ""),
    ("instance", lambda host: agents(host).registration.instance, ""),
    ("region", lambda host: agents(host).registration.region, ""),
    ("registration", lambda host: agents(host).registration.state, "unknown"),
    ("cluster", _cluster, ""),
    ("container_instance", lambda host: metadata(host).instance_arn, ""),
    ("introspection", lambda host: metadata(host).answers, None),
    ("connected", _connected, None),
    ("since", lambda host: connection(host).since, ""),
    ("agent_started", lambda host: connection(host).started, ""),
    ("versions", _versions, {}),
    ("units", _units, {}),
    ("credentials", _credentials, _NOWHERE),
    ("tasks", _tasks, None),
    ("disks", _disks, []),
    ("guard", _guard, "unknown"),
    ("settings", _settings, {}),
    ("ca_digest", _ca_digest, ""),
)
