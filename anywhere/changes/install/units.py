"""Units as steps: enabled and running, or only as far as that is wanted."""

from __future__ import annotations

from pathlib import Path

from anywhere.changes.base import Command, Step
from anywhere.facts.system.units import Unit

_START = Path(__file__).with_name("start.sh").read_text(encoding="utf-8")
_STOP = """systemctl disable --quiet --now "$1" 2>/dev/null
systemctl reset-failed "$1" 2>/dev/null
true
"""
_ENABLE = """systemctl daemon-reload
systemctl enable --quiet "$1" || exit
systemctl stop "$1" 2>/dev/null
true
"""


def start_step(
    name: str, unit: Unit | None, why: str, *, start: bool = True, seconds: float = 60.0
) -> tuple[Step, ...]:
    """Enable and start a unit; none where it is so. With `start` False it is enabled and does not run."""
    if unit and unit.is_enabled and unit.is_running is start:
        return ()
    shown = ("systemctl", "enable", *(("--now",) if start else ()), name)
    argv = ("sh", "-c", _START if start else _ENABLE, "start", name, f"{seconds:.0f}")
    do = Command(argv, timeout=seconds + 30, shown=shown)
    was = bool(unit and unit.is_enabled and unit.is_running)
    undo = () if was else (Command(("sh", "-c", _STOP, "stop", name), timeout=60),)
    return (Step(f"unit:{name}", f"enable {'and start ' if start else ''}{name}: {why}", do, undo),)


def restart_step(name: str, why: str, seconds: float = 120.0) -> Step:
    """Restart a unit that runs with what was true before."""
    return Step(f"restart:{name}", f"restart {name}: {why}", Command(("systemctl", "restart", name), timeout=seconds))
