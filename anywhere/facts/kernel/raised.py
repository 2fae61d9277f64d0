"""Whether a limit was set anew since the kernel reported it as exceeded: its line is then about the limit before."""

from __future__ import annotations

from anywhere.facts.files import read_text
from anywhere.facts.firewall.forwarding import set_at_boot
from anywhere.facts.kernel.limits import uses
from anywhere.facts.kernel.log import Exceeded
from anywhere.facts.system.changed import newer
from anywhere.facts.system.quoting import parse_service
from anywhere.facts.system.units import units
from anywhere.hosts.base import Host


def raised_since(host: Host, one: Exceeded) -> bool:
    """By the files that set it, for a process count those of the unit (`systemctl set-property` writes one), which systemd
    has read; for a sysctl the file of the boot, where the kernel has its value now."""
    paths = _of_unit(host, one.unit) if one.unit else _of_sysctl(host, one.setting)
    return bool(newer(host, paths, host.inventory().boot_time + one.at))


def _of_unit(host: Host, name: str) -> tuple[str, ...]:
    found = units(host).get(name)
    return tuple(
        path
        for path in (found.drop_ins if found and not found.stale else ())
        if any(key == "TasksMax" for key, _ in parse_service(read_text(host, path).content))
    )


def _of_sysctl(host: Host, setting: str) -> tuple[str, ...]:
    place, value = set_at_boot(host, setting)
    most = next((use.most for use in uses(host) if use.setting == setting), 0)
    return (place.rpartition(":")[0],) if place and value == str(most) else ()
