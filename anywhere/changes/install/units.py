"""Units as steps: enabled and running, or only as far as that is wanted."""

from __future__ import annotations

from anywhere.changes.base import Command, Step
from anywhere.facts.system.units import Unit

_START = 'systemctl daemon-reload; systemctl unmask --quiet "$1" 2>/dev/null; systemctl enable --quiet "$1" && systemctl reset-failed --quiet "$1" 2>/dev/null; systemctl start "$1"'
_STOP = 'systemctl disable --quiet --now "$1" 2>/dev/null; systemctl reset-failed "$1" 2>/dev/null; true'
_SETTLE = 'systemctl daemon-reload; systemctl enable --quiet "$1" && { systemctl stop "$1" 2>/dev/null; true; }'


def start_step(name: str, unit: Unit | None, why: str, *, start: bool = True, seconds: float = 120.0) -> tuple[Step, ...]:
    """Enable and start a unit; none where it is so. With `start` False it is enabled and does not run."""
    if unit and unit.is_enabled and unit.is_running is (True if start else False):
        return ()
    script = _START if start else _SETTLE
    shown = ("systemctl", "enable", *(("--now",) if start else ()), name)
    undo = () if unit and unit.is_enabled and unit.is_running else (Command(("sh", "-c", _STOP, "stop", name), timeout=60),)
    title = f"enable {'and start ' if start else ''}{name}: {why}"
    return (Step(f"unit:{name}", title, Command(("sh", "-c", script, "start", name), timeout=seconds, shown=shown), undo),)


def restart_step(name: str, why: str, seconds: float = 120.0) -> Step:
    """Restart a unit that runs with what was true before."""
    return Step(f"restart:{name}", f"restart {name}: {why}", Command(("systemctl", "restart", name), timeout=seconds))
