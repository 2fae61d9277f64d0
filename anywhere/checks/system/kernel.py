"""The kernel: limits that are used up, modules that it cannot load, and what it did to the agents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.remedies import Command, find_sysctl, line_out, remedy, sysctl_at_boot
from anywhere.facts.agents.agents import is_bare, ssm_service
from anywhere.facts.agents.docker import docker
from anywhere.facts.kernel.limits import (
    Commit,
    Complaint,
    Use,
    commit,
    inotify_complaint,
    inotify_use,
    uses,
    without_namespaces,
)
from anywhere.facts.kernel.log import LATELY, Exceeded, Said, audited, denials, exceeded, kills, lines
from anywhere.facts.kernel.modules import forbidden, other_kernels
from anywhere.facts.kernel.raised import raised_since
from anywhere.facts.system.machine import kernel_version
from anywhere.facts.system.units import units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

LIMITS, MODULES, LOG = "system.kernel-limits", "system.kernel-modules", "system.kernel-log"
LIMIT, GONE, MEMORY, DENIED = "kernel.limit", "kernel.modules-gone", "memory.low", "kernel.denied"
USED_UP, NEAR = 0.98, 0.90  # shares: the kernel frees some by itself, so the very last ones are seldom seen
NAMESPACES_USUAL = 15000  # near what the kernel itself sets with 4 GiB of memory: half of its threads-max
OVERCOMMIT, MIB = "vm.overcommit_memory", 2**20
# What one containerd-shim reserves (VmData of containerd 1.6's, measured: 128 MiB); each container has one.
LEAST_COMMIT = 128 * MIB
LEAST_INSTANCES = 1024  # what most container platforms ask for; the kernel's own default is 128


@check(LIMITS)
def limits_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    known = tuple(uses(host))
    full = [one for one in known if one.share >= NEAR]
    complaint = None if is_bare(host) else inotify_complaint(host)
    if complaint:
        yield _inotify(host, complaint, inotify_use(host, complaint.kind))
    for one in full:
        yield _full(host, one)
    barred = without_namespaces(host)
    for setting in barred:
        yield _no_namespaces(host, setting)
    reserved = commit(host)
    if reserved and reserved.most - reserved.reserved < LEAST_COMMIT:
        yield _committed(host, reserved)
    elif not full and not complaint and not barred:
        looked = ", ".join(one.what for one in known) or "none can be read"
        yield passed(LIMITS, "kernel limits", f"none is used up ({looked})")


def _full(host: Host, one: Use) -> Finding:
    used_up = one.share >= USED_UP
    return trouble(
        LIMITS,
        Status.FAIL if used_up else Status.WARN,
        one.setting,
        f"{one.what}: {one.used} of {one.most} are in use ({one.setting})"
        + (": new ones fail for the agents and for tasks" if used_up else ""),
        cause=LIMIT,
        remedy=remedy(
            host,
            "Raise the limit, now and at boot, and find out what uses it up.",
            ("sysctl", "-w", f"{one.setting}={_more(one.most)}"),
            *_at_boot(host, one.setting, _more(one.most)),
        ),
        evidence={"used": one.used, "most": one.most},
    )


def _no_namespaces(host: Host, setting: str) -> Finding:
    kind = setting.partition("max_")[2].partition("_")[0]
    return trouble(
        LIMITS,
        Status.FAIL,
        setting,
        f"{setting} is 0: the kernel makes no {kind} namespace, and docker starts no container",
        cause=LIMIT,
        remedy=remedy(
            host,
            "Allow namespaces, now and at boot, and take the line out of the file in /etc/sysctl.d that sets it to 0.",
            ("sysctl", "-w", f"{setting}={NAMESPACES_USUAL}"),
            *_at_boot(host, setting, NAMESPACES_USUAL),
            look=(find_sysctl(setting),),
        ),
        evidence={"setting": setting},
    )


def _committed(host: Host, found: Commit) -> Finding:
    return trouble(
        LIMITS,
        Status.FAIL,
        OVERCOMMIT,
        f"{OVERCOMMIT} is 2, and {found.reserved // MIB} of {found.most // MIB} MiB are reserved: the agents get no memory",
        cause=LIMIT,
        remedy=remedy(
            host,
            "Let the kernel hand out memory by its own estimate (0, its default). Where the site wants 2, raise "
            "vm.overcommit_ratio instead, or add swap.",
            ("sysctl", "-w", f"{OVERCOMMIT}=0"),
            *_at_boot(host, OVERCOMMIT, 0),
            look=(find_sysctl(OVERCOMMIT),),
        ),
        evidence={"reserved": found.reserved, "most": found.most},
    )


def _more(most: int) -> int:
    """Four times as much, and what the kernel can hold (pid_max ends at 2^22)."""
    return min(max(4 * most, LEAST_INSTANCES), 1 << 22) if most < 1 << 21 else 2 * most


def _at_boot(host: Host, setting: str, value: int) -> tuple[Command, ...]:
    return sysctl_at_boot(host, setting, value, "limits")


def _inotify(host: Host, complaint: Complaint, use: Use) -> Finding:
    value = max(8192 if complaint.kind == "instances" else 524288, 2 * use.most)
    counted = f"{use.used} in use now of {use.most}" if complaint.kind == "instances" else f"the most is {use.most}"
    return trouble(
        LIMITS,
        Status.FAIL,
        use.setting,
        f"inotify {complaint.kind} are used up ({use.setting}: {counted}): an agent cannot watch {complaint.path}",
        cause=LIMIT,
        remedy=remedy(
            host,
            "Raise the limit, now and at boot, then restart the agent.",
            ("sysctl", "-w", f"{use.setting}={value}"),
            *_at_boot(host, use.setting, value),
            ("systemctl", "restart", ssm_service(host) if "ssm" in complaint.path else "ecs"),
        ),
        evidence={"line": complaint.line, "used": use.used, "most": use.most},
    )


@check(MODULES)
def modules_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    running, others = kernel_version(host), other_kernels(host)
    runs = docker(host).state == "answers"
    barred = [] if runs else list(forbidden(host))
    if others:
        status = Status.WARN if runs else Status.FAIL
        yield trouble(
            MODULES,
            status,
            running,
            f"the modules of the running kernel {running} are gone from /lib/modules, which holds those of "
            f"{', '.join(others[:3])}: "
            + (
                "what docker has not loaded yet it cannot load"
                if runs
                else "docker can load nothing, a start fails again"
            ),
            cause=GONE,
            remedy=remedy(
                host, "Reboot into the installed kernel. Until then no start of docker helps.", ("systemctl", "reboot")
            ),
            evidence={"running": running, "installed": list(others)},
        )
    if barred:
        yield trouble(
            MODULES,
            Status.FAIL,
            barred[0].module,
            f"modprobe is configured to load nothing for {', '.join(one.module for one in barred)}, which docker needs: "
            f"{', '.join(one.place for one in barred)}",
            cause=GONE,
            remedy=remedy(
                host,
                "Take these lines out, then start docker.",
                *(line_out(one.place) for one in barred),
                ("systemctl", "start", "docker"),
            ),
        )
    if not others and not barred:
        yield passed(MODULES, running, "nothing keeps the running kernel from loading what docker needs")


@check(LOG)
def log_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    rows = lines(host)
    if rows is None:
        yield skipped(LOG, "kernel log", "the kernel's log cannot be read")
        return
    killed, denied = _last(kills(rows)), _last((*denials(rows), *_audited(host)))
    inventory = host.inventory()
    uptime = inventory.now - inventory.boot_time if inventory.boot_time else -1.0
    over = tuple(one for one in exceeded(rows, uptime) if not raised_since(host, one))
    for one in over:
        yield _exceeded(host, one)
    for said in killed:
        yield _killed(host, said)
    for said in denied:
        yield _denied(host, said)
    if not killed and not denied and not over:
        said_ = (
            "the kernel killed nothing of the agents and denied them nothing"
            if rows
            else "holds nothing about the agents"
        )
        yield passed(LOG, "kernel log", said_)


def _audited(host: Host) -> Iterator[Said]:
    """What auditd wrote of processes of ours: since the boot where their service is down, else within the last hour."""
    since = host.inventory().now - LATELY
    for when, row in audited(host):
        yield from (said for said in denials((row,)) if when >= since or _status(host, said) is Status.FAIL)


def _exceeded(host: Host, one: Exceeded) -> Finding:
    most = next((use.most for use in uses(host) if use.setting == one.setting), 0)
    raise_it: tuple[tuple[str, ...], ...] = ()
    if one.unit:
        raise_it = (("systemctl", "set-property", one.unit, "TasksMax=infinity"),)
    elif most:
        raise_it = (("sysctl", "-w", f"{one.setting}={_more(most)}"), *_at_boot(host, one.setting, _more(most)))
    return trouble(
        LOG,
        Status.FAIL if one.unit else Status.WARN,
        one.setting or one.unit,
        one.says,
        cause=LIMIT,
        remedy=remedy(
            host, "Raise the limit, now and at boot, and find out what uses it up.", *raise_it, look=(("dmesg",),)
        ),
        evidence={"line": one.line, "most": most},
    )


def _last(found: Iterable[Said]) -> tuple[Said, ...]:
    """The last line about each process."""
    return tuple({one.name: one for one in found}.values())


def _status(host: Host, said: Said) -> Status:
    """A failure only while what was hit does not run."""
    return Status.WARN if units(host)[said.unit].active in ("active", "reloading") else Status.FAIL


def _killed(host: Host, said: Said) -> Finding:
    return trouble(
        LOG,
        _status(host, said),
        said.name,
        f"the kernel killed {said.name} for want of memory",
        cause=MEMORY,
        remedy=remedy(
            host,
            "Give the machine more memory, or tasks less: hard limits in the task definitions, and ECS_RESERVED_MEMORY in "
            "/etc/ecs/ecs.config for what the host itself needs.",
            ("systemctl", "restart", said.unit),
        ),
        evidence={"line": said.line},
    )


def _denied(host: Host, said: Said) -> Finding:
    selinux = "avc:" in said.line
    text = (
        "Have SELinux's policy allow it: `ausearch -m avc -ts boot | audit2allow -M anywhere-agents` makes a module of it."
        if selinux
        else "Have the AppArmor profile allow it, or put it into complain mode, then restart the service."
    )
    return trouble(
        LOG,
        _status(host, said),
        said.name,
        f"{'SELinux' if selinux else 'AppArmor'} denies something to {said.name}",
        cause=DENIED,
        remedy=remedy(host, text, ("systemctl", "restart", said.unit), look=(("dmesg",),)),
        evidence={"line": said.line},
    )


CHECKS: tuple[Check, ...] = (limits_check, modules_check, log_check)
