"""The maintainer scripts of deb and rpm: what they ask systemd to do, for every argument that dpkg and rpm call them with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "packaging/scripts"
UNITS = ("anywhere-watch.timer", "anywhere-rules-guard.service", "anywhere-rules-restore.service")
GUARD = UNITS[1]
pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

_RUN = """
set -e
mount -t tmpfs tmpfs /run
[ -z "$BOOTED" ] || mkdir -p /run/systemd/system
mount -t tmpfs tmpfs /etc/systemd/system
mount -t tmpfs tmpfs /var/lib
mkdir /var/lib/anywhere-watch /var/lib/anywhere
mkdir -p /etc/systemd/system/multi-user.target.wants
touch /etc/systemd/system/multi-user.target.wants/{guard} /etc/systemd/system/multi-user.target.wants/other.service
PATH=$STUBS:$PATH "$@"
ls /etc/systemd/system/multi-user.target.wants /var/lib
"""


def run(tmp_path: Path, script: str, *arguments: str, booted: bool = True, works: bool = True) -> tuple[list[str], str]:
    """The calls of systemctl, and the units that are still enabled."""
    calls = tmp_path / "calls"
    calls.touch()
    stub = tmp_path / "systemctl"
    stub.write_text(f'#!/bin/sh\necho "$*" >>{calls}\n{"exit 0" if works else "echo no bus >&2; exit 1"}\n')
    stub.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "STUBS": str(tmp_path), "BOOTED": "1" if booted else ""}
    argv = ["unshare", "--mount", "sh", "-c", _RUN.format(guard=GUARD), "sh", str(SCRIPTS / script), *arguments]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return calls.read_text().splitlines(), done.stdout


@pytest.mark.parametrize("arguments", [("configure",), ("configure", ""), ("1",)])
def test_installation_enables_and_starts_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(tmp_path, "postinstall.sh", *arguments)[0] == ["daemon-reload"]


@pytest.mark.parametrize("arguments", [("configure", "0.0.9-1"), ("2",)])
def test_an_upgrade_restarts_a_guard_that_runs(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(tmp_path, "postinstall.sh", *arguments)[0] == ["daemon-reload", f"try-restart {GUARD}"]


@pytest.mark.parametrize("argument", ["remove", "0"])
@pytest.mark.parametrize("booted", [True, False])
def test_removal_stops_and_disables_only_its_own_services(tmp_path: Path, argument: str, booted: bool) -> None:
    calls, enabled = run(tmp_path, "preremove.sh", argument, booted=booted)
    assert calls == ([f"disable --now {unit}" for unit in UNITS] if booted else [])
    assert [name for name in enabled.split() if name.endswith(".service")] == ["other.service"]


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("preremove.sh", ("upgrade", "0.2.0-1")),
        ("preremove.sh", ("failed-upgrade", "0.0.9-1")),
        ("preremove.sh", ("1",)),
        ("postremove.sh", ("upgrade", "0.2.0-1")),
        ("postremove.sh", ("abort-install",)),
        ("postremove.sh", ("1",)),
        ("postinstall.sh", ("abort-upgrade", "0.2.0-1")),
        ("postinstall.sh", ("triggered", "x")),
        ("preremove.sh", ()),
    ],
)
def test_upgrades_and_their_failures_change_no_service(tmp_path: Path, script: str, arguments: tuple[str, ...]) -> None:
    calls, enabled = run(tmp_path, script, *arguments)
    assert calls == []
    assert GUARD in enabled


@pytest.mark.parametrize(("argument", "left"), [("remove", True), ("0", True), ("purge", False)])
def test_only_a_purge_removes_what_the_services_kept(tmp_path: Path, argument: str, left: bool) -> None:
    names = run(tmp_path, "postremove.sh", argument)[1].split()
    assert ("anywhere-watch" in names) is left
    assert "anywhere" in names  # the journals: without them nothing could revert


def test_every_unit_that_can_be_enabled_is_disabled_on_removal() -> None:
    folder = SCRIPTS.parent / "systemd"
    assert {path.name for path in folder.iterdir() if "[Install]" in path.read_text()} == set(UNITS)


@pytest.mark.parametrize("script", ["postinstall.sh configure", "preremove.sh remove", "postremove.sh purge"])
@pytest.mark.parametrize("again", [1, 2])
def test_a_systemd_that_does_not_answer_fails_no_script(tmp_path: Path, script: str, again: int) -> None:
    for _ in range(again):
        run(tmp_path, *script.split(), works=False)
