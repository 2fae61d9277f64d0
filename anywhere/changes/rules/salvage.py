"""The rules without their record: what is ours by its own words is taken away, the rest is left."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.changes.base import Step, write_proc
from anywhere.changes.files import remove
from anywhere.changes.rules.desired import observe, take_back
from anywhere.changes.rules.nftables import remove_native
from anywhere.changes.rules.persistence import SCRIPT, SYSCTL_FILE, UNIT, UNIT_FILE, stop_command
from anywhere.hosts.base import Host

_OURS = b"# Written by `anywhere rules apply`"


def salvage(host: Host) -> tuple[Step, ...]:
    """The steps that remove what says that it is ours: the guard first, then the setting that our file opened, the rules
    by their comment, the files by their head. None where nothing is there."""
    return tuple(_steps(host))


def _steps(host: Host) -> Iterator[Step]:
    state = observe(host)
    files = [path for path in (UNIT_FILE, SYSCTL_FILE, SCRIPT) if _is_ours(host, path)]
    unit = state.firewall.unit(UNIT)
    if UNIT_FILE in files or (unit and (unit.active or unit.enabled)):
        yield Step("unit", f"stop and disable {UNIT}", stop_command())
    opened = state.net.route_localnet
    if SYSCTL_FILE in files and opened.value == "1":
        yield Step("setting", f"set {opened.key} = 0, which {SYSCTL_FILE} sets to 1", write_proc(opened.path, "0"))
    for backend in state.firewall.backends:
        for family in (4, 6):
            if backend.rules(family).ours:
                said = f"remove the rules of anywhere from {backend.program_for(family)}"
                yield Step(f"rules:{backend.name}:{family}", said, take_back(state.firewall, backend, family))
    if state.firewall.nft.own:
        yield remove_native()
    for path in files:
        yield Step(f"file:{path}", f"remove {path}", remove(path))


def _is_ours(host: Host, path: str) -> bool:
    try:
        return any(line.startswith(_OURS) for line in host.read(path)[:400].splitlines()[:2])
    except OSError:
        return False
