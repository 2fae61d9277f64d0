"""Why systemd does not run a unit, and what makes it run: for each of the daemons."""

from __future__ import annotations

from anywhere.catalogue.daemon_lines.base import RELOAD
from anywhere.checks.remedies import Command
from anywhere.facts.files import read_text
from anywhere.facts.system.halted import Condition, Missing, Waiting, missing_needs, unmet_conditions, waits_for
from anywhere.facts.system.quoting import parse_section
from anywhere.facts.system.units import Unit, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import EDIT


@frozen
class Halt:
    """Why a unit does not run. `says` and `fix` are sentences, `commands` do what `fix` says. `start` is whether a start
    succeeds after them; where it would fail or hang, no start is offered. `cause` is a cause code (empty: the usual one)."""

    says: str
    fix: str
    commands: tuple[Command, ...] = ()
    start: bool = False
    cause: str = ""


def halted(host: Host, unit: Unit) -> Halt | None:
    """What keeps systemd from running a unit; None where it was only stopped, or its program exits by itself."""
    if unit.masked:
        return Halt(
            f"{unit.name} is masked, so nothing can start it", "Unmask it, then start it.", (_unmask(unit.name),), True
        )
    if doubled := _second_start(host, unit):
        path, number = doubled
        says = f"{path}:{number} adds an ExecStart= to {unit.name}, and a unit has one: systemd refuses the unit"
        fix = "An empty `ExecStart=` line before it takes the first one back."
        return Halt(says, fix, ((*EDIT, f"{number}i ExecStart=", path), RELOAD), True)
    if unit.load in ("bad-setting", "error"):
        says = (
            f"systemd cannot read the files of {unit.name} ({unit.load}): {', '.join((unit.fragment, *unit.drop_ins))}"
        )
        return Halt(says, f"`systemd-analyze verify {unit.name}` names the line: correct it, then reload systemd.")
    if waiting := waits_for(host, unit):
        return _waiting(unit, waiting)
    if unmet := unmet_conditions(host, unit):
        return _unmet(unit, unmet)
    if missing := missing_needs(host, unit, units(host)):
        return _missing(unit, missing)
    return None


def held_later(host: Host, unit: Unit) -> Halt | None:
    """What will keep a running unit from starting at the next boot or restart: the unit, or one that it requires, is masked
    or missing. None where nothing is known."""
    if unit.masked:
        says = f"{unit.name} is masked, so nothing starts it after a reboot"
        return Halt(
            says, "Unmask it, and have it start at boot.", (_unmask(unit.name), ("systemctl", "enable", unit.name))
        )
    if missing := missing_needs(host, unit, units(host)):
        halt = _missing(unit, missing)
        return Halt(f"{halt.says}, so it does not start again", halt.fix, halt.commands)
    return None


def _unmask(name: str) -> Command:
    return ("systemctl", "unmask", name)


def _second_start(host: Host, unit: Unit) -> tuple[str, int] | None:
    """The line that makes a second ExecStart= of a unit that may have one."""
    if unit.load != "bad-setting" and unit.is_running:
        return None
    count, kind = 0, "simple"
    place: tuple[str, int] | None = None
    for path in filter(None, (unit.fragment, *unit.drop_ins)):
        for number, key, value in parse_section(read_text(host, path).content, "[Service]"):
            kind = value if key == "Type" else kind
            if key == "ExecStart":
                count = count + 1 if value else 0
                place = (path, number) if count > 1 else None if count == 0 else place
    return place if kind != "oneshot" and count > 1 else None


def _waiting(unit: Unit, waiting: Waiting) -> Halt:
    what = f" ({waiting.description})" if waiting.description else ""
    since = f" since {waiting.since}" if waiting.since else ""
    between = f" by way of {', '.join(waiting.through)}" if waiting.through else ""
    says = (
        f"the start of {unit.name} is queued behind {waiting.unit}{what}{between}, which is starting{since} and has "
        "not ended; a start by hand would hang too"
    )
    fix = (
        f"See what {waiting.unit} works on (`systemctl status {waiting.unit}`) and let it end. If it hangs, stop it: "
        f"the queued start of {unit.name} then runs by itself. To keep it from happening again, take {waiting.unit} "
        f"out of the After= line of {_ordered_by(unit)}."
    )
    return Halt(says, fix, (("systemctl", "stop", waiting.unit),), False, "unit.waiting")


def _ordered_by(unit: Unit) -> str:
    return ", ".join(unit.drop_ins) or unit.fragment or unit.name


def _unmet(unit: Unit, unmet: tuple[Condition, ...]) -> Halt:
    named = "; ".join(f"{one.line} ({one.place})" for one in unmet)
    says = f"systemd skips {unit.name}, since a condition is not met: {named}"
    fix = (
        "Make the condition true, or take the line out of that file and reload systemd (`systemctl daemon-reload`); "
        "then start "
    )
    return Halt(says, f"{fix}{unit.name}. Until then a start does nothing.")


def _missing(unit: Unit, missing: tuple[Missing, ...]) -> Halt:
    named = ", ".join(f"{one.unit} ({one.why})" for one in missing)
    says = f"{unit.name} requires {named}"
    if all(one.why == "failed" for one in missing):
        start = tuple(("systemctl", "start", one.unit) for one in missing)
        first = missing[0].unit
        fix = f"`systemctl status {first}` says why it failed: put that right, start it, then {unit.name}."
        return Halt(says, fix, start, True)
    masked = tuple(_unmask(one.unit) for one in missing if one.why == "masked")
    if len(masked) == len(missing):
        return Halt(says, "Unmask what is required, then start it.", masked, True)
    return Halt(
        says, f"Install what is missing, or correct the Requires= lines of {_ordered_by(unit)}; then start {unit.name}."
    )
