"""The update of the agents as steps; each undo puts the kept package back and starts what was there before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from anywhere.changes.base import Command, Step
from anywhere.changes.install.packages import LOCK_WAIT, SCRIPT, LocalPackage, install_shown
from anywhere.changes.journal import FOLDER
from anywhere.changes.script import run_script
from anywhere.facts.agents.agents import Agents, agents
from anywhere.facts.system.units import ECS
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

JOURNAL = "update"
KEPT = f"{FOLDER}/packages"
SECONDS = 900.0
_FOLDER = Path(__file__).parent
ECS_PACKAGE, SSM_PACKAGE = "amazon-ecs-init", "amazon-ssm-agent"


@frozen
class Newer:
    """A verified package on the host, its version, the version before, and the file that leads back."""

    package: LocalPackage
    version: str
    before: str
    kept: str


def kept_file(package: str, version: str, kind: str) -> str:
    """Where the package of a version is kept on the host."""
    return f"{KEPT}/{package}_{version.replace(':', '_').replace('/', '_')}.{kind}"


def update_plan(host: Host, manager: str, newer: Sequence[Newer], unfinished: bool = False) -> tuple[Step, ...]:
    """The steps; none where every package has its new version, and no earlier run was cut off before its restart."""
    here = agents(host)
    todo = [one for one in newer if here.installed.get(one.package.package, ("", ""))[0] != one.version]
    if not todo:
        return (_restart([_unit(here, one.package.package) for one in newer]),) if unfinished else ()
    return tuple(_steps(here, manager, todo))


def _steps(here: Agents, manager: str, todo: Sequence[Newer]) -> Iterator[Step]:
    units = [_unit(here, one.package.package) for one in todo]
    # Undone last: what runs afterwards is what was put back.
    back = Command(("systemctl", "restart", *units), timeout=240)
    yield Step(
        "resume",
        f"record that {' and '.join(units)} has to be restarted when this is undone",
        Command(("true",)),
        (back,),
        back=f"restart {' and '.join(units)}",
    )
    for one in todo:
        name = one.package.package
        if manager == "apt" and one.before:
            said = f"keep {name} {one.before} as {one.kept}"
            yield Step(f"keep:{name}", said, Command(run_script(_FOLDER / "keep.sh", name, one.kept), timeout=300))
        title = f"update {name} {one.before} -> {one.version}, {one.package.vouched}"
        shown = install_shown(manager, (one.package.staged,))
        do = Command(_packages("install", manager, one.package.staged), timeout=SECONDS, shown=shown)
        yield Step(
            f"update:{name}",
            title,
            do,
            (Command(_packages("back", manager, one.kept), timeout=SECONDS),),
            KEPT,
            f"install {name} {one.before} again",
        )
    yield _restart(units)


def _restart(units: Sequence[str]) -> Step:
    return Step("restart", f"restart {' and '.join(units)}", Command(("systemctl", "restart", *units), timeout=240))


def _unit(here: Agents, package: str) -> str:
    return ECS if package == ECS_PACKAGE else here.ssm_unit.name


def _packages(action: str, manager: str, path: str) -> tuple[str, ...]:
    return ("sh", "-c", SCRIPT, "packages", action, manager, str(LOCK_WAIT), path)
