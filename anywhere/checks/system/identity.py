"""What AWS knows the host by: its machine-id, and a clock that its signatures can be checked with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.remedies import family, install, remedy
from anywhere.facts.logs.jumps import Jump, jumps_back
from anywhere.facts.system.machine import is_container, machine_id, today
from anywhere.facts.system.time_sync import TimeSync, time_sync
from anywhere.facts.system.units import TIME_SERVICES, asked_systemd, units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

SEVERAL = 2  # steps back: one is a correction


@check("system.machine-id")
def machine_id_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found = machine_id(host)
    if found.state == "unreadable":
        yield skipped("system.machine-id", "/etc/machine-id", "/etc/machine-id may not be read")
    elif found.state == "ok" and not found.volatile:
        yield passed("system.machine-id", "/etc/machine-id", "the machine-id is set and kept", digest=found.digest)
    else:
        what = f"lies in memory ({found.volatile})" if found.state == "ok" else f"is {found.state}"
        commit = ("--commit",) if found.state == "ok" else ()
        yield trouble(
            "system.machine-id",
            Status.WARN,
            "/etc/machine-id",
            f"/etc/machine-id {what}: after a reboot AWS treats this host as another one",
            cause="identity.volatile",
            remedy=remedy(
                host,
                "Write a machine-id to the disk before registering; on a read-only root, keep that file on a disk.",
                ("systemd-machine-id-setup", *commit),
            ),
            evidence={"state": found.state, "volatile": found.volatile},
        )


@check("system.time-sync")
def time_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found = time_sync(host)
    if len(jumps := jumps_back(host)) >= SEVERAL:
        yield _jumping(host, found, jumps)
    elif is_container(host):
        yield skipped("system.time-sync", "clock", "the clock belongs to the machine below this one")
    elif found.synchronised is None:
        yield skipped("system.time-sync", "clock", "no time service and no timedatectl could be asked")
    elif found.synchronised:
        by = found.service or found.said_by
        yield passed("system.time-sync", by, f"the clock is kept by {by}", said_by=found.said_by)
    else:
        running = f"{found.service} runs, but has not set the clock" if found.service else "no time service runs"
        yield trouble(
            "system.time-sync",
            Status.WARN,
            found.service or "clock",
            f"{running}: the clock will drift, and AWS refuses requests that are 5 minutes off",
            cause="clock.unsynchronised",
            remedy=_time_remedy(host, found),
            evidence={"service": found.service, "said_by": found.said_by},
        )


def _jumping(host: Host, found: TimeSync, jumps: Sequence[Jump]) -> Finding:
    """Two sources set the clock in turn, or the virtual machine is stopped and goes on."""
    services = [units(host)[name] for name in TIME_SERVICES]
    running = list(
        {one.pid or one.name: one.name for one in services if one.is_running}.values()
    )  # aliases share a process
    last = jumps[-1]
    when = f"{today(last.at, clock=True)}Z"
    said = f"the clock of this host was set back {len(jumps)} times, last by {last.seconds:.0f} s at {when}"
    who = f"; {' and '.join(running)} both set it" if len(running) > 1 else ""
    others = running[1:] if len(running) > 1 else []
    text = (
        "Let one source alone set the clock: one time service, with the time synchronization of the hypervisor's guest tools "
        "off (VMware Tools: `vmware-toolbox-cmd timesync disable`; Hyper-V: the integration service). Then restart the agents."
    )
    return trouble(
        "system.time-sync",
        Status.WARN,
        "clock",
        f"{said}{who}: AWS refuses what is signed while it is wrong",
        cause="clock.unsynchronised",
        remedy=remedy(host, text, *(("systemctl", "disable", "--now", name) for name in others)),
        evidence={"jumps": [round(one.seconds) for one in jumps], "services": running, "said_by": found.said_by},
    )


def _time_remedy(host: Host, found: TimeSync) -> Remedy:
    if found.service:
        return Remedy(
            f"Point {found.service} to time servers that this network reaches (UDP port 123); many sites run some."
        )
    services = units(host)
    idle = next((name for name in TIME_SERVICES if asked_systemd(services) and services[name].exists), "")
    text = "Run a time service; give it this site's own time servers where UDP port 123 to the internet is closed."
    if idle:
        return remedy(host, text, ("systemctl", "enable", "--now", idle))
    known = family(host)
    unit = "chrony" if known and known.manager == "apt" else "chronyd"
    start = (("systemctl", "enable", "--now", unit),) if known else ()
    return remedy(host, text, *install(host, "chrony"), *start)


CHECKS: tuple[Check, ...] = (machine_id_check, time_check)
