"""Taking an instance apart as steps: stop, forget, clean. Each is harmless when it has nothing to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from anywhere.catalogue.distros import judge_release
from anywhere.changes.base import Command, Step
from anywhere.changes.install.packages import LOCK_WAIT, SCRIPT
from anywhere.changes.leave.note import Note, note_step
from anywhere.changes.leave.paths import (
    ECS_CONFIG,
    ECS_FOLDERS,
    ECS_STATE,
    LOGS,
    PARENTS,
    REGISTRATION,
    SSM_FOLDERS,
    own_folders,
    there,
)
from anywhere.changes.script import run_script
from anywhere.changes.update.plan import KEPT
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.credentials import CREDENTIALS
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.units import ECS
from anywhere.hosts.base import Host

ECS_PACKAGES, SSM_PACKAGE = ("amazon-ecs-init", "ecs-init"), "amazon-ssm-agent"
PACKAGES = (*ECS_PACKAGES, SSM_PACKAGE)
_FOLDER = Path(__file__).parent
STUCK = "it could not be removed completely"  # the reason of clean.sh that nobody wants


def script(name: str, *words: str) -> tuple[str, ...]:
    """The argv of a script of this folder."""
    return run_script(_FOLDER / f"{name}.sh", *words)


def stop_plan(host: Host, note: Note, disable: bool = False) -> tuple[Step, ...]:
    """Write down who it is, stop both agents, take away the agent's container and ecs-init's rules."""
    return tuple(_stop(host, note, disable))


def _stop(host: Host, note: Note, disable: bool) -> Iterator[Step]:
    yield from note_step(host, note)
    here = agents(host)
    units = [ECS, *(unit.name for unit in (here.ssm, here.ssm_snap) if unit.exists)]
    yield Step("halt", f"stop {' and '.join(units)}", Command(script("halt", *units), timeout=240))
    if disable:
        names = [unit.name for unit in (here.ecs, here.ssm, here.ssm_snap) if unit.exists and unit.is_enabled]
        if names:
            said = f"do not start {' and '.join(names)} at boot: there is no registration"
            yield Step("disable", said, Command(("systemctl", "disable", "--quiet", *names)))
    yield Step("container", "remove the agent's container and images", Command(script("container"), timeout=300))
    yield Step("ecs-rules", "remove the packet filter rules that ecs-init made", Command(script("rules"), timeout=60))


def clean_plan(host: Host, note: Note) -> tuple[Step, ...]:
    """After `deregister`: packages, then all that the agents have written; the registration goes last, since it says who
    this was."""
    return tuple(_clean(host, note))


def _clean(host: Host, note: Note) -> Iterator[Step]:
    installed = [name for name in note.packages if name in agents(host).installed]
    if installed:
        family = judge_release(os_release(host)).family
        manager = family.manager if family else ""
        argv = ("sh", "-c", SCRIPT, "packages", "remove", manager, str(LOCK_WAIT), *installed)
        yield Step("packages", f"remove {' and '.join(installed)}", Command(argv, timeout=420))
    if note.packages:
        yield Step("purge", "forget the packages' settings", Command(script("purge", *note.packages)))
    folders = [*agents_folders(host, note), KEPT]
    if not note.recorded and set(ECS_PACKAGES) & set(note.packages):
        folders.insert(0, ECS_CONFIG)
    yield from _keys(host)
    if here := there(host, folders):
        yield clean_step(here)


def _keys(host: Host) -> Iterator[Step]:
    path = agents(host).registration.share_file or CREDENTIALS
    if there(host, (path,)):
        yield Step(f"keys:{path}", f"take the SSM agent's keys out of {path}", Command(script("keys", path)))


def clean_step(paths: Sequence[str]) -> Step:
    """Remove folders and files, following no link and no mount."""
    shown = ("rm", "-rf", "--one-file-system", *paths)
    do = Command(script("clean", *paths), timeout=300, shown=shown)
    return Step("clean", f"remove {', '.join(paths)}", do)


def parents_command() -> tuple[str, ...]:
    """Removes the folders above the agents' own where they are empty now."""
    return script("parents", *PARENTS, "/etc/ecs")


def reset_plan(host: Host, *, logs: bool = False) -> tuple[Step, ...]:
    """After `reset`: the registration, the saved state and the keys go, packages and settings stay."""
    paths = (*_state(host), *(there(host, LOGS) if logs else ()))
    return (*_keys(host), *((clean_step(paths),) if paths else ()))


def agents_folders(host: Host, note: Note) -> tuple[str, ...]:
    """The folders that go with the instance. Of an SSM agent that was there before the registration, and stays, these are
    the registration's alone: its settings and logs are somebody's."""
    ssm = SSM_FOLDERS if SSM_PACKAGE in note.packages else (*REGISTRATION, *own_folders(host))
    return (*ECS_FOLDERS, *ssm)


def _state(host: Host) -> tuple[str, ...]:
    return there(host, (ECS_STATE, *own_folders(host), *REGISTRATION))


def left_command(host: Host, note: Note, state_alone: bool) -> tuple[str, ...]:
    """Says what of the agents' folders, or of their registration and state alone, is left and why; removes what can still
    go."""
    return script("clean", *(_state(host) if state_alone else there(host, agents_folders(host, note))))
