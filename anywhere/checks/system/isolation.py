"""What the kernel keeps apart and limits: control groups and SELinux."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.remedies import family, install, remedy
from anywhere.facts.agents.ecs_config import ecs_config, is_true
from anywhere.facts.system.machine import Cgroups, cgroups, mounts, selinux_mode
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

CONTROLLERS = frozenset({"cpu", "memory"})


@check("system.cgroup")
def cgroup_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found = cgroups(host)
    if not mounts(host) or (found.version and found.controllers is None):
        yield skipped("system.cgroup", "control groups", "the control groups could not be seen")
        return
    missing = sorted(CONTROLLERS - (found.controllers or frozenset()))
    if not missing:
        yield passed("system.cgroup", f"version {found.version}", f"control groups version {found.version}")
        return
    required = is_true(ecs_config(host).agent.get("ECS_ENABLE_TASK_CPU_MEM_LIMIT", "")) or not found.version
    what = " and ".join(missing) + (" controller is" if len(missing) == 1 else " controllers are")
    effect = "the agent will not start" if required else "the agent runs, but tasks get no limits"
    yield trouble(
        "system.cgroup",
        Status.FAIL if required else Status.WARN,
        ", ".join(missing),
        f"the {what} missing: {effect}",
        cause="cgroup.controller-missing",
        remedy=_cgroup_remedy(host, found, missing),
        evidence={"version": found.version, "present": sorted(found.controllers or ()), "off": sorted(found.disabled)},
    )


def _cgroup_remedy(host: Host, found: Cgroups, missing: list[str]) -> Remedy:
    off = sorted(found.disabled & set(missing))
    if not off:
        return Remedy(f"Boot a kernel with the {' and '.join(missing)} control-group controllers.")
    words = " ".join(f"cgroup_disable={name}" for name in off)
    text = (
        f"Take {words} off the kernel's command line and reboot. On a Raspberry Pi add cgroup_enable=memory to the one "
        "line of /boot/firmware/cmdline.txt instead: its firmware sets the flag."
    )
    known = family(host)
    if known and known.name.startswith("rhel"):
        return remedy(host, text, ("grubby", "--update-kernel=ALL", f"--remove-args={words}"), ("reboot",))
    return Remedy(text)


@check("system.selinux")
def selinux_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    mode = selinux_mode(host)
    if not mode:
        yield skipped("system.selinux", "SELinux", "the mode could not be read")
    elif mode != "enforcing":
        yield passed("system.selinux", "SELinux", f"SELinux is {mode}")
    else:
        yield trouble(
            "system.selinux",
            Status.WARN,
            "SELinux",
            "SELinux is enforcing: AWS does not support that on external instances",
            cause="selinux.enforcing",
            remedy=_for_selinux(host),
        )


def _for_selinux(host: Host) -> Remedy:
    """Debian and its kin have no package container-selinux: their policy has the types of containers."""
    known = family(host)
    rpm = known is not None and known.manager != "apt"
    text = (
        "Set ECS_SELINUX_CAPABLE=true and ECS_AGENT_PID_NAMESPACE_HOST=true in /etc/ecs/ecs.config, restart ecs, and watch for "
        "denials of the agent (ausearch -m avc); label the folder that they name."
    )
    packages = install(host, "container-selinux") if rpm else ()
    return remedy(host, ("Install container-selinux. " if packages else "") + text, *packages)


CHECKS: tuple[Check, ...] = (cgroup_check, selinux_check)
