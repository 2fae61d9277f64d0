"""Whether a time service keeps the clock right."""

from __future__ import annotations

import re
from collections.abc import Mapping

from anywhere.facts.files import Access, read_text
from anywhere.facts.system.units import TIME_SERVICES, Unit, asked_systemd, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

CHRONY = ("chronyc", "-n", "tracking")
NTPQ = ("ntpq", "-c", "rv 0 leap")
TIMEDATECTL = ("timedatectl",)
TIMESYNCD = "/run/systemd/timesync/synchronized"

COMMANDS: tuple[tuple[str, ...], ...] = (CHRONY, NTPQ, TIMEDATECTL)
FILES: tuple[str, ...] = (TIMESYNCD,)
FOLDERS: tuple[str, ...] = ()


@frozen
class TimeSync:
    """`synchronised` is None where nothing tells; `service` is the running time service's unit, `said_by` who reported it."""

    synchronised: bool | None = None
    service: str = ""
    said_by: str = ""


def time_sync(host: Host) -> TimeSync:
    """Ask the service that runs, then the kernel through timedatectl, which alone costs a started daemon."""
    found = units(host)
    service = running_service(found)
    for said_by, ask in _ANSWERS:
        synchronised = ask(host, found)
        if synchronised is not None:
            return TimeSync(synchronised, service, said_by)
    return TimeSync(None, service)


def running_service(found: Mapping[str, Unit]) -> str:
    """The time service that is active; empty where none is, or systemd cannot be asked."""
    if not asked_systemd(found):
        return ""
    return next((name for name in TIME_SERVICES if found[name].is_running), "")


def parse_chrony(text: str) -> bool | None:
    """`chronyc tracking`; None for other text (no chronyd to talk to).

    ```
    Reference ID    : 0A2F0001 (ntp1)
    Stratum         : 3
    Leap status     : Normal
    ```
    The reference 7F7F0101 is chronyd's own clock (`local`, chrony.conf(5)): nobody's time.
    """
    leap = re.search(r"^Leap status\s*:\s*(.+)$", text, re.M)
    is_own = re.search(r"^Reference ID\s*:\s*7F7F0101\b", text, re.M)
    return None if not leap else not is_own and leap[1].strip().lower() != "not synchronised"


def parse_ntpq(text: str) -> bool | None:
    """`ntpq -c "rv 0 leap"`: 11 is the alarm that a clock not yet set raises; None for other text."""
    leap = re.search(r"\bleap=(\d\d)\b", text)
    return None if not leap else leap[1] != "11"


def parse_timedatectl(text: str) -> bool | None:
    """The kernel's flag as timedatectl prints it, in both of its wordings; None for other text.

    ```
    System clock synchronized: yes
    NTP synchronized: no
    ```
    """
    said = re.search(r"^\s*(?:System clock|NTP) synchronized:\s*(yes|no)\s*$", text, re.M)
    return None if not said else said[1] == "yes"


def _timesyncd(host: Host, found: Mapping[str, Unit]) -> bool | None:
    """systemd-timesyncd touches the file at its first answer since boot; old versions do not have it."""
    if not found["systemd-timesyncd.service"].is_running:
        return None
    return True if read_text(host, TIMESYNCD).access is Access.READ else None


def _chrony(host: Host, _: Mapping[str, Unit]) -> bool | None:
    return parse_chrony(host.run(CHRONY, timeout=3).stdout)


def _ntpq(host: Host, _: Mapping[str, Unit]) -> bool | None:
    return parse_ntpq(host.run(NTPQ, timeout=3).stdout)


def _timedatectl(host: Host, _: Mapping[str, Unit]) -> bool | None:
    return parse_timedatectl(host.run(TIMEDATECTL, timeout=5).stdout)


_ANSWERS = (
    ("chronyc", _chrony),
    ("ntpq", _ntpq),
    ("systemd-timesyncd", _timesyncd),
    ("timedatectl", _timedatectl),
)
