"""Units as steps: enabled and running, or only as far as that is wanted."""

from __future__ import annotations

from pathlib import Path

from anywhere.changes.base import Command, Step
from anywhere.changes.script import run_script
from anywhere.facts.system.units import Unit

_FOLDER = Path(__file__).parent


def start_step(
    name: str, unit: Unit | None, why: str, *, start: bool = True, seconds: float = 60.0
) -> tuple[Step, ...]:
    """Enable and start a unit; none where it is so. With `start` False it is enabled and does not run."""
    if unit and unit.is_enabled and unit.is_running is start:
        return ()
    shown = ("systemctl", "enable", *(("--now",) if start else ()), name)
    argv = run_script(_FOLDER / ("start.sh" if start else "enable.sh"), name, f"{seconds:.0f}")
    do = Command(argv, timeout=seconds + 30, shown=shown)
    was = bool(unit and unit.is_enabled and unit.is_running)
    undo = () if was else (Command(run_script(_FOLDER / "stop.sh", name), timeout=60),)
    title = f"enable {'and start ' if start else ''}{name}: {why}"
    return (Step(f"unit:{name}", title, do, undo, back=f"stop and disable {name}" if undo else ""),)


def restart_step(name: str, why: str, seconds: float = 120.0) -> Step:
    """Restart a unit that runs with what was true before."""
    return Step(f"restart:{name}", f"restart {name}: {why}", Command(("systemctl", "restart", name), timeout=seconds))
