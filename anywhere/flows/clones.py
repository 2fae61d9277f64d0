"""Identities that two hosts of a run share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from anywhere.model import Cause, Finding, Remedy, Status, Target
from anywhere.wording import some

CHECK = "system.identity-shared"
CODE = "identity.duplicate"
NAMES_SHOWN = 5
CLONE = Remedy(
    "One of them is a clone. On each clone, and not on the original, run the command: it stops the agents, removes the "
    "registration and the saved state, and makes a new machine-id and new SSH host keys. Then reboot, and register with a "
    "new activation.",
    (("sudo", "anywhere", "reset", "--reclaim", "--yes"),),
)
_KEYS = "rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub && ssh-keygen -A"
HOST_KEYS = Remedy(
    "Make new SSH host keys on all of them but one, then restart sshd; clients have to accept the new key. The registration "
    "stays.",
    (("sudo", "sh", "-c", f"{_KEYS}; systemctl try-restart ssh.service sshd.service"),),
)
ADDRESSES = Remedy(
    "Give all of them but one another hardware address, where the virtual machine or the card is configured: two hosts with "
    "one address take each other's packets in the same network. The registration stays."
)


def _of_identity(facts: Mapping[str, object], name: str) -> object:
    identity = facts.get("identity")
    return identity.get(name, "") if isinstance(identity, Mapping) else ""


def _registered(facts: Mapping[str, object]) -> str:
    registration = facts.get("registration")
    return str(registration.get("id", "")) if isinstance(registration, Mapping) else ""


def _macs(facts: Mapping[str, object]) -> Iterator[str]:
    found = _of_identity(facts, "macs")
    return iter(str(mac) for mac in found) if isinstance(found, list | tuple) else iter(())


Mark = tuple[str, Callable[[Mapping[str, object]], Sequence[str]]]
# What is shared decides what has to go: a registration that is the host's own is kept.
REMEDIES: Mapping[str, Remedy] = {"SSH host key": HOST_KEYS, "hardware address": ADDRESSES}
MARKS: tuple[Mark, ...] = (
    ("machine-id", lambda facts: [str(facts.get("machine_id", ""))]),
    ("managed instance id", lambda facts: [_registered(facts)]),
    ("SSH host key", lambda facts: [str(_of_identity(facts, "host_key"))]),
    ("hardware address", lambda facts: list(_macs(facts))),
)
"""Identities that are unique to a machine, and how to read them from its facts."""
NAME: Mark = ("host name", lambda facts: [str(facts.get("hostname", ""))])
"""Containers share the boot id of their kernel, and differ by host name."""


def judge_fleet(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets, each with a finding for every identity that it shares. Idempotent.

    Two names of the same machine (same boot id and marks) are not a duplicate.
    """
    plain = [_without(target) for target in targets]
    machines = _machines(plain)
    shared: dict[int, list[Finding]] = {}
    for mark, values in MARKS:
        for value, places in _groups(plain, machines, values).items():
            names = [plain[place].name for place in places]
            for place in places:
                shared.setdefault(place, []).append(_finding(mark, value, names, plain[place].name))
    return tuple(_with(target, shared.get(place, ())) for place, target in enumerate(plain))


def same_machine(targets: Sequence[Target]) -> list[tuple[str, ...]]:
    """The names of each machine that is in the run more than once."""
    groups: dict[int, list[str]] = {}
    for machine, target in zip(_machines(targets), targets, strict=True):
        groups.setdefault(machine, []).append(target.name)
    return [tuple(names) for names in groups.values() if len(names) > 1]


def _machines(targets: Sequence[Target]) -> list[int]:
    """A number for each target, equal for names of the same machine: same boot id and host name, and no mark differs. A mark
    that was not read counts as equal."""
    booted: dict[str, list[tuple[int, list[Sequence[str]]]]] = {}
    found = []
    for place, target in enumerate(targets):
        boot = str(_of_identity(target.facts, "boot"))
        marks: list[Sequence[str]] = [tuple(filter(None, values(target.facts))) for _, values in (*MARKS, NAME)]
        known = booted.setdefault(boot, []) if boot else []
        machine = next((one for one, others in known if all(map(_alike, marks, others))), place)
        known.append((machine, marks))
        found.append(machine)
    return found


def _alike(own: Sequence[str], other: Sequence[str]) -> bool:
    return own == other or not own or not other


def _groups(
    targets: Sequence[Target], machines: Sequence[int], values: Callable[[Mapping[str, object]], Sequence[str]]
) -> dict[str, list[int]]:
    """The indexes of the targets that share a value, one for each machine."""
    places: dict[str, dict[int, int]] = {}
    for place, target in enumerate(targets):
        for value in filter(None, values(target.facts)):
            places.setdefault(value, {}).setdefault(machines[place], place)
    return {value: list(found.values()) for value, found in places.items() if len(found) > 1}


def _finding(mark: str, value: str, names: Sequence[str], own: str) -> Finding:
    """The finding for one host; its summary is the same on each, so that they are reported as one cause."""
    shown = some(names, NAMES_SHOWN)
    others = [name for name in names if name != own]
    return Finding(
        CHECK,
        Status.FAIL,
        mark,
        f"{len(names)} hosts have one and the same {mark}: {shown}",
        evidence={"mark": mark, "value": value, "hosts": list(others[:200])},
        remedy=REMEDIES.get(mark, CLONE),
        cause=CODE,
    )


def _together(findings: Sequence[Finding]) -> Remedy:
    """A clone's remedy makes all of it new; without one, each mark has its own."""
    found = list(dict.fromkeys(finding.remedy for finding in findings if finding.remedy))
    if CLONE in found:
        return CLONE
    return Remedy(" ".join(one.text for one in found), tuple(command for one in found for command in one.commands))


def _without(target: Target) -> Target:
    """The target as it was judged by itself."""
    if all(finding.check != CHECK for finding in target.findings):
        return target
    kept = [index for index, finding in enumerate(target.findings) if finding.check != CHECK]
    places = {old: new for new, old in enumerate(kept)}
    causes = tuple(
        replace(cause, findings=tuple(places[index] for index in cause.findings))
        for cause in target.causes
        if cause.code != CODE
    )
    return replace(target, findings=tuple(target.findings[index] for index in kept), causes=causes)


def _with(target: Target, findings: Sequence[Finding]) -> Target:
    if not findings:
        return target
    first = len(target.findings)
    cause = Cause(
        CODE,
        Status.FAIL,
        "; ".join(finding.summary for finding in findings),
        tuple(finding.subject for finding in findings),
        _together(findings),
        tuple(range(first, first + len(findings))),
    )
    causes = tuple(sorted((*target.causes, cause), key=lambda one: one.severity.rank))
    return replace(target, findings=(*target.findings, *findings), causes=causes)
