"""What changed on a host between two times, in the words of the field: docker 28.1 -> 29.0, proxy added to docker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from anywhere.model import Status, Target

Snapshot = Mapping[str, str]
# A dotted path into the facts of a report, and what it is called.
_FACTS = (
    ("docker.version", "docker"),
    ("docker.state", "docker's state"),
    ("docker.root", "docker's data root"),
    ("docker.cgroup_driver", "docker's cgroup driver"),
    ("agents.ecs.version", "ECS agent"),
    ("agents.ecs.state", "ecs.service"),
    ("agents.ecs.cluster", "cluster"),
    ("agents.ecs.instance", "container instance"),
    ("agents.ssm.version", "SSM agent"),
    ("agents.ssm.state", "SSM agent's unit"),
    ("registration.id", "managed instance"),
    ("registration.state", "registration"),
    ("registration.region", "region of the registration"),
    ("os.version", "operating system release"),
    ("kernel", "kernel"),
    ("hostname", "host name"),
    ("machine_id", "machine-id (digest)"),
    ("ca_store.bundle", "CA bundle"),
    ("ca_store.certificates", "certificates in the CA bundle"),
    ("status.ca_digest", "content of the CA bundle (digest)"),
    ("network.nameservers", "nameservers"),
    ("time.service", "time service"),
    ("selinux", "SELinux"),
)
NOT_THERE = "none"


def snapshot(target: Target) -> dict[str, str]:
    """What is compared, as flat values: facts, each component's proxy settings, each rule, what intercepts TLS."""
    found = {label: text for path, label in _FACTS if (text := _text(_at(target.facts, path)))}
    settings = _at(target.facts, "status.settings")
    if isinstance(settings, Mapping):
        found |= {f"{name} in ecs.config": str(value) for name, value in settings.items()}
    for one in target.findings:
        if isinstance(matrix := one.evidence.get("matrix"), Mapping):
            found |= _proxies(matrix)
        if one.check.startswith("netfilter.") and one.status in (Status.PASS, Status.FAIL, Status.WARN):
            found.setdefault(f"rule {one.check.partition('.')[2]} {one.subject}", str(one.status is Status.PASS))
        if one.check == "endpoints.interception" and one.subject:
            found["TLS issuer"] = f"{one.subject} ({one.status})"
    return found


def of_files(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """What changed in the files of two bundles' observations (`read ["/etc/hosts", 0]` to text): settings by their names,
    CA stores as a whole."""
    found: list[str] = []
    for key in dict.fromkeys([*before, *after]):
        verb, _, rest = key.partition(" ")
        old, new = before.get(key), after.get(key)
        if verb != "read" or old == new:
            continue
        path = str(json.loads(rest)[0])
        old, new = (one if isinstance(one, str) else "" for one in (old, new))
        if path.endswith((".crt", ".pem")):
            found.append(f"CA store {path} {'replaced' if old and new else 'added' if new else 'removed'}")
        elif path.endswith("ecs.config"):
            found += words(_settings(old, path), _settings(new, path))
        elif path.endswith("/daemon.json"):
            found += words(_daemon(old, path), _daemon(new, path))
    return found


def _settings(text: str, path: str) -> dict[str, str]:
    rows = (line.partition("=") for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#"))
    return {f"{name.strip()} in {path}": value.strip() for name, _, value in rows}


def _daemon(text: str, path: str) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {path: "not JSON"}
    return (
        {f"{name} in {path}": _text(value) or json.dumps(value) for name, value in found.items()}
        if isinstance(found, dict)
        else {}
    )


def _at(facts: Mapping[str, Any], path: str) -> object:
    value: object = facts
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None or isinstance(value, Mapping) else str(value)


def _proxies(matrix: Mapping[str, Any]) -> dict[str, str]:
    """The settings that a component's process has, or would have."""
    settings = {**matrix.get("declared", {}), **matrix.get("effective", {})}
    return {f"{name} of {matrix.get('component', '')}": str(value) for name, value in settings.items()}


def words(before: Snapshot, after: Snapshot) -> list[str]:
    """One line a change, in the order of the names."""
    names = dict.fromkeys([*before, *after])
    return [
        _say(name, before.get(name, ""), after.get(name, "")) for name in names if before.get(name) != after.get(name)
    ]


def _say(name: str, old: str, new: str) -> str:
    if name.startswith("rule "):
        return f"{name}: {'in effect again' if new == 'True' else 'deleted or without effect' if old == 'True' else 'missing'}"
    variable, of, component = name.partition(" of ")
    if of and variable.lower().endswith("_proxy"):
        what = "exclusions (NO_PROXY)" if variable.lower() == "no_proxy" else f"proxy ({variable})"
        if not old:
            return f"{what} added to {component}: {new}"
        return f"{what} of {component} removed (was {old})" if not new else f"{what} of {component}: {old} -> {new}"
    return f"{name} {old or NOT_THERE} -> {new or NOT_THERE}"
