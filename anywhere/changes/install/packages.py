"""Packages as steps: from files that were verified, or by name from the host's own repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from anywhere.changes.base import Command, Step
from anywhere.changes.script import run_script
from anywhere.frozen import frozen

_FOLDER = Path(__file__).parent
SCRIPT = _FOLDER.joinpath("packages.sh").read_text(encoding="utf-8")
STAGE = "/var/cache/anywhere/packages"  # root's alone: what was verified is what is installed
LOCK_WAIT = 120  # seconds for another package manager, such as unattended upgrades
INSTALL_SECONDS = 900.0


@frozen
class LocalPackage:
    """A verified package: `path` on the machine that runs this program, its digest, and who vouched for it. `path` is
    empty in a dry run, where nothing has been fetched."""

    package: str
    name: str
    path: str = ""
    sha256: str = ""
    vouched: str = ""

    @property
    def staged(self) -> str:
        """Where it lies on the host."""
        return f"{STAGE}/{self.name}"


def package_step(manager: str, package: LocalPackage, installed: Mapping[str, object]) -> tuple[Step, ...]:
    """Install a verified file; nothing where the package is installed already."""
    if package.package in installed:
        return ()
    said = f"install {package.name}" + (f", {package.vouched}" if package.vouched else "")
    shown = install_shown(manager, (package.staged,))
    return (_step(manager, package.package, said, (package.staged,), shown),)


def names_step(manager: str, key: str, title: str, names: Sequence[str]) -> Step:
    """Install packages of the host's repositories by name."""
    return _step(manager, key, title, tuple(names), install_shown(manager, names))


def _step(manager: str, key: str, title: str, what: tuple[str, ...], shown: tuple[str, ...]) -> Step:
    do = Command(
        ("sh", "-c", SCRIPT, "packages", "install", manager, str(LOCK_WAIT), *what),
        timeout=INSTALL_SECONDS,
        shown=shown,
    )
    undo_names = (key,) if what[0].startswith("/") else what
    undo = Command(("sh", "-c", SCRIPT, "packages", "remove", manager, str(LOCK_WAIT), *undo_names), timeout=300)
    return Step(f"package:{key}", title, do, (undo,), back=f"remove {' and '.join(undo_names)}")


def install_shown(manager: str, what: Sequence[str]) -> tuple[str, ...]:
    """What a person would type. A verified file is taken without a second check; what it needs is checked as always."""
    is_file = what[0].startswith("/")
    trusting = ("--setopt=localpkg_gpgcheck=0",) if is_file else ()
    words = {
        "apt": ("apt-get", "install", "-y", "--no-install-recommends"),
        "dnf": ("dnf", "install", "-y", *trusting),
        "yum": ("yum", "install", "-y", *trusting),
        "zypper": ("zypper", "--non-interactive", "install", *(("--allow-unsigned-rpm",) if is_file else ())),
    }
    return (*words[manager], *what)


def stage_command(package: LocalPackage, content: bytes) -> Command:
    """Copy a package to the host, under its name only when its digest is right."""
    return Command(
        run_script(_FOLDER / "stage.sh", STAGE, package.name, package.sha256), content, timeout=INSTALL_SECONDS
    )


def unstage_command() -> Command:
    """Remove the copies."""
    return Command(run_script(_FOLDER / "unstage.sh", STAGE))


def pulled_command(names: Sequence[str]) -> tuple[str, ...]:
    """The command that prints what an installation with apt would bring beside what was asked for."""
    return ("sh", "-c", SCRIPT, "packages", "pulls", "apt", "10", *names)
